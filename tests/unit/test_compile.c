/* Bundles that are compiled before they travel: what they become, and that a system runs them when
 * somebody vouches for them, and not otherwise. */
#include "bindings/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/source.h"
#include "base/clock.h"
#include "bindings/run.h"
#include "host/client.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"
#include "system/system.h"

#define PATIENCE (60 * TH_SECOND)
#define FILE_OF(name, text)                                                                        \
  { name, (const unsigned char *)(text), sizeof(text) - 1 }

static struct th_bytes *pack(const struct th_source_file *files, size_t count) {
  struct th_bytes *zip;
  struct th_reason reason = {""};
  assert_int_equal(th_source_pack(files, count, &zip, &reason), 0);
  return zip;
}

static struct th_bytes *compile(const struct th_source_file *files, size_t count, bool keep_debug) {
  struct th_bytes *zip = pack(files, count), *compiled;
  struct th_reason reason = {""};
  int error = th_compile_bundle(zip->data, zip->size, keep_debug, &compiled, &reason);
  assert_string_equal(reason.words, "");
  assert_int_equal(error, 0);
  th_bytes_unref(zip);
  return compiled;
}

/* Opens a source that is vouched for; hash NULL: its own. Drops the zip. */
static struct th_source *validate(struct th_bytes *zip, const char *hash) {
  struct th_source *source;
  struct th_reason reason = {""};
  const struct th_source_config config = {.hash = hash, .may_be_compiled = true};
  assert_int_equal(th_source_open(zip->data, zip->size, &config, &source, &reason), 0);
  th_bytes_unref(zip);
  return source;
}

/* ---- what they become ---- */

static const struct th_source_file sample[] = {
  FILE_OF("data.txt", "as it is"), FILE_OF("empty.lua", ""), FILE_OF("pkg/init.lua", "return 1"),
  FILE_OF("script.lua", "#!/usr/bin/lua\nreturn 2")};

static void every_lua_file_is_compiled_and_others_stay(void **state) {
  static const char *const names[] = {"data.txt", "empty.luac", "pkg/init.luac", "script.luac"};
  (void)state;
  struct th_source *source = validate(compile(sample, 4, false), NULL);
  assert_int_equal(source->file_count, 4);
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(source->files[i].name, names[i]);
    if (i > 0) assert_memory_equal(source->files[i].data, "\x1bLua", 4);
  }
  assert_memory_equal(source->files[0].data, "as it is", 8);
  th_source_unref(source);
}

static void equal_bundles_give_equal_bytes(void **state) {
  (void)state;
  const struct th_source_file reversed[] = {sample[3], sample[2], sample[1], sample[0]};
  struct th_bytes *one = compile(sample, 4, false), *other = compile(reversed, 4, false);
  struct th_bytes *longer = compile(sample, 4, true);
  assert_int_equal(one->size, other->size);
  assert_memory_equal(one->data, other->data, one->size);
  assert_true(longer->size > one->size); /* by what tells lines */
  th_bytes_unref(one);
  th_bytes_unref(other);
  th_bytes_unref(longer);
}

static void assert_refused(const struct th_source_file *files, size_t count, const char *words) {
  struct th_bytes *zip = pack(files, count), *compiled = NULL;
  struct th_reason reason = {""};
  assert_int_equal(th_compile_bundle(zip->data, zip->size, true, &compiled, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, words);
  assert_null(compiled);
  th_bytes_unref(zip);
}

static void a_syntax_error_tells_file_and_line(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("a.lua", "return 1"),
                                         FILE_OF("pkg/b.lua", "#!\n\nlocal = 5")};
  assert_refused(files, 2, "pkg/b.lua:3: <name> expected near '='");
}

static void what_is_compiled_or_no_zip_is_refused(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("a.luac", "\x1bLua")};
  struct th_bytes *compiled = NULL;
  struct th_reason reason = {""};
  assert_refused(files, 1, "entry \"a.luac\": compiled Lua is refused, pack its source text");
  assert_int_equal(th_compile_bundle("no", 2, false, &compiled, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, "not a zip archive");
}

/* ---- how they run ---- */

/* Answers each message with what it says, and what it raises with the traceback. */
#define APP                                                                                        \
  "local actors = require 'thespian.actors'\n"                                                     \
  "local words = require 'pkg.words'\n"                                                            \
  "local App = actors.class('App', actors.Actor)\n"                                                \
  "function App:receiveMessage(message, sender)\n"                                                 \
  "  if type(message) ~= 'string' then return end\n"                                               \
  "  if message == 'fail' then words.fail() end\n"                                                 \
  "  if message == 'load' then\n"                                                                  \
  "    local made, why = load(string.dump(words.fail), '=mine', 'b')\n"                            \
  "    return self:send(sender, tostring(made) .. ' ' .. why)\n"                                   \
  "  end\n"                                                                                        \
  "  self:send(sender, words.text)\n"                                                              \
  "end\n"                                                                                          \
  "return {App = App}\n"

#define WORDS(text) "return {text = '" text "',\n  fail = function() error 'on purpose' end}"

struct bench {
  struct th_system *system;
  struct th_client *client;
};

static int begin(void **state) {
  static struct bench bench;
  struct th_system_config config = {.base = TH_BASE_QUEUE, .script = th_script_lua(), .workers = 2};
  struct th_reason reason = {""};
  if (th_system_start(&bench.system, &config, &reason) != 0) return -1;
  *state = &bench;
  return th_client_attach(&bench.client, bench.system);
}

static int end(void **state) {
  struct bench *bench = *state;
  th_client_close(bench->client);
  return th_system_free(bench->system, 60) ? 0 : -1;
}

