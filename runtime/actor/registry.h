/* registry: every actor slot of a system, found by number without a lock.
 *
 * A number is a slot's index in its low 24 bits and the count of its earlier tenants above: so
 * numbers are never used again, and finding is two loads. Slots stand in chunks that are made when
 * needed and stay until the registry is freed. Index 0 is never given out, so the first number is
 * 1.
 *
 * Threads: find, number of chunks and each any; reserve and release any, under the registry's own
 * lock, which guards the free list and the making of chunks. Owns: all slots.
 */
#ifndef TH_ACTOR_REGISTRY_H
#define TH_ACTOR_REGISTRY_H

#include "actor/actor.h"

struct th_registry;

struct th_registry *th_registry_new(struct th_world *world);

/* No turn runs any more. Clears and releases every slot. */
void th_registry_free(struct th_registry *registry);

/* The slot that number names, whoever lives there now; NULL when there is no such slot. */
struct th_actor *th_registry_find(struct th_registry *registry, uint64_t number);

/* Gives a free slot, already under its new tenant's number; the caller pushes the birth before it
 * tells anyone. NULL when all 16 million are taken. */
struct th_actor *th_registry_reserve(struct th_registry *registry, bool is_guest, uint64_t *number);

/* The tenant is gone. */
void th_registry_release(struct th_registry *registry, struct th_actor *actor);

/* Calls each for every slot ever made, free ones too, until it gives false. */
void th_registry_each(struct th_registry *registry, bool (*each)(void *context, struct th_actor *),
                      void *context);

#endif
