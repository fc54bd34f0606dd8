#include "actor/scheduler.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "actor/preempt.h"
#include "base/clock.h"
#include "base/memory.h"

#define RING 256u
#define LINES_EVERY 61 /* turns between looks at the lines, so that a busy ring starves nobody */
#define SPINS 400      /* looks for work before a worker parks: some microseconds */
#define LOOK TH_MILLISECOND
#define LONG 2                 /* looks that find the same turn, after which it is asked to end */
#define LONG_ALONE 10          /* likewise, where no other work waits */
#define STUCK 10               /* after so many it does not count as a worker any more */
#define SPARES 32              /* threads that stand in for stuck ones */
#define STACK_SIZE (16u << 20) /* address space; Lua's deepest C recursions need a tenth of it */

struct th_worker {
  struct th_scheduler *scheduler;
  pthread_t thread;
  pthread_cond_t wake;
  bool is_parked; /* under the scheduler's lock */
  bool is_done;   /* likewise */
  bool polls;     /* the worker's own */
  unsigned turns_since_lines;
  bool background_is_next;
  atomic_uint turns; /* counts; the monitor sees by it that a turn lasts */
  /* Who has the turn, for the monitor to charge its time to. */
  _Atomic(struct th_actor *) running;
  _Atomic(struct th_actor *) next;
  /* Ring: thieves and the owner take at head by compare-and-exchange; the owner alone adds at
   * tail. */
  atomic_uint head;
  atomic_uint tail;
  _Atomic(struct th_actor *) ring[RING];
};

/* Under the scheduler's lock. */
struct line {
  struct th_actor *first;
  struct th_actor *last;
  atomic_uint count; /* read without the lock as a hint */
};

/* Who polls, under the scheduler's lock. */
struct polling {
  struct th_poller poller;  /* poll NULL: there is no world outside */
  struct th_worker *worker; /* who does; NULL: nobody, or the stand-in */
  bool is_stood_in;         /* the stand-in does */
  bool is_wanted;           /* it is to */
  bool stops;               /* it is to end */
  bool is_started;
  unsigned count; /* of polls that have begun */
  unsigned seen;  /* the same at the last look */
  pthread_cond_t wanted;
  pthread_t stand_in;
};

struct th_scheduler {
  pthread_mutex_t lock;
  struct polling polling;
  struct line shared;
  struct line background; /* whose last turn had to be asked to end */
  unsigned parked;
  unsigned stuck;     /* workers in a turn that cannot be ended, at the last look */
  uint64_t looked_at; /* when the monitor last looked; 0: everybody had parked */
  bool has_worked;    /* anyone, since then */
  bool monitor_sleeps;
  uint64_t monitor_wakes_at;
  pthread_cond_t monitor_wake;
  pthread_cond_t worker_done;
  pthread_t monitor;
  bool monitor_is_started;
  atomic_uint surplus; /* workers too many; read without the lock as a hint */
  atomic_bool stopping;
  atomic_bool monitor_stops;
  th_scheduler_tick *tick;
  void *tick_context;
  unsigned worker_count;
  atomic_uint started; /* workers that have a thread: the first ones; grows under the lock */
  struct th_worker *workers;
  struct th_preempt_timer *timer; /* of the crank */
};

/* Which worker this thread is, if any. Compared with the scheduler at hand, since a thread of one
 * system may send into another. */
static _Thread_local struct th_worker *current_worker;

static void init_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until) {
  struct timespec time = {.tv_sec = (time_t)(until / TH_SECOND),
                          .tv_nsec = (long)(until % TH_SECOND)};
  if (until == TH_FOREVER)
    pthread_cond_wait(condition, lock);
  else
    pthread_cond_timedwait(condition, lock, &time);
}

static unsigned capacity(const struct th_scheduler *scheduler) {
  return scheduler->worker_count > 0 ? scheduler->worker_count + SPARES : 0;
}

static unsigned started(struct th_scheduler *scheduler) {
  /* Acquire: what the thread that started a worker wrote before it. */
  return atomic_load_explicit(&scheduler->started, memory_order_acquire);
}

