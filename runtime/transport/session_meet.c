/* session_meet: how a session gets a connection: dialing, greeting, and who is who.
 *
 * This side dials (and may be refused), or the other side's greeting is judged and adopted.
 */
#include "transport/session_inside.h"

#include <stdio.h>
#include <unistd.h>

#include "base/plant.h"
#include "base/random.h"
#include "message/protocol.h"
#include "transport/link.h"

/* ---- connecting ----------------------------------------------------------------------------- */

/* Pauses are between half and one and a half times as long as they should be. */
static void pause_before_next(struct th_session *session) {
  uint64_t random = 0;
  uint64_t pause = session->pause;
  session->state = session->port != 0 ? TH_SESSION_PAUSING : TH_SESSION_WAITING;
  th_random_bytes(&random, sizeof random); /* 0 will do, too */
  session->again = th_clock_after(pause / 2 + random % (pause + 1));
  session->pause = pause < session->config.times.pause_most / 2 ? 2 * pause
                                                                : session->config.times.pause_most;
}

static void note_trouble(struct th_session *session, const char *words) {
  snprintf(session->trouble, sizeof session->trouble, "%s", words);
}

void th_session_lose_line(struct th_session *session, const char *words) {
  bool was_up = session->state == TH_SESSION_UP;
  note_trouble(session, words);
  th_session_forget_line(session, false);
  pause_before_next(session);
  if (was_up) session->config.events->down(session->context, session, session->trouble);
}

static struct th_meeting own_meeting(const struct th_session *session) {
  return (struct th_meeting){.admin = session->config.own,
                             .nonce = session->nonce,
                             .known = session->known,
                             .received = TH_PLANT(3) ? session->told : session->received,
                             .generation = session->generation,
                             .limit = session->config.limit};
}

void th_session_dial(struct th_session *session) {
  session->state = TH_SESSION_DIALING;
  session->patience = th_clock_after(session->config.times.greeting);
  int error = th_line_dial(session->config.wire, session->ip, session->port,
                           &th_session_line_events, session, &session->line);
  if (error == 0) return;
  struct th_reason reason;
  th_fail(&reason, error, "cannot connect to %s: %s", session->name, th_error_words(error));
  th_session_lose_line(session, reason.words);
}

void th_session_say_hello(struct th_session *session) {
  struct th_hello hello = {.protocol = TH_PROTOCOL_VERSION,
                           .role = TH_ROLE_SYSTEM,
                           .version = TH_VERSION,
                           .pid = getpid(),
                           .meeting = own_meeting(session)};
  session->state = TH_SESSION_GREETING;
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
  } else if (other->system != 0 && meeting->admin.system != other->system && !TH_PLANT(4)) {
    th_fail(reason, 0, "%s is another system than before", session->name);
  } else if (((session->known != 0 && meeting->nonce != session->known) ||
              (meeting->known != 0 && meeting->known != session->nonce)) &&
             !TH_PLANT(4)) {
    th_fail(reason, 0, "%s has begun another session", session->name);
  } else {
    int64_t gone = th_outbox_rewind(&session->outbox, meeting->received);
    if (gone >= 0) {
      session->freed += (size_t)gone;
      if (TH_PLANT(2) && session->outbox.at < session->outbox.top)
        th_outbox_written(&session->outbox);
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
  session->state = TH_SESSION_UP;
  session->told = session->received; /* the greeting has said so */
  session->is_asked = false;
  session->heard = session->counts.up_since = now;
  session->counts.connections++;
  session->pause = session->config.times.pause;
  session->trouble[0] = '\0';
  th_line_open(session->line, session->config.limit);
  session->config.events->up(session->context, session, meeting);
  th_session_pump(session);
}

int th_session_take_meet(struct th_session *session, const unsigned char *body, size_t size) {
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
    th_session_finish(session, how, reason.words);
  }
  return 0;
}

int th_session_take_refusal(struct th_session *session, const unsigned char *body, size_t size) {
  struct th_reason reason, refusal;
  int why;
  int error = th_frame_read_refuse(body, size, &why, &reason);
  if (error != 0) return error;
  th_fail(&refusal, why, "%s refused: %.900s", session->name, reason.words);
  if (why == TH_ECROSSED) session->heard = th_clock_now();
  if (why == TH_ECROSSED || why == TH_ESHUTDOWN) {
    th_session_lose_line(session, refusal.words);
  } else {
    th_session_finish(session, why == TH_EFORGOTTEN ? TH_SESSION_RESTARTED : TH_SESSION_REFUSED,
                      refusal.words);
  }
  return 0;
}

/* Who dials gives up one connection before it makes the next. So a greeting that does not know of
 * the connection that we made, and that was agreed, was sent before it. */
static bool is_crossed(const struct th_session *session, const struct th_meeting *meeting) {
  if (session->state == TH_SESSION_GREETING)
    return meeting->generation <= session->generation &&
           session->config.own.system < meeting->admin.system;
  return session->state == TH_SESSION_UP && session->is_ours &&
         meeting->generation < session->generation;
}

enum th_session_fit th_session_judge(const struct th_session *session,
                                     const struct th_meeting *meeting) {
  bool is_first = meeting->known == 0;
  if (session == NULL || session->state == TH_SESSION_ENDED)
    return is_first || TH_PLANT(4) ? TH_SESSION_FITS : TH_SESSION_FORGOTTEN;
  uint64_t identity = session->other.system;
  bool is_same = (identity == 0 || identity == meeting->admin.system) &&
                 (session->known == 0 || session->known == meeting->nonce || TH_PLANT(4));
  if (!is_same) return is_first ? TH_SESSION_ANEW : TH_SESSION_FORGOTTEN;
  if (!is_first && meeting->known != session->nonce && !TH_PLANT(4)) return TH_SESSION_FORGOTTEN;
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
  th_session_forget_line(session, true);
  th_session_finish(session, how, words);
}

static void go_on_over(struct th_session *session, struct th_line *line,
                       const struct th_meeting *meeting) {
  enum th_session_end how;
  struct th_reason reason;
  th_session_forget_line(session, false); /* our own attempt */
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
  struct th_line *line = th_line_take(channel, &th_session_line_events, session);
  th_session_enter(session);
  if (session->state == TH_SESSION_UP)
    th_session_lose_line(session, "the other side has connected anew");
  if (session->state == TH_SESSION_ENDED) {
    th_line_drop(line, false);
  } else {
    go_on_over(session, line, meeting);
  }
  th_session_leave(session);
}
