/* sim_wire: wires, their channels, and what arrives on them, as transport/wire.h has it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_inside.h"

#define FLUSH_TIME (2 * TH_SECOND)
#define OVERTAKES 30 /* of 1000 loose frames */

static struct end *other(const struct end *end) {
  return end->connection->ends[1 - end->side];
}

/* ---- an end's life ---- */

static void unref_wire(struct wire *wire) {
  struct wire **place = &sim_net()->wires;
  if (--wire->references > 0) return;
  while (*place != wire) place = &(*place)->next;
  *place = wire->next;
  free(wire);
}

static void leave_connection(struct end *end) {
  struct connection *connection = end->connection;
  struct connection **place = &sim_net()->connections;
  connection->ends[end->side] = NULL;
  if (connection->ends[1 - end->side] != NULL) return;
  for (int side = 0; side < 2; side++)
    sim_pipe_drop(&connection->pipes[side], &connection->pipes[side].first);
  while (*place != connection) place = &(*place)->next;
  *place = connection->next;
  free(connection);
}

static void on_closed(struct sim_item *item) {
  struct end *end = sim_end_of_act(item);
  struct wire *wire = end->wire;
  struct end **place = &wire->ends;
  while (*place != end) place = &(*place)->next;
  *place = end->next;
  leave_connection(end);
  sim_trace("closed %s %d", end->peer, end->error);
  if (end->channel.events != NULL) end->channel.events->closed(end->channel.user, end->error);
  free(end);
  unref_wire(wire);
}

/* The last word to the other side: who has not read all is not polite. */
static void part(struct end *end, bool has_unread, bool is_torn) {
  struct connection *connection = end->connection;
  unsigned to = 1 - end->side;
  if (!connection->is_made || sim_end_is_gone(other(end))) return;
  if (has_unread && !connection->is_udp)
    sim_pipe_reset(connection, to);
  else if (end->state != FLUSHING || is_torn) /* else it has said so */
    sim_pipe_append(connection, to, FIN, NULL, 0);
}

void sim_end_finish(struct end *end, int error, bool is_quiet) {
  struct connection *connection = end->connection;
  struct pipe *in = &connection->pipes[end->side];
  if (end->state == CLOSING) return;
  end->error = end->state == FLUSHING ? 0 : error; /* who flushes has closed already */
  bool has_unread = in->bytes > 0;
  bool is_torn = sim_pipe_truncate(&connection->pipes[1 - end->side]);
  if (!is_quiet) part(end, has_unread, is_torn);
  end->state = CLOSING;
  sim_pipe_drop(in, &in->first);
  sim_pipe_schedule(connection, end->side);
  sim_pipe_schedule(connection, 1 - end->side);
  sim_item_cancel(&end->patience);
  sim_item_cancel(&end->written);
  sim_item_at(&end->act, sim_end_loop(end), sim_now(), on_closed);
}

static struct end *new_end(struct wire *wire, struct connection *connection, unsigned side,
                           uint32_t ip, uint16_t port) {
  struct end *end = th_new(struct end);
  struct in_addr network = {.s_addr = htonl(ip)};
  char text[INET_ADDRSTRLEN];
  snprintf(end->peer, sizeof end->peer, "%s:%u", inet_ntop(AF_INET, &network, text, sizeof text),
           port);
  end->wire = wire;
  end->connection = connection;
  end->side = side;
  end->next = wire->ends;
  wire->ends = end;
  wire->references++;
  connection->ends[side] = end;
  connection->hosts[side] = wire->host;
  return end;
}

/* ---- what arrives ---- */

static void on_written(struct sim_item *item) {
  struct end *end = (struct end *)(void *)((char *)item - offsetof(struct end, written));
  if (end->state == FLUSHING) {
    end->shut = true;
    if (end->ended) sim_end_finish(end, 0, false);
  } else if (end->state == OPEN && end->channel.events->written != NULL) {
    end->channel.events->written(end->channel.user);
  }
}

