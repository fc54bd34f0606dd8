#include "transport/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "base/clock.h"
#include "transport/datagram.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define MUCH ((size_t)4 * 1024 * 1024)
#define ANYTHING 12345 /* no error of anyone's */
#define ID UINT64_C(0xfeedbeefcafe0001)

/* ---- a wire under test ---------------------------------------------------------------------- */

struct end {
  struct th_channel *channel;
  struct th_loop *loop;
  struct th_buffer received;
  struct th_buffer loose;
  unsigned opened;
  unsigned written;
  unsigned closed;
  int error;
  bool close_at_data;
  bool answers;   /* each time something comes, with a byte, from within */
  bool has_freed; /* what waited has left with such an answer, before that was told */
};

struct bench {
  struct th_loop *loop;
  struct th_wire *wire;  /* that listens */
  struct th_wire *other; /* that connects */
  struct end server;
  struct end client;
  unsigned accepted;
  unsigned complaints;
  char complaint[256];
  bool unwanted; /* leaves accepted channels without events */
};

static void on_opened(void *user) {
  struct end *end = user;
  end->opened++;
  th_loop_stop(end->loop);
}

static void take(struct end *end, struct th_buffer *buffer, const void *data, size_t size) {
  th_buffer_append(buffer, data, size);
  if (end->close_at_data) end->channel->ops->close(end->channel, 0);
  th_loop_stop(end->loop);
}

static void answer(struct end *end) {
  const struct th_wire_ops *ops = end->channel->ops;
  bool waits = ops->unsent(end->channel) != 0;
  ops->send(end->channel, "a", 1);
  if (waits && ops->unsent(end->channel) == 0) {
    end->has_freed = true;
    end->answers = false;
  }
}

static void on_received(void *user, const unsigned char *data, size_t size) {
  struct end *end = user;
  if (end->answers) answer(end);
  take(end, &end->received, data, size);
}

static void on_received_loose(void *user, const unsigned char *frames, size_t size) {
  struct end *end = user;
  take(end, &end->loose, frames, size);
}

static void on_written(void *user) {
  struct end *end = user;
  end->written++;
  th_loop_stop(end->loop);
}

static void on_closed(void *user, int error) {
  struct end *end = user;
  end->closed++;
  end->error = error;
  end->channel = NULL;
  th_loop_stop(end->loop);
}

static const struct th_channel_events events = {on_opened, on_received, on_written, on_closed,
                                                on_received_loose};

static void on_accept(void *context, struct th_channel *channel) {
  struct bench *bench = context;
  bench->accepted++;
  if (!bench->unwanted) {
    channel->events = &events;
    channel->user = &bench->server;
    bench->server.channel = channel;
  }
  th_loop_stop(bench->loop);
}

static void on_stranger(void *context, const char *words) {
  struct bench *bench = context;
  bench->complaints++;
  snprintf(bench->complaint, sizeof bench->complaint, "%s", words);
  th_loop_stop(bench->loop);
}

static void set_up(struct bench *bench) {
  *bench = (struct bench){0};
  assert_int_equal(th_loop_new(&bench->loop), 0);
  assert_int_equal(th_udp_new(bench->loop, &bench->wire), 0);
  assert_int_equal(th_udp_new(bench->loop, &bench->other), 0);
  bench->server.loop = bench->client.loop = bench->loop;
  bench->server.error = bench->client.error = ANYTHING;
  bench->wire->stranger = on_stranger;
  assert_int_equal(bench->wire->ops->listen(bench->wire, LOCALHOST, 0, on_accept, bench), 0);
}

static void tear_down(struct bench *bench) {
  bench->wire->ops->free(bench->wire);
  bench->other->ops->free(bench->other);
  th_loop_free(bench->loop);
  struct end *ends[] = {&bench->server, &bench->client};
  for (size_t i = 0; i < 2; i++) {
    th_buffer_clear(&ends[i]->received);
    th_buffer_clear(&ends[i]->loose);
  }
}

