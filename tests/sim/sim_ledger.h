/* sim_ledger: the history of a run, and what must hold of it.
 *
 * Parties are actors and programs' endpoints. Every message between parties has a number, in the
 * order of sending, and one fate:
 *
 *   received   by its receiver, once, and after all that the same sender sent to him before and
 *              that he received
 *   failed     received, and its receiver failed at it: then it comes back to its sender as poison
 *   dead       a dead letter
 *   returned   undeliverable, as the sender's own link has told him
 *   lost       allowed only where a party is excused: its host crashed, or its link broke
 *
 * When two systems lose each other, what one had not heard to be received is dead there, and may
 * have been received all the same. That is allowed only where a fault has touched one of the hosts.
 *
 * A child's end is told to its parent once: after it, but where it lived on another host, which may
 * have been given up before. A name has one actor at a time in a system.
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
  unsigned host;
  unsigned at;     /* the host whose system it belongs to */
  uint32_t parent; /* SIM_NOBODY for none */
  bool is_program;
  bool is_gone;
  bool is_excused;  /* what it sent, or was sent, may be lost */
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
  struct th_map latest;      /* received, by pair */
  bool is_loose;             /* between hosts letters may get lost */
  bool is_shaken[SIM_HOSTS]; /* a fault has touched this host */
  unsigned violations;
  char first[512];
};

void sim_ledger_init(struct sim_ledger *ledger);
void sim_ledger_clear(struct sim_ledger *ledger);

void sim_ledger_violated(struct sim_ledger *ledger, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

/* Records are borrowed until the next party comes. */
uint32_t sim_ledger_add(struct sim_ledger *ledger, const struct th_address *address, unsigned host,
                        uint32_t parent);
uint32_t sim_ledger_find(const struct sim_ledger *ledger, const struct th_address *address);
struct sim_party *sim_ledger_party(struct sim_ledger *ledger, uint32_t party);

/* An actor is now called so. */
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

/* The parties on a host: it crashed, or is gone. */
void sim_ledger_excuse_host(struct sim_ledger *ledger, unsigned host);

/* Nothing is on its way any more: all must be accounted for. Counts the fates. */
void sim_ledger_settle(struct sim_ledger *ledger, uint64_t fates[SIM_FATES]);

#endif
