/* link: what happens when.
 *
 *   GREETING -> OPEN -> LEAVING -> ENDING -> ENDED
 *
 * and from each of the first three to ENDING. ENDING waits for the channel's closed, ENDED for
 * tasks that are on their way; then the holder is told.
 *
 * Senders push onto sent, a list whose head is also a state:
 *   1. NULL: nothing waits, and the task `flush` is not posted.
 *   2. A message: the send that found NULL has posted `flush`, or is about to.
 *   3. SHUT: the link takes no more. Only the loop writes it, and it stays.
 * The task `flush` alone turns 2 into 1, so it is never posted twice. When the loop writes SHUT
 * over a list, `flush` is still to come, and the link is not over before it came. The same holds
 * for the task `close`, posted by the one th_link_close that found `closing` false. So nobody
 * touches the loop on behalf of a link that has told its end.
 */
#include "transport/link.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/protocol.h"

/* A head that says: no more. Never dereferenced. */
#define SHUT ((struct th_message *)1)

/* One write is about as much as CHUNK; while UNSENT_LIMIT has not left, messages go on waiting. */
#define CHUNK ((size_t)256 * 1024)
#define UNSENT_LIMIT ((size_t)1024 * 1024)
#define KEPT_CAPACITY (2 * CHUNK)

/* However slowly it goes on, a link that is leaving gets at most so many times its patience. */
#define MOST_ROUNDS 10

/* Patience is counted in parts, of which a loop that was held up, or a clock that jumped because the
 * machine was asleep, takes one: what the other side has said meanwhile is yet to be read. */
#define PARTS 4

enum state { GREETING, OPEN, LEAVING, ENDING, ENDED };

struct th_link {
  atomic_uint references;
  _Atomic(struct th_message *) sent; /* newest first; see above */
  atomic_size_t count;               /* of messages in sent and in waiting */
  atomic_bool closing;               /* th_link_close was called, or comes too late */
  struct th_task flush;              /* whose post it is until it runs */
  struct th_task close;
  size_t limit; /* of a payload; constant, as all down to user */
  struct th_loop *loop;
  const struct th_link_events *events;
  void *context;
  char peer[TH_WIRE_PEER_SIZE];
  void *user;

  /* From here on the loop's alone. */
  enum state state;
  bool accepting;
  bool opened;     /* there was a connection */
  bool flush_due;  /* SHUT was written over a list: its task is still to come */
  bool close_due;  /* as is that of th_link_close */
  bool close_came; /* no: it has come */
  bool is_paused;
  bool said_bye;
  bool heard_bye;
  bool handed_over;  /* its channel is another's: nobody is told the end */
  bool progress;     /* since the timer was set */
  unsigned rounds;   /* of patience, so far */
  uint64_t patience; /* a round's length, and that when only a program's bye is missing */
  uint64_t idle_patience;
  size_t unsent;              /* when the timer was set */
  struct th_channel *channel; /* NULL when it is no more */
  struct th_loop_timer *timer;
  unsigned parts; /* of its time that are left, and how long each is */
  uint64_t part;
  void (*on_time)(void *link);
  struct th_hello hello; /* of the side that connects */
  struct th_frame_reader reader;
  struct th_buffer writer;
  struct th_message *waiting; /* oldest first */
  struct th_message **last;   /* where the next is hung up */
  unsigned char first[4];     /* that came on the connection */
  size_t first_size;
  size_t greeting_size; /* bytes that have come before the greeting was done */
  int error;            /* what closed will tell, with reason */
  struct th_reason reason;
};

struct th_link *th_link_ref(struct th_link *link) {
  /* Relaxed: who has a reference to copy needs nothing else to be visible. */
  atomic_fetch_add_explicit(&link->references, 1, memory_order_relaxed);
  return link;
}

void th_link_unref(struct th_link *link) {
  /* Release and acquire: all that holders did with the link comes before it is freed. */
  if (atomic_fetch_sub_explicit(&link->references, 1, memory_order_acq_rel) != 1) return;
  th_frame_reader_clear(&link->reader);
  th_buffer_clear(&link->writer);
  free(link);
}