/* Turns the loop until *count is that much; a test that waits in vain is ended by its runner. */
static void run_until(struct bench *bench, const unsigned *count, unsigned wanted) {
  while (*count < wanted) th_loop_run(bench->loop, TH_FOREVER);
}

static void run_until_received(struct bench *bench, const struct th_buffer *buffer, size_t wanted) {
  while (buffer->size < wanted) th_loop_run(bench->loop, TH_FOREVER);
}

static uint16_t port_of(const struct bench *bench) {
  return bench->wire->ops->port(bench->wire);
}

static void connect_to(struct bench *bench, uint16_t port) {
  assert_int_equal(bench->other->ops->connect(bench->other, LOCALHOST, port, &events,
                                              &bench->client, &bench->client.channel),
                   0);
}

static void connect_both(struct bench *bench) {
  connect_to(bench, port_of(bench));
  run_until(bench, &bench->client.opened, 1);
  assert_int_equal(bench->accepted, 1);
}

static void send_text(struct end *end, const char *text) {
  end->channel->ops->send(end->channel, text, strlen(text));
}

static void close_end(struct end *end, int flush) {
  end->channel->ops->close(end->channel, flush);
}

static struct th_wire_counts counts_of(const struct th_wire *wire) {
  struct th_wire_counts counts;
  wire->ops->counts(wire, &counts);
  return counts;
}

static unsigned char *pattern(size_t size) {
  unsigned char *data = malloc(size);
  assert_non_null(data);
  for (size_t i = 0; i < size; i++) data[i] = (unsigned char)((i * 31) ^ (i >> 9));
  return data;
}

/* A frame: 4 bytes of size, then bytes. */
static unsigned char *frame(size_t size) {
  unsigned char *data = pattern(size);
  uint32_t follows = htonl((uint32_t)size - 4);
  memcpy(data, &follows, sizeof follows);
  return data;
}

/* ---- plain sockets, for what a channel would not do ----------------------------------------- */

static struct sockaddr_in place(uint16_t port) {
  return (struct sockaddr_in){
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOCALHOST)};
}

