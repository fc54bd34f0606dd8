#include "sim_loop.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "sim_engine.h"

/* Of 1000 items that are due, after so many a turn that need not go on ends. */
#define SHORT_TURNS 100

struct th_loop {
  struct th_loop *next; /* of the engine's */
  unsigned host;
  struct th_task *posted; /* oldest first */
  struct th_task **last;
  struct sim_item items; /* the ring's own, neither first nor last */
  bool stop;
  bool is_inside;
};

struct th_loop_timer {
  struct sim_item item;
  void (*run)(void *user);
  void *user;
};

/* ---- items ---- */

void sim_item_cancel(struct sim_item *item) {
  if (item->loop == NULL) return;
  sim_engine_stir(item->loop->host);
  item->previous->next = item->next;
  item->next->previous = item->previous;
  item->loop = NULL;
}

void sim_item_at(struct sim_item *item, struct th_loop *loop, uint64_t due,
                 void (*run)(struct sim_item *item)) {
  sim_item_cancel(item);
  struct sim_item *before = loop->items.previous;
  while (before != &loop->items && before->due > due) before = before->previous;
  sim_engine_stir(loop->host);
  item->loop = loop;
  item->due = due;
  item->run = run;
  item->serial = sim_engine()->serial++;
  item->previous = before;
  item->next = before->next;
  before->next->previous = item;
  before->next = item;
}

uint64_t sim_loop_next(const struct th_loop *loop) {
  if (loop->posted != NULL || loop->stop) return 0;
  return loop->items.next == &loop->items ? TH_FOREVER : loop->items.next->due;
}

unsigned sim_loop_host(const struct th_loop *loop) {
  return loop->host;
}

/* ---- turning ---- */

static void run_posted(struct th_loop *loop) {
  struct th_task *task = loop->posted;
  loop->posted = NULL;
  loop->last = &loop->posted;
  while (task != NULL) {
    struct th_task *next = task->next; /* run may free the task, or post it again */
    task->run(task);
    task = next;
  }
}

/* What is due by now; not what these put there. A loop with much to do may come to only some. */
static void run_due(struct th_loop *loop, bool may_be_short) {
  uint64_t end = sim_engine()->serial;
  uint64_t now = sim_now();
  struct sim_item *item = loop->items.next;
  while (item != &loop->items && item->due <= now && item->serial < end) {
    sim_item_cancel(item);
    item->run(item);
    if (may_be_short && sim_chance(SHORT_TURNS)) return;
    item = loop->items.next;
  }
}

static void turn(struct th_loop *loop, bool may_be_short) {
  sim_engine_stir(loop->host);
  run_posted(loop);
  if (!loop->stop) run_due(loop, may_be_short);
}

int th_loop_run(struct th_loop *loop, uint64_t own_until) {
  uint64_t until = sim_world_time(loop->host, own_until);
  assert(!loop->is_inside);
  loop->is_inside = true;
  turn(loop, until <= sim_now());
  while (!loop->stop && sim_now() < until) {
    uint64_t next = sim_loop_next(loop);
    if (next > sim_now()) sim_engine_wait(next < until ? next : until);
    turn(loop, false);
  }
  bool stopped = loop->stop;
  loop->stop = false;
  loop->is_inside = false;
  return stopped ? 0 : TH_ETIMEOUT;
}

void th_loop_stop(struct th_loop *loop) {
  loop->stop = true;
  sim_engine_stir(loop->host);
}

void th_loop_post(struct th_loop *loop, struct th_task *task) {
  sim_engine_stir(loop->host);
  task->next = NULL;
  *loop->last = task;
  loop->last = &task->next;
}

bool th_loop_has_posted(const struct th_loop *loop) {
  return loop->posted != NULL;
}

bool th_on_loop(const struct th_loop *loop) {
  return loop->is_inside;
}

/* ---- timers ---- */

static void run_timer(struct sim_item *item) {
  struct th_loop_timer *timer = (struct th_loop_timer *)item;
  timer->run(timer->user);
  free(timer);
}

struct th_loop_timer *th_loop_after(struct th_loop *loop, uint64_t nanoseconds,
                                    void (*run)(void *user), void *user) {
  struct th_loop_timer *timer = th_new(struct th_loop_timer);
  timer->run = run;
  timer->user = user;
  sim_item_at(&timer->item, loop, sim_after(nanoseconds), run_timer);
  return timer;
}

void th_loop_cancel(struct th_loop_timer *timer) {
  if (timer == NULL) return;
  sim_item_cancel(&timer->item);
  free(timer);
}

/* They only move forward in the row, past what has been seen. */
static void advance_timers(struct th_loop *loop, uint64_t nanoseconds) {
  struct sim_item *next;
  for (struct sim_item *item = loop->items.next; item != &loop->items; item = next) {
    next = item->next;
    if (item->run == run_timer && item->due != TH_FOREVER)
      sim_item_at(item, loop, item->due > nanoseconds ? item->due - nanoseconds : 0, run_timer);
  }
}

void sim_loops_jump(unsigned host, uint64_t nanoseconds) {
  for (struct th_loop *loop = sim_engine()->loops; loop != NULL; loop = loop->next)
    if (loop->host == host) advance_timers(loop, nanoseconds);
}

/* ---- life ---- */

int th_loop_new(struct th_loop **out) {
  struct sim_engine *engine = sim_engine();
  struct th_loop *loop = th_new(struct th_loop);
  loop->host = engine->host;
  loop->last = &loop->posted;
  loop->items.previous = loop->items.next = &loop->items;
  loop->next = engine->loops;
  engine->loops = loop;
  *out = loop;
  return 0;
}

void th_loop_free(struct th_loop *loop) {
  if (loop == NULL) return;
  struct th_loop **place = &sim_engine()->loops;
  loop->is_inside = true;
  while (sim_loop_next(loop) != TH_FOREVER) {
    loop->stop = false;
    uint64_t next = sim_loop_next(loop);
    if (next > sim_now()) sim_engine_wait(next);
    turn(loop, false);
  }
  while (*place != loop) place = &(*place)->next;
  *place = loop->next;
  free(loop);
}

const char *th_loop_version(void) {
  return "simulated";
}

/* No wire of the simulator has use for it. */
void *th_loop_uv(struct th_loop *loop) {
  (void)loop;
  return NULL;
}
