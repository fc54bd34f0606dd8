/* line: one connection of a session: a channel, cut into frames.
 *
 * A session (transport/session.h) has many lines in its life, one at a time. A line is dropped by
 * its holder, at any moment, also from within its events; from then on the holder is told nothing,
 * and the line goes when its channel has closed.
 *
 * Threads: loop. Owns: its channel, a partly received frame, what is being written.
 */
#ifndef TH_TRANSPORT_LINE_H
#define TH_TRANSPORT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "transport/frame.h"
#include "transport/wire.h"

struct th_line;

struct th_line_events {
  void (*opened)(void *context); /* a dialed line is connected */
  /* A frame came, is_loose on the way on which some get lost. 0, or an error when it is not what may
   * come: broken follows. */
  int (*frame)(void *context, enum th_frame_type type, bool is_loose, const unsigned char *body,
               size_t size);
  void (*read)(void *context);    /* all that had come at once was given to frame */
  void (*written)(void *context); /* what waited in the wire has left */
  /* The line is of no more use; the holder drops it here. is_garbage: the other side spoke what
   * cannot be read. Words are borrowed. */
  void (*broken)(void *context, bool is_garbage, const char *words);
};

/* Begins to connect; the outcome is opened or broken. */
int th_line_dial(struct th_wire *wire, uint32_t ip, uint16_t port,
                 const struct th_line_events *events, void *context, struct th_line **line);

/* Takes over an accepted channel whose greeting was read. */
struct th_line *th_line_take(struct th_channel *channel, const struct th_line_events *events,
                             void *context);

/* Takes line: closes it; with flush, what was written leaves first. */
void th_line_drop(struct th_line *line, bool flush);

/* The greeting is done: frames may be as large as a message of limit bytes needs. */
void th_line_open(struct th_line *line, uint64_t limit);

/* Where frames are written to; flush sends them on their way, loose on that on which some may get
 * lost. A line whose writer is out of memory is broken, since bytes are missing. */
struct th_buffer *th_line_writer(struct th_line *line);
void th_line_flush(struct th_line *line, bool loose);

/* True where there is a way on which frames may get lost. */
bool th_line_can_lose(const struct th_line *line);

/* Bytes that have not left yet; SIZE_MAX when the line is breaking. */
size_t th_line_unsent(const struct th_line *line);

/* The other side, "127.0.0.1:40312"; borrowed as long as the line is held. */
const char *th_line_peer(const struct th_line *line);

#endif
