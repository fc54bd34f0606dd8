#include "actor/shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct th_message *ticket(uint32_t number) {
  struct th_message *message = th_message_new(TH_KIND_USER, &TH_NOBODY, &TH_NOBODY, NULL, 0);
  assert_non_null(message);
  message->ticket = number;
  return message;
}

static void fill(struct th_shelf *shelf, uint32_t count) {
  for (uint32_t i = 1; i <= count; i++) assert_int_equal(th_shelf_put(shelf, ticket(i)), i);
}

static void expect(struct th_queue *queue, uint32_t number) {
  struct th_message *message = th_queue_pop(queue);
  assert_non_null(message);
  assert_int_equal(message->ticket, number);
  th_message_free(message);
}

static void what_is_put_there_is_found_until_it_is_taken(void **unused) {
  struct th_shelf shelf = {0};
  (void)unused;
  assert_null(th_shelf_find(&shelf, 1));
  assert_null(th_shelf_take(&shelf, 1));
  fill(&shelf, 2);
  assert_int_equal(th_shelf_find(&shelf, 2)->ticket, 2);
  struct th_message *taken = th_shelf_take(&shelf, 2);
  assert_int_equal(taken->ticket, 2);
  th_message_free(taken);
  assert_null(th_shelf_find(&shelf, 2));
  assert_int_equal(th_shelf_put(&shelf, ticket(3)), 3);
  th_shelf_clear(&shelf);
  assert_int_equal(th_shelf_waiting(&shelf), 0);
}

static void what_is_lent_does_not_wait(void **unused) {
  struct th_shelf shelf = {0};
  (void)unused;
  fill(&shelf, 3);
  th_shelf_lend(&shelf, 2, true);
  th_shelf_lend(&shelf, 7, true);
  assert_int_equal(th_shelf_waiting(&shelf), 2);
  assert_int_equal(th_shelf_lent(&shelf), 1);
  assert_int_equal(th_shelf_find(&shelf, 2)->ticket, 2);
  th_shelf_lend(&shelf, 2, false);
  assert_int_equal(th_shelf_waiting(&shelf), 3);
  assert_int_equal(th_shelf_lent(&shelf), 0);
  th_shelf_lend(&shelf, 3, true);
  th_message_free(th_shelf_take(&shelf, 3));
  assert_int_equal(th_shelf_lent(&shelf), 0);
  th_shelf_clear(&shelf);
}

static void it_is_drained_in_the_order_of_arrival(void **unused) {
  struct th_shelf shelf = {0};
  (void)unused;
  fill(&shelf, 100);
  for (uint64_t i = 10; i <= 30; i += 10) th_shelf_lend(&shelf, i, true);
  th_shelf_lend(&shelf, 20, false);
  struct th_queue lent = th_shelf_drain(&shelf, true);
  assert_int_equal(th_shelf_lent(&shelf), 0);
  expect(&lent, 10);
  expect(&lent, 30);
  assert_null(th_queue_pop(&lent));
  struct th_queue waiting = th_shelf_drain(&shelf, false);
  assert_int_equal(th_shelf_waiting(&shelf), 0);
  for (uint32_t i = 1; i <= 100; i++)
    if (i != 10 && i != 30) expect(&waiting, i);
  assert_null(th_queue_pop(&waiting));
  assert_null(th_shelf_drain(&shelf, false).first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_put_there_is_found_until_it_is_taken),
    cmocka_unit_test(what_is_lent_does_not_wait),
    cmocka_unit_test(it_is_drained_in_the_order_of_arrival),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
