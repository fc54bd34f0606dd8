#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "sim.h"
#include "sim_loop.h"
#include "system/inside.h"

#define REPLY_TIME (5 * TH_SECOND)
#define GRACE 600.0 /* simulated seconds */
#define LEAVING (300 * TH_SECOND)
#define MOST_TURNS UINT64_C(10000000)

/* ---- the whole ---- */

void sim_world_open(struct sim_world *world, unsigned host_count, bool is_traced) {
  sim_engine()->is_traced = is_traced;
  sim_engine()->world = world;
  sim_engine()->step = sim_world_step;
  world->host_count = host_count;
  world->hosts = th_alloc(host_count * sizeof *world->hosts);
  world->next = th_alloc(host_count * sizeof *world->next);
  for (unsigned i = 0; i < host_count; i++) sim_engine_stir(i);
  for (unsigned i = 0; i < host_count; i++)
    world->hosts[i] = (struct sim_host){.world = world, .index = i};
  sim_net_begin(host_count);
  sim_ledger_init(&world->ledger, host_count);
}

void sim_world_close(struct sim_world *world) {
  sim_ledger_clear(&world->ledger);
  sim_source_free(world);
  sim_net_end();
  free(world->hosts);
  free(world->next);
}

/* ---- our own endpoint on each system ---- */

static void deliver(void *context, struct th_message *message) {
  struct sim_host *host = context;
  bool is_letter = message->kind == TH_KIND_DEAD_ENVELOPE && !sim_engine()->is_dark;
  uint32_t number = is_letter ? sim_letter_number(message->payload, message->size) : 0;
  if (number != 0) sim_ledger_fate(&host->world->ledger, number, SIM_DEAD);
  if (message->kind == TH_KIND_SYSTEM && !sim_engine()->is_dark) sim_convention_hear(host, message);
  if (message->kind == TH_KIND_REPLY) {
    th_message_free(host->reply);
    host->reply = message;
  } else {
    th_message_free(message);
  }
}

static void closed(void *context) {
  (void)context;
}

static const struct th_endpoint_events endpoint_events = {.deliver = deliver, .closed = closed};

void sim_host_route(struct sim_host *host, struct th_message *message) {
  sim_engine()->host = host->index;
  th_system_route(host->system, message);
  th_system_crank(host->system, TH_FOREVER);
  sim_engine_stir(host->index);
}

static struct th_message *new_request(struct sim_host *host, const struct th_buffer *request) {
  struct th_message *message = th_message_pack(TH_KIND_REQUEST, th_system_admin(host->system),
                                               &host->own, request);
  message->ticket = 1;
  return message;
}

struct th_message *sim_host_ask(struct sim_host *host, const struct th_buffer *request) {
  uint64_t until = sim_after(REPLY_TIME);
  th_message_free(host->reply);
  host->reply = NULL;
  sim_host_route(host, new_request(host, request));
  while (host->reply == NULL && sim_now() < until) sim_world_step(host->world, until);
  struct th_message *reply = host->reply;
  host->reply = NULL;
  return reply;
}

void sim_host_request(struct sim_host *host, const struct th_buffer *request) {
  sim_host_route(host, new_request(host, request));
}

static void listen(struct sim_host *host, enum th_operation operation) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, operation);
  th_pack_bool(&buffer, true);
  sim_host_route(host, new_request(host, &buffer));
  th_buffer_clear(&buffer);
}

void sim_host_set_kind(struct sim_host *host, int64_t kind) {
  struct th_buffer buffer;
  sim_trace("host %u is now of kind %d", host->index, (int)kind);
  host->kind = kind;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 3);
  th_pack_int(&buffer, TH_OP_CAPABILITY);
  th_pack_text(&buffer, "Kind");
  th_pack_int(&buffer, kind);
  sim_host_route(host, new_request(host, &buffer));
  th_buffer_clear(&buffer);
}

/* ---- hosts ---- */

static void pack_capabilities(const struct sim_host *host, struct th_buffer *map) {
  struct th_buffer more;
  char ip[16];
  uint32_t number = sim_net_ip(host->index);
  snprintf(ip, sizeof ip, "%u.%u.%u.%u", number >> 24, number >> 16 & 255, number >> 8 & 255,
           number & 255);
  th_buffer_init(&more);
  th_pack_map(map, 3 + sim_convention_pack(host, &more));
  th_pack_text(map, "Admin Host");
  th_pack_text(map, ip);
  th_pack_text(map, "Admin Port");
  th_pack_int(map, SIM_PORT);
  th_pack_text(map, "Mailbox Limit");
  th_pack_int(map, host->world->mailbox_limit);
  th_pack_raw(map, more.data, more.size);
  th_buffer_clear(&more);
}

