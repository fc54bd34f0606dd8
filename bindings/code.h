/* code: compiled modules, shared by all actors of a system.
 *
 * A module is parsed once; the other actors undump it. Kept by keys that say when code is the same.
 * When the cache outgrows its limit it is emptied: what is in use comes back, what was edited away
 * does not.
 *
 * Threads: any; the lock guards the table, and Lua is never called under it. Owns: the chunks.
 */
#ifndef TH_BINDINGS_CODE_H
#define TH_BINDINGS_CODE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct th_code;

struct th_code *th_code_new(void);
void th_code_free(struct th_code *code);

/* Skips what Lua's own loader of files skips: a byte order mark, and a first line that begins with
 * #, but for its end, so that line numbers hold. Gives where the code begins, and its size. */
const void *th_code_skip_comment(const void *text, size_t *size);

/* Pushes the function compiled under key, LUA_OK; or gives -1 where there is none.
 * [-0, +0|1, m] */
int th_code_load(struct th_code *code, lua_State *L, const char *key, const char *chunk_name);

/* Compiles text, keeps it under key, pushes the function: LUA_OK; else the status, with the error's
 * text pushed. strip leaves out what tracebacks need. [-0, +1, m] */
int th_code_compile(struct th_code *code, lua_State *L, const char *key, const char *chunk_name,
                    const void *text, size_t size, bool strip);

/* The same for a chunk that was compiled elsewhere, and that somebody vouches for. */
int th_code_take(struct th_code *code, lua_State *L, const char *key, const char *chunk_name,
                 struct th_bytes *chunk);

#endif
