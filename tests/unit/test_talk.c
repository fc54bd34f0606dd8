#include "transport/talk.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define STEP ((size_t)1200)
#define MOST_DATAGRAM 2048
#define SEEDS 20
#define MUCH ((size_t)400 * 1000)
#define MOST_TICKS 20000 /* a talk that needs more of them hangs */

/* ---- a network that is as bad as a seed says ------------------------------------------------ */

struct parcel {
  struct parcel *next;
  size_t size;
  unsigned char bytes[MOST_DATAGRAM];
};

struct network {
  uint32_t random;
  unsigned drop, doubled, reorder; /* of a hundred */
  bool is_full;                    /* takes nothing */
};

struct side {
  struct network *network;
  struct side *other;
  struct th_talk talk;
  struct parcel *inbox;
  struct th_buffer stream;
  uint32_t next_frame;  /* number of the loose frame that may come now, or a later one */
  unsigned frames;      /* that came */
  unsigned disorder;    /* frames that came twice, too late, or with other bytes */
  unsigned dropped;     /* LOOSE datagrams of this side that the network lost */
  unsigned transmitted; /* datagrams */
  bool ends_at_data;
  bool pauses_at_data;
  char order[64]; /* what came: s and l */
};

struct pair {
  struct network network;
  struct side opener;
  struct side accepted;
};

static unsigned draw(struct network *network) {
  network->random = network->random * 1664525 + 1013904223;
  return (network->random >> 8) % 100;
}

static void deliver_later(struct side *to, const unsigned char *bytes, size_t size) {
  struct parcel *parcel = malloc(sizeof *parcel);
  assert_non_null(parcel);
  parcel->next = NULL;
  parcel->size = size;
  memcpy(parcel->bytes, bytes, size);
  struct parcel **at = &to->inbox;
  while (*at != NULL) at = &(*at)->next;
  *at = parcel;
  if (to->inbox == parcel || draw(to->network) >= to->network->reorder) return;
  *at = NULL; /* goes to the front instead */
  parcel->next = to->inbox;
  to->inbox = parcel;
}

static bool transmit(void *context, struct th_datagram *datagram) {
  struct side *side = context;
  unsigned char bytes[MOST_DATAGRAM];
  if (side->network->is_full) return false;
  side->transmitted++;
  size_t head = th_datagram_head(datagram, bytes);
  assert_true(datagram->size <= STEP);
  if (datagram->size != 0) memcpy(bytes + head, datagram->bytes, datagram->size);
  if (draw(side->network) < side->network->drop) {
    if (datagram->type == TH_DATAGRAM_LOOSE) side->dropped++;
    return true;
  }
  deliver_later(side->other, bytes, head + datagram->size);
  if (draw(side->network) < side->network->doubled)
    deliver_later(side->other, bytes, head + datagram->size);
  return true;
}

static void note(struct side *side, char what) {
  size_t size = strlen(side->order);
  if (size + 1 < sizeof side->order && (size == 0 || side->order[size - 1] != what))
    side->order[size] = what;
}

static void on_received(void *context, const unsigned char *data, size_t size) {
  struct side *side = context;
  note(side, 's');
  assert_int_equal(th_buffer_append(&side->stream, data, size), 0);
  if (side->ends_at_data) th_talk_end(&side->talk);
  if (side->pauses_at_data) th_talk_pause(&side->talk, true);
}

/* ---- frames: 4 bytes of size, 4 of number, then bytes that follow from both ------------------ */

static void fill_frame(unsigned char *frame, uint32_t number, size_t size) {
  uint32_t follows = htobe32((uint32_t)size - 4), big = htobe32(number);
  memcpy(frame, &follows, 4);
  memcpy(frame + 4, &big, 4);
  for (size_t i = 8; i < size; i++) frame[i] = (unsigned char)(number * 7 + i);
}

static size_t check_frame(struct side *side, const unsigned char *frame, size_t size) {
  uint32_t follows, number;
  memcpy(&follows, frame, 4);
  memcpy(&number, frame + 4, 4);
  follows = be32toh(follows);
  number = be32toh(number);
  assert_true(follows + 4 <= size);
  if (number < side->next_frame) side->disorder++;
  for (size_t i = 8; i < follows + 4; i++)
    if (frame[i] != (unsigned char)(number * 7 + i)) side->disorder++;
  side->next_frame = number + 1;
  side->frames++;
  return follows + 4;
}

