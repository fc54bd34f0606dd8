/* chunk: which source text is compiled for actors, and compiling it.
 *
 * Text only: compiled Lua can break a state. The one exception is asked for by its own function.
 * Not larger than TH_CHUNK_SIZE, since nothing can interrupt the compiler. And no expression that indexes more than TH_CHUNK_INDICES times in a row
 * (a.b.c...): to name what was nil Lua 5.4.4 calls itself once for each, and the longest chains end
 * the process.
 *
 * Threads: any.
 */
#ifndef TH_BINDINGS_CHUNK_H
#define TH_BINDINGS_CHUNK_H

#include <lua.h>
#include <stddef.h>

#define TH_CHUNK_SIZE ((size_t)8 << 20)
#define TH_CHUNK_INDICES 1000

/* Compiles text: LUA_OK and the function, else the status and the error's text. [-0, +1, m] */
int th_chunk_load(lua_State *L, const char *text, size_t size, const char *name);

/* Loads a compiled chunk, for which somebody must vouch: Lua checks no more than that it was made by
 * the same version of itself. As th_chunk_load otherwise. [-0, +1, m] */
int th_chunk_load_compiled(lua_State *L, const void *chunk, size_t size, const char *name);

/* How long the longest chain of indices is in text, about; never less than it is. */
size_t th_chunk_longest_chain(const char *text, size_t size);

#endif
