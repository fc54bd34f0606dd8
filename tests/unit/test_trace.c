#include "bindings/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

/* Loads chunks under their names, each a function; the last is called in a coroutine and raises.
 * Gives its traceback, which lives as long as L. */
static const char *trace_of(lua_State *L, const char *prelude) {
  luaL_openlibs(L);
  if (luaL_dostring(L, prelude) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_State *handler = lua_newthread(L);
  int count;
  lua_getglobal(L, "run");
  lua_xmove(L, handler, 1);
  assert_int_equal(lua_resume(handler, L, 0, &count), LUA_ERRRUN);
  th_trace_push(L, handler, "words", 0);
  return lua_tostring(L, -1);
}

#define CHUNK(name, text) "assert(load(" text ", '" name "'))"

static void a_users_traceback_has_no_lines_of_the_library(void **unused) {
  lua_State *L = luaL_newstate();
  (void)unused;
  const char *trace = trace_of(
    L,
    "refuse = " CHUNK(
      "=thespian.arguments",
      "'error(\"x\")'") "\n"
                        "stripped = load(string.dump(load 'refuse() return 1', true), 'x', 'b')\n"
                        "middle = " CHUNK(
                          "@mine.lua",
                          "'stripped() return 1'") "\n"
                                                   "sorts = " CHUNK(
                                                     "=thespian.sorts",
                                                     "'table.sort({2, 1}, middle) "
                                                     "return 1'") "\n"
                                                                  "run = " CHUNK("@main.lua",
                                                                                 "'sorts() return "
                                                                                 "1'") "\n");
  assert_string_equal(trace, "words\nstack traceback:"
                             "\n\tmine.lua:1: in function 'middle'"
                             "\n\t[C]: in function 'table.sort'"
                             "\n\tmain.lua:1: in function 'run'");
  lua_close(L);
}

static void what_the_user_called_in_c_stays(void **unused) {
  lua_State *L = luaL_newstate();
  (void)unused;
  const char *trace = trace_of(L, "run = " CHUNK("@main.lua", "'table.sort(nil) return 1'"));
  assert_string_equal(trace, "words\nstack traceback:"
                             "\n\t[C]: in function 'table.sort'"
                             "\n\tmain.lua:1: in function 'run'");
  lua_close(L);
}

static void an_error_of_the_library_itself_keeps_its_lines(void **unused) {
  lua_State *L = luaL_newstate();
  (void)unused;
  const char *trace = trace_of(L, "run = " CHUNK("=thespian.start", "'error(\"x\")'"));
  assert_string_equal(trace, "words\nstack traceback:"
                             "\n\t[C]: in function 'error'"
                             "\n\tthespian.start:1: in function 'run'");
  lua_close(L);
}

static void files_of_users_may_be_called_like_the_library(void **unused) {
  lua_State *L = luaL_newstate();
  (void)unused;
  const char *trace = trace_of(L, "run = " CHUNK("@thespian.x.lua", "'local x = nil + 1'"));
  assert_string_equal(trace, "words\nstack traceback:"
                             "\n\tthespian.x.lua:1: in function 'run'");
  lua_close(L);
}

/* What the function gives when the handler of an error in that chunk calls it. */
static void assert_handled(const char *name, const char *code, const char *expected) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_register(L, "traceback", th_trace_function);
  lua_pushfstring(L,
                  "local run = load('%s', '%s')\n"
                  "return select(2, xpcall(run, function(raised) return traceback(raised) end))",
                  code, name);
  const char *text = lua_tostring(L, -1);
  if (luaL_loadbuffer(L, text, strlen(text), "=thespian.start") != LUA_OK ||
      lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fail_msg("%s", lua_tostring(L, -1));
  }
  assert_string_equal(lua_tostring(L, -1), expected);
  lua_close(L);
}

static void the_function_leaves_out_a_traceback_without_the_user(void **unused) {
  (void)unused;
  assert_handled("@main.lua", "error(\"x\", 0)",
                 "x\nstack traceback:"
                 "\n\tmain.lua:1: in main chunk");
  assert_handled("@main.lua", "local x = nil + 1",
                 "main.lua:1: attempt to perform arithmetic on a nil value\nstack traceback:"
                 "\n\tmain.lua:1: in main chunk");
  assert_handled("=thespian.finding", "error(\"x\", 0)", "x");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_users_traceback_has_no_lines_of_the_library),
    cmocka_unit_test(what_the_user_called_in_c_stays),
    cmocka_unit_test(an_error_of_the_library_itself_keeps_its_lines),
    cmocka_unit_test(files_of_users_may_be_called_like_the_library),
    cmocka_unit_test(the_function_leaves_out_a_traceback_without_the_user),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
