/* script: the behaviour of actors written in Lua.
 *
 * All of an actor's code, its start as well as its handlers, runs in one coroutine of its state,
 * which can be interrupted and goes on in a later turn; where it fails a traceback is taken where
 * the error stands, and the coroutine is reset. A message is decoded once, and its value and sender
 * stay on the main thread's stack meanwhile; a second try gets the same value.
 *
 * Threads: turn. */
#include "actor/script.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bindings/address.h"
#include "bindings/arenas.h"
#include "bindings/code.h"
#include "bindings/codec.h"
#include "bindings/globals.h"
#include "bindings/guard.h"
#include "bindings/interrupt.h"
#include "bindings/mould.h"
#include "bindings/run.h"
#include "bindings/start.h"
#include "bindings/state.h"
#include "bindings/trace.h"
#include "message/notice.h"
#include "message/pack.h"

/* ---- open ---- */

/* The Lua function that start calls for the capabilities. */
static int push_capabilities(lua_State *L) {
  struct th_world *world = th_script_state_of(L)->world;
  struct th_bytes *map = world->ops->capabilities(world);
  /* The state holds the map while decoding may raise. */
  lua_pushlstring(L, (const char *)map->data, map->size);
  th_bytes_unref(map);
  size_t size;
  const char *data = lua_tolstring(L, -1, &size);
  th_codec_decode(L, data, size);
  return 1;
}

/* Also how much of a text is kept that code made as an error, or a traceback. */
#define WORDS_LIMIT ((size_t)32 << 10)

/* What is left of an actor's time once it was stopped: for closing variables, for __tostring. */
#define CLEANUP_TIME (1 * TH_SECOND)

/* ---- slices: from a resumption of the coroutine to its end or interruption ---- */

static void begin_try(struct th_script_state *state, enum th_script_phase phase) {
  state->phase = phase;
  state->spent = 0;
}

static void begin_slice(struct th_script_state *state) {
  uint64_t limit = state->world->time_limit;
  state->interrupt.is_preempted = false;
  state->interrupt.deadline = 0;
  if (limit == 0) return;
  state->slice_began = th_clock_now();
  state->interrupt.deadline = state->slice_began +
                              (limit > state->spent ? limit - state->spent : 1);
}

static void end_slice(struct th_script_state *state) {
  if (state->world->time_limit != 0) state->spent += th_clock_now() - state->slice_began;
  state->interrupt.deadline = 0;
}

static int run_slice(struct th_script_state *state, int arguments) {
  int results;
  begin_slice(state);
  int status = th_interrupt_resume(state, state->handler, state->L, arguments, &results);
  end_slice(state);
  if (status != LUA_YIELD) return status;
  if (state->interrupt.is_preempted) return LUA_YIELD;
  lua_settop(state->handler, 0);
  lua_pushliteral(state->handler, "attempt to yield from outside a coroutine");
  return LUA_ERRRUN;
}

/* Runs what runs the actor's code, so that its turn can be asked to end. */
static int run_preemptible(struct th_script_state *state,
                           int (*run)(struct th_script_state *state, struct th_buffer *details),
                           struct th_buffer *details) {
  const struct th_preempt_target *outer = th_preempt_run(&state->interrupt.target);
  int outcome = run(state, details);
  th_preempt_run(outer);
  return outcome;
}

/* ---- what went wrong ---- */

/* Replaces the string on top by its first part, where it is very long. [-1, +1, m] */
static void cut(lua_State *L) {
  size_t size;
  const char *words = lua_tolstring(L, -1, &size);
  if (size <= WORDS_LIMIT) return;
  lua_pushlstring(L, words, WORDS_LIMIT);
  lua_pushfstring(L, "... (%I bytes)", (lua_Integer)size);
  lua_concat(L, 2);
  lua_remove(L, -2);
}

/* Protected: the error's words with a traceback of the coroutine. 1: the coroutine, 2: the
 * error. */
