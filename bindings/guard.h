/* guard: the standard libraries math, os and debug, without what would reach past the actor.
 *
 * In one process live many actors. os.exit and os.setlocale, which concern the process, raise an
 * error or fail; so do debug.sethook and debug.gethook, since the runtime interrupts by the hook.
 *
 * Another actor may have had the state's place in memory before: math gets a seed from the kernel.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_GUARD_H
#define TH_BINDINGS_GUARD_H

#include <lua.h>

/* Open the libraries. lua_CFunctions. */
int th_guard_open_math(lua_State *L);
int th_guard_open_os(lua_State *L);
int th_guard_open_debug(lua_State *L);

#endif
