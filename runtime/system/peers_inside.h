/* peers, inside: what the files of the module share (system/peers.h).
 *
 * peers.c has the table and the sessions, peers_seek.c finds who is at a place, peers_tell.c says to
 * others here what became of a peer. */
#ifndef TH_SYSTEM_PEERS_INSIDE_H
#define TH_SYSTEM_PEERS_INSIDE_H

#include <pthread.h>

#include "base/map.h"
#include "system/inside.h"
#include "system/pressure.h"

struct th_peers {
  struct th_system *system;
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_session_config config;
  void (*empty)(void *context);
  void *context;
  atomic_uint_fast64_t carried;
  atomic_uint_fast64_t returned;
  pthread_mutex_t lock;
  struct th_map all;  /* by identity: struct peer, with a reference */
  struct th_map gone; /* identities that will not come back */
  bool is_closing;
  size_t count;  /* loop: sessions that have not ended */
  size_t probes; /* loop: under way */
};

/* Another system. The table holds a reference, and so does each task and each sender under way. */
struct peer {
  atomic_uint references;
  struct th_peers *peers;
  struct th_address admin;    /* place: where it is connected to; under the lock */
  struct th_session *session; /* NULL: the loop has not made it yet; under the lock */
  struct th_queue early;      /* what was sent before; under the lock */
  struct th_map forwards;     /* by number: who is told of its end; under the lock */
  struct th_actor *account;   /* fixed, as is the next */
  struct th_pressure *pressure;
  struct th_task begin;         /* makes the session */
  pthread_mutex_t waiting_lock; /* the number told last is the last; under it, is_over */
  bool is_over;                 /* the account may be another's */
};

struct peer *th_peer_ref(struct peer *peer);
void th_peer_unref(struct peer *peer);

/* Under the lock: the peer that an address belongs to, made where there is none; *is_new: its session
 * is to be begun, by a post after the lock is released. NULL when there can be none. */
struct peer *th_peer_obtain(struct th_peers *peers, const struct th_address *address, bool *is_new);

/* Loop: makes the session of a peer that has none, towards other. */
void th_peer_begin(struct peer *peer, const struct th_address *other);

/* Loop: after the last session, or search, that a close waits for. */
void th_peers_end_if_empty(struct th_peers *peers);

/* ---- telling: any thread ---- */

/* A message of the runtime's own, from the admin, with what the buffer holds. */
void th_peers_tell(struct th_peers *peers, enum th_kind kind, const struct th_address *target,
                   const struct th_buffer *buffer);

/* To the admin: there is a session with that system; place is where it was sought, or NULL. */
void th_peers_tell_met(struct th_peers *peers, const struct th_address *admin,
                       const struct th_address *place);

/* To the admin: there is none, or no more. */
void th_peers_tell_parted(struct th_peers *peers, const struct th_address *admin,
                          const struct th_address *place, enum th_session_end end,
                          const char *words);

/* To the admin: whether that system can be connected to is not in its address; a leader has it connect
 * to us where it cannot. */
void th_peers_tell_call(struct th_peers *peers, uint64_t identity);

/* To a forward: the session that it depends on has ended. */
void th_peers_tell_lost(struct th_peers *peers, uint64_t forward, enum th_session_end end);

#endif
