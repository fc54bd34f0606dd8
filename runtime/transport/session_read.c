/* session_read: what comes over a session's line. */
#include "transport/session_inside.h"

#include "base/plant.h"
#include "message/protocol.h"

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
  if (TH_PLANT(1)) received = session->outbox.at;
  int64_t gone = th_outbox_acknowledge(&session->outbox, received);
  if (gone < 0) return TH_EMALFORMED;
  session->freed += (size_t)gone;
  return 0;
}

static int take_word(struct th_session *session, enum th_frame_type type, const unsigned char *body,
                     size_t size) {
  if (session->state == TH_SESSION_GREETING) {
    if (type == TH_FRAME_MEET) return th_session_take_meet(session, body, size);
    if (type == TH_FRAME_REFUSE) return th_session_take_refusal(session, body, size);
  } else if (type == TH_FRAME_ACK) {
    return take_ack(session, body, size);
  } else if (type == TH_FRAME_PING && size == 0) {
    th_session_acknowledge(session);
    return 0;
  } else if (type == TH_FRAME_BYE && size == 0) {
    th_session_finish_in_words(session, TH_SESSION_LEFT, "%s has left", session->name);
    return 0;
  }
  return TH_EMALFORMED;
}

static void on_opened(void *context) {
  th_session_say_hello(context);
}

static int on_frame(void *context, enum th_frame_type type, bool is_loose_way,
                    const unsigned char *body, size_t size) {
  struct th_session *session = context;
  if (type == TH_FRAME_MESSAGE && session->state == TH_SESSION_UP)
    return take_message(session, is_loose_way, body, size);
  if (is_loose_way) return TH_EMALFORMED;
  th_session_ref(session);
  int error = take_word(session, type, body, size);
  th_session_unref(session);
  return error;
}

static void on_read(void *context) {
  struct th_session *session = context;
  th_session_enter(session);
  if (session->state == TH_SESSION_UP) {
    session->heard = th_clock_now();
    session->is_asked = false;
    th_session_acknowledge_in_time(session);
    th_session_pump(session);
  }
  th_session_leave(session);
}

static void on_written(void *context) {
  struct th_session *session = context;
  th_session_enter(session);
  th_session_pump(session);
  th_session_leave(session);
}

static void on_broken(void *context, bool is_garbage, const char *words) {
  struct th_session *session = context;
  th_session_enter(session);
  if (is_garbage) {
    th_session_finish(session, TH_SESSION_REFUSED, words);
  } else {
    th_session_lose_line(session, words);
  }
  th_session_leave(session);
}

const struct th_line_events th_session_line_events = {on_opened, on_frame, on_read, on_written,
                                                      on_broken};
