/* datagram: what one datagram of the UDP wire says, as bytes and back.
 *
 * Every datagram begins with the magic, its type, and the connection's id: 64 random bits that the
 * opening side has drawn, so who cannot read the traffic cannot take part in it. Numbers are big
 * endian. What follows, by type:
 *
 *   OPEN    cookie                    opening side: let us talk; 0 as long as it has no cookie
 *   COOKIE  cookie                    prove that you are where you say: repeat this
 *   ACCEPT                            agreed
 *   STREAM  state, offset, bytes      a piece of the stream, which is sent again until it is taken
 *   LOOSE   state, number, part, bytes   whole frames, or a part of one; sent once
 *   PING    state                     are you there? is answered by an ACK
 *   ACK     state
 *   CLOSE                             there is no such connection, or no longer
 *
 * state is [taken, seen, lost, sent]: how much of the other's stream has been taken; below which
 * number its loose datagrams are accounted for, and how many of these never came or came too late;
 * and how many loose ones this side has sent so far, so that a gap at the end shows, too.
 *
 * A COOKIE is as long as the OPEN that it answers, so nobody can have more sent to a third party
 * than he has sent himself.
 *
 * Threads: any; pure.
 */
#ifndef TH_TRANSPORT_DATAGRAM_H
#define TH_TRANSPORT_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

/* The largest head, that of LOOSE. */
#define TH_DATAGRAM_HEAD 54

enum th_datagram_type {
  TH_DATAGRAM_OPEN = 1,
  TH_DATAGRAM_COOKIE = 2,
  TH_DATAGRAM_ACCEPT = 3,
  TH_DATAGRAM_STREAM = 4,
  TH_DATAGRAM_LOOSE = 5,
  TH_DATAGRAM_PING = 6,
  TH_DATAGRAM_ACK = 7,
  TH_DATAGRAM_CLOSE = 8
};

/* Where in a frame that needs several datagrams this one is; both for whole frames. */
enum th_datagram_part { TH_DATAGRAM_FIRST = 1, TH_DATAGRAM_LAST = 2 };

struct th_datagram_state {
  uint64_t taken;
  uint64_t seen;
  uint64_t lost;
  uint64_t sent;
};

struct th_datagram {
  enum th_datagram_type type;
  uint64_t id;
  uint64_t cookie; /* of OPEN and COOKIE */
  struct th_datagram_state state;
  uint64_t place; /* offset of STREAM, number of LOOSE */
  uint8_t part;   /* of LOOSE */
  const unsigned char *bytes;
  size_t size;
};

/* Writes what stands before the bytes, which the caller puts behind it; gives its size. */
size_t th_datagram_head(const struct th_datagram *datagram, unsigned char head[TH_DATAGRAM_HEAD]);

/* 0 or TH_EMALFORMED: not a datagram of this version. bytes are borrowed from data; a STREAM or
 * LOOSE has at least one, the others none. */
int th_datagram_read(struct th_datagram *datagram, const unsigned char *data, size_t size);

#endif
