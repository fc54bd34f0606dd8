#include "bindings/guard.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "base/random.h"
#include "bindings/finalizer.h"
#include "bindings/protect.h"
#include "bindings/state.h"
#include "bindings/strings.h"

/* In the registry, until the actor has started, where a module of its class has opened math:
 * randomseed, the userdata that it shares with random, and what is in that once it is seeded. */
static const char random_key;

enum { SEED = 1, NUMBERS, SEEDED };

/* Calls the function at index. False when there are no random bytes. [-0, +0, e] */
static bool seed(lua_State *L, int index) {
  lua_Integer seeds[2];
  if (th_random_bytes(seeds, sizeof seeds) != 0) return false;
  lua_pushvalue(L, index);
  lua_pushinteger(L, seeds[0]);
  lua_pushinteger(L, seeds[1]);
  lua_call(L, 2, 0);
  return true;
}

/* randomseed is on top. False when it is not as expected. [-0, +0, m] */
static bool note_random(lua_State *L) {
  int function = lua_gettop(L);
  if (lua_getupvalue(L, function, 1) == NULL) return false;
  const char *numbers = lua_touserdata(L, -1);
  if (numbers != NULL) {
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, function);
    lua_rawseti(L, -2, SEED);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, NUMBERS);
    lua_pushlstring(L, numbers, lua_rawlen(L, -2));
    lua_rawseti(L, -2, SEEDED);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &random_key);
  }
  lua_pop(L, 1);
  return numbers != NULL;
}

/* math as it is, but that the library's own seed is the time and a place in memory, which actors
 * may share whose states lie at one place one after the other. */
int th_guard_open_math(lua_State *L) {
  luaopen_math(L);
  lua_getfield(L, -1, "randomseed");
  bool is_seeded = seed(L, lua_gettop(L));
  if (th_script_state_of(L)->phase == TH_SCRIPT_FINDS && (!is_seeded || !note_random(L)))
    th_script_state_outside(L);
  lua_pop(L, 1);
  return 1;
}

bool th_guard_is_random_unused(lua_State *L) {
  bool is_unused = true;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &random_key) == LUA_TTABLE) {
    size_t size;
    lua_rawgeti(L, -1, NUMBERS);
    lua_rawgeti(L, -2, SEEDED);
    const char *seeded = lua_tolstring(L, -1, &size);
    is_unused = memcmp(lua_touserdata(L, -2), seeded, size) == 0;
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return is_unused;
}

bool th_guard_is_random(lua_State *L, int index) {
  bool is_random = false;
  index = lua_absindex(L, index);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &random_key) == LUA_TTABLE) {
    lua_rawgeti(L, -1, NUMBERS);
    is_random = lua_rawequal(L, -1, index);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return is_random;
}

void th_guard_start(lua_State *L, bool is_copy) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &random_key) == LUA_TTABLE) {
    lua_rawgeti(L, -1, SEED);
    if (is_copy && !seed(L, lua_gettop(L))) luaL_error(L, "the system has no random bytes");
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &random_key);
  }
  lua_pop(L, 1);
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
  th_strings_settle(L); /* whose metatable can be seen then */
  luaopen_debug(L);
  lua_pushcfunction(L, refuse_hook);
  lua_setfield(L, -2, "sethook");
  lua_pushcfunction(L, refuse_hook);
  lua_setfield(L, -2, "gethook");
  lua_getfield(L, -1, "traceback");
  lua_pushcclosure(L, debug_traceback, 1);
  lua_setfield(L, -2, "traceback");
  lua_pushcfunction(L, th_finalizer_debug_setmetatable);
  lua_setfield(L, -2, "setmetatable");
  return 1;
}
