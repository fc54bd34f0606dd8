#include "host/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "probe.h"
#include "transport/link.h"
#include "transport/loop.h"
#include "transport/wire.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define LIMIT ((size_t)300 << 20)
#define SYSTEM UINT64_C(0x5e57)
#define PATIENCE (60 * TH_SECOND)
#define MANY 2000
#define MOST_LINKS 8

/* Numbers of actors in the fake system, and what each does with a message. */
enum {
  ADMIN = 1,
  ECHO = 10,    /* sends it back */
  NOBODY = 11,  /* the sender gets a notice, if it asked */
  SILENT = 12,  /* nothing */
  CLUTTER = 13, /* replies and notices under other tickets, an exit request; then sends it back */
  LEAVER = 14,  /* the system closes the connection */
  POISONER = 15 /* sends poison */
};

/* ---- a fake system, on a thread of its own --------------------------------------------------- */

struct fake {
  struct th_loop *loop;
  struct th_wire *wire;
  pthread_t thread;
  uint16_t port;
  atomic_bool stays;                 /* a shutdown is answered, and no more */
  int refusal;                       /* what hello answers */
  uint64_t limit;                    /* of a message, as the welcome says */
  uint64_t system;                   /* identity, loop */
  struct th_link *links[MOST_LINKS]; /* open ones, loop */
  bool is_ending;                    /* loop */
  atomic_uint told;                  /* messages to SILENT */
  struct th_task end;
  struct th_task renew; /* becomes another system */
};

static struct th_address address_of(uint64_t number) {
  return (struct th_address){.system = SYSTEM, .number = number, .ip = LOCALHOST, .port = 9};
}

static int on_hello(void *context, struct th_link *link, const struct th_hello *hello,
                    struct th_welcome *welcome, struct th_reason *reason) {
  struct fake *fake = context;
  (void)link;
  if (fake->refusal != 0) return th_fail(reason, fake->refusal, "not today");
  *welcome = (struct th_welcome){.endpoint = address_of(99), .admin = address_of(ADMIN)};
  welcome->admin.system = fake->system;
  snprintf(welcome->base, sizeof welcome->base, "multiprocTCPBase");
  snprintf(welcome->version, sizeof welcome->version, "9.8.7");
  welcome->pid = hello->pid + 1;
  welcome->limit = fake->limit;
  return 0;
}

static void give(struct th_link *link, enum th_kind kind, uint32_t ticket,
                 const struct th_message *about, const void *payload, size_t size) {
  struct th_message *message = th_message_new(kind, &about->sender, &about->target, payload, size);
  message->ticket = ticket;
  th_link_send(link, message);
}

static void give_packed(struct th_link *link, enum th_kind kind, const struct th_message *about,
                        struct th_buffer *value) {
  give(link, kind, about->ticket, about, value->data, value->size);
  th_buffer_clear(value);
}

static void clutter(struct th_link *link, const struct th_message *message) {
  give(link, TH_KIND_REPLY, message->ticket + 7, message, "\x91\x00", 2);
  give(link, TH_KIND_REPLY, message->ticket, message, "\x91\x00", 2);
  give(link, TH_KIND_DEAD_NOTICE, message->ticket + 7, message, "\xc0", 1);
  give(link, TH_KIND_EXIT_REQUEST, 0, message, "\xc0", 1);
  give(link, TH_KIND_USER, 0, message, message->payload, message->size);
}

/* LOAD gives nonsense, UNLOAD an error, SOURCES an error without words, SHUTDOWN the end, STATUS a
 * user's message and then its reply, any other an empty reply. */
