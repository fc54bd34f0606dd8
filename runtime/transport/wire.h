/* wire: carries bytes between two places. One interface, several carriers (TCP now).
 *
 * A wire makes channels: by listening (accepted) or by connecting (opened). A channel is a two-way
 * stream of bytes until closed is called, exactly once, which is also the end of its memory. Bytes
 * given to received are borrowed for the call. Once a channel's holder has closed it, it is told
 * nothing more but closed; what the other side still sends is dropped.
 *
 * Threads: loop. Owns: its channels and handles.
 */
#ifndef TH_TRANSPORT_WIRE_H
#define TH_TRANSPORT_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "transport/loop.h"

/* What closed tells when the other side ended the stream: libuv's UV_EOF. */
#define TH_WIRE_EOF (-4095)

/* Enough for what a channel's peer is called: "255.255.255.255:65535". */
#define TH_WIRE_PEER_SIZE 64

struct th_wire;
struct th_channel;

/* What a channel's holder is told. user is th_channel.user. */
struct th_channel_events {
  void (*opened)(void *user); /* a connect succeeded; NULL where none is made */
  void (*received)(void *user, const unsigned char *data, size_t size); /* may close the channel */
  void (*written)(void *user); /* sends that had to wait have all left the process; may be NULL */
  void (*closed)(void *user, int error); /* 0: we closed; else why; the channel is no more */
};

struct th_channel {
  const struct th_wire_ops *ops;
  const struct th_channel_events *events; /* set by the holder before anything can happen */
  void *user;
};

/* Called for each accepted channel; the callee sets events and user before it returns, or leaves
 * events NULL, which closes the channel. */
typedef void th_wire_accept(void *context, struct th_channel *channel);

struct th_wire_ops {
  /* Listens on ip:port (0 takes a free one). accept is called with context from then on. Once a
   * wire; after a failure it may be tried again. */
  int (*listen)(struct th_wire *wire, uint32_t ip, uint16_t port, th_wire_accept *accept,
                void *context);
  /* The port that listen took; 0 before. */
  uint16_t (*port)(const struct th_wire *wire);
  /* Begins to connect; the outcome is opened, or closed with the error. */
  int (*connect)(struct th_wire *wire, uint32_t ip, uint16_t port,
                 const struct th_channel_events *events, void *user, struct th_channel **channel);
  /* Copies or writes all of data. After an error (which closed will tell) does nothing. */
  void (*send)(struct th_channel *channel, const void *data, size_t size);
  /* Bytes given to send that have not left yet. When it is not 0 after send, written will be
   * called; SIZE_MAX when closed will be, and nothing that is sent now would leave. */
  size_t (*unsent)(const struct th_channel *channel);
  /* Closes; closed comes later, from the loop. With flush, what was sent leaves first, and the
   * other side gets the time to end its stream, too, so that nothing on its way is torn (bounded by
   * the peer's willingness to read: at most two seconds). A second call without flush ends that at
   * once. */
  void (*close)(struct th_channel *channel, int flush);
  /* "127.0.0.1:40312", the other side, for logs. out holds TH_WIRE_PEER_SIZE bytes. */
  void (*peer)(const struct th_channel *channel, char *out);
  /* Stops listening, closes every channel; the memory goes when the loop has closed the handles. */
  void (*free)(struct th_wire *wire);
};

struct th_wire {
  const struct th_wire_ops *ops;
};

/* A wire over TCP on that loop. */
int th_tcp_new(struct th_loop *loop, struct th_wire **wire);

#endif
