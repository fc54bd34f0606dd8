#include "actor/preempt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

/* initial-exec: the handler may not be the first to touch them, which would allocate. */
#define TH_SIGNAL_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

static TH_SIGNAL_LOCAL atomic_bool asked;
static TH_SIGNAL_LOCAL _Atomic(const struct th_preempt_target *) running;

/* The thread sanitizer keeps a signal back until the thread next enters the C library, which an
 * endless loop never does; so under it the handler is installed past it, and is not instrumented.
 */
#ifdef __SANITIZE_THREAD__
extern int __sigaction(int number, const struct sigaction *action, struct sigaction *old);
#define install_handler __sigaction
#define TH_UNWATCHED __attribute__((no_sanitize_thread))
#else
#define install_handler sigaction
#define TH_UNWATCHED
#endif

/* Written once, before the handler can run, and then only read. */
static struct sigaction previous;

TH_UNWATCHED static void on_signal(int number, siginfo_t *info, void *context) {
  atomic_store_explicit(&asked, true, memory_order_relaxed);
  const struct th_preempt_target *target = atomic_load_explicit(&running, memory_order_relaxed);
  if (target != NULL) {
    int saved = errno;
    target->arm(target->context);
    errno = saved;
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0)
    previous.sa_sigaction(number, info, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler(number);
}

static void install(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGURG, NULL, &previous);
  install_handler(SIGURG, &action, NULL);
}

int th_preempt_install(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  return -pthread_once(&once, install);
}

void th_preempt_ask(pthread_t thread) {
  pthread_kill(thread, SIGURG);
}

void th_preempt_begin(void) {
  atomic_store_explicit(&asked, false, memory_order_relaxed);
}

bool th_preempt_is_asked(void) {
  return atomic_load_explicit(&asked, memory_order_relaxed);
}

const struct th_preempt_target *th_preempt_run(const struct th_preempt_target *target) {
  const struct th_preempt_target *before = atomic_load_explicit(&running, memory_order_relaxed);
  atomic_store_explicit(&running, target, memory_order_relaxed);
  /* The handler runs on this thread: that the compiler keeps the order is enough. */
  atomic_signal_fence(memory_order_seq_cst);
  return before;
}

/* ---- the timer ---- */

struct th_preempt_timer {
  timer_t timer;
  pid_t thread; /* whom it asks; 0: not made yet */
};

struct th_preempt_timer *th_preempt_timer_new(void) {
  return th_new(struct th_preempt_timer);
}

/* The timer of the calling thread. False where the system gives none: then nobody is asked. */
static bool make_timer(struct th_preempt_timer *timer) {
  pid_t self = gettid();
  if (timer->thread == self) return true;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
  event._sigev_un._tid = self;
  if (timer->thread != 0) timer_delete(timer->timer);
  timer->thread = timer_create(CLOCK_MONOTONIC, &event, &timer->timer) == 0 ? self : 0;
  return timer->thread != 0;
}

static struct timespec time_of(uint64_t nanoseconds) {
  return (struct timespec){.tv_sec = (time_t)(nanoseconds / TH_SECOND),
                           .tv_nsec = (long)(nanoseconds % TH_SECOND)};
}

void th_preempt_timer_start(struct th_preempt_timer *timer, uint64_t first, uint64_t interval) {
  struct itimerspec times = {.it_value = time_of(first), .it_interval = time_of(interval)};
  if (make_timer(timer)) timer_settime(timer->timer, 0, &times, NULL);
}

void th_preempt_timer_stop(struct th_preempt_timer *timer) {
  struct itimerspec never = {{0, 0}, {0, 0}};
  if (timer->thread == gettid()) timer_settime(timer->timer, 0, &never, NULL);
}

void th_preempt_timer_free(struct th_preempt_timer *timer) {
  if (timer == NULL) return;
  if (timer->thread != 0) timer_delete(timer->timer);
  free(timer);
}