static int plain_bind(uint16_t *port) {
  struct sockaddr_in address = place(0);
  socklen_t size = sizeof address;
  int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(plain >= 0);
  assert_int_equal(bind(plain, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(plain, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return plain;
}

static void plain_send(int plain, uint16_t port, const void *data, size_t size) {
  struct sockaddr_in address = place(port);
  assert_int_equal(sendto(plain, data, size, 0, (struct sockaddr *)&address, sizeof address),
                   (ssize_t)size);
}

static size_t plain_say(int plain, uint16_t port, struct th_datagram datagram) {
  unsigned char bytes[256];
  size_t size = th_datagram_head(&datagram, bytes);
  if (datagram.size != 0) memcpy(bytes + size, datagram.bytes, datagram.size);
  plain_send(plain, port, bytes, size + datagram.size);
  return size + datagram.size;
}

/* Turns the loop until something has come. */
static size_t plain_hear(struct bench *bench, int plain, struct th_datagram *datagram,
                         uint16_t *port) {
  static unsigned char bytes[65536];
  struct sockaddr_in from;
  socklen_t from_size = sizeof from;
  for (;;) {
    ssize_t size = recvfrom(plain, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
                            &from_size);
    if (size >= 0) {
      assert_int_equal(th_datagram_read(datagram, bytes, (size_t)size), 0);
      if (port != NULL) *port = ntohs(from.sin_port);
      return (size_t)size;
    }
    assert_int_equal(errno, EAGAIN);
    th_loop_run(bench->loop, th_clock_after(TH_MILLISECOND));
  }
}

/* Opens a connection to the bench by hand. */
static int plain_open(struct bench *bench) {
  uint16_t port;
  struct th_datagram heard, open = {.type = TH_DATAGRAM_OPEN, .id = ID};
  int plain = plain_bind(&port);
  plain_say(plain, port_of(bench), open);
  plain_hear(bench, plain, &heard, NULL);
  assert_int_equal(heard.type, TH_DATAGRAM_COOKIE);
  open.cookie = heard.cookie;
  plain_say(plain, port_of(bench), open);
  plain_hear(bench, plain, &heard, NULL);
  assert_int_equal(heard.type, TH_DATAGRAM_ACCEPT);
  assert_true(heard.id == ID);
  return plain;
}

/* ---- a relay between both that loses, doubles and reorders ---------------------------------- */

#define MOST_HELD 4

struct relay {
  struct bench *bench;
  uv_poll_t front; /* what the client sends to */
  uv_poll_t back;  /* what the server sees */
  uv_timer_t release;
  int fds[2];
  struct sockaddr_in client;
  struct sockaddr_in server;
  uint16_t port;
  uint32_t random;
  unsigned drop, doubled, reorder; /* of a hundred */
  bool is_dead;
  struct held {
    bool to_client;
    size_t size;
    unsigned char bytes[65536];
  } * held[MOST_HELD];
};

static unsigned draw(struct relay *relay) {
  relay->random = relay->random * 1664525 + 1013904223;
  return (relay->random >> 8) % 100;
}

static void pass(struct relay *relay, bool to_client, const void *data, size_t size) {
  const struct sockaddr_in *to = to_client ? &relay->client : &relay->server;
  /* Fails when the other side is gone. */
  sendto(relay->fds[to_client ? 0 : 1], data, size, 0, (const struct sockaddr *)to, sizeof *to);
}

static void release_held(struct relay *relay) {
  for (size_t i = 0; i < MOST_HELD; i++) {
    if (relay->held[i] == NULL) continue;
    pass(relay, relay->held[i]->to_client, relay->held[i]->bytes, relay->held[i]->size);
    free(relay->held[i]);
    relay->held[i] = NULL;
  }
}

static void on_release(uv_timer_t *timer) {
  release_held(timer->data);
}

/* Held back until a moment later, when others have overtaken it. */
static bool hold(struct relay *relay, bool to_client, const void *data, size_t size) {
  for (size_t i = 0; i < MOST_HELD; i++) {
    if (relay->held[i] != NULL) continue;
    relay->held[i] = malloc(sizeof **relay->held);
    assert_non_null(relay->held[i]);
    relay->held[i]->to_client = to_client;
    relay->held[i]->size = size;
    memcpy(relay->held[i]->bytes, data, size);
    return true;
  }
  return false;
}

static void on_relay(uv_poll_t *poll, int status, int readable) {
  struct relay *relay = poll->data;
  bool to_client = poll == &relay->back;
  unsigned char bytes[65536];
  struct sockaddr_in from;
  socklen_t from_size = sizeof from;
  (void)readable;
  if (status != 0) return;
  ssize_t got = recvfrom(relay->fds[to_client ? 1 : 0], bytes, sizeof bytes, MSG_DONTWAIT,
                         (struct sockaddr *)&from, &from_size);
  if (got < 0 || relay->is_dead) return;
  if (!to_client) relay->client = from;
  if (draw(relay) < relay->drop) return;
  if (draw(relay) < relay->reorder && hold(relay, to_client, bytes, (size_t)got)) return;
  pass(relay, to_client, bytes, (size_t)got);
  if (draw(relay) < relay->doubled) pass(relay, to_client, bytes, (size_t)got);
}

static void set_up_relay(struct relay *relay, struct bench *bench, uint32_t seed) {
  uv_loop_t *uv = th_loop_uv(bench->loop);
  uint16_t ignored;
  *relay = (struct relay){.bench = bench, .random = seed, .server = place(port_of(bench))};
  relay->fds[0] = plain_bind(&relay->port);
  relay->fds[1] = plain_bind(&ignored);
  uv_poll_init(uv, &relay->front, relay->fds[0]);
  uv_poll_init(uv, &relay->back, relay->fds[1]);
  uv_timer_init(uv, &relay->release);
  relay->front.data = relay->back.data = relay->release.data = relay;
  uv_poll_start(&relay->front, UV_READABLE, on_relay);
  uv_poll_start(&relay->back, UV_READABLE, on_relay);
  uv_timer_start(&relay->release, on_release, 3, 3);
}

static void tear_down_relay(struct relay *relay) {
  uv_handle_t *handles[] = {(uv_handle_t *)&relay->front, (uv_handle_t *)&relay->back,
                            (uv_handle_t *)&relay->release};
  release_held(relay);
  for (size_t i = 0; i < 3; i++) uv_close(handles[i], NULL);
  th_loop_run(relay->bench->loop, 0);
  while (uv_is_active(handles[0])) th_loop_run(relay->bench->loop, 0);
  close(relay->fds[0]);
  close(relay->fds[1]);
}

/* ---- listening and connecting --------------------------------------------------------------- */

static void bytes_go_both_ways(void **state) {
  (void)state;
  struct bench bench;
  char peer[TH_WIRE_PEER_SIZE], expected[TH_WIRE_PEER_SIZE];
  set_up(&bench);
  connect_both(&bench);
  send_text(&bench.client, "hello, world");
  run_until_received(&bench, &bench.server.received, 12);
  send_text(&bench.server, "hello, client");
  run_until_received(&bench, &bench.client.received, 13);
  assert_memory_equal(bench.server.received.data, "hello, world", 12);
  assert_memory_equal(bench.client.received.data, "hello, client", 13);
  bench.client.channel->ops->peer(bench.client.channel, peer);
  snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(&bench));
  assert_string_equal(peer, expected);
  bench.server.channel->ops->peer(bench.server.channel, peer);
  assert_memory_equal(peer, "127.0.0.1:", 10);
  assert_string_not_equal(peer, expected);
  tear_down(&bench);
}

static void loose_frames_go_both_ways(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *small = frame(100), *large = frame(TH_WIRE_LOOSE);
  set_up(&bench);
  connect_both(&bench);
  const struct th_wire_ops *ops = bench.client.channel->ops;
  ops->send_loose(bench.client.channel, small, 100);
  ops->send_loose(bench.client.channel, large, TH_WIRE_LOOSE);
  run_until_received(&bench, &bench.server.loose, 100 + TH_WIRE_LOOSE);
  assert_memory_equal(bench.server.loose.data, small, 100);
  assert_memory_equal(bench.server.loose.data + 100, large, TH_WIRE_LOOSE);
  ops->send_loose(bench.server.channel, small, 100);
  run_until_received(&bench, &bench.client.loose, 100);
  assert_int_equal(bench.server.received.size + bench.client.received.size, 0);
  assert_true(counts_of(bench.wire).lost == 0 && counts_of(bench.wire).strange == 0);
  tear_down(&bench);
  free(small);
  free(large);
}

static void a_port_in_use_is_an_error_of_listen(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  const struct th_wire_ops *ops = bench.other->ops;
  assert_int_equal(ops->listen(bench.other, LOCALHOST, port_of(&bench), on_accept, &bench),
                   -EADDRINUSE);
  assert_int_equal(ops->port(bench.other), 0);
  assert_int_equal(ops->listen(bench.other, 0xc0000201, 0, on_accept, &bench), -EADDRNOTAVAIL);
  assert_int_equal(ops->listen(bench.other, LOCALHOST, 0, on_accept, &bench), 0);
  assert_int_not_equal(ops->port(bench.other), port_of(&bench));
  tear_down(&bench);
}

static void nobody_there_is_told_at_once(void **state) {
  (void)state;
  struct bench bench;
  uint16_t port;
  set_up(&bench);
  close(plain_bind(&port));
  connect_to(&bench, port);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, -ECONNREFUSED);
  assert_int_equal(bench.client.opened, 0);
  tear_down(&bench);
}

static void who_comes_when_nobody_listens_any_more_is_refused(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  struct th_channel *open = bench.client.channel;
  bench.wire->ops->stop_listening(bench.wire);
  struct end late = {.loop = bench.loop, .error = ANYTHING};
  assert_int_equal(bench.other->ops->connect(bench.other, LOCALHOST, port_of(&bench), &events,
                                             &late, &late.channel),
                   0);
  run_until(&bench, &late.closed, 1);
  assert_int_equal(late.error, -ECONNREFUSED);
  assert_int_equal(late.opened, 0);
  assert_int_equal(bench.accepted, 1);
  assert_ptr_equal(bench.client.channel, open);
  send_text(&bench.client, "still there");
  run_until_received(&bench, &bench.server.received, 11);
  tear_down(&bench);
}

static void somebody_else_there_is_told(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard;
  uint16_t port, client;
  set_up(&bench);
  int plain = plain_bind(&port);
  connect_to(&bench, port);
  plain_hear(&bench, plain, &heard, &client);
  assert_int_equal(heard.type, TH_DATAGRAM_OPEN);
  plain_send(plain, client, "what?", 5);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, TH_EPROTOCOL);
  close(plain);
  tear_down(&bench);
}

