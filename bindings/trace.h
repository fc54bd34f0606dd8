/* trace: tracebacks that begin and end with the user's code.
 *
 * Between the line of a handler that failed and the error stand functions of the library (which are
 * loaded without their line numbers, so they would read "?: in upvalue '?'"), and below the handler
 * what called it. Neither says anything to who wrote the handler. Where no line is the user's,
 * all stay: then it is about the library itself.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_TRACE_H
#define TH_BINDINGS_TRACE_H

#include <lua.h>

/* [-0, +1, m] pushes words and a traceback of the coroutine from, from level on. */
void th_trace_push(lua_State *L, lua_State *from, const char *words, int level);

/* The words and a traceback of the running coroutine, from level on; the words alone where no line is
 * the user's: then they tell what is wrong with a module of his that did not run. [-0, +1, m] */
void th_trace_add(lua_State *L, const char *words, int level);

/* traceback(words) -> the same for the caller, who is left out. */
int th_trace_function(lua_State *L);

#endif