static int describe(lua_State *L) {
  lua_State *handler = lua_tothread(L, 1);
  luaL_tolstring(L, 2, NULL);
  cut(L);
  th_trace_push(L, handler, lua_tostring(L, -1), 0);
  cut(L);
  return 1;
}

/* Protected: a new coroutine for handlers. */
static int make_handler(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  state->handler = lua_newthread(L);
  return 1;
}

/* A coroutine in which the hook raised an error has hooks switched off for good. [main: -0, +0] */
static void replace_handler(struct th_script_state *state) {
  lua_pushcfunction(state->L, make_handler);
  if (lua_pcall(state->L, 0, 1, 0) == LUA_OK)
    lua_replace(state->L, TH_STATE_BASE);
  else
    lua_pop(state->L, 1); /* no memory: then the next failure is for want of it, too */
}

/* Pushes the description of the error that the coroutine ended with. [main: -0, +1] */
static void push_description(struct th_script_state *state) {
  lua_State *L = state->L;
  lua_pushcfunction(L, describe);
  lua_pushvalue(L, TH_STATE_BASE);
  lua_xmove(state->handler, L, 1);
  if (th_interrupt_call(state, L, 2, 1) == LUA_OK || lua_isstring(L, -1)) return;
  lua_pop(L, 1);
  lua_pushliteral(L, "an error that cannot be described");
}

/* Moves the failed coroutine's error, described, to the top of the main stack, and makes the
 * coroutine fit for the next call. What of the actor's code runs for this has a time of its own.
 * [main: -0, +1] */
static void take_error(struct th_script_state *state) {
  struct th_interrupt *interrupt = &state->interrupt;
  bool was_stopped = interrupt->stop != TH_STOP_NONE;
  state->is_crammed = state->is_crammed || interrupt->stop == TH_STOP_MEMORY;
  interrupt->stop = TH_STOP_NONE;
  interrupt->deadline = th_clock_after(CLEANUP_TIME);
  state->finalizers.are_running = false;
  if (was_stopped)
    th_interrupt_push_place(state->L);
  else
    push_description(state);
  interrupt->stop = TH_STOP_NONE;
  th_interrupt_reset(state, state->handler);
  lua_settop(state->handler, 0);
  if (was_stopped || interrupt->stop != TH_STOP_NONE) replace_handler(state);
  interrupt->stop = TH_STOP_NONE;
  interrupt->deadline = 0;
}

static const char *error_text(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  return text != NULL ? text : "error without words";
}

static void log_failure(struct th_actor *actor, enum th_log_level level, const char *words,
                        const char *details) {
  char address[TH_ADDRESS_TEXT_SIZE];
  struct th_log_source source = {
    .key = actor->address.number,
    .class_name = atomic_load_explicit(&actor->card.class_name, memory_order_relaxed),
    .address = th_address_text(&actor->address, address)};
  th_log_write_from(actor->world->log, &source, level, "%s: %s", words, details);
}

/* ---- the capability check, once more ---- */

/* Where a state keeps the function that calls its class's check again; nothing where there is none. */
#define CHECK "thespian.check"

static void say_checked(struct th_script_state *state, bool is_checked) {
  atomic_store_explicit(&state->actor->card.is_checked, is_checked, memory_order_relaxed);
}

/* The system does not suit the actor any more: the admin asks it to exit, at once. */
static void ask_to_exit(struct th_script_state *state) {
  struct th_message *message = th_notice_exit(&state->actor->address, &state->world->admin, true,
                                              TH_MESSAGE_URGENT);
  if (message != NULL) state->world->ops->send(state->world, message);
}

/* In the handler's coroutine: true, or false and words. */
static int checked(lua_State *L, int status, lua_KContext context) {
  struct th_script_state *state = th_script_state_of(L);
  const char *words = lua_tostring(L, 2);
  (void)status;
  (void)context;
  if (lua_toboolean(L, 1)) return 0;
  log_failure(state->actor, TH_LOG_INFO, "cannot stay with the new capabilities",
              words != NULL ? words : "no");
  ask_to_exit(state);
  return 0;
}

