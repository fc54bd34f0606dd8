#include "transport/frame.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include "message/pack.h"
#include "message/protocol.h"

#define SIZE_SIZE ((size_t)4)              /* what says how much follows */
#define HEAD_SIZE TH_FRAME_HEAD            /* with the type */
#define KEPT_CAPACITY ((size_t)256 * 1024) /* a larger buffer is not kept for the next frame */
#define MAGIC "thespian"
#define MEETING_ITEMS 6

static uint32_t hello_items(enum th_role role) {
  return role == TH_ROLE_SYSTEM ? 6 : 5;
}

/* ---- writing -------------------------------------------------------------------------------- */

static size_t begin(struct th_buffer *buffer, enum th_frame_type type) {
  size_t mark = buffer->size;
  unsigned char head[HEAD_SIZE] = {0, 0, 0, 0, (unsigned char)type};
  th_buffer_append(buffer, head, sizeof head);
  return mark;
}

static void finish(struct th_buffer *buffer, size_t mark) {
  if (buffer->error != 0) return;
  size_t size = buffer->size - mark - SIZE_SIZE;
  if (size > UINT32_MAX) {
    buffer->error = TH_ETOOBIG;
    return;
  }
  uint32_t stored = htobe32((uint32_t)size);
  memcpy(buffer->data + mark, &stored, sizeof stored);
}

/* Numbers have 63 bits on the wire; whoever counts further than that is wrong already. */
static void pack_count(struct th_buffer *buffer, uint64_t count) {
  th_pack_int(buffer, count < INT64_MAX ? (int64_t)count : INT64_MAX);
}

static void pack_meeting(struct th_buffer *buffer, const struct th_meeting *meeting) {
  th_pack_array(buffer, MEETING_ITEMS);
  th_pack_address(buffer, &meeting->admin);
  pack_count(buffer, meeting->nonce);
  pack_count(buffer, meeting->known);
  pack_count(buffer, meeting->received);
  pack_count(buffer, meeting->generation);
  pack_count(buffer, meeting->limit);
}

void th_frame_hello(struct th_buffer *buffer, const struct th_hello *hello) {
  size_t mark = begin(buffer, TH_FRAME_HELLO);
  th_pack_array(buffer, hello_items(hello->role));
  th_pack_text(buffer, MAGIC);
  th_pack_int(buffer, hello->protocol);
  th_pack_int(buffer, hello->role);
  th_pack_text(buffer, hello->version);
  th_pack_int(buffer, hello->pid);
  if (hello->role == TH_ROLE_SYSTEM) pack_meeting(buffer, &hello->meeting);
  finish(buffer, mark);
}

void th_frame_welcome(struct th_buffer *buffer, const struct th_welcome *welcome) {
  size_t mark = begin(buffer, TH_FRAME_WELCOME);
  th_pack_array(buffer, 6);
  th_pack_address(buffer, &welcome->endpoint);
  th_pack_address(buffer, &welcome->admin);
  th_pack_text(buffer, welcome->base);
  th_pack_text(buffer, welcome->version);
  th_pack_int(buffer, welcome->pid);
  pack_count(buffer, welcome->limit);
  finish(buffer, mark);
}

void th_frame_refuse(struct th_buffer *buffer, int error, const char *words) {
  size_t mark = begin(buffer, TH_FRAME_REFUSE);
  th_pack_array(buffer, 2);
  th_pack_int(buffer, error);
  th_pack_str(buffer, words, strnlen(words, sizeof((struct th_reason *)0)->words - 1));
  finish(buffer, mark);
}

void th_frame_message(struct th_buffer *buffer, const struct th_message *message) {
  size_t mark = begin(buffer, TH_FRAME_MESSAGE);
  th_pack_array(buffer, 5);
  th_pack_int(buffer, message->kind);
  th_pack_int(buffer, message->flags);
  th_pack_int(buffer, message->ticket);
  th_pack_address(buffer, &message->target);
  th_pack_address(buffer, &message->sender);
  th_pack_raw(buffer, message->payload, message->size);
  finish(buffer, mark);
}

