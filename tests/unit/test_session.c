#include "transport/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "transport/link.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define LIMIT ((uint64_t)1024 * 1024)
#define NO_END 77 /* no end of anyone's */
#define SENDERS 3
#define MOST_SESSIONS 8
#if defined(__SANITIZE_THREAD__) /* some twenty times slower */
#define MANY 6000
#define BREAKS 15
#else
#define MANY 30000
#define BREAKS 60
#endif

/* Short enough for tests that wait for silence, long enough for a slow machine's connections. */
static const struct th_session_times quick = {.ping = 200 * TH_MILLISECOND,
                                              .lost = 600 * TH_MILLISECOND,
                                              .first = 400 * TH_MILLISECOND,
                                              .greeting = 300 * TH_MILLISECOND,
                                              .pause = 2 * TH_MILLISECOND,
                                              .pause_most = 50 * TH_MILLISECOND,
                                              .acknowledge = 2 * TH_MILLISECOND};

/* For all tests that do not wait for silence: nobody is given up, however slow the machine. */
static const struct th_session_times calm = {.ping = 20 * TH_SECOND,
                                             .lost = 100 * TH_SECOND,
                                             .first = 100 * TH_SECOND,
                                             .greeting = 20 * TH_SECOND,
                                             .pause = 2 * TH_MILLISECOND,
                                             .pause_most = 20 * TH_MILLISECOND,
                                             .acknowledge = 2 * TH_MILLISECOND};

/* The stories are told over each carrier. */
static enum th_carrier carrier = TH_CARRIER_TCP;

static int over_udp(void **state) {
  (void)state;
  carrier = TH_CARRIER_UDP;
  return 0;
}

/* ---- one system ----------------------------------------------------------------------------- */

struct side;

/* What a session has told. */
struct story {
  struct side *side;
  struct th_session *session;
  unsigned ups, downs, ended, drained;
  enum th_session_end how;
  char words[1024];
  char trouble[1024]; /* of the last down */
  struct th_meeting met;
};

struct side {
  pthread_t thread; /* that turns the loop */
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_session_config config;
  struct story stories[MOST_SESSIONS]; /* of sessions that are or were, the newest is the last */
  unsigned story_count;
  bool forgets;  /* has no session for who greets */
  bool is_quiet; /* takes greetings and says nothing */
  int refusal;   /* what greetings are refused with */
  unsigned crossed, forgotten, anew, hellos;
  atomic_uint received, disorder, undeliverable;
  unsigned stop_at;
  uint32_t next[SENDERS];
  uint32_t next_back[SENDERS]; /* of those that are given back */
  unsigned back_disorder;
  struct th_channel *held; /* is_quiet: what was taken */
  uint64_t held_nonce;     /* of who greeted there */
};

static struct story *story_of(struct side *side) {
  assert_true(side->story_count > 0);
  return &side->stories[side->story_count - 1];
}

static struct th_session *session_of(struct side *side) {
  return story_of(side)->session;
}

static void on_up(void *context, struct th_session *session, const struct th_meeting *other) {
  struct story *story = context;
  assert_int_equal(story->ended, 0);
  assert_true(th_session_is_up(session));
  story->ups++;
  story->met = *other;
  th_loop_stop(story->side->loop);
}

static void on_down(void *context, struct th_session *session, const char *words) {
  struct story *story = context;
  assert_int_equal(story->ended, 0);
  assert_false(th_session_is_up(session));
  story->downs++;
  snprintf(story->trouble, sizeof story->trouble, "%s", words);
  th_loop_stop(story->side->loop);
}

static void on_message(void *context, struct th_session *session, struct th_message *message) {
  struct story *story = context;
  struct side *side = story->side;
  size_t sender = (size_t)message->sender.number;
  (void)session;
  if (story->ended != 0 || sender >= SENDERS || side->next[sender]++ != message->ticket)
    side->disorder++;
  if (++side->received == side->stop_at) th_loop_stop(side->loop);
  th_message_free(message);
}

static void on_drained(void *context, struct th_session *session) {
  struct story *story = context;
  (void)session;
  story->drained++;
}

static void on_undeliverable(void *context, struct th_session *session,
                             struct th_message *message) {
  struct story *story = context;
  struct side *side = story->side;
  size_t sender = (size_t)message->sender.number;
  (void)session;
  /* Those of an end come in order; those sent later, in their senders' threads. */
  if (pthread_equal(pthread_self(), side->thread) && story->ended == 0 && sender < SENDERS) {
    if (side->next_back[sender] > message->ticket) side->back_disorder++;
    side->next_back[sender] = message->ticket + 1;
  }
  side->undeliverable++;
  th_message_free(message);
}

static void on_ended(void *context, struct th_session *session, enum th_session_end how,
                     const char *words) {
  struct story *story = context;
  assert_false(th_session_is_up(session));
  story->how = how;
  story->ended++;
  snprintf(story->words, sizeof story->words, "%s", words);
  th_loop_stop(story->side->loop);
}

static const struct th_session_events events = {on_up,      on_down,          on_message,
                                                on_drained, on_undeliverable, on_ended};

static void begin(struct side *side, const struct th_address *other) {
  assert_true(side->story_count < MOST_SESSIONS);
  struct story *story = &side->stories[side->story_count++];
  *story = (struct story){.side = side, .how = (enum th_session_end)NO_END};
  story->session = th_session_new(&side->config, other, story);
}

/* ---- who greets: what a system makes of it -------------------------------------------------- */

static int refuse(struct th_reason *reason, unsigned *count, int error, const char *words) {
  ++*count;
  return th_fail(reason, error, "%s", words);
}

static const struct th_channel_events quiet_events;

static int be_quiet(struct side *side, struct th_link *link) {
  side->held = th_link_hand_over(link);
  side->held->events = &quiet_events;
  side->held->user = side;
  th_loop_stop(side->loop);
  return 0;
}

