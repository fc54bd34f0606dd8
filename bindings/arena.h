/* arena: the memory of one Lua state, in one piece as long as it is small.
 *
 * A piece of fixed size is carved from its front; freed blocks wait in lists by their size, and
 * what is too large for these in one list, from which smaller ones are cut. What finds no room
 * comes from malloc, so that the piece is a fast path and no limit. Sizes are told when blocks are
 * given back, as Lua does, so no block has a head.
 *
 * All that is known of the piece lies in it, so a copy of it put into another brings back every block
 * with its contents, as long as every block lies in the piece. The other piece lies elsewhere, so
 * what are addresses must be told from what only looks so. Words are taken for addresses that
 *  - lie in a piece at a distinct place (bindings/arenas.h), where nothing that Lua packs into a word
 *    with something else points to;
 *  - are multiples of eight.
 * What nobody wrote must be no rest of an address: an arena is clean, its blocks are zero when they are
 * given, until the caller soils it, and only a clean one is copied. That leaves numbers and the bytes
 * of strings that look like addresses in the very piece; those change, which harms nobody.
 * Copies have no holes: what was free between the blocks is left out.
 *
 * Under AddressSanitizer what is free is poisoned.
 *
 * Threads: one at a time. Owns: nothing; the piece is the caller's, and blocks outside it are his to
 * give back.
 */
#ifndef TH_BINDINGS_ARENA_H
#define TH_BINDINGS_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a piece. Of the operating system's pages only those are taken that are used. */
#define TH_ARENA_SIZE ((size_t)96 << 10)

struct th_arena;

/* An empty arena in the piece, of TH_ARENA_SIZE bytes. It is clean. */
struct th_arena *th_arena_open(void *piece);

/* All blocks are forgotten, and the piece can be used for something else. No block lies outside it. */
void th_arena_close(struct th_arena *arena);

/* realloc, for a block of that old size; no block: NULL and 0. Size 0 frees it and gives NULL; NULL
 * for another size: no memory, and the block is as it was. */
void *th_arena_resize(struct th_arena *arena, void *block, size_t old_size, size_t size);

/* Whether every block lies in the piece. */
bool th_arena_is_whole(const struct th_arena *arena);

/* The block that leads to all others; NULL as long as none was set. A copy's leads to those in the copy. */
void th_arena_set_root(struct th_arena *arena, void *block);
void *th_arena_root(const struct th_arena *arena);

/* Blocks are not zero any more when they are given. */
void th_arena_soil(struct th_arena *arena);

/* What is used, copied aside; NULL when there is no memory, or the arena is not clean, or its piece at no
 * distinct place. It is whole. */
struct th_arena_copy;
struct th_arena_copy *th_arena_save(struct th_arena *arena);
size_t th_arena_copy_size(const struct th_arena_copy *copy);
void th_arena_copy_free(struct th_arena_copy *copy);

/* An arena in the piece that holds what the copy does. It is clean. Several threads can use one copy at
 * once. */
struct th_arena *th_arena_restore(void *piece, const struct th_arena_copy *copy);

/* ---- rest ---- */

/* What an arena holds, put aside as far as it differs from the copy that it began with (NULL: from
 * nothing). Of the piece only the place is needed until it is brought back. NULL when there is no
 * memory. */
struct th_arena_rest;
struct th_arena_rest *th_arena_put_aside(struct th_arena *arena, const struct th_arena_copy *copy);

/* Bytes that it takes, and that it has in the piece. */
size_t th_arena_rest_size(const struct th_arena_rest *rest);
size_t th_arena_rest_used(const struct th_arena_rest *rest);

/* Brings it back, byte by byte, to the same piece and with the same copy. Takes rest. */
void th_arena_bring_back(void *piece, const struct th_arena_copy *copy, struct th_arena_rest *rest);

#endif