static void answer(struct fake *fake, struct th_link *link, const struct th_message *request) {
  struct th_unpack reader;
  struct th_buffer reply;
  th_buffer_init(&reply);
  th_unpack_init(&reader, request->payload, request->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  if (operation == TH_OP_STATUS) give(link, TH_KIND_USER, 0, request, "\x07", 1);
  if (operation == TH_OP_LOAD) {
    th_pack_text(&reply, "nonsense");
  } else {
    th_pack_array(&reply, operation == TH_OP_SOURCES ? 1 : 2);
    bool is_wrong = operation == TH_OP_UNLOAD || operation == TH_OP_SOURCES;
    th_pack_int(&reply, is_wrong ? TH_ESOURCE : 0);
    if (operation != TH_OP_SOURCES) th_pack_text(&reply, is_wrong ? "none such" : "fine");
  }
  give_packed(link, TH_KIND_REPLY, request, &reply);
  if (operation == TH_OP_SHUTDOWN && !atomic_load(&fake->stays)) th_link_close(link);
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  struct fake *fake = context;
  switch (message->target.number) {
  case ADMIN:
    answer(fake, link, message);
    break;
  case ECHO:
    give(link, TH_KIND_USER, 0, message, message->payload, message->size);
    break;
  case NOBODY:
    if ((message->flags & TH_MESSAGE_ASK) != 0) {
      give(link, TH_KIND_DEAD_NOTICE, message->ticket, message, "\xc0", 1);
    }
    break;
  case SILENT:
    atomic_fetch_add(&fake->told, 1);
    break;
  case CLUTTER:
    clutter(link, message);
    break;
  case LEAVER:
    th_link_close(link);
    break;
  case POISONER:
    give(link, TH_KIND_POISON, 0, message, message->payload, message->size);
    break;
  }
  th_message_free(message);
}

static void on_undeliverable(void *context, struct th_link *link, struct th_message *message) {
  (void)context;
  (void)link;
  th_message_free(message);
}

static struct th_link **slot_of(struct fake *fake, const struct th_link *link) {
  for (size_t i = 0; i < MOST_LINKS; i++) {
    if (fake->links[i] == link) return &fake->links[i];
  }
  return NULL;
}

static bool is_alone(const struct fake *fake) {
  for (size_t i = 0; i < MOST_LINKS; i++) {
    if (fake->links[i] != NULL) return false;
  }
  return true;
}

static void end_if_alone(struct fake *fake) {
  if (!fake->is_ending || !is_alone(fake)) return;
  fake->wire->ops->free(fake->wire);
  th_loop_stop(fake->loop);
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  struct fake *fake = context;
  (void)error;
  (void)words;
  *slot_of(fake, link) = NULL;
  end_if_alone(fake);
}

static const struct th_link_events events = {
  .hello = on_hello, .message = on_message, .undeliverable = on_undeliverable, .closed = on_closed};

static void on_accept(void *context, struct th_channel *channel) {
  struct fake *fake = context;
  *slot_of(fake, NULL) = th_link_accept(fake->loop, channel, LIMIT, &events, fake);
}

/* Closes what a test that failed has left open. */
static void on_end(struct th_task *task) {
  struct fake *fake = (struct fake *)(void *)((char *)task - offsetof(struct fake, end));
  fake->is_ending = true;
  for (size_t i = 0; i < MOST_LINKS; i++) {
    if (fake->links[i] != NULL) th_link_close(fake->links[i]);
  }
  end_if_alone(fake);
}

static void on_renew(struct th_task *task) {
  struct fake *fake = (struct fake *)(void *)((char *)task - offsetof(struct fake, renew));
  fake->system++;
}

static void *turn(void *argument) {
  struct fake *fake = argument;
  th_loop_run(fake->loop, TH_FOREVER);
  return NULL;
}

static int set_up_refusing(void **state, int refusal) {
  struct fake *fake = th_new(struct fake);
  fake->refusal = refusal;
  fake->system = SYSTEM;
  fake->limit = LIMIT;
  fake->end.run = on_end;
  fake->renew.run = on_renew;
  assert_int_equal(th_loop_new(&fake->loop), 0);
  assert_int_equal(th_tcp_new(fake->loop, &fake->wire), 0);
  assert_int_equal(fake->wire->ops->listen(fake->wire, LOCALHOST, 0, on_accept, fake), 0);
  fake->port = fake->wire->ops->port(fake->wire);
  assert_int_equal(pthread_create(&fake->thread, NULL, turn, fake), 0);
  *state = fake;
  return 0;
}

static int set_up(void **state) {
  return set_up_refusing(state, 0);
}

static int set_up_shutting_down(void **state) {
  return set_up_refusing(state, TH_ESHUTDOWN);
}

static int tear_down(void **state) {
  struct fake *fake = *state;
  th_loop_post(fake->loop, &fake->end);
  pthread_join(fake->thread, NULL);
  th_loop_free(fake->loop);
  free(fake);
  return 0;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static struct th_client *reach(const struct fake *fake) {
  struct th_client *client;
  struct th_reason reason = {""};
  int error = th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", fake->port,
                                     th_clock_after(PATIENCE), &reason);
  assert_string_equal(reason.words, "");
  assert_int_equal(error, 0);
  return client;
}

static int ask(struct th_client *client, uint64_t number, int value, uint64_t until,
               struct th_message **answer_message, struct th_reason *reason) {
  struct th_address target = address_of(number);
  unsigned char byte = (unsigned char)value; /* 0 to 127 are packed as they are */
  return th_client_ask(client, &target, TH_KIND_USER, &byte, 1, until, answer_message, reason);
}

static void assert_answer(struct th_client *client, uint64_t number, int value, int expected) {
  struct th_message *answer_message;
  struct th_reason reason;
  assert_int_equal(ask(client, number, value, th_clock_after(PATIENCE), &answer_message, &reason),
                   0);
  assert_int_equal(th_probe_take_int(answer_message), expected);
}

static int request(struct th_client *client, enum th_operation operation,
                   struct th_reason *reason) {
  struct th_buffer buffer;
  struct th_message *reply;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 1);
  th_pack_int(&buffer, operation);
  int error = th_client_request(client, &buffer, th_clock_after(PATIENCE), &reply, reason);
  if (error == 0) {
    assert_int_equal(reply->kind, TH_KIND_REPLY);
    th_message_free(reply);
  }
  th_buffer_clear(&buffer);
  return error;
}

