/* The way out. A sequence is recognised ahead, by its border and the count of its keys. A map is
 * walked once: pairs go out as they come, behind a head of one byte, as long as they are plain. How
 * many there are is known at the end, or is counted ahead when the first table within it comes:
 * what follows that cannot be moved cheaply any more.
 *
 * Nothing here allocates in Lua for up to FEW tables of known classes, so no collector runs and no
 * Lua code can interfere. Where it does (a names function, a finalizer that changes the table being
 * walked), the count at the end does not match and the value is refused.
 */
#include "bindings/codec.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bindings/address.h"
#include "bindings/classes.h"
#include "bindings/path.h"
#include "message/message.h"
#include "message/pack.h"

#define FEW 16             /* tables that are looked for one by one */
#define SLOTS_PER_LEVEL 12 /* of the Lua stack: key, value, copy of a key, and what classes needs */

/* Tables met so far and their numbers: a hash table in a userdata of Lua's, once there are many. */
struct met {
  const void *table;
  uint32_t number;
};

struct encoder {
  lua_State *L;
  struct th_buffer *buffer;
  size_t start; /* what was in it before */
  int depth;
  uint8_t kind;
  int hash_index; /* stack slot of the userdata behind hash; nil before */
  uint32_t count;
  uint32_t mask; /* of hash; its size is one more */
  struct met *hash;
  const void *few[FEW];
};

static struct met *find_slot(struct met *hash, uint32_t mask, const void *table) {
  uint64_t mixed = (uint64_t)((uintptr_t)table >> 4) * UINT64_C(0x9e3779b97f4a7c15);
  uint32_t at = (uint32_t)(mixed >> 32) & mask;
  while (hash[at].table != NULL && hash[at].table != table) at = (at + 1) & mask;
  return &hash[at];
}

/* [-0, +0, m] makes a hash table four times as large. */
static void grow_hash(struct encoder *encoder) {
  uint32_t size = encoder->hash != NULL ? (encoder->mask + 1) * 4 : FEW * 4;
  struct met *hash = lua_newuserdatauv(encoder->L, size * sizeof *hash, 0);
  memset(hash, 0, size * sizeof *hash);
  for (uint32_t i = 0; encoder->hash == NULL && i < encoder->count; i++)
    *find_slot(hash, size - 1, encoder->few[i]) = (struct met){encoder->few[i], i};
  for (uint32_t i = 0; encoder->hash != NULL && i <= encoder->mask; i++) {
    const struct met *met = &encoder->hash[i];
    if (met->table != NULL) *find_slot(hash, size - 1, met->table) = *met;
  }
  encoder->hash = hash;
  encoder->mask = size - 1;
  lua_replace(encoder->L, encoder->hash_index);
}

/* [-0, +0, m] true, and its number, when the table was met before; else it gets the next number. */
static bool find_or_add(struct encoder *encoder, const void *table, uint32_t *number) {
  if (encoder->hash == NULL) {
    for (uint32_t i = 0; i < encoder->count; i++) {
      *number = i;
      if (encoder->few[i] == table) return true;
    }
    if (encoder->count < FEW) {
      encoder->few[encoder->count++] = table;
      return false;
    }
  }
  if (encoder->hash == NULL || encoder->count > encoder->mask / 2) grow_hash(encoder);
  struct met *slot = find_slot(encoder->hash, encoder->mask, table);
  *number = slot->number;
  if (slot->table == table) return true;
  *slot = (struct met){table, encoder->count++};
  return false;
}

/* [-0, +1, m] gives error back, with the words for it. */
static int fail_limits(struct encoder *encoder) {
  int error = encoder->buffer->error;
  if (error == TH_ETOOBIG) {
    char size[32];
    size_t limit = encoder->buffer->limit;
    snprintf(size, sizeof size, "%zu", limit != 0 ? limit - encoder->start : UINT32_MAX);
    lua_pushfstring(encoder->L, "message is larger than %s bytes", size);
  } else {
    lua_pushfstring(encoder->L, "message: %s", th_error_words(error));
  }
  return error;
}

static int fail_memory(struct encoder *encoder) {
  lua_pushliteral(encoder->L, "message: out of memory");
  return TH_ENOMEM;
}

