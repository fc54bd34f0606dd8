/* sim_program: programs outside, each with a loop, a wire and at most one link at a time. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "sim.h"
#include "sim_loop.h"
#include "transport/link.h"

#define LIMIT ((size_t)1 << 20)
#define FLOOD 80 /* heavy letters: more than a link gives to its wire at once */

struct sim_program {
  struct sim_program *next;
  struct sim_world *world;
  unsigned host;
  unsigned at; /* whose system */
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_link *link; /* NULL: it is not connected */
  bool is_welcome;
  bool is_disturbed;
  uint64_t left; /* when the link was closed from here; 0: it was not */
  uint32_t party;
  struct th_address admin;
};

static struct sim_ledger *ledger(const struct sim_program *program) {
  return &program->world->ledger;
}

/* ---- what a link tells ---- */

/* In datagrams letters may get lost on the best of days. */
static void excuse(struct sim_program *program) {
  if (program->party != SIM_NOBODY)
    sim_ledger_party(ledger(program), program->party)->excused = UINT32_MAX;
}

static void on_welcome(void *context, struct th_link *link, const struct th_welcome *welcome) {
  struct sim_program *program = context;
  (void)link;
  program->is_welcome = true;
  program->admin = welcome->admin;
  program->party = sim_ledger_add(ledger(program), &welcome->endpoint, program->host, SIM_NOBODY);
  sim_ledger_party(ledger(program), program->party)->is_program = true;
  sim_ledger_party(ledger(program), program->party)->at = program->at;
  sim_trace("p%u is a program's", program->party);
  if (program->is_disturbed || th_base_carrier(program->world->base) == TH_CARRIER_UDP)
    excuse(program);
}

static void take_message(struct sim_program *program, const struct th_message *message) {
  uint32_t number = sim_letter_number(message->payload, message->size);
  if (message->kind == TH_KIND_USER) sim_ledger_received(ledger(program), number, program->party);
  if (message->kind == TH_KIND_POISON) sim_ledger_fate(ledger(program), number, SIM_POISONED);
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  (void)link;
  if (!sim_engine()->is_dark) take_message(context, message);
  th_message_free(message);
}

static void on_undeliverable(void *context, struct th_link *link, struct th_message *message) {
  struct sim_program *program = context;
  (void)link;
  if (!sim_engine()->is_dark && message->kind == TH_KIND_USER)
    sim_ledger_fate(ledger(program), sim_letter_number(message->payload, message->size),
                    SIM_RETURNED);
  th_message_free(message);
}

/* The other side did not say bye while the link was patient: what was on its way between the two is
 * lost, as it is known to be. */
static bool has_given_up(const struct sim_program *program) {
  return program->left != 0 && sim_now() - program->left >= TH_LINK_PATIENCE / 2;
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  struct sim_program *program = context;
  sim_trace("link closed, %d: %s", error, words);
  if (error != 0 && !program->is_disturbed && program->is_welcome)
    sim_ledger_violated(ledger(program), "the link of p%u broke for no reason: %s", program->party,
                        words);
  if (error != 0 || has_given_up(program)) excuse(program);
  if (program->party != SIM_NOBODY)
    sim_ledger_party(ledger(program), program->party)->is_gone = true;
  program->link = NULL;
  program->party = SIM_NOBODY;
  program->is_welcome = false;
  th_link_unref(link); /* ours; its own goes after this */
}

static const struct th_link_events events = {.welcome = on_welcome,
                                             .message = on_message,
                                             .undeliverable = on_undeliverable,
                                             .closed = on_closed};

/* ---- what a program does ---- */

static void request_creation(struct sim_program *program) {
  struct th_buffer buffer;
  int64_t kind = sim_draw_kind(program->world);
  char name[16];
  snprintf(name, sizeof name, "name%u", (unsigned)sim_draw(SIM_NAMES));
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 5);
  th_pack_int(&buffer, TH_OP_CREATE);
  th_pack_text(&buffer, sim_chance(100) ? "fail" : "probe");
  kind >= 0 ? th_pack_int(&buffer, kind) : th_pack_nil(&buffer);
  th_pack_text(&buffer, sim_chance(300) ? name : NULL);
  th_pack_nil(&buffer);
  struct th_message *message = th_message_pack(TH_KIND_REQUEST, &program->admin, &TH_NOBODY,
                                               &buffer);
  th_buffer_clear(&buffer);
  message->ticket = 1;
  th_link_send(program->link, message);
}

