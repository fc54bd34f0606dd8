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

/* Opens the log. file and level may be NULL. TH_EUSAGE for a level that is none; -errno. */
int th_runlog_open(struct th_log **log, const char *file, const char *level, bool background,
                   struct th_reason *reason);

#endif
