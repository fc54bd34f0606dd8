/* state: the Lua state of one actor.
 *
 * Opened lean: functions and libraries come when a global of their name is first read (globals.h).
 * What every state has is prepared once; all others are cast from that (mould.h), or, where there is
 * an image of the actor's class, from a state in which the class was found (image.h).
 *
 * All memory goes through one counting allocator, whose user data is the struct th_script_state; any
 * lua_State of the actor leads to it through its extra space. Over the limit it still gives what is
 * asked for, and has the code interrupted: Lua 5.4.4 can corrupt itself where it is refused memory.
 * Only one block that is larger than several times the limit is refused.
 *
 * The main thread's stack holds, from the bottom: the function that has a message handled, with the
 * instance in it; the coroutine in which it runs; a message's value and sender, while it is
 * handled, unless the value is plain. Until the actor has started its class stands in the first place,
 * once that was found.
 *
 * Threads: turn. Owns: the state, the references to its source and its birth.
 */
#ifndef TH_BINDINGS_STATE_H
#define TH_BINDINGS_STATE_H

#include <lua.h>
#include <stdbool.h>

#include "actor/actor.h"
#include "actor/script.h"
#include "base/buffer.h"
#include "bindings/finalizer.h"
#include "bindings/image.h"
#include "bindings/interrupt.h"
#include "message/pack.h"

struct th_arenas;
struct th_code;
struct th_globals;
struct th_mould;

/* What the states of one system share. */
struct th_script_shared {
  struct th_code *code; /* compiled modules */
  struct th_globals *globals;
  struct th_arenas *arenas;
  _Atomic(struct th_mould *) prepared; /* what every state has; NULL: there is none yet */
  atomic_bool was_prepared;            /* a state was; relaxed: any order does */
  struct th_images *images;            /* of which classes there are images */
};

/* What the actor's state is doing. */
enum th_script_phase {
  TH_SCRIPT_IDLE,
  TH_SCRIPT_FINDS, /* its class */
  TH_SCRIPT_STARTS,
  TH_SCRIPT_TRIES,
  TH_SCRIPT_TRIES_AGAIN,
  TH_SCRIPT_FINALIZES /* the handler has returned */
};

struct th_script_state {
  struct th_actor *actor;
  struct th_world *world;
  struct th_script_shared *shared;
  struct th_arena *arena;        /* where the Lua state lies; NULL: nowhere */
  lua_State *L;                  /* the main thread */
  lua_State *handler;            /* the coroutine that runs handlers */
  struct th_mould *mould;        /* that it was cast from, a reference; NULL: none */
  struct th_arena_rest *rest;    /* the Lua state while it rests; NULL: it is awake */
  struct th_image *image;        /* of its class, a reference; NULL: none that holds */
  struct th_trail trail;         /* of what happens until its class is found */
  void *source;                  /* where modules are looked up first, or NULL */
  struct th_script_birth *birth; /* for a restart */
  struct th_bytes *wanted;       /* capabilities that the class needs, where it does not fit */
  const char *class_name;        /* borrowed: the birth's while it starts, then the card's */
  char *global_name;             /* or NULL */
  size_t memory;                 /* bytes that the state holds */
  enum th_script_phase phase;
  enum th_kind kind;        /* of the message that is handled */
  struct th_item plain;     /* its value, where that is plain; the bytes of a string are its own */
  struct th_address sender; /* likewise */
  const void *known;        /* see th_lua_push_known */
  struct th_interrupt interrupt;
  struct th_finalizers finalizers;
  uint64_t slice_began; /* of what runs; only where there is a time limit */
  uint64_t spent;       /* by the present try, in earlier slices; likewise */
  uint64_t reads;       /* number of the kept message that is being decoded; 0: none */
  unsigned closes;      /* nested calls to coroutine.close */
  bool has_class;       /* it was found, be it by another actor */
  bool is_of_image;     /* by another one */
  bool is_to_rest; /* the world was told that it is awake, and has not asked it to rest since */
  bool exit_is_recursive;
  bool has_foreign; /* it may hold userdata that only lua_close finalizes */
  bool is_crammed;  /* was stopped for its memory since the last message */
  /* They live here so that a Lua error cannot leak them. */
  struct th_buffer scratch;  /* for encoding */
  struct th_buffer outgoing; /* a message that is being written */
  size_t last_size;          /* bytes of the last one: the next may be as large */
};

#define TH_STATE_ENTRY 1
#define TH_STATE_BASE 2

/* A new state, whose Lua state has nothing of the actor in it yet, but maybe its class; NULL when
 * there is no memory. Takes birth. */
struct th_script_state *th_script_state_new(struct th_actor *actor, struct th_script_birth *birth,
                                            const char *class_name);

/* Opens the Lua state again, new, after a close. False when there is no memory. */
bool th_script_state_open(struct th_script_state *state);

/* The class was found, nothing else of the actor is in the Lua state, and nothing runs there: makes
 * an image, where that can serve others. */
void th_script_state_found(struct th_script_state *state);

/* A part of the library was made, see bindings/image.h. */
void th_script_state_note_part(struct th_script_state *state, const char *part);

/* Puts the Lua state aside, which takes less memory then. Nothing of it may be touched until it was woken;
 * but it may be closed. False when there is no memory: it stays awake. */
bool th_script_state_rest(struct th_script_state *state);
void th_script_state_wake(struct th_script_state *state);

/* Closes the Lua state: runs what finalizers there are, for a bounded time. */
void th_script_state_close(struct th_script_state *state);

/* Closes, if need be, and releases all. */
void th_script_state_free(struct th_script_state *state);

/* The actor that L, or the coroutine L, belongs to. */
static inline struct th_script_state *th_script_state_of(lua_State *L) {
  return *(struct th_script_state **)lua_getextraspace(L);
}

/* The same, for a function that reads or changes what lies outside the state: an actor whose
 * modules call it must load them itself. */
static inline struct th_script_state *th_script_state_outside(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  state->trail.is_pure = false;
  return state;
}

#endif
