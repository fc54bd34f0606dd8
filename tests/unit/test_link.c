#include "transport/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define LIMIT ((size_t)16 * 1024 * 1024)
#define ANYTHING 12345           /* no error of anyone's */
#if defined(__SANITIZE_THREAD__) /* some twenty times slower */
#define MANY 10000
#else
#define MANY 100000
#endif
#define EARLY (4 * TH_MILLISECOND) /* a patience may be that much too short: one for each part */
#define SENDERS 2
#define MOST_AHEAD 5000
#define LARGE 20 /* messages of a megabyte: more than leaves at once */
#if defined(__SANITIZE_THREAD__)
#define ROUNDS 5
#else
#define ROUNDS 60
#endif

static const struct th_address admin = {.system = 7, .number = 1, .ip = LOCALHOST, .port = 1};
static const struct th_address endpoint = {.system = 7, .number = 99, .ip = LOCALHOST, .port = 1};
static const struct th_hello program = {
  .protocol = TH_PROTOCOL_VERSION, .role = TH_ROLE_PROGRAM, .version = "1.2.3", .pid = 4711};

/* The stories about links alone are told over each carrier, the others over TCP. */
static enum th_carrier carrier = TH_CARRIER_TCP;

static int over_udp(void **state) {
  (void)state;
  carrier = TH_CARRIER_UDP;
  return 0;
}

/* ---- one side of a link --------------------------------------------------------------------- */

/* Counters are atomic, since undeliverable comes in senders' threads. */
struct side {
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_link *link; /* with a reference of ours */
  size_t limit;
  size_t told_limit; /* what its welcome says; 0: limit */
  int refusal;       /* what hello answers */
  bool close_at_hello;
  uint64_t patience;         /* 0: what links have by themselves */
  struct side *close_at_end; /* whose link is closed when ours has */
  struct th_hello hello;
  struct th_welcome welcome;
  atomic_uint linked; /* hello or welcome was called */
  atomic_uint sent;
  atomic_uint received;
  atomic_uint undeliverable;
  atomic_uint disorder; /* messages not in their sender's order */
  atomic_uint closed;
  atomic_uint drained;
  atomic_uint late;       /* events after closed */
  atomic_uint stop_at;    /* stops the loop when received is that much */
  uint32_t next[SENDERS]; /* ticket of the next message, by sender's number */
  size_t last_size;       /* of a payload */
  int error;
  char words[1024];
};

static int on_hello(void *context, struct th_link *link, const struct th_hello *hello,
                    struct th_welcome *welcome, struct th_reason *reason) {
  struct side *side = context;
  side->hello = *hello;
  if (side->refusal != 0) return th_fail(reason, side->refusal, "not on a %s", "Monday");
  *welcome = (struct th_welcome){
    endpoint, admin, "multiprocTCPBase",
    "1.2.3",  17,    side->told_limit != 0 ? side->told_limit : side->limit};
  th_link_set_user(link, side);
  side->link = th_link_ref(link);
  if (side->patience != 0) th_link_set_patience(link, side->patience);
  if (side->close_at_hello) th_link_close(link);
  side->linked++;
  th_loop_stop(side->loop);
  return 0;
}

static void on_welcome(void *context, struct th_link *link, const struct th_welcome *welcome) {
  struct side *side = context;
  (void)link;
  side->welcome = *welcome;
  side->linked++;
  th_loop_stop(side->loop);
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  struct side *side = context;
  (void)link;
  if (side->closed != 0) side->late++;
  size_t sender = (size_t)message->sender.number;
  if (sender < SENDERS && side->next[sender]++ != message->ticket) side->disorder++;
  side->last_size = message->size;
  if (++side->received == side->stop_at) th_loop_stop(side->loop);
  th_message_free(message);
}

static void on_undeliverable(void *context, struct th_link *link, struct th_message *message) {
  struct side *side = context;
  (void)link;
  side->undeliverable++;
  th_message_free(message);
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  struct side *side = context;
  (void)link;
  side->error = error;
  snprintf(side->words, sizeof side->words, "%s", words);
  side->closed++;
  if (side->close_at_end != NULL) th_link_close(side->close_at_end->link);
  th_loop_stop(side->loop);
}

static void on_drained(void *context, struct th_link *link) {
  struct side *side = context;
  (void)link;
  side->drained++;
}

static const struct th_link_events events = {on_hello,         on_welcome, on_message,
                                             on_undeliverable, on_drained, on_closed};

static void on_accept(void *context, struct th_channel *channel) {
  struct side *side = context;
  th_link_accept(side->loop, channel, side->limit, &events, side);
}

static void init_side(struct side *side, struct th_loop *loop) {
  *side = (struct side){.loop = loop, .limit = LIMIT, .error = ANYTHING};
  assert_int_equal(th_wire_new(carrier, loop, &side->wire), 0);
}

static uint16_t listen_side(struct side *side) {
  assert_int_equal(side->wire->ops->listen(side->wire, LOCALHOST, 0, on_accept, side), 0);
  return side->wire->ops->port(side->wire);
}

static void connect_side(struct side *side, uint16_t port) {
  assert_int_equal(th_link_connect(side->loop, side->wire, LOCALHOST, port, side->limit, &program,
                                   &events, side, &side->link),
                   0);
  if (side->patience != 0) th_link_set_patience(side->link, side->patience);
}

static void drop_link(struct side *side) {
  if (side->link != NULL) th_link_unref(side->link);
  side->link = NULL;
}

static struct th_message *new_message(size_t sender, uint32_t ticket, size_t size) {
  struct th_address from = {.system = 5, .number = sender};
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  unsigned char *place = th_buffer_reserve(&buffer, size);
  memset(place, 'm', size);
  struct th_buffer payload;
  th_buffer_init(&payload);
  th_pack_bin(&payload, place, size);
  struct th_message *message = th_message_pack(TH_KIND_USER, &admin, &from, &payload);
  message->ticket = ticket;
  th_buffer_clear(&payload);
  th_buffer_clear(&buffer);
  return message;
}

/* ---- both sides on one loop ----------------------------------------------------------------- */

struct pair {
  struct th_loop *loop;
  struct side server;
  struct side client;
  uint16_t port;
};

static void set_up(struct pair *pair) {
  assert_int_equal(th_loop_new(&pair->loop), 0);
  init_side(&pair->server, pair->loop);
  init_side(&pair->client, pair->loop);
  pair->port = listen_side(&pair->server);
}

static void tear_down(struct pair *pair) {
  pair->server.wire->ops->free(pair->server.wire);
  pair->client.wire->ops->free(pair->client.wire);
  th_loop_free(pair->loop);
  drop_link(&pair->server);
  drop_link(&pair->client);
  assert_int_equal(pair->server.late, 0);
  assert_int_equal(pair->client.late, 0);
}