/* ---- over a link ----------------------------------------------------------------------------- */

static void a_welcome_tells_what_was_reached(void **state) {
  struct th_client *client = reach(*state);
  struct th_address admin = address_of(ADMIN), endpoint = address_of(99);
  assert_true(th_address_equal(th_client_admin(client), &admin));
  assert_true(th_address_equal(th_client_address(client), &endpoint));
  assert_string_equal(th_client_base(client), "multiprocTCPBase");
  assert_string_equal(th_client_version(client), "9.8.7");
  assert_int_equal(th_client_pid(client), getpid() + 1);
  assert_int_equal(th_client_limit(client), LIMIT);
  th_client_close(client);
}

static void an_ask_gives_the_answer(void **state) {
  struct th_client *client = reach(*state);
  for (int i = 0; i < 100; i++) assert_answer(client, ECHO, i, i);
  th_client_close(client);
}

static void an_ask_to_nobody_is_dead_at_once(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  struct th_reason reason;
  assert_int_equal(ask(client, NOBODY, 1, TH_FOREVER, &message, &reason), TH_EDEAD);
  assert_string_equal(reason.words, "the message became a dead letter: nobody has that address");
  assert_answer(client, ECHO, 2, 2);
  th_client_close(client);
}

static void an_ask_without_an_answer_times_out(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  assert_int_equal(ask(client, SILENT, 1, th_clock_after(TH_MILLISECOND), &message, NULL),
                   TH_ETIMEOUT);
  assert_int_equal(th_client_listen(client, 0, &message, NULL), TH_ETIMEOUT);
  th_client_close(client);
}

static void what_is_not_for_the_user_is_passed_over(void **state) {
  struct th_client *client = reach(*state);
  assert_answer(client, CLUTTER, 5, 5);
  assert_int_equal(request(client, TH_OP_NAME, NULL), 0);
  assert_answer(client, CLUTTER, 6, 6);
  th_client_close(client);
}

static void poison_is_an_answer(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  assert_int_equal(ask(client, POISONER, 5, TH_FOREVER, &message, NULL), 0);
  assert_int_equal(message->kind, TH_KIND_POISON);
  th_message_free(message);
  th_client_close(client);
}

static void messages_between_calls_wait_and_come_first(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  struct th_address echo = address_of(ECHO);
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, "\x01", 1, NULL), 0);
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, "\x02", 1, NULL), 0);
  assert_answer(client, ECHO, 3, 1);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), 0);
  assert_int_equal(th_probe_take_int(message), 2);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), 0);
  assert_int_equal(th_probe_take_int(message), 3);
  th_client_close(client);
}

