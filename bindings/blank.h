/* blank: prepared Lua states, from which the states of actors are made.
 *
 * A blank is a Lua state with libraries and modules that every actor needs, and nothing of any
 * actor: the same code has run in all of them, and none of it was a user's. Its arena is copied
 * aside when it is ready. When the actor is gone the blank waits for the next one, who begins with
 * the copy put back, at the same place: a few thousand instructions in place of hundreds of
 * thousands.
 *
 * A second copy may be made when an actor's class was found, where that can serve others (see
 * bindings/image.h): that is the image's. It is put back instead of the first one for actors of the
 * same class, for whom blanks that have it are taken first.
 *
 * What this costs in memory is bounded: at most TH_BLANK_IDLE blanks wait, and of those in use only
 * the TH_BLANK_COPIES that were taken last keep their copies, of which none is larger than an arena.
 * So who lives long soon has none, and its memory is freed when it ends. Who lives in a blank that
 * nobody had before makes no image, so a crowd that stays costs none.
 *
 * Threads: any for the collection, whose lock guards the two lists and all copies; else a blank
 * belongs to who took it. Owns: the waiting ones, and all copies.
 */
#ifndef TH_BINDINGS_BLANK_H
#define TH_BINDINGS_BLANK_H

#include <lua.h>
#include <stddef.h>

#include "bindings/arena.h"

#define TH_BLANK_IDLE 64
#define TH_BLANK_COPIES 128

struct th_blanks;
struct th_image;

/* What an arena held. */
struct th_blank_copy {
  void *bytes; /* NULL: there is none */
  size_t size;
  size_t memory; /* bytes that the state held */
};

struct th_blank {
  struct th_arena *arena;
  lua_State *L;          /* NULL until there is one */
  lua_State *handler;    /* the coroutine that runs handlers */
  size_t memory;         /* bytes that the state holds, where it was prepared or put back */
  unsigned times_taken;  /* how many actors have had it */
  struct th_image *held; /* what was put back is its copy; NULL: the first one. Borrowed */
  size_t later;          /* parts of the library in that copy, see th_images_add_later */
  /* the collection's own */
  struct th_blank *next;
  struct th_blank_copy copy;
  struct th_blank_copy image_copy;
  struct th_image *image; /* whose image_copy is, a reference; NULL: there is none */
  size_t slot;            /* among those that keep their copies; TH_BLANK_COPIES: none */
};

struct th_blanks *th_blanks_new(void);

/* All blanks were given back. */
void th_blanks_free(struct th_blanks *blanks);

/* A prepared blank, with the image if one that waits has it; or one that has an arena and nothing
 * else; NULL when there is no memory. image NULL: without one. */
struct th_blank *th_blanks_take(struct th_blanks *blanks, struct th_image *image);

/* The blank was just prepared, and its memory is known: it is copied aside, where that can be
 * done. */
void th_blanks_keep(struct th_blanks *blanks, struct th_blank *blank);

/* The class was found in the blank, whose state holds so much memory: it is copied aside for others of
 * that image, in place of what was, where that can be done and the blank still has its first copy. */
void th_blanks_keep_image(struct th_blanks *blanks, struct th_blank *blank, struct th_image *image,
                          size_t memory);

/* Takes the blank, whose state has ended; no memory of it lies outside its arena. */
void th_blanks_give(struct th_blanks *blanks, struct th_blank *blank);

#endif
