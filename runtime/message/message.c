#include "message/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define SMALL 112  /* bytes; no message that is written takes less */
#define LARGE 4096 /* bytes */
#define MOST_EXPECTED ((size_t)128 << 10)

struct th_message *th_message_new(enum th_kind kind, const struct th_address *target,
                                  const struct th_address *sender, const void *payload,
                                  size_t size) {
  if (size > PTRDIFF_MAX - sizeof(struct th_message)) return NULL;
  struct th_message *message = malloc(sizeof *message + size);
  if (message == NULL) return NULL;
  *message = (struct th_message){
    .target = *target, .sender = *sender, .kind = (uint8_t)kind, .size = size};
  if (size != 0) memcpy(message->payload, payload, size);
  return message;
}

struct th_message *th_message_pack(enum th_kind kind, const struct th_address *target,
                                   const struct th_address *sender,
                                   const struct th_buffer *buffer) {
  if (buffer->error != 0) return NULL;
  return th_message_new(kind, target, sender, buffer->data, buffer->size);
}

void th_message_begin(struct th_buffer *buffer, size_t expected, size_t limit) {
  size_t most = limit != 0 ? sizeof(struct th_message) + limit : SIZE_MAX;
  size_t block = sizeof(struct th_message) + (expected < MOST_EXPECTED ? expected : MOST_EXPECTED) +
                 2;
  if (block < SMALL) block = SMALL;
  if (buffer->data == NULL && (buffer->data = malloc(block)) != NULL)
    buffer->capacity = most < block - 1 ? most : block - 1;
  buffer->limit = limit != 0 ? most : 0;
  buffer->size = sizeof(struct th_message);
  buffer->error = buffer->data != NULL ? 0 : TH_ENOMEM;
}

/* What is not needed is given back: the message may have to wait. */
static void *fit(const struct th_buffer *buffer) {
  size_t needed = buffer->size > SMALL ? buffer->size : SMALL;
  if (buffer->capacity - buffer->size < (needed >= LARGE ? needed / 4 : needed))
    return buffer->data;
  void *fitting = realloc(buffer->data, needed);
  return fitting != NULL ? fitting : buffer->data;
}

struct th_message *th_message_end(enum th_kind kind, const struct th_address *target,
                                  const struct th_address *sender, struct th_buffer *buffer) {
  if (buffer->error != 0) return NULL;
  struct th_message *message = fit(buffer);
  *message = (struct th_message){.target = *target,
                                 .sender = *sender,
                                 .kind = (uint8_t)kind,
                                 .size = buffer->size - sizeof *message};
  th_buffer_init(buffer);
  return message;
}

void th_message_free(struct th_message *message) {
  free(message);
}