static int meet(struct side *side, struct th_link *link, const struct th_meeting *meeting,
                struct th_reason *reason) {
  struct th_session *session = side->story_count == 0 || side->forgets ? NULL : session_of(side);
  enum th_session_fit fit = th_session_judge(session, meeting);
  if (fit == TH_SESSION_CROSSED)
    return refuse(reason, &side->crossed, TH_ECROSSED, "there is a better one");
  if (fit == TH_SESSION_FORGOTTEN)
    return refuse(reason, &side->forgotten, TH_EFORGOTTEN, "it has ended");
  if (fit == TH_SESSION_ANEW) {
    side->anew++;
    th_session_replace(session);
  }
  if (session == NULL || story_of(side)->ended != 0) begin(side, &meeting->admin);
  th_session_adopt(session_of(side), th_link_hand_over(link), meeting);
  return 0;
}

static int on_hello(void *context, struct th_link *link, const struct th_hello *hello,
                    struct th_welcome *welcome, struct th_reason *reason) {
  struct side *side = context;
  (void)welcome;
  side->hellos++;
  assert_int_equal(hello->role, TH_ROLE_SYSTEM);
  side->held_nonce = hello->meeting.nonce;
  if (side->refusal != 0) return th_fail(reason, side->refusal, "not on a %s", "Monday");
  return side->is_quiet ? be_quiet(side, link) : meet(side, link, &hello->meeting, reason);
}

static void on_link_closed(void *context, struct th_link *link, int error, const char *words) {
  (void)context;
  (void)link;
  (void)error;
  (void)words;
}

static const struct th_link_events link_events = {.hello = on_hello, .closed = on_link_closed};

static void on_accept(void *context, struct th_channel *channel) {
  struct side *side = context;
  th_link_accept(side->loop, channel, (size_t)side->config.limit, &link_events, side);
}

static void init_side(struct side *side, struct th_loop *loop, uint64_t identity,
                      const struct th_session_times *times) {
  *side = (struct side){.thread = pthread_self(), .loop = loop};
  assert_int_equal(th_wire_new(carrier, loop, &side->wire), 0);
  assert_int_equal(side->wire->ops->listen(side->wire, LOCALHOST, 0, on_accept, side), 0);
  uint16_t port = side->wire->ops->port(side->wire);
  side->config = (struct th_session_config){.loop = loop,
                                            .wire = side->wire,
                                            .own = {identity, TH_ADMIN_NUMBER, LOCALHOST, port, 0},
                                            .limit = LIMIT,
                                            .times = *times,
                                            .events = &events};
}

static struct th_address place_of(const struct side *side) {
  struct th_address place = side->config.own;
  place.system = 0; /* only where it is is known */
  return place;
}

static void clear_side(struct side *side) {
  for (unsigned i = 0; i < side->story_count; i++) {
    struct story *story = &side->stories[i];
    if (story->ended == 0) th_session_close(story->session, 0);
    assert_int_equal(story->ended, 1);
  }
  side->wire->ops->free(side->wire);
}

/* After the loop is gone, so that a session that touches it then is found. */
static void drop_sessions(struct side *side) {
  for (unsigned i = 0; i < side->story_count; i++) th_session_unref(side->stories[i].session);
  assert_int_equal(side->disorder, 0);
  assert_int_equal(side->back_disorder, 0);
}

/* ---- two systems on one loop ---------------------------------------------------------------- */

struct pair {
  struct th_loop *loop;
  struct side one; /* of the smaller identity */
  struct side two;
};

static void set_up(struct pair *pair, const struct th_session_times *times) {
  assert_int_equal(th_loop_new(&pair->loop), 0);
  init_side(&pair->one, pair->loop, 11, times);
  init_side(&pair->two, pair->loop, 22, times);
}

static void tear_down(struct pair *pair) {
  clear_side(&pair->one);
  clear_side(&pair->two);
  th_loop_free(pair->loop);
  drop_sessions(&pair->one);
  drop_sessions(&pair->two);
}

/* A test that waits in vain is ended by its runner. */
#define RUN_UNTIL(pair, condition)                                                                 \
  do {                                                                                             \
    while (!(condition)) th_loop_run((pair)->loop, th_clock_after(5 * TH_MILLISECOND));            \
  } while (0)

static bool is_up(struct side *side) {
  return side->story_count != 0 && th_session_is_up(session_of(side));
}

static bool has_ended(struct side *side) {
  return side->story_count != 0 && story_of(side)->ended != 0;
}

static void connect_both(struct pair *pair) {
  struct th_address place = place_of(&pair->two);
  begin(&pair->one, &place);
  RUN_UNTIL(pair, is_up(&pair->one) && is_up(&pair->two));
}

/* Of the runtime's own kind, so that it is not lost over any wire. */
static struct th_message *new_message(size_t sender, uint32_t ticket, size_t size) {
  static const struct th_address to = {.system = 22, .number = 5};
  struct th_address from = {.system = 11, .number = sender};
  struct th_buffer payload;
  unsigned char *bytes = th_alloc_zeroed(1, size + 1);
  th_buffer_init(&payload);
  th_pack_bin(&payload, bytes, size);
  struct th_message *message = th_message_pack(TH_KIND_REMOTE, &to, &from, &payload);
  assert_non_null(message);
  message->ticket = ticket;
  th_buffer_clear(&payload);
  free(bytes);
  return message;
}

static void send_some(struct side *side, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++)
    th_session_send(session_of(side), new_message(0, i, i % 300));
}

