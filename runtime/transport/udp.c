/* udp: a wire over UDP.
 *
 * The side that opens has a socket of its own, connected to the other's; all that one listener has
 * accepted go through the listener's. The opening side draws the connection's id:
 *
 *   OPEN -> COOKIE -> OPEN with the cookie -> ACCEPT
 *
 * The listener keeps nothing about whoever has not shown by the cookie that he gets what is sent to
 * him: the cookie is computed from his address, the id, and a secret. A channel's states are
 *
 *   CONNECTING -> OPEN -> FLUSHING -> CLOSING
 *
 * as TCP's are. FLUSHING lasts until all that was sent is known to be taken. From OPEN on the two
 * sides talk as talk.h says.
 *
 * Where nobody has the other side's port any more, its kernel says so, and ours tells us: with the
 * next call on the opening side's socket, by the error queue of the listener's.
 */
#include "transport/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"
#include "transport/datagram.h"
#include "transport/doorkeeper.h"
#include "transport/refusal.h"
#include "transport/talk.h"

/* Bytes in one datagram: within a machine a good part of what fits; between machines as much as
 * passes everywhere in one piece. */
#define NEAR_STEP ((size_t)16 * 1024)
#define FAR_STEP ((size_t)1200)

#define READ_SIZE ((size_t)64 * 1024)
#define SOCKET_SIZE (4 * 1024 * 1024) /* of the kernel's buffers, if it lets us */
#define MOST_CHANNELS 65536
#define FLUSH_TIME (2 * TH_SECOND)

/* How long an answer to the first OPEN is waited for; then twice as long, and so on. */
#define OPEN_AGAIN (100 * TH_MILLISECOND)
#define OPEN_MOST TH_SECOND

enum state { CONNECTING, OPEN, FLUSHING, CLOSING };

struct udp {
  struct th_wire wire;
  struct th_loop *loop;
  struct listener *listener; /* NULL: not listening */
  uint16_t port;             /* 0: never listened */
  bool is_deaf;              /* what is open goes on through the listener, nothing is opened */
  th_wire_accept *accept;
  void *context;
  struct channel *channels;
  struct th_map accepted;     /* by id */
  struct channel *unanswered; /* that owe an acknowledgement */
  size_t references;          /* the holder's, and one for each listener and channel */
  unsigned patience;          /* 0: as each side has by itself */
  struct th_doorkeeper keeper;
  atomic_uint_fast64_t lost;      /* loop; read by any */
  atomic_uint_fast64_t strange;   /* the same */
  unsigned char bytes[READ_SIZE]; /* what libuv reads into; valid for one callback */
};

struct listener {
  uv_udp_t handle;
  struct udp *udp;
};

struct channel {
  struct th_channel channel;
  struct udp *udp;
  struct channel *previous;
  struct channel *next;
  enum state state;
  int error; /* what closed will tell */
  bool is_opener;
  unsigned handles; /* close callbacks still to come */
  uv_udp_t socket;  /* the opener's */
  uv_timer_t timer;
  uint64_t patience; /* of FLUSHING: until when */
  struct sockaddr_in address;
  uint64_t id;
  uint64_t cookie;

  struct th_talk talk;
  unsigned tries;        /* OPENs sent */
  uint64_t counted_lost; /* of the talk's */
  bool is_waited_for;    /* something is unsent: written is to be called when it has left */
  bool is_unanswered;
  struct channel *next_unanswered;
  char peer[TH_WIRE_PEER_SIZE];
};

static void unref_udp(struct udp *udp) {
  if (--udp->references != 0) return;
  th_map_clear(&udp->accepted);
  free(udp);
}

