/* Received values. A value is a place in packed bytes that were checked once, on arrival; the scope
 * beside it is the whole that its references count in. References and enclosed values are resolved
 * where a place is made, so no function meets one. */
#include <string.h>

#include "host/embed.h"
#include "message/pack.h"

enum { AT, SCOPE, END };

static struct thespian_value place(const void *at, const void *scope, const void *end) {
  return (struct thespian_value){{at, scope, end}};
}

/* Reads on from a place. */
static struct th_unpack reader_at(struct thespian_value value) {
  struct th_unpack reader;
  const unsigned char *at = value.opaque[AT], *end = value.opaque[END];
  th_unpack_init(&reader, at, at != NULL ? (size_t)(end - at) : 0);
  return reader;
}

/* The item at a place; nil where there is none. */
static struct th_item item_at(struct thespian_value value) {
  struct th_unpack reader = reader_at(value);
  struct th_item item;
  th_unpack_next(&reader, &item);
  return item;
}

/* ---- making places ---- */

static uint32_t reference_number(const struct th_item *item) {
  uint32_t number = 0;
  for (size_t i = 0; i < item->size && i < 4; i++) number = number << 8 | item->data[i];
  return number;
}

/* Where the n-th table of a scope is: items follow each other in the order in which tables
 * count. */
static const void *find_table(struct thespian_value value, uint32_t number) {
  struct th_unpack reader = reader_at(
    place(value.opaque[SCOPE], value.opaque[SCOPE], value.opaque[END]));
  struct th_item item;
  size_t size;
  for (;;) {
    const unsigned char *at = reader.at;
    if (!th_unpack_next(&reader, &item)) return NULL;
    bool is_instance = item.type == TH_ITEM_EXT && item.ext == TH_EXT_INSTANCE;
    if (!is_instance && item.type != TH_ITEM_ARRAY && item.type != TH_ITEM_MAP) continue;
    if (number-- == 0) return at;
    if (!is_instance) continue;
    reader.at = item.data;
    th_unpack_skip(&reader, &size); /* the names */
    th_unpack_next(&reader, &item); /* the fields are no table of their own */
  }
}

/* The place itself, or the one that a reference there means, or that of an enclosed value. */
static struct thespian_value resolve(struct thespian_value value) {
  for (;;) {
    struct th_item item = item_at(value);
    if (item.type != TH_ITEM_EXT) return value;
    if (item.ext == TH_EXT_ENCLOSED)
      value = place(item.data, item.data, item.data + item.size);
    else if (item.ext == TH_EXT_REFERENCE)
      return place(find_table(value, reference_number(&item)), value.opaque[SCOPE],
                   value.opaque[END]);
    else
      return value;
  }
}

struct thespian_value th_embed_value(const void *data, size_t size) {
  if (size == 0) return place(NULL, NULL, NULL);
  return resolve(place(data, data, (const unsigned char *)data + size));
}

void th_embed_spans(struct thespian_value value, struct th_embed_packed *part,
                    struct th_embed_packed *scope) {
  struct th_unpack reader = reader_at(value);
  const unsigned char *start = value.opaque[SCOPE], *end = value.opaque[END];
  part->data = th_unpack_skip(&reader, &part->size);
  *scope = (struct th_embed_packed){start, (size_t)(end - start)};
}

/* ---- scalars ---- */

enum thespian_type thespian_value_type(struct thespian_value value) {
  static const enum thespian_type types[] = {
    [TH_ITEM_NIL] = THESPIAN_NIL,    [TH_ITEM_BOOL] = THESPIAN_BOOL,
    [TH_ITEM_INT] = THESPIAN_INT,    [TH_ITEM_REAL] = THESPIAN_REAL,
    [TH_ITEM_STR] = THESPIAN_STRING, [TH_ITEM_ARRAY] = THESPIAN_ARRAY,
    [TH_ITEM_MAP] = THESPIAN_MAP,    [TH_ITEM_EXT] = THESPIAN_INSTANCE,
  };
  struct th_item item = item_at(value);
  if (item.type == TH_ITEM_EXT && item.ext == TH_EXT_ADDRESS) return THESPIAN_ADDRESS;
  return types[item.type];
}

bool thespian_value_bool(struct thespian_value value, bool fallback) {
  struct th_item item = item_at(value);
  return item.type == TH_ITEM_BOOL ? item.boolean : fallback;
}