struct th_scheduler *th_scheduler_new(unsigned workers, th_scheduler_tick *tick, void *context) {
  struct th_scheduler *scheduler = th_new(struct th_scheduler);
  pthread_mutex_init(&scheduler->lock, NULL);
  init_condition(&scheduler->monitor_wake);
  init_condition(&scheduler->worker_done);
  init_condition(&scheduler->polling.wanted);
  scheduler->tick = tick;
  scheduler->tick_context = context;
  scheduler->worker_count = workers;
  scheduler->workers = th_alloc_zeroed(capacity(scheduler), sizeof *scheduler->workers);
  for (unsigned i = 0; i < capacity(scheduler); i++) {
    scheduler->workers[i].scheduler = scheduler;
    init_condition(&scheduler->workers[i].wake);
  }
  if (workers == 0) scheduler->timer = th_preempt_timer_new();
  return scheduler;
}

void th_scheduler_free(struct th_scheduler *scheduler) {
  for (unsigned i = 0; i < capacity(scheduler); i++)
    pthread_cond_destroy(&scheduler->workers[i].wake);
  th_preempt_timer_free(scheduler->timer);
  pthread_cond_destroy(&scheduler->monitor_wake);
  pthread_cond_destroy(&scheduler->worker_done);
  pthread_cond_destroy(&scheduler->polling.wanted);
  pthread_mutex_destroy(&scheduler->lock);
  free(scheduler->workers);
  free(scheduler);
}

unsigned th_scheduler_workers(const struct th_scheduler *scheduler) {
  return scheduler->worker_count;
}

void th_scheduler_set_poller(struct th_scheduler *scheduler, const struct th_poller *poller) {
  scheduler->polling.poller = *poller;
}

/* ---- the lines; the caller holds the lock ---- */

static void wake_monitor(struct th_scheduler *scheduler) {
  scheduler->has_worked = true;
  if (scheduler->monitor_sleeps) {
    scheduler->monitor_sleeps = false;
    pthread_cond_signal(&scheduler->monitor_wake);
  }
}

/* How many workers get on with their work. One that was stuck at the last look may have parked
 * since. */
static unsigned effective(struct th_scheduler *scheduler) {
  unsigned running = started(scheduler) - scheduler->parked;
  return running > scheduler->stuck ? running - scheduler->stuck : 0;
}

/* How many of these are too many. */
static unsigned excess(struct th_scheduler *scheduler) {
  unsigned running = effective(scheduler);
  return running > scheduler->worker_count ? running - scheduler->worker_count : 0;
}

static void wake_poller(struct th_scheduler *scheduler) {
  const struct th_poller *poller = &scheduler->polling.poller;
  poller->wake(poller->context);
}

static void unpark(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  worker->is_parked = false;
  scheduler->parked--;
  if (worker == scheduler->polling.worker)
    wake_poller(scheduler);
  else
    pthread_cond_signal(&worker->wake);
  wake_monitor(scheduler);
}

/* Who polls goes on with that where another can work. */
static void unpark_one(struct th_scheduler *scheduler) {
  struct th_worker *found = NULL;
  if (scheduler->parked == 0 || effective(scheduler) >= scheduler->worker_count) return;
  for (unsigned i = 0; i < started(scheduler); i++) {
    struct th_worker *worker = &scheduler->workers[i];
    bool is_better = found == NULL || found == scheduler->polling.worker;
    if (worker->is_parked && is_better) found = worker;
  }
  if (found != NULL) unpark(found);
}

static void append(struct line *line, struct th_actor *actor) {
  actor->run_next = NULL;
  if (line->last == NULL)
    line->first = actor;
  else
    line->last->run_next = actor;
  line->last = actor;
  atomic_fetch_add_explicit(&line->count, 1, memory_order_relaxed);
}

static struct th_actor *take_first(struct line *line) {
  struct th_actor *actor = line->first;
  if (actor == NULL) return NULL;
  line->first = actor->run_next;
  if (line->first == NULL) line->last = NULL;
  atomic_fetch_sub_explicit(&line->count, 1, memory_order_relaxed);
  return actor;
}

static void inject(struct th_scheduler *scheduler, struct line *line, struct th_actor *actor,
                   bool wake) {
  pthread_mutex_lock(&scheduler->lock);
  append(line, actor);
  if (wake) unpark_one(scheduler);
  pthread_mutex_unlock(&scheduler->lock);
}

