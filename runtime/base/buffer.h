/* buffer: a run of bytes that grows at its end.
 *
 * Errors stick: after the first failure (no memory, or past limit) appending does nothing, and
 * error says why. Writers are straight-line code with one check at the end.
 *
 * Threads: its holder. Owns: data.
 */
#ifndef TH_BASE_BUFFER_H
#define TH_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct th_buffer {
  unsigned char *data;
  size_t size;
  size_t capacity;
  size_t limit; /* size never grows past it; 0 means no limit */
  int error;    /* 0, TH_ENOMEM or TH_ETOOBIG */
};

void th_buffer_init(struct th_buffer *buffer);

/* Releases the memory and leaves an empty, usable buffer with the same limit. */
void th_buffer_clear(struct th_buffer *buffer);

/* Forgets the content and the error, keeps the memory. */
void th_buffer_reset(struct th_buffer *buffer);

/* The slow path of th_buffer_reserve: the same, whether or not there is room already. */
unsigned char *th_buffer_grow(struct th_buffer *buffer, size_t size);

/* Makes room for size more bytes and returns where they go, or NULL after an error. The caller
 * fills them and then adds to buffer->size itself. Inline, since every packed item passes here. */
static inline unsigned char *th_buffer_reserve(struct th_buffer *buffer, size_t size) {
  /* Less, not less or equal: so a buffer without memory never answers NULL for a size of 0. */
  if (size < buffer->capacity - buffer->size && buffer->error == 0)
    return buffer->data + buffer->size;
  return th_buffer_grow(buffer, size);
}

/* Appends; returns buffer->error. */
int th_buffer_append(struct th_buffer *buffer, const void *data, size_t size);

/* Appends formatted text, without a zero byte. Returns buffer->error. */
int th_buffer_printf(struct th_buffer *buffer, const char *format, ...)
  __attribute__((format(printf, 2, 3)));
int th_buffer_vprintf(struct th_buffer *buffer, const char *format, va_list arguments)
  __attribute__((format(printf, 2, 0)));

#endif
