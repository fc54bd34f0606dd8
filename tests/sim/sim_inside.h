/* sim_inside: what a simulated connection is made of, for the files of the network alone.
 *
 * A connection has two pipes, one to each side: a row of segments in the order in which they
 * arrive. A segment whose time is TH_FOREVER stalls, and all behind it do. An end goes through the
 * states of a TCP channel (transport/tcp.c) and the same events come in the same order. An end that
 * is closing takes nothing any more: whoever sends to it is reset.
 *
 * Threads: one. Owns: a connection its segments; it goes with its second end.
 */
#ifndef SIM_INSIDE_H
#define SIM_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_engine.h"
#include "sim_loop.h"
#include "sim_net.h"
#include "transport/wire.h"

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
  bool is_deaf; /* no longer listens */
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
  bool *cut; /* from here to there */
  uint16_t last_port;
};

struct sim_net {
  unsigned host_count;
  struct host *hosts;
  bool *cuts; /* of all hosts */
  struct wire *wires;
  struct connection *connections;
  uint64_t delay; /* at most, as a rule */
  unsigned spikes;
  unsigned losses;
  size_t capacity; /* of the kernel's buffers */
  uint64_t lost;
};

static inline struct sim_net *sim_net(void) {
  return sim_engine()->net;
}

/* ---- pipes: to is the side that one leads to ---- */

/* How long something is on its way. */
uint64_t sim_pipe_delay(void);

/* Has the first segment arrive when its time has come. */
void sim_pipe_schedule(struct connection *connection, unsigned to);

struct segment *sim_pipe_take(struct pipe *pipe, struct segment **place);

/* Drops what is in the pipe, from that place on. */
void sim_pipe_drop(struct pipe *pipe, struct segment **place);

/* Sends: to who is there, or not; put has the sender hear of it when nobody is. */
void sim_pipe_append(struct connection *connection, unsigned to, enum kind kind, const void *data,
                     size_t size);
void sim_pipe_put(struct connection *connection, unsigned to, enum kind kind, const void *data,
                  size_t size);
void sim_pipe_reset(struct connection *connection, unsigned to);

/* Bytes that do not fit into the kernel's buffers. They go with the process: true when there were
 * any. */
size_t sim_pipe_excess(const struct pipe *pipe);
bool sim_pipe_truncate(struct pipe *pipe);

/* The loose frame that is the last goes before the piece of the stream before it. */
void sim_pipe_overtake(struct pipe *pipe);

/* What has stalled goes on. */
bool sim_pipe_is_stalled(const struct connection *connection, unsigned to);
void sim_pipe_resume(struct connection *connection, unsigned to);

/* ---- ends ---- */

static inline bool sim_end_is_gone(const struct end *end) {
  return end == NULL || end->state == CLOSING;
}

static inline struct th_loop *sim_end_loop(const struct end *end) {
  return end->wire->loop;
}

static inline struct end *sim_end_of_act(struct sim_item *item) {
  return (struct end *)(void *)((char *)item - offsetof(struct end, act));
}

/* Every end comes through here; the first one counts. Quiet: the other side is told nothing. */
void sim_end_finish(struct end *end, int error, bool is_quiet);

/* The first segment of the pipe has arrived. */
void sim_wire_arrival(struct sim_item *item);

#endif