void sim_host_start(struct sim_host *host) {
  struct th_buffer map;
  struct th_reason reason = {""};
  sim_engine()->host = host->index;
  sim_net_start(host->index);
  /* There always is one, with the same lines: warnings are sent to the leader. */
  th_log_open(&host->log, sim_engine()->is_traced ? NULL : "/dev/null", 0, TH_LOG_INFO);
  th_buffer_init(&map);
  pack_capabilities(host, &map);
  struct th_system_config config = {.base = host->world->base,
                                    .capabilities = map.data,
                                    .capabilities_size = map.size,
                                    .script = &sim_probe_script,
                                    .log = host->log,
                                    .is_cranked = true};
  int error = th_system_start(&host->system, &config, &reason);
  th_buffer_clear(&map);
  if (error != 0) {
    sim_ledger_violated(&host->world->ledger, "host %u cannot start: %s", host->index,
                        reason.words);
    host->system = NULL;
    th_log_close(host->log);
    return;
  }
  host->loop = sim_engine()->loops;
  host->not_before = 0;
  sim_engine_stir(host->index);
  host->own = th_system_endpoint_open(host->system, &endpoint_events, host);
  sim_trace("host %u is up", host->index);
  sim_hearsay_init(&host->hearsay);
  listen(host, TH_OP_DEAD_LETTERS);
  listen(host, TH_OP_REGISTRATIONS);
  sim_source_load(host);
}

/* Frees the system as one does; what is left of it afterwards is for asan to find. */
void sim_host_free(struct sim_host *host) {
  struct th_system *system = host->system;
  sim_engine()->host = host->index;
  host->system = NULL; /* nobody else turns it */
  host->loop = NULL;
  sim_engine_stir(host->index);
  th_system_endpoint_close(system, &host->own);
  if (!th_system_free(system, GRACE))
    sim_ledger_violated(&host->world->ledger, "host %u does not end", host->index);
  th_log_close(host->log);
  th_message_free(host->reply);
  host->reply = NULL;
  sim_hearsay_clear(&host->hearsay);
}

void sim_host_check_holds(const struct sim_host *host) {
  if (th_holds_expire(host->system->holds, 0) != TH_FOREVER)
    sim_ledger_violated(&host->world->ledger, "somebody on host %u is held, and nothing goes on",
                        host->index);
}

/* Nobody lives there any more: nothing may wait for anybody. */
static void check_remains(struct sim_host *host) {
  struct sim_ledger *ledger = &host->world->ledger;
  const struct th_system *system = host->system;
  size_t living = atomic_load(&system->living);
  size_t hosted = th_hosting_count(system->hosting);
  if (living != 0 || hosted != 0)
    sim_ledger_violated(ledger, "host %u has ended with %zu actors, %zu of others' systems",
                        host->index, living, hosted);
}

void sim_host_leave(struct sim_host *host) {
  uint64_t until = sim_after(LEAVING);
  host->is_leaving = true;
  sim_engine_stir(host->index);
  sim_engine()->host = host->index;
  th_system_shutdown(host->system);
  th_system_crank(host->system, TH_FOREVER);
  while (!th_system_wait(host->system, 0) && sim_now() < until) sim_world_step(host->world, until);
  if (sim_now() >= until)
    sim_ledger_violated(&host->world->ledger, "host %u does not shut down", host->index);
  check_remains(host);
  sim_host_free(host);
  sim_net_crash(host->index, false);
  host->is_leaving = false;
}

static void free_programs_of(struct sim_world *world, unsigned host) {
  struct sim_program *program = world->programs;
  while (program != NULL) {
    struct sim_program *next = sim_program_next(program);
    if (sim_program_host(program) == host) sim_program_free(program);
    program = next;
  }
}