static struct th_session_counts counts_of(struct side *side) {
  struct th_session_counts counts;
  th_session_counts(session_of(side), &counts);
  return counts;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void messages_go_both_ways_in_order(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  assert_int_equal(story_of(&pair.one)->met.admin.system, 22);
  assert_int_equal(story_of(&pair.two)->met.admin.system, 11);
  assert_int_equal(th_session_other(session_of(&pair.one))->system, 22);
  send_some(&pair.one, 0, MANY);
  send_some(&pair.two, 0, MANY / 2);
  RUN_UNTIL(&pair, pair.two.received == MANY && pair.one.received == MANY / 2);
  RUN_UNTIL(&pair, th_session_waiting(session_of(&pair.one)) == 0 &&
                     th_session_waiting(session_of(&pair.two)) == 0);
  struct th_session_counts counts = counts_of(&pair.one);
  assert_int_equal(counts.sent, MANY);
  assert_int_equal(counts.acknowledged, MANY);
  assert_int_equal(counts.received, MANY / 2);
  assert_int_equal(counts.repeated, 0);
  assert_int_equal(counts.connections, 1);
  assert_true(counts.up_since != 0);
  assert_true(story_of(&pair.one)->drained > 0);
  tear_down(&pair);
  assert_int_equal(pair.one.undeliverable + pair.two.undeliverable, 0);
}

static void what_is_sent_before_there_is_a_connection_waits_for_it(void **state) {
  (void)state;
  struct pair pair;
  struct th_address place;
  set_up(&pair, &calm);
  place = place_of(&pair.two);
  begin(&pair.one, &place);
  send_some(&pair.one, 0, 100);
  assert_int_equal(th_session_waiting(session_of(&pair.one)), 100);
  RUN_UNTIL(&pair, pair.two.received == 100);
  tear_down(&pair);
}

/* What people say goes by the way on which some may get lost, where there is one; here none do. */
static void what_people_say_is_not_counted_over_udp(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  for (uint32_t i = 0; i < 200; i++) {
    struct th_message *message = new_message(0, i, i == 100 ? TH_LINK_LOOSE + 1 : 10);
    message->kind = i % 2 == 0 ? TH_KIND_USER : TH_KIND_REMOTE;
    th_session_send(session_of(&pair.one), message);
    if (i % 20 == 0) th_loop_run(pair.loop, 0);
  }
  RUN_UNTIL(&pair, pair.two.received == 200);
  RUN_UNTIL(&pair, th_session_waiting(session_of(&pair.one)) == 0);
  assert_int_equal(counts_of(&pair.one).sent, 200);
  assert_int_equal(counts_of(&pair.two).received, 200);
  assert_int_equal(counts_of(&pair.one).acknowledged, carrier == TH_CARRIER_UDP ? 101 : 200);
  tear_down(&pair);
}

static void a_message_too_large_for_the_other_side_is_given_back(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  pair.two.config.limit = 1000;
  connect_both(&pair);
  th_session_send(session_of(&pair.one), new_message(0, 0, 500));
  th_session_send(session_of(&pair.one), new_message(1, 0, 2000));
  th_session_send(session_of(&pair.one), new_message(0, 1, 500));
  RUN_UNTIL(&pair, pair.two.received == 2 && pair.one.undeliverable == 1);
  RUN_UNTIL(&pair, th_session_waiting(session_of(&pair.one)) == 0);
  th_session_send(session_of(&pair.two), new_message(1, 0, 2000)); /* the other way is as it was */
  RUN_UNTIL(&pair, pair.one.received == 1);
  tear_down(&pair);
}

/* ---- connections that break ----------------------------------------------------------------- */

/* A relay in the middle of a connection: it cuts at will. */
struct relay {
  struct th_loop *loop;
  struct th_wire *wire;
  uint16_t target;
  struct pipe *pipes;
  unsigned made;
  size_t after; /* cuts when so many bytes have passed; 0: never */
  unsigned cuts;
  bool swallows; /* what comes, without a word */
};

struct tap {
  struct pipe *pipe;
  struct tap *other;
  struct th_channel *channel; /* NULL: closed */
  bool is_open;
  bool is_cut;
  struct th_buffer early; /* what came before the other tap was open */
};

struct pipe {
  struct relay *relay;
  struct pipe *next;
  struct tap taps[2];
};

static void cut_pipe(struct pipe *pipe) {
  for (int i = 0; i < 2; i++) {
    struct tap *tap = &pipe->taps[i];
    if (tap->channel != NULL && !tap->is_cut) tap->channel->ops->close(tap->channel, 0);
    tap->is_cut = true;
  }
}

static void cut_all(struct relay *relay) {
  for (struct pipe *pipe = relay->pipes; pipe != NULL; pipe = pipe->next) cut_pipe(pipe);
  relay->cuts++;
}

static void pass(struct tap *tap, const unsigned char *data, size_t size, bool loose) {
  struct tap *other = tap->other;
  struct relay *relay = tap->pipe->relay;
  if (relay->swallows) return;
  if (relay->after != 0 && relay->after <= size) {
    size = relay->after; /* in the middle of whatever it is */
    relay->after = 0;
    if (other->is_open && !loose) other->channel->ops->send(other->channel, data, size);
    cut_all(relay);
    th_loop_stop(relay->loop);
  } else if (!other->is_open) {
    th_buffer_append(&other->early, data, size);
  } else if (loose) {
    other->channel->ops->send_loose(other->channel, data, size);
  } else {
    other->channel->ops->send(other->channel, data, size);
  }
  if (relay->after != 0) relay->after -= size;
}

static void on_tap_received(void *user, const unsigned char *data, size_t size) {
  pass(user, data, size, false);
}

static void on_tap_received_loose(void *user, const unsigned char *data, size_t size) {
  pass(user, data, size, true);
}

static void on_tap_opened(void *user) {
  struct tap *tap = user;
  tap->is_open = true;
  tap->channel->ops->send(tap->channel, tap->early.data, tap->early.size);
}

static void on_tap_closed(void *user, int error) {
  struct tap *tap = user;
  (void)error;
  tap->channel = NULL;
  tap->is_open = false;
  tap->is_cut = true;
  cut_pipe(tap->pipe);
}

static const struct th_channel_events tap_events = {on_tap_opened, on_tap_received, NULL,
                                                    on_tap_closed, on_tap_received_loose};

static void on_relay_accept(void *context, struct th_channel *channel) {
  struct relay *relay = context;
  struct pipe *pipe = th_new(struct pipe);
  pipe->relay = relay;
  pipe->next = relay->pipes;
  relay->pipes = pipe;
  relay->made++;
  for (int i = 0; i < 2; i++) {
    pipe->taps[i].pipe = pipe;
    pipe->taps[i].other = &pipe->taps[1 - i];
    th_buffer_init(&pipe->taps[i].early);
  }
  pipe->taps[0].channel = channel;
  pipe->taps[0].is_open = true;
  channel->events = &tap_events;
  channel->user = &pipe->taps[0];
  assert_int_equal(relay->wire->ops->connect(relay->wire, LOCALHOST, relay->target, &tap_events,
                                             &pipe->taps[1], &pipe->taps[1].channel),
                   0);
}

static void init_relay(struct relay *relay, struct th_loop *loop, const struct side *target) {
  *relay = (struct relay){.loop = loop, .target = target->config.own.port};
  assert_int_equal(th_wire_new(carrier, loop, &relay->wire), 0);
  assert_int_equal(relay->wire->ops->listen(relay->wire, LOCALHOST, 0, on_relay_accept, relay), 0);
}

static struct th_address place_of_relay(const struct relay *relay) {
  return (struct th_address){
    .number = TH_ADMIN_NUMBER, .ip = LOCALHOST, .port = relay->wire->ops->port(relay->wire)};
}

/* Both are up; the first cannot be reached but by what it opens. */
static void connect_by_relay(struct pair *pair, struct relay *relay) {
  init_relay(relay, pair->loop, &pair->two);
  struct th_address place = place_of_relay(relay);
  pair->one.config.own.port = 0;
  begin(&pair->one, &place);
  RUN_UNTIL(pair, is_up(&pair->one) && is_up(&pair->two));
}

/* When the loop is gone, with all channels. */
static void free_pipes(struct relay *relay) {
  while (relay->pipes != NULL) {
    struct pipe *pipe = relay->pipes;
    relay->pipes = pipe->next;
    for (int i = 0; i < 2; i++) th_buffer_clear(&pipe->taps[i].early);
    free(pipe);
  }
}

static uint32_t next_random(uint32_t *random) {
  *random = *random * 1664525 + 1013904223;
  return *random >> 8;
}

static uint32_t new_seed(void) {
  uint32_t seed = 0;
  const char *given = getenv("TH_SEED");
  assert_int_equal(th_random_bytes(&seed, sizeof seed), 0);
  if (given != NULL) seed = (uint32_t)strtoul(given, NULL, 10);
  print_message("TH_SEED=%u\n", seed);
  return seed;
}

/* Each round sends something and cuts after some bytes more, wherever that is: in a greeting, in its
 * answer, in a message, in an acknowledgement. one_way: only the first side can connect. */
static void break_again_and_again(bool one_way) {
  struct pair pair;
  struct relay there, back;
  uint32_t random = new_seed(), sent = 0, sent_back = 0;
  set_up(&pair, &calm);
  init_relay(&there, pair.loop, &pair.two);
  init_relay(&back, pair.loop, &pair.one);
  pair.two.config.own.port = 0;
  pair.one.config.own.port = one_way ? 0 : place_of_relay(&back).port;
  struct th_address place = place_of_relay(&there);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, is_up(&pair.one) && is_up(&pair.two));
  for (unsigned round = 0; round < BREAKS; round++) {
    uint32_t count = next_random(&random) % 400, count_back = next_random(&random) % 400;
    struct relay *relay = next_random(&random) % 2 == 0 ? &there : &back;
    send_some(&pair.one, sent, count);
    send_some(&pair.two, sent_back, count_back);
    sent += count;
    sent_back += count_back;
    relay->after = 1 + next_random(&random) % (next_random(&random) % 2 == 0 ? 300 : 40000);
    th_loop_run(pair.loop, th_clock_after((next_random(&random) % 5) * TH_MILLISECOND));
    if (next_random(&random) % 3 == 0) {
      cut_all(&there);
      cut_all(&back);
    }
  }
  there.after = back.after = 0;
  RUN_UNTIL(&pair, pair.two.received == sent && pair.one.received == sent_back);
  RUN_UNTIL(&pair, th_session_waiting(session_of(&pair.one)) == 0 &&
                     th_session_waiting(session_of(&pair.two)) == 0);
  assert_int_equal(pair.one.story_count, 1);
  assert_int_equal(pair.two.story_count, 1);
  assert_true(counts_of(&pair.one).connections > 1);
  assert_int_equal(counts_of(&pair.one).sent, sent);
  assert_int_equal(counts_of(&pair.one).acknowledged, sent);
  assert_int_equal(pair.one.undeliverable + pair.two.undeliverable, 0);
  print_message("%u messages, %u connections, %u times crossed, %llu sent again\n", sent,
                there.made + back.made, pair.one.crossed + pair.two.crossed,
                (unsigned long long)counts_of(&pair.one).repeated);
  cut_all(&there);
  cut_all(&back);
  there.wire->ops->free(there.wire);
  back.wire->ops->free(back.wire);
  tear_down(&pair);
  free_pipes(&there);
  free_pipes(&back);
}

