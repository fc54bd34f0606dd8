/* peers: the other systems that this one exchanges messages with.
 *
 * Each peer is a session (transport/session.h) and a slot: an actor of the runtime's own to whose
 * mailbox the router pushes what is for that system. So a peer that takes too little holds its
 * senders as any actor does. A peer comes to be when something is sent there, when it connects, or
 * when the convention seeks it; it is gone when its session ends. Then all that depended on it is
 * told, once: forwards (their actors are lost), actors that ran here for it (they are asked to
 * exit), the admin (PARTED). What it had not acknowledged are dead letters.
 *
 * An actor that lives here under an address of its creator's system has an alias. Senders here
 * reach it by the alias; until the forward has sent on all that came to it before (OPEN), they wait,
 * so order is kept.
 *
 * Threads: find, alias and hosting functions any; the sessions loop. The lock guards the tables and
 * is released before any call out. Owns: sessions, slots' states, what waits at aliases.
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

struct th_peers *th_peers_new(struct th_system *system, struct th_loop *loop, struct th_wire *wire);

/* Loop: a link's hello of role TH_ROLE_SYSTEM. 0: the link's channel is taken. Else refuse with it. */
int th_peers_hello(struct th_peers *peers, struct th_link *link, const struct th_hello *hello,
                   struct th_reason *reason);

/* Any thread: sees to it that there is a session with who is at that place, or has that identity.
 * The admin is told MET when there is, at once where there is one already; PARTED when it ends. */
void th_peers_meet(struct th_peers *peers, const struct th_address *place);

/* Any thread: takes a message for another system's actor; gives the slot on whose account the sender
 * should be held, or NULL. */
struct th_actor *th_peers_send(struct th_peers *peers, struct th_message *message);

/* Loop: ends all sessions, after what waits has been acknowledged, for a moment at most. */
void th_peers_close(struct th_peers *peers);

/* Loop: true when none is left. */
bool th_peers_are_gone(const struct th_peers *peers);

/* No thread is left. */
void th_peers_free(struct th_peers *peers);

#endif
