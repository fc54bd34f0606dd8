#include "bindings/classes.h"

#include <lauxlib.h>
#include <string.h>

#include "message/message.h"
#include "message/pack.h"

#define MOST_NAMES 256
#define SLOTS 16

/* User values of the cache: what slot n points to stands at FIRST + n. */
enum {
  SENT_METATABLE = 1,
  SENT_NAMES = SENT_METATABLE + SLOTS,
  RECEIVED_METATABLE = SENT_NAMES + SLOTS,
  RECEIVED_NAMES = RECEIVED_METATABLE + SLOTS,
  USER_VALUES = RECEIVED_NAMES + SLOTS - 1
};

struct received {
  const char *names; /* NULL: an empty slot */
  size_t size;
};

struct sent {
  const void *metatable; /* NULL: an empty slot */
  struct th_class class;
};

struct cache {
  struct sent sent[SLOTS];
  struct received received[SLOTS];
};

/* The table of the state: the two functions, and the metatables that resolve gave, by packed names.
 * That one is weak, so classes that exist only because a stranger named them do not stay. */
enum { NAMES = 1, RESOLVE, RESOLVED };

static const char state_key = 0; /* registry: the table of the state */
static const char cache_key = 0;

void th_classes_open(lua_State *L) {
  lua_createtable(L, 3, 0);
  lua_insert(L, -3);
  lua_rawseti(L, -3, RESOLVE);
  lua_rawseti(L, -2, NAMES);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawseti(L, -2, RESOLVED);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

size_t th_classes_names_size(const unsigned char *data, size_t size) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, data, size);
  uint32_t count = th_unpack_array(&reader);
  if (count < 2 || count % 2 != 0 || count > MOST_NAMES) return 0;
  while (count-- != 0) {
    if (!th_unpack_next(&reader, &item) || item.type != TH_ITEM_STR) return 0;
  }
  return (size_t)(reader.at - data);
}

/* [-0, +1, m] pushes the cache. */
static struct cache *push_cache(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TUSERDATA) return lua_touserdata(L, -1);
  lua_pop(L, 1);
  struct cache *cache = lua_newuserdatauv(L, sizeof *cache, USER_VALUES);
  *cache = (struct cache){0};
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
  return cache;
}

/* [-0, +1, e] pushes a field of the state's table. */
static void push_of_state(lua_State *L, int field) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) != LUA_TTABLE)
    luaL_error(L, "no classes are known to this state yet");
  lua_rawgeti(L, -1, field);
  lua_replace(L, -2);
}

/* [-0, +1, -] pushes a raw field of the table at index. */
static int push_raw(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, index);
}

/* [-0, +1, e] pushes the packed names of the metatable at index, asking for them the first time. */
static void push_names(lua_State *L, int index) {
  size_t size = 0;
  if (push_raw(L, index, "__names") != LUA_TSTRING) {
    lua_pop(L, 1);
    push_of_state(L, NAMES);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
  }
  const char *names = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : "";
  if (size == 0 || th_classes_names_size((const unsigned char *)names, size) != size)
    luaL_error(L, "a class has no proper names");
  lua_pushliteral(L, "__names");
  lua_pushvalue(L, -2);
  lua_rawset(L, index);
}

/* [-0, +0, -] the message kind that the metatable at index stands for. */
static uint8_t kind_of(lua_State *L, int index) {
  push_raw(L, index, "__kind");
  lua_Integer kind = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : TH_KIND_USER;
  lua_pop(L, 1);
  return kind > TH_KIND_USER && kind <= TH_KIND_STATUS_REQUEST ? (uint8_t)kind : TH_KIND_USER;
}

static struct sent *sent_slot(struct cache *cache, const void *metatable) {
  uint32_t mixed = (uint32_t)((uintptr_t)metatable >> 4) * UINT32_C(0x9e3779b1);
  return &cache->sent[mixed >> 28];
}

/* [-0, +0, m] a class of the library's own that was sent is known where it comes back: its names, on
 * top of the stack, mean it in every state. */
static void note_own(lua_State *L, int metatable) {
  int names = lua_gettop(L);
  if (push_raw(L, metatable, "__module") == LUA_TSTRING &&
      strcmp(lua_tostring(L, -1), "thespian.actors") == 0) {
    push_of_state(L, RESOLVED);
    lua_pushvalue(L, names);
    lua_pushvalue(L, metatable);
    lua_rawset(L, -3);
  }
  lua_settop(L, names);
}

