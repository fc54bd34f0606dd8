#include "host/daemon.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What the parent printed while it forked; standard output goes to a file meanwhile. */
static int fork_and_read(void (*child)(int report), char *out, size_t size,
                         struct th_reason *reason) {
  FILE *file = tmpfile();
  bool is_child;
  int report;
  fflush(stdout);
  int before = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  int error = th_daemon_fork(&is_child, &report, reason);
  if (is_child) {
    child(report);
    _exit(0);
  }
  fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  rewind(file);
  size_t got = fread(out, 1, size - 1, file);
  out[got] = '\0';
  fclose(file);
  return error;
}

static void be_ready(int report) {
  if (!th_daemon_report_ready(report, "a line")) _exit(3);
}

static void be_wrong(int report) {
  th_daemon_report_error(report, TH_ESTARTUP, "some words");
}

static void be_killed(int report) {
  (void)report;
  raise(SIGKILL);
}

static void be_silent(int report) {
  (void)report;
}

/* A file of the parent's. */
static int inherited;

/* Tells by its line whether it is what a daemon should be. */
static void be_detached(int report) {
  char byte;
  bool has_input = read(STDIN_FILENO, &byte, 1) != 0;
  bool is_leader = getsid(0) == getpid();
  bool has_others = fcntl(inherited, F_GETFD) >= 0;
  printf("nobody sees this\n");
  fflush(stdout);
  th_daemon_report_ready(report,
                         !has_input && is_leader && !has_others ? "detached" : "not detached");
}

static void the_line_of_a_child_that_is_ready_is_printed(void **state) {
  (void)state;
  char out[256];
  assert_int_equal(fork_and_read(be_ready, out, sizeof out, NULL), 0);
  assert_string_equal(out, "a line\n");
}

static void the_error_of_a_child_is_the_parents(void **state) {
  (void)state;
  char out[256];
  struct th_reason reason;
  assert_int_equal(fork_and_read(be_wrong, out, sizeof out, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "some words");
  assert_string_equal(out, "");
}

static void a_child_that_dies_is_an_error(void **state) {
  (void)state;
  char out[256];
  struct th_reason reason;
  assert_int_equal(fork_and_read(be_killed, out, sizeof out, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "the actor system died while it started: Killed");
  assert_int_equal(fork_and_read(be_silent, out, sizeof out, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "the actor system died while it started");
}

static void a_child_has_a_session_and_no_streams(void **state) {
  (void)state;
  char out[256];
  inherited = open("/dev/null", O_RDONLY);
  assert_int_equal(fork_and_read(be_detached, out, sizeof out, NULL), 0);
  assert_string_equal(out, "detached\n");
  close(inherited);
}

static void a_report_that_nobody_reads_is_noticed(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  assert_false(th_daemon_report_ready(ends[1], "a line"));
  signal(SIGPIPE, SIG_DFL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_line_of_a_child_that_is_ready_is_printed),
    cmocka_unit_test(the_error_of_a_child_is_the_parents),
    cmocka_unit_test(a_child_that_dies_is_an_error),
    cmocka_unit_test(a_child_has_a_session_and_no_streams),
    cmocka_unit_test(a_report_that_nobody_reads_is_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
