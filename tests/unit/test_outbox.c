#include "transport/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"

static void put(struct th_outbox *outbox, uint32_t ticket) {
  struct th_message *message = th_message_new(TH_KIND_USER, &TH_NOBODY, &TH_NOBODY, NULL, 0);
  assert_non_null(message);
  message->ticket = ticket;
  message->next = NULL;
  th_outbox_put(outbox, message);
}

/* An outbox with tickets from 0 on, of which so many are written. */
static void fill(struct th_outbox *outbox, uint32_t count, uint32_t written) {
  th_outbox_init(outbox);
  for (uint32_t i = 0; i < count; i++) put(outbox, i);
  for (uint32_t i = 0; i < written; i++) assert_true(th_outbox_written(outbox));
}

static uint32_t next_ticket(const struct th_outbox *outbox) {
  return th_outbox_peek(outbox)->ticket;
}

/* All that is left is first, first + 1, ... */
static void check_rest(struct th_outbox *outbox, uint32_t first, uint32_t count) {
  struct th_message *message;
  for (; (message = th_outbox_pop(outbox)) != NULL; first++, count--) {
    assert_int_equal(message->ticket, first);
    th_message_free(message);
  }
  assert_int_equal(count, 0);
  assert_null(th_outbox_peek(outbox));
}

static void what_is_acknowledged_goes(void **state) {
  (void)state;
  struct th_outbox outbox;
  fill(&outbox, 5, 3);
  assert_int_equal(th_outbox_acknowledge(&outbox, 2), 2);
  assert_int_equal(th_outbox_acknowledge(&outbox, 2), 0);
  assert_int_equal(next_ticket(&outbox), 3);
  assert_int_equal(th_outbox_acknowledge(&outbox, 3), 1);
  assert_int_equal(next_ticket(&outbox), 3);
  check_rest(&outbox, 3, 2);
}

static void what_cannot_have_come_is_not_acknowledged(void **state) {
  (void)state;
  struct th_outbox outbox;
  fill(&outbox, 5, 3);
  assert_int_equal(th_outbox_acknowledge(&outbox, 2), 2);
  assert_int_equal(th_outbox_acknowledge(&outbox, 4), TH_EMALFORMED);
  assert_int_equal(th_outbox_acknowledge(&outbox, 1), TH_EMALFORMED);
  assert_int_equal(th_outbox_rewind(&outbox, 4), TH_EMALFORMED);
  assert_int_equal(th_outbox_rewind(&outbox, 1), TH_EMALFORMED);
  check_rest(&outbox, 2, 3);
}

static void a_new_connection_begins_with_what_was_not_received(void **state) {
  (void)state;
  struct th_outbox outbox;
  fill(&outbox, 6, 5);
  assert_int_equal(th_outbox_rewind(&outbox, 2), 2);
  assert_int_equal(next_ticket(&outbox), 2);
  assert_false(th_outbox_written(&outbox));                           /* not for the first time */
  assert_int_equal(th_outbox_acknowledge(&outbox, 4), TH_EMALFORMED); /* not on this connection */
  assert_int_equal(th_outbox_rewind(&outbox, 4), 2); /* but the one before told of it */
  assert_int_equal(next_ticket(&outbox), 4);
  assert_false(th_outbox_written(&outbox));
  assert_true(th_outbox_written(&outbox));
  assert_null(th_outbox_peek(&outbox));
  put(&outbox, 6);
  assert_int_equal(next_ticket(&outbox), 6);
  check_rest(&outbox, 4, 3);
}

static void what_is_taken_does_not_count(void **state) {
  (void)state;
  struct th_outbox outbox;
  fill(&outbox, 4, 1);
  th_message_free(th_outbox_take(&outbox)); /* 1 */
  assert_true(th_outbox_written(&outbox));  /* 2 */
  th_message_free(th_outbox_take(&outbox)); /* 3, the last */
  assert_null(th_outbox_peek(&outbox));
  put(&outbox, 4);
  assert_int_equal(next_ticket(&outbox), 4);
  assert_int_equal(th_outbox_acknowledge(&outbox, 2), 2);
  check_rest(&outbox, 4, 1);
}

static void an_empty_outbox_may_be_filled_again(void **state) {
  (void)state;
  struct th_outbox outbox;
  fill(&outbox, 1, 0);
  th_outbox_put(&outbox, NULL);
  th_message_free(th_outbox_pop(&outbox));
  assert_null(th_outbox_pop(&outbox));
  put(&outbox, 7);
  assert_int_equal(next_ticket(&outbox), 7);
  check_rest(&outbox, 7, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_acknowledged_goes),
    cmocka_unit_test(what_cannot_have_come_is_not_acknowledged),
    cmocka_unit_test(a_new_connection_begins_with_what_was_not_received),
    cmocka_unit_test(what_is_taken_does_not_count),
    cmocka_unit_test(an_empty_outbox_may_be_filled_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
