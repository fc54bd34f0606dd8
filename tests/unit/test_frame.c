#include "transport/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message/pack.h"
#include "message/protocol.h"

#define MOST_FRAMES 16

static const struct th_address target = {.system = 7, .number = 8, .ip = 0x7f000001, .port = 1900};
static const struct th_address sender = {.system = 9, .number = 10};
static const struct th_hello hello = {
  TH_PROTOCOL_VERSION,
  TH_ROLE_SYSTEM,
  "1.2.3",
  4711,
  {.admin = {.system = 3, .number = 1, .ip = 0x7f000001, .port = 1901},
   .nonce = 21,
   .known = 22,
   .received = 23,
   .generation = 24,
   .limit = INT64_MAX}};

/* ---- what a reader gave --------------------------------------------------------------------- */

struct seen {
  enum th_frame_type type;
  size_t size;
  const unsigned char *body; /* where it was: a copy must not be looked at */
  unsigned char *copy;
};

struct taker {
  struct seen seen[MOST_FRAMES];
  size_t count;
  size_t stop_at; /* gives result at that frame, from 1 */
  int result;
};

static int take(void *context, enum th_frame_type type, const unsigned char *body, size_t size) {
  struct taker *taker = context;
  assert_true(taker->count < MOST_FRAMES);
  unsigned char *copy = malloc(size + 1);
  assert_non_null(copy);
  memcpy(copy, body, size);
  taker->seen[taker->count++] = (struct seen){type, size, body, copy};
  return taker->count == taker->stop_at ? taker->result : 0;
}

static void clear(struct taker *taker) {
  for (size_t i = 0; i < taker->count; i++) free(taker->seen[i].copy);
  *taker = (struct taker){0};
}

static int feed(struct th_frame_reader *reader, struct taker *taker, const void *data,
                size_t size) {
  return th_frame_reader_feed(reader, data, size, take, taker);
}

/* Reads a buffer that holds one whole frame; the body is in taker->seen[0]. */
static void read_one(const struct th_buffer *buffer, enum th_frame_type type, struct taker *taker) {
  struct th_frame_reader reader;
  th_frame_reader_init(&reader);
  assert_int_equal(buffer->error, 0);
  assert_int_equal(feed(&reader, taker, buffer->data, buffer->size), 0);
  assert_int_equal(taker->count, 1);
  assert_int_equal(taker->seen[0].type, type);
  th_frame_reader_clear(&reader);
}

static struct th_message *new_message(enum th_kind kind, const void *payload, size_t size) {
  struct th_message *message = th_message_new(kind, &target, &sender, payload, size);
  assert_non_null(message);
  return message;
}

/* ---- round trips ---------------------------------------------------------------------------- */

static void hello_comes_back_as_written(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct taker taker = {0};
  struct th_hello read;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &hello);
  read_one(&buffer, TH_FRAME_HELLO, &taker);
  assert_int_equal(th_frame_read_hello(taker.seen[0].copy, taker.seen[0].size, &read), 0);
  assert_int_equal(read.protocol, hello.protocol);
  assert_int_equal(read.role, hello.role);
  assert_string_equal(read.version, hello.version);
  assert_int_equal(read.pid, hello.pid);
  assert_memory_equal(&read.meeting, &hello.meeting, sizeof hello.meeting);
  clear(&taker);
  th_buffer_clear(&buffer);
}

/* So that programs of this version are read by systems that know nothing of meetings. */
static void a_program_says_hello_without_a_meeting(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct taker taker = {0};
  struct th_hello read, program = hello;
  program.role = TH_ROLE_PROGRAM;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &program);
  assert_int_equal(buffer.data[TH_FRAME_HEAD], 0x95); /* an array of five */
  read_one(&buffer, TH_FRAME_HELLO, &taker);
  assert_int_equal(th_frame_read_hello(taker.seen[0].copy, taker.seen[0].size, &read), 0);
  assert_int_equal(read.role, TH_ROLE_PROGRAM);
  assert_int_equal(read.meeting.nonce, 0);
  clear(&taker);
  th_buffer_clear(&buffer);
}

