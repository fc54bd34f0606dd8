/* admin: the system's own actor. It answers requests, keeps who handles dead letters and who
 * listens for sources, is the parent of what programs create, and ends the system.
 *
 * What it alone remembers is plain state of its turn; names, sources and capabilities are tables
 * with locks of their own, since others look them up. What it cannot do itself (create, list, stop)
 * it asks of the system through a table.
 *
 * Threads: th_admin_new and _free by the system's owner; all else turn.
 */
#ifndef TH_ADMIN_ADMIN_H
#define TH_ADMIN_ADMIN_H

#include <stdbool.h>

#include "actor/actor.h"
#include "admin/capability.h"
#include "admin/expected.h"
#include "admin/names.h"
#include "admin/source.h"

struct th_admin;

struct th_admin_ops {
  /* Appends the status of one actor, or for NULL of the system with that many actors at most: one
   * packed map. */
  int (*status)(void *context, const struct th_address *actor, size_t most, struct th_admin *admin,
                struct th_buffer *buffer, struct th_reason *reason);
  /* Appends the array of loaded sources. */
  void (*sources)(void *context, struct th_buffer *buffer);
  /* True while that actor lives here. */
  bool (*is_alive)(void *context, const struct th_address *actor);
  /* The same, of an actor: not of a program's endpoint. */
  bool (*is_actor)(void *context, const struct th_address *actor);
  /* From now on nothing can be created. */
  void (*close)(void *context);
  /* Asks every actor that nobody else will ask to exit; gives how many actors live still. */
  size_t (*end_actors)(void *context);
  /* A message of kind TH_KIND_REMOTE. fetch (TH_DIGEST_TEXT_SIZE) then holds the hash of a source
   * that an actor waits for, which its sender's system has; "" for none. */
  void (*remote)(void *context, const struct th_message *message, bool is_from_leader, char *fetch);
  /* Asks every actor whose class has a capability check to have it called again. */
  void (*recheck)(void *context);
  /* Sees to it that there is a session with who is at that place, or has that identity: the admin
   * is told (MET, PARTED). */
  void (*meet)(void *context, const struct th_address *place);
  /* True when more waits for that system than senders may add to. */
  bool (*is_full)(void *context, const struct th_address *place);
  /* The last actor is gone and everybody was told. */
  void (*stopped)(void *context);
};

struct th_admin_config {
  const struct th_admin_ops *ops;
  void *context;
  struct th_capabilities *capabilities;
  struct th_sources *sources;
  struct th_expected *expected;
  struct th_names *names;
  const struct th_address *leaders; /* of the convention, best first; they outlive the admin */
  size_t leader_count;
  uint64_t check_in_period; /* nanoseconds */
};

extern const struct th_behaviour th_admin_behaviour;

/* The argument for a birth with that behaviour; the admin's state. */
struct th_admin *th_admin_new(const struct th_admin_config *config);
void th_admin_free(struct th_admin *admin);

/* Turn: appends the array of addresses that handle dead letters. */
void th_admin_pack_handlers(const struct th_admin *admin, struct th_buffer *buffer);

/* Turn: appends who belongs to the convention as this system sees it, or nil (th_convention_pack). */
void th_admin_pack_convention(const struct th_admin *admin, struct th_buffer *buffer);

#endif
