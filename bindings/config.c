#include "bindings/config.h"

#include <lauxlib.h>
#include <lua.h>

#include "message/pack.h"

/* Whoever nests deeper has made a mistake, such as a table within itself. */
#define DEPTH_LIMIT 32

static void pack_value(lua_State *L, struct th_buffer *buffer, int depth);

/* [-0, +0, v] */
static void pack_sequence(lua_State *L, struct th_buffer *buffer, uint32_t count, int depth) {
  th_pack_array(buffer, count);
  for (uint32_t i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    pack_value(L, buffer, depth);
    lua_pop(L, 1);
  }
}

/* [-0, +0, v] the table on top has count pairs. */
static void pack_map(lua_State *L, struct th_buffer *buffer, uint32_t count, int depth) {
  th_pack_map(buffer, count);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      luaL_error(L, "a table in the config file has names and numbers as keys");
    }
    lua_pushvalue(L, -2);
    pack_value(L, buffer, depth);
    lua_pop(L, 1);
    pack_value(L, buffer, depth);
    lua_pop(L, 1);
  }
}

/* [-0, +0, m] */
static uint32_t count_pairs(lua_State *L) {
  uint32_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    count++;
    lua_pop(L, 1);
  }
  return count;
}

/* [-0, +0, v] */
static void pack_table(lua_State *L, struct th_buffer *buffer, int depth) {
  if (depth > DEPTH_LIMIT) luaL_error(L, "tables in the config file nest too deep");
  luaL_checkstack(L, 4, NULL);
  uint32_t count = count_pairs(L);
  if (lua_rawlen(L, -1) == count) {
    pack_sequence(L, buffer, count, depth);
  } else {
    pack_map(L, buffer, count, depth);
  }
}

/* [-0, +0, v] appends the value on top. */
static void pack_value(lua_State *L, struct th_buffer *buffer, int depth) {
  size_t size;
  const char *text;
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    th_pack_bool(buffer, lua_toboolean(L, -1));
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1)) {
      th_pack_int(buffer, lua_tointeger(L, -1));
    } else {
      th_pack_real(buffer, lua_tonumber(L, -1));
    }
    break;
  case LUA_TSTRING:
    text = lua_tolstring(L, -1, &size);
    th_pack_str(buffer, text, size);
    break;
  case LUA_TTABLE:
    pack_table(L, buffer, depth + 1);
    break;
  default:
    luaL_error(L, "a %s in the config file", luaL_typename(L, -1));
  }
}

/* Protected: (file, buffer). */
static int read_table(lua_State *L) {
  const char *file = lua_touserdata(L, 1);
  struct th_buffer *buffer = lua_touserdata(L, 2);
  if (luaL_loadfilex(L, file, "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  if (!lua_istable(L, -1)) return luaL_error(L, "the config file %s returns no table", file);
  pack_value(L, buffer, 0);
  return 0;
}

int th_lua_read_config(const char *file, struct th_buffer *table, struct th_reason *reason) {
  lua_State *L = luaL_newstate();
  if (L == NULL) return th_fail(reason, TH_ENOMEM, "no memory for a Lua state");
  lua_pushcfunction(L, read_table);
  lua_pushlightuserdata(L, (void *)(uintptr_t)file);
  lua_pushlightuserdata(L, table);
  int error = 0;
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    const char *words = lua_tostring(L, -1);
    error = th_fail(reason, TH_ESTARTUP, "%s", words != NULL ? words : "the config file failed");
  } else if (table->error != 0) {
    error = th_fail(reason, table->error, "%s", th_error_words(table->error));
  }
  lua_close(L);
  return error;
}
