/* client: an endpoint, the actor that a program outside is while it talks to a system.
 *
 * Works alike for a system in another process (over a link, turned by the calling thread) and for
 * one in this process. Messages that arrive between calls wait inside. Calls block until the time
 * until.
 *
 * Threads: one caller at a time; another thread takes a client of its own (th_client_private).
 * Owns: its connection, and messages that wait.
 */
#ifndef TH_HOST_CLIENT_H
#define TH_HOST_CLIENT_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "message/message.h"
#include "transport/wire.h"

struct th_client;
struct th_system;

/* Connects to the system that listens there, over that carrier. TH_ENOSYSTEM when nothing listens, TH_EPROTOCOL when
 * what listens is no system of ours, TH_ETIMEOUT. */
int th_client_connect_over(struct th_client **client, enum th_carrier carrier, const char *host,
                           uint16_t port, uint64_t until, struct th_reason *reason);

/* An endpoint on a system in this process; the system must outlive it. */
int th_client_attach(struct th_client **client, struct th_system *system);

/* Another endpoint on the same system. */
int th_client_private(struct th_client *client, struct th_client **other, struct th_reason *reason);

/* Ends the endpoint; messages to it become dead letters. */
void th_client_close(struct th_client *client);

/* Borrowed. */
const struct th_address *th_client_address(const struct th_client *client);
const struct th_address *th_client_admin(const struct th_client *client);
const char *th_client_base(const struct th_client *client);
const char *th_client_version(const struct th_client *client); /* of the library it runs */
int64_t th_client_pid(const struct th_client *client); /* of the process the system lives in */

/* The most bytes that the system takes in one piece, UINT64_MAX where it sees to that itself. What
 * is told may have less where it travels in datagrams; requests may not. */
uint64_t th_client_limit(const struct th_client *client);

/* Sends one packed value. kind is TH_KIND_USER or the kind that a system message's class has.
 * TH_EGONE when the system is known to be gone before the message has left; TH_ETOOBIG. */
int th_client_tell(struct th_client *client, const struct th_address *target, enum th_kind kind,
                   const void *value, size_t size, struct th_reason *reason);

/* Sends and gives the next message that arrives for this endpoint, whoever sent it. TH_ETIMEOUT;
 * TH_EDEAD when the message became a dead letter; TH_EGONE with a reason when the system went
 * away. */
int th_client_ask(struct th_client *client, const struct th_address *target, enum th_kind kind,
                  const void *value, size_t size, uint64_t until, struct th_message **answer,
                  struct th_reason *reason);

/* Gives the next message that arrives. TH_ETIMEOUT; TH_EGONE. */
int th_client_listen(struct th_client *client, uint64_t until, struct th_message **message,
                     struct th_reason *reason);

/* Asks the admin: request is a packed array as protocol.h says. On success reply is the message
 * whose payload is [0, result]; an error answer is returned as that error with its words as the
 * reason. */
int th_client_request(struct th_client *client, const struct th_buffer *request, uint64_t until,
                      struct th_message **reply, struct th_reason *reason);

/* Asks the system to shut down and waits until it has: for another process, until its connection is
 * gone. */
int th_client_shutdown(struct th_client *client, uint64_t until, struct th_reason *reason);

#endif