static int fail_depth(struct encoder *encoder, const struct th_path_level *level) {
  th_path_push_start(encoder->L, level);
  lua_pushfstring(encoder->L, "%s is nested deeper than %d levels", lua_tostring(encoder->L, -1),
                  TH_PACK_DEPTH);
  lua_remove(encoder->L, -2);
  return TH_ECANNOTSEND;
}

static int fail_changed(struct encoder *encoder, const struct th_path_level *level) {
  th_path_push(encoder->L, level);
  lua_pushfstring(encoder->L, "%s was changed while it was being sent",
                  lua_tostring(encoder->L, -1));
  lua_remove(encoder->L, -2);
  return TH_ECANNOTSEND;
}

/* The value of this type at that place cannot travel. */
static int fail_type(struct encoder *encoder, const struct th_path_level *level, int type) {
  const char *name = lua_typename(encoder->L, type);
  if (type == LUA_TTHREAD) name = "coroutine";
  if (type == LUA_TLIGHTUSERDATA) name = "light userdata";
  th_path_push(encoder->L, level);
  lua_pushfstring(encoder->L, "%s is a %s", lua_tostring(encoder->L, -1), name);
  lua_remove(encoder->L, -2);
  return TH_ECANNOTSEND;
}

/* True when the value at index was one that needs no table walked. */
static inline bool encode_plain(lua_State *L, struct th_buffer *buffer, int index, int type) {
  size_t size;
  const char *text;
  switch (type) {
  case LUA_TSTRING:
    text = lua_tolstring(L, index, &size);
    th_pack_str(buffer, text, size);
    return true;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      th_pack_int(buffer, lua_tointeger(L, index));
    } else {
      th_pack_real(buffer, lua_tonumber(L, index));
    }
    return true;
  case LUA_TBOOLEAN:
    th_pack_bool(buffer, lua_toboolean(L, index));
    return true;
  case LUA_TNIL:
    th_pack_nil(buffer);
    return true;
  default:
    return false;
  }
}

static bool encode_address(lua_State *L, struct th_buffer *buffer, int index) {
  const struct th_address *address = th_lua_to_address(L, index);
  if (address == NULL) return false;
  th_pack_address(buffer, address);
  return true;
}

static void encode_reference(struct th_buffer *buffer, uint32_t number) {
  unsigned char bytes[] = {0xd6,
                           TH_EXT_REFERENCE,
                           (unsigned char)(number >> 24),
                           (unsigned char)(number >> 16),
                           (unsigned char)(number >> 8),
                           (unsigned char)number};
  if (number <= UINT8_MAX) {
    unsigned char short_form[] = {0xd4, TH_EXT_REFERENCE, (unsigned char)number};
    th_pack_raw(buffer, short_form, sizeof short_form);
  } else {
    th_pack_raw(buffer, bytes, sizeof bytes);
  }
}

static int encode_table(struct encoder *encoder, const struct th_path_level *outer, int index);

/* [-0, +0|1, e] the value at index, an absolute one, which is not plain. */
static inline int encode_nested(struct encoder *encoder, const struct th_path_level *level,
                                int index, int type) {
  if (type == LUA_TTABLE) return encode_table(encoder, level, index);
  if (encode_address(encoder->L, encoder->buffer, index)) return 0;
  return fail_type(encoder, level, type);
}

/* [-0, +0, -] true when the table at index has no other keys than 1 to size, if it has all of
 * these. (A look behind the last of them would be enough if it were sure to lie in the array
 * part.) */
static bool has_no_more(lua_State *L, int index, lua_Unsigned size) {
  lua_Unsigned count = 0;
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    lua_pop(L, 1);
    if (++count <= size) continue;
    lua_pop(L, 1);
    return false;
  }
  return count == size;
}

static bool has_no_hole(lua_State *L, int index, lua_Unsigned from, lua_Unsigned size) {
  bool whole = true;
  for (; whole && from <= size; from++) {
    whole = lua_rawgeti(L, index, (lua_Integer)from) != LUA_TNIL;
    lua_pop(L, 1);
  }
  return whole;
}

#define HOLE 1 /* what encode_sequence returns for what is none, before any table within went out */

/* [-0, +0|1, e] the item with this index, which is not plain. */
static int encode_nested_item(struct encoder *encoder, struct th_path_level *level,
                              lua_Unsigned index) {
  lua_State *L = encoder->L;
  lua_settop(L, level->table);
  lua_pushinteger(L, (lua_Integer)index);
  int type = lua_rawgeti(L, level->table, (lua_Integer)index);
  int error = encode_nested(encoder, level, level->table + 2, type);
  if (error == 0) lua_settop(L, level->table);
  return error;
}

