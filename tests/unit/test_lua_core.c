/* The module thespian.core in the state of a program: what every state has, how errors are raised,
 * and connections, on both bases that live in this process. No Lua file of ours is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "bindings/address.h"
#include "bindings/core.h"
#include "bindings/raise.h"

/* ---- helpers ---- */

/* Defines: core; tries(f, ...) -> the error's class and words; a class Note for instances. */
static const char prelude[] =
  "local core = require 'thespian.core'\n"
  "_ENV.core = core\n"
  "local shown = {__tostring = function(raised) return raised.name .. ': ' .. raised.words end}\n"
  "core.setRaise(function(name, words)\n"
  "  return setmetatable({name = name, words = words}, shown)\n"
  "end)\n"
  "Note = {__thespian = true, __name = 'Note'}\n"
  "package.loaded['thespian.naming'] =\n"
  "  {names = function() return core.packNames {'test.Note', 'Note'} end}\n"
  "package.loaded['thespian.library'] = {resolve = function() return Note end}\n"
  "function tries(f, ...)\n"
  "  local ok, raised = pcall(f, ...)\n"
  "  assert(not ok, 'raises nothing')\n"
  "  if type(raised) == 'table' then return raised.name, raised.words end\n"
  "  return 'text', raised\n"
  "end\n";

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  assert_non_null(L);
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_thespian_core);
  lua_setfield(L, -2, "thespian.core");
  lua_settop(L, 0);
  return L;
}

/* Runs code, which asserts. */
static void check(lua_State *L, const char *code) {
  if (luaL_loadbuffer(L, code, strlen(code), "=test") != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK)
    fail_msg("%s", luaL_tolstring(L, -1, NULL));
}

static int open_state(void **state) {
  lua_State *L = new_state();
  check(L, prelude);
  *state = L;
  return 0;
}

static int open_bare_state(void **state) {
  *state = new_state();
  return 0;
}

static int close_state(void **state) {
  lua_close(*state);
  return 0;
}

/* ---- the table ---- */

static void every_function_of_a_program_is_there(void **state) {
  check(*state, "for name in ([[packNames unpackNames setRaise isAddress monotonic part\n"
                "    open pack sha256 programBundle programFolder openClass openActor "
                "openActors]]):gmatch '%w+' do\n"
                "  assert(type(core[name]) == 'function', name)\n"
                "end\n"
                "assert(core.loaded == package.loaded)\n");
}

static void a_program_is_no_actor(void **state) {
  check(*state, "assert(core.actor == false and core.send == nil)\n"
                "assert(core.programBundle() == nil and core.programFolder() == nil)\n");
}

static void kinds_are_those_of_messages(void **state) {
  check(*state, "local expected = {EXIT_REQUEST = 1, CHILD_EXITED = 2, POISON = 3,\n"
                "  DEAD_ENVELOPE = 4, WAKEUP = 5, SYSTEM = 6, STATUS_REQUEST = 7}\n"
                "for name, kind in pairs(expected) do assert(core.kinds[name] == kind, name) end\n"
                "for name in pairs(core.kinds) do assert(expected[name], name) end\n");
}

static void the_version_is_the_runtimes(void **state) {
  lua_State *L = *state;
  check(L, "version = core.version\n");
  lua_getglobal(L, "version");
  assert_string_equal(lua_tostring(L, -1), TH_VERSION);
}

static void the_clock_counts_seconds(void **state) {
  lua_State *L = *state;
  double before = (double)th_clock_now() / 1e9;
  check(L, "now = core.monotonic()\n"
           "assert(math.type(now) == 'float' and core.monotonic() >= now)\n");
  double after = (double)th_clock_now() / 1e9;
  lua_getglobal(L, "now");
  assert_true(before <= lua_tonumber(L, -1) && lua_tonumber(L, -1) <= after);
}

static void only_addresses_are_addresses(void **state) {
  lua_State *L = *state;
  struct th_address address = {.system = 5, .number = 7};
  th_lua_push_address(L, &address);
  lua_setglobal(L, "address");
  check(L, "assert(core.isAddress(address) == true)\n"
           "for _, other in ipairs {1, 'a7.5', {}, print, io.stdout, true} do\n"
           "  assert(core.isAddress(other) == false)\n"
           "end\n"
           "assert(core.isAddress(nil) == false)\n");
}

