#include "sim_ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_engine.h"

static const char *const fate_words[SIM_FATES] = {"sent",     "received", "failed",
                                                  "poisoned", "dead",     "returned"};

void sim_ledger_init(struct sim_ledger *ledger, unsigned host_count) {
  *ledger = (struct sim_ledger){.host_count = host_count};
  ledger->trouble = th_alloc_zeroed((size_t)host_count * host_count, sizeof *ledger->trouble);
  th_map_init(&ledger->by_address);
  th_map_init(&ledger->latest);
}

void sim_ledger_clear(struct sim_ledger *ledger) {
  th_map_clear(&ledger->by_address);
  th_map_clear(&ledger->latest);
  free(ledger->trouble);
  free(ledger->parties);
  free(ledger->letters);
}

void sim_ledger_violated(struct sim_ledger *ledger, const char *format, ...) {
  char words[sizeof ledger->first];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  sim_trace("VIOLATION: %s", words);
  if (ledger->violations++ == 0) memcpy(ledger->first, words, sizeof words);
}

/* Grows an array that is full whenever its count is a power of two. */
static void *make_room(void *array, uint32_t count, size_t size) {
  bool is_full = (count & (count - 1)) == 0;
  return is_full ? th_realloc(array, (count == 0 ? 1 : 2 * (size_t)count) * size) : array;
}

/* ---- hosts ---- */

static uint64_t *trouble_of(const struct sim_ledger *ledger, unsigned one, unsigned other) {
  size_t less = one < other ? one : other, more = one < other ? other : one;
  return &ledger->trouble[less * ledger->host_count + more];
}

void sim_ledger_trouble(struct sim_ledger *ledger, unsigned one, unsigned other, uint64_t time) {
  for (unsigned i = 0; i < ledger->host_count && one == other; i++)
    if (i != one) sim_ledger_trouble(ledger, one, i, time);
  if (one == other) return;
  uint64_t *sum = trouble_of(ledger, one, other);
  *sum = time < UINT64_MAX - *sum ? *sum + time : UINT64_MAX;
  if (*sum >= ledger->parted_from) ledger->is_any_parted = true;
}

bool sim_ledger_is_parted(const struct sim_ledger *ledger, unsigned one, unsigned other) {
  return one != other && *trouble_of(ledger, one, other) >= ledger->parted_from;
}

/* ---- parties ---- */

/* The part of an address that decides equality. */
struct key {
  uint64_t system;
  uint64_t number;
};

/* Values are not NULL, so indices are stored with one added. */
static void *of_index(uint32_t index) {
  return (void *)((uintptr_t)index + 1);
}

static uint32_t to_index(const void *value) {
  return value == NULL ? SIM_NOBODY : (uint32_t)((uintptr_t)value - 1);
}

static uint32_t add(struct sim_ledger *ledger, const struct th_address *address, unsigned host,
                    uint32_t parent) {
  uint32_t index = ledger->party_count;
  struct key key = {address->system, address->number};
  ledger->parties = make_room(ledger->parties, index, sizeof *ledger->parties);
  ledger->parties[index] = (struct sim_party){
    .address = *address, .host = host, .at = host, .parent = parent, .kind = -1};
  ledger->party_count++;
  th_map_put_text(&ledger->by_address, (const char *)&key, sizeof key, of_index(index));
  return index;
}

uint32_t sim_ledger_expect(struct sim_ledger *ledger, const struct th_address *address,
                           unsigned host, uint32_t parent) {
  uint32_t index = sim_ledger_find(ledger, address);
  return index != SIM_NOBODY ? index : add(ledger, address, host, parent);
}

uint32_t sim_ledger_add(struct sim_ledger *ledger, const struct th_address *address, unsigned host,
                        uint32_t parent) {
  uint32_t index = sim_ledger_find(ledger, address);
  if (index != SIM_NOBODY) sim_ledger_violated(ledger, "the address of p%u was given again", index);
  index = add(ledger, address, host, parent);
  ledger->parties[index].is_born = true;
  return index;
}

void sim_ledger_born(struct sim_ledger *ledger, uint32_t party, unsigned host) {
  struct sim_party *own = &ledger->parties[party];
  if (own->is_born) sim_ledger_violated(ledger, "p%u is born again", party);
  own->is_born = true;
  own->host = host;
}

uint32_t sim_ledger_find(const struct sim_ledger *ledger, const struct th_address *address) {
  struct key key = {address->system, address->number};
  return to_index(th_map_find_text(&ledger->by_address, (const char *)&key, sizeof key));
}

struct sim_party *sim_ledger_party(struct sim_ledger *ledger, uint32_t party) {
  return &ledger->parties[party];
}

void sim_ledger_named(struct sim_ledger *ledger, uint32_t party, const char *name) {
  struct sim_party *own = &ledger->parties[party];
  for (uint32_t i = 0; i < ledger->party_count; i++) {
    const struct sim_party *other = &ledger->parties[i];
    bool is_rival = other->is_born && !other->is_gone && !other->is_forward && i != party;
    if (is_rival && other->address.system == own->address.system && strcmp(other->name, name) == 0)
      sim_ledger_violated(ledger, "p%u and p%u are both called %s", i, party, name);
  }
  snprintf(own->name, sizeof own->name, "%s", name);
}

