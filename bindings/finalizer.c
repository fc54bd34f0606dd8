#include "bindings/finalizer.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bindings/globals.h"
#include "bindings/interrupt.h"
#include "bindings/state.h"

/* So many may wait while a handler makes more of them. */
#define LONG_QUEUE 64

/* For all finalizers that are left when the state ends. */
#define END_TIME (1 * TH_SECOND)
#define TICK (10 * TH_MILLISECOND)

/* Their addresses are keys in the registry: of the table with weak keys from objects to marks, of
 * the queue, of the marks' metatable. */
static const char marks_key, queue_key, metatable_key;

void th_finalizer_init(struct th_finalizers *finalizers) {
  *finalizers = (struct th_finalizers){.first = 1};
}

/* ---- marks ---- */

/* __gc of a mark. [e] */
static int enqueue(lua_State *L) {
  struct th_finalizers *finalizers = &th_script_state_of(L)->finalizers;
  if (finalizers->are_over) return 0;
  lua_getiuservalue(L, 1, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key);
  lua_pushvalue(L, 2);
  lua_pushnil(L);
  lua_rawset(L, 3);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &queue_key);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, finalizers->last + 1);
  finalizers->last++;
  return 0;
}

static void push_metatable(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, enqueue);
  lua_setfield(L, -2, "__gc");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

/* The first object to be marked makes the tables. */
static void push_marks(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &queue_key);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key);
}

/* Marks the object at index, unless it is. [-0, +0, m] */
static void mark(lua_State *L, int index) {
  struct th_finalizers *finalizers = &th_script_state_of(L)->finalizers;
  push_marks(L);
  lua_pushvalue(L, index);
  if (lua_rawget(L, -2) == LUA_TNIL && !finalizers->are_over) {
    uint64_t *number = lua_newuserdatauv(L, sizeof *number, 1);
    *number = ++finalizers->marked;
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
    push_metatable(L);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
}

/* Pops a metatable with a __gc, which is on top, and gives it to the object at index so that Lua
 * does not see that field. Nothing may be allocated between the two writes, so that the field is
 * there again. [-2, +0, -] its value lies on top of the metatable */
static void set_hidden(lua_State *L, int index, int metatable) {
  lua_pushliteral(L, "__gc");
  lua_pushvalue(L, -1);
  lua_pushnil(L);
  lua_rawset(L, metatable);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, index);
  lua_insert(L, -2);
  lua_rawset(L, metatable);
}

/* Gives the object at index the metatable (or nil) at index 2. [-0, +0, m] */
static void set_metatable(lua_State *L) {
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) {
      mark(L, 1);
      set_hidden(L, 1, 2);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 2);
  lua_setmetatable(L, 1);
}

/* ---- running them ---- */

/* The class's name is the card's once the actor has started. */
static void warn(const struct th_script_state *state, const char *words) {
  const char *name = atomic_load_explicit(&state->actor->card.class_name, memory_order_relaxed);
  th_log_write(state->world->log, TH_LOG_WARNING, "%s: error in __gc: %s",
               name != NULL ? name : "an actor that starts", words);
}

/* Pushes the next object's finalizer and the object; false where none is left. [-0, +0|2, m] */
static bool push_next(lua_State *L) {
  struct th_finalizers *finalizers = &th_script_state_of(L)->finalizers;
  while (th_finalizer_waits(finalizers)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &queue_key);
    lua_rawgeti(L, -1, finalizers->first);
    lua_pushnil(L);
    lua_rawseti(L, -3, finalizers->first);
    finalizers->first++;
    lua_remove(L, -2);
    if (luaL_getmetafield(L, -1, "__gc") != LUA_TNIL) {
      lua_insert(L, -2);
      return true;
    }
    lua_pop(L, 1);
  }
  th_finalizer_init(finalizers);
  return false;
}

/* What a protected call of a finalizer came to. The error is on top. [-0|1, +0, e] */
static void conclude(lua_State *L, int status) {
  if (th_script_state_of(L)->interrupt.stop != TH_STOP_NONE) th_interrupt_raise(L);
  if (status == LUA_OK || status == LUA_YIELD) return;
  warn(th_script_state_of(L), luaL_tolstring(L, -1, NULL));
  lua_pop(L, 2);
}

static int go_on(lua_State *L, int status, lua_KContext context) {
  struct th_script_state *state = th_script_state_of(L);
  conclude(L, status);
  while (push_next(L)) conclude(L, lua_pcallk(L, 1, 0, 0, context, go_on));
  state->finalizers.are_running = false;
  return 0;
}

int th_finalizer_run(lua_State *L) {
  lua_settop(L, 0);
  th_script_state_of(L)->finalizers.are_running = true;
  return go_on(L, LUA_OK, 0);
}

