#include "actor/registry.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

#define INDEX_BITS 24
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define CHUNK_BITS 8
#define CHUNK_SLOTS (1u << CHUNK_BITS)
#define CHUNKS (1u << (INDEX_BITS - CHUNK_BITS))

struct th_registry {
  struct th_world *world;
  pthread_mutex_t lock;
  struct th_actor *free;
  uint32_t chunk_count;
  _Atomic(struct th_actor *) chunks[CHUNKS];
};

struct th_registry *th_registry_new(struct th_world *world) {
  struct th_registry *registry = th_new(struct th_registry);
  registry->world = world;
  pthread_mutex_init(&registry->lock, NULL);
  return registry;
}

static bool clear_slot(void *context, struct th_actor *actor) {
  (void)context;
  th_actor_clear(actor);
  return true;
}

void th_registry_free(struct th_registry *registry) {
  /* Twice: the first time closes behaviours, whose last acts may send to slots that were
   * cleared. */
  th_registry_each(registry, clear_slot, NULL);
  th_registry_each(registry, clear_slot, NULL);
  for (uint32_t chunk = 0; chunk < registry->chunk_count; chunk++)
    free(atomic_load_explicit(&registry->chunks[chunk], memory_order_relaxed));
  pthread_mutex_destroy(&registry->lock);
  free(registry);
}

struct th_actor *th_registry_find(struct th_registry *registry, uint64_t number) {
  uint64_t index = number & INDEX_MASK;
  /* Acquire: pairs with the release in add_chunk; the slots are initialised. */
  struct th_actor *slots = atomic_load_explicit(&registry->chunks[index >> CHUNK_BITS],
                                                memory_order_acquire);
  return slots == NULL || index == 0 ? NULL : &slots[index & (CHUNK_SLOTS - 1)];
}

/* Last in, first out: the slot used last is warm still. The caller holds the lock. */
static void push_free(struct th_registry *registry, struct th_actor *actor) {
  actor->free_next = registry->free;
  registry->free = actor;
}

static void add_chunk(struct th_registry *registry) {
  uint32_t chunk = registry->chunk_count;
  if (chunk == CHUNKS) return;
  struct th_actor *slots = th_alloc_aligned(_Alignof(struct th_actor), CHUNK_SLOTS * sizeof *slots);
  for (uint32_t slot = CHUNK_SLOTS; slot-- > 0;) {
    uint64_t index = ((uint64_t)chunk << CHUNK_BITS) | slot;
    th_actor_init(&slots[slot], registry->world);
    slots[slot].next_number = index;
    if (index != 0) push_free(registry, &slots[slot]);
  }
  atomic_store_explicit(&registry->chunks[chunk], slots, memory_order_release);
  registry->chunk_count++;
}

struct th_actor *th_registry_reserve(struct th_registry *registry, bool is_guest,
                                     uint64_t *number) {
  pthread_mutex_lock(&registry->lock);
  if (registry->free == NULL) add_chunk(registry);
  struct th_actor *actor = registry->free;
  if (actor != NULL) registry->free = actor->free_next;
  pthread_mutex_unlock(&registry->lock);
  if (actor == NULL) return NULL;
  *number = actor->next_number;
  actor->next_number += UINT64_C(1) << INDEX_BITS;
  atomic_store_explicit(&actor->is_guest, is_guest, memory_order_relaxed);
  atomic_store_explicit(&actor->number, *number, memory_order_release);
  return actor;
}

void th_registry_release(struct th_registry *registry, struct th_actor *actor) {
  atomic_store_explicit(&actor->number, 0, memory_order_release);
  /* A slot whose numbers are used up is left out: a number is never given twice. */
  if (actor->next_number >> INDEX_BITS == 0) return;
  pthread_mutex_lock(&registry->lock);
  push_free(registry, actor);
  pthread_mutex_unlock(&registry->lock);
}

void th_registry_each(struct th_registry *registry, bool (*each)(void *context, struct th_actor *),
                      void *context) {
  pthread_mutex_lock(&registry->lock);
  uint32_t count = registry->chunk_count;
  pthread_mutex_unlock(&registry->lock);
  for (uint32_t chunk = 0; chunk < count; chunk++) {
    struct th_actor *slots = atomic_load_explicit(&registry->chunks[chunk], memory_order_acquire);
    for (uint32_t slot = 0; slot < CHUNK_SLOTS; slot++)
      if (!each(context, &slots[slot])) return;
  }
}
