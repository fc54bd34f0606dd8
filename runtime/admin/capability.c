#include "admin/capability.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/kept.h"
#include "message/pack.h"

#define NIL 0xc0 /* a packed nil, which is this one byte */

struct th_capabilities {
  pthread_mutex_t lock;
  struct th_bytes *map;
};

static bool is_map(const void *map, size_t size) {
  struct th_unpack reader;
  th_unpack_init(&reader, map, size);
  th_unpack_map(&reader);
  return reader.error == 0;
}

static const char *refuse_map(const void *map, size_t size) {
  bool shares;
  if (!is_map(map, size)) return "they are no table of values by name";
  if (size > TH_CAPABILITIES_SIZE) return "they are larger than 1 MiB";
  const char *refusal = th_kept_refuse_value(map, size, &shares);
  if (refusal == NULL && shares) refusal = "a table comes twice in them";
  return refusal;
}

struct th_capabilities *th_capabilities_new(const void *map, size_t size,
                                            struct th_reason *reason) {
  const char *refusal = refuse_map(map, size);
  if (refusal != NULL) {
    th_fail(reason, TH_ECAPABILITY, "the capabilities cannot be kept: %s", refusal);
    return NULL;
  }
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

/* Replaces the map unless nothing would change. */
static int change(struct th_capabilities *capabilities, const char *name, size_t name_size,
                  const void *value, size_t size, bool *changed) {
  struct th_buffer buffer;
  size_t old_size = 0;
  int error = 0;
  th_buffer_init(&buffer);
  pthread_mutex_lock(&capabilities->lock);
  struct th_bytes *map = capabilities->map;
  const unsigned char *old = find(map->data, map->size, name, name_size, &old_size);
  *changed = value == NULL ? old != NULL
                           : old == NULL || old_size != size || memcmp(old, value, size) != 0;
  if (*changed) write_changed(&buffer, map, name, name_size, value, size);
  if (buffer.size > TH_CAPABILITIES_SIZE && buffer.size > map->size) error = TH_ECAPABILITY;
  if (*changed && error == 0) {
    capabilities->map = th_bytes_copy(buffer.data, buffer.size);
    th_bytes_unref(map);
  }
  pthread_mutex_unlock(&capabilities->lock);
  th_buffer_clear(&buffer);
  return error;
}

/* A table that comes twice is known by its number, which its place in the map would shift. */
static int change_enclosed(struct th_capabilities *capabilities, const char *name, size_t name_size,
                           const void *value, size_t size, bool *changed) {
  struct th_buffer enclosed;
  th_buffer_init(&enclosed);
  size_t mark = th_pack_ext_begin(&enclosed, TH_EXT_ENCLOSED);
  th_pack_raw(&enclosed, value, size);
  th_pack_ext_end(&enclosed, mark);
  int error = change(capabilities, name, name_size, enclosed.data, enclosed.size, changed);
  th_buffer_clear(&enclosed);
  return error;
}

int th_capabilities_set(struct th_capabilities *capabilities, const char *name, size_t name_size,
                        const void *value, size_t size, bool *changed, struct th_reason *reason) {
  bool shares = false;
  if (size == 1 && *(const unsigned char *)value == NIL) value = NULL;
  const char *refusal = th_kept_refuse_name(name, name_size);
  if (refusal != NULL)
    return th_fail(reason, TH_ECAPABILITY, "this cannot be the name of a capability: %s", refusal);
  if (value != NULL) refusal = th_kept_refuse_value(value, size, &shares);
  if (refusal != NULL)
    return th_fail(reason, TH_ECAPABILITY, "the value of capability \"%.*s\" cannot be kept: %s",
                   (int)name_size, name, refusal);
  int error = shares ? change_enclosed(capabilities, name, name_size, value, size, changed)
                     : change(capabilities, name, name_size, value, size, changed);
  if (error == 0) return 0;
  return th_fail(reason, error,
                 "the value of capability \"%.*s\" cannot be kept: all capabilities together "
                 "would be larger than 1 MiB",
                 (int)name_size, name);
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
  if (item.type == TH_ITEM_INT) return item.integer;
  /* Only within these bounds is the conversion defined. */
  bool fits = item.type == TH_ITEM_REAL && item.real >= -0x1p63 && item.real < 0x1p63;
  return fits && item.real == (double)(int64_t)item.real ? (int64_t)item.real : fallback;
}

double th_capability_real(const void *map, size_t map_size, const char *name, double fallback) {
  size_t size = 0;
  struct th_unpack reader;
  struct th_item item;
  const unsigned char *value = th_capability_find(map, map_size, name, &size);
  th_unpack_init(&reader, value, value != NULL ? size : 0);
  if (value == NULL || !th_unpack_next(&reader, &item)) return fallback;
  if (item.type == TH_ITEM_INT) return (double)item.integer;
  return item.type == TH_ITEM_REAL ? item.real : fallback;
}
