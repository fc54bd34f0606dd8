#include "transport/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"

#define THREADS 4
#define POSTS 20000
#define LIVES 2000

/* One task that notes when it ran. */
struct note {
  struct th_task task;
  struct th_loop *loop;
  size_t *count;
  size_t place; /* it ran as the n-th, from 1 */
  bool stops;
};

static void run_note(struct th_task *task) {
  struct note *note = (struct note *)task;
  note->place = ++*note->count;
  if (note->stops) th_loop_stop(note->loop);
}

static struct th_loop *new_loop(void) {
  struct th_loop *loop;
  assert_int_equal(th_loop_new(&loop), 0);
  return loop;
}

static int turn_once(struct th_loop *loop) {
  return th_loop_run(loop, 0);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static void tasks_run_in_the_order_posted(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct note notes[10];
  size_t count = 0;
  for (size_t i = 0; i < 10; i++) {
    notes[i] = (struct note){{NULL, run_note}, loop, &count, 0, false};
    th_loop_post(loop, &notes[i].task);
  }
  assert_int_equal(count, 0);
  assert_int_equal(turn_once(loop), TH_ETIMEOUT);
  for (size_t i = 0; i < 10; i++) assert_int_equal(notes[i].place, i + 1);
  th_loop_free(loop);
}

struct repeat {
  struct th_task task;
  struct th_loop *loop;
  unsigned left;
};

static void run_repeat(struct th_task *task) {
  struct repeat *repeat = (struct repeat *)task;
  if (--repeat->left != 0) {
    th_loop_post(repeat->loop, task);
  } else {
    th_loop_stop(repeat->loop);
  }
}

static void a_task_may_post_itself_again(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct repeat repeat = {{NULL, run_repeat}, loop, 1000};
  th_loop_post(loop, &repeat.task);
  assert_int_equal(th_loop_run(loop, TH_FOREVER), 0);
  assert_int_equal(repeat.left, 0);
  th_loop_free(loop);
}

static void run_and_free(struct th_task *task) {
  free(task);
}

static void a_task_may_free_itself(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  for (size_t i = 0; i < 3; i++) {
    struct th_task *task = malloc(sizeof *task);
    assert_non_null(task);
    task->run = run_and_free;
    th_loop_post(loop, task);
  }
  turn_once(loop);
  th_loop_free(loop);
}

static void free_runs_what_was_posted(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct repeat repeat = {{NULL, run_repeat}, loop, 3};
  th_loop_post(loop, &repeat.task);
  th_loop_free(loop);
  assert_int_equal(repeat.left, 0);
}

/* ---- stop and time -------------------------------------------------------------------------- */

static void a_stop_before_the_run_counts_once(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  th_loop_stop(loop);
  th_loop_stop(loop);
  assert_int_equal(th_loop_run(loop, TH_FOREVER), 0);
  assert_int_equal(turn_once(loop), TH_ETIMEOUT);
  th_loop_free(loop);
}

static void a_stop_in_a_task_leaves_nothing_for_the_next_run(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  size_t count = 0;
  struct note first = {{NULL, run_note}, loop, &count, 0, true};
  struct note second = {{NULL, run_note}, loop, &count, 0, false};
  th_loop_post(loop, &first.task);
  assert_int_equal(th_loop_run(loop, TH_FOREVER), 0);
  th_loop_post(loop, &second.task);
  uint64_t until = th_clock_after(2 * TH_MILLISECOND);
  assert_int_equal(th_loop_run(loop, until), TH_ETIMEOUT);
  assert_true(th_clock_now() >= until);
  assert_int_equal(second.place, 2);
  th_loop_free(loop);
}

static void a_run_ends_at_its_time_and_not_before(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct repeat busy = {{NULL, run_repeat}, loop, UINT_MAX}; /* so that the loop looks often */
  th_loop_post(loop, &busy.task);
  for (unsigned i = 0; i < 100; i++) {
    uint64_t until = th_clock_after(1234567);
    assert_int_equal(th_loop_run(loop, until), TH_ETIMEOUT);
    assert_true(th_clock_now() >= until);
  }
  busy.left = 1;
  th_loop_free(loop);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct poster {
  pthread_t thread;
  struct th_loop *loop;
  struct numbered *tasks;
};

struct numbered {
  struct th_task task;
  struct tally *tally;
  unsigned thread;
  unsigned number;
};

struct tally {
  struct th_loop *loop;
  unsigned next[THREADS];
  unsigned disorder;
  unsigned left;
};

static void run_numbered(struct th_task *task) {
  struct numbered *numbered = (struct numbered *)task;
  struct tally *tally = numbered->tally;
  if (tally->next[numbered->thread]++ != numbered->number) tally->disorder++;
  if (--tally->left == 0) th_loop_stop(tally->loop);
}

static void *post_many(void *argument) {
  struct poster *poster = argument;
  for (unsigned i = 0; i < POSTS; i++) th_loop_post(poster->loop, &poster->tasks[i].task);
  return NULL;
}

static void posts_of_many_threads_all_run_each_in_its_order(void **state) {
  (void)state;
  struct tally tally = {.loop = new_loop(), .left = THREADS * POSTS};
  struct poster posters[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    posters[i].loop = tally.loop;
    posters[i].tasks = calloc(POSTS, sizeof *posters[i].tasks);
    assert_non_null(posters[i].tasks);
    for (unsigned j = 0; j < POSTS; j++)
      posters[i].tasks[j] = (struct numbered){{NULL, run_numbered}, &tally, i, j};
  }
  for (unsigned i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
  assert_int_equal(th_loop_run(tally.loop, TH_FOREVER), 0);
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(posters[i].thread, NULL);
    free(posters[i].tasks);
  }
  assert_int_equal(tally.disorder, 0);
  assert_int_equal(tally.left, 0);
  th_loop_free(tally.loop);
}

struct caller {
  struct th_loop *loop;
  size_t count;
  struct note note;
  int result;
  bool on_loop_outside;
};

static void *call(void *argument) {
  struct caller *caller = argument;
  caller->note = (struct note){{NULL, run_note}, caller->loop, &caller->count, 0, true};
  caller->on_loop_outside = th_on_loop(caller->loop);
  th_loop_post(caller->loop, &caller->note.task);
  caller->result = th_loop_run(caller->loop, TH_FOREVER);
  return NULL;
}

static void threads_may_turn_a_loop_one_after_the_other(void **state) {
  (void)state;
  struct caller caller = {.loop = new_loop()};
  for (size_t i = 0; i < 10; i++) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, call, &caller), 0);
    pthread_join(thread, NULL);
    assert_int_equal(caller.result, 0);
    assert_int_equal(caller.count, 2 * i + 1);
    assert_false(caller.on_loop_outside);
    call(&caller);
    assert_int_equal(caller.result, 0);
  }
  th_loop_free(caller.loop);
}

