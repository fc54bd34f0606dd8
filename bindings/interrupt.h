/* interrupt: how Lua code that runs too long, or takes too much memory, is interrupted.
 *
 * Nothing is checked while all is well. What needs the running code's attention (a turn that is
 * asked to end, by a signal; memory over its limit, found by the allocator) sets a hook that is
 * called at the next instruction, for which Lua allows both places. There the code
 *  - yields, up through all its coroutines to the one that runs handlers, and goes on in a later
 *    turn; where a C function stands between, which cannot yield, it goes on and will be asked
 *    again;
 *  - or is stopped, when it is over its time or, after a full collection, its memory. Then the hook
 *    stays and raises an error at every instruction, so that no pcall can hold it, until nothing
 *    runs any more.
 *
 * All Lua code of an actor therefore runs through the two calls below, which know what runs
 * innermost.
 *
 * Threads: turn; the signal's handler on the turn's thread.
 */
#ifndef TH_BINDINGS_INTERRUPT_H
#define TH_BINDINGS_INTERRUPT_H

#include <lua.h>
#include <stdbool.h>

#include "actor/preempt.h"

struct th_script_state;

/* Why everything is to end. */
enum th_stop { TH_STOP_NONE, TH_STOP_MEMORY, TH_STOP_TIME, TH_STOP_EXIT };

struct th_interrupt {
  struct th_preempt_target target; /* what a signal arms */
  _Atomic(lua_State *) running;    /* innermost; NULL while none of the actor's code runs */
  bool outer_yields;               /* every coroutine around running can yield */
  bool is_preempted;               /* running has just yielded because it was asked to */
  bool is_over;                    /* the memory is over its limit, and that was not looked into */
  enum th_stop stop;
  uint64_t deadline;   /* when what runs is over its time; 0: never */
  size_t memory_limit; /* bytes; 0: none */
};

void th_interrupt_init(struct th_script_state *state);

/* lua_resume of a coroutine by from. An interruption gives LUA_YIELD with is_preempted set. */
int th_interrupt_resume(struct th_script_state *state, lua_State *coroutine, lua_State *from,
                        int arguments, int *results);

/* lua_pcall on L for code that shall be short: it is given until the deadline. */
int th_interrupt_call(struct th_script_state *state, lua_State *L, int arguments, int results);

/* lua_resetthread, likewise. */
int th_interrupt_reset(struct th_script_state *state, lua_State *coroutine);

/* The allocator found the memory over its limit. */
void th_interrupt_over(struct th_script_state *state);

/* Collects all garbage; whether the memory is under its limit then. */
bool th_interrupt_fits(struct th_script_state *state);

/* A stop goes on in L: its coroutine was stopped. Does not return. */
int th_interrupt_raise(lua_State *L);

/* To be called from time to time by a C function that loops: no hook reaches it. Raises where what
 * runs is to be stopped. May collect garbage. [-0, +0, e] */
void th_interrupt_check(lua_State *L);

/* The words of the error, and where the code stood, when it was first stopped; or nil. [-0,
 * +1, m] */
void th_interrupt_push_place(lua_State *L);

#endif
