#include "bindings/interrupt.h"

#include <lauxlib.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "bindings/state.h"
#include "bindings/trace.h"

/* In the registry: a text, where the code was stopped. */
static const char *const place_key = "thespian.stopped";

static lua_State *running(const struct th_script_state *state) {
  return atomic_load_explicit(&state->interrupt.running, memory_order_relaxed);
}

static void set_running(struct th_script_state *state, lua_State *L) {
  atomic_store_explicit(&state->interrupt.running, L, memory_order_relaxed);
  /* The signal's handler runs on this thread: that the compiler keeps the order is enough. */
  atomic_signal_fence(memory_order_seq_cst);
}

/* ---- the hook ---- */

/* [-0, +1, m] */
static void push_words(lua_State *L) {
  const struct th_script_state *state = th_script_state_of(L);
  double time = (double)state->world->time_limit / (double)TH_SECOND;
  if (state->interrupt.stop == TH_STOP_MEMORY)
    lua_pushfstring(L, "over the actor's memory limit of %I bytes",
                    (lua_Integer)state->interrupt.memory_limit);
  else if (state->interrupt.stop == TH_STOP_TIME && time > 0)
    lua_pushfstring(L, "over the message time limit of %f s", time);
  else if (state->interrupt.stop == TH_STOP_TIME)
    lua_pushliteral(L, "cleaning up after an error took too long");
  else
    lua_pushliteral(L, "asked to exit, the actor did not end what it was doing in time");
}

static void stop(lua_State *L, struct th_script_state *state, enum th_stop why) {
  state->interrupt.stop = why;
  push_words(L);
  th_trace_push(L, L, lua_tostring(L, -1), 0);
  lua_setfield(L, LUA_REGISTRYINDEX, place_key);
  th_interrupt_raise(L);
}

static bool is_late(const struct th_interrupt *interrupt) {
  return interrupt->deadline != 0 && th_clock_now() >= interrupt->deadline;
}

/* Whether the runtime has lost its patience with what the actor does. */
static bool must_stop(const struct th_script_state *state) {
  return th_preempt_is_asked() && th_actor_must_stop(state->actor);
}

void th_interrupt_check(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_interrupt *interrupt = &state->interrupt;
  if (interrupt->stop != TH_STOP_NONE) th_interrupt_raise(L);
  if (interrupt->is_over && !th_interrupt_fits(state)) stop(L, state, TH_STOP_MEMORY);
  if (is_late(interrupt)) stop(L, state, TH_STOP_TIME);
  if (must_stop(state)) stop(L, state, TH_STOP_EXIT);
}

/* Called at an instruction of what runs. */
static void on_hook(lua_State *L, lua_Debug *event) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_interrupt *interrupt = &state->interrupt;
  (void)event;
  if (interrupt->stop != TH_STOP_NONE) th_interrupt_raise(L);
  lua_sethook(L, NULL, 0, 0);
  if (interrupt->is_over && !th_interrupt_fits(state)) stop(L, state, TH_STOP_MEMORY);
  if (is_late(interrupt)) stop(L, state, TH_STOP_TIME);
  if (!th_preempt_is_asked()) return;
  if (interrupt->outer_yields && lua_isyieldable(L)) {
    interrupt->is_preempted = true;
    lua_yield(L, 0);
  }
  if (th_actor_must_stop(state->actor)) stop(L, state, TH_STOP_EXIT);
}

static void arm(lua_State *L) {
  lua_sethook(L, on_hook, LUA_MASKCOUNT, 1);
}

int th_interrupt_raise(lua_State *L) {
  arm(L);
  luaL_where(L, 0);
  push_words(L);
  lua_concat(L, 2);
  return lua_error(L);
}

/* In the signal's handler. What runs is between two of its steps, or in the middle of one that ends
 * before the hook is looked at; lua_sethook only writes fields of the state that are there. */
static void arm_running(void *context) {
  lua_State *L = running(context);
  if (L != NULL) arm(L);
}

void th_interrupt_init(struct th_script_state *state) {
  state->interrupt.target.arm = arm_running;
  state->interrupt.target.context = state;
}

/* ---- memory ---- */

void th_interrupt_over(struct th_script_state *state) {
  lua_State *L = running(state);
  if (state->interrupt.is_over) return;
  state->interrupt.is_over = true;
  if (L != NULL) arm(L);
}

bool th_interrupt_fits(struct th_script_state *state) {
  struct th_interrupt *interrupt = &state->interrupt;
  lua_State *L = running(state);
  if (interrupt->memory_limit == 0) return true;
  if (interrupt->is_over) lua_gc(L != NULL ? L : state->L, LUA_GCCOLLECT);
  interrupt->is_over = false;
  return state->memory <= interrupt->memory_limit;
}

/* ---- running ---- */

struct outer {
  lua_State *running;
  bool yields;
};

/* What stood still while inner ran must hear of what is to be done. */
static struct outer enter(struct th_script_state *state, lua_State *inner, bool from_yields) {
  struct th_interrupt *interrupt = &state->interrupt;
  struct outer outer = {.running = running(state), .yields = interrupt->outer_yields};
  interrupt->outer_yields = from_yields && (outer.running == NULL || outer.yields);
  set_running(state, inner);
  if (interrupt->stop != TH_STOP_NONE || interrupt->is_over) arm(inner);
  return outer;
}

static void leave(struct th_script_state *state, lua_State *inner, struct outer outer) {
  struct th_interrupt *interrupt = &state->interrupt;
  set_running(state, outer.running);
  interrupt->outer_yields = outer.yields;
  if (lua_gethook(inner) != NULL) lua_sethook(inner, NULL, 0, 0);
  if (outer.running != NULL && interrupt->is_over) arm(outer.running);
}

int th_interrupt_resume(struct th_script_state *state, lua_State *coroutine, lua_State *from,
                        int arguments, int *results) {
  bool from_yields = running(state) == NULL || lua_isyieldable(from);
  struct outer outer = enter(state, coroutine, from_yields);
  int status = lua_resume(coroutine, from, arguments, results);
  leave(state, coroutine, outer);
  return status;
}

int th_interrupt_call(struct th_script_state *state, lua_State *L, int arguments, int results) {
  struct outer outer = enter(state, L, false);
  int status = lua_pcall(L, arguments, results, 0);
  leave(state, L, outer);
  return status;
}

int th_interrupt_reset(struct th_script_state *state, lua_State *coroutine) {
  struct outer outer = enter(state, coroutine, false);
  int status = lua_resetthread(coroutine);
  leave(state, coroutine, outer);
  return status;
}

void th_interrupt_push_place(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, place_key);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, place_key);
}