/* The host of a child may be lost to its parent's, and to the one that both names belong to. */
static bool may_be_given_up(const struct sim_ledger *ledger, uint32_t parent, uint32_t child) {
  const struct sim_party *one = &ledger->parties[child], *other = &ledger->parties[parent];
  return sim_ledger_is_parted(ledger, one->host, one->at) ||
         sim_ledger_is_parted(ledger, one->host, other->at);
}

void sim_ledger_notice(struct sim_ledger *ledger, uint32_t parent, const struct th_address *child) {
  uint32_t index = sim_ledger_find(ledger, child);
  if (index == SIM_NOBODY) {
    sim_ledger_violated(ledger, "p%u was told of the end of nobody's child", parent);
    return;
  }
  struct sim_party *party = &ledger->parties[index];
  sim_trace("p%u is told of the end of p%u", parent, index);
  if (party->parent != parent)
    sim_ledger_violated(ledger, "p%u was told of the end of p%u, whose parent is p%u", parent,
                        index, party->parent);
  if (!party->is_born) party->is_gone = true; /* it could not live anywhere */
  if (!party->is_gone && !may_be_given_up(ledger, parent, index))
    sim_ledger_violated(ledger, "p%u was told of the end of p%u, which lives", parent, index);
  if (++party->notices > 1)
    sim_ledger_violated(ledger, "p%u was told of the end of p%u again", parent, index);
}

void sim_ledger_excuse_host(struct sim_ledger *ledger, unsigned host) {
  sim_ledger_trouble(ledger, host, host, UINT64_MAX);
  for (uint32_t i = 0; i < ledger->party_count; i++) {
    struct sim_party *party = &ledger->parties[i];
    if (party->host != host && party->at != host) continue;
    if (party->excused < ledger->letter_count) party->excused = ledger->letter_count;
    if (party->host == host) party->is_gone = true;
    party->is_orphan = true;
  }
}

/* ---- letters ---- */

uint32_t sim_ledger_sent(struct sim_ledger *ledger, uint32_t sender, uint32_t receiver) {
  uint32_t index = ledger->letter_count;
  ledger->letters = make_room(ledger->letters, index, sizeof *ledger->letters);
  ledger->letters[index] = (struct sim_letter){.sender = sender, .receiver = receiver};
  ledger->letter_count++;
  sim_trace("m%u sent by p%u to p%u", index + 1, sender, receiver);
  return index + 1;
}

void sim_ledger_later(struct sim_ledger *ledger) {
  ledger->letters[ledger->letter_count - 1].is_later = true;
}

static struct sim_letter *find_letter(struct sim_ledger *ledger, uint32_t number) {
  if (number != 0 && number <= ledger->letter_count) return &ledger->letters[number - 1];
  sim_ledger_violated(ledger, "m%u came, which nobody has sent", number);
  return NULL;
}

/* Which fate may follow which. */
static bool may_become(enum sim_fate before, enum sim_fate after) {
  if (after == SIM_FAILED) return before == SIM_RECEIVED;
  return before == (after == SIM_POISONED ? SIM_FAILED : SIM_SENT);
}

#define STATIONS 4

/* The hosts that a letter passes, and its poison on the way back. */
static void find_way(const struct sim_ledger *ledger, const struct sim_letter *letter,
                     unsigned way[STATIONS]) {
  const struct sim_party *sender = &ledger->parties[letter->sender];
  const struct sim_party *receiver = &ledger->parties[letter->receiver];
  way[0] = sender->is_program ? sender->at : sender->host;
  way[1] = sender->at;
  way[2] = receiver->at;
  way[3] = receiver->is_program ? receiver->at : receiver->host;
}

/* A forward with a name may have sent it anywhere. */
static bool is_between_hosts(const struct sim_ledger *ledger, const struct sim_letter *letter) {
  unsigned way[STATIONS];
  find_way(ledger, letter, way);
  for (unsigned i = 1; i < STATIONS; i++)
    if (way[i] != way[0]) return true;
  return ledger->parties[letter->receiver].is_forward;
}

static bool is_shaken(const struct sim_ledger *ledger, const struct sim_letter *letter) {
  unsigned way[STATIONS];
  find_way(ledger, letter, way);
  for (unsigned i = 0; i < STATIONS; i++)
    for (unsigned j = 0; j < i; j++)
      if (sim_ledger_is_parted(ledger, way[i], way[j])) return true;
  return ledger->is_any_parted && ledger->parties[letter->receiver].is_forward;
}

/* Whether its sender's system may have been in the dark about it. */
static bool is_doubted(const struct sim_ledger *ledger, const struct sim_letter *letter,
                       enum sim_fate fate) {
  return is_shaken(ledger, letter) && (letter->fate == SIM_DEAD || fate == SIM_DEAD);
}

