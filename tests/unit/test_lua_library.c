/* The functions of the standard library that actors get in place of the stock ones: thousands of
 * made-up calls must give what the stock ones give, values and errors alike. The calls stand in
 * library_*.lua beside this file, which get both libraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bindings/chunk.h"
#include "bindings/coroutine.h"
#include "bindings/load.h"
#include "bindings/state.h"
#include "bindings/strings.h"
#include "bindings/tables.h"

#define SOURCE(name) "/tests/unit/" name

struct stage {
  struct th_world world;
  struct th_script_state state;
};

static int open_stage(void **context) {
  struct stage *stage = th_new(struct stage);
  stage->state.world = &stage->world;
  stage->state.L = luaL_newstate();
  *(struct th_script_state **)lua_getextraspace(stage->state.L) = &stage->state;
  luaL_openlibs(stage->state.L);
  *context = stage;
  return 0;
}

static int close_stage(void **context) {
  struct stage *stage = *context;
  lua_close(stage->state.L);
  free(stage);
  return 0;
}

/* Ours as the global ours: a table of libraries. */
static void push_ours(lua_State *L) {
  lua_newtable(L);
  th_strings_open(L);
  lua_setfield(L, -2, "string");
  th_tables_open(L);
  lua_setfield(L, -2, "table");
  th_coroutine_open(L);
  lua_setfield(L, -2, "coroutine");
  lua_newtable(L);
  lua_pushcfunction(L, th_load_load);
  lua_setfield(L, -2, "load");
  lua_pushcfunction(L, th_load_loadfile);
  lua_setfield(L, -2, "loadfile");
  lua_pushcfunction(L, th_load_dofile);
  lua_setfield(L, -2, "dofile");
  lua_setfield(L, -2, "base");
  lua_setglobal(L, "ours");
  luaopen_string(L); /* which has made itself the metatable's: once more the stock one */
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_settop(L, 0);
}

static void run_file(struct stage *stage, const char *name) {
  lua_State *L = stage->state.L;
  char path[1024];
  const char *source = getenv("SOURCE");
  snprintf(path, sizeof path, "%s%s", source != NULL ? source : ".", name);
  push_ours(L);
  if (luaL_dofile(L, path) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
}

static void strings_are_as_the_stock_ones(void **context) {
  run_file(*context, SOURCE("library_strings.lua"));
}

static void tables_are_as_the_stock_ones(void **context) {
  run_file(*context, SOURCE("library_tables.lua"));
}

static void coroutines_are_as_the_stock_ones(void **context) {
  struct stage *stage = *context;
  stage->state.handler = stage->state.L;
  run_file(stage, SOURCE("library_coroutines.lua"));
}

static void load_is_as_the_stock_one(void **context) {
  run_file(*context, SOURCE("library_load.lua"));
}

/* Runs code that is to raise; gives the error's text. */
static const char *error_of(lua_State *L, const char *code) {
  if (luaL_loadstring(L, code) == LUA_OK && lua_pcall(L, 0, 0, 0) == LUA_OK)
    fail_msg("%s raises nothing", code);
  return lua_tostring(L, -1);
}

static void check_error(lua_State *L, const char *code, const char *part) {
  const char *words = error_of(L, code);
  if (strstr(words, part) == NULL) fail_msg("%s raises %s, not %s", code, words, part);
}

static void endless_calls_end_at_the_time_limit(void **context) {
  static const char *const calls[] = {
    "ours.string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(41))",
    "ours.string.match(('a'):rep(100000), '.-b.-b.-b')",
    "ours.string.gsub(('a'):rep(1000000), 'a*b', '')",
    "for _ in ours.string.gmatch(('a'):rep(1000000), 'a*b') do end",
    "ours.string.find(('a'):rep(100000), '.*.*.*b')",
    "ours.table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 1)",
    "ours.table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)",
    ("local t = setmetatable({}, {__len = function() return 1 << 60 end, __index = type})"
     " ours.table.concat(t, '')"),
    "ours.table.move({}, 1, 1 << 60, 2)",
  };
  struct stage *stage = *context;
  push_ours(stage->state.L);
  stage->world.time_limit = TH_MILLISECOND;
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    stage->state.interrupt.deadline = th_clock_after(TH_MILLISECOND);
    check_error(stage->state.L, calls[i], "time limit");
    stage->state.interrupt.stop = TH_STOP_NONE;
    lua_sethook(stage->state.L, NULL, 0, 0);
  }
}

