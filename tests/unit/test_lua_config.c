#include "bindings/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/json.h"

static int read_text(const char *lua, struct th_buffer *table, struct th_reason *reason) {
  const char *temporary = getenv("TMPDIR");
  char path[4096];
  snprintf(path, sizeof path, "%s/test_config.XXXXXX", temporary != NULL ? temporary : "/tmp");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, lua, strlen(lua)), strlen(lua));
  close(fd);
  int error = th_lua_read_config(path, table, reason);
  unlink(path);
  return error;
}

static void assert_reads(const char *lua, const char *json) {
  struct th_buffer table, text;
  struct th_reason reason = {""};
  th_buffer_init(&table);
  th_buffer_init(&text);
  assert_int_equal(read_text(lua, &table, &reason), 0);
  assert_int_equal(th_json_write(table.data, table.size, &text), 0);
  th_buffer_append(&text, "", 1);
  assert_string_equal(text.data, json);
  th_buffer_clear(&text);
  th_buffer_clear(&table);
}

static void assert_refuses(const char *lua, const char *words) {
  struct th_buffer table;
  struct th_reason reason = {""};
  th_buffer_init(&table);
  assert_int_equal(read_text(lua, &table, &reason), TH_ESTARTUP);
  assert_non_null(strstr(reason.words, words));
  th_buffer_clear(&table);
}

static void tables_of_plain_values_are_read(void **state) {
  (void)state;
  assert_reads("return {}", "[]");
  assert_reads("return {port = 10 * 190}", "{\"port\": 1900}");
  assert_reads("return {capabilities = {Share = 0.5}}", "{\"capabilities\": {\"Share\": 0.5}}");
  assert_reads("return {load = {'a.zip', 'b.zip'}}", "{\"load\": [\"a.zip\", \"b.zip\"]}");
  assert_reads("local path = '/srv' return {path = {path .. '/a'}}", "{\"path\": [\"/srv/a\"]}");
}

static void what_is_no_table_of_plain_values_is_refused(void **state) {
  (void)state;
  assert_refuses("return 5", "returns no table");
  assert_refuses("", "returns no table");
  assert_refuses("return {f = function() end}", "a function in the config file");
  assert_refuses("return {1, 2, x = 3}", "names and numbers as keys");
  assert_refuses("local t = {} t.t = t return t", "nest too deep");
}

static void a_file_that_fails_says_where(void **state) {
  (void)state;
  assert_refuses("return {", ":1:");
  assert_refuses("\nlocal x = nil + 1", ":2:");
  assert_refuses("return {os.getenv('HOME')}", "global 'os'");
  assert_refuses("\x1bLua", "binary chunk");
}

static void a_file_that_is_missing_is_named(void **state) {
  (void)state;
  struct th_buffer table;
  struct th_reason reason;
  th_buffer_init(&table);
  assert_int_equal(th_lua_read_config("/no/such.lua", &table, &reason), TH_ESTARTUP);
  assert_non_null(strstr(reason.words, "/no/such.lua"));
  th_buffer_clear(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tables_of_plain_values_are_read),
    cmocka_unit_test(what_is_no_table_of_plain_values_is_refused),
    cmocka_unit_test(a_file_that_fails_says_where),
    cmocka_unit_test(a_file_that_is_missing_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