/* A test that waits in vain is ended by its runner. */
static void run_until(struct th_loop *loop, atomic_uint *count, unsigned wanted) {
  while (*count < wanted) th_loop_run(loop, TH_FOREVER);
}

static void run_until_received(struct side *side, unsigned wanted) {
  side->stop_at = wanted;
  run_until(side->loop, &side->received, wanted);
}

static void link_both(struct pair *pair) {
  connect_side(&pair->client, pair->port);
  run_until(pair->loop, &pair->client.linked, 1);
  run_until(pair->loop, &pair->server.linked, 1);
}

static void run_until_closed(struct pair *pair) {
  run_until(pair->loop, &pair->client.closed, 1);
  run_until(pair->loop, &pair->server.closed, 1);
}

static void greeting_and_messages_go_both_ways(void **state) {
  (void)state;
  struct pair pair;
  char peer[TH_WIRE_PEER_SIZE], expected[TH_WIRE_PEER_SIZE];
  set_up(&pair);
  link_both(&pair);
  assert_int_equal(pair.server.hello.role, TH_ROLE_PROGRAM);
  assert_int_equal(pair.server.hello.pid, 4711);
  assert_memory_equal(&pair.client.welcome.endpoint, &endpoint, sizeof endpoint);
  assert_memory_equal(&pair.client.welcome.admin, &admin, sizeof admin);
  assert_string_equal(pair.client.welcome.base, "multiprocTCPBase");
  th_link_send(pair.client.link, new_message(0, 0, 10));
  run_until_received(&pair.server, 1);
  th_link_send(pair.server.link, new_message(1, 0, 20));
  run_until_received(&pair.client, 1);
  assert_int_equal(pair.server.last_size, 12);
  assert_int_equal(pair.client.last_size, 22);
  assert_ptr_equal(th_link_user(pair.server.link), &pair.server);
  th_link_peer(pair.client.link, peer);
  snprintf(expected, sizeof expected, "127.0.0.1:%u", pair.port);
  assert_string_equal(peer, expected);
  tear_down(&pair);
}

static void sends_before_the_greeting_wait_for_it(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  connect_side(&pair.client, pair.port);
  for (uint32_t i = 0; i < 3; i++) {
    th_link_send(pair.client.link, new_message(0, i, 1));
    th_loop_run(pair.loop, 0); /* so that some are taken from the list before */
  }
  run_until_received(&pair.server, 3);
  assert_int_equal(pair.server.disorder, 0);
  assert_int_equal(pair.client.linked, 1);
  tear_down(&pair);
}

static void on_accept_and_send(void *context, struct th_channel *channel) {
  struct side *side = context;
  th_link_send(th_link_accept(side->loop, channel, side->limit, &events, side),
               new_message(0, 0, 1));
}

static void the_accepting_side_may_send_before_the_greeting_too(void **state) {
  (void)state;
  struct pair pair;
  struct side eager;
  set_up(&pair);
  init_side(&eager, pair.loop);
  assert_int_equal(eager.wire->ops->listen(eager.wire, LOCALHOST, 0, on_accept_and_send, &eager),
                   0);
  connect_side(&pair.client, eager.wire->ops->port(eager.wire));
  run_until_received(&pair.client, 1);
  assert_int_equal(pair.client.linked, 1);
  eager.wire->ops->free(eager.wire);
  tear_down(&pair);
  drop_link(&eager);
}

/* ---- pauses --------------------------------------------------------------------------------- */

#define PAUSED_COUNT 1000

/* Until the client can send no more. */
static void run_until_at_rest(struct pair *pair) {
  size_t before = 0;
  for (int same = 0; same < 20; same++) {
    if (th_link_waiting(pair->client.link) != before) same = 0;
    before = th_link_waiting(pair->client.link);
    th_loop_run(pair->loop, th_clock_after(TH_MILLISECOND));
  }
}

/* 40 MB are more than sockets hold. */
static void nothing_comes_in_a_pause_and_nothing_is_lost(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  for (uint32_t i = 0; i < PAUSED_COUNT; i++)
    th_link_send(pair.client.link, new_message(0, i, 40000));
  th_link_pause(pair.server.link, true);
  run_until_at_rest(&pair);
  assert_int_equal(pair.server.received, 0);
  assert_true(th_link_waiting(pair.client.link) > 0);
  th_link_send(pair.server.link, new_message(1, 0, 20)); /* the other way is as it was */
  run_until_received(&pair.client, 1);
  th_link_pause(pair.server.link, false);
  run_until_received(&pair.server, PAUSED_COUNT);
  assert_int_equal(pair.server.disorder, 0);
  tear_down(&pair);
}

static void what_came_in_a_pause_is_taken_before_the_end(void **state) {
  (void)state;
  struct pair pair;
  for (int i = 0; i < 2; i++) {
    set_up(&pair);
    pair.server.patience = pair.client.patience = 60 * TH_SECOND; /* nobody is cut off */
    link_both(&pair);
    th_link_pause(pair.server.link, true);
    for (uint32_t j = 0; j < 50; j++) th_link_send(pair.client.link, new_message(0, j, 1000));
    if (i == 1) th_link_close(pair.client.link);
    run_until_at_rest(&pair);
    assert_int_equal(pair.server.received, 0);
    th_link_close(pair.server.link);
    run_until_closed(&pair);
    assert_int_equal(pair.server.received, 50);
    assert_int_equal(pair.server.error, 0);
    assert_int_equal(pair.client.error, 0);
    tear_down(&pair);
  }
}

/* ---- closing on purpose --------------------------------------------------------------------- */

static void closing_writes_what_waits_and_is_no_error(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  for (uint32_t i = 0; i < 50; i++) th_link_send(pair.client.link, new_message(0, i, 1));
  for (uint32_t i = 0; i < 70; i++) th_link_send(pair.server.link, new_message(1, i, 1));
  th_link_close(pair.client.link);
  th_link_close(pair.client.link);
  run_until_closed(&pair);
  assert_int_equal(pair.server.received, 50);
  assert_int_equal(pair.client.received, 70);
  assert_int_equal(pair.client.error, 0);
  assert_int_equal(pair.server.error, 0);
  assert_non_null(strstr(pair.client.words, "was closed by this side"));
  assert_non_null(strstr(pair.server.words, " closed the connection"));
  tear_down(&pair);
  assert_int_equal(pair.server.closed, 1);
  assert_int_equal(pair.client.closed, 1);
}

static void both_may_close_at_once(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  th_link_close(pair.client.link);
  th_link_close(pair.server.link);
  run_until_closed(&pair);
  assert_int_equal(pair.client.error, 0);
  assert_int_equal(pair.server.error, 0);
  tear_down(&pair);
}

static void a_link_may_be_closed_in_its_hello(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  pair.server.close_at_hello = true;
  connect_side(&pair.client, pair.port);
  run_until_closed(&pair);
  assert_int_equal(pair.client.error, 0);
  assert_int_equal(pair.server.error, 0);
  tear_down(&pair);
}

