/* sim_wire: wires, channels and connections; the faults are in sim_net.h.
 *
 * A connection has two pipes, one to each side: a row of segments in the order in which they arrive.
 * A segment whose time is TH_FOREVER stalls, and all behind it do. An end goes through the states of
 * a TCP channel (transport/tcp.c) and the same events come in the same order. An end that is closing
 * takes nothing any more: whoever sends to it is reset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_engine.h"
#include "sim_loop.h"
#include "sim_net.h"
#include "transport/wire.h"

#define FLUSH_TIME (2 * TH_SECOND)
#define FIRST_PORT 40000
#define OVERTAKES 30 /* of 1000 loose frames */
#define TORN 250     /* of 1000 resets: what has not arrived yet is lost */
#define DOOMED 250   /* of 1000 connections that are cut: a side gives up if that lasts */
#define BROKEN 125   /* of 1000 connections that are healed */

enum state { CONNECTING, OPEN, FLUSHING, CLOSING };
enum kind { DATA, LOOSE, FIN, RESET };

struct segment {
  struct segment *next;
  uint64_t arrival;
  enum kind kind;
  size_t size;
  unsigned char data[];
};

struct pipe {
  struct sim_item arrive; /* of the side that it leads to */
  struct connection *connection;
  struct segment *first;
  struct segment **last;
  uint64_t latest;    /* arrival in the pipe so far */
  size_t bytes;       /* of the stream */
  bool is_waited_for; /* its sender is to be told when all fits into the kernel's buffers */
};

struct wire {
  struct th_wire wire;
  struct wire *next;
  struct th_loop *loop;
  unsigned host;
  bool is_udp;
  bool is_free;
  uint32_t ip;
  uint16_t port; /* 0: it does not listen */
  th_wire_accept *accept;
  void *context;
  struct end *ends;
  size_t references; /* the holder's, and one for each end */
  uint64_t lost;
};

struct end {
  struct th_channel channel;
  struct end *next; /* of the wire's */
  struct wire *wire;
  struct connection *connection;
  unsigned side;
  enum state state;
  int error; /* what closed will tell */
  bool is_paused;
  bool ended;          /* the other side has ended its stream */
  bool shut;           /* and ours has left */
  struct sim_item act; /* what is next in its life */
  struct sim_item patience;
  struct sim_item written;
  uint64_t give_up;
  uint64_t pause;
  char peer[TH_WIRE_PEER_SIZE];
};

struct connection {
  struct connection *next;
  struct end *ends[2]; /* who connected, who accepted; NULL when it is gone */
  unsigned hosts[2];
  uint32_t ip;
  uint16_t port;
  bool is_udp;
  bool is_made;
  bool is_silent;       /* a host is gone without a word */
  struct pipe pipes[2]; /* to that side */
};

struct host {
  bool is_up; /* its kernel answers */
  bool is_dead;
  bool cut[SIM_HOSTS]; /* from here to there */
  uint16_t last_port;
};

struct sim_net {
  struct host hosts[SIM_HOSTS];
  struct wire *wires;
  struct connection *connections;
  uint64_t delay; /* at most, as a rule */
  unsigned spikes;
  unsigned losses;
  size_t capacity; /* of the kernel's buffers */
  uint64_t lost;
};

static struct sim_net *net(void) {
  return sim_engine()->net;
}

static uint64_t delay(void) {
  uint64_t most = sim_chance(net()->spikes) ? 50 * TH_MILLISECOND : net()->delay;
  return sim_between(10 * TH_MICROSECOND, most);
}

static struct th_loop *loop_of(const struct end *end) {
  return end->wire->loop;
}

static struct end *other(const struct end *end) {
  return end->connection->ends[1 - end->side];
}

/* ---- pipes ---- */

static bool is_stalled(const struct connection *connection, unsigned to) {
  return !connection->is_made || connection->is_silent ||
         net()->hosts[connection->hosts[1 - to]].cut[connection->hosts[to]];
}

static void on_arrival(struct sim_item *item);

static void schedule(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct end *end = connection->ends[to];
  bool waits = end != NULL && end->state != CLOSING && !end->is_paused && pipe->first != NULL &&
               pipe->first->arrival != TH_FOREVER;
  if (waits)
    sim_item_at(&pipe->arrive, loop_of(end), pipe->first->arrival, on_arrival);
  else
    sim_item_cancel(&pipe->arrive);
}

static uint64_t arrival(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  if (is_stalled(connection, to)) return TH_FOREVER;
  uint64_t when = th_clock_after(delay());
  if (when > pipe->latest) pipe->latest = when;
  return pipe->latest;
}