static void *post_one(void *argument) {
  struct note *note = argument;
  th_loop_post(note->loop, &note->task);
  return NULL;
}

/* The poster may still be about to wake the loop while its task runs and ends the loop's life. */
static void a_loop_may_be_freed_while_the_last_post_returns(void **state) {
  (void)state;
  for (unsigned i = 0; i < LIVES; i++) {
    size_t count = 0;
    struct th_loop *loop = new_loop();
    struct note note = {{NULL, run_note}, loop, &count, 0, true};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_one, &note), 0);
    assert_int_equal(th_loop_run(loop, TH_FOREVER), 0);
    th_loop_free(loop);
    pthread_join(thread, NULL);
    assert_int_equal(count, 1);
  }
}

struct place {
  struct th_task task;
  struct th_loop *loop;
  bool on_loop;
  bool other_on_loop;
};

static void *ask_elsewhere(void *argument) {
  struct place *place = argument;
  place->other_on_loop = th_on_loop(place->loop);
  return NULL;
}

static void run_place(struct th_task *task) {
  struct place *place = (struct place *)task;
  place->on_loop = th_on_loop(place->loop);
  pthread_t thread;
  if (pthread_create(&thread, NULL, ask_elsewhere, place) == 0) pthread_join(thread, NULL);
}

static void only_the_thread_inside_is_on_the_loop(void **state) {
  (void)state;
  struct place place = {{NULL, run_place}, new_loop(), false, true};
  th_loop_post(place.loop, &place.task);
  turn_once(place.loop);
  assert_true(place.on_loop);
  assert_false(place.other_on_loop);
  assert_false(th_on_loop(place.loop));
  th_loop_free(place.loop);
}

/* ---- timers --------------------------------------------------------------------------------- */

struct alarm {
  struct th_loop *loop;
  struct th_loop_timer *other; /* cancelled when the alarm goes off */
  unsigned count;
};