static void a_meeting_comes_back_as_written(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct taker taker = {0};
  struct th_meeting read;
  th_buffer_init(&buffer);
  th_frame_meet(&buffer, &hello.meeting);
  read_one(&buffer, TH_FRAME_MEET, &taker);
  assert_int_equal(th_frame_read_meet(taker.seen[0].copy, taker.seen[0].size, &read), 0);
  assert_memory_equal(&read, &hello.meeting, sizeof read);
  clear(&taker);
  th_buffer_clear(&buffer);
}

static void an_acknowledgement_comes_back_as_written(void **state) {
  (void)state;
  static const uint64_t counts[] = {0, 1, 64, UINT32_MAX, INT64_MAX};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    struct th_buffer buffer;
    struct taker taker = {0};
    uint64_t read = 12345;
    th_buffer_init(&buffer);
    th_frame_ack(&buffer, counts[i]);
    read_one(&buffer, TH_FRAME_ACK, &taker);
    assert_int_equal(th_frame_read_ack(taker.seen[0].copy, taker.seen[0].size, &read), 0);
    assert_true(read == counts[i]);
    clear(&taker);
    th_buffer_clear(&buffer);
  }
}

static void welcome_comes_back_as_written(void **state) {
  (void)state;
  struct th_welcome welcome = {target, sender, "multiprocTCPBase", "1.2.3", 17, 4096};
  struct th_welcome read;
  struct th_buffer buffer;
  struct taker taker = {0};
  th_buffer_init(&buffer);
  th_frame_welcome(&buffer, &welcome);
  read_one(&buffer, TH_FRAME_WELCOME, &taker);
  assert_int_equal(th_frame_read_welcome(taker.seen[0].copy, taker.seen[0].size, &read), 0);
  assert_memory_equal(&read.endpoint, &target, sizeof target);
  assert_memory_equal(&read.admin, &sender, sizeof sender);
  assert_string_equal(read.base, welcome.base);
  assert_string_equal(read.version, welcome.version);
  assert_int_equal(read.pid, welcome.pid);
  assert_int_equal(read.limit, welcome.limit);
  clear(&taker);
  th_buffer_clear(&buffer);
}

static void read_refusal(const char *words, int *error, struct th_reason *reason) {
  struct th_buffer buffer;
  struct taker taker = {0};
  th_buffer_init(&buffer);
  th_frame_refuse(&buffer, TH_ESHUTDOWN, words);
  read_one(&buffer, TH_FRAME_REFUSE, &taker);
  assert_int_equal(th_frame_read_refuse(taker.seen[0].copy, taker.seen[0].size, error, reason), 0);
  clear(&taker);
  th_buffer_clear(&buffer);
}

static void refusal_comes_back_as_written(void **state) {
  (void)state;
  int error;
  struct th_reason reason;
  read_refusal("it is late", &error, &reason);
  assert_int_equal(error, TH_ESHUTDOWN);
  assert_string_equal(reason.words, "it is late");
}

static void refusal_in_many_words_is_cut(void **state) {
  (void)state;
  int error;
  struct th_reason reason;
  char words[6000];
  memset(words, 'w', sizeof words);
  words[sizeof words - 1] = '\0';
  read_refusal(words, &error, &reason);
  assert_int_equal(strlen(reason.words), sizeof reason.words - 1);
}

static void refusal_shows_no_control_characters(void **state) {
  (void)state;
  int error;
  struct th_reason reason;
  read_refusal("a\nb\x1b[31mc\x7f\xc3\xa4", &error, &reason);
  assert_string_equal(reason.words, "a b [31mc \xc3\xa4");
}

