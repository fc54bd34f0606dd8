/* stream: an ordered row of bytes over a carrier that loses, doubles and reorders pieces.
 *
 * Sending: bytes wait in out until the other side has taken them. Pieces are cut off as long as the
 * window has room; what is not taken in time is sent again from there on. The window begins small,
 * grows with every piece that is taken, and shrinks at a loss, as TCP's does.
 *
 * Receiving: a piece that comes too early is kept until those before it have come, within bounds.
 *
 * Nothing here knows the time or a socket: the holder says when too much of it has passed, and
 * sends what it is given.
 *
 * Threads: its holder. Owns: bytes on their way.
 */
#ifndef TH_TRANSPORT_STREAM_H
#define TH_TRANSPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* As much may come before what is missing; more is dropped, and has to be sent again. */
#define TH_STREAM_AHEAD ((size_t)1024 * 1024)

struct th_stream_piece;

struct th_stream {
  size_t step; /* the largest piece */
  struct th_buffer out;
  size_t dead;      /* bytes at out's begin that are taken */
  uint64_t acked;   /* offset of what is not yet taken; acked <= next <= top */
  uint64_t next;    /* of the next piece */
  uint64_t top;     /* of what was never sent */
  uint64_t held;    /* from here on nothing is sent yet, for the holder's reasons */
  size_t window;    /* bytes that may be between acked and next */
  size_t threshold; /* above it the window grows slowly */
  unsigned doubles; /* acknowledgements that say nothing new, while something is on its way */
  bool again;       /* the piece at acked is to be sent once more, out of turn */
  uint64_t taken;   /* received and given on */
  struct th_stream_piece *ahead; /* received too early, by offset */
  size_t ahead_size;
};

void th_stream_init(struct th_stream *stream, size_t step);
void th_stream_clear(struct th_stream *stream);

/* Appends what is to be sent; gives 0 or TH_ENOMEM. */
int th_stream_put(struct th_stream *stream, const void *data, size_t size);

/* Bytes never sent so far; and bytes sent that are not known to be taken. */
size_t th_stream_unsent(const struct th_stream *stream);
size_t th_stream_unacked(const struct th_stream *stream);

/* The next piece to send now, borrowed until the stream changes; false when there is none. */
bool th_stream_next(struct th_stream *stream, uint64_t *offset, const unsigned char **data,
                    size_t *size);

/* The piece just given did not leave: it will be given again. */
void th_stream_back(struct th_stream *stream, uint64_t offset);

/* The other side has taken everything below taken. True when that is news. */
bool th_stream_acked(struct th_stream *stream, uint64_t taken);

/* An acknowledgement with nothing new came: after three of them a piece is taken for lost. */
void th_stream_double(struct th_stream *stream);

/* No acknowledgement came in time: everything on its way is taken for lost. */
void th_stream_timeout(struct th_stream *stream);

/* A piece came: calls each with what follows without a gap, and notes it as taken before. each
 * gives false to end it there. */
void th_stream_take(struct th_stream *stream, uint64_t offset, const unsigned char *data,
                    size_t size,
                    bool (*each)(void *context, const unsigned char *data, size_t size),
                    void *context);

#endif