void th_frame_bye(struct th_buffer *buffer) {
  finish(buffer, begin(buffer, TH_FRAME_BYE));
}

void th_frame_meet(struct th_buffer *buffer, const struct th_meeting *meeting) {
  size_t mark = begin(buffer, TH_FRAME_MEET);
  pack_meeting(buffer, meeting);
  finish(buffer, mark);
}

void th_frame_ack(struct th_buffer *buffer, uint64_t received) {
  size_t mark = begin(buffer, TH_FRAME_ACK);
  th_pack_array(buffer, 1);
  pack_count(buffer, received);
  finish(buffer, mark);
}

void th_frame_ping(struct th_buffer *buffer) {
  finish(buffer, begin(buffer, TH_FRAME_PING));
}

/* ---- reading bodies ------------------------------------------------------------------------- */

static void refuse(struct th_unpack *reader) {
  reader->at = reader->end;
  reader->error = TH_EMALFORMED;
}

static void expect_array(struct th_unpack *reader, uint32_t count) {
  if (th_unpack_array(reader) != count) refuse(reader);
}

static int64_t read_int(struct th_unpack *reader, int64_t least, int64_t most) {
  int64_t value = th_unpack_int(reader);
  if (value >= least && value <= most) return value;
  refuse(reader);
  return least;
}

/* Nobody is nil, and not a number without a system. */
static struct th_address read_address(struct th_unpack *reader) {
  struct th_address address = th_unpack_address(reader);
  if (th_address_is_none(&address) && address.number != 0) refuse(reader);
  return address;
}

/* The text ends in log lines and on terminals: no line breaks, no escape sequences. */
static void copy_text(char *out, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    out[i] = c < 0x20 || c == 0x7f ? ' ' : text[i];
  }
  out[size] = '\0';
}

static void read_text(struct th_unpack *reader, char *out, size_t room) {
  size_t size;
  const char *text = th_unpack_str(reader, &size);
  if (text == NULL || size >= room) {
    refuse(reader);
    size = 0;
  }
  copy_text(out, text, size);
}

/* The error of a body that must be read to its end by now. */
static int whole(struct th_unpack *reader) {
  if (reader->at != reader->end) refuse(reader);
  return reader->error;
}

static int read_magic(struct th_unpack *reader, int64_t *protocol) {
  size_t size;
  const char *magic = th_unpack_str(reader, &size);
  if (size != strlen(MAGIC) || memcmp(magic, MAGIC, size) != 0) refuse(reader);
  *protocol = th_unpack_int(reader);
  return reader->error;
}

static uint64_t read_count(struct th_unpack *reader, int64_t least) {
  return (uint64_t)read_int(reader, least, INT64_MAX);
}

static struct th_meeting read_meeting(struct th_unpack *reader) {
  struct th_meeting read = {0};
  expect_array(reader, MEETING_ITEMS);
  read.admin = read_address(reader);
  if (th_address_is_none(&read.admin)) refuse(reader);
  read.nonce = read_count(reader, 1);
  read.known = read_count(reader, 0);
  read.received = read_count(reader, 0);
  read.generation = read_count(reader, 0);
  read.limit = read_count(reader, 0);
  return read;
}

int th_frame_read_hello(const unsigned char *body, size_t size, struct th_hello *hello) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  struct th_hello read = {0};
  uint32_t count = th_unpack_array(&reader);
  int error = read_magic(&reader, &read.protocol);
  if (error != 0) return error;
  if (read.protocol != TH_PROTOCOL_VERSION) {
    hello->protocol = read.protocol;
    return TH_EPROTOCOL; /* the rest may mean anything */
  }
  read.role = (enum th_role)read_int(&reader, TH_ROLE_PROGRAM, TH_ROLE_PROBE);
  if (count != hello_items(read.role)) refuse(&reader);
  read_text(&reader, read.version, sizeof read.version);
  read.pid = read_int(&reader, 1, INT32_MAX);
  if (read.role == TH_ROLE_SYSTEM) read.meeting = read_meeting(&reader);
  error = whole(&reader);
  if (error == 0) *hello = read;
  return error;
}

