#include "transport/outbox.h"

#include "base/error.h"

void th_outbox_init(struct th_outbox *outbox) {
  *outbox = (struct th_outbox){0};
  outbox->next = outbox->last = &outbox->first;
}

void th_outbox_put(struct th_outbox *outbox, struct th_message *oldest) {
  *outbox->last = oldest;
  while (*outbox->last != NULL) outbox->last = &(*outbox->last)->next;
}

struct th_message *th_outbox_peek(const struct th_outbox *outbox) {
  return *outbox->next;
}

bool th_outbox_written(struct th_outbox *outbox) {
  outbox->next = &(*outbox->next)->next;
  bool is_new = outbox->at++ == outbox->top;
  if (is_new) outbox->top++;
  return is_new;
}

struct th_message *th_outbox_take(struct th_outbox *outbox) {
  struct th_message *message = *outbox->next;
  *outbox->next = message->next;
  if (outbox->last == &message->next) outbox->last = outbox->next;
  return message;
}

struct th_message *th_outbox_pop(struct th_outbox *outbox) {
  struct th_message *message = outbox->first;
  if (message == NULL) return NULL;
  outbox->first = message->next;
  if (outbox->next == &message->next) outbox->next = &outbox->first;
  if (outbox->last == &message->next) outbox->last = &outbox->first;
  return message;
}

/* Those up to at have been written on this connection, so no others can have come. */
int64_t th_outbox_acknowledge(struct th_outbox *outbox, uint64_t received) {
  int64_t gone = 0;
  if (received < outbox->acknowledged || received > outbox->at) return TH_EMALFORMED;
  for (; outbox->acknowledged < received; outbox->acknowledged++, gone++)
    th_message_free(th_outbox_pop(outbox));
  return gone;
}

int64_t th_outbox_rewind(struct th_outbox *outbox, uint64_t received) {
  /* What is between at and top was received on an earlier connection, or not at all. */
  while (outbox->at < outbox->top) th_outbox_written(outbox);
  int64_t gone = th_outbox_acknowledge(outbox, received);
  if (gone < 0) return gone;
  outbox->next = &outbox->first;
  outbox->at = outbox->acknowledged;
  return gone;
}
