#include "bindings/library.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "bindings/class.h"
#include "bindings/core.h"
#include "bindings/self.h"
#include "message/message.h"

/* [-0, +1, e] pushes require(module). */
static void push_module(lua_State *L, const char *module) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
}

/* What most actors ask for are messages: these do without the rest. [-0, +1, e] */
static int push_message(lua_State *L, const char *key) {
  if (!isupper((unsigned char)key[0])) {
    lua_pushnil(L);
    return LUA_TNIL;
  }
  push_module(L, "thespian.messages");
  int type = lua_getfield(L, -1, key);
  lua_remove(L, -2);
  return type;
}

/* [-0, +1, e] pushes what the library offers under the key at index 2. */
static int push_offer(lua_State *L) {
  push_module(L, "thespian.library");
  lua_getfield(L, -1, "offer");
  lua_remove(L, -2);
  lua_pushvalue(L, 2);
  lua_call(L, 1, 1);
  return lua_type(L, -1);
}

/* __index of the module. */
static int find(lua_State *L) {
  lua_settop(L, 2);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (push_message(L, key) == LUA_TNIL && push_offer(L) == LUA_TNIL)
    return luaL_error(L, "thespian.actors has no '%s'", luaL_tolstring(L, 2, NULL));
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* main(...) -> boolean: whether the file that calls it is the program that is run. So one file can
 * hold actors and the program that uses them; in the actors' own states it is a module. */
static int main_in_actor(lua_State *L) {
  lua_pushboolean(L, 0);
  return 1;
}

static int main_in_program(lua_State *L) {
  push_module(L, "thespian.origin");
  lua_getfield(L, -1, "isprogram");
  lua_pushinteger(L, 2); /* whoever called this */
  lua_call(L, 1, 1);
  return 1;
}

static int open(lua_State *L, lua_CFunction main, lua_CFunction monotonic) {
  lua_createtable(L, 0, 5);
  th_class_push_actor(L);
  lua_setfield(L, -2, "Actor");
  th_class_push_maker(L);
  lua_setfield(L, -2, "class");
  lua_pushcfunction(L, monotonic);
  lua_setfield(L, -2, "monotonic");
  lua_pushliteral(L, TH_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushcfunction(L, main);
  lua_setfield(L, -2, "main");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, find);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}

int th_library_open_in_actor(lua_State *L) {
  return open(L, main_in_actor, th_self_monotonic);
}

int th_library_open_in_program(lua_State *L) {
  return open(L, main_in_program, th_core_monotonic);
}
