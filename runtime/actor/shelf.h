/* shelf: messages that an actor has taken and not concluded: it keeps them for later.
 *
 * Each has a number, larger than those of all that came before. It waits, or is lent: somebody else
 * is at it, for the actor, and it may have to be given to another. What waits counts as in the
 * mailbox for those who send there; what is lent is on its way, and does not.
 *
 * Threads: its actor's turn; th_shelf_waiting and _lent any. Owns: the messages on it.
 */
#ifndef TH_ACTOR_SHELF_H
#define TH_ACTOR_SHELF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actor/mailbox.h"
#include "base/map.h"

/* All zero is an empty one. */
struct th_shelf {
  struct th_map waiting; /* messages by number */
  struct th_map lent;    /* likewise */
  uint64_t last;         /* number given */
  /* What the maps count, for others; relaxed: like the mailbox's. */
  atomic_size_t waiting_count;
  atomic_size_t lent_count;
};

/* About how many wait, and how many are lent; any thread. */
static inline size_t th_shelf_waiting(const struct th_shelf *shelf) {
  return atomic_load_explicit(&shelf->waiting_count, memory_order_relaxed);
}

static inline size_t th_shelf_lent(const struct th_shelf *shelf) {
  return atomic_load_explicit(&shelf->lent_count, memory_order_relaxed);
}

/* Takes message; gives its number, never 0. It waits. */
uint64_t th_shelf_put(struct th_shelf *shelf, struct th_message *message);

/* Borrowed until it is taken; NULL where there is none of that number. */
const struct th_message *th_shelf_find(const struct th_shelf *shelf, uint64_t number);

/* A message is lent, or waits again. One that is not there stays away. */
void th_shelf_lend(struct th_shelf *shelf, uint64_t number, bool is_lent);

/* Gives a message, which is the caller's then; NULL where there is none of that number. */
struct th_message *th_shelf_take(struct th_shelf *shelf, uint64_t number);

/* Gives all that are lent, or all that wait, the oldest first: the caller's then. */
struct th_queue th_shelf_drain(struct th_shelf *shelf, bool is_lent);

/* Frees what is on it. */
void th_shelf_clear(struct th_shelf *shelf);

#endif
