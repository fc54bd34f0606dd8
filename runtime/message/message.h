/* message: the one kind of thing that moves.
 *
 * A message has one owner; handing it on ends yours. Its payload is one MessagePack value, written
 * once, before the message is first handed on. The kind tells the runtime what it must know without
 * reading the payload; whoever receives a message may read the payload alone.
 *
 * Threads: its owner. Owns: its payload.
 */
#ifndef TH_MESSAGE_MESSAGE_H
#define TH_MESSAGE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "message/address.h"

/* What a message is to the runtime. The first group are values that actors see; the second never
 * reach an actor's code. The numbers travel between systems. */
enum th_kind {
  TH_KIND_USER = 0,
  TH_KIND_EXIT_REQUEST = 1,
  TH_KIND_CHILD_EXITED = 2,
  TH_KIND_POISON = 3,
  TH_KIND_DEAD_ENVELOPE = 4,
  TH_KIND_WAKEUP = 5,
  TH_KIND_SYSTEM = 6,         /* any other system message */
  TH_KIND_STATUS_REQUEST = 7, /* the router gives it to the admin, as [target, value] */

  TH_KIND_BIRTH = 32,       /* to a free slot: payload is not MessagePack but struct th_birth * */
  TH_KIND_REQUEST = 33,     /* to the admin: [operation, arguments...], answered under its ticket */
  TH_KIND_REPLY = 34,       /* to who asked: [0, result] or [error, words] */
  TH_KIND_DEAD = 35,        /* to the admin: a message that found nobody, as [target, value] */
  TH_KIND_DEAD_NOTICE = 36, /* to an endpoint: the ask with this ticket became a dead letter */
  TH_KIND_NUDGE = 37,       /* to the admin: look whether what you wait for has come */
  TH_KIND_PRESENCE =
    38, /* to who has a global name: say so to the sender, who asked to create it */
  TH_KIND_CONVENTION = 39, /* to an admin, by another or by the runtime here: message/protocol.h */
  TH_KIND_REMOTE = 40,  /* between an actor and what stands for it elsewhere: message/protocol.h */
  TH_KIND_RECHECK = 41, /* to an actor: the system's capabilities have changed; no value */
  TH_KIND_SOURCE = 42,  /* to an admin, or by one to who waits for a source: message/protocol.h */
  TH_KIND_REST = 43     /* to an actor: nothing has come for a while; no value */
};

enum th_message_flag {
  TH_MESSAGE_URGENT = 1, /* goes before everything that is not */
  TH_MESSAGE_ASK = 2     /* its sender wants a notice when it becomes a dead letter */
};

/* The kind of a message that a user sends, when its value is of a class with that kind: what only
 * the runtime may say (that a child exited, that it is time) is a system message like any other. */
static inline enum th_kind th_kind_from_user(enum th_kind kind) {
  return kind == TH_KIND_CHILD_EXITED || kind == TH_KIND_DEAD_ENVELOPE || kind == TH_KIND_WAKEUP
           ? TH_KIND_SYSTEM
           : kind;
}

struct th_message {
  struct th_message *next; /* of whoever holds it */
  struct th_address target;
  struct th_address sender;
  uint32_t ticket; /* echoed in replies and notices; 0 for none */
  uint8_t kind;
  uint8_t flags;
  uint16_t reserved;
  size_t size; /* of payload */
  unsigned char payload[];
};

/* Gives a message whose payload is a copy; NULL when there is no memory for it. */
struct th_message *th_message_new(enum th_kind kind, const struct th_address *target,
                                  const struct th_address *sender, const void *payload,
                                  size_t size);

/* The same from a buffer that a writer filled; NULL when its error is set. The buffer stays. */
struct th_message *th_message_pack(enum th_kind kind, const struct th_address *target,
                                   const struct th_address *sender, const struct th_buffer *buffer);

/* The same without a copy: begin readies an empty buffer of the caller's, with room for a payload of
 * the expected bytes; writers append it (limit bytes at most, 0: any number); and end makes a message
 * of the buffer's memory, which is empty then. NULL when its error is set, and the memory stays. A
 * begun buffer is begun again, or cleared. */
void th_message_begin(struct th_buffer *buffer, size_t expected, size_t limit);
struct th_message *th_message_end(enum th_kind kind, const struct th_address *target,
                                  const struct th_address *sender, struct th_buffer *buffer);

/* NULL is fine. */
void th_message_free(struct th_message *message);

#endif