static void ring(void *user) {
  struct alarm *alarm = user;
  alarm->count++;
  th_loop_cancel(alarm->other);
  th_loop_stop(alarm->loop);
}

static void a_timer_runs_once_and_not_early(void **state) {
  (void)state;
  struct alarm alarm = {new_loop(), NULL, 0};
  uint64_t when = th_clock_after(5 * TH_MILLISECOND);
  th_loop_after(alarm.loop, 5 * TH_MILLISECOND, ring, &alarm);
  assert_int_equal(th_loop_run(alarm.loop, TH_FOREVER), 0);
  assert_true(th_clock_now() + TH_MILLISECOND > when);
  assert_int_equal(th_loop_run(alarm.loop, th_clock_after(10 * TH_MILLISECOND)), TH_ETIMEOUT);
  assert_int_equal(alarm.count, 1);
  th_loop_free(alarm.loop);
}

static void a_cancelled_timer_does_not_run(void **state) {
  (void)state;
  struct alarm late = {new_loop(), NULL, 0};
  struct alarm early = {late.loop, th_loop_after(late.loop, TH_MILLISECOND, ring, &late), 0};
  th_loop_after(late.loop, 0, ring, &early);
  assert_int_equal(th_loop_run(late.loop, TH_FOREVER), 0);
  th_loop_run(late.loop, th_clock_after(5 * TH_MILLISECOND));
  assert_int_equal(early.count, 1);
  assert_int_equal(late.count, 0);
  th_loop_cancel(NULL);
  th_loop_free(late.loop);
}

/* ---- SIGPIPE -------------------------------------------------------------------------------- */

struct writer {
  struct th_task task;
  int result;
  int error;
};

static void run_writer(struct th_task *task) {
  struct writer *writer = (struct writer *)task;
  int ends[2];
  if (pipe(ends) != 0) return;
  close(ends[0]);
  writer->result = (int)write(ends[1], "x", 1);
  writer->error = errno;
  close(ends[1]);
}

static bool pipe_is(int (*of)(sigset_t *)) {
  sigset_t set;
  of(&set);
  return sigismember(&set, SIGPIPE) == 1;
}

static int get_mask(sigset_t *set) {
  return pthread_sigmask(SIG_BLOCK, NULL, set);
}

/* Without care the signal would end this program. */
static void writing_to_what_is_gone_is_an_error_and_no_signal(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct writer writer = {{NULL, run_writer}, 0, 0};
  signal(SIGPIPE, SIG_DFL);
  th_loop_post(loop, &writer.task);
  turn_once(loop);
  assert_int_equal(writer.result, -1);
  assert_int_equal(writer.error, EPIPE);
  assert_false(pipe_is(get_mask));
  assert_false(pipe_is(sigpending));
  th_loop_free(loop);
}

static void a_signal_that_others_hold_back_stays_theirs(void **state) {
  (void)state;
  struct th_loop *loop = new_loop();
  struct writer writer = {{NULL, run_writer}, 0, 0};
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  th_loop_post(loop, &writer.task);
  turn_once(loop);
  th_loop_free(loop);
  assert_true(pipe_is(get_mask));
  assert_true(pipe_is(sigpending));
  sigtimedwait(&pipe, NULL, &(struct timespec){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tasks_run_in_the_order_posted),
    cmocka_unit_test(a_task_may_post_itself_again),
    cmocka_unit_test(a_task_may_free_itself),
    cmocka_unit_test(free_runs_what_was_posted),
    cmocka_unit_test(a_stop_before_the_run_counts_once),
    cmocka_unit_test(a_stop_in_a_task_leaves_nothing_for_the_next_run),
    cmocka_unit_test(a_run_ends_at_its_time_and_not_before),
    cmocka_unit_test(posts_of_many_threads_all_run_each_in_its_order),
    cmocka_unit_test(threads_may_turn_a_loop_one_after_the_other),
    cmocka_unit_test(a_loop_may_be_freed_while_the_last_post_returns),
    cmocka_unit_test(only_the_thread_inside_is_on_the_loop),
    cmocka_unit_test(a_timer_runs_once_and_not_early),
    cmocka_unit_test(a_cancelled_timer_does_not_run),
    cmocka_unit_test(writing_to_what_is_gone_is_an_error_and_no_signal),
    cmocka_unit_test(a_signal_that_others_hold_back_stays_theirs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