static void who_does_not_answer_is_asked_again(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram first, second;
  uint16_t port;
  set_up(&bench);
  int plain = plain_bind(&port);
  connect_to(&bench, port);
  plain_hear(&bench, plain, &first, NULL);
  plain_hear(&bench, plain, &second, NULL);
  assert_int_equal(second.type, TH_DATAGRAM_OPEN);
  assert_true(first.id == second.id);
  close_end(&bench.client, 1);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, 0);
  close(plain);
  tear_down(&bench);
}

static void an_unwanted_channel_is_closed(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  bench.unwanted = true;
  connect_to(&bench, port_of(&bench));
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, TH_WIRE_EOF);
  tear_down(&bench);
}

/* ---- who may come in ------------------------------------------------------------------------ */

static void a_stranger_gets_a_cookie_and_nothing_is_kept(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard, open = {.type = TH_DATAGRAM_OPEN, .id = ID, .cookie = 12345};
  uint16_t port;
  set_up(&bench);
  int plain = plain_bind(&port);
  for (unsigned i = 0; i < 100; i++) {
    size_t said = plain_say(plain, port_of(&bench), open);
    assert_true(plain_hear(&bench, plain, &heard, NULL) <= said);
    assert_int_equal(heard.type, TH_DATAGRAM_COOKIE);
    open.id++;
  }
  assert_int_equal(bench.accepted, 0);
  close(plain);
  tear_down(&bench);
}

