/* arena: the memory of one Lua state, in one piece as long as it is small.
 *
 * A piece of fixed size is carved from its front; freed blocks wait in lists by their size, and
 * what is too large for these in one list, from which smaller ones are cut. What finds no room
 * comes from malloc, so that the piece is a fast path and no limit. Sizes are told when blocks are
 * given back, as Lua does, so no block has a head.
 *
 * All that is known of the piece lies in it: a copy of its used part, put back at the same place,
 * brings back every block with its contents. That needs every block to lie in the piece.
 *
 * Under AddressSanitizer what is free is poisoned.
 *
 * Threads: one at a time. Owns: the piece; blocks outside it are the caller's to give back.
 */
#ifndef TH_BINDINGS_ARENA_H
#define TH_BINDINGS_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a piece. Of the operating system's pages only those are taken that are used. */
#define TH_ARENA_SIZE ((size_t)96 << 10)

struct th_arena;

/* NULL when there is no memory. */
struct th_arena *th_arena_new(void);
void th_arena_free(struct th_arena *arena);

/* realloc, for a block of that old size; no block: NULL and 0. Size 0 frees it and gives NULL; NULL
 * for another size: no memory, and the block is as it was. */
void *th_arena_resize(struct th_arena *arena, void *block, size_t old_size, size_t size);

/* Whether every block lies in the piece. */
bool th_arena_is_whole(const struct th_arena *arena);

/* The used part, copied aside; NULL when there is no memory. The arena is whole. */
void *th_arena_save(struct th_arena *arena, size_t *size);

/* Puts the copy back. No block may lie outside the piece. */
void th_arena_restore(struct th_arena *arena, const void *copy, size_t size);

#endif
