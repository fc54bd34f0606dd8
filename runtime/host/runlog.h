/* runlog: where the runtime's own log goes, by options and environment.
 *
 * Without a file given, a system in the foreground logs to standard error, and one in the
 * background to THESPLOG_FILE or /tmp/thespian.log, which is kept below THESPLOG_FILE_MAXSIZE
 * bytes (50 KiB) by renaming it to .old. Without a level given it is THESPLOG_THRESHOLD, else
 * warnings and above. Every variable may also be spelt THESPILOG_.
 *
 * Threads: caller.
 */
#ifndef TH_HOST_RUNLOG_H
#define TH_HOST_RUNLOG_H

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

#define TH_RUNLOG_FILE "/tmp/thespian.log"
#define TH_RUNLOG_SIZE 51200

/* What was said about the log; NULL: the usual. */
struct th_runlog {
  const char *file;
  const char *level;
  const char *format; /* "text" or "json" */
};

/* Opens the log. TH_EUSAGE for a level or a format that is none; -errno. */
int th_runlog_open(struct th_log **log, const struct th_runlog *said, bool background,
                   struct th_reason *reason);

#endif
