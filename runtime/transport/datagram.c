#include "transport/datagram.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* The last byte is the version of this layout. */
static const unsigned char magic[4] = {0xd4, 't', 'h', 1};

#define PREFIX_SIZE (sizeof magic + 1 + sizeof(uint64_t))
#define STATE_SIZE (4 * sizeof(uint64_t))

_Static_assert(TH_DATAGRAM_HEAD == PREFIX_SIZE + STATE_SIZE + sizeof(uint64_t) + 1,
               "a LOOSE has the largest head");

/* ---- numbers -------------------------------------------------------------------------------- */

static unsigned char *put(unsigned char *at, uint64_t number) {
  uint64_t big = htobe64(number);
  memcpy(at, &big, sizeof big);
  return at + sizeof big;
}

static const unsigned char *get(const unsigned char *at, uint64_t *number) {
  uint64_t big;
  memcpy(&big, at, sizeof big);
  *number = be64toh(big);
  return at + sizeof big;
}

/* ---- what a type has ------------------------------------------------------------------------ */

static bool has_cookie(enum th_datagram_type type) {
  return type == TH_DATAGRAM_OPEN || type == TH_DATAGRAM_COOKIE;
}

static bool has_bytes(enum th_datagram_type type) {
  return type == TH_DATAGRAM_STREAM || type == TH_DATAGRAM_LOOSE;
}

static bool has_state(enum th_datagram_type type) {
  return has_bytes(type) || type == TH_DATAGRAM_PING || type == TH_DATAGRAM_ACK;
}

static size_t head_size(enum th_datagram_type type) {
  size_t size = PREFIX_SIZE;
  if (has_cookie(type)) size += sizeof(uint64_t);
  if (has_state(type)) size += STATE_SIZE;
  if (has_bytes(type)) size += sizeof(uint64_t);
  if (type == TH_DATAGRAM_LOOSE) size++;
  return size;
}

/* ---- writing -------------------------------------------------------------------------------- */

size_t th_datagram_head(const struct th_datagram *datagram, unsigned char head[TH_DATAGRAM_HEAD]) {
  const struct th_datagram_state *state = &datagram->state;
  unsigned char *at = head;
  memcpy(at, magic, sizeof magic);
  at += sizeof magic;
  *at++ = (unsigned char)datagram->type;
  at = put(at, datagram->id);
  if (has_cookie(datagram->type)) at = put(at, datagram->cookie);
  if (has_state(datagram->type))
    at = put(put(put(put(at, state->taken), state->seen), state->lost), state->sent);
  if (has_bytes(datagram->type)) at = put(at, datagram->place);
  if (datagram->type == TH_DATAGRAM_LOOSE) *at++ = datagram->part;
  return (size_t)(at - head);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool is_type(unsigned char byte) {
  return byte >= TH_DATAGRAM_OPEN && byte <= TH_DATAGRAM_CLOSE;
}

static const unsigned char *read_state(const unsigned char *at, struct th_datagram_state *state) {
  at = get(at, &state->taken);
  at = get(at, &state->seen);
  at = get(at, &state->lost);
  return get(at, &state->sent);
}

/* Numbers count up from 0 and take ages to come near their end, so a sum of two that are read here
 * never wraps. */
static bool is_sane(const struct th_datagram *read) {
  const uint64_t most = UINT64_C(1) << 62;
  const struct th_datagram_state *state = &read->state;
  return state->taken < most && state->seen < most && state->lost <= state->seen &&
         state->sent < most && read->place < most &&
         (read->type != TH_DATAGRAM_LOOSE || read->place < state->sent) &&
         (read->part & ~(TH_DATAGRAM_FIRST | TH_DATAGRAM_LAST)) == 0;
}

int th_datagram_read(struct th_datagram *datagram, const unsigned char *data, size_t size) {
  if (size < PREFIX_SIZE || memcmp(data, magic, sizeof magic) != 0) return TH_EMALFORMED;
  if (!is_type(data[sizeof magic])) return TH_EMALFORMED;
  struct th_datagram read = {.type = (enum th_datagram_type)data[sizeof magic]};
  size_t head = head_size(read.type);
  if (has_bytes(read.type) ? size <= head : size != head) return TH_EMALFORMED;
  const unsigned char *at = get(data + sizeof magic + 1, &read.id);
  if (has_cookie(read.type)) at = get(at, &read.cookie);
  if (has_state(read.type)) at = read_state(at, &read.state);
  if (has_bytes(read.type)) at = get(at, &read.place);
  if (read.type == TH_DATAGRAM_LOOSE) read.part = *at++;
  if (!is_sane(&read)) return TH_EMALFORMED;
  read.bytes = at;
  read.size = size - head;
  *datagram = read;
  return 0;
}
