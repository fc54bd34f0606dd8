#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/client.h"
#include "host/client_door.h"
#include "message/protocol.h"
#include "transport/link.h"
#include "transport/loop.h"
#include "transport/wire.h"

/* The most that a frame can hold: the system says what a message may have. */
#define LARGEST_MESSAGE ((size_t)UINT32_MAX - TH_FRAME_OVERHEAD)

/* How long the greeting of another endpoint may take. */
#define GREETING_TIME (10 * TH_SECOND)

enum state { GREETING, OPEN, CLOSED };

struct link_client {
  struct th_client client;
  enum th_carrier carrier;
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_link *link;
  enum state state;
  bool was_open;
  int error;              /* why it is closed, 0 for on purpose */
  struct th_reason words; /* the same for people */
  struct th_queue arrived;
  bool is_returned; /* a message given to the link came back undelivered */
  bool has_passed;  /* the loop has run the task passed */
  struct th_task passed;
  char place[64]; /* "127.0.0.1:1900", for messages */
  uint32_t ip;
  uint16_t port;
};

static struct link_client *own(struct th_client *client) {
  return (struct link_client *)client;
}

/* ---- events, on the loop, which is the caller inside a call ---------------------------------- */

static void copy_text(char *out, size_t size, const char *text) {
  snprintf(out, size, "%s", text);
}

/* Where messages travel in datagrams, requests do not: they may bring whole bundles. */
static void take_limit(struct link_client *self, uint64_t limit) {
  bool is_udp = self->carrier == TH_CARRIER_UDP;
  self->client.request_limit = limit;
  self->client.limit = is_udp && limit > TH_LINK_LOOSE ? TH_LINK_LOOSE : limit;
}

static void on_welcome(void *context, struct th_link *link, const struct th_welcome *welcome) {
  struct link_client *self = context;
  (void)link;
  self->client.endpoint = welcome->endpoint;
  self->client.admin = welcome->admin;
  self->client.pid = welcome->pid;
  take_limit(self, welcome->limit < LARGEST_MESSAGE ? welcome->limit : LARGEST_MESSAGE);
  copy_text(self->client.base, sizeof self->client.base, welcome->base);
  copy_text(self->client.version, sizeof self->client.version, welcome->version);
  self->state = OPEN;
  self->was_open = true;
  th_loop_stop(self->loop);
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  struct link_client *self = context;
  (void)link;
  th_queue_push(&self->arrived, message);
  th_loop_stop(self->loop);
}

static void on_undeliverable(void *context, struct th_link *link, struct th_message *message) {
  struct link_client *self = context;
  (void)link;
  self->is_returned = true;
  th_message_free(message);
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  struct link_client *self = context;
  (void)link;
  self->state = CLOSED;
  self->error = error;
  copy_text(self->words.words, sizeof self->words.words, words != NULL ? words : "closed");
  th_loop_stop(self->loop);
}

static const struct th_link_events events = {
  .welcome = on_welcome,
  .message = on_message,
  .undeliverable = on_undeliverable,
  .closed = on_closed,
};

static void on_passed(struct th_task *task) {
  struct link_client *self = (struct link_client *)(void *)((char *)task -
                                                            offsetof(struct link_client, passed));
  self->has_passed = true;
  th_loop_stop(self->loop);
}

/* ---- the door -------------------------------------------------------------------------------- */

static int gone(const struct link_client *self, struct th_reason *reason) {
  return th_fail(reason, TH_EGONE, "the actor system (pid %lld) is gone: %s",
                 (long long)self->client.pid, self->words.words);
}

/* Reads what has come since the loop was last turned, without waiting. A socket takes what is
 * written to it also when nobody will read it any more: only by its end, which can be read, the
 * system's death is known. */
static void look(struct link_client *self) {
  th_loop_run(self->loop, 0);
}

/* Turns the loop until all that was posted to it before has been done. The link writes what is
 * sent in such a task, so that a message leaves now and not with the next call. */
static void pass(struct link_client *self) {
  self->has_passed = false;
  self->passed.run = on_passed;
  th_loop_post(self->loop, &self->passed);
  while (!self->has_passed) th_loop_run(self->loop, TH_FOREVER);
}

static int link_send(struct th_client *client, struct th_message *message,
                     struct th_reason *reason) {
  struct link_client *self = own(client);
  if (self->state != CLOSED) look(self);
  if (self->state == CLOSED) {
    th_message_free(message);
    return gone(self, reason);
  }
  self->is_returned = false;
  th_link_send(self->link, message);
  pass(self);
  if (!self->is_returned) return 0;
  if (self->state == CLOSED) return gone(self, reason);
  return th_fail(reason, TH_ETOOBIG, "%s", th_error_words(TH_ETOOBIG));
}

static int link_take(struct th_client *client, uint64_t until, struct th_message **message,
                     struct th_reason *reason) {
  struct link_client *self = own(client);
  int error = 0;
  for (;;) {
    if ((*message = th_queue_pop(&self->arrived)) != NULL) return 0;
    if (self->state == CLOSED) return gone(self, reason);
    /* Once more after the time was up: the loop looks at the connection last. */
    if (error != 0) return th_fail(reason, error, "%s", th_error_words(error));
    error = th_loop_run(self->loop, until);
  }
}

static int link_ended(struct th_client *client, uint64_t until) {
  struct link_client *self = own(client);
  int error = 0;
  while (self->state != CLOSED && error == 0) error = th_loop_run(self->loop, until);
  return self->state == CLOSED ? 0 : error;
}

