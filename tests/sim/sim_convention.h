/* sim_convention: what simulated systems hear of each other, and what is true.
 *
 * Each host's own endpoint listens for systems that come and go. It hears of each identity by turns:
 * added, removed; added again without being removed only with other capabilities. Some time after
 * the last fault everybody is where he belongs: each leader that is up knows each other system that
 * is up as its member, each system knows each leader, with its last capabilities, and all agree on
 * the leader that counts, which is the first of the list that is up.
 *
 * Threads: one. Owns: what each host has heard.
 */
#ifndef SIM_CONVENTION_H
#define SIM_CONVENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/map.h"
#include "message/message.h"

struct sim_host;
struct sim_world;

/* The systems that are there as one host has heard, since it listens. */
struct sim_hearsay {
  struct th_map there; /* by identity: a hash of capabilities */
};

void sim_hearsay_init(struct sim_hearsay *hearsay);
void sim_hearsay_clear(struct sim_hearsay *hearsay);

/* Draws whether there is a convention, its leaders, its members' kinds and its times. */
void sim_convention_draw(struct sim_world *world);

/* Appends the capabilities that make a host part of it, and says how many these are. */
unsigned sim_convention_pack(const struct sim_host *host, struct th_buffer *map);

/* A message of kind TH_KIND_SYSTEM to the host's endpoint: heard of a system. */
void sim_convention_hear(struct sim_host *host, const struct th_message *message);

/* Whether host and leader take each other for what they are. */
bool sim_convention_is_member(const struct sim_host *host, const struct sim_host *leader);

/* How long after the last fault all must agree; and that they do. */
uint64_t sim_convention_time(const struct sim_world *world);
void sim_convention_check(struct sim_world *world);

#endif
