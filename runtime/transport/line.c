#include "transport/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KEPT_CAPACITY ((size_t)512 * 1024) /* a larger writer is not kept */

struct th_line {
  const struct th_line_events *events; /* NULL: it was dropped */
  void *context;
  struct th_channel *channel;
  bool connected; /* there is, or was, a connection */
  bool greeted;
  struct th_frame_reader reader;
  struct th_buffer writer;
  unsigned char first[4]; /* bytes that came, for words about strangers */
  size_t first_size;
  char peer[TH_WIRE_PEER_SIZE];
};

/* ---- the end -------------------------------------------------------------------------------- */

static void free_line(struct th_line *line) {
  th_frame_reader_clear(&line->reader);
  th_buffer_clear(&line->writer);
  free(line);
}

static void explain(const struct th_line *line, int error, struct th_reason *reason) {
  const char *words = th_error_words(error);
  if (!line->connected) {
    th_fail(reason, error, "cannot connect to %s: %s", line->peer, words);
  } else if (error == TH_WIRE_EOF) {
    th_fail(reason, error, "the connection to %s was closed by the other side", line->peer);
  } else {
    th_fail(reason, error, "the connection to %s broke: %s", line->peer, words);
  }
}

static void on_closed(void *user, int error) {
  struct th_line *line = user;
  struct th_reason reason;
  line->channel = NULL;
  explain(line, error != 0 ? error : TH_ENOMEM, &reason); /* 0: see th_line_flush */
  if (line->events != NULL) line->events->broken(line->context, false, reason.words);
  free_line(line);
}

void th_line_drop(struct th_line *line, bool flush) {
  line->events = NULL;
  if (line->channel != NULL) line->channel->ops->close(line->channel, flush);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void reject_greeting(const struct th_line *line, struct th_reason *reason) {
  char bytes[3 * sizeof line->first + 1] = "";
  for (size_t i = 0; i < line->first_size; i++) snprintf(bytes + 3 * i, 4, " %02x", line->first[i]);
  th_fail(reason, TH_EPROTOCOL, "%s is no Thespian system: it sent something else (first bytes%s)",
          line->peer, bytes);
}

static void reject(struct th_line *line, int error) {
  struct th_reason reason;
  if (line->events == NULL) return;
  if (!line->greeted) {
    reject_greeting(line, &reason);
  } else if (error == TH_ETOOBIG) {
    th_fail(&reason, error, "%s sent a message of more than %zu bytes", line->peer,
            line->reader.limit - TH_FRAME_OVERHEAD);
  } else {
    th_fail(&reason, error, "cannot read what %s sent: %s", line->peer, th_error_words(error));
  }
  line->events->broken(line->context, true, reason.words);
}

/* Gives 1 when the line was dropped, and what follows does not count. */
static int give(struct th_line *line, bool is_loose, enum th_frame_type type,
                const unsigned char *body, size_t size) {
  int error = line->events->frame(line->context, type, is_loose, body, size);
  return error != 0 ? error : line->events == NULL;
}

static int take_frame(void *context, enum th_frame_type type, const unsigned char *body,
                      size_t size) {
  return give(context, false, type, body, size);
}

static int take_loose(void *context, enum th_frame_type type, const unsigned char *body,
                      size_t size) {
  return give(context, true, type, body, size);
}

static void after_reading(struct th_line *line, int error) {
  if (error < 0) reject(line, error);
  if (line->events != NULL) line->events->read(line->context);
}

static void on_received(void *user, const unsigned char *data, size_t size) {
  struct th_line *line = user;
  for (size_t i = 0; i < size && line->first_size < sizeof line->first; i++)
    line->first[line->first_size++] = data[i];
  after_reading(line, th_frame_reader_feed(&line->reader, data, size, take_frame, line));
}

/* Each datagram has whole frames, so each is read anew. */
static void on_received_loose(void *user, const unsigned char *frames, size_t size) {
  struct th_line *line = user;
  struct th_frame_reader reader;
  if (!line->greeted) return; /* it has overtaken the greeting, and counts as lost */
  th_frame_reader_init(&reader);
  reader.limit = line->reader.limit < TH_WIRE_LOOSE ? line->reader.limit : TH_WIRE_LOOSE;
  int error = th_frame_reader_feed(&reader, frames, size, take_loose, line);
  if (error == 0 && reader.partial.size != 0) error = TH_EMALFORMED;
  th_frame_reader_clear(&reader);
  after_reading(line, error);
}

/* ---- writing -------------------------------------------------------------------------------- */

struct th_buffer *th_line_writer(struct th_line *line) {
  return &line->writer;
}

void th_line_flush(struct th_line *line, bool loose) {
  struct th_buffer *writer = &line->writer;
  const struct th_wire_ops *ops = line->channel->ops;
  if (writer->error != 0) {
    ops->close(line->channel, 0);
  } else if (writer->size != 0) {
    (loose ? ops->send_loose : ops->send)(line->channel, writer->data, writer->size);
  }
  if (writer->capacity > KEPT_CAPACITY) {
    th_buffer_clear(writer);
  } else {
    th_buffer_reset(writer);
  }
}

static void on_written(void *user) {
  struct th_line *line = user;
  if (line->events != NULL) line->events->written(line->context);
}

bool th_line_can_lose(const struct th_line *line) {
  return line->channel->ops->send_loose != NULL;
}

size_t th_line_unsent(const struct th_line *line) {
  return line->channel->ops->unsent(line->channel);
}

/* ---- birth ---------------------------------------------------------------------------------- */

static void on_opened(void *user) {
  struct th_line *line = user;
  line->connected = true;
  if (line->events != NULL) line->events->opened(line->context);
}

static const struct th_channel_events channel_events = {on_opened, on_received, on_written,
                                                        on_closed, on_received_loose};

static struct th_line *new_line(const struct th_line_events *events, void *context) {
  struct th_line *line = th_new(struct th_line);
  line->events = events;
  line->context = context;
  th_frame_reader_init(&line->reader);
  th_buffer_init(&line->writer);
  return line;
}

int th_line_dial(struct th_wire *wire, uint32_t ip, uint16_t port,
                 const struct th_line_events *events, void *context, struct th_line **out) {
  struct th_line *line = new_line(events, context);
  int error = wire->ops->connect(wire, ip, port, &channel_events, line, &line->channel);
  if (error != 0) {
    free_line(line);
    return error;
  }
  line->channel->ops->peer(line->channel, line->peer);
  *out = line;
  return 0;
}

struct th_line *th_line_take(struct th_channel *channel, const struct th_line_events *events,
                             void *context) {
  struct th_line *line = new_line(events, context);
  line->channel = channel;
  line->connected = true;
  channel->events = &channel_events;
  channel->user = line;
  channel->ops->peer(channel, line->peer);
  return line;
}

void th_line_open(struct th_line *line, uint64_t limit) {
  line->greeted = true;
  line->reader.limit = limit < UINT32_MAX - TH_FRAME_OVERHEAD ? (size_t)limit + TH_FRAME_OVERHEAD
                                                              : UINT32_MAX;
}

const char *th_line_peer(const struct th_line *line) {
  return line->peer;
}
