/* rerun: a program that starts again whenever its files change, for development.
 *
 * This process watches the files, and the program runs in a child of it. When something has
 * changed, the child and all that it has started are ended, and a new one begins. One that fails is
 * not started again before the next change.
 *
 * Threads: caller, while it has none but the main one. Owns: the children, and the signals SIGTERM,
 * SIGINT, SIGQUIT, SIGHUP and SIGCHLD, until it returns.
 */
#ifndef TH_HOST_RERUN_H
#define TH_HOST_RERUN_H

#include <stdbool.h>

#include "base/error.h"

/* Returns in each child, with *is_child true: it is to run the program. In this process returns an
 * error with a reason when the files cannot be watched, any more; else ends it by the signal that
 * ended the watch. */
int th_rerun(const char *program, bool *is_child, struct th_reason *reason);

#endif
