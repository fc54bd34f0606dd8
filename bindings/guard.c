#include "bindings/guard.h"

#include <lauxlib.h>
#include <lualib.h>

#include "base/random.h"
#include "bindings/finalizer.h"
#include "bindings/protect.h"

/* math as it is, but that the library's own seed is the time and a place in memory, which actors
 * may share whose states lie at one place one after the other. */
int th_guard_open_math(lua_State *L) {
  lua_Integer seeds[2];
  luaopen_math(L);
  if (th_random_bytes(seeds, sizeof seeds) != 0) return 1;
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, seeds[0]);
  lua_pushinteger(L, seeds[1]);
  lua_call(L, 2, 0);
  return 1;
}

/* os.exit() */
static int os_exit(lua_State *L) {
  return luaL_error(L, "os.exit would end the process with all its actors; an actor ends by "
                       "self:send(self.myAddress, actors.ActorExitRequest()), the system by "
                       "self:actorSystemShutdown()");
}

/* os.setlocale([locale [, category]]): the locale of the process can be asked for, not set. */
static int os_setlocale(lua_State *L) {
  lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
  if (!lua_isnoneornil(L, 1)) {
    luaL_checkstring(L, 1);
    luaL_pushfail(L);
    return 1;
  }
  return stock(L);
}

int th_guard_open_os(lua_State *L) {
  luaopen_os(L);
  lua_pushcfunction(L, os_exit);
  lua_setfield(L, -2, "exit");
  lua_getfield(L, -1, "setlocale");
  lua_pushcclosure(L, os_setlocale, 1);
  lua_setfield(L, -2, "setlocale");
  return 1;
}

/* debug.sethook(), debug.gethook() */
static int refuse_hook(lua_State *L) {
  return luaL_error(
    L, "debug.sethook and debug.gethook are not there for actors: the runtime interrupts "
       "long handlers by the hook; debug.traceback and debug.getinfo can be used");
}

/* debug.traceback([thread,] [message [, level]]), as seen from a message handler; else the
 * library's own. */
static int debug_traceback(lua_State *L) {
  lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
  if (lua_isthread(L, 1) || (lua_gettop(L) > 0 && !lua_isstring(L, 1) && !lua_isnil(L, 1)))
    return stock(L);
  int level = (int)luaL_optinteger(L, 2, 1);
  lua_settop(L, 1);
  lua_pushinteger(L, th_protect_skip(L, level));
  return stock(L);
}

int th_guard_open_debug(lua_State *L) {
  luaopen_debug(L);
  lua_pushcfunction(L, refuse_hook);
  lua_setfield(L, -2, "sethook");
  lua_pushcfunction(L, refuse_hook);
  lua_setfield(L, -2, "gethook");
  lua_getfield(L, -1, "traceback");
  lua_pushcclosure(L, debug_traceback, 1);
  lua_setfield(L, -2, "traceback");
  th_finalizer_push_debug_setmetatable(L);
  lua_setfield(L, -2, "setmetatable");
  return 1;
}
