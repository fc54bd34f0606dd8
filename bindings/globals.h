/* globals: the names that an actor's code finds from the start.
 *
 * Each comes when it is first read, be it a function of Lua's base library or a whole library, so
 * that a state holds only what its actor uses. What has come once does not come again: a global that
 * was set to nil stays nil, and so does one that was set before it was ever read. The table of
 * globals becomes visible as a table by _G, or by a metatable of its own: then all that is missing
 * comes at once.
 *
 * The library of strings is behind their metatable, too, which opens it when it is first needed.
 *
 * Threads: the state's; struct th_globals never changes once it is made.
 */
#ifndef TH_BINDINGS_GLOBALS_H
#define TH_BINDINGS_GLOBALS_H

#include <lua.h>
#include <stdbool.h>

/* What states share: Lua's own functions. */
struct th_globals;

struct th_globals *th_globals_new(void);
void th_globals_free(struct th_globals *globals);

/* Once for a state. [-0, +0, m] */
void th_globals_open(lua_State *L);

/* Opens a standard library by name, pushes it and gives true; else pushes nothing. [-0, +0|1, m] */
bool th_globals_open_library(lua_State *L, const char *name);

/* The table at index gets a metatable: where it is that of the globals, all that is missing comes.
 * [-0, +0, m] */
void th_globals_reveal(lua_State *L, int index);

#endif
