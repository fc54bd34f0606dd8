#include "bindings/strings.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <string.h>

#include "bindings/globals.h"
#include "bindings/interrupt.h"
#include "bindings/pattern.h"
#include "bindings/state.h"

/* ---- find, match ---- */

/* Argument 3, a position from 1 or from the end, as an offset: size + 1 and more where it is past
 * the end. */
static size_t offset_of(lua_State *L, int index, size_t size) {
  lua_Integer position = luaL_optinteger(L, index, 1);
  if (position > 0) return (size_t)position - 1;
  if (position == 0 || position < -(lua_Integer)size) return 0;
  return size - (size_t)-position;
}

/* Below this size a search that begins at once is faster than memmem, which prepares itself. */
#define SHORT 1024

static const char *find_plain(const char *subject, size_t size, const char *text,
                              size_t text_size) {
  const char *end = subject + size;
  if (text_size == 0) return subject;
  if (size >= SHORT) return memmem(subject, size, text, text_size);
  while ((size_t)(end - subject) >= text_size) {
    subject = memchr(subject, *text, (size_t)(end - subject) - (text_size - 1));
    if (subject == NULL || memcmp(subject, text, text_size) == 0) return subject;
    subject++;
  }
  return NULL;
}

static int push_range(lua_State *L, const char *subject, const char *begin, const char *end) {
  lua_pushinteger(L, begin - subject + 1);
  lua_pushinteger(L, end - subject);
  return 2;
}

static int search(lua_State *L, bool finds) {
  size_t size, text_size;
  const char *subject = luaL_checklstring(L, 1, &size);
  const char *text = luaL_checklstring(L, 2, &text_size);
  size_t offset = offset_of(L, 3, size);
  if (offset > size) {
    luaL_pushfail(L);
    return 1;
  }
  const char *begin = subject + offset;
  if (finds && (lua_toboolean(L, 4) || th_pattern_is_plain(text, text_size))) {
    begin = find_plain(begin, size - offset, text, text_size);
    if (begin != NULL) return push_range(L, subject, begin, begin + text_size);
  } else {
    struct th_pattern pattern;
    th_pattern_init(&pattern, L, subject, size, text, text_size, true);
    const char *end = th_pattern_search(&pattern, &begin);
    if (end != NULL && finds)
      return push_range(L, subject, begin, end) + th_pattern_push_all(&pattern, NULL, NULL);
    if (end != NULL) return th_pattern_push_all(&pattern, begin, end);
  }
  luaL_pushfail(L);
  return 1;
}

/* string.find(s, pattern [, init [, plain]]) -> first, last, captures... | nil */
static int str_find(lua_State *L) {
  return search(L, true);
}

/* string.match(s, pattern [, init]) -> captures... | nil */
static int str_match(lua_State *L) {
  return search(L, false);
}

/* ---- gmatch ---- */

struct matches {
  struct th_pattern pattern;
  const char *next; /* where the search goes on */
  const char *last; /* the end of the last match: an empty one there is none */
};

static int next_match(lua_State *L) {
  struct matches *matches = lua_touserdata(L, lua_upvalueindex(3));
  struct th_pattern *pattern = &matches->pattern;
  pattern->effort.L = L; /* it may be another coroutine than last time */
  pattern->effort.slices = 0;
  pattern->depth = TH_PATTERN_DEPTH; /* an error may have left it lower */
  for (const char *begin = matches->next; begin <= pattern->subject_end; begin++) {
    const char *end = th_pattern_search(pattern, &begin);
    if (end == NULL) break;
    if (end == matches->last) continue;
    matches->next = matches->last = end;
    return th_pattern_push_all(pattern, begin, end);
  }
  return 0;
}

/* string.gmatch(s, pattern [, init]) -> iterator */
static int str_gmatch(lua_State *L) {
  size_t size, text_size;
  const char *subject = luaL_checklstring(L, 1, &size);
  const char *text = luaL_checklstring(L, 2, &text_size);
  size_t offset = offset_of(L, 3, size);
  lua_settop(L, 2);
  struct matches *matches = lua_newuserdatauv(L, sizeof *matches, 0);
  th_pattern_init(&matches->pattern, L, subject, size, text, text_size, false);
  matches->next = subject + (offset > size ? size + 1 : offset);
  matches->last = NULL;
  lua_pushcclosure(L, next_match, 3);
  return 1;
}

