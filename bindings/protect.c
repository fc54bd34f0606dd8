#include "bindings/protect.h"

#include <lauxlib.h>

#include "bindings/interrupt.h"
#include "bindings/state.h"

/* The message handler, whose upvalue is the user's. */
static int handle(lua_State *L) {
  if (th_script_state_of(L)->interrupt.stop != TH_STOP_NONE) return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

int th_protect_skip(lua_State *L, int level) {
  lua_Debug frame;
  if (lua_getstack(L, level, &frame) == 0 || lua_getinfo(L, "f", &frame) == 0) return level;
  if (lua_tocfunction(L, -1) == handle) level++;
  lua_pop(L, 1);
  return level;
}

/* Below the results stand the arguments 1 and 2, of which the first is no result. */
static int finish(lua_State *L, int status, lua_KContext below) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)below;
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

int th_protect_xpcall(lua_State *L) {
  int count = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!lua_iscfunction(L, 2)) { /* those end by themselves */
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_replace(L, 2);
  }
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  return finish(L, lua_pcallk(L, count, LUA_MULTRET, 2, 2, finish), 2);
}
