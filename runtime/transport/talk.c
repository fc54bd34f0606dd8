#include "transport/talk.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* So much may come until it is acknowledged even where more waits to be read. */
#define ACK_DATAGRAMS 16
#define ACK_BYTES ((size_t)64 * 1024)

/* So much is kept in a pause, and no pieces of the stream past half of that: they are sent again.
 * The other half is as much as may be on its way unaccounted on the loose way (loose.c), so of an
 * honest sender nothing is dropped. */
#define KEPT_LIMIT ((size_t)512 * 1024)

#define FIRST_ANSWER (200 * TH_MILLISECOND) /* how long one is waited for, before one was timed */
#define LEAST_ANSWER (50 * TH_MILLISECOND)
#define MOST_ANSWER TH_SECOND
#define NOT_NOW TH_MILLISECOND /* until what could not leave is tried again */
#define OPENER_IDLE TH_SECOND
#define ACCEPTED_IDLE (2 * TH_SECOND)
#define ACCEPTED_MOST (32 * TH_SECOND) /* questions to a silent program are at most so far apart */

struct th_talk_kept {
  struct th_talk_kept *next;
  struct th_datagram datagram;
  unsigned char bytes[];
};

void th_talk_init(struct th_talk *talk, const struct th_talk_ops *ops, void *context, size_t step,
                  bool is_opener) {
  *talk = (struct th_talk){.ops = ops, .context = context, .is_opener = is_opener, .heard = true};
  talk->patience = is_opener ? TH_TALK_OPENER_PATIENCE : TH_TALK_ACCEPTED_PATIENCE;
  th_stream_init(&talk->stream, step);
  th_loose_init(&talk->loose, step);
  talk->last_kept = &talk->kept;
}

static struct th_talk_kept *pop_kept(struct th_talk *talk) {
  struct th_talk_kept *kept = talk->kept;
  talk->kept_weight -= sizeof *kept + kept->datagram.size;
  talk->kept = kept->next;
  if (talk->kept == NULL) talk->last_kept = &talk->kept;
  return kept;
}

void th_talk_clear(struct th_talk *talk) {
  while (talk->kept != NULL) free(pop_kept(talk));
  th_stream_clear(&talk->stream);
  th_loose_clear(&talk->loose);
}

