/* mould: a Lua state at rest, copied aside, from which others are cast.
 *
 * A state that is cast from a mould has all that the first one had, in an arena of its own: a few
 * thousand instructions in place of hundreds of thousands, and no room lost to what was needed on
 * the way. Its addresses are those of its own arena (bindings/arena.h).
 *
 * Lua finds objects that are keys of tables (tables, functions, userdata, coroutines) by their
 * address. So they are taken out of their tables before the copy is made, and are put in again in
 * every cast. A state cannot be a mould where something knows its own place, or the state's:
 * coroutines, which lead to the actor, and userdata, but for that of random numbers.
 *
 * Threads: making: the turn of the state; else any. Owns: the copy; moulds are counted.
 */
#ifndef TH_BINDINGS_MOULD_H
#define TH_BINDINGS_MOULD_H

#include <lua.h>

#include "bindings/arena.h"

struct th_mould;

/* A mould of the state, with one reference, whose main thread is L and has nothing running; handler
 * is the coroutine that every state has. All garbage is collected; the state remains as it was. memory
 * is where its allocator counts bytes. NULL where it cannot be, or there is no memory. */
struct th_mould *th_mould_make(lua_State *L, struct th_arena *arena, lua_State *handler,
                               const size_t *memory);

/* Bytes that a state holds which was just cast, and those that it has in the piece. */
size_t th_mould_memory(const struct th_mould *mould);
size_t th_mould_size(const struct th_mould *mould);

/* Makes what the mould has in the piece of an arena; th_arena_root is the main thread. Its allocator is
 * the other state's still. th_mould_settle comes next. */
struct th_arena *th_mould_cast(const struct th_mould *mould, void *piece);

/* What was cast can be used. False when there is no memory. [-0, +0, -] */
bool th_mould_settle(const struct th_mould *mould, lua_State *L);

/* Puts the state aside that was cast from the mould, NULL: from none; and brings it back. See
 * bindings/arena.h. */
struct th_arena_rest *th_mould_put_aside(const struct th_mould *mould, struct th_arena *arena);
void th_mould_bring_back(const struct th_mould *mould, struct th_arena *arena,
                         struct th_arena_rest *rest);

/* One more reference; NULL in is NULL out. */
struct th_mould *th_mould_ref(struct th_mould *mould);

/* One reference less; the last frees. NULL is fine. */
void th_mould_unref(struct th_mould *mould);

#endif