static void nothing_is_lost_or_doubled_however_often_it_breaks(void **state) {
  (void)state;
  break_again_and_again(true);
}

static void nor_when_both_sides_connect_again(void **state) {
  (void)state;
  break_again_and_again(false);
}

/* ---- both at once --------------------------------------------------------------------------- */

static void crossing_connections_end_with_one(void **state) {
  (void)state;
  unsigned crossed = 0;
  for (int round = 0; round < 20; round++) {
    struct pair pair;
    set_up(&pair, &calm);
    begin(&pair.one, &pair.two.config.own);
    begin(&pair.two, &pair.one.config.own);
    send_some(&pair.one, 0, 100);
    send_some(&pair.two, 0, 100);
    RUN_UNTIL(&pair, pair.one.received == 100 && pair.two.received == 100);
    RUN_UNTIL(&pair, is_up(&pair.one) && is_up(&pair.two));
    assert_int_equal(pair.one.story_count, 1);
    assert_int_equal(pair.two.story_count, 1);
    assert_int_equal(story_of(&pair.one)->downs, 0);
    assert_int_equal(story_of(&pair.two)->downs, 0);
    crossed += pair.one.crossed + pair.two.crossed;
    tear_down(&pair);
  }
  assert_true(crossed > 0);
}

/* Greetings with the numbers that they would have, judged in each state. */
static void judging_follows_identity_nonces_and_generation(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  struct th_meeting meeting = {.admin = pair.two.config.own, .nonce = 5, .limit = LIMIT};
  assert_int_equal(th_session_judge(NULL, &meeting), TH_SESSION_FITS);
  meeting.known = 6;
  assert_int_equal(th_session_judge(NULL, &meeting), TH_SESSION_FORGOTTEN);
  connect_both(&pair); /* the connection is one's */
  struct th_session *one = session_of(&pair.one), *two = session_of(&pair.two);
  struct th_meeting said = story_of(&pair.one)->met, hello = story_of(&pair.two)->met;
  assert_int_equal(said.generation, 1);
  assert_int_equal(said.known, hello.nonce);
  assert_int_equal(hello.known, 0);
  hello.known = said.nonce;
  said.generation = 0; /* sent before this connection came to be */
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_CROSSED);
  assert_int_equal(th_session_judge(two, &hello), TH_SESSION_FITS); /* it has not heard of it */
  said.generation = hello.generation = 1;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_FITS);
  assert_int_equal(th_session_judge(two, &hello), TH_SESSION_FITS);
  said.known++;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_FORGOTTEN);
  said.known = 0;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_FITS); /* our answer got lost */
  said.nonce++;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_ANEW);
  said.admin.system++;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_ANEW);
  said.known = hello.nonce;
  assert_int_equal(th_session_judge(one, &said), TH_SESSION_FORGOTTEN);
  tear_down(&pair);
}

