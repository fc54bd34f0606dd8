#include "message/kept.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "message/pack.h"

/* Numbers as keys can be chosen to collide; in maps of this size even the worst take little time
 * (bindings/spread.h). */
#define MOST_NUMBER_KEYS 512

/* Names of an instance's class and its bases, as the codec allows. */
#define MOST_NAMES 256

/* A key as Lua will see it: equal there when all of this is equal. */
struct key {
  enum th_item_type type;
  uint64_t bits;             /* of numbers and booleans */
  const unsigned char *data; /* of strings */
  size_t size;
};

struct walk {
  struct th_unpack reader;
  const char *refusal; /* the first; after it the reader is at its end */
  int depth;
  uint32_t met; /* tables so far, which references count */
  bool shares;
  struct key *keys; /* of the maps that are being walked, those of the innermost last */
  size_t count;
  size_t capacity;
};

static void refuse(struct walk *walk, const char *words) {
  if (walk->refusal == NULL) walk->refusal = words;
  walk->reader.at = walk->reader.end;
}

static bool next(struct walk *walk, struct th_item *item) {
  if (th_unpack_next(&walk->reader, item)) return true;
  refuse(walk, "it is no MessagePack");
  return false;
}

/* ---- keys ---- */

static struct key *add_key(struct walk *walk) {
  if (walk->count == walk->capacity) {
    walk->capacity = walk->capacity * 2 + 16;
    walk->keys = th_realloc(walk->keys, walk->capacity * sizeof *walk->keys);
  }
  struct key *key = &walk->keys[walk->count++];
  memset(key, 0, sizeof *key);
  return key;
}

/* Lua takes a real with an integer's value for that integer. */
static void set_real(struct walk *walk, struct key *key, double value) {
  bool fits = value >= -0x1p63 && value < 0x1p63;
  if (value != value) refuse(walk, "a key is not a number");
  if (fits && value == (double)(int64_t)value) {
    key->type = TH_ITEM_INT;
    key->bits = (uint64_t)(int64_t)value;
  } else {
    memcpy(&key->bits, &value, sizeof value);
  }
}

static void set_key(struct walk *walk, const struct th_item *item, uint32_t pairs) {
  struct key *key = add_key(walk);
  key->type = item->type;
  switch (item->type) {
  case TH_ITEM_STR:
    key->data = item->data;
    key->size = item->size;
    return;
  case TH_ITEM_BOOL:
    key->bits = item->boolean;
    return;
  case TH_ITEM_INT:
    key->bits = (uint64_t)item->integer;
    break;
  case TH_ITEM_REAL:
    set_real(walk, key, item->real);
    break;
  default:
    refuse(walk, "a key is neither a string nor a number nor a boolean");
  }
  if (pairs > MOST_NUMBER_KEYS) refuse(walk, "a large table has numbers as keys, but is no list");
}

static int compare_keys(const void *left, const void *right) {
  const struct key *one = left, *other = right;
  if (one->type != other->type) return one->type < other->type ? -1 : 1;
  if (one->bits != other->bits) return one->bits < other->bits ? -1 : 1;
  if (one->size != other->size) return one->size < other->size ? -1 : 1;
  return one->size != 0 ? memcmp(one->data, other->data, one->size) : 0;
}

/* Checks the keys from first on, and forgets them. */
static void end_keys(struct walk *walk, size_t first) {
  size_t count = walk->count - first;
  if (count > 1) qsort(&walk->keys[first], count, sizeof *walk->keys, compare_keys);
  for (size_t i = first + 1; i < walk->count; i++)
    if (compare_keys(&walk->keys[i - 1], &walk->keys[i]) == 0) refuse(walk, "a key comes twice");
  walk->count = first;
}

/* ---- values ---- */

static void walk_value(struct walk *walk);

static bool enter(struct walk *walk) {
  if (walk->depth++ < TH_KEPT_DEPTH) return true;
  refuse(walk, "it is nested too deeply");
  return false;
}

static void walk_array(struct walk *walk, uint32_t count) {
  walk->met++;
  if (!enter(walk)) return;
  while (count-- != 0 && walk->refusal == NULL) walk_value(walk);
  walk->depth--;
}