static struct segment *take_segment(struct pipe *pipe, struct segment **place) {
  struct segment *segment = *place;
  *place = segment->next;
  if (segment->next == NULL) pipe->last = place;
  if (segment->kind == DATA) pipe->bytes -= segment->size;
  return segment;
}

/* Drops what is in the pipe, from that place on. */
static void drop_segments(struct pipe *pipe, struct segment **place) {
  while (*place != NULL) free(take_segment(pipe, place));
}

static void append(struct connection *connection, unsigned to, enum kind kind, const void *data,
                   size_t size) {
  struct pipe *pipe = &connection->pipes[to];
  struct segment *segment = th_alloc(sizeof *segment + size);
  *segment = (struct segment){.kind = kind, .size = size};
  if (size > 0) memcpy(segment->data, data, size);
  segment->arrival = arrival(connection, to);
  *pipe->last = segment;
  pipe->last = &segment->next;
  if (kind == DATA) pipe->bytes += size;
  if (pipe->first == segment) schedule(connection, to);
}

static bool is_gone(const struct end *end) {
  return end == NULL || end->state == CLOSING;
}

static void reset(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct segment **place = &pipe->first;
  if (is_gone(connection->ends[to])) return;
  bool is_torn = !connection->is_udp && sim_chance(TORN);
  while (is_torn && *place != NULL && (*place)->arrival <= th_clock_now()) place = &(*place)->next;
  if (is_torn) drop_segments(pipe, place);
  append(connection, to, RESET, NULL, 0);
  schedule(connection, to);
}

/* Who sends to somebody that is gone hears of it. */
static void put(struct connection *connection, unsigned to, enum kind kind, const void *data,
                size_t size) {
  bool has_peer = !connection->is_made || !is_gone(connection->ends[to]);
  if (has_peer || connection->is_silent)
    append(connection, to, kind, data, size);
  else if (kind == DATA || kind == LOOSE)
    reset(connection, 1 - to);
}

static size_t excess(const struct pipe *pipe) {
  return pipe->bytes > net()->capacity ? pipe->bytes - net()->capacity : 0;
}

/* ---- an end's life ---- */

static void unref_wire(struct wire *wire) {
  struct wire **place = &net()->wires;
  if (--wire->references > 0) return;
  while (*place != wire) place = &(*place)->next;
  *place = wire->next;
  free(wire);
}

static void leave_connection(struct end *end) {
  struct connection *connection = end->connection;
  struct connection **place = &net()->connections;
  connection->ends[end->side] = NULL;
  if (connection->ends[1 - end->side] != NULL) return;
  for (int side = 0; side < 2; side++)
    drop_segments(&connection->pipes[side], &connection->pipes[side].first);
  while (*place != connection) place = &(*place)->next;
  *place = connection->next;
  free(connection);
}

static struct end *end_of_act(struct sim_item *item) {
  return (struct end *)(void *)((char *)item - offsetof(struct end, act));
}

static void on_closed(struct sim_item *item) {
  struct end *end = end_of_act(item);
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

/* What is past the kernel's buffers goes with the process. True when that was something. */
static bool truncate_pipe(struct pipe *pipe) {
  struct segment **place = &pipe->first;
  size_t bytes = 0;
  while (*place != NULL) {
    if ((*place)->kind == DATA) bytes += (*place)->size;
    if (bytes > net()->capacity) break;
    place = &(*place)->next;
  }
  bool has_more = *place != NULL;
  drop_segments(pipe, place);
  return has_more;
}

/* The last word to the other side: who has not read all is not polite. */
static void part(struct end *end, bool has_unread, bool is_torn) {
  struct connection *connection = end->connection;
  unsigned to = 1 - end->side;
  if (!connection->is_made || is_gone(other(end))) return;
  if (has_unread && !connection->is_udp)
    reset(connection, to);
  else if (end->state != FLUSHING || is_torn) /* else it has said so */
    append(connection, to, FIN, NULL, 0);
}

static void finish(struct end *end, int error, bool is_quiet) {
  struct connection *connection = end->connection;
  struct pipe *in = &connection->pipes[end->side];
  if (end->state == CLOSING) return;
  end->error = end->state == FLUSHING ? 0 : error; /* who flushes has closed already */
  bool has_unread = in->bytes > 0;
  bool is_torn = truncate_pipe(&connection->pipes[1 - end->side]);
  if (!is_quiet) part(end, has_unread, is_torn);
  end->state = CLOSING;
  drop_segments(in, &in->first);
  schedule(connection, end->side);
  schedule(connection, 1 - end->side);
  sim_item_cancel(&end->patience);
  sim_item_cancel(&end->written);
  sim_item_at(&end->act, loop_of(end), th_clock_now(), on_closed);
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
    if (end->ended) finish(end, 0, false);
  } else if (end->state == OPEN && end->channel.events->written != NULL) {
    end->channel.events->written(end->channel.user);
  }
}

