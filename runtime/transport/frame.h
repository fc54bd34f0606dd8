/* frame: messages as runs of bytes on a stream, and back.
 *
 * A frame is 4 bytes of size (big endian, of what follows), one byte of type, and a body. The
 * reader takes bytes in any slices. Before the handshake nothing larger than TH_FRAME_GREETING is
 * accepted. Of HELLO only the first two items are fixed for ever: by them systems of other versions
 * are told apart and refused in words.
 *
 *   HELLO    ["thespian", protocol version, role, library version, pid, meeting of a system]
 *   WELCOME  [endpoint address, admin address, base, library version, pid, largest payload]
 *   REFUSE   [error, words]
 *   MESSAGE  [kind, flags, ticket, target, sender], then the payload to the frame's end
 *   BYE      nothing: the sender closes on purpose, and this is the last that it says
 *   MEET     meeting: a system's answer to the HELLO of another
 *   ACK      [received]: how many messages of this session have come so far
 *   PING     nothing: an ACK is asked for
 *
 * A meeting is [admin address, nonce, known nonce, received, generation, limit]. Its numbers, and that
 * of an ACK, have 63 bits.
 *
 * Threads: its holder. Owns: a partly received frame.
 */
#ifndef TH_TRANSPORT_FRAME_H
#define TH_TRANSPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "message/message.h"

#define TH_FRAME_GREETING 4096

/* What stands before a frame's body: its size and its type. */
#define TH_FRAME_HEAD ((size_t)5)

/* A message's frame is at most this much larger than its payload. */
#define TH_FRAME_OVERHEAD 80

enum th_frame_type {
  TH_FRAME_HELLO = 1,
  TH_FRAME_WELCOME = 2,
  TH_FRAME_REFUSE = 3,
  TH_FRAME_MESSAGE = 4,
  TH_FRAME_BYE = 5,
  TH_FRAME_MEET = 6,
  TH_FRAME_ACK = 7,
  TH_FRAME_PING = 8
};

/* Who probes wants to know who is there, and goes: its WELCOME names no endpoint. */
enum th_role { TH_ROLE_PROGRAM = 1, TH_ROLE_SYSTEM = 2, TH_ROLE_PROBE = 3 };

/* What a system says to another when they meet: transport/session.h. */
struct th_meeting {
  struct th_address admin; /* port 0: it cannot be connected to */
  uint64_t nonce;          /* of its half of the session; never 0 */
  uint64_t known;          /* the other's, 0 where it does not know it */
  uint64_t received;       /* messages of this session */
  uint64_t generation;     /* HELLO: of the newest connection that it has seen agreed; 0 for none.
                              MEET: of this one */
  uint64_t limit;          /* the largest payload that it takes; at most INT64_MAX */
};

struct th_hello {
  int64_t protocol;
  enum th_role role;
  char version[32];
  int64_t pid;
  struct th_meeting meeting; /* of a system */
};

struct th_welcome {
  struct th_address endpoint;
  struct th_address admin;
  char base[32];
  char version[32];
  int64_t pid;
  uint64_t limit; /* of a message's payload, either way; at most INT64_MAX */
};

/* Writers append one whole frame to buffer; when its error is set, an unfinished one may stand at
 * its end. */
void th_frame_hello(struct th_buffer *buffer, const struct th_hello *hello);
void th_frame_welcome(struct th_buffer *buffer, const struct th_welcome *welcome);
void th_frame_refuse(struct th_buffer *buffer, int error, const char *words);
void th_frame_message(struct th_buffer *buffer, const struct th_message *message);
void th_frame_bye(struct th_buffer *buffer);
void th_frame_meet(struct th_buffer *buffer, const struct th_meeting *meeting);
void th_frame_ack(struct th_buffer *buffer, uint64_t received);
void th_frame_ping(struct th_buffer *buffer);

/* Readers of bodies: 0 or TH_EMALFORMED, with the results left alone. A message is given
 * (TH_ENOMEM); its payload is copied, and is nothing or one whole value, whose insides are for the
 * receiver to check. Kinds and flags that are unknown, and kinds that never travel (TH_KIND_BIRTH,
 * TH_KIND_NUDGE), are malformed. A HELLO of another version gives TH_EPROTOCOL and sets nothing but
 * protocol. A refusal's error is always negative. Texts have no control characters. */
int th_frame_read_hello(const unsigned char *body, size_t size, struct th_hello *hello);
int th_frame_read_welcome(const unsigned char *body, size_t size, struct th_welcome *welcome);
int th_frame_read_refuse(const unsigned char *body, size_t size, int *error,
                         struct th_reason *reason);
int th_frame_read_meet(const unsigned char *body, size_t size, struct th_meeting *meeting);
int th_frame_read_ack(const unsigned char *body, size_t size, uint64_t *received);
int th_frame_read_message(const unsigned char *body, size_t size, struct th_message **message);

/* Cuts a stream into frames. */
struct th_frame_reader {
  struct th_buffer partial;
  size_t limit; /* of a frame; the holder raises it after the handshake */
};

void th_frame_reader_init(struct th_frame_reader *reader);
void th_frame_reader_clear(struct th_frame_reader *reader);

/* Takes bytes and calls each for every whole frame, until each gives non-zero, which is passed on;
 * what follows in data is dropped then. TH_ETOOBIG or TH_EMALFORMED when the stream cannot be
 * frames, as soon as that shows; TH_ENOMEM. After any of these the stream is lost. Whole frames
 * inside data are not copied, and memory for a frame grows with what has come, not with what was
 * announced. */
int th_frame_reader_feed(struct th_frame_reader *reader, const unsigned char *data, size_t size,
                         int (*each)(void *context, enum th_frame_type type,
                                     const unsigned char *body, size_t size),
                         void *context);

#endif
