/* sim_story: one run. Programs and actors act and things go wrong for a while, by chance; then all
 * is healed and calm, what is on its way arrives, and everything has to be accounted for. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "sim.h"

#define RECOVERIES 256
#define LONGEST (15 * TH_SECOND) /* of what happens */
#define FIRST (5 * TH_SECOND)    /* until who was never met is given up */
#define BREAK_TIME (100 * TH_MILLISECOND)
#define SETTLING (120 * TH_SECOND)

static const char *const fault_words[SIM_FAULTS] = {
  "cut",      "one-way cut",        "crash", "silent crash", "stall",
  "slowness", "crash of a program", "break", "absence",      "jump of the clock"};

struct recovery {
  uint64_t when;
  enum sim_fault fault;
  unsigned one;
  unsigned other;
};

struct story {
  struct sim_world world;
  bool has_faults;
  uint64_t next_act;
  uint64_t next_fault;
  uint64_t next_change;
  struct recovery recoveries[RECOVERIES];
  unsigned recovery_count;
};

static struct sim_host *draw_host(struct sim_world *world) {
  return &world->hosts[sim_draw(world->host_count)];
}

/* ---- faults ---- */

static void recover(struct story *story, const struct recovery *recovery) {
  struct sim_host *one = &story->world.hosts[recovery->one];
  switch (recovery->fault) {
  case SIM_FAULT_CUT:
    sim_net_cut(recovery->other, recovery->one, false);
    sim_net_cut(recovery->one, recovery->other, false);
    break;
  case SIM_FAULT_HALF_CUT:
    sim_net_cut(recovery->one, recovery->other, false);
    break;
  case SIM_FAULT_CRASH:
  case SIM_FAULT_SILENT_CRASH:
  case SIM_FAULT_LEAVE:
    sim_host_start(one);
    sim_program_new(&story->world, recovery->one, (unsigned)sim_draw(story->world.host_count));
    break;
  case SIM_FAULT_SLOW:
    one->lag = 0;
    break;
  default:
    break;
  }
}

static void crash_program(struct sim_world *world) {
  struct sim_program *program = world->programs;
  for (uint64_t skip = sim_draw(8); skip > 0 && program != NULL; skip--)
    program = sim_program_next(program);
  if (program == NULL) return;
  unsigned host = sim_program_host(program);
  sim_program_disturbed(program, host, host);
  sim_program_free(program);
  sim_program_new(world, host, (unsigned)sim_draw(world->host_count));
}

static bool is_of_pair(enum sim_fault fault) {
  return fault == SIM_FAULT_CUT || fault == SIM_FAULT_HALF_CUT || fault == SIM_FAULT_BREAK;
}

/* Nothing that has gone wrong ends while a host leaves, which may take as long as its links have
 * patience. */
static void prolong(struct story *story) {
  for (unsigned i = 0; i < story->recovery_count; i++) {
    const struct recovery *at = &story->recoveries[i];
    unsigned other = is_of_pair(at->fault) ? at->other : at->one;
    if (at->fault != SIM_FAULT_BREAK)
      sim_world_disturbed(&story->world, at->one, other, UINT64_MAX);
  }
}

/* Programs on the host end with it. */
static void leave(struct story *story, struct sim_host *host) {
  struct sim_world *world = &story->world;
  struct sim_program *next;
  prolong(story);
  sim_world_disturbed(world, host->index, host->index, UINT64_MAX);
  sim_host_leave(host);
  sim_ledger_excuse_host(&world->ledger, host->index);
  for (struct sim_program *at = world->programs; at != NULL; at = next) {
    next = sim_program_next(at);
    if (sim_program_host(at) == host->index) sim_program_free(at);
  }
}

/* Mostly by so much that its system cannot but notice: then nobody may suffer for it. Less takes
 * away from the patience that it has with others. */
static void jump(struct sim_world *world, struct sim_host *host) {
  uint64_t noticed = world->period + 3 * TH_SECOND;
  uint64_t time = noticed + sim_draw((sim_chance(300) ? 300 : 20) * TH_SECOND);
  if (sim_chance(250)) time = sim_draw(noticed);
  if (time < noticed) sim_world_disturbed(world, host->index, host->index, time);
  sim_trace("the clock of host %u jumps by %.3f s", host->index, (double)time / (double)TH_SECOND);
  sim_engine_jump(host->index, time);
}

