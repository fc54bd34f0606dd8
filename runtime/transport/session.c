/* session: what happens when.
 *
 *   WAITING, PAUSING -> DIALING -> GREETING -> UP -> ENDED
 *
 * WAITING has no place to connect to. GREETING has said HELLO. From DIALING on there is a line, which
 * each of these three may lose: back to the first; an adopted line leads from any of them to UP.
 *
 * Whoever comes in from the loop does so between enter() and leave(). Events may end the session,
 * so after each of them the state is looked at anew; leave() tells what has become of messages, says
 * good-bye when a closing session has nothing left to wait for, and sets the timer. A message that
 * arrives is the exception: nothing is done after its event.
 *
 * The lock guards what senders give. The task `flush` is posted under it, once until it runs, and
 * not after is_shut is set: so a session that has ended posts nothing. The task has a reference.
 */
#include "transport/session.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "base/memory.h"
#include "message/protocol.h"
#include "transport/line.h"
#include "transport/link.h"
#include "transport/outbox.h"

/* One write is about as much as CHUNK; while UNSENT_LIMIT has not left, messages go on waiting. */
#define CHUNK ((size_t)256 * 1024)
#define UNSENT_LIMIT ((size_t)1024 * 1024)

#define ACKNOWLEDGE_COUNT 64

/* The timer looks so many times in the time of a ping; who comes as much too late was held up. */
#define LOOKS 4

enum state { WAITING, PAUSING, DIALING, GREETING, UP, ENDED };

struct th_session {
  atomic_uint references;
  atomic_size_t waiting;           /* messages in arrived and in outbox; only looked at by others */
  struct th_session_config config; /* constant, as all down to lock */
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
  enum state state;
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
  size_t freed;                /* messages that do not wait any more: to be told in leave() */
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
  struct th_session_counts counts; /* but for received and acknowledged, which are above */
  uint64_t loose;                  /* messages received that do not count */
  char trouble[256];               /* why there is no connection; "": nothing known */
};

struct th_session *th_session_ref(struct th_session *session) {
  /* Relaxed: who has a reference to copy needs nothing else to be visible. */
  atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
  return session;
}

void th_session_unref(struct th_session *session) {
  /* Release and acquire: all that holders did with the session comes before it is freed. */
  if (atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1) return;
  assert(session->state == ENDED);
  pthread_mutex_destroy(&session->lock);
  free(session);
}

const struct th_address *th_session_other(const struct th_session *session) {
  return &session->other;
}

bool th_session_is_up(const struct th_session *session) {
  return session->state == UP;
}

void th_session_counts(const struct th_session *session, struct th_session_counts *counts) {
  *counts = session->counts;
  counts->up_since = session->state == UP ? session->counts.up_since : 0;
  counts->heard = session->heard;
  counts->received = session->received + session->loose;
  counts->acknowledged = session->outbox.acknowledged;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Takes nothing more; what has been given waits in the outbox. */
static void shut(struct th_session *session) {
  pthread_mutex_lock(&session->lock);
  struct th_message *arrived = session->arrived;
  session->arrived = NULL;
  session->last_arrived = &session->arrived;
  session->is_shut = true;
  pthread_mutex_unlock(&session->lock);
  th_outbox_put(&session->outbox, arrived);
}

static void stop_timers(struct th_session *session) {
  th_loop_cancel(session->timer);
  th_loop_cancel(session->acknowledging);
  session->timer = session->acknowledging = NULL;
}

static void forget_line(struct th_session *session, bool flush) {
  if (session->line != NULL) th_line_drop(session->line, flush);
  session->line = NULL;
}

/* Relaxed, as everywhere: the count is only looked at. */
static void count_down(struct th_session *session, size_t count) {
  atomic_fetch_sub_explicit(&session->waiting, count, memory_order_relaxed);
}

static void give_back(struct th_session *session, struct th_message *message) {
  count_down(session, 1);
  session->config.events->undeliverable(session->context, session, message);
}

static void give_rejected(struct th_session *session) {
  while (session->rejected != NULL) {
    struct th_message *message = session->rejected;
    session->rejected = message->next;
    if (session->rejected == NULL) session->last_rejected = &session->rejected;
    give_back(session, message);
  }
}

static void end(struct th_session *session, enum th_session_end how, const char *words) {
  struct th_message *message;
  if (session->state == ENDED) return;
  session->state = ENDED;
  stop_timers(session);
  forget_line(session, false);
  shut(session);
  count_down(session, session->freed);
  session->freed = 0;
  give_rejected(session);
  while ((message = th_outbox_pop(&session->outbox)) != NULL) give_back(session, message);
  session->config.events->ended(session->context, session,
                                session->is_closing ? TH_SESSION_CLOSED : how, words);
}

__attribute__((format(printf, 3, 4))) static void
end_in_words(struct th_session *session, enum th_session_end how, const char *format, ...) {
  struct th_reason reason;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason.words, sizeof reason.words, format, arguments);
  va_end(arguments);
  end(session, how, reason.words);
}

