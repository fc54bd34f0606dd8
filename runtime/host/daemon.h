/* daemon: a process that goes on in the background, and its parent, which waits to hear how it
 * began.
 *
 * The process forks while it has one thread. The child becomes its own session with nothing on its
 * standard streams and no other file open, and reports once: that it is ready, with a line to
 * print, or why it is not. The parent prints that line, or fails with that reason. A child whose
 * report nobody reads any more was not wanted for long, and should end.
 *
 * The child stays in the folder where it was started, so that its actors find files as the program
 * that needed the system does.
 *
 * Threads: caller, the only one of the process.
 */
#ifndef TH_HOST_DAEMON_H
#define TH_HOST_DAEMON_H

#include <stdbool.h>

#include "base/error.h"

/* Forks. In the child *is_child is true, and *report is where it reports. In the parent it comes
 * back after the child's report: 0, the line printed, or the error with its reason. */
int th_daemon_fork(bool *is_child, int *report, struct th_reason *reason);

/* The child, once. line ends without a newline. False when nobody listens. */
bool th_daemon_report_ready(int report, const char *line);
void th_daemon_report_error(int report, int error, const char *words);

#endif
