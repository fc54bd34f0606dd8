#include "bindings/state.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bindings/blank.h"
#include "bindings/core.h"
#include "bindings/globals.h"
#include "bindings/guard.h"
#include "bindings/require.h"

/* A single block this many times the limit is refused: nothing that fits could come of it. */
#define ABSURD 4

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
    th_arena_resize(state->blank->arena, block, old_size, 0);
    state->memory -= old_size;
    return NULL;
  }
  size_t held = state->memory - old_size + size;
  if (size > old_size && state->interrupt.memory_limit - 1 < held - 1 && !may_exceed(state, size))
    return NULL;
  void *moved = th_arena_resize(state->blank->arena, block, old_size, size);
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

/* ---- blanks ---- */

/* Protected: what is the same in the state of every actor. Leaves the main thread's stack as a start
 * finds it. */
static int prepare(lua_State *L) {
  th_globals_open(L);
  th_core_prepare(L, true);
  lua_pushnil(L); /* in the place of the class */
  th_script_state_of(L)->handler = lua_newthread(L);
  return 2;
}

/* Prepares the blank's Lua state. What was needed on the way is collected as it goes, so that no
 * actor has it, nor the room that it took.
 * False when there is no memory. */
static bool fill(struct th_script_state *state, struct th_blank *blank) {
  state->memory = 0;
  lua_State *L = lua_newstate(allocate, state);
  if (L == NULL) return false;
  *(struct th_script_state **)lua_getextraspace(L) = state;
  lua_atpanic(L, panic);
  lua_pushcfunction(L, prepare);
  if (lua_pcall(L, 0, 2, 0) != LUA_OK) {
    lua_close(L);
    return false;
  }
  lua_gc(L, LUA_GCCOLLECT);
  blank->L = L;
  blank->handler = state->handler;
  blank->memory = state->memory;
  th_blanks_keep(state->shared->blanks, blank);
  return true;
}

/* The blank's Lua state becomes that of the actor. */
static void adopt(struct th_script_state *state, struct th_blank *blank) {
  state->L = blank->L;
  state->handler = blank->handler;
  state->memory = blank->memory;
  *(struct th_script_state **)lua_getextraspace(state->L) = state;
  *(struct th_script_state **)lua_getextraspace(state->handler) = state;
  lua_setallocf(state->L, allocate, state);
}

static void give_back(struct th_script_state *state) {
  th_blanks_give(state->shared->blanks, state->blank);
  th_image_unref(state->image);
  state->image = NULL;
  state->blank = NULL;
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

/* The state becomes the image of its class, with what its actors load later: as if its modules did. */
static void make_image(struct th_script_state *state) {
  struct th_script_shared *shared = state->shared;
  size_t count = th_image_count_later(state->image);
  state->phase = TH_SCRIPT_FINDS;
  lua_pushcfunction(state->L, load_later);
  lua_pushinteger(state->L, (lua_Integer)count);
  if (lua_pcall(state->L, 1, 0, 0) != LUA_OK || !is_pure(state)) {
    lua_settop(state->L, TH_STATE_BASE);
    th_images_drop_later(shared->images, state->image);
    return;
  }
  lua_gc(state->L, LUA_GCCOLLECT);
  state->blank->later = count;
  th_blanks_keep_image(shared->blanks, state->blank, state->image, state->memory);
}

/* A class that is found for the first time may be found no more. */
static bool is_worth_an_image(const struct th_script_state *state, bool is_known) {
  return is_known && state->blank->times_taken > 1;
}

void th_script_state_found(struct th_script_state *state) {
  bool is_known;
  state->has_class = true;
  if (is_pure(state)) {
    th_image_unref(state->image);
    state->image = th_images_learn(state->shared->images, state->class_name, &state->trail,
                                   &is_known);
    if (state->image != NULL && is_worth_an_image(state, is_known)) make_image(state);
  }
  th_trail_clear(&state->trail);
}

void th_script_state_note_part(struct th_script_state *state, const char *part) {
  if (state->image != NULL && state->phase > TH_SCRIPT_FINDS)
    th_images_add_later(state->shared->images, state->image, part);
}

/* ---- opening and closing ---- */

bool th_script_state_open(struct th_script_state *state) {
  state->interrupt.memory_limit = 0;
  state->exit_is_recursive = true;
  state->has_foreign = false;
  state->interrupt.stop = TH_STOP_NONE;
  state->interrupt.is_over = false;
  th_finalizer_init(&state->finalizers);
  state->image = th_images_find(state->shared->images, state->world, state->source,
                                state->class_name);
  state->blank = th_blanks_take(state->shared->blanks, state->image);
  if (state->blank == NULL) return false;
  if (state->blank->L == NULL && !fill(state, state->blank)) {
    give_back(state);
    return false;
  }
  adopt(state, state->blank);
  state->has_class = state->blank->held != NULL;
  state->trail.is_pure = true;
  if (state->has_class && state->blank->later < th_image_count_later(state->image))
    make_image(state);
  return true;
}

/* Where all that is left is memory of the arena, it goes with that; else Lua frees object by
 * object. */
void th_script_state_close(struct th_script_state *state) {
  if (state->L == NULL) return;
  th_finalizer_end(state);
  if (state->has_foreign || !th_arena_is_whole(state->blank->arena)) lua_close(state->L);
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