int th_frame_read_welcome(const unsigned char *body, size_t size, struct th_welcome *welcome) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  struct th_welcome read = {0};
  expect_array(&reader, 6);
  read.endpoint = read_address(&reader);
  read.admin = read_address(&reader);
  read_text(&reader, read.base, sizeof read.base);
  read_text(&reader, read.version, sizeof read.version);
  read.pid = read_int(&reader, 1, INT32_MAX);
  read.limit = read_count(&reader, 0);
  int error = whole(&reader);
  if (error == 0) *welcome = read;
  return error;
}

int th_frame_read_refuse(const unsigned char *body, size_t size, int *error,
                         struct th_reason *reason) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  struct th_reason read;
  expect_array(&reader, 2);
  int64_t number = read_int(&reader, INT_MIN, -1);
  read_text(&reader, read.words, sizeof read.words);
  if (whole(&reader) != 0) return reader.error;
  *error = (int)number;
  *reason = read;
  return 0;
}

int th_frame_read_meet(const unsigned char *body, size_t size, struct th_meeting *meeting) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  struct th_meeting read = read_meeting(&reader);
  int error = whole(&reader);
  if (error == 0) *meeting = read;
  return error;
}

int th_frame_read_ack(const unsigned char *body, size_t size, uint64_t *received) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  expect_array(&reader, 1);
  uint64_t read = read_count(&reader, 0);
  int error = whole(&reader);
  if (error == 0) *received = read;
  return error;
}

/* Named one by one, so that a new kind comes in from outside only after someone thought of it. */
static bool travels(int64_t kind) {
  switch (kind) {
  case TH_KIND_USER:
  case TH_KIND_EXIT_REQUEST:
  case TH_KIND_CHILD_EXITED:
  case TH_KIND_POISON:
  case TH_KIND_DEAD_ENVELOPE:
  case TH_KIND_WAKEUP:
  case TH_KIND_SYSTEM:
  case TH_KIND_STATUS_REQUEST:
  case TH_KIND_REQUEST:
  case TH_KIND_REPLY:
  case TH_KIND_DEAD:
  case TH_KIND_DEAD_NOTICE:
  case TH_KIND_PRESENCE:
  case TH_KIND_CONVENTION:
  case TH_KIND_REMOTE:
  case TH_KIND_SOURCE:
    return true;
  default:
    return false;
  }
}

/* Gives the payload: what is left, if that is one whole value or nothing. */
static const unsigned char *read_payload(struct th_unpack *reader, size_t *size) {
  const unsigned char *payload = reader->at;
  *size = (size_t)(reader->end - reader->at);
  size_t skipped;
  if (*size != 0) th_unpack_skip(reader, &skipped);
  return payload;
}

int th_frame_read_message(const unsigned char *body, size_t size, struct th_message **out) {
  struct th_unpack reader;
  th_unpack_init(&reader, body, size);
  expect_array(&reader, 5);
  int64_t kind = th_unpack_int(&reader);
  if (!travels(kind)) refuse(&reader);
  int64_t flags = read_int(&reader, 0, TH_MESSAGE_URGENT | TH_MESSAGE_ASK);
  int64_t ticket = read_int(&reader, 0, UINT32_MAX);
  struct th_address target = read_address(&reader);
  struct th_address sender = read_address(&reader);
  size_t payload_size;
  const unsigned char *payload = read_payload(&reader, &payload_size);
  int error = whole(&reader);
  if (error != 0) return error;
  struct th_message *message = th_message_new((enum th_kind)kind, &target, &sender, payload,
                                              payload_size);
  if (message == NULL) return TH_ENOMEM;
  message->flags = (uint8_t)flags;
  message->ticket = (uint32_t)ticket;
  *out = message;
  return 0;
}