static void a_link_may_be_closed_before_it_is_agreed(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  connect_side(&pair.client, pair.port);
  th_link_send(pair.client.link, new_message(0, 0, 1));
  th_link_close(pair.client.link);
  drop_link(&pair.client); /* nor need the holder stay for it */
  run_until(pair.loop, &pair.client.closed, 1);
  assert_int_equal(pair.client.error, 0);
  assert_int_equal(pair.client.undeliverable, 1);
  tear_down(&pair);
}

static void sends_after_the_end_are_undeliverable(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  th_link_close(pair.client.link);
  run_until_closed(&pair);
  for (uint32_t i = 0; i < 3; i++) th_link_send(pair.client.link, new_message(0, i, 1));
  assert_int_equal(pair.client.undeliverable, 3);
  assert_int_equal(pair.server.received, 0);
  th_link_close(pair.client.link); /* and this does nothing */
  th_loop_run(pair.loop, 0);
  tear_down(&pair);
  assert_int_equal(pair.client.closed, 1);
}

static void much_that_waits_is_written_before_the_end(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  for (uint32_t i = 0; i < LARGE; i++) th_link_send(pair.client.link, new_message(0, i, 1000000));
  th_link_close(pair.client.link);
  run_until_closed(&pair);
  assert_int_equal(pair.server.received, LARGE);
  assert_int_equal(pair.server.disorder, 0);
  assert_int_equal(pair.client.undeliverable, 0);
  assert_int_equal(pair.client.error, 0);
  tear_down(&pair);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void a_message_past_the_limit_is_undeliverable(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  pair.client.limit = pair.server.limit = 1005;
  link_both(&pair);
  th_link_send(pair.client.link, new_message(0, 7, 1003));
  assert_int_equal(pair.client.undeliverable, 1);
  th_link_send(pair.client.link, new_message(0, 0, 1002)); /* with its head: just the limit */
  run_until_received(&pair.server, 1);
  assert_int_equal(pair.server.last_size, 1005);
  assert_int_equal(pair.server.disorder, 0);
  tear_down(&pair);
}

static void a_welcome_says_what_the_other_side_may_send(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  pair.server.told_limit = 1000;
  link_both(&pair);
  assert_int_equal(pair.client.welcome.limit, 1000);
  th_link_send(pair.server.link, new_message(0, 0, 995));
  run_until_received(&pair.client, 1);
  th_link_send(pair.server.link, new_message(0, 1, 2000));
  run_until_closed(&pair);
  assert_int_equal(pair.client.error, TH_ETOOBIG);
  assert_non_null(strstr(pair.client.words, " sent a message of more than 1000 bytes"));
  tear_down(&pair);
}

static void who_sends_more_than_the_limit_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  pair.server.limit = 1000;
  link_both(&pair);
  th_link_send(pair.client.link, new_message(0, 0, 5000));
  run_until_closed(&pair);
  assert_int_equal(pair.server.error, TH_ETOOBIG);
  assert_non_null(strstr(pair.server.words, " sent a message of more than 1000 bytes"));
  assert_true(pair.client.error < 0);
  assert_int_equal(pair.server.received, 0);
  tear_down(&pair);
}

/* ---- refusal and failure -------------------------------------------------------------------- */

static void a_refusal_comes_with_error_and_words(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  pair.server.refusal = TH_ESHUTDOWN;
  connect_side(&pair.client, pair.port);
  th_link_send(pair.client.link, new_message(0, 0, 1));
  run_until_closed(&pair);
  assert_int_equal(pair.client.error, TH_ESHUTDOWN);
  assert_string_equal(pair.client.words, "not on a Monday");
  assert_int_equal(pair.client.undeliverable, 1);
  assert_int_equal(pair.client.linked, 0);
  assert_int_equal(pair.server.error, TH_ESHUTDOWN);
  assert_non_null(strstr(pair.server.words, " was refused: not on a Monday"));
  tear_down(&pair);
}

static void a_port_without_listener_refuses(void **state) {
  (void)state;
  struct pair pair;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCALHOST)};
  socklen_t size = sizeof address;
  int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
  set_up(&pair);
  connect_side(&pair.client, ntohs(address.sin_port));
  th_link_send(pair.client.link, new_message(0, 0, 1));
  run_until(pair.loop, &pair.client.closed, 1);
  assert_int_equal(pair.client.error, -ECONNREFUSED);
  assert_memory_equal(pair.client.words, "cannot connect to 127.0.0.1:", 28);
  assert_non_null(strstr(pair.client.words, "onnection refused"));
  assert_int_equal(pair.client.undeliverable, 1);
  close(taken);
  tear_down(&pair);
}

static void a_wire_that_is_freed_ends_its_links(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  th_link_send(pair.server.link, new_message(0, 0, 1));
  tear_down(&pair);
  assert_int_equal(pair.server.closed, 1);
  assert_int_equal(pair.server.error, 0);
  assert_int_equal(pair.client.closed, 1);
  assert_int_equal(pair.server.undeliverable + pair.client.received, 1);
}

/* The channels close in the same turn: the second one while the task of th_link_close is under
 * way. */
static void a_close_may_come_just_before_the_end(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  pair.server.close_at_end = &pair.client;
  pair.client.close_at_end = &pair.server;
  tear_down(&pair);
  assert_int_equal(pair.server.closed, 1);
  assert_int_equal(pair.client.closed, 1);
}

/* ---- the other side is no link -------------------------------------------------------------- */

static int plain_connect(uint16_t port) {
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOCALHOST)};
  int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(plain >= 0);
  assert_int_equal(connect(plain, (struct sockaddr *)&address, sizeof address), 0);
  return plain;
}

/* Reads to the end, turning the loop. */
static size_t plain_read(struct pair *pair, int plain, unsigned char *out, size_t room) {
  size_t size = 0;
  for (;;) {
    ssize_t more = recv(plain, out + size, room - size, MSG_DONTWAIT);
    if (more == 0) return size;
    if (more > 0) {
      size += (size_t)more;
    } else {
      assert_int_equal(errno, EAGAIN);
      th_loop_run(pair->loop, 0);
    }
  }
}

static void plain_write(int plain, const void *data, size_t size) {
  assert_int_equal(send(plain, data, size, MSG_NOSIGNAL), size);
}

static void plain_frame(int plain, struct th_buffer *buffer) {
  assert_int_equal(buffer->error, 0);
  plain_write(plain, buffer->data, buffer->size);
  th_buffer_clear(buffer);
}

static void plain_hello(int plain, const struct th_hello *hello) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, hello);
  plain_frame(plain, &buffer);
}

static int plain_link(struct pair *pair, const struct th_hello *hello) {
  int plain = plain_connect(pair->port);
  plain_hello(plain, hello);
  run_until(pair->loop, &pair->server.linked, 1);
  return plain;
}

