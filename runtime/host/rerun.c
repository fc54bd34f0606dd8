#include "host/rerun.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/offspring.h"
#include "host/watch.h"

/* An editor is done when it has been silent for so long: after a file is there, and after one is
 * gone that may come back under its name. Who never pauses is not waited for any longer. */
#define SILENCE (5 * TH_MILLISECOND)
#define SILENCE_REMOVED (40 * TH_MILLISECOND)
#define PATIENCE (100 * TH_MILLISECOND)

/* How long a program may take to end when it is asked to; and the pause between looks at what will
 * not, or at whether the folder is there again. */
#define GRACE (500 * TH_MILLISECOND)
#define PAUSE (20 * TH_MILLISECOND)

/* A file that changes so soon after so many starts in a row is taken for one that the program
 * writes; but Lua files are people's. */
#define SOON TH_SECOND
#define OFTEN 3

struct rerun {
  struct th_watch *watch;
  sigset_t before; /* the signals that were blocked */
  int signals;
  int end;     /* the signal at which it all ends; 0 for none yet */
  pid_t child; /* 0: it has ended */
  uint64_t begun;
  char *suspect; /* the file that changed soon after the last starts, or NULL */
  unsigned times;
};

static void say(const char *words) {
  fprintf(stderr, "thespian-host: %s\n", words);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static int milliseconds_until(uint64_t when) {
  uint64_t now = th_clock_now();
  if (when == TH_FOREVER) return -1;
  return when > now ? (int)((when - now + TH_MILLISECOND - 1) / TH_MILLISECOND) : 0;
}

/* Notes what the signals were. */
static void take_signals(struct rerun *rerun) {
  struct signalfd_siginfo info;
  while (read(rerun->signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD) rerun->end = (int)info.ssi_signo;
}

/* Waits until a signal has come, or a file has changed where that matters; or until then. */
static void wait_until(struct rerun *rerun, bool for_files, uint64_t when) {
  struct pollfd ends[] = {{.fd = rerun->signals, .events = POLLIN},
                          {.fd = for_files ? th_watch_fd(rerun->watch) : -1, .events = POLLIN}};
  if (poll(ends, 2, milliseconds_until(when)) > 0 && ends[0].revents != 0) take_signals(rerun);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void tell_end(int status) {
  char words[128];
  snprintf(words, sizeof words, "the program has ended; it starts again when a file changes");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    snprintf(words, sizeof words,
             "the program has failed, with exit status %d; it starts again when a file changes",
             WEXITSTATUS(status));
  if (WIFSIGNALED(status))
    snprintf(words, sizeof words,
             "the program was ended by signal %d (%s); it starts again when "
             "a file changes",
             WTERMSIG(status), strsignal(WTERMSIG(status)));
  say(words);
}

/* Reaps all that has ended; gives whether anything else runs. */
static bool reap(struct rerun *rerun, bool tells) {
  int status;
  bool any;
  pid_t ended;
  while ((ended = th_offspring_reap(&status, &any)) != 0) {
    if (ended != rerun->child) continue;
    rerun->child = 0;
    if (tells) tell_end(status);
  }
  return any;
}

/* Waits for the end of one of them, or for a second signal, or until then. True when those that are
 * left have had their time: who sends another signal is in a hurry. */
static bool wait_for_end(struct rerun *rerun, uint64_t until) {
  int end = rerun->end;
  rerun->end = 0;
  wait_until(rerun, false, until);
  bool is_over = rerun->end != 0 || th_clock_now() >= until;
  if (rerun->end == 0) rerun->end = end;
  return is_over;
}

/* Ends the program and what it has started. */
static void end_all(struct rerun *rerun) {
  struct th_offspring_told told = {NULL, 0};
  uint64_t until = th_clock_after(GRACE);
  bool is_killing = false;
  while (reap(rerun, false)) {
    if (is_killing)
      th_offspring_signal(SIGKILL, NULL);
    else
      th_offspring_signal(SIGTERM, &told);
    if (!wait_for_end(rerun, until)) continue;
    if (!is_killing) say("the program does not end when it is asked to: it is killed");
    is_killing = true;
    until = th_clock_after(PAUSE);
  }
  free(told.list);
}

/* The child goes when this process is killed; unless that has happened already. */
static void become_child(const struct rerun *rerun, pid_t parent, uint64_t changed) {
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (getppid() != parent) _exit(EXIT_FAILURE);
  sigprocmask(SIG_SETMASK, &rerun->before, NULL);
  if (changed == 0) return;
  uint64_t taken = (th_clock_now() - changed + TH_MILLISECOND - 1) / TH_MILLISECOND;
  fprintf(stderr, "thespian-host: reloaded in %llu ms: %s\n", (unsigned long long)taken,
          th_watch_changed(rerun->watch));
}

/* changed is when the first file did; 0 at the beginning. */
static int start(struct rerun *rerun, uint64_t changed, bool *is_child, struct th_reason *reason) {
  pid_t parent = getpid();
  pid_t child = fork();
  *is_child = child == 0;
  if (child < 0) return th_fail(reason, -errno, "cannot start the program: %s", strerror(errno));
  if (child == 0) become_child(rerun, parent, changed);
  rerun->child = child;
  rerun->begun = th_clock_now();
  return 0;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Waits until whoever changes files is done. */
static void settle(struct rerun *rerun, enum th_watch_news news) {
  uint64_t latest = th_clock_after(PATIENCE);
  while (rerun->end == 0) {
    uint64_t until = th_clock_after(news == TH_WATCH_REMOVED ? SILENCE_REMOVED : SILENCE);
    if (until > latest) until = latest;
    enum th_watch_news more = TH_WATCH_NOTHING;
    while (more == TH_WATCH_NOTHING && rerun->end == 0 && th_clock_now() < until) {
      wait_until(rerun, true, until);
      reap(rerun, true);
      more = th_watch_take(rerun->watch);
    }
    if (more == TH_WATCH_NOTHING) return;
    news = more;
  }
}

static bool is_lua(const char *name) {
  size_t size = strlen(name);
  return size >= 4 && strcmp(name + size - 4, ".lua") == 0;
}

/* True when the program seems to have changed the file itself; else the loop would never end. */
static bool is_own_doing(struct rerun *rerun) {
  const char *name = th_watch_changed(rerun->watch);
  bool is_suspect = !is_lua(name) && th_clock_now() - rerun->begun < SOON;
  bool is_again = rerun->suspect != NULL && strcmp(rerun->suspect, name) == 0;
  rerun->times = is_suspect ? (is_again ? rerun->times : 0) + 1 : 0;
  free(rerun->suspect);
  rerun->suspect = is_suspect ? th_strdup(name) : NULL;
  if (rerun->times <= OFTEN) return false;
  fprintf(stderr,
          "thespian-host: %s changes whenever the program runs: from now on it does not count\n",
          name);
  th_watch_ignore(rerun->watch, name);
  return true;
}

/* Waits for the next change that counts and gives when it was; 0 when all is to end. */
static uint64_t next_change(struct rerun *rerun) {
  while (rerun->end == 0) {
    reap(rerun, true);
    enum th_watch_news news = th_watch_take(rerun->watch);
    if (news != TH_WATCH_NOTHING && !is_own_doing(rerun)) {
      uint64_t changed = th_clock_now();
      settle(rerun, news);
      return rerun->end == 0 ? changed : 0;
    }
    if (news == TH_WATCH_NOTHING) wait_until(rerun, true, TH_FOREVER);
  }
  return 0;
}

/* The folder itself may be gone, and come back. What has happened up to here the next program will
 * see: it must not be the reason to start that one again. */
static int renew(struct rerun *rerun, struct th_reason *reason) {
  int error;
  bool is_told = false;
  th_watch_take(rerun->watch);
  while ((error = th_watch_renew(rerun->watch, reason)) == -ENOENT && rerun->end == 0) {
    if (!is_told) say("the folder is gone; the program starts again when it is back");
    is_told = true;
    wait_until(rerun, false, th_clock_after(PAUSE));
  }
  return rerun->end == 0 ? error : 0;
}

static int go_on(struct rerun *rerun, bool *is_child, struct th_reason *reason) {
  int error = start(rerun, 0, is_child, reason);
  while (error == 0 && !*is_child && rerun->end == 0) {
    uint64_t changed = next_change(rerun);
    end_all(rerun);
    if (rerun->end != 0 || (error = renew(rerun, reason)) != 0 || rerun->end != 0) break;
    error = start(rerun, changed, is_child, reason);
  }
  if (!*is_child) end_all(rerun);
  return error;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Under nohup the end of the terminal is not ours. */
static void watched_signals(sigset_t *set) {
  struct sigaction action;
  sigemptyset(set);
  sigaddset(set, SIGCHLD);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGQUIT);
  sigaction(SIGHUP, NULL, &action);
  if (action.sa_handler != SIG_IGN) sigaddset(set, SIGHUP);
}

static void end_by(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  signal(number, SIG_DFL);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
}

int th_rerun(const char *program, bool *is_child, struct th_reason *reason) {
  struct rerun rerun = {.signals = -1};
  sigset_t watched;
  *is_child = false;
  if (strcmp(program, "-") == 0)
    return th_fail(reason, TH_EUSAGE,
                   "--watch needs a file or a folder: standard input can be read only once");
  int error = th_watch_open(&rerun.watch, program, reason);
  if (error != 0) return error;
  watched_signals(&watched);
  sigprocmask(SIG_BLOCK, &watched, &rerun.before);
  rerun.signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  error = rerun.signals < 0 ? th_fail(reason, -errno, "cannot watch signals: %s", strerror(errno))
                            : 0;
  if (error != 0) goto signals_failed;
  th_offspring_adopt();
  fprintf(stderr, "thespian-host: watching %s\n", program);
  error = go_on(&rerun, is_child, reason);
  close(rerun.signals);
signals_failed:
  sigprocmask(SIG_SETMASK, &rerun.before, NULL);
  th_watch_close(rerun.watch);
  free(rerun.suspect);
  if (rerun.end != 0 && !*is_child) end_by(rerun.end);
  return error;
}
