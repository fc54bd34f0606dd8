/* tcp: a wire over TCP.
 *
 * A channel passes through its states in one direction only:
 *
 *   CONNECTING -> OPEN -> FLUSHING -> CLOSING
 *
 * and may leave any of them for CLOSING. FLUSHING is a close that lets what was sent leave: the
 * stream is shut down for writing when it has, and then the other side's end is awaited, since to
 * close a socket with bytes unread, or yet to come, resets the connection and may tear what was
 * sent out of the other side's hands. Every callback of libuv looks at the state first.
 */
#include "transport/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/memory.h"

_Static_assert(TH_WIRE_EOF == UV_EOF, "wire.h repeats a number of libuv");

#define BACKLOG 511
#define READ_SIZE ((size_t)64 * 1024)
#define KEEPALIVE_SECONDS 60
#define FLUSH_TIME (2 * TH_SECOND)
#define LISTEN_AGAIN (100 * TH_MILLISECOND)

enum state { CONNECTING, OPEN, FLUSHING, CLOSING };

struct tcp {
  struct th_wire wire;
  struct th_loop *loop;
  struct listener *listener;   /* NULL: not listening */
  struct th_loop_timer *again; /* runs while listening is suspended */
  uint32_t ip;
  uint16_t port; /* 0: never listened */
  th_wire_accept *accept;
  void *context;
  struct channel *channels;
  size_t references; /* the holder's, and one for each listener and channel with handles */
  unsigned char bytes[READ_SIZE]; /* what libuv reads into; valid for one callback */
};

struct listener {
  uv_tcp_t handle;
  struct tcp *tcp;
};

struct channel {
  struct th_channel channel;
  struct tcp *tcp;
  struct channel *previous;
  struct channel *next;
  enum state state;
  int error;        /* what closed will tell */
  bool is_paused;   /* not reading, by the holder's wish */
  bool ended;       /* the other side has ended its stream */
  bool shut;        /* and we ours */
  unsigned handles; /* close callbacks still to come */
  size_t writes;    /* requests queued in libuv */
  uv_tcp_t socket;
  uv_timer_t patience; /* of FLUSHING */
  uv_connect_t connecting;
  uv_shutdown_t shutdown;
  char peer[TH_WIRE_PEER_SIZE];
};

struct write {
  uv_write_t request;
  unsigned char data[];
};

static void unref_tcp(struct tcp *tcp) {
  if (--tcp->references == 0) free(tcp);
}