/* ---- gsub ---- */

/* The replacement, argument 3, is a string: % and a digit stand for captures. */
static void add_text(luaL_Buffer *buffer, const struct th_pattern *pattern, const char *begin,
                     const char *end) {
  lua_State *L = buffer->L;
  size_t size;
  const char *text = lua_tolstring(L, 3, &size), *text_end = text + size;
  for (;;) {
    const char *escape = memchr(text, '%', (size_t)(text_end - text));
    luaL_addlstring(buffer, text, (size_t)((escape != NULL ? escape : text_end) - text));
    if (escape == NULL) return;
    char kind = escape + 1 < text_end ? escape[1] : '\0';
    if (kind == '%') {
      luaL_addchar(buffer, '%');
    } else if (kind == '0') {
      luaL_addlstring(buffer, begin, (size_t)(end - begin));
    } else if (kind > '0' && kind <= '9') {
      th_pattern_push(pattern, kind - '1', begin, end);
      luaL_tolstring(L, -1, NULL);
      lua_remove(L, -2);
      luaL_addvalue(buffer);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
    text = escape + 2;
  }
}

/* Adds what stands in the place of a match. True where it is not what was there. */
static bool add_value(luaL_Buffer *buffer, const struct th_pattern *pattern, const char *begin,
                      const char *end, int kind) {
  lua_State *L = buffer->L;
  if (kind == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, th_pattern_push_all(pattern, begin, end), 1);
  } else if (kind == LUA_TTABLE) {
    th_pattern_push(pattern, 0, begin, end);
    lua_gettable(L, 3);
  } else {
    add_text(buffer, pattern, begin, end);
    return true;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(buffer, begin, (size_t)(end - begin));
    return false;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(buffer);
  return true;
}

/* What is built grows without an instruction of Lua being run. */
static inline void check_memory(lua_State *L) {
  if (th_script_state_of(L)->interrupt.is_over) th_interrupt_check(L);
}

struct substitution {
  luaL_Buffer buffer;
  struct th_pattern pattern;
  lua_Integer count;
  bool changed;
};

static void substitute(struct substitution *work, const char *subject, lua_Integer most, int kind) {
  const char *s = subject, *last = NULL;
  while (work->count < most) {
    const char *begin = s;
    const char *end = th_pattern_search(&work->pattern, &begin);
    if (end == NULL) break;
    luaL_addlstring(&work->buffer, s, (size_t)(begin - s));
    s = begin;
    if (end != last) {
      work->count++;
      if (add_value(&work->buffer, &work->pattern, begin, end, kind)) work->changed = true;
      check_memory(work->buffer.L);
      s = last = end;
    } else if (s < work->pattern.subject_end) {
      luaL_addchar(&work->buffer, *s++);
    } else {
      break;
    }
    if (work->pattern.is_anchored) break;
  }
  luaL_addlstring(&work->buffer, s, (size_t)(work->pattern.subject_end - s));
}

static int check_replacement(lua_State *L) {
  int kind = lua_type(L, 3);
  luaL_argexpected(
    L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
    "string/function/table");
  if (kind == LUA_TNUMBER) lua_tolstring(L, 3, NULL);
  return kind;
}

/* string.gsub(s, pattern, replacement [, n]) -> string, count */
static int str_gsub(lua_State *L) {
  struct substitution work = {.count = 0};
  size_t size, text_size;
  const char *subject = luaL_checklstring(L, 1, &size);
  const char *text = luaL_checklstring(L, 2, &text_size);
  int kind = check_replacement(L);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1);
  th_pattern_init(&work.pattern, L, subject, size, text, text_size, true);
  luaL_buffinit(L, &work.buffer);
  substitute(&work, subject, most, kind);
  if (work.changed)
    luaL_pushresult(&work.buffer);
  else
    lua_pushvalue(L, 1);
  lua_pushinteger(L, work.count);
  return 2;
}

/* ---- sizes ---- */

static size_t memory_limit(lua_State *L) {
  size_t limit = th_script_state_of(L)->interrupt.memory_limit;
  return limit != 0 ? limit : SIZE_MAX / 2;
}

