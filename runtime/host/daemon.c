#include "host/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is reported: the error's number, 0 for none, and the words up to the end. */
struct report {
  int error;
  char words[1024];
};

static ssize_t read_all(int fd, void *out, size_t size) {
  size_t got = 0;
  while (got < size) {
    ssize_t more = read(fd, (char *)out + got, size - got);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) break;
    got += (size_t)more;
  }
  return (ssize_t)got;
}

static bool write_report(int fd, int error, const char *words) {
  struct report report = {.error = error};
  ssize_t written;
  snprintf(report.words, sizeof report.words, "%s", words);
  do {
    written = write(fd, &report, sizeof report); /* atomic: less than a pipe holds */
  } while (written < 0 && errno == EINTR);
  close(fd);
  return written == sizeof report;
}

bool th_daemon_report_ready(int report, const char *line) {
  return write_report(report, 0, line);
}

void th_daemon_report_error(int report, int error, const char *words) {
  write_report(report, error, words);
}

static int complain(pid_t child, struct th_reason *reason) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) {
    return th_fail(reason, TH_ESTARTUP, "the actor system died while it started: %s",
                   strsignal(WTERMSIG(status)));
  }
  return th_fail(reason, TH_ESTARTUP, "the actor system died while it started");
}

static int await(pid_t child, int fd, struct th_reason *reason) {
  struct report report;
  bool is_whole = read_all(fd, &report, sizeof report) == sizeof report;
  close(fd);
  if (!is_whole) return complain(child, reason);
  if (report.error != 0) return th_fail(reason, report.error, "%s", report.words);
  puts(report.words);
  fflush(stdout);
  return 0;
}

static void redirect(int fd) {
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  if (fd > STDERR_FILENO) close(fd);
}

/* Nothing of the program that started us is held open, but for where we report. */
static void close_others(int report) {
  close_range(STDERR_FILENO + 1, (unsigned)report - 1, 0);
  close_range((unsigned)report + 1, UINT_MAX, 0);
}

static void detach(int report) {
  setsid();
  close_others(report);
  int nothing = open("/dev/null", O_RDWR);
  if (nothing < 0) return;
  dup2(nothing, STDIN_FILENO);
  redirect(nothing);
}

int th_daemon_fork(bool *is_child, int *report, struct th_reason *reason) {
  int ends[2];
  *is_child = false;
  if (pipe2(ends, O_CLOEXEC) != 0) return th_fail(reason, -errno, "%s", strerror(errno));
  fflush(stdout); /* else what waits there would be written twice */
  fflush(stderr);
  pid_t child = fork();
  if (child < 0) {
    int error = -errno;
    close(ends[0]);
    close(ends[1]);
    return th_fail(reason, error, "cannot fork: %s", th_error_words(error));
  }
  if (child > 0) {
    close(ends[1]);
    return await(child, ends[0], reason);
  }
  close(ends[0]);
  *report = ends[1];
  *is_child = true;
  detach(ends[1]);
  return 0;
}
