#include "host/pairs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/json.h"
#include "message/pack.h"

void th_pairs_init(struct th_pairs *pairs) {
  *pairs = (struct th_pairs){0};
}

void th_pairs_clear(struct th_pairs *pairs) {
  for (size_t i = 0; i < pairs->count; i++) {
    free(pairs->list[i].name);
    th_buffer_clear(&pairs->list[i].value);
  }
  free(pairs->list);
  th_pairs_init(pairs);
}

static struct th_pair *find(const struct th_pairs *pairs, const char *name, size_t size) {
  for (size_t i = 0; i < pairs->count; i++) {
    struct th_pair *pair = &pairs->list[i];
    if (pair->name_size == size && memcmp(pair->name, name, size) == 0) return pair;
  }
  return NULL;
}

const struct th_pair *th_pairs_find(const struct th_pairs *pairs, const char *name, size_t size) {
  return find(pairs, name, size);
}

static struct th_pair *add(struct th_pairs *pairs, const char *name, size_t size) {
  pairs->list = th_realloc(pairs->list, (pairs->count + 1) * sizeof *pairs->list);
  struct th_pair *pair = &pairs->list[pairs->count++];
  pair->name = th_alloc(size + 1);
  memcpy(pair->name, name, size);
  pair->name[size] = '\0';
  pair->name_size = size;
  th_buffer_init(&pair->value);
  return pair;
}

/* The pair of that name with an empty value. */
static struct th_buffer *begin(struct th_pairs *pairs, const char *name, size_t size) {
  struct th_pair *pair = find(pairs, name, size);
  if (pair == NULL) pair = add(pairs, name, size);
  th_buffer_reset(&pair->value);
  return &pair->value;
}

void th_pairs_put(struct th_pairs *pairs, const char *name, size_t name_size, const void *value,
                  size_t size) {
  th_buffer_append(begin(pairs, name, name_size), value, size);
}

void th_pairs_put_text(struct th_pairs *pairs, const char *name, const char *text) {
  th_pack_text(begin(pairs, name, strlen(name)), text);
}

void th_pairs_put_int(struct th_pairs *pairs, const char *name, int64_t value) {
  th_pack_int(begin(pairs, name, strlen(name)), value);
}

int th_pairs_parse(struct th_pairs *pairs, const char *text, struct th_reason *reason) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not of the form KEY=VALUE", text);
  }
  struct th_buffer value;
  th_buffer_init(&value);
  int error = th_json_to_pack(equals + 1, &value);
  if (error == 0) {
    th_pairs_put(pairs, text, (size_t)(equals - text), value.data, value.size);
  } else {
    error = th_fail(reason, TH_EUSAGE,
                    "the value of \"%.*s\" is JSON too deep or with too big numbers",
                    (int)(equals - text), text);
  }
  th_buffer_clear(&value);
  return error;
}

int th_pairs_merge(struct th_pairs *pairs, const void *map, size_t size, struct th_reason *reason) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, map, size);
  th_unpack_next(&reader, &item);
  bool is_empty = item.type == TH_ITEM_ARRAY && item.count == 0; /* how Lua's empty table travels */
  uint32_t count = item.type == TH_ITEM_MAP ? item.count : 0;
  for (uint32_t i = 0; i < count && reader.error == 0; i++) {
    size_t name_size, value_size;
    const char *name = th_unpack_str(&reader, &name_size);
    const unsigned char *value = th_unpack_skip(&reader, &value_size);
    if (name == NULL || value == NULL) break;
    th_pairs_put(pairs, name, name_size, value, value_size);
  }
  bool is_table = is_empty || item.type == TH_ITEM_MAP;
  if (is_table && reader.error == 0 && reader.at == reader.end) return 0;
  return th_fail(reason, TH_EUSAGE, "not a table whose keys are all strings");
}

void th_pairs_pack(const struct th_pairs *pairs, struct th_buffer *buffer) {
  th_pack_map(buffer, (uint32_t)pairs->count);
  for (size_t i = 0; i < pairs->count; i++) {
    const struct th_pair *pair = &pairs->list[i];
    th_pack_str(buffer, pair->name, pair->name_size);
    th_pack_raw(buffer, pair->value.data, pair->value.size);
  }
}
