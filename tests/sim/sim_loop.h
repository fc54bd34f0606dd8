/* sim_loop: what waits for its time on a simulated loop.
 *
 * Linked in the place of transport/loop.c. A loop's timers, and what comes to it on its wires, are
 * items in one row, ordered by their time and, for the same time, by when they were put there. They
 * run when somebody turns the loop: an item's time is when it may run, not when it does. All times
 * here are the world's; a timer is due earlier when the clock of its host jumps ahead.
 *
 * Threads: one. Owns: nothing; items lie in what they belong to.
 */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/loop.h"

struct sim_item {
  struct sim_item *previous;
  struct sim_item *next;
  struct th_loop *loop; /* NULL while it does not wait */
  uint64_t due;
  uint64_t serial;
  void (*run)(struct sim_item *item);
};

/* Has run called at that time, or as soon after it as the loop is turned. An item that waits
 * already waits for the new time. */
void sim_item_at(struct sim_item *item, struct th_loop *loop, uint64_t due,
                 void (*run)(struct sim_item *item));
void sim_item_cancel(struct sim_item *item);

/* When the loop has something to do: TH_FOREVER for never. */
uint64_t sim_loop_next(const struct th_loop *loop);

/* The clock of that host jumps ahead: timers of its loops are due so much earlier. */
void sim_loops_jump(unsigned host, uint64_t nanoseconds);

/* Whose loop it is: the engine's host when it was made. */
unsigned sim_loop_host(const struct th_loop *loop);

#endif
