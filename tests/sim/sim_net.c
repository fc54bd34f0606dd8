/* sim_net: the network as a whole, and its faults. */
#include "sim_net.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sim_inside.h"

#define FIRST_PORT 40000
#define FAR 250    /* of 1000 networks: much is always on its way */
#define DOOMED 250 /* of 1000 connections that are cut: a side gives up if that lasts */
#define BROKEN 125 /* of 1000 connections that are healed */

static void make_hosts(struct sim_net *net, unsigned count) {
  net->host_count = count;
  net->hosts = th_alloc(count * sizeof *net->hosts);
  net->cuts = th_alloc_zeroed((size_t)count * count, sizeof *net->cuts);
  for (unsigned i = 0; i < count; i++)
    net->hosts[i] = (struct host){
      .is_dead = true, .cut = net->cuts + (size_t)i * count, .last_port = FIRST_PORT};
}

void sim_net_begin(unsigned host_count) {
  struct sim_net *fresh = th_new(struct sim_net);
  sim_engine()->net = fresh;
  make_hosts(fresh, host_count);
  fresh->delay = (sim_chance(FAR) ? sim_between(20, 120) : sim_between(1, 5)) * TH_MILLISECOND;
  fresh->spikes = (unsigned)sim_draw(20);
  fresh->losses = sim_chance(300) ? 0 : (unsigned)sim_draw(100);
  fresh->capacity = (size_t)1 << sim_between(9, 18);
}

void sim_net_end(void) {
  free(sim_net()->hosts);
  free(sim_net()->cuts);
  free(sim_net());
  sim_engine()->net = NULL;
}

uint32_t sim_net_ip(unsigned host) {
  return UINT32_C(0x0a000001) + host;
}

/* ---- faults ---- */

bool sim_net_is_cut(unsigned from, unsigned to) {
  return sim_net()->hosts[from].cut[to];
}

static void give_up(struct sim_item *item) {
  sim_end_finish(sim_end_of_act(item), -ETIMEDOUT, false);
}

static bool lives(const struct end *end) {
  return !sim_end_is_gone(end) && end->state != CONNECTING;
}

/* A side whose own act is still to come (it is accepted then) has not noticed anything yet. */
static void doom(struct connection *connection, uint64_t least, uint64_t most) {
  struct end *end = connection->ends[sim_draw(2)];
  if (!lives(end) || end->act.loop != NULL) return;
  sim_item_at(&end->act, sim_end_loop(end), sim_after(sim_between(least, most)), give_up);
}

static void stall(struct connection *connection, unsigned to) {
  for (struct segment *segment = connection->pipes[to].first; segment != NULL;
       segment = segment->next)
    if (segment->arrival > sim_now()) segment->arrival = TH_FOREVER;
  sim_pipe_schedule(connection, to);
  if (sim_chance(DOOMED)) doom(connection, TH_SECOND, 20 * TH_SECOND);
}

/* Whose other side is gone gives up all the same. */
static void spare(struct connection *connection, unsigned side) {
  struct end *end = connection->ends[side];
  if (lives(end) && end->act.run == give_up && !sim_end_is_gone(connection->ends[1 - side]))
    sim_item_cancel(&end->act);
}

static void mend(struct connection *connection, unsigned to) {
  sim_pipe_resume(connection, to);
  spare(connection, 0);
  spare(connection, 1);
  if (!sim_chance(BROKEN)) return;
  for (unsigned side = 0; side < 2; side++)
    if (lives(connection->ends[side])) sim_pipe_reset(connection, side);
}

void sim_net_cut(unsigned from, unsigned to, bool is_cut) {
  if (sim_net()->hosts[from].cut[to] == is_cut) return;
  sim_net()->hosts[from].cut[to] = is_cut;
  for (struct connection *at = sim_net()->connections; at != NULL; at = at->next)
    for (unsigned side = 0; side < 2; side++)
      if (at->is_made && !at->is_silent && at->hosts[1 - side] == from && at->hosts[side] == to)
        (is_cut ? stall : mend)(at, side);
}

static bool is_busy(const struct connection *connection) {
  return connection->pipes[0].first != NULL || connection->pipes[1].first != NULL;
}

static bool joins(const struct connection *connection, unsigned one, unsigned other) {
  const unsigned *hosts = connection->hosts;
  return connection->is_made && !connection->is_silent &&
         ((hosts[0] == one && hosts[1] == other) || (hosts[0] == other && hosts[1] == one));
}

bool sim_net_draw_pair(unsigned *one, unsigned *other) {
  const struct connection *found = NULL;
  uint64_t seen = 0;
  for (const struct connection *at = sim_net()->connections; at != NULL; at = at->next) {
    if (!at->is_made || at->is_silent || at->hosts[0] == at->hosts[1]) continue;
    seen += is_busy(at) ? 8 : 1;
    if (sim_draw(seen) < (is_busy(at) ? 8 : 1)) found = at;
  }
  if (found == NULL) return false;
  *one = found->hosts[0];
  *other = found->hosts[1];
  return true;
}

void sim_net_break(unsigned one, unsigned other) {
  for (struct connection *at = sim_net()->connections; at != NULL; at = at->next)
    for (unsigned side = 0; side < 2 && joins(at, one, other); side++)
      if (lives(at->ends[side])) sim_pipe_reset(at, side);
}

/* The side on the host is gone without a word of its own; its kernel speaks for it, or nobody. */
static void lose_host(struct connection *connection, unsigned side, bool is_silent) {
  struct end *end = connection->ends[side], *left = connection->ends[1 - side];
  if (end != NULL) sim_end_finish(end, -ECONNRESET, true);
  if (!lives(left)) return;
  if (!is_silent) {
    sim_pipe_reset(connection, 1 - side);
    return;
  }
  connection->is_silent = true;
  if (left->act.loop == NULL)
    sim_item_at(&left->act, sim_end_loop(left), sim_after(sim_between(20, 75) * TH_SECOND),
                give_up);
}

void sim_net_crash(unsigned host, bool is_silent) {
  sim_net()->hosts[host].is_dead = true;
  sim_net()->hosts[host].is_up = !is_silent;
  for (struct connection *at = sim_net()->connections; at != NULL; at = at->next)
    for (unsigned side = 0; side < 2; side++)
      if (at->hosts[side] == host && (at->is_made || side == 0)) lose_host(at, side, is_silent);
}

/* Its kernel knows nothing of connections from before, and says so to who goes on with them. */
void sim_net_start(unsigned host) {
  sim_net()->hosts[host].is_dead = false;
  sim_net()->hosts[host].is_up = true;
  for (struct connection *at = sim_net()->connections; at != NULL; at = at->next)
    if (at->hosts[0] == host || at->hosts[1] == host) at->is_silent = false;
}

uint64_t sim_net_delay(void) {
  return sim_net()->delay;
}

size_t sim_net_connections(void) {
  size_t count = 0;
  for (struct connection *at = sim_net()->connections; at != NULL; at = at->next) count++;
  return count;
}

size_t sim_net_wires(void) {
  size_t count = 0;
  for (struct wire *at = sim_net()->wires; at != NULL; at = at->next) count++;
  return count;
}

uint64_t sim_net_lost(void) {
  return sim_net()->lost;
}
