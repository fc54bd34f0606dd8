#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_inside.h"

#define TORN 500 /* of 1000 resets: what has not arrived yet is lost */

uint64_t sim_pipe_delay(void) {
  uint64_t spike = sim_chance(sim_net()->spikes) ? 50 * TH_MILLISECOND : 0;
  return sim_between(10 * TH_MICROSECOND, sim_net()->delay + spike);
}

bool sim_pipe_is_stalled(const struct connection *connection, unsigned to) {
  return !connection->is_made || connection->is_silent ||
         sim_net()->hosts[connection->hosts[1 - to]].cut[connection->hosts[to]];
}

void sim_pipe_schedule(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct end *end = connection->ends[to];
  bool waits = end != NULL && end->state != CLOSING && !end->is_paused && pipe->first != NULL &&
               pipe->first->arrival != TH_FOREVER;
  if (waits)
    sim_item_at(&pipe->arrive, sim_end_loop(end), pipe->first->arrival, sim_wire_arrival);
  else
    sim_item_cancel(&pipe->arrive);
}

static uint64_t arrival(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  if (sim_pipe_is_stalled(connection, to)) return TH_FOREVER;
  uint64_t when = sim_after(sim_pipe_delay());
  if (when > pipe->latest) pipe->latest = when;
  return pipe->latest;
}

struct segment *sim_pipe_take(struct pipe *pipe, struct segment **place) {
  struct segment *segment = *place;
  *place = segment->next;
  if (segment->next == NULL) pipe->last = place;
  if (segment->kind == DATA) pipe->bytes -= segment->size;
  return segment;
}

void sim_pipe_drop(struct pipe *pipe, struct segment **place) {
  while (*place != NULL) free(sim_pipe_take(pipe, place));
}

void sim_pipe_append(struct connection *connection, unsigned to, enum kind kind, const void *data,
                     size_t size) {
  struct pipe *pipe = &connection->pipes[to];
  struct segment *segment = th_alloc(sizeof *segment + size);
  *segment = (struct segment){.kind = kind, .size = size};
  if (size > 0) memcpy(segment->data, data, size);
  segment->arrival = arrival(connection, to);
  *pipe->last = segment;
  pipe->last = &segment->next;
  if (kind == DATA) pipe->bytes += size;
  if (pipe->first == segment) sim_pipe_schedule(connection, to);
}

void sim_pipe_reset(struct connection *connection, unsigned to) {
  struct pipe *pipe = &connection->pipes[to];
  struct segment **place = &pipe->first;
  if (sim_end_is_gone(connection->ends[to])) return;
  bool is_torn = !connection->is_udp && sim_chance(TORN);
  while (is_torn && *place != NULL && (*place)->arrival <= sim_now()) place = &(*place)->next;
  if (is_torn) sim_pipe_drop(pipe, place);
  sim_pipe_append(connection, to, RESET, NULL, 0);
  sim_pipe_schedule(connection, to);
}

void sim_pipe_put(struct connection *connection, unsigned to, enum kind kind, const void *data,
                  size_t size) {
  bool has_peer = !connection->is_made || !sim_end_is_gone(connection->ends[to]);
  if (has_peer || connection->is_silent)
    sim_pipe_append(connection, to, kind, data, size);
  else if (kind == DATA || kind == LOOSE)
    sim_pipe_reset(connection, 1 - to);
}

size_t sim_pipe_excess(const struct pipe *pipe) {
  return pipe->bytes > sim_net()->capacity ? pipe->bytes - sim_net()->capacity : 0;
}

bool sim_pipe_truncate(struct pipe *pipe) {
  struct segment **place = &pipe->first;
  size_t bytes = 0;
  while (*place != NULL) {
    if ((*place)->kind == DATA) bytes += (*place)->size;
    if (bytes > sim_net()->capacity) break;
    place = &(*place)->next;
  }
  bool has_more = *place != NULL;
  sim_pipe_drop(pipe, place);
  return has_more;
}

void sim_pipe_overtake(struct pipe *pipe) {
  struct segment **place = &pipe->first;
  if (*place == NULL || (*place)->next == NULL) return;
  while ((*place)->next->next != NULL) place = &(*place)->next;
  struct segment *piece = *place, *loose = piece->next;
  if (loose->kind != LOOSE || piece->kind != DATA || piece->arrival == TH_FOREVER) return;
  loose->next = piece;
  piece->next = NULL;
  *place = loose;
  pipe->last = &piece->next;
  uint64_t first = piece->arrival;
  piece->arrival = loose->arrival;
  loose->arrival = first;
}

void sim_pipe_resume(struct connection *connection, unsigned to) {
  for (struct segment *segment = connection->pipes[to].first; segment != NULL;
       segment = segment->next)
    if (segment->arrival == TH_FOREVER) segment->arrival = arrival(connection, to);
  sim_pipe_schedule(connection, to);
}