static void on_received_loose(void *context, const unsigned char *frames, size_t size) {
  struct side *side = context;
  note(side, 'l');
  assert_false(side->talk.is_paused);
  for (size_t at = 0; at < size;) at += check_frame(side, frames + at, size - at);
  if (side->pauses_at_data) th_talk_pause(&side->talk, true);
}

static const struct th_talk_ops ops = {transmit, on_received, on_received_loose};

static void send_frame(struct side *side, uint32_t number, size_t size) {
  unsigned char *frame = malloc(size);
  assert_non_null(frame);
  fill_frame(frame, number, size);
  assert_int_equal(th_talk_send_loose(&side->talk, frame, size), 0);
  free(frame);
}

/* ---- both together -------------------------------------------------------------------------- */

static void set_up(struct pair *pair, uint32_t seed, unsigned drop, unsigned doubled,
                   unsigned reorder) {
  *pair = (struct pair){.network = {seed, drop, doubled, reorder, false}};
  struct side *sides[] = {&pair->opener, &pair->accepted};
  for (size_t i = 0; i < 2; i++) {
    sides[i]->network = &pair->network;
    sides[i]->other = sides[1 - i];
    th_talk_init(&sides[i]->talk, &ops, sides[i], STEP, i == 0);
  }
}

static void clear_inbox(struct side *side) {
  while (side->inbox != NULL) {
    struct parcel *parcel = side->inbox;
    side->inbox = parcel->next;
    free(parcel);
  }
}

static void tear_down(struct pair *pair) {
  struct side *sides[] = {&pair->opener, &pair->accepted};
  for (size_t i = 0; i < 2; i++) {
    th_talk_clear(&sides[i]->talk);
    th_buffer_clear(&sides[i]->stream);
    clear_inbox(sides[i]);
  }
}

/* Hands over one datagram; the last that is there is acknowledged. */
static bool step_side(struct side *side) {
  struct parcel *parcel = side->inbox;
  struct th_datagram datagram;
  if (parcel == NULL) return false;
  side->inbox = parcel->next;
  assert_int_equal(th_datagram_read(&datagram, parcel->bytes, parcel->size), 0);
  if (!side->talk.is_over) th_talk_take(&side->talk, &datagram);
  free(parcel);
  if (side->inbox == NULL) th_talk_acknowledge(&side->talk);
  return true;
}

/* All that happens without time going by. */
static void settle(struct pair *pair) {
  while (step_side(&pair->opener) || step_side(&pair->accepted)) continue;
}

/* All that happens in as much time as it takes. */
static void finish(struct pair *pair) {
  unsigned ticks = 0;
  for (;;) {
    settle(pair);
    if (th_talk_is_settled(&pair->opener.talk) && th_talk_is_settled(&pair->accepted.talk) &&
        !th_loose_is_open(&pair->opener.talk.loose) &&
        !th_loose_is_open(&pair->accepted.talk.loose))
      return;
    assert_true(ticks++ < MOST_TICKS);
    th_talk_tick(&pair->opener.talk);
    th_talk_tick(&pair->accepted.talk);
  }
}

static unsigned char *pattern(size_t size, unsigned salt) {
  unsigned char *data = malloc(size);
  assert_non_null(data);
  for (size_t i = 0; i < size; i++) data[i] = (unsigned char)((i * 31 + salt) ^ (i >> 9));
  return data;
}

static void assert_received(const struct side *side, const unsigned char *data, size_t size) {
  assert_int_equal(side->stream.size, size);
  assert_memory_equal(side->stream.data, data, size);
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void a_stream_arrives_whole_whatever_the_network_does(void **state) {
  (void)state;
  unsigned char *one = pattern(MUCH, 1), *other = pattern(MUCH, 2);
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    struct pair pair;
    set_up(&pair, seed, seed % 4 * 10, seed % 3 * 10, seed % 5 * 10);
    for (size_t at = 0; at < MUCH; at += MUCH / 8) {
      th_talk_send(&pair.opener.talk, one + at, MUCH / 8);
      th_talk_send(&pair.accepted.talk, other + at, MUCH / 8);
      if (seed % 2 == 0) settle(&pair);
    }
    finish(&pair);
    assert_received(&pair.accepted, one, MUCH);
    assert_received(&pair.opener, other, MUCH);
    tear_down(&pair);
  }
  free(one);
  free(other);
}

