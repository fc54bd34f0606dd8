/* The way in. Nothing is trusted: every count is held against the bytes that are left before room
 * is made for it, less what the containers around it have been promised (so the room made for a
 * whole message is in proportion to its bytes), depth is limited, and so is what colliding keys may
 * cost.
 *
 * A reference needs the tables by number, and hardly any message has one. So at first tables are
 * only counted; where a reference is met, all is done once more with a list of the tables.
 */
#include "bindings/codec.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/address.h"
#include "bindings/classes.h"
#include "bindings/spread.h"
#include "message/pack.h"

/* Past the depth that an encoder allows: what the runtime puts around a message it gives back
 * (poison, then a dead envelope, ...), each an instance and an enclosed value. */
#define DEPTH (TH_PACK_DEPTH + 24)

#define SLOTS_PER_LEVEL 12
#define MOST_ROOM (1 << 26) /* entries made room for at once */

struct decoder {
  lua_State *L;
  struct th_unpack bytes;
  size_t promised; /* items still to come in the containers around: a byte each, at least */
  int depth;
  int list; /* stack index of the table with every table met so far; 0 while there is none */
  uint32_t met;
};

static _Noreturn void refuse(struct decoder *decoder, const char *words) {
  lua_pushfstring(decoder->L, "malformed message: %s", words);
  lua_error(decoder->L);
  abort(); /* lua_error does not return, which its header does not say */
}

static size_t left(const struct decoder *decoder) {
  return (size_t)(decoder->bytes.end - decoder->bytes.at);
}

/* Begins a container of so many items. */
static void enter(struct decoder *decoder, uint64_t items) {
  if (items + decoder->promised > left(decoder)) refuse(decoder, "it ends too early");
  decoder->promised += (size_t)items;
  if (decoder->depth++ == DEPTH) refuse(decoder, "it is nested too deeply");
  luaL_checkstack(decoder->L, SLOTS_PER_LEVEL, "malformed message");
}

/* [-0, +1, e] pushes a table, and remembers it where references are looked up. */
static void push_table(struct decoder *decoder, uint32_t items, uint32_t pairs) {
  lua_State *L = decoder->L;
  lua_createtable(L, items < MOST_ROOM ? (int)items : MOST_ROOM,
                  pairs < MOST_ROOM ? (int)pairs : MOST_ROOM);
  decoder->met++;
  if (decoder->list == 0) return;
  lua_pushvalue(L, -1);
  lua_rawseti(L, decoder->list, (lua_Integer)decoder->met);
}

static bool decode_item(struct decoder *decoder);
static bool decode_array(struct decoder *decoder, uint32_t count);
static bool decode_map(struct decoder *decoder, uint32_t count);

/* [-0, +1, e] the next value; the frequent short forms here, the others in decode_item. False when
 * a list of tables is needed; the stack is then as it happens to be. */
static inline bool decode_value(struct decoder *decoder) {
  const unsigned char *at = decoder->bytes.at;
  if (at == decoder->bytes.end) refuse(decoder, "it ends too early");
  unsigned char form = *at;
  if (form >= 0xc0) return decode_item(decoder);
  decoder->bytes.at++;
  if (form < 0x80) {
    lua_pushinteger(decoder->L, form);
    return true;
  }
  if (form < 0x90) return decode_map(decoder, form & 15);
  if (form < 0xa0) return decode_array(decoder, form & 15);
  size_t size = form & 31;
  if (size > left(decoder)) refuse(decoder, "it ends too early");
  lua_pushlstring(decoder->L, (const char *)at + 1, size);
  decoder->bytes.at += size;
  return true;
}

static bool decode_array(struct decoder *decoder, uint32_t count) {
  enter(decoder, count);
  push_table(decoder, count, 0);
  for (uint32_t i = 1; i <= count; i++) {
    decoder->promised--;
    if (!decode_value(decoder)) return false;
    lua_rawseti(decoder->L, -2, (lua_Integer)i);
  }
  decoder->depth--;
  return true;
}

/* A bit for a key, which equal keys share: a key whose bit is new in its map needs no look-up. */
static inline uint64_t bit_of_string(const char *text, size_t size) {
  if (size == 0) return 1;
  const unsigned char *bytes = (const unsigned char *)text;
  return UINT64_C(1) << ((size + bytes[0] * 7u + bytes[size / 2] * 3u + bytes[size - 1]) & 63);
}

