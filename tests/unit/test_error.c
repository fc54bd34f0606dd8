#include "base/error.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void each_error_of_ours_has_its_words_and_class(void **state) {
  (void)state;
#define X(name, number, class, words)                                                              \
  assert_int_equal(name, number);                                                                  \
  assert_string_equal(th_error_words(name), words);                                                \
  assert_string_equal(th_error_class(name), class);
  TH_ERRORS(X)
#undef X
}

static void errors_of_the_system_pass_through(void **state) {
  (void)state;
  assert_string_equal(th_error_words(-ENOENT), strerror(ENOENT));
  assert_string_equal(th_error_words(-ECONNREFUSED), strerror(ECONNREFUSED));
  assert_string_equal(th_error_class(-ENOENT), "ActorSystemFailure");
}

static void errors_of_name_resolution_and_streams_have_words(void **state) {
  (void)state;
  assert_string_equal(th_error_words(-3000), "name resolution failed");
  assert_string_equal(th_error_words(-3014), "name resolution failed");
  assert_string_equal(th_error_words(-4095), "end of stream");
}

static void any_other_number_has_words_too(void **state) {
  (void)state;
  static const int numbers[] = {1, INT32_MAX, INT32_MIN, -2999, -4999, -6000};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    assert_string_equal(th_error_words(numbers[i]), "unknown error");
  assert_string_equal(th_error_words(0), "no error");
}

static void a_failure_gives_its_error_back_and_fills_the_reason(void **state) {
  (void)state;
  struct th_reason reason;
  assert_int_equal(th_fail(&reason, TH_EBUNDLE, "%s: entry %d", "a.zip", 3), TH_EBUNDLE);
  assert_string_equal(reason.words, "a.zip: entry 3");
  assert_int_equal(th_fail(NULL, -ENOENT, "%d", 1), -ENOENT);
}

static void long_words_are_cut(void **state) {
  (void)state;
  struct th_reason reason;
  char words[sizeof reason.words * 2];
  memset(words, 'w', sizeof words - 1);
  words[sizeof words - 1] = '\0';
  th_fail(&reason, TH_EBUNDLE, "%s", words);
  assert_int_equal(strlen(reason.words), sizeof reason.words - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_error_of_ours_has_its_words_and_class),
    cmocka_unit_test(errors_of_the_system_pass_through),
    cmocka_unit_test(errors_of_name_resolution_and_streams_have_words),
    cmocka_unit_test(any_other_number_has_words_too),
    cmocka_unit_test(a_failure_gives_its_error_back_and_fills_the_reason),
    cmocka_unit_test(long_words_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