static enum th_session_fit judge_while_greeting(struct pair *pair, struct side *greeter,
                                                struct side *other) {
  struct th_meeting meeting = {.admin = other->config.own, .nonce = 5, .limit = LIMIT};
  struct th_address place = place_of(other);
  other->is_quiet = true;
  begin(greeter, &place);
  RUN_UNTIL(pair, other->held != NULL);
  return th_session_judge(session_of(greeter), &meeting);
}

static void of_crossing_greetings_that_of_the_smaller_identity_counts(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  assert_int_equal(judge_while_greeting(&pair, &pair.one, &pair.two), TH_SESSION_CROSSED);
  assert_int_equal(judge_while_greeting(&pair, &pair.two, &pair.one), TH_SESSION_FITS);
  tear_down(&pair);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void check_end(struct side *side, enum th_session_end how, const char *words) {
  assert_int_equal(story_of(side)->how, how);
  if (strstr(story_of(side)->words, words) == NULL)
    fail_msg("\"%s\" does not say \"%s\"", story_of(side)->words, words);
}

static void who_closes_says_goodbye(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  th_session_close(session_of(&pair.two), 0);
  assert_true(has_ended(&pair.two));
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_LEFT, "has left");
  check_end(&pair.two, TH_SESSION_CLOSED, "was closed by this side");
  send_some(&pair.one, 0, 3); /* after the end */
  assert_int_equal(pair.one.undeliverable, 3);
  assert_int_equal(th_session_waiting(session_of(&pair.one)), 0);
  tear_down(&pair);
}

/* What has come, but was not acknowledged yet, is by the good-bye. */
static void a_goodbye_acknowledges_what_has_come(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  pair.one.config.times.acknowledge = 100 * TH_SECOND;
  connect_both(&pair);
  send_some(&pair.two, 0, 10);
  RUN_UNTIL(&pair, pair.one.received == 10);
  assert_int_equal(th_session_waiting(session_of(&pair.two)), 10);
  th_session_close(session_of(&pair.one), 0);
  RUN_UNTIL(&pair, has_ended(&pair.two));
  check_end(&pair.two, TH_SESSION_LEFT, "has left");
  assert_int_equal(pair.two.undeliverable, 0);
  tear_down(&pair);
}

static void closing_with_patience_awaits_that_all_is_acknowledged(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  send_some(&pair.one, 0, MANY);
  th_session_close(session_of(&pair.one), 100 * TH_SECOND);
  RUN_UNTIL(&pair, has_ended(&pair.one) && has_ended(&pair.two));
  assert_int_equal(pair.two.received, MANY);
  assert_int_equal(pair.one.undeliverable, 0);
  check_end(&pair.one, TH_SESSION_CLOSED, "");
  check_end(&pair.two, TH_SESSION_LEFT, "");
  tear_down(&pair);
}

static void patience_has_an_end(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  pair.two.is_quiet = true;
  struct th_address place = place_of(&pair.two);
  begin(&pair.one, &place);
  send_some(&pair.one, 0, 50);
  RUN_UNTIL(&pair, pair.two.held != NULL);
  th_session_close(session_of(&pair.one), 20 * TH_MILLISECOND);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_CLOSED, "");
  assert_int_equal(pair.one.undeliverable, 50);
  assert_int_equal(pair.one.next_back[0], 50);
  tear_down(&pair);
}

static void another_system_at_the_place_gives_back_in_order(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  send_some(&pair.one, 0, 10);
  RUN_UNTIL(&pair, pair.two.received == 10 && th_session_waiting(session_of(&pair.one)) == 0);
  struct side old = pair.two;
  pair.two.config.own.system = 33; /* restarted */
  pair.two.forgets = true;
  struct th_session_counts before = counts_of(&pair.one);
  assert_int_equal(before.acknowledged, 10);
  /* It knows nothing of the session, and breaks the connection without a word, as who crashes. */
  th_session_replace(old.stories[0].session);
  send_some(&pair.one, 10, 90);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_RESTARTED, "it has ended");
  assert_int_equal(pair.one.undeliverable, 90);
  assert_int_equal(pair.one.next_back[0], 100);
  tear_down(&pair);
}