/* Loses the first piece alone: what follows tells of the gap. */
static void a_lost_piece_is_sent_again_before_its_time(void **state) {
  (void)state;
  struct pair pair;
  unsigned char *data = pattern(8 * STEP, 3);
  set_up(&pair, 1, 0, 0, 0);
  th_talk_send(&pair.opener.talk, data, 8 * STEP);
  struct parcel *first = pair.accepted.inbox;
  pair.accepted.inbox = first->next;
  free(first);
  while (pair.accepted.inbox != NULL) {
    step_side(&pair.accepted);
    th_talk_acknowledge(&pair.accepted.talk);
  }
  settle(&pair);
  assert_received(&pair.accepted, data, 8 * STEP);
  tear_down(&pair);
  free(data);
}

static void a_window_bounds_what_is_on_its_way(void **state) {
  (void)state;
  struct pair pair;
  unsigned char *data = pattern(MUCH, 4);
  set_up(&pair, 1, 100, 0, 0);
  th_talk_send(&pair.opener.talk, data, MUCH);
  assert_int_equal(pair.opener.transmitted, 10);
  for (unsigned i = 0; i < 5; i++) th_talk_tick(&pair.opener.talk);
  assert_in_range(pair.opener.transmitted, 12, 10 + 5 * 2);
  tear_down(&pair);
  free(data);
}

static void acknowledgements_of_what_was_never_sent_are_not_believed(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 100, 0, 0);
  th_talk_send(&pair.opener.talk, "bytes", 5);
  send_frame(&pair.opener, 0, 100);
  struct th_datagram lie = {.type = TH_DATAGRAM_ACK, .state = {6, 2, 2, 0}};
  th_talk_take(&pair.opener.talk, &lie);
  assert_false(th_talk_is_settled(&pair.opener.talk));
  assert_true(th_loose_is_open(&pair.opener.talk.loose));
  assert_true(th_talk_lost(&pair.opener.talk) == 0);
  lie.state = (struct th_datagram_state){5, 1, 1, 0};
  th_talk_take(&pair.opener.talk, &lie);
  assert_true(th_talk_is_settled(&pair.opener.talk));
  assert_true(th_talk_lost(&pair.opener.talk) == 1);
  tear_down(&pair);
}

/* Pieces far ahead of what is missing would fill the memory. */
static void pieces_that_come_too_early_are_kept_within_bounds(void **state) {
  (void)state;
  struct pair pair;
  unsigned char bytes[STEP] = {0};
  set_up(&pair, 1, 0, 0, 0);
  for (uint64_t i = 1; i < 3000; i++) {
    struct th_datagram piece = {
      .type = TH_DATAGRAM_STREAM, .place = i * 1000, .bytes = bytes, .size = sizeof bytes};
    th_talk_take(&pair.opener.talk, &piece);
    piece.place = i * 997; /* overlaps others */
    th_talk_take(&pair.opener.talk, &piece);
  }
  assert_in_range(pair.opener.talk.stream.ahead_size, 1, TH_STREAM_AHEAD);
  assert_int_equal(pair.opener.stream.size, 0);
  tear_down(&pair);
}

static void nothing_is_given_on_after_the_end(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  pair.accepted.ends_at_data = true;
  th_talk_send(&pair.opener.talk, "one", 3);
  th_talk_send(&pair.opener.talk, "two", 3);
  settle(&pair);
  assert_int_equal(pair.accepted.stream.size, 3);
  assert_int_equal(pair.accepted.transmitted, 0);
  tear_down(&pair);
}

/* ---- loose frames --------------------------------------------------------------------------- */

/* Small ones share a datagram, large ones need many. */
static size_t frame_size(uint32_t number) {
  return number % 10 == 9 ? 1300 + number % 60000 : 8 + number * 37 % 700;
}

