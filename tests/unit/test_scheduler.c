#include "actor/scheduler.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "actor/registry.h"
#include "base/clock.h"
#include "base/memory.h"

/* A little world: messages go straight to slots; behaviours are functions of the test. */
struct stage {
  struct th_world world; /* first */
  struct th_registry *registry;
  struct th_scheduler *scheduler;
  atomic_uint exited;
  atomic_uint handled;
  sem_t done;
  sem_t gate;
};

typedef void role(struct stage *stage, struct th_actor *actor, const struct th_message *message);

static struct stage *stage_of(struct th_actor *actor) {
  return (struct stage *)actor->world;
}

static struct th_actor *send(struct th_world *world, struct th_message *message) {
  struct stage *stage = (struct stage *)world;
  struct th_actor *slot = th_registry_find(stage->registry, message->target.number);
  if (th_mailbox_push(&slot->mailbox, message)) th_scheduler_ready(stage->scheduler, slot);
  return NULL;
}

static void dead(struct th_world *world, struct th_message *message) {
  (void)world;
  th_message_free(message);
}

static void exited(struct th_world *world, struct th_actor *actor) {
  struct stage *stage = (struct stage *)world;
  th_registry_release(stage->registry, actor);
  atomic_fetch_add(&stage->exited, 1);
}

static const char *keep_text(struct th_world *world, const char *text) {
  (void)world;
  (void)text;
  return "part";
}

static const struct th_world_ops ops = {
  .send = send, .dead = dead, .exited = exited, .keep_text = keep_text};

struct part {
  role *play;
};

static int open_part(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  (void)reason;
  actor->state = birth->argument;
  birth->argument = NULL;
  return 0;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct part *part = actor->state;
  (void)details;
  part->play(stage_of(actor), actor, *message);
  return 0;
}

static void close_part(struct th_actor *actor) {
  free(actor->state);
}

static const struct th_behaviour behaviour = {
  .open = open_part, .receive = receive, .close = close_part};

static uint64_t no_timers(void *context, uint64_t now) {
  (void)context;
  (void)now;
  return TH_FOREVER;
}

static struct stage *begin_outside(unsigned workers, const struct th_poller *poller) {
  struct stage *stage = th_new(struct stage);
  stage->world.ops = &ops;
  stage->world.admin = (struct th_address){.system = 1, .number = TH_ADMIN_NUMBER};
  stage->registry = th_registry_new(&stage->world);
  stage->scheduler = th_scheduler_new(workers, no_timers, stage);
  if (poller != NULL) th_scheduler_set_poller(stage->scheduler, poller);
  sem_init(&stage->done, 0, 0);
  sem_init(&stage->gate, 0, 0);
  assert_int_equal(th_scheduler_start(stage->scheduler), 0);
  return stage;
}

static struct stage *begin(unsigned workers) {
  return begin_outside(workers, NULL);
}

static void end(struct stage *stage) {
  assert_true(th_scheduler_stop(stage->scheduler, TH_FOREVER));
  th_registry_free(stage->registry);
  th_scheduler_free(stage->scheduler);
  sem_destroy(&stage->done);
  sem_destroy(&stage->gate);
  free(stage);
}

static struct th_address cast(struct stage *stage, role *play) {
  struct th_address address = {.system = 1};
  struct th_birth *birth = th_new(struct th_birth);
  struct part *part = th_new(struct part);
  th_registry_reserve(stage->registry, false, &address.number);
  part->play = play;
  birth->behaviour = &behaviour;
  birth->argument = part;
  birth->class_name = th_strdup("part");
  send(&stage->world, th_birth_message(&address, birth));
  return address;
}

static void tell(struct stage *stage, const struct th_address *target, uint32_t ticket) {
  struct th_message *message = th_message_new(TH_KIND_USER, target, target, NULL, 0);
  message->ticket = ticket;
  send(&stage->world, message);
}

