#include "actor/hold.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "actor/actor.h"
#include "base/clock.h"
#include "base/memory.h"

#define LONGEST TH_SECOND

struct th_holds {
  pthread_mutex_t lock;
  pthread_cond_t released; /* for threads: one of them may be meant */
  uint64_t limit;          /* fixed; 0: none */
  /* All, the longest held first: each is held for the same time. */
  struct th_hold *first;
  struct th_hold *last;
};

struct th_holds *th_holds_new(uint64_t limit) {
  struct th_holds *holds = th_new(struct th_holds);
  pthread_condattr_t attributes;
  pthread_mutex_init(&holds->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&holds->released, &attributes);
  pthread_condattr_destroy(&attributes);
  holds->limit = limit;
  return holds;
}

void th_holds_free(struct th_holds *holds) {
  pthread_cond_destroy(&holds->released);
  pthread_mutex_destroy(&holds->lock);
  free(holds);
}

/* What waits outside the mailbox. */
static uint64_t set_aside(const struct th_actor *target) {
  return th_shelf_waiting(&target->shelf) +
         atomic_load(&target->backlog); /* see th_system_endpoint_waits */
}

bool th_holds_is_full(const struct th_holds *holds, struct th_actor *target) {
  uint64_t aside = set_aside(target);
  if (holds->limit == 0) return false;
  return aside > holds->limit || th_mailbox_exceeds(&target->mailbox, holds->limit - aside);
}

static bool has_room(const struct th_holds *holds, const struct th_actor *target) {
  return th_mailbox_depth(&target->mailbox) + set_aside(target) <= holds->limit / 2;
}

/* ---- the lists; the caller holds the lock ---- */

static void link(struct th_holds *holds, struct th_hold *hold, struct th_actor *target) {
  hold->target = target;
  hold->due = th_clock_after(LONGEST);
  hold->next = NULL;
  hold->previous = holds->last;
  *(holds->last != NULL ? &holds->last->next : &holds->first) = hold;
  holds->last = hold;
  hold->previous_of_target = NULL;
  hold->next_of_target = target->held;
  if (target->held != NULL) target->held->previous_of_target = hold;
  target->held = hold;
  atomic_fetch_add(&target->holders, 1);
}

static void unlink_hold(struct th_holds *holds, struct th_hold *hold) {
  struct th_actor *target = hold->target;
  struct th_hold *next = hold->next, *previous = hold->previous;
  *(previous != NULL ? &previous->next : &holds->first) = next;
  *(next != NULL ? &next->previous : &holds->last) = previous;
  next = hold->next_of_target;
  previous = hold->previous_of_target;
  *(previous != NULL ? &previous->next_of_target : &target->held) = next;
  if (next != NULL) next->previous_of_target = previous;
  hold->target = NULL;
  atomic_fetch_sub_explicit(&target->holders, 1, memory_order_relaxed);
}

static void release(struct th_holds *holds, struct th_hold *hold) {
  unlink_hold(holds, hold);
  hold->released(hold->context, hold);
}

/* Whether target, or whom it waits for in turn, is actor. */
static bool leads_to(const struct th_actor *target, const struct th_actor *actor) {
  while (target != NULL && target != actor) target = target->hold.target;
  return target != NULL && actor != NULL;
}

/* ---- the doors ---- */

/* The caller holds the lock. */
static bool add(struct th_holds *holds, struct th_hold *hold, const struct th_actor *actor,
                struct th_actor *target) {
  if (leads_to(target, actor)) return false;
  link(holds, hold, target);
  th_mailbox_touch(&target->mailbox);
  if (!has_room(holds, target)) return true;
  unlink_hold(holds, hold);
  return false;
}

bool th_holds_add(struct th_holds *holds, struct th_hold *hold, const struct th_actor *actor,
                  struct th_actor *target) {
  pthread_mutex_lock(&holds->lock);
  bool added = add(holds, hold, actor, target);
  pthread_mutex_unlock(&holds->lock);
  return added;
}

bool th_holds_remove(struct th_holds *holds, struct th_hold *hold) {
  pthread_mutex_lock(&holds->lock);
  bool was_in = hold->target != NULL;
  if (was_in) unlink_hold(holds, hold);
  pthread_mutex_unlock(&holds->lock);
  return was_in;
}

static void wake_threads(void *context, struct th_hold *hold) {
  struct th_holds *holds = context;
  (void)hold;
  pthread_cond_broadcast(&holds->released);
}

void th_holds_wait(struct th_holds *holds, struct th_actor *target) {
  struct th_hold hold = {.released = wake_threads, .context = holds};
  pthread_mutex_lock(&holds->lock);
  if (add(holds, &hold, NULL, target)) {
    struct timespec until = {.tv_sec = (time_t)(hold.due / TH_SECOND),
                             .tv_nsec = (long)(hold.due % TH_SECOND)};
    int error = 0;
    while (hold.target != NULL && error == 0)
      error = pthread_cond_timedwait(&holds->released, &holds->lock, &until);
    if (hold.target != NULL) unlink_hold(holds, &hold);
  }
  pthread_mutex_unlock(&holds->lock);
}

void th_holds_make_room(struct th_holds *holds, struct th_actor *target) {
  pthread_mutex_lock(&holds->lock);
  while (target->held != NULL && has_room(holds, target)) release(holds, target->held);
  pthread_mutex_unlock(&holds->lock);
}

uint64_t th_holds_expire(struct th_holds *holds, uint64_t now) {
  pthread_mutex_lock(&holds->lock);
  while (holds->first != NULL && holds->first->due <= now) release(holds, holds->first);
  uint64_t next = holds->first != NULL ? holds->first->due : TH_FOREVER;
  pthread_mutex_unlock(&holds->lock);
  return next;
}