/* [-0, +0|1, e] the table as an array, if it has no holes. */
static int encode_sequence(struct encoder *encoder, struct th_path_level *level,
                           lua_Unsigned size) {
  lua_State *L = encoder->L;
  struct th_buffer *buffer = encoder->buffer;
  bool checked = false;
  th_pack_array(buffer, (uint32_t)size);
  for (lua_Unsigned i = 1; i <= size; i++) {
    int type = lua_rawgeti(L, level->table, (lua_Integer)i);
    if (type == LUA_TNIL) return checked ? fail_changed(encoder, level->outer) : HOLE;
    if (!encode_plain(L, buffer, -1, type)) {
      if (!checked && !has_no_hole(L, level->table, i, size)) return HOLE;
      checked = true;
      int error = encode_nested_item(encoder, level, i);
      if (error != 0) return error;
    } else if (i % 4 == 0) {
      lua_settop(L, level->table); /* not for each: the calls into Lua are what takes the time */
    }
  }
  lua_settop(L, level->table);
  return 0;
}

/* What the walk through a map knows. */
struct walk {
  struct th_path_level level;
  size_t head;    /* where in the buffer the map's head goes; it has one byte so far */
  uint32_t count; /* pairs that went out */
  uint32_t total; /* pairs there are, once counted */
  bool counted;   /* the head is written */
};

/* Writes the head, moving what follows it when it needs more than the one byte kept. */
static void write_head(struct th_buffer *buffer, struct walk *walk, uint32_t count) {
  size_t wider = count < 16 ? 0 : count <= UINT16_MAX ? 2 : 4;
  size_t body = buffer->size - walk->head - 1;
  if (th_buffer_reserve(buffer, wider) == NULL) return;
  unsigned char *place = buffer->data + walk->head + 1;
  if (wider != 0) memmove(place + wider, place, body);
  buffer->size = walk->head;
  th_pack_map(buffer, count);
  buffer->size += body;
}

/* [-0, +0, -] sees to it that the head is right before a table within the map goes out: counts the
 * pair on top of the stack, which is not out yet, and all that follow. */
static void count_ahead(struct encoder *encoder, struct walk *walk) {
  lua_State *L = encoder->L;
  walk->total = walk->count + 1;
  lua_pushvalue(L, -2);
  while (lua_next(L, walk->level.table) != 0) {
    walk->total++;
    lua_pop(L, 1);
  }
  write_head(encoder->buffer, walk, walk->total);
  walk->counted = true;
}

/* [-0, +0|1, e] the current key, which is not plain. */
static int encode_nested_key(struct encoder *encoder, struct walk *walk, int type) {
  walk->level.in_key = true;
  lua_pushvalue(encoder->L, walk->level.table + 1);
  int error = encode_nested(encoder, &walk->level, walk->level.table + 3, type);
  if (error != 0) return error;
  walk->level.in_key = false;
  lua_settop(encoder->L, walk->level.table + 2);
  return 0;
}

/* [-0, +0|1, e] the pair on top of the stack. */
static inline int encode_pair(struct encoder *encoder, struct walk *walk) {
  lua_State *L = encoder->L;
  int key_type = lua_type(L, -2);
  int type = lua_type(L, -1);
  int error;
  if ((type == LUA_TTABLE || key_type == LUA_TTABLE) && !walk->counted) count_ahead(encoder, walk);
  if (!encode_plain(L, encoder->buffer, -2, key_type)) {
    if ((error = encode_nested_key(encoder, walk, key_type)) != 0) return error;
  }
  if (encode_plain(L, encoder->buffer, -1, type)) return 0;
  return encode_nested(encoder, &walk->level, walk->level.table + 2, type);
}

/* [-0, +0|1, e] the table as a map. */
static int encode_map(struct encoder *encoder, const struct th_path_level *level) {
  lua_State *L = encoder->L;
  struct walk walk = {.level = *level, .head = encoder->buffer->size};
  if (th_buffer_reserve(encoder->buffer, 1) != NULL) encoder->buffer->size++;
  lua_pushnil(L);
  while (lua_next(L, level->table) != 0) {
    int error = encode_pair(encoder, &walk);
    if (error != 0) return error;
    walk.count++;
    lua_pop(L, 1);
  }
  if (walk.counted && walk.count != walk.total) return fail_changed(encoder, level->outer);
  if (!walk.counted) write_head(encoder->buffer, &walk, walk.count);
  return 0;
}

