#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_bytes(const char *words, size_t size, const char *kept, const char *expected,
                        size_t width) {
  struct th_buffer text;
  th_buffer_init(&text);
  assert_int_equal(th_printable_append(&text, words, size, kept), width);
  th_buffer_append(&text, "", 1);
  assert_int_equal(text.error, 0);
  assert_string_equal(text.data, expected);
  th_buffer_clear(&text);
}

static void check(const char *words, const char *kept, const char *expected, size_t width) {
  check_bytes(words, strlen(words), kept, expected, width);
}

static void text_stays_as_it_is(void **state) {
  (void)state;
  check("", "", "", 0);
  check("a name, 'quoted' \"twice\" \\ ~", "", "a name, 'quoted' \"twice\" \\ ~", 28);
  check("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 5);
}

static void control_characters_are_spelt_out(void **state) {
  (void)state;
  check("\x1b[31mred\x1b[0m", "", "\\x1b[31mred\\x1b[0m", 18);
  check("a\nb\tc\r\x7f", "", "a\\x0ab\\x09c\\x0d\\x7f", 19);
  check("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0", 25);
  check_bytes("a\0b", 3, "", "a\\x00b", 6);
}

static void some_control_characters_are_kept_on_demand(void **state) {
  (void)state;
  check("a\nb\tc\r", "\n\t", "a\nb\tc\\x0d", 9);
  check_bytes("a\0b", 3, "\n\t", "a\\x00b", 6);
}

static void what_is_no_utf8_is_spelt_out(void **state) {
  (void)state;
  check("\xff\xfe", "", "\\xff\\xfe", 8);
  check("\x80|\xc3|\xe2\x82", "", "\\x80|\\xc3|\\xe2\\x82", 18);
  check("\xc0\xaf|\xe0\x80\x80|\xed\xa0\x80", "", "\\xc0\\xaf|\\xe0\\x80\\x80|\\xed\\xa0\\x80", 34);
  check("\xf0\x80\x80\x80|\xf4\x90\x80\x80", "", "\\xf0\\x80\\x80\\x80|\\xf4\\x90\\x80\\x80", 33);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_stays_as_it_is),
    cmocka_unit_test(control_characters_are_spelt_out),
    cmocka_unit_test(some_control_characters_are_kept_on_demand),
    cmocka_unit_test(what_is_no_utf8_is_spelt_out),
  };
  return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
