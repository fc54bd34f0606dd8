#include "transport/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "base/clock.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define MUCH ((size_t)8 * 1024 * 1024)
#define ANYTHING 12345 /* no error of anyone's */

/* ---- a wire under test ---------------------------------------------------------------------- */

struct end {
  struct th_channel *channel;
  struct th_loop *loop;
  struct th_buffer received;
  size_t wanted; /* stops the loop when so much was received */
  unsigned opened;
  unsigned written;
  unsigned closed;
  int error;
  bool close_at_open;
  bool close_at_data;
};

struct bench {
  struct th_loop *loop;
  struct th_wire *wire;
  struct end server; /* the accepted channel */
  struct end client; /* the one that connects */
  unsigned accepted;
  bool unwanted; /* leaves accepted channels without events */
};

static void on_opened(void *user) {
  struct end *end = user;
  end->opened++;
  if (end->close_at_open) end->channel->ops->close(end->channel, 0);
  th_loop_stop(end->loop);
}

static void on_received(void *user, const unsigned char *data, size_t size) {
  struct end *end = user;
  th_buffer_append(&end->received, data, size);
  if (end->close_at_data) end->channel->ops->close(end->channel, 0);
  if (end->received.size >= end->wanted) th_loop_stop(end->loop);
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
                                                NULL};

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

static void set_up(struct bench *bench) {
  *bench = (struct bench){0};
  assert_int_equal(th_loop_new(&bench->loop), 0);
  assert_int_equal(th_tcp_new(bench->loop, &bench->wire), 0);
  bench->server.loop = bench->client.loop = bench->loop;
  bench->server.error = bench->client.error = ANYTHING;
  assert_int_equal(bench->wire->ops->listen(bench->wire, LOCALHOST, 0, on_accept, bench), 0);
}

static void tear_down(struct bench *bench) {
  bench->wire->ops->free(bench->wire);
  th_loop_free(bench->loop);
  th_buffer_clear(&bench->server.received);
  th_buffer_clear(&bench->client.received);
}

/* Turns the loop until *count is that much; a test that waits in vain is ended by its runner. */
static void run_until(struct bench *bench, const unsigned *count, unsigned wanted) {
  while (*count < wanted) th_loop_run(bench->loop, TH_FOREVER);
}

static void run_until_received(struct bench *bench, struct end *end, size_t wanted) {
  end->wanted = wanted;
  while (end->received.size < wanted) th_loop_run(bench->loop, TH_FOREVER);
}

static uint16_t port_of(const struct bench *bench) {
  return bench->wire->ops->port(bench->wire);
}

static void connect_client(struct bench *bench) {
  assert_int_equal(bench->wire->ops->connect(bench->wire, LOCALHOST, port_of(bench), &events,
                                             &bench->client, &bench->client.channel),
                   0);
}

static void connect_both(struct bench *bench) {
  connect_client(bench);
  run_until(bench, &bench->client.opened, 1);
  run_until(bench, &bench->accepted, 1);
}

static void send_text(struct end *end, const char *text) {
  end->channel->ops->send(end->channel, text, strlen(text));
}

static void close_end(struct end *end, int flush) {
  end->channel->ops->close(end->channel, flush);
}

/* ---- plain sockets, for what a channel would not do ----------------------------------------- */

static struct sockaddr_in place(uint16_t port) {
  return (struct sockaddr_in){
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOCALHOST)};
}

static int plain_connect(uint16_t port) {
  struct sockaddr_in address = place(port);
  int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(plain >= 0);
  assert_int_equal(connect(plain, (struct sockaddr *)&address, sizeof address), 0);
  return plain;
}

