/* peers: the other systems that this one exchanges messages with.
 *
 * Each peer is a session (transport/session.h). It comes to be when something is sent there, when it
 * connects, or when the convention seeks it; it is gone when its session ends. Then all that depended
 * on it is told, once: forwards (their actors are lost), actors that run here for it (they are asked
 * to exit), the admin (PARTED). What it had not acknowledged are dead letters.
 *
 * A peer has a slot of the registry to its account, where nobody lives: what the peer has not
 * acknowledged counts as waiting in its mailbox, so who sends more than the peer takes is held as by
 * any actor (actor/hold.h).
 *
 * Threads: as each function says. The lock guards the tables, and is released before any call out.
 * Owns: sessions.
 */
#ifndef TH_SYSTEM_PEERS_H
#define TH_SYSTEM_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/link.h"
#include "transport/session.h"

struct th_actor;
struct th_peers;
struct th_system;

/* empty is called on the loop when the last session has ended after th_peers_close. */
struct th_peers *th_peers_new(struct th_system *system, struct th_loop *loop, struct th_wire *wire,
                              void (*empty)(void *context), void *context);

/* Before anything else, once the system knows its place. */
void th_peers_start(struct th_peers *peers);

/* No thread is left. NULL is fine. */
void th_peers_free(struct th_peers *peers);

/* Loop: a link's hello of role TH_ROLE_SYSTEM. 0: its channel is taken. Else refuse with reason. */
int th_peers_hello(struct th_peers *peers, struct th_link *link, const struct th_hello *hello,
                   struct th_reason *reason);

/* Any thread: sees to it that there is a session with that system, or, where place has no identity,
 * with who is at that place. The admin is told MET, at once where there is one already, or PARTED. */
void th_peers_meet(struct th_peers *peers, const struct th_address *place);

/* Any thread: takes a message for another system's address; gives the slot on whose account the sender
 * should be held, or NULL. */
struct th_actor *th_peers_send(struct th_peers *peers, struct th_message *message);

/* The same to the system whose admin is host, whatever the target. */
struct th_actor *th_peers_carry(struct th_peers *peers, const struct th_address *host,
                                struct th_message *message);

/* Any thread: whether who sends to that system would be held; the answer is of a moment ago. */
bool th_peers_is_full(struct th_peers *peers, const struct th_address *host);

/* Turn of a forward: from now on it is told LOST when the session with host ends; false when there
 * cannot be one. Once for each true: forget. */
bool th_peers_depend(struct th_peers *peers, const struct th_address *host, uint64_t forward);
void th_peers_forget(struct th_peers *peers, const struct th_address *host, uint64_t forward);

/* Any thread: messages that left by sessions, and those of them that came back. */
void th_peers_counts(const struct th_peers *peers, uint64_t *carried, uint64_t *returned);

/* Any thread: appends the array of peers of a status (message/protocol.h). */
void th_peers_pack(struct th_peers *peers, struct th_buffer *buffer);

/* Loop: takes no more, and ends all sessions once what waits is acknowledged, within a moment. */
void th_peers_close(struct th_peers *peers);

/* Loop: true when no session is left. */
bool th_peers_are_gone(const struct th_peers *peers);

#endif