static struct sockaddr_in place(uint32_t ip, uint16_t port) {
  return (struct sockaddr_in){
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

/* ---- a channel's life ----------------------------------------------------------------------- */

static struct channel *new_channel(struct tcp *tcp) {
  struct channel *channel = th_new(struct channel);
  channel->tcp = tcp;
  uv_loop_t *uv = th_loop_uv(tcp->loop);
  uv_tcp_init(uv, &channel->socket); /* takes no descriptor yet, so it cannot fail */
  uv_timer_init(uv, &channel->patience);
  channel->handles = 2;
  channel->socket.data = channel->patience.data = channel;
  channel->next = tcp->channels;
  if (channel->next != NULL) channel->next->previous = channel;
  tcp->channels = channel;
  tcp->references++;
  return channel;
}

static void unlink_channel(struct channel *channel) {
  if (channel->next != NULL) channel->next->previous = channel->previous;
  if (channel->previous != NULL) {
    channel->previous->next = channel->next;
  } else {
    channel->tcp->channels = channel->next;
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  struct channel *channel = handle->data;
  if (--channel->handles != 0) return;
  struct tcp *tcp = channel->tcp;
  unlink_channel(channel);
  const struct th_channel_events *events = channel->channel.events;
  if (events != NULL) events->closed(channel->channel.user, channel->error);
  free(channel);
  unref_tcp(tcp);
}

/* Every end comes through here; the first one counts. */
static void end(struct channel *channel, int error) {
  if (channel->state == CLOSING) return;
  channel->error = channel->state == FLUSHING ? 0 : error; /* who flushes has closed already */
  channel->state = CLOSING;
  uv_close((uv_handle_t *)&channel->socket, on_handle_closed);
  uv_close((uv_handle_t *)&channel->patience, on_handle_closed);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* All channels share one buffer: libuv asks for it just before it reads, and hands over what it
 * read before it asks again. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  struct channel *channel = handle->data;
  *buffer = uv_buf_init((char *)channel->tcp->bytes, READ_SIZE);
}

static void on_end_of_stream(struct channel *channel) {
  channel->ended = true;
  uv_read_stop((uv_stream_t *)&channel->socket);
  if (channel->state == OPEN || channel->shut) end(channel, UV_EOF);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
  struct channel *channel = stream->data;
  if (size == UV_EOF) {
    on_end_of_stream(channel);
  } else if (size < 0) {
    end(channel, (int)size);
  } else if (size > 0 && channel->state == OPEN) {
    channel->channel.events->received(channel->channel.user, (const unsigned char *)buffer->base,
                                      (size_t)size);
  }
}

static void begin_reading(struct channel *channel) {
  int error = uv_read_start((uv_stream_t *)&channel->socket, on_alloc, on_read);
  if (error != 0) end(channel, error);
}

/* What is not read fills the kernel's buffers, and then holds back the other side. */
static void tcp_pause(struct th_channel *base, bool is_paused) {
  struct channel *channel = (struct channel *)base;
  if (channel->state != OPEN || channel->is_paused == is_paused) return;
  channel->is_paused = is_paused;
  if (is_paused) {
    uv_read_stop((uv_stream_t *)&channel->socket);
  } else if (!channel->ended) {
    begin_reading(channel);
  }
}

/* Small messages are not held back in the hope of more: links gather what belongs together. And a
 * machine that went without a word is noticed some day even where nothing is written to it. */
static void start(struct channel *channel) {
  uv_tcp_nodelay(&channel->socket, 1);
  uv_tcp_keepalive(&channel->socket, 1, KEEPALIVE_SECONDS);
  begin_reading(channel);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status) {
  struct channel *channel = request->handle->data;
  free(request);
  channel->writes--;
  if (status != 0) {
    end(channel, status);
    return;
  }
  const struct th_channel_events *events = channel->channel.events;
  if (channel->writes == 0 && channel->state == OPEN && events->written != NULL)
    events->written(channel->channel.user);
}

static void queue(struct channel *channel, const unsigned char *data, size_t size) {
  struct write *write = th_try_alloc(sizeof *write + size);
  if (write == NULL) {
    end(channel, TH_ENOMEM);
    return;
  }
  memcpy(write->data, data, size);
  uv_buf_t buffer = {.base = (char *)write->data, .len = size};
  int error = uv_write(&write->request, (uv_stream_t *)&channel->socket, &buffer, 1, on_written);
  if (error != 0) {
    free(write);
    end(channel, error);
    return;
  }
  channel->writes++;
}

static void tcp_send(struct th_channel *base, const void *data, size_t size) {
  struct channel *channel = (struct channel *)base;
  if (channel->state > OPEN || size == 0) return;
  size_t done = 0;
  if (channel->writes == 0 && channel->state == OPEN) {
    uv_buf_t buffer = {.base = (char *)(uintptr_t)data, .len = size};
    int written = uv_try_write((uv_stream_t *)&channel->socket, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
      end(channel, written);
      return;
    }
    if (written > 0) done = (size_t)written;
  }
  if (done < size) queue(channel, (const unsigned char *)data + done, size - done);
}

static size_t tcp_unsent(const struct th_channel *base) {
  const struct channel *channel = (const struct channel *)base;
  if (channel->state == CLOSING) return SIZE_MAX;
  return uv_stream_get_write_queue_size((const uv_stream_t *)&channel->socket);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void on_shutdown(uv_shutdown_t *request, int status) {
  struct channel *channel = request->handle->data;
  channel->shut = true;
  if (status != 0 || channel->ended) end(channel, 0);
}

static void on_impatient(uv_timer_t *patience) {
  end(patience->data, 0);
}

static void flush(struct channel *channel) {
  channel->state = FLUSHING;
  int error = uv_shutdown(&channel->shutdown, (uv_stream_t *)&channel->socket, on_shutdown);
  if (error != 0) {
    end(channel, 0);
    return;
  }
  uv_update_time(th_loop_uv(channel->tcp->loop));
  uv_timer_start(&channel->patience, on_impatient, FLUSH_TIME / TH_MILLISECOND, 0);
}

static void tcp_close(struct th_channel *base, int with_flush) {
  struct channel *channel = (struct channel *)base;
  if (with_flush) tcp_pause(base, false); /* to see the other side's end */
  if (channel->state == OPEN && with_flush) {
    flush(channel);
  } else if (channel->state != FLUSHING || !with_flush) {
    end(channel, 0);
  }
}

/* ---- connecting ----------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *request, int status) {
  struct channel *channel = request->handle->data;
  if (channel->state != CONNECTING) return;
  if (status != 0) {
    end(channel, status);
    return;
  }
  channel->state = OPEN;
  start(channel);
  if (channel->state == OPEN) channel->channel.events->opened(channel->channel.user);
}

static void tcp_peer(const struct th_channel *base, char *out) {
  memcpy(out, ((const struct channel *)base)->peer, TH_WIRE_PEER_SIZE);
}

static void name_peer(struct channel *channel, const struct sockaddr_in *address) {
  char ip[INET_ADDRSTRLEN];
  if (inet_ntop(AF_INET, &address->sin_addr, ip, sizeof ip) == NULL) ip[0] = '\0';
  snprintf(channel->peer, sizeof channel->peer, "%s:%u", ip, ntohs(address->sin_port));
}

static const struct th_wire_ops tcp_ops;

static int tcp_connect(struct th_wire *wire, uint32_t ip, uint16_t port,
                       const struct th_channel_events *events, void *user,
                       struct th_channel **out) {
  struct channel *channel = new_channel((struct tcp *)wire);
  struct sockaddr_in address = place(ip, port);
  name_peer(channel, &address);
  int error = uv_tcp_connect(&channel->connecting, &channel->socket,
                             (const struct sockaddr *)&address, on_connected);
  if (error != 0) {
    end(channel, error); /* without events: nobody is told but the caller, now */
    return error;
  }
  channel->channel = (struct th_channel){&tcp_ops, events, user};
  *out = &channel->channel;
  return 0;
}

/* ---- listening ------------------------------------------------------------------------------ */

static void on_listener_closed(uv_handle_t *handle) {
  struct listener *listener = handle->data;
  unref_tcp(listener->tcp);
  free(listener);
}

static void close_listener(struct tcp *tcp) {
  if (tcp->listener == NULL) return;
  uv_close((uv_handle_t *)&tcp->listener->handle, on_listener_closed);
  tcp->listener = NULL;
}

static int open_listener(struct tcp *tcp);

static void on_again(void *user) {
  struct tcp *tcp = user;
  tcp->again = NULL;
  if (open_listener(tcp) != 0) tcp->again = th_loop_after(tcp->loop, LISTEN_AGAIN, on_again, tcp);
}

/* accept failed for want of descriptors or memory. libuv gets rid of the waiting connections with a
 * descriptor that it keeps in reserve; where another thread was faster to take that, it would call
 * us again and again without end. Closing the socket stops it; a moment later we listen there
 * anew. */
static void suspend(struct tcp *tcp) {
  close_listener(tcp);
  tcp->again = th_loop_after(tcp->loop, LISTEN_AGAIN, on_again, tcp);
}

static bool is_want(int error) {
  return error == UV_EMFILE || error == UV_ENFILE || error == UV_ENOBUFS || error == UV_ENOMEM;
}

static void accept_channel(struct tcp *tcp, struct channel *channel) {
  struct sockaddr_in address = {0};
  int size = sizeof address;
  /* Fails when the other side has gone already; reading will tell. */
  uv_tcp_getpeername(&channel->socket, (struct sockaddr *)&address, &size);
  name_peer(channel, &address);
  channel->state = OPEN;
  channel->channel.ops = &tcp_ops;
  tcp->accept(tcp->context, &channel->channel);
  if (channel->channel.events == NULL) {
    end(channel, 0);
  } else if (channel->state == OPEN) {
    start(channel);
  }
}

static void on_connection(uv_stream_t *stream, int status) {
  struct tcp *tcp = ((struct listener *)stream->data)->tcp;
  if (status != 0) {
    if (is_want(status)) suspend(tcp);
    return; /* else the one connection failed before it was ours */
  }
  struct channel *channel = new_channel(tcp);
  int error = uv_accept(stream, (uv_stream_t *)&channel->socket);
  if (error == 0) {
    accept_channel(tcp, channel);
  } else {
    end(channel, error);
  }
}

/* Listens on tcp->ip and tcp->port; a port that is taken shows only in uv_listen. */
static int open_listener(struct tcp *tcp) {
  struct listener *listener = th_new(struct listener);
  uv_tcp_init(th_loop_uv(tcp->loop), &listener->handle);
  listener->handle.data = listener;
  listener->tcp = tcp;
  tcp->listener = listener;
  tcp->references++;
  struct sockaddr_in address = place(tcp->ip, tcp->port);
  int size = sizeof address;
  int error = uv_tcp_bind(&listener->handle, (const struct sockaddr *)&address, 0);
  if (error == 0) error = uv_listen((uv_stream_t *)&listener->handle, BACKLOG, on_connection);
  if (error == 0) error = uv_tcp_getsockname(&listener->handle, (struct sockaddr *)&address, &size);
  if (error == 0) {
    tcp->port = ntohs(address.sin_port);
  } else {
    close_listener(tcp);
  }
  return error;
}

static int tcp_listen(struct th_wire *wire, uint32_t ip, uint16_t port, th_wire_accept *accept,
                      void *context) {
  struct tcp *tcp = (struct tcp *)wire;
  assert(tcp->listener == NULL && tcp->again == NULL);
  tcp->ip = ip;
  tcp->port = port;
  tcp->accept = accept;
  tcp->context = context;
  int error = open_listener(tcp);
  if (error != 0) tcp->port = 0;
  return error;
}

static void tcp_stop_listening(struct th_wire *wire) {
  struct tcp *tcp = (struct tcp *)wire;
  close_listener(tcp);
  th_loop_cancel(tcp->again);
  tcp->again = NULL;
}

static uint16_t tcp_port(const struct th_wire *wire) {
  return ((const struct tcp *)wire)->port;
}

/* ---- the wire's life ------------------------------------------------------------------------ */

static void tcp_counts(const struct th_wire *wire, struct th_wire_counts *counts) {
  (void)wire;
  *counts = (struct th_wire_counts){0}; /* the kernel sees to it that there is nothing to count */
}

static void tcp_free(struct th_wire *wire) {
  struct tcp *tcp = (struct tcp *)wire;
  tcp_stop_listening(wire);
  for (struct channel *channel = tcp->channels; channel != NULL; channel = channel->next)
    end(channel, 0);
  unref_tcp(tcp);
}

static const struct th_wire_ops tcp_ops = {
  .listen = tcp_listen,
  .stop_listening = tcp_stop_listening,
  .port = tcp_port,
  .connect = tcp_connect,
  .send = tcp_send,
  .unsent = tcp_unsent,
  .pause = tcp_pause,
  .close = tcp_close,
  .peer = tcp_peer,
  .counts = tcp_counts,
  .free = tcp_free,
};

int th_tcp_new(struct th_loop *loop, struct th_wire **wire) {
  struct tcp *tcp = th_new(struct tcp);
  tcp->wire.ops = &tcp_ops;
  tcp->loop = loop;
  tcp->references = 1;
  *wire = &tcp->wire;
  return 0;
}