/* Takes a port on which nobody listens: the socket keeps others from it. */
static int plain_bind(uint16_t *port) {
  struct sockaddr_in address = place(0);
  socklen_t size = sizeof address;
  int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(plain >= 0);
  assert_int_equal(bind(plain, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(getsockname(plain, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return plain;
}

static unsigned char *pattern(size_t size) {
  unsigned char *data = malloc(size);
  assert_non_null(data);
  for (size_t i = 0; i < size; i++) data[i] = (unsigned char)((i * 31) ^ (i >> 9));
  return data;
}

/* ---- listening and connecting --------------------------------------------------------------- */

static void bytes_go_both_ways(void **state) {
  (void)state;
  struct bench bench;
  char peer[TH_WIRE_PEER_SIZE];
  set_up(&bench);
  connect_both(&bench);
  send_text(&bench.client, "hello, world");
  run_until_received(&bench, &bench.server, 12);
  send_text(&bench.server, "hello, client");
  run_until_received(&bench, &bench.client, 13);
  assert_memory_equal(bench.server.received.data, "hello, world", 12);
  assert_memory_equal(bench.client.received.data, "hello, client", 13);
  bench.client.channel->ops->peer(bench.client.channel, peer);
  char expected[TH_WIRE_PEER_SIZE];
  snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(&bench));
  assert_string_equal(peer, expected);
  bench.server.channel->ops->peer(bench.server.channel, peer);
  assert_memory_equal(peer, "127.0.0.1:", 10);
  assert_string_not_equal(peer, expected);
  tear_down(&bench);
}

static void port_zero_takes_a_free_one_and_tells(void **state) {
  (void)state;
  struct bench bench;
  struct th_wire *idle;
  set_up(&bench);
  assert_int_not_equal(port_of(&bench), 0);
  assert_int_equal(th_tcp_new(bench.loop, &idle), 0);
  assert_int_equal(idle->ops->port(idle), 0);
  idle->ops->free(idle);
  tear_down(&bench);
}

static void a_port_in_use_is_an_error_of_listen(void **state) {
  (void)state;
  struct bench bench;
  struct th_wire *second;
  set_up(&bench);
  assert_int_equal(th_tcp_new(bench.loop, &second), 0);
  assert_int_equal(second->ops->listen(second, LOCALHOST, port_of(&bench), on_accept, &bench),
                   -EADDRINUSE);
  assert_int_equal(second->ops->port(second), 0);
  assert_int_equal(second->ops->listen(second, LOCALHOST, 0, on_accept, &bench), 0);
  assert_int_not_equal(second->ops->port(second), port_of(&bench));
  connect_both(&bench); /* the first one still listens */
  second->ops->free(second);
  tear_down(&bench);
}

static void an_address_of_others_is_an_error_of_listen(void **state) {
  (void)state;
  struct bench bench;
  struct th_wire *second;
  set_up(&bench);
  assert_int_equal(th_tcp_new(bench.loop, &second), 0);
  assert_int_equal(second->ops->listen(second, 0xc0000201, 0, on_accept, &bench), -EADDRNOTAVAIL);
  second->ops->free(second);
  tear_down(&bench);
}

static void a_refused_connect_is_told_by_closed(void **state) {
  (void)state;
  struct bench bench;
  uint16_t port;
  int taken = plain_bind(&port);
  set_up(&bench);
  assert_int_equal(bench.wire->ops->connect(bench.wire, LOCALHOST, port, &events, &bench.client,
                                            &bench.client.channel),
                   0);
  send_text(&bench.client, "in vain");
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, -ECONNREFUSED);
  assert_int_equal(bench.client.opened, 0);
  close(taken);
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
  assert_int_equal(
    bench.wire->ops->connect(bench.wire, LOCALHOST, port_of(&bench), &events, &late, &late.channel),
    0);
  run_until(&bench, &late.closed, 1);
  assert_int_equal(late.error, -ECONNREFUSED);
  assert_int_equal(late.opened, 0);
  assert_int_equal(bench.accepted, 1);
  assert_ptr_equal(bench.client.channel, open);
  send_text(&bench.client, "still there");
  run_until_received(&bench, &bench.server, 11);
  tear_down(&bench);
}

static void what_is_sent_before_opened_leaves_after(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_client(&bench);
  send_text(&bench.client, "early ");
  send_text(&bench.client, "bird");
  run_until_received(&bench, &bench.server, 10);
  assert_memory_equal(bench.server.received.data, "early bird", 10);
  tear_down(&bench);
}

static void a_channel_may_be_closed_before_it_is_open(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_client(&bench);
  close_end(&bench.client, 1);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, 0);
  assert_int_equal(bench.client.opened, 0);
  tear_down(&bench);
}

static void a_channel_may_be_closed_in_its_events(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  bench.client.close_at_open = true;
  connect_client(&bench);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, 0);
  run_until(&bench, &bench.server.closed, 1);
  bench.accepted = bench.client.closed = bench.client.opened = 0;
  bench.client.close_at_open = false;
  bench.server.close_at_data = true;
  bench.server.closed = 0;
  connect_both(&bench);
  send_text(&bench.client, "bye");
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, 0);
  tear_down(&bench);
}

