/* self: thespian.core in an actor's state: what the methods of actors are made of.
 *
 * Every function finds its actor by the state it is called in, so nothing can be forged by passing
 * another self.
 *
 * Threads: the state's, in its actor's turn.
 */
#ifndef TH_BINDINGS_SELF_H
#define TH_BINDINGS_SELF_H

#include <lua.h>

/* [-0, +1, m] pushes the module. */
void th_self_open(lua_State *L);

/* send(self, address, message): the method of actors. */
int th_self_send(lua_State *L);

/* monotonic() -> seconds, as everywhere */
int th_self_monotonic(lua_State *L);

#endif
