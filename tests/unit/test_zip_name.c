#include "bundle/zip_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FAULT(literal) th_zip_name_fault((const unsigned char *)(literal), sizeof(literal) - 1, 40)

static int compare(const char *left, const char *right) {
  return th_zip_name_compare((const unsigned char *)left, strlen(left),
                             (const unsigned char *)right, strlen(right));
}

static void names_of_ordinary_files_are_good(void **state) {
  (void)state;
  assert_null(FAULT("a"));
  assert_null(FAULT("init.lua"));
  assert_null(FAULT("pkg/sub/mod-1_2.lua"));
  assert_null(FAULT("pkg/"));
  assert_null(FAULT(".hidden/..almost/a..b/..."));
  assert_null(FAULT("with space: and colon"));
  assert_null(FAULT("1:a"));
  assert_null(FAULT("\xc3\xa4/\xe2\x82\xac/\xf0\x9f\x8e\xad.lua"));
}

static void names_may_hold_the_first_and_last_of_each_range_of_utf8(void **state) {
  (void)state;
  assert_null(FAULT("\x20\x7e\xc2\xa0\xdf\xbf"));
  assert_null(FAULT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
  assert_null(FAULT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void names_that_leave_the_archive_are_found(void **state) {
  (void)state;
  assert_string_equal(FAULT(".."), "the name leaves the archive");
  assert_string_equal(FAULT("../"), "the name leaves the archive");
  assert_string_equal(FAULT("../evil.lua"), "the name leaves the archive");
  assert_string_equal(FAULT("a/../../evil.lua"), "the name leaves the archive");
  assert_string_equal(FAULT("a/.."), "the name leaves the archive");
  assert_string_equal(FAULT("/etc/passwd"), "the name is absolute");
  assert_string_equal(FAULT("/"), "the name is absolute");
  assert_string_equal(FAULT("a:"), "the name begins with a drive");
  assert_string_equal(FAULT("c:a.lua"), "the name begins with a drive");
  assert_string_equal(FAULT("Z:/a.lua"), "the name begins with a drive");
  assert_string_equal(FAULT("..\\evil.lua"), "the name contains a backslash");
}

static void names_with_two_readings_are_found(void **state) {
  (void)state;
  assert_string_equal(FAULT(""), "the name is empty");
  assert_string_equal(FAULT("a//b"), "the name has an empty part");
  assert_string_equal(FAULT("a//"), "the name has an empty part");
  assert_string_equal(FAULT("./a"), "the name has \".\" as a part");
  assert_string_equal(FAULT("a/."), "the name has \".\" as a part");
  assert_string_equal(FAULT("a.lua\0.txt"), "the name contains a zero byte");
  assert_string_equal(FAULT("a\nb"), "the name contains a control character");
  assert_string_equal(FAULT("a\x1b[2Jb"), "the name contains a control character");
  assert_string_equal(FAULT("a\x7f"), "the name contains a control character");
  assert_string_equal(FAULT("\302\2332J"), "the name contains a control character");
}

static void names_that_are_not_utf8_are_found(void **state) {
  (void)state;
  assert_string_equal(FAULT("\xe4.lua"), "the name is not UTF-8");
  assert_string_equal(FAULT("\x84.lua"), "the name is not UTF-8");
  assert_string_equal(FAULT("a\xc3"), "the name is not UTF-8");
  assert_string_equal(FAULT("\x80\xa0"), "the name is not UTF-8");
  assert_string_equal(FAULT("\x85\xa5"), "the name is not UTF-8"); /* begins in the middle */
  assert_string_equal(FAULT("\303a"), "the name is not UTF-8");
  assert_string_equal(FAULT("\xc0\xae\xc0\xae"), "the name is not UTF-8"); /* ".." in disguise */
  assert_string_equal(FAULT("\xe0\x80\xae"), "the name is not UTF-8");
  assert_string_equal(FAULT("\xf0\x80\x80\xaf"), "the name is not UTF-8");
  assert_string_equal(FAULT("\xed\xa0\x80"), "the name is not UTF-8");     /* a surrogate */
  assert_string_equal(FAULT("\xf4\x90\x80\x80"), "the name is not UTF-8"); /* past the end */
  assert_string_equal(FAULT("\xf8\x88\x80\x80\x80"), "the name is not UTF-8");
  assert_string_equal(FAULT("\xf8\x90\x80\x80"), "the name is not UTF-8");
}

static void names_may_have_just_as_many_bytes_as_the_limit(void **state) {
  (void)state;
  assert_null(FAULT("1234567890123456789012345678901234567890"));
  assert_string_equal(FAULT("12345678901234567890123456789012345678901"), "the name is too long");
}

static void names_that_some_system_takes_for_one_are_equal(void **state) {
  (void)state;
  assert_int_equal(compare("a/B.lua", "A/b.LUA"), 0);
  assert_int_equal(compare("pkg/", "PKG"), 0);
  assert_true(compare("a", "b") < 0);
  assert_true(compare("b", "A") > 0);
  assert_true(compare("a", "a/b") < 0);
  assert_true(compare("a/b", "a/") > 0);
  assert_true(compare("[", "{") != 0);
  assert_true(compare("@", "`") != 0);
}

static const char *shown(struct th_reason *reason, const char *name, size_t size) {
  assert_int_equal(th_zip_name_fail(reason, (const unsigned char *)name, size, "no %d", 7),
                   TH_EBUNDLE);
  return reason->words;
}

static void a_refusal_names_the_entry(void **state) {
  (void)state;
  struct th_reason reason;
  assert_string_equal(shown(&reason, "../evil.lua", 11), "entry \"../evil.lua\": no 7");
  assert_string_equal(shown(&reason, "\xc3\xa4", 2), "entry \"\xc3\xa4\": no 7");
  assert_string_equal(shown(&reason, "", 0), "entry \"\": no 7");
}

static void a_refusal_escapes_what_could_play_tricks(void **state) {
  (void)state;
  struct th_reason reason;
  assert_string_equal(shown(&reason, "a\0\x1b[2J\n", 7), "entry \"a\\x00\\x1b[2J\\x0a\": no 7");
  assert_string_equal(shown(&reason, "\xe4\x9b", 2), "entry \"\\xe4\\x9b\": no 7");
  assert_string_equal(shown(&reason, "\xc2\x9b", 2), "entry \"\\xc2\\x9b\": no 7");
}

static void a_refusal_cuts_a_long_name_between_characters(void **state) {
  (void)state;
  struct th_reason reason;
  char name[65535], expected[256];
  memset(name, 'x', sizeof name);
  memset(expected, 'x', 200);
  strcpy(expected + 200, "...\": no 7");
  assert_string_equal(shown(&reason, name, sizeof name) + strlen("entry \""), expected);
  memcpy(name + 199, "\xc3\xa4", 2);
  strcpy(expected + 199, "...\": no 7");
  assert_string_equal(shown(&reason, name, sizeof name) + strlen("entry \""), expected);
  memset(name, 1, sizeof name);
  assert_int_equal(strlen(shown(&reason, name, sizeof name)),
                   strlen("entry \"...\": no 7") + 4 * 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_of_ordinary_files_are_good),
    cmocka_unit_test(names_may_hold_the_first_and_last_of_each_range_of_utf8),
    cmocka_unit_test(names_that_leave_the_archive_are_found),
    cmocka_unit_test(names_with_two_readings_are_found),
    cmocka_unit_test(names_that_are_not_utf8_are_found),
    cmocka_unit_test(names_may_have_just_as_many_bytes_as_the_limit),
    cmocka_unit_test(names_that_some_system_takes_for_one_are_equal),
    cmocka_unit_test(a_refusal_names_the_entry),
    cmocka_unit_test(a_refusal_escapes_what_could_play_tricks),
    cmocka_unit_test(a_refusal_cuts_a_long_name_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