static int call_check(lua_State *L) {
  lua_settop(L, 0);
  if (lua_getfield(L, LUA_REGISTRYINDEX, CHECK) != LUA_TFUNCTION) return 0;
  lua_callk(L, 0, 2, 0, checked);
  return checked(L, LUA_OK, 0);
}

/* ---- what has a message handled ---- */

/* Upvalues of handle. */
#define INSTANCE lua_upvalueindex(1)
#define METHOD lua_upvalueindex(2) /* its name */
#define KNOWN lua_upvalueindex(3)  /* the table of known addresses */

/* What the handler left behind is finalized with a time of its own. */
static int finish_handler(lua_State *L, int status, lua_KContext context) {
  struct th_script_state *state = th_script_state_of(L);
  (void)status;
  (void)context;
  if (!th_finalizer_waits(&state->finalizers)) return 0;
  begin_try(state, TH_SCRIPT_FINALIZES);
  begin_slice(state);
  return th_finalizer_run(L);
}

/* Pushes the value and the sender of a plain message. A string is copied to the main thread's stack,
 * for a second try: its bytes are the message's, which may be gone by then. [-0, +2, m] */
static void push_plain(lua_State *L, struct th_script_state *state) {
  th_codec_push_plain(L, &state->plain);
  th_lua_push_address_known(L, &state->sender, KNOWN, state->known);
  if (state->plain.type != TH_ITEM_STR) return;
  state->plain = (struct th_item){.type = TH_ITEM_NIL};
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_xmove(L, state->L, 2);
}

/* In the handler's coroutine: value and sender of the message; nothing where it is plain. */
static int handle(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  bool is_plain = lua_gettop(L) == 0;
  lua_pushvalue(L, METHOD);
  lua_gettable(L, INSTANCE);
  lua_pushvalue(L, INSTANCE);
  if (is_plain) {
    push_plain(L, state);
  } else {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
  }
  lua_callk(L, 3, 0, 0, finish_handler);
  return finish_handler(L, LUA_OK, 0);
}

/* ---- start ---- */

/* Appends one need, unless its value is a table: that is left to the check. */
static uint32_t pack_need(lua_State *L, int need, struct th_buffer *buffer) {
  uint8_t kind;
  lua_getfield(L, need, "name");
  lua_getfield(L, need, "value");
  bool is_plain = lua_type(L, -2) == LUA_TSTRING && !lua_istable(L, -1) && !lua_isuserdata(L, -1);
  size_t size = buffer->size;
  if (is_plain && th_codec_encode(L, lua_absindex(L, -2), buffer, &kind) == 0 &&
      th_codec_encode(L, lua_absindex(L, -1), buffer, &kind) == 0)
    return 2;
  buffer->size = size;
  return 0;
}

/* Keeps what the class needs, a list of {name =, value =}, for whoever seeks another system for it. */
static void note_wanted(lua_State *L, int needs) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_buffer list, *items = &state->scratch;
  uint32_t count = 0;
  th_buffer_reset(items);
  for (lua_Integer i = 1; lua_rawgeti(L, needs, i) == LUA_TTABLE; i++) {
    int top = lua_gettop(L);
    count += pack_need(L, top, items);
    lua_settop(L, top - 1);
  }
  th_buffer_init(&list);
  th_pack_array(&list, count);
  th_pack_raw(&list, items->data, items->size);
  th_bytes_unref(state->wanted);
  state->wanted = NULL;
  if (list.error == 0) state->wanted = th_bytes_copy(list.data, list.size);
  th_buffer_clear(&list);
}

/* Hands what the class needs on to its birth. */
static void give_wanted(struct th_script_state *state, struct th_birth *birth) {
  birth->wanted = state->wanted;
  state->wanted = NULL;
}

