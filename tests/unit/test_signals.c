#include "host/signals.h"

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
  sem_t some;
  int signal;
};

static void on_first(void *context, int signal) {
  struct heard *heard = context;
  heard->signal = signal;
  sem_post(&heard->some);
}

static void the_first_signal_is_told(void **state) {
  (void)state;
  static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct th_signals *signals;
    struct heard heard = {.signal = 0};
    sem_init(&heard.some, 0, 0);
    assert_int_equal(th_signals_watch(&signals, on_first, &heard), 0);
    assert_int_equal(raise(numbers[i]), 0);
    sem_wait(&heard.some);
    assert_int_equal(heard.signal, numbers[i]);
    th_signals_stop(signals);
    sem_destroy(&heard.some);
  }
}

static void things_are_as_before_when_it_stops(void **state) {
  (void)state;
  struct th_signals *signals;
  struct sigaction action;
  signal(SIGHUP, SIG_IGN);
  assert_int_equal(th_signals_watch(&signals, on_first, NULL), 0);
  sigaction(SIGHUP, NULL, &action);
  assert_true(action.sa_handler == SIG_IGN); /* nohup stays in force */
  sigaction(SIGTERM, NULL, &action);
  assert_true(action.sa_handler != SIG_DFL);
  th_signals_stop(signals);
  sigaction(SIGTERM, NULL, &action);
  assert_true(action.sa_handler == SIG_DFL);
  sigaction(SIGPIPE, NULL, &action);
  assert_true(action.sa_handler == SIG_DFL);
  signal(SIGHUP, SIG_DFL);
}

static void a_reader_that_is_gone_does_not_end_the_process(void **state) {
  (void)state;
  struct th_signals *signals;
  assert_int_equal(th_signals_watch(&signals, on_first, NULL), 0);
  assert_int_equal(raise(SIGPIPE), 0);
  th_signals_stop(signals);
}

static void the_second_signal_ends_the_process(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  if (child == 0) {
    struct th_signals *signals;
    struct heard heard = {.signal = 0};
    sem_init(&heard.some, 0, 0);
    if (th_signals_watch(&signals, on_first, &heard) != 0) _exit(9);
    raise(SIGTERM);
    sem_wait(&heard.some);
    raise(SIGINT);
    for (;;) pause();
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_signal_is_told),
    cmocka_unit_test(things_are_as_before_when_it_stops),
    cmocka_unit_test(a_reader_that_is_gone_does_not_end_the_process),
    cmocka_unit_test(the_second_signal_ends_the_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
