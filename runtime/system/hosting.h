/* hosting: the actors that live here for other systems.
 *
 * An actor whose creator lives on another system has an address of that system, where a forward
 * stands for it; here it has an alias, by which senders reach it. Until the forward has sent on all
 * that came to it before (OPEN), they wait, so the order of each sender's messages is kept; but for
 * replies, and what the actor sends to itself. An actor with a global name lives under an address of
 * this system, and has no alias; it may have forwards on several.
 *
 * Every forward is told once that its actor is gone, unless its system is lost.
 *
 * Threads: any, unless a function says otherwise. The lock guards the tables; under it messages are
 * pushed to mailboxes here, and nothing else is called. Owns: what waits at aliases.
 */
#ifndef TH_SYSTEM_HOSTING_H
#define TH_SYSTEM_HOSTING_H

#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

struct th_actor;
struct th_hosting;
struct th_system;

struct th_hosting *th_hosting_new(struct th_system *system);
/* Frees what waits. NULL is fine. */
void th_hosting_free(struct th_hosting *hosting);

/* number, a slot here whose birth is not pushed yet or an actor with a global name, runs for
 * forward. */
void th_hosting_add(struct th_hosting *hosting, const struct th_address *forward, uint64_t number,
                    bool has_alias);

/* How many forwards elsewhere have their actors here. */
size_t th_hosting_count(const struct th_hosting *hosting);

/* The number of the actor that is called by that address here; 0 for none. */
uint64_t th_hosting_find(struct th_hosting *hosting, const struct th_address *address);

/* The alias of the actor with that number; nobody where it has none. */
struct th_address th_hosting_alias(struct th_hosting *hosting, uint64_t number);

/* True: the message's target has an alias here, and the message was taken; *full is then the slot
 * for which the sender should be held, or NULL. from_forward: what comes from the actor's own forward
 * does not wait for it. */
bool th_hosting_send(struct th_hosting *hosting, struct th_message *message, bool from_forward,
                     struct th_actor **full);

/* All that the forward had got before has been sent on. */
void th_hosting_open(struct th_hosting *hosting, const struct th_address *address);

/* Turn of the actor: it is no more. Its forwards are told GONE with reason. */
void th_hosting_drop(struct th_hosting *hosting, uint64_t number, const char *reason);

/* Turn of the actor: it could not start here, and its forward, which knows, may find it another place.
 * What has waited here goes back there, in its order. */
void th_hosting_return(struct th_hosting *hosting, uint64_t number);

/* That system is lost: nobody there is told anything, and those who are called by its addresses are
 * asked to exit; they keep their aliases, by which their children know them. */
void th_hosting_lose(struct th_hosting *hosting, uint64_t identity);

#endif