static void messages_of_all_kinds_that_travel_come_back(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < 256; kind++) {
    struct th_buffer buffer;
    struct taker taker = {0};
    struct th_message *message = new_message((enum th_kind)kind, "\xa3xyz", 4);
    message->flags = TH_MESSAGE_URGENT | TH_MESSAGE_ASK;
    message->ticket = UINT32_MAX;
    th_buffer_init(&buffer);
    th_frame_message(&buffer, message);
    th_message_free(message);
    read_one(&buffer, TH_FRAME_MESSAGE, &taker);
    bool travels = kind <= TH_KIND_STATUS_REQUEST ||
                   (kind >= TH_KIND_REQUEST && kind <= TH_KIND_DEAD_NOTICE) ||
                   kind == TH_KIND_PRESENCE || kind == TH_KIND_CONVENTION ||
                   kind == TH_KIND_REMOTE || kind == TH_KIND_SOURCE;
    int error = th_frame_read_message(taker.seen[0].copy, taker.seen[0].size, &message);
    assert_int_equal(error, travels ? 0 : TH_EMALFORMED);
    if (error == 0) {
      assert_int_equal(message->kind, kind);
      assert_int_equal(message->flags, TH_MESSAGE_URGENT | TH_MESSAGE_ASK);
      assert_int_equal(message->ticket, UINT32_MAX);
      assert_memory_equal(&message->target, &target, sizeof target);
      assert_memory_equal(&message->sender, &sender, sizeof sender);
      assert_int_equal(message->size, 4);
      assert_memory_equal(message->payload, "\xa3xyz", 4);
      th_message_free(message);
    }
    clear(&taker);
    th_buffer_clear(&buffer);
  }
}

static void check_bare(void (*write)(struct th_buffer *), enum th_frame_type type) {
  struct th_buffer buffer;
  struct taker taker = {0};
  th_buffer_init(&buffer);
  write(&buffer);
  assert_int_equal(buffer.size, TH_FRAME_HEAD);
  read_one(&buffer, type, &taker);
  assert_int_equal(taker.seen[0].size, 0);
  clear(&taker);
  th_buffer_clear(&buffer);
}

static void bye_and_ping_are_frames_without_body(void **state) {
  (void)state;
  check_bare(th_frame_bye, TH_FRAME_BYE);
  check_bare(th_frame_ping, TH_FRAME_PING);
}

static void a_message_adds_no_more_than_the_overhead(void **state) {
  (void)state;
  struct th_address wide = {UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT16_MAX, 0};
  struct th_message *message = th_message_new(TH_KIND_DEAD_NOTICE, &wide, &wide, NULL, 0);
  struct th_buffer buffer;
  assert_non_null(message);
  message->ticket = UINT32_MAX;
  message->flags = UINT8_MAX;
  th_buffer_init(&buffer);
  th_frame_message(&buffer, message);
  assert_in_range(buffer.size, 5, TH_FRAME_OVERHEAD);
  th_message_free(message);
  th_buffer_clear(&buffer);
}

static void writing_past_the_limit_is_an_error_that_stays(void **state) {
  (void)state;
  struct th_message *message = new_message(TH_KIND_USER, "\xa3xyz", 4);
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.limit = 8;
  th_frame_message(&buffer, message);
  assert_int_equal(buffer.error, TH_ETOOBIG);
  th_frame_bye(&buffer);
  assert_int_equal(buffer.error, TH_ETOOBIG);
  th_message_free(message);
  th_buffer_clear(&buffer);
}

/* ---- bodies that are wrong ------------------------------------------------------------------ */

/* Every writer's body, cut short anywhere or with a byte too many, is malformed. */
static void check_cuts(const struct th_buffer *buffer, int (*read)(const unsigned char *, size_t)) {
  unsigned char *body = malloc(buffer->size + 1);
  assert_non_null(body);
  size_t size = buffer->size - 5;
  memcpy(body, buffer->data + 5, size);
  body[size] = 0xc0;
  assert_int_equal(read(body, size), 0);
  assert_int_equal(read(body, size + 1), TH_EMALFORMED);
  free(body);
  for (size_t cut = 0; cut < size; cut++) {
    body = malloc(cut + 1); /* of its own, so that reading on is noticed */
    assert_non_null(body);
    memcpy(body + 1, buffer->data + 5, cut);
    assert_int_equal(read(body + 1, cut), TH_EMALFORMED);
    free(body);
  }
}

static int read_hello(const unsigned char *body, size_t size) {
  struct th_hello read;
  return th_frame_read_hello(body, size, &read);
}

