#include "actor/hold.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "actor/actor.h"
#include "base/clock.h"
#include "base/memory.h"

#define LIMIT 8

struct scene {
  struct th_holds *holds;
  struct th_actor actors[4];
  int released;
};

static int begin(void **state) {
  struct scene *scene = th_new(struct scene);
  scene->holds = th_holds_new(LIMIT);
  for (size_t i = 0; i < 4; i++) th_actor_init(&scene->actors[i], NULL);
  *state = scene;
  return 0;
}

static int end(void **state) {
  struct scene *scene = *state;
  for (size_t i = 0; i < 4; i++) th_actor_clear(&scene->actors[i]);
  th_holds_free(scene->holds);
  free(scene);
  return 0;
}

static void fill(struct th_actor *actor, int messages) {
  while (messages-- > 0)
    th_mailbox_push(&actor->mailbox, th_message_new(TH_KIND_USER, &TH_NOBODY, &TH_NOBODY, NULL, 0));
}

static void take(struct th_actor *actor, int messages) {
  while (messages-- > 0) th_message_free(th_mailbox_pop(&actor->mailbox));
}

static void count(void *context, struct th_hold *hold) {
  struct scene *scene = context;
  assert_null(hold->target);
  scene->released++;
}

static bool add(struct scene *scene, int who, int target) {
  struct th_actor *actor = &scene->actors[who];
  actor->hold.released = count;
  actor->hold.context = scene;
  return th_holds_add(scene->holds, &actor->hold, actor, &scene->actors[target]);
}

static void a_mailbox_is_full_when_more_wait_than_its_limit(void **state) {
  struct scene *scene = *state;
  fill(&scene->actors[0], LIMIT);
  assert_false(th_holds_is_full(scene->holds, &scene->actors[0]));
  fill(&scene->actors[0], 1);
  assert_true(th_holds_is_full(scene->holds, &scene->actors[0]));
}

static void without_a_limit_none_is_full(void **state) {
  struct scene *scene = *state;
  struct th_holds *holds = th_holds_new(0);
  fill(&scene->actors[0], 1000);
  assert_false(th_holds_is_full(holds, &scene->actors[0]));
  th_holds_free(holds);
}

static void who_is_held_goes_on_when_half_is_empty(void **state) {
  struct scene *scene = *state;
  struct th_actor *target = &scene->actors[0];
  fill(target, LIMIT + 1);
  assert_true(add(scene, 1, 0));
  assert_true(add(scene, 2, 0));
  assert_int_equal(target->holders, 2);
  take(target, LIMIT / 2);
  th_holds_make_room(scene->holds, target);
  assert_int_equal(scene->released, 0);
  take(target, 1);
  th_holds_make_room(scene->holds, target);
  assert_int_equal(scene->released, 2);
  assert_int_equal(target->holders, 0);
}

static void what_waits_on_the_shelf_counts_and_what_is_lent_does_not(void **state) {
  struct scene *scene = *state;
  struct th_actor *target = &scene->actors[0];
  fill(target, LIMIT + 1);
  for (int i = 0; i < LIMIT + 1; i++)
    th_shelf_put(&target->shelf, th_mailbox_pop(&target->mailbox));
  assert_true(th_holds_is_full(scene->holds, target));
  assert_true(add(scene, 1, 0));
  for (uint64_t i = 1; i <= LIMIT / 2; i++) th_shelf_lend(&target->shelf, i, true);
  th_holds_make_room(scene->holds, target);
  assert_int_equal(scene->released, 0);
  th_message_free(th_shelf_take(&target->shelf, LIMIT));
  th_holds_make_room(scene->holds, target);
  assert_int_equal(scene->released, 1);
}

static void where_there_is_room_meanwhile_nobody_is_held(void **state) {
  struct scene *scene = *state;
  fill(&scene->actors[0], LIMIT / 2);
  assert_false(add(scene, 1, 0));
  assert_int_equal(scene->actors[0].holders, 0);
  assert_int_equal(th_holds_expire(scene->holds, 0), TH_FOREVER);
}

static void who_would_wait_for_himself_goes_on(void **state) {
  struct scene *scene = *state;
  for (size_t i = 0; i < 3; i++) fill(&scene->actors[i], LIMIT + 1);
  assert_false(add(scene, 0, 0));
  assert_true(add(scene, 0, 1));
  assert_true(add(scene, 1, 2));
  assert_false(add(scene, 2, 0)); /* by way of 1, which waits for 2 */
  assert_int_equal(scene->released, 0);
}

static void a_second_is_long_enough(void **state) {
  struct scene *scene = *state;
  fill(&scene->actors[0], LIMIT + 1);
  uint64_t before = th_clock_now();
  assert_true(add(scene, 1, 0));
  assert_true(add(scene, 2, 0));
  uint64_t due = scene->actors[1].hold.due;
  assert_true(due >= before + TH_SECOND);
  assert_int_equal(th_holds_expire(scene->holds, due - 1), due);
  assert_int_equal(scene->released, 0);
  uint64_t last = scene->actors[2].hold.due;
  assert_int_equal(th_holds_expire(scene->holds, last), TH_FOREVER);
  assert_int_equal(scene->released, 2);
  assert_int_equal(scene->actors[0].holders, 0);
}

static void who_was_taken_out_is_not_released(void **state) {
  struct scene *scene = *state;
  fill(&scene->actors[0], LIMIT + 1);
  assert_true(add(scene, 1, 0));
  assert_true(add(scene, 2, 0));
  assert_true(add(scene, 3, 0));
  assert_true(th_holds_remove(scene->holds, &scene->actors[2].hold));
  assert_false(th_holds_remove(scene->holds, &scene->actors[2].hold));
  take(&scene->actors[0], LIMIT + 1);
  th_holds_make_room(scene->holds, &scene->actors[0]);
  assert_int_equal(scene->released, 2);
}

struct sender {
  struct scene *scene;
  sem_t begins;
  sem_t went_on;
};

static void *wait_for_room(void *argument) {
  struct sender *sender = argument;
  sem_post(&sender->begins);
  th_holds_wait(sender->scene->holds, &sender->scene->actors[0]);
  sem_post(&sender->went_on);
  return NULL;
}

/* Whether it comes before the room or after: it goes on. */
static void a_thread_goes_on_when_there_is_room(void **state) {
  struct sender sender = {.scene = *state};
  struct th_actor *target = &sender.scene->actors[0];
  pthread_t thread;
  fill(target, LIMIT + 1);
  sem_init(&sender.begins, 0, 0);
  sem_init(&sender.went_on, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, wait_for_room, &sender), 0);
  sem_wait(&sender.begins);
  take(target, LIMIT + 1);
  th_holds_make_room(sender.scene->holds, target);
  sem_wait(&sender.went_on);
  pthread_join(thread, NULL);
  assert_int_equal(target->holders, 0);
  sem_destroy(&sender.begins);
  sem_destroy(&sender.went_on);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_mailbox_is_full_when_more_wait_than_its_limit),
    test(without_a_limit_none_is_full),
    test(who_is_held_goes_on_when_half_is_empty),
    test(what_waits_on_the_shelf_counts_and_what_is_lent_does_not),
    test(where_there_is_room_meanwhile_nobody_is_held),
    test(who_would_wait_for_himself_goes_on),
    test(a_second_is_long_enough),
    test(who_was_taken_out_is_not_released),
    test(a_thread_goes_on_when_there_is_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