static void frames_come_in_order_or_not_at_all(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    struct pair pair;
    set_up(&pair, seed, 5, 10, 5);
    for (uint32_t number = 0; number < 500; number++) {
      send_frame(&pair.opener, number, frame_size(number));
      send_frame(&pair.accepted, number, frame_size(number * 3));
      if (number % 7 == 0) settle(&pair);
    }
    finish(&pair);
    assert_int_equal(pair.accepted.disorder, 0);
    assert_int_equal(pair.opener.disorder, 0);
    assert_in_range(pair.accepted.frames, 100, 499);
    assert_in_range(pair.opener.frames, 100, 499);
    tear_down(&pair);
  }
}

static void every_lost_datagram_is_counted_on_both_sides(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    struct pair pair;
    set_up(&pair, seed, 10, 10, 0);
    for (uint32_t number = 0; number < 300; number++) {
      send_frame(&pair.opener, number, 700);
      if (number % 5 == 0) settle(&pair);
    }
    finish(&pair);
    assert_true(pair.opener.dropped != 0);
    assert_int_equal(th_talk_lost(&pair.accepted.talk), pair.opener.dropped);
    assert_int_equal(th_talk_lost(&pair.opener.talk), pair.opener.dropped);
    assert_int_equal(pair.accepted.frames, 300 - pair.opener.dropped);
    tear_down(&pair);
  }
}

static void nothing_is_lost_where_nothing_goes_wrong(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  for (uint32_t number = 0; number < 2000; number++)
    send_frame(&pair.opener, number, frame_size(number));
  assert_true(pair.opener.talk.loose.sent <= TH_LOOSE_WINDOW); /* the receiver has not read yet */
  assert_true(th_talk_unsent(&pair.opener.talk) != 0);
  finish(&pair);
  assert_int_equal(pair.accepted.frames, 2000);
  assert_int_equal(pair.accepted.disorder, 0);
  assert_true(th_talk_lost(&pair.opener.talk) == 0 && th_talk_lost(&pair.accepted.talk) == 0);
  tear_down(&pair);
}

static void small_frames_share_a_datagram(void **state) {
  (void)state;
  struct pair pair;
  unsigned char frames[10 * 100];
  set_up(&pair, 1, 0, 0, 0);
  for (uint32_t number = 0; number < 10; number++) fill_frame(frames + number * 100, number, 100);
  th_talk_send_loose(&pair.opener.talk, frames, sizeof frames);
  assert_int_equal(pair.opener.transmitted, 1);
  settle(&pair);
  assert_int_equal(pair.accepted.frames, 10);
  tear_down(&pair);
}

static void the_largest_frame_passes(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  send_frame(&pair.opener, 0, TH_WIRE_LOOSE);
  send_frame(&pair.opener, 1, 8);
  finish(&pair);
  assert_int_equal(pair.accepted.frames, 2);
  tear_down(&pair);
}

/* Who sends parts without end does not fill the memory. */
static void a_frame_that_is_too_large_is_dropped(void **state) {
  (void)state;
  struct pair pair;
  unsigned char bytes[STEP] = {0};
  set_up(&pair, 1, 0, 0, 0);
  for (uint64_t i = 0; i < 1000; i++) {
    struct th_datagram part = {.type = TH_DATAGRAM_LOOSE,
                               .state = {.sent = i + 1},
                               .place = i,
                               .part = i == 0 ? TH_DATAGRAM_FIRST : 0,
                               .bytes = bytes,
                               .size = sizeof bytes};
    th_talk_take(&pair.opener.talk, &part);
    assert_true(pair.opener.talk.loose.frame.size <= TH_WIRE_LOOSE);
  }
  assert_int_equal(pair.opener.frames, 0);
  tear_down(&pair);
}

/* ---- both ways ------------------------------------------------------------------------------ */

/* The good-bye of a link is in the stream, behind the last frames. */
static void the_stream_does_not_overtake_frames(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  th_talk_send(&pair.opener.talk, "first", 5);
  for (uint32_t number = 0; number < 1000; number++) send_frame(&pair.opener, number, 1000);
  th_talk_send(&pair.opener.talk, "bye", 3);
  assert_true(pair.opener.talk.loose.sent < 1000);
  finish(&pair);
  assert_int_equal(pair.accepted.frames, 1000);
  assert_memory_equal(pair.accepted.stream.data, "firstbye", 8);
  assert_string_equal(pair.accepted.order, "sls");
  tear_down(&pair);
}