static int read_welcome(const unsigned char *body, size_t size) {
  struct th_welcome read;
  return th_frame_read_welcome(body, size, &read);
}

static int read_meet(const unsigned char *body, size_t size) {
  struct th_meeting read;
  return th_frame_read_meet(body, size, &read);
}

static int read_ack(const unsigned char *body, size_t size) {
  uint64_t read;
  return th_frame_read_ack(body, size, &read);
}

static int read_refuse(const unsigned char *body, size_t size) {
  struct th_reason reason;
  int error;
  return th_frame_read_refuse(body, size, &error, &reason);
}

static int read_message(const unsigned char *body, size_t size) {
  struct th_message *message = NULL;
  int error = th_frame_read_message(body, size, &message);
  th_message_free(message);
  return error;
}

static void bodies_cut_short_or_drawn_out_are_malformed(void **state) {
  (void)state;
  struct th_welcome welcome = {target, sender, "simpleSystemBase", "1", 17, INT64_MAX};
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &hello);
  check_cuts(&buffer, read_hello);
  th_buffer_reset(&buffer);
  th_frame_welcome(&buffer, &welcome);
  check_cuts(&buffer, read_welcome);
  th_buffer_reset(&buffer);
  th_frame_refuse(&buffer, TH_EREFUSED, "no");
  check_cuts(&buffer, read_refuse);
  th_buffer_reset(&buffer);
  th_frame_meet(&buffer, &hello.meeting);
  check_cuts(&buffer, read_meet);
  th_buffer_reset(&buffer);
  th_frame_ack(&buffer, INT64_MAX);
  check_cuts(&buffer, read_ack);
  th_buffer_clear(&buffer);
}

/* Gives the result of reading a body that write has packed. */
static int read_packed(void (*write)(struct th_buffer *),
                       int (*read)(const unsigned char *, size_t)) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  write(&buffer);
  assert_int_equal(buffer.error, 0);
  int error = read(buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  return error;
}

static void pack_hello(struct th_buffer *buffer, const char *magic, int64_t role,
                       const char *version, int64_t pid) {
  th_pack_array(buffer, 5);
  th_pack_text(buffer, magic);
  th_pack_int(buffer, TH_PROTOCOL_VERSION);
  th_pack_int(buffer, role);
  th_pack_text(buffer, version);
  th_pack_int(buffer, pid);
}

static void good_hello(struct th_buffer *buffer) {
  pack_hello(buffer, "thespian", TH_ROLE_PROGRAM, "1", 2);
}
static void other_magic(struct th_buffer *buffer) {
  pack_hello(buffer, "theatrix", TH_ROLE_PROGRAM, "1", 2);
}
static void no_magic(struct th_buffer *buffer) {
  pack_hello(buffer, NULL, TH_ROLE_PROGRAM, "1", 2);
}
static void odd_role(struct th_buffer *buffer) {
  pack_hello(buffer, "thespian", 4, "1", 2);
}
static void long_version(struct th_buffer *buffer) {
  pack_hello(buffer, "thespian", TH_ROLE_PROGRAM, "12345678901234567890123456789012", 2);
}
static void group_of_processes(struct th_buffer *buffer) {
  pack_hello(buffer, "thespian", TH_ROLE_PROGRAM, "1", -1);
}

static void miscounted(struct th_buffer *buffer) {
  good_hello(buffer);
  buffer->data[0]++; /* the array's head */
}

static void a_hello_with_wrong_items_is_malformed(void **state) {
  (void)state;
  assert_int_equal(read_packed(good_hello, read_hello), 0);
  assert_int_equal(read_packed(other_magic, read_hello), TH_EMALFORMED);
  assert_int_equal(read_packed(no_magic, read_hello), TH_EMALFORMED);
  assert_int_equal(read_packed(miscounted, read_hello), TH_EMALFORMED);
  assert_int_equal(read_packed(odd_role, read_hello), TH_EMALFORMED);
  assert_int_equal(read_packed(long_version, read_hello), TH_EMALFORMED);
  assert_int_equal(read_packed(group_of_processes, read_hello), TH_EMALFORMED);
}

