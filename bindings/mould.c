#include "bindings/mould.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "bindings/guard.h"

/* What arenas.h says of distinct places is so for these. */
_Static_assert(LUA_VERSION_NUM == 504, "another Lua has other instructions");

struct th_mould {
  atomic_uint references; /* relaxed up, acquire and release down: the last one sees all */
  struct th_arena_copy *copy;
  size_t memory;
  bool has_apart; /* some pairs are to be put in again */
};

/* Registry: the list {table, key, value, ...} of pairs that were taken out of their tables. */
static const char apart_key = 0;

/* ---- what is in a state ---- */

/* The stack of who walks through it. */
enum { HANDLER = 1, SEEN, TODO, APART };

/* A function that is nothing but the address of one in C. [-0, +0, -] */
static bool is_light(lua_State *L, int index) {
  if (!lua_iscfunction(L, index)) return false;
  bool is_light = lua_getupvalue(L, index, 1) == NULL;
  if (!is_light) lua_pop(L, 1);
  return is_light;
}

/* Lua finds it by its address. */
static bool has_place(lua_State *L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TTABLE:
  case LUA_TUSERDATA:
  case LUA_TTHREAD:
    return true;
  case LUA_TFUNCTION:
    return !is_light(L, index);
  default:
    return false;
  }
}

/* [-0, +0, m] */
static bool can_move(lua_State *L, int index) {
  if (lua_isthread(L, index)) {
    lua_State *thread = lua_tothread(L, index);
    return thread == L || thread == lua_touserdata(L, HANDLER);
  }
  return lua_type(L, index) != LUA_TUSERDATA || th_guard_is_random(L, index);
}

/* Notes the value on top, if it leads to others. False where it cannot move. [-1, +0, m] */
static bool note(lua_State *L) {
  int value = lua_gettop(L);
  bool moves = true;
  if (has_place(L, value)) {
    moves = can_move(L, value);
    lua_pushvalue(L, value);
    if (lua_rawget(L, SEEN) == LUA_TNIL) {
      lua_pushvalue(L, value);
      lua_pushboolean(L, 1);
      lua_rawset(L, SEEN);
      lua_pushvalue(L, value);
      lua_rawseti(L, TODO, (lua_Integer)lua_rawlen(L, TODO) + 1);
    }
  }
  lua_settop(L, value - 1);
  return moves;
}

static void append(lua_State *L, int index) {
  lua_pushvalue(L, index);
  lua_rawseti(L, APART, (lua_Integer)lua_rawlen(L, APART) + 1);
}

/* [-0, +0, m] */
static bool note_pairs(lua_State *L, int table) {
  bool moves = true;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int key = table + 1, value = table + 2;
    if (has_place(L, key)) {
      append(L, table);
      append(L, key);
      append(L, value);
    }
    moves = note(L) && moves;
    lua_pushvalue(L, key);
    moves = note(L) && moves;
  }
  return moves;
}

/* [-0, +0, m] what the value on top, which has a place, leads to. */
static bool note_parts(lua_State *L) {
  int value = lua_gettop(L);
  bool moves = true;
  if (lua_istable(L, value)) moves = note_pairs(L, value);
  if (lua_isfunction(L, value))
    for (int i = 1; lua_getupvalue(L, value, i) != NULL; i++) moves = note(L) && moves;
  if (lua_type(L, value) == LUA_TUSERDATA) {
    for (int i = 1; lua_getiuservalue(L, value, i) != LUA_TNONE; i++) moves = note(L) && moves;
    lua_settop(L, value);
  }
  if (!lua_isfunction(L, value) && !lua_isthread(L, value) && lua_getmetatable(L, value))
    moves = note(L) && moves;
  return moves;
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Pushes the metatable of the type of the value on top, or nil. [-1, +1, -] */
static void replace_by_metatable(lua_State *L) {
  if (!lua_getmetatable(L, -1)) lua_pushnil(L);
  lua_remove(L, -2);
}

/* Notes the metatables of types whose values are no tables. [-0, +0, m] */
static bool note_types(lua_State *L) {
  bool moves = true;
  for (int type = 0; type < 6; type++) {
    if (type == 0) lua_pushnil(L);
    if (type == 1) lua_pushboolean(L, 1);
    if (type == 2) lua_pushinteger(L, 1);
    if (type == 3) lua_pushliteral(L, "");
    if (type == 4) lua_pushcfunction(L, nothing);
    if (type == 5) lua_pushthread(L);
    replace_by_metatable(L);
    moves = note(L) && moves;
  }
  return moves;
}

/* ---- taking apart, and putting together ---- */

/* Takes the pairs that are listed out of their tables, or puts them in. The list is on top.
 * [-0, +0, m] */
static void set_pairs(lua_State *L, bool puts) {
  int list = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, list);
  for (lua_Integer i = 1; i < count; i += 3) {
    lua_rawgeti(L, list, i);
    lua_rawgeti(L, list, i + 1);
    if (puts)
      lua_rawgeti(L, list, i + 2);
    else
      lua_pushnil(L);
    lua_rawset(L, list + 1);
    lua_settop(L, list);
  }
}

