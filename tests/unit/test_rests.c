#include "actor/rests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct th_rests *rests, uint64_t now, uint64_t number, uint64_t taken) {
  uint64_t who, how_many;
  assert_true(th_rests_take(rests, now, &who, &how_many));
  assert_int_equal(who, number);
  assert_int_equal(how_many, taken);
}

static void expect_none(struct th_rests *rests, uint64_t now) {
  uint64_t number, taken;
  assert_false(th_rests_take(rests, now, &number, &taken));
}

static void who_came_first_is_given_first_when_it_is_due(void **unused) {
  struct th_rests *rests = th_rests_new();
  (void)unused;
  assert_true(th_rests_next(rests) == TH_FOREVER);
  expect_none(rests, TH_FOREVER - 1);
  assert_true(th_rests_add(rests, 7, 70, 100));
  assert_false(th_rests_add(rests, 8, 80, 200));
  assert_int_equal(th_rests_next(rests), 100 + TH_RESTS_WHILE);
  expect_none(rests, 99 + TH_RESTS_WHILE);
  expect(rests, 100 + TH_RESTS_WHILE, 7, 70);
  expect_none(rests, 100 + TH_RESTS_WHILE);
  expect(rests, 1000 + TH_RESTS_WHILE, 8, 80);
  assert_true(th_rests_add(rests, 9, 90, 300));
  th_rests_free(rests);
}

static void many_keep_their_order(void **unused) {
  enum { COUNT = 100000 };
  struct th_rests *rests = th_rests_new();
  uint64_t in = 0, out = 0;
  (void)unused;
  while (in < COUNT) { /* more come than go */
    for (int i = 0; i < 3; i++, in++) th_rests_add(rests, in, in + 1, in);
    expect(rests, TH_FOREVER - 1, out, out + 1);
    out++;
  }
  while (out < in) {
    expect(rests, TH_FOREVER - 1, out, out + 1);
    out++;
    if (out % 2 == 0) th_rests_add(rests, in, in + 1, in), in++;
    if (in > 2 * COUNT) break;
  }
  while (out < in) {
    expect(rests, TH_FOREVER - 1, out, out + 1);
    out++;
  }
  expect_none(rests, TH_FOREVER - 1);
  th_rests_free(rests);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_came_first_is_given_first_when_it_is_due),
    cmocka_unit_test(many_keep_their_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