/* [admin or nil, four numbers, limit] */
static void pack_meeting(struct th_buffer *buffer, const struct th_address *admin,
                         const int64_t numbers[5]) {
  th_pack_array(buffer, 6);
  th_pack_address(buffer, admin);
  for (size_t i = 0; i < 5; i++) th_pack_int(buffer, numbers[i]);
}

static int read_meeting_of(const struct th_address *admin, const int64_t numbers[5]) {
  struct th_buffer buffer;
  struct th_meeting read;
  th_buffer_init(&buffer);
  pack_meeting(&buffer, admin, numbers);
  int error = th_frame_read_meet(buffer.data, buffer.size, &read);
  th_buffer_clear(&buffer);
  return error;
}

static void a_meeting_with_a_number_out_of_range_is_malformed(void **state) {
  (void)state;
  const int64_t good[5] = {1, 0, 0, 0, 0};
  assert_int_equal(read_meeting_of(&hello.meeting.admin, good), 0);
  assert_int_equal(read_meeting_of(&TH_NOBODY, good), TH_EMALFORMED);
  assert_int_equal(read_meeting_of(&hello.meeting.admin, (int64_t[5]){0, 0, 0, 0, 0}),
                   TH_EMALFORMED);
  for (size_t i = 0; i < 5; i++) {
    int64_t numbers[5] = {1, 0, 0, 0, 0};
    numbers[i] = -1;
    assert_int_equal(read_meeting_of(&hello.meeting.admin, numbers), TH_EMALFORMED);
  }
}

/* Packed, a number past 63 bits looks as MessagePack's unsigned ones do. */
static void an_acknowledgement_out_of_range_is_malformed(void **state) {
  (void)state;
  assert_int_equal(read_ack((const unsigned char *)"\x91\x7f", 2), 0);
  assert_int_equal(read_ack((const unsigned char *)"\x91\xff", 2), TH_EMALFORMED);
  assert_int_equal(read_ack((const unsigned char *)"\x91\xcf\x80\0\0\0\0\0\0\0", 10),
                   TH_EMALFORMED);
  assert_int_equal(read_ack((const unsigned char *)"\x92\x01\x01", 3), TH_EMALFORMED);
}

static void a_meeting_belongs_to_systems_alone(void **state) {
  (void)state;
  struct th_buffer buffer;
  const int64_t good[5] = {1, 0, 0, 0, 0};
  th_buffer_init(&buffer);
  pack_hello(&buffer, "thespian", TH_ROLE_SYSTEM, "1", 2);
  assert_int_equal(read_hello(buffer.data, buffer.size), TH_EMALFORMED);
  buffer.data[0]++; /* the array's head */
  pack_meeting(&buffer, &hello.meeting.admin, good);
  assert_int_equal(read_hello(buffer.data, buffer.size), 0);
  th_buffer_reset(&buffer);
  pack_hello(&buffer, "thespian", TH_ROLE_PROGRAM, "1", 2);
  buffer.data[0]++;
  pack_meeting(&buffer, &hello.meeting.admin, good);
  assert_int_equal(read_hello(buffer.data, buffer.size), TH_EMALFORMED);
  th_buffer_clear(&buffer);
}

static void a_hello_of_another_version_is_told_from_garbage(void **state) {
  (void)state;
  struct th_hello read = {0};
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 3);
  th_pack_text(&buffer, "thespian");
  th_pack_int(&buffer, TH_PROTOCOL_VERSION + 6);
  th_pack_text(&buffer, "who knows what stands here then");
  assert_int_equal(th_frame_read_hello(buffer.data, buffer.size, &read), TH_EPROTOCOL);
  assert_int_equal(read.protocol, TH_PROTOCOL_VERSION + 6);
  th_buffer_clear(&buffer);
}

static void refusal_without_error(struct th_buffer *buffer) {
  th_pack_array(buffer, 2);
  th_pack_int(buffer, 0);
  th_pack_text(buffer, "all is well");
}