static void another_system_than_was_sought_is_told(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  struct th_address sought = pair.two.config.own;
  sought.system = 44;
  begin(&pair.one, &sought);
  send_some(&pair.one, 0, 20);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_RESTARTED, "is another system than before");
  assert_int_equal(pair.one.undeliverable, 20);
  tear_down(&pair);
}

/* The other side begins a new session of its own, as after it had given up this one. */
static void a_session_begun_anew_replaces_the_old_one(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  connect_both(&pair);
  begin(&pair.two, &pair.one.config.own);
  send_some(&pair.two, 0, 5);
  RUN_UNTIL(&pair, pair.one.received == 5);
  assert_int_equal(pair.one.anew, 1);
  assert_int_equal(pair.one.story_count, 2);
  assert_int_equal(pair.one.stories[0].how, TH_SESSION_RESTARTED);
  RUN_UNTIL(&pair, pair.two.stories[0].ended != 0 || pair.two.stories[0].downs != 0);
  tear_down(&pair);
}

static void a_system_does_not_meet_itself(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  struct th_address place = place_of(&pair.one);
  pair.one.forgets = true; /* it looks by identity, and has no session with itself */
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, pair.one.stories[0].ended != 0 && pair.one.story_count == 2 &&
                     pair.one.stories[1].ended != 0);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(pair.one.stories[i].how, TH_SESSION_REFUSED);
    assert_non_null(strstr(pair.one.stories[i].words, "is this system itself"));
  }
  tear_down(&pair);
}

/* ---- silence -------------------------------------------------------------------------------- */

static void who_is_silent_is_asked_and_then_lost(void **state) {
  (void)state;
  struct pair pair;
  struct relay relay;
  set_up(&pair, &quick);
  connect_by_relay(&pair, &relay);
  /* Both are up and silent for more than a ping's time: they ask, and answer. */
  uint64_t until = th_clock_after(4 * quick.ping);
  RUN_UNTIL(&pair, th_clock_now() > until);
  assert_int_equal(story_of(&pair.one)->ended, 0);
  /* From now on nobody is there. */
  relay.wire->ops->free(relay.wire);
  send_some(&pair.one, 0, 7);
  RUN_UNTIL(&pair, has_ended(&pair.one) && has_ended(&pair.two));
  check_end(&pair.one, TH_SESSION_LOST, "nothing was heard of 127.0.0.1:");
  check_end(&pair.two, TH_SESSION_LOST, "nothing was heard of ");
  assert_int_equal(pair.one.undeliverable, 7);
  tear_down(&pair);
  free_pipes(&relay);
}

/* The loop stands still for longer than anybody is waited for, as on a machine that was asleep. */
static void a_side_that_was_held_up_accuses_nobody(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &quick);
  connect_both(&pair);
  for (uint32_t round = 0; round < 3; round++) {
    uint64_t until = th_clock_after(2 * quick.lost);
    while (th_clock_now() < until) continue;
    send_some(&pair.one, round, 1);
    RUN_UNTIL(&pair, pair.two.received == round + 1);
  }
  assert_int_equal(story_of(&pair.one)->downs + story_of(&pair.one)->ended, 0);
  assert_int_equal(story_of(&pair.two)->downs + story_of(&pair.two)->ended, 0);
  tear_down(&pair);
}

static void who_was_held_up_has_all_patience_anew(void **state) {
  (void)state;
  struct pair pair;
  struct relay relay;
  set_up(&pair, &quick);
  connect_by_relay(&pair, &relay);
  uint64_t held_up = th_clock_after(2 * quick.lost);
  while (th_clock_now() < held_up) continue;
  relay.wire->ops->free(relay.wire);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  assert_true(th_clock_now() >= held_up + quick.lost);
  check_end(&pair.one, TH_SESSION_LOST, "nothing was heard of 127.0.0.1:");
  RUN_UNTIL(&pair, has_ended(&pair.two));
  tear_down(&pair);
  free_pipes(&relay);
}

static void who_does_not_answer_on_a_connection_is_cut_off(void **state) {
  (void)state;
  struct pair pair;
  struct relay relay;
  set_up(&pair, &quick);
  pair.one.config.times.lost = pair.two.config.times.lost = 100 * TH_SECOND;
  connect_by_relay(&pair, &relay);
  relay.swallows = true;
  send_some(&pair.one, 0, 5);
  /* Either side may be the first to lose patience; the other then finds the connection gone. */
  RUN_UNTIL(&pair, story_of(&pair.one)->downs != 0);
  assert_true(strstr(story_of(&pair.one)->trouble, "did not answer in time") != NULL ||
              strstr(story_of(&pair.two)->trouble, "did not answer in time") != NULL);
  relay.swallows = false;
  RUN_UNTIL(&pair, pair.two.received == 5 && is_up(&pair.one));
  assert_int_equal(story_of(&pair.one)->ended, 0);
  relay.wire->ops->free(relay.wire);
  tear_down(&pair);
  free_pipes(&relay);
}

static void who_takes_a_greeting_and_says_nothing_is_absent(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &quick);
  pair.two.is_quiet = true;
  struct th_address place = place_of(&pair.two);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_ABSENT, "did not answer in time");
  tear_down(&pair);
}

static void who_was_never_there_is_absent(void **state) {
  (void)state;
  struct pair pair;
  struct side nobody;
  set_up(&pair, &quick);
  init_side(&nobody, pair.loop, 55, &quick);
  struct th_address place = place_of(&nobody);
  clear_side(&nobody); /* so its port is free */
  th_loop_run(pair.loop, 0);
  begin(&pair.one, &place);
  send_some(&pair.one, 0, 3);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_ABSENT, "cannot connect to 127.0.0.1:");
  assert_int_equal(pair.one.undeliverable, 3);
  tear_down(&pair);
}

