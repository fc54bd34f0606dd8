/* What becomes of turns that last: suspended and resumed, stuck, stopped; of states that are not
 * sound. The behaviours are functions of the tests, in a little world of a registry and a
 * scheduler. */
#include "actor/actor.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "actor/preempt.h"
#include "actor/registry.h"
#include "actor/scheduler.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/notice.h"

struct stage;

/* What an actor does: receive, then resume while that is suspended; restart. */
struct part {
  int (*receive)(struct stage *stage, struct th_actor *actor);
  int (*resume)(struct stage *stage, struct th_actor *actor);
  int (*restart)(struct stage *stage, struct th_buffer *why);
};

struct stage {
  struct th_world world; /* first */
  struct th_registry *registry;
  struct th_scheduler *scheduler;
  sem_t done; /* posted for what a test waits for */
  sem_t gate; /* what a part waits for */
  atomic_bool flag;
  atomic_uint resumed, restarted, handled, poisoned, exited, dead;
  char reason[256]; /* of the last ChildActorExited; read after done */
};

static struct stage *stage_of(struct th_actor *actor) {
  return (struct stage *)actor->world;
}

/* What is sent to number 0 is only counted. */
static struct th_actor *send(struct th_world *world, struct th_message *message) {
  struct stage *stage = (struct stage *)world;
  if (message->kind == TH_KIND_POISON) atomic_fetch_add(&stage->poisoned, 1);
  if (message->kind == TH_KIND_CHILD_EXITED) {
    const char *found = memmem(message->payload, message->size, "killed", 6);
    if (found != NULL) {
      size_t size = (size_t)((const char *)message->payload + message->size - found);
      memcpy(stage->reason, found, size < sizeof stage->reason ? size : sizeof stage->reason - 1);
    }
  }
  struct th_actor *slot = th_registry_find(stage->registry, message->target.number);
  if (slot == NULL)
    th_message_free(message);
  else if (th_mailbox_push(&slot->mailbox, message))
    th_scheduler_ready(stage->scheduler, slot);
  return NULL;
}

static void dead(struct th_world *world, struct th_message *message) {
  if (message->kind == TH_KIND_USER) atomic_fetch_add(&((struct stage *)world)->dead, 1);
  th_message_free(message);
}

static void exited(struct th_world *world, struct th_actor *actor) {
  struct stage *stage = (struct stage *)world;
  th_registry_release(stage->registry, actor);
  atomic_fetch_add(&stage->exited, 1);
  sem_post(&stage->done);
}

static const char *keep_text(struct th_world *world, const char *text) {
  (void)world;
  (void)text;
  return "part";
}

static const struct th_world_ops ops = {
  .send = send, .dead = dead, .exited = exited, .keep_text = keep_text};

static int open_part(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  (void)reason;
  actor->state = birth->argument;
  birth->argument = NULL;
  return 0;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  const struct part *part = actor->state;
  (void)details;
  if ((*message)->kind != TH_KIND_USER) return 0;
  return part->receive(stage_of(actor), actor);
}

static int resume(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  const struct part *part = actor->state;
  (void)message;
  (void)details;
  atomic_fetch_add(&stage_of(actor)->resumed, 1);
  return part->resume(stage_of(actor), actor);
}

static int restart(struct th_actor *actor, struct th_buffer *why) {
  const struct part *part = actor->state;
  atomic_fetch_add(&stage_of(actor)->restarted, 1);
  return part->restart(stage_of(actor), why);
}

static void close_part(struct th_actor *actor) {
  (void)actor;
}

static const struct th_behaviour behaviour = {
  .open = open_part, .receive = receive, .resume = resume, .restart = restart, .close = close_part};

static uint64_t no_timers(void *context, uint64_t now) {
  (void)context;
  (void)now;
  return TH_FOREVER;
}

