#include "bindings/core.h"

#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "bindings/address.h"
#include "bindings/class.h"
#include "bindings/codec.h"
#include "bindings/crypto.h"
#include "bindings/library.h"
#include "bindings/packing.h"
#include "bindings/program.h"
#include "bindings/raise.h"
#include "message/message.h"

/* setRaise(make): make(className, words) gives the instance that is raised. */
static int core_set_raise(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  th_lua_set_maker(L);
  return 0;
}

/* isAddress(value) -> boolean */
static int core_is_address(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, th_lua_to_address(L, 1) != NULL);
  return 1;
}

int th_core_monotonic(lua_State *L) {
  lua_pushnumber(L, (lua_Number)th_clock_now() / (lua_Number)TH_SECOND);
  return 1;
}

static void open_crypto(lua_State *L) {
  th_lua_crypto_open(L);
}

/* What few states need, so that not each of them holds it. */
static const struct {
  const char *name;
  void (*open)(lua_State *L);
} parts[] = {
  {"crypto", open_crypto},
  {"packing", th_packing_open},
};

int th_core_part(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (strcmp(parts[i].name, name) != 0) continue;
    parts[i].open(L);
    return 1;
  }
  return luaL_argerror(L, 1, "no such part");
}

static const luaL_Reg functions[] = {
  {"packNames", th_codec_lua_pack_names},
  {"unpackNames", th_codec_lua_unpack_names},
  {"setRaise", core_set_raise},
  {"isAddress", core_is_address},
  {"monotonic", th_core_monotonic},
  {"part", th_core_part},
  {NULL, NULL},
};

static const struct {
  const char *name;
  enum th_kind kind;
} kinds[] = {
  {"EXIT_REQUEST", TH_KIND_EXIT_REQUEST},
  {"CHILD_EXITED", TH_KIND_CHILD_EXITED},
  {"POISON", TH_KIND_POISON},
  {"DEAD_ENVELOPE", TH_KIND_DEAD_ENVELOPE},
  {"WAKEUP", TH_KIND_WAKEUP},
  {"SYSTEM", TH_KIND_SYSTEM},
  {"STATUS_REQUEST", TH_KIND_STATUS_REQUEST},
};

/* [-0, +1, m] pushes the message kinds that classes of system messages carry. */
static void push_kinds(lua_State *L) {
  size_t count = sizeof kinds / sizeof kinds[0];
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, kinds[i].kind);
    lua_setfield(L, -2, kinds[i].name);
  }
}

void th_core_prepare(lua_State *L, bool is_actor) {
  th_lua_address_open(L);
  th_class_open(L, is_actor);
}

int th_core_common(lua_State *L, int room) {
  lua_createtable(L, 0, room);
  luaL_setfuncs(L, functions, 0);
  push_kinds(L);
  lua_setfield(L, -2, "kinds");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_setfield(L, -2, "loaded");
  lua_pushliteral(L, TH_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}

/* For the modules that are C, and found as Lua by who is no actor. */
static const luaL_Reg openers[] = {
  {"openClass", th_class_open_module},
  {"openActor", th_class_open_actor_module},
  {"openActors", th_library_open_in_program},
  {NULL, NULL},
};

int luaopen_thespian_core(lua_State *L) {
  luaL_checkversion(L);
  th_core_prepare(L, false);
  th_core_common(L, 32);
  luaL_setfuncs(L, openers, 0);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "actor");
  th_program_open(L);
  return 1;
}
