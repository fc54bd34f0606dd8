#include "actor/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct th_message *number(uint64_t sender, uint32_t ticket, unsigned flags) {
  struct th_address from = {.system = 1, .number = sender}, to = {.system = 1, .number = 99};
  struct th_message *message = th_message_new(TH_KIND_USER, &to, &from, NULL, 0);
  assert_non_null(message);
  message->ticket = ticket;
  message->flags = (uint8_t)flags;
  return message;
}

/* As if a turn began. */
static void expect(struct th_mailbox *mailbox, uint32_t ticket) {
  th_mailbox_look(mailbox);
  struct th_message *message = th_mailbox_pop(mailbox);
  assert_non_null(message);
  assert_int_equal(message->ticket, ticket);
  th_message_free(message);
}

static void within_a_turn_who_waits_comes_first(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  th_mailbox_push(&mailbox, number(1, 1, 0));
  th_mailbox_push(&mailbox, number(1, 2, 0));
  expect(&mailbox, 1);
  th_mailbox_push(&mailbox, number(1, 3, TH_MESSAGE_URGENT));
  th_mailbox_push(&mailbox, number(1, 4, 0));
  for (uint32_t ticket = 2; ticket <= 4; ticket++) {
    struct th_message *message = th_mailbox_pop(&mailbox);
    assert_int_equal(message->ticket, ticket);
    th_message_free(message);
  }
}

static void only_the_push_that_wakes_says_so(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  assert_true(th_mailbox_push(&mailbox, number(1, 1, 0)));
  assert_false(th_mailbox_push(&mailbox, number(1, 2, 0)));
  expect(&mailbox, 1);
  assert_false(th_mailbox_push(&mailbox, number(1, 3, 0)));
  expect(&mailbox, 2);
  expect(&mailbox, 3);
  assert_null(th_mailbox_pop(&mailbox));
  assert_true(th_mailbox_sleep(&mailbox));
  assert_true(th_mailbox_push(&mailbox, number(1, 4, 0)));
  expect(&mailbox, 4);
}

static void sleep_is_refused_when_a_push_came_in_between(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  assert_true(th_mailbox_push(&mailbox, number(1, 1, 0)));
  expect(&mailbox, 1);
  assert_null(th_mailbox_pop(&mailbox));
  assert_false(th_mailbox_push(&mailbox, number(1, 2, 0)));
  assert_false(th_mailbox_sleep(&mailbox));
  expect(&mailbox, 2);
  assert_null(th_mailbox_pop(&mailbox));
  assert_true(th_mailbox_sleep(&mailbox));
}

static void sleep_is_refused_while_messages_are_queued(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  th_mailbox_push(&mailbox, number(1, 1, 0));
  th_mailbox_push(&mailbox, number(1, 2, 0));
  expect(&mailbox, 1);
  assert_false(th_mailbox_sleep(&mailbox));
  expect(&mailbox, 2);
}

static void urgent_messages_go_first_and_in_order(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  for (uint32_t i = 1; i <= 3; i++) th_mailbox_push(&mailbox, number(1, i, 0));
  expect(&mailbox, 1);
  th_mailbox_push(&mailbox, number(1, 10, TH_MESSAGE_URGENT));
  th_mailbox_push(&mailbox, number(1, 11, TH_MESSAGE_URGENT));
  expect(&mailbox, 10);
  expect(&mailbox, 11);
  expect(&mailbox, 2);
  expect(&mailbox, 3);
}

static void what_is_put_back_waits_before_the_rest(void **unused) {
  struct th_mailbox mailbox;
  struct th_queue back = {NULL, NULL};
  (void)unused;
  th_mailbox_init(&mailbox);
  for (uint32_t i = 1; i <= 4; i++) th_mailbox_push(&mailbox, number(1, i, 0));
  th_mailbox_push(&mailbox, number(1, 5, TH_MESSAGE_URGENT));
  expect(&mailbox, 5);
  th_mailbox_put_back(&mailbox, back);
  assert_int_equal(th_mailbox_depth(&mailbox), 4);
  for (int i = 0; i < 2; i++) th_queue_push(&back, th_mailbox_pop(&mailbox));
  th_mailbox_put_back(&mailbox, back);
  assert_int_equal(th_mailbox_depth(&mailbox), 4);
  for (uint32_t i = 1; i <= 4; i++) expect(&mailbox, i);
  /* Into an empty one, with more behind it. */
  back = (struct th_queue){NULL, NULL};
  th_mailbox_push(&mailbox, number(1, 6, 0));
  th_queue_push(&back, th_mailbox_pop(&mailbox));
  th_mailbox_put_back(&mailbox, back);
  th_mailbox_push(&mailbox, number(1, 7, 0));
  assert_false(th_mailbox_sleep(&mailbox));
  expect(&mailbox, 6);
  expect(&mailbox, 7);
  assert_int_equal(th_mailbox_depth(&mailbox), 0);
}