static void wait_for(sem_t *semaphore) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60; /* a hang is a failure, not a timing */
  int failed;
  do failed = sem_timedwait(semaphore, &until);
  while (failed != 0 && errno == EINTR); /* a turn that is asked to end */
  assert_int_equal(failed, 0);
}

/* ---- stories ---- */

static void say_done(struct stage *stage, struct th_actor *actor,
                     const struct th_message *message) {
  (void)actor;
  (void)message;
  sem_post(&stage->done);
}

/* Makes the actor after it ready, and does not end its turn before that one has run. */
static void hold_until_next_ran(struct stage *stage, struct th_actor *actor,
                                const struct th_message *message) {
  struct th_address next = actor->address;
  (void)message;
  next.number++;
  tell(stage, &next, 0);
  wait_for(&stage->gate);
  sem_post(&stage->done);
}

static void open_gate(struct stage *stage, struct th_actor *actor,
                      const struct th_message *message) {
  (void)actor;
  (void)message;
  sem_post(&stage->gate);
}

static void a_long_turn_gives_its_seat_away(void **unused) {
  struct stage *stage = begin(2);
  (void)unused;
  struct th_address first = cast(stage, hold_until_next_ran);
  cast(stage, open_gate);
  tell(stage, &first, 0);
  wait_for(&stage->done);
  end(stage);
}

/* Makes the two after it ready: the seat and the ring. */
static void hold_until_both_ran(struct stage *stage, struct th_actor *actor,
                                const struct th_message *message) {
  struct th_address next = actor->address;
  (void)message;
  for (int i = 0; i < 2; i++) {
    next.number++;
    tell(stage, &next, 0);
  }
  wait_for(&stage->gate);
  wait_for(&stage->gate);
  sem_post(&stage->done);
}

static void a_long_turns_ring_is_stolen(void **unused) {
  struct stage *stage = begin(2);
  (void)unused;
  struct th_address first = cast(stage, hold_until_both_ran);
  cast(stage, open_gate);
  cast(stage, open_gate);
  tell(stage, &first, 0);
  wait_for(&stage->done);
  end(stage);
}

#define RING_ACTORS 100
#define HOPS 200000u

/* Passes the ticket on to the next in a ring of a hundred. */
static void pass_on(struct stage *stage, struct th_actor *actor, const struct th_message *message) {
  struct th_address next = actor->address;
  if (message->ticket == 0) {
    sem_post(&stage->done);
    return;
  }
  next.number = next.number % RING_ACTORS + 1;
  tell(stage, &next, message->ticket - 1);
}

static void tokens_go_round_without_a_loss(void **unused) {
  struct stage *stage = begin(3);
  (void)unused;
  for (int i = 0; i < RING_ACTORS; i++) cast(stage, pass_on);
  for (uint64_t token = 1; token <= 5; token++) {
    struct th_address start = {.system = 1, .number = token * 17};
    tell(stage, &start, HOPS / 5);
  }
  for (int token = 0; token < 5; token++) wait_for(&stage->done);
  end(stage);
}

static void count(struct stage *stage, struct th_actor *actor, const struct th_message *message) {
  (void)actor;
  (void)message;
  atomic_fetch_add_explicit(&stage->handled, 1, memory_order_relaxed);
}

static void more_actors_than_a_ring_holds_all_run(void **unused) {
  enum { ACTORS = 2000 };
  struct stage *stage = begin(2);
  struct th_address all[ACTORS];
  (void)unused;
  for (int i = 0; i < ACTORS; i++) all[i] = cast(stage, i == ACTORS - 1 ? say_done : count);
  for (int round = 0; round < 20; round++)
    for (int i = 0; i < ACTORS; i++) tell(stage, &all[i], 0);
  for (int round = 0; round < 20; round++) wait_for(&stage->done);
  while (atomic_load_explicit(&stage->handled, memory_order_relaxed) < 20 * (ACTORS - 1))
    sched_yield();
  end(stage);
}

static void parked_workers_wake_for_every_push(void **unused) {
  struct stage *stage = begin(2);
  struct th_address actor = cast(stage, say_done);
  (void)unused;
  for (int i = 0; i < 2000; i++) {
    tell(stage, &actor, 0);
    wait_for(&stage->done);
  }
  end(stage);
}

