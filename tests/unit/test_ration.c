#include "base/ration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct th_ration_limits limits = {
  .window = 10, .lines = 3, .bytes = 100, .all_lines = 6, .all_bytes = 1000};

/* What is told, as "name:refused " for each, "-" for no name. */
static void tell(void *context, const char *name, uint64_t refused) {
  char *told = context;
  size_t size = strlen(told);
  snprintf(told + size, 200 - size, "%s:%llu ", name != NULL ? name : "-",
           (unsigned long long)refused);
}

static unsigned take(struct th_ration *ration, uint64_t key, const char *name, unsigned tries) {
  unsigned taken = 0;
  for (unsigned i = 0; i < tries; i++) taken += th_ration_take(ration, key, name);
  return taken;
}

static void a_source_writes_so_many_lines_in_a_window(void **state) {
  char told[200] = "";
  (void)state;
  struct th_ration *ration = th_ration_new(&limits);
  th_ration_turn(ration, 100, tell, told);
  assert_int_equal(take(ration, 7, "seven", 5), 3);
  assert_int_equal(take(ration, 8, "eight", 2), 2);
  th_ration_turn(ration, 109, tell, told);
  assert_string_equal(told, "");
  assert_int_equal(take(ration, 7, "seven", 1), 0);
  th_ration_turn(ration, 110, tell, told);
  assert_string_equal(told, "seven:3 ");
  assert_int_equal(take(ration, 7, "seven", 5), 3);
  th_ration_free(ration);
}

static void a_source_writes_so_many_bytes_in_a_window(void **state) {
  char told[200] = "";
  (void)state;
  struct th_ration *ration = th_ration_new(&limits);
  th_ration_turn(ration, 100, tell, told);
  assert_int_equal(take(ration, 7, "seven", 1), 1);
  th_ration_charge(ration, 7, 100);
  assert_int_equal(take(ration, 7, "seven", 2), 0);
  assert_int_equal(take(ration, 8, "eight", 1), 1);
  th_ration_turn(ration, TH_FOREVER, tell, told);
  assert_string_equal(told, "seven:2 ");
  th_ration_free(ration);
}

static void all_together_write_so_much_in_a_window(void **state) {
  char told[200] = "";
  (void)state;
  struct th_ration *ration = th_ration_new(&limits);
  th_ration_turn(ration, 100, tell, told);
  assert_int_equal(take(ration, 1, "one", 3), 3);
  assert_int_equal(take(ration, 2, "two", 2), 2);
  assert_int_equal(take(ration, 0, "nobody", 1), 1);
  assert_int_equal(take(ration, 3, "three", 4), 0);
  assert_int_equal(take(ration, 0, "nobody", 1), 0);
  th_ration_turn(ration, 110, tell, told);
  assert_string_equal(told, "-:5 ");
  th_ration_charge(ration, 0, 1000);
  assert_int_equal(take(ration, 3, "three", 1), 0);
  th_ration_free(ration);
}

static void what_has_no_source_is_limited_with_all_alone(void **state) {
  char told[200] = "";
  (void)state;
  struct th_ration *ration = th_ration_new(&limits);
  th_ration_turn(ration, 100, tell, told);
  assert_int_equal(take(ration, 0, "", 10), 6);
  th_ration_free(ration);
}

static void a_window_is_told_of_once(void **state) {
  char told[200] = "";
  (void)state;
  struct th_ration *ration = th_ration_new(&limits);
  th_ration_turn(ration, 100, tell, told);
  take(ration, 7, "seven", 4);
  th_ration_turn(ration, 200, tell, told);
  th_ration_turn(ration, 300, tell, told);
  th_ration_turn(ration, TH_FOREVER, tell, told);
  assert_string_equal(told, "seven:1 ");
  th_ration_free(ration);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_source_writes_so_many_lines_in_a_window),
    cmocka_unit_test(a_source_writes_so_many_bytes_in_a_window),
    cmocka_unit_test(all_together_write_so_much_in_a_window),
    cmocka_unit_test(what_has_no_source_is_limited_with_all_alone),
    cmocka_unit_test(a_window_is_told_of_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