static int create(struct bench *bench, struct th_source *source, struct th_address *address,
                  struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack reader;
  th_buffer_init(&request);
  th_pack_array(&request, 5);
  th_pack_int(&request, TH_OP_CREATE);
  th_pack_text(&request, "app.App");
  th_pack_nil(&request);
  th_pack_nil(&request);
  th_pack_text(&request, source->hash);
  th_sources_add(bench->system->sources, source);
  th_source_unref(source);
  int error = th_client_request(bench->client, &request, th_clock_after(PATIENCE), &reply, reason);
  th_buffer_clear(&request);
  if (error != 0) return error;
  th_unpack_init(&reader, reply->payload, reply->size);
  th_unpack_array(&reader);
  th_unpack_int(&reader);
  *address = th_unpack_address(&reader);
  assert_int_equal(reader.error, 0);
  th_message_free(reply);
  return 0;
}

/* What the actor answers must contain part; a traceback comes within poison. */
static void assert_answer(struct bench *bench, const struct th_address *address,
                          const char *message, const char *part) {
  struct th_buffer question;
  struct th_message *answer;
  struct th_reason reason;
  th_buffer_init(&question);
  th_pack_text(&question, message);
  assert_int_equal(th_client_ask(bench->client, address, TH_KIND_USER, question.data, question.size,
                                 th_clock_after(PATIENCE), &answer, &reason),
                   0);
  if (memmem(answer->payload, answer->size, part, strlen(part)) == NULL)
    fail_msg("%s is answered by %.*s", message, (int)answer->size, (const char *)answer->payload);
  th_buffer_clear(&question);
  th_message_free(answer);
}

static struct th_bytes *app(const char *words, size_t size, bool keep_debug) {
  const struct th_source_file files[] = {FILE_OF("app.lua", APP),
                                         {"pkg/words.lua", (const unsigned char *)words, size}};
  return compile(files, 2, keep_debug);
}

#define APP_OF(text, keep_debug) app(WORDS(text), sizeof(WORDS(text)) - 1, keep_debug)

static void a_compiled_bundle_runs_where_it_is_vouched_for(void **state) {
  struct bench *bench = *state;
  struct th_address address;
  struct th_reason reason = {""};
  assert_int_equal(create(bench, validate(APP_OF("stripped", false), NULL), &address, &reason), 0);
  assert_answer(bench, &address, "hello", "stripped");
  assert_answer(bench, &address, "fail", "on purpose");
}

static void tracebacks_tell_file_and_line_where_that_was_kept(void **state) {
  struct bench *bench = *state;
  struct th_address address;
  struct th_reason reason = {""};
  assert_int_equal(create(bench, validate(APP_OF("kept", true), NULL), &address, &reason), 0);
  assert_answer(bench, &address, "hello", "kept");
  assert_answer(bench, &address, "fail", "pkg/words.lua:2: on purpose");
  assert_answer(bench, &address, "fail", "app.lua:6: in ");
}

static void what_such_code_loads_itself_is_text_all_the_same(void **state) {
  struct bench *bench = *state;
  struct th_address address;
  struct th_reason reason = {""};
  assert_int_equal(create(bench, validate(APP_OF("x", false), NULL), &address, &reason), 0);
  assert_answer(bench, &address, "load", "nil mine: compiled Lua is not loaded by actors");
}

/* One hash, two zips, one after the other: what an authority gives for a hash need not be the same
 * for ever, so code is not kept by the hash alone. */
static void code_of_two_zips_known_by_one_hash_is_not_mixed(void **state) {
  struct bench *bench = *state;
  const char *hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  struct th_address one, other;
  struct th_reason reason = {""};
  assert_int_equal(create(bench, validate(APP_OF("first", false), hash), &one, &reason), 0);
  assert_answer(bench, &one, "hello", "first");
  th_source_unref(th_sources_remove(bench->system->sources, hash));
  assert_int_equal(create(bench, validate(APP_OF("second", false), hash), &other, &reason), 0);
  assert_answer(bench, &other, "hello", "second");
  assert_answer(bench, &one, "hello", "first");
  th_source_unref(th_sources_remove(bench->system->sources, hash));
}

static void code_of_another_lua_is_refused_by_name(void **state) {
  struct bench *bench = *state;
  const struct th_source_file files[] = {FILE_OF("app.luac", "\x1bLua\x53\0")};
  struct th_address address;
  struct th_reason reason = {""};
  assert_true(create(bench, validate(pack(files, 1), NULL), &address, &reason) < 0);
  assert_non_null(strstr(reason.words, "module 'app' cannot be loaded: "));
  assert_non_null(strstr(reason.words, "app.luac: bad binary format (version mismatch); compile "
                                       "its bundle by this version of thespian"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_lua_file_is_compiled_and_others_stay),
    cmocka_unit_test(equal_bundles_give_equal_bytes),
    cmocka_unit_test(a_syntax_error_tells_file_and_line),
    cmocka_unit_test(what_is_compiled_or_no_zip_is_refused),
    cmocka_unit_test_setup_teardown(a_compiled_bundle_runs_where_it_is_vouched_for, begin, end),
    cmocka_unit_test_setup_teardown(tracebacks_tell_file_and_line_where_that_was_kept, begin, end),
    cmocka_unit_test_setup_teardown(what_such_code_loads_itself_is_text_all_the_same, begin, end),
    cmocka_unit_test_setup_teardown(code_of_two_zips_known_by_one_hash_is_not_mixed, begin, end),
    cmocka_unit_test_setup_teardown(code_of_another_lua_is_refused_by_name, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
