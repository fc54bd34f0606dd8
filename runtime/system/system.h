/* system: one actor system, put together, started, and stopped.
 *
 * Owns everything that runs in it: workers, timers, the admin, the registry, and where the base
 * listens the loop with its thread. Many systems live in one process.
 *
 * Order of the end: the admin asks every actor to exit and waits; then stopped is signalled;
 * th_system_free joins the threads and releases what is left.
 *
 * Threads: any, but for start and free (one caller).
 */
#ifndef TH_SYSTEM_SYSTEM_H
#define TH_SYSTEM_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actor/behaviour.h"
#include "base/error.h"
#include "base/log.h"
#include "message/message.h"
#include "transport/wire.h"

struct th_system;
struct th_script;

#define TH_BASE_SIMPLE "simpleSystemBase"
#define TH_BASE_QUEUE "multiprocQueueBase"
#define TH_BASE_TCP "multiprocTCPBase"
#define TH_BASE_UDP "multiprocUDPBase"

/* Where systems of a base listen by default; 0 for bases that do not. */
#define TH_TCP_PORT 1900
#define TH_UDP_PORT 1029
uint16_t th_base_port(const char *base);

/* What carries the messages of a base that listens. */
enum th_carrier th_base_carrier(const char *base);

struct th_system_config {
  const char *base;         /* one of the above */
  const void *capabilities; /* a packed map, as given at the start; NULL for none */
  size_t capabilities_size;
  unsigned workers; /* 0: one for each core; the simple base has none whatever this says */
  const struct th_script *script; /* what runs actors' Lua code; the bindings give it */
  struct th_log *log;             /* borrowed; NULL logs nothing */
  const char *const *path;        /* folders where modules are looked up; copied */
  size_t path_count;
  const char *lua_path; /* templates with ?, looked up after those; NULL: the installed ones */
  bool is_guarded;      /* nothing is loaded before there is a source authority */
  bool is_cranked; /* no threads: th_system_crank does all; so it is on the simple base anyway */
};

/* Starts a system. TH_ESTARTUP (port taken, and by whom; address not ours) with a reason. */
int th_system_start(struct th_system **system, const struct th_system_config *config,
                    struct th_reason *reason);

/* Stops, if it runs still, and releases. Actors that do not exit within the grace period (seconds)
 * are abandoned: gives false then, and the caller should end the process. */
bool th_system_free(struct th_system *system, double grace);

/* Begins a shutdown as the SHUTDOWN request does. */
void th_system_shutdown(struct th_system *system);

/* Waits until every actor is gone after a shutdown; false when the time until came first (0: only
 * looks). Where the system is cranked, this does it. */
bool th_system_wait(struct th_system *system, uint64_t until);

/* Routes a message: takes it. The one place where it is decided where things go. Where the target's
 * mailbox is full the calling thread is held (not where the system is cranked: there it is what
 * empties mailboxes). */
void th_system_route(struct th_system *system, struct th_message *message);

/* A system that is cranked: takes what has come on its wire, without waiting, then runs actors on
 * the calling thread until nothing is left to deliver, timers that are due included, or the time
 * until has come. What they have sent to others leaves with the next call. No effect on a system
 * with threads. */
void th_system_crank(struct th_system *system, uint64_t until);

/* When the next timer is due; TH_FOREVER for none. */
uint64_t th_system_next_timer(struct th_system *system);

/* True for a system that is cranked by its callers: on the simple base, or told so at its start. */
bool th_system_is_cranked(const struct th_system *system);

/* An endpoint in this process: deliver is called in a worker's turn (or the crank's) with each
 * message; given. The endpoint lives until th_system_endpoint_close, after which deliver is not
 * called again: closed is called, last. */
struct th_endpoint_events {
  void (*deliver)(void *context, struct th_message *message);
  void (*closed)(void *context);
};
struct th_address th_system_endpoint_open(struct th_system *system,
                                          const struct th_endpoint_events *events, void *context);
void th_system_endpoint_close(struct th_system *system, const struct th_address *endpoint);

/* Says how many messages that were delivered to an endpoint its program has not taken yet: they
 * count like those in a mailbox. Whoever opened the endpoint and has not closed it, one thread at a
 * time. */
void th_system_endpoint_waits(struct th_system *system, const struct th_address *endpoint,
                              size_t messages);

const struct th_address *th_system_admin(const struct th_system *system);
const char *th_system_base(const struct th_system *system);
uint16_t th_system_port(const struct th_system *system); /* 0 where it does not listen */

#endif