static void who_does_not_greet_but_talks_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_connect(pair.port);
  plain_write(plain, "GET / HTTP/1.1\r\n\r\n", 18);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_EPROTOCOL);
  assert_memory_equal(pair.server.words, "127.0.0.1:", 10);
  assert_non_null(strstr(pair.server.words, " sent something that is not a Thespian greeting "
                                            "(first bytes 47 45 54 20)"));
  assert_int_equal(pair.server.linked, 0);
  close(plain);
  tear_down(&pair);
}

static void a_message_is_no_greeting(void **state) {
  (void)state;
  struct pair pair;
  struct th_buffer buffer;
  struct th_message *message = new_message(0, 0, 1);
  set_up(&pair);
  int plain = plain_connect(pair.port);
  th_buffer_init(&buffer);
  th_frame_message(&buffer, message);
  th_message_free(message);
  plain_frame(plain, &buffer);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_EPROTOCOL);
  assert_int_equal(pair.server.received, 0);
  close(plain);
  tear_down(&pair);
}

static int keep_body(void *context, enum th_frame_type type, const unsigned char *body,
                     size_t size) {
  int *error = context;
  struct th_reason reason;
  assert_int_equal(type, TH_FRAME_REFUSE);
  assert_int_equal(th_frame_read_refuse(body, size, error, &reason), 0);
  assert_string_equal(reason.words, "it speaks version 7 of the protocol, this system version 1");
  return 0;
}

static void another_protocol_is_refused_in_words(void **state) {
  (void)state;
  struct pair pair;
  struct th_hello other = program;
  struct th_frame_reader reader;
  unsigned char answer[4096];
  int error = 0;
  other.protocol = 7;
  set_up(&pair);
  int plain = plain_connect(pair.port);
  plain_hello(plain, &other);
  size_t size = plain_read(&pair, plain, answer, sizeof answer);
  th_frame_reader_init(&reader);
  assert_int_equal(th_frame_reader_feed(&reader, answer, size, keep_body, &error), 0);
  th_frame_reader_clear(&reader);
  assert_int_equal(error, TH_EPROTOCOL);
  close(plain);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_EPROTOCOL);
  assert_int_equal(pair.server.linked, 0);
  tear_down(&pair);
}

static void on_accept_in_a_hurry(void *context, struct th_channel *channel) {
  struct side *side = context;
  struct th_link *link = th_link_accept(side->loop, channel, side->limit, &events, side);
  th_link_set_greeting(link, TH_MILLISECOND);
}

static void who_does_not_greet_in_time_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  struct side hurried;
  set_up(&pair);
  init_side(&hurried, pair.loop);
  assert_int_equal(
    hurried.wire->ops->listen(hurried.wire, LOCALHOST, 0, on_accept_in_a_hurry, &hurried), 0);
  int plain = plain_connect(hurried.wire->ops->port(hurried.wire));
  run_until(pair.loop, &hurried.closed, 1);
  assert_int_equal(hurried.error, TH_ETIMEOUT);
  assert_non_null(strstr(hurried.words, " did not greet in time"));
  hurried.wire->ops->free(hurried.wire);
  close(plain);
  tear_down(&pair);
}

static void a_greeting_time_set_too_late_does_nothing(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  link_both(&pair);
  th_link_set_greeting(pair.client.link, 0);
  th_loop_run(pair.loop, 0);
  th_loop_run(pair.loop, th_clock_after(2 * TH_MILLISECOND));
  assert_int_equal(pair.client.closed, 0);
  tear_down(&pair);
}

/* Listens with a plain socket and connects the client's link to it. */
static int plain_accept(struct pair *pair, int *listener) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCALHOST)};
  socklen_t size = sizeof address;
  *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(*listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(*listener, 1), 0);
  assert_int_equal(getsockname(*listener, (struct sockaddr *)&address, &size), 0);
  connect_side(&pair->client, ntohs(address.sin_port));
  int plain = accept(*listener, NULL, NULL);
  assert_true(plain >= 0);
  return plain;
}

static void who_does_not_answer_in_time_is_left(void **state) {
  (void)state;
  struct pair pair;
  int listener;
  set_up(&pair);
  int plain = plain_accept(&pair, &listener);
  th_link_set_greeting(pair.client.link, TH_MILLISECOND);
  run_until(pair.loop, &pair.client.closed, 1);
  assert_int_equal(pair.client.error, TH_ETIMEOUT);
  assert_non_null(strstr(pair.client.words, " did not answer in time"));
  close(plain);
  close(listener);
  tear_down(&pair);
}

/* All that was to be read is there when the loop goes on, and the time for it is over. */
static void a_loop_that_was_held_up_hears_what_was_said(void **state) {
  const struct timespec held = {.tv_nsec = 500000000};
  struct pair pair;
  (void)state;
  set_up(&pair);
  connect_side(&pair.client, pair.port);
  th_link_set_greeting(pair.client.link, 400 * TH_MILLISECOND);
  nanosleep(&held, NULL);
  while (pair.client.linked == 0 && pair.client.closed == 0) th_loop_run(pair.loop, TH_FOREVER);
  assert_int_equal(pair.client.closed, 0);
  assert_int_equal(pair.client.linked, 1);
  tear_down(&pair);
}

static void greeting_may_take_five_seconds(void **state) {
  (void)state;
  struct pair pair;
  int listener;
  set_up(&pair);
  uint64_t before = th_clock_now();
  int silent = plain_accept(&pair, &listener);
  int mute = plain_connect(pair.port);
  run_until_closed(&pair);
  assert_int_equal(pair.server.error, TH_ETIMEOUT);
  assert_int_equal(pair.client.error, TH_ETIMEOUT);
  assert_true(th_clock_now() - before + EARLY > 5 * TH_SECOND);
  close(silent);
  close(mute);
  close(listener);
  tear_down(&pair);
}

static void what_answers_otherwise_is_no_system(void **state) {
  (void)state;
  struct pair pair;
  int listener;
  set_up(&pair);
  int plain = plain_accept(&pair, &listener);
  plain_write(plain, "HTTP/1.1 400 Bad Request\r\n", 26);
  run_until(pair.loop, &pair.client.closed, 1);
  assert_int_equal(pair.client.error, TH_EPROTOCOL);
  assert_non_null(strstr(pair.client.words, " is no Thespian system: it sent something else "
                                            "(first bytes 48 54 54 50)"));
  close(plain);
  close(listener);
  tear_down(&pair);
}

static void an_end_without_bye_is_an_error(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  close(plain);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_true(pair.server.error < 0);
  assert_memory_equal(pair.server.words, "the connection to 127.0.0.1:", 28);
  tear_down(&pair);
}