static void messages_that_come_during_a_request_wait(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  assert_int_equal(request(client, TH_OP_STATUS, NULL), 0);
  assert_int_equal(th_client_listen(client, 0, &message, NULL), 0);
  assert_int_equal(th_probe_take_int(message), 7);
  th_client_close(client);
}

static void an_error_reply_is_that_error_with_its_words(void **state) {
  struct th_client *client = reach(*state);
  struct th_reason reason;
  assert_int_equal(request(client, TH_OP_UNLOAD, &reason), TH_ESOURCE);
  assert_string_equal(reason.words, "none such");
  assert_int_equal(request(client, TH_OP_SOURCES, &reason), TH_ESOURCE);
  assert_string_equal(reason.words, th_error_words(TH_ESOURCE));
  assert_int_equal(request(client, TH_OP_LOAD, &reason), TH_EPROTOCOL);
  th_client_close(client);
}

static void a_reply_to_another_request_is_passed_over(void **state) {
  struct th_client *client = reach(*state);
  struct th_address clutterer = address_of(CLUTTER);
  struct th_buffer buffer;
  struct th_message *reply;
  struct th_unpack result;
  assert_int_equal(th_client_tell(client, &clutterer, TH_KIND_USER, "\x01", 1, NULL), 0);
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 1);
  th_pack_int(&buffer, TH_OP_NAME);
  assert_int_equal(th_client_request(client, &buffer, TH_FOREVER, &reply, NULL), 0);
  th_unpack_init(&result, reply->payload, reply->size);
  assert_int_equal(th_unpack_array(&result), 2); /* the others have one item */
  th_message_free(reply);
  th_buffer_clear(&buffer);
  th_client_close(client);
}

static void a_system_that_leaves_ends_the_wait_with_a_reason(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake);
  struct th_message *message;
  struct th_reason reason;
  char expected[128];
  assert_int_equal(ask(client, LEAVER, 1, TH_FOREVER, &message, &reason), TH_EGONE);
  snprintf(expected, sizeof expected,
           "the actor system (pid %d) is gone: 127.0.0.1:%d closed the "
           "connection",
           getpid() + 1, fake->port);
  assert_string_equal(reason.words, expected);
  assert_int_equal(ask(client, ECHO, 1, TH_FOREVER, &message, &reason), TH_EGONE);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, &reason), TH_EGONE);
  assert_int_equal(request(client, TH_OP_NAME, &reason), TH_EGONE);
  th_client_close(client);
}

static void what_arrived_before_the_end_is_still_given(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  struct th_address echo = address_of(ECHO), leaver = address_of(LEAVER);
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, "\x01", 1, NULL), 0);
  assert_int_equal(th_client_tell(client, &leaver, TH_KIND_USER, "\x01", 1, NULL), 0);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), 0);
  assert_int_equal(th_probe_take_int(message), 1);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), TH_EGONE);
  th_client_close(client);
}

static void shutdown_waits_for_the_connection_to_close(void **state) {
  struct th_client *client = reach(*state);
  struct th_message *message;
  assert_int_equal(th_client_shutdown(client, TH_FOREVER, NULL), 0);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), TH_EGONE);
  assert_int_equal(th_client_shutdown(client, TH_FOREVER, NULL), 0);
  th_client_close(client);
}

static void pack_bytes(struct th_buffer *value, size_t size) {
  unsigned char *bytes = th_alloc_zeroed(1, size);
  th_buffer_init(value);
  th_pack_bin(value, bytes, size);
  free(bytes);
}

static void a_shutdown_that_is_answered_but_does_not_happen_times_out(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake);
  struct th_reason reason;
  atomic_store(&fake->stays, true);
  assert_int_equal(th_client_shutdown(client, th_clock_after(50 * TH_MILLISECOND), &reason),
                   TH_ETIMEOUT);
  assert_string_equal(reason.words,
                      "the actor system is still shutting down: not every actor is gone");
  th_client_close(client);
}