static void a_refusal_has_an_error(void **state) {
  (void)state;
  assert_int_equal(read_packed(refusal_without_error, read_refuse), TH_EMALFORMED);
}

static void pack_head(struct th_buffer *buffer, int64_t flags, int64_t ticket) {
  th_pack_array(buffer, 5);
  th_pack_int(buffer, TH_KIND_USER);
  th_pack_int(buffer, flags);
  th_pack_int(buffer, ticket);
  th_pack_address(buffer, &target);
  th_pack_address(buffer, &TH_NOBODY);
}

static void no_payload(struct th_buffer *buffer) {
  pack_head(buffer, 0, 0);
}
static void odd_flags(struct th_buffer *buffer) {
  pack_head(buffer, 4, 0);
}
static void wide_ticket(struct th_buffer *buffer) {
  pack_head(buffer, 0, INT64_C(1) << 32);
}
static void negative_ticket(struct th_buffer *buffer) {
  pack_head(buffer, 0, -1);
}
static void two_values(struct th_buffer *buffer) {
  pack_head(buffer, 0, 0);
  th_pack_nil(buffer);
  th_pack_nil(buffer);
}
static void half_a_value(struct th_buffer *buffer) {
  pack_head(buffer, 0, 0);
  th_pack_array(buffer, 2);
  th_pack_nil(buffer);
}
static void huge_count(struct th_buffer *buffer) {
  pack_head(buffer, 0, 0);
  th_pack_array(buffer, UINT32_MAX);
}
static void deep_value(struct th_buffer *buffer) {
  pack_head(buffer, 0, 0);
  for (unsigned i = 0; i < 200000; i++) th_pack_array(buffer, 1);
  th_pack_nil(buffer);
}

