/* pressure: what makes senders on one system wait for a full mailbox on another.
 *
 * When a message from elsewhere finds a mailbox full, the sender's system is told FULL, and ROOM as
 * soon as the mailbox is half empty. In between it holds whoever sends to that actor, each for a
 * second at most (actor/hold.h), and nobody else: the stream between the systems flows on.
 *
 * On the sender's side each full mailbox has a slot of the registry to its account, where nobody
 * lives, and whose mailbox counts as full.
 *
 * Threads: th_pressure_of any; the rest loop. Owns: accounts and holds.
 */
#ifndef TH_SYSTEM_PRESSURE_H
#define TH_SYSTEM_PRESSURE_H

#include <stdbool.h>

#include "message/address.h"

struct th_actor;
struct th_loop;
struct th_pressure;
struct th_system;

/* One for each peer. tell sends FULL (is_full) or ROOM to it; context is kept by keep, and given back
 * by drop, as long as a task may still call. */
struct th_pressure_events {
  void (*tell)(void *context, const struct th_address *target, bool is_full);
  void (*keep)(void *context);
  void (*drop)(void *context);
};

struct th_pressure *th_pressure_new(struct th_system *system, struct th_loop *loop,
                                    const struct th_pressure_events *events, void *context);

/* The other system is gone: nobody is told anything more, nobody waits for it. */
void th_pressure_end(struct th_pressure *pressure);

/* After the end, when nobody uses it. */
void th_pressure_free(struct th_pressure *pressure);

/* A message from there for target has made full's mailbox full. */
void th_pressure_note(struct th_pressure *pressure, struct th_actor *full,
                      const struct th_address *target);

/* That system has said so of an actor there. */
void th_pressure_set(struct th_pressure *pressure, const struct th_address *target, bool is_full);

/* The slot for which who sends to target should be held; NULL: it has room. */
struct th_actor *th_pressure_of(struct th_pressure *pressure, const struct th_address *target);

#endif