static void an_end_of_stream_is_told_in_words(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  unsigned char answer[4096];
  shutdown(plain, SHUT_WR);
  plain_read(&pair, plain, answer, sizeof answer); /* the welcome, so that close is no reset */
  close(plain);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_WIRE_EOF);
  assert_non_null(strstr(pair.server.words, " was closed by the other side"));
  tear_down(&pair);
}

static const struct th_hello another_system = {
  .protocol = TH_PROTOCOL_VERSION,
  .role = TH_ROLE_SYSTEM,
  .version = "1.2.3",
  .pid = 17,
  .meeting = {.admin = {.system = 3, .number = 1}, .nonce = 4}};

static void on_taken(void *user, const unsigned char *data, size_t size) {
  struct side *side = user;
  (void)data;
  side->received += (unsigned)size;
  th_loop_stop(side->loop);
}

static void on_taken_closed(void *user, int error) {
  struct side *side = user;
  side->error = error;
  side->closed++;
  th_loop_stop(side->loop);
}

static const struct th_channel_events taken_events = {.received = on_taken,
                                                      .closed = on_taken_closed};

static int take_channel(void *context, struct th_link *link, const struct th_hello *hello,
                        struct th_welcome *welcome, struct th_reason *reason) {
  struct side *side = context;
  (void)welcome;
  (void)reason;
  side->hello = *hello;
  th_link_send(link, new_message(0, 0, 1)); /* too early: it is given back */
  struct th_channel *channel = th_link_hand_over(link);
  channel->events = &taken_events;
  channel->user = side;
  side->linked++;
  th_loop_stop(side->loop);
  return 0;
}

/* closed would be a call to nowhere. */
static const struct th_link_events taking_events = {.hello = take_channel,
                                                    .undeliverable = on_undeliverable};

static void on_accept_and_take(void *context, struct th_channel *channel) {
  struct side *side = context;
  th_link_accept(side->loop, channel, side->limit, &taking_events, side);
}

static void a_channel_that_was_handed_over_is_no_business_of_the_links(void **state) {
  (void)state;
  struct pair pair;
  struct side taker;
  set_up(&pair);
  init_side(&taker, pair.loop);
  assert_int_equal(taker.wire->ops->listen(taker.wire, LOCALHOST, 0, on_accept_and_take, &taker),
                   0);
  int plain = plain_connect(taker.wire->ops->port(taker.wire));
  plain_hello(plain, &another_system);
  run_until(pair.loop, &taker.linked, 1);
  assert_int_equal(taker.hello.meeting.nonce, 4);
  assert_int_equal(taker.undeliverable, 1);
  plain_write(plain, "anything", 8);
  run_until(pair.loop, &taker.received, 8);
  close(plain);
  run_until(pair.loop, &taker.closed, 1);
  assert_int_equal(taker.error, TH_WIRE_EOF);
  taker.wire->ops->free(taker.wire);
  tear_down(&pair);
}

/* What came with it would be lost when the channel is handed over. */
static void a_system_that_says_more_than_hello_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  struct th_buffer buffer;
  set_up(&pair);
  int plain = plain_connect(pair.port);
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &another_system);
  th_frame_ping(&buffer);
  plain_frame(plain, &buffer);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.linked, 0);
  assert_int_equal(pair.server.error, TH_EPROTOCOL);
  th_buffer_clear(&buffer);
  close(plain);
  tear_down(&pair);
}

static void garbage_after_the_greeting_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  plain_write(plain, "\0\0\0\3\4\xc0\xc0", 7);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_EMALFORMED);
  assert_non_null(strstr(pair.server.words, "malformed"));
  close(plain);
  tear_down(&pair);
}

static void nothing_is_taken_after_bye(void **state) {
  (void)state;
  struct pair pair;
  struct th_buffer buffer;
  struct th_message *message = new_message(0, 0, 1);
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  th_buffer_init(&buffer);
  th_frame_bye(&buffer);
  th_frame_message(&buffer, message);
  th_message_free(message);
  plain_frame(plain, &buffer);
  shutdown(plain, SHUT_WR);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.received, 0);
  assert_int_equal(pair.server.error, 0);
  close(plain);
  tear_down(&pair);
}

static void a_word_after_bye_is_malformed(void **state) {
  (void)state;
  struct pair pair;
  struct th_buffer buffer;
  struct th_message *message = new_message(0, 0, 1);
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  /* More than leaves at once, so that the link is still there when the word comes. */
  for (uint32_t i = 0; i < LARGE; i++) th_link_send(pair.server.link, new_message(0, i, 1000000));
  th_buffer_init(&buffer);
  th_frame_bye(&buffer);
  th_frame_message(&buffer, message);
  th_message_free(message);
  plain_frame(plain, &buffer);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.received, 0);
  assert_int_equal(pair.server.error, TH_EMALFORMED);
  close(plain);
  tear_down(&pair);
}

static void an_end_while_leaving_is_no_error(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  th_link_close(pair.server.link);
  close(plain);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, 0);
  assert_non_null(strstr(pair.server.words, " was closed by this side"));
  tear_down(&pair);
}

/* Programs turn their loops now and then only: an idle one must not hold up a system's shutdown. */
static void a_program_that_does_not_answer_bye_is_not_waited_for_long(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  uint64_t before = th_clock_now();
  th_link_send(pair.server.link, new_message(0, 0, 1));
  th_link_close(pair.server.link);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, 0);
  assert_int_equal(pair.server.undeliverable, 0);
  uint64_t waited = th_clock_now() - before;
  assert_true(waited + EARLY > TH_LINK_IDLE_PATIENCE);
  assert_true(waited < TH_LINK_PATIENCE);
  close(plain);
  tear_down(&pair);
}

static void who_reads_nothing_is_left_with_what_waits_undeliverable(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair);
  int plain = plain_link(&pair, &program);
  uint64_t before = th_clock_now();
  for (uint32_t i = 0; i < LARGE; i++) th_link_send(pair.server.link, new_message(0, i, 1000000));
  th_link_close(pair.server.link);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_true(th_clock_now() - before + TH_MILLISECOND > TH_LINK_PATIENCE);
  assert_int_equal(pair.server.error, 0);
  assert_in_range(pair.server.undeliverable, LARGE / 4, LARGE); /* the kernel has taken a few */
  close(plain);
  tear_down(&pair);
}

/* ---- what a link does to its channel --------------------------------------------------------- */

/* A channel that counts, and takes no more than it is told to. */
struct fake {
  struct th_channel channel;
  struct th_task closing;
  struct th_loop *loop;
  size_t unsent;
  bool slow; /* keeps what it is given */
  unsigned sends;
  unsigned looses;
  unsigned closes;
  unsigned pauses;
  bool is_paused;
};

static void fake_send(struct th_channel *channel, const void *data, size_t size) {
  struct fake *fake = (struct fake *)channel;
  (void)data;
  fake->sends++;
  if (fake->slow) fake->unsent += size;
}

