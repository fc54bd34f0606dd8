#include "bindings/address.h"

#include <lauxlib.h>
#include <stdint.h>

#include "bindings/raise.h"

/* What the userdata holds. The stamp is the block's own place mixed with a place in this library:
 * no other userdata has it, and it is checked without a call into Lua, since every send passes
 * here. */
struct boxed_address {
  uintptr_t stamp;
  struct th_address address;
};

static const char known_key = 0; /* registry: the table of known addresses */
static const char metatable_key = 0;

static uintptr_t stamp_of(const struct boxed_address *box) {
  return (uintptr_t)box ^ (uintptr_t)&known_key;
}

static int address_tostring(lua_State *L) {
  char text[TH_ADDRESS_TEXT_SIZE];
  const struct th_address *address = th_lua_to_address(L, 1);
  lua_pushstring(L, address != NULL ? th_address_text(address, text) : "no address");
  return 1;
}

/* [-0, +1, m] */
static void push_new_metatable(lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "ActorAddress");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, address_tostring);
  lua_setfield(L, -2, "__tostring");
}

void th_lua_address_open(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &known_key) == LUA_TNIL) {
    push_new_metatable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &known_key);
  }
  lua_pop(L, 1);
}

static uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 32)) * UINT64_C(0xd6e8feb86659fd93);
  return value ^ (value >> 32);
}

/* Addresses come from outside too. Where the table lies is a seed that a stranger cannot know, so
 * he cannot choose addresses whose keys collide in the table. */
static lua_Integer key_of(const struct th_address *address, const void *known) {
  uint64_t seed = (uint64_t)(uintptr_t)known;
  return (lua_Integer)mix(mix(address->system ^ seed) ^ mix(address->number));
}

/* [-0, +1, m] pushes a string of what makes the address equal to others. */
static void push_exact_key(lua_State *L, const struct th_address *address) {
  uint64_t parts[2] = {address->system, address->number};
  lua_pushlstring(L, (const char *)parts, sizeof parts);
}

/* [-0, +1, m] */
static void push_new_address(lua_State *L, const struct th_address *address) {
  struct boxed_address *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->stamp = stamp_of(box);
  box->address = *address;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  lua_setmetatable(L, -2);
}

/* [-1, +1, m] replaces what was found under the short key. Two addresses may share one: the second
 * stands under its exact key, and must be looked for there even when the first is gone. */
static void find_exact(lua_State *L, int known, const struct th_address *address, lua_Integer key) {
  int taken = !lua_isnil(L, -1);
  lua_pop(L, 1);
  push_exact_key(L, address);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, known) == LUA_TNIL) {
    lua_pop(L, 1);
    push_new_address(L, address);
    if (taken) {
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_rawset(L, known);
    } else {
      lua_pushvalue(L, -1);
      lua_rawseti(L, known, key);
    }
  }
  lua_replace(L, -2);
}

const void *th_lua_push_known(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &known_key);
  return lua_topointer(L, -1);
}

void th_lua_push_address_known(lua_State *L, const struct th_address *address, int known,
                               const void *identity) {
  if (th_address_is_none(address)) {
    lua_pushnil(L);
    return;
  }
  lua_Integer key = key_of(address, identity);
  lua_rawgeti(L, known, key);
  const struct boxed_address *box = lua_touserdata(L, -1);
  if (box == NULL || !th_address_equal(&box->address, address)) find_exact(L, known, address, key);
}

void th_lua_push_address(lua_State *L, const struct th_address *address) {
  const void *identity = th_lua_push_known(L);
  th_lua_push_address_known(L, address, lua_gettop(L), identity);
  lua_replace(L, -2);
}

const struct th_address *th_lua_to_address(lua_State *L, int index) {
  const struct boxed_address *box = lua_touserdata(L, index);
  if (box == NULL || lua_type(L, index) != LUA_TUSERDATA) return NULL;
  if (lua_rawlen(L, index) != sizeof *box || box->stamp != stamp_of(box)) return NULL;
  return &box->address;
}

const struct th_address *th_lua_check_address(lua_State *L, int index, const char *method) {
  const struct th_address *address = th_lua_to_address(L, index);
  if (address != NULL) return address;
  const char *mark = lua_type(L, index) == LUA_TSTRING ? "\"" : "";
  const char *text = luaL_tolstring(L, index, NULL);
  th_lua_raise(L, TH_EADDRESS,
               lua_pushfstring(L, "%s: %s%s%s is no actor address", method, mark, text, mark));
  return NULL;
}