static unsigned length(struct line *line) {
  return atomic_load_explicit(&line->count, memory_order_relaxed);
}

static struct th_actor *pop(struct th_scheduler *scheduler, struct line *line) {
  if (length(line) == 0) return NULL;
  pthread_mutex_lock(&scheduler->lock);
  struct th_actor *actor = take_first(line);
  pthread_mutex_unlock(&scheduler->lock);
  return actor;
}

/* ---- rings ---- */

static unsigned ring_length(struct th_worker *worker) {
  unsigned head = atomic_load_explicit(&worker->head, memory_order_relaxed);
  unsigned tail = atomic_load_explicit(&worker->tail, memory_order_relaxed);
  return tail - head;
}

/* Owner only. */
static void push_ring(struct th_worker *worker, struct th_actor *actor) {
  unsigned tail = atomic_load_explicit(&worker->tail, memory_order_relaxed);
  /* Acquire: pairs with the release of whoever took at head, so that the place is free to be
   * used. */
  unsigned head = atomic_load_explicit(&worker->head, memory_order_acquire);
  if (tail - head >= RING) {
    inject(worker->scheduler, &worker->scheduler->shared, actor, true);
    return;
  }
  atomic_store_explicit(&worker->ring[tail % RING], actor, memory_order_relaxed);
  /* Release: the place and all the actor's last turn did are visible to who reads the new tail. */
  atomic_store_explicit(&worker->tail, tail + 1, memory_order_release);
}

/* Any worker. Takes the oldest. */
static struct th_actor *pop_ring(struct th_worker *worker) {
  unsigned head = atomic_load_explicit(&worker->head, memory_order_acquire);
  for (;;) {
    unsigned tail = atomic_load_explicit(&worker->tail, memory_order_acquire);
    if (tail == head) return NULL;
    struct th_actor *actor = atomic_load_explicit(&worker->ring[head % RING], memory_order_relaxed);
    /* A place is not used again before head has moved on, so a success means actor was ours. */
    if (atomic_compare_exchange_weak_explicit(&worker->head, &head, head + 1, memory_order_acq_rel,
                                              memory_order_acquire))
      return actor;
  }
}

static struct th_actor *steal(struct th_worker *thief) {
  struct th_scheduler *scheduler = thief->scheduler;
  unsigned start = (unsigned)(thief - scheduler->workers);
  unsigned count = started(scheduler);
  for (unsigned i = 1; i < count; i++) {
    struct th_worker *victim = &scheduler->workers[(start + i) % count];
    unsigned half = (ring_length(victim) + 1) / 2;
    struct th_actor *first = half > 0 ? pop_ring(victim) : NULL;
    if (first == NULL) continue;
    while (--half > 0) {
      struct th_actor *more = pop_ring(victim);
      if (more == NULL) break;
      push_ring(thief, more);
    }
    return first;
  }
  return NULL;
}

void th_scheduler_ready(struct th_scheduler *scheduler, struct th_actor *actor) {
  struct th_worker *worker = current_worker;
  if (worker == NULL || worker->scheduler != scheduler) {
    inject(scheduler, &scheduler->shared, actor, true);
    return;
  }
  struct th_actor *nobody = NULL;
  if (worker->polls) wake_poller(scheduler); /* it runs what came */
  /* Release: the monitor may give the seat's actor to another worker. */
  if (ring_length(worker) == 0 &&
      atomic_compare_exchange_strong_explicit(&worker->next, &nobody, actor, memory_order_release,
                                              memory_order_relaxed))
    return;
  push_ring(worker, actor);
}

/* ---- workers ---- */

static struct th_actor *take_seat(struct th_worker *worker) {
  if (atomic_load_explicit(&worker->next, memory_order_relaxed) == NULL) return NULL;
  return atomic_exchange_explicit(&worker->next, NULL, memory_order_acquire);
}

/* Now and then the lines come first, in turns. */
static struct th_actor *look_at_lines(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  if (++worker->turns_since_lines < LINES_EVERY) return NULL;
  worker->turns_since_lines = 0;
  worker->background_is_next = !worker->background_is_next;
  return pop(scheduler, worker->background_is_next ? &scheduler->background : &scheduler->shared);
}