static void fake_send_loose(struct th_channel *channel, const void *frames, size_t size) {
  (void)frames;
  (void)size;
  ((struct fake *)channel)->looses++;
}

static size_t fake_unsent(const struct th_channel *channel) {
  return ((const struct fake *)channel)->unsent;
}

static void fake_closing(struct th_task *task) {
  struct fake *fake = (struct fake *)((char *)task - offsetof(struct fake, closing));
  fake->channel.events->closed(fake->channel.user, 0);
}

static void fake_close(struct th_channel *channel, int flush) {
  struct fake *fake = (struct fake *)channel;
  (void)flush;
  if (fake->closes++ == 0) th_loop_post(fake->loop, &fake->closing);
}

static void fake_pause(struct th_channel *channel, bool is_paused) {
  struct fake *fake = (struct fake *)channel;
  fake->is_paused = is_paused;
  fake->pauses++;
}

static void fake_peer(const struct th_channel *channel, char *out) {
  (void)channel;
  snprintf(out, TH_WIRE_PEER_SIZE, "a fake");
}

static const struct th_wire_ops fake_ops = {.send = fake_send,
                                            .unsent = fake_unsent,
                                            .pause = fake_pause,
                                            .close = fake_close,
                                            .peer = fake_peer};

/* One that may lose what users say. */
static const struct th_wire_ops fake_loose_ops = {.send = fake_send,
                                                  .send_loose = fake_send_loose,
                                                  .unsent = fake_unsent,
                                                  .close = fake_close,
                                                  .peer = fake_peer};

static void accept_fake(struct pair *pair, struct fake *fake, const struct th_wire_ops *ops) {
  set_up(pair);
  *fake = (struct fake){.channel = {.ops = ops}, .closing = {NULL, fake_closing}};
  fake->loop = pair->loop;
  th_link_accept(pair->loop, &fake->channel, LIMIT, &events, &pair->server);
}

static void greet_from_fake(struct pair *pair, struct fake *fake) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &program);
  fake->channel.events->received(fake->channel.user, buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  assert_int_equal(pair->server.linked, 1);
  assert_int_equal(fake->sends, 1);
}

/* A link that accepted the fake and was greeted by it. */
static void link_fake(struct pair *pair, struct fake *fake) {
  accept_fake(pair, fake, &fake_ops);
  greet_from_fake(pair, fake);
}

static void end_fake(struct pair *pair) {
  th_link_close(pair->server.link);
  run_until(pair->loop, &pair->server.closed, 1);
  tear_down(pair);
}

static void messages_that_gather_are_one_write(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  link_fake(&pair, &fake);
  for (uint32_t i = 0; i < 1000; i++) th_link_send(pair.server.link, new_message(0, i, 3));
  assert_int_equal(th_link_waiting(pair.server.link), 1000);
  th_loop_run(pair.loop, 0);
  assert_int_equal(fake.sends, 2);
  assert_int_equal(th_link_waiting(pair.server.link), 0);
  end_fake(&pair);
  assert_int_equal(pair.server.undeliverable, 0);
  assert_int_equal(fake.closes, 1);
}

static void messages_wait_while_the_channel_is_slow(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  link_fake(&pair, &fake);
  fake.slow = true;
  for (uint32_t i = 0; i < 10; i++) th_link_send(pair.server.link, new_message(0, i, 600000));
  th_loop_run(pair.loop, 0);
  assert_int_equal(fake.sends, 3); /* past the limit with the second of them */
  assert_int_equal(th_link_waiting(pair.server.link), 8);
  fake.unsent = 0;
  fake.channel.events->written(fake.channel.user);
  assert_int_equal(th_link_waiting(pair.server.link), 6);
  end_fake(&pair);
  assert_int_equal(pair.server.undeliverable, 6);
}

static void who_sends_is_told_when_what_waited_was_written(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  link_fake(&pair, &fake);
  fake.slow = true;
  for (uint32_t i = 0; i < 10; i++) th_link_send(pair.server.link, new_message(0, i, 600000));
  assert_int_equal(pair.server.drained, 0);
  th_loop_run(pair.loop, 0);
  assert_int_equal(pair.server.drained, 1);
  fake.channel.events->written(fake.channel.user); /* nothing has left */
  assert_int_equal(pair.server.drained, 1);
  fake.unsent = 0;
  fake.channel.events->written(fake.channel.user);
  assert_int_equal(pair.server.drained, 2);
  end_fake(&pair);
}

static void a_pause_is_the_channels_and_ends_with_the_link(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  link_fake(&pair, &fake);
  th_link_pause(pair.server.link, false);
  assert_int_equal(fake.pauses, 0);
  th_link_pause(pair.server.link, true);
  th_link_pause(pair.server.link, true);
  assert_true(fake.is_paused);
  assert_int_equal(fake.pauses, 1);
  th_link_close(pair.server.link);
  th_loop_run(pair.loop, 0);
  assert_false(fake.is_paused);
  th_link_pause(pair.server.link, true);
  assert_int_equal(fake.pauses, 2);
  end_fake(&pair);
}

static void a_link_may_end_in_a_pause(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  link_fake(&pair, &fake);
  th_link_pause(pair.server.link, true);
  fake.channel.events->closed(fake.channel.user, TH_WIRE_EOF);
  assert_int_equal(pair.server.closed, 1);
  th_link_pause(pair.server.link, false);
  assert_int_equal(fake.pauses, 1);
  tear_down(&pair);
}

/* ---- a way on which frames may get lost ------------------------------------------------------ */

static void receive_loose(struct fake *fake, size_t cut) {
  struct th_buffer buffer;
  struct th_message *message = new_message(0, 0, 100);
  th_buffer_init(&buffer);
  th_frame_message(&buffer, message);
  fake->channel.events->received_loose(fake->channel.user, buffer.data, buffer.size - cut);
  th_buffer_clear(&buffer);
  th_message_free(message);
}

/* The welcome got lost on its way, and what was said after it came through. */
static void what_comes_loose_before_the_greeting_is_done_is_lost(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  accept_fake(&pair, &fake, &fake_loose_ops);
  receive_loose(&fake, 0);
  assert_int_equal(fake.closes, 0);
  greet_from_fake(&pair, &fake);
  assert_int_equal(pair.server.received, 0);
  receive_loose(&fake, 0);
  assert_int_equal(pair.server.received, 1);
  end_fake(&pair);
}

static void a_datagram_with_half_a_frame_is_malformed(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  accept_fake(&pair, &fake, &fake_loose_ops);
  greet_from_fake(&pair, &fake);
  receive_loose(&fake, 1);
  run_until(pair.loop, &pair.server.closed, 1);
  assert_int_equal(pair.server.error, TH_EMALFORMED);
  assert_int_equal(pair.server.received, 0);
  tear_down(&pair);
}