/* Waits until the link is closed, which its wire bounds, since a loop cannot go before its
 * handles. */
static void link_close(struct th_client *client) {
  struct link_client *self = own(client);
  struct th_message *message;
  if (self->link != NULL) {
    if (self->state != CLOSED) th_link_close(self->link);
    while (self->state != CLOSED) th_loop_run(self->loop, TH_FOREVER);
    th_link_unref(self->link);
  }
  while ((message = th_queue_pop(&self->arrived)) != NULL) th_message_free(message);
  if (self->wire != NULL) self->wire->ops->free(self->wire);
  if (self->loop != NULL) th_loop_free(self->loop);
  free(self);
}

static int link_another(struct th_client *client, struct th_client **other,
                        struct th_reason *reason);

static const struct th_client_door door = {
  .send = link_send,
  .take = link_take,
  .another = link_another,
  .ended = link_ended,
  .close = link_close,
  .is_buffered = true,
};

/* ---- connecting ------------------------------------------------------------------------------ */

/* Numbers as they are, names by way of the resolver. */
static int find_ip(const char *host, uint32_t *ip, struct th_reason *reason) {
  uint16_t ignored = 0;
  if (strchr(host, ':') == NULL && th_place_parse(host, strlen(host), ip, &ignored) == 0) return 0;
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int error = getaddrinfo(host, NULL, &hints, &found);
  if (error != 0) {
    return th_fail(reason, TH_ENOSYSTEM, "no host \"%s\": %s", host, gai_strerror(error));
  }
  struct sockaddr_in address;
  memcpy(&address, found->ai_addr, sizeof address);
  *ip = ntohl(address.sin_addr.s_addr);
  freeaddrinfo(found);
  return 0;
}

static bool is_nobody(int error) {
  switch (error) {
  case -ECONNREFUSED:
  case -EHOSTUNREACH:
  case -ENETUNREACH:
  case -ENETDOWN:
  case -EHOSTDOWN:
  case -EADDRNOTAVAIL:
  case -ETIMEDOUT:
    return true;
  default:
    return false;
  }
}

/* Why the greeting came to nothing. The link's words begin with the place; those of a system that
 * refuses us do not. Numbers past the first of ours are of the machine. */
static int refused(const struct link_client *self, struct th_reason *reason) {
  const char *words = self->words.words;
  if (is_nobody(self->error)) {
    return th_fail(reason, TH_ENOSYSTEM, "no actor system at %s: %s", self->place,
                   th_error_words(self->error));
  }
  if (self->error > TH_ENOMEM) {
    return th_fail(reason, TH_EPROTOCOL, "no actor system at %s: %s", self->place, words);
  }
  if (strncmp(words, self->place, strlen(self->place)) == 0) {
    return th_fail(reason, self->error, "%s", words);
  }
  return th_fail(reason, self->error, "the actor system at %s: %s", self->place, words);
}

static int greet(struct link_client *self, uint64_t until, struct th_reason *reason) {
  struct th_hello hello = {
    .protocol = TH_PROTOCOL_VERSION, .role = TH_ROLE_PROGRAM, .pid = getpid()};
  copy_text(hello.version, sizeof hello.version, TH_VERSION);
  int error = th_link_connect(self->loop, self->wire, self->ip, self->port, LARGEST_MESSAGE, &hello,
                              &events, self, &self->link);
  if (error != 0) {
    self->error = error;
    copy_text(self->words.words, sizeof self->words.words, th_error_words(error));
    return refused(self, reason);
  }
  error = 0;
  while (self->state == GREETING && error == 0) error = th_loop_run(self->loop, until);
  if (self->was_open) return 0;
  if (self->state == CLOSED) return refused(self, reason);
  return th_fail(reason, TH_ETIMEOUT, "%s did not answer in time as an actor system does",
                 self->place);
}

static int open_link(enum th_carrier carrier, uint32_t ip, uint16_t port, uint64_t until,
                     struct th_client **client, struct th_reason *reason) {
  struct link_client *self = th_new(struct link_client);
  self->client.door = &door;
  self->carrier = carrier;
  self->ip = ip;
  self->port = port;
  struct in_addr network = {.s_addr = htonl(ip)};
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &network, text, sizeof text);
  snprintf(self->place, sizeof self->place, "%s:%u", text, port);
  int error = th_loop_new(&self->loop);
  if (error == 0) error = th_wire_new(carrier, self->loop, &self->wire);
  if (error != 0) {
    th_fail(reason, error, "%s", th_error_words(error));
  } else {
    error = greet(self, until, reason);
  }
  if (error != 0) {
    link_close(&self->client);
    return error;
  }
  *client = &self->client;
  return 0;
}

int th_client_connect_over(struct th_client **client, enum th_carrier carrier, const char *host,
                           uint16_t port, uint64_t until, struct th_reason *reason) {
  uint32_t ip;
  int error = find_ip(host, &ip, reason);
  return error != 0 ? error : open_link(carrier, ip, port, until, client, reason);
}

static int link_another(struct th_client *client, struct th_client **other,
                        struct th_reason *reason) {
  struct link_client *self = own(client);
  struct th_client *opened;
  int error = open_link(self->carrier, self->ip, self->port, th_clock_after(GREETING_TIME), &opened,
                        reason);
  if (error != 0) return error;
  if (opened->admin.system != client->admin.system) {
    th_client_close(opened);
    return th_fail(reason, TH_EGONE, "the actor system at %s (pid %lld) is gone: another is there",
                   self->place, (long long)client->pid);
  }
  *other = opened;
  return 0;
}
