#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define SMALLEST_CAPACITY 63

void th_buffer_init(struct th_buffer *buffer) {
  *buffer = (struct th_buffer){0};
}

void th_buffer_clear(struct th_buffer *buffer) {
  free(buffer->data);
  *buffer = (struct th_buffer){.limit = buffer->limit};
}

void th_buffer_reset(struct th_buffer *buffer) {
  buffer->size = 0;
  buffer->error = 0;
}

static unsigned char *refuse(struct th_buffer *buffer, int error) {
  buffer->error = error;
  return NULL;
}

/* The block is one byte larger than capacity, for the zero that vsnprintf writes. */
static unsigned char *resize(struct th_buffer *buffer, size_t capacity) {
  unsigned char *data = realloc(buffer->data, capacity + 1);
  if (data == NULL) return refuse(buffer, TH_ENOMEM);
  buffer->data = data;
  buffer->capacity = capacity;
  return data + buffer->size;
}

unsigned char *th_buffer_grow(struct th_buffer *buffer, size_t size) {
  if (buffer->error != 0) return NULL;
  size_t limit = buffer->limit != 0 ? buffer->limit : PTRDIFF_MAX - 1;
  if (buffer->size > limit || size > limit - buffer->size) return refuse(buffer, TH_ETOOBIG);
  size_t needed = buffer->size + size;
  if (buffer->data != NULL && needed <= buffer->capacity) return buffer->data + buffer->size;
  size_t capacity = buffer->capacity * 2 + 1;
  if (capacity < SMALLEST_CAPACITY) capacity = SMALLEST_CAPACITY;
  if (capacity > limit) capacity = limit;
  if (capacity < needed) capacity = needed;
  return resize(buffer, capacity);
}

int th_buffer_append(struct th_buffer *buffer, const void *data, size_t size) {
  unsigned char *place = th_buffer_reserve(buffer, size);
  if (place == NULL || size == 0) return buffer->error;
  memcpy(place, data, size);
  buffer->size += size;
  return 0;
}

int th_buffer_vprintf(struct th_buffer *buffer, const char *format, va_list arguments) {
  if (buffer->error != 0) return buffer->error;
  va_list again;
  va_copy(again, arguments);
  size_t room = buffer->capacity - buffer->size;
  char *place = buffer->data != NULL ? (char *)buffer->data + buffer->size : NULL;
  int written = vsnprintf(place, place != NULL ? room + 1 : 0, format, arguments);
  if (written < 0) {
    buffer->error = TH_ETOOBIG; /* longer than an int can say */
  } else if (place == NULL || (size_t)written > room) {
    place = (char *)th_buffer_reserve(buffer, (size_t)written);
    if (place != NULL) vsnprintf(place, (size_t)written + 1, format, again);
  }
  va_end(again);
  if (buffer->error == 0) buffer->size += (size_t)written;
  return buffer->error;
}

int th_buffer_printf(struct th_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int error = th_buffer_vprintf(buffer, format, arguments);
  va_end(arguments);
  return error;
}
