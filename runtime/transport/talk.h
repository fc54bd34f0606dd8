/* talk: what both sides of an agreed connection over datagrams do to be understood.
 *
 * Two ways beside each other: the stream, of which each piece is sent until it is taken, and loose
 * frames, which are sent once. What was sent comes in the order in which it was sent, but for this:
 * a loose frame may overtake a piece of the stream that got lost and is sent again. So bytes of the
 * stream wait until the frames given before them have left; and a piece of the stream tells how
 * many loose datagrams were sent before it, of which none is taken any more when it has come.
 *
 * The talk has no socket and no timer. Its holder transmits what it is given, hands over what
 * comes, and calls tick when th_talk_wait is over. Silence is counted in ticks and not in time,
 * since a program that does not turn its loop for an hour has not waited for an hour.
 *
 * While it is paused, what comes is kept, in its order, and not accounted for: so the other side
 * can send only what its window allows, and nothing is lost that is kept.
 *
 * Threads: its holder. Owns: bytes on their way.
 */
#ifndef TH_TRANSPORT_TALK_H
#define TH_TRANSPORT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/datagram.h"
#include "transport/loose.h"
#include "transport/stream.h"

/* How often in a row, by itself, a question stays without an answer before the other side is taken
 * for gone. Who opens a connection asks about every second. Who accepts it may have to do with a
 * program that looks at its socket only now and then, asks more and more seldom, and waits for an
 * hour. */
#define TH_TALK_OPENER_PATIENCE 20
#define TH_TALK_ACCEPTED_PATIENCE 120

/* What a talk asks of its holder; each may end the talk (th_talk_end). */
struct th_talk_ops {
  /* Sends a datagram to which only the id is missing; false when it cannot leave now. */
  bool (*transmit)(void *context, struct th_datagram *datagram);
  void (*received)(void *context, const unsigned char *data, size_t size);
  void (*received_loose)(void *context, const unsigned char *frames, size_t size);
};

struct th_talk_kept;

struct th_talk {
  const struct th_talk_ops *ops;
  void *context;
  bool is_opener;
  bool is_over;
  bool is_full; /* a datagram could not leave */
  unsigned patience;
  struct th_stream stream;
  struct th_loose loose;
  uint64_t hold_until; /* loose bytes that leave before the stream goes on past stream.held */

  bool heard;     /* anything since the last tick */
  bool moved;     /* the stream has gone on since the last tick */
  unsigned quiet; /* ticks since something was heard */
  uint64_t timed; /* the offset whose acknowledgement is timed; 0: none */
  uint64_t timed_since;
  uint64_t round_trip; /* smoothed, in nanoseconds; 0: not known */
  uint64_t deviation;

  bool owes_answer; /* something that the other side waits for has come */
  unsigned owed_datagrams;
  size_t owed_bytes;
  uint64_t told_lost; /* of ours, as the other side has told */

  bool is_paused;
  bool is_taking_kept;
  struct th_talk_kept *kept; /* datagrams that came while it was paused, oldest first */
  struct th_talk_kept **last_kept;
  size_t kept_weight;
};

/* step: the most bytes in a datagram, besides its head. */
void th_talk_init(struct th_talk *talk, const struct th_talk_ops *ops, void *context, size_t step,
                  bool is_opener);
void th_talk_clear(struct th_talk *talk);

/* From now on nothing is transmitted or received. */
void th_talk_end(struct th_talk *talk);

/* Sends, or keeps what cannot leave yet. 0 or TH_ENOMEM. loose takes whole frames. */
int th_talk_send(struct th_talk *talk, const void *data, size_t size);
int th_talk_send_loose(struct th_talk *talk, const void *frames, size_t size);

/* Bytes that have not left once; and whether all of the stream is known to be taken besides. */
size_t th_talk_unsent(const struct th_talk *talk);
bool th_talk_is_settled(const struct th_talk *talk);

/* A datagram of this connection came: STREAM, LOOSE, PING or ACK. When owes_answer is set then, the
 * holder calls th_talk_acknowledge, once for all that could be read at once. */
void th_talk_take(struct th_talk *talk, const struct th_datagram *datagram);
void th_talk_acknowledge(struct th_talk *talk);

/* While paused, nothing is received. The end of a pause receives what was kept meanwhile, until the
 * next pause. Also from within received. */
void th_talk_pause(struct th_talk *talk, bool is_paused);

/* How long to wait for the next tick, as things are now. False when patience is at its end. */
uint64_t th_talk_wait(const struct th_talk *talk);
bool th_talk_tick(struct th_talk *talk);

/* Datagrams with loose frames that got lost so far, those of both sides. */
uint64_t th_talk_lost(const struct th_talk *talk);

#endif