/* Bytes have been taken out of a pipe: its sender may go on. */
static void make_room(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct end *sender = connection->ends[1 - to];
  if (!pipe->is_waited_for || sim_end_is_gone(sender) || sim_pipe_excess(pipe) > 0) return;
  pipe->is_waited_for = false;
  sim_item_at(&sender->written, sim_end_loop(sender), sim_after(sim_pipe_delay()), on_written);
}

static void take_fin(struct end *end) {
  end->ended = true;
  if (end->state == OPEN || end->shut) sim_end_finish(end, TH_WIRE_EOF, false);
}

static void take(struct end *end, const struct segment *segment) {
  const struct th_channel_events *events = end->channel.events;
  static const char *const kinds[] = {"bytes", "loose bytes", "bytes: the end", "bytes: a reset"};
  sim_trace("from %s: %zu %s", end->peer, segment->size, kinds[segment->kind]);
  switch (segment->kind) {
  case DATA:
    if (end->state == OPEN) events->received(end->channel.user, segment->data, segment->size);
    break;
  case LOOSE:
    if (end->state == OPEN && events->received_loose != NULL)
      events->received_loose(end->channel.user, segment->data, segment->size);
    break;
  case FIN:
    take_fin(end);
    break;
  case RESET:
    sim_end_finish(end, -ECONNRESET, true);
    break;
  }
}

/* An end that closes drops what is in its pipe; it goes only with a later item. */
void sim_wire_arrival(struct sim_item *item) {
  struct pipe *pipe = (struct pipe *)(void *)((char *)item - offsetof(struct pipe, arrive));
  struct connection *connection = pipe->connection;
  unsigned to = pipe == &connection->pipes[1];
  struct end *end = connection->ends[to];
  struct segment *segment = sim_pipe_take(pipe, &pipe->first);
  sim_pipe_schedule(connection, to); /* first: the end may change it */
  take(end, segment);
  free(segment);
  make_room(connection, to);
}

/* ---- sending ---- */

static void wire_send(struct th_channel *channel, const void *data, size_t size) {
  struct end *end = (struct end *)channel;
  const unsigned char *place = data;
  while (size > 0 && end->state <= OPEN) {
    size_t slice = sim_chance(500) ? size : (size_t)sim_between(1, size);
    sim_pipe_put(end->connection, 1 - end->side, DATA, place, slice);
    place += slice;
    size -= slice;
  }
  struct pipe *pipe = &end->connection->pipes[1 - end->side];
  if (end->state <= OPEN && sim_pipe_excess(pipe) > 0) pipe->is_waited_for = true;
}

static size_t wire_unsent(const struct th_channel *channel) {
  const struct end *end = (const struct end *)channel;
  if (end->state == CLOSING) return SIZE_MAX;
  return sim_pipe_excess(&end->connection->pipes[1 - end->side]);
}

static void lose(struct end *end) {
  struct end *to = other(end);
  sim_net()->lost++;
  end->wire->lost++;
  if (to != NULL) to->wire->lost++;
  sim_trace("lost, to %s", end->peer);
}

static void send_frame(struct end *end, const unsigned char *frame, size_t size) {
  unsigned to = 1 - end->side;
  struct pipe *pipe = &end->connection->pipes[to];
  if (sim_pipe_is_stalled(end->connection, to) || sim_chance(sim_net()->losses)) {
    lose(end);
    return;
  }
  sim_pipe_put(end->connection, to, LOOSE, frame, size);
  if (sim_chance(OVERTAKES)) {
    sim_pipe_overtake(pipe);
    sim_pipe_schedule(end->connection, to);
  }
}

/* Frames begin with their size, in four bytes. */
static void wire_send_loose(struct th_channel *channel, const void *frames, size_t size) {
  struct end *end = (struct end *)channel;
  const unsigned char *at = frames, *stop = at + size;
  while (at < stop && end->state == OPEN) {
    size_t frame = 4 + ((size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3]);
    send_frame(end, at, frame);
    at += frame;
  }
}

