/* script: the behaviour of actors written in Lua.
 *
 * Handlers run in a coroutine of the actor's state, so that a traceback can be taken where an error
 * stands, after which the coroutine is reset. A message is decoded once; a second try gets the same value.
 *
 * Threads: turn. */
#include "actor/script.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bindings/address.h"
#include "bindings/code.h"
#include "bindings/codec.h"
#include "bindings/run.h"
#include "bindings/state.h"
#include "bindings/trace.h"

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

struct opening {
  struct th_script_birth *script;
  struct th_birth *birth;
};

/* In protected mode: prepares the state and calls thespian.start. Leaves instance or nil, class, words. */
static int start(lua_State *L) {
  const struct opening *opening = lua_touserdata(L, 1);
  struct th_actor *actor = th_script_state_of(L)->actor;
  struct th_bytes *requirements = opening->script->requirements;
  lua_settop(L, 0);
  th_script_state_open_libraries(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "thespian.start");
  lua_call(L, 1, 1);
  lua_pushstring(L, opening->birth->class_name);
  lua_pushcfunction(L, push_capabilities);
  if (requirements != NULL)
    th_codec_decode(L, requirements->data, requirements->size);
  else
    lua_pushnil(L);
  lua_pushboolean(L, opening->script->check_capabilities);
  th_lua_push_address(L, &actor->address);
  lua_pushstring(L, opening->birth->global_name);
  lua_call(L, 6, 3);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L); /* needed once; its memory is better used otherwise */
  lua_setfield(L, -2, "thespian.start");
  lua_pop(L, 1);
  return 3;
}

static int class_error(const char *class_name) {
  return class_name != NULL && strcmp(class_name, "NoCompatibleSystemForActor") == 0
           ? TH_ENOCOMPATIBLE
           : TH_ESPECIFICATION;
}

static int call_start(struct th_script_state *state, struct opening *opening,
                      struct th_reason *reason) {
  lua_State *L = state->L;
  lua_pushcfunction(L, start);
  lua_pushlightuserdata(L, opening);
  if (lua_pcall(L, 1, 3, 0) != LUA_OK) {
    const char *words = lua_tostring(L, -1);
    return th_fail(reason, TH_ESPECIFICATION, "%s", words != NULL ? words : "error without words");
  }
  if (lua_isnil(L, 1)) {
    const char *words = lua_tostring(L, 3);
    return th_fail(reason, class_error(lua_tostring(L, 2)), "%s", words != NULL ? words : "");
  }
  lua_settop(L, TH_STATE_INSTANCE);
  return 0;
}

static int push_handler(lua_State *L) {
  lua_newthread(L);
  return 1;
}

static int open_script(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  struct opening opening = {.script = birth->argument, .birth = birth};
  struct th_script_birth *script = birth->argument;
  struct th_script_state *state = th_script_state_new(actor, script->world, script->source);
  if (state == NULL) return th_fail(reason, TH_ENOMEM, "out of memory");
  script->source = NULL;
  int error = call_start(state, &opening, reason);
  if (error == 0) {
    lua_pushcfunction(state->L, push_handler);
    if (lua_pcall(state->L, 0, 1, 0) != LUA_OK) error = th_fail(reason, TH_ENOMEM, "out of memory");
  }
  if (error != 0) {
    th_script_state_free(state);
    return error;
  }
  state->handler = lua_tothread(state->L, TH_STATE_BASE);
  actor->state = state;
  atomic_store_explicit(&actor->card.memory, state->memory, memory_order_relaxed);
  return 0;
}

/* ---- receive ---- */

/* Protected: pushes the message's value and its sender's address. */
static int decode(lua_State *L) {
  const struct th_message *message = lua_touserdata(L, 1);
  if (message->size == 0)
    lua_pushnil(L);
  else
    th_codec_decode(L, message->payload, message->size);
  th_lua_push_address(L, &message->sender);
  return 2;
}

/* Leaves value and sender on top of the main thread's stack; false, with the error's text there, when the
 * bytes make no value. */
static bool push_message(struct th_script_state *state, const struct th_message *message) {
  lua_pushcfunction(state->L, decode);
  lua_pushlightuserdata(state->L, (void *)(uintptr_t)message);
  return lua_pcall(state->L, 1, 2, 0) == LUA_OK;
}

static int finish_handler(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 0;
}