/* Protected: arguments are the handler's coroutine, then what is on the main thread's stack. Leaves
 * the list of pairs in the registry; gives whether the state can be a mould, and if there are any. */
static int take_apart(lua_State *L) {
  int count = lua_gettop(L);
  bool moves = true;
  for (int i = 0; i < 3; i++) {
    lua_newtable(L);
    lua_insert(L, SEEN);
  }
  for (int i = 2; i <= count; i++) {
    lua_pushvalue(L, i + 3);
    moves = note(L) && moves;
  }
  lua_settop(L, APART);
  lua_pushvalue(L, LUA_REGISTRYINDEX);
  moves = note(L) && note_types(L) && moves;
  for (lua_Integer i = 1; moves && lua_rawgeti(L, TODO, i) != LUA_TNIL; i++) {
    moves = note_parts(L);
    lua_settop(L, APART);
  }
  bool has_apart = lua_rawlen(L, APART) > 0;
  if (moves && has_apart) {
    lua_settop(L, APART);
    lua_pushvalue(L, APART);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &apart_key);
    set_pairs(L, false);
  }
  lua_pushboolean(L, moves);
  lua_pushboolean(L, has_apart);
  return 2;
}

/* Protected. */
static int put_together(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &apart_key);
  set_pairs(L, true);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &apart_key);
  return 0;
}

static bool settle(lua_State *L) {
  lua_pushcfunction(L, put_together);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return true;
  lua_pop(L, 1);
  return false;
}

/* Calls take_apart with what is on the stack. */
static bool begin(lua_State *L, lua_State *handler, bool *has_apart) {
  int count = lua_gettop(L);
  if (!lua_checkstack(L, count + 4)) return false;
  lua_pushcfunction(L, take_apart);
  lua_pushlightuserdata(L, handler);
  for (int i = 1; i <= count; i++) lua_pushvalue(L, i);
  bool moves = lua_pcall(L, count + 1, 2, 0) == LUA_OK && lua_toboolean(L, -2);
  *has_apart = moves && lua_toboolean(L, -1);
  lua_settop(L, count);
  return moves;
}

struct th_mould *th_mould_make(lua_State *L, struct th_arena *arena, lua_State *handler,
                               const size_t *memory) {
  struct th_mould *mould = th_new(struct th_mould);
  atomic_init(&mould->references, 1);
  if (begin(L, handler, &mould->has_apart)) {
    lua_gc(L, LUA_GCCOLLECT);
    th_arena_set_root(arena, L);
    mould->memory = *memory;
    if (th_arena_is_whole(arena)) mould->copy = th_arena_save(arena);
    if (mould->has_apart) settle(L);
  }
  if (mould->copy != NULL) return mould;
  free(mould);
  return NULL;
}

size_t th_mould_memory(const struct th_mould *mould) {
  return mould->memory;
}

size_t th_mould_size(const struct th_mould *mould) {
  return th_arena_copy_size(mould->copy);
}

struct th_arena *th_mould_cast(const struct th_mould *mould, void *piece) {
  return th_arena_restore(piece, mould->copy);
}

bool th_mould_settle(const struct th_mould *mould, lua_State *L) {
  return !mould->has_apart || settle(L);
}

struct th_arena_rest *th_mould_put_aside(const struct th_mould *mould, struct th_arena *arena) {
  return th_arena_put_aside(arena, mould != NULL ? mould->copy : NULL);
}

void th_mould_bring_back(const struct th_mould *mould, struct th_arena *arena,
                         struct th_arena_rest *rest) {
  th_arena_bring_back(arena, mould != NULL ? mould->copy : NULL, rest);
}

struct th_mould *th_mould_ref(struct th_mould *mould) {
  if (mould != NULL) atomic_fetch_add_explicit(&mould->references, 1, memory_order_relaxed);
  return mould;
}

void th_mould_unref(struct th_mould *mould) {
  if (mould == NULL) return;
  if (atomic_fetch_sub_explicit(&mould->references, 1, memory_order_acq_rel) != 1) return;
  th_arena_copy_free(mould->copy);
  free(mould);
}