static struct th_actor *find_work(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  struct th_actor *actor = look_at_lines(worker);
  if (actor == NULL) actor = take_seat(worker);
  if (actor == NULL) actor = pop_ring(worker);
  if (actor == NULL) actor = pop(scheduler, &scheduler->shared);
  if (actor == NULL) actor = steal(worker);
  return actor != NULL ? actor : pop(scheduler, &scheduler->background);
}

static bool is_stopping(struct th_scheduler *scheduler) {
  return atomic_load_explicit(&scheduler->stopping, memory_order_acquire);
}

static struct th_actor *spin_for_work(struct th_worker *worker) {
  for (int i = 0; i < SPINS && !is_stopping(worker->scheduler); i++) {
    struct th_actor *actor = find_work(worker);
    if (actor != NULL) return actor;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  return NULL;
}

/* The caller holds the lock. */
static void wait_parked(struct th_worker *worker) {
  worker->is_parked = true;
  worker->scheduler->parked++;
  while (worker->is_parked) pthread_cond_wait(&worker->wake, &worker->scheduler->lock);
}

/* ---- polling; the caller holds the lock ---- */

static bool may_poll(const struct th_scheduler *scheduler) {
  const struct polling *polling = &scheduler->polling;
  return polling->poller.poll != NULL && polling->worker == NULL && !polling->is_stood_in;
}

/* Leaves the lock meanwhile. */
static void poll_outside(struct th_scheduler *scheduler) {
  struct polling *polling = &scheduler->polling;
  polling->count++;
  pthread_mutex_unlock(&scheduler->lock);
  polling->poller.poll(polling->poller.context);
  pthread_mutex_lock(&scheduler->lock);
}

static void poll_parked(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  scheduler->polling.worker = worker;
  worker->is_parked = worker->polls = true;
  scheduler->parked++;
  poll_outside(scheduler);
  scheduler->polling.worker = NULL;
  worker->polls = false;
  if (!worker->is_parked) return; /* another has unparked it */
  worker->is_parked = false;
  scheduler->parked--;
  wake_monitor(scheduler);
}

static void *stand_in(void *argument) {
  struct th_scheduler *scheduler = argument;
  struct polling *polling = &scheduler->polling;
  pthread_mutex_lock(&scheduler->lock);
  while (!polling->stops) {
    bool is_wanted = polling->is_wanted && may_poll(scheduler);
    polling->is_wanted = false;
    if (!is_wanted) {
      pthread_cond_wait(&polling->wanted, &scheduler->lock);
      continue;
    }
    polling->is_stood_in = true;
    poll_outside(scheduler);
    polling->is_stood_in = false;
    unpark_one(scheduler); /* who has parked is to poll */
  }
  pthread_mutex_unlock(&scheduler->lock);
  return NULL;
}

/* For the monitor: nobody has polled since the last look. */
static void find_poller(struct th_scheduler *scheduler) {
  struct polling *polling = &scheduler->polling;
  bool is_missing = may_poll(scheduler) && polling->seen == polling->count;
  polling->seen = polling->count;
  if (!is_missing) return;
  if (scheduler->parked > 0 && effective(scheduler) < scheduler->worker_count) {
    unpark_one(scheduler);
  } else {
    polling->is_wanted = true;
    pthread_cond_signal(&polling->wanted);
  }
}

static int start_stand_in(struct th_scheduler *scheduler) {
  struct polling *polling = &scheduler->polling;
  if (polling->poller.poll == NULL) return 0;
  int error = -pthread_create(&polling->stand_in, NULL, stand_in, scheduler);
  polling->is_started = error == 0;
  return error;
}

/* Without the lock. */
static void stop_stand_in(struct th_scheduler *scheduler) {
  struct polling *polling = &scheduler->polling;
  if (!polling->is_started) return;
  pthread_mutex_lock(&scheduler->lock);
  polling->stops = true;
  pthread_cond_signal(&polling->wanted);
  if (polling->is_stood_in) wake_poller(scheduler);
  pthread_mutex_unlock(&scheduler->lock);
  pthread_join(polling->stand_in, NULL);
  polling->is_started = false;
}

/* Rings of others need no second look: their owners run, and the monitor with them. */
static void park(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  pthread_mutex_lock(&scheduler->lock);
  if (scheduler->shared.first == NULL && scheduler->background.first == NULL &&
      !is_stopping(scheduler)) {
    if (scheduler->polling.is_stood_in) wake_poller(scheduler);
    if (may_poll(scheduler))
      poll_parked(worker);
    else
      wait_parked(worker);
  }
  pthread_mutex_unlock(&scheduler->lock);
}

/* Spinning would only put off what waits for a poll. */
static bool is_poll_due(struct th_scheduler *scheduler) {
  const struct th_poller *poller = &scheduler->polling.poller;
  return poller->poll != NULL && poller->is_due(poller->context);
}

static void run_turn(struct th_worker *worker, struct th_actor *actor) {
  unsigned turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
  atomic_store_explicit(&worker->turns, turns + 1, memory_order_relaxed);
  /* Release: the monitor may never have seen this slot before. */
  atomic_store_explicit(&worker->running, actor, memory_order_release);
  th_preempt_begin();
  enum th_turn ended = th_actor_turn(actor);
  atomic_store_explicit(&worker->running, NULL, memory_order_relaxed);
  if (ended != TH_TURN_GOES_ON) return;
  if (th_preempt_is_asked())
    inject(worker->scheduler, &worker->scheduler->background, actor, false);
  else
    push_ring(worker, actor);
}

/* A stuck worker came back after another had taken its place: one has to go. It leaves its work to
 * the others; where these have parked meanwhile it is needed itself. */
static void step_back(struct th_worker *worker) {
  struct th_scheduler *scheduler = worker->scheduler;
  struct th_actor *actor;
  pthread_mutex_lock(&scheduler->lock);
  unsigned surplus = excess(scheduler);
  atomic_store_explicit(&scheduler->surplus, surplus > 0 ? surplus - 1 : 0, memory_order_relaxed);
  if (surplus > 0 && !is_stopping(scheduler)) {
    while ((actor = pop_ring(worker)) != NULL) append(&scheduler->shared, actor);
    if ((actor = take_seat(worker)) != NULL) append(&scheduler->shared, actor);
    wait_parked(worker);
  }
  pthread_mutex_unlock(&scheduler->lock);
}

static void *work(void *argument) {
  struct th_worker *worker = argument;
  struct th_scheduler *scheduler = worker->scheduler;
  current_worker = worker;
  bool has_run = true; /* since it last parked: where it has, more work may soon follow */
  while (!is_stopping(scheduler)) {
    struct th_actor *actor = find_work(worker);
    if (actor == NULL && has_run && !is_poll_due(scheduler)) actor = spin_for_work(worker);
    has_run = actor != NULL;
    if (actor != NULL)
      run_turn(worker, actor);
    else
      park(worker);
    if (atomic_load_explicit(&scheduler->surplus, memory_order_relaxed) > 0) step_back(worker);
  }
  pthread_mutex_lock(&scheduler->lock);
  worker->is_done = true;
  pthread_cond_broadcast(&scheduler->worker_done);
  pthread_mutex_unlock(&scheduler->lock);
  return NULL;
}

/* ---- threads ---- */

/* The caller holds the lock, or nothing runs yet. */
static int start_worker(struct th_scheduler *scheduler) {
  struct th_worker *worker = &scheduler->workers[started(scheduler)];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  int error = -pthread_create(&worker->thread, &attributes, work, worker);
  pthread_attr_destroy(&attributes);
  /* Release: pairs with started(). */
  if (error == 0) atomic_fetch_add_explicit(&scheduler->started, 1, memory_order_release);
  return error;
}

/* ---- the monitor; all of it but the loop holds the lock ---- */

struct look {
  unsigned turns;
  unsigned age; /* how many looks have found the same turn */
};

static void look_at(struct th_worker *worker, struct look *look) {
  unsigned turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
  bool lasts = look->turns == turns && !worker->is_parked && !worker->is_done;
  look->age = lasts ? look->age + 1 : 0;
  look->turns = turns;
}

static void charge(struct th_actor *actor, uint64_t nanoseconds) {
  atomic_fetch_add_explicit(&actor->card.busy, nanoseconds, memory_order_relaxed);
}

/* Charges the time since the last look to who runs now: wrong for one look, right for many. */
static void charge_running(struct th_scheduler *scheduler, uint64_t now) {
  uint64_t passed = scheduler->looked_at != 0 ? now - scheduler->looked_at : 0;
  scheduler->looked_at = now;
  for (unsigned i = 0; passed > 0 && i < started(scheduler); i++) {
    struct th_actor *actor = atomic_load_explicit(&scheduler->workers[i].running,
                                                  memory_order_acquire);
    if (actor != NULL) charge(actor, passed);
  }
}

/* True when work waits. Seats of workers whose turns last are given away. */
static bool find_waiting(struct th_scheduler *scheduler, const struct look *looks) {
  bool waiting = false;
  for (unsigned i = 0; i < started(scheduler); i++) {
    struct th_worker *worker = &scheduler->workers[i];
    struct th_actor *seated = looks[i].age > 0 ? take_seat(worker) : NULL;
    if (seated != NULL) append(&scheduler->shared, seated);
    waiting = waiting || ring_length(worker) > 0;
  }
  return waiting || scheduler->shared.first != NULL || scheduler->background.first != NULL;
}

static void ask_to_end(struct th_scheduler *scheduler, const struct look *looks, bool waiting) {
  for (unsigned i = 0; i < started(scheduler); i++) {
    unsigned age = looks[i].age;
    if (age >= LONG && (waiting || age % LONG_ALONE == 0))
      th_preempt_ask(scheduler->workers[i].thread);
  }
}

static void count_stuck(struct th_scheduler *scheduler, const struct look *looks) {
  scheduler->stuck = 0;
  for (unsigned i = 0; i < started(scheduler); i++) scheduler->stuck += looks[i].age > STUCK;
  atomic_store_explicit(&scheduler->surplus, excess(scheduler), memory_order_relaxed);
}

/* One more worker for what waits, where one is missing. */
static void relieve(struct th_scheduler *scheduler) {
  if (effective(scheduler) >= scheduler->worker_count || is_stopping(scheduler)) return;
  if (scheduler->parked > 0)
    unpark_one(scheduler);
  else if (started(scheduler) < capacity(scheduler))
    start_worker(scheduler); /* without it the others go on, more slowly */
}

/* Since the last look, too. Where workers park and come back within a look, as they do for each
 * message from another system, the monitor goes on looking: to wake it would cost them more than
 * their work. */
static bool is_at_rest(struct th_scheduler *scheduler) {
  bool has_worked = scheduler->has_worked;
  scheduler->has_worked = false;
  return scheduler->parked == started(scheduler) && !has_worked;
}

static uint64_t look_after(struct th_scheduler *scheduler, struct look *looks, uint64_t now) {
  if (is_at_rest(scheduler)) {
    scheduler->stuck = 0;
    scheduler->looked_at = 0;
    return TH_FOREVER;
  }
  charge_running(scheduler, now);
  for (unsigned i = 0; i < started(scheduler); i++) look_at(&scheduler->workers[i], &looks[i]);
  bool waiting = find_waiting(scheduler, looks);
  ask_to_end(scheduler, looks, waiting || is_stopping(scheduler));
  count_stuck(scheduler, looks);
  if (waiting) relieve(scheduler);
  find_poller(scheduler);
  return now + LOOK;
}

static void *monitor(void *argument) {
  struct th_scheduler *scheduler = argument;
  struct look *looks = th_alloc_zeroed(capacity(scheduler), sizeof *looks);
  while (!atomic_load_explicit(&scheduler->monitor_stops, memory_order_acquire)) {
    uint64_t now = th_clock_now();
    uint64_t due = scheduler->tick(scheduler->tick_context, now);
    pthread_mutex_lock(&scheduler->lock);
    uint64_t until = look_after(scheduler, looks, now);
    if (scheduler->monitor_wakes_at < due) due = scheduler->monitor_wakes_at;
    scheduler->monitor_wakes_at = TH_FOREVER;
    until = due < until ? due : until;
    scheduler->monitor_sleeps = until > now + LOOK;
    if (!atomic_load_explicit(&scheduler->monitor_stops, memory_order_relaxed))
      wait_until(&scheduler->monitor_wake, &scheduler->lock, until);
    scheduler->monitor_sleeps = false;
    pthread_mutex_unlock(&scheduler->lock);
  }
  free(looks);
  return NULL;
}

void th_scheduler_retime(struct th_scheduler *scheduler, uint64_t due) {
  if (scheduler->worker_count == 0) return;
  pthread_mutex_lock(&scheduler->lock);
  if (due < scheduler->monitor_wakes_at) scheduler->monitor_wakes_at = due;
  wake_monitor(scheduler);
  pthread_mutex_unlock(&scheduler->lock);
}

/* ---- start and end ---- */

int th_scheduler_start(struct th_scheduler *scheduler) {
  int error = th_preempt_install();
  if (error != 0 || scheduler->worker_count == 0) return error;
  scheduler->monitor_wakes_at = TH_FOREVER;
  for (unsigned i = 0; error == 0 && i < scheduler->worker_count; i++)
    error = start_worker(scheduler);
  if (error == 0) error = -pthread_create(&scheduler->monitor, NULL, monitor, scheduler);
  scheduler->monitor_is_started = error == 0;
  if (error == 0) error = start_stand_in(scheduler);
  if (error != 0) th_scheduler_stop(scheduler, TH_FOREVER);
  return error;
}

/* The caller holds the lock. */
static bool wait_for_worker(struct th_scheduler *scheduler, struct th_worker *worker,
                            uint64_t until) {
  while (!worker->is_done) {
    if (th_clock_now() >= until) return false;
    wait_until(&scheduler->worker_done, &scheduler->lock, until);
  }
  return true;
}

/* Workers first: the monitor is needed to end their turns. */
static bool wait_for_workers(struct th_scheduler *scheduler, uint64_t until) {
  bool all_done = true;
  pthread_mutex_lock(&scheduler->lock);
  atomic_store_explicit(&scheduler->stopping, true, memory_order_release);
  for (unsigned i = 0; i < started(scheduler); i++)
    if (scheduler->workers[i].is_parked) unpark(&scheduler->workers[i]);
  for (unsigned i = 0; i < started(scheduler); i++)
    all_done = wait_for_worker(scheduler, &scheduler->workers[i], until) && all_done;
  atomic_store_explicit(&scheduler->monitor_stops, all_done, memory_order_release);
  pthread_cond_signal(&scheduler->monitor_wake);
  pthread_mutex_unlock(&scheduler->lock);
  return all_done;
}

bool th_scheduler_stop(struct th_scheduler *scheduler, uint64_t until) {
  if (!wait_for_workers(scheduler, until)) return false;
  if (scheduler->monitor_is_started) pthread_join(scheduler->monitor, NULL);
  scheduler->monitor_is_started = false;
  stop_stand_in(scheduler);
  for (unsigned i = 0; i < started(scheduler); i++)
    pthread_join(scheduler->workers[i].thread, NULL);
  atomic_store_explicit(&scheduler->started, 0, memory_order_relaxed);
  return true;
}

/* Until nothing is ready, or a turn was asked to end: then the time is due a look. */
static void crank_turns(struct th_scheduler *scheduler) {
  struct th_actor *actor;
  uint64_t began = th_clock_now();
  th_preempt_begin();
  while (!th_preempt_is_asked() && (actor = pop(scheduler, &scheduler->shared)) != NULL) {
    if (th_actor_turn(actor) == TH_TURN_GOES_ON)
      inject(scheduler, &scheduler->shared, actor, false);
    uint64_t ended = th_clock_now();
    charge(actor, ended - began);
    began = ended;
  }
}

void th_scheduler_crank(struct th_scheduler *scheduler, uint64_t until) {
  th_preempt_timer_start(scheduler->timer, LONG_ALONE * LOOK, LONG * LOOK);
  do {
    scheduler->tick(scheduler->tick_context, th_clock_now());
    crank_turns(scheduler);
  } while (length(&scheduler->shared) > 0 && th_clock_now() < until);
  th_preempt_timer_stop(scheduler->timer);
}