static void endless_calls_give_up_by_themselves(void **context) {
  lua_State *L = ((struct stage *)*context)->state.L;
  push_ours(L);
  if (getenv("TH_SANITIZED") == NULL) /* a minute otherwise */
    check_error(L, "ours.string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(41))",
                "pattern too complex (more than 1000000000 steps)");
  check_error(L, "ours.table.move({}, 1, 1 << 60, 2)", "the table is too large");
}

static void what_is_over_the_memory_limit_is_refused_before(void **context) {
  struct stage *stage = *context;
  lua_State *L = stage->state.L;
  push_ours(L);
  stage->state.interrupt.memory_limit = 1000;
  check_error(L, "ours.string.rep('x', 1001)", "1001.0 bytes; the actor's memory limit is 1000");
  check_error(L, "ours.string.rep('xy', 1 << 62)", "too large");
  check_error(L, "ours.string.rep('x', 1 << 62, 'y')", "too large");
  check_error(L, "ours.string.pack('c600c600', '', '')", "too large");
  assert_int_equal(luaL_dostring(L, "assert(#ours.string.rep('xy', 250, '--') == 998)"), LUA_OK);
  assert_int_equal(luaL_dostring(L, "assert(ours.string.rep('', 1 << 62) == '')"), LUA_OK);
}

static size_t chain_of(const char *text) {
  return th_chunk_longest_chain(text, strlen(text));
}

static void chains_of_indices_are_counted(void **unused) {
  (void)unused;
  assert_int_equal(chain_of("x = a.b.c"), 2);
  assert_int_equal(chain_of("x = a.b.c + d.e"), 2);
  assert_int_equal(chain_of("x = a[b.c][d.e.f.g][1]"), 3);
  assert_int_equal(chain_of("x = a[f()][g{1}][(h)]"), 3);
  assert_int_equal(chain_of("x = ((a.b).c).d"), 3);
  assert_int_equal(chain_of("x = a.b(c.d.e).f"), 2);
  assert_int_equal(chain_of("x = a . b --.c.d\n . c --[[ .d.e ]] .d --[==[ ]] .x ]==]"), 3);
  assert_int_equal(chain_of("x = 'a.b.c\\'.d.e' .. \"a.b.c\" .. [[a.b.c]] .. [=[a.b]].c]=]"), 0);
  assert_int_equal(chain_of("x = {[1] = 2, [a.b] = 3; [a] = 4}"), 1);
  assert_int_equal(chain_of("x = 1.5 + .5 + 0x1p.4 .. 1"), 0);
  assert_int_equal(chain_of("f(a.b) g(c.d) a.b = c.d a.b = 1 local c ::l:: goto l"), 1);
  assert_int_equal(chain_of("]]]].a)))}}}["), 1);
  assert_int_equal(chain_of("'unfinished"), 0);
  assert_int_equal(chain_of("[==[ unfinished ]]"), 0);
  assert_int_equal(chain_of("--[[ unfinished"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(strings_are_as_the_stock_ones, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(tables_are_as_the_stock_ones, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(coroutines_are_as_the_stock_ones, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(load_is_as_the_stock_one, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(endless_calls_end_at_the_time_limit, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(endless_calls_give_up_by_themselves, open_stage, close_stage),
    cmocka_unit_test_setup_teardown(what_is_over_the_memory_limit_is_refused_before, open_stage,
                                    close_stage),
    cmocka_unit_test(chains_of_indices_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
