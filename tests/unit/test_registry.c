#include "actor/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct th_world world;

static void the_first_number_is_the_admins(void **unused) {
  struct th_registry *registry = th_registry_new(&world);
  uint64_t number;
  (void)unused;
  struct th_actor *slot = th_registry_reserve(registry, false, &number);
  assert_int_equal(number, TH_ADMIN_NUMBER);
  assert_ptr_equal(th_registry_find(registry, number), slot);
  assert_int_equal(th_actor_number(slot), number);
  th_registry_free(registry);
}

static void a_slot_never_has_the_same_number_twice(void **unused) {
  struct th_registry *registry = th_registry_new(&world);
  uint64_t first, second;
  (void)unused;
  struct th_actor *slot = th_registry_reserve(registry, false, &first);
  th_registry_release(registry, slot);
  assert_int_equal(th_actor_number(slot), 0);
  assert_ptr_equal(th_registry_reserve(registry, false, &second), slot);
  assert_int_not_equal(first, second);
  assert_ptr_equal(th_registry_find(registry, first), slot);
  assert_int_equal(th_actor_number(slot), second);
  th_registry_free(registry);
}

static void what_was_never_made_is_not_found(void **unused) {
  struct th_registry *registry = th_registry_new(&world);
  uint64_t number;
  (void)unused;
  assert_null(th_registry_find(registry, 1));
  th_registry_reserve(registry, false, &number);
  assert_null(th_registry_find(registry, 0));
  assert_null(th_registry_find(registry, UINT64_C(1) << 24));
  assert_null(th_registry_find(registry, 100000));
  assert_null(th_registry_find(registry, UINT64_MAX));
  th_registry_free(registry);
}

static bool count_living(void *context, struct th_actor *actor) {
  unsigned *living = context;
  *living += th_actor_number(actor) != 0;
  return true;
}

static void many_slots_are_distinct_and_all_walked(void **unused) {
  enum { COUNT = 5000 };
  struct th_registry *registry = th_registry_new(&world);
  unsigned living = 0;
  (void)unused;
  for (uint64_t i = 1; i <= COUNT; i++) {
    uint64_t number;
    th_registry_reserve(registry, false, &number);
    assert_int_equal(number, i);
  }
  th_registry_each(registry, count_living, &living);
  assert_int_equal(living, COUNT);
  th_registry_free(registry);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_number_is_the_admins),
    cmocka_unit_test(a_slot_never_has_the_same_number_twice),
    cmocka_unit_test(what_was_never_made_is_not_found),
    cmocka_unit_test(many_slots_are_distinct_and_all_walked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
