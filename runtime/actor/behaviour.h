/* behaviour: what an actor does, as the runtime sees it.
 *
 * The seam that lets the actor room run Lua without knowing it: scripts, the admin, endpoints of
 * programs and probes of tests are all tables of these functions.
 *
 * Threads: turn, all of them.
 */
#ifndef TH_ACTOR_BEHAVIOUR_H
#define TH_ACTOR_BEHAVIOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "message/message.h"

struct th_actor;
struct th_behaviour;

/* Everything an actor is born with. Owned by the message of kind TH_KIND_BIRTH that brings it. */
struct th_birth {
  const struct th_behaviour *behaviour;
  void *argument; /* the behaviour's own; open takes it, drop releases it unopened */
  void (*drop)(void *argument);
  struct th_address parent;    /* none for actors with a global name, and for endpoints */
  uint64_t parent_number;      /* of the slot where the parent lives here, whatever he is called */
  struct th_address requester; /* gets a REPLY that says how the start went; none: nobody */
  uint32_t ticket;             /* of the request, echoed in that reply */
  char *class_name;            /* the birth's own: "pkg.mod.Class" */
  const char *source;          /* kept as long as the system lives: hash of the bundle, or NULL */
  char *global_name;           /* the birth's own, or NULL */
  struct th_bytes *requirements; /* a reference: the packed value, or NULL */
  struct th_bytes *wanted;       /* a reference: once it turned out that the actor cannot live here,
                                    what it needs, a packed array [name, value or nil, ...]; or NULL */
  struct th_address address;     /* what the actor is called, where that is not its slot's own */
  bool is_placed; /* another system has sought this place: none other is sought here */
  int error;      /* not 0: the start has failed already, for this reason */
  char *words;    /* the birth's own, or NULL */
};

/* What open, receive, resume and restart give besides 0 and an error. */
enum th_outcome {
  TH_SUSPENDED = 1, /* not ended: resume goes on with it, in a later turn */
  TH_UNSOUND =
    2,          /* failed for good, like an error, and so that only restart makes it sound again */
  TH_ENDED = 3, /* of receive: the actor is over; th_actor.killed says why */
  TH_EXPECTANT = 4, /* of open: the behaviour has taken the birth, and gets everything until */
  TH_REBORN = 5     /* of receive: the actor is born now, from th_actor.birth; its state was
                       released, and what is on its shelf comes again */
};

/* What is in it and it itself. */
void th_birth_free(struct th_birth *birth);

struct th_behaviour {
  /* The runtime's own (the admin, endpoints): only the admin can ask it to exit. */
  bool is_native;

  /* It stands for an actor, elsewhere or to come: receive gets everything, requests to exit too, and
   * ends it. */
  bool is_forward;

  /* Starts: 0, or a negative error with a reason. After a failure close is not called. */
  int (*open)(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason);

  /* Handles one message, borrowed for the call; or takes it, and sets *message to NULL. 0, or a
   * negative error when the actor failed at it for good: details then says how (a traceback), and
   * the message, which must not have been taken, goes back as poison. */
  int (*receive)(struct th_actor *actor, struct th_message **message, struct th_buffer *details);

  /* Goes on with what was suspended: a receive with its message, or (message NULL) a start, whose
   * failure then has its words in details. Where th_actor_must_stop says so it is to end now, as a
   * failure. NULL where nothing is ever suspended. */
  int (*resume)(struct th_actor *actor, struct th_message **message, struct th_buffer *details);

  /* After TH_UNSOUND: starts again, as open did, with what the actor was born with. Once it has
   * failed only close is called. NULL where receive is never unsound. */
  int (*restart)(struct th_actor *actor, struct th_buffer *details);

  /* After the exit request was handled: false when its handler made it not recursive. NULL: what
   * the message itself says. */
  bool (*exit_recursive)(struct th_actor *actor);

  /* It has had nothing to do for a while since the world heard that it is awake (th_world_ops): what it
   * holds to handle messages at once it may put aside. NULL: it never says that it is awake. */
  void (*rest)(struct th_actor *actor);

  /* Ends; after it nothing is called. */
  void (*close)(struct th_actor *actor);
};

#endif
