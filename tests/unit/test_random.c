#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Chance would fail this once in 2^128 runs. */
static void random_bytes_fill_all_and_differ(void **state) {
  (void)state;
  unsigned char one[48] = {0}, other[48] = {0};
  assert_int_equal(th_random_bytes(one, 32), 0);
  assert_int_equal(th_random_bytes(other, 32), 0);
  assert_memory_not_equal(one, other, 16);
  assert_memory_not_equal(one + 16, other + 16, 16);
  for (int i = 32; i < 48; i++) assert_int_equal(one[i], 0);
  assert_int_equal(th_random_bytes(one, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_bytes_fill_all_and_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
