/* pack: MessagePack, straight to and from bytes.
 *
 * The writer appends to a th_buffer, whose error sticks. The reader walks borrowed bytes; its error
 * sticks too: after the first malformed or unexpected item every read gives zeros, and one check at
 * the end suffices. Extension types of ours:
 *
 *   1 address    16 bytes: system, number (big endian); 22 with ip and port after them
 *   2 reference  1 to 4 bytes, big endian: the n-th table or instance (from 0) met in this value
 *   3 instance   an array of names [qualified, short, base's qualified, base's short, ...], a map
 *   4 enclosed   one whole value with reference numbers of its own
 *
 * Threads: any.
 */
#ifndef TH_MESSAGE_PACK_H
#define TH_MESSAGE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "message/address.h"

enum th_ext { TH_EXT_ADDRESS = 1, TH_EXT_REFERENCE = 2, TH_EXT_INSTANCE = 3, TH_EXT_ENCLOSED = 4 };

/* Nothing nests deeper than this, in either direction. */
#define TH_PACK_DEPTH 1000

/* Every writer appends one item to buffer; integers take the shortest form, reals are 64 bit. */
void th_pack_nil(struct th_buffer *buffer);
void th_pack_bool(struct th_buffer *buffer, bool value);
void th_pack_int(struct th_buffer *buffer, int64_t value);
void th_pack_real(struct th_buffer *buffer, double value);
void th_pack_str(struct th_buffer *buffer, const char *text, size_t size);
void th_pack_text(struct th_buffer *buffer, const char *text); /* zero-terminated; NULL is nil */
void th_pack_bin(struct th_buffer *buffer, const void *data, size_t size);
void th_pack_array(struct th_buffer *buffer, uint32_t count); /* count items follow */
void th_pack_map(struct th_buffer *buffer, uint32_t count);   /* count pairs follow */
void th_pack_address(struct th_buffer *buffer, const struct th_address *address); /* none is nil */

/* An extension whose content is written between the two calls: begin gives a mark for end, which
 * writes the size into the head. */
size_t th_pack_ext_begin(struct th_buffer *buffer, enum th_ext type);
void th_pack_ext_end(struct th_buffer *buffer, size_t mark);

/* Appends bytes that are packed already. */
void th_pack_raw(struct th_buffer *buffer, const void *data, size_t size);

enum th_item_type {
  TH_ITEM_NIL,
  TH_ITEM_BOOL,
  TH_ITEM_INT,
  TH_ITEM_REAL,
  TH_ITEM_STR, /* bin too */
  TH_ITEM_ARRAY,
  TH_ITEM_MAP,
  TH_ITEM_EXT
};

/* Only the fields that belong to the type are set. */
struct th_item {
  enum th_item_type type;
  bool boolean;
  int8_t ext;      /* EXT: its type */
  uint32_t count;  /* ARRAY: items, MAP: pairs; never more than the bytes left could hold */
  int64_t integer; /* an unsigned one past INT64_MAX is read as a real */
  double real;
  const unsigned char *data; /* STR, EXT: borrowed from the reader's bytes */
  size_t size;               /* STR, EXT: bytes */
};

struct th_unpack {
  const unsigned char *at; /* end after an error */
  const unsigned char *end;
  int error; /* 0 or TH_EMALFORMED */
};

void th_unpack_init(struct th_unpack *reader, const void *data, size_t size);

/* Reads the next item's head (and body, but for the items of arrays and maps). False after an
 * error; item is then nil and all zero. */
bool th_unpack_next(struct th_unpack *reader, struct th_item *item);

/* Typed reads: the error sticks when the next item is something else. */
bool th_unpack_bool(struct th_unpack *reader);
int64_t th_unpack_int(struct th_unpack *reader);
double th_unpack_real(struct th_unpack *reader); /* takes integers too */
uint32_t th_unpack_array(struct th_unpack *reader);
uint32_t th_unpack_map(struct th_unpack *reader);
/* Borrowed; NULL with size 0 when the item is nil, an error for other types. */
const char *th_unpack_str(struct th_unpack *reader, size_t *size);
/* True and out when the next string equals it... the keys of maps: true when key is this text. */
bool th_unpack_is(const char *text, size_t size, const char *expected);
struct th_address th_unpack_address(struct th_unpack *reader); /* nil is none */
bool th_unpack_nil(struct th_unpack *reader);                  /* takes a nil if it is next */

/* Steps over one whole item, whatever it is; gives where it began and how long it is, or NULL and 0
 * after an error. Does not descend into extensions. Nesting of any depth costs no stack. */
const unsigned char *th_unpack_skip(struct th_unpack *reader, size_t *size);

/* The address in an extension item of type TH_EXT_ADDRESS; false when its size is wrong. */
bool th_item_address(const struct th_item *item, struct th_address *address);

#endif