/* [-0, +1, m] pushes what has messages handled by the instance at index 1. */
static void push_entry(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "receiveMessage");
  state->known = th_lua_push_known(L);
  lua_pushcclosure(L, handle, 3);
}

/* In the handler's coroutine: the class, or nil, class of the error and words. */
static int found(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 3;
}

/* The coroutine's function for a class that is to be found. */
static int find(lua_State *L) {
  lua_settop(L, 0);
  lua_pushcfunction(L, th_start_find);
  lua_pushstring(L, th_script_state_of(L)->class_name);
  lua_callk(L, 1, 3, 0, found);
  return found(L, LUA_OK, 0);
}

/* In the handler's coroutine: instance or nil, class or the check, words, needs. A class may have its
 * own limit. What has its messages handled takes the place of the words. */
static int started(lua_State *L, int status, lua_KContext context) {
  struct th_script_state *state = th_script_state_of(L);
  (void)status;
  (void)context;
  if (lua_istable(L, 1) && lua_getfield(L, 1, "actorMemoryLimit") == LUA_TNUMBER) {
    lua_Number limit = lua_tonumber(L, -1);
    if (limit > 0 && limit < (lua_Number)(SIZE_MAX / 2))
      state->interrupt.memory_limit = (size_t)limit;
  }
  if (lua_istable(L, 4)) note_wanted(L, 4);
  lua_settop(L, 3);
  if (lua_isfunction(L, 2)) {
    lua_pushvalue(L, 2);
    lua_setfield(L, LUA_REGISTRYINDEX, CHECK);
  } else {
    say_checked(state, false);
  }
  if (lua_isnil(L, 1)) return 3;
  lua_pop(L, 1);
  push_entry(L);
  return 3;
}

/* The coroutine's function for a class that is found: makes the instance. */
static int start(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_bytes *requirements = state->birth->requirements;
  th_arena_soil(state->arena); /* from here on nothing is made of it */
  th_guard_start(L, state->is_of_image);
  lua_settop(L, 0);
  lua_pushcfunction(L, th_start_make);
  lua_pushvalue(state->L, TH_STATE_ENTRY);
  lua_xmove(state->L, L, 1);
  lua_pushstring(L, state->class_name);
  lua_pushcfunction(L, push_capabilities);
  if (requirements != NULL)
    th_codec_decode(L, requirements->data, requirements->size);
  else
    lua_pushnil(L);
  /* Before the capabilities are read: a change after that finds it said. */
  say_checked(state, state->birth->check_capabilities);
  lua_pushboolean(L, state->birth->check_capabilities);
  th_lua_push_address(L, &state->actor->address);
  lua_pushstring(L, state->global_name);
  lua_callk(L, 7, 4, 0, started);
  return started(L, LUA_OK, 0);
}

static int class_error(const char *class_name) {
  if (class_name == NULL) return TH_ESPECIFICATION;
  if (strcmp(class_name, "NoCompatibleSystemForActor") == 0) return TH_ENOCOMPATIBLE;
  return strcmp(class_name, "no class") == 0 ? TH_ENOCLASS : TH_ESPECIFICATION;
}

static void note_memory(struct th_script_state *state) {
  size_t memory = state->rest != NULL ? th_arena_rest_size(state->rest) : state->memory;
  atomic_store_explicit(&state->actor->card.memory, memory, memory_order_relaxed);
}

/* The coroutine has ended: what it gave goes to the first place of the main thread's stack, or the
 * words to details. */
static int conclude_step(struct th_script_state *state, int status, struct th_buffer *details) {
  lua_State *L = state->L;
  int error = 0;
  if (status != LUA_OK) {
    take_error(state);
    error = TH_ESPECIFICATION;
  } else {
    lua_xmove(state->handler, L, 3);
    if (lua_isnil(L, -3)) error = class_error(lua_tostring(L, -2));
  }
  if (error != 0) {
    state->phase = TH_SCRIPT_IDLE;
    th_buffer_printf(details, "%s", error_text(L));
    return error;
  }
  if (state->phase == TH_SCRIPT_STARTS) lua_insert(L, -3);
  lua_pop(L, 2);
  lua_replace(L, TH_STATE_ENTRY);
  return 0;
}

