#include "bindings/raise.h"

#include <lauxlib.h>
#include <string.h>

#define ROOT "message" /* how the codec begins each path */

static const char *const maker_key = "thespian.errors.make";

void th_lua_set_maker(lua_State *L) {
  lua_setfield(L, LUA_REGISTRYINDEX, maker_key);
}

/* [-0, +1, m] pushes make, or nil; true when it is there. */
static int push_maker(lua_State *L) {
  return lua_getfield(L, LUA_REGISTRYINDEX, maker_key) == LUA_TFUNCTION;
}

/* [-0, +1, m] pushes make, loading the module that gives it if it must. */
static int load_maker(lua_State *L) {
  if (push_maker(L)) return 1;
  lua_pop(L, 1);
  if (lua_getglobal(L, "require") != LUA_TFUNCTION) return 0;
  lua_pushliteral(L, "thespian.errors");
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return push_maker(L);
  return 0;
}

int th_lua_raise(lua_State *L, int error, const char *words) {
  luaL_checkstack(L, 5, "no room to raise an error");
  lua_pushstring(L, words != NULL && words[0] != '\0' ? words : th_error_words(error));
  int text = lua_gettop(L);
  if (load_maker(L)) {
    lua_pushstring(L, th_error_class(error));
    lua_pushvalue(L, text);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) return lua_error(L);
  }
  lua_pushfstring(L, "%s: %s", th_error_class(error), lua_tostring(L, text));
  return lua_error(L);
}

int th_lua_raise_unsent(lua_State *L, int error, const char *what) {
  const char *words = lua_tostring(L, -1);
  const char *path = strstr(words, ROOT);
  if (path == NULL) return th_lua_raise(L, error, words);
  lua_pushlstring(L, words, (size_t)(path - words));
  lua_pushstring(L, what);
  lua_pushstring(L, path + sizeof ROOT - 1);
  lua_concat(L, 3);
  return th_lua_raise(L, error, lua_tostring(L, -1));
}

int th_lua_raise_reason(lua_State *L, int error, const struct th_reason *reason) {
  return th_lua_raise(L, error, reason->words);
}
