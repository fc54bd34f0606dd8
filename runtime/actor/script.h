/* script: the seam through which a system runs actors written in a scripting language.
 *
 * The system creates script actors without knowing the language: it hands their births to the
 * behaviour given here. open makes what all scripts of one system share (a cache of compiled code).
 *
 * Threads: open and close by the one who starts and frees the system.
 */
#ifndef TH_ACTOR_SCRIPT_H
#define TH_ACTOR_SCRIPT_H

#include <stdbool.h>

#include "actor/behaviour.h"
#include "base/bytes.h"

struct th_world;

struct th_script {
  const struct th_behaviour *behaviour;
  void *(*open)(void);
  void (*close)(void *shared);
  int language_release; /* the n of Lua 5.4.n */
};

/* The argument of a script's birth. The script keeps it as long as the actor lives, for a
 * restart. */
struct th_script_birth {
  void (*drop)(void *birth); /* releases it and what it holds */
  struct th_world *world;
  void *source;                  /* where its code is looked up first; NULL for none */
  struct th_bytes *requirements; /* a packed value, or NULL */
  bool check_capabilities;       /* whether the class's check is asked */
};

#endif
