/* embed_system: an endpoint of thespian.h.
 *
 * Threads: the one that uses the endpoint; what is shared says so itself.
 * Owns: its client, and one reference to what all endpoints of a program in one system share.
 */
#ifndef TH_HOST_EMBED_SYSTEM_H
#define TH_HOST_EMBED_SYSTEM_H

#include <stdint.h>

#include "base/clock.h"
#include "host/client.h"
#include "host/embed.h"

/* How long an admin may take to answer. */
#define TH_EMBED_REQUEST_TIME (50 * TH_SECOND)

struct th_embed_shared;

struct thespian_system {
  struct th_client *client;
  struct th_embed_shared *shared;
  uint64_t limit; /* bytes of one message */
};

/* TH_EGONE, with a reason, once this program has shut the system down. */
int th_embed_check_up(const struct thespian_system *system, struct th_reason *reason);

#endif
