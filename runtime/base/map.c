#include "base/map.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/random.h"

#define SMALLEST_CAPACITY 8

/* An emptied table larger than this is given back. */
#define KEPT_CAPACITY 64

void th_map_init(struct th_map *map) {
  *map = (struct th_map){0};
}

void th_map_clear(struct th_map *map) {
  for (size_t i = 0; i < map->capacity; i++) free(map->slots[i].text);
  free(map->slots);
  th_map_init(map);
}

static uint64_t rotate(uint64_t word, int bits) {
  return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[4]) {
  v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
  v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 of Aumasson and Bernstein. */
static uint64_t hash_text(const struct th_map *map, const char *text, size_t size) {
  uint64_t v[4] = {map->secret[0] ^ 0x736f6d6570736575, map->secret[1] ^ 0x646f72616e646f6d,
                   map->secret[0] ^ 0x6c7967656e657261, map->secret[1] ^ 0x7465646279746573};
  uint64_t word;
  size_t left = size;
  for (; left >= sizeof word; left -= sizeof word, text += sizeof word) {
    memcpy(&word, text, sizeof word);
    word = le64toh(word);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
  }
  word = (uint64_t)size << 56;
  for (size_t i = 0; i < left; i++) word |= (uint64_t)(unsigned char)text[i] << (8 * i);
  v[3] ^= word;
  sip_round(v);
  v[0] ^= word;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++) sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Where an entry belongs. Numbers are neighbours as often as not, and may be chosen by a stranger,
 * so they are stirred with the secret; the multiplier is odd, and the better bits are on top. */
static size_t home_of(const struct th_map *map, uint64_t hash) {
  uint64_t word = (hash ^ map->secret[0]) * UINT64_C(0x9e3779b97f4a7c15);
  word = (word ^ word >> 32 ^ map->secret[1]) * UINT64_C(0xd6e8feb86659fd93);
  return (size_t)(word ^ word >> 32) & (map->capacity - 1);
}

static bool holds(const struct th_map_slot *slot, uint64_t hash, const char *text, size_t size) {
  if (slot->hash != hash || slot->size != size) return false;
  return size == 0 || memcmp(slot->text, text, size) == 0;
}

/* The slot that holds the key, or the free one where it would go. Needs slots, and some of
 * them free. */
static struct th_map_slot *seek(const struct th_map *map, uint64_t hash, const char *text,
                                size_t size) {
  size_t i = home_of(map, hash);
  while (map->slots[i].value != NULL && !holds(&map->slots[i], hash, text, size))
    i = (i + 1) & (map->capacity - 1);
  return &map->slots[i];
}

static void draw_secret(struct th_map *map) {
  if (th_random_bytes(map->secret, sizeof map->secret) == 0) return;
  /* A kernel without the call: better a weak secret than none. */
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  map->secret[0] = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15);
  map->secret[1] = (uint64_t)(uintptr_t)map ^ (uint64_t)now.tv_sec << 32;
}

static void resize(struct th_map *map, size_t capacity) {
  struct th_map old = *map;
  map->slots = th_alloc_zeroed(capacity, sizeof *map->slots);
  map->capacity = capacity;
  for (size_t i = 0; i < old.capacity; i++) {
    const struct th_map_slot *slot = &old.slots[i];
    if (slot->value != NULL) *seek(map, slot->hash, slot->text, slot->size) = *slot;
  }
  free(old.slots);
}

/* Makes sure that one more may come and still leave a third of the slots free. */
static void make_room(struct th_map *map) {
  if (map->capacity == 0) {
    resize(map, SMALLEST_CAPACITY);
  } else if ((map->count + 1) * 3 > map->capacity * 2) {
    resize(map, map->capacity * 2);
  }
}

/* Empties a slot: each later entry of the run whose home is not behind the gap moves into it, and
 * leaves the gap where it was. */
static void close_gap(struct th_map *map, size_t gap) {
  size_t mask = map->capacity - 1;
  for (size_t i = (gap + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
    size_t home = home_of(map, map->slots[i].hash);
    if (((i - home) & mask) < ((i - gap) & mask)) continue;
    map->slots[gap] = map->slots[i];
    gap = i;
  }
  map->slots[gap] = (struct th_map_slot){0};
}

static void *find(const struct th_map *map, uint64_t hash, const char *text, size_t size) {
  return map->count == 0 ? NULL : seek(map, hash, text, size)->value;
}

static void *take_out(struct th_map *map, uint64_t hash, const char *text, size_t size) {
  if (map->count == 0) return NULL;
  struct th_map_slot *slot = seek(map, hash, text, size);
  void *value = slot->value;
  if (value == NULL) return NULL;
  free(slot->text);
  close_gap(map, (size_t)(slot - map->slots));
  if (--map->count == 0 && map->capacity > KEPT_CAPACITY) th_map_clear(map);
  return value;
}

void *th_map_find(const struct th_map *map, uint64_t key) {
  return find(map, key, NULL, 0);
}

/* Puts value under a key; a new one is given the slot, and the caller completes it. Replacing moves
 * no entry, so it is allowed while walking. */
static struct th_map_slot *put(struct th_map *map, uint64_t hash, const char *text, size_t size,
                               void *value, void **old) {
  assert(value != NULL);
  struct th_map_slot *slot = map->count != 0 ? seek(map, hash, text, size) : NULL;
  *old = slot != NULL ? slot->value : NULL;
  if (*old == NULL) {
    make_room(map);
    slot = seek(map, hash, text, size);
    *slot = (struct th_map_slot){.hash = hash, .size = size};
    map->count++;
  }
  slot->value = value;
  return slot;
}

void *th_map_put(struct th_map *map, uint64_t key, void *value) {
  void *old;
  if (map->capacity == 0) draw_secret(map);
  (void)put(map, key, NULL, 0, value, &old);
  return old;
}

void *th_map_remove(struct th_map *map, uint64_t key) {
  return take_out(map, key, NULL, 0);
}

void *th_map_find_text(const struct th_map *map, const char *text, size_t size) {
  return find(map, hash_text(map, text, size), text, size);
}

static char *copy_text(const char *text, size_t size) {
  char *copy = th_alloc(size + 1);
  if (size != 0) memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

void *th_map_put_text(struct th_map *map, const char *text, size_t size, void *value) {
  void *old;
  if (map->capacity == 0) draw_secret(map);
  struct th_map_slot *slot = put(map, hash_text(map, text, size), text, size, value, &old);
  if (old == NULL) slot->text = copy_text(text, size);
  return old;
}

void *th_map_remove_text(struct th_map *map, const char *text, size_t size) {
  return take_out(map, hash_text(map, text, size), text, size);
}

_Static_assert(sizeof(size_t) == 8, "the cursor of a walk holds two slot numbers of 32 bits");

/* The walk goes downwards from a free slot round to it again. Removing moves entries downwards
 * within a run of used slots, and so only ones that were seen already; the free slot stays free.
 * The cursor holds that slot in its upper half and the steps taken in its lower. */
struct th_map_slot *th_map_next(const struct th_map *map, size_t *cursor) {
  if (map->count == 0) return NULL;
  size_t start = *cursor >> 32;
  size_t steps = *cursor & UINT32_MAX;
  if (*cursor == 0) {
    while (map->slots[start].value != NULL) start++;
  }
  while (++steps < map->capacity) {
    struct th_map_slot *slot = &map->slots[(start - steps) & (map->capacity - 1)];
    if (slot->value == NULL) continue;
    *cursor = start << 32 | steps;
    return slot;
  }
  *cursor = start << 32 | (map->capacity - 1);
  return NULL;
}