static void an_accepted_channel_that_nobody_wants_is_closed(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  bench.unwanted = true;
  connect_client(&bench);
  run_until(&bench, &bench.client.closed, 1);
  assert_int_equal(bench.client.error, TH_WIRE_EOF);
  tear_down(&bench);
}

/* ---- much data ------------------------------------------------------------------------------ */

static void much_arrives_whole_and_in_order(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  connect_both(&bench);
  const struct th_wire_ops *ops = bench.client.channel->ops;
  ops->send(bench.client.channel, data, MUCH / 2);
  ops->send(bench.client.channel, data + MUCH / 2, MUCH / 2);
  assert_true(ops->unsent(bench.client.channel) > 0);
  run_until(&bench, &bench.client.written, 1);
  assert_int_equal(ops->unsent(bench.client.channel), 0);
  run_until_received(&bench, &bench.server, MUCH);
  assert_int_equal(bench.server.received.size, MUCH);
  assert_memory_equal(bench.server.received.data, data, MUCH);
  assert_int_equal(bench.client.written, 1);
  free(data);
  tear_down(&bench);
}

static void what_leaves_at_once_makes_no_written(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  send_text(&bench.client, "short");
  assert_int_equal(bench.client.channel->ops->unsent(bench.client.channel), 0);
  run_until_received(&bench, &bench.server, 5);
  assert_int_equal(bench.client.written, 0);
  tear_down(&bench);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void a_flushing_close_lets_all_leave_first(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  connect_both(&bench);
  bench.client.channel->ops->send(bench.client.channel, data, MUCH);
  close_end(&bench.client, 1);
  close_end(&bench.client, 1); /* once more changes nothing */
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.received.size, MUCH);
  assert_memory_equal(bench.server.received.data, data, MUCH);
  assert_int_equal(bench.server.error, TH_WIRE_EOF);
  uint64_t ended = th_clock_now();
  run_until(&bench, &bench.client.closed, 1);
  assert_true(th_clock_now() - ended < TH_SECOND); /* it did not run out of patience */
  assert_int_equal(bench.client.error, 0);
  assert_int_equal(bench.client.written, 0);
  free(data);
  tear_down(&bench);
}

static size_t least(size_t one, size_t other) {
  return one < other ? one : other;
}

/* Reads so much, turning the loop, or what there is to the end. */
static size_t plain_read(struct bench *bench, int plain, size_t wanted) {
  unsigned char bytes[4096];
  size_t size = 0;
  while (size < wanted) {
    ssize_t more = recv(plain, bytes, least(wanted - size, sizeof bytes), MSG_DONTWAIT);
    if (more == 0) break;
    if (more > 0) {
      size += (size_t)more;
    } else {
      assert_int_equal(errno, EAGAIN);
      th_loop_run(bench->loop, 0);
    }
  }
  return size;
}