static void strike(struct story *story, const struct recovery *fault) {
  struct sim_world *world = &story->world;
  struct sim_host *host = &world->hosts[fault->one];
  switch (fault->fault) {
  case SIM_FAULT_CUT:
    sim_net_cut(fault->other, fault->one, true);
    sim_net_cut(fault->one, fault->other, true);
    break;
  case SIM_FAULT_HALF_CUT:
    sim_net_cut(fault->one, fault->other, true);
    break;
  case SIM_FAULT_CRASH:
  case SIM_FAULT_SILENT_CRASH:
    sim_host_crash(host, fault->fault == SIM_FAULT_SILENT_CRASH);
    break;
  case SIM_FAULT_STALL:
    host->not_before = fault->when;
    sim_engine_stir(host->index);
    break;
  case SIM_FAULT_SLOW:
    host->lag = sim_between(1, 50) * TH_MILLISECOND;
    break;
  case SIM_FAULT_BREAK:
    sim_net_break(fault->one, fault->other);
    break;
  case SIM_FAULT_LEAVE:
    leave(story, host);
    break;
  case SIM_FAULT_JUMP:
    jump(world, host);
    break;
  default:
    crash_program(world);
  }
}

/* Mostly short, so that much of it falls within what happens; often about as long as systems wait
 * for each other, and now and then past every patience. */
static uint64_t draw_duration(const struct sim_world *world) {
  if (sim_chance(500)) return sim_between(10, 1000) * TH_MILLISECOND;
  if (sim_chance(500)) return 2 * world->period + sim_draw(2 * world->period + 1);
  return sim_between(1, sim_chance(300) ? 60 : 10) * TH_SECOND;
}

static void disturb(struct sim_world *world, const struct recovery *fault) {
  uint64_t time = fault->when - sim_now();
  if (is_of_pair(fault->fault)) {
    bool is_long = fault->one != fault->other && fault->fault != SIM_FAULT_BREAK;
    /* To connect again and to be greeted takes two times there and back. */
    uint64_t again = BREAK_TIME + 4 * sim_net_delay();
    sim_world_disturbed(world, fault->one, fault->other, is_long ? time : again);
  } else if (fault->fault != SIM_FAULT_PROGRAM && fault->fault != SIM_FAULT_JUMP) {
    sim_world_disturbed(world, fault->one, fault->one, time);
  }
}

static enum sim_fault draw_fault(void) {
  return sim_chance(250) ? SIM_FAULT_BREAK : (enum sim_fault)sim_draw(SIM_FAULTS);
}

static void make_fault(struct story *story, enum sim_fault kind, unsigned one) {
  struct sim_world *world = &story->world;
  struct recovery fault = {.when = sim_after(draw_duration(world)),
                           .fault = kind,
                           .one = one,
                           .other = draw_host(world)->index};
  if (is_of_pair(fault.fault) && sim_chance(800)) sim_net_draw_pair(&fault.one, &fault.other);
  if (world->hosts[fault.one].system == NULL || story->recovery_count == RECOVERIES) return;
  sim_trace("%s, host %u and %u", fault_words[fault.fault], fault.one, fault.other);
  disturb(world, &fault);
  world->faults[fault.fault]++;
  strike(story, &fault);
  bool is_for_good = fault.fault == SIM_FAULT_JUMP ||
                     (fault.fault == SIM_FAULT_LEAVE && sim_chance(500));
  if (!is_for_good) story->recoveries[story->recovery_count++] = fault;
}

static void recover_until(struct story *story, uint64_t now) {
  for (unsigned i = 0; i < story->recovery_count;) {
    struct recovery recovery = story->recoveries[i];
    if (recovery.when > now) {
      i++;
      continue;
    }
    story->recoveries[i] = story->recoveries[--story->recovery_count];
    sim_trace("no more %s, host %u and %u", fault_words[recovery.fault], recovery.one,
              recovery.other);
    recover(story, &recovery);
  }
}

/* ---- what happens ---- */

static void act(struct sim_world *world) {
  struct sim_program *program = world->programs;
  for (uint64_t skip = sim_draw(8); skip > 0 && program != NULL; skip--)
    program = sim_program_next(program);
  if (program != NULL) sim_program_act(program);
}