static void write_letters(struct sim_program *program) {
  for (uint64_t count = sim_between(1, 12); count > 0; count--)
    th_link_send(program->link,
                 sim_letter_new(program->world, program->party, sim_draw_party(program->world),
                                (int64_t)sim_draw(4)));
}

/* More than a mailbox may hold, and than leaves at once. */
static void flood(struct sim_program *program) {
  uint32_t receiver = sim_draw_party(program->world);
  for (unsigned i = 0; i < FLOOD; i++)
    th_link_send(program->link, sim_letter_heavy(program->world, program->party, receiver));
  if (sim_chance(500)) sim_program_close(program);
}

static void ask_to_exit(struct sim_program *program) {
  struct th_buffer buffer;
  struct th_address target =
    sim_ledger_party(ledger(program), sim_draw_party(program->world))->address;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, sim_chance(700));
  th_link_send(program->link, th_message_pack(TH_KIND_EXIT_REQUEST, &target, &TH_NOBODY, &buffer));
  th_buffer_clear(&buffer);
}

static void open_link(struct sim_program *program) {
  static const struct th_hello hello = {
    .protocol = TH_PROTOCOL_VERSION, .role = TH_ROLE_PROGRAM, .version = TH_VERSION, .pid = 1};
  program->is_disturbed = sim_world_is_disturbed(program->world, program->host) ||
                          sim_world_is_disturbed(program->world, program->at);
  program->left = 0;
  if (th_link_connect(program->loop, program->wire, sim_net_ip(program->at), SIM_PORT, LIMIT,
                      &hello, &events, program, &program->link) != 0)
    program->link = NULL;
}

void sim_program_act(struct sim_program *program) {
  sim_engine()->host = program->host;
  if (program->link == NULL)
    open_link(program);
  else if (!program->is_welcome)
    return;
  else if (sim_chance(250))
    request_creation(program);
  else if (sim_chance(100))
    ask_to_exit(program);
  else if (sim_chance(80))
    sim_program_close(program);
  else if (sim_chance(20))
    flood(program);
  else
    write_letters(program);
}

/* What is sent from now on comes back. */
void sim_program_close(struct sim_program *program) {
  sim_engine()->host = program->host;
  if (program->link == NULL) return;
  if (program->left == 0) program->left = sim_now();
  th_link_close(program->link);
}

bool sim_program_is_open(const struct sim_program *program) {
  return program->link != NULL;
}

/* ---- life ---- */

struct sim_program *sim_program_new(struct sim_world *world, unsigned host, unsigned at) {
  struct sim_program *program = th_new(struct sim_program);
  sim_engine()->host = host;
  *program = (struct sim_program){.world = world, .host = host, .at = at, .party = SIM_NOBODY};
  th_loop_new(&program->loop);
  th_wire_new(th_base_carrier(world->base), program->loop, &program->wire);
  program->next = world->programs;
  world->programs = program;
  return program;
}

void sim_program_free(struct sim_program *program) {
  struct sim_program **place = &program->world->programs;
  sim_engine()->host = program->host;
  while (*place != program) place = &(*place)->next;
  *place = program->next;
  program->wire->ops->free(program->wire);
  th_loop_free(program->loop);
  free(program);
}

struct sim_program *sim_program_next(const struct sim_program *program) {
  return program->next;
}

struct th_loop *sim_program_loop(const struct sim_program *program) {
  return program->loop;
}

unsigned sim_program_host(const struct sim_program *program) {
  return program->host;
}

/* One and the same: all that it has to do with. */
void sim_program_disturbed(struct sim_program *program, unsigned one, unsigned other) {
  bool has_one = program->host == one || program->at == one;
  bool has_other = program->host == other || program->at == other;
  if (!has_one || !has_other) return;
  program->is_disturbed = true;
  excuse(program);
}