static struct sockaddr_in place(uint32_t ip, uint16_t port) {
  return (struct sockaddr_in){
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

static bool is_same(const struct sockaddr_in *one, const struct sockaddr_in *other) {
  return one->sin_addr.s_addr == other->sin_addr.s_addr && one->sin_port == other->sin_port;
}

static void write_place(const struct sockaddr_in *address, char *out) {
  char ip[INET_ADDRSTRLEN];
  if (inet_ntop(AF_INET, &address->sin_addr, ip, sizeof ip) == NULL) ip[0] = '\0';
  snprintf(out, TH_WIRE_PEER_SIZE, "%s:%u", ip, ntohs(address->sin_port));
}

/* Relaxed: only looked at, and written by the loop alone. */
static void count(atomic_uint_fast64_t *counter, uint64_t more) {
  atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- sending datagrams ---------------------------------------------------------------------- */

static void end(struct channel *channel, int error);
static void read_errors(struct udp *udp);

static int try_send(uv_udp_t *handle, const struct sockaddr_in *to,
                    const struct th_datagram *datagram) {
  unsigned char head[TH_DATAGRAM_HEAD];
  size_t size = th_datagram_head(datagram, head);
  uv_buf_t parts[2] = {{.base = (char *)head, .len = size},
                       {.base = (char *)(uintptr_t)datagram->bytes, .len = datagram->size}};
  int sent = uv_udp_try_send(handle, parts, datagram->size != 0 ? 2 : 1,
                             (const struct sockaddr *)to);
  return sent < 0 ? sent : 0;
}

/* The socket tells with any call what became of an earlier datagram, whoever that was for; this one
 * has not been looked at then. */
static int send_through_listener(struct udp *udp, const struct sockaddr_in *to,
                                 const struct th_datagram *datagram) {
  if (udp->listener == NULL) return 0;
  int error = try_send(&udp->listener->handle, to, datagram);
  if (error == 0 || error == UV_EAGAIN) return error;
  read_errors(udp);
  return try_send(&udp->listener->handle, to, datagram);
}

/* False when the datagram could not leave now. One that no route can be found for is as good as
 * lost on its way, unless it is the first. */
static bool transmit(struct channel *channel, struct th_datagram *datagram) {
  datagram->id = channel->id;
  int error = channel->is_opener ? try_send(&channel->socket, NULL, datagram)
                                 : send_through_listener(channel->udp, &channel->address, datagram);
  bool is_final = error == UV_ECONNREFUSED || channel->state == CONNECTING;
  if (error != 0 && error != UV_EAGAIN && channel->is_opener && is_final) end(channel, error);
  return error != UV_EAGAIN;
}

static void say(struct channel *channel, enum th_datagram_type type) {
  struct th_datagram datagram = {.type = type, .cookie = channel->cookie};
  transmit(channel, &datagram);
}

static bool transmit_for_talk(void *context, struct th_datagram *datagram) {
  return transmit(context, datagram);
}

static void received(void *context, const unsigned char *data, size_t size) {
  struct channel *channel = context;
  if (channel->state == OPEN) channel->channel.events->received(channel->channel.user, data, size);
}

static void received_loose(void *context, const unsigned char *frames, size_t size) {
  struct channel *channel = context;
  const struct th_channel_events *events = channel->channel.events;
  if (channel->state == OPEN && events->received_loose != NULL)
    events->received_loose(channel->channel.user, frames, size);
}

static const struct th_talk_ops talk_ops = {transmit_for_talk, received, received_loose};

/* ---- a channel's life ----------------------------------------------------------------------- */

static struct channel *new_channel(struct udp *udp, const struct sockaddr_in *address,
                                   bool is_opener) {
  struct channel *channel = th_new(struct channel);
  bool is_near = (ntohl(address->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
  size_t step = is_near ? NEAR_STEP : FAR_STEP;
  channel->udp = udp;
  channel->address = *address;
  write_place(address, channel->peer);
  channel->is_opener = is_opener;
  th_talk_init(&channel->talk, &talk_ops, channel, step, is_opener);
  if (udp->patience != 0) channel->talk.patience = udp->patience;
  uv_timer_init(th_loop_uv(udp->loop), &channel->timer);
  channel->timer.data = channel;
  channel->handles = 1;
  channel->next = udp->channels;
  if (channel->next != NULL) channel->next->previous = channel;
  udp->channels = channel;
  udp->references++;
  return channel;
}

static void unlink_channel(struct channel *channel) {
  if (channel->next != NULL) channel->next->previous = channel->previous;
  if (channel->previous != NULL) {
    channel->previous->next = channel->next;
  } else {
    channel->udp->channels = channel->next;
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  struct channel *channel = handle->data;
  if (--channel->handles != 0) return;
  struct udp *udp = channel->udp;
  unlink_channel(channel);
  const struct th_channel_events *events = channel->channel.events;
  if (events != NULL) events->closed(channel->channel.user, channel->error);
  th_talk_clear(&channel->talk);
  free(channel);
  unref_udp(udp);
}

static void forget_answer(struct channel *channel) {
  struct channel **at = &channel->udp->unanswered;
  if (!channel->is_unanswered) return;
  while (*at != channel) at = &(*at)->next_unanswered;
  *at = channel->next_unanswered;
  channel->is_unanswered = false;
}

/* Every end comes through here; the first one counts. */
static void end(struct channel *channel, int error) {
  if (channel->state == CLOSING) return;
  bool was_known = channel->state != CONNECTING || channel->cookie != 0;
  channel->error = channel->state == FLUSHING ? 0 : error; /* who flushes has closed already */
  channel->state = CLOSING;
  th_talk_end(&channel->talk);
  forget_answer(channel);
  if (!channel->is_opener) th_map_remove(&channel->udp->accepted, channel->id);
  if (was_known && error != UV_EOF && error != UV_ECONNREFUSED) say(channel, TH_DATAGRAM_CLOSE);
  if (channel->is_opener) uv_close((uv_handle_t *)&channel->socket, on_handle_closed);
  uv_close((uv_handle_t *)&channel->timer, on_handle_closed);
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t next_tick(const struct channel *channel) {
  uint64_t wait = OPEN_AGAIN;
  if (channel->state != CONNECTING) wait = th_talk_wait(&channel->talk);
  for (unsigned i = 1; i < channel->tries && wait < OPEN_MOST; i++) wait *= 2;
  return channel->state == FLUSHING && wait > FLUSH_TIME ? FLUSH_TIME : wait;
}

static void on_tick(uv_timer_t *timer);

static void arm(struct channel *channel) {
  if (channel->state == CLOSING) return;
  uint64_t wait = (next_tick(channel) + TH_MILLISECOND - 1) / TH_MILLISECOND;
  uv_update_time(th_loop_uv(channel->udp->loop));
  uv_timer_start(&channel->timer, on_tick, wait, 0);
}

/* What was sent or came may want an answer sooner than the timer would look. */
static void arm_sooner(struct channel *channel) {
  if (channel->state == CLOSING) return;
  if (uv_timer_get_due_in(&channel->timer) * TH_MILLISECOND > next_tick(channel)) arm(channel);
}

/* After something was acknowledged, or a socket has room again. */
static void look(struct channel *channel) {
  uint64_t lost = th_talk_lost(&channel->talk);
  count(&channel->udp->lost, lost - channel->counted_lost);
  channel->counted_lost = lost;
  if (channel->state == FLUSHING && th_talk_is_settled(&channel->talk)) {
    end(channel, 0);
  } else if (channel->state == OPEN && channel->is_waited_for &&
             th_talk_unsent(&channel->talk) == 0) {
    channel->is_waited_for = false;
    const struct th_channel_events *events = channel->channel.events;
    if (events->written != NULL) events->written(channel->channel.user);
  }
}

static void on_tick(uv_timer_t *timer) {
  struct channel *channel = timer->data;
  if (channel->state == CONNECTING) {
    channel->tries++;
    say(channel, TH_DATAGRAM_OPEN);
  } else if (channel->state == FLUSHING && th_clock_now() >= channel->patience) {
    end(channel, 0);
  } else if (th_talk_tick(&channel->talk)) {
    look(channel);
  } else {
    end(channel, UV_ETIMEDOUT);
  }
  arm(channel);
}

/* ---- both ways ------------------------------------------------------------------------------ */

static size_t udp_unsent(const struct th_channel *base) {
  const struct channel *channel = (const struct channel *)base;
  return channel->state == CLOSING ? SIZE_MAX : th_talk_unsent(&channel->talk);
}

static void after_send(struct channel *channel, int error) {
  if (error != 0) end(channel, error);
  /* Once promised, written is called, even if this, sent from within received, leaves at once. */
  if (th_talk_unsent(&channel->talk) != 0) channel->is_waited_for = true;
  arm_sooner(channel);
}

static void udp_send(struct th_channel *base, const void *data, size_t size) {
  struct channel *channel = (struct channel *)base;
  if (channel->state == OPEN && size != 0)
    after_send(channel, th_talk_send(&channel->talk, data, size));
}

static void udp_send_loose(struct th_channel *base, const void *frames, size_t size) {
  struct channel *channel = (struct channel *)base;
  if (channel->state == OPEN && size != 0)
    after_send(channel, th_talk_send_loose(&channel->talk, frames, size));
}

/* Answers once for all that can be read at once, if it is not too much. */
static void take(struct channel *channel, const struct th_datagram *datagram) {
  struct udp *udp = channel->udp;
  th_talk_take(&channel->talk, datagram);
  if (channel->talk.owes_answer && !channel->is_unanswered && channel->state != CLOSING) {
    channel->is_unanswered = true;
    channel->next_unanswered = udp->unanswered;
    udp->unanswered = channel;
  }
  look(channel);
  arm_sooner(channel);
}

static void udp_pause(struct th_channel *base, bool is_paused) {
  struct channel *channel = (struct channel *)base;
  if (channel->state != OPEN) return;
  th_talk_pause(&channel->talk, is_paused);
  look(channel);
  arm_sooner(channel);
}

static void acknowledge_all(struct udp *udp) {
  while (udp->unanswered != NULL) {
    struct channel *channel = udp->unanswered;
    forget_answer(channel);
    th_talk_acknowledge(&channel->talk);
  }
}

/* ---- reading -------------------------------------------------------------------------------- */

/* All sockets share one buffer: libuv asks for it just before it reads, and hands over what it read
 * before it asks again. */
static uv_buf_t buffer_of(struct udp *udp) {
  return uv_buf_init((char *)udp->bytes, READ_SIZE);
}

static void on_opener_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  *buffer = buffer_of(((struct channel *)handle->data)->udp);
}

static void on_listener_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  *buffer = buffer_of(((struct listener *)handle->data)->udp);
}

static void complain(struct udp *udp, const struct sockaddr_in *from, const unsigned char *data,
                     size_t size) {
  char peer[TH_WIRE_PEER_SIZE], words[256];
  count(&udp->strange, 1);
  write_place(from, peer);
  if (th_doorkeeper_complain(&udp->keeper, peer, data, size, th_clock_now(), words) &&
      udp->wire.stranger != NULL)
    udp->wire.stranger(udp->context, words);
}

static void open_up(struct channel *channel) {
  channel->state = OPEN;
  channel->tries = 0;
  arm(channel);
  channel->channel.events->opened(channel->channel.user);
}

/* What comes before the other side has agreed. A cookie is repeated at once. */
static void take_connecting(struct channel *channel, const struct th_datagram *datagram) {
  if (datagram->type == TH_DATAGRAM_COOKIE && datagram->cookie != channel->cookie) {
    channel->cookie = datagram->cookie;
    say(channel, TH_DATAGRAM_OPEN);
  } else if (datagram->type == TH_DATAGRAM_ACCEPT) {
    open_up(channel);
  } else if (datagram->type == TH_DATAGRAM_CLOSE) {
    end(channel, UV_ECONNREFUSED);
  }
}

static void take_opened(struct channel *channel, const struct th_datagram *datagram) {
  if (channel->state == CONNECTING) {
    take_connecting(channel, datagram);
  } else if (datagram->type == TH_DATAGRAM_CLOSE) {
    end(channel, UV_EOF);
  } else if (datagram->type >= TH_DATAGRAM_STREAM) {
    take(channel, datagram);
  }
}

/* The socket is connected, so all that comes is from the other side's address. */
static void on_opener_read(uv_udp_t *socket, ssize_t size, const uv_buf_t *buffer,
                           const struct sockaddr *from, unsigned flags) {
  struct channel *channel = socket->data;
  struct th_datagram datagram;
  (void)flags;
  if (channel->state == CLOSING) return;
  if (size == 0 && from == NULL) {
    acknowledge_all(channel->udp);
  } else if (size < 0) {
    if (size == UV_ECONNREFUSED || channel->state == CONNECTING) end(channel, (int)size);
  } else if (th_datagram_read(&datagram, (unsigned char *)buffer->base, (size_t)size) != 0) {
    count(&channel->udp->strange, 1);
    if (channel->state == CONNECTING) end(channel, TH_EPROTOCOL);
  } else if (datagram.id == channel->id) {
    take_opened(channel, &datagram);
  }
}

/* ---- accepting ------------------------------------------------------------------------------ */

static void answer(struct udp *udp, const struct sockaddr_in *to, enum th_datagram_type type,
                   uint64_t id, uint64_t cookie) {
  struct th_datagram datagram = {.type = type, .id = id, .cookie = cookie};
  send_through_listener(udp, to, &datagram);
}

static const struct th_wire_ops udp_ops;

static void accept_channel(struct udp *udp, const struct sockaddr_in *from,
                           const struct th_datagram *open) {
  struct channel *channel = new_channel(udp, from, false);
  channel->state = OPEN;
  channel->id = open->id;
  channel->channel.ops = &udp_ops;
  th_map_put(&udp->accepted, channel->id, channel);
  arm(channel);
  say(channel, TH_DATAGRAM_ACCEPT);
  udp->accept(udp->context, &channel->channel);
  if (channel->channel.events == NULL) end(channel, 0);
}

static void take_open(struct udp *udp, const struct sockaddr_in *from,
                      const struct th_datagram *open) {
  uint32_t ip = ntohl(from->sin_addr.s_addr);
  uint16_t port = ntohs(from->sin_port);
  uint64_t now = th_clock_now();
  if (udp->is_deaf) {
    answer(udp, from, TH_DATAGRAM_CLOSE, open->id, 0);
  } else if (!th_doorkeeper_knows(&udp->keeper, ip, port, open->id, open->cookie, now)) {
    answer(udp, from, TH_DATAGRAM_COOKIE, open->id,
           th_doorkeeper_cookie(&udp->keeper, ip, port, open->id, now));
  } else if (udp->accepted.count < MOST_CHANNELS) {
    accept_channel(udp, from, open);
  } else {
    answer(udp, from, TH_DATAGRAM_CLOSE, open->id, 0);
  }
}

static void take_accepted(struct channel *channel, const struct th_datagram *datagram) {
  if (datagram->type == TH_DATAGRAM_OPEN) {
    say(channel, TH_DATAGRAM_ACCEPT); /* the first one got lost */
  } else if (datagram->type == TH_DATAGRAM_CLOSE) {
    end(channel, UV_EOF);
  } else if (datagram->type >= TH_DATAGRAM_STREAM) {
    take(channel, datagram);
  }
}

/* Who goes on with a connection that is over is told so, in fewer bytes than he has sent. */
static void take_from(struct udp *udp, const struct sockaddr_in *from,
                      const struct th_datagram *datagram) {
  struct channel *channel = th_map_find(&udp->accepted, datagram->id);
  if (channel != NULL && is_same(&channel->address, from)) {
    take_accepted(channel, datagram);
  } else if (datagram->type == TH_DATAGRAM_OPEN) {
    if (channel == NULL) take_open(udp, from, datagram);
  } else if (datagram->type >= TH_DATAGRAM_STREAM && datagram->type != TH_DATAGRAM_CLOSE) {
    answer(udp, from, TH_DATAGRAM_CLOSE, datagram->id, 0);
  }
}

static void on_listener_read(uv_udp_t *handle, ssize_t size, const uv_buf_t *buffer,
                             const struct sockaddr *address, unsigned flags) {
  struct udp *udp = ((struct listener *)handle->data)->udp;
  struct sockaddr_in from;
  struct th_datagram datagram;
  (void)flags;
  if (size < 0) read_errors(udp);
  if (size <= 0 && address == NULL) {
    acknowledge_all(udp);
    return;
  }
  memcpy(&from, address, sizeof from);
  if (th_datagram_read(&datagram, (unsigned char *)buffer->base, (size_t)size) == 0) {
    take_from(udp, &from, &datagram);
  } else {
    complain(udp, &from, (unsigned char *)buffer->base, (size_t)size);
  }
}

/* ---- what the kernel tells ------------------------------------------------------------------ */

/* An address may have several channels; each of them is over. */
static void end_refused(struct udp *udp, const struct sockaddr_in *address) {
  struct channel *next;
  for (struct channel *channel = udp->channels; channel != NULL; channel = next) {
    next = channel->next; /* closing unlinks later, from the loop */
    if (!channel->is_opener && is_same(&channel->address, address)) end(channel, UV_ECONNREFUSED);
  }
}

static void read_errors(struct udp *udp) {
  uv_os_fd_t fd;
  struct sockaddr_in address;
  if (udp->listener == NULL || uv_fileno((uv_handle_t *)&udp->listener->handle, &fd) != 0) return;
  while (th_refusal_next(fd, &address)) end_refused(udp, &address);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void flush(struct channel *channel) {
  channel->state = FLUSHING;
  channel->patience = th_clock_after(FLUSH_TIME);
  th_talk_pause(&channel->talk, false); /* what was kept is acknowledged, and dropped */
  if (th_talk_is_settled(&channel->talk))
    end(channel, 0);
  else
    arm_sooner(channel);
}

static void udp_close(struct th_channel *base, int with_flush) {
  struct channel *channel = (struct channel *)base;
  if (channel->state == OPEN && with_flush) {
    flush(channel);
  } else if (channel->state != FLUSHING || !with_flush) {
    end(channel, 0);
  }
}

static void udp_peer(const struct th_channel *base, char *out) {
  memcpy(out, ((const struct channel *)base)->peer, TH_WIRE_PEER_SIZE);
}

/* ---- connecting ----------------------------------------------------------------------------- */

static void widen_buffers(uv_udp_t *handle) {
  int size = SOCKET_SIZE;
  uv_recv_buffer_size((uv_handle_t *)handle, &size);
  size = SOCKET_SIZE;
  uv_send_buffer_size((uv_handle_t *)handle, &size);
}

static int open_socket(struct channel *channel) {
  int error = uv_udp_connect(&channel->socket, (const struct sockaddr *)&channel->address);
  if (error == 0) error = uv_udp_recv_start(&channel->socket, on_opener_alloc, on_opener_read);
  if (error == 0) error = th_random_bytes(&channel->id, sizeof channel->id);
  if (error == 0) widen_buffers(&channel->socket);
  return error;
}

static int udp_connect(struct th_wire *wire, uint32_t ip, uint16_t port,
                       const struct th_channel_events *events, void *user,
                       struct th_channel **out) {
  struct sockaddr_in address = place(ip, port);
  struct channel *channel = new_channel((struct udp *)wire, &address, true);
  uv_udp_init(th_loop_uv(channel->udp->loop), &channel->socket); /* takes no descriptor yet */
  channel->socket.data = channel;
  channel->handles++;
  int error = open_socket(channel);
  if (error != 0) {
    end(channel, error); /* without events: nobody is told but the caller, now */
    return error;
  }
  channel->channel = (struct th_channel){&udp_ops, events, user};
  *out = &channel->channel;
  say(channel, TH_DATAGRAM_OPEN);
  arm(channel);
  return 0;
}

/* ---- listening ------------------------------------------------------------------------------ */

static void on_listener_closed(uv_handle_t *handle) {
  struct listener *listener = handle->data;
  unref_udp(listener->udp);
  free(listener);
}

static void close_listener(struct udp *udp) {
  if (udp->listener == NULL) return;
  uv_close((uv_handle_t *)&udp->listener->handle, on_listener_closed);
  udp->listener = NULL;
}

static int bind_listener(struct listener *listener, uint32_t ip, uint16_t *port) {
  struct sockaddr_in address = place(ip, *port);
  int size = sizeof address, error;
  error = uv_udp_bind(&listener->handle, (const struct sockaddr *)&address, UV_UDP_LINUX_RECVERR);
  if (error == 0) error = uv_udp_recv_start(&listener->handle, on_listener_alloc, on_listener_read);
  if (error == 0) error = uv_udp_getsockname(&listener->handle, (struct sockaddr *)&address, &size);
  if (error == 0) *port = ntohs(address.sin_port);
  return error;
}

static int udp_listen(struct th_wire *wire, uint32_t ip, uint16_t port, th_wire_accept *accept,
                      void *context) {
  struct udp *udp = (struct udp *)wire;
  assert(udp->listener == NULL);
  struct listener *listener = th_new(struct listener);
  uv_udp_init(th_loop_uv(udp->loop), &listener->handle);
  listener->handle.data = listener;
  listener->udp = udp;
  udp->listener = listener;
  udp->references++;
  udp->accept = accept;
  udp->context = context;
  int error = bind_listener(listener, ip, &port);
  if (error != 0) {
    close_listener(udp);
    return error;
  }
  widen_buffers(&listener->handle);
  udp->port = port;
  return 0;
}

static void udp_stop_listening(struct th_wire *wire) {
  ((struct udp *)wire)->is_deaf = true;
}

static uint16_t udp_port(const struct th_wire *wire) {
  return ((const struct udp *)wire)->port;
}

/* ---- the wire's life ------------------------------------------------------------------------ */

static void udp_counts(const struct th_wire *wire, struct th_wire_counts *counts) {
  const struct udp *udp = (const struct udp *)wire;
  counts->lost = atomic_load_explicit(&udp->lost, memory_order_relaxed);
  counts->strange = atomic_load_explicit(&udp->strange, memory_order_relaxed);
}

void th_udp_set_patience(struct th_wire *wire, unsigned questions) {
  ((struct udp *)wire)->patience = questions;
}

/* The channels say good-bye through the listener. */
static void udp_free(struct th_wire *wire) {
  struct udp *udp = (struct udp *)wire;
  for (struct channel *channel = udp->channels; channel != NULL; channel = channel->next)
    end(channel, 0);
  close_listener(udp);
  unref_udp(udp);
}

static const struct th_wire_ops udp_ops = {
  .listen = udp_listen,
  .stop_listening = udp_stop_listening,
  .port = udp_port,
  .connect = udp_connect,
  .send = udp_send,
  .unsent = udp_unsent,
  .send_loose = udp_send_loose,
  .pause = udp_pause,
  .close = udp_close,
  .peer = udp_peer,
  .counts = udp_counts,
  .free = udp_free,
};

int th_udp_new(struct th_loop *loop, struct th_wire **wire) {
  struct udp *udp = th_new(struct udp);
  int error = th_doorkeeper_init(&udp->keeper);
  if (error != 0) {
    free(udp);
    return error;
  }
  udp->wire.ops = &udp_ops;
  udp->loop = loop;
  udp->references = 1;
  th_map_init(&udp->accepted);
  atomic_init(&udp->lost, 0);
  atomic_init(&udp->strange, 0);
  *wire = &udp->wire;
  return 0;
}
