/* session: how a half of a session begins, passes the time, and ends.
 *
 * The lock guards what senders give. The task `flush` is posted under it, once until it runs, and
 * not after is_shut is set: so a session that has ended posts nothing. The task has a reference.
 */
#include "transport/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/plant.h"
#include "base/random.h"
#include "transport/session_inside.h"

/* The timer looks so many times in the time of a ping; who comes as much too late was held up. */
#define LOOKS 4

struct th_session *th_session_ref(struct th_session *session) {
  /* Relaxed: who has a reference to copy needs nothing else to be visible. */
  atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
  return session;
}

void th_session_unref(struct th_session *session) {
  /* Release and acquire: all that holders did with the session comes before it is freed. */
  if (atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1) return;
  assert(session->state == TH_SESSION_ENDED);
  pthread_mutex_destroy(&session->lock);
  free(session);
}

const struct th_address *th_session_other(const struct th_session *session) {
  return &session->other;
}

bool th_session_is_up(const struct th_session *session) {
  return session->state == TH_SESSION_UP;
}

static uint64_t look(const atomic_uint_fast64_t *count) {
  return atomic_load_explicit(count, memory_order_relaxed);
}

void th_session_counts(const struct th_session *session, struct th_session_counts *counts) {
  const struct th_session_published *published = &session->published;
  *counts = (struct th_session_counts){.up_since = look(&published->up_since),
                                       .heard = look(&published->heard),
                                       .sent = look(&published->sent),
                                       .received = look(&published->received),
                                       .acknowledged = look(&published->acknowledged),
                                       .repeated = look(&published->repeated),
                                       .connections = look(&published->connections)};
}

static void show(atomic_uint_fast64_t *count, uint64_t value) {
  atomic_store_explicit(count, value, memory_order_relaxed);
}

static void publish(struct th_session *session) {
  struct th_session_published *published = &session->published;
  const struct th_session_counts *counts = &session->counts;
  show(&published->up_since, session->state == TH_SESSION_UP ? counts->up_since : 0);
  show(&published->heard, session->heard);
  show(&published->sent, counts->sent);
  show(&published->received, session->received + session->loose);
  show(&published->acknowledged, session->outbox.acknowledged);
  show(&published->repeated, counts->repeated);
  show(&published->connections, counts->connections);
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

void th_session_forget_line(struct th_session *session, bool flush) {
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

void th_session_finish(struct th_session *session, enum th_session_end how, const char *words) {
  struct th_message *message;
  if (session->state == TH_SESSION_ENDED) return;
  session->state = TH_SESSION_ENDED;
  stop_timers(session);
  th_session_forget_line(session, false);
  shut(session);
  count_down(session, session->freed);
  session->freed = 0;
  give_rejected(session);
  while ((message = th_outbox_pop(&session->outbox)) != NULL) give_back(session, message);
  session->config.events->ended(session->context, session,
                                session->is_closing ? TH_SESSION_CLOSED : how, words);
}

void th_session_finish_in_words(struct th_session *session, enum th_session_end how,
                                const char *format, ...) {
  struct th_reason reason;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason.words, sizeof reason.words, format, arguments);
  va_end(arguments);
  th_session_finish(session, how, reason.words);
}

/* The last word acknowledges what has come, so that it is not taken for lost. */
static void say_bye(struct th_session *session) {
  struct th_buffer *writer = th_line_writer(session->line);
  th_frame_ack(writer, session->received);
  th_frame_bye(writer);
  th_line_flush(session->line, false);
  th_session_forget_line(session, true);
}

static void leave_other(struct th_session *session) {
  if (session->state == TH_SESSION_UP) say_bye(session);
  th_session_finish_in_words(session, TH_SESSION_CLOSED,
                             "the session with %s was closed by this side", session->name);
}

/* ---- what is due when ----------------------------------------------------------------------- */

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
  case TH_SESSION_PAUSING:
    return session->again;
  case TH_SESSION_DIALING:
  case TH_SESSION_GREETING:
    return session->patience;
  case TH_SESSION_UP:
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

/* ---- in and out ----------------------------------------------------------------------------- */

void th_session_enter(struct th_session *session) {
  th_session_ref(session);
}

static void settle(struct th_session *session) {
  size_t freed = session->freed;
  session->freed = 0;
  count_down(session, freed);
  if (freed != 0) session->config.events->drained(session->context, session);
  give_rejected(session);
}

void th_session_leave(struct th_session *session) {
  if (session->state != TH_SESSION_ENDED) settle(session);
  if (session->is_closing && session->outbox.first == NULL && session->state != TH_SESSION_ENDED)
    leave_other(session);
  if (session->state != TH_SESSION_ENDED) arm(session);
  publish(session);
  th_session_unref(session);
}

/* ---- the timer ------------------------------------------------------------------------------ */

static void give_up(struct th_session *session) {
  const char *separator = session->trouble[0] != '\0' ? ": " : "";
  if (session->known != 0) {
    th_session_finish_in_words(session, TH_SESSION_LOST, "nothing was heard of %s for too long%s%s",
                               session->name, separator, session->trouble);
  } else {
    th_session_finish_in_words(session, TH_SESSION_ABSENT, "%s could not be met in time%s%s",
                               session->name, separator, session->trouble);
  }
}

/* This side was held up: what the other has said meanwhile is yet to be read, and where the line
 * broke it is yet to be mended. Patience begins anew. */
static void forgive(struct th_session *session, uint64_t now) {
  const struct th_session_times *times = &session->config.times;
  session->mercy = after(now, times->lost);
  session->patience = after(now, times->greeting);
  if (session->state == TH_SESSION_UP) th_session_ask(session, now);
}

static void look_at_state(struct th_session *session, uint64_t now) {
  char words[TH_ADDRESS_TEXT_SIZE + 64];
  if (now < state_due(session)) return;
  if (session->state == TH_SESSION_PAUSING) {
    th_session_dial(session);
  } else if (session->state == TH_SESSION_UP && !session->is_asked) {
    th_session_ask(session, now);
  } else {
    snprintf(words, sizeof words, "%s did not answer in time", session->name);
    th_session_lose_line(session, words);
  }
}

static void on_tick(void *context) {
  struct th_session *session = context;
  uint64_t now = th_clock_now();
  th_session_enter(session);
  session->timer = NULL;
  bool is_late = now > after(session->due, session->config.times.ping / LOOKS);
  if (is_late && !TH_PLANT(16)) forgive(session, now);
  if (session->is_closing && now >= session->closing) {
    leave_other(session);
  } else if (now >= lost_at(session)) {
    give_up(session);
  } else {
    look_at_state(session, now);
  }
  th_session_leave(session);
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
  th_session_pump(session);
  th_session_leave(session); /* with the reference of the task */
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
  th_session_enter(session);
  th_session_finish_in_words(session, TH_SESSION_RESTARTED, "%s has begun another session",
                             session->name);
  th_session_leave(session);
}

void th_session_close(struct th_session *session, uint64_t patience) {
  th_session_enter(session);
  if (session->state != TH_SESSION_ENDED) {
    session->is_closing = true;
    session->closing = th_clock_after(patience);
    shut(session);
    th_session_pump(session);
    if (patience == 0) leave_other(session);
  }
  th_session_leave(session);
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
  session->state = session->port != 0 ? TH_SESSION_PAUSING : TH_SESSION_WAITING;
  th_outbox_init(&session->outbox);
  name_other(session);
  arm(session);
  publish(session);
  return session;
}