void sim_ledger_fate(struct sim_ledger *ledger, uint32_t number, enum sim_fate fate) {
  struct sim_letter *letter = find_letter(ledger, number);
  if (letter == NULL) return;
  sim_trace("m%u is %s", number, fate_words[fate]);
  bool is_known = letter->fate != SIM_SENT && is_doubted(ledger, letter, fate);
  if (is_known && fate == SIM_DEAD) return; /* what it was before says more */
  if (!is_known && !may_become(letter->fate, fate))
    sim_ledger_violated(ledger, "m%u, from p%u to p%u, was %s and is %s", number, letter->sender,
                        letter->receiver, fate_words[letter->fate], fate_words[fate]);
  letter->fate = fate;
}

static void check_order(struct sim_ledger *ledger, const struct sim_letter *letter, uint32_t number,
                        uint32_t receiver) {
  uint64_t pair = (uint64_t)letter->sender << 32 | receiver;
  uint32_t before = to_index(th_map_put(&ledger->latest, pair, of_index(number)));
  if (before != SIM_NOBODY && before > number)
    sim_ledger_violated(ledger, "m%u, from p%u to p%u, came after m%u", number, letter->sender,
                        receiver, before);
}

/* What is for a forward is received by whoever has its name where it lives. */
static bool is_meant(const struct sim_ledger *ledger, const struct sim_letter *letter,
                     uint32_t receiver) {
  const struct sim_party *meant = &ledger->parties[letter->receiver];
  const struct sim_party *actual = &ledger->parties[receiver];
  return letter->receiver == receiver ||
         (meant->is_forward && meant->name[0] != '\0' && strcmp(meant->name, actual->name) == 0);
}

void sim_ledger_received(struct sim_ledger *ledger, uint32_t number, uint32_t receiver) {
  const struct sim_letter *letter = find_letter(ledger, number);
  if (letter == NULL) return;
  if (!is_meant(ledger, letter, receiver))
    sim_ledger_violated(ledger, "m%u, to p%u, was received by p%u", number, letter->receiver,
                        receiver);
  if (!letter->is_later) check_order(ledger, letter, number, letter->receiver);
  sim_ledger_fate(ledger, number, SIM_RECEIVED);
}

/* ---- the end ---- */

/* An actor that is there to the end, and whom nothing kept apart from the sender. */
static bool was_there(const struct sim_ledger *ledger, const struct sim_letter *letter) {
  const struct sim_party *receiver = &ledger->parties[letter->receiver];
  return receiver->is_born && !receiver->is_gone && !receiver->is_program &&
         !receiver->is_forward && !is_shaken(ledger, letter);
}

static void settle_letter(struct sim_ledger *ledger, uint32_t index) {
  const struct sim_letter *letter = &ledger->letters[index];
  const struct sim_party *sender = &ledger->parties[letter->sender];
  const struct sim_party *receiver = &ledger->parties[letter->receiver];
  bool is_loose = ledger->is_loose && is_between_hosts(ledger, letter);
  bool is_excused = sender->excused > index || receiver->excused > index || is_loose ||
                    (receiver->is_forward && ledger->is_any_parted);
  if (letter->fate == SIM_SENT && !is_excused)
    sim_ledger_violated(ledger, "m%u, from p%u to p%u, was lost", index + 1, letter->sender,
                        letter->receiver);
  if (letter->fate == SIM_DEAD && !is_excused && was_there(ledger, letter))
    sim_ledger_violated(ledger, "m%u, from p%u to p%u, who lives, was dead", index + 1,
                        letter->sender, letter->receiver);
  /* A poison that finds no way back is itself a dead letter. */
  if (letter->fate == SIM_FAILED && !is_excused && !is_shaken(ledger, letter) && !sender->is_gone)
    sim_ledger_violated(ledger, "m%u, from p%u to p%u, failed and did not come back", index + 1,
                        letter->sender, letter->receiver);
}

static void settle_party(struct sim_ledger *ledger, uint32_t index) {
  const struct sim_party *party = &ledger->parties[index];
  if (party->is_orphan && party->is_born && !party->is_gone)
    sim_ledger_violated(ledger, "p%u lives, and its creator's system is no more", index);
  if (party->parent == SIM_NOBODY) return;
  const struct sim_party *parent = &ledger->parties[party->parent];
  if (!party->is_gone && party->notices > 0)
    sim_ledger_violated(ledger, "p%u lives, whose end was told to its parent p%u", index,
                        party->parent);
  if (parent->is_gone) return;
  if (!party->is_gone && !party->is_born)
    sim_ledger_violated(ledger, "p%u was neither born nor has it failed", index);
  if (party->is_gone && party->notices != 1)
    sim_ledger_violated(ledger, "the end of p%u was told %u times to its parent p%u", index,
                        party->notices, party->parent);
}

void sim_ledger_settle(struct sim_ledger *ledger, uint64_t fates[SIM_FATES]) {
  for (uint32_t i = 0; i < ledger->letter_count; i++) {
    settle_letter(ledger, i);
    fates[ledger->letters[i].fate]++;
  }
  for (uint32_t i = 0; i < ledger->party_count; i++) settle_party(ledger, i);
}