int64_t thespian_value_int(struct thespian_value value, int64_t fallback) {
  struct th_item item = item_at(value);
  if (item.type == TH_ITEM_INT) return item.integer;
  if (item.type != TH_ITEM_REAL) return fallback;
  bool fits = item.real >= -0x1p63 && item.real < 0x1p63;
  return fits && item.real == (double)(int64_t)item.real ? (int64_t)item.real : fallback;
}

double thespian_value_real(struct thespian_value value, double fallback) {
  struct th_item item = item_at(value);
  if (item.type == TH_ITEM_INT) return (double)item.integer;
  return item.type == TH_ITEM_REAL ? item.real : fallback;
}

struct thespian_address thespian_value_address(struct thespian_value value) {
  struct th_item item = item_at(value);
  struct th_address address;
  if (!th_item_address(&item, &address)) address = TH_NOBODY;
  return th_embed_out(&address);
}

const char *thespian_value_bytes(struct thespian_value value, size_t *size) {
  struct th_item item = item_at(value);
  *size = item.type == TH_ITEM_STR ? item.size : 0;
  return item.type == TH_ITEM_STR ? (const char *)item.data : NULL;
}

size_t thespian_value_text(struct thespian_value value, char *out, size_t capacity) {
  size_t size;
  const char *text = thespian_value_bytes(value, &size);
  if (capacity == 0) return size;
  size_t copied = size < capacity ? size : capacity - 1;
  if (copied != 0) memcpy(out, text, copied);
  out[copied] = '\0';
  return size;
}

bool thespian_value_is(struct thespian_value value, const char *text) {
  size_t size;
  const char *bytes = thespian_value_bytes(value, &size);
  return th_unpack_is(bytes, size, text);
}

/* ---- tables ---- */

/* What a reader finds behind the head of a table; nothing behind another item. */
static struct thespian_items items_from(struct thespian_value value, const struct th_unpack *reader,
                                        const struct th_item *head) {
  bool is_table = head->type == TH_ITEM_ARRAY || head->type == TH_ITEM_MAP;
  return (struct thespian_items){
    .opaque = place(reader->at, value.opaque[SCOPE], value.opaque[END]),
    .left = is_table ? head->count : 0,
    .pairs = head->type == TH_ITEM_MAP};
}

struct thespian_items thespian_items_of(struct thespian_value value) {
  struct th_unpack reader = reader_at(value);
  struct th_item item;
  size_t size;
  th_unpack_next(&reader, &item);
  if (item.type == TH_ITEM_EXT && item.ext == TH_EXT_INSTANCE) {
    reader.at = item.data;
    th_unpack_skip(&reader, &size);
    th_unpack_next(&reader, &item);
  }
  return items_from(value, &reader, &item);
}

/* The value that a walk has come to; the walk goes on behind it. */
static struct thespian_value take(struct thespian_items *items) {
  struct thespian_value taken = items->opaque;
  struct th_unpack reader = reader_at(taken);
  size_t size;
  th_unpack_skip(&reader, &size);
  items->opaque.opaque[AT] = reader.at;
  return taken;
}

bool thespian_items_next(struct thespian_items *items, struct thespian_value *key,
                         struct thespian_value *item) {
  struct thespian_value name = place(NULL, NULL, NULL);
  if (items->left == 0) return false;
  items->left--;
  if (items->pairs) name = take(items);
  *item = resolve(take(items));
  if (key != NULL) *key = resolve(name);
  return true;
}

size_t thespian_value_count(struct thespian_value value) {
  return thespian_items_of(value).left;
}

struct thespian_value thespian_value_item(struct thespian_value value, size_t index) {
  struct thespian_items items = thespian_items_of(value);
  if (items.pairs || index >= items.left) return place(NULL, NULL, NULL);
  while (index-- > 0) take(&items);
  return resolve(take(&items));
}

struct thespian_value thespian_value_find(struct thespian_value value, const char *key) {
  struct thespian_items items = thespian_items_of(value);
  while (items.pairs && items.left-- > 0) {
    bool is_found = thespian_value_is(take(&items), key);
    struct thespian_value found = take(&items);
    if (is_found) return resolve(found);
  }
  return place(NULL, NULL, NULL);
}

