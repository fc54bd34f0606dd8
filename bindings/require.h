/* require: how actors' states find modules.
 *
 * Order: what is loaded, package.preload, the standard libraries, the library's own modules (built
 * in), the bundle the actor comes from, the system's path; last, where package was touched or
 * nothing else helped, Lua's own searchers with package.path and package.cpath, for C modules. What
 * comes from a bundle never looks at what the environment or the current folder says; what is found
 * by name in a system inside a program sees that program's package.path.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_REQUIRE_H
#define TH_BINDINGS_REQUIRE_H

#include <lua.h>

/* The Lua function require(name). */
int th_require(lua_State *L);

/* Opens Lua's package library so that it agrees with this require. A lua_CFunction. */
int th_require_open_package(lua_State *L);

/* The name of the module whose file runs right now, or nil. [-0, +1, m] */
void th_require_push_loading(lua_State *L);

#endif
