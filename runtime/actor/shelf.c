#include "actor/shelf.h"

#include <stdlib.h>

#include "base/memory.h"

static void tell_counts(struct th_shelf *shelf) {
  atomic_store_explicit(&shelf->waiting_count, shelf->waiting.count, memory_order_relaxed);
  atomic_store_explicit(&shelf->lent_count, shelf->lent.count, memory_order_relaxed);
}

uint64_t th_shelf_put(struct th_shelf *shelf, struct th_message *message) {
  th_map_put(&shelf->waiting, ++shelf->last, message);
  tell_counts(shelf);
  return shelf->last;
}

const struct th_message *th_shelf_find(const struct th_shelf *shelf, uint64_t number) {
  const struct th_message *message = th_map_find(&shelf->waiting, number);
  return message != NULL ? message : th_map_find(&shelf->lent, number);
}

static struct th_message *take(struct th_shelf *shelf, uint64_t number) {
  struct th_message *message = th_map_remove(&shelf->waiting, number);
  return message != NULL ? message : th_map_remove(&shelf->lent, number);
}

struct th_message *th_shelf_take(struct th_shelf *shelf, uint64_t number) {
  struct th_message *message = take(shelf, number);
  tell_counts(shelf);
  return message;
}

void th_shelf_lend(struct th_shelf *shelf, uint64_t number, bool is_lent) {
  struct th_message *message = take(shelf, number);
  if (message != NULL) th_map_put(is_lent ? &shelf->lent : &shelf->waiting, number, message);
  tell_counts(shelf);
}

static int compare(const void *one, const void *other) {
  uint64_t first = ((const struct th_map_slot *)one)->hash;
  uint64_t second = ((const struct th_map_slot *)other)->hash;
  return (first > second) - (first < second);
}

struct th_queue th_shelf_drain(struct th_shelf *shelf, bool is_lent) {
  struct th_map *map = is_lent ? &shelf->lent : &shelf->waiting;
  struct th_queue queue = {NULL, NULL};
  struct th_map_slot *slot, *slots = th_alloc((map->count + 1) * sizeof *slots);
  size_t cursor = 0, count = 0;
  while ((slot = th_map_next(map, &cursor)) != NULL) slots[count++] = *slot;
  qsort(slots, count, sizeof *slots, compare);
  for (size_t i = 0; i < count; i++) th_queue_push(&queue, slots[i].value);
  free(slots);
  th_map_clear(map);
  tell_counts(shelf);
  return queue;
}

static void free_all(struct th_map *map) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(map, &cursor)) != NULL) th_message_free(slot->value);
  th_map_clear(map);
}

void th_shelf_clear(struct th_shelf *shelf) {
  free_all(&shelf->waiting);
  free_all(&shelf->lent);
  tell_counts(shelf);
}