static void who_cannot_be_connected_to_is_waited_for(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &quick);
  struct th_address somewhere = {.system = 66, .number = TH_ADMIN_NUMBER};
  begin(&pair.one, &somewhere);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_ABSENT, "could not be met in time");
  tear_down(&pair);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void a_refusal_ends_it_in_the_words_of_the_other_side(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  pair.two.refusal = TH_EREFUSED;
  struct th_address place = place_of(&pair.two);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_REFUSED, "refused: not on a Monday");
  tear_down(&pair);
}

static void who_is_shutting_down_is_asked_again(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, &calm);
  pair.two.refusal = TH_ESHUTDOWN;
  struct th_address place = place_of(&pair.two);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, pair.two.hellos > 3);
  pair.two.refusal = 0;
  RUN_UNTIL(&pair, is_up(&pair.one));
  tear_down(&pair);
}

/* A place where something else answers. */
static void on_impostor(void *context, struct th_channel *channel);

struct impostor {
  struct th_wire *wire;
  const unsigned char *says;
  size_t size;
  struct th_channel *channel;
};

static void on_impostor_received(void *user, const unsigned char *data, size_t size) {
  struct impostor *impostor = user;
  (void)data;
  (void)size;
  if (impostor->channel != NULL)
    impostor->channel->ops->send(impostor->channel, impostor->says, impostor->size);
}

static void on_impostor_closed(void *user, int error) {
  struct impostor *impostor = user;
  (void)error;
  impostor->channel = NULL;
}

static const struct th_channel_events impostor_events = {.received = on_impostor_received,
                                                         .closed = on_impostor_closed};

static void on_impostor(void *context, struct th_channel *channel) {
  struct impostor *impostor = context;
  channel->events = &impostor_events;
  channel->user = impostor;
  impostor->channel = channel;
}

static void check_impostor(const void *says, size_t size, const char *words) {
  struct pair pair;
  struct impostor impostor = {.says = says, .size = size};
  set_up(&pair, &calm);
  assert_int_equal(th_wire_new(carrier, pair.loop, &impostor.wire), 0);
  assert_int_equal(impostor.wire->ops->listen(impostor.wire, LOCALHOST, 0, on_impostor, &impostor),
                   0);
  struct th_address place = place_of(&pair.two);
  place.port = impostor.wire->ops->port(impostor.wire);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, has_ended(&pair.one));
  check_end(&pair.one, TH_SESSION_REFUSED, words);
  impostor.wire->ops->free(impostor.wire);
  tear_down(&pair);
}

static void who_speaks_something_else_is_refused_in_words(void **state) {
  (void)state;
  struct th_buffer buffer;
  check_impostor("HTTP/1.1 400 Bad Request\r\n", 26,
                 "is no Thespian system: it sent something else (first bytes 48 54 54 50)");
  th_buffer_init(&buffer);
  th_frame_bye(&buffer);
  check_impostor(buffer.data, buffer.size, "is no Thespian system");
  th_buffer_reset(&buffer);
  th_frame_refuse(&buffer, TH_EPROTOCOL, "it speaks version 9 of the protocol, this system 1");
  check_impostor(buffer.data, buffer.size, "refused: it speaks version 9 of the protocol");
  th_buffer_clear(&buffer);
}