/* If the socket were closed as soon as the system has taken all, whatever still came would reset
 * the connection, and the system would drop what it has not delivered. */
static void a_flushing_close_is_not_torn_by_what_still_comes(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  int plain = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  bench.server.channel->ops->send(bench.server.channel, data, MUCH);
  close_end(&bench.server, 1);
  size_t size = plain_read(&bench, plain, MUCH - 65536);
  for (int i = 0; i < 10; i++) {
    th_loop_run(bench.loop, 0);
    assert_int_equal(send(plain, "but wait", 8, MSG_NOSIGNAL), 8);
  }
  size += plain_read(&bench, plain, MUCH);
  assert_int_equal(size, MUCH);
  close(plain);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, 0);
  assert_int_equal(bench.server.received.size, 0); /* closed is closed */
  free(data);
  tear_down(&bench);
}

/* Else the other side's end would not be seen. */
static void a_flushing_close_ends_a_pause(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  int plain = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  bench.server.channel->ops->pause(bench.server.channel, true);
  uint64_t before = th_clock_now();
  close_end(&bench.server, 1);
  close(plain);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, 0);
  assert_true(th_clock_now() - before < TH_SECOND);
  tear_down(&bench);
}

static void a_flushing_close_does_not_wait_for_ever(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  int deaf = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  bench.server.channel->ops->send(bench.server.channel, data, MUCH);
  close_end(&bench.server, 1);
  uint64_t before = th_clock_now();
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, 0);
  assert_true(th_clock_now() - before > TH_SECOND); /* but it did wait */
  close(deaf);
  free(data);
  tear_down(&bench);
}

static void a_second_close_ends_the_flushing(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  int deaf = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  bench.server.channel->ops->send(bench.server.channel, data, MUCH);
  close_end(&bench.server, 1);
  close_end(&bench.server, 0);
  assert_int_equal(bench.server.channel->ops->unsent(bench.server.channel), SIZE_MAX);
  assert_int_equal(bench.server.closed, 0); /* never from within */
  assert_int_equal(th_loop_run(bench.loop, th_clock_after(TH_SECOND)), 0);
  assert_int_equal(bench.server.closed, 1);
  close(deaf);
  free(data);
  tear_down(&bench);
}