/* Who forges his address never sees the cookie, and that of another does not fit. */
static void a_cookie_is_good_for_one_address_and_one_id(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard, open = {.type = TH_DATAGRAM_OPEN, .id = ID};
  uint16_t port;
  set_up(&bench);
  int one = plain_bind(&port), other = plain_bind(&port);
  plain_say(one, port_of(&bench), open);
  plain_hear(&bench, one, &heard, NULL);
  open.cookie = heard.cookie;
  plain_say(other, port_of(&bench), open);
  plain_hear(&bench, other, &heard, NULL);
  assert_int_equal(heard.type, TH_DATAGRAM_COOKIE);
  open.id++;
  plain_say(one, port_of(&bench), open);
  plain_hear(&bench, one, &heard, NULL);
  assert_int_equal(heard.type, TH_DATAGRAM_COOKIE);
  assert_int_equal(bench.accepted, 0);
  close(one);
  close(other);
  tear_down(&bench);
}

static void a_repeated_open_is_answered_and_opens_nothing_anew(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard, open = {.type = TH_DATAGRAM_OPEN, .id = ID};
  set_up(&bench);
  int plain = plain_open(&bench);
  plain_say(plain, port_of(&bench), open);
  plain_hear(&bench, plain, &heard, NULL);
  assert_int_equal(heard.type, TH_DATAGRAM_ACCEPT);
  assert_int_equal(bench.accepted, 1);
  close(plain);
  tear_down(&bench);
}

/* The id alone does not do: whoever has seen it elsewhere is not at the right address. */
static void another_address_does_not_take_part(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard;
  uint16_t port;
  set_up(&bench);
  int plain = plain_open(&bench), other = plain_bind(&port);
  struct th_datagram stream = {
    .type = TH_DATAGRAM_STREAM, .id = ID, .bytes = (const unsigned char *)"bytes", .size = 5};
  size_t said = plain_say(other, port_of(&bench), stream);
  assert_true(plain_hear(&bench, other, &heard, NULL) <= said);
  assert_int_equal(heard.type, TH_DATAGRAM_CLOSE);
  plain_say(other, port_of(&bench), (struct th_datagram){.type = TH_DATAGRAM_CLOSE, .id = ID});
  plain_say(plain, port_of(&bench), stream);
  run_until_received(&bench, &bench.server.received, 5);
  assert_int_equal(bench.server.received.size, 5);
  assert_int_equal(bench.server.closed, 0);
  close(plain);
  close(other);
  tear_down(&bench);
}

