/* blank: prepared Lua states, from which the states of actors are made.
 *
 * A blank is a Lua state with libraries and modules that every actor needs, and nothing of any
 * actor: the same code has run in all of them, and none of it was a user's. Its arena is copied
 * aside when it is ready; when the actor is gone the copy is put back, at the same place, and the
 * next actor begins there, with a few thousand instructions in place of hundreds of thousands.
 *
 * What this costs in memory is bounded: at most TH_BLANK_IDLE blanks wait, and of those in use only
 * the TH_BLANK_COPIES that were taken last keep their copies. So who lives long soon has none, and
 * its memory is freed when it ends.
 *
 * Threads: any for the collection, whose lock guards the two lists; a blank belongs to who took it.
 * Owns: the waiting ones, and all copies.
 */
#ifndef TH_BINDINGS_BLANK_H
#define TH_BINDINGS_BLANK_H

#include <lua.h>
#include <stddef.h>

#include "bindings/arena.h"

#define TH_BLANK_IDLE 64
#define TH_BLANK_COPIES 128

struct th_blanks;

struct th_blank {
  struct th_arena *arena;
  lua_State *L;       /* NULL until there is one */
  lua_State *handler; /* the coroutine that runs handlers */
  size_t memory;      /* bytes that the state holds */
  /* the collection's own */
  struct th_blank *next;
  void *copy;
  size_t size;
  size_t slot; /* among those that keep their copies; TH_BLANK_COPIES: none */
};

struct th_blanks *th_blanks_new(void);

/* All blanks were given back. */
void th_blanks_free(struct th_blanks *blanks);

/* A prepared blank; or one that has an arena and nothing else; NULL when there is no memory. */
struct th_blank *th_blanks_take(struct th_blanks *blanks);

/* The blank was just prepared: it is copied aside, where that can be done. */
void th_blanks_keep(struct th_blanks *blanks, struct th_blank *blank);

/* Takes the blank, whose state has ended; no memory of it lies outside its arena. */
void th_blanks_give(struct th_blanks *blanks, struct th_blank *blank);

#endif
