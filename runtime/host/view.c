#include "host/view.h"

static bool read(struct th_view value, struct th_unpack *reader, struct th_item *item) {
  th_unpack_init(reader, value.data, value.size);
  return value.data != NULL && th_unpack_next(reader, item);
}

uint32_t th_view_open(struct th_view value, struct th_unpack *reader) {
  struct th_item item;
  if (!read(value, reader, &item)) return 0;
  return item.type == TH_ITEM_ARRAY || item.type == TH_ITEM_MAP ? item.count : 0;
}

struct th_view th_view_next(struct th_unpack *reader) {
  struct th_view value;
  value.data = th_unpack_skip(reader, &value.size);
  return value.data != NULL ? value : (struct th_view){0};
}

static bool is_text(struct th_view value, const char *name) {
  struct th_unpack reader;
  struct th_item item;
  return read(value, &reader, &item) && item.type == TH_ITEM_STR &&
         th_unpack_is((const char *)item.data, item.size, name);
}

static bool is_nil(struct th_view value) {
  struct th_unpack reader;
  struct th_item item;
  return !read(value, &reader, &item) || item.type == TH_ITEM_NIL;
}

struct th_view th_view_field(struct th_view map, const char *name) {
  struct th_unpack reader;
  struct th_item item;
  if (!read(map, &reader, &item) || item.type != TH_ITEM_MAP) return (struct th_view){0};
  for (uint32_t i = 0; i < item.count && reader.error == 0; i++) {
    struct th_view key = th_view_next(&reader);
    struct th_view value = th_view_next(&reader);
    if (is_text(key, name)) return is_nil(value) ? (struct th_view){0} : value;
  }
  return (struct th_view){0};
}

int64_t th_view_int(struct th_view map, const char *name) {
  struct th_unpack reader;
  struct th_item item;
  bool found = read(th_view_field(map, name), &reader, &item) && item.type == TH_ITEM_INT;
  return found ? item.integer : 0;
}

double th_view_real(struct th_view map, const char *name) {
  struct th_unpack reader;
  struct th_item item;
  if (!read(th_view_field(map, name), &reader, &item)) return 0;
  return item.type == TH_ITEM_REAL  ? item.real
         : item.type == TH_ITEM_INT ? (double)item.integer
                                    : 0;
}

bool th_view_bool(struct th_view map, const char *name) {
  struct th_unpack reader;
  struct th_item item;
  bool found = read(th_view_field(map, name), &reader, &item) && item.type == TH_ITEM_BOOL;
  return found && item.boolean;
}

struct th_address th_view_address(struct th_view map, const char *name) {
  struct th_unpack reader;
  struct th_view value = th_view_field(map, name);
  if (value.data == NULL) return TH_NOBODY;
  th_unpack_init(&reader, value.data, value.size);
  return th_unpack_address(&reader);
}

const char *th_view_text(struct th_view map, const char *name, size_t *size) {
  struct th_unpack reader;
  struct th_item item;
  bool found = read(th_view_field(map, name), &reader, &item) && item.type == TH_ITEM_STR;
  *size = found ? item.size : 0;
  return found ? (const char *)item.data : "";
}
