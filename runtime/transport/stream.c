#include "transport/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* In pieces. */
#define FIRST_WINDOW 10
#define LEAST_WINDOW 2
#define MOST_WINDOW ((size_t)256 * 1024) /* in bytes */

/* What a piece that is kept counts for beside its bytes, so that nobody has us keep a great many
 * small ones. */
#define PIECE_COST 512

#define MOST_DOUBLES 3
#define KEPT_CAPACITY ((size_t)512 * 1024)

struct th_stream_piece {
  struct th_stream_piece *next;
  uint64_t offset;
  size_t size;
  unsigned char data[];
};

static size_t smaller(size_t one, size_t other) {
  return one < other ? one : other;
}

void th_stream_init(struct th_stream *stream, size_t step) {
  *stream = (struct th_stream){.step = step,
                               .window = smaller(FIRST_WINDOW * step, MOST_WINDOW),
                               .threshold = MOST_WINDOW,
                               .held = UINT64_MAX};
  th_buffer_init(&stream->out);
}

void th_stream_clear(struct th_stream *stream) {
  th_buffer_clear(&stream->out);
  while (stream->ahead != NULL) {
    struct th_stream_piece *piece = stream->ahead;
    stream->ahead = piece->next;
    free(piece);
  }
}

/* ---- sending -------------------------------------------------------------------------------- */

int th_stream_put(struct th_stream *stream, const void *data, size_t size) {
  return th_buffer_append(&stream->out, data, size);
}

static uint64_t end_of(const struct th_stream *stream) {
  return stream->acked + (stream->out.size - stream->dead);
}

size_t th_stream_unsent(const struct th_stream *stream) {
  return (size_t)(end_of(stream) - stream->top);
}

size_t th_stream_unacked(const struct th_stream *stream) {
  return (size_t)(stream->top - stream->acked);
}

static void cut(struct th_stream *stream, uint64_t offset, const unsigned char **data,
                size_t *size) {
  *data = stream->out.data + stream->dead + (size_t)(offset - stream->acked);
  uint64_t end = end_of(stream) < stream->held ? end_of(stream) : stream->held;
  *size = smaller(stream->step, (size_t)(end - offset));
}

bool th_stream_next(struct th_stream *stream, uint64_t *offset, const unsigned char **data,
                    size_t *size) {
  bool again = stream->again && stream->next != stream->acked;
  stream->again = false;
  *offset = again ? stream->acked : stream->next;
  if (again) {
    cut(stream, *offset, data, size);
    return true;
  }
  if (stream->next == end_of(stream) || stream->next >= stream->held) return false;
  if (stream->next != stream->acked &&
      (size_t)(stream->next - stream->acked) + stream->step > stream->window)
    return false;
  cut(stream, *offset, data, size);
  stream->next += *size;
  if (stream->next > stream->top) stream->top = stream->next;
  return true;
}

/* A top that is too high only means that the bytes count as sent. */
void th_stream_back(struct th_stream *stream, uint64_t offset) {
  if (offset < stream->next) stream->next = offset;
}

static void forget(struct th_stream *stream, size_t size) {
  stream->dead += size;
  if (stream->dead == stream->out.size) {
    stream->dead = 0;
    if (stream->out.capacity > KEPT_CAPACITY)
      th_buffer_clear(&stream->out);
    else
      th_buffer_reset(&stream->out);
  } else if (stream->dead > stream->out.size / 2) {
    stream->out.size -= stream->dead;
    memmove(stream->out.data, stream->out.data + stream->dead, stream->out.size);
    stream->dead = 0;
  }
}

static void widen(struct th_stream *stream, size_t size) {
  if (stream->window >= stream->threshold) size = stream->step * size / stream->window;
  stream->window = smaller(stream->window + size, MOST_WINDOW);
}

static void narrow(struct th_stream *stream) {
  size_t least = LEAST_WINDOW * stream->step;
  stream->threshold = stream->window / 2 > least ? stream->window / 2 : least;
}

bool th_stream_acked(struct th_stream *stream, uint64_t taken) {
  /* Nobody can have taken what was never sent; whoever says so is not believed. */
  if (taken <= stream->acked || taken > stream->top) return false;
  size_t size = (size_t)(taken - stream->acked);
  stream->acked = taken;
  if (stream->next < taken) stream->next = taken;
  stream->doubles = 0;
  stream->again = false;
  forget(stream, size);
  widen(stream, size);
  return true;
}

void th_stream_double(struct th_stream *stream) {
  if (stream->next == stream->acked || ++stream->doubles != MOST_DOUBLES) return;
  narrow(stream);
  stream->window = stream->threshold;
  stream->again = true;
}

void th_stream_timeout(struct th_stream *stream) {
  if (stream->next != stream->acked) narrow(stream);
  stream->window = LEAST_WINDOW * stream->step;
  stream->next = stream->acked;
  stream->doubles = 0;
  stream->again = false;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void keep(struct th_stream *stream, uint64_t offset, const unsigned char *data,
                 size_t size) {
  struct th_stream_piece **at = &stream->ahead;
  if (stream->ahead_size + size + PIECE_COST > TH_STREAM_AHEAD) return;
  while (*at != NULL && (*at)->offset < offset) at = &(*at)->next;
  if (*at != NULL && (*at)->offset == offset && (*at)->size >= size) return;
  struct th_stream_piece *piece = th_try_alloc(sizeof *piece + size);
  if (piece == NULL) return; /* it will come again */
  piece->next = *at;
  piece->offset = offset;
  piece->size = size;
  memcpy(piece->data, data, size);
  *at = piece;
  stream->ahead_size += size + PIECE_COST;
}

/* Pieces may overlap, when they were cut at different times. */
static bool give(struct th_stream *stream, uint64_t offset, const unsigned char *data, size_t size,
                 bool (*each)(void *context, const unsigned char *data, size_t size),
                 void *context) {
  if (offset + size <= stream->taken) return true;
  size_t old = (size_t)(stream->taken - offset);
  stream->taken = offset + size;
  return each(context, data + old, size - old);
}

void th_stream_take(struct th_stream *stream, uint64_t offset, const unsigned char *data,
                    size_t size,
                    bool (*each)(void *context, const unsigned char *data, size_t size),
                    void *context) {
  if (offset > stream->taken) {
    if (offset - stream->taken < TH_STREAM_AHEAD) keep(stream, offset, data, size);
    return;
  }
  bool goes_on = give(stream, offset, data, size, each, context);
  while (goes_on && stream->ahead != NULL && stream->ahead->offset <= stream->taken) {
    struct th_stream_piece *piece = stream->ahead;
    stream->ahead = piece->next;
    stream->ahead_size -= piece->size + PIECE_COST;
    goes_on = give(stream, piece->offset, piece->data, piece->size, each, context);
    free(piece);
  }
}
