/* raise: errors of the library as Lua errors.
 *
 * What Lua code catches is an instance of the class that th_error_class names. The Lua module
 * thespian.errors makes such instances and hands its maker to th_lua_set_maker when it is loaded; a
 * state that has not loaded it does so at its first error. Where that cannot be done the error is
 * the same text as a plain string, "Name: words".
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_RAISE_H
#define TH_BINDINGS_RAISE_H

#include <lua.h>

#include "base/error.h"

/* Raises error with words; NULL or empty words are those of the error itself. Does not return: the
 * int is for `return th_lua_raise(...)`. words are copied first; nothing else of C may be held. */
int th_lua_raise(lua_State *L, int error, const char *words);

/* Raises why th_codec_encode failed, whose words are on top of the stack, with what in the place of
 * "message" in its path: "payload.jobs is a function". */
int th_lua_raise_unsent(lua_State *L, int error, const char *what);

/* The same with the words of a reason that the failed function filled, if it did. */
int th_lua_raise_reason(lua_State *L, int error, const struct th_reason *reason);

/* [-1, +0, m] pops make(className, words) -> error instance, used from now on. */
void th_lua_set_maker(lua_State *L);

#endif
