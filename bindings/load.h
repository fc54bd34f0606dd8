/* load: how actors compile text of their own: load, loadfile, dofile, and files of package.path.
 *
 * As the Lua manual says, but for what chunk.h refuses.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_LOAD_H
#define TH_BINDINGS_LOAD_H

#include <lua.h>

/* The Lua functions load(chunk [, name [, mode [, environment]]]),
 * loadfile([path [, mode [, environment]]]) and dofile([path]). */
int th_load_load(lua_State *L);
int th_load_loadfile(lua_State *L);
int th_load_dofile(lua_State *L);

/* A lua_CFunction, as package.searchers[2]: finds a module on package.path. */
int th_load_search(lua_State *L);

#endif