static int refuse_size(lua_State *L, double size) {
  return luaL_error(L,
                    "resulting string too large (%f bytes; the actor's memory limit is %I bytes)",
                    size, (lua_Integer)memory_limit(L));
}

/* Makes the first unit bytes of data be repeated up to size. */
static void repeat(char *data, size_t unit, size_t size) {
  for (size_t done = unit; done < size;) {
    size_t more = done < size - done ? done : size - done;
    memcpy(data + done, data, more);
    done += more;
  }
}

/* string.rep(s, n [, separator]) -> string */
static int str_rep(lua_State *L) {
  size_t size, separator_size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *separator = luaL_optlstring(L, 3, "", &separator_size);
  size_t unit = size + separator_size;
  if (n <= 0 || unit == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if ((size_t)n > memory_limit(L) / unit + 1) return refuse_size(L, (double)n * (double)unit);
  size_t total = (size_t)n * unit - separator_size;
  if (total > memory_limit(L)) return refuse_size(L, (double)total);
  luaL_Buffer buffer;
  char *data = luaL_buffinitsize(L, &buffer, total);
  memcpy(data, text, size);
  if (n > 1) memcpy(data + size, separator, separator_size);
  repeat(data, unit, total);
  luaL_pushresultsize(&buffer, total);
  return 1;
}

/* How many bytes the format asks for by its items cN. Nothing else in it has a size of its own. */
static double fixed_size(const char *format) {
  double sum = 0;
  for (; *format != '\0'; format++) {
    if (*format != 'c') continue;
    double count = 0;
    for (; format[1] >= '0' && format[1] <= '9'; format++) count = count * 10 + (format[1] - '0');
    sum += count;
  }
  return sum;
}

/* string.pack(format, ...) -> string; the upvalue is the library's own. */
static int str_pack(lua_State *L) {
  double size = fixed_size(luaL_checkstring(L, 1));
  if (size > (double)memory_limit(L)) return refuse_size(L, size);
  lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
  return stock(L);
}

static const luaL_Reg functions[] = {
  {"find", str_find}, {"match", str_match}, {"gmatch", str_gmatch},
  {"gsub", str_gsub}, {"rep", str_rep},     {NULL, NULL},
};

int th_strings_open(lua_State *L) {
  luaopen_string(L);
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "pack");
  lua_pushcclosure(L, str_pack, 1);
  lua_setfield(L, -2, "pack");
  return 1;
}

/* ---- before the library is open ---- */

/* Opens it, which gives strings their metatable. [-0, +0, m] */
static void open_now(lua_State *L) {
  th_globals_open_library(L, LUA_STRLIBNAME);
  lua_pop(L, 1);
}

/* What the library's own metamethod does, in the place of it, so that errors have their place. */
static int redo(lua_State *L, const char *event) {
  int count = lua_gettop(L);
  open_now(L);
  lua_pushliteral(L, "");
  luaL_getmetafield(L, -1, event);
  lua_CFunction own = lua_tocfunction(L, -1);
  lua_settop(L, count);
  return own(L);
}

#define ARITHMETIC(name)                                                                           \
  static int str_##name(lua_State *L) {                                                            \
    return redo(L, "__" #name);                                                                    \
  }
ARITHMETIC(add)
ARITHMETIC(sub)
ARITHMETIC(mul)
ARITHMETIC(mod)
ARITHMETIC(pow)
ARITHMETIC(div)
ARITHMETIC(idiv)
ARITHMETIC(unm)

static int str_index(lua_State *L) {
  lua_settop(L, 2);
  th_globals_open_library(L, LUA_STRLIBNAME);
  lua_pushvalue(L, 2);
  lua_gettable(L, -2);
  return 1;
}

static const luaL_Reg metamethods[] = {
  {"__add", str_add},     {"__sub", str_sub}, {"__mul", str_mul},   {"__mod", str_mod},
  {"__pow", str_pow},     {"__div", str_div}, {"__idiv", str_idiv}, {"__unm", str_unm},
  {"__index", str_index}, {NULL, NULL},
};

void th_strings_prepare(lua_State *L) {
  lua_pushliteral(L, "");
  luaL_newlib(L, metamethods);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void th_strings_settle(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_STRLIBNAME) == LUA_TNIL) open_now(L);
  lua_pop(L, 2);
}
