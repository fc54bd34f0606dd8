/* behaviour: what an actor does, as the runtime sees it.
 *
 * The seam that lets the actor room run Lua without knowing it: scripts, the admin, endpoints of
 * programs and probes of tests are all tables of these four functions.
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
  struct th_address requester; /* gets a REPLY that says how the start went; none: nobody */
  uint32_t ticket;             /* of the request, echoed in that reply */
  char *class_name;            /* the birth's own: "pkg.mod.Class" */
  const char *source;          /* kept as long as the system lives: hash of the bundle, or NULL */
  char *global_name;           /* the birth's own, or NULL */
  int error;                   /* not 0: the start has failed already, for this reason */
  char *words;                 /* the birth's own, or NULL */
};

struct th_behaviour {
  /* The runtime's own (the admin, endpoints): only the admin can ask it to exit. */
  bool is_native;

  /* Starts: 0, or a negative error with a reason. After a failure close is not called. */
  int (*open)(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason);

  /* Handles one message, borrowed for the call; or takes it, and sets *message to NULL. 0, or a negative
   * error when the actor failed at it for good: details then says how (a traceback), and the message,
   * which must not have been taken, goes back as poison. */
  int (*receive)(struct th_actor *actor, struct th_message **message, struct th_buffer *details);

  /* After the exit request was handled: false when its handler made it not recursive. NULL: what the
   * message itself says. */
  bool (*exit_recursive)(struct th_actor *actor);

  /* Ends; after it nothing is called. */
  void (*close)(struct th_actor *actor);
};

#endif
