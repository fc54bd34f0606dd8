/* world: what an actor can reach beyond itself.
 *
 * The actor room declares this table, the system room fills it; so actors and their behaviours
 * reach routing, creation, time and sources without knowing who provides them. A struct th_world is
 * the first member of the system.
 *
 * Threads: as each function says; turn means any actor's turn of that system.
 */
#ifndef TH_ACTOR_WORLD_H
#define TH_ACTOR_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "message/message.h"

struct th_actor;
struct th_birth;
struct th_world;

/* What createActor says. All borrowed for the call. */
struct th_creation {
  const char *class_name; /* "pkg.mod.Class" */
  size_t class_name_size;
  const char *global_name; /* NULL for none */
  size_t global_name_size;
  const char *source; /* hash, NULL: the creator's own */
  size_t source_size;
  void *own_source;         /* the creator's, NULL for none */
  const void *requirements; /* a packed value, NULL for none */
  size_t requirements_size;
  struct th_address requester; /* gets a REPLY under ticket; none: nobody */
  uint32_t ticket;
};

/* The code of one module. */
struct th_module {
  char key[768];          /* equal keys, equal code: for caches */
  char chunk_name[512];   /* for messages: "=bundle:1a2b3c4d/pkg/mod.lua" or "@/path/mod.lua" */
  bool is_compiled;       /* bytes are a compiled chunk, and whoever gave them vouches for it */
  struct th_bytes *bytes; /* the code, a reference for the caller to drop; NULL if not asked for */
};

struct th_world_ops {
  /* Any thread: takes a message and sends it to its target. Gives the slot whose mailbox is full
   * now, for which the sender should be held; else NULL. */
  struct th_actor *(*send)(struct th_world *world, struct th_message *message);

  /* Turn: holds the actor until target has room. False when it goes on at once; after true its turn
   * is over.
   */
  bool (*hold)(struct th_world *world, struct th_actor *actor, struct th_actor *target);

  /* Any thread: releases those who are held for target, if it has room. */
  void (*make_room)(struct th_world *world, struct th_actor *target);

  /* Any thread: takes a message whose target is not (or no longer) here. */
  void (*dead)(struct th_world *world, struct th_message *message);

  /* Turn: creates a child. The address is valid at once. Errors that are known at once come back;
   * those of the start itself as ChildActorExited or REPLY. */
  int (*create)(struct th_world *world, struct th_actor *parent, const struct th_creation *creation,
                struct th_address *address, struct th_reason *reason);

  /* Turn: the class says that its actor cannot live here. True when another system is sought for
   * it: what the birth holds is taken as far as it is needed, and the actor's behaviour is now one
   * that stands for it. NULL: there are no other systems. */
  bool (*relocate)(struct th_world *world, struct th_actor *actor, struct th_birth *birth,
                   const char *words);

  /* Turn, of an actor that lives here under another system's address: its start has ended (error 0:
   * well), and later that it is about to leave. Its creator's system is told. */
  void (*settled)(struct th_world *world, struct th_actor *actor, const struct th_birth *birth,
                  int error, const char *words);
  void (*leaves)(struct th_world *world, struct th_actor *actor, const char *reason);

  /* Any thread: the one copy of a text that is kept as long as the system lives. */
  const char *(*keep_text)(struct th_world *world, const char *text);

  /* Turn: the actor is awake. It is asked to rest, once, when it has handled nothing for a while. */
  void (*awake)(struct th_world *world, struct th_actor *actor);

  /* Turn, the last act of an actor: its slot may be used again by the time this returns. */
  void (*exited)(struct th_world *world, struct th_actor *actor);

  /* Any thread: takes a message and sends it when the time has come. */
  void (*send_later)(struct th_world *world, uint64_t due, struct th_message *message);

  /* Any thread: a reference to the packed map of the system's capabilities. */
  struct th_bytes *(*capabilities)(struct th_world *world);

  /* Any thread: finds a module's code, in source first (may be NULL), then on the system's path.
   * False for none; searched then gets a list of the places for the error text. The code itself is
   * read only where with_code is set. */
  bool (*module)(struct th_world *world, void *source, const char *name, bool with_code,
                 struct th_module *module, struct th_buffer *searched);

  /* Any thread: the system's path for scripts from source, as templates. Borrowed for ever. */
  const char *(*package_path)(struct th_world *world, void *source);

  /* Any thread: checks and loads a bundle; hash holds TH_DIGEST_TEXT_SIZE. */
  int (*load)(struct th_world *world, const void *zip, size_t size, const char *info, char *hash,
              struct th_reason *reason);

  /* Any thread: from now on what is loaded goes by the source authority, who is to be. */
  void (*guard)(struct th_world *world);

  /* Any thread: drops the reference to a source that a birth brought. NULL is fine. */
  void (*drop_source)(void *source);
};

struct th_world {
  const struct th_world_ops *ops;
  /* Creations may go to other systems. Written in the admin's turn, read by any; relaxed: nothing
   * else hangs on it, and whoever sees the older value is a moment early. */
  atomic_bool has_others;
  struct th_log *log;
  void *script; /* what th_script.open gave: shared by all scripts of the system */
  struct th_address admin;
  uint64_t message_limit;    /* bytes of one message */
  uint64_t memory_limit;     /* bytes of one script's state; 0: none */
  uint64_t mailbox_limit;    /* messages that may wait for one actor; 0: any number */
  uint64_t time_limit;       /* nanoseconds for one message; 0: none */
  uint64_t exit_limit;       /* nanoseconds to end what runs, once the runtime has asked to exit */
  const char *package_cpath; /* of scripts: where C modules are */
};

#endif