static struct stage *begin(unsigned workers) {
  struct stage *stage = th_new(struct stage);
  stage->world.ops = &ops;
  stage->world.admin = (struct th_address){.system = 1, .number = TH_ADMIN_NUMBER};
  stage->world.exit_limit = 50 * TH_MILLISECOND;
  stage->registry = th_registry_new(&stage->world);
  stage->scheduler = th_scheduler_new(workers, no_timers, stage);
  sem_init(&stage->done, 0, 0);
  sem_init(&stage->gate, 0, 0);
  assert_int_equal(th_scheduler_start(stage->scheduler), 0);
  return stage;
}

static void end(struct stage *stage) {
  assert_true(th_scheduler_stop(stage->scheduler, TH_FOREVER));
  th_registry_free(stage->registry);
  th_scheduler_free(stage->scheduler);
  sem_destroy(&stage->done);
  sem_destroy(&stage->gate);
  free(stage);
}

static struct th_address cast(struct stage *stage, const struct part *part, uint64_t parent) {
  struct th_address address = {.system = 1};
  struct th_birth *birth = th_new(struct th_birth);
  th_registry_reserve(stage->registry, false, &address.number);
  birth->behaviour = &behaviour;
  birth->argument = (void *)(uintptr_t)part;
  birth->class_name = th_strdup("part");
  birth->parent = (struct th_address){.system = parent != 0, .number = parent};
  send(&stage->world, th_birth_message(&address, birth));
  return address;
}

static void tell(struct stage *stage, const struct th_address *target) {
  struct th_address sender = {.system = 1, .number = 12345};
  send(&stage->world, th_message_new(TH_KIND_USER, target, &sender, NULL, 0));
}

static void ask_to_exit(struct stage *stage, const struct th_address *target, unsigned flags) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, true);
  struct th_message *message = th_message_pack(TH_KIND_EXIT_REQUEST, target, &TH_NOBODY, &buffer);
  message->flags = (uint8_t)flags;
  th_buffer_clear(&buffer);
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

/* ---- parts ---- */

static int spin_until_asked(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  (void)actor;
  while (!th_preempt_is_asked()) continue;
  return TH_SUSPENDED;
}

static int say_and_spin(struct stage *stage, struct th_actor *actor) {
  sem_post(&stage->gate);
  return spin_until_asked(stage, actor);
}

static int spin_until_flag(struct stage *stage, struct th_actor *actor) {
  if (!atomic_load(&stage->flag)) return spin_until_asked(stage, actor);
  sem_post(&stage->done);
  return 0;
}

static int set_flag(struct stage *stage, struct th_actor *actor) {
  (void)actor;
  atomic_store(&stage->flag, true);
  return 0;
}

static int open_gate(struct stage *stage, struct th_actor *actor) {
  (void)actor;
  sem_post(&stage->gate);
  return 0;
}

static int wait_at_gate(struct stage *stage, struct th_actor *actor) {
  (void)actor;
  wait_for(&stage->gate);
  sem_post(&stage->done);
  return 0;
}

static int spin_until_stopped(struct stage *stage, struct th_actor *actor) {
  return th_actor_must_stop(actor) ? TH_EREFUSED : spin_until_asked(stage, actor);
}

static int post_done(struct stage *stage, struct th_actor *actor) {
  (void)actor;
  atomic_fetch_add(&stage->handled, 1);
  sem_post(&stage->done);
  return 0;
}

/* The first message breaks it. */
static int break_once(struct stage *stage, struct th_actor *actor) {
  if (!atomic_exchange(&stage->flag, true)) return TH_UNSOUND;
  return post_done(stage, actor);
}

static int always_unsound(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  (void)actor;
  return TH_UNSOUND;
}

static int restart_well(struct stage *stage, struct th_buffer *why) {
  (void)stage;
  (void)why;
  return 0;
}

static int restart_badly(struct stage *stage, struct th_buffer *why) {
  (void)stage;
  th_buffer_printf(why, "no way");
  return TH_ESPECIFICATION;
}

static int restart_later(struct stage *stage, struct th_buffer *why) {
  (void)stage;
  (void)why;
  return TH_SUSPENDED;
}

static int resume_well(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  (void)actor;
  return 0;
}