/* Wherever an object is marked, without a chance to yield. [-0, +0, e] */
static void shorten_queue(lua_State *L) {
  struct th_finalizers *finalizers = &th_script_state_of(L)->finalizers;
  if (finalizers->are_running || finalizers->last - finalizers->first < LONG_QUEUE) return;
  finalizers->are_running = true;
  while (push_next(L)) conclude(L, lua_pcall(L, 1, 0, 0));
  finalizers->are_running = false;
}

/* ---- Lua functions ---- */

int th_finalizer_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  th_globals_reveal(L, 1);
  set_metatable(L);
  lua_settop(L, 1);
  if (th_finalizer_waits(&th_script_state_of(L)->finalizers)) shorten_queue(L);
  return 1;
}

/* An object that Lua finalizes itself would have its new __gc called where nothing can interrupt
 * it. */
static void refuse_finalizer(lua_State *L) {
  if (!lua_istable(L, 2) || lua_type(L, 1) != LUA_TUSERDATA) return;
  if (luaL_getmetafield(L, 1, "__gc") == LUA_TNIL) return;
  lua_pushliteral(L, "__gc");
  if (lua_rawget(L, 2) != LUA_TNIL)
    luaL_argerror(L, 2, "a userdata's own __gc cannot be replaced in an actor");
  lua_pop(L, 2);
}

int th_finalizer_debug_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  lua_settop(L, 2);
  refuse_finalizer(L);
  if (lua_type(L, 1) == LUA_TTABLE) th_globals_reveal(L, 1);
  if (lua_type(L, 1) == LUA_TTABLE || lua_type(L, 1) == LUA_TUSERDATA)
    set_metatable(L);
  else
    lua_setmetatable(L, 1);
  lua_settop(L, 1);
  return 1;
}

/* ---- the end ---- */

static int newest_first(const void *one, const void *other) {
  uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
  return (a < b) - (a > b);
}

/* Pushes a table from numbers of marks to their objects, and gives the numbers, which are a
 * userdata below it, in order. [-0, +2, m] */
static uint64_t *push_left(lua_State *L, size_t *count) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) ++*count;
  uint64_t *numbers = lua_newuserdatauv(L, (*count + 1) * sizeof *numbers, 0);
  lua_createtable(L, 0, 0);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, -4) != 0; ++*count) {
    numbers[*count] = *(uint64_t *)lua_touserdata(L, -1);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)numbers[*count]);
  }
  qsort(numbers, *count, sizeof *numbers, newest_first);
  return numbers;
}

/* Protected, on the main thread. */
static int run_left(lua_State *L) {
  struct th_finalizers *finalizers = &th_script_state_of(L)->finalizers;
  size_t count;
  lua_gc(L, LUA_GCSTOP); /* so that none is taken from the table while it is read */
  uint64_t *numbers = push_left(L, &count);
  int left = lua_gettop(L);
  finalizers->are_running = true;
  while (push_next(L)) conclude(L, lua_pcall(L, 1, 0, 0));
  finalizers->are_over = true;
  lua_gc(L, LUA_GCRESTART);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, left, (lua_Integer)numbers[i]);
    if (luaL_getmetafield(L, -1, "__gc") == LUA_TNIL) {
      lua_pop(L, 1);
      continue;
    }
    lua_insert(L, -2);
    conclude(L, lua_pcall(L, 1, 0, 0));
  }
  return 0;
}

/* The thread may be one that nobody watches: there the timer asks for looks at the clock. */
void th_finalizer_end(struct th_script_state *state) {
  struct th_interrupt *interrupt = &state->interrupt;
  if (state->finalizers.marked == 0 && !th_finalizer_waits(&state->finalizers)) return;
  struct th_preempt_timer *timer = th_preempt_timer_new();
  const struct th_preempt_target *outer = th_preempt_run(&interrupt->target);
  interrupt->stop = TH_STOP_NONE;
  interrupt->deadline = th_clock_after(END_TIME);
  interrupt->memory_limit += interrupt->memory_limit / 4; /* it may have been why the state ends */
  th_preempt_timer_start(timer, TICK, TICK);
  lua_pushcfunction(state->L, run_left);
  if (th_interrupt_call(state, state->L, 0, 0) != LUA_OK) {
    const char *words = lua_tostring(state->L, -1);
    warn(state, words != NULL ? words : "an error without words");
    lua_pop(state->L, 1);
  }
  th_preempt_timer_stop(timer);
  th_preempt_timer_free(timer);
  interrupt->stop = TH_STOP_NONE;
  interrupt->deadline = 0;
  th_preempt_run(outer);
}
