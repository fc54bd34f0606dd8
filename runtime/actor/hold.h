/* hold: senders that wait for room in a mailbox.
 *
 * A limit is soft: the message that finds a mailbox full is taken, and its sender is held back, its
 * turn ends: until the mailbox is half empty, or for a second. So a sender that is faster than its
 * target adds at most a message a second to what the limit allows, and what it sends to others is
 * not delayed on the way, for there is no queue but the mailboxes themselves.
 *
 * What the target keeps on its shelf to give it to somebody counts as in its mailbox.
 *
 * Nobody is held who would wait for himself, by way of others who are held: of two actors that fill
 * each other one goes on.
 *
 * The target looks for those it holds when its turn ends (th_actor.holders). Who comes to be held
 * does so before it looks at the mailbox for the last time, in an order with the target's falling
 * asleep (th_mailbox_touch): either it sees the room, or the target sees it.
 *
 * Threads: any. Owns: nothing; a hold is its holder's, and must be out before it ends. The lock
 * guards all holds, and is held while released is called: that only makes its holder ready, with a
 * lock of the scheduler that is taken after this one.
 */
#ifndef TH_ACTOR_HOLD_H
#define TH_ACTOR_HOLD_H

#include <stdbool.h>
#include <stdint.h>

struct th_actor;
struct th_holds;

/* One who is held; zeroed while he is not. */
struct th_hold {
  struct th_actor *target;         /* for whose room he waits; NULL: he is not held */
  uint64_t due;                    /* when he goes on anyway */
  struct th_hold *next, *previous; /* by due */
  struct th_hold *next_of_target, *previous_of_target;
  void (*released)(void *context, struct th_hold *hold); /* he is not held any more */
  void *context;
};

struct th_holds *th_holds_new(uint64_t limit);
void th_holds_free(struct th_holds *holds);

/* True when target's mailbox is over the limit: a sender is to be held. */
bool th_holds_is_full(const struct th_holds *holds, struct th_actor *target);

/* Holds; actor is the one whose hold it is, or NULL. released and context are set. False when there
 * is room meanwhile, or actor would wait for himself. After true the hold may be released at any
 * moment. */
bool th_holds_add(struct th_holds *holds, struct th_hold *hold, const struct th_actor *actor,
                  struct th_actor *target);

/* Takes a hold out. True when it was in: released is not called any more; false when it was not, or
 * released has been called. */
bool th_holds_remove(struct th_holds *holds, struct th_hold *hold);

/* Holds the calling thread, until there is room or it has been held long enough. */
void th_holds_wait(struct th_holds *holds, struct th_actor *target);

/* Releases those who wait for target, if it has room. */
void th_holds_make_room(struct th_holds *holds, struct th_actor *target);

/* Releases those who have been held long enough; gives when the next one will have been. */
uint64_t th_holds_expire(struct th_holds *holds, uint64_t now);

#endif