/* [-0, +0|1, e] the table as what it is. */
static int encode_array_or_map(struct encoder *encoder, struct th_path_level *level) {
  lua_State *L = encoder->L;
  size_t head = encoder->buffer->size;
  lua_Unsigned size = lua_rawlen(L, level->table);
  if (size != 0 && has_no_more(L, level->table, size)) {
    int error = encode_sequence(encoder, level, size);
    if (error != HOLE) return error;
    encoder->buffer->size = head;
    lua_settop(L, level->table);
  }
  int error = encode_map(encoder, level);
  if (error == 0 && encoder->buffer->size == head + 1) { /* empty: nothing but the head */
    encoder->buffer->size = head;
    th_pack_array(encoder->buffer, 0);
  }
  return error;
}

/* [-0, +0|1, e] the table at index, an absolute one: also the top of the stack. */
static int encode_table(struct encoder *encoder, const struct th_path_level *outer, int index) {
  lua_State *L = encoder->L;
  struct th_buffer *buffer = encoder->buffer;
  struct th_class class;
  uint32_t number;
  size_t mark = 0;
  if (find_or_add(encoder, lua_topointer(L, index), &number)) {
    encode_reference(buffer, number);
    return 0;
  }
  if (encoder->depth == TH_PACK_DEPTH) return fail_depth(encoder, outer);
  if (!lua_checkstack(L, SLOTS_PER_LEVEL)) return fail_memory(encoder);
  bool instance = lua_getmetatable(L, index) && th_classes_find(L, &class);
  if (instance) {
    if (encoder->depth == 0) encoder->kind = class.kind;
    mark = th_pack_ext_begin(buffer, TH_EXT_INSTANCE);
    th_pack_raw(buffer, class.names, class.size);
  }
  struct th_path_level level = {.outer = outer, .table = index};
  encoder->depth++;
  int error = instance ? encode_map(encoder, &level) : encode_array_or_map(encoder, &level);
  encoder->depth--;
  if (instance && error == 0) th_pack_ext_end(buffer, mark);
  return error == 0 && buffer->error != 0 ? fail_limits(encoder) : error;
}

/* [-0, +0|1, e] the table at index. */
static int encode_whole(lua_State *L, int index, struct th_buffer *buffer, uint8_t *kind) {
  struct encoder encoder;
  encoder.L = L;
  encoder.buffer = buffer;
  encoder.start = buffer->size;
  encoder.kind = TH_KIND_USER;
  encoder.depth = 0;
  encoder.count = 0;
  encoder.hash = NULL;
  if (!lua_checkstack(L, SLOTS_PER_LEVEL)) return fail_memory(&encoder);
  index = lua_absindex(L, index);
  encoder.hash_index = lua_gettop(L) + 1;
  lua_pushnil(L);
  lua_pushvalue(L, index);
  int error = encode_table(&encoder, NULL, encoder.hash_index + 1);
  *kind = encoder.kind;
  if (error != 0) lua_replace(L, encoder.hash_index);
  lua_settop(L, encoder.hash_index - (error == 0 ? 1 : 0));
  return error;
}

/* Whatever is no plain value; also a plain one that did not fit. */
static int encode_other(lua_State *L, int index, struct th_buffer *buffer, uint8_t *kind) {
  struct encoder encoder = {.L = L, .buffer = buffer, .start = buffer->size};
  int type = lua_type(L, index);
  if (buffer->error != 0) return fail_limits(&encoder);
  if (type == LUA_TTABLE) return encode_whole(L, index, buffer, kind);
  if (!encode_address(L, buffer, index)) return fail_type(&encoder, NULL, type);
  return buffer->error != 0 ? fail_limits(&encoder) : 0;
}

int th_codec_encode(lua_State *L, int index, struct th_buffer *buffer, uint8_t *kind) {
  size_t size = buffer->size;
  int before = buffer->error;
  *kind = TH_KIND_USER;
  if (encode_plain(L, buffer, index, lua_type(L, index)) && buffer->error == 0) return 0;
  buffer->size = size;
  int error = encode_other(L, index, buffer, kind);
  if (error != 0) {
    buffer->size = size;
    buffer->error = before;
  }
  return error;
}