static void walk_map(struct walk *walk, uint32_t pairs) {
  size_t first = walk->count;
  struct th_item key;
  walk->met++;
  if (!enter(walk)) return;
  for (uint32_t left = pairs; left != 0 && walk->refusal == NULL; left--) {
    if (!next(walk, &key)) return;
    set_key(walk, &key, pairs);
    if (walk->refusal == NULL) walk_value(walk);
  }
  if (walk->refusal == NULL) end_keys(walk, first);
  walk->depth--;
}

static void walk_reference(struct walk *walk, const struct th_item *item) {
  uint32_t number = 0;
  for (size_t i = 0; i < item->size && i < 4; i++) number = number << 8 | item->data[i];
  if (item->size < 1 || item->size > 4 || number >= walk->met)
    refuse(walk, "a reference points nowhere");
  walk->shares = true;
}

static void walk_instance(struct walk *walk) {
  struct th_item item;
  uint32_t names = th_unpack_array(&walk->reader);
  if (names < 2 || names % 2 != 0 || names > MOST_NAMES)
    refuse(walk, "an instance has no proper names");
  while (names-- != 0 && walk->refusal == NULL)
    if (next(walk, &item) && item.type != TH_ITEM_STR)
      refuse(walk, "an instance has no proper names");
  if (walk->refusal != NULL || !next(walk, &item)) return;
  if (item.type == TH_ITEM_MAP)
    walk_map(walk, item.count);
  else
    refuse(walk, "an instance has no fields");
}

static void walk_enclosed(struct walk *walk) {
  uint32_t met = walk->met;
  walk->met = 0;
  if (!enter(walk)) return;
  walk_value(walk);
  walk->depth--;
  walk->met = met;
}

/* What is within an extension must fill it. */
static void walk_within(struct walk *walk, const struct th_item *item,
                        void (*content)(struct walk *walk)) {
  struct th_unpack outer = walk->reader;
  th_unpack_init(&walk->reader, item->data, item->size);
  content(walk);
  if (walk->reader.at != walk->reader.end) refuse(walk, "an extension is too long");
  walk->reader = outer;
}

static void walk_extension(struct walk *walk, const struct th_item *item) {
  struct th_address address;
  switch (item->ext) {
  case TH_EXT_ADDRESS:
    if (!th_item_address(item, &address)) refuse(walk, "an address has a wrong size");
    return;
  case TH_EXT_REFERENCE:
    walk_reference(walk, item);
    return;
  case TH_EXT_INSTANCE:
    walk_within(walk, item, walk_instance);
    return;
  case TH_EXT_ENCLOSED:
    walk_within(walk, item, walk_enclosed);
    return;
  default:
    refuse(walk, "an extension is unknown");
  }
}

static void walk_value(struct walk *walk) {
  struct th_item item;
  if (!next(walk, &item)) return;
  if (item.type == TH_ITEM_ARRAY) walk_array(walk, item.count);
  if (item.type == TH_ITEM_MAP) walk_map(walk, item.count);
  if (item.type == TH_ITEM_EXT) walk_extension(walk, &item);
}

const char *th_kept_refuse_value(const void *data, size_t size, bool *shares) {
  struct walk walk = {.refusal = NULL};
  th_unpack_init(&walk.reader, data, size);
  walk_value(&walk);
  if (walk.refusal == NULL && walk.reader.at != walk.reader.end)
    refuse(&walk, "something follows it");
  free(walk.keys);
  *shares = walk.shares;
  return walk.refusal;
}

/* ---- names ---- */

const char *th_kept_refuse_name(const char *text, size_t size) {
  const unsigned char *at = (const unsigned char *)text;
  if (size == 0) return "it is empty";
  if (size > TH_KEPT_NAME) return "it is longer than 1000 bytes";
  while (size != 0) {
    size_t length = th_utf8_size(at, size);
    if (length == 0) return "it is not UTF-8";
    if (th_utf8_is_control(at, length)) return "it has control characters";
    at += length;
    size -= length;
  }
  return NULL;
}
