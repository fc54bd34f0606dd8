/* sim_scale: what it costs a leader that one more system joins, with ten members, a hundred, a
 * thousand. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "sim.h"

#define MEASURED 10              /* joins, the last ones before each size */
#define PERIOD (120 * TH_SECOND) /* longer than all joins together: no check-in is among them */
#define JOINING (20 * TH_SECOND)
#define SEED 1

static double wall_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void join(struct sim_host *host, const struct sim_host *leader) {
  uint64_t until = sim_after(JOINING);
  sim_host_start(host);
  while (!sim_convention_is_member(host, leader) && sim_now() < until)
    sim_world_step(host->world, until);
  if (sim_now() >= until)
    sim_ledger_violated(&host->world->ledger, "host %u does not become a member", host->index);
}

/* The messages that were handled at the leader since some number of them was: but for those that
 * this question takes. */
static int64_t count_messages(struct sim_host *leader, int64_t since) {
  int64_t first = sim_books_sent(leader), second = sim_books_sent(leader);
  return first - since - (second - first);
}

/* Has systems join until there are so many, and gives what each of the last ones cost. */
static double join_until(struct sim_world *world, unsigned present, unsigned members) {
  struct sim_host *leader = &world->hosts[0];
  int64_t before = 0;
  for (unsigned i = present + 1; i <= members; i++) {
    if (i + MEASURED == members + 1) before = sim_books_sent(leader);
    join(&world->hosts[i], leader);
  }
  return (double)count_messages(leader, before) / MEASURED;
}

/* What each member costs in a period in which nothing else happens. */
static double stay(struct sim_world *world, unsigned members) {
  int64_t before = sim_books_sent(&world->hosts[0]);
  sim_world_run(world, sim_after(PERIOD));
  return (double)count_messages(&world->hosts[0], before) / members;
}

/* By more than what a look at the clock between two joins makes. */
static bool is_more(double messages, double first) {
  return messages > first + 0.5;
}

static void grow(struct sim_world *world, unsigned members) {
  double first = 0, began = wall_seconds();
  sim_host_start(&world->hosts[0]);
  for (unsigned present = 0, next = MEASURED; present < members; present = next, next *= 10) {
    if (next > members) next = members;
    double each = join_until(world, present, next), period = stay(world, next);
    if (present == 0) first = each;
    printf(
      "sim: scale: %4u members: %.1f messages at the leader for each that joins, %.1f for each "
      "member and period; %.1f s so far\n",
      next, each, period, wall_seconds() - began);
    fflush(stdout);
    if (is_more(each, first))
      sim_ledger_violated(&world->ledger, "with %u members one more costs the leader more", next);
  }
}

bool sim_scale(unsigned members, bool is_traced) {
  struct sim_engine engine;
  struct sim_world world = {
    .base = TH_BASE_TCP, .mailbox_limit = 100000, .leader_count = 1, .period = PERIOD};
  sim_engine_begin(&engine, SEED);
  sim_world_open(&world, members + 1, is_traced);
  grow(&world, members);
  sim_ledger_trouble(&world.ledger, 0, 0, UINT64_MAX);
  for (unsigned i = members + 1; i-- > 0;) sim_host_leave(&world.hosts[i]);
  unsigned violations = world.ledger.violations;
  if (violations > 0) printf("sim: scale: %s (violations: %u)\n", world.ledger.first, violations);
  sim_world_close(&world);
  sim_engine_begin(NULL, 0);
  return violations == 0;
}