static void without_workers_the_crank_runs_everything(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  for (int i = 0; i < RING_ACTORS; i++) cast(stage, pass_on);
  struct th_address start = {.system = 1, .number = 1};
  tell(stage, &start, 1000);
  assert_int_equal(sem_trywait(&stage->done), -1);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  assert_int_equal(sem_trywait(&stage->done), 0);
  end(stage);
}

/* Ends its turn when its time has been charged to it. */
static void run_until_charged(struct stage *stage, struct th_actor *actor,
                              const struct th_message *message) {
  uint64_t until = th_clock_after(60 * TH_SECOND);
  (void)message;
  while (atomic_load(&actor->card.busy) == 0 && th_clock_now() < until) continue;
  sem_post(&stage->done);
}

static void a_turn_that_lasts_is_charged_to_its_actor(void **unused) {
  struct stage *stage = begin(2);
  (void)unused;
  struct th_address busy = cast(stage, run_until_charged);
  tell(stage, &busy, 0);
  wait_for(&stage->done);
  struct th_actor *actor = th_registry_find(stage->registry, busy.number);
  assert_true(atomic_load(&actor->card.busy) > 0);
  end(stage);
}

static void run_for_two_milliseconds(struct stage *stage, struct th_actor *actor,
                                     const struct th_message *message) {
  uint64_t until = th_clock_after(2 * TH_MILLISECOND);
  (void)stage;
  (void)actor;
  (void)message;
  while (th_clock_now() < until) continue;
}

static void the_crank_measures_turns(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_address busy = cast(stage, run_for_two_milliseconds);
  uint64_t began = th_clock_now();
  for (int i = 0; i < 3; i++) tell(stage, &busy, 0);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  uint64_t took = th_clock_now() - began;
  struct th_actor *actor = th_registry_find(stage->registry, busy.number);
  uint64_t charged = atomic_load(&actor->card.busy);
  assert_in_range(charged, 6 * TH_MILLISECOND, took);
  end(stage);
}

/* ---- the world outside ---------------------------------------------------------------------- */

/* Who polls waits for events, each of which becomes a message to target. */
struct outside {
  struct stage *stage;
  struct th_address target;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned events;
  bool is_woken;
  atomic_uint polling; /* threads; never more than one */
  atomic_uint polled;  /* events */
  _Atomic pthread_t poller;
  _Atomic pthread_t runner;
};

static void poll(void *context) {
  struct outside *outside = context;
  assert_int_equal(atomic_fetch_add(&outside->polling, 1), 0);
  pthread_mutex_lock(&outside->lock);
  while (outside->events == 0 && !outside->is_woken)
    pthread_cond_wait(&outside->changed, &outside->lock);
  unsigned events = outside->events;
  outside->events = 0;
  outside->is_woken = false;
  pthread_mutex_unlock(&outside->lock);
  atomic_store(&outside->poller, pthread_self());
  for (unsigned i = 0; i < events; i++) tell(outside->stage, &outside->target, 0);
  atomic_fetch_add(&outside->polled, events);
  atomic_fetch_sub(&outside->polling, 1);
}

static void wake(void *context) {
  struct outside *outside = context;
  pthread_mutex_lock(&outside->lock);
  outside->is_woken = true;
  pthread_cond_signal(&outside->changed);
  pthread_mutex_unlock(&outside->lock);
}

static bool is_due(void *context) {
  (void)context;
  return false;
}

static void happen(struct outside *outside) {
  pthread_mutex_lock(&outside->lock);
  outside->events++;
  pthread_cond_signal(&outside->changed);
  pthread_mutex_unlock(&outside->lock);
}

static struct outside outside;

static void note_runner(struct stage *stage, struct th_actor *actor,
                        const struct th_message *message) {
  (void)actor;
  (void)message;
  atomic_store(&outside.runner, pthread_self());
  sem_post(&stage->done);
}