/* Bytes have been taken out of a pipe: its sender may go on. */
static void make_room(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct end *sender = connection->ends[1 - to];
  if (!pipe->is_waited_for || is_gone(sender) || excess(pipe) > 0) return;
  pipe->is_waited_for = false;
  sim_item_at(&sender->written, loop_of(sender), th_clock_after(delay()), on_written);
}

static void take_fin(struct end *end) {
  end->ended = true;
  if (end->state == OPEN || end->shut) finish(end, TH_WIRE_EOF, false);
}

static void take(struct end *end, const struct segment *segment) {
  const struct th_channel_events *events = end->channel.events;
  sim_trace("%s sends kind %d, %zu bytes", end->peer, segment->kind, segment->size);
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
    finish(end, -ECONNRESET, true);
    break;
  }
}

/* An end that closes drops what is in its pipe; it goes only with a later item. */
static void on_arrival(struct sim_item *item) {
  struct pipe *pipe = (struct pipe *)(void *)((char *)item - offsetof(struct pipe, arrive));
  struct connection *connection = pipe->connection;
  unsigned to = pipe == &connection->pipes[1];
  struct end *end = connection->ends[to];
  struct segment *segment = take_segment(pipe, &pipe->first);
  schedule(connection, to); /* first: the end may change it */
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
    put(end->connection, 1 - end->side, DATA, place, slice);
    place += slice;
    size -= slice;
  }
  struct pipe *pipe = &end->connection->pipes[1 - end->side];
  if (end->state <= OPEN && excess(pipe) > 0) pipe->is_waited_for = true;
}

static size_t wire_unsent(const struct th_channel *channel) {
  const struct end *end = (const struct end *)channel;
  if (end->state == CLOSING) return SIZE_MAX;
  return excess(&end->connection->pipes[1 - end->side]);
}

static void lose(struct end *end) {
  struct end *to = other(end);
  net()->lost++;
  end->wire->lost++;
  if (to != NULL) to->wire->lost++;
  sim_trace("lost, to %s", end->peer);
}

/* Goes before the piece of the stream that is the last in the pipe. */
static void overtake(struct pipe *pipe) {
  struct segment **place = &pipe->first;
  if (*place == NULL || (*place)->next == NULL) return;
  while ((*place)->next->next != NULL) place = &(*place)->next;
  struct segment *piece = *place, *loose = piece->next;
  if (piece->kind != DATA || piece->arrival == TH_FOREVER) return;
  loose->next = piece;
  piece->next = NULL;
  *place = loose;
  pipe->last = &piece->next;
  uint64_t first = piece->arrival;
  piece->arrival = loose->arrival;
  loose->arrival = first;
}