static void addresses_stay_equal_when_the_core_is_loaded_again(void **state) {
  lua_State *L = *state;
  struct th_address address = {.system = 5, .number = 7};
  th_lua_push_address(L, &address);
  lua_setglobal(L, "before");
  check(L, "package.loaded['thespian.core'] = nil\n"
           "again = require 'thespian.core'\n"
           "assert(again ~= core)\n");
  th_lua_push_address(L, &address);
  lua_setglobal(L, "after");
  check(L, "assert(rawequal(before, after) and again.isAddress(before))\n");
}

/* ---- errors ---- */

static int raise_dead(lua_State *L) {
  return th_lua_raise(L, TH_EDEAD, NULL);
}

static int raise_reason(lua_State *L) {
  struct th_reason reason = {""};
  if (lua_toboolean(L, 1)) th_fail(&reason, 0, "the port is taken");
  return th_lua_raise_reason(L, TH_ESTARTUP, &reason);
}

static void an_error_is_what_the_maker_makes(void **state) {
  check(*state, "local name, words = tries(core.open, 'noSystemBase')\n"
                "assert(name == 'ActorSystemStartupFailure', name)\n"
                "assert(words:find('^there is no system base \"noSystemBase\"; '\n"
                "  .. 'use simpleSystemBase, multiprocQueueBase, multiprocTCPBase or'), words)\n");
}

static void an_error_without_words_has_its_own(void **state) {
  lua_State *L = *state;
  lua_register(L, "raiseDead", raise_dead);
  lua_register(L, "raiseReason", raise_reason);
  check(L, "local name, words = tries(raiseDead)\n"
           "assert(name == 'ActorSystemFailure' and words == 'the message became a dead letter')\n"
           "name, words = tries(raiseReason, true)\n"
           "assert(name == 'ActorSystemStartupFailure' and words == 'the port is taken')\n"
           "name, words = tries(raiseReason, false)\n"
           "assert(words == 'the actor system could not start')\n");
}

static void the_module_of_errors_is_loaded_at_the_first_error(void **state) {
  check(*state, "local core, loads = require 'thespian.core', 0\n"
                "package.preload['thespian.errors'] = function()\n"
                "  loads = loads + 1\n"
                "  core.setRaise(function(name, words) return {made = name} end)\n"
                "end\n"
                "local _, first = pcall(core.open, 'noSystemBase')\n"
                "local _, second = pcall(core.open, 'noSystemBase')\n"
                "assert(first.made == 'ActorSystemStartupFailure' and second.made)\n"
                "assert(loads == 1)\n");
}

static void an_error_is_text_where_nothing_makes_it(void **state) {
  check(*state,
        "local core = require 'thespian.core'\n"
        "package.preload['thespian.errors'] = function() error 'broken' end\n"
        "local expected =\n"
        "  'ActorSystemStartupFailure: there is no system base \"noSystemBase\"; '\n"
        "  .. 'use simpleSystemBase, multiprocQueueBase, multiprocTCPBase or multiprocUDPBase'\n"
        "local _, raised = pcall(core.open, 'noSystemBase')\n"
        "assert(raised == expected, raised)\n"
        "core.setRaise(function() error 'broken' end)\n"
        "_, raised = pcall(core.open, 'noSystemBase')\n"
        "assert(raised == expected, raised)\n"
        "require = nil\n"
        "_, raised = pcall(core.open, 'noSystemBase')\n"
        "assert(raised == expected, raised)\n");
}

/* ---- bundles ---- */

static void equal_files_give_equal_zips(void **state) {
  check(*state, "local one = core.pack {{'a.lua', 'return 1'}, {'b/init.lua', 'return 2'}}\n"
                "local other = core.pack {{'b/init.lua', 'return 2'}, {'a.lua', 'return 1'}}\n"
                "assert(one == other and one:sub(1, 4) == 'PK\\3\\4')\n");
}

