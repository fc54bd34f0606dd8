#include "actor/timers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

struct entry {
  uint64_t due;
  uint64_t order;
  struct th_message *message;
};

/* A heap up to this size is not worth a look for those who are gone. */
#define SMALL 1024

struct th_timers {
  th_timers_is_gone *is_gone;
  void *context;
  pthread_mutex_t lock;
  struct entry *heap; /* children of i are 2i+1 and 2i+2; none is before its parent */
  size_t count;
  size_t capacity;
  uint64_t asked;
};

struct th_timers *th_timers_new(th_timers_is_gone *is_gone, void *context) {
  struct th_timers *timers = th_new(struct th_timers);
  timers->is_gone = is_gone;
  timers->context = context;
  pthread_mutex_init(&timers->lock, NULL);
  return timers;
}

void th_timers_free(struct th_timers *timers) {
  for (size_t i = 0; i < timers->count; i++) th_message_free(timers->heap[i].message);
  pthread_mutex_destroy(&timers->lock);
  free(timers->heap);
  free(timers);
}

static bool is_before(const struct entry *one, const struct entry *other) {
  return one->due != other->due ? one->due < other->due : one->order < other->order;
}

static void rise(struct th_timers *timers, size_t at, struct entry entry) {
  while (at > 0 && is_before(&entry, &timers->heap[(at - 1) / 2])) {
    timers->heap[at] = timers->heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  timers->heap[at] = entry;
}

static void sink(struct th_timers *timers, size_t at, struct entry entry) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child + 1 < timers->count && is_before(&timers->heap[child + 1], &timers->heap[child]))
      child++;
    if (child >= timers->count || is_before(&entry, &timers->heap[child])) break;
    timers->heap[at] = timers->heap[child];
    at = child;
  }
  timers->heap[at] = entry;
}

static void drop_gone(struct th_timers *timers) {
  size_t kept = 0;
  for (size_t i = 0; i < timers->count; i++) {
    if (timers->is_gone(timers->context, timers->heap[i].message))
      th_message_free(timers->heap[i].message);
    else
      timers->heap[kept++] = timers->heap[i];
  }
  timers->count = kept;
  for (size_t at = kept / 2; at-- > 0;) sink(timers, at, timers->heap[at]);
}

/* Doubling only where half of the places are taken by the living, a look costs each addition
 * little. */
static void make_room(struct th_timers *timers) {
  if (timers->capacity >= SMALL && timers->is_gone != NULL) drop_gone(timers);
  if (timers->count <= timers->capacity / 2 && timers->capacity > 0) return;
  timers->capacity = timers->capacity > 0 ? timers->capacity * 2 : 16;
  timers->heap = th_realloc(timers->heap, timers->capacity * sizeof *timers->heap);
}

bool th_timers_add(struct th_timers *timers, uint64_t due, struct th_message *message) {
  pthread_mutex_lock(&timers->lock);
  if (timers->count == timers->capacity) make_room(timers);
  rise(timers, timers->count++, (struct entry){due, timers->asked++, message});
  bool is_first = timers->heap[0].message == message;
  pthread_mutex_unlock(&timers->lock);
  return is_first;
}

struct th_message *th_timers_pop(struct th_timers *timers, uint64_t now) {
  struct th_message *message = NULL;
  pthread_mutex_lock(&timers->lock);
  if (timers->count > 0 && timers->heap[0].due <= now) {
    message = timers->heap[0].message;
    struct entry last = timers->heap[--timers->count];
    if (timers->count > 0) sink(timers, 0, last);
  }
  pthread_mutex_unlock(&timers->lock);
  return message;
}

size_t th_timers_count(struct th_timers *timers, const struct th_address *target) {
  size_t count = 0;
  pthread_mutex_lock(&timers->lock);
  if (target == NULL) count = timers->count;
  for (size_t i = 0; target != NULL && i < timers->count; i++)
    count += th_address_equal(&timers->heap[i].message->target, target);
  pthread_mutex_unlock(&timers->lock);
  return count;
}

uint64_t th_timers_next(struct th_timers *timers) {
  pthread_mutex_lock(&timers->lock);
  uint64_t due = timers->count > 0 ? timers->heap[0].due : TH_FOREVER;
  pthread_mutex_unlock(&timers->lock);
  return due;
}
