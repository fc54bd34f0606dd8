/* session_write: what a session puts on its line: messages, acknowledgements, questions. */
#include "transport/session_inside.h"

#include "transport/link.h"

/* One write is about as much as CHUNK; while UNSENT_LIMIT has not left, messages go on waiting. */
#define CHUNK ((size_t)256 * 1024)
#define UNSENT_LIMIT ((size_t)1024 * 1024)

#define ACKNOWLEDGE_COUNT 64

/* ---- messages ------------------------------------------------------------------------------- */

/* What people say may get lost where the wire has a way for that, as in transport/link.c. But a
 * request to exit may be the runtime's, that ends a system and waits for it; and what was counted
 * once goes on counting. */
static bool is_loose(const struct th_session *session, const struct th_message *message) {
  bool is_said = message->kind < TH_KIND_BIRTH && message->kind != TH_KIND_EXIT_REQUEST;
  return session->outbox.at == session->outbox.top && th_line_can_lose(session->line) && is_said &&
         message->size <= TH_LINK_LOOSE;
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

void th_session_pump(struct th_session *session) {
  while (session->state == TH_SESSION_UP && th_outbox_peek(&session->outbox) != NULL &&
         th_line_unsent(session->line) < UNSENT_LIMIT)
    write_chunk(session);
}

/* ---- acknowledgements and questions --------------------------------------------------------- */

void th_session_acknowledge(struct th_session *session) {
  th_frame_ack(th_line_writer(session->line), session->received);
  th_line_flush(session->line, false);
  session->told = session->received;
}

static void on_acknowledge(void *context) {
  struct th_session *session = context;
  session->acknowledging = NULL;
  if (session->state == TH_SESSION_UP && session->told != session->received)
    th_session_acknowledge(session);
}

void th_session_acknowledge_in_time(struct th_session *session) {
  uint64_t owed = session->received - session->told;
  if (owed >= ACKNOWLEDGE_COUNT) {
    th_session_acknowledge(session);
  } else if (owed != 0 && session->acknowledging == NULL) {
    session->acknowledging = th_loop_after(session->config.loop, session->config.times.acknowledge,
                                           on_acknowledge, session);
  }
}

void th_session_ask(struct th_session *session, uint64_t now) {
  session->is_asked = true;
  session->asked = now;
  th_frame_ping(th_line_writer(session->line));
  th_line_flush(session->line, false);
}