/* ---- closing and pausing ---- */

static void wire_pause(struct th_channel *channel, bool is_paused) {
  struct end *end = (struct end *)channel;
  if (end->state != OPEN || end->is_paused == is_paused) return;
  end->is_paused = is_paused;
  sim_pipe_schedule(end->connection, end->side);
}

static void on_impatient(struct sim_item *item) {
  struct end *end = (struct end *)(void *)((char *)item - offsetof(struct end, patience));
  sim_end_finish(end, 0, false);
}

static void flush(struct end *end) {
  struct pipe *out = &end->connection->pipes[1 - end->side];
  end->state = FLUSHING;
  sim_pipe_put(end->connection, 1 - end->side, FIN, NULL, 0);
  end->shut = sim_pipe_excess(out) == 0;
  out->is_waited_for = !end->shut;
  sim_item_at(&end->patience, sim_end_loop(end), sim_after(FLUSH_TIME), on_impatient);
  if (end->connection->is_udp && end->shut) sim_end_finish(end, 0, true);
}

static void wire_close(struct th_channel *channel, int with_flush) {
  struct end *end = (struct end *)channel;
  if (with_flush) wire_pause(channel, false);
  if (end->state == OPEN && with_flush)
    flush(end);
  else if (end->state != FLUSHING || !with_flush)
    sim_end_finish(end, 0, false);
}

static void wire_peer(const struct th_channel *channel, char *out) {
  memcpy(out, ((const struct end *)channel)->peer, TH_WIRE_PEER_SIZE);
}

/* ---- connecting ---- */

static struct wire *find_listener(uint32_t ip, uint16_t port, bool is_udp) {
  for (struct wire *wire = sim_net()->wires; wire != NULL; wire = wire->next)
    if (wire->ip == ip && wire->port == port && wire->is_udp == is_udp && !wire->is_free &&
        !wire->is_deaf && !sim_net()->hosts[wire->host].is_dead)
      return wire;
  return NULL;
}

static const struct th_wire_ops tcp_ops, udp_ops;

static void on_accept(struct sim_item *item) {
  struct end *end = sim_end_of_act(item);
  if (!end->wire->is_deaf) end->wire->accept(end->wire->context, &end->channel);
  if (end->channel.events == NULL) sim_end_finish(end, 0, false);
}

static void meet(struct end *end, struct wire *listener) {
  struct connection *connection = end->connection;
  struct end *accepted = new_end(listener, connection, 1, sim_net_ip(end->wire->host),
                                 ++sim_net()->hosts[end->wire->host].last_port);
  accepted->channel.ops = end->channel.ops;
  accepted->state = end->state = OPEN;
  connection->is_made = true;
  sim_item_at(&accepted->act, listener->loop, sim_now(), on_accept);
  sim_pipe_resume(connection, 1);
  sim_trace("connected to %s", end->peer);
  end->channel.events->opened(end->channel.user);
}

/* What is lost is sent again after a pause that doubles. */
static void attempt(struct sim_item *item) {
  struct end *end = sim_end_of_act(item);
  const struct connection *connection = end->connection;
  unsigned from = end->wire->host, to = (unsigned)(connection->ip - sim_net_ip(0));
  const struct host *hosts = sim_net()->hosts;
  bool is_host = to < sim_net()->host_count;
  struct wire *listener = find_listener(connection->ip, connection->port, connection->is_udp);
  if (hosts[from].is_dead) {
    sim_end_finish(end, -ENETUNREACH, true);
  } else if (is_host && hosts[to].is_up && !hosts[from].cut[to] && !hosts[to].cut[from]) {
    if (listener != NULL)
      meet(end, listener);
    else
      sim_end_finish(end, -ECONNREFUSED, true);
  } else if (sim_now() >= end->give_up) {
    sim_end_finish(end, -ETIMEDOUT, true);
  } else {
    sim_item_at(&end->act, sim_end_loop(end), sim_after(end->pause), attempt);
    end->pause *= 2;
  }
}