static void a_reset_is_told_by_closed(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  int rude = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  struct linger now = {1, 0};
  assert_int_equal(setsockopt(rude, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  close(rude);
  run_until(&bench, &bench.server.closed, 1);
  assert_int_equal(bench.server.error, -ECONNRESET);
  tear_down(&bench);
}

/* Also: without care, SIGPIPE would end this program. */
static void writing_to_what_is_gone_ends_the_channel_once(void **state) {
  (void)state;
  struct bench bench;
  unsigned char *data = pattern(MUCH);
  set_up(&bench);
  int rude = plain_connect(port_of(&bench));
  run_until(&bench, &bench.accepted, 1);
  bench.server.channel->ops->send(bench.server.channel, data, MUCH);
  bench.server.channel->ops->send(bench.server.channel, data, MUCH);
  close(rude);
  run_until(&bench, &bench.server.closed, 1);
  assert_true(bench.server.error < 0);
  assert_int_equal(bench.server.written, 0);
  free(data);
  tear_down(&bench);
  assert_int_equal(bench.server.closed, 1);
}

static void freeing_the_wire_closes_what_it_made(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  connect_both(&bench);
  tear_down(&bench);
  assert_int_equal(bench.server.closed, 1);
  assert_int_equal(bench.client.closed, 1);
  assert_int_equal(bench.server.error, 0);
  assert_int_equal(bench.client.error, 0);
}

/* ---- no descriptors ------------------------------------------------------------------------- */

/* From here on the process can open nothing. Gives what it could before. */
static struct rlimit take_descriptors(void) {
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = fcntl(0, F_DUPFD_CLOEXEC, 0);
  assert_true(next >= 0);
  close(next);
  struct rlimit none = {(rlim_t)next, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  return before;
}

static void give_descriptors(struct rlimit limit) {
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static bool has_ended(int plain) {
  char byte;
  ssize_t size = recv(plain, &byte, 1, MSG_DONTWAIT);
  return size == 0 || (size < 0 && errno != EAGAIN);
}

static void connections_past_the_descriptors_are_dropped_and_later_ones_taken(void **state) {
  (void)state;
  struct bench bench;
  int plain[3];
  set_up(&bench);
  for (int i = 0; i < 3; i++) plain[i] = plain_connect(port_of(&bench));
  struct rlimit before = take_descriptors();
  for (int i = 0; i < 3; i++)
    while (!has_ended(plain[i])) th_loop_run(bench.loop, 0);
  give_descriptors(before);
  assert_int_equal(bench.accepted, 0);
  connect_both(&bench);
  for (int i = 0; i < 3; i++) close(plain[i]);
  tear_down(&bench);
}

/* libuv keeps one descriptor to get rid of such connections with. Where another thread has snatched
 * that, it calls back without end: a loop that spins never comes back from th_loop_run. */
static void without_any_descriptor_listening_pauses_and_resumes(void **state) {
  (void)state;
  struct bench bench;
  set_up(&bench);
  uint16_t port = port_of(&bench);
  int plain = plain_connect(port);
  uv_loop_t *uv = th_loop_uv(bench.loop);
  assert_true(uv->emfile_fd >= 0);
  close(uv->emfile_fd);
  uv->emfile_fd = -1;
  int snatched = fcntl(0, F_DUPFD_CLOEXEC, 0);
  struct rlimit before = take_descriptors();
  while (!has_ended(plain)) th_loop_run(bench.loop, 0);
  give_descriptors(before);
  assert_int_equal(bench.accepted, 0);
  assert_int_equal(port_of(&bench), port);
  while (bench.client.opened == 0) { /* refused for a moment */
    connect_client(&bench);
    bench.client.closed = 0;
    while (bench.client.opened + bench.client.closed == 0) th_loop_run(bench.loop, TH_FOREVER);
  }
  run_until(&bench, &bench.accepted, 1);
  close(snatched);
  close(plain);
  tear_down(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_go_both_ways),
    cmocka_unit_test(port_zero_takes_a_free_one_and_tells),
    cmocka_unit_test(a_port_in_use_is_an_error_of_listen),
    cmocka_unit_test(an_address_of_others_is_an_error_of_listen),
    cmocka_unit_test(a_refused_connect_is_told_by_closed),
    cmocka_unit_test(who_comes_when_nobody_listens_any_more_is_refused),
    cmocka_unit_test(what_is_sent_before_opened_leaves_after),
    cmocka_unit_test(a_channel_may_be_closed_before_it_is_open),
    cmocka_unit_test(a_channel_may_be_closed_in_its_events),
    cmocka_unit_test(an_accepted_channel_that_nobody_wants_is_closed),
    cmocka_unit_test(much_arrives_whole_and_in_order),
    cmocka_unit_test(what_leaves_at_once_makes_no_written),
    cmocka_unit_test(a_flushing_close_lets_all_leave_first),
    cmocka_unit_test(a_flushing_close_is_not_torn_by_what_still_comes),
    cmocka_unit_test(a_flushing_close_ends_a_pause),
    cmocka_unit_test(a_flushing_close_does_not_wait_for_ever),
    cmocka_unit_test(a_second_close_ends_the_flushing),
    cmocka_unit_test(a_reset_is_told_by_closed),
    cmocka_unit_test(writing_to_what_is_gone_ends_the_channel_once),
    cmocka_unit_test(freeing_the_wire_closes_what_it_made),
    cmocka_unit_test(connections_past_the_descriptors_are_dropped_and_later_ones_taken),
    cmocka_unit_test(without_any_descriptor_listening_pauses_and_resumes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
