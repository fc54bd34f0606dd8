/* wire: carries bytes between two places. One interface, two carriers: TCP and UDP.
 *
 * A wire makes channels: by listening (accepted) or by connecting (opened). A channel is a two-way
 * stream of bytes until closed is called, exactly once, which is also the end of its memory. Bytes
 * given to received are borrowed for the call. Once a channel's holder has closed it, it is told
 * nothing more but closed; what the other side still sends is dropped.
 *
 * Over UDP a channel has a second way beside the stream, for frames that may get lost. What is sent
 * on both comes in the order in which it was sent, but for this: a frame may overtake bytes of the
 * stream that got lost and are sent again.
 *
 * Threads: loop, but for counts. Owns: its channels and handles.
 */
#ifndef TH_TRANSPORT_WIRE_H
#define TH_TRANSPORT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "transport/loop.h"

enum th_carrier { TH_CARRIER_TCP, TH_CARRIER_UDP };

/* What closed tells when the other side ended the stream: libuv's UV_EOF. */
#define TH_WIRE_EOF (-4095)

/* The largest frame that may be sent loose: a message of 64 KiB with its head. */
#define TH_WIRE_LOOSE ((size_t)65536 + 128)

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
  /* Whole frames that the other side gave to send_loose; may close the channel. NULL where the
   * wire has no such way. */
  void (*received_loose)(void *user, const unsigned char *frames, size_t size);
};

/* What a wire has noticed since it was made. */
struct th_wire_counts {
  uint64_t lost;    /* datagrams with frames that never came, or too late, in either direction */
  uint64_t strange; /* datagrams that were none of ours */
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
  /* Whoever would open a channel from now on is told that nobody is there; those that are open go
   * on. */
  void (*stop_listening)(struct th_wire *wire);
  /* Begins to connect; the outcome is opened, or closed with the error. */
  int (*connect)(struct th_wire *wire, uint32_t ip, uint16_t port,
                 const struct th_channel_events *events, void *user, struct th_channel **channel);
  /* Copies or writes all of data. After an error (which closed will tell) does nothing. */
  void (*send)(struct th_channel *channel, const void *data, size_t size);
  /* Bytes given to send that have not left yet. When it is not 0 after send, written will be
   * called; SIZE_MAX when closed will be, and nothing that is sent now would leave. */
  size_t (*unsent)(const struct th_channel *channel);
  /* The same for whole frames (transport/frame.h), each of TH_WIRE_LOOSE bytes at most, that may
   * get lost on their way and do not wait for others that did. NULL where nothing gets lost. */
  void (*send_loose)(struct th_channel *channel, const void *frames, size_t size);
  /* While paused, nothing more is received, and the other side can send only so much; nothing gets
   * lost by it. What is received already may go on until the next event. The end of the other side
   * may be noticed later. Only while the channel is open; a close ends it. */
  void (*pause)(struct th_channel *channel, bool is_paused);
  /* Closes; closed comes later, from the loop. With flush, what was sent leaves first, and the
   * other side gets the time to end its stream, too, so that nothing on its way is torn (bounded by
   * the peer's willingness to read: at most two seconds). A second call without flush ends that at
   * once. */
  void (*close)(struct th_channel *channel, int flush);
  /* "127.0.0.1:40312", the other side, for logs. out holds TH_WIRE_PEER_SIZE bytes. */
  void (*peer)(const struct th_channel *channel, char *out);
  /* Any thread, as long as the wire lives. */
  void (*counts)(const struct th_wire *wire, struct th_wire_counts *counts);
  /* Stops listening, closes every channel; the memory goes when the loop has closed the handles. */
  void (*free)(struct th_wire *wire);
};

struct th_wire {
  const struct th_wire_ops *ops;
  /* Something came that belongs to no channel and does not open one: words for one log line, now
   * and then, with the context of listen. The holder sets it, or leaves it NULL. */
  void (*stranger)(void *context, const char *words);
};

/* A wire over TCP on that loop. */
int th_tcp_new(struct th_loop *loop, struct th_wire **wire);

/* A wire over UDP. */
int th_udp_new(struct th_loop *loop, struct th_wire **wire);

/* How many questions in a row stay without an answer until a wire over UDP takes the other side for
 * gone, for channels to come; transport/talk.h says what it does by itself. Where the other side's
 * machine says that nobody is there, nobody is waited for. */
void th_udp_set_patience(struct th_wire *wire, unsigned questions);

/* The wire of that carrier. */
static inline int th_wire_new(enum th_carrier carrier, struct th_loop *loop,
                              struct th_wire **wire) {
  return carrier == TH_CARRIER_UDP ? th_udp_new(loop, wire) : th_tcp_new(loop, wire);
}

#endif