/* A host comes to be of another kind; now and then it is soon what it was again. */
static void change_kind(struct sim_world *world) {
  struct sim_host *host = draw_host(world);
  if (host->system == NULL || host->not_before > sim_now()) return;
  int64_t before = host->kind;
  world->changes++;
  sim_host_set_kind(host, (before + 1 + (int64_t)sim_draw(SIM_KINDS - 1)) % SIM_KINDS);
  if (!sim_chance(150)) return;
  world->changes++;
  sim_host_set_kind(host, before);
}

static uint64_t earliest(const struct story *story, uint64_t end) {
  uint64_t next = story->next_act < end ? story->next_act : end;
  if (story->has_faults && story->next_fault < next) next = story->next_fault;
  if (story->next_change < next) next = story->next_change;
  for (unsigned i = 0; i < story->recovery_count; i++)
    if (story->recoveries[i].when < next) next = story->recoveries[i].when;
  return next;
}

/* A fetch is soon over: what may go wrong with it does so while there is one. */
static void trouble_fetch(struct story *story) {
  struct sim_world *world = &story->world;
  unsigned giver = sim_source_giver(world);
  if (giver == world->host_count) return;
  if (sim_chance(400))
    sim_source_unload(&world->hosts[giver]);
  else if (story->has_faults && sim_chance(600))
    make_fault(story, sim_chance(500) ? SIM_FAULT_SILENT_CRASH : draw_fault(), giver);
}

static void happen(struct story *story, uint64_t end) {
  while (sim_now() < end) {
    sim_world_run(&story->world, earliest(story, end));
    uint64_t now = sim_now();
    recover_until(story, now);
    if (story->next_act <= now) {
      act(&story->world);
      trouble_fetch(story);
      story->next_act = sim_after(sim_between(1, 150) * TH_MILLISECOND);
    }
    if (story->next_change <= now) {
      change_kind(&story->world);
      story->next_change = sim_after(sim_between(100, 8000) * TH_MILLISECOND);
    }
    if (story->has_faults && story->next_fault <= now) {
      make_fault(story, draw_fault(), draw_host(&story->world)->index);
      story->next_fault = sim_after(sim_between(50, 2000) * TH_MILLISECOND);
    }
  }
}

/* Most worlds are small: what goes wrong there goes wrong with few others. */
static unsigned draw_host_count(unsigned least, unsigned most) {
  if (most > 0) return (unsigned)sim_between(least, most);
  if (sim_chance(400)) return (unsigned)sim_between(1, 4);
  if (sim_chance(900)) return (unsigned)sim_between(3, 8);
  return (unsigned)sim_between(9, sim_chance(800) ? 30 : 100);
}

static void add_program(struct sim_world *world, unsigned host) {
  if (world->hosts[host].system != NULL) sim_program_new(world, host, draw_host(world)->index);
}

/* Some come later. */
static void start_host(struct story *story, unsigned index) {
  struct sim_host *host = &story->world.hosts[index];
  if (index == 0 || story->recovery_count == RECOVERIES || !sim_chance(200)) {
    sim_host_start(host);
    return;
  }
  story->recoveries[story->recovery_count++] = (struct recovery){
    .when = sim_after(sim_draw(LONGEST)), .fault = SIM_FAULT_LEAVE, .one = index};
}

/* How much trouble two systems bear for sure: a part of the time after which one gives the other
 * up, since connecting again takes time of its own. */
static uint64_t bearable(const struct sim_world *world) {
  uint64_t lost = world->leader_count > 0 ? 3 * world->period : 30 * TH_SECOND;
  return (lost < FIRST ? lost : FIRST) / 4;
}

static void begin(struct story *story) {
  struct sim_world *world = &story->world;
  world->base = sim_chance(700) ? TH_BASE_TCP : TH_BASE_UDP;
  world->ledger.is_loose = th_base_carrier(world->base) == TH_CARRIER_UDP;
  world->mailbox_limit = sim_chance(500) ? 100000 : (int64_t)sim_between(1, 40);
  story->has_faults = sim_chance(850);
  story->next_act = sim_now();
  story->next_fault = sim_after(sim_between(50, 3000) * TH_MILLISECOND);
  sim_convention_draw(world);
  sim_source_draw(world);
  story->next_change = world->leader_count > 0 ? sim_after(sim_draw(4 * TH_SECOND)) : TH_FOREVER;
  world->ledger.parted_from = bearable(world);
  for (unsigned i = 0; i < world->host_count; i++) start_host(story, i);
  for (uint64_t count = sim_between(1, 6); count > 0; count--)
    add_program(world, draw_host(world)->index);
}