static const struct part spinner = {spin_until_asked, spin_until_flag, NULL};
static const struct part flagger = {set_flag, NULL, NULL};
static const struct part endless = {say_and_spin, spin_until_stopped, NULL};
static const struct part blocked = {wait_at_gate, NULL, NULL};
static const struct part opener = {open_gate, NULL, NULL};
static const struct part poster = {post_done, NULL, NULL};
static const struct part fragile = {break_once, NULL, restart_well};
static const struct part fragile_slow = {break_once, resume_well, restart_later};
static const struct part broken = {always_unsound, NULL, restart_badly};

/* ---- stories ---- */

static void one_worker_runs_others_beside_what_spins(void **unused) {
  struct stage *stage = begin(1);
  (void)unused;
  struct th_address first = cast(stage, &spinner, 0), second = cast(stage, &spinner, 0);
  struct th_address third = cast(stage, &flagger, 0);
  tell(stage, &first);
  tell(stage, &second);
  tell(stage, &third);
  wait_for(&stage->done);
  wait_for(&stage->done);
  assert_true(atomic_load(&stage->resumed) >= 2);
  end(stage);
}

static void a_spare_thread_stands_in_for_what_is_stuck(void **unused) {
  struct stage *stage = begin(1);
  (void)unused;
  for (int round = 0; round < 50; round++) {
    struct th_address first = cast(stage, &blocked, 0), second = cast(stage, &opener, 0);
    tell(stage, &first);
    tell(stage, &second);
    wait_for(&stage->done);
  }
  end(stage);
}

static void many_stuck_turns_do_not_stop_the_others(void **unused) {
  enum { STUCK = 8 };
  struct stage *stage = begin(2);
  (void)unused;
  struct th_address answerer = cast(stage, &poster, 0);
  for (int i = 0; i < STUCK; i++) {
    struct th_address one = cast(stage, &blocked, 0);
    tell(stage, &one);
  }
  tell(stage, &answerer);
  wait_for(&stage->done);
  assert_int_equal(atomic_load(&stage->handled), 1);
  for (int i = 0; i < STUCK; i++) sem_post(&stage->gate);
  for (int i = 0; i < STUCK; i++) wait_for(&stage->done);
  end(stage);
}

static void an_urgent_exit_stops_what_is_suspended(void **unused) {
  struct stage *stage = begin(1);
  (void)unused;
  struct th_address one = cast(stage, &endless, 0);
  tell(stage, &one);
  wait_for(&stage->gate); /* else the request would be first */
  uint64_t asked_at = th_clock_now();
  ask_to_exit(stage, &one, TH_MESSAGE_URGENT);
  wait_for(&stage->done);
  assert_true(th_clock_now() - asked_at >= stage->world.exit_limit);
  assert_int_equal(atomic_load(&stage->exited), 1);
  assert_int_equal(atomic_load(&stage->poisoned), 1);
  end(stage);
}

static void an_unsound_state_is_restarted_and_goes_on(void **unused) {
  const struct part *parts[] = {&fragile, &fragile_slow};
  (void)unused;
  for (int i = 0; i < 2; i++) {
    struct stage *stage = begin(1);
    struct th_address one = cast(stage, parts[i], 0);
    tell(stage, &one);
    tell(stage, &one);
    wait_for(&stage->done);
    assert_int_equal(atomic_load(&stage->restarted), 1);
    assert_int_equal(atomic_load(&stage->poisoned), 1);
    assert_int_equal(atomic_load(&stage->handled), 1);
    end(stage);
  }
}

/* Becomes a parent by its first message, breaks at the second. */
static int adopt(struct stage *stage, struct th_actor *actor) {
  if (atomic_exchange(&stage->flag, true)) return TH_UNSOUND;
  struct th_address child = cast(stage, &poster, actor->address.number);
  th_actor_add_child(actor, &child);
  return 0;
}

static const struct part parent = {adopt, NULL, restart_badly};

