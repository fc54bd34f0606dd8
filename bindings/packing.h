/* packing: zips and manifests as Lua values, for those who read, make and approve bundles: a part of
 * thespian.core.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_PACKING_H
#define TH_BINDINGS_PACKING_H

#include <lua.h>

/* [-0, +1, m] pushes a table of the functions that lua/library/core.lua lists as Packing. */
void th_packing_open(lua_State *L);

#endif