/* From now on it is to rest when it has had nothing to do for a while. */
static void be_awake(struct th_actor *actor) {
  struct th_script_state *state = actor->state;
  if (!state->is_to_rest) actor->world->ops->awake(actor->world, actor);
  state->is_to_rest = true;
}

/* Goes on with finding the class, then with the instance. */
static int run_start(struct th_script_state *state, struct th_buffer *details) {
  for (;;) {
    int status = run_slice(state, 0);
    if (status == LUA_YIELD) return TH_SUSPENDED;
    int error = conclude_step(state, status, details);
    if (error != 0) return error;
    if (state->phase == TH_SCRIPT_STARTS) break;
    th_script_state_found(state);
    state->phase = TH_SCRIPT_STARTS;
    lua_pushcfunction(state->handler, start);
  }
  state->phase = TH_SCRIPT_IDLE;
  note_memory(state);
  be_awake(state->actor);
  return 0;
}

static int begin_start(struct th_script_state *state, struct th_buffer *details) {
  state->interrupt.memory_limit = state->world->memory_limit;
  lua_pushcfunction(state->handler, state->has_class ? start : find);
  begin_try(state, state->has_class ? TH_SCRIPT_STARTS : TH_SCRIPT_FINDS);
  return run_start(state, details);
}

/* The name that the card has outlives the birth's. */
static int open_script(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  struct th_buffer details;
  struct th_script_state *state = th_script_state_new(actor, birth->argument, birth->class_name);
  if (state == NULL) return th_fail(reason, TH_ENOMEM, "out of memory");
  birth->argument = NULL;
  if (birth->global_name != NULL) state->global_name = th_strdup(birth->global_name);
  actor->state = state;
  th_buffer_init(&details);
  int outcome = run_preemptible(state, begin_start, &details);
  if (outcome < 0) {
    th_fail(reason, outcome, "%s", (const char *)details.data);
    give_wanted(state, birth);
    th_script_state_free(state);
  }
  th_buffer_clear(&details);
  return outcome;
}

static int restart(struct th_actor *actor, struct th_buffer *details) {
  struct th_script_state *state = actor->state;
  th_script_state_close(state);
  state->class_name = atomic_load_explicit(&actor->card.class_name, memory_order_relaxed);
  if (!th_script_state_open(state)) {
    th_buffer_printf(details, "out of memory");
    return TH_ENOMEM;
  }
  return run_preemptible(state, begin_start, details);
}

/* ---- receive ---- */

#define PLAIN_STRING 1024 /* bytes */

/* Protected: pushes the message's value and its sender's address. */
static int decode(lua_State *L) {
  const struct th_message *message = lua_touserdata(L, 1);
  th_codec_decode(L, message->payload, message->size);
  th_lua_push_address(L, &message->sender);
  return 2;
}

/* Leaves value and sender on top of the main thread's stack; false, with the error's text there,
 * when the bytes make no value, or one that is too large for the actor. */
static bool push_message(struct th_script_state *state, const struct th_message *message) {
  lua_pushcfunction(state->L, decode);
  lua_pushlightuserdata(state->L, (void *)(uintptr_t)message);
  if (lua_pcall(state->L, 1, 2, 0) != LUA_OK) return false;
  if (!state->interrupt.is_over || th_interrupt_fits(state)) return true;
  lua_settop(state->L, TH_STATE_BASE);
  lua_pushfstring(state->L, "a message of %I bytes is over the memory limit of the actor",
                  (lua_Integer)message->size);
  return false;
}

/* Puts what has the message handled on the coroutine, with the value and the sender that stand on the
 * main thread's stack; gives how many arguments these are. */