static void send_kind(struct pair *pair, enum th_kind kind, size_t size) {
  struct th_message *message = new_message(0, 0, size);
  message->kind = (uint8_t)kind;
  th_link_send(pair->server.link, message);
}

static void only_what_users_say_may_get_lost(void **state) {
  (void)state;
  struct pair pair;
  struct fake fake;
  accept_fake(&pair, &fake, &fake_loose_ops);
  greet_from_fake(&pair, &fake);
  send_kind(&pair, TH_KIND_USER, 10);
  send_kind(&pair, TH_KIND_POISON, 10);
  th_loop_run(pair.loop, 0);
  assert_int_equal(fake.looses, 1); /* both at once */
  send_kind(&pair, TH_KIND_REPLY, 10);
  send_kind(&pair, TH_KIND_DEAD_NOTICE, 10);
  send_kind(&pair, TH_KIND_POISON, TH_LINK_LOOSE); /* around the largest that a user may send */
  th_loop_run(pair.loop, 0);
  assert_int_equal(fake.looses, 1);
  assert_int_equal(fake.sends, 2);
  end_fake(&pair);
  assert_int_equal(pair.server.undeliverable, 0);
}

/* ---- two loops in two threads --------------------------------------------------------------- */

static void *turn_until_closed(void *argument) {
  struct side *side = argument;
  run_until(side->loop, &side->closed, 1);
  return NULL;
}

/* Who sends on a link from a thread of its own. */
struct sender {
  pthread_t thread;
  struct side *side; /* whose link it is */
  struct side *other;
  size_t number;
  uint32_t count;
  atomic_bool *enough; /* ends it before count; may be NULL */
  uint32_t sent;
};

/* A link takes what it is given: it is for senders not to give too much. */
static bool is_ahead(const struct side *side, const struct side *other) {
  return side->closed == 0 && side->sent - other->received - side->undeliverable > MOST_AHEAD;
}

static void *send_many(void *argument) {
  struct sender *sender = argument;
  struct side *side = sender->side;
  struct th_link *link = side->link;
  while (sender->sent < sender->count && (sender->enough == NULL || !*sender->enough)) {
    while (is_ahead(side, sender->other)) sched_yield();
    side->sent++;
    th_link_send(link, new_message(sender->number, sender->sent++, 8));
  }
  th_link_unref(link);
  return NULL;
}

static void start_sender(struct sender *sender) {
  th_link_ref(sender->side->link);
  assert_int_equal(pthread_create(&sender->thread, NULL, send_many, sender), 0);
}

struct threads {
  struct side server;
  struct side client;
  pthread_t server_thread;
  pthread_t client_thread;
};

static void set_up_threads(struct threads *threads) {
  struct th_loop *server, *client;
  assert_int_equal(th_loop_new(&server), 0);
  assert_int_equal(th_loop_new(&client), 0);
  init_side(&threads->server, server);
  init_side(&threads->client, client);
  /* Threads may be kept waiting by a busy machine; what is shown here is not how long they may. */
  threads->server.patience = threads->client.patience = 60 * TH_SECOND;
  connect_side(&threads->client, listen_side(&threads->server));
  while (threads->client.linked == 0) {
    th_loop_run(server, 0);
    th_loop_run(client, 0);
  }
}

static void start_threads(struct threads *threads) {
  assert_int_equal(
    pthread_create(&threads->server_thread, NULL, turn_until_closed, &threads->server), 0);
  assert_int_equal(
    pthread_create(&threads->client_thread, NULL, turn_until_closed, &threads->client), 0);
}

/* The loops go as soon as their links have closed, whoever still holds one. */
static void end_threads(struct threads *threads) {
  pthread_join(threads->server_thread, NULL);
  pthread_join(threads->client_thread, NULL);
  threads->server.wire->ops->free(threads->server.wire);
  threads->client.wire->ops->free(threads->client.wire);
  th_loop_free(threads->server.loop);
  th_loop_free(threads->client.loop);
}

static void many_messages_go_both_ways_with_nothing_lost(void **state) {
  (void)state;
  struct threads threads;
  set_up_threads(&threads);
  struct sender senders[2] = {
    {.side = &threads.client, .other = &threads.server, .number = 0, .count = MANY},
    {.side = &threads.server, .other = &threads.client, .number = 1, .count = MANY}};
  start_threads(&threads);
  for (size_t i = 0; i < 2; i++) start_sender(&senders[i]);
  for (size_t i = 0; i < 2; i++) pthread_join(senders[i].thread, NULL);
  th_link_close(threads.client.link);
  end_threads(&threads);
  assert_int_equal(threads.server.received + threads.client.undeliverable, MANY);
  assert_int_equal(threads.client.received + threads.server.undeliverable, MANY);
  assert_int_equal(threads.client.undeliverable, 0); /* it closed after it had sent all */
  assert_int_equal(threads.server.disorder + threads.client.disorder, 0);
  assert_int_equal(threads.server.error, 0);
  assert_int_equal(threads.client.error, 0);
  drop_link(&threads.server);
  drop_link(&threads.client);
}

/* Senders on both sides, while end is called with the threads running. */
static void send_while(void (*end)(struct threads *), struct threads *threads) {
  atomic_bool enough = false;
  set_up_threads(threads);
  struct sender senders[2 * SENDERS];
  for (size_t i = 0; i < 2 * SENDERS; i++) {
    bool client = i % 2 == 0;
    senders[i] = (struct sender){.side = client ? &threads->client : &threads->server,
                                 .other = client ? &threads->server : &threads->client,
                                 .number = i / 2,
                                 .count = UINT32_MAX,
                                 .enough = &enough};
    start_sender(&senders[i]);
  }
  start_threads(threads);
  while (threads->server.received < 10) sched_yield();
  end(threads);
  end_threads(threads);
  while (threads->client.undeliverable < 10) sched_yield(); /* sends go on after the end */
  enough = true;
  for (size_t i = 0; i < 2 * SENDERS; i++) pthread_join(senders[i].thread, NULL);
  drop_link(&threads->server);
  drop_link(&threads->client);
}

static void close_client(struct threads *threads) {
  th_link_close(threads->client.link);
}

static void close_server(struct threads *threads) {
  th_link_close(threads->server.link);
}

static void close_both(struct threads *threads) {
  th_link_close(threads->server.link);
  th_link_close(threads->client.link);
}

static void a_message_is_received_or_undeliverable_when_links_close_under_way(void **state) {
  (void)state;
  void (*const ends[])(struct threads *) = {close_client, close_server, close_both};
  for (size_t i = 0; i < ROUNDS; i++) {
    struct threads threads;
    send_while(ends[i % 3], &threads);
    assert_int_equal(threads.server.received + threads.client.undeliverable, threads.client.sent);
    assert_int_equal(threads.client.received + threads.server.undeliverable, threads.server.sent);
    assert_int_equal(threads.server.disorder + threads.client.disorder, 0);
    assert_int_equal(threads.server.late + threads.client.late, 0);
    assert_int_equal(threads.server.error, 0);
    assert_int_equal(threads.client.error, 0);
  }
}

