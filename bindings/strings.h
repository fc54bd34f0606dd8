/* strings: those functions of the standard library's string whose time or memory has no bound of
 * its own.
 *
 * As the Lua manual says, with these differences: pattern matching is stopped where the actor's
 * code is to be stopped, and gives up after very many steps ("pattern too complex"); results that
 * are larger than the actor's memory limit are refused before they are built.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_STRINGS_H
#define TH_BINDINGS_STRINGS_H

#include <lua.h>

/* Opens the string library. A lua_CFunction. */
int th_strings_open(lua_State *L);

/* Gives strings a metatable that opens the library where it is first needed: a state that handles no
 * string does without it. [-0, +0, m] */
void th_strings_prepare(lua_State *L);

/* From now on strings have the library's own metatable. [-0, +0, m] */
void th_strings_settle(lua_State *L);

#endif
