/* runlog: where the runtime's own log goes, by options and environment.
 *
 * Without a file given, a system in the foreground logs to standard error, and one in the
 * background to THESPLOG_FILE or /tmp/thespian.log, which is kept below THESPLOG_FILE_MAXSIZE
 * bytes (50 KiB) by renaming it to .old. Without a level given it is THESPLOG_THRESHOLD, else
 * warnings and above. Every variable may also be spelt THESPILOG_.
 *
 * Where handlers are said, lines go to them alone, and what a handler does not say it takes from the
 * rest. No two of them may write to one file.
 *
 * Threads: caller.
 */
#ifndef TH_HOST_RUNLOG_H
#define TH_HOST_RUNLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"

#define TH_RUNLOG_FILE "/tmp/thespian.log"
#define TH_RUNLOG_SIZE 51200

/* What was said about one handler; NULL: as the log has it. */
struct th_runlog_handler {
  const char *file;
  const char *level;
  const char *format; /* "text" or "json" */
  const char *name;   /* what errors call it; NULL: log_handlers[N] */
};

/* What was said about the log; NULL: the usual. */
struct th_runlog {
  const char *file;
  const char *level;
  const char *format;
  const struct th_runlog_handler *handlers; /* NULL: the three above are the one handler */
  size_t handler_count;                     /* 0 of those that are said: nothing is written */
  /* Standard error goes along: to the first handler that writes text, else to the first. So does
   * standard output where the file was named: a log with the usual name is shared. */
  bool takes_streams;
};

/* TH_EUSAGE with a reason that names the handler, for a level or a format that is none. */
int th_runlog_check(const struct th_runlog *said, struct th_reason *reason);

/* Opens the log; NULL where nothing is written. A file that was not named may be missing: another
 * user's may be in its place. What th_runlog_check gives; -EEXIST for two handlers with one file;
 * -errno. */
int th_runlog_open(struct th_log **log, const struct th_runlog *said, bool background,
                   struct th_reason *reason);

#endif
