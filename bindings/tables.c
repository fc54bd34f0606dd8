#include "bindings/tables.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>

#include "bindings/effort.h"
#include "bindings/interrupt.h"
#include "bindings/state.h"

/* Elements that one call moves: some seconds where metamethods in C are called for each. */
#define STEPS 100000000

/* What a function does to its table. */
enum { READS = 1, WRITES = 2, MEASURES = 4 };

static bool has_field(lua_State *L, int metatable, const char *name) {
  lua_pushstring(L, name);
  bool is_there = lua_rawget(L, metatable) != LUA_TNIL;
  lua_pop(L, 1);
  return is_there;
}

/* The argument is a table, or has metamethods that make it one for these purposes. [-0, +0, e] */
static void check_table(lua_State *L, int index, int purposes) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  bool is_fit = lua_getmetatable(L, index);
  int metatable = lua_gettop(L);
  if (is_fit) {
    is_fit = ((purposes & READS) == 0 || has_field(L, metatable, "__index")) &&
             ((purposes & WRITES) == 0 || has_field(L, metatable, "__newindex")) &&
             ((purposes & MEASURES) == 0 || has_field(L, metatable, "__len"));
    lua_pop(L, 1);
  }
  if (!is_fit) luaL_checktype(L, index, LUA_TTABLE);
}

static lua_Integer length(lua_State *L, int index, int purposes) {
  check_table(L, index, purposes | MEASURES);
  return luaL_len(L, index);
}

static struct th_effort begin(lua_State *L) {
  return th_effort_begin(L, STEPS, "the table is too large");
}

/* ---- insert, remove, move ---- */

/* table.insert(list, [position,] value) */
static int tab_insert(lua_State *L) {
  /* Wraps around where the length is the largest integer. */
  lua_Integer end = (lua_Integer)((lua_Unsigned)length(L, 1, READS | WRITES) + 1u);
  int top = lua_gettop(L);
  if (top != 2 && top != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  lua_Integer position = end;
  if (top == 3) {
    struct th_effort effort = begin(L);
    position = luaL_checkinteger(L, 2);
    luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
    for (lua_Integer i = end; i > position; i--) {
      th_effort_spend(&effort, 1);
      lua_geti(L, 1, i - 1);
      lua_seti(L, 1, i);
    }
  }
  lua_seti(L, 1, position);
  return 0;
}

/* table.remove(list [, position]) -> value */
static int tab_remove(lua_State *L) {
  struct th_effort effort = begin(L);
  lua_Integer size = length(L, 1, READS | WRITES);
  lua_Integer position = luaL_optinteger(L, 2, size);
  if (position != size) /* which may be 0, of an empty list */
    luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 1,
                  "position out of bounds");
  lua_geti(L, 1, position);
  for (; position < size; position++) {
    th_effort_spend(&effort, 1);
    lua_geti(L, 1, position + 1);
    lua_seti(L, 1, position);
  }
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

static void move_one(lua_State *L, lua_Integer from, int target, lua_Integer to) {
  lua_geti(L, 1, from);
  lua_seti(L, target, to);
}

/* table.move(from, first, last, to [, target]) -> target */
static int tab_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
  lua_Integer to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  struct th_effort effort = begin(L);
  check_table(L, 1, READS);
  check_table(L, target, WRITES);
  if (first <= last) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    lua_Integer count = last - first + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    /* Upwards within one table what is not moved yet must not be overwritten: from the end,
     * then. */
    bool overlaps = to > first && to <= last &&
                    (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
    for (lua_Integer i = 0; i < count; i++) {
      lua_Integer at = overlaps ? count - 1 - i : i;
      th_effort_spend(&effort, 1);
      move_one(L, first + at, target, to + at);
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

/* ---- concat ---- */

static void add_element(lua_State *L, luaL_Buffer *buffer, lua_Integer i) {
  lua_geti(L, 1, i);
  if (!lua_isstring(L, -1))
    luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
               (LUAI_UACINT)i);
  luaL_addvalue(buffer);
}

/* table.concat(list [, separator [, first [, last]]]) -> string */
static int tab_concat(lua_State *L) {
  const struct th_script_state *state = th_script_state_of(L);
  struct th_effort effort = begin(L);
  lua_Integer last = length(L, 1, READS);
  size_t size;
  const char *separator = luaL_optlstring(L, 2, "", &size);
  lua_Integer first = luaL_optinteger(L, 3, 1);
  last = luaL_optinteger(L, 4, last);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (lua_Integer i = first; i <= last; i++) {
    add_element(L, &buffer, i);
    if (i == last) break; /* which may be the largest integer */
    luaL_addlstring(&buffer, separator, size);
    th_effort_spend(&effort, 1);
    if (state->interrupt.is_over) th_interrupt_check(L);
  }
  luaL_pushresult(&buffer);
  return 1;
}

/* ---- sort ---- */

/* table.sort(list [, comparator]); the upvalue is the library's own. */
static int tab_sort(lua_State *L) {
  if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL ||
      luaL_getmetafield(L, 1, "__index") != LUA_TNIL ||
      luaL_getmetafield(L, 1, "__newindex") != LUA_TNIL) {
    lua_pop(L, 1);
    luaL_argcheck(L, length(L, 1, READS | WRITES) <= TH_TABLES_SORT, 1,
                  "array too big (a million is the limit where its metatable has metamethods)");
  }
  lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
  return stock(L);
}

static const luaL_Reg functions[] = {
  {"insert", tab_insert}, {"remove", tab_remove}, {"move", tab_move},
  {"concat", tab_concat}, {NULL, NULL},
};

int th_tables_open(lua_State *L) {
  luaopen_table(L);
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "sort");
  lua_pushcclosure(L, tab_sort, 1);
  lua_setfield(L, -2, "sort");
  return 1;
}
