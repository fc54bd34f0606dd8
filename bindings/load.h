/* load: how actors compile text of their own: load, loadfile, dofile, and files of package.path.
 *
 * As the Lua manual says, but for what chunk.h refuses.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_LOAD_H
#define TH_BINDINGS_LOAD_H

#include <lua.h>

/* Puts load, loadfile and dofile into the table on top. [-0, +0, m] */
void th_load_open(lua_State *L);

/* A lua_CFunction, as package.searchers[2]: finds a module on package.path. */
int th_load_search(lua_State *L);

#endif
