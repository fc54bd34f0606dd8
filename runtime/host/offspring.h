/* offspring: the processes that this one has started, and those that they have started.
 *
 * Who adopts is the parent of all of them, however far they go into the background: the kernel
 * gives a process that has lost its own to the nearest one that adopts. So none gets away from a
 * signal to all of them, and all are reaped here.
 *
 * Threads: caller. Owns: nothing.
 */
#ifndef TH_HOST_OFFSPRING_H
#define TH_HOST_OFFSPRING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* From now on and for ever. */
void th_offspring_adopt(void);

/* Processes that have had a signal; all zero at the beginning, its list freed by who holds it. */
struct th_offspring_told {
  pid_t *list;
  size_t count;
};

/* Sends a signal to all that there are, or, where told is given, to those that are not in it yet.
 * Who is just being born may be missed: he is found once his parent has ended. */
void th_offspring_signal(int signal, struct th_offspring_told *told);

/* Reaps one that has ended, without waiting: its number and how it ended (as waitpid tells it), or
 * 0 when none has. *any tells whether there are more, running or not. */
pid_t th_offspring_reap(int *status, bool *any);

#endif