static void number_without_system(struct th_buffer *buffer) {
  th_pack_array(buffer, 5);
  th_pack_int(buffer, TH_KIND_USER);
  th_pack_int(buffer, 0);
  th_pack_int(buffer, 0);
  size_t mark = th_pack_ext_begin(buffer, TH_EXT_ADDRESS);
  th_buffer_append(buffer, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7", 16);
  th_pack_ext_end(buffer, mark);
  th_pack_nil(buffer);
}

static void an_address_has_a_system(void **state) {
  (void)state;
  assert_int_equal(read_packed(number_without_system, read_message), TH_EMALFORMED);
}

static void a_message_has_one_whole_value_or_none(void **state) {
  (void)state;
  assert_int_equal(read_packed(no_payload, read_message), 0);
  assert_int_equal(read_packed(deep_value, read_message), 0);
  assert_int_equal(read_packed(two_values, read_message), TH_EMALFORMED);
  assert_int_equal(read_packed(half_a_value, read_message), TH_EMALFORMED);
  assert_int_equal(read_packed(huge_count, read_message), TH_EMALFORMED);
}

static void a_message_with_unknown_flags_or_a_wide_ticket_is_malformed(void **state) {
  (void)state;
  assert_int_equal(read_packed(odd_flags, read_message), TH_EMALFORMED);
  assert_int_equal(read_packed(wide_ticket, read_message), TH_EMALFORMED);
  assert_int_equal(read_packed(negative_ticket, read_message), TH_EMALFORMED);
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void write_three(struct th_buffer *buffer) {
  struct th_message *message = new_message(TH_KIND_USER, "\xa3xyz", 4);
  th_buffer_init(buffer);
  th_frame_hello(buffer, &hello);
  th_frame_message(buffer, message);
  th_frame_bye(buffer);
  th_message_free(message);
}

static void check_three(const struct taker *taker) {
  static const enum th_frame_type types[] = {TH_FRAME_HELLO, TH_FRAME_MESSAGE, TH_FRAME_BYE};
  assert_int_equal(taker->count, 3);
  for (size_t i = 0; i < 3; i++) assert_int_equal(taker->seen[i].type, types[i]);
  assert_int_equal(read_hello(taker->seen[0].copy, taker->seen[0].size), 0);
  assert_int_equal(read_message(taker->seen[1].copy, taker->seen[1].size), 0);
}

static void frames_come_in_slices_of_any_size(void **state) {
  (void)state;
  struct th_buffer buffer;
  write_three(&buffer);
  for (size_t slice = 1; slice <= buffer.size; slice++) {
    struct th_frame_reader reader;
    struct taker taker = {0};
    th_frame_reader_init(&reader);
    for (size_t at = 0; at < buffer.size; at += slice) {
      size_t size = buffer.size - at < slice ? buffer.size - at : slice;
      unsigned char *piece = malloc(size); /* so that reading past its end is noticed */
      assert_non_null(piece);
      memcpy(piece, buffer.data + at, size);
      assert_int_equal(feed(&reader, &taker, piece, size), 0);
      free(piece);
    }
    check_three(&taker);
    clear(&taker);
    th_frame_reader_clear(&reader);
  }
  th_buffer_clear(&buffer);
}

static void whole_frames_are_not_copied(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct th_frame_reader reader;
  struct taker taker = {0};
  write_three(&buffer);
  th_frame_reader_init(&reader);
  assert_int_equal(feed(&reader, &taker, buffer.data, buffer.size), 0);
  check_three(&taker);
  for (size_t i = 0; i < 3; i++)
    assert_in_range((uintptr_t)taker.seen[i].body, (uintptr_t)buffer.data,
                    (uintptr_t)buffer.data + buffer.size);
  assert_null(reader.partial.data);
  clear(&taker);
  th_frame_reader_clear(&reader);
  th_buffer_clear(&buffer);
}

static void what_each_gives_ends_the_feeding(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct th_frame_reader reader;
  struct taker taker = {.stop_at = 2, .result = -77};
  write_three(&buffer);
  th_frame_reader_init(&reader);
  assert_int_equal(feed(&reader, &taker, buffer.data, buffer.size), -77);
  assert_int_equal(taker.count, 2);
  clear(&taker);
  taker = (struct taker){.stop_at = 1, .result = 1};
  assert_int_equal(feed(&reader, &taker, buffer.data, 10), 0); /* and so from a partial frame */
  assert_int_equal(feed(&reader, &taker, buffer.data + 10, buffer.size - 10), 1);
  assert_int_equal(taker.count, 1);
  clear(&taker);
  th_frame_reader_clear(&reader);
  th_buffer_clear(&buffer);
}

/* Feeds head at once, and byte by byte: the result must be the same, and come with the last
 * byte. */
static void check_head(size_t limit, const char *head, size_t size, int expected) {
  struct th_frame_reader reader;
  struct taker taker = {0};
  th_frame_reader_init(&reader);
  reader.limit = limit;
  assert_int_equal(feed(&reader, &taker, head, size), expected);
  th_frame_reader_clear(&reader);
  th_frame_reader_init(&reader);
  reader.limit = limit;
  for (size_t i = 0; i + 1 < size; i++) assert_int_equal(feed(&reader, &taker, head + i, 1), 0);
  assert_int_equal(feed(&reader, &taker, head + size - 1, 1), expected);
  assert_int_equal(taker.count, 0);
  th_frame_reader_clear(&reader);
}

static void hostile_heads_are_refused_as_soon_as_they_show(void **state) {
  (void)state;
  check_head(TH_FRAME_GREETING, "GET ", 4, TH_ETOOBIG);
  check_head(TH_FRAME_GREETING, "\0\0\x10\x01", 4, TH_ETOOBIG);
  check_head(TH_FRAME_GREETING, "\0\0\x10\0\1", 5, 0);
  check_head(UINT32_MAX, "\xff\xff\xff\xff\4", 5, 0);
  check_head(UINT32_MAX - 1, "\xff\xff\xff\xff", 4, TH_ETOOBIG);
  check_head(TH_FRAME_GREETING, "\0\0\0\0", 4, TH_EMALFORMED);
  check_head(TH_FRAME_GREETING, "\0\0\0\2\0", 5, TH_EMALFORMED);
  check_head(TH_FRAME_GREETING, "\0\0\0\2\x09", 5, TH_EMALFORMED);
}

static void memory_grows_with_what_came_not_with_what_was_announced(void **state) {
  (void)state;
  struct th_frame_reader reader;
  struct taker taker = {0};
  th_frame_reader_init(&reader);
  reader.limit = UINT32_MAX;
  assert_int_equal(feed(&reader, &taker, "\xff\xff\xff\xff\4abc", 8), 0);
  assert_in_range(reader.partial.capacity, 8, 4096);
  th_frame_reader_clear(&reader);
}

static void a_large_frame_comes_whole_and_its_memory_goes(void **state) {
  (void)state;
  size_t size = 3 * 1024 * 1024;
  struct th_buffer payload, buffer;
  struct th_frame_reader reader;
  struct taker taker = {0};
  th_buffer_init(&payload);
  th_buffer_init(&buffer);
  char *text = malloc(size);
  assert_non_null(text);
  for (size_t i = 0; i < size; i++) text[i] = (char)(i * 7);
  th_pack_bin(&payload, text, size);
  struct th_message *message = new_message(TH_KIND_USER, payload.data, payload.size);
  th_frame_message(&buffer, message);
  th_message_free(message);
  th_frame_reader_init(&reader);
  reader.limit = payload.size + TH_FRAME_OVERHEAD;
  for (size_t at = 0; at < buffer.size; at += 65536) {
    size_t piece = buffer.size - at < 65536 ? buffer.size - at : 65536;
    assert_int_equal(feed(&reader, &taker, buffer.data + at, piece), 0);
  }
  assert_int_equal(taker.count, 1);
  assert_int_equal(th_frame_read_message(taker.seen[0].copy, taker.seen[0].size, &message), 0);
  assert_int_equal(message->size, payload.size);
  assert_memory_equal(message->payload, payload.data, payload.size);
  assert_in_range(reader.partial.capacity, 0, 256 * 1024);
  th_message_free(message);
  clear(&taker);
  free(text);
  th_frame_reader_clear(&reader);
  th_buffer_clear(&buffer);
  th_buffer_clear(&payload);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(hello_comes_back_as_written),
    cmocka_unit_test(a_program_says_hello_without_a_meeting),
    cmocka_unit_test(a_meeting_comes_back_as_written),
    cmocka_unit_test(an_acknowledgement_comes_back_as_written),
    cmocka_unit_test(welcome_comes_back_as_written),
    cmocka_unit_test(refusal_comes_back_as_written),
    cmocka_unit_test(refusal_in_many_words_is_cut),
    cmocka_unit_test(refusal_shows_no_control_characters),
    cmocka_unit_test(messages_of_all_kinds_that_travel_come_back),
    cmocka_unit_test(bye_and_ping_are_frames_without_body),
    cmocka_unit_test(a_message_adds_no_more_than_the_overhead),
    cmocka_unit_test(writing_past_the_limit_is_an_error_that_stays),
    cmocka_unit_test(bodies_cut_short_or_drawn_out_are_malformed),
    cmocka_unit_test(a_hello_with_wrong_items_is_malformed),
    cmocka_unit_test(a_meeting_with_a_number_out_of_range_is_malformed),
    cmocka_unit_test(an_acknowledgement_out_of_range_is_malformed),
    cmocka_unit_test(a_meeting_belongs_to_systems_alone),
    cmocka_unit_test(a_hello_of_another_version_is_told_from_garbage),
    cmocka_unit_test(a_refusal_has_an_error),
    cmocka_unit_test(an_address_has_a_system),
    cmocka_unit_test(a_message_has_one_whole_value_or_none),
    cmocka_unit_test(a_message_with_unknown_flags_or_a_wide_ticket_is_malformed),
    cmocka_unit_test(frames_come_in_slices_of_any_size),
    cmocka_unit_test(whole_frames_are_not_copied),
    cmocka_unit_test(what_each_gives_ends_the_feeding),
    cmocka_unit_test(hostile_heads_are_refused_as_soon_as_they_show),
    cmocka_unit_test(memory_grows_with_what_came_not_with_what_was_announced),
    cmocka_unit_test(a_large_frame_comes_whole_and_its_memory_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