static void garbage_is_counted_and_told_now_and_then(void **state) {
  (void)state;
  struct bench bench;
  uint16_t port;
  char expected[128];
  set_up(&bench);
  connect_both(&bench);
  int plain = plain_bind(&port);
  for (unsigned i = 0; i < 100; i++) plain_send(plain, port_of(&bench), "GET / HTTP/1.1", 14);
  plain_send(plain, port_of(&bench), "", 0);
  send_text(&bench.client, "still there");
  run_until_received(&bench, &bench.server.received, 11);
  while (counts_of(bench.wire).strange < 101)
    th_loop_run(bench.loop, th_clock_after(TH_MILLISECOND));
  assert_in_range(bench.complaints, 1, 10); /* one a second */
  snprintf(expected, sizeof expected,
           "127.0.0.1:%u sent something that is not a Thespian datagram (first bytes 47 45 54 20)",
           port);
  assert_memory_equal(bench.complaint, expected, strlen(expected));
  close(plain);
  tear_down(&bench);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void a_close_is_the_end_of_the_other_side_too(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  close_end(&bench.client, 0);
  run_until(&bench, &bench.client.closed, 1);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.client.error, 0);
  assert_int_equal(bench.server.error, TH_WIRE_EOF);
  tear_down(&bench);
}

static void a_flush_lets_everything_arrive(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  connect_both(&bench);
  bench.client.channel->ops->send(bench.client.channel, data, MUCH);
  close_end(&bench.client, 1);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.received.size, MUCH);
  assert_memory_equal(bench.server.received.data, data, MUCH);
  tear_down(&bench);
  free(data);
}

/* It answers nothing more, but its kernel does not say that it is gone. */
static void a_flush_to_nobody_ends(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  int plain = plain_open(&bench);
  send_text(&bench.server, "bytes");
  close_end(&bench.server, 1);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, 0);
  close(plain);
  tear_down(&bench);
}

static void a_channel_may_be_closed_while_it_receives(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  bench.server.close_at_data = true;
  send_text(&bench.client, "one");
  send_text(&bench.client, "two");
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.server.received.size, 3);
  tear_down(&bench);
}

static void a_wire_can_be_freed_with_channels_open(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  unsigned char *data = pattern(MUCH);
  bench.client.channel->ops->send(bench.client.channel, data, MUCH);
  tear_down(&bench);
  assert_int_equal(bench.client.closed, 1);
  assert_int_equal(bench.server.closed, 1);
  free(data);
}

/* ---- who goes without a word ---------------------------------------------------------------- */

static void an_opener_that_is_gone_is_noticed_by_the_next_datagram(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  close(plain_open(&bench));
  send_text(&bench.server, "are you there?");
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, -ECONNREFUSED);
  tear_down(&bench);
}

static void an_opener_that_is_gone_is_noticed_even_when_nothing_is_sent(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  close(plain_open(&bench));
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, -ECONNREFUSED);
  tear_down(&bench);
}

/* Accepts by hand. */
static int accept_by_hand(struct bench *bench, uint16_t *client) {
  struct th_datagram heard;
  uint16_t port;
  int plain = plain_bind(&port);
  connect_to(bench, port);
  plain_hear(bench, plain, &heard, client);
  plain_say(plain, *client,
            (struct th_datagram){.type = TH_DATAGRAM_COOKIE, .id = heard.id, .cookie = 7});
  plain_hear(bench, plain, &heard, client);
  assert_int_equal(heard.type, TH_DATAGRAM_OPEN);
  assert_true(heard.cookie == 7);
  plain_say(plain, *client, (struct th_datagram){.type = TH_DATAGRAM_ACCEPT, .id = heard.id});
  run_until(bench, &bench->client.opened, 1);
  return plain;
}

