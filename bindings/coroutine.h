/* coroutine: the standard library's functions for coroutines, such that an interruption passes
 * through.
 *
 * Each is as the Lua manual says, with these differences: what runs inside is known to interrupt,
 * so a turn that is asked to end can yield from within; calls to close that are nested deeper than
 * TH_COROUTINE_CLOSES raise an error (in Lua 5.4.4 they end the process); and the coroutine in
 * which handlers run passes for the main one.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_COROUTINE_H
#define TH_BINDINGS_COROUTINE_H

#include <lua.h>

#define TH_COROUTINE_CLOSES 150

/* Pushes the library. [-0, +1, m] */
int th_coroutine_open(lua_State *L);

#endif
