#include "bindings/state.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bindings/arenas.h"
#include "bindings/core.h"
#include "bindings/globals.h"
#include "bindings/guard.h"
#include "bindings/mould.h"
#include "bindings/require.h"

/* A single block this many times the limit is refused: nothing that fits could come of it. */
#define ABSURD 4

/* Bytes that an actor needs soon beyond what it begins with. */
#define ROOM ((size_t)2 << 10)

/* What the state would hold is more than its limit. False when it gets nothing. */
static bool may_exceed(struct th_script_state *state, size_t size) {
  size_t limit = state->interrupt.memory_limit;
  if (size / ABSURD > limit) return false;
  th_interrupt_over(state);
  return true;
}

static void *allocate(void *user, void *block, size_t old_size, size_t size) {
  struct th_script_state *state = user;
  if (block == NULL) old_size = 0; /* then it tells the kind of object */
  if (size == 0) {
    th_arena_resize(state->arena, block, old_size, 0);
    state->memory -= old_size;
    return NULL;
  }
  size_t held = state->memory - old_size + size;
  if (size > old_size && state->interrupt.memory_limit - 1 < held - 1 && !may_exceed(state, size))
    return NULL;
  void *moved = th_arena_resize(state->arena, block, old_size, size);
  if (moved != NULL) state->memory = held;
  return moved;
}

/* Reached only where our own code calls Lua without protection: a bug, and no state to go on
 * from. */
static int panic(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  const char *words = lua_tostring(L, -1);
  th_log_write(state->world->log, TH_LOG_CRITICAL, "unprotected error in Lua: %s",
               words != NULL ? words : "no text");
  return 0;
}

/* ---- what every state has ---- */

/* Protected: what is the same in the state of every actor. Leaves the main thread's stack as a start
 * finds it. */
static int prepare(lua_State *L) {
  th_globals_open(L);
  th_core_prepare(L, true);
  lua_pushnil(L); /* in the place of the class */
  lua_newthread(L);
  return 2;
}

/* The Lua state in the arena becomes that of the actor. */
static void adopt(struct th_script_state *state, lua_State *L) {
  state->L = L;
  state->handler = lua_tothread(L, TH_STATE_BASE);
  *(struct th_script_state **)lua_getextraspace(state->L) = state;
  *(struct th_script_state **)lua_getextraspace(state->handler) = state;
}

/* The mould from which the others are cast; who comes second keeps what is there. */
static void keep_prepared(struct th_script_shared *shared, struct th_mould *mould) {
  struct th_mould *none = NULL;
  if (!atomic_compare_exchange_strong_explicit(&shared->prepared, &none, mould,
                                               memory_order_release, memory_order_relaxed))
    th_mould_unref(mould);
}

/* Prepares a Lua state in the arena. False when there is no memory. */
static bool fill(struct th_script_state *state, void *piece) {
  state->memory = 0;
  state->arena = th_arena_open(piece);
  lua_State *L = lua_newstate(allocate, state);
  if (L == NULL) return false;
  *(struct th_script_state **)lua_getextraspace(L) = state;
  lua_atpanic(L, panic);
  lua_pushcfunction(L, prepare);
  if (lua_pcall(L, 0, 2, 0) != LUA_OK) {
    lua_close(L);
    return false;
  }
  adopt(state, L);
  /* Where there is one actor there may be no more. */
  if (atomic_exchange_explicit(&state->shared->was_prepared, true, memory_order_relaxed))
    keep_prepared(state->shared, th_mould_make(L, state->arena, state->handler, &state->memory));
  return true;
}

/* Casts the mould for the actor; NULL: prepares a state. False when there is no memory. */
static bool cast(struct th_script_state *state, const struct th_mould *mould, void *piece) {
  if (mould == NULL) return fill(state, piece);
  state->arena = th_mould_cast(mould, piece);
  state->memory = th_mould_memory(mould);
  lua_State *L = th_arena_root(state->arena);
  lua_setallocf(L, allocate, state);
  adopt(state, L);
  if (th_mould_settle(mould, L)) return true;
  lua_close(L);
  return false;
}

static void give_back(struct th_script_state *state) {
  if (state->arena != NULL) {
    th_arena_close(state->arena);
    th_arenas_give(state->shared->arenas, state->arena);
  }
  th_image_unref(state->image);
  th_mould_unref(state->mould);
  state->image = NULL;
  state->mould = NULL;
  state->arena = NULL;
  state->L = state->handler = NULL;
}

/* ---- images ---- */

/* Whether all that happened until the class was found is in the arena, and would happen in the same
 * way again. */
static bool is_pure(const struct th_script_state *state) {
  return state->trail.is_pure && !state->has_foreign && state->finalizers.marked == 0 &&
         !state->interrupt.is_over && lua_gc(state->L, LUA_GCISRUNNING) != 0 &&
         th_guard_is_random_unused(state->L);
}

/* Makes a part of the library. [-0, +0, e] */
static void make_part(lua_State *L, const char *part) {
  size_t size = strcspn(part, " ");
  int top = lua_gettop(L);
  lua_pushcfunction(L, th_require);
  lua_pushlstring(L, part, size);
  lua_call(L, 1, 1);
  if (part[size] != '\0') lua_getfield(L, -1, part + size + 1);
  lua_settop(L, top);
}

