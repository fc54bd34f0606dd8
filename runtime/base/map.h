/* map: a hash table from 64-bit keys, or from byte strings, to pointers.
 *
 * Open addressing with linear probing: an entry stands at its home or after it with no free slot in
 * between, and removing moves later ones back, so lookups stay short. Byte-string keys are copied
 * and hashed with SipHash; that and the homes of number keys depend on a random key of the map's
 * own, since some keys come from outside. A map uses one of the two kinds of key throughout. Values
 * are not NULL. A map of all zeros is an empty one.
 *
 * Threads: its holder. Owns: copies of the keys, never the values.
 */
#ifndef TH_BASE_MAP_H
#define TH_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_map_slot {
  uint64_t hash; /* of the text, or the number itself */
  char *text;    /* NULL for number keys */
  size_t size;
  void *value; /* NULL: a free slot */
};

struct th_map {
  struct th_map_slot *slots;
  size_t capacity; /* 0 or a power of two */
  size_t count;
  uint64_t secret[2]; /* drawn with the first slots */
};

void th_map_init(struct th_map *map);
void th_map_clear(struct th_map *map);

/* Number keys. put replaces and gives the old value or NULL; remove gives the value or NULL. */
void *th_map_find(const struct th_map *map, uint64_t key);
void *th_map_put(struct th_map *map, uint64_t key, void *value);
void *th_map_remove(struct th_map *map, uint64_t key);

/* Text keys: any bytes. */
void *th_map_find_text(const struct th_map *map, const char *text, size_t size);
void *th_map_put_text(struct th_map *map, const char *text, size_t size, void *value);
void *th_map_remove_text(struct th_map *map, const char *text, size_t size);

/* Walks all entries, each once: *cursor starts at 0; NULL at the end. The entry just returned may
 * be removed or replaced before the next step; others may not, nor may any be added. */
struct th_map_slot *th_map_next(const struct th_map *map, size_t *cursor);

#endif
