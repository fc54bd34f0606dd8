/* gate: where programs outside come in.
 *
 * Listens on the base's wire. Each connection that says hello becomes an endpoint: what it sends
 * goes to the router under the endpoint's address, what the endpoint receives goes out by the link.
 *
 * Who sends faster than others take is held back on both sides of the gate. A program whose message
 * finds a mailbox full is not read from until there is room, or for a second (actor/hold.h); and
 * what waits for a program that does not read counts as waiting in its endpoint's mailbox.
 *
 * Its loop is turned by the scheduler's threads, where they have nothing else to do; where the
 * system is cranked, by who cranks.
 *
 * Threads: open, turn and free by the system's owner; the rest loop. Owns: the loop.
 */
#ifndef TH_SYSTEM_GATE_H
#define TH_SYSTEM_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "transport/wire.h"

struct th_gate;
struct th_system;

/* Listens on ip:port (0 takes a free one); nobody is welcomed before the scheduler starts. Where
 * that fails the gate is good for nothing but the end of the process. */
int th_gate_open(struct th_gate **gate, struct th_system *system, enum th_carrier carrier,
                 uint32_t ip, uint16_t port);

/* Where the system is cranked: turns the loop on the calling one until the time until; a time that
 * is past turns it once, without waiting. */
void th_gate_turn(struct th_gate *gate, uint64_t until);

uint16_t th_gate_port(const struct th_gate *gate);

/* Any thread, until th_gate_free: what got lost on the wire, and what came that was not for us. */
void th_gate_counts(const struct th_gate *gate, struct th_wire_counts *counts);

/* From now on welcomes nobody. */
void th_gate_shut(struct th_gate *gate);

/* Closes what is open after it has written what waits; releases. The scheduler has stopped. */
void th_gate_free(struct th_gate *gate);

#endif