static void what_cannot_be_restarted_is_killed_with_its_children(void **unused) {
  struct stage *stage = begin(1);
  (void)unused;
  struct th_address one = cast(stage, &parent, 54321);
  tell(stage, &one);
  tell(stage, &one);
  wait_for(&stage->done);
  wait_for(&stage->done);
  assert_int_equal(atomic_load(&stage->exited), 2);
  assert_string_equal(stage->reason, "killed: it could not be restarted: no way");
  end(stage);
}

static void a_killed_actor_without_children_is_gone_at_once(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_address one = cast(stage, &broken, 54321);
  tell(stage, &one);
  tell(stage, &one);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  assert_int_equal(atomic_load(&stage->exited), 1);
  assert_int_equal(atomic_load(&stage->restarted), 1);
  end(stage);
}

static void the_crank_asks_what_spins_to_end(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_address first = cast(stage, &spinner, 0), second = cast(stage, &flagger, 0);
  tell(stage, &first);
  tell(stage, &second);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  assert_int_equal(sem_trywait(&stage->done), 0);
  end(stage);
}

static void the_crank_ends_in_time_beside_what_spins(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_address one = cast(stage, &endless, 0);
  tell(stage, &one);
  th_scheduler_crank(stage->scheduler, th_clock_after(20 * TH_MILLISECOND));
  assert_int_equal(atomic_load(&stage->exited), 0);
  ask_to_exit(stage, &one, TH_MESSAGE_URGENT);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  assert_int_equal(atomic_load(&stage->exited), 1);
  end(stage);
}

/* ---- what is kept ---- */

static int keep(struct stage *stage, struct th_actor *actor) {
  uint64_t number = th_actor_keep(actor);
  atomic_fetch_add(&stage->handled, 1);
  assert_true(number != 0 && th_actor_keep(actor) == number);
  return 0;
}

static int keep_and_suspend(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  th_actor_keep(actor);
  return TH_SUSPENDED;
}

static int conclude_at_once(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  th_actor_conclude_kept(actor, th_actor_keep(actor), 0, NULL, 0);
  return 0;
}

static int refuse_at_once(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  th_actor_conclude_kept(actor, th_actor_keep(actor), TH_EREFUSED, "no", 2);
  return 0;
}

static int keep_and_fail(struct stage *stage, struct th_actor *actor) {
  (void)stage;
  th_actor_keep(actor);
  return TH_EREFUSED;
}

static int conclude_and_fail(struct stage *stage, struct th_actor *actor) {
  conclude_at_once(stage, actor);
  return TH_EREFUSED;
}

/* Three are kept, the fourth breaks it, the three that come again are handled. */
static int keep_three(struct stage *stage, struct th_actor *actor) {
  if (actor->card.restarts > 0) return post_done(stage, actor);
  if (th_shelf_waiting(&actor->shelf) + th_shelf_lent(&actor->shelf) == 3) return TH_UNSOUND;
  uint64_t number = th_actor_keep(actor);
  if (number == 2) th_shelf_lend(&actor->shelf, number, true);
  return 0;
}

static const struct part keeper = {.receive = keep};
static const struct part slow_keeper = {.receive = keep_and_suspend, .resume = keep};
static const struct part prompt = {.receive = conclude_at_once};
static const struct part refuser = {.receive = refuse_at_once};
static const struct part failing_keeper = {.receive = keep_and_fail};
static const struct part failing_prompt = {.receive = conclude_and_fail};
static const struct part breaking_keeper = {.receive = keep_three, .restart = restart_well};
static const struct part dying_keeper = {.receive = keep_three, .restart = restart_badly};

/* An actor that got so many messages, on a stage that has come to rest. */
static struct th_actor *play(struct stage *stage, const struct part *part, int messages) {
  struct th_address address = cast(stage, part, 0);
  while (messages-- > 0) tell(stage, &address);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  return th_registry_find(stage->registry, address.number);
}