static int push_handler(struct th_script_state *state) {
  lua_State *L = state->L;
  int count = lua_gettop(L) - TH_STATE_BASE;
  lua_pushvalue(L, TH_STATE_ENTRY);
  for (int i = 1; i <= count; i++) lua_pushvalue(L, TH_STATE_BASE + i);
  lua_xmove(L, state->handler, 1 + count);
  return count;
}

/* What the exit request says after its handler has seen it. */
static void read_exit_request(struct th_script_state *state) {
  lua_State *L = state->L;
  state->exit_is_recursive = true;
  if (!lua_istable(L, TH_STATE_BASE + 1)) return;
  lua_pushliteral(L, "isRecursive");
  lua_rawget(L, TH_STATE_BASE + 1);
  state->exit_is_recursive = lua_toboolean(L, -1) || lua_isnil(L, -1);
  lua_pop(L, 1);
}

/* Whether a state that was stopped for its memory holds so much for good that it would be stopped
 * again at once. */
static bool is_unsound(struct th_script_state *state) {
  size_t limit = state->interrupt.memory_limit;
  if (!state->is_crammed) return false;
  state->is_crammed = false;
  state->interrupt.is_over = true;
  return !th_interrupt_fits(state) || state->memory > limit - limit / 8;
}

/* The message is done with. */
static int conclude(struct th_script_state *state, int outcome) {
  if (state->kind == TH_KIND_EXIT_REQUEST && lua_gettop(state->L) > TH_STATE_BASE)
    read_exit_request(state);
  lua_settop(state->L, TH_STATE_BASE);
  state->phase = TH_SCRIPT_IDLE;
  if (outcome != 0 && is_unsound(state)) outcome = TH_UNSOUND;
  note_memory(state);
  return outcome;
}

/* The error's text is on top. True when the message is to be tried once more. */
static bool may_try_again(struct th_script_state *state) {
  return state->phase == TH_SCRIPT_TRIES && !th_actor_must_stop(state->actor);
}

/* The error's text, on top, was logged; gives the number of arguments. */
static int try_again(struct th_script_state *state) {
  lua_pop(state->L, 1);
  begin_try(state, TH_SCRIPT_TRIES_AGAIN);
  return push_handler(state);
}

static int run_handler(struct th_script_state *state, int arguments, struct th_buffer *details) {
  struct th_actor *actor = state->actor;
  for (;;) {
    int status = run_slice(state, arguments);
    if (status == LUA_YIELD) return TH_SUSPENDED;
    if (status == LUA_OK) {
      lua_settop(state->handler, 0);
      return conclude(state, 0);
    }
    take_error(state);
    if (state->phase == TH_SCRIPT_FINALIZES) {
      log_failure(actor, TH_LOG_WARNING, "was stopped in a finalizer", error_text(state->L));
      return conclude(state, 0);
    }
    if (!may_try_again(state)) break;
    log_failure(actor, TH_LOG_WARNING, "failed, trying once more", error_text(state->L));
    arguments = try_again(state);
  }
  log_failure(actor, TH_LOG_ERROR, "failed again", error_text(state->L));
  th_buffer_printf(details, "%s", error_text(state->L));
  return conclude(state, TH_EREFUSED);
}

static int begin_handler(struct th_script_state *state, struct th_buffer *details) {
  return run_handler(state, push_handler(state), details);
}

static int go_on(struct th_script_state *state, struct th_buffer *details) {
  bool starts = state->phase == TH_SCRIPT_FINDS || state->phase == TH_SCRIPT_STARTS;
  return starts ? run_start(state, details) : run_handler(state, 0, details);
}

static int refuse(struct th_script_state *state, struct th_buffer *details) {
  log_failure(state->actor, TH_LOG_ERROR, "got what cannot be read", error_text(state->L));
  th_buffer_printf(details, "%s", error_text(state->L));
  lua_settop(state->L, TH_STATE_BASE);
  note_memory(state);
  return TH_EMALFORMED;
}