static void senders_see_a_limit_as_soon_as_it_is_passed(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t i = 1; i <= 10; i++) {
      assert_false(th_mailbox_exceeds(&mailbox, 10));
      th_mailbox_push(&mailbox, number(1, i, 0));
    }
    assert_false(th_mailbox_exceeds(&mailbox, 10));
    th_mailbox_push(&mailbox, number(1, 11, 0));
    assert_true(th_mailbox_exceeds(&mailbox, 10));
    expect(&mailbox, 1);
    assert_false(th_mailbox_exceeds(&mailbox, 10));
    for (uint32_t i = 2; i <= 11; i++) expect(&mailbox, i);
  }
}

static void depth_counts_what_waits(void **unused) {
  struct th_mailbox mailbox;
  (void)unused;
  th_mailbox_init(&mailbox);
  assert_int_equal(th_mailbox_depth(&mailbox), 0);
  th_mailbox_push(&mailbox, number(1, 1, 0));
  th_mailbox_push(&mailbox, number(1, 2, 0));
  assert_int_equal(th_mailbox_depth(&mailbox), 2);
  expect(&mailbox, 1);
  assert_int_equal(th_mailbox_depth(&mailbox), 1);
  expect(&mailbox, 2);
}

/* ---- many producers, one consumer that sleeps and is woken ---- */

#define PRODUCERS 3
#define EACH 40000

struct shared {
  struct th_mailbox mailbox;
  pthread_mutex_t lock;
  pthread_cond_t ready;
  unsigned wakes; /* under lock: pushes that said "it slept" */
};

struct producer {
  struct shared *shared;
  uint64_t number;
};

static void *produce(void *argument) {
  struct producer *producer = argument;
  struct shared *shared = producer->shared;
  for (uint32_t i = 0; i < EACH; i++) {
    if (!th_mailbox_push(&shared->mailbox, number(producer->number, i, 0))) continue;
    pthread_mutex_lock(&shared->lock);
    shared->wakes++;
    pthread_cond_signal(&shared->ready);
    pthread_mutex_unlock(&shared->lock);
  }
  return NULL;
}

static void await_wake(struct shared *shared) {
  pthread_mutex_lock(&shared->lock);
  while (shared->wakes == 0) pthread_cond_wait(&shared->ready, &shared->lock);
  assert_int_equal(shared->wakes, 1); /* never twice for one sleep */
  shared->wakes = 0;
  pthread_mutex_unlock(&shared->lock);
}

static void nothing_is_lost_doubled_or_reordered_between_threads(void **unused) {
  struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .ready = PTHREAD_COND_INITIALIZER};
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  uint32_t next[PRODUCERS] = {0};
  unsigned total = 0;
  (void)unused;
  th_mailbox_init(&shared.mailbox);
  for (unsigned i = 0; i < PRODUCERS; i++) {
    producers[i] = (struct producer){&shared, i};
    assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
  }
  while (total < PRODUCERS * EACH) {
    await_wake(&shared);
    do {
      struct th_message *message;
      while ((message = th_mailbox_pop(&shared.mailbox)) != NULL) {
        assert_int_equal(message->ticket, next[message->sender.number]++);
        th_message_free(message);
        total++;
      }
    } while (!th_mailbox_sleep(&shared.mailbox));
  }
  for (unsigned i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(total, PRODUCERS * EACH);
  assert_null(th_mailbox_pop(&shared.mailbox));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(within_a_turn_who_waits_comes_first),
    cmocka_unit_test(only_the_push_that_wakes_says_so),
    cmocka_unit_test(sleep_is_refused_when_a_push_came_in_between),
    cmocka_unit_test(sleep_is_refused_while_messages_are_queued),
    cmocka_unit_test(urgent_messages_go_first_and_in_order),
    cmocka_unit_test(what_is_put_back_waits_before_the_rest),
    cmocka_unit_test(depth_counts_what_waits),
    cmocka_unit_test(senders_see_a_limit_as_soon_as_it_is_passed),
    cmocka_unit_test(nothing_is_lost_doubled_or_reordered_between_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
