/* fuzz_datagram: datagrams as anybody may send them, read, and taken by a talk.
 *
 * The input is a row of datagrams, each behind two bytes of size. What is read is written again and
 * must be the same bytes; a talk must stay within its bounds and give on at most what has come.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP ((size_t)1200)

static void check(bool holds) {
  if (!holds) abort();
}

struct side {
  struct th_talk talk;
  size_t came;  /* bytes handed over */
  size_t given; /* bytes that the talk gave on */
};

static bool transmit(void *context, struct th_datagram *datagram) {
  unsigned char head[TH_DATAGRAM_HEAD];
  (void)context;
  check(th_datagram_head(datagram, head) <= sizeof head);
  check(datagram->size <= STEP);
  return true;
}

static void received(void *context, const unsigned char *data, size_t size) {
  struct side *side = context;
  check(size != 0 && data != NULL);
  side->given += size;
}

static const struct th_talk_ops ops = {transmit, received, received};

static void write_again(const struct th_datagram *datagram, const unsigned char *data,
                        size_t size) {
  unsigned char head[TH_DATAGRAM_HEAD];
  size_t head_size = th_datagram_head(datagram, head);
  check(head_size + datagram->size == size);
  check(memcmp(head, data, head_size) == 0);
  check(datagram->size == 0 || datagram->bytes == data + head_size);
}

/* The block is as large as the datagram, so that a reader that goes past its end is found. */
static void take(struct side *side, const uint8_t *data, size_t size) {
  struct th_datagram datagram;
  unsigned char *block = malloc(size != 0 ? size : 1);
  check(block != NULL);
  if (size != 0) memcpy(block, data, size);
  if (th_datagram_read(&datagram, block, size) == 0) {
    write_again(&datagram, block, size);
    side->came += datagram.size;
    if (datagram.type >= TH_DATAGRAM_STREAM && datagram.type <= TH_DATAGRAM_ACK)
      th_talk_take(&side->talk, &datagram);
  }
  free(block);
  check(side->given <= side->came);
  check(side->talk.loose.frame.size <= TH_WIRE_LOOSE);
  check(side->talk.stream.ahead_size <= TH_STREAM_AHEAD);
  check(side->talk.stream.acked <= side->talk.stream.next);
  check(side->talk.stream.next <= side->talk.stream.top);
  check(side->talk.loose.seen <= side->talk.loose.sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const unsigned char words[3000] = {0};
  struct side side = {.came = 0};
  th_talk_init(&side.talk, &ops, &side, STEP, size % 2 == 0);
  th_talk_send(&side.talk, words, sizeof words); /* something that can be acknowledged */
  while (size >= 2) {
    size_t piece = (size_t)data[0] << 8 | data[1];
    if (piece > size - 2) piece = size - 2;
    take(&side, data + 2, piece);
    data += 2 + piece;
    size -= 2 + piece;
    if (piece == 0) th_talk_tick(&side.talk);
  }
  th_talk_acknowledge(&side.talk);
  th_talk_clear(&side.talk);
  return 0;
}
