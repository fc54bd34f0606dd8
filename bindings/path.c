#include "bindings/path.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 8        /* levels at each end of a long path */
#define KEY_SIZE 40    /* bytes of a key that are shown */
#define TEXT_SIZE 4096 /* room for 16 such keys, each byte of them escaped */

struct text {
  size_t size;
  char data[TEXT_SIZE];
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format,
                                                         ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = sizeof text->data - text->size;
  int written = vsnprintf(text->data + text->size, room, format, arguments);
  va_end(arguments);
  if (written > 0) text->size += (size_t)written < room ? (size_t)written : room - 1;
}

static bool is_name(const char *key, size_t size) {
  if (size == 0 || size > KEY_SIZE || isdigit((unsigned char)key[0])) return false;
  for (size_t i = 0; i < size; i++) {
    if (!isalnum((unsigned char)key[i]) && key[i] != '_') return false;
  }
  return true;
}

static void append_string_key(struct text *text, const char *key, size_t size) {
  if (is_name(key, size)) {
    append(text, ".%.*s", (int)size, key);
    return;
  }
  append(text, "[\"");
  for (size_t i = 0; i < size && i < KEY_SIZE; i++) {
    unsigned char byte = (unsigned char)key[i];
    if (byte < 32 || byte == 127) {
      append(text, "\\%03u", byte);
    } else {
      append(text, byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
    }
  }
  append(text, size > KEY_SIZE ? "...\"]" : "\"]");
}

static void append_key(lua_State *L, struct text *text, int index) {
  size_t size;
  const char *key;
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    key = lua_tolstring(L, index, &size);
    append_string_key(text, key, size);
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      append(text, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)lua_tointeger(L, index));
    } else {
      append(text, "[" LUA_NUMBER_FMT "]", (LUAI_UACNUMBER)lua_tonumber(L, index));
    }
    break;
  case LUA_TBOOLEAN:
    append(text, lua_toboolean(L, index) ? "[true]" : "[false]");
    break;
  case LUA_TUSERDATA: /* nothing else gets as far as being a key on the way */
    append(text, "[{address}]");
    break;
  default:
    append(text, "[{%s}]", lua_typename(L, lua_type(L, index)));
  }
}

/* Turns the path so far into that of a key. */
static void wrap_key(struct text *text, bool last) {
  static const char words[] = "(a key of ";
  size_t skipped = last ? 1 : 0;
  size_t size = sizeof words - 1 - skipped;
  if (text->size + size + 2 > sizeof text->data) return;
  memmove(text->data + size, text->data, text->size);
  memcpy(text->data, words + skipped, size);
  text->size += size;
  if (!last) append(text, ")");
}

static size_t count_levels(const struct th_path_level *level) {
  size_t count = 0;
  for (; level != NULL; level = level->outer) count++;
  return count;
}

/* The outermost levels, then (after a gap) the innermost; all of them when they are few. */
static void collect(const struct th_path_level *level, size_t count,
                    const struct th_path_level *shown[2 * SHOWN]) {
  size_t hidden = count > (size_t)2 * SHOWN ? count - (size_t)2 * SHOWN : 0;
  for (size_t at = count; at-- != 0; level = level->outer) {
    if (at < SHOWN) shown[at] = level;
    if (at >= SHOWN + hidden) shown[at - hidden] = level;
  }
}

static void append_levels(lua_State *L, struct text *text, const struct th_path_level *innermost) {
  const struct th_path_level *shown[2 * SHOWN];
  size_t count = count_levels(innermost);
  size_t visible = count < (size_t)2 * SHOWN ? count : (size_t)2 * SHOWN;
  collect(innermost, count, shown);
  append(text, "message");
  for (size_t at = 0; at < visible; at++) {
    if (at == SHOWN && count > visible) append(text, "...");
    if (shown[at]->in_key) {
      wrap_key(text, at + 1 == visible);
    } else {
      append_key(L, text, shown[at]->table + 1);
    }
  }
}

void th_path_push(lua_State *L, const struct th_path_level *innermost) {
  struct text text = {0};
  append_levels(L, &text, innermost);
  lua_pushlstring(L, text.data, text.size);
}

void th_path_push_start(lua_State *L, const struct th_path_level *innermost) {
  struct text text = {0};
  size_t count = count_levels(innermost);
  for (; count > 2; count--) innermost = innermost->outer;
  append_levels(L, &text, innermost);
  append(&text, "...");
  lua_pushlstring(L, text.data, text.size);
}