void th_link_set_user(struct th_link *link, void *user) {
  link->user = user;
}

void *th_link_user(const struct th_link *link) {
  return link->user;
}

void th_link_peer(const struct th_link *link, char *out) {
  memcpy(out, link->peer, sizeof link->peer);
}

/* ---- messages that wait --------------------------------------------------------------------- */

/* Hangs up a list that is newest first behind those that wait. */
static void take_over(struct th_link *link, struct th_message *newest) {
  if (newest == NULL) return;
  struct th_message **last = &newest->next;
  struct th_message *oldest = NULL;
  while (newest != NULL) {
    struct th_message *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  *link->last = oldest;
  link->last = last;
}

static struct th_message *pop_waiting(struct th_link *link) {
  struct th_message *message = link->waiting;
  atomic_fetch_sub_explicit(&link->count, 1, memory_order_relaxed);
  link->waiting = message->next;
  if (link->waiting == NULL) link->last = &link->waiting;
  return message;
}

static void give_back(struct th_link *link, struct th_message *message) {
  link->events->undeliverable(link->context, link, message);
}

/* From here on, what is sent is undeliverable. */
static void shut(struct th_link *link) {
  /* Acquires what the senders wrote; releases what a sender that finds SHUT may rely on. */
  struct th_message *newest = atomic_exchange_explicit(&link->sent, SHUT, memory_order_acq_rel);
  if (newest == NULL || newest == SHUT) return;
  link->flush_due = true;
  take_over(link, newest);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void on_part(void *user) {
  struct th_link *link = user;
  link->timer = NULL;
  if (--link->parts > 0)
    link->timer = th_loop_after(link->loop, link->part, on_part, link);
  else
    link->on_time(link);
}

static void set_timer(struct th_link *link, uint64_t nanoseconds, void (*run)(void *link)) {
  th_loop_cancel(link->timer);
  link->parts = PARTS;
  link->part = nanoseconds / PARTS;
  link->on_time = run;
  link->timer = th_loop_after(link->loop, link->part, on_part, link);
}

static void stop_timer(struct th_link *link) {
  th_loop_cancel(link->timer);
  link->timer = NULL;
}

/* Ends the link with error and the words in its reason. */
static void cut(struct th_link *link, int error, bool with_flush) {
  link->state = ENDING;
  link->error = error;
  stop_timer(link);
  shut(link);
  link->channel->ops->close(link->channel, with_flush);
}

static void finish(struct th_link *link) {
  if (link->state != ENDED || link->flush_due || link->close_due) return;
  if (!link->handed_over)
    link->events->closed(link->context, link, link->error, link->reason.words);
  th_link_unref(link);
}

/* Why a channel closed that we had not asked to. */
static int explain(struct th_link *link, int error) {
  const char *words = th_error_words(error);
  if (error == 0) return th_fail(&link->reason, 0, "the connection to %s was closed", link->peer);
  if (!link->opened)
    return th_fail(&link->reason, error, "cannot connect to %s: %s", link->peer, words);
  if (error == TH_WIRE_EOF)
    return th_fail(&link->reason, error, "the connection to %s was closed by the other side",
                   link->peer);
  return th_fail(&link->reason, error, "the connection to %s broke: %s", link->peer, words);
}

/* The channel is no more, or another's. */
static void wind_up(struct th_link *link) {
  link->channel = NULL;
  link->state = ENDED;
  stop_timer(link);
  shut(link);
  /* Relaxed: the task itself, which the loop hands over, carries all there is. */
  bool called = atomic_exchange_explicit(&link->closing, true, memory_order_relaxed);
  link->close_due = called && !link->close_came;
  while (link->waiting != NULL) give_back(link, pop_waiting(link));
}

static void on_closed(void *user, int error) {
  struct th_link *link = user;
  if (link->state < LEAVING) link->error = explain(link, error);
  wind_up(link);
  finish(link);
}

/* The link itself goes when what was read with the greeting is done with: on_received. */
struct th_channel *th_link_hand_over(struct th_link *link) {
  struct th_channel *channel = link->channel;
  link->handed_over = true;
  wind_up(link);
  return channel;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* What people say may get lost where the wire has a way for that, the runtime's own may not; nor
 * what is too large for it, which the runtime alone can make, around what people have said. */
static bool is_loose(const struct th_link *link, const struct th_message *message) {
  return link->channel->ops->send_loose != NULL && message->kind < TH_KIND_BIRTH &&
         message->size <= TH_LINK_LOOSE;
}

static void write_out(struct th_link *link, bool loose) {
  struct th_buffer *writer = &link->writer;
  const struct th_wire_ops *ops = link->channel->ops;
  if (writer->error == 0)
    (loose ? ops->send_loose : ops->send)(link->channel, writer->data, writer->size);
  if (writer->capacity > KEPT_CAPACITY) {
    th_buffer_clear(writer);
  } else {
    th_buffer_reset(writer);
  }
}

static void write_message(struct th_link *link, struct th_message *message) {
  struct th_buffer *writer = &link->writer;
  size_t size = writer->size;
  th_frame_message(writer, message);
  if (writer->error == 0) {
    th_message_free(message);
    return;
  }
  writer->size = size; /* without the unfinished frame */
  writer->error = 0;
  give_back(link, message);
}

/* Of those that go the same way. */
static void write_chunk(struct th_link *link) {
  bool loose = is_loose(link, link->waiting);
  while (link->waiting != NULL && link->writer.size < CHUNK &&
         is_loose(link, link->waiting) == loose)
    write_message(link, pop_waiting(link));
  if (link->writer.size != 0) write_out(link, loose);
}

static void say_bye(struct th_link *link) {
  link->said_bye = true;
  th_frame_bye(&link->writer);
  write_out(link, false);
  if (link->heard_bye) cut(link, 0, true);
}

/* Writes as much as may leave now. */
static void pump(struct th_link *link) {
  if (link->state != OPEN && link->state != LEAVING) return;
  bool has_written = false;
  while (link->waiting != NULL && link->channel->ops->unsent(link->channel) < UNSENT_LIMIT) {
    write_chunk(link);
    has_written = true;
  }
  if (has_written && link->events->drained != NULL) link->events->drained(link->context, link);
  if (link->state == LEAVING && link->waiting == NULL && !link->said_bye) say_bye(link);
}

void th_link_pause(struct th_link *link, bool is_paused) {
  if (link->is_paused == is_paused || (link->state != OPEN && is_paused)) return;
  link->is_paused = is_paused;
  if (link->state < ENDING) link->channel->ops->pause(link->channel, is_paused);
}

static void on_written(void *user) {
  struct th_link *link = user;
  link->progress = true;
  pump(link);
}

/* ---- leaving -------------------------------------------------------------------------------- */

static void be_patient(struct th_link *link);

static void on_impatient(void *user) {
  struct th_link *link = user;
  size_t unsent = link->channel->ops->unsent(link->channel);
  bool progress = link->progress || unsent != link->unsent;
  if (progress && ++link->rounds < MOST_ROUNDS) {
    be_patient(link);
  } else {
    cut(link, 0, false);
  }
}

static void be_patient(struct th_link *link) {
  link->progress = false;
  link->unsent = link->channel->ops->unsent(link->channel);
  bool idle = link->said_bye && link->unsent == 0;
  bool program = link->accepting && link->hello.role == TH_ROLE_PROGRAM;
  set_timer(link, idle && program ? link->idle_patience : link->patience, on_impatient);
}

/* Takes nothing more, writes what waits, and says bye. */
static void leave(struct th_link *link) {
  link->state = LEAVING;
  shut(link);
  pump(link);
  th_link_pause(link, false); /* the other side's bye is awaited */
  if (link->state == LEAVING) be_patient(link);
}

static int take_bye(struct th_link *link, size_t size) {
  if (size != 0) return TH_EMALFORMED;
  link->heard_bye = true;
  if (link->state == OPEN) {
    th_fail(&link->reason, 0, "%s closed the connection", link->peer);
    leave(link);
  } else if (link->said_bye) {
    cut(link, 0, true);
  }
  return 0;
}

/* ---- greeting ------------------------------------------------------------------------------- */

static void on_no_greeting(void *user) {
  struct th_link *link = user;
  const char *missed = link->accepting ? "greet" : "answer";
  cut(link, th_fail(&link->reason, TH_ETIMEOUT, "%s did not %s in time", link->peer, missed),
      false);
}

static void on_opened(void *user) {
  struct th_link *link = user;
  link->opened = true;
  th_frame_hello(&link->writer, &link->hello);
  write_out(link, false);
}

/* limit is the largest message of the other side's. */
static void open_up(struct th_link *link, size_t limit) {
  link->state = OPEN;
  stop_timer(link);
  link->reader.limit = limit < UINT32_MAX - TH_FRAME_OVERHEAD ? limit + TH_FRAME_OVERHEAD
                                                              : UINT32_MAX;
}

static void refuse(struct th_link *link, int error, const char *words) {
  th_frame_refuse(&link->writer, error, words);
  write_out(link, false);
  th_fail(&link->reason, error, "%s was refused: %s", link->peer, words);
  cut(link, error, true);
}

static void welcome(struct th_link *link) {
  struct th_welcome says = {0};
  struct th_reason reason = {""};
  int error = link->events->hello(link->context, link, &link->hello, &says, &reason);
  if (link->handed_over) return;
  if (error != 0) {
    refuse(link, error, reason.words[0] != '\0' ? reason.words : th_error_words(error));
    return;
  }
  th_frame_welcome(&link->writer, &says);
  write_out(link, false);
  open_up(link, link->limit);
  pump(link);
}

static int take_hello(struct th_link *link, const unsigned char *body, size_t size) {
  int error = th_frame_read_hello(body, size, &link->hello);
  if (error == TH_EPROTOCOL) {
    struct th_reason reason;
    th_fail(&reason, 0, "it speaks version %lld of the protocol, this system version %d",
            (long long)link->hello.protocol, TH_PROTOCOL_VERSION);
    refuse(link, error, reason.words);
    return 0;
  }
  /* Another system says nothing more before it is answered: who takes over the channel relies on
   * it. */
  if (error == 0 && link->hello.role == TH_ROLE_SYSTEM &&
      link->greeting_size != size + TH_FRAME_HEAD)
    error = TH_EMALFORMED;
  if (error == 0) welcome(link);
  return error;
}

static int take_welcome(struct th_link *link, const unsigned char *body, size_t size) {
  struct th_welcome said;
  int error = th_frame_read_welcome(body, size, &said);
  if (error != 0) return error;
  open_up(link, said.limit < link->limit ? (size_t)said.limit : link->limit);
  link->events->welcome(link->context, link, &said);
  pump(link);
  return 0;
}

static int take_refusal(struct th_link *link, const unsigned char *body, size_t size) {
  int refusal;
  int error = th_frame_read_refuse(body, size, &refusal, &link->reason);
  if (error == 0) cut(link, refusal, false);
  return error;
}

static int greet(struct th_link *link, enum th_frame_type type, const unsigned char *body,
                 size_t size) {
  if (link->accepting && type == TH_FRAME_HELLO) return take_hello(link, body, size);
  if (!link->accepting && type == TH_FRAME_WELCOME) return take_welcome(link, body, size);
  if (!link->accepting && type == TH_FRAME_REFUSE) return take_refusal(link, body, size);
  return TH_EMALFORMED;
}

/* ---- reading -------------------------------------------------------------------------------- */

_Static_assert(TH_LINK_LOOSE + TH_FRAME_OVERHEAD <= TH_WIRE_LOOSE, "a message's frame fits");

static int take_message(struct th_link *link, const unsigned char *body, size_t size) {
  struct th_message *message;
  int error = th_frame_read_message(body, size, &message);
  if (error == 0) link->events->message(link->context, link, message);
  return error;
}

static int converse(struct th_link *link, enum th_frame_type type, const unsigned char *body,
                    size_t size) {
  if (link->heard_bye) return TH_EMALFORMED; /* that was to be the last word */
  if (type == TH_FRAME_MESSAGE) return take_message(link, body, size);
  if (type == TH_FRAME_BYE) return take_bye(link, size);
  return TH_EMALFORMED;
}

/* Gives 1 when the link is ending, and what follows in the stream does not count. */
static int take_frame(void *context, enum th_frame_type type, const unsigned char *body,
                      size_t size) {
  struct th_link *link = context;
  int error = link->state == GREETING ? greet(link, type, body, size)
                                      : converse(link, type, body, size);
  return error != 0 ? error : link->state >= ENDING;
}

static int reject_greeting(struct th_link *link) {
  char bytes[3 * sizeof link->first + 1] = "";
  for (size_t i = 0; i < link->first_size; i++) snprintf(bytes + 3 * i, 4, " %02x", link->first[i]);
  return th_fail(&link->reason, TH_EPROTOCOL,
                 link->accepting
                   ? "%s sent something that is not a Thespian greeting (first bytes%s)"
                   : "%s is no Thespian system: it sent something else (first bytes%s)",
                 link->peer, bytes);
}

static int reject(struct th_link *link, int error) {
  if (link->state == GREETING) return reject_greeting(link);
  if (error == TH_ETOOBIG)
    return th_fail(&link->reason, error, "%s sent a message of more than %zu bytes", link->peer,
                   link->reader.limit - TH_FRAME_OVERHEAD);
  return th_fail(&link->reason, error, "cannot read what %s sent: %s", link->peer,
                 th_error_words(error));
}

static void on_received(void *user, const unsigned char *data, size_t size) {
  struct th_link *link = user;
  link->progress = true;
  for (size_t i = 0; i < size && link->first_size < sizeof link->first; i++)
    link->first[link->first_size++] = data[i];
  if (link->state == GREETING) link->greeting_size += size;
  int error = th_frame_reader_feed(&link->reader, data, size, take_frame, link);
  if (error < 0) cut(link, reject(link, error), false);
  if (link->handed_over) finish(link);
}

/* Each datagram has whole frames, so each is read anew. Before the greeting is done, that can only
 * be a system whose welcome got lost and is on its way again: what it says meanwhile is lost. */
static void on_received_loose(void *user, const unsigned char *frames, size_t size) {
  struct th_link *link = user;
  struct th_frame_reader reader;
  if (link->state == GREETING) return;
  link->progress = true;
  th_frame_reader_init(&reader);
  reader.limit = link->reader.limit < TH_WIRE_LOOSE ? link->reader.limit : TH_WIRE_LOOSE;
  int error = th_frame_reader_feed(&reader, frames, size, take_frame, link);
  if (error == 0 && reader.partial.size != 0) error = TH_EMALFORMED;
  if (error < 0) cut(link, reject(link, error), false);
  th_frame_reader_clear(&reader);
}

/* ---- what other threads ask for ------------------------------------------------------------- */

#define LINK_OF(task, member)                                                                      \
  ((struct th_link *)(void *)((char *)(task)-offsetof(struct th_link, member)))

static void run_flush(struct th_task *task) {
  struct th_link *link = LINK_OF(task, flush);
  if (link->flush_due) {
    link->flush_due = false;
    finish(link);
    return;
  }
  /* Acquires what the senders wrote; releases the task to the next send that finds NULL. */
  take_over(link, atomic_exchange_explicit(&link->sent, NULL, memory_order_acq_rel));
  pump(link);
}

void th_link_send(struct th_link *link, struct th_message *message) {
  if (message->size > link->limit) {
    give_back(link, message);
    return;
  }
  /* Relaxed, as everywhere: the count is only looked at. Before the push, so never below 0. */
  atomic_fetch_add_explicit(&link->count, 1, memory_order_relaxed);
  struct th_message *head = atomic_load_explicit(&link->sent, memory_order_acquire);
  do {
    if (head == SHUT) {
      atomic_fetch_sub_explicit(&link->count, 1, memory_order_relaxed);
      give_back(link, message);
      return;
    }
    message->next = head;
    /* Releases the message to run_flush; acquires the task from it, and the end from shut(). */
  } while (!atomic_compare_exchange_weak_explicit(&link->sent, &head, message, memory_order_acq_rel,
                                                  memory_order_acquire));
  if (head == NULL) th_loop_post(link->loop, &link->flush);
}

size_t th_link_waiting(const struct th_link *link) {
  return atomic_load_explicit(&link->count, memory_order_relaxed);
}

static void run_close(struct th_task *task) {
  struct th_link *link = LINK_OF(task, close);
  link->close_came = true;
  link->close_due = false;
  if (link->state < LEAVING)
    th_fail(&link->reason, 0, "the connection to %s was closed by this side", link->peer);
  if (link->state == GREETING) {
    cut(link, 0, false);
  } else if (link->state == OPEN) {
    leave(link);
  }
  finish(link);
}

void th_link_close(struct th_link *link) {
  /* Relaxed: see on_closed. */
  if (!atomic_exchange_explicit(&link->closing, true, memory_order_relaxed))
    th_loop_post(link->loop, &link->close);
}

/* ---- birth ---------------------------------------------------------------------------------- */

static const struct th_channel_events channel_events = {on_opened, on_received, on_written,
                                                        on_closed, on_received_loose};

static struct th_link *new_link(struct th_loop *loop, size_t limit,
                                const struct th_link_events *events, void *context) {
  struct th_link *link = th_new(struct th_link);
  atomic_init(&link->references, 1);
  atomic_init(&link->sent, NULL);
  atomic_init(&link->count, 0);
  atomic_init(&link->closing, false);
  link->flush.run = run_flush;
  link->close.run = run_close;
  link->limit = limit;
  link->loop = loop;
  link->events = events;
  link->context = context;
  link->last = &link->waiting;
  link->patience = TH_LINK_PATIENCE;
  link->idle_patience = TH_LINK_IDLE_PATIENCE;
  th_frame_reader_init(&link->reader);
  th_buffer_init(&link->writer);
  return link;
}

static void begin(struct th_link *link, struct th_channel *channel) {
  link->channel = channel;
  channel->ops->peer(channel, link->peer);
  set_timer(link, TH_LINK_GREETING, on_no_greeting);
}

struct th_link *th_link_accept(struct th_loop *loop, struct th_channel *channel, size_t limit,
                               const struct th_link_events *events, void *context) {
  struct th_link *link = new_link(loop, limit, events, context);
  link->accepting = true;
  link->opened = true;
  channel->events = &channel_events;
  channel->user = link;
  begin(link, channel);
  return link;
}

int th_link_connect(struct th_loop *loop, struct th_wire *wire, uint32_t ip, uint16_t port,
                    size_t limit, const struct th_hello *hello, const struct th_link_events *events,
                    void *context, struct th_link **out) {
  struct th_link *link = new_link(loop, limit, events, context);
  link->hello = *hello;
  struct th_channel *channel;
  int error = wire->ops->connect(wire, ip, port, &channel_events, link, &channel);
  if (error != 0) {
    th_link_unref(link);
    return error;
  }
  begin(link, channel);
  *out = th_link_ref(link);
  return 0;
}

void th_link_set_patience(struct th_link *link, uint64_t nanoseconds) {
  link->patience = link->idle_patience = nanoseconds;
}

void th_link_set_greeting(struct th_link *link, uint64_t nanoseconds) {
  if (link->state == GREETING) set_timer(link, nanoseconds, on_no_greeting);
}
