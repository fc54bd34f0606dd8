#include "admin/capability.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/pack.h"

struct th_capabilities {
  pthread_mutex_t lock;
  struct th_bytes *map;
};

static bool is_map(const void *map, size_t size) {
  struct th_unpack reader;
  size_t item_size;
  th_unpack_init(&reader, map, size);
  th_unpack_map(&reader);
  if (reader.error != 0) return false;
  th_unpack_init(&reader, map, size);
  th_unpack_skip(&reader, &item_size);
  return reader.error == 0 && reader.at == reader.end;
}

struct th_capabilities *th_capabilities_new(const void *map, size_t size) {
  if (!is_map(map, size)) return NULL;
  struct th_capabilities *capabilities = th_new(struct th_capabilities);
  pthread_mutex_init(&capabilities->lock, NULL);
  capabilities->map = th_bytes_copy(map, size);
  return capabilities;
}

void th_capabilities_free(struct th_capabilities *capabilities) {
  if (capabilities == NULL) return;
  th_bytes_unref(capabilities->map);
  pthread_mutex_destroy(&capabilities->lock);
  free(capabilities);
}

struct th_bytes *th_capabilities_get(struct th_capabilities *capabilities) {
  pthread_mutex_lock(&capabilities->lock);
  struct th_bytes *map = th_bytes_ref(capabilities->map);
  pthread_mutex_unlock(&capabilities->lock);
  return map;
}

/* Reads the next pair of a map: its key, NULL when that is no text, and its packed value. */
static const char *next_pair(struct th_unpack *reader, size_t *key_size,
                             const unsigned char **value, size_t *size) {
  struct th_item key;
  bool is_text = th_unpack_next(reader, &key) && key.type == TH_ITEM_STR;
  *value = th_unpack_skip(reader, size);
  *key_size = key.size;
  return is_text ? (const char *)key.data : NULL;
}

static bool is_same(const char *one, size_t one_size, const char *other, size_t other_size) {
  return one != NULL && one_size == other_size && memcmp(one, other, one_size) == 0;
}

static const unsigned char *find(const void *map, size_t map_size, const char *name,
                                 size_t name_size, size_t *size) {
  struct th_unpack reader;
  th_unpack_init(&reader, map, map_size);
  for (uint32_t left = th_unpack_map(&reader); left > 0 && reader.error == 0; left--) {
    const unsigned char *value;
    size_t key_size;
    const char *key = next_pair(&reader, &key_size, &value, size);
    if (reader.error == 0 && is_same(key, key_size, name, name_size)) return value;
  }
  return NULL;
}

const unsigned char *th_capability_find(const void *map, size_t map_size, const char *name,
                                        size_t *size) {
  return find(map, map_size, name, strlen(name), size);
}

/* Appends a copy of map in which name has value. */
static void write_changed(struct th_buffer *buffer, const struct th_bytes *map, const char *name,
                          size_t name_size, const void *value, size_t size) {
  struct th_unpack reader;
  struct th_buffer pairs;
  uint32_t count = 0;
  th_buffer_init(&pairs);
  th_unpack_init(&reader, map->data, map->size);
  for (uint32_t left = th_unpack_map(&reader); left > 0; left--) {
    const unsigned char *begin = reader.at, *old;
    size_t key_size, old_size;
    const char *key = next_pair(&reader, &key_size, &old, &old_size);
    if (is_same(key, key_size, name, name_size)) continue;
    th_pack_raw(&pairs, begin, (size_t)(reader.at - begin));
    count++;
  }
  if (value != NULL) {
    th_pack_str(&pairs, name, name_size);
    th_pack_raw(&pairs, value, size);
    count++;
  }
  th_pack_map(buffer, count);
  th_pack_raw(buffer, pairs.data, pairs.size);
  th_buffer_clear(&pairs);
}

bool th_capabilities_set(struct th_capabilities *capabilities, const char *name, size_t name_size,
                         const void *value, size_t size) {
  struct th_buffer buffer;
  size_t old_size = 0;
  bool is_nil = value == NULL || (size == 1 && *(const unsigned char *)value == 0xc0);
  th_buffer_init(&buffer);
  pthread_mutex_lock(&capabilities->lock);
  struct th_bytes *map = capabilities->map;
  const unsigned char *old = find(map->data, map->size, name, name_size, &old_size);
  bool is_changed = is_nil ? old != NULL
                           : old == NULL || old_size != size || memcmp(old, value, size) != 0;
  if (is_changed) {
    write_changed(&buffer, map, name, name_size, is_nil ? NULL : value, size);
    capabilities->map = th_bytes_copy(buffer.data, buffer.size);
    th_bytes_unref(map);
  }
  pthread_mutex_unlock(&capabilities->lock);
  th_buffer_clear(&buffer);
  return is_changed;
}

void th_capability_text(const void *map, size_t map_size, const char *name, const char *fallback,
                        char *out, size_t out_size) {
  size_t size = 0;
  struct th_unpack reader;
  struct th_item item;
  const unsigned char *value = th_capability_find(map, map_size, name, &size);
  th_unpack_init(&reader, value, value != NULL ? size : 0);
  if (value != NULL && th_unpack_next(&reader, &item) && item.type == TH_ITEM_STR)
    snprintf(out, out_size, "%.*s", (int)item.size, (const char *)item.data);
  else
    snprintf(out, out_size, "%s", fallback);
}

int64_t th_capability_int(const void *map, size_t map_size, const char *name, int64_t fallback) {
  size_t size = 0;
  struct th_unpack reader;
  struct th_item item;
  const unsigned char *value = th_capability_find(map, map_size, name, &size);
  if (value == NULL) return fallback;
  th_unpack_init(&reader, value, size);
  if (!th_unpack_next(&reader, &item)) return fallback;
  if (item.type == TH_ITEM_REAL && item.real == (double)(int64_t)item.real)
    return (int64_t)item.real;
  return item.type == TH_ITEM_INT ? item.integer : fallback;
}
