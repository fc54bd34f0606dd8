/* state: the Lua state of one actor.
 *
 * Opened lean: the base library, strings and our require; the other standard libraries come when a
 * global of their name is first read. All memory goes through one counting allocator, whose user data is
 * the struct th_script_state; any lua_State of the actor leads to it through its extra space.
 *
 * The main thread's stack holds, from the bottom: the instance, the coroutine in which handlers run.
 *
 * Threads: turn. Owns: the state, the reference to its source.
 */
#ifndef TH_BINDINGS_STATE_H
#define TH_BINDINGS_STATE_H

#include <lua.h>
#include <stdbool.h>

#include "actor/actor.h"
#include "base/buffer.h"

struct th_code;

struct th_script_state {
  struct th_actor *actor;
  struct th_world *world;
  struct th_code *code; /* the system's cache of compiled modules */
  lua_State *L;         /* the main thread */
  lua_State *handler;   /* the coroutine that runs handlers */
  void *source;         /* where modules are looked up first, or NULL */
  size_t memory;        /* bytes that the state holds */
  bool exit_is_recursive;
  struct th_buffer scratch; /* for encoding; lives here so that a Lua error cannot leak it */
};

#define TH_STATE_INSTANCE 1
#define TH_STATE_BASE 2

/* A new state, with nothing in it yet; NULL when there is no memory. Takes source. */
struct th_script_state *th_script_state_new(struct th_actor *actor, struct th_world *world,
                                            void *source);

/* Runs what finalizers there are and releases all. */
void th_script_state_free(struct th_script_state *state);

/* [-0, +0, m] opens the libraries. Protected by the caller. */
void th_script_state_open_libraries(lua_State *L);

/* Opens a standard library by name, pushes it and gives true; else pushes nothing. [-0, +0|1, m] */
bool th_script_state_open_library(lua_State *L, const char *name);

/* The actor that L, or the coroutine L, belongs to. */
static inline struct th_script_state *th_script_state_of(lua_State *L) {
  return *(struct th_script_state **)lua_getextraspace(L);
}

#endif