void th_talk_end(struct th_talk *talk) {
  talk->is_over = true;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Every datagram acknowledges all that has come. */
static bool transmit(struct th_talk *talk, struct th_datagram *datagram) {
  datagram->state = (struct th_datagram_state){talk->stream.taken, talk->loose.expected,
                                               talk->loose.lost, talk->loose.sent};
  if (datagram->type == TH_DATAGRAM_LOOSE) datagram->state.sent++;
  if (!talk->ops->transmit(talk->context, datagram)) return false;
  talk->owes_answer = false;
  talk->owed_datagrams = 0;
  talk->owed_bytes = 0;
  return true;
}

static void say(struct th_talk *talk, enum th_datagram_type type) {
  struct th_datagram datagram = {.type = type};
  if (!talk->is_over) transmit(talk, &datagram);
}

static void begin_timing(struct th_talk *talk, uint64_t offset) {
  if (talk->timed != 0) return;
  talk->timed = offset;
  talk->timed_since = th_clock_now();
}

static bool push_stream(struct th_talk *talk) {
  struct th_datagram piece = {.type = TH_DATAGRAM_STREAM};
  uint64_t top = talk->stream.top;
  while (!talk->is_over && th_stream_next(&talk->stream, &piece.place, &piece.bytes, &piece.size)) {
    if (!transmit(talk, &piece)) {
      th_stream_back(&talk->stream, piece.place);
      return false;
    }
    if (piece.place >= top) begin_timing(talk, piece.place + piece.size);
  }
  return true;
}

static bool push_loose(struct th_talk *talk) {
  struct th_loose_piece piece;
  while (!talk->is_over && th_loose_next(&talk->loose, &piece)) {
    struct th_datagram datagram = {.type = TH_DATAGRAM_LOOSE,
                                   .place = talk->loose.sent,
                                   .part = piece.part,
                                   .bytes = piece.data,
                                   .size = piece.size};
    if (!transmit(talk, &datagram)) return false;
    th_loose_sent(&talk->loose, &piece);
  }
  return true;
}

static bool push_all(struct th_talk *talk) {
  if (!push_stream(talk) || !push_loose(talk)) return false;
  if (talk->stream.held == UINT64_MAX || talk->loose.left < talk->hold_until) return true;
  talk->stream.held = UINT64_MAX;
  return push_stream(talk);
}

/* Sends what may leave now. */
static void push(struct th_talk *talk) {
  talk->is_full = !push_all(talk);
}

int th_talk_send(struct th_talk *talk, const void *data, size_t size) {
  size_t before = th_loose_unsent(&talk->loose);
  if (before != 0) {
    if (talk->stream.held == UINT64_MAX)
      talk->stream.held = talk->stream.top + th_stream_unsent(&talk->stream);
    talk->hold_until = talk->loose.left + before;
  }
  int error = th_stream_put(&talk->stream, data, size);
  if (error == 0) push(talk);
  return error;
}

int th_talk_send_loose(struct th_talk *talk, const void *frames, size_t size) {
  int error = th_loose_put(&talk->loose, frames, size);
  if (error == 0) push(talk);
  return error;
}

size_t th_talk_unsent(const struct th_talk *talk) {
  return th_stream_unsent(&talk->stream) + th_loose_unsent(&talk->loose);
}

bool th_talk_is_settled(const struct th_talk *talk) {
  return th_talk_unsent(talk) == 0 && th_stream_unacked(&talk->stream) == 0;
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t answer_time(const struct th_talk *talk) {
  if (talk->round_trip == 0) return FIRST_ANSWER;
  uint64_t wait = talk->round_trip + 4 * talk->deviation;
  return wait < LEAST_ANSWER ? LEAST_ANSWER : wait < MOST_ANSWER ? wait : MOST_ANSWER;
}

static bool awaits_answer(const struct th_talk *talk) {
  return th_stream_unacked(&talk->stream) != 0 ||
         (th_loose_unsent(&talk->loose) != 0 && th_loose_is_open(&talk->loose));
}

uint64_t th_talk_wait(const struct th_talk *talk) {
  uint64_t idle = talk->is_opener ? OPENER_IDLE : ACCEPTED_IDLE;
  uint64_t most = talk->is_opener ? MOST_ANSWER : ACCEPTED_MOST;
  uint64_t wait = awaits_answer(talk) ? answer_time(talk) : idle;
  if (talk->is_full) return NOT_NOW;
  for (unsigned i = 0; i < talk->quiet && wait < most; i++) wait *= 2;
  return wait < most ? wait : most;
}

/* Nobody could tell which of both pieces is acknowledged, so none is timed. */
static void send_again(struct th_talk *talk) {
  th_stream_timeout(&talk->stream);
  talk->timed = 0;
  push(talk);
}

bool th_talk_tick(struct th_talk *talk) {
  bool was_heard = talk->heard, has_moved = talk->moved;
  if (talk->is_full) {
    push(talk);
    return true;
  }
  talk->heard = talk->moved = false;
  talk->quiet = was_heard ? 0 : talk->quiet + 1;
  if (talk->quiet > talk->patience) return false;
  if (th_stream_unacked(&talk->stream) != 0 && !has_moved) {
    send_again(talk);
  } else if (!was_heard || th_loose_is_open(&talk->loose)) {
    say(talk, TH_DATAGRAM_PING);
  }
  return true;
}

/* As TCP does: a mean of what was measured, and of how far it strays. */
static void take_time(struct th_talk *talk) {
  if (talk->timed == 0 || talk->stream.acked < talk->timed) return;
  uint64_t took = th_clock_now() - talk->timed_since;
  uint64_t mean = talk->round_trip;
  uint64_t strays = took > mean ? took - mean : mean - took;
  talk->timed = 0;
  talk->round_trip = mean == 0 ? took : mean - mean / 8 + took / 8;
  talk->deviation = mean == 0 ? took / 2 : talk->deviation - talk->deviation / 4 + strays / 4;
}

/* ---- receiving ------------------------------------------------------------------------------ */

void th_talk_acknowledge(struct th_talk *talk) {
  if (talk->owed_datagrams != 0) say(talk, TH_DATAGRAM_ACK);
  talk->owes_answer = false;
}

static void owe(struct th_talk *talk, size_t size) {
  talk->owed_datagrams++;
  talk->owed_bytes += size;
  if (talk->owed_datagrams >= ACK_DATAGRAMS || talk->owed_bytes >= ACK_BYTES)
    th_talk_acknowledge(talk);
}

static void take_state(struct th_talk *talk, const struct th_datagram *datagram) {
  const struct th_datagram_state *state = &datagram->state;
  if (th_stream_acked(&talk->stream, state->taken)) {
    talk->moved = true;
    take_time(talk);
  } else if (datagram->type == TH_DATAGRAM_ACK && state->taken == talk->stream.acked) {
    th_stream_double(&talk->stream);
  }
  th_loose_seen(&talk->loose, state->seen);
  if (state->lost > talk->told_lost && state->lost <= talk->loose.sent)
    talk->told_lost = state->lost;
}

static bool give(void *context, const unsigned char *data, size_t size) {
  struct th_talk *talk = context;
  talk->ops->received(talk->context, data, size);
  return !talk->is_over;
}

static void take_stream(struct th_talk *talk, const struct th_datagram *datagram) {
  th_loose_mark(&talk->loose, datagram->state.sent);
  talk->owes_answer = true;
  owe(talk, datagram->size);
  th_stream_take(&talk->stream, datagram->place, datagram->bytes, datagram->size, give, talk);
}

/* Acknowledged with the next datagram that goes the other way, mostly. */
static void take_loose(struct th_talk *talk, const struct th_datagram *datagram) {
  const unsigned char *frames;
  size_t size;
  owe(talk, datagram->size);
  if (th_loose_take(&talk->loose, datagram, &frames, &size))
    talk->ops->received_loose(talk->context, frames, size);
}

static void take_data(struct th_talk *talk, const struct th_datagram *datagram) {
  if (datagram->type == TH_DATAGRAM_STREAM) {
    take_stream(talk, datagram);
  } else {
    take_loose(talk, datagram);
  }
}

/* Who asks is answered in a pause, too; what was sent before the question may be kept then. */
static void take_question(struct th_talk *talk, const struct th_datagram *datagram) {
  if (!talk->is_paused) th_loose_mark(&talk->loose, datagram->state.sent);
  talk->owes_answer = true;
  owe(talk, 0);
}

/* A piece of the stream is answered, though not with what its sender waits for, as any
 * question is. */
static void keep(struct th_talk *talk, const struct th_datagram *datagram) {
  if (datagram->type == TH_DATAGRAM_STREAM) {
    talk->owes_answer = true;
    owe(talk, 0);
  }
  size_t size = sizeof(struct th_talk_kept) + datagram->size;
  size_t limit = datagram->type == TH_DATAGRAM_STREAM ? KEPT_LIMIT / 2 : KEPT_LIMIT;
  if (talk->kept_weight + size > limit) return; /* as if it had got lost on its way */
  struct th_talk_kept *kept = th_try_alloc(size);
  if (kept == NULL) return;
  kept->next = NULL;
  kept->datagram = *datagram;
  kept->datagram.bytes = kept->bytes;
  memcpy(kept->bytes, datagram->bytes, datagram->size);
  talk->kept_weight += size;
  *talk->last_kept = kept;
  talk->last_kept = &kept->next;
}

void th_talk_take(struct th_talk *talk, const struct th_datagram *datagram) {
  talk->heard = true;
  talk->quiet = 0;
  take_state(talk, datagram);
  if (datagram->type == TH_DATAGRAM_PING) {
    take_question(talk, datagram);
  } else if (datagram->type != TH_DATAGRAM_ACK) {
    (talk->is_paused ? keep : take_data)(talk, datagram);
  }
  if (!talk->is_over) push(talk);
}

static void take_kept(struct th_talk *talk) {
  talk->is_taking_kept = true;
  while (talk->kept != NULL && !talk->is_paused && !talk->is_over) {
    struct th_talk_kept *kept = pop_kept(talk);
    take_data(talk, &kept->datagram);
    free(kept);
  }
  talk->is_taking_kept = false;
  th_talk_acknowledge(talk);
}

void th_talk_pause(struct th_talk *talk, bool is_paused) {
  talk->is_paused = is_paused;
  if (talk->kept != NULL && !is_paused && !talk->is_taking_kept) take_kept(talk);
}

uint64_t th_talk_lost(const struct th_talk *talk) {
  return talk->loose.lost + talk->told_lost;
}