/* In the handler's coroutine: instance, value, sender. */
static int call_handler(lua_State *L) {
  lua_getfield(L, 1, "receiveMessage");
  lua_insert(L, 1);
  lua_callk(L, 3, 0, 0, finish_handler);
  return finish_handler(L, LUA_OK, 0);
}

/* Protected: the error's words with a traceback of the coroutine. 1: the coroutine, 2: the error. */
static int describe(lua_State *L) {
  lua_State *handler = lua_tothread(L, 1);
  const char *words = luaL_tolstring(L, 2, NULL);
  th_trace_push(L, handler, words, 0);
  return 1;
}

/* Replaces the failed coroutine's error with its description on top of the main stack, and makes the
 * coroutine fit for the next call. [main: -0, +1] */
static void take_error(struct th_script_state *state) {
  lua_State *L = state->L, *handler = state->handler;
  lua_pushcfunction(L, describe);
  lua_pushvalue(L, TH_STATE_BASE);
  lua_xmove(handler, L, 1);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK && !lua_isstring(L, -1)) {
    lua_pop(L, 1);
    lua_pushliteral(L, "an error that cannot be described");
  }
  lua_resetthread(handler);
  lua_settop(handler, 0);
}

/* Runs the handler on the value and sender at value_index. False with the error's text on top. */
static bool try_handler(struct th_script_state *state, int value_index) {
  lua_State *L = state->L, *handler = state->handler;
  int results;
  lua_pushcfunction(L, call_handler);
  lua_pushvalue(L, TH_STATE_INSTANCE);
  lua_pushvalue(L, value_index);
  lua_pushvalue(L, value_index + 1);
  lua_xmove(L, handler, 4);
  int status = lua_resume(handler, L, 3, &results);
  if (status == LUA_OK) {
    lua_settop(handler, 0);
    return true;
  }
  if (status == LUA_YIELD) {
    lua_settop(handler, 0);
    lua_pushliteral(handler, "attempt to yield from outside a coroutine");
  }
  take_error(state);
  return false;
}

static void log_failure(struct th_actor *actor, enum th_log_level level, const char *words,
                        const char *details) {
  char address[TH_ADDRESS_TEXT_SIZE];
  const char *class_name = atomic_load_explicit(&actor->card.class_name, memory_order_relaxed);
  th_log_write(actor->world->log, level, "%s %s %s: %s", class_name,
               th_address_text(&actor->address, address), words, details);
}

static const char *error_text(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  return text != NULL ? text : "error without words";
}

/* Value and sender stand at value_index. */
static int handle(struct th_actor *actor, struct th_script_state *state, int value_index,
                  struct th_buffer *details) {
  if (try_handler(state, value_index)) return 0;
  log_failure(actor, TH_LOG_WARNING, "failed, trying once more", error_text(state->L));
  lua_settop(state->L, value_index + 1);
  if (try_handler(state, value_index)) return 0;
  log_failure(actor, TH_LOG_ERROR, "failed again", error_text(state->L));
  th_buffer_printf(details, "%s", error_text(state->L));
  return TH_EREFUSED;
}

/* What the exit request says after its handler has seen it. */
static void read_exit_request(struct th_script_state *state, int value_index) {
  lua_State *L = state->L;
  state->exit_is_recursive = true;
  if (!lua_istable(L, value_index)) return;
  lua_pushliteral(L, "isRecursive");
  lua_rawget(L, value_index);
  state->exit_is_recursive = lua_toboolean(L, -1) || lua_isnil(L, -1);
  lua_pop(L, 1);
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct th_script_state *state = actor->state;
  lua_State *L = state->L;
  int error;
  if (push_message(state, *message)) {
    error = handle(actor, state, TH_STATE_BASE + 1, details);
    if ((*message)->kind == TH_KIND_EXIT_REQUEST) read_exit_request(state, TH_STATE_BASE + 1);
  } else {
    error = TH_EMALFORMED;
    log_failure(actor, TH_LOG_ERROR, "got what cannot be read", error_text(L));
    th_buffer_printf(details, "%s", error_text(L));
  }
  lua_settop(L, TH_STATE_BASE);
  atomic_store_explicit(&actor->card.memory, state->memory, memory_order_relaxed);
  return error;
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
  .exit_recursive = exit_recursive,
  .close = close_script,
};

static void *open_shared(void) {
  return th_code_new();
}

static void close_shared(void *shared) {
  th_code_free(shared);
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