static void a_frame_that_the_stream_has_overtaken_is_lost(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  send_frame(&pair.opener, 0, 100);
  struct parcel *late = pair.accepted.inbox;
  pair.accepted.inbox = NULL;
  th_talk_send(&pair.opener.talk, "bye", 3);
  pair.accepted.inbox->next = late;
  finish(&pair);
  assert_int_equal(pair.accepted.frames, 0);
  assert_string_equal(pair.accepted.order, "s");
  assert_int_equal(th_talk_lost(&pair.accepted.talk), 1);
  tear_down(&pair);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void silence_is_noticed(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 100, 0, 0);
  assert_true(th_talk_tick(&pair.opener.talk)); /* the one in which the connection came about */
  for (unsigned i = 0; i < TH_TALK_OPENER_PATIENCE; i++) {
    assert_true(th_talk_tick(&pair.opener.talk));
    assert_int_equal(pair.opener.transmitted, i + 1); /* it asks each time */
    assert_true(th_talk_wait(&pair.opener.talk) <= TH_SECOND);
  }
  assert_false(th_talk_tick(&pair.opener.talk));
  tear_down(&pair);
}

static void any_word_renews_patience(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  for (unsigned i = 0; i < 10 * TH_TALK_OPENER_PATIENCE; i++) {
    assert_true(th_talk_tick(&pair.opener.talk));
    settle(&pair); /* a question, and its answer */
  }
  assert_int_equal(pair.opener.talk.quiet, 0);
  tear_down(&pair);
}

/* It may be a program that computes: asked ever more seldom, and waited for for an hour. */
static void a_silent_program_is_waited_for(void **state) {
  (void)state;
  struct pair pair;
  uint64_t waited = 0;
  unsigned asked = 0;
  set_up(&pair, 1, 100, 0, 0);
  do {
    waited += th_talk_wait(&pair.accepted.talk);
    asked++;
  } while (th_talk_tick(&pair.accepted.talk));
  assert_true(waited > 3600 * TH_SECOND && waited < 2 * 3600 * TH_SECOND);
  assert_true(asked < 200);
  tear_down(&pair);
}

static void what_cannot_leave_is_tried_again_soon(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  pair.network.is_full = true;
  th_talk_send(&pair.opener.talk, "bytes", 5);
  send_frame(&pair.opener, 0, 100);
  assert_true(th_talk_wait(&pair.opener.talk) == TH_MILLISECOND);
  for (unsigned i = 0; i < 2 * TH_TALK_OPENER_PATIENCE; i++)
    assert_true(th_talk_tick(&pair.opener.talk)); /* nobody was asked, so nobody is silent */
  pair.network.is_full = false;
  th_talk_tick(&pair.opener.talk);
  settle(&pair);
  assert_int_equal(pair.accepted.stream.size, 5);
  assert_int_equal(pair.accepted.frames, 1);
  tear_down(&pair);
}

/* ---- pauses --------------------------------------------------------------------------------- */

static void what_comes_in_a_pause_is_kept_and_holds_back_the_other_side(void **state) {
  (void)state;
  struct pair pair;
  set_up(&pair, 1, 0, 0, 0);
  th_talk_pause(&pair.accepted.talk, true);
  th_talk_send(&pair.opener.talk, "first", 5);
  for (uint32_t number = 0; number < 1000; number++) send_frame(&pair.opener, number, 1000);
  th_talk_send(&pair.opener.talk, "bye", 3);
  for (unsigned i = 0; i < 2 * TH_TALK_OPENER_PATIENCE; i++) {
    settle(&pair);
    assert_true(th_talk_tick(&pair.opener.talk)); /* who pauses is there */
  }
  assert_true(pair.opener.talk.loose.sent <= TH_LOOSE_WINDOW);
  assert_string_equal(pair.accepted.order, "");
  th_talk_pause(&pair.accepted.talk, false);
  finish(&pair);
  assert_int_equal(pair.accepted.frames, 1000);
  assert_memory_equal(pair.accepted.stream.data, "firstbye", 8);
  assert_string_equal(pair.accepted.order, "sls");
  assert_true(th_talk_lost(&pair.opener.talk) == 0 && th_talk_lost(&pair.accepted.talk) == 0);
  tear_down(&pair);
}