/* ---- instances ---- */

/* A reader of an instance's names, and their count; 0 for other values. */
static uint32_t read_names(struct thespian_value value, struct th_unpack *reader) {
  struct th_item item = item_at(value);
  if (item.type != TH_ITEM_EXT || item.ext != TH_EXT_INSTANCE) return 0;
  th_unpack_init(reader, item.data, item.size);
  return th_unpack_array(reader);
}

const char *thespian_value_class(struct thespian_value value, size_t *size) {
  struct th_unpack reader;
  *size = 0;
  return read_names(value, &reader) > 0 ? th_unpack_str(&reader, size) : NULL;
}

bool thespian_value_is_instance(struct thespian_value value, const char *class_name) {
  struct th_unpack reader;
  for (uint32_t left = read_names(value, &reader); left > 0; left--) {
    size_t size;
    const char *name = th_unpack_str(&reader, &size);
    if (th_unpack_is(name, size, class_name)) return true;
  }
  return false;
}

/* ---- what comes from outside ---- */

struct check {
  struct th_unpack reader;
  uint32_t met; /* tables, in this scope */
  int depth;
  const char *refusal;
};

static void refuse(struct check *check, const char *words) {
  if (check->refusal == NULL) check->refusal = words;
}

static bool next(struct check *check, struct th_item *item) {
  if (check->refusal == NULL && !th_unpack_next(&check->reader, item))
    refuse(check, "it is no MessagePack");
  return check->refusal == NULL;
}

static void check_value(struct check *check);

static void check_values(struct check *check, uint64_t count) {
  if (check->depth++ == TH_PACK_DEPTH) refuse(check, "it is nested too deeply");
  while (count-- != 0 && check->refusal == NULL) check_value(check);
  check->depth--;
}

static void check_instance(struct check *check) {
  struct th_item item;
  uint32_t names = th_unpack_array(&check->reader);
  if (names < 2) refuse(check, "an instance has no proper names");
  while (names-- != 0 && next(check, &item))
    if (item.type != TH_ITEM_STR) refuse(check, "an instance has no proper names");
  if (!next(check, &item)) return;
  if (item.type != TH_ITEM_MAP) {
    refuse(check, "an instance has no fields");
    return;
  }
  check->met++;
  check_values(check, 2 * (uint64_t)item.count);
}

static void check_enclosed(struct check *check) {
  uint32_t met = check->met;
  check->met = 0;
  check_values(check, 1);
  check->met = met;
}

/* What is within an extension must fill it. */
static void check_within(struct check *check, const struct th_item *item) {
  struct th_unpack outer = check->reader;
  th_unpack_init(&check->reader, item->data, item->size);
  (item->ext == TH_EXT_INSTANCE ? check_instance : check_enclosed)(check);
  if (check->reader.at != check->reader.end) refuse(check, "an extension is too long");
  check->reader = outer;
}

static void check_extension(struct check *check, const struct th_item *item) {
  struct th_address address;
  bool is_reference = item->ext == TH_EXT_REFERENCE;
  if (item->ext == TH_EXT_INSTANCE || item->ext == TH_EXT_ENCLOSED)
    check_within(check, item);
  else if (item->ext != TH_EXT_ADDRESS && !is_reference)
    refuse(check, "an extension is unknown");
  else if (!is_reference && !th_item_address(item, &address))
    refuse(check, "an address has a wrong size");
  else if (is_reference &&
           (item->size < 1 || item->size > 4 || reference_number(item) >= check->met))
    refuse(check, "a reference points nowhere");
}

static void check_value(struct check *check) {
  struct th_item item;
  if (!next(check, &item)) return;
  if (item.type == TH_ITEM_EXT) check_extension(check, &item);
  if (item.type != TH_ITEM_ARRAY && item.type != TH_ITEM_MAP) return;
  check->met++;
  check_values(check, item.type == TH_ITEM_MAP ? 2 * (uint64_t)item.count : item.count);
}

const char *th_embed_refuse(const void *data, size_t size) {
  struct check check = {.refusal = NULL};
  if (size == 0) return NULL;
  th_unpack_init(&check.reader, data, size);
  check_value(&check);
  if (check.refusal == NULL && check.reader.at != check.reader.end)
    refuse(&check, "something follows it");
  return check.refusal;
}