static void tells_are_not_ahead_of_the_system_without_bound(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake);
  struct th_address silent = address_of(SILENT);
  struct th_buffer value;
  pack_bytes(&value, 1024);
  for (unsigned i = 1; i <= MANY; i++) {
    assert_int_equal(th_client_tell(client, &silent, TH_KIND_USER, value.data, value.size, NULL),
                     0);
    assert_true(i - atomic_load(&fake->told) < 32);
  }
  th_buffer_clear(&value);
  th_client_close(client);
}

static void what_was_told_arrives_though_the_client_closes(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake);
  struct th_address silent = address_of(SILENT);
  for (unsigned i = 0; i < 10; i++) {
    assert_int_equal(th_client_tell(client, &silent, TH_KIND_USER, "\x01", 1, NULL), 0);
  }
  th_client_close(client);
  client = reach(fake); /* comes later, so what the fake counts is complete... */
  assert_int_equal(request(client, TH_OP_NAME, NULL), 0);
  th_client_close(client);
  assert_int_equal(atomic_load(&fake->told), 10);
}

static void large_messages_go_both_ways(void **state) {
  struct th_client *client = reach(*state);
  struct th_address echo = address_of(ECHO);
  struct th_message *message;
  struct th_buffer value;
  pack_bytes(&value, (size_t)4 << 20);
  assert_int_equal(
    th_client_ask(client, &echo, TH_KIND_USER, value.data, value.size, TH_FOREVER, &message, NULL),
    0);
  assert_int_equal(message->size, value.size);
  assert_memory_equal(message->payload, value.data, value.size);
  th_message_free(message);
  th_buffer_clear(&value);
  th_client_close(client);
}

static void a_message_past_the_limit_is_refused_and_harms_nothing(void **state) {
  struct fake *fake = *state;
  fake->limit = 1000;
  struct th_client *client = reach(fake);
  struct th_address echo = address_of(ECHO);
  struct th_message *message;
  struct th_reason reason;
  struct th_buffer value;
  pack_bytes(&value, 1000 - 3); /* with its head: just the limit */
  assert_int_equal(value.size, 1000);
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, value.data, 1001, &reason),
                   TH_ETOOBIG);
  assert_string_equal(reason.words, "a message of 1001 bytes is larger than the limit of 1000");
  assert_int_equal(
    th_client_ask(client, &echo, TH_KIND_USER, value.data, value.size, TH_FOREVER, &message, NULL),
    0);
  assert_int_equal(message->size, 1000);
  th_message_free(message);
  th_buffer_clear(&value);
  th_client_close(client);
}

static void no_more_is_sent_than_a_frame_holds_whatever_the_limit(void **state) {
  struct fake *fake = *state;
  fake->limit = INT64_MAX;
  struct th_client *client = reach(fake);
  struct th_address silent = address_of(SILENT);
  assert_int_equal(th_client_tell(client, &silent, TH_KIND_USER, "\x01", UINT32_MAX, NULL),
                   TH_ETOOBIG); /* the value is not even looked at */
  assert_answer(client, ECHO, 4, 4);
  th_client_close(client);
}

static void no_address_is_refused(void **state) {
  struct th_client *client = reach(*state);
  struct th_reason reason;
  assert_int_equal(th_client_tell(client, &TH_NOBODY, TH_KIND_USER, "\x01", 1, &reason),
                   TH_EADDRESS);
  th_client_close(client);
}

static void a_private_endpoint_talks_for_itself(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake), *other;
  assert_int_equal(th_client_private(client, &other, NULL), 0);
  assert_answer(other, ECHO, 1, 1);
  th_client_close(client);
  assert_answer(other, ECHO, 2, 2);
  th_client_close(other);
}

static void no_private_endpoint_on_a_system_that_took_the_place(void **state) {
  struct fake *fake = *state;
  struct th_client *client = reach(fake), *other;
  struct th_reason reason;
  th_loop_post(fake->loop, &fake->renew);
  assert_int_equal(request(client, TH_OP_NAME, NULL), 0);
  assert_int_equal(th_client_private(client, &other, &reason), TH_EGONE);
  th_client_close(client);
}

/* ---- those who are no system ----------------------------------------------------------------- */

