#include "host/client.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "host/client_door.h"
#include "message/pack.h"
#include "message/protocol.h"

/* A program that only tells could fill its own memory with what a slow system has not read yet. So
 * after this many bytes it asks for a sign of life, which comes behind them: the system reads in
 * order. Each message counts for some bytes more than it has, for its head. */
#define UNCONFIRMED_LIMIT 16384
#define HEAD_SIZE 64

/* How long that sign of life may take: as long as any other request. */
#define CONFIRM_TIME (50 * TH_SECOND)

const struct th_address *th_client_address(const struct th_client *client) {
  return &client->endpoint;
}

const struct th_address *th_client_admin(const struct th_client *client) {
  return &client->admin;
}

const char *th_client_base(const struct th_client *client) {
  return client->base;
}

const char *th_client_version(const struct th_client *client) {
  return client->version;
}

int64_t th_client_pid(const struct th_client *client) {
  return client->pid;
}

uint64_t th_client_limit(const struct th_client *client) {
  return client->request_limit;
}

int th_client_private(struct th_client *client, struct th_client **other,
                      struct th_reason *reason) {
  return client->door->another(client, other, reason);
}

void th_client_close(struct th_client *client) {
  if (client == NULL) return;
  struct th_message *message;
  while ((message = th_queue_pop(&client->waiting)) != NULL) th_message_free(message);
  client->door->close(client);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Never 0, which means no ticket. */
static uint32_t next_ticket(struct th_client *client) {
  if (++client->ticket == 0) client->ticket = 1;
  return client->ticket;
}

static int send_value(struct th_client *client, const struct th_address *target, enum th_kind kind,
                      const void *value, size_t size, uint8_t flags, uint32_t ticket,
                      struct th_reason *reason) {
  if (th_address_is_none(target)) return th_fail(reason, TH_EADDRESS, "not an actor address");
  uint64_t limit = kind == TH_KIND_REQUEST ? client->request_limit : client->limit;
  if (size > limit) {
    return th_fail(reason, TH_ETOOBIG, "a message of %zu bytes is larger than the limit of %llu",
                   size, (unsigned long long)limit);
  }
  struct th_message *message = th_message_new(kind, target, &client->endpoint, value, size);
  if (message == NULL) {
    return th_fail(reason, TH_ENOMEM, "no memory for a message of %zu bytes", size);
  }
  message->flags = flags;
  message->ticket = ticket;
  int error = client->door->send(client, message, reason);
  if (error == 0) client->unconfirmed += size + HEAD_SIZE;
  return error;
}

static int confirm(struct th_client *client, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply = NULL;
  th_buffer_init(&request);
  th_pack_array(&request, 2);
  th_pack_int(&request, TH_OP_NAME);
  th_pack_text(&request, "");
  int error = th_client_request(client, &request, th_clock_after(CONFIRM_TIME), &reply, reason);
  th_buffer_clear(&request);
  th_message_free(reply);
  /* Any answer will do, a refusal as well. */
  return error == TH_EGONE || error == TH_ETIMEOUT || error == TH_ENOMEM ? error : 0;
}

int th_client_tell(struct th_client *client, const struct th_address *target, enum th_kind kind,
                   const void *value, size_t size, struct th_reason *reason) {
  int error = send_value(client, target, kind, value, size, 0, 0, reason);
  if (error != 0 || !client->door->is_buffered || client->unconfirmed < UNCONFIRMED_LIMIT) {
    return error;
  }
  return confirm(client, reason);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Whatever an actor sends to this endpoint, system messages that it passes on among them; but a
 * program cannot be asked to exit, and an actor that sends back all it gets would do that. */
static bool is_for_user(const struct th_message *message) {
  return message->kind < TH_KIND_BIRTH && message->kind != TH_KIND_EXIT_REQUEST;
}

static bool is_notice(const struct th_message *message, uint32_t ticket) {
  return message->kind == TH_KIND_DEAD_NOTICE && ticket != 0 && message->ticket == ticket;
}

/* Replies and notices under other tickets belong to calls that gave up waiting: they are
 * dropped. */
static int take_for_user(struct th_client *client, uint32_t ticket, uint64_t until,
                         struct th_message **message, struct th_reason *reason) {
  if ((*message = th_queue_pop(&client->waiting)) != NULL) return 0;
  for (;;) {
    struct th_message *arrived;
    int error = client->door->take(client, until, &arrived, reason);
    if (error != 0) return error;
    if (is_for_user(arrived)) {
      *message = arrived;
      return 0;
    }
    bool is_dead = is_notice(arrived, ticket);
    th_message_free(arrived);
    if (is_dead) {
      return th_fail(reason, TH_EDEAD, "the message became a dead letter: nobody has that address");
    }
  }
}

int th_client_ask(struct th_client *client, const struct th_address *target, enum th_kind kind,
                  const void *value, size_t size, uint64_t until, struct th_message **answer,
                  struct th_reason *reason) {
  uint32_t ticket = next_ticket(client);
  int error = send_value(client, target, kind, value, size, TH_MESSAGE_ASK, ticket, reason);
  return error != 0 ? error : take_for_user(client, ticket, until, answer, reason);
}

int th_client_listen(struct th_client *client, uint64_t until, struct th_message **message,
                     struct th_reason *reason) {
  return take_for_user(client, 0, until, message, reason);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int take_reply(struct th_client *client, uint32_t ticket, uint64_t until,
                      struct th_message **reply, struct th_reason *reason) {
  for (;;) {
    struct th_message *arrived;
    int error = client->door->take(client, until, &arrived, reason);
    if (error != 0) return error;
    if (is_for_user(arrived)) {
      th_queue_push(&client->waiting, arrived);
    } else if (arrived->kind == TH_KIND_REPLY && arrived->ticket == ticket) {
      client->unconfirmed = 0;
      *reply = arrived;
      return 0;
    } else {
      th_message_free(arrived);
    }
  }
}

/* The error in a reply [error, words], 0 for [0, result]. */
static int read_reply(const struct th_message *reply, struct th_reason *reason) {
  struct th_unpack reader;
  th_unpack_init(&reader, reply->payload, reply->size);
  uint32_t count = th_unpack_array(&reader);
  int64_t error = th_unpack_int(&reader);
  if (reader.error != 0 || count == 0 || error > 0 || error < INT32_MIN) {
    return th_fail(reason, TH_EPROTOCOL, "the actor system gave an answer that makes no sense");
  }
  if (error == 0) return 0;
  size_t size = 0;
  const char *words = count > 1 ? th_unpack_str(&reader, &size) : NULL;
  if (words == NULL) {
    words = th_error_words((int)error);
    size = strlen(words);
  }
  return th_fail(reason, (int)error, "%.*s", (int)size, words);
}

int th_client_request(struct th_client *client, const struct th_buffer *request, uint64_t until,
                      struct th_message **reply, struct th_reason *reason) {
  if (request->error != 0) {
    return th_fail(reason, request->error, "%s", th_error_words(request->error));
  }
  uint32_t ticket = next_ticket(client);
  int error = send_value(client, &client->admin, TH_KIND_REQUEST, request->data, request->size, 0,
                         ticket, reason);
  if (error != 0) return error;
  struct th_message *arrived;
  if ((error = take_reply(client, ticket, until, &arrived, reason)) != 0) return error;
  if ((error = read_reply(arrived, reason)) != 0) {
    th_message_free(arrived);
    return error;
  }
  *reply = arrived;
  return 0;
}

int th_client_shutdown(struct th_client *client, uint64_t until, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply = NULL;
  th_buffer_init(&request);
  th_pack_array(&request, 1);
  th_pack_int(&request, TH_OP_SHUTDOWN);
  int error = th_client_request(client, &request, until, &reply, reason);
  th_buffer_clear(&request);
  th_message_free(reply);
  if (error == TH_EGONE) return 0; /* gone sooner than its answer came through */
  if (error == 0 && client->door->ended(client, until) != 0) error = TH_ETIMEOUT;
  if (error == TH_ETIMEOUT) {
    return th_fail(reason, error,
                   "the actor system is still shutting down: not every actor is gone");
  }
  return error;
}
