/* Values for sending. A value is packed as it is built; the head of an array or a map is written
 * when it begins, with room for any count, and completed when it ends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/embed.h"
#include "message/notice.h"
#include "message/pack.h"

#define LIBRARY "thespian.actors."

/* MessagePack's forms with a count of 32 bits. */
enum { ARRAY_32 = 0xdd, MAP_32 = 0xdf };
#define HEAD_SIZE 5

/* What has begun and not ended. */
struct level {
  size_t head;      /* where the array's or map's head is */
  size_t extension; /* of an instance: what th_pack_ext_end wants */
  uint32_t count;   /* values so far */
  bool is_map;
  bool is_instance;
};

struct thespian_builder {
  struct th_buffer buffer;
  struct level *levels;
  size_t depth;
  size_t capacity; /* of levels */
  bool is_whole;   /* has one value, all of it */
  const char *refusal;
};

struct thespian_builder *thespian_builder_new(void) {
  struct thespian_builder *builder = th_new(struct thespian_builder);
  th_buffer_init(&builder->buffer);
  return builder;
}

void thespian_builder_free(struct thespian_builder *builder) {
  if (builder == NULL) return;
  th_buffer_clear(&builder->buffer);
  free(builder->levels);
  free(builder);
}

void thespian_builder_reset(struct thespian_builder *builder) {
  th_buffer_reset(&builder->buffer);
  builder->depth = 0;
  builder->is_whole = false;
  builder->refusal = NULL;
}

/* ---- what may come next ---- */

static void refuse(struct thespian_builder *builder, const char *words) {
  if (builder->refusal == NULL) builder->refusal = words;
}

static struct level *innermost(struct thespian_builder *builder) {
  return builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;
}

/* Whether the next value is a key. */
static bool at_key(const struct level *level) {
  return level != NULL && level->is_map && level->count % 2 == 0;
}

/* One value is about to be put: the buffer for it, or NULL after an error. */
static struct th_buffer *next(struct thespian_builder *builder) {
  struct level *level = innermost(builder);
  if (builder->refusal != NULL) return NULL;
  if (level == NULL && builder->is_whole) {
    refuse(builder, "a second value was put behind the first; an array holds several");
    return NULL;
  }
  if (level == NULL) {
    builder->is_whole = true;
  } else if (level->count == UINT32_MAX) {
    refuse(builder, "a table has too many values");
    return NULL;
  } else {
    level->count++;
  }
  return &builder->buffer;
}

/* The same for a value that cannot be a key. */
static struct th_buffer *next_but_key(struct thespian_builder *builder, const char *words) {
  if (at_key(innermost(builder))) refuse(builder, words);
  return next(builder);
}

/* ---- putting ---- */

void thespian_put_nil(struct thespian_builder *builder) {
  struct th_buffer *buffer = next_but_key(builder, "a key of a map is nil");
  if (buffer != NULL) th_pack_nil(buffer);
}

void thespian_put_bool(struct thespian_builder *builder, bool value) {
  struct th_buffer *buffer = next(builder);
  if (buffer != NULL) th_pack_bool(buffer, value);
}

void thespian_put_int(struct thespian_builder *builder, int64_t value) {
  struct th_buffer *buffer = next(builder);
  if (buffer != NULL) th_pack_int(buffer, value);
}

void thespian_put_real(struct thespian_builder *builder, double value) {
  struct th_buffer *buffer = isnan(value) ? next_but_key(builder, "a key of a map is not a number")
                                          : next(builder);
  if (buffer != NULL) th_pack_real(buffer, value);
}

void thespian_put_text(struct thespian_builder *builder, const char *text) {
  if (text == NULL)
    thespian_put_nil(builder);
  else
    thespian_put_bytes(builder, text, strlen(text));
}

void thespian_put_bytes(struct thespian_builder *builder, const void *data, size_t size) {
  struct th_buffer *buffer = next(builder);
  if (buffer != NULL) th_pack_str(buffer, data, size);
}

void thespian_put_address(struct thespian_builder *builder, struct thespian_address address) {
  struct th_address put = th_embed_in(address);
  if (th_address_is_none(&put)) {
    thespian_put_nil(builder);
    return;
  }
  struct th_buffer *buffer = next(builder);
  if (buffer != NULL) th_pack_address(buffer, &put);
}

void thespian_put_exit_request(struct thespian_builder *builder, bool recursive) {
  struct th_buffer *buffer = next(builder);
  if (buffer != NULL) th_notice_exit_request(buffer, recursive);
}

/* Whether a value that begins scope holds references: then its parts cannot stand alone. */
static bool has_references(struct th_embed_packed scope) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, scope.data, scope.size);
  while (reader.at != reader.end && th_unpack_next(&reader, &item)) {
    if (item.type != TH_ITEM_EXT) continue;
    if (item.ext == TH_EXT_REFERENCE) return true;
    if (item.ext == TH_EXT_INSTANCE) reader.at = item.data; /* its parts follow each other, too */
  }
  return false;
}

void thespian_put_value(struct thespian_builder *builder, struct thespian_value value) {
  struct th_embed_packed part, scope;
  if (thespian_value_type(value) == THESPIAN_NIL) {
    thespian_put_nil(builder);
    return;
  }
  th_embed_spans(value, &part, &scope);
  bool is_bound = has_references(scope);
  if (is_bound && part.data != scope.data)
    refuse(builder, "a part of a value in which tables are shared cannot be sent without the rest");
  struct th_buffer *buffer = next(builder);
  if (buffer == NULL) return;
  size_t mark = is_bound ? th_pack_ext_begin(buffer, TH_EXT_ENCLOSED) : 0;
  th_pack_raw(buffer, part.data, part.size);
  if (is_bound) th_pack_ext_end(buffer, mark);
}

