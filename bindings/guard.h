/* guard: the standard libraries math, os and debug, without what would reach past the actor.
 *
 * In one process live many actors. os.exit and os.setlocale, which concern the process, raise an
 * error or fail; so do debug.sethook and debug.gethook, since the runtime interrupts by the hook.
 *
 * Another actor may have had the state's place in memory before: math gets a seed from the kernel, and
 * a new one where the state begins as a copy in which math is open.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_GUARD_H
#define TH_BINDINGS_GUARD_H

#include <lua.h>
#include <stdbool.h>

/* Open the libraries. lua_CFunctions. */
int th_guard_open_math(lua_State *L);
int th_guard_open_os(lua_State *L);
int th_guard_open_debug(lua_State *L);

/* Whether no random number was taken, nor a seed set, since a module of the actor's class has opened
 * math; true where none has. [-0, +0, -] */
bool th_guard_is_random_unused(lua_State *L);

/* Whether the value at index is the userdata with the random numbers of a math that was opened since.
 * [-0, +0, -] */
bool th_guard_is_random(lua_State *L, int index);

/* The actor starts. Where its state is a copy of another's its random numbers become its own.
 * [-0, +0, e] */
void th_guard_start(lua_State *L, bool is_copy);

#endif
