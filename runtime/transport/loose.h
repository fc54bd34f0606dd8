/* loose: frames in numbered datagrams that are sent once, in order, and counted when they get lost.
 *
 * Sending: frames wait in out; the next datagram takes as many whole ones as fit, or a part of one
 * that is larger. Only so many may be on their way unaccounted, so that a fast sender does not
 * overrun the receiver's socket.
 *
 * Receiving: a datagram whose number is below the one expected comes too late, or twice, and is
 * dropped, which keeps the order; a gap is counted as lost. A large frame is put together only when
 * all its parts come in a row.
 *
 * Threads: its holder. Owns: frames that wait, and the parts of one.
 */
#ifndef TH_TRANSPORT_LOOSE_H
#define TH_TRANSPORT_LOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "transport/datagram.h"
#include "transport/wire.h"

#define TH_LOOSE_WINDOW 256 /* datagrams on their way; a power of two */

struct th_loose {
  size_t step; /* the most bytes in one datagram */
  struct th_buffer out;
  size_t dead;    /* bytes at out's begin that have left */
  size_t partial; /* bytes still to be sent of the frame of which a part has left */
  uint64_t left;  /* bytes that have left, ever */
  uint64_t sent;  /* datagrams: the next one's number */
  uint64_t seen;  /* below it, all are accounted for by the other side */
  size_t weight;  /* of those between: about the memory they take in a socket */
  uint32_t weights[TH_LOOSE_WINDOW];
  uint64_t expected; /* the next number to come */
  uint64_t lost;     /* of those below it */
  bool is_whole;     /* frame has all parts up to expected */
  struct th_buffer frame;
};

/* What to send next: bytes are borrowed until the loose changes. */
struct th_loose_piece {
  const unsigned char *data;
  size_t size;
  uint8_t part;
};

void th_loose_init(struct th_loose *loose, size_t step);
void th_loose_clear(struct th_loose *loose);

/* Appends a row of whole frames, none larger than TH_WIRE_LOOSE; gives 0 or TH_ENOMEM. */
int th_loose_put(struct th_loose *loose, const void *frames, size_t size);

/* Bytes that have not left; and whether datagrams are on their way whose fate is not known. */
size_t th_loose_unsent(const struct th_loose *loose);
bool th_loose_is_open(const struct th_loose *loose);

/* The next piece; false when there is none, or too much is on its way. It counts as sent only with
 * th_loose_sent. */
bool th_loose_next(const struct th_loose *loose, struct th_loose_piece *piece);
void th_loose_sent(struct th_loose *loose, const struct th_loose_piece *piece);

/* The other side accounts for all below seen. True when that is news. */
bool th_loose_seen(struct th_loose *loose, uint64_t seen);

/* The other side has sent so many before what it says now: what is missing of them is lost. */
void th_loose_mark(struct th_loose *loose, uint64_t sent);

/* A datagram came; *data and *size become the frames that are complete with it, borrowed until the
 * next call. False when there are none. */
bool th_loose_take(struct th_loose *loose, const struct th_datagram *datagram,
                   const unsigned char **data, size_t *size);

#endif