/* ---- arrays, maps, instances ---- */

static void push_level(struct thespian_builder *builder, struct level level) {
  if (builder->depth == builder->capacity) {
    builder->capacity = builder->capacity * 2 + 8;
    builder->levels = th_realloc(builder->levels, builder->capacity * sizeof level);
  }
  builder->levels[builder->depth++] = level;
}

static struct th_buffer *begin(struct thespian_builder *builder) {
  if (builder->depth == TH_PACK_DEPTH) refuse(builder, "it is nested deeper than 1000 levels");
  return next(builder);
}

/* Appends a head whose count comes later. */
static void begin_table(struct thespian_builder *builder, struct level level) {
  unsigned char head[HEAD_SIZE] = {level.is_map ? MAP_32 : ARRAY_32};
  level.head = builder->buffer.size;
  th_pack_raw(&builder->buffer, head, sizeof head);
  push_level(builder, level);
}

void thespian_begin_array(struct thespian_builder *builder) {
  if (begin(builder) != NULL) begin_table(builder, (struct level){.is_map = false});
}

void thespian_begin_map(struct thespian_builder *builder) {
  if (begin(builder) != NULL) begin_table(builder, (struct level){.is_map = true});
}

/* The name behind the last dot. */
static const char *short_name(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot != NULL ? dot + 1 : name;
}

static void pack_names(struct th_buffer *buffer, const char *name) {
  bool is_of_library = strncmp(name, LIBRARY, sizeof LIBRARY - 1) == 0;
  th_pack_array(buffer, is_of_library ? 4 : 2);
  th_pack_text(buffer, name);
  th_pack_text(buffer, short_name(name));
  if (!is_of_library) return;
  th_pack_text(buffer, LIBRARY "ActorSystemMessage");
  th_pack_text(buffer, "ActorSystemMessage");
}

void thespian_begin_instance(struct thespian_builder *builder, const char *class_name) {
  if (class_name == NULL || *short_name(class_name) == '\0')
    refuse(builder, "an instance has no name of a class");
  struct th_buffer *buffer = begin(builder);
  if (buffer == NULL) return;
  struct level level = {.is_map = true, .is_instance = true};
  level.extension = th_pack_ext_begin(buffer, TH_EXT_INSTANCE);
  pack_names(buffer, class_name);
  begin_table(builder, level);
}

/* Big endian, as MessagePack has it. */
static void store(unsigned char *place, uint32_t value) {
  for (int i = 0; i < 4; i++) place[i] = (unsigned char)(value >> (24 - 8 * i));
}

void thespian_end(struct thespian_builder *builder) {
  struct level *level = innermost(builder);
  if (level == NULL) refuse(builder, "more was ended than had begun");
  if (level != NULL && level->is_map && level->count % 2 != 0)
    refuse(builder, "a map ends with a key that has no value");
  if (builder->refusal != NULL) return;
  uint32_t count = level->is_map ? level->count / 2 : level->count;
  if (builder->buffer.error == 0) store(builder->buffer.data + level->head + 1, count);
  if (level->is_instance) th_pack_ext_end(&builder->buffer, level->extension);
  builder->depth--;
}

/* ---- the result ---- */

int thespian_builder_error(const struct thespian_builder *builder, struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  int error = builder->buffer.error;
  if (builder->refusal != NULL)
    return th_fail(words, TH_ECANNOTSEND, "the value cannot be sent: %s", builder->refusal);
  if (error != 0)
    return th_fail(words, error, "the value cannot be sent: %s", th_error_words(error));
  if (builder->depth > 0)
    return th_fail(words, TH_ECANNOTSEND, "the value cannot be sent: %zu of its tables have no end",
                   builder->depth);
  if (!builder->is_whole) return th_fail(words, TH_ECANNOTSEND, "the builder holds no value");
  return 0;
}

int th_embed_packed(const struct thespian_builder *builder, struct th_embed_packed *packed,
                    struct th_reason *reason) {
  *packed = (struct th_embed_packed){"\xc0", 1}; /* nil */
  if (builder == NULL) return 0;
  int error = thespian_builder_error(builder, (struct thespian_reason *)reason);
  if (error == 0) *packed = (struct th_embed_packed){builder->buffer.data, builder->buffer.size};
  return error;
}

int th_embed_requirements(const struct thespian_builder *builder, struct th_embed_packed *packed,
                          struct th_reason *reason) {
  *packed = (struct th_embed_packed){NULL, 0};
  if (builder == NULL) return 0;
  int error = th_embed_packed(builder, packed, reason);
  if (error != 0) return error;
  enum thespian_type type = thespian_value_type(th_embed_value(packed->data, packed->size));
  if (type == THESPIAN_ARRAY || type == THESPIAN_MAP || type == THESPIAN_INSTANCE) return 0;
  return th_fail(reason, TH_ESPECIFICATION, "requirements are a table or nothing");
}

enum th_kind th_embed_kind(struct th_embed_packed packed) {
  static const struct {
    const char *name;
    enum th_kind kind;
  } kinds[] = {{LIBRARY "ActorExitRequest", TH_KIND_EXIT_REQUEST},
               {LIBRARY "PoisonMessage", TH_KIND_POISON},
               {LIBRARY "Thespian_StatusReq", TH_KIND_STATUS_REQUEST}};
  size_t size;
  const char *name = thespian_value_class(th_embed_value(packed.data, packed.size), &size);
  if (name == NULL || size < sizeof LIBRARY || memcmp(name, LIBRARY, sizeof LIBRARY - 1) != 0)
    return TH_KIND_USER;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (th_unpack_is(name, size, kinds[i].name)) return kinds[i].kind;
  return TH_KIND_SYSTEM;
}