void sim_host_crash(struct sim_host *host, bool is_silent) {
  struct sim_engine *engine = sim_engine();
  sim_world_disturbed(host->world, host->index, host->index, UINT64_MAX);
  sim_net_crash(host->index, is_silent);
  sim_ledger_excuse_host(&host->world->ledger, host->index);
  engine->is_dark = true;
  free_programs_of(host->world, host->index);
  sim_host_free(host);
  engine->is_dark = false;
  engine->dark = 0;
}

void sim_world_disturbed(struct sim_world *world, unsigned one, unsigned other, uint64_t time) {
  sim_ledger_trouble(&world->ledger, one, other, time);
  for (struct sim_program *at = world->programs; at != NULL; at = sim_program_next(at))
    sim_program_disturbed(at, one, other);
}

bool sim_world_is_disturbed(const struct sim_world *world, unsigned host) {
  const struct sim_host *own = &world->hosts[host];
  if (own->system == NULL || own->is_leaving || own->lag > 0 || own->not_before > sim_now())
    return true;
  for (unsigned i = 0; i < world->host_count; i++)
    if (sim_net_is_cut(host, i) || sim_net_is_cut(i, host)) return true;
  return false;
}

/* ---- who goes on ---- */

static uint64_t host_next(const struct sim_host *host) {
  if (host->system == NULL) return TH_FOREVER;
  uint64_t timer = sim_world_time(host->index, th_system_next_timer(host->system));
  uint64_t loop = sim_loop_next(host->loop);
  uint64_t next = loop < timer ? loop : timer;
  return next < host->not_before ? host->not_before : next;
}

static uint64_t program_next(const struct sim_program *program) {
  struct th_loop *loop = sim_program_loop(program);
  return th_on_loop(loop) ? TH_FOREVER : sim_loop_next(loop);
}

/* Only a host's own turns, and what comes to its loop, change when it has something to do. Most of
 * all steps look at most hosts in vain, so what is looked at lies together. */
static uint64_t world_next(struct sim_world *world) {
  uint64_t next = TH_FOREVER;
  bool *is_stale = sim_engine()->is_stale;
  for (unsigned i = 0; i < world->host_count; i++) {
    if (is_stale[i]) world->next[i] = host_next(&world->hosts[i]);
    is_stale[i] = false;
    if (world->next[i] < next) next = world->next[i];
  }
  for (struct sim_program *at = world->programs; at != NULL; at = sim_program_next(at)) {
    uint64_t own = program_next(at);
    if (own < next) next = own;
  }
  return next;
}

/* Whose turn it is. Two that answer each other without end would go unnoticed by the clock. */
static void begin_turn(struct sim_world *world, unsigned host) {
  sim_engine()->host = host;
  if (++world->turns < MOST_TURNS) return;
  fprintf(stderr, "sim: it goes on for ever\n");
  abort();
}

static void turn_host(struct sim_host *host) {
  begin_turn(host->world, host->index);
  th_system_crank(host->system, TH_FOREVER);
  if (host->lag > 0) host->not_before = sim_after(sim_draw(host->lag));
  sim_engine_stir(host->index);
}

/* Of those whose time has come, one in so many in turn. */
static bool turn_one(struct sim_world *world, uint64_t now, uint64_t *skip) {
  for (unsigned i = 0; i < world->host_count; i++)
    if (world->next[i] <= now && (*skip)-- == 0) {
      turn_host(&world->hosts[i]);
      return true;
    }
  for (struct sim_program *at = world->programs; at != NULL; at = sim_program_next(at))
    if (program_next(at) <= now && (*skip)-- == 0) {
      begin_turn(world, sim_program_host(at));
      th_loop_run(sim_program_loop(at), 0);
      return true;
    }
  return false;
}

/* Whoever waits within a turn is that host's code again afterwards. */
void sim_world_step(struct sim_world *world, uint64_t until) {
  struct sim_engine *engine = sim_engine();
  unsigned host = engine->host;
  uint64_t next = world_next(world);
  if (next == TH_FOREVER && until == TH_FOREVER) {
    fprintf(stderr, "sim: everybody waits for ever\n");
    abort();
  }
  if (next > until) {
    engine->now = until > engine->now ? until : engine->now;
    return;
  }
  if (next > engine->now) engine->now = next;
  uint64_t skip = sim_draw(3);
  while (!turn_one(world, engine->now, &skip)) continue;
  engine->host = host;
}

void sim_world_run(struct sim_world *world, uint64_t until) {
  while (sim_now() < until) sim_world_step(world, until);
}
