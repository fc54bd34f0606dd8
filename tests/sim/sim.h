/* sim: a world of simulated hosts, each with a real actor system that has no threads.
 *
 * Who takes part: hosts, whose systems run probe actors (sim_probe.c), and programs
 * (sim_program.c), which speak to a system over a link as any program does. The world (sim_world.c)
 * always lets the one go on whose time comes next. The story (sim_story.c) has them act, and has
 * things go wrong, for a while; then all is healed, what is on its way arrives, and the ledger is
 * settled.
 *
 * Threads: one. Owns: systems, programs, the ledger.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actor/script.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "message/message.h"
#include "sim_convention.h"
#include "sim_engine.h"
#include "sim_ledger.h"
#include "sim_net.h"
#include "system/system.h"

#define SIM_PORT 1900
#define SIM_KINDS 3 /* of systems: who needs one of a kind may be born elsewhere */
#define SIM_NAMES 3

struct sim_program;

struct sim_host {
  struct sim_world *world;
  unsigned index;
  struct th_system *system; /* NULL: crashed */
  struct th_loop *loop;     /* the system's; NULL where it has none */
  struct th_log *log;       /* its own: where the run is traced standard error, else nowhere */
  struct th_address own;    /* an endpoint of ours: it hears of dead letters */
  uint64_t not_before;      /* its threads get no time */
  uint64_t lag;             /* after each turn, at most: a slow machine */
  struct th_message *reply; /* the last one to our endpoint */
  struct sim_hearsay hearsay;
  int64_t kind;
  bool is_outbound_only;
  bool is_leaving;
};

enum sim_fault {
  SIM_FAULT_CUT,
  SIM_FAULT_HALF_CUT,
  SIM_FAULT_CRASH,
  SIM_FAULT_SILENT_CRASH,
  SIM_FAULT_STALL,
  SIM_FAULT_SLOW,
  SIM_FAULT_PROGRAM,
  SIM_FAULT_BREAK,
  SIM_FAULT_LEAVE, /* it is shut down, and may come again */
  SIM_FAULT_JUMP,  /* its clock jumps ahead, as if it had slept */
  SIM_FAULTS
};

struct sim_world {
  struct sim_ledger ledger;
  const char *base;
  int64_t mailbox_limit;
  unsigned host_count;
  unsigned leader_count; /* the first hosts; 0: there is no convention */
  uint64_t period;       /* of check-ins */
  struct sim_host *hosts;
  uint64_t *next; /* for each host: when it has something to do */
  struct sim_program *programs;
  struct th_bytes *bundle; /* that actors may be created from; NULL: they are not */
  char bundle_hash[TH_DIGEST_TEXT_SIZE];
  bool is_calm; /* nobody begins anything new */
  uint64_t faults[SIM_FAULTS];
  uint64_t changes; /* of capabilities */
  uint64_t turns;
};

/* What a run has shown. */
struct sim_result {
  uint64_t fates[SIM_FATES];
  uint64_t faults[SIM_FAULTS];
  uint64_t changes; /* of capabilities */
  uint64_t time;    /* simulated */
  uint64_t history;
  uint64_t lost; /* loose frames */
  uint64_t parties;
  uint64_t systems;
  bool is_convention;
  unsigned violations;
  char first[512];
};

/* One run, from a seed; the number of hosts is drawn between the two, or (0 and 0) as suits most
 * seeds. */
void sim_run(uint64_t seed, unsigned least_hosts, unsigned most_hosts, bool is_traced,
             struct sim_result *result);

/* So many systems join one leader, one after the other, in simulated time. Prints how many messages
 * that costs the leader, for each; true when it costs no more where more are there. */
bool sim_scale(unsigned members, bool is_traced);

/* ---- world ---- */

/* For the engine that runs: so many hosts that are not up yet. Zeroed before. */
void sim_world_open(struct sim_world *world, unsigned host_count, bool is_traced);
void sim_world_close(struct sim_world *world);