/* As finish does, but all that is given on begins a pause. */
static void finish_with_pauses(struct pair *pair) {
  struct th_talk *talk = &pair->accepted.talk;
  pair->accepted.pauses_at_data = true;
  for (unsigned i = 0; i < MOST_TICKS && (i == 0 || th_talk_unsent(&pair->opener.talk) != 0); i++) {
    settle(pair);
    if (i % 8 == 0) th_talk_tick(&pair->opener.talk);
    th_talk_pause(talk, false);
  }
  pair->accepted.pauses_at_data = false;
  th_talk_pause(talk, false);
  finish(pair);
}

static void pauses_change_nothing_whatever_the_network_does(void **state) {
  (void)state;
  unsigned char *data = pattern(MUCH / 8, 1);
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    struct pair pair;
    set_up(&pair, seed, seed % 4 * 5, seed % 3 * 10, seed % 5 * 5);
    for (uint32_t number = 0; number < 300; number++) {
      send_frame(&pair.opener, number, frame_size(number));
      if (number == 150) th_talk_send(&pair.opener.talk, data, MUCH / 8);
    }
    finish_with_pauses(&pair);
    assert_int_equal(pair.accepted.disorder, 0);
    assert_received(&pair.accepted, data, MUCH / 8);
    if (seed % 4 == 0 && seed % 5 == 0) assert_int_equal(pair.accepted.frames, 300);
    tear_down(&pair);
  }
  free(data);
}

/* Neither a sender that knows no window nor a stream that is sent again and again fills the memory;
 * and the stream leaves room for the frames. */
static void a_pause_keeps_only_so_much(void **state) {
  (void)state;
  struct pair pair;
  unsigned char bytes[STEP] = {0};
  struct th_datagram datagram = {.type = TH_DATAGRAM_STREAM, .bytes = bytes, .size = sizeof bytes};
  set_up(&pair, 1, 0, 0, 0);
  struct th_talk *talk = &pair.accepted.talk;
  th_talk_pause(talk, true);
  for (unsigned i = 0; i < 1000; i++) th_talk_take(talk, &datagram);
  assert_in_range(talk->kept_weight, 250 * 1024, 256 * 1024);
  datagram.type = TH_DATAGRAM_LOOSE;
  for (datagram.place = 0; datagram.place < 1000; datagram.place++) {
    datagram.state.sent = datagram.place + 1;
    th_talk_take(talk, &datagram);
  }
  assert_in_range(talk->kept_weight, 510 * 1024, 512 * 1024);
  pair.accepted.ends_at_data = true; /* what is still kept then goes with the talk */
  th_talk_pause(talk, false);
  assert_non_null(talk->kept);
  tear_down(&pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stream_arrives_whole_whatever_the_network_does),
    cmocka_unit_test(a_lost_piece_is_sent_again_before_its_time),
    cmocka_unit_test(a_window_bounds_what_is_on_its_way),
    cmocka_unit_test(acknowledgements_of_what_was_never_sent_are_not_believed),
    cmocka_unit_test(pieces_that_come_too_early_are_kept_within_bounds),
    cmocka_unit_test(nothing_is_given_on_after_the_end),
    cmocka_unit_test(frames_come_in_order_or_not_at_all),
    cmocka_unit_test(every_lost_datagram_is_counted_on_both_sides),
    cmocka_unit_test(nothing_is_lost_where_nothing_goes_wrong),
    cmocka_unit_test(small_frames_share_a_datagram),
    cmocka_unit_test(the_largest_frame_passes),
    cmocka_unit_test(a_frame_that_is_too_large_is_dropped),
    cmocka_unit_test(the_stream_does_not_overtake_frames),
    cmocka_unit_test(a_frame_that_the_stream_has_overtaken_is_lost),
    cmocka_unit_test(silence_is_noticed),
    cmocka_unit_test(any_word_renews_patience),
    cmocka_unit_test(a_silent_program_is_waited_for),
    cmocka_unit_test(what_cannot_leave_is_tried_again_soon),
    cmocka_unit_test(what_comes_in_a_pause_is_kept_and_holds_back_the_other_side),
    cmocka_unit_test(pauses_change_nothing_whatever_the_network_does),
    cmocka_unit_test(a_pause_keeps_only_so_much),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
