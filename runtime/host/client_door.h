/* client_door: what a client is made of, and the two ways to a system.
 *
 * client.c knows what the messages mean; a door carries them. There is one over a link to another
 * process and one to a system in this process. A door gives every message that arrives, in order,
 * and its take none after it has given TH_EGONE.
 *
 * Threads: the client's caller.
 * Owns: the base part its messages that wait; the door what it needs to reach the system.
 */
#ifndef TH_HOST_CLIENT_DOOR_H
#define TH_HOST_CLIENT_DOOR_H

#include "actor/mailbox.h"
#include "host/client.h"

struct th_client_door {
  /* Takes message. 0 when it is on its way; TH_EGONE, TH_ETOOBIG. */
  int (*send)(struct th_client *client, struct th_message *message, struct th_reason *reason);
  /* Gives the next message that arrives, whatever it is. TH_ETIMEOUT, TH_EGONE. */
  int (*take)(struct th_client *client, uint64_t until, struct th_message **message,
              struct th_reason *reason);
  int (*another)(struct th_client *client, struct th_client **other, struct th_reason *reason);
  /* Waits for the end of a system that has answered that it shuts down. 0, TH_ETIMEOUT. */
  int (*ended)(struct th_client *client, uint64_t until);
  /* Releases all, the client's memory included. */
  void (*close)(struct th_client *client);
  /* Whether messages can pile up on the way, so that a sender should ask now and then how far the
   * system has come. */
  bool is_buffered;
};

/* The first part of each door's own structure. */
struct th_client {
  const struct th_client_door *door;
  struct th_address endpoint;
  struct th_address admin;
  char base[32];
  char version[32];
  int64_t pid;
  uint64_t limit;          /* the largest message it takes; the system's own business: UINT64_MAX */
  uint64_t request_limit;  /* the same for requests to the admin */
  struct th_queue waiting; /* for the user, arrived while something else was waited for */
  uint32_t ticket;         /* the last one given out */
  size_t unconfirmed;      /* bytes sent since the system last answered a request of ours */
};

#endif
