/* fuzz_frame: a peer that sends anything, in pieces of any size.
 *
 * The first byte of the input chooses the pieces and the limit, the rest is the stream. Cutting it
 * into frames must not depend on the pieces; every body goes through every reader; and what a
 * reader takes must come back the same when it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/pack.h"
#include "transport/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGE_LIMIT ((size_t)1024 * 1024)

static void check(bool holds) {
  if (!holds) abort();
}

/* ---- what comes back ------------------------------------------------------------------------ */

static const unsigned char *body_of(const struct th_buffer *buffer, size_t *size) {
  check(buffer->error == 0 && buffer->size >= 5);
  *size = buffer->size - 5;
  return buffer->data + 5;
}

static bool is_same(const struct th_meeting *one, const struct th_meeting *other) {
  return th_address_equal(&one->admin, &other->admin) && one->nonce == other->nonce &&
         one->known == other->known && one->received == other->received &&
         one->generation == other->generation && one->limit == other->limit;
}

static void try_hello(const unsigned char *body, size_t size) {
  struct th_hello hello, again;
  struct th_buffer buffer;
  if (th_frame_read_hello(body, size, &hello) != 0) return;
  th_buffer_init(&buffer);
  th_frame_hello(&buffer, &hello);
  body = body_of(&buffer, &size);
  check(th_frame_read_hello(body, size, &again) == 0);
  check(again.role == hello.role && again.pid == hello.pid);
  check(strcmp(again.version, hello.version) == 0);
  check(is_same(&again.meeting, &hello.meeting));
  th_buffer_clear(&buffer);
}

static void try_meet(const unsigned char *body, size_t size) {
  struct th_meeting meeting, again;
  struct th_buffer buffer;
  if (th_frame_read_meet(body, size, &meeting) != 0) return;
  check(meeting.nonce != 0 && !th_address_is_none(&meeting.admin));
  th_buffer_init(&buffer);
  th_frame_meet(&buffer, &meeting);
  body = body_of(&buffer, &size);
  check(th_frame_read_meet(body, size, &again) == 0);
  check(is_same(&again, &meeting));
  th_buffer_clear(&buffer);
}

static void try_ack(const unsigned char *body, size_t size) {
  uint64_t received, again;
  struct th_buffer buffer;
  if (th_frame_read_ack(body, size, &received) != 0) return;
  th_buffer_init(&buffer);
  th_frame_ack(&buffer, received);
  body = body_of(&buffer, &size);
  check(th_frame_read_ack(body, size, &again) == 0);
  check(again == received);
  th_buffer_clear(&buffer);
}

static void try_welcome(const unsigned char *body, size_t size) {
  struct th_welcome welcome, again;
  struct th_buffer buffer;
  if (th_frame_read_welcome(body, size, &welcome) != 0) return;
  th_buffer_init(&buffer);
  th_frame_welcome(&buffer, &welcome);
  body = body_of(&buffer, &size);
  check(th_frame_read_welcome(body, size, &again) == 0);
  check(th_address_equal(&again.endpoint, &welcome.endpoint) && again.pid == welcome.pid);
  check(strcmp(again.base, welcome.base) == 0);
  th_buffer_clear(&buffer);
}

static void try_refusal(const unsigned char *body, size_t size) {
  struct th_reason reason, again;
  struct th_buffer buffer;
  int error, error_again;
  if (th_frame_read_refuse(body, size, &error, &reason) != 0) return;
  check(error < 0);
  th_buffer_init(&buffer);
  th_frame_refuse(&buffer, error, reason.words);
  body = body_of(&buffer, &size);
  check(th_frame_read_refuse(body, size, &error_again, &again) == 0);
  check(error_again == error && strcmp(again.words, reason.words) == 0);
  th_buffer_clear(&buffer);
}

static void check_payload(const struct th_message *message) {
  struct th_unpack reader;
  size_t skipped;
  if (message->size == 0) return;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_skip(&reader, &skipped);
  check(reader.error == 0 && skipped == message->size);
}

static void try_message(const unsigned char *body, size_t size) {
  struct th_message *message, *again;
  struct th_buffer buffer;
  if (th_frame_read_message(body, size, &message) != 0) return;
  check_payload(message);
  th_buffer_init(&buffer);
  th_frame_message(&buffer, message);
  check(buffer.size <= message->size + TH_FRAME_OVERHEAD);
  body = body_of(&buffer, &size);
  check(th_frame_read_message(body, size, &again) == 0);
  check(again->kind == message->kind && again->flags == message->flags);
  check(again->ticket == message->ticket && again->size == message->size);
  check(th_address_equal(&again->target, &message->target));
  check(memcmp(again->payload, message->payload, message->size) == 0);
  th_message_free(message);
  th_message_free(again);
  th_buffer_clear(&buffer);
}

/* ---- the stream ----------------------------------------------------------------------------- */

/* What a way of cutting the stream gave, as one number to compare. */
struct cut {
  uint64_t hash;
  bool read; /* also try the readers */
};

static void mix(struct cut *cut, const unsigned char *data, size_t size) {
  for (size_t i = 0; i < size; i++) cut->hash = (cut->hash ^ data[i]) * UINT64_C(0x100000001b3);
}

static int take(void *context, enum th_frame_type type, const unsigned char *body, size_t size) {
  struct cut *cut = context;
  unsigned char head = (unsigned char)type;
  mix(cut, &head, 1);
  mix(cut, (const unsigned char *)&size, sizeof size);
  mix(cut, body, size);
  if (cut->read) {
    try_hello(body, size);
    try_welcome(body, size);
    try_refusal(body, size);
    try_message(body, size);
    try_meet(body, size);
    try_ack(body, size);
  }
  return type == TH_FRAME_BYE;
}

/* The next piece's size: now and then large, mostly small, from the state of a small generator. */
static size_t next_piece(uint32_t *random, size_t left) {
  *random = *random * 1664525 + 1013904223;
  size_t most = (*random >> 28) == 0 ? 4096 : 1 + (*random >> 16) % 24;
  return most < left ? most : left;
}

/* Each piece is a block of its own, so that a reader that goes past its end is found. */
static int feed_pieces(struct th_frame_reader *reader, uint32_t random, const uint8_t *data,
                       size_t size, struct cut *cut) {
  int error = 0;
  while (error == 0 && size != 0) {
    size_t piece = next_piece(&random, size);
    unsigned char *block = malloc(piece);
    check(block != NULL);
    memcpy(block, data, piece);
    error = th_frame_reader_feed(reader, block, piece, take, cut);
    free(block);
    data += piece;
    size -= piece;
  }
  return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct th_frame_reader whole, pieces;
  struct cut one = {.read = true}, many = {.read = false};
  th_frame_reader_init(&whole);
  th_frame_reader_init(&pieces);
  if ((data[0] & 1) != 0) whole.limit = pieces.limit = LARGE_LIMIT;
  int error = th_frame_reader_feed(&whole, data + 1, size - 1, take, &one);
  check(feed_pieces(&pieces, data[0], data + 1, size - 1, &many) == error);
  check(one.hash == many.hash);
  th_frame_reader_clear(&whole);
  th_frame_reader_clear(&pieces);
  return 0;
}