/* ---- the end ---- */

static void calm_down(struct story *story) {
  struct sim_world *world = &story->world;
  world->is_calm = true;
  recover_until(story, TH_FOREVER);
  for (unsigned i = 0; i < world->host_count; i++) {
    world->hosts[i].not_before = 0;
    sim_engine_stir(i);
  }
  for (struct sim_program *at = world->programs; at != NULL; at = sim_program_next(at))
    sim_program_close(at);
  uint64_t end = sim_after(SETTLING);
  sim_world_run(world, sim_after(sim_convention_time(world)));
  if (world->leader_count > 0) sim_convention_check(world);
  sim_world_run(world, end);
  for (struct sim_program *at = world->programs; at != NULL; at = sim_program_next(at))
    if (sim_program_is_open(at))
      sim_ledger_violated(&world->ledger, "the link of a program on host %u does not close",
                          sim_program_host(at));
  while (world->programs != NULL) sim_program_free(world->programs);
}

/* Nobody has stayed where he cannot live. */
static void check_kinds(struct sim_world *world) {
  for (uint32_t i = 0; i < world->ledger.party_count; i++) {
    const struct sim_party *party = sim_ledger_party(&world->ledger, i);
    bool lives = party->is_born && !party->is_gone && party->kind >= 0;
    if (lives && party->kind != world->hosts[party->host].kind)
      sim_ledger_violated(&world->ledger, "p%u lives on host %u, which is of another kind now", i,
                          party->host);
  }
}

static void check_emptiness(struct sim_world *world) {
  struct sim_ledger *ledger = &world->ledger;
  for (uint32_t i = 0; i < ledger->party_count; i++)
    if (sim_ledger_party(ledger, i)->is_born && !sim_ledger_party(ledger, i)->is_gone)
      sim_ledger_violated(ledger, "p%u is still there", i);
  if (sim_net_connections() != 0 || sim_net_wires() != 0 || sim_engine()->loops != NULL)
    sim_ledger_violated(ledger, "%zu connections and %zu wires are still there",
                        sim_net_connections(), sim_net_wires());
}

static void end(struct story *story, struct sim_result *result) {
  struct sim_world *world = &story->world;
  calm_down(story);
  for (unsigned i = 0; i < world->host_count; i++)
    if (world->hosts[i].system != NULL) {
      sim_host_check_holds(&world->hosts[i]);
      sim_books_check(&world->hosts[i]);
    }
  check_kinds(world);
  sim_ledger_settle(&world->ledger, result->fates);
  for (unsigned i = 0; i < world->host_count; i++) {
    sim_ledger_trouble(&world->ledger, i, i, UINT64_MAX);
    if (world->hosts[i].system != NULL) sim_host_leave(&world->hosts[i]);
  }
  check_emptiness(world);
}

void sim_run(uint64_t seed, unsigned least_hosts, unsigned most_hosts, bool is_traced,
             struct sim_result *result) {
  struct sim_engine engine;
  struct story *story = th_new(struct story);
  struct sim_world *world = &story->world;
  *result = (struct sim_result){0};
  sim_engine_begin(&engine, seed);
  uint64_t beginning = engine.now;
  sim_world_open(world, draw_host_count(least_hosts, most_hosts), is_traced);
  begin(story);
  happen(story, sim_after(sim_between(TH_SECOND, LONGEST)));
  end(story, result);
  memcpy(result->faults, world->faults, sizeof result->faults);
  result->changes = world->changes;
  result->time = engine.now - beginning;
  result->history = engine.history;
  result->lost = sim_net_lost();
  result->systems = world->host_count;
  result->is_convention = world->leader_count > 0;
  result->parties = world->ledger.party_count;
  result->violations = world->ledger.violations;
  memcpy(result->first, world->ledger.first, sizeof result->first);
  sim_world_close(world);
  sim_engine_begin(NULL, 0);
  free(story);
}
