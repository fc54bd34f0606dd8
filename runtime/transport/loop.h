/* loop: one libuv loop and the thread that turns it.
 *
 * Whoever is inside th_loop_run is the loop's thread; "loop" in other headers means that thread, or
 * the one thread that has the loop to itself while nobody is inside. Others reach it by posting
 * tasks: the list is intrusive, and only the post that finds it empty wakes the loop. Tasks run in
 * the order posted. Nobody need be inside: what was posted before is the first thing that
 * th_loop_run looks at, and until then it costs no system call.
 *
 * Writing to a connection that is gone raises SIGPIPE, which would end the program around us: the
 * signal is held back on the loop's thread while it is inside, and forgotten when it leaves.
 *
 * Threads: th_loop_post and th_loop_stop any; the others as they say. Owns: the uv loop.
 */
#ifndef TH_TRANSPORT_LOOP_H
#define TH_TRANSPORT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct th_loop;
struct th_loop_timer;

/* A piece of work for the loop's thread; embedded in what it works on. It may be posted again as
 * soon as run was called, and run may free it. */
struct th_task {
  struct th_task *next;
  void (*run)(struct th_task *task);
};

int th_loop_new(struct th_loop **loop);

/* No thread is inside th_loop_run, and nobody begins to post; posts and stops under way are waited
 * for. Runs what was posted, then the loop until every handle of others (which they have begun to
 * close) is gone, then closes its own. NULL is fine. */
void th_loop_free(struct th_loop *loop);

/* Turns the loop on the calling thread until th_loop_stop was called (which then counts as used up)
 * or the time until has come (TH_FOREVER: never). A time that is past turns it once, without
 * waiting. Gives 0 when stopped, TH_ETIMEOUT when time was up. Not from within itself. */
int th_loop_run(struct th_loop *loop, uint64_t until);

/* Any thread: makes th_loop_run return soon; also one that begins later. */
void th_loop_stop(struct th_loop *loop);

/* Any thread: has task run once on the loop. */
void th_loop_post(struct th_loop *loop, struct th_task *task);

/* Any thread: whether tasks were posted that have not run yet. A hint. */
bool th_loop_has_posted(const struct th_loop *loop);

/* True on the thread that is inside th_loop_run (or th_loop_free). */
bool th_on_loop(const struct th_loop *loop);

/* Loop: has run called with user in that many nanoseconds, once, too early by less than a
 * millisecond. The timer is gone when run is called, or by th_loop_cancel, whichever is first. */
struct th_loop_timer *th_loop_after(struct th_loop *loop, uint64_t nanoseconds,
                                    void (*run)(void *user), void *user);

/* Loop: takes timer, so that run is not called; NULL is fine. */
void th_loop_cancel(struct th_loop_timer *timer);

/* The version of libuv: "1.44.2". Borrowed for ever. */
const char *th_loop_version(void);

/* The uv_loop_t, for the wires. */
void *th_loop_uv(struct th_loop *loop);

#endif