static void a_refusal_is_passed_on(void **state) {
  struct fake *fake = *state;
  struct th_client *client;
  struct th_reason reason;
  char expected[128];
  assert_int_equal(
    th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", fake->port, TH_FOREVER, &reason),
    TH_ESHUTDOWN);
  snprintf(expected, sizeof expected, "the actor system at 127.0.0.1:%d: not today", fake->port);
  assert_string_equal(reason.words, expected);
}

static int listen_raw(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCALHOST)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 5), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

static void nobody_listening_is_no_system(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason;
  uint16_t port;
  char expected[128];
  close(listen_raw(&port));
  assert_int_equal(
    th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", port, TH_FOREVER, &reason),
    TH_ENOSYSTEM);
  snprintf(expected, sizeof expected, "no actor system at 127.0.0.1:%d: %s", port,
           th_error_words(-ECONNREFUSED));
  assert_string_equal(reason.words, expected);
  assert_int_equal(th_client_connect_over(&client, TH_CARRIER_TCP, "no.such.host.invalid", port,
                                          TH_FOREVER, &reason),
                   TH_ENOSYSTEM);
  assert_non_null(strstr(reason.words, "no host \"no.such.host.invalid\""));
}

struct raw {
  int fd;
  const void *words;
  size_t size;
  bool waits; /* for something from the other side, after it has said its words */
};

/* Accepts one connection, says its words, and closes it, rudely: without a bye. */
static void *serve_raw(void *argument) {
  struct raw *raw = argument;
  char block[512];
  int fd = accept(raw->fd, NULL, NULL);
  ssize_t got = read(fd, block, sizeof block); /* the greeting */
  if (got > 0 && raw->size != 0) got = write(fd, raw->words, raw->size);
  if (got > 0 && raw->waits) got = read(fd, block, sizeof block);
  close(fd);
  return NULL;
}

static int connect_to_raw(const void *words, size_t size, struct th_reason *reason) {
  struct th_client *client;
  struct raw raw = {.words = words, .size = size};
  pthread_t thread;
  uint16_t port;
  raw.fd = listen_raw(&port);
  assert_int_equal(pthread_create(&thread, NULL, serve_raw, &raw), 0);
  int error = th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", port, TH_FOREVER,
                                     reason);
  pthread_join(thread, NULL);
  close(raw.fd);
  return error;
}

static void other_servers_are_no_system(void **state) {
  (void)state;
  struct th_reason reason;
  static const char web[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  assert_int_equal(connect_to_raw(web, sizeof web - 1, &reason), TH_EPROTOCOL);
  assert_non_null(strstr(reason.words, "is no Thespian system"));
  assert_int_equal(connect_to_raw(NULL, 0, &reason), TH_EPROTOCOL);
  assert_non_null(strstr(reason.words, "no actor system at 127.0.0.1:"));
}

static void a_server_that_says_nothing_times_out(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason;
  uint16_t port;
  int fd = listen_raw(&port);
  assert_int_equal(th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", port,
                                          th_clock_after(TH_MILLISECOND), &reason),
                   TH_ETIMEOUT);
  close(fd);
}

/* A system that welcomes, and dies: at once, or when something is sent to it. */
struct mortal {
  struct raw raw;
  struct th_buffer words;
  pthread_t thread;
};

static struct th_client *reach_mortal(struct mortal *mortal, bool waits) {
  struct th_client *client;
  uint16_t port;
  struct th_welcome welcome = {.endpoint = address_of(99),
                               .admin = address_of(ADMIN),
                               .base = "b",
                               .version = "v",
                               .pid = 5,
                               .limit = LIMIT};
  th_buffer_init(&mortal->words);
  th_frame_welcome(&mortal->words, &welcome);
  mortal->raw = (struct raw){.fd = listen_raw(&port),
                             .words = mortal->words.data,
                             .size = mortal->words.size,
                             .waits = waits};
  assert_int_equal(pthread_create(&mortal->thread, NULL, serve_raw, &mortal->raw), 0);
  assert_int_equal(
    th_client_connect_over(&client, TH_CARRIER_TCP, "127.0.0.1", port, TH_FOREVER, NULL), 0);
  return client;
}

/* Its connection is closed when this comes back. */
static void bury(struct mortal *mortal) {
  pthread_join(mortal->thread, NULL);
  close(mortal->raw.fd);
  th_buffer_clear(&mortal->words);
}