/* [-1, +0, e] the slow path of th_classes_find. */
static bool learn_sent(lua_State *L, struct th_class *class) {
  int metatable = lua_gettop(L);
  push_raw(L, metatable, "__thespian");
  if (!lua_toboolean(L, -1)) {
    lua_settop(L, metatable - 1);
    return false;
  }
  lua_pop(L, 1);
  push_names(L, metatable);
  class->names = lua_tolstring(L, -1, &class->size);
  class->kind = kind_of(L, metatable);
  note_own(L, metatable);
  struct cache *cache = push_cache(L);
  struct sent *slot = sent_slot(cache, lua_topointer(L, metatable));
  int number = (int)(slot - cache->sent);
  slot->metatable = NULL;
  lua_pushvalue(L, metatable);
  lua_setiuservalue(L, -2, SENT_METATABLE + number);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, SENT_NAMES + number);
  *slot = (struct sent){.metatable = lua_topointer(L, metatable), .class = *class};
  lua_settop(L, metatable - 1);
  return true;
}

bool th_classes_find(lua_State *L, struct th_class *class) {
  const void *metatable = lua_topointer(L, -1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
  struct cache *cache = lua_touserdata(L, -1);
  struct sent *slot = cache != NULL ? sent_slot(cache, metatable) : NULL;
  if (slot != NULL && slot->metatable == metatable) {
    *class = slot->class;
    lua_pop(L, 2);
    return true;
  }
  lua_pop(L, 1);
  return learn_sent(L, class);
}

/* Which slot the names that data begins with would have: from the length, the middle and the end of
 * the first of them, where that is short (a wrong guess only costs time). */
static int received_slot(const unsigned char *data, size_t size) {
  size_t length = size > 2 ? data[1] : 0;
  size_t start = 2;
  if ((length & 0xe0) == 0xa0) {
    length &= 0x1f;
  } else if (length == 0xd9) {
    length = data[2];
    start = 3;
  } else {
    return 0;
  }
  if (length == 0 || start + length > size) return 0;
  return (int)((length + data[start + length / 2] + 3u * data[start + length - 1]) % SLOTS);
}

/* [-0, +1, e] pushes the metatable for the names on top of the stack, which stay. */
static void push_resolved(lua_State *L) {
  int names = lua_gettop(L);
  push_of_state(L, RESOLVED);
  lua_pushvalue(L, names);
  if (lua_rawget(L, -2) != LUA_TTABLE) {
    lua_pop(L, 1);
    push_of_state(L, RESOLVE);
    lua_pushvalue(L, names);
    lua_call(L, 1, 1);
    if (!lua_istable(L, -1)) luaL_error(L, "a class could not be made from its names");
    lua_pushvalue(L, names);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_replace(L, -2);
}

/* [-0, +1|0, e] the slow path of th_classes_push. */
static size_t learn_received(lua_State *L, const unsigned char *data, size_t left) {
  size_t size = th_classes_names_size(data, left);
  if (size == 0) return 0;
  lua_pushlstring(L, (const char *)data, size);
  push_resolved(L);
  struct cache *cache = push_cache(L);
  int number = received_slot(data, left);
  cache->received[number].names = NULL;
  lua_pushvalue(L, -3);
  lua_setiuservalue(L, -2, RECEIVED_NAMES + number);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, RECEIVED_METATABLE + number);
  cache->received[number] = (struct received){.names = lua_tostring(L, -3), .size = size};
  lua_pop(L, 1);
  lua_replace(L, -2);
  return size;
}

size_t th_classes_push(lua_State *L, const unsigned char *data, size_t size) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
  const struct cache *cache = lua_touserdata(L, -1);
  int number = received_slot(data, size);
  const struct received *slot = cache != NULL ? &cache->received[number] : NULL;
  /* Names end where they end: bytes that begin with them cannot begin with other names. */
  if (slot != NULL && slot->names != NULL && slot->size <= size &&
      memcmp(slot->names, data, slot->size) == 0) {
    lua_getiuservalue(L, -1, RECEIVED_METATABLE + number);
    lua_replace(L, -2);
    return slot->size;
  }
  lua_pop(L, 1);
  return learn_received(L, data, size);
}
