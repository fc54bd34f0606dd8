/* hosted: a system in the process of the program that started it.
 *
 * It lives as long as a connection to it does: the last reference that goes stops it. Should an
 * actor not return from its handler even then, its thread and all that the thread uses are left to
 * the end of the process.
 *
 * Threads: the caller who started it. Owns: the system, its log, its copy of lua_path.
 */
#ifndef TH_HOST_HOSTED_H
#define TH_HOST_HOSTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "host/client.h"
#include "host/runlog.h"
#include "system/system.h"

struct th_hosted;

/* What to start. All is borrowed for the call, but base and script, which outlive the system. */
struct th_hosting {
  const char *base;         /* TH_BASE_TCP listens, too */
  const void *capabilities; /* a packed map; NULL for none */
  size_t capabilities_size;
  const char *const *path; /* folders where modules are looked up */
  size_t path_count;
  const char *lua_path; /* templates with ?, looked up after those; NULL: the installed ones */
  unsigned workers;     /* 0: one for each core */
  const struct th_script *script;
  bool logs;            /* whether the runtime's own log is written at all, */
  struct th_runlog log; /* and how */
};

/* Starts a system, with one reference. What th_system_start gives; TH_EUSAGE for a level or
 * a format that is none, -errno for a log file that cannot be written. */
int th_hosted_start(struct th_hosted **hosted, const struct th_hosting *hosting,
                    struct th_reason *reason);

/* One reference more. NULL in is NULL out. */
struct th_hosted *th_hosted_ref(struct th_hosted *hosted);

/* One reference less; the last stops the system, and waits for that. False when an actor did not
 * return and may still use what it was given. NULL is fine. */
bool th_hosted_unref(struct th_hosted *hosted);

/* An endpoint on the system; it must be closed before the last reference goes. */
int th_hosted_attach(struct th_hosted *hosted, struct th_client **client);

#endif