static void a_system_that_dies_ends_the_wait_with_a_reason(void **state) {
  (void)state;
  struct th_client *client;
  struct th_message *message;
  struct th_reason reason;
  struct mortal mortal;
  client = reach_mortal(&mortal, true);
  assert_int_equal(ask(client, ECHO, 1, TH_FOREVER, &message, &reason), TH_EGONE);
  assert_non_null(strstr(reason.words, "the actor system (pid 5) is gone: the connection to "));
  bury(&mortal);
  th_client_close(client);
}

static void a_tell_says_when_the_system_died_since_the_last_call(void **state) {
  (void)state;
  struct th_address echo = address_of(ECHO);
  struct th_message *message;
  struct th_reason reason;
  struct mortal mortal;
  struct th_client *client = reach_mortal(&mortal, false);
  bury(&mortal);
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, "\x01", 1, &reason), TH_EGONE);
  assert_non_null(strstr(reason.words, "the actor system (pid 5) is gone: the connection to "));
  assert_int_equal(th_client_tell(client, &echo, TH_KIND_USER, "\x01", 1, NULL), TH_EGONE);
  assert_int_equal(th_client_listen(client, TH_FOREVER, &message, NULL), TH_EGONE);
  th_client_close(client);
}

/* ---- in this process ------------------------------------------------------------------------- */

struct local {
  struct th_system *system;
  struct th_client *client;
};

static struct local begin(const char *base) {
  struct local local = {.system = th_probe_start(base)};
  assert_int_equal(th_client_attach(&local.client, local.system), 0);
  return local;
}

static void end(struct local *local) {
  th_client_close(local->client);
  assert_true(th_system_free(local->system, 60));
}

static const char *const bases[] = {TH_BASE_SIMPLE, TH_BASE_QUEUE};

static void asks_in_the_process_are_answered(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct local local = begin(bases[i]);
    struct th_address echo;
    struct th_message *message;
    assert_int_equal(th_probe_create(local.client, "echo", NULL, &echo, NULL), 0);
    assert_int_equal(
      th_client_ask(local.client, &echo, TH_KIND_USER, "\x05", 1, TH_FOREVER, &message, NULL), 0);
    assert_int_equal(th_probe_take_int(message), 5);
    assert_string_equal(th_client_base(local.client), bases[i]);
    assert_int_equal(th_client_pid(local.client), getpid());
    end(&local);
  }
}

static void asks_in_the_process_to_nobody_are_dead(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct local local = begin(bases[i]);
    struct th_message *message;
    struct th_address nobody = *th_client_admin(local.client);
    nobody.number = 12345678;
    assert_int_equal(
      th_client_ask(local.client, &nobody, TH_KIND_USER, "\x05", 1, TH_FOREVER, &message, NULL),
      TH_EDEAD);
    end(&local);
  }
}

static void a_private_endpoint_in_the_process_talks_for_itself(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct local local = begin(bases[i]);
    struct th_client *other;
    struct th_address echo;
    struct th_message *message;
    assert_int_equal(th_client_private(local.client, &other, NULL), 0);
    assert_int_equal(th_probe_create(other, "echo", NULL, &echo, NULL), 0);
    th_probe_tell(other, &echo, 3);
    assert_int_equal(th_client_listen(local.client, th_clock_now(), &message, NULL), TH_ETIMEOUT);
    assert_int_equal(th_client_listen(other, TH_FOREVER, &message, NULL), 0);
    assert_int_equal(th_probe_take_int(message), 3);
    th_client_close(other);
    end(&local);
  }
}

static void nothing_can_come_on_the_simple_base_when_nothing_is_left(void **state) {
  (void)state;
  struct local local = begin(TH_BASE_SIMPLE);
  struct th_message *message;
  assert_int_equal(th_client_listen(local.client, TH_FOREVER, &message, NULL), TH_ETIMEOUT);
  end(&local);
}

static void a_wait_in_the_process_times_out(void **state) {
  (void)state;
  struct local local = begin(TH_BASE_QUEUE);
  struct th_message *message;
  uint64_t until = th_clock_after(20 * TH_MILLISECOND);
  assert_int_equal(th_client_listen(local.client, until, &message, NULL), TH_ETIMEOUT);
  assert_true(th_clock_now() >= until);
  end(&local);
}

