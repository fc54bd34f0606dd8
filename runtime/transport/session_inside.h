/* session_inside: one half of a session, for its own files alone (session*.c).
 *
 *   WAITING, PAUSING -> DIALING -> GREETING -> UP -> ENDED
 *
 * WAITING has no place to connect to. GREETING has said HELLO. From DIALING on there is a line,
 * which each of these three may lose: back to the first; an adopted line leads from any of them to
 * UP.
 *
 * Whoever comes in from the loop does so between th_session_enter() and th_session_leave(). Events
 * may end the session, so after each of them the state is looked at anew; th_session_leave() tells
 * what has become of messages, says good-bye when a closing session has nothing left to wait for,
 * and sets the timer. A message that arrives is the exception: nothing is done after its event.
 *
 * Threads: loop, but where a field says otherwise.
 */
#ifndef TH_TRANSPORT_SESSION_INSIDE_H
#define TH_TRANSPORT_SESSION_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/line.h"
#include "transport/loop.h"
#include "transport/outbox.h"
#include "transport/session.h"

enum th_session_state {
  TH_SESSION_WAITING,
  TH_SESSION_PAUSING,
  TH_SESSION_DIALING,
  TH_SESSION_GREETING,
  TH_SESSION_UP,
  TH_SESSION_ENDED
};

/* The counts as the loop has left them. Each is read on its own, relaxed: nothing hangs on them. */
struct th_session_published {
  atomic_uint_fast64_t up_since, heard, sent, received, acknowledged, repeated, connections;
};

struct th_session {
  atomic_uint references;
  atomic_size_t waiting; /* messages in arrived and in outbox; only looked at by others */
  struct th_session_published published; /* likewise */
  struct th_session_config config;       /* constant, as all down to lock */
  void *context;
  uint64_t nonce;
  uint32_t ip; /* where to connect to */
  struct th_task flush;

  pthread_mutex_t lock; /* guards the next four */
  struct th_message *arrived;
  struct th_message **last_arrived;
  bool is_posted; /* flush is */
  bool is_shut;   /* nothing more is taken */

  /* From here on the loop's alone. */
  enum th_session_state state;
  bool is_closing;
  bool is_ours;                    /* the line was made by this side */
  bool is_asked;                   /* a ping is out, since asked */
  uint16_t port;                   /* where to connect to; 0: nowhere */
  char name[TH_ADDRESS_TEXT_SIZE]; /* of the other side, for words */
  struct th_address other;
  uint64_t known; /* the other half's nonce; 0: not met yet */
  uint64_t generation;
  uint64_t most; /* the largest payload that the other side takes */
  struct th_line *line;
  struct th_outbox outbox;
  uint64_t received;           /* those that count */
  uint64_t told;               /* of them acknowledged */
  size_t freed;                /* messages that do not wait any more: to be told when leaving */
  struct th_message *rejected; /* to be given back there, oldest first */
  struct th_message **last_rejected;
  uint64_t pause;    /* before the next attempt to connect */
  uint64_t again;    /* PAUSING: until when */
  uint64_t patience; /* DIALING, GREETING: until when */
  uint64_t heard;    /* when the other side was heard last, or else the beginning */
  uint64_t mercy;    /* not before this it is lost */
  uint64_t asked;
  uint64_t closing; /* is_closing: until when */
  uint64_t due;     /* when the timer is to come */
  struct th_loop_timer *timer;
  struct th_loop_timer *acknowledging;
  struct th_session_counts counts; /* but for up_since, received, acknowledged: see above */
  uint64_t loose;                  /* messages received that do not count */
  char trouble[256];               /* why there is no connection; "": nothing known */
};

/* ---- life: session.c ---- */

void th_session_enter(struct th_session *session);
void th_session_leave(struct th_session *session);

/* Once: gives back what the other side has not acknowledged, and tells of the end. */
void th_session_finish(struct th_session *session, enum th_session_end how, const char *words);
void th_session_finish_in_words(struct th_session *session, enum th_session_end how,
                                const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Drops the line, where there is one; with flush, what was written leaves first. */
void th_session_forget_line(struct th_session *session, bool flush);

/* ---- writing: session_write.c ---- */

/* Writes as much as may leave now. */
void th_session_pump(struct th_session *session);

/* Acknowledges what has come: at once, or soon enough for the other side. */
void th_session_acknowledge(struct th_session *session);
void th_session_acknowledge_in_time(struct th_session *session);

void th_session_ask(struct th_session *session, uint64_t now);

/* ---- connecting and meeting: session_meet.c ---- */

void th_session_dial(struct th_session *session);
void th_session_say_hello(struct th_session *session);

/* The line is of no more use; another is made later. Words may be the line's. */
void th_session_lose_line(struct th_session *session, const char *words);

/* The answer to a HELLO. 0, or an error when it cannot be read. */
int th_session_take_meet(struct th_session *session, const unsigned char *body, size_t size);
int th_session_take_refusal(struct th_session *session, const unsigned char *body, size_t size);

/* ---- reading: session_read.c ---- */

extern const struct th_line_events th_session_line_events;

#endif
