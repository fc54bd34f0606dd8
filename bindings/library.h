/* library: the module thespian.actors, the library as users see it.
 *
 * Its table holds what every actor needs. The rest is Lua, and is put there when it is first asked
 * for (see thespian.library); a name that is nowhere raises, so that what is misspelt does not
 * become a class without a base, or a check against nothing.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_LIBRARY_H
#define TH_BINDINGS_LIBRARY_H

#include <lua.h>

/* [-0, +1, m] pushes the module, in an actor's state; th_class_open was called. */
int th_library_open_in_actor(lua_State *L);

/* The same in a program. */
int th_library_open_in_program(lua_State *L);

#endif