static void a_listener_that_is_gone_is_noticed_even_when_nothing_is_sent(void **state) {
  (void)state;
  struct bench bench;
  uint16_t client;
  set_up(&bench);
  close(accept_by_hand(&bench, &client));
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, -ECONNREFUSED);
  tear_down(&bench);
}

static void a_listener_that_falls_silent_is_given_up(void **state) {
  (void)state;
  struct bench bench;
  uint16_t client;
  set_up(&bench);
  th_udp_set_patience(bench.other, 1);
  int plain = accept_by_hand(&bench, &client);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, -ETIMEDOUT);
  close(plain);
  tear_down(&bench);
}

/* A system that was killed and started anew does not know the connection. */
static void a_listener_that_forgot_the_connection_says_so(void **state) {
  (void)state;
  struct bench bench;
  struct th_datagram heard;
  uint16_t client;
  set_up(&bench);
  int plain = accept_by_hand(&bench, &client);
  send_text(&bench.client, "are you there?");
  do plain_hear(&bench, plain, &heard, &client);
  while (heard.type != TH_DATAGRAM_STREAM);
  plain_say(plain, client, (struct th_datagram){.type = TH_DATAGRAM_CLOSE, .id = heard.id});
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, TH_WIRE_EOF);
  close(plain);
  tear_down(&bench);
}

/* ---- much ----------------------------------------------------------------------------------- */

static void much_arrives_in_order(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  connect_both(&bench);
  bench.client.channel->ops->send(bench.client.channel, data, MUCH);
  assert_int_not_equal(bench.client.channel->ops->unsent(bench.client.channel), 0);
  run_until_received(&bench, &bench.server.received, MUCH);
  assert_memory_equal(bench.server.received.data, data, MUCH);
  run_until(&bench, &bench.client.written, 1);
  assert_int_equal(bench.client.channel->ops->unsent(bench.client.channel), 0);
  tear_down(&bench);
  free(data);
}

/* What comes makes room, but what waits leaves only with a send from within received. */
static void what_was_promised_to_be_written_is_told(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  connect_both(&bench);
  bench.server.answers = bench.client.answers = true;
  for (unsigned sent = 1; !bench.client.has_freed; sent++) { /* nearly always the first time */
    bench.client.channel->ops->send(bench.client.channel, data, MUCH);
    run_until(&bench, &bench.client.written, sent);
  }
  tear_down(&bench);
  free(data);
}

/* The loop does not turn while they are sent, as in a program that computes. */
static void many_frames_wait_for_a_reader(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = frame(1000);
  set_up(&bench);
  connect_both(&bench);
  for (unsigned i = 0; i < 3000; i++)
    bench.server.channel->ops->send_loose(bench.server.channel, data, 1000);
  run_until_received(&bench, &bench.client.loose, 3000 * 1000);
  for (unsigned i = 0; i < 3000; i++)
    assert_memory_equal(bench.client.loose.data + i * 1000, data, 1000);
  tear_down(&bench);
  free(data);
}

/* ---- a bad network -------------------------------------------------------------------------- */

static void everything_works_over_a_bad_network(void **state) {
  (void)state;
  unsigned char *data = pattern(MUCH / 8);
  for (uint32_t seed = 1; seed <= 6; seed++) {
    struct bench bench;
    struct relay relay;
    set_up(&bench);
    set_up_relay(&relay, &bench, seed);
    relay.drop = seed % 3 * 10;
    relay.doubled = seed % 2 * 20;
    relay.reorder = 10;
    connect_to(&bench, relay.port);
    run_until(&bench, &bench.client.opened, 1);
    run_until(&bench, &bench.accepted, 1);
    bench.client.channel->ops->send(bench.client.channel, data, MUCH / 8);
    bench.server.channel->ops->send(bench.server.channel, data, MUCH / 8);
    run_until_received(&bench, &bench.server.received, MUCH / 8);
    run_until_received(&bench, &bench.client.received, MUCH / 8);
    assert_int_equal(bench.accepted, 1);
    assert_memory_equal(bench.server.received.data, data, MUCH / 8);
    assert_memory_equal(bench.client.received.data, data, MUCH / 8);
    tear_down_relay(&relay);
    tear_down(&bench);
  }
  free(data);
}