static void calls_after_a_shutdown_in_the_process_say_that_it_is_gone(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct local local = begin(bases[i]);
    struct th_client *other;
    struct th_message *message;
    assert_int_equal(th_client_private(local.client, &other, NULL), 0);
    assert_int_equal(th_client_shutdown(local.client, TH_FOREVER, NULL), 0);
    assert_int_equal(th_client_listen(local.client, TH_FOREVER, &message, NULL), TH_EGONE);
    assert_int_equal(th_client_listen(other, TH_FOREVER, &message, NULL), TH_EGONE);
    th_client_close(other);
    end(&local);
  }
}

static void *shut_down(void *argument) {
  th_system_shutdown(argument);
  return NULL;
}

static void a_wait_in_the_process_ends_with_the_system(void **state) {
  (void)state;
  struct local local = begin(TH_BASE_QUEUE);
  struct th_message *message;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, shut_down, local.system), 0);
  assert_int_equal(th_client_listen(local.client, TH_FOREVER, &message, NULL), TH_EGONE);
  pthread_join(thread, NULL);
  end(&local);
}

static void messages_left_in_a_closed_endpoint_are_released(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct local local = begin(bases[i]);
    struct th_address echo;
    assert_int_equal(th_probe_create(local.client, "echo", NULL, &echo, NULL), 0);
    for (int j = 0; j < 100; j++) th_probe_tell(local.client, &echo, j);
    end(&local);
  }
}

int main(void) {
#define FAKE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    FAKE(a_welcome_tells_what_was_reached),
    FAKE(an_ask_gives_the_answer),
    FAKE(an_ask_to_nobody_is_dead_at_once),
    FAKE(an_ask_without_an_answer_times_out),
    FAKE(what_is_not_for_the_user_is_passed_over),
    FAKE(poison_is_an_answer),
    FAKE(messages_between_calls_wait_and_come_first),
    FAKE(messages_that_come_during_a_request_wait),
    FAKE(an_error_reply_is_that_error_with_its_words),
    FAKE(a_system_that_leaves_ends_the_wait_with_a_reason),
    FAKE(what_arrived_before_the_end_is_still_given),
    FAKE(shutdown_waits_for_the_connection_to_close),
    FAKE(a_shutdown_that_is_answered_but_does_not_happen_times_out),
    FAKE(a_reply_to_another_request_is_passed_over),
    FAKE(tells_are_not_ahead_of_the_system_without_bound),
    FAKE(what_was_told_arrives_though_the_client_closes),
    FAKE(large_messages_go_both_ways),
    FAKE(a_message_past_the_limit_is_refused_and_harms_nothing),
    FAKE(no_more_is_sent_than_a_frame_holds_whatever_the_limit),
    FAKE(no_address_is_refused),
    FAKE(a_private_endpoint_talks_for_itself),
    FAKE(no_private_endpoint_on_a_system_that_took_the_place),
    cmocka_unit_test_setup_teardown(a_refusal_is_passed_on, set_up_shutting_down, tear_down),
    cmocka_unit_test(nobody_listening_is_no_system),
    cmocka_unit_test(other_servers_are_no_system),
    cmocka_unit_test(a_server_that_says_nothing_times_out),
    cmocka_unit_test(a_system_that_dies_ends_the_wait_with_a_reason),
    cmocka_unit_test(a_tell_says_when_the_system_died_since_the_last_call),
    cmocka_unit_test(asks_in_the_process_are_answered),
    cmocka_unit_test(asks_in_the_process_to_nobody_are_dead),
    cmocka_unit_test(a_private_endpoint_in_the_process_talks_for_itself),
    cmocka_unit_test(nothing_can_come_on_the_simple_base_when_nothing_is_left),
    cmocka_unit_test(a_wait_in_the_process_times_out),
    cmocka_unit_test(calls_after_a_shutdown_in_the_process_say_that_it_is_gone),
    cmocka_unit_test(a_wait_in_the_process_ends_with_the_system),
    cmocka_unit_test(messages_left_in_a_closed_endpoint_are_released),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