static void files_that_no_bundle_may_hold_are_refused(void **state) {
  check(*state, "local name, words = tries(core.pack, {{'../a.lua', ''}})\n"
                "assert(name == 'ActorSystemException' and words:find('../a.lua', 1, true))\n"
                "for _, files in ipairs {{1}, {{}}, {{'a.lua'}}, {{'a.lua', 1}}, {{1, 'x'}}} do\n"
                "  assert(tries(core.pack, files) == 'text')\n"
                "end\n"
                "assert(tries(core.pack) == 'text')\n");
}

static void a_digest_is_64_digits(void **state) {
  check(*state, "assert(core.sha256 'abc' ==\n"
                "  'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')\n");
}

/* ---- connections: each test on both bases ---- */

static void check_on_bases(lua_State *L, const char *code) {
  const char *const bases[] = {"simpleSystemBase", "multiprocQueueBase"};
  for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
    lua_pushstring(L, bases[i]);
    lua_setglobal(L, "base");
    check(L, "connection = core.open(base, nil, {log = false})\n");
    check(L, code);
    check(L, "connection:close()\n");
  }
}

static void a_connection_knows_its_system(void **state) {
  lua_State *L = *state;
  lua_pushinteger(L, getpid());
  lua_setglobal(L, "pid");
  check_on_bases(L, "assert(connection:base() == base and connection:pid() == pid)\n"
                    "assert(connection:port() == 0)\n"
                    "assert(core.isAddress(connection:admin()))\n"
                    "assert(core.isAddress(connection:endpoint()))\n"
                    "assert(connection:endpoint() ~= connection:admin())\n");
}

static void what_is_told_is_heard_with_its_sender(void **state) {
  check_on_bases(*state,
                 "local other <close> = connection:private()\n"
                 "other:tell(connection:endpoint(), {jobs = {1, 2.5, 'three'}})\n"
                 "local heard, sender = connection:listen(30)\n"
                 "assert(heard.jobs[3] == 'three' and math.type(heard.jobs[2]) == 'float')\n"
                 "assert(rawequal(sender, other:endpoint()))\n");
}

static void messages_wait_in_their_order(void **state) {
  check_on_bases(*state, "for i = 1, 100 do connection:tell(connection:endpoint(), i) end\n"
                         "for i = 1, 100 do assert(connection:listen(30) == i) end\n");
}

static void nil_is_a_message(void **state) {
  check_on_bases(*state, "connection:tell(connection:endpoint())\n"
                         "local heard, sender = connection:listen(30)\n"
                         "assert(heard == nil and sender == connection:endpoint())\n"
                         "assert(connection:ask(connection:endpoint(), nil, 30) == nil)\n");
}

static void an_instance_travels_with_its_kind(void **state) {
  check_on_bases(*state, "Note.__kind = nil\n"
                         "local note = setmetatable({text = 'hello'}, Note)\n"
                         "local answer = connection:ask(connection:endpoint(), note, 30)\n"
                         "assert(getmetatable(answer) == Note and answer.text == 'hello')\n"
                         "assert(answer ~= note)\n");
}

static void ask_gives_the_next_message(void **state) {
  check_on_bases(*state, "connection:tell(connection:endpoint(), 'first')\n"
                         "assert(connection:ask(connection:endpoint(), 'second', 30) == 'first')\n"
                         "assert(connection:listen(30) == 'second')\n");
}

static void asking_nobody_is_answered_at_once(void **state) {
  check_on_bases(*state, "local other = connection:private()\n"
                         "local nobody = other:endpoint()\n"
                         "other:close()\n"
                         "local answer, why = connection:ask(nobody, 'hello')\n"
                         "assert(answer == nil and why == 'dead')\n");
}

static void silence_is_a_timeout(void **state) {
  check_on_bases(*state, "local heard, why = connection:listen(0)\n"
                         "assert(heard == nil and why == 'timeout')\n"
                         "local other <close> = connection:private()\n"
                         "heard, why = connection:ask(other:endpoint(), 'hello', 0.01)\n"
                         "assert(heard == nil and why == 'timeout')\n");
}

static void the_admin_answers_requests(void **state) {
  check_on_bases(*state, "assert(connection:request('NAME', 'nobody') == nil)\n"
                         "assert(connection:request('CAPABILITY', 'Colour', 'red') == nil)\n"
                         "local status = connection:request('STATUS', nil)\n"
                         "assert(status.base == base and status.capabilities.Colour == 'red')\n"
                         "assert(status.admin == connection:admin())\n");
}

