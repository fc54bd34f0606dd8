#include "transport/loop.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

struct th_loop {
  uv_loop_t uv;
  uv_async_t wake;     /* for other threads: there is something to look at */
  uv_idle_t again;     /* active when the loop's own thread has left something to look at */
  uv_timer_t deadline; /* of th_loop_run */
  uint64_t until;      /* the same; loop */
  bool late;           /* until has come; loop */
  sigset_t mask;       /* of the thread inside, before it came in; loop */

  _Atomic(struct th_task *) posted; /* newest first; any */
  atomic_bool stop;                 /* any */
  atomic_uintptr_t runner;          /* the thread inside, 0 for none; written by it, read by any */
  atomic_uint callers;              /* threads inside th_loop_post or th_loop_stop; any */
};

struct th_loop_timer {
  uv_timer_t handle;
  void (*run)(void *user);
  void *user;
};

/* glibc's pthread_t is the address of something, so it is never 0. */
static uintptr_t self(void) {
  return (uintptr_t)pthread_self();
}

bool th_on_loop(const struct th_loop *loop) {
  /* Relaxed: only the thread itself ever writes its own name there. */
  return atomic_load_explicit(&loop->runner, memory_order_relaxed) == self();
}

const char *th_loop_version(void) {
  return uv_version_string();
}

void *th_loop_uv(struct th_loop *loop) {
  return &loop->uv;
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static struct th_task *take_posted(struct th_loop *loop) {
  /* Acquires what the posters wrote; sequentially consistent because of poke(). */
  struct th_task *newest = atomic_exchange(&loop->posted, NULL);
  struct th_task *oldest = NULL;
  while (newest != NULL) {
    struct th_task *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  return oldest;
}

static void run_posted(struct th_loop *loop) {
  struct th_task *task = take_posted(loop);
  while (task != NULL) {
    struct th_task *next = task->next; /* run may free the task, or post it again */
    task->run(task);
    task = next;
  }
}

static void look(struct th_loop *loop) {
  run_posted(loop);
  if (atomic_load(&loop->stop)) uv_stop(&loop->uv);
}

static void on_wake(uv_async_t *wake) {
  look(wake->data);
}

static void on_again(uv_idle_t *again) {
  uv_idle_stop(again); /* before look, whose tasks may start it anew */
  look(again->data);
}

/* Has the loop look at what the caller has just written. Both sides are sequentially consistent:
 * the caller wrote and then reads runner; th_loop_run writes runner and then reads. So either we
 * see the runner and wake it, or it sees what was written. */
static void poke(struct th_loop *loop) {
  uintptr_t runner = atomic_load(&loop->runner);
  if (runner == self()) {
    uv_idle_start(&loop->again, on_again);
  } else if (runner != 0) {
    uv_async_send(&loop->wake);
  }
}

/* A task may run, and whoever waited for it may free the loop, while its poster is still about to
 * wake the loop: so posters are counted, from before the task can be seen. Relaxed: the exchange
 * that shows the task orders it. */
static void arrive(struct th_loop *loop) {
  atomic_fetch_add_explicit(&loop->callers, 1, memory_order_relaxed);
}

static void depart(struct th_loop *loop) {
  /* Release: pairs with the acquire in await_callers(), after which the loop is no more. */
  atomic_fetch_sub_explicit(&loop->callers, 1, memory_order_release);
}

void th_loop_post(struct th_loop *loop, struct th_task *task) {
  arrive(loop);
  struct th_task *head = atomic_load_explicit(&loop->posted, memory_order_relaxed);
  do {
    task->next = head;
    /* Releases what the task works on; sequentially consistent because of poke(). */
  } while (!atomic_compare_exchange_weak(&loop->posted, &head, task));
  if (head == NULL) poke(loop);
  depart(loop);
}

bool th_loop_has_posted(const struct th_loop *loop) {
  return atomic_load_explicit(&loop->posted, memory_order_relaxed) != NULL;
}

void th_loop_stop(struct th_loop *loop) {
  arrive(loop);
  atomic_store(&loop->stop, true);
  if (th_on_loop(loop)) {
    uv_stop(&loop->uv);
  } else {
    poke(loop);
  }
  depart(loop);
}

/* ---- turning -------------------------------------------------------------------------------- */

static void enter(struct th_loop *loop) {
  assert(atomic_load(&loop->runner) == 0);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &loop->mask);
  atomic_store(&loop->runner, self());
}

static void leave(struct th_loop *loop) {
  atomic_store(&loop->runner, 0);
  if (sigismember(&loop->mask, SIGPIPE)) return; /* held back by others before us: theirs */
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) == SIGPIPE) continue;
  pthread_sigmask(SIG_SETMASK, &loop->mask, NULL);
}

