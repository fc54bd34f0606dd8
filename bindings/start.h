/* start: finds the class of a new actor, and makes its instance.
 *
 * Between the two steps the state may be copied for other actors of the class, so the first is told
 * nothing of the actor. Both run the user's code and may be interrupted in it. It is C for the reason
 * that class.h gives.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_START_H
#define TH_BINDINGS_START_H

#include <lua.h>

/* A lua_CFunction: find("module.Class") -> the class, or nil, "no class", and words that say why
 * not. */
int th_start_find(lua_State *L);

/* A lua_CFunction: make(class, specified, capabilities, requirements, check, address, globalName).
 * capabilities is a function that gives the system's, and is called when they are needed; check says
 * whether actorSystemCapabilityCheck is called.
 * Gives the instance and, where there is a check, a function that calls it again, for other
 * capabilities: true, or false and why not. Or nil, the name of the error's class, words, and where
 * the system does not suit a list {{name =, value =}, ...} of what the class requires, or nil. */
int th_start_make(lua_State *L);

#endif
