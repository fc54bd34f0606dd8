/* finalizer: __gc of actors' code, run where it can be interrupted.
 *
 * What Lua's collector calls runs with all hooks switched off: a finalizer that never returned
 * would hold its worker for ever. So Lua is never shown a __gc that an actor's setmetatable brings.
 * For the object a mark is made instead, a userdata that refers to it and that only a table with
 * weak keys knows, under the object. When the object is not reachable any more neither is its mark,
 * which Lua then finalizes: that revives the object, as a __gc of its own would have, and appends
 * it to a queue. The queue is run after the handler, before the next message, and in between where
 * it has grown long; what is left when the state ends is run then, newest first, for a bounded
 * time.
 *
 * All else is as the manual says: the metatable's __gc at the time counts, an object can be marked
 * again, the order is the reverse of marking, errors are warnings (in the log). Userdata of C
 * libraries keep finalizers of their own.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_FINALIZER_H
#define TH_BINDINGS_FINALIZER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct th_script_state;

struct th_finalizers {
  uint64_t marked;   /* objects so far; each mark has its number */
  lua_Integer first; /* the queue: indices of its table */
  lua_Integer last;  /* less than first: nothing waits */
  bool are_running;
  bool are_over; /* the state ends */
};

/* A state without objects to be finalized. */
void th_finalizer_init(struct th_finalizers *finalizers);

/* The Lua functions setmetatable(table, metatable) and debug.setmetatable(value, metatable), which
 * give their first argument. */
int th_finalizer_setmetatable(lua_State *L);
int th_finalizer_debug_setmetatable(lua_State *L);

/* Whether objects wait for their finalizers. */
static inline bool th_finalizer_waits(const struct th_finalizers *finalizers) {
  return finalizers->last >= finalizers->first;
}

/* A lua_CFunction, on the coroutine of handlers: runs the queue. May be interrupted. */
int th_finalizer_run(lua_State *L);

/* Before the state ends: runs all finalizers that are left. */
void th_finalizer_end(struct th_script_state *state);

#endif
