#include "transport/loose.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* The kernel counts a socket's datagrams with some overhead, and gives 208 KiB of room, counted
 * twice, where nobody has asked for more. */
#define OVERHEAD 768
#define MOST_WEIGHT ((size_t)256 * 1024)

#define SIZE_SIZE sizeof(uint32_t)
#define KEPT_CAPACITY ((size_t)512 * 1024)

void th_loose_init(struct th_loose *loose, size_t step) {
  *loose = (struct th_loose){.step = step};
  th_buffer_init(&loose->out);
  th_buffer_init(&loose->frame);
}

void th_loose_clear(struct th_loose *loose) {
  th_buffer_clear(&loose->out);
  th_buffer_clear(&loose->frame);
}

/* ---- sending -------------------------------------------------------------------------------- */

int th_loose_put(struct th_loose *loose, const void *frames, size_t size) {
  return th_buffer_append(&loose->out, frames, size);
}

size_t th_loose_unsent(const struct th_loose *loose) {
  return loose->out.size - loose->dead;
}

bool th_loose_is_open(const struct th_loose *loose) {
  return loose->seen != loose->sent;
}

static size_t frame_size(const unsigned char *frame) {
  uint32_t follows;
  memcpy(&follows, frame, sizeof follows);
  return SIZE_SIZE + be32toh(follows);
}

/* As many whole frames as fit into a datagram; 0 when the first one does not. */
static size_t count_whole(const struct th_loose *loose, const unsigned char *data, size_t size) {
  size_t whole = 0;
  while (whole < size) {
    size_t frame = frame_size(data + whole);
    assert(frame <= size - whole && frame <= TH_WIRE_LOOSE);
    if (whole + frame > loose->step) break;
    whole += frame;
  }
  return whole;
}

bool th_loose_next(const struct th_loose *loose, struct th_loose_piece *piece) {
  size_t size = loose->out.size - loose->dead;
  if (size == 0 || loose->sent - loose->seen >= TH_LOOSE_WINDOW) return false;
  const unsigned char *data = loose->out.data + loose->dead;
  *piece = (struct th_loose_piece){.data = data};
  if (loose->partial == 0) {
    piece->part = TH_DATAGRAM_FIRST;
    piece->size = count_whole(loose, data, size);
    if (piece->size != 0) piece->part |= TH_DATAGRAM_LAST;
  } else if (loose->partial <= loose->step) {
    piece->part = TH_DATAGRAM_LAST;
    piece->size = loose->partial;
  }
  if (piece->size == 0) piece->size = loose->step;
  return loose->weight == 0 || loose->weight + piece->size + OVERHEAD <= MOST_WEIGHT;
}

static void forget(struct th_loose *loose, size_t size) {
  loose->dead += size;
  loose->left += size;
  if (loose->dead == loose->out.size) {
    loose->dead = 0;
    if (loose->out.capacity > KEPT_CAPACITY)
      th_buffer_clear(&loose->out);
    else
      th_buffer_reset(&loose->out);
  } else if (loose->dead > loose->out.size / 2) {
    loose->out.size -= loose->dead;
    memmove(loose->out.data, loose->out.data + loose->dead, loose->out.size);
    loose->dead = 0;
  }
}

void th_loose_sent(struct th_loose *loose, const struct th_loose_piece *piece) {
  uint32_t weight = (uint32_t)piece->size + OVERHEAD;
  bool is_whole = piece->part == (TH_DATAGRAM_FIRST | TH_DATAGRAM_LAST);
  if (!is_whole && (piece->part & TH_DATAGRAM_FIRST) != 0) loose->partial = frame_size(piece->data);
  if (!is_whole) loose->partial -= piece->size;
  loose->weights[loose->sent % TH_LOOSE_WINDOW] = weight;
  loose->weight += weight;
  loose->sent++;
  forget(loose, piece->size);
}

bool th_loose_seen(struct th_loose *loose, uint64_t seen) {
  if (seen <= loose->seen || seen > loose->sent) return false;
  for (; loose->seen < seen; loose->seen++)
    loose->weight -= loose->weights[loose->seen % TH_LOOSE_WINDOW];
  return true;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void drop_partial(struct th_loose *loose) {
  loose->is_whole = false;
  th_buffer_reset(&loose->frame);
}

void th_loose_mark(struct th_loose *loose, uint64_t sent) {
  if (sent <= loose->expected) return;
  loose->lost += sent - loose->expected;
  loose->expected = sent;
  drop_partial(loose);
}

/* Adds a part to the frame; true when it was the last one. */
static bool collect(struct th_loose *loose, const struct th_datagram *datagram) {
  if ((datagram->part & TH_DATAGRAM_FIRST) != 0) {
    th_buffer_reset(&loose->frame);
    loose->is_whole = true;
  }
  if (!loose->is_whole || loose->frame.size + datagram->size > TH_WIRE_LOOSE ||
      th_buffer_append(&loose->frame, datagram->bytes, datagram->size) != 0) {
    drop_partial(loose);
    return false;
  }
  return (datagram->part & TH_DATAGRAM_LAST) != 0;
}

bool th_loose_take(struct th_loose *loose, const struct th_datagram *datagram,
                   const unsigned char **data, size_t *size) {
  if (datagram->place < loose->expected) return false;
  th_loose_mark(loose, datagram->place);
  loose->expected = datagram->place + 1;
  if (datagram->part == (TH_DATAGRAM_FIRST | TH_DATAGRAM_LAST)) {
    drop_partial(loose);
    *data = datagram->bytes;
    *size = datagram->size;
    return true;
  }
  if (!collect(loose, datagram)) return false;
  loose->is_whole = false;
  *data = loose->frame.data;
  *size = loose->frame.size;
  return true;
}
