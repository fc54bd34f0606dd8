/* actor: one actor's slot, and what happens in its turn.
 *
 * Slots are made by the registry and never freed while the system lives, so anybody may push to any
 * slot's mailbox at any time without a lock or a count. A slot holds one actor after the other;
 * each has a number of its own. Every message names the number it is for, and the turn compares:
 * what is for an earlier tenant becomes a dead letter. A birth is itself a message, so all of a
 * slot's state is touched in its turn alone.
 *
 * Rules of life:
 *  1. reserve (registry) sets number; then the birth is pushed, before anyone knows the address.
 *  2. the birth opens the behaviour; on failure the actor is gone at once, and told as such.
 *  3. an exit request is delivered last; with children it waits for their ChildActorExited, and can
 *     have no more of them: else it could refuse to go. An urgent one (of the runtime) does not
 *     wait for ever for a handler that was suspended: after the world's exit_limit the handler is
 *     stopped, as a failure.
 *  4. a failure that leaves no sound state restarts the behaviour; where that fails the actor is
 *     killed: it exits without hearing of it.
 *  5. what it keeps for later (shelf.h) has not been handled yet. When the actor has heard that it
 *     is to exit, what waits there becomes dead letters; a restarted one gets all of it once more.
 *  6. gone: behaviour closed, parent told, number 0, slot released: exactly once, in this order.
 *
 * Threads: turn, but for the card, which anyone may read.
 * Owns: the behaviour's state, between open and close.
 */
#ifndef TH_ACTOR_ACTOR_H
#define TH_ACTOR_ACTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actor/behaviour.h"
#include "actor/hold.h"
#include "actor/mailbox.h"
#include "actor/shelf.h"
#include "actor/world.h"
#include "base/map.h"

/* How a turn ended. */
enum th_turn {
  TH_TURN_SLEEPS,  /* the next push says when there is more to do */
  TH_TURN_GOES_ON, /* there is more to do: the scheduler queues the actor again */
  TH_TURN_HELD /* it waits for room in a mailbox; who makes room queues it, perhaps already now */
};

/* What a suspended turn goes on with. */
enum th_pending { TH_PENDING_NONE, TH_PENDING_START, TH_PENDING_RESTART, TH_PENDING_MESSAGE };

enum th_actor_state {
  TH_ACTOR_FREE,
  TH_ACTOR_STARTING,
  TH_ACTOR_RUNNING,
  TH_ACTOR_EXITING,
  TH_ACTOR_NEVER /* an account: nobody lives there */
};

/* What anyone may read about an actor, at any time, without asking it. Written in the turn; relaxed
 * throughout, since each field stands alone. Texts live as long as the system. */
struct th_actor_card {
  atomic_int state;
  _Atomic(const char *) class_name;
  _Atomic(const char *) source;
  atomic_uint_fast64_t parent; /* number, 0 for none */
  atomic_uint_fast64_t handled;
  atomic_uint_fast64_t failed;
  atomic_uint_fast64_t restarts;
  atomic_uint_fast64_t busy; /* nanoseconds in its turns, about: the scheduler samples them */
  atomic_size_t memory;      /* bytes its behaviour holds */
  atomic_bool is_checked;    /* its behaviour wants to hear of new capabilities (TH_KIND_RECHECK) */
  atomic_bool has_suspended; /* a message that it was suspended at */
  atomic_bool is_forward;    /* it stands for an actor elsewhere */
};

struct th_actor {
  struct th_mailbox mailbox;
  struct th_actor *run_next; /* of the scheduler's shared queue */
  struct th_actor
    *free_next;           /* of the registry's free list: a late message may queue a free slot */
  struct th_world *world; /* fixed */

