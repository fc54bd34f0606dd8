#include "message/message.h"

#include <stdint.h>
#include <string.h>

#include "base/stock.h"

struct th_message *th_message_new(enum th_kind kind, const struct th_address *target,
                                  const struct th_address *sender, const void *payload,
                                  size_t size) {
  if (size > PTRDIFF_MAX - sizeof(struct th_message)) return NULL;
  struct th_message *message = th_stock_take(sizeof *message + size);
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

void th_message_free(struct th_message *message) {
  if (message != NULL) th_stock_give(message, sizeof *message + message->size);
}
