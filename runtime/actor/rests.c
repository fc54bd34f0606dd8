#include "actor/rests.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

#define LEAST 64

struct place {
  uint64_t number, taken, due;
};

/* A ring: from first on count places are taken. */
struct th_rests {
  pthread_mutex_t lock;
  struct place *ring;
  size_t room, first, count;
};

struct th_rests *th_rests_new(void) {
  struct th_rests *rests = th_new(struct th_rests);
  pthread_mutex_init(&rests->lock, NULL);
  rests->room = LEAST;
  rests->ring = th_alloc(rests->room * sizeof *rests->ring);
  return rests;
}

void th_rests_free(struct th_rests *rests) {
  pthread_mutex_destroy(&rests->lock);
  free(rests->ring);
  free(rests);
}

/* The caller holds the lock. */
static void move(struct th_rests *rests, size_t room) {
  struct place *ring = th_alloc(room * sizeof *ring);
  for (size_t i = 0; i < rests->count; i++) ring[i] = rests->ring[(rests->first + i) % rests->room];
  free(rests->ring);
  rests->ring = ring;
  rests->room = room;
  rests->first = 0;
}

bool th_rests_add(struct th_rests *rests, uint64_t number, uint64_t taken, uint64_t now) {
  struct place place = {.number = number, .taken = taken, .due = now + TH_RESTS_WHILE};
  pthread_mutex_lock(&rests->lock);
  if (rests->count == rests->room) move(rests, 2 * rests->room);
  rests->ring[(rests->first + rests->count) % rests->room] = place;
  bool is_only = ++rests->count == 1;
  pthread_mutex_unlock(&rests->lock);
  return is_only;
}

bool th_rests_take(struct th_rests *rests, uint64_t now, uint64_t *number, uint64_t *taken) {
  pthread_mutex_lock(&rests->lock);
  const struct place *place = &rests->ring[rests->first];
  bool is_due = rests->count > 0 && place->due <= now;
  if (is_due) {
    *number = place->number;
    *taken = place->taken;
    rests->first = (rests->first + 1) % rests->room;
    rests->count--;
    if (rests->room > LEAST && rests->count < rests->room / 4) move(rests, rests->room / 2);
  }
  pthread_mutex_unlock(&rests->lock);
  return is_due;
}

uint64_t th_rests_next(struct th_rests *rests) {
  pthread_mutex_lock(&rests->lock);
  uint64_t due = rests->count > 0 ? rests->ring[rests->first].due : TH_FOREVER;
  pthread_mutex_unlock(&rests->lock);
  return due;
}