  /* Who lives here, 0 for nobody. Written by the holder of the free slot, then by the turn; any
   * reads. */
  atomic_uint_fast64_t number;
  uint64_t next_number;  /* registry: what the next tenant is called */
  atomic_bool is_guest;  /* an endpoint: set before number; relaxed */
  atomic_size_t backlog; /* of an endpoint: delivered, and not taken by its program */
  struct th_shelf shelf; /* what it keeps for later: the turn's, but for the counts */
  atomic_uint holders;   /* how many are held; relaxed: see hold.h */
  struct th_hold *held;  /* they; under the lock of the holds */
  struct th_hold hold;   /* this one, by another; likewise */
  struct th_actor_card card;

  /* The turn's own. */
  const struct th_behaviour *behaviour;
  void *state; /* the behaviour's */
  struct th_address address;
  struct th_address parent;
  struct th_map children; /* by number; any value */
  bool is_hosted;         /* it is called by an address of its creator's system */
  bool exit_is_recursive; /* while exiting */
  bool is_barren;         /* while exiting: it waits for its children, and may have no more */
  bool left_orphans;      /* it exited and its children did not */
  bool is_deaf;           /* while exiting: its behaviour is not sound, nothing is delivered */
  enum th_pending pending;
  struct th_message *current; /* that the behaviour is at, unless it has taken it; owned */
  enum th_kind kind;          /* of the one that it was suspended at */
  uint64_t shelved;           /* number of the message that it is at, once it was kept; or 0 */
  struct th_birth *birth;     /* whose start was suspended; owned */
  uint64_t stop_at;           /* when what is suspended is stopped; 0: nobody asked yet */
  char *killed;               /* why it had to go, for its parent; owned; NULL: it exits */
  struct th_actor *pressed;   /* the slot whose mailbox was full when it last sent, or NULL */
};

void th_actor_init(struct th_actor *actor, struct th_world *world);

/* A slot that was reserved, and where nobody will live: a mailbox for others to be held for. It is
 * closed before it is released. */
void th_actor_account(struct th_actor *actor);
void th_actor_close_account(struct th_actor *actor);

/* Runs a turn: goes on with what was suspended, handles a bounded batch of what waits, less when
 * the turn is asked to end. */
enum th_turn th_actor_turn(struct th_actor *actor);

/* Turn: whether what the actor does, suspended or not, must end now: the runtime has asked it to
 * exit, and it has not come to that within the world's exit_limit. To be asked whenever a turn is
 * asked to end. */
bool th_actor_must_stop(struct th_actor *actor);

/* Releases what a slot holds when the system ends: closes the behaviour, frees messages. No turn
 * runs. */
void th_actor_clear(struct th_actor *actor);

/* Turn, while a message is handled: keeps it for later, so that it is not concluded when its handler
 * ends. Gives its number on the shelf, the same when called again; 0 when there is no message. One
 * whose handler fails in the end is not kept. */
uint64_t th_actor_keep(struct th_actor *actor);

/* Turn: a message on the shelf has been handled; or has failed, and goes back as poison with these
 * words. One that is not there was concluded before. */
void th_actor_conclude_kept(struct th_actor *actor, uint64_t number, int outcome,
                            const char *details, size_t size);

/* In the turn of the actor: it has one more child. */
void th_actor_add_child(struct th_actor *actor, const struct th_address *child);

/* Turn: sends a value that is in buffer from this actor; the buffer is reset. */
void th_actor_send(struct th_actor *actor, enum th_kind kind, unsigned flags,
                   const struct th_address *target, struct th_buffer *buffer);

/* Makes a birth message for a slot that was reserved under address. birth is given. */
struct th_message *th_birth_message(const struct th_address *address, struct th_birth *birth);

static inline int th_actor_state(const struct th_actor *actor) {
  return atomic_load_explicit(&actor->card.state, memory_order_relaxed);
}

static inline uint64_t th_actor_number(const struct th_actor *actor) {
  /* Acquire: pairs with the release in th_registry_reserve, for those who act on what they find. */
  return atomic_load_explicit(&actor->number, memory_order_acquire);
}

#endif