void sim_host_start(struct sim_host *host);
void sim_host_crash(struct sim_host *host, bool is_silent);
void sim_host_free(struct sim_host *host);

/* Shuts it down while the others go on, looks for what is left of it, and frees it. Not from within
 * others' turns. */
void sim_host_leave(struct sim_host *host);

/* Sends to the system from its host's endpoint; takes message. */
void sim_host_route(struct sim_host *host, struct th_message *message);

/* Asks the system's admin for something whose answer nobody waits for. */
void sim_host_request(struct sim_host *host, const struct th_buffer *request);

/* Asks the system's admin; gives the reply, or NULL when there is none in time. Not from within
 * others' turns. */
struct th_message *sim_host_ask(struct sim_host *host, const struct th_buffer *request);

/* Changes the capability that says of what kind its system is, as a program would. Not from within
 * others' turns. */
void sim_host_set_kind(struct sim_host *host, int64_t kind);

/* At rest: nobody is held there. */
void sim_host_check_holds(const struct sim_host *host);

/* Has one of those do it who have something to do soonest, if that is not after until; else time
 * moves to until. Run does so until then. */
void sim_world_step(struct sim_world *world, uint64_t until);
void sim_world_run(struct sim_world *world, uint64_t until);

/* A fault keeps two hosts apart for so long; one and the same: this one from all. Links between
 * them, now or from now on, may break through no fault of their own. */
void sim_world_disturbed(struct sim_world *world, unsigned one, unsigned other, uint64_t time);
bool sim_world_is_disturbed(const struct sim_world *world, unsigned host);

/* ---- books: the status of a system; not from within others' turns ---- */

/* At rest: the books balance, and names belong to those who have them. */
void sim_books_check(struct sim_host *host);

/* All messages so far, to who lives there and from there to others; -1 when it does not say. */
int64_t sim_books_sent(struct sim_host *host);

/* ---- a bundle ---- */

/* Draws whether there is one. */
void sim_source_draw(struct sim_world *world);
void sim_source_free(struct sim_world *world);

/* The host may load it. */
void sim_source_load(struct sim_host *host);
void sim_source_unload(struct sim_host *host);

/* A host that another one fetches it from now; host_count for none. */
unsigned sim_source_giver(const struct sim_world *world);

/* Nobody waits for it any more. */
void sim_source_check(const struct sim_host *host);

/* ---- probes ---- */

extern const struct th_script sim_probe_script;

/* A message from one party to another, entered into the ledger: [number, depth, ballast]. Who
 * receives it may act on it, as deep as depth. */
struct th_message *sim_letter_new(struct sim_world *world, uint32_t sender, uint32_t receiver,
                                  int64_t depth);

/* The same with as much ballast as a letter ever has. */
struct th_message *sim_letter_heavy(struct sim_world *world, uint32_t sender, uint32_t receiver);

/* The number of the letter that a payload is, or that it encloses as a notice; 0: none. */
uint32_t sim_letter_number(const void *payload, size_t size);

/* A kind of system that a creation needs; -1: any. */
int64_t sim_draw_kind(const struct sim_world *world);

/* Any party, gone ones too; SIM_NOBODY where there is none yet. */
uint32_t sim_draw_party(const struct sim_world *world);

/* ---- programs ---- */

/* On a host, with a system of another, or of the same. */
struct sim_program *sim_program_new(struct sim_world *world, unsigned host, unsigned at);
void sim_program_act(struct sim_program *program);
void sim_program_close(struct sim_program *program);
bool sim_program_is_open(const struct sim_program *program);
void sim_program_free(struct sim_program *program);
struct sim_program *sim_program_next(const struct sim_program *program);
struct th_loop *sim_program_loop(const struct sim_program *program);
unsigned sim_program_host(const struct sim_program *program);
void sim_program_disturbed(struct sim_program *program, unsigned one, unsigned other);

#endif