/* [-0, +0, e] the key on top of the stack must not be in the table below it. */
static void require_new(struct decoder *decoder) {
  lua_pushvalue(decoder->L, -1);
  if (lua_rawget(decoder->L, -3) != LUA_TNIL) refuse(decoder, "a key comes twice");
  lua_pop(decoder->L, 1);
}

/* [-0, +0, e] the bit of the key on top of the stack; all bits for what has none. */
static uint64_t check_key(struct decoder *decoder, struct th_spread *spread) {
  lua_State *L = decoder->L;
  size_t size;
  const char *text;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
    text = lua_tolstring(L, -1, &size);
    return bit_of_string(text, size);
  case LUA_TNUMBER:
    if (spread != NULL && !th_spread_add(L, spread, -1)) refuse(decoder, "too many keys collide");
    if (lua_isinteger(L, -1)) return UINT64_C(1) << (lua_tointeger(L, -1) & 63);
    if (!lua_rawequal(L, -1, -1)) refuse(decoder, "a key is not a number");
    return UINT64_MAX;
  case LUA_TNIL:
    refuse(decoder, "a key is nil");
  default:
    return UINT64_MAX;
  }
}

/* [-0, +1, e] the next key of the map whose table is on top; seen has the bits of those before. */
static inline bool decode_key(struct decoder *decoder, uint64_t *seen, struct th_spread *spread) {
  const unsigned char *at = decoder->bytes.at;
  uint64_t bit;
  size_t size;
  decoder->promised--;
  if (at != decoder->bytes.end && (*at & 0xe0) == 0xa0 && (size = *at & 31) < left(decoder)) {
    lua_pushlstring(decoder->L, (const char *)at + 1, size);
    decoder->bytes.at += 1 + size;
    bit = bit_of_string((const char *)at + 1, size);
  } else {
    if (!decode_value(decoder)) return false;
    bit = check_key(decoder, spread);
  }
  if ((*seen & bit) != 0) require_new(decoder);
  *seen |= bit;
  return true;
}

/* [-0, +0, e] the pairs of the map whose table is on top. */
static inline bool decode_pairs(struct decoder *decoder, uint32_t count, struct th_spread *spread) {
  uint64_t seen = 0;
  while (count-- != 0) {
    if (!decode_key(decoder, &seen, spread)) return false;
    decoder->promised--;
    if (!decode_value(decoder)) return false;
    lua_rawset(decoder->L, -3);
  }
  decoder->depth--;
  return true;
}

static bool decode_large_map(struct decoder *decoder, uint32_t count) {
  struct th_spread spread;
  lua_pushnil(decoder->L);
  th_spread_init(&spread, lua_gettop(decoder->L), count);
  push_table(decoder, 0, count);
  if (!decode_pairs(decoder, count, &spread)) return false;
  lua_replace(decoder->L, -2);
  return true;
}

static bool decode_map(struct decoder *decoder, uint32_t count) {
  enter(decoder, 2 * (uint64_t)count);
  if (count > TH_SPREAD_FEW) return decode_large_map(decoder, count);
  push_table(decoder, 0, count);
  return decode_pairs(decoder, count, NULL);
}

/* [-0, +1, e] the metatable's names stand first, then the fields. */
static bool decode_instance(struct decoder *decoder) {
  lua_State *L = decoder->L;
  struct th_item item;
  luaL_checkstack(L, SLOTS_PER_LEVEL, "malformed message");
  size_t size = th_classes_push(L, decoder->bytes.at, left(decoder));
  if (size == 0) refuse(decoder, "an instance has no proper names");
  decoder->bytes.at += size;
  if (!th_unpack_next(&decoder->bytes, &item) || item.type != TH_ITEM_MAP)
    refuse(decoder, "an instance has no fields");
  if (!decode_map(decoder, item.count)) return false;
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
  return true;
}

/* [-0, +1, e] */
static bool decode_enclosed(struct decoder *decoder) {
  int list = decoder->list;
  uint32_t met = decoder->met;
  enter(decoder, 0);
  decoder->met = 0;
  if (list != 0) {
    lua_createtable(decoder->L, 0, 0);
    decoder->list = lua_gettop(decoder->L);
  }
  if (!decode_value(decoder)) return false;
  if (list != 0) lua_replace(decoder->L, -2);
  decoder->depth--;
  decoder->list = list;
  decoder->met = met;
  return true;
}

