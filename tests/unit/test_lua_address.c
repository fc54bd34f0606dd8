#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "bindings/address.h"

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  assert_non_null(L);
  luaL_openlibs(L);
  th_lua_address_open(L);
  return L;
}

static struct th_address address_of(uint64_t system, uint64_t number) {
  return (struct th_address){.system = system, .number = number, .ip = 0x7f000001, .port = 1900};
}

/* Runs a chunk with the values on the stack as its arguments; it must return true. */
static void assert_lua(lua_State *L, const char *chunk) {
  int arguments = lua_gettop(L);
  assert_int_equal(luaL_loadstring(L, chunk), LUA_OK);
  lua_insert(L, 1);
  if (lua_pcall(L, arguments, 1, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  if (!lua_toboolean(L, -1)) fail_msg("not true: %s", chunk);
  lua_settop(L, 0);
}

static void equal_addresses_are_one_value(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address one = address_of(7, 8);
  struct th_address elsewhere = {.system = 7, .number = 8};
  th_lua_push_address(L, &one);
  th_lua_push_address(L, &elsewhere);
  assert_lua(L, "local a, b = ... ; return rawequal(a, b) and ({[a] = 1})[b] == 1");
  lua_close(L);
}

static void different_addresses_are_different_values(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address one = address_of(7, 8);
  struct th_address other = address_of(8, 7);
  struct th_address third = address_of(7, 9);
  th_lua_push_address(L, &one);
  th_lua_push_address(L, &other);
  th_lua_push_address(L, &third);
  assert_lua(L, "local a, b, c = ... ; return a ~= b and b ~= c and a ~= c");
  lua_close(L);
}

static void what_goes_in_comes_out(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address address = address_of(UINT64_MAX, UINT64_MAX - 1);
  th_lua_push_address(L, &address);
  const struct th_address *back = th_lua_to_address(L, -1);
  assert_non_null(back);
  assert_memory_equal(back, &address, sizeof address);
  lua_close(L);
}

static void no_address_is_nil(void **state) {
  (void)state;
  lua_State *L = new_state();
  th_lua_push_address(L, &TH_NOBODY);
  assert_true(lua_isnil(L, -1));
  assert_null(th_lua_to_address(L, -1));
  lua_close(L);
}

static void nothing_else_passes_for_an_address(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address address = address_of(1, 2);
  th_lua_push_address(L, &address);
  size_t size = lua_rawlen(L, 1);
  void *copy = lua_newuserdatauv(L, size, 0);
  memcpy(copy, lua_touserdata(L, 1), size);
  lua_getiuservalue(L, 1, 1);
  lua_newuserdatauv(L, 0, 0);
  lua_newuserdatauv(L, size + 8, 0);
  lua_pushlightuserdata(L, lua_touserdata(L, 1));
  lua_pushliteral(L, "a2.0000000000000001");
  lua_pushinteger(L, 2);
  lua_newtable(L);
  for (int i = 2; i <= lua_gettop(L); i++) assert_null(th_lua_to_address(L, i));
  assert_null(th_lua_to_address(L, lua_gettop(L) + 1));
  lua_close(L);
}

static void an_address_prints_as_its_text(void **state) {
  (void)state;
  lua_State *L = new_state();
  char text[TH_ADDRESS_TEXT_SIZE];
  struct th_address address = address_of(0x9f3a6c1e5b7d2480, 17);
  th_lua_push_address(L, &address);
  lua_pushstring(L, th_address_text(&address, text));
  assert_lua(L, "local a, text = ... ; return tostring(a) == text");
  lua_close(L);
}

static void scripts_cannot_get_at_the_metatable(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address address = address_of(1, 2);
  th_lua_push_address(L, &address);
  assert_lua(L, "local a = ...\n"
                "return getmetatable(a) == false and not pcall(setmetatable, a, {})\n"
                "  and not pcall(function() a.x = 1 end) and not pcall(function() return a.x end)");
  lua_close(L);
}

static void opening_twice_keeps_what_is_known(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address address = address_of(1, 2);
  th_lua_push_address(L, &address);
  th_lua_address_open(L);
  th_lua_push_address(L, &address);
  assert_true(lua_rawequal(L, 1, 2));
  lua_close(L);
}

/* Counts what is alive in the weak table: the only table of the registry with the mode "v". */
static void unused_addresses_are_forgotten(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address kept = address_of(3, 4);
  th_lua_push_address(L, &kept);
  for (uint64_t i = 100; i < 10100; i++) {
    struct th_address address = address_of(i % 7 + 1, i);
    th_lua_push_address(L, &address);
    lua_pop(L, 1);
  }
  assert_lua(L, "keep = ...\n"
                "collectgarbage() collectgarbage()\n"
                "local found = 0\n"
                "for _, value in pairs(debug.getregistry()) do\n"
                "  local meta = type(value) == 'table' and getmetatable(value)\n"
                "  if meta and meta.__mode == 'v' then\n"
                "    for _, address in pairs(value) do found = found + 1 end\n"
                "  end\n"
                "end\n"
                "return found == 1");
  th_lua_push_address(L, &kept);
  assert_lua(L, "return keep == ...");
  lua_close(L);
}

/* Puts a foreign value under every short key, so that all addresses meet one that is taken. */
static void addresses_whose_keys_collide_are_kept_apart(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_address decoy = address_of(999, 999);
  for (uint64_t i = 1; i <= 3; i++) {
    struct th_address address = address_of(5, i);
    th_lua_push_address(L, &address);
  }
  th_lua_push_address(L, &decoy);
  assert_lua(L, "local decoy = select(4, ...)\n"
                "for _, value in pairs(debug.getregistry()) do\n"
                "  local meta = type(value) == 'table' and getmetatable(value)\n"
                "  if meta and meta.__mode == 'v' then\n"
                "    known, keys = value, {}\n"
                "    for key in pairs(value) do keys[#keys + 1] = key; value[key] = decoy end\n"
                "  end\n"
                "end\n"
                "keep = decoy\n"
                "return #keys == 4");
  for (uint64_t i = 1; i <= 3; i++) {
    struct th_address address = address_of(5, i);
    th_lua_push_address(L, &address);
    assert_true(th_address_equal(th_lua_to_address(L, -1), &address));
    th_lua_push_address(L, &address);
    assert_true(lua_rawequal(L, -1, -2));
    lua_pop(L, 1);
  }
  /* The one that held the short key goes: the second must be found where it was put. */
  assert_lua(L, "mine = {...}\n"
                "for _, key in pairs(keys) do known[key] = nil end\n"
                "return #mine == 3");
  for (uint64_t i = 1; i <= 3; i++) {
    struct th_address address = address_of(5, i);
    th_lua_push_address(L, &address);
  }
  assert_lua(L, "local a, b, c = ... ; return a == mine[1] and b == mine[2] and c == mine[3]");
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(equal_addresses_are_one_value),
    cmocka_unit_test(different_addresses_are_different_values),
    cmocka_unit_test(what_goes_in_comes_out),
    cmocka_unit_test(no_address_is_nil),
    cmocka_unit_test(nothing_else_passes_for_an_address),
    cmocka_unit_test(an_address_prints_as_its_text),
    cmocka_unit_test(scripts_cannot_get_at_the_metatable),
    cmocka_unit_test(opening_twice_keeps_what_is_known),
    cmocka_unit_test(unused_addresses_are_forgotten),
    cmocka_unit_test(addresses_whose_keys_collide_are_kept_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