/* 4 bytes of size, then a number. */
static unsigned count_ascending(const struct th_buffer *frames, unsigned *disorder) {
  unsigned count = 0;
  uint32_t last = 0;
  for (size_t at = 0; at + 8 <= frames->size; at += 8) {
    uint32_t number;
    memcpy(&number, frames->data + at + 4, sizeof number);
    if (number <= last) ++*disorder;
    last = number;
    count++;
  }
  return count;
}

static void what_a_network_loses_is_counted(void **state) {
  (void)state;
  struct bench bench;
  struct relay relay;
  unsigned disorder = 0;
  set_up(&bench);
  set_up_relay(&relay, &bench, 9);
  connect_to(&bench, relay.port);
  run_until(&bench, &bench.client.opened, 1);
  relay.drop = 20;
  relay.doubled = 20;
  relay.reorder = 10;
  for (uint32_t number = 1; number <= 200; number++) {
    uint32_t small[2] = {htonl(4), number};
    bench.client.channel->ops->send_loose(bench.client.channel, small, sizeof small);
  }
  send_text(&bench.client, "that was all"); /* which tells how many there were */
  run_until_received(&bench, &bench.server.received, 12);
  unsigned count = count_ascending(&bench.server.loose, &disorder);
  assert_int_equal(disorder, 0);
  assert_in_range(count, 1, 199);
  assert_int_equal(counts_of(bench.wire).lost, 200 - count);
  relay.drop = relay.doubled = relay.reorder = 0;
  while (counts_of(bench.other).lost != 200 - count) /* the sender hears of it */
    th_loop_run(bench.loop, th_clock_after(TH_MILLISECOND));
  tear_down_relay(&relay);
  tear_down(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_go_both_ways),
    cmocka_unit_test(loose_frames_go_both_ways),
    cmocka_unit_test(a_port_in_use_is_an_error_of_listen),
    cmocka_unit_test(nobody_there_is_told_at_once),
    cmocka_unit_test(who_comes_when_nobody_listens_any_more_is_refused),
    cmocka_unit_test(somebody_else_there_is_told),
    cmocka_unit_test(who_does_not_answer_is_asked_again),
    cmocka_unit_test(an_unwanted_channel_is_closed),
    cmocka_unit_test(a_stranger_gets_a_cookie_and_nothing_is_kept),
    cmocka_unit_test(a_cookie_is_good_for_one_address_and_one_id),
    cmocka_unit_test(a_repeated_open_is_answered_and_opens_nothing_anew),
    cmocka_unit_test(another_address_does_not_take_part),
    cmocka_unit_test(garbage_is_counted_and_told_now_and_then),
    cmocka_unit_test(a_close_is_the_end_of_the_other_side_too),
    cmocka_unit_test(a_flush_lets_everything_arrive),
    cmocka_unit_test(a_flush_to_nobody_ends),
    cmocka_unit_test(a_channel_may_be_closed_while_it_receives),
    cmocka_unit_test(a_wire_can_be_freed_with_channels_open),
    cmocka_unit_test(an_opener_that_is_gone_is_noticed_by_the_next_datagram),
    cmocka_unit_test(an_opener_that_is_gone_is_noticed_even_when_nothing_is_sent),
    cmocka_unit_test(a_listener_that_is_gone_is_noticed_even_when_nothing_is_sent),
    cmocka_unit_test(a_listener_that_falls_silent_is_given_up),
    cmocka_unit_test(a_listener_that_forgot_the_connection_says_so),
    cmocka_unit_test(much_arrives_in_order),
    cmocka_unit_test(what_was_promised_to_be_written_is_told),
    cmocka_unit_test(many_frames_wait_for_a_reader),
    cmocka_unit_test(everything_works_over_a_bad_network),
    cmocka_unit_test(what_a_network_loses_is_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