/* [-0, +1, e] what is within an extension. */
static bool decode_within(struct decoder *decoder, const struct th_item *item) {
  const unsigned char *end = decoder->bytes.end;
  size_t promised = decoder->promised;
  decoder->bytes.at = item->data;
  decoder->bytes.end = item->data + item->size;
  decoder->promised = 0;
  bool instance = item->ext == TH_EXT_INSTANCE;
  if (!(instance ? decode_instance(decoder) : decode_enclosed(decoder))) return false;
  if (left(decoder) != 0) refuse(decoder, "an extension is too long");
  decoder->bytes.end = end;
  decoder->promised = promised;
  return true;
}

/* [-0, +1, e] */
static bool decode_reference(struct decoder *decoder, const struct th_item *item) {
  uint32_t number = 0;
  if (item->size < 1 || item->size > 4) refuse(decoder, "a reference has a wrong size");
  for (size_t i = 0; i < item->size; i++) number = number << 8 | item->data[i];
  if (number >= decoder->met) refuse(decoder, "a reference points nowhere");
  if (decoder->list == 0) return false;
  lua_rawgeti(decoder->L, decoder->list, (lua_Integer)number + 1);
  return true;
}

/* [-0, +1, e] */
static bool decode_extension(struct decoder *decoder, const struct th_item *item) {
  struct th_address address;
  switch (item->ext) {
  case TH_EXT_ADDRESS:
    if (!th_item_address(item, &address)) refuse(decoder, "an address has a wrong size");
    th_lua_push_address(decoder->L, &address);
    return true;
  case TH_EXT_REFERENCE:
    return decode_reference(decoder, item);
  case TH_EXT_INSTANCE:
  case TH_EXT_ENCLOSED:
    return decode_within(decoder, item);
  default:
    refuse(decoder, "an extension is unknown");
  }
}

void th_codec_push_plain(lua_State *L, const struct th_item *item) {
  switch (item->type) {
  case TH_ITEM_BOOL:
    lua_pushboolean(L, item->boolean);
    return;
  case TH_ITEM_INT:
    lua_pushinteger(L, item->integer);
    return;
  case TH_ITEM_REAL:
    lua_pushnumber(L, item->real);
    return;
  case TH_ITEM_STR:
    lua_pushlstring(L, (const char *)item->data, item->size);
    return;
  default:
    lua_pushnil(L);
  }
}

static bool decode_item(struct decoder *decoder) {
  struct th_item item;
  if (!th_unpack_next(&decoder->bytes, &item)) refuse(decoder, "it is no MessagePack");
  switch (item.type) {
  case TH_ITEM_ARRAY:
    return decode_array(decoder, item.count);
  case TH_ITEM_MAP:
    return decode_map(decoder, item.count);
  case TH_ITEM_EXT:
    return decode_extension(decoder, &item);
  default:
    th_codec_push_plain(decoder->L, &item);
    return true;
  }
}

/* [-0, +1, e] all the bytes as one value. False when a list of tables is needed. */
static bool decode_whole(lua_State *L, const void *data, size_t size, int list) {
  struct decoder decoder = {.L = L, .list = list};
  th_unpack_init(&decoder.bytes, data, size);
  if (!decode_value(&decoder)) return false;
  if (left(&decoder) != 0) refuse(&decoder, "something follows it");
  return true;
}

void th_codec_decode(lua_State *L, const void *data, size_t size) {
  luaL_checkstack(L, SLOTS_PER_LEVEL, "malformed message");
  int top = lua_gettop(L);
  if (decode_whole(L, data, size, 0)) return;
  lua_settop(L, top);
  lua_createtable(L, 0, 0);
  decode_whole(L, data, size, top + 1);
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
}

bool th_codec_read_plain(const void *data, size_t size, struct th_item *item) {
  struct th_unpack bytes;
  *item = (struct th_item){.type = TH_ITEM_NIL};
  if (size == 0) return true;
  th_unpack_init(&bytes, data, size);
  return th_unpack_next(&bytes, item) && bytes.at == bytes.end && item->type <= TH_ITEM_STR;
}