static int wire_connect(struct th_wire *base, uint32_t ip, uint16_t port,
                        const struct th_channel_events *events, void *user,
                        struct th_channel **out) {
  struct wire *wire = (struct wire *)base;
  struct connection *connection = th_new(struct connection);
  struct end *end = new_end(wire, connection, 0, ip, port);
  for (int side = 0; side < 2; side++) {
    connection->pipes[side].connection = connection;
    connection->pipes[side].last = &connection->pipes[side].first;
  }
  connection->ip = ip;
  connection->port = port;
  connection->is_udp = wire->is_udp;
  connection->hosts[1] = (unsigned)(ip - sim_net_ip(0)) % sim_net()->host_count;
  connection->next = sim_net()->connections;
  sim_net()->connections = connection;
  end->channel = (struct th_channel){base->ops, events, user};
  end->give_up = sim_after(sim_between(3, 20) * TH_SECOND);
  end->pause = TH_SECOND;
  sim_item_at(&end->act, wire->loop, sim_after(sim_pipe_delay() + sim_pipe_delay()), attempt);
  *out = &end->channel;
  return 0;
}

/* ---- wires ---- */

static int wire_listen(struct th_wire *base, uint32_t ip, uint16_t port, th_wire_accept *accept,
                       void *context) {
  struct wire *wire = (struct wire *)base;
  if (port == 0) port = ++sim_net()->hosts[wire->host].last_port;
  if (ip != sim_net_ip(wire->host)) return -EADDRNOTAVAIL;
  if (find_listener(ip, port, wire->is_udp) != NULL) return -EADDRINUSE;
  wire->ip = ip;
  wire->port = port;
  wire->accept = accept;
  wire->context = context;
  return 0;
}

static void wire_stop_listening(struct th_wire *base) {
  ((struct wire *)base)->is_deaf = true;
}

static uint16_t wire_port(const struct th_wire *base) {
  return ((const struct wire *)base)->port;
}

static void wire_counts(const struct th_wire *base, struct th_wire_counts *counts) {
  *counts = (struct th_wire_counts){.lost = ((const struct wire *)base)->lost};
}

static void wire_free(struct th_wire *base) {
  struct wire *wire = (struct wire *)base;
  wire->is_free = true;
  for (struct end *end = wire->ends; end != NULL; end = end->next) sim_end_finish(end, 0, false);
  unref_wire(wire);
}

#define COMMON_OPS                                                                                 \
  .listen = wire_listen, .stop_listening = wire_stop_listening, .port = wire_port,                 \
  .connect = wire_connect, .send = wire_send, .unsent = wire_unsent, .pause = wire_pause,          \
  .close = wire_close, .peer = wire_peer, .counts = wire_counts, .free = wire_free

static const struct th_wire_ops tcp_ops = {COMMON_OPS};
static const struct th_wire_ops udp_ops = {COMMON_OPS, .send_loose = wire_send_loose};

static int new_wire(struct th_loop *loop, bool is_udp, struct th_wire **out) {
  struct wire *wire = th_new(struct wire);
  wire->wire.ops = is_udp ? &udp_ops : &tcp_ops;
  wire->loop = loop;
  wire->host = sim_loop_host(loop);
  wire->is_udp = is_udp;
  wire->references = 1;
  wire->next = sim_net()->wires;
  sim_net()->wires = wire;
  *out = &wire->wire;
  return 0;
}

int th_tcp_new(struct th_loop *loop, struct th_wire **wire) {
  return new_wire(loop, false, wire);
}

int th_udp_new(struct th_loop *loop, struct th_wire **wire) {
  return new_wire(loop, true, wire);
}

/* The simulated patience is drawn where it is needed. */
void th_udp_set_patience(struct th_wire *wire, unsigned questions) {
  (void)wire;
  (void)questions;
}
