/* arenas: the pieces of memory that arenas lie in.
 *
 * Pieces are cut from slabs that the system maps, at distinct places: so that a word of Lua's own
 * structures that is made of several parts never is an address in one (bindings/arena.h). Seen as
 * two halves, such an address has
 *  - in the upper one, as a number, 0x53 to 0x7f, or that plus a multiple of 0x80. As an instruction
 *    it would have an operation code that Lua does not have, of which there are 83;
 *  - in the lower one at least SKIPPED: more than counts of lines, of instructions and of elements
 *    that stand beside another count.
 * Objects' heads have their type in the lowest bits, which no address has. Where no such place is
 * free a slab lies anywhere, and what is in it cannot be copied.
 *
 * Pieces that are given back wait for the next actor: memory that was used before costs no page
 * fault. Enough of them keep theirs; of the others, and of those whose arenas rest, the system takes it, of
 * many at a time, since every processor has to hear of it.
 *
 * Threads: any. Owns: the slabs.
 */
#ifndef TH_BINDINGS_ARENAS_H
#define TH_BINDINGS_ARENAS_H

#include <stdbool.h>
#include <stddef.h>

/* So many that are given back keep their memory at least, and at most twice as many. */
#define TH_ARENAS_WARM 64

/* The memory of so many whose arenas rest is taken at a time. */
#define TH_ARENAS_COOL 256

struct th_arenas;

struct th_arenas *th_arenas_new(void);

/* All pieces were given back. */
void th_arenas_free(struct th_arenas *arenas);

/* A piece of TH_ARENA_SIZE bytes, whatever they are, of which so many are going to be used; NULL when there
 * is no memory. */
void *th_arenas_take(struct th_arenas *arenas, size_t size);

/* Takes the piece, which is open to be read (th_arena_close). */
void th_arenas_give(struct th_arenas *arenas, void *piece);

/* What is in the piece is needed no more; the system takes its memory, now or later. */
void th_arenas_cool(struct th_arenas *arenas, void *piece);

/* So many bytes of that piece are going to be used again, whatever they are. */
void th_arenas_warm(struct th_arenas *arenas, void *piece, size_t size);

/* Whether the piece lies at a distinct place. */
bool th_arenas_are_distinct(const void *piece);

#endif
