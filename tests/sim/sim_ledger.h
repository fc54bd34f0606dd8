/* sim_ledger: the history of a run, and what must hold of it.
 *
 * Parties are actors and programs' endpoints. Every message between parties has a number, in the
 * order of sending, and one fate:
 *
 *   received   by its receiver, once, and after all that the same sender sent to him before and
 *              that he received
 *   failed     received, and its receiver failed at it: then it comes back to its sender as poison
 *   dead       a dead letter: not where its receiver lives to the end, and nothing came between
 *   returned   undeliverable, as the sender's own link has told him
 *   lost       allowed only where a party is excused: its host crashed or left after that, or its
 *              link broke; or in datagrams
 *
 * A letter goes from the sender's host to the one whose system the receiver's address is of, and
 * from there to where he lives. When two of these lose each other, what one had not heard to be
 * received is dead there, and may have been received all the same. That is allowed only between
 * hosts that faults have kept apart for long enough, or one of which crashed or left (parted).
 *
 * A child is expected from its creation on; it is born once, or not at all, and may be born on
 * another host. Its end is told to its parent once: after it, but where it lives on a host that has
 * parted from the parent's. At the end whoever was expected was born or has failed, and nobody lives
 * whose end was told. A name has one actor at a time in a system; where he lives elsewhere, a forward
 * has it, who may receive by another's address.
 *
 * The first violation is kept in words; each is counted.
 *
 * Threads: one. Owns: its records.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "message/address.h"
#include "sim_net.h"

#define SIM_NOBODY UINT32_MAX

struct sim_party {
  struct th_address address;
  unsigned host;   /* where it lives */
  unsigned at;     /* the host whose system its address is of */
  uint32_t parent; /* SIM_NOBODY for none */
  int64_t kind;    /* of hosts, where alone it can live; -1: on any */
  bool is_program;
  bool is_born;
  bool is_forward; /* it has a name, and its actor lives elsewhere by another address */
  bool is_gone;
  bool is_orphan;   /* the system that its address is of is no more: it is to go, too */
  uint32_t excused; /* letters up to this number may be lost */
  unsigned notices; /* of its end */
  char name[16];
};

enum sim_fate { SIM_SENT, SIM_RECEIVED, SIM_FAILED, SIM_POISONED, SIM_DEAD, SIM_RETURNED };
#define SIM_FATES (SIM_RETURNED + 1)

struct sim_letter {
  uint32_t sender;
  uint32_t receiver;
  enum sim_fate fate;
  bool is_later; /* to be sent when a time has come: in no order with others */
};

struct sim_ledger {
  struct sim_party *parties;
  uint32_t party_count;
  struct sim_letter *letters; /* number 1 is the first */
  uint32_t letter_count;
  struct th_map by_address;
  struct th_map latest; /* received, by pair */
  bool is_loose;        /* between hosts letters may get lost */
  uint64_t parted_from; /* so much trouble may part two hosts */
  bool is_any_parted;
  unsigned host_count;
  uint64_t *trouble; /* for each two hosts: how long faults have kept them apart, in all */
  unsigned violations;
  char first[512];
};

void sim_ledger_init(struct sim_ledger *ledger, unsigned host_count);

/* A fault keeps two hosts apart for so long; with one and the same, that one from all. */
void sim_ledger_trouble(struct sim_ledger *ledger, unsigned one, unsigned other, uint64_t time);
bool sim_ledger_is_parted(const struct sim_ledger *ledger, unsigned one, unsigned other);

void sim_ledger_clear(struct sim_ledger *ledger);

void sim_ledger_violated(struct sim_ledger *ledger, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

/* Records are borrowed until the next party comes. Expect gives who is there already by that address.
 */
uint32_t sim_ledger_expect(struct sim_ledger *ledger, const struct th_address *address,
                           unsigned host, uint32_t parent);
uint32_t sim_ledger_add(struct sim_ledger *ledger, const struct th_address *address, unsigned host,
                        uint32_t parent);
uint32_t sim_ledger_find(const struct sim_ledger *ledger, const struct th_address *address);
struct sim_party *sim_ledger_party(struct sim_ledger *ledger, uint32_t party);

/* It lives on that host now. */
void sim_ledger_born(struct sim_ledger *ledger, uint32_t party, unsigned host);

/* An actor, or its forward, is now called so. */
void sim_ledger_named(struct sim_ledger *ledger, uint32_t party, const char *name);

/* A message is sent: gives its number. */
uint32_t sim_ledger_sent(struct sim_ledger *ledger, uint32_t sender, uint32_t receiver);

/* The message sent last leaves only when a time has come. */
void sim_ledger_later(struct sim_ledger *ledger);

/* What became of it. */
void sim_ledger_received(struct sim_ledger *ledger, uint32_t number, uint32_t receiver);
void sim_ledger_fate(struct sim_ledger *ledger, uint32_t number, enum sim_fate fate);

/* A parent was told of a child's end. */
void sim_ledger_notice(struct sim_ledger *ledger, uint32_t parent, const struct th_address *child);

/* A host crashed, or has left: its parties are gone. */
void sim_ledger_excuse_host(struct sim_ledger *ledger, unsigned host);

/* Nothing is on its way any more: all must be accounted for. Counts the fates. */
void sim_ledger_settle(struct sim_ledger *ledger, uint64_t fates[SIM_FATES]);

#endif
