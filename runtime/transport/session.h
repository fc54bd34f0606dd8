/* session: the exchange of messages between two systems, which outlives their connections.
 *
 * A session is one side's half of it. It keeps every message that the other side has not
 * acknowledged; when a connection breaks, either side connects again, both say how many they have
 * received, and what is missing is sent once more. So as long as both sides live and neither gives
 * the other up, nothing is lost, doubled or reordered. A session ends for good, once: when the other
 * system says good-bye, turns out to be another one (it was restarted), has forgotten this session,
 * or nothing was heard of it for too long. What it had not acknowledged is then given back.
 *
 * Over a wire with a way for frames that may get lost (UDP), what users and actors say goes that
 * way, is not acknowledged and may get lost; what the runtime says is kept and sent again as above.
 *
 * Who is who: a system's identity is new for every run. Each half of a session draws a nonce. A
 * connection's greeting (struct th_meeting) names both nonces, as far as they are known, so neither
 * side goes on with a session that the other has given up.
 *
 * Two systems may connect to each other at once. Who is being greeted while its own greeting is
 * under way goes on with the connection that the one with the smaller identity made, and refuses the
 * other (TH_ECROSSED, which is no failure). A greeting that was sent before the connection that is
 * up now came to be is told by its generation, and refused likewise.
 *
 * A side that was silent for a while is asked (ping), and cut off when it does not answer; the
 * connection is then made anew. A side whose own loop was late takes that for its own fault and
 * asks again first. Connecting is repeated after pauses that grow and are never quite the same. A
 * system whose address has no port cannot be connected to: it connects.
 *
 * Threads: th_session_send, _waiting and _counts any; all else, and the events, on the loop.
 * Owns: its channel, and messages that are not acknowledged.
 */
#ifndef TH_TRANSPORT_SESSION_H
#define TH_TRANSPORT_SESSION_H

#include "base/clock.h"
#include "base/error.h"
#include "message/message.h"
#include "transport/frame.h"
#include "transport/wire.h"

struct th_session;

/* All in nanoseconds. */
struct th_session_times {
  uint64_t ping;       /* of silence, until the other side is asked; as long again: it is cut off */
  uint64_t lost;       /* without a word on any connection, until the session ends */
  uint64_t first;      /* the same where there never was a connection */
  uint64_t greeting;   /* for a connection to be made and greeted */
  uint64_t pause;      /* before the first attempt to connect again; it doubles each time, */
  uint64_t pause_most; /* up to this */
  uint64_t acknowledge; /* a message is acknowledged within this, or with every 64th */
};

#define TH_SESSION_TIMES                                                                           \
  ((struct th_session_times){.ping = 5 * TH_SECOND,                                                \
                             .lost = 30 * TH_SECOND,                                               \
                             .first = 5 * TH_SECOND,                                               \
                             .greeting = 5 * TH_SECOND,                                            \
                             .pause = 50 * TH_MILLISECOND,                                         \
                             .pause_most = 5 * TH_SECOND,                                          \
                             .acknowledge = 20 * TH_MILLISECOND})

/* Why a session ended. */
enum th_session_end {
  TH_SESSION_LEFT,      /* the other side said good-bye */
  TH_SESSION_RESTARTED, /* another system is where it was, or it has forgotten this session */
  TH_SESSION_LOST,      /* silent for too long */
  TH_SESSION_ABSENT,    /* there never was a connection */
  TH_SESSION_REFUSED,   /* it refuses us, or speaks what cannot be read */
  TH_SESSION_CLOSED     /* this side closed it */
};

struct th_session_events {
  /* Connected, and agreed with, for the first time or again; other is what it says of itself. */
  void (*up)(void *context, struct th_session *session, const struct th_meeting *other);
  /* The connection is gone; the session goes on. Words fit for one log line. */
  void (*down)(void *context, struct th_session *session, const char *words);
  /* A message arrived; given. */
  void (*message)(void *context, struct th_session *session, struct th_message *message);
  /* Fewer messages wait. */
  void (*drained)(void *context, struct th_session *session);
  /* A message that the other side has not acknowledged, when the session ends, or that is too large
   * for it; given. Those of an end come in order, before ended. For a message given to th_session_send
   * after the end: in the sender's thread. */
  void (*undeliverable)(void *context, struct th_session *session, struct th_message *message);
  /* The end, exactly once. The holder drops its reference in it or later. */
  void (*ended)(void *context, struct th_session *session, enum th_session_end end,
                const char *words);
};

struct th_session_config {
  struct th_loop *loop;
  struct th_wire *wire;  /* to connect with */
  struct th_address own; /* this system's admin; port 0: others cannot connect to it */
  uint64_t limit;        /* the largest payload that this side takes */
  struct th_session_times times;
  const struct th_session_events *events;
};

/* A half with one reference, its holder's. other is the other system's admin; its identity may be 0
 * where only the place is known. Where there is a port it is connected to at once, else it is waited
 * for. */
struct th_session *th_session_new(const struct th_session_config *config,
                                  const struct th_address *other, void *context);

struct th_session *th_session_ref(struct th_session *session);
void th_session_unref(struct th_session *session);

/* What is to be done with an incoming connection's greeting. */
enum th_session_fit {
  TH_SESSION_FITS,      /* adopt: the session goes on over it */
  TH_SESSION_CROSSED,   /* refuse with TH_ECROSSED: there is, or will be, a better connection */
  TH_SESSION_FORGOTTEN, /* refuse with TH_EFORGOTTEN: it means a session that ended here */
  TH_SESSION_ANEW /* it has begun a new session: this one is over (th_session_replace), make another */
};

/* session may be NULL: there is none with that system. */
enum th_session_fit th_session_judge(const struct th_session *session,
                                     const struct th_meeting *meeting);

/* Takes an accepted channel whose greeting fits, answers, and goes on over it. */
void th_session_adopt(struct th_session *session, struct th_channel *channel,
                      const struct th_meeting *meeting);

/* Ends the session as TH_SESSION_RESTARTED. */
void th_session_replace(struct th_session *session);

/* Any thread: takes message. Order is kept per thread. */
void th_session_send(struct th_session *session, struct th_message *message);

/* Any thread: how many messages are not written or not acknowledged. */
size_t th_session_waiting(const struct th_session *session);

/* Writes what waits, awaits that it is acknowledged, for patience nanoseconds at most, says good-bye
 * and ends (TH_SESSION_CLOSED). With patience 0 ends at once, with a good-bye where there is a
 * connection. */
void th_session_close(struct th_session *session, uint64_t patience);

/* The other side as far as it is known; and whether there is a connection now. */
const struct th_address *th_session_other(const struct th_session *session);
bool th_session_is_up(const struct th_session *session);

/* Any thread: for the status of links: since when the present connection is up (0: there is none),
 * when it was last heard of, messages sent, received, acknowledged by the other side, sent again, and
 * how often it was connected. As they were when the loop left the session last. */
struct th_session_counts {
  uint64_t up_since, heard, sent, received, acknowledged, repeated, connections;
};
void th_session_counts(const struct th_session *session, struct th_session_counts *counts);

#endif