static void expect_counts(const struct th_actor *actor, unsigned handled, unsigned failed,
                          unsigned kept) {
  assert_int_equal(actor->card.handled, handled);
  assert_int_equal(actor->card.failed, failed);
  assert_int_equal(th_shelf_waiting(&actor->shelf), kept);
  assert_int_equal(th_mailbox_depth(&actor->mailbox), 0);
}

static void what_is_kept_is_concluded_later(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_actor *actor = play(stage, &keeper, 3);
  expect_counts(actor, 0, 0, 3);
  th_actor_conclude_kept(actor, 2, 0, NULL, 0);
  th_actor_conclude_kept(actor, 2, 0, NULL, 0);
  expect_counts(actor, 1, 0, 2);
  th_actor_conclude_kept(actor, 3, TH_EREFUSED, "no", 2);
  expect_counts(actor, 1, 1, 1);
  assert_int_equal(atomic_load(&stage->poisoned), 1);
  end(stage); /* which frees the last */
}

static void what_is_kept_by_a_suspended_handler_waits_once(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_actor *actor = play(stage, &slow_keeper, 2);
  expect_counts(actor, 0, 0, 2);
  assert_false(atomic_load(&actor->card.has_suspended));
  end(stage);
}

static void a_message_is_concluded_once(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  expect_counts(play(stage, &prompt, 1), 1, 0, 0);
  expect_counts(play(stage, &refuser, 1), 0, 1, 0);
  assert_int_equal(atomic_load(&stage->poisoned), 1);
  expect_counts(play(stage, &failing_keeper, 1), 0, 1, 0);
  assert_int_equal(atomic_load(&stage->poisoned), 2);
  expect_counts(play(stage, &failing_prompt, 1), 1, 0, 0);
  assert_int_equal(atomic_load(&stage->poisoned), 2);
  end(stage);
}

static void what_is_kept_becomes_dead_letters_at_the_exit(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_actor *actor = play(stage, &keeper, 3);
  th_shelf_lend(&actor->shelf, 1, true);
  ask_to_exit(stage, &actor->address, 0);
  th_scheduler_crank(stage->scheduler, TH_FOREVER);
  assert_int_equal(atomic_load(&stage->exited), 1);
  assert_int_equal(atomic_load(&stage->dead), 2);
  expect_counts(actor, 2, 0, 0); /* the request, and what was lent */
  end(stage);
}

static void what_is_kept_comes_again_after_a_restart(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  expect_counts(play(stage, &breaking_keeper, 4), 3, 1, 0);
  assert_int_equal(atomic_load(&stage->handled), 3);
  end(stage);
}

static void what_is_kept_is_dead_where_there_is_no_restart(void **unused) {
  struct stage *stage = begin(0);
  (void)unused;
  struct th_actor *actor = play(stage, &dying_keeper, 4);
  assert_int_equal(atomic_load(&stage->exited), 1);
  assert_int_equal(atomic_load(&stage->dead), 3);
  expect_counts(actor, 0, 1, 0);
  end(stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_worker_runs_others_beside_what_spins),
    cmocka_unit_test(a_spare_thread_stands_in_for_what_is_stuck),
    cmocka_unit_test(many_stuck_turns_do_not_stop_the_others),
    cmocka_unit_test(an_urgent_exit_stops_what_is_suspended),
    cmocka_unit_test(an_unsound_state_is_restarted_and_goes_on),
    cmocka_unit_test(what_cannot_be_restarted_is_killed_with_its_children),
    cmocka_unit_test(a_killed_actor_without_children_is_gone_at_once),
    cmocka_unit_test(the_crank_asks_what_spins_to_end),
    cmocka_unit_test(the_crank_ends_in_time_beside_what_spins),
    cmocka_unit_test(what_is_kept_is_concluded_later),
    cmocka_unit_test(what_is_kept_by_a_suspended_handler_waits_once),
    cmocka_unit_test(a_message_is_concluded_once),
    cmocka_unit_test(what_is_kept_becomes_dead_letters_at_the_exit),
    cmocka_unit_test(what_is_kept_comes_again_after_a_restart),
    cmocka_unit_test(what_is_kept_is_dead_where_there_is_no_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
