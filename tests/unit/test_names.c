#include "admin/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_first_to_claim_a_name_has_it(void **unused) {
  struct th_names *names = th_names_new();
  (void)unused;
  assert_int_equal(th_names_find(names, "Bob", 3), 0);
  assert_int_equal(th_names_claim(names, "Bob", 3, 17), 17);
  assert_int_equal(th_names_claim(names, "Bob", 3, 18), 17);
  assert_int_equal(th_names_find(names, "Bob", 3), 17);
  assert_int_equal(th_names_find(names, "Bo", 2), 0);
  th_names_free(names);
}

static void a_released_name_is_free(void **unused) {
  struct th_names *names = th_names_new();
  (void)unused;
  th_names_claim(names, "Bob", 3, 17);
  th_names_release(names, 18);
  assert_int_equal(th_names_find(names, "Bob", 3), 17);
  th_names_release(names, 17);
  assert_int_equal(th_names_find(names, "Bob", 3), 0);
  assert_int_equal(th_names_claim(names, "Bob", 3, 19), 19);
  th_names_free(names);
}

static void names_are_bytes(void **unused) {
  struct th_names *names = th_names_new();
  (void)unused;
  th_names_claim(names, "a\0b", 3, 1);
  assert_int_equal(th_names_find(names, "a", 1), 0);
  assert_int_equal(th_names_find(names, "a\0c", 3), 0);
  assert_int_equal(th_names_find(names, "a\0b", 3), 1);
  th_names_free(names);
}

static void add_up(void *context, const char *name, size_t size, uint64_t number) {
  uint64_t *sum = context;
  assert_int_equal(size, 1);
  *sum += number * (uint64_t)(name[0] - 'a' + 1);
}

static void each_names_every_holder_once(void **unused) {
  struct th_names *names = th_names_new();
  uint64_t sum = 0;
  (void)unused;
  th_names_claim(names, "a", 1, 100);
  th_names_claim(names, "b", 1, 1000);
  th_names_each(names, add_up, &sum);
  assert_int_equal(sum, 2100);
  th_names_free(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_to_claim_a_name_has_it),
    cmocka_unit_test(a_released_name_is_free),
    cmocka_unit_test(names_are_bytes),
    cmocka_unit_test(each_names_every_holder_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
