#include "host/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

static const int watched[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
#define WATCHED_COUNT (sizeof watched / sizeof watched[0])

struct th_signals {
  pthread_t thread;
  int ends[2]; /* a byte for each signal goes through: its number, or 0 to stop */
  struct sigaction before[WATCHED_COUNT];
  struct sigaction before_pipe;
  void (*first)(void *context, int signal);
  void *context;
};

/* Where the handler writes; -1 for nowhere. Signals belong to the process and a handler gets no
 * context, so this cannot belong to anything smaller. Relaxed: it is set before the handlers
 * are. */
static atomic_int signal_end = -1;

static void handle(int signal) {
  int saved = errno;
  unsigned char byte = (unsigned char)signal;
  int end = atomic_load_explicit(&signal_end, memory_order_relaxed);
  if (end >= 0 && write(end, &byte, 1) < 0) errno = saved; /* A full pipe has enough to say. */
  errno = saved;
}

static void pass_over(int signal) {
  (void)signal;
}

static int read_signal(const struct th_signals *signals) {
  unsigned char byte;
  for (;;) {
    ssize_t got = read(signals->ends[0], &byte, 1);
    if (got == 1) return byte;
    if (got == 0 || errno != EINTR) return 0;
  }
}

static void *watch(void *argument) {
  struct th_signals *signals = argument;
  int signal = read_signal(signals);
  if (signal == 0) return NULL;
  signals->first(signals->context, signal);
  if (read_signal(signals) != 0) _exit(1);
  return NULL;
}

static void set_handlers(struct th_signals *signals) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < WATCHED_COUNT; i++) {
    sigaction(watched[i], NULL, &signals->before[i]);
    bool is_unwanted = watched[i] == SIGHUP && signals->before[i].sa_handler == SIG_IGN;
    if (!is_unwanted) sigaction(watched[i], &action, NULL);
  }
  action.sa_handler = pass_over;
  sigaction(SIGPIPE, &action, &signals->before_pipe);
}

int th_signals_watch(struct th_signals **signals, void (*first)(void *context, int signal),
                     void *context) {
  struct th_signals *made = th_new(struct th_signals);
  made->first = first;
  made->context = context;
  int error = pipe2(made->ends, O_CLOEXEC) != 0 ? -errno : 0;
  if (error != 0) goto pipe_failed;
  error = -pthread_create(&made->thread, NULL, watch, made);
  if (error != 0) goto thread_failed;
  atomic_store_explicit(&signal_end, made->ends[1], memory_order_relaxed);
  set_handlers(made);
  *signals = made;
  return 0;
thread_failed:
  close(made->ends[0]);
  close(made->ends[1]);
pipe_failed:
  free(made);
  return error;
}

void th_signals_stop(struct th_signals *signals) {
  unsigned char stop = 0;
  if (signals == NULL) return;
  for (size_t i = 0; i < WATCHED_COUNT; i++) sigaction(watched[i], &signals->before[i], NULL);
  sigaction(SIGPIPE, &signals->before_pipe, NULL);
  /* A handler that still runs on another thread writes to the pipe at worst, so its number must
   * not be another file's yet: it is closed after the thread has ended. */
  atomic_store_explicit(&signal_end, -1, memory_order_relaxed);
  while (write(signals->ends[1], &stop, 1) < 0 && errno == EINTR) continue;
  pthread_join(signals->thread, NULL);
  close(signals->ends[0]);
  close(signals->ends[1]);
  free(signals);
}