static uint64_t milliseconds(uint64_t nanoseconds) {
  return nanoseconds / TH_MILLISECOND + (nanoseconds % TH_MILLISECOND != 0);
}

/* libuv counts whole milliseconds from the last one that began, so the timer may be early. */
static void on_deadline(uv_timer_t *deadline) {
  struct th_loop *loop = deadline->data;
  uint64_t now = th_clock_now();
  if (now < loop->until) {
    uv_timer_start(deadline, on_deadline, milliseconds(loop->until - now), 0);
    return;
  }
  loop->late = true;
  uv_stop(&loop->uv);
}

static void set_deadline(struct th_loop *loop, uint64_t until) {
  loop->until = until;
  loop->late = false;
  if (until == TH_FOREVER) return;
  uint64_t now = th_clock_now();
  uv_update_time(&loop->uv); /* it may be long since anyone was inside */
  uv_timer_start(&loop->deadline, on_deadline, now < until ? milliseconds(until - now) : 0, 0);
}

int th_loop_run(struct th_loop *loop, uint64_t until) {
  enter(loop);
  set_deadline(loop, until);
  run_posted(loop);
  while (!loop->late && !atomic_load(&loop->stop)) uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_timer_stop(&loop->deadline);
  bool stopped = atomic_exchange(&loop->stop, false);
  leave(loop);
  return stopped ? 0 : TH_ETIMEOUT;
}

/* ---- timers --------------------------------------------------------------------------------- */

static void free_timer(uv_handle_t *handle) {
  free(handle);
}

static void on_timer(uv_timer_t *handle) {
  struct th_loop_timer *timer = (struct th_loop_timer *)handle;
  uv_close((uv_handle_t *)handle, free_timer); /* the memory stays until the next turn */
  timer->run(timer->user);
}

struct th_loop_timer *th_loop_after(struct th_loop *loop, uint64_t nanoseconds,
                                    void (*run)(void *user), void *user) {
  struct th_loop_timer *timer = th_new(struct th_loop_timer);
  timer->run = run;
  timer->user = user;
  uv_update_time(&loop->uv);
  uv_timer_init(&loop->uv, &timer->handle);
  uv_timer_start(&timer->handle, on_timer, milliseconds(nanoseconds), 0);
  return timer;
}

void th_loop_cancel(struct th_loop_timer *timer) {
  if (timer != NULL) uv_close((uv_handle_t *)&timer->handle, free_timer);
}

/* ---- life ----------------------------------------------------------------------------------- */

int th_loop_new(struct th_loop **out) {
  struct th_loop *loop = th_new(struct th_loop);
  int error = uv_loop_init(&loop->uv);
  if (error != 0) goto loop_failed;
  error = uv_async_init(&loop->uv, &loop->wake, on_wake);
  if (error != 0) goto wake_failed;
  uv_idle_init(&loop->uv, &loop->again);
  uv_timer_init(&loop->uv, &loop->deadline);
  loop->wake.data = loop->again.data = loop->deadline.data = loop;
  *out = loop;
  return 0;
wake_failed:
  uv_loop_close(&loop->uv);
loop_failed:
  free(loop);
  return error;
}

/* A caller that is seen here leaves within a few instructions: there is nothing to sleep on. */
static void await_callers(struct th_loop *loop) {
  /* Acquire: pairs with the release in depart(). */
  while (atomic_load_explicit(&loop->callers, memory_order_acquire) != 0) sched_yield();
}

/* Turns until nothing is left but the loop's own handles, which do not count, and no task. */
static void drain(struct th_loop *loop) {
  uv_unref((uv_handle_t *)&loop->wake);
  uv_unref((uv_handle_t *)&loop->again);
  do {
    await_callers(loop);
    run_posted(loop);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) continue; /* a stop only interrupts it */
  } while (atomic_load(&loop->posted) != NULL);
}

static void close_handles(struct th_loop *loop) {
  uv_close((uv_handle_t *)&loop->wake, NULL);
  uv_close((uv_handle_t *)&loop->again, NULL);
  uv_close((uv_handle_t *)&loop->deadline, NULL);
  while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) continue;
}

void th_loop_free(struct th_loop *loop) {
  if (loop == NULL) return;
  enter(loop);
  drain(loop);
  close_handles(loop);
  leave(loop);
  int error = uv_loop_close(&loop->uv);
  assert(error == 0);
  (void)error;
  free(loop);
}
