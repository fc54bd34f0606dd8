/* inside: the parts of a system, for the files of this room alone.
 *
 * Threads: fields say who may touch them; what is fixed after th_system_start is read by any.
 */
#ifndef TH_SYSTEM_INSIDE_H
#define TH_SYSTEM_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "actor/hold.h"
#include "actor/registry.h"
#include "actor/rests.h"
#include "actor/scheduler.h"
#include "actor/script.h"
#include "actor/timers.h"
#include "actor/world.h"
#include "admin/admin.h"
#include "base/intern.h"
#include "message/protocol.h"
#include "system/gate.h"
#include "system/hosting.h"
#include "system/modules.h"
#include "system/peers.h"
#include "system/system.h"

#define TH_SYSTEM_LEADERS 16

struct th_system {
  struct th_world world; /* first: the world's functions get their system by it */
  const struct th_script *script;
  char base[32];
  uint64_t identity;
  uint64_t started; /* clock */
  bool is_simple;   /* by its base: capabilities are not asked for */
  bool is_cranked;  /* it has no threads */

  struct th_registry *registry;
  struct th_scheduler *scheduler;
  struct th_timers *timers;
  struct th_rests *rests;
  struct th_holds *holds;
  struct th_interns *interns;
  struct th_names *names;
  struct th_sources *sources;
  struct th_expected *expected; /* sources that may be there soon */
  struct th_capabilities *capabilities;
  struct th_modules *modules;
  struct th_gate *gate; /* NULL where nothing listens, as are the next two */
  struct th_peers *peers;
  struct th_hosting *hosting;
  bool is_outbound_only;
  size_t frame_limit; /* of what comes in there, requests to the admin with whole bundles, too */
  char host[64];
  struct th_address leaders[TH_SYSTEM_LEADERS]; /* of the convention, as the start names them */
  size_t leader_count;
  uint64_t check_in_period;

  atomic_bool closing;          /* nothing more is created */
  atomic_uint_fast64_t created; /* births pushed */
  atomic_uint_fast64_t exited;
  atomic_uint_fast64_t dead;        /* messages that found nobody */
  atomic_uint_fast64_t turned_away; /* of these, those that never reached a mailbox */
  atomic_uint_fast64_t returned;    /* delivered to an endpoint whose connection was gone by then */
  /* Of actors that are gone. */
  atomic_uint_fast64_t past_handled;
  atomic_uint_fast64_t past_failed;
  atomic_uint_fast64_t past_restarts;

  atomic_size_t living; /* actors that are not the runtime's own */
  atomic_size_t guests; /* endpoints */

  pthread_mutex_t lock; /* guards is_stopped and its condition, and that of guests */
  pthread_cond_t changed;
  bool is_stopped;
};

static inline struct th_system *th_system_of(struct th_world *world) {
  return (struct th_system *)world;
}

extern const struct th_world_ops th_system_world_ops;
extern const struct th_admin_ops th_system_admin_ops;

/* router */
struct th_actor *th_router_send(struct th_world *world, struct th_message *message);
void th_router_dead(struct th_world *world, struct th_message *message);
/* Pushes a birth into the slot reserved for it. */
void th_router_birth(struct th_system *system, struct th_actor *slot, struct th_message *message);
/* To whoever lives at that number here. */
struct th_actor *th_router_deliver(struct th_system *system, uint64_t number,
                                   struct th_message *message);
/* True while that actor lives here, by its own address or by an alias. */
bool th_router_is_alive(struct th_system *system, const struct th_address *address);

/* The same of an actor: not of a program's endpoint. */
bool th_router_is_actor(struct th_system *system, const struct th_address *address);

/* account: slots where nobody lives, whose mailboxes others are held for. Any thread. */
/* NULL when the registry is full. */
struct th_actor *th_account_open(struct th_system *system);
/* So many messages wait. */
void th_account_waits(struct th_system *system, struct th_actor *account, size_t messages);
/* Nobody is held for it any more, and the slot may be another's. */
void th_account_close(struct th_system *system, struct th_actor *account);

/* spawn */
int th_spawn_create(struct th_world *world, struct th_actor *parent,
                    const struct th_creation *creation, struct th_address *address,
                    struct th_reason *reason);
void th_spawn_exited(struct th_world *world, struct th_actor *actor);
/* Creates an actor for a forward elsewhere, which is told how it went. The admin's turn. */
int th_spawn_host(struct th_system *system, const struct th_address *forward,
                  const struct th_address *parent, const struct th_creation *creation,
                  struct th_reason *reason);
int th_spawn_admin(struct th_system *system);

/* expect: the behaviour of a birth whose source is expected (admin/expected.h): its argument is a
 * struct th_script_birth without one, its source the hash. */
extern const struct th_behaviour th_expectant_behaviour;

/* remote: actors that live on another system than their creator's; between forward and host go
 * messages of kind TH_KIND_REMOTE: th_remote_begin puts the operation into the buffer and says how many
 * arguments follow, th_remote_finish makes the message, or NULL, and clears the buffer. */
void th_remote_begin(struct th_buffer *buffer, enum th_remote_operation operation,
                     uint32_t arguments);
struct th_message *th_remote_finish(struct th_buffer *buffer, const struct th_address *target,
                                    const struct th_address *sender, uint32_t ticket);
/* Another system may do where one fails so: without such a class, without room, at its end. */
bool th_remote_is_unfit(int error);
bool th_remote_relocate(struct th_world *world, struct th_actor *actor, struct th_birth *birth,
                        const char *words);
void th_remote_settled(struct th_world *world, struct th_actor *actor, const struct th_birth *birth,
                       int error, const char *words);
void th_remote_leaves(struct th_world *world, struct th_actor *actor, const char *reason);
/* The admin's turn: a message of kind TH_KIND_REMOTE to it. fetch as in struct th_admin_ops. */
void th_remote_receive(struct th_system *system, const struct th_message *message,
                       bool is_from_leader, char *fetch);

/* rest: who is awake is asked to rest. */
void th_rest_awake(struct th_world *world, struct th_actor *actor);
/* The monitor: asks those that are due; gives when it is to be called next. */
uint64_t th_rest_tick(struct th_system *system, uint64_t now);

/* status */
/* Of the actor, or for NULL of the system with that many actors at most. */
int th_status_pack(struct th_system *system, const struct th_address *actor, size_t most,
                   struct th_admin *admin, struct th_buffer *buffer, struct th_reason *reason);

void th_status_sources(struct th_system *system, struct th_buffer *buffer);

/* membership: where the convention's leaders are and how often to check in there, from the
 * capabilities given at the start; on bases that reach no others there are none. */
int th_membership_read(struct th_system *system, const struct th_system_config *config,
                       struct th_reason *reason);

/* Has every actor whose class has a capability check call it again. */
void th_membership_recheck(struct th_system *system);

/* A full address of an actor here. */
struct th_address th_system_address(const struct th_system *system, uint64_t number);

/* The source with that hash has come to be loaded: those who listen are told. */
void th_system_loaded(struct th_system *system, const char *hash);

/* Tells those who wait in th_system_wait or _free that something they count has changed. */
void th_system_signal(struct th_system *system);

#endif
