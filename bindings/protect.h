/* protect: xpcall, such that its message handler can be interrupted.
 *
 * Where a hook raises an error Lua calls the message handler with hooks switched off. So between
 * Lua and a handler that is written in Lua stands a function of ours, which lets it be while
 * everything is to be stopped.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_PROTECT_H
#define TH_BINDINGS_PROTECT_H

#include <lua.h>

/* The Lua function xpcall(f, handler, ...). */
int th_protect_xpcall(lua_State *L);

/* The level at which a traceback begins: our function is left out. */
int th_protect_skip(lua_State *L, int level);

#endif
