/* tables: those functions of the standard library's table that would loop as long as a table says.
 *
 * As the Lua manual says, with these differences: they are stopped where the actor's code is to be
 * stopped, and refuse after very many steps, which only tables whose __len lies come to; table.sort
 * refuses tables with metamethods and more than TH_TABLES_SORT elements.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_TABLES_H
#define TH_BINDINGS_TABLES_H

#include <lua.h>

#define TH_TABLES_SORT 1000000

/* Opens the table library. A lua_CFunction. */
int th_tables_open(lua_State *L);

#endif
