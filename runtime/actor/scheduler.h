/* scheduler: gives turns to actors on all cores.
 *
 * Each worker thread has a ring of actors that are ready, and a seat (next) for the one that the
 * running actor just made ready: it runs next where nothing else waits, on a warm cache. A ring
 * that is full, and threads that are no workers, use the shared queue. An idle worker takes from
 * the shared queue, then steals half a ring, spins for a moment, and parks.
 *
 * Waking another core costs more than most turns take, so a worker that makes actors ready wakes
 * nobody (unless its ring is full). The monitor looks every millisecond while anyone runs, and
 * until nobody has since the last look: work that waits in a ring or in the shared queue gets a
 * parked worker, and the seat of a worker whose turn has lasted for two looks is given away.
 * Threads that are no workers wake a parked one at once.
 *
 * Each look also charges the time since the last one to the actors that run (busy, on their cards);
 * the crank measures it.
 *
 * A turn that two looks in a row find is asked to end (preempt), where other work waits, and its
 * actor then waits in the background: it is next when nothing else is ready, or every so many
 * turns. One that does not end for ten more is stuck: it does not count as a worker until it comes
 * back, and a spare thread takes its place.
 *
 * Where there is a world outside (a poller), the first worker that finds nothing to do waits for
 * that in place of parking: what comes from outside is handled, and the actors that it made ready
 * run, on one thread, without waking another. Who polls counts as parked. While all workers run
 * nobody polls; where that has lasted for two looks, a thread of its own stands in until one parks.
 *
 * With no worker at all (the simple base) everything goes through the shared queue and runs in
 * th_scheduler_crank.
 *
 * Threads: ready any; start and stop by the system's owner; crank by one caller at a time.
 * Owns: its threads. The lock guards the shared queue and who is parked.
 */
#ifndef TH_ACTOR_SCHEDULER_H
#define TH_ACTOR_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "actor/actor.h"

struct th_scheduler;

/* Called by the monitor (or the crank) with the time; gives when it wants to be called next. */
typedef uint64_t th_scheduler_tick(void *context, uint64_t now);

/* The world outside. */
struct th_poller {
  /* On one thread at a time: waits until something happens and handles it, and returns after wake,
   * at once where that was called since the last poll. */
  void (*poll)(void *context);
  /* Any thread, also from within poll. */
  void (*wake)(void *context);
  /* Any thread: whether a poll would have something to do without waiting. A hint. */
  bool (*is_due)(void *context);
  void *context;
};

struct th_scheduler *th_scheduler_new(unsigned workers, th_scheduler_tick *tick, void *context);

/* Before the start, where there are workers. */
void th_scheduler_set_poller(struct th_scheduler *scheduler, const struct th_poller *poller);

/* Starts the threads. */
int th_scheduler_start(struct th_scheduler *scheduler);

/* Stops after the turns that run now, and joins. False when a turn did not end by the time until:
 * then its thread still runs, and nothing it may touch can be released. */
bool th_scheduler_stop(struct th_scheduler *scheduler, uint64_t until);

/* Stopped, or never started. */
void th_scheduler_free(struct th_scheduler *scheduler);

/* Queues an actor that was asleep: exactly once for each time its mailbox says so. */
void th_scheduler_ready(struct th_scheduler *scheduler, struct th_actor *actor);

/* The monitor looks at the time again soon: a timer became due earlier than it was told. */
void th_scheduler_retime(struct th_scheduler *scheduler, uint64_t due);

/* No workers: runs turns on the calling thread until none is ready and nothing is due, or the time
 * until has come. */
void th_scheduler_crank(struct th_scheduler *scheduler, uint64_t until);

unsigned th_scheduler_workers(const struct th_scheduler *scheduler);

#endif
