/* outbox: messages for another system, from when they are given until it has acknowledged them.
 *
 * One list, oldest first:
 *
 *   first ... next ... last
 *
 * Before next are messages that have been written on this connection and are not acknowledged; from
 * next on they wait. Messages have no numbers of their own: they are numbered by being written, and
 * the other side counts what comes. acknowledged <= at <= top are the numbers of first, of next, and
 * of the first message that was never written on any connection.
 *
 * Threads: its holder. Owns: its messages.
 */
#ifndef TH_TRANSPORT_OUTBOX_H
#define TH_TRANSPORT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/message.h"

struct th_outbox {
  struct th_message *first;
  struct th_message **next;
  struct th_message **last; /* where the next that is given is hung up */
  uint64_t acknowledged;
  uint64_t at;
  uint64_t top;
};

void th_outbox_init(struct th_outbox *outbox);

/* Takes a list, oldest first; NULL is an empty one. */
void th_outbox_put(struct th_outbox *outbox, struct th_message *oldest);

/* The next message to write, borrowed; NULL when none waits. */
struct th_message *th_outbox_peek(const struct th_outbox *outbox);

/* That message was written: it is kept until it is acknowledged. True when it never was before. */
bool th_outbox_written(struct th_outbox *outbox);

/* Gives that message, which must never have been written: it does not count. */
struct th_message *th_outbox_take(struct th_outbox *outbox);

/* The other side has received so many, ever: the first of them go. Gives how many went now, or
 * TH_EMALFORMED when that cannot be. */
int64_t th_outbox_acknowledge(struct th_outbox *outbox, uint64_t received);

/* There is a new connection, and the other side has received so many, ever: what it has not waits
 * again. The rest as th_outbox_acknowledge. */
int64_t th_outbox_rewind(struct th_outbox *outbox, uint64_t received);

/* Gives the oldest message, whatever became of it; NULL when there is none. For the end: the numbers
 * mean nothing any more. */
struct th_message *th_outbox_pop(struct th_outbox *outbox);

#endif