static void send_frame(struct end *end, const unsigned char *frame, size_t size) {
  unsigned to = 1 - end->side;
  struct pipe *pipe = &end->connection->pipes[to];
  if (is_stalled(end->connection, to) || sim_chance(net()->losses)) {
    lose(end);
    return;
  }
  put(end->connection, to, LOOSE, frame, size);
  if (sim_chance(OVERTAKES)) {
    overtake(pipe);
    schedule(end->connection, to);
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
  schedule(end->connection, end->side);
}

static void on_impatient(struct sim_item *item) {
  struct end *end = (struct end *)(void *)((char *)item - offsetof(struct end, patience));
  finish(end, 0, false);
}

static void flush(struct end *end) {
  struct pipe *out = &end->connection->pipes[1 - end->side];
  end->state = FLUSHING;
  put(end->connection, 1 - end->side, FIN, NULL, 0);
  end->shut = excess(out) == 0;
  out->is_waited_for = !end->shut;
  sim_item_at(&end->patience, loop_of(end), th_clock_after(FLUSH_TIME), on_impatient);
  if (end->connection->is_udp && end->shut) finish(end, 0, true);
}

static void wire_close(struct th_channel *channel, int with_flush) {
  struct end *end = (struct end *)channel;
  if (with_flush) wire_pause(channel, false);
  if (end->state == OPEN && with_flush)
    flush(end);
  else if (end->state != FLUSHING || !with_flush)
    finish(end, 0, false);
}

static void wire_peer(const struct th_channel *channel, char *out) {
  memcpy(out, ((const struct end *)channel)->peer, TH_WIRE_PEER_SIZE);
}

/* ---- connecting ---- */

uint32_t sim_net_ip(unsigned host) {
  return UINT32_C(0x0a000001) + host;
}

static struct wire *find_listener(uint32_t ip, uint16_t port, bool is_udp) {
  for (struct wire *wire = net()->wires; wire != NULL; wire = wire->next)
    if (wire->ip == ip && wire->port == port && wire->is_udp == is_udp && !wire->is_free &&
        !net()->hosts[wire->host].is_dead)
      return wire;
  return NULL;
}

static const struct th_wire_ops tcp_ops, udp_ops;

static void on_accept(struct sim_item *item) {
  struct end *end = end_of_act(item);
  end->wire->accept(end->wire->context, &end->channel);
  if (end->channel.events == NULL) finish(end, 0, false);
}

static void resume(struct connection *connection, unsigned to) {
  for (struct segment *segment = connection->pipes[to].first; segment != NULL;
       segment = segment->next)
    if (segment->arrival == TH_FOREVER) segment->arrival = arrival(connection, to);
  schedule(connection, to);
}

static void meet(struct end *end, struct wire *listener) {
  struct connection *connection = end->connection;
  struct end *accepted = new_end(listener, connection, 1, sim_net_ip(end->wire->host),
                                 ++net()->hosts[end->wire->host].last_port);
  accepted->channel.ops = end->channel.ops;
  accepted->state = end->state = OPEN;
  connection->is_made = true;
  sim_item_at(&accepted->act, listener->loop, th_clock_now(), on_accept);
  resume(connection, 1);
  sim_trace("connected to %s", end->peer);
  end->channel.events->opened(end->channel.user);
}

/* What is lost is sent again after a pause that doubles. */
static void attempt(struct sim_item *item) {
  struct end *end = end_of_act(item);
  const struct connection *connection = end->connection;
  unsigned from = end->wire->host, to = (unsigned)(connection->ip - sim_net_ip(0));
  const struct host *hosts = net()->hosts;
  bool is_host = to < SIM_HOSTS;
  struct wire *listener = find_listener(connection->ip, connection->port, connection->is_udp);
  if (hosts[from].is_dead) {
    finish(end, -ENETUNREACH, true);
  } else if (is_host && hosts[to].is_up && !hosts[from].cut[to] && !hosts[to].cut[from]) {
    if (listener != NULL)
      meet(end, listener);
    else
      finish(end, -ECONNREFUSED, true);
  } else if (th_clock_now() >= end->give_up) {
    finish(end, -ETIMEDOUT, true);
  } else {
    end->pause *= 2;
    sim_item_at(&end->act, loop_of(end), th_clock_after(end->pause), attempt);
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
  connection->hosts[1] = (unsigned)(ip - sim_net_ip(0)) % SIM_HOSTS;
  connection->next = net()->connections;
  net()->connections = connection;
  end->channel = (struct th_channel){base->ops, events, user};
  end->give_up = th_clock_after(sim_between(3, 20) * TH_SECOND);
  end->pause = TH_SECOND;
  sim_item_at(&end->act, wire->loop, th_clock_after(delay() + delay()), attempt);
  *out = &end->channel;
  return 0;
}

/* ---- wires ---- */

static int wire_listen(struct th_wire *base, uint32_t ip, uint16_t port, th_wire_accept *accept,
                       void *context) {
  struct wire *wire = (struct wire *)base;
  if (port == 0) port = ++net()->hosts[wire->host].last_port;
  if (ip != sim_net_ip(wire->host)) return -EADDRNOTAVAIL;
  if (find_listener(ip, port, wire->is_udp) != NULL) return -EADDRINUSE;
  wire->ip = ip;
  wire->port = port;
  wire->accept = accept;
  wire->context = context;
  return 0;
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
  for (struct end *end = wire->ends; end != NULL; end = end->next) finish(end, 0, false);
  unref_wire(wire);
}

#define COMMON_OPS                                                                                 \
  .listen = wire_listen, .port = wire_port, .connect = wire_connect, .send = wire_send,            \
  .unsent = wire_unsent, .pause = wire_pause, .close = wire_close, .peer = wire_peer,              \
  .counts = wire_counts, .free = wire_free

static const struct th_wire_ops tcp_ops = {COMMON_OPS};
static const struct th_wire_ops udp_ops = {COMMON_OPS, .send_loose = wire_send_loose};

static int new_wire(struct th_loop *loop, bool is_udp, struct th_wire **out) {
  struct wire *wire = th_new(struct wire);
  wire->wire.ops = is_udp ? &udp_ops : &tcp_ops;
  wire->loop = loop;
  wire->host = sim_loop_host(loop);
  wire->is_udp = is_udp;
  wire->references = 1;
  wire->next = net()->wires;
  net()->wires = wire;
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

/* ---- faults ---- */

void sim_net_begin(void) {
  struct sim_net *fresh = th_new(struct sim_net);
  sim_engine()->net = fresh;
  fresh->delay = sim_between(1, 5) * TH_MILLISECOND;
  fresh->spikes = (unsigned)sim_draw(20);
  fresh->losses = sim_chance(300) ? 0 : (unsigned)sim_draw(100);
  fresh->capacity = (size_t)1 << sim_between(9, 18);
  for (unsigned i = 0; i < SIM_HOSTS; i++)
    fresh->hosts[i] = (struct host){.is_dead = true, .last_port = FIRST_PORT};
}

void sim_net_end(void) {
  free(net());
  sim_engine()->net = NULL;
}

bool sim_net_is_cut(unsigned from, unsigned to) {
  return net()->hosts[from].cut[to];
}

static void give_up(struct sim_item *item) {
  finish(end_of_act(item), -ETIMEDOUT, false);
}

static bool lives(const struct end *end) {
  return !is_gone(end) && end->state != CONNECTING;
}

/* A side whose own act is still to come (it is accepted then) has not noticed anything yet. */
static void doom(struct connection *connection, uint64_t least, uint64_t most) {
  struct end *end = connection->ends[sim_draw(2)];
  if (!lives(end) || end->act.loop != NULL) return;
  sim_item_at(&end->act, loop_of(end), th_clock_after(sim_between(least, most)), give_up);
}

static void stall(struct connection *connection, unsigned to) {
  for (struct segment *segment = connection->pipes[to].first; segment != NULL;
       segment = segment->next)
    if (segment->arrival > th_clock_now()) segment->arrival = TH_FOREVER;
  schedule(connection, to);
  if (sim_chance(DOOMED)) doom(connection, TH_SECOND, 20 * TH_SECOND);
}

static void spare(struct end *end) {
  if (lives(end) && end->act.run == give_up) sim_item_cancel(&end->act);
}

static void mend(struct connection *connection, unsigned to) {
  resume(connection, to);
  spare(connection->ends[0]);
  spare(connection->ends[1]);
  if (!sim_chance(BROKEN)) return;
  for (unsigned side = 0; side < 2; side++)
    if (lives(connection->ends[side])) reset(connection, side);
}

void sim_net_cut(unsigned from, unsigned to, bool is_cut) {
  if (net()->hosts[from].cut[to] == is_cut) return;
  net()->hosts[from].cut[to] = is_cut;
  for (struct connection *at = net()->connections; at != NULL; at = at->next)
    for (unsigned side = 0; side < 2; side++)
      if (at->is_made && !at->is_silent && at->hosts[1 - side] == from && at->hosts[side] == to)
        (is_cut ? stall : mend)(at, side);
}

/* The side on the host is gone without a word of its own; its kernel speaks for it, or nobody. */
static void lose_host(struct connection *connection, unsigned side, bool is_silent) {
  struct end *end = connection->ends[side], *left = connection->ends[1 - side];
  if (end != NULL) finish(end, -ECONNRESET, true);
  if (!lives(left)) return;
  if (!is_silent) {
    reset(connection, 1 - side);
    return;
  }
  connection->is_silent = true;
  if (left->act.loop == NULL)
    sim_item_at(&left->act, loop_of(left), th_clock_after(sim_between(20, 75) * TH_SECOND),
                give_up);
}

void sim_net_crash(unsigned host, bool is_silent) {
  net()->hosts[host].is_dead = true;
  net()->hosts[host].is_up = !is_silent;
  for (struct connection *at = net()->connections; at != NULL; at = at->next)
    for (unsigned side = 0; side < 2; side++)
      if (at->hosts[side] == host && (at->is_made || side == 0)) lose_host(at, side, is_silent);
}

/* Its kernel knows nothing of connections from before, and says so to who goes on with them. */
void sim_net_start(unsigned host) {
  net()->hosts[host].is_dead = false;
  net()->hosts[host].is_up = true;
  for (struct connection *at = net()->connections; at != NULL; at = at->next)
    if (at->hosts[0] == host || at->hosts[1] == host) at->is_silent = false;
}

size_t sim_net_connections(void) {
  size_t count = 0;
  for (struct connection *at = net()->connections; at != NULL; at = at->next) count++;
  return count;
}

size_t sim_net_wires(void) {
  size_t count = 0;
  for (struct wire *at = net()->wires; at != NULL; at = at->next) count++;
  return count;
}

uint64_t sim_net_lost(void) {
  return net()->lost;
}
