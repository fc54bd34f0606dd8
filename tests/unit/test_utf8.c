#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t size_of(const char *bytes, size_t size) {
  return th_utf8_size((const unsigned char *)bytes, size);
}

#define SIZE_OF(literal) size_of((literal), sizeof(literal) - 1)

static void the_first_and_last_of_each_range_are_characters(void **state) {
  (void)state;
  assert_int_equal(SIZE_OF("\0"), 1);
  assert_int_equal(SIZE_OF("\x7f"), 1);
  assert_int_equal(SIZE_OF("\xc2\x80"), 2);
  assert_int_equal(SIZE_OF("\xdf\xbf"), 2);
  assert_int_equal(SIZE_OF("\xe0\xa0\x80"), 3);
  assert_int_equal(SIZE_OF("\xed\x9f\xbf"), 3);
  assert_int_equal(SIZE_OF("\xee\x80\x80"), 3);
  assert_int_equal(SIZE_OF("\xef\xbf\xbf"), 3);
  assert_int_equal(SIZE_OF("\xf0\x90\x80\x80"), 4);
  assert_int_equal(SIZE_OF("\xf4\x8f\xbf\xbf"), 4);
}

static void what_follows_does_not_matter(void **state) {
  (void)state;
  assert_int_equal(SIZE_OF("a\xff"), 1);
  assert_int_equal(SIZE_OF("\xc3\xa4\xff"), 2);
  assert_int_equal(SIZE_OF("\xe2\x82\xac\x80"), 3);
}

static void other_ways_to_write_a_character_are_none(void **state) {
  (void)state;
  assert_int_equal(SIZE_OF("\xc0\xae"), 0);
  assert_int_equal(SIZE_OF("\xc1\xbf"), 0);
  assert_int_equal(SIZE_OF("\xe0\x9f\xbf"), 0);
  assert_int_equal(SIZE_OF("\xf0\x8f\xbf\xbf"), 0);
}

static void numbers_that_are_no_character_s_are_none(void **state) {
  (void)state;
  assert_int_equal(SIZE_OF("\xed\xa0\x80"), 0); /* the first half of a pair */
  assert_int_equal(SIZE_OF("\xed\xbf\xbf"), 0); /* the last second half */
  assert_int_equal(SIZE_OF("\xf4\x90\x80\x80"), 0);
  assert_int_equal(SIZE_OF("\xf5\x80\x80\x80"), 0);
  assert_int_equal(SIZE_OF("\xf8\x88\x80\x80\x80"), 0);
  assert_int_equal(SIZE_OF("\xff"), 0);
}

static void parts_of_characters_are_none(void **state) {
  (void)state;
  assert_int_equal(SIZE_OF("\x80"), 0);
  assert_int_equal(SIZE_OF("\xbf\xbf"), 0);
  assert_int_equal(size_of("\xc3\xa4", 1), 0);
  assert_int_equal(size_of("\xe2\x82\xac", 2), 0);
  assert_int_equal(size_of("\xf0\x9f\x98\x80", 3), 0);
  assert_int_equal(SIZE_OF("\xe2\x28\xa1"), 0);
  assert_int_equal(SIZE_OF("\xe2\x82\x28"), 0);
}

static bool is_control(const char *character) {
  return th_utf8_is_control((const unsigned char *)character, strlen(character));
}

static void control_characters_are_of_both_sets(void **state) {
  (void)state;
  assert_true(th_utf8_is_control((const unsigned char *)"", 1));
  assert_true(is_control("\x1b"));
  assert_true(is_control("\x1f"));
  assert_false(is_control(" "));
  assert_false(is_control("~"));
  assert_true(is_control("\x7f"));
  assert_true(is_control("\xc2\x80"));
  assert_true(is_control("\xc2\x9f"));
  assert_false(is_control("\xc2\xa0"));
  assert_false(is_control("\xc3\x80"));
  assert_false(is_control("\xe2\x82\xac"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_and_last_of_each_range_are_characters),
    cmocka_unit_test(what_follows_does_not_matter),
    cmocka_unit_test(other_ways_to_write_a_character_are_none),
    cmocka_unit_test(numbers_that_are_no_character_s_are_none),
    cmocka_unit_test(parts_of_characters_are_none),
    cmocka_unit_test(control_characters_are_of_both_sets),
  };
  return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