/* The last word acknowledges what has come, so that it is not taken for lost. */
static void say_bye(struct th_session *session) {
  struct th_buffer *writer = th_line_writer(session->line);
  th_frame_ack(writer, session->received);
  th_frame_bye(writer);
  th_line_flush(session->line, false);
  forget_line(session, true);
}

static void leave_other(struct th_session *session) {
  if (session->state == UP) say_bye(session);
  end_in_words(session, TH_SESSION_CLOSED, "the session with %s was closed by this side",
               session->name);
}

/* ---- in and out ----------------------------------------------------------------------------- */

static void arm(struct th_session *session);

static void enter(struct th_session *session) {
  th_session_ref(session);
}

static void settle(struct th_session *session) {
  size_t freed = session->freed;
  session->freed = 0;
  count_down(session, freed);
  if (freed != 0) session->config.events->drained(session->context, session);
  give_rejected(session);
}

static void leave(struct th_session *session) {
  if (session->state != ENDED) settle(session);
  if (session->is_closing && session->outbox.first == NULL && session->state != ENDED)
    leave_other(session);
  if (session->state != ENDED) arm(session);
  th_session_unref(session);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* What people say may get lost where the wire has a way for that, as in transport/link.c; but what
 * was counted once goes on counting. */
static bool is_loose(const struct th_session *session, const struct th_message *message) {
  return session->outbox.at == session->outbox.top && th_line_can_lose(session->line) &&
         message->kind < TH_KIND_BIRTH && message->size <= TH_LINK_LOOSE;
}

static void reject(struct th_session *session) {
  struct th_message *message = th_outbox_take(&session->outbox);
  message->next = NULL;
  *session->last_rejected = message;
  session->last_rejected = &message->next;
}

static void count_written(struct th_session *session, bool loose) {
  if (loose) {
    th_message_free(th_outbox_take(&session->outbox));
    session->freed++;
    session->counts.sent++;
  } else if (th_outbox_written(&session->outbox)) {
    session->counts.sent++;
  } else {
    session->counts.repeated++;
  }
}

/* A message for which there is no memory is given back, unless it was counted before: then the
 * writer's error stays, and breaks the line. */
static void write_message(struct th_session *session, struct th_message *message, bool loose) {
  struct th_buffer *writer = th_line_writer(session->line);
  bool is_new = session->outbox.at == session->outbox.top;
  size_t size = writer->size;
  if (is_new && message->size > session->most) {
    reject(session);
    return;
  }
  th_frame_message(writer, message);
  if (writer->error == 0) {
    count_written(session, loose);
  } else if (is_new) {
    writer->size = size; /* without the unfinished frame */
    writer->error = 0;
    reject(session);
  }
}

/* Of those that go the same way. */
static void write_chunk(struct th_session *session) {
  struct th_buffer *writer = th_line_writer(session->line);
  struct th_message *message = th_outbox_peek(&session->outbox);
  bool loose = is_loose(session, message);
  while (message != NULL && is_loose(session, message) == loose && writer->size < CHUNK &&
         writer->error == 0) {
    write_message(session, message, loose);
    message = th_outbox_peek(&session->outbox);
  }
  th_line_flush(session->line, loose);
}

/* Writes as much as may leave now. */
static void pump(struct th_session *session) {
  while (session->state == UP && th_outbox_peek(&session->outbox) != NULL &&
         th_line_unsent(session->line) < UNSENT_LIMIT)
    write_chunk(session);
}

static void acknowledge(struct th_session *session) {
  th_frame_ack(th_line_writer(session->line), session->received);
  th_line_flush(session->line, false);
  session->told = session->received;
}

static void on_acknowledge(void *context) {
  struct th_session *session = context;
  session->acknowledging = NULL;
  if (session->state == UP && session->told != session->received) acknowledge(session);
}

static void ask(struct th_session *session, uint64_t now) {
  session->is_asked = true;
  session->asked = now;
  th_frame_ping(th_line_writer(session->line));
  th_line_flush(session->line, false);
}

/* ---- connecting ----------------------------------------------------------------------------- */

static const struct th_line_events line_events;

/* Pauses are between half and one and a half times as long as they should be. */
static void pause_before_next(struct th_session *session) {
  uint64_t random = 0;
  uint64_t pause = session->pause;
  session->state = session->port != 0 ? PAUSING : WAITING;
  th_random_bytes(&random, sizeof random); /* 0 will do, too */
  session->again = th_clock_after(pause / 2 + random % (pause + 1));
  session->pause = pause < session->config.times.pause_most / 2 ? 2 * pause
                                                                : session->config.times.pause_most;
}

static void note_trouble(struct th_session *session, const char *words) {
  snprintf(session->trouble, sizeof session->trouble, "%s", words);
}

/* The line is of no more use. Words may be the line's. */
static void lose_line(struct th_session *session, const char *words) {
  bool was_up = session->state == UP;
  note_trouble(session, words);
  forget_line(session, false);
  pause_before_next(session);
  if (was_up) session->config.events->down(session->context, session, session->trouble);
}

static struct th_meeting own_meeting(const struct th_session *session) {
  return (struct th_meeting){.admin = session->config.own,
                             .nonce = session->nonce,
                             .known = session->known,
                             .received = session->received,
                             .generation = session->generation,
                             .limit = session->config.limit};
}

static void dial(struct th_session *session) {
  session->state = DIALING;
  session->patience = th_clock_after(session->config.times.greeting);
  int error = th_line_dial(session->config.wire, session->ip, session->port, &line_events, session,
                           &session->line);
  if (error == 0) return;
  struct th_reason reason;
  th_fail(&reason, error, "cannot connect to %s: %s", session->name, th_error_words(error));
  lose_line(session, reason.words);
}

static void on_opened(void *context) {
  struct th_session *session = context;
  struct th_hello hello = {.protocol = TH_PROTOCOL_VERSION,
                           .role = TH_ROLE_SYSTEM,
                           .version = TH_VERSION,
                           .pid = getpid(),
                           .meeting = own_meeting(session)};
  session->state = GREETING;
  th_frame_hello(th_line_writer(session->line), &hello);
  th_line_flush(session->line, false);
}

/* ---- meeting -------------------------------------------------------------------------------- */

/* A place where it was found stays; else it is where the other side says. */
static void note_other(struct th_session *session, const struct th_meeting *meeting) {
  session->other = meeting->admin;
  session->known = meeting->nonce;
  session->most = meeting->limit < UINT32_MAX - TH_FRAME_OVERHEAD ? meeting->limit
                                                                  : UINT32_MAX - TH_FRAME_OVERHEAD;
  if (session->port == 0) {
    session->ip = meeting->admin.ip;
    session->port = meeting->admin.port;
  }
}

/* False, with how and why the session ends, where the two cannot go on with it. Else all that the
 * other side has not received waits again. */
static bool agree(struct th_session *session, const struct th_meeting *meeting,
                  enum th_session_end *how, struct th_reason *reason) {
  const struct th_address *other = &session->other;
  *how = TH_SESSION_RESTARTED;
  if (meeting->admin.system == session->config.own.system) {
    *how = TH_SESSION_REFUSED;
    th_fail(reason, 0, "%s is this system itself", session->name);
  } else if (other->system != 0 && meeting->admin.system != other->system) {
    th_fail(reason, 0, "%s is another system than before", session->name);
  } else if ((session->known != 0 && meeting->nonce != session->known) ||
             (meeting->known != 0 && meeting->known != session->nonce)) {
    th_fail(reason, 0, "%s has begun another session", session->name);
  } else {
    int64_t gone = th_outbox_rewind(&session->outbox, meeting->received);
    if (gone >= 0) {
      session->freed += (size_t)gone;
      note_other(session, meeting);
      return true;
    }
    *how = TH_SESSION_REFUSED;
    th_fail(reason, 0, "%s counts %llu messages received, which cannot be: %llu were sent",
            session->name, (unsigned long long)meeting->received,
            (unsigned long long)session->outbox.top);
  }
  return false;
}

static void come_up(struct th_session *session, const struct th_meeting *meeting) {
  uint64_t now = th_clock_now();
  session->state = UP;
  session->told = session->received; /* the greeting has said so */
  session->is_asked = false;
  session->heard = session->counts.up_since = now;
  session->counts.connections++;
  session->pause = session->config.times.pause;
  session->trouble[0] = '\0';
  th_line_open(session->line, session->config.limit);
  session->config.events->up(session->context, session, meeting);
  pump(session);
}

static int take_meet(struct th_session *session, const unsigned char *body, size_t size) {
  struct th_meeting meeting;
  int error = th_frame_read_meet(body, size, &meeting);
  if (error == 0 && meeting.known == 0) error = TH_EMALFORMED; /* we have just told it */
  if (error != 0) return error;
  enum th_session_end how;
  struct th_reason reason;
  if (agree(session, &meeting, &how, &reason)) {
    session->generation = meeting.generation;
    session->is_ours = true;
    come_up(session, &meeting);
  } else {
    end(session, how, reason.words);
  }
  return 0;
}

static int take_refusal(struct th_session *session, const unsigned char *body, size_t size) {
  struct th_reason reason, refusal;
  int why;
  int error = th_frame_read_refuse(body, size, &why, &reason);
  if (error != 0) return error;
  th_fail(&refusal, why, "%s refused: %.900s", session->name, reason.words);
  if (why == TH_ECROSSED) session->heard = th_clock_now();
  if (why == TH_ECROSSED || why == TH_ESHUTDOWN) {
    lose_line(session, refusal.words);
  } else {
    end(session, why == TH_EFORGOTTEN ? TH_SESSION_RESTARTED : TH_SESSION_REFUSED, refusal.words);
  }
  return 0;
}

/* Who dials gives up one connection before it makes the next. So a greeting that does not know of
 * the connection that we made, and that was agreed, was sent before it. */
static bool is_crossed(const struct th_session *session, const struct th_meeting *meeting) {
  if (session->state == GREETING)
    return meeting->generation <= session->generation &&
           session->config.own.system < meeting->admin.system;
  return session->state == UP && session->is_ours && meeting->generation < session->generation;
}

enum th_session_fit th_session_judge(const struct th_session *session,
                                     const struct th_meeting *meeting) {
  bool is_first = meeting->known == 0;
  if (session == NULL || session->state == ENDED)
    return is_first ? TH_SESSION_FITS : TH_SESSION_FORGOTTEN;
  uint64_t identity = session->other.system;
  bool is_same = (identity == 0 || identity == meeting->admin.system) &&
                 (session->known == 0 || session->known == meeting->nonce);
  if (!is_same) return is_first ? TH_SESSION_ANEW : TH_SESSION_FORGOTTEN;
  if (!is_first && meeting->known != session->nonce) return TH_SESSION_FORGOTTEN;
  return is_crossed(session, meeting) ? TH_SESSION_CROSSED : TH_SESSION_FITS;
}

static void answer(struct th_session *session, const struct th_meeting *meeting) {
  if (session->generation < meeting->generation) session->generation = meeting->generation;
  session->generation++;
  session->is_ours = false;
  struct th_meeting says = own_meeting(session);
  th_frame_meet(th_line_writer(session->line), &says);
  th_line_flush(session->line, false);
  come_up(session, meeting);
}

/* The other side would only come again if it were not told. */
static void refuse(struct th_session *session, enum th_session_end how, const char *words) {
  th_frame_refuse(th_line_writer(session->line), TH_EREFUSED, words);
  th_line_flush(session->line, false);
  forget_line(session, true);
  end(session, how, words);
}

static void go_on_over(struct th_session *session, struct th_line *line,
                       const struct th_meeting *meeting) {
  enum th_session_end how;
  struct th_reason reason;
  forget_line(session, false); /* our own attempt */
  session->line = line;
  if (session->port == 0) snprintf(session->name, sizeof session->name, "%s", th_line_peer(line));
  if (agree(session, meeting, &how, &reason)) {
    answer(session, meeting);
  } else {
    refuse(session, how, reason.words);
  }
}

void th_session_adopt(struct th_session *session, struct th_channel *channel,
                      const struct th_meeting *meeting) {
  struct th_line *line = th_line_take(channel, &line_events, session);
  enter(session);
  if (session->state == UP) lose_line(session, "the other side has connected anew");
  if (session->state == ENDED) {
    th_line_drop(line, false);
  } else {
    go_on_over(session, line, meeting);
  }
  leave(session);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The last thing that is done: the event may end the session. */
static int take_message(struct th_session *session, bool is_loose_way, const unsigned char *body,
                        size_t size) {
  struct th_message *message;
  int error = th_frame_read_message(body, size, &message);
  if (error != 0) return error;
  if (is_loose_way && message->kind >= TH_KIND_BIRTH) { /* it should have been counted */
    th_message_free(message);
    return TH_EMALFORMED;
  }
  if (is_loose_way) {
    session->loose++;
  } else {
    session->received++;
  }
  session->config.events->message(session->context, session, message);
  return 0;
}

static int take_ack(struct th_session *session, const unsigned char *body, size_t size) {
  uint64_t received;
  int error = th_frame_read_ack(body, size, &received);
  if (error != 0) return error;
  int64_t gone = th_outbox_acknowledge(&session->outbox, received);
  if (gone < 0) return TH_EMALFORMED;
  session->freed += (size_t)gone;
  return 0;
}

static int take_word(struct th_session *session, enum th_frame_type type, const unsigned char *body,
                     size_t size) {
  if (session->state == GREETING) {
    if (type == TH_FRAME_MEET) return take_meet(session, body, size);
    if (type == TH_FRAME_REFUSE) return take_refusal(session, body, size);
  } else if (type == TH_FRAME_ACK) {
    return take_ack(session, body, size);
  } else if (type == TH_FRAME_PING && size == 0) {
    acknowledge(session);
    return 0;
  } else if (type == TH_FRAME_BYE && size == 0) {
    end_in_words(session, TH_SESSION_LEFT, "%s has left", session->name);
    return 0;
  }
  return TH_EMALFORMED;
}

static int on_frame(void *context, enum th_frame_type type, bool is_loose_way,
                    const unsigned char *body, size_t size) {
  struct th_session *session = context;
  if (type == TH_FRAME_MESSAGE && session->state == UP)
    return take_message(session, is_loose_way, body, size);
  if (is_loose_way) return TH_EMALFORMED;
  th_session_ref(session);
  int error = take_word(session, type, body, size);
  th_session_unref(session);
  return error;
}

static void on_read(void *context) {
  struct th_session *session = context;
  enter(session);
  if (session->state == UP) {
    uint64_t owed = session->received - session->told;
    session->heard = th_clock_now();
    session->is_asked = false;
    if (owed >= ACKNOWLEDGE_COUNT) {
      acknowledge(session);
    } else if (owed != 0 && session->acknowledging == NULL) {
      session->acknowledging = th_loop_after(
        session->config.loop, session->config.times.acknowledge, on_acknowledge, session);
    }
    pump(session);
  }
  leave(session);
}

static void on_written(void *context) {
  struct th_session *session = context;
  enter(session);
  pump(session);
  leave(session);
}

static void on_broken(void *context, bool is_garbage, const char *words) {
  struct th_session *session = context;
  enter(session);
  if (is_garbage) {
    end(session, TH_SESSION_REFUSED, words);
  } else {
    lose_line(session, words);
  }
  leave(session);
}

static const struct th_line_events line_events = {on_opened, on_frame, on_read, on_written,
                                                  on_broken};

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t after(uint64_t when, uint64_t nanoseconds) {
  return when < TH_FOREVER - nanoseconds ? when + nanoseconds : TH_FOREVER;
}

static uint64_t sooner(uint64_t one, uint64_t other) {
  return one < other ? one : other;
}

static uint64_t lost_at(const struct th_session *session) {
  const struct th_session_times *times = &session->config.times;
  uint64_t when = after(session->heard, session->known != 0 ? times->lost : times->first);
  return when < session->mercy ? session->mercy : when;
}

/* When the present state is to be looked at. */
static uint64_t state_due(const struct th_session *session) {
  uint64_t ping = session->config.times.ping;
  switch (session->state) {
  case PAUSING:
    return session->again;
  case DIALING:
  case GREETING:
    return session->patience;
  case UP:
    return after(session->is_asked ? session->asked : session->heard, ping);
  default:
    return TH_FOREVER;
  }
}

static void on_tick(void *context);

/* A timer that comes too early looks, and is set anew. */
static void arm(struct th_session *session) {
  uint64_t now = th_clock_now();
  uint64_t due = sooner(lost_at(session), state_due(session));
  if (session->is_closing) due = sooner(due, session->closing);
  due = sooner(due, after(now, session->config.times.ping / LOOKS));
  if (session->timer != NULL && session->due <= due) return;
  th_loop_cancel(session->timer);
  session->due = due;
  session->timer = th_loop_after(session->config.loop, due > now ? due - now : 0, on_tick, session);
}

static void give_up(struct th_session *session) {
  const char *separator = session->trouble[0] != '\0' ? ": " : "";
  if (session->known != 0) {
    end_in_words(session, TH_SESSION_LOST, "nothing was heard of %s for too long%s%s",
                 session->name, separator, session->trouble);
  } else {
    end_in_words(session, TH_SESSION_ABSENT, "%s could not be met in time%s%s", session->name,
                 separator, session->trouble);
  }
}

/* This side was held up: what the other has said meanwhile is yet to be read. */
static void forgive(struct th_session *session, uint64_t now) {
  const struct th_session_times *times = &session->config.times;
  session->mercy = after(now, times->ping);
  session->patience = after(now, times->greeting);
  if (session->state == UP) ask(session, now);
}

static void look_at_state(struct th_session *session, uint64_t now) {
  char words[TH_ADDRESS_TEXT_SIZE + 64];
  if (now < state_due(session)) return;
  if (session->state == PAUSING) {
    dial(session);
  } else if (session->state == UP && !session->is_asked) {
    ask(session, now);
  } else {
    snprintf(words, sizeof words, "%s did not answer in time", session->name);
    lose_line(session, words);
  }
}

static void on_tick(void *context) {
  struct th_session *session = context;
  uint64_t now = th_clock_now();
  enter(session);
  session->timer = NULL;
  if (now > after(session->due, session->config.times.ping / LOOKS)) forgive(session, now);
  if (session->is_closing && now >= session->closing) {
    leave_other(session);
  } else if (now >= lost_at(session)) {
    give_up(session);
  } else {
    look_at_state(session, now);
  }
  leave(session);
}

/* ---- what others ask for -------------------------------------------------------------------- */

static void run_flush(struct th_task *task) {
  struct th_session *session = (struct th_session *)(void *)((char *)task -
                                                             offsetof(struct th_session, flush));
  pthread_mutex_lock(&session->lock);
  struct th_message *arrived = session->arrived;
  session->arrived = NULL;
  session->last_arrived = &session->arrived;
  session->is_posted = false;
  pthread_mutex_unlock(&session->lock);
  th_outbox_put(&session->outbox, arrived); /* nothing, when the session is shut */
  pump(session);
  leave(session); /* with the reference of the task */
}

/* Under the lock. The post is there, too: once the session is shut, nobody touches the loop. */
static bool take_arrived(struct th_session *session, struct th_message *message) {
  if (session->is_shut) return false;
  *session->last_arrived = message;
  session->last_arrived = &message->next;
  if (!session->is_posted) {
    session->is_posted = true;
    th_session_ref(session);
    th_loop_post(session->config.loop, &session->flush);
  }
  return true;
}

void th_session_send(struct th_session *session, struct th_message *message) {
  message->next = NULL;
  /* Before the push, so never below 0. */
  atomic_fetch_add_explicit(&session->waiting, 1, memory_order_relaxed);
  pthread_mutex_lock(&session->lock);
  bool is_taken = take_arrived(session, message);
  pthread_mutex_unlock(&session->lock);
  if (!is_taken) give_back(session, message);
}

size_t th_session_waiting(const struct th_session *session) {
  return atomic_load_explicit(&session->waiting, memory_order_relaxed);
}

void th_session_replace(struct th_session *session) {
  enter(session);
  end_in_words(session, TH_SESSION_RESTARTED, "%s has begun another session", session->name);
  leave(session);
}

void th_session_close(struct th_session *session, uint64_t patience) {
  enter(session);
  if (session->state != ENDED) {
    session->is_closing = true;
    session->closing = th_clock_after(patience);
    shut(session);
    pump(session);
    if (patience == 0) leave_other(session);
  }
  leave(session);
}

/* ---- birth ---------------------------------------------------------------------------------- */

/* New for every half, but no secret: without randomness the time will do. */
static uint64_t new_nonce(void) {
  uint64_t nonce = 0;
  if (th_random_bytes(&nonce, sizeof nonce) != 0) nonce = th_clock_now();
  nonce &= INT64_MAX;
  return nonce != 0 ? nonce : 1;
}

static void name_other(struct th_session *session) {
  uint32_t ip = session->ip;
  if (session->port != 0) {
    snprintf(session->name, sizeof session->name, "%u.%u.%u.%u:%u", ip >> 24, (ip >> 16) & 255,
             (ip >> 8) & 255, ip & 255, session->port);
  } else {
    th_address_text(&session->other, session->name);
  }
}

struct th_session *th_session_new(const struct th_session_config *config,
                                  const struct th_address *other, void *context) {
  struct th_session *session = th_new(struct th_session);
  atomic_init(&session->references, 1);
  atomic_init(&session->waiting, 0);
  pthread_mutex_init(&session->lock, NULL);
  session->config = *config;
  session->context = context;
  session->nonce = new_nonce();
  session->flush.run = run_flush;
  session->last_arrived = &session->arrived;
  session->last_rejected = &session->rejected;
  session->other = *other;
  session->ip = other->ip;
  session->port = other->port;
  session->pause = config->times.pause;
  session->heard = session->again = th_clock_now();
  session->state = session->port != 0 ? PAUSING : WAITING;
  th_outbox_init(&session->outbox);
  name_other(session);
  arm(session);
  return session;
}