/* ---- cutting a stream ----------------------------------------------------------------------- */

struct stream {
  const unsigned char *at;
  const unsigned char *end;
  int (*each)(void *context, enum th_frame_type type, const unsigned char *body, size_t size);
  void *context;
};

void th_frame_reader_init(struct th_frame_reader *reader) {
  th_buffer_init(&reader->partial);
  reader->limit = TH_FRAME_GREETING;
}

void th_frame_reader_clear(struct th_frame_reader *reader) {
  th_buffer_clear(&reader->partial);
}

/* Looks at as much of a frame's head as there is. total becomes the size of the whole frame, or of
 * the head as long as that says no more. */
static int read_head(const struct th_frame_reader *reader, const unsigned char *data, size_t size,
                     size_t *total) {
  *total = HEAD_SIZE;
  if (size < SIZE_SIZE) return 0;
  uint32_t follows;
  memcpy(&follows, data, sizeof follows);
  follows = be32toh(follows);
  if (follows == 0) return TH_EMALFORMED;
  if (follows > reader->limit) return TH_ETOOBIG;
  if (size < HEAD_SIZE) return 0;
  if (data[SIZE_SIZE] < TH_FRAME_HELLO || data[SIZE_SIZE] > TH_FRAME_PING) return TH_EMALFORMED;
  *total = SIZE_SIZE + follows;
  return 0;
}

static int give(struct stream *stream, const unsigned char *frame, size_t total) {
  return stream->each(stream->context, (enum th_frame_type)frame[SIZE_SIZE], frame + HEAD_SIZE,
                      total - HEAD_SIZE);
}

/* Adds to the partial frame until it is total bytes. */
static int collect(struct th_frame_reader *reader, struct stream *stream, size_t total) {
  size_t size = (size_t)(stream->end - stream->at);
  size_t missing = total - reader->partial.size;
  if (size > missing) size = missing;
  int error = th_buffer_append(&reader->partial, stream->at, size);
  if (error == 0) stream->at += size;
  return error;
}

static void forget(struct th_frame_reader *reader) {
  if (reader->partial.capacity > KEPT_CAPACITY) {
    th_buffer_clear(&reader->partial);
  } else {
    th_buffer_reset(&reader->partial);
  }
}

/* Goes on with a frame of which a part has come before. */
static int feed_partial(struct th_frame_reader *reader, struct stream *stream) {
  struct th_buffer *partial = &reader->partial;
  size_t total = HEAD_SIZE;
  if (partial->size < HEAD_SIZE) {
    int error = collect(reader, stream, HEAD_SIZE);
    if (error != 0) return error;
  }
  int error = read_head(reader, partial->data, partial->size, &total);
  if (error == 0) error = collect(reader, stream, total);
  if (error != 0 || partial->size < total) return error;
  error = give(stream, partial->data, total);
  forget(reader);
  return error;
}

/* Begins with a frame at the start of what has come. */
static int feed_fresh(struct th_frame_reader *reader, struct stream *stream) {
  size_t size = (size_t)(stream->end - stream->at);
  size_t total;
  int error = read_head(reader, stream->at, size, &total);
  if (error != 0) return error;
  if (size < total) return collect(reader, stream, total);
  const unsigned char *frame = stream->at;
  stream->at += total;
  return give(stream, frame, total);
}

int th_frame_reader_feed(struct th_frame_reader *reader, const unsigned char *data, size_t size,
                         int (*each)(void *context, enum th_frame_type type,
                                     const unsigned char *body, size_t size),
                         void *context) {
  struct stream stream = {data, data + size, each, context};
  int error = 0;
  while (error == 0 && stream.at != stream.end)
    error = reader->partial.size != 0 ? feed_partial(reader, &stream) : feed_fresh(reader, &stream);
  return error;
}