/* Its frames are written by hand onto a channel that was met. */
static void speak(struct pair *pair, void (*write)(struct th_buffer *), const char *words) {
  struct th_buffer buffer;
  set_up(pair, &calm);
  pair->two.is_quiet = true;
  struct th_address place = place_of(&pair->two);
  begin(&pair->one, &place);
  RUN_UNTIL(pair, pair->two.held != NULL);
  th_buffer_init(&buffer);
  write(&buffer);
  pair->two.held->ops->send(pair->two.held, buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  RUN_UNTIL(pair, has_ended(&pair->one));
  if (words != NULL) check_end(&pair->one, TH_SESSION_REFUSED, words);
  tear_down(pair);
}

static void write_meet_of_nobody(struct th_buffer *buffer) {
  struct th_meeting meeting = {
    .admin = {.system = 22, .number = TH_ADMIN_NUMBER}, .nonce = 3, .limit = LIMIT};
  th_frame_meet(buffer, &meeting);
}

static void an_answer_that_does_not_know_the_question_is_refused(void **state) {
  (void)state;
  struct pair pair;
  speak(&pair, write_meet_of_nobody, "is no Thespian system");
}

static void on_quiet_received(void *user, const unsigned char *data, size_t size) {
  (void)user;
  (void)data;
  (void)size;
}

static void on_quiet_closed(void *user, int error) {
  struct side *side = user;
  (void)error;
  side->held = NULL;
}

static const struct th_channel_events quiet_events = {.received = on_quiet_received,
                                                      .closed = on_quiet_closed};

static void what_must_not_get_lost_is_refused_where_it_might(void **state) {
  (void)state;
  struct pair pair;
  struct th_buffer buffer;
  struct th_message *message = new_message(0, 0, 10);
  set_up(&pair, &calm);
  pair.two.is_quiet = true;
  struct th_address place = place_of(&pair.two);
  begin(&pair.one, &place);
  RUN_UNTIL(&pair, pair.two.held != NULL);
  struct th_meeting meeting = {.admin = pair.two.config.own,
                               .nonce = 3,
                               .known = pair.two.held_nonce,
                               .generation = 1,
                               .limit = LIMIT};
  th_buffer_init(&buffer);
  th_frame_meet(&buffer, &meeting);
  pair.two.held->ops->send(pair.two.held, buffer.data, buffer.size);
  RUN_UNTIL(&pair, is_up(&pair.one));
  th_buffer_reset(&buffer);
  th_frame_message(&buffer, message);
  pair.two.held->ops->send_loose(pair.two.held, buffer.data, buffer.size);
  RUN_UNTIL(&pair, has_ended(&pair.one) || pair.one.received != 0);
  check_end(&pair.one, TH_SESSION_REFUSED, "");
  th_message_free(message);
  th_buffer_clear(&buffer);
  tear_down(&pair);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct sender {
  pthread_t thread;
  struct th_session *session;
  size_t number;
};

static void *send_many(void *context) {
  struct sender *sender = context;
  for (uint32_t i = 0; i < MANY; i++)
    th_session_send(sender->session, new_message(sender->number, i, 10));
  th_session_unref(sender->session);
  return NULL;
}

static void start_senders(struct sender *senders, struct side *side) {
  for (size_t i = 0; i < SENDERS; i++) {
    senders[i].session = th_session_ref(session_of(side));
    senders[i].number = i;
    assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
  }
}

static void join_senders(struct sender *senders) {
  for (size_t i = 0; i < SENDERS; i++) assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
}

static void threads_send_while_the_loop_turns(void **state) {
  (void)state;
  struct pair pair;
  struct sender senders[SENDERS];
  set_up(&pair, &calm);
  connect_both(&pair);
  start_senders(senders, &pair.one);
  RUN_UNTIL(&pair, pair.two.received == SENDERS * MANY);
  join_senders(senders);
  tear_down(&pair);
}

/* The loop goes while they send: what they send later they get back. */
static void threads_may_send_past_the_end(void **state) {
  (void)state;
  struct pair pair;
  struct sender senders[SENDERS];
  set_up(&pair, &calm);
  connect_both(&pair);
  start_senders(senders, &pair.one);
  RUN_UNTIL(&pair, pair.two.received > 100);
  tear_down(&pair);
  join_senders(senders);
  assert_true(pair.one.undeliverable <= SENDERS * MANY);
  assert_true(pair.two.received + pair.one.undeliverable >= SENDERS * MANY);
}

#define OVER_UDP(test)                                                                             \
  { #test " over UDP", test, over_udp, NULL, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(messages_go_both_ways_in_order),
    cmocka_unit_test(what_is_sent_before_there_is_a_connection_waits_for_it),
    cmocka_unit_test(what_people_say_is_not_counted_over_udp),
    cmocka_unit_test(a_message_too_large_for_the_other_side_is_given_back),
    cmocka_unit_test(nothing_is_lost_or_doubled_however_often_it_breaks),
    cmocka_unit_test(nor_when_both_sides_connect_again),
    cmocka_unit_test(crossing_connections_end_with_one),
    cmocka_unit_test(of_crossing_greetings_that_of_the_smaller_identity_counts),
    cmocka_unit_test(judging_follows_identity_nonces_and_generation),
    cmocka_unit_test(who_closes_says_goodbye),
    cmocka_unit_test(a_goodbye_acknowledges_what_has_come),
    cmocka_unit_test(closing_with_patience_awaits_that_all_is_acknowledged),
    cmocka_unit_test(patience_has_an_end),
    cmocka_unit_test(another_system_at_the_place_gives_back_in_order),
    cmocka_unit_test(another_system_than_was_sought_is_told),
    cmocka_unit_test(a_session_begun_anew_replaces_the_old_one),
    cmocka_unit_test(a_system_does_not_meet_itself),
    cmocka_unit_test(who_is_silent_is_asked_and_then_lost),
    cmocka_unit_test(a_side_that_was_held_up_accuses_nobody),
    cmocka_unit_test(who_was_held_up_has_all_patience_anew),
    cmocka_unit_test(who_does_not_answer_on_a_connection_is_cut_off),
    cmocka_unit_test(who_takes_a_greeting_and_says_nothing_is_absent),
    cmocka_unit_test(who_was_never_there_is_absent),
    cmocka_unit_test(who_cannot_be_connected_to_is_waited_for),
    cmocka_unit_test(a_refusal_ends_it_in_the_words_of_the_other_side),
    cmocka_unit_test(who_is_shutting_down_is_asked_again),
    cmocka_unit_test(who_speaks_something_else_is_refused_in_words),
    cmocka_unit_test(an_answer_that_does_not_know_the_question_is_refused),
    cmocka_unit_test(threads_send_while_the_loop_turns),
    cmocka_unit_test(threads_may_send_past_the_end),
  };
  const struct CMUnitTest on_udp[] = {
    cmocka_unit_test(messages_go_both_ways_in_order),
    cmocka_unit_test(what_is_sent_before_there_is_a_connection_waits_for_it),
    cmocka_unit_test(what_people_say_is_not_counted_over_udp),
    cmocka_unit_test(a_message_too_large_for_the_other_side_is_given_back),
    cmocka_unit_test(nothing_is_lost_or_doubled_however_often_it_breaks),
    cmocka_unit_test(nor_when_both_sides_connect_again),
    cmocka_unit_test(crossing_connections_end_with_one),
    cmocka_unit_test(who_closes_says_goodbye),
    cmocka_unit_test(a_goodbye_acknowledges_what_has_come),
    cmocka_unit_test(closing_with_patience_awaits_that_all_is_acknowledged),
    cmocka_unit_test(patience_has_an_end),
    cmocka_unit_test(another_system_at_the_place_gives_back_in_order),
    cmocka_unit_test(a_system_does_not_meet_itself),
    cmocka_unit_test(who_was_never_there_is_absent),
    cmocka_unit_test(who_speaks_something_else_is_refused_in_words),
    cmocka_unit_test(what_must_not_get_lost_is_refused_where_it_might),
    cmocka_unit_test(threads_may_send_past_the_end),
  };
  int failed = cmocka_run_group_tests_name("TCP", tests, NULL, NULL);
  return failed + cmocka_run_group_tests_name("UDP", on_udp, over_udp, NULL);
}
