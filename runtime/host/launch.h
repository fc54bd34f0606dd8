/* launch: reaches a system that lives in a process of its own, and starts it where none answers.
 *
 * The process is `thespian-host start --daemon`, which prints one line when it is ready, or one
 * line that says why not, and leaves. Several programs may start the same system at the same time:
 * one of them wins the port, the others then find it there and connect to it.
 *
 * The program is looked for in this order: where the caller says; the environment's THESPIAN_HOST;
 * the running program, if that is thespian-host; beside the shared object that holds this code, in
 * a build tree or an installation; where `cmake --install` puts it; PATH.
 *
 * Threads: caller. Owns: nothing after its calls; the system goes on by itself.
 */
#ifndef TH_HOST_LAUNCH_H
#define TH_HOST_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "host/client.h"
#include "host/runlog.h"

/* All borrowed for the call. */
struct th_launch {
  const char *base;         /* NULL: multiprocTCPBase */
  const char *host;         /* NULL: 127.0.0.1 */
  uint16_t port;            /* 0: never connects, starts a system on a free port */
  const void *capabilities; /* a packed map for a system that is started; NULL for none */
  size_t capabilities_size;
  const char *const *path; /* folders where that system looks modules up */
  size_t path_count;
  bool attach_only;     /* connect or fail: never start */
  const char *program;  /* thespian-host; NULL: is looked for */
  struct th_runlog log; /* of a system that is started */
};

/* Connects to the system, started first where none answers. TH_ESTARTUP with a reason that says why
 * there is none: attach only, no program found, what the new process said, or who else listens
 * there; TH_ETIMEOUT when the new process is not ready in time. */
int th_launch_connect(const struct th_launch *launch, uint64_t until, struct th_client **client,
                      struct th_reason *reason);

/* Appends the path of thespian-host and a zero byte. TH_ESTARTUP when there is none. */
int th_launch_program(const char *program, struct th_buffer *path, struct th_reason *reason);

#endif