struct cutter {
  struct th_task task;
  struct side *side;
};

static void run_cutter(struct th_task *task) {
  struct side *side = ((struct cutter *)task)->side;
  side->wire->ops->free(side->wire);
  if (th_tcp_new(side->loop, &side->wire) != 0) side->late++;
  free(task);
}

/* Takes the connection away. */
static void tear(struct threads *threads) {
  struct cutter *cutter = th_new(struct cutter);
  cutter->task.run = run_cutter;
  cutter->side = &threads->server;
  th_loop_post(threads->server.loop, &cutter->task);
}

static void a_message_is_told_at_most_once_when_the_connection_breaks_under_way(void **state) {
  (void)state;
  for (size_t i = 0; i < ROUNDS; i++) {
    struct threads threads;
    send_while(tear, &threads);
    assert_true(threads.server.received + threads.client.undeliverable <= threads.client.sent);
    assert_true(threads.client.received + threads.server.undeliverable <= threads.server.sent);
    assert_int_equal(threads.server.disorder + threads.client.disorder, 0);
    assert_int_equal(threads.server.closed, 1);
    assert_int_equal(threads.client.closed, 1);
    assert_true(threads.client.error < 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(greeting_and_messages_go_both_ways),
    cmocka_unit_test(sends_before_the_greeting_wait_for_it),
    cmocka_unit_test(the_accepting_side_may_send_before_the_greeting_too),
    cmocka_unit_test(nothing_comes_in_a_pause_and_nothing_is_lost),
    cmocka_unit_test(what_came_in_a_pause_is_taken_before_the_end),
    cmocka_unit_test(closing_writes_what_waits_and_is_no_error),
    cmocka_unit_test(both_may_close_at_once),
    cmocka_unit_test(a_link_may_be_closed_in_its_hello),
    cmocka_unit_test(a_link_may_be_closed_before_it_is_agreed),
    cmocka_unit_test(sends_after_the_end_are_undeliverable),
    cmocka_unit_test(much_that_waits_is_written_before_the_end),
    cmocka_unit_test(a_message_past_the_limit_is_undeliverable),
    cmocka_unit_test(a_welcome_says_what_the_other_side_may_send),
    cmocka_unit_test(who_sends_more_than_the_limit_is_cut_off),
    cmocka_unit_test(a_refusal_comes_with_error_and_words),
    cmocka_unit_test(a_port_without_listener_refuses),
    cmocka_unit_test(a_wire_that_is_freed_ends_its_links),
    cmocka_unit_test(a_close_may_come_just_before_the_end),
    cmocka_unit_test(who_does_not_greet_but_talks_is_cut_off),
    cmocka_unit_test(a_message_is_no_greeting),
    cmocka_unit_test(another_protocol_is_refused_in_words),
    cmocka_unit_test(who_does_not_greet_in_time_is_cut_off),
    cmocka_unit_test(a_greeting_time_set_too_late_does_nothing),
    cmocka_unit_test(who_does_not_answer_in_time_is_left),
    cmocka_unit_test(a_loop_that_was_held_up_hears_what_was_said),
    cmocka_unit_test(greeting_may_take_five_seconds),
    cmocka_unit_test(what_answers_otherwise_is_no_system),
    cmocka_unit_test(an_end_without_bye_is_an_error),
    cmocka_unit_test(an_end_of_stream_is_told_in_words),
    cmocka_unit_test(a_channel_that_was_handed_over_is_no_business_of_the_links),
    cmocka_unit_test(a_system_that_says_more_than_hello_is_cut_off),
    cmocka_unit_test(garbage_after_the_greeting_is_cut_off),
    cmocka_unit_test(nothing_is_taken_after_bye),
    cmocka_unit_test(a_word_after_bye_is_malformed),
    cmocka_unit_test(an_end_while_leaving_is_no_error),
    cmocka_unit_test(a_program_that_does_not_answer_bye_is_not_waited_for_long),
    cmocka_unit_test(who_reads_nothing_is_left_with_what_waits_undeliverable),
    cmocka_unit_test(messages_that_gather_are_one_write),
    cmocka_unit_test(messages_wait_while_the_channel_is_slow),
    cmocka_unit_test(who_sends_is_told_when_what_waited_was_written),
    cmocka_unit_test(a_pause_is_the_channels_and_ends_with_the_link),
    cmocka_unit_test(a_link_may_end_in_a_pause),
    cmocka_unit_test(what_comes_loose_before_the_greeting_is_done_is_lost),
    cmocka_unit_test(a_datagram_with_half_a_frame_is_malformed),
    cmocka_unit_test(only_what_users_say_may_get_lost),
    cmocka_unit_test(many_messages_go_both_ways_with_nothing_lost),
    cmocka_unit_test(a_message_is_received_or_undeliverable_when_links_close_under_way),
    cmocka_unit_test(a_message_is_told_at_most_once_when_the_connection_breaks_under_way),
  };
  const struct CMUnitTest on_udp[] = {
    cmocka_unit_test(greeting_and_messages_go_both_ways),
    cmocka_unit_test(sends_before_the_greeting_wait_for_it),
    cmocka_unit_test(the_accepting_side_may_send_before_the_greeting_too),
    cmocka_unit_test(nothing_comes_in_a_pause_and_nothing_is_lost),
    cmocka_unit_test(what_came_in_a_pause_is_taken_before_the_end),
    cmocka_unit_test(closing_writes_what_waits_and_is_no_error),
    cmocka_unit_test(both_may_close_at_once),
    cmocka_unit_test(a_link_may_be_closed_in_its_hello),
    cmocka_unit_test(a_link_may_be_closed_before_it_is_agreed),
    cmocka_unit_test(sends_after_the_end_are_undeliverable),
    cmocka_unit_test(much_that_waits_is_written_before_the_end),
    cmocka_unit_test(a_message_past_the_limit_is_undeliverable),
    cmocka_unit_test(who_sends_more_than_the_limit_is_cut_off),
    cmocka_unit_test(a_refusal_comes_with_error_and_words),
    cmocka_unit_test(a_port_without_listener_refuses),
    cmocka_unit_test(a_wire_that_is_freed_ends_its_links),
    cmocka_unit_test(a_close_may_come_just_before_the_end),
    cmocka_unit_test(many_messages_go_both_ways_with_nothing_lost),
    cmocka_unit_test(a_message_is_received_or_undeliverable_when_links_close_under_way),
    cmocka_unit_test(a_message_is_told_at_most_once_when_the_connection_breaks_under_way),
  };
  int failed = cmocka_run_group_tests_name("TCP", tests, NULL, NULL);
  return failed + cmocka_run_group_tests_name("UDP", on_udp, over_udp, NULL);
}