static void capabilities_are_given_at_the_start(void **state) {
  check_on_bases(*state,
                 "local own <close> = core.open(base, {Colour = 'blue', Size = 7}, {log = false})\n"
                 "local capabilities = own:request('STATUS', nil).capabilities\n"
                 "assert(capabilities.Colour == 'blue' and capabilities.Size == 7)\n"
                 "assert(capabilities['Thespian ActorSystem Name'] == base)\n");
}

static void a_refused_request_raises(void **state) {
  check_on_bases(*state,
                 "local name = tries(connection.request, connection, 'UNLOAD', ('0'):rep(64))\n"
                 "assert(name == 'InvalidActorSourceHash', name)\n"
                 "name, words = tries(connection.request, connection, 'DANCE')\n"
                 "assert(name == 'text' and words:find 'DANCE')\n");
}

static void what_is_no_address_is_refused(void **state) {
  check_on_bases(*state, "for _, target in ipairs {'a1.5', 1, {}, io.stdout} do\n"
                         "  assert(tries(connection.tell, connection, target, 'hello')\n"
                         "         == 'InvalidActorAddress')\n"
                         "  assert(tries(connection.ask, connection, target, 'hello')\n"
                         "         == 'InvalidActorAddress')\n"
                         "end\n"
                         "assert(tries(connection.tell, connection) == 'InvalidActorAddress')\n");
}

static void what_cannot_travel_is_named(void **state) {
  check_on_bases(*state, "local jobs = {{}, {}, {callback = print}}\n"
                         "local name, words = tries(connection.ask, connection,\n"
                         "                          connection:endpoint(), {jobs = jobs})\n"
                         "assert(name == 'CannotSend', name)\n"
                         "assert(words:find('jobs[3].callback', 1, true), words)\n"
                         "assert(connection:ask(connection:endpoint(), 'next', 30) == 'next')\n");
}

static void a_message_has_a_limit(void **state) {
  check_on_bases(
    *state,
    "local small <close> = core.open(base, {['Message Size Limit'] = 1000},\n"
    "                               {log = false})\n"
    "local name = tries(small.tell, small, small:endpoint(), ('x'):rep(2000))\n"
    "assert(name == 'CannotSend', name)\n"
    "assert(small:ask(small:endpoint(), ('x'):rep(500), 30) == ('x'):rep(500))\n"
    "local other <close> = small:private()\n"
    "assert(tries(other.tell, other, small:endpoint(), ('x'):rep(2000)) == 'CannotSend')\n");
}

static void a_closed_connection_does_nothing(void **state) {
  check_on_bases(*state,
                 "local closed = connection:private()\n"
                 "closed:close()\n"
                 "closed:close()\n"
                 "for _, name in ipairs {'listen', 'endpoint', 'admin', 'base', 'port', 'pid',\n"
                 "                       'private', 'shutdown'} do\n"
                 "  local class, words = tries(closed[name], closed)\n"
                 "  assert(class == 'ActorSystemFailure' and words:find 'closed', name)\n"
                 "end\n"
                 "assert(tries(closed.tell, closed, connection:endpoint(), 1)\n"
                 "       == 'ActorSystemFailure')\n"
                 "assert(tries(closed.request, closed, 'SOURCES') == 'ActorSystemFailure')\n");
}

static void a_system_lives_as_long_as_a_connection(void **state) {
  check_on_bases(*state, "local first = core.open(base, nil, {log = false})\n"
                         "local second <close> = first:private()\n"
                         "first:close()\n"
                         "assert(second:request('NAME', 'nobody') == nil)\n"
                         "assert(second:ask(second:endpoint(), 'alive', 30) == 'alive')\n");
}

static void two_systems_are_strangers(void **state) {
  check_on_bases(*state, "local other <close> = core.open(base, nil, {log = false})\n"
                         "assert(other:admin() ~= connection:admin())\n");
}

