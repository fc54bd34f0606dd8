/* preempt: asks a turn that lasts too long to end.
 *
 * A permanent check in the code that runs would cost every turn; instead whoever watches sends the
 * thread a signal (SIGURG, which is ignored where nothing handles it). Its handler notes that the
 * turn is asked to end, and calls the arm function of what runs on that thread, so that a script
 * can have itself interrupted at its next instruction. A signal that comes late asks the next turn,
 * which then ends a little early.
 *
 * Threads: th_preempt_ask any; the others the thread that they concern.
 * Owns: nothing; the handler of SIGURG, once it is installed, for the rest of the process's life.
 */
#ifndef TH_ACTOR_PREEMPT_H
#define TH_ACTOR_PREEMPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What runs on a thread. arm is called from the signal's handler, on that very thread: it may do
 * only what is safe there. */
struct th_preempt_target {
  void (*arm)(void *context);
  void *context;
};

/* Installs the handler, in front of one that may be there already. 0 or a negative errno. */
int th_preempt_install(void);

/* Asks the turn that runs on thread to end. The thread must not have been joined. */
void th_preempt_ask(pthread_t thread);

/* A turn begins: it is not asked to end. */
void th_preempt_begin(void);

/* Whether the turn that runs on this thread is asked to end. */
bool th_preempt_is_asked(void);

/* What runs on this thread from now on (NULL: nothing that could be armed). Gives what ran before.
 * The target must live until the next call. */
const struct th_preempt_target *th_preempt_run(const struct th_preempt_target *target);

/* For a thread that nobody watches: a timer that asks it, first after first nanoseconds and then
 * every interval, until it is stopped. */
struct th_preempt_timer;
struct th_preempt_timer *th_preempt_timer_new(void);
void th_preempt_timer_start(struct th_preempt_timer *timer, uint64_t first, uint64_t interval);
void th_preempt_timer_stop(struct th_preempt_timer *timer);
void th_preempt_timer_free(struct th_preempt_timer *timer);

#endif
