#include "base/jsontext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

static void assert_json(const void *text, size_t size, const char *expected) {
  struct th_buffer out;
  th_buffer_init(&out);
  th_jsontext_append(&out, text, size);
  th_buffer_append(&out, "", 1);
  assert_int_equal(out.error, 0);
  assert_string_equal(out.data, expected);
  th_buffer_clear(&out);
}

static void text_gets_quotes_and_escapes(void **state) {
  (void)state;
  assert_json("", 0, "\"\"");
  assert_json("plain \xc3\xa9", 8, "\"plain \xc3\xa9\"");
  assert_json("\"\\\n\r\t\0\x1b\x7f", 8, "\"\\\"\\\\\\n\\r\\t\\u0000\\u001b\\u007f\"");
  assert_json("\xff\xc2\x85", 3, "\"\\u00ff\\u0085\"");
}

/* Another's reader takes it, whatever the bytes. */
static void every_pair_of_bytes_makes_a_json_string(void **state) {
  (void)state;
  for (unsigned pair = 0; pair < 0x10000; pair++) {
    unsigned char bytes[2] = {(unsigned char)(pair >> 8), (unsigned char)pair};
    struct th_buffer out;
    th_buffer_init(&out);
    th_jsontext_append(&out, bytes, sizeof bytes);
    json_t *read = json_loadb((const char *)out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                              NULL);
    assert_true(json_is_string(read));
    json_decref(read);
    th_buffer_clear(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_gets_quotes_and_escapes),
    cmocka_unit_test(every_pair_of_bytes_makes_a_json_string),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