/* Protected: makes the first so many parts that the image has. */
static int load_later(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  size_t count = (size_t)lua_tointeger(L, 1);
  for (size_t i = 0; i < count; i++) make_part(L, th_image_later(state->image, i));
  return 0;
}

/* The state becomes the mould of its class, with what its actors load later: as if its modules did. */
static void make_mould(struct th_script_state *state) {
  struct th_images *images = state->shared->images;
  size_t count = th_image_count_later(state->image), limit = state->interrupt.memory_limit;
  state->phase = TH_SCRIPT_FINDS;
  lua_pushcfunction(state->L, load_later);
  lua_pushinteger(state->L, (lua_Integer)count);
  if (lua_pcall(state->L, 1, 0, 0) != LUA_OK || !is_pure(state)) {
    lua_settop(state->L, TH_STATE_BASE);
    th_images_drop_later(images, state->image);
    return;
  }
  state->interrupt.memory_limit = 0; /* what making needs is not the actor's */
  struct th_mould *mould = th_mould_make(state->L, state->arena, state->handler, &state->memory);
  state->interrupt.memory_limit = limit;
  th_images_set_mould(images, state->image, mould, count);
}

void th_script_state_found(struct th_script_state *state) {
  bool is_known;
  state->has_class = true;
  if (is_pure(state)) {
    th_image_unref(state->image);
    state->image = th_images_learn(state->shared->images, state->class_name, &state->trail,
                                   &is_known);
    /* A class that is found for the first time may be found no more. */
    if (state->image != NULL && is_known && th_image_can_have_mould(state->image))
      make_mould(state);
  }
  th_trail_clear(&state->trail);
}

void th_script_state_note_part(struct th_script_state *state, const char *part) {
  if (state->image != NULL && state->phase > TH_SCRIPT_FINDS)
    th_images_add_later(state->shared->images, state->image, part);
}

/* ---- opening and closing ---- */

/* Opens the Lua state in a piece, with the class if there is a mould of it. False when there is no
 * memory. */
static bool fill_piece(struct th_script_state *state) {
  struct th_script_shared *shared = state->shared;
  size_t later = 0;
  struct th_mould *mould = th_images_mould(shared->images, state->image, &later);
  state->has_class = state->is_of_image = mould != NULL;
  if (mould == NULL)
    mould = th_mould_ref(atomic_load_explicit(&shared->prepared, memory_order_acquire));
  state->mould = mould;
  void *piece = th_arenas_take(shared->arenas, (mould != NULL ? th_mould_size(mould) : 0) + ROOM);
  bool is_open = piece != NULL && cast(state, mould, piece);
  if (is_open && state->has_class && later < th_image_count_later(state->image) &&
      th_image_can_have_mould(state->image))
    make_mould(state);
  return is_open;
}

bool th_script_state_open(struct th_script_state *state) {
  state->interrupt.memory_limit = 0;
  state->exit_is_recursive = true;
  state->has_foreign = false;
  state->interrupt.stop = TH_STOP_NONE;
  state->interrupt.is_over = false;
  state->trail.is_pure = true;
  th_finalizer_init(&state->finalizers);
  state->image = th_images_find(state->shared->images, state->world, state->source,
                                state->class_name);
  if (fill_piece(state)) return true;
  give_back(state);
  return false;
}

bool th_script_state_rest(struct th_script_state *state) {
  th_buffer_clear(&state->scratch);
  th_buffer_clear(&state->outgoing);
  th_trail_clear(&state->trail);
  state->rest = th_mould_put_aside(state->mould, state->arena);
  if (state->rest != NULL) th_arenas_cool(state->shared->arenas, state->arena);
  return state->rest != NULL;
}

void th_script_state_wake(struct th_script_state *state) {
  th_arenas_warm(state->shared->arenas, state->arena, th_arena_rest_used(state->rest));
  th_mould_bring_back(state->mould, state->arena, state->rest);
  state->rest = NULL;
}

/* Where all that is left is memory of the arena, it goes with that; else Lua frees object by
 * object. */
void th_script_state_close(struct th_script_state *state) {
  if (state->L == NULL) return;
  if (state->rest != NULL) th_script_state_wake(state);
  th_finalizer_end(state);
  if (state->has_foreign || !th_arena_is_whole(state->arena)) lua_close(state->L);
  give_back(state);
}

struct th_script_state *th_script_state_new(struct th_actor *actor, struct th_script_birth *birth,
                                            const char *class_name) {
  struct th_script_state *state = th_new(struct th_script_state);
  state->actor = actor;
  state->world = birth->world;
  state->shared = birth->world->script;
  state->source = birth->source;
  state->birth = birth;
  state->class_name = class_name;
  th_trail_init(&state->trail);
  th_buffer_init(&state->scratch);
  th_buffer_init(&state->outgoing);
  state->scratch.limit = birth->world->message_limit;
  th_interrupt_init(state);
  if (th_script_state_open(state)) return state;
  state->birth = NULL; /* the caller's still */
  th_script_state_free(state);
  return NULL;
}

void th_script_state_free(struct th_script_state *state) {
  th_script_state_close(state);
  if (state->birth != NULL) state->birth->drop(state->birth);
  th_bytes_unref(state->wanted);
  free(state->global_name);
  th_trail_clear(&state->trail);
  th_buffer_clear(&state->scratch);
  th_buffer_clear(&state->outgoing);
  free(state);
}