/* A check that does not come to an end says no, like one that raises. */
static int conclude_check(struct th_script_state *state, int outcome) {
  if (state->kind != TH_KIND_RECHECK || outcome == TH_SUSPENDED) return outcome;
  state->kind = TH_KIND_USER;
  if (outcome < 0) ask_to_exit(state);
  return outcome;
}

static int begin_check(struct th_script_state *state, struct th_buffer *details) {
  return run_handler(state, 0, details);
}

static int receive_recheck(struct th_script_state *state, struct th_buffer *details) {
  lua_pushcfunction(state->handler, call_check);
  state->kind = TH_KIND_RECHECK;
  begin_try(state, TH_SCRIPT_TRIES_AGAIN); /* it is not tried twice */
  return conclude_check(state, run_preemptible(state, begin_check, details));
}

/* What is plain needs no protection of its own: it is read here, and pushed by the handler's
 * coroutine. A long string may be more than the actor's memory can hold. */
static bool take_plain(struct th_script_state *state, const struct th_message *message) {
  if (!th_codec_read_plain(message->payload, message->size, &state->plain) ||
      state->plain.size > PLAIN_STRING)
    return false;
  state->sender = message->sender;
  return true;
}

static void wake(struct th_actor *actor) {
  th_script_state_wake(actor->state);
  be_awake(actor);
}

static void rest(struct th_actor *actor) {
  struct th_script_state *state = actor->state;
  state->is_to_rest = false;
  if (th_mailbox_depth(&actor->mailbox) > 0 || !th_script_state_rest(state))
    be_awake(actor);
  else
    note_memory(state);
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct th_script_state *state = actor->state;
  if (state->rest != NULL) wake(actor);
  if ((*message)->kind == TH_KIND_RECHECK) return receive_recheck(state, details);
  if (!take_plain(state, *message) && !push_message(state, *message)) return refuse(state, details);
  state->kind = (*message)->kind; /* the handler may have the message kept, and concluded */
  begin_try(state, TH_SCRIPT_TRIES);
  return run_preemptible(state, begin_handler, details);
}

static int resume(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct th_script_state *state = actor->state;
  (void)message;
  if (th_actor_must_stop(actor)) state->interrupt.stop = TH_STOP_EXIT;
  int outcome = conclude_check(state, run_preemptible(state, go_on, details));
  if (outcome < 0 && th_actor_state(actor) == TH_ACTOR_STARTING) {
    give_wanted(state, actor->birth);
    th_script_state_free(state);
  }
  return outcome;
}

static bool exit_recursive(struct th_actor *actor) {
  struct th_script_state *state = actor->state;
  return state->exit_is_recursive;
}

static void close_script(struct th_actor *actor) {
  th_script_state_free(actor->state);
}

/* ---- the seam ---- */

static const struct th_behaviour behaviour = {
  .open = open_script,
  .receive = receive,
  .resume = resume,
  .restart = restart,
  .exit_recursive = exit_recursive,
  .rest = rest,
  .close = close_script,
};

static void *open_shared(void) {
  struct th_script_shared *shared = th_new(struct th_script_shared);
  shared->globals = th_globals_new();
  shared->code = th_code_new();
  shared->arenas = th_arenas_new();
  atomic_init(&shared->prepared, NULL);
  atomic_init(&shared->was_prepared, false);
  shared->images = th_images_new();
  return shared;
}

static void close_shared(void *user) {
  struct th_script_shared *shared = user;
  th_arenas_free(shared->arenas);
  th_mould_unref(atomic_load_explicit(&shared->prepared, memory_order_relaxed));
  th_images_free(shared->images);
  th_code_free(shared->code);
  th_globals_free(shared->globals);
  free(shared);
}

static const struct th_script lua = {
  .behaviour = &behaviour,
  .open = open_shared,
  .close = close_shared,
  .language_release = LUA_VERSION_RELEASE_NUM % 100,
};

const struct th_script *th_script_lua(void) {
  return &lua;
}
