#include "actor/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

static struct th_message *numbered(uint32_t ticket) {
  struct th_address nobody = TH_NOBODY;
  struct th_message *message = th_message_new(TH_KIND_WAKEUP, &nobody, &nobody, NULL, 0);
  assert_non_null(message);
  message->ticket = ticket;
  return message;
}

static void expect(struct th_timers *timers, uint64_t now, uint32_t ticket) {
  struct th_message *message = th_timers_pop(timers, now);
  assert_non_null(message);
  assert_int_equal(message->ticket, ticket);
  th_message_free(message);
}

static void nothing_is_given_before_its_time(void **unused) {
  struct th_timers *timers = th_timers_new(NULL, NULL);
  (void)unused;
  assert_true(th_timers_next(timers) == TH_FOREVER);
  assert_true(th_timers_add(timers, 100, numbered(1)));
  assert_null(th_timers_pop(timers, 99));
  assert_int_equal(th_timers_next(timers), 100);
  expect(timers, 100, 1);
  assert_null(th_timers_pop(timers, 1000));
  th_timers_free(timers);
}

static void only_a_new_earliest_is_announced(void **unused) {
  struct th_timers *timers = th_timers_new(NULL, NULL);
  (void)unused;
  assert_true(th_timers_add(timers, 100, numbered(1)));
  assert_false(th_timers_add(timers, 200, numbered(2)));
  assert_false(th_timers_add(timers, 100, numbered(3)));
  assert_true(th_timers_add(timers, 50, numbered(4)));
  th_timers_free(timers);
}

static void equal_times_come_in_the_order_asked(void **unused) {
  struct th_timers *timers = th_timers_new(NULL, NULL);
  (void)unused;
  for (uint32_t i = 0; i < 50; i++) th_timers_add(timers, 7, numbered(i));
  for (uint32_t i = 0; i < 50; i++) expect(timers, 7, i);
  th_timers_free(timers);
}

static void a_hundred_thousand_come_in_order_of_time(void **unused) {
  enum { COUNT = 100000 };
  struct th_timers *timers = th_timers_new(NULL, NULL);
  uint64_t random = 12345, before = 0;
  (void)unused;
  for (uint32_t i = 0; i < COUNT; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t due = (uint32_t)(random >> 40);
    th_timers_add(timers, due, numbered(due));
  }
  for (uint32_t i = 0; i < COUNT; i++) {
    struct th_message *message = th_timers_pop(timers, TH_FOREVER);
    assert_non_null(message);
    assert_true(message->ticket >= before);
    before = message->ticket;
    th_message_free(message);
  }
  assert_null(th_timers_pop(timers, TH_FOREVER));
  th_timers_free(timers);
}

/* A thousand times, each asked for a hundred times: by time, and where that is the same by
 * asking. */
static void many_with_equal_times_keep_the_order_asked(void **unused) {
  enum { COUNT = 100000, TIMES = 1000 };
  struct th_timers *timers = th_timers_new(NULL, NULL);
  (void)unused;
  for (uint32_t i = 0; i < COUNT; i++) th_timers_add(timers, i * 7919u % TIMES, numbered(i));
  assert_int_equal(th_timers_count(timers, NULL), COUNT);
  for (uint64_t now = 0; now < TIMES; now++) {
    uint32_t count = 0, before = 0;
    for (struct th_message *message; (message = th_timers_pop(timers, now)) != NULL; count++) {
      assert_int_equal(message->ticket * 7919u % TIMES, now);
      assert_true(count == 0 || message->ticket > before);
      before = message->ticket;
      th_message_free(message);
    }
    assert_int_equal(count, COUNT / TIMES);
  }
  assert_int_equal(th_timers_count(timers, NULL), 0);
  th_timers_free(timers);
}

/* Who has an odd number. */
static bool is_odd(void *context, const struct th_message *message) {
  (void)context;
  return message->target.number % 2 == 1;
}

static struct th_message *addressed(uint64_t number) {
  struct th_message *message = numbered((uint32_t)number);
  message->target = (struct th_address){.system = 1, .number = number};
  return message;
}

static void those_who_are_gone_take_no_room(void **unused) {
  struct th_timers *timers = th_timers_new(is_odd, NULL);
  struct th_address one = {.system = 1, .number = 4};
  (void)unused;
  for (uint64_t i = 0; i < 100; i++) th_timers_add(timers, 1000 - i, addressed(2 * i));
  for (uint64_t i = 0; i < 100000; i++) {
    th_timers_add(timers, TH_FOREVER, addressed(2 * i + 1));
    assert_true(th_timers_count(timers, NULL) <= 1024);
  }
  assert_int_equal(th_timers_count(timers, &one), 1);
  for (uint64_t i = 100; i-- > 0;) expect(timers, 1000, (uint32_t)(2 * i));
  th_timers_free(timers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_given_before_its_time),
    cmocka_unit_test(only_a_new_earliest_is_announced),
    cmocka_unit_test(equal_times_come_in_the_order_asked),
    cmocka_unit_test(a_hundred_thousand_come_in_order_of_time),
    cmocka_unit_test(many_with_equal_times_keep_the_order_asked),
    cmocka_unit_test(those_who_are_gone_take_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
