#include "base/clock.h"

#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_clock_never_goes_back(void **state) {
  (void)state;
  uint64_t last = th_clock_now();
  assert_true(last > 0);
  for (int i = 0; i < 10000; i++) {
    uint64_t now = th_clock_now();
    assert_true(now >= last);
    last = now;
  }
}

static void after_is_now_and_as_much_more(void **state) {
  (void)state;
  uint64_t before = th_clock_now();
  uint64_t until = th_clock_after(TH_SECOND);
  uint64_t after = th_clock_now();
  assert_true(until >= before + TH_SECOND && until <= after + TH_SECOND);
}

static void past_the_end_of_time_is_forever(void **state) {
  (void)state;
  assert_true(th_clock_after(TH_FOREVER) == TH_FOREVER);
  assert_true(th_clock_after(TH_FOREVER - 1) == TH_FOREVER);
}

static void seconds_become_nanoseconds(void **state) {
  (void)state;
  assert_true(th_clock_from_seconds(1) == TH_SECOND);
  assert_true(th_clock_from_seconds(0.1) == 100 * TH_MILLISECOND);
  assert_true(th_clock_from_seconds(1.001) == 1001 * TH_MILLISECOND);
  assert_true(th_clock_from_seconds(1e-9) == TH_NANOSECOND);
  assert_true(th_clock_from_seconds(1e9) == 1000000000 * TH_SECOND);
}

static void seconds_that_make_no_sense_are_none(void **state) {
  (void)state;
  assert_true(th_clock_from_seconds(0) == 0);
  assert_true(th_clock_from_seconds(-1) == 0);
  assert_true(th_clock_from_seconds((double)-INFINITY) == 0);
  assert_true(th_clock_from_seconds((double)NAN) == 0);
}

static void huge_seconds_are_forever(void **state) {
  (void)state;
  uint64_t last = th_clock_from_seconds(18446744073);
  assert_true(last > 18446744072 * TH_SECOND && last < TH_FOREVER);
  assert_true(th_clock_from_seconds(18446744074) == TH_FOREVER);
  assert_true(th_clock_from_seconds(1e300) == TH_FOREVER);
  assert_true(th_clock_from_seconds((double)INFINITY) == TH_FOREVER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_clock_never_goes_back),
    cmocka_unit_test(after_is_now_and_as_much_more),
    cmocka_unit_test(past_the_end_of_time_is_forever),
    cmocka_unit_test(seconds_become_nanoseconds),
    cmocka_unit_test(seconds_that_make_no_sense_are_none),
    cmocka_unit_test(huge_seconds_are_forever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
