/* core: the C module thespian.core, what is alike in every state.
 *
 * The Lua side of the library builds on this one table. A program's state gets it by require (from
 * core.so, or built into thespian-host) with the functions of program.h; an actor's state gets it
 * from the runtime with an actor's functions. The field "actor" says which of the two it is.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_CORE_H
#define TH_BINDINGS_CORE_H

#include <lua.h>
#include <stdbool.h>

/* [-0, +0, m] prepares the state, of an actor or of a program, for addresses and classes: once, and
 * before anything else. */
void th_core_prepare(lua_State *L, bool is_actor);

/* [-0, +1, m] pushes a new table with what every state has, and with room for so many fields in
 * all. */
int th_core_common(lua_State *L, int room);

/* monotonic() -> seconds, a float that never goes back */
int th_core_monotonic(lua_State *L);

/* part(name) -> table of functions, made anew. */
int th_core_part(lua_State *L);

/* For require, in the state of a program. */
__attribute__((visibility("default"))) int luaopen_thespian_core(lua_State *L);

#endif