static void go_outside(unsigned workers, role *play) {
  outside = (struct outside){.lock = PTHREAD_MUTEX_INITIALIZER,
                             .changed = PTHREAD_COND_INITIALIZER};
  outside.stage = begin_outside(workers, &(struct th_poller){poll, wake, is_due, &outside});
  outside.target = cast(outside.stage, play);
}

/* On a busy machine another may stand in now and then. */
static void who_has_nothing_to_do_polls_and_runs_what_came(void **unused) {
  unsigned same = 0;
  (void)unused;
  go_outside(1, note_runner);
  for (int i = 0; i < 1000; i++) {
    happen(&outside);
    wait_for(&outside.stage->done);
    same += pthread_equal(outside.poller, outside.runner) != 0;
  }
  assert_in_range(same, 1, 1000);
  end(outside.stage);
}

static void who_polls_wakes_for_every_push(void **unused) {
  (void)unused;
  go_outside(1, note_runner);
  for (int i = 0; i < 1000; i++) {
    tell(outside.stage, &outside.target, 0);
    wait_for(&outside.stage->done);
  }
  end(outside.stage);
}

/* Until the gate opens. */
static void work_long(struct stage *stage, struct th_actor *actor,
                      const struct th_message *message) {
  (void)actor;
  (void)message;
  atomic_store(&outside.runner, pthread_self());
  sem_post(&stage->done);
  wait_for(&stage->gate);
  sem_post(&stage->done);
}

static void while_all_work_another_stands_in(void **unused) {
  (void)unused;
  go_outside(1, note_runner);
  struct th_address busy = cast(outside.stage, work_long);
  for (unsigned round = 0; round < 20; round++) {
    tell(outside.stage, &busy, 0);
    wait_for(&outside.stage->done);
    pthread_t worker = outside.runner;
    happen(&outside);
    uint64_t until = th_clock_after(60 * TH_SECOND);
    while (atomic_load(&outside.polled) == 2 * round && th_clock_now() < until) continue;
    assert_int_equal(atomic_load(&outside.polled), 2 * round + 1);
    assert_false(pthread_equal(outside.poller, worker));
    sem_post(&outside.stage->gate);
    wait_for(&outside.stage->done); /* the long turn's end */
    wait_for(&outside.stage->done); /* what came meanwhile */
    happen(&outside);
    wait_for(&outside.stage->done);
    while (atomic_load(&outside.polled) == 2 * round + 1) continue;
  }
  end(outside.stage);
}

/* Turns, events and pushes of other threads all at once: each message is handled, once. */
static void all_that_comes_at_once_is_handled(void **unused) {
  (void)unused;
  go_outside(2, note_runner);
  for (int i = 0; i < RING_ACTORS; i++) cast(outside.stage, pass_on);
  struct th_address start = {.system = 1, .number = outside.target.number + 1};
  for (int round = 0; round < 300; round++) {
    happen(&outside);
    tell(outside.stage, &start, 50);
    tell(outside.stage, &outside.target, 0);
    for (int i = 0; i < 3; i++) wait_for(&outside.stage->done);
  }
  assert_int_equal(sem_trywait(&outside.stage->done), -1);
  end(outside.stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_long_turn_gives_its_seat_away),
    cmocka_unit_test(a_long_turns_ring_is_stolen),
    cmocka_unit_test(tokens_go_round_without_a_loss),
    cmocka_unit_test(more_actors_than_a_ring_holds_all_run),
    cmocka_unit_test(parked_workers_wake_for_every_push),
    cmocka_unit_test(without_workers_the_crank_runs_everything),
    cmocka_unit_test(a_turn_that_lasts_is_charged_to_its_actor),
    cmocka_unit_test(the_crank_measures_turns),
    cmocka_unit_test(who_has_nothing_to_do_polls_and_runs_what_came),
    cmocka_unit_test(who_polls_wakes_for_every_push),
    cmocka_unit_test(while_all_work_another_stands_in),
    cmocka_unit_test(all_that_comes_at_once_is_handled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