static void a_shut_down_system_is_gone(void **state) {
  check_on_bases(*state, "local ended = core.open(base, nil, {log = false})\n"
                         "ended:shutdown(30)\n"
                         "assert(tries(ended.listen, ended, 1) == 'ActorSystemFailure')\n"
                         "ended:close()\n");
}

static void the_collector_closes_connections(void **state) {
  check_on_bases(*state, "local forgotten = connection:private()\n"
                         "local address = forgotten:endpoint()\n"
                         "forgotten = nil\n"
                         "collectgarbage()\n"
                         "local answer, why = connection:ask(address, 'hello')\n"
                         "assert(answer == nil and why == 'dead')\n"
                         "core.open(base, nil, {log = false})\n"); /* closed with the state */
}

static void capabilities_must_be_named(void **state) {
  check(*state, "local name, words = tries(core.open, 'simpleSystemBase', {'one', 'two'})\n"
                "assert(name == 'ActorSystemStartupFailure' and words:find 'capabilities')\n"
                "name, words = tries(core.open, 'simpleSystemBase', {['Admin Port'] = 70000})\n"
                "assert(name == 'ActorSystemStartupFailure' and words:find 'Admin Port')\n"
                "name, words = tries(core.open, 'simpleSystemBase', {call = print})\n"
                "assert(name == 'CannotSend' and words:find 'call')\n");
}

static void options_must_be_such(void **state) {
  check(*state, "local function refused(options)\n"
                "  return tries(core.open, 'simpleSystemBase', nil, options)\n"
                "end\n"
                "assert(refused {path = {1}} == 'ActorSystemStartupFailure')\n"
                "assert(refused {host = 1} == 'ActorSystemStartupFailure')\n"
                "local _, words = refused {log = {level = 'loud', file = '/dev/null'}}\n"
                "assert(words:find 'loud', words)\n"
                "_, words = refused {log = {file = '/no/such/folder/log'}}\n"
                "assert(words:find('/no/such/folder/log', 1, true), words)\n");
}

static void a_system_elsewhere_is_only_attached_to(void **state) {
  check(*state, "local name, words = tries(core.open, 'multiprocTCPBase',\n"
                "  {['Attach Only'] = true, ['Admin Host'] = '127.0.0.1', ['Admin Port'] = 1})\n"
                "assert(name == 'ActorSystemStartupFailure', name)\n"
                "assert(words:find '127.0.0.1', words)\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_state, close_state)
#define BARE_TEST(name) cmocka_unit_test_setup_teardown(name, open_bare_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(every_function_of_a_program_is_there),
    TEST(a_program_is_no_actor),
    TEST(kinds_are_those_of_messages),
    TEST(the_version_is_the_runtimes),
    TEST(the_clock_counts_seconds),
    TEST(only_addresses_are_addresses),
    TEST(addresses_stay_equal_when_the_core_is_loaded_again),
    TEST(an_error_is_what_the_maker_makes),
    TEST(an_error_without_words_has_its_own),
    BARE_TEST(the_module_of_errors_is_loaded_at_the_first_error),
    BARE_TEST(an_error_is_text_where_nothing_makes_it),
    TEST(equal_files_give_equal_zips),
    TEST(files_that_no_bundle_may_hold_are_refused),
    TEST(a_digest_is_64_digits),
    TEST(a_connection_knows_its_system),
    TEST(what_is_told_is_heard_with_its_sender),
    TEST(messages_wait_in_their_order),
    TEST(nil_is_a_message),
    TEST(an_instance_travels_with_its_kind),
    TEST(ask_gives_the_next_message),
    TEST(asking_nobody_is_answered_at_once),
    TEST(silence_is_a_timeout),
    TEST(the_admin_answers_requests),
    TEST(capabilities_are_given_at_the_start),
    TEST(a_refused_request_raises),
    TEST(what_is_no_address_is_refused),
    TEST(what_cannot_travel_is_named),
    TEST(a_message_has_a_limit),
    TEST(a_closed_connection_does_nothing),
    TEST(a_system_lives_as_long_as_a_connection),
    TEST(two_systems_are_strangers),
    TEST(a_shut_down_system_is_gone),
    TEST(the_collector_closes_connections),
    TEST(capabilities_must_be_named),
    TEST(options_must_be_such),
    TEST(a_system_elsewhere_is_only_attached_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
