/* sim_probe: the actors of simulated systems, and the letters that they write.
 *
 * An actor of class "probe" enters what it receives into the ledger and then, as chance will have
 * it, sends letters to others, has children, asks somebody to exit, or fails. "fail" fails at its
 * birth. Some need a system of a certain kind, and are asked again when that changes. What a
 * crashed system still does while it is cleared away, in the dark, is nobody's history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/actor.h"
#include "admin/capability.h"
#include "base/memory.h"
#include "message/notice.h"
#include "message/pack.h"
#include "sim.h"

#define BALLAST 20000
#define HEAVY 50                   /* of 1000 letters */
#define SOON (20 * TH_MILLISECOND) /* within the time that a birth elsewhere takes */
#define WAKE_TIME (300 * TH_MILLISECOND)

static struct sim_ledger *ledger(void) {
  return &sim_engine()->world->ledger;
}

/* ---- letters ---- */

static struct th_message *new_letter(struct sim_world *world, uint32_t sender, uint32_t receiver,
                                     int64_t depth, size_t weight) {
  static const unsigned char ballast[BALLAST];
  struct th_buffer buffer;
  struct th_address from = sim_ledger_party(&world->ledger, sender)->address;
  struct th_address to = sim_ledger_party(&world->ledger, receiver)->address;
  th_buffer_init(&buffer);
  uint32_t mentioned = sim_chance(500) ? world->ledger.party_count - 1 : sim_draw_party(world);
  th_pack_array(&buffer, 4);
  th_pack_int(&buffer, sim_ledger_sent(&world->ledger, sender, receiver));
  th_pack_int(&buffer, depth);
  th_pack_address(&buffer, &sim_ledger_party(&world->ledger, mentioned)->address);
  th_pack_bin(&buffer, ballast, weight);
  struct th_message *message = th_message_pack(TH_KIND_USER, &to, &from, &buffer);
  th_buffer_clear(&buffer);
  return message;
}

struct th_message *sim_letter_new(struct sim_world *world, uint32_t sender, uint32_t receiver,
                                  int64_t depth) {
  size_t weight = sim_chance(HEAVY) ? (size_t)sim_draw(BALLAST) : (size_t)sim_draw(64);
  return new_letter(world, sender, receiver, depth, weight);
}

struct th_message *sim_letter_heavy(struct sim_world *world, uint32_t sender, uint32_t receiver) {
  return new_letter(world, sender, receiver, 0, BALLAST);
}

struct letter {
  uint32_t number; /* 0: it is none */
  int64_t depth;
  struct th_address mentioned;
};

static struct letter read_letter(const void *payload, size_t size) {
  struct th_unpack reader;
  struct letter letter = {0};
  th_unpack_init(&reader, payload, size);
  th_unpack_array(&reader);
  letter.number = (uint32_t)th_unpack_int(&reader);
  letter.depth = th_unpack_int(&reader);
  letter.mentioned = th_unpack_address(&reader);
  if (reader.error != 0) letter.number = 0;
  return letter;
}

/* The first of an instance's fields is what the notice is about. */
static uint32_t read_enclosed(const struct th_item *instance) {
  struct th_unpack reader;
  struct th_item item;
  size_t size;
  th_unpack_init(&reader, instance->data, instance->size);
  th_unpack_skip(&reader, &size);
  th_unpack_map(&reader);
  th_unpack_skip(&reader, &size);
  if (!th_unpack_next(&reader, &item) || item.type != TH_ITEM_EXT || item.ext != TH_EXT_ENCLOSED)
    return 0;
  return read_letter(item.data, item.size).number;
}

uint32_t sim_letter_number(const void *payload, size_t size) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, payload, size);
  if (!th_unpack_next(&reader, &item)) return 0;
  if (item.type == TH_ITEM_EXT && item.ext == TH_EXT_INSTANCE) return read_enclosed(&item);
  return item.type == TH_ITEM_ARRAY ? read_letter(payload, size).number : 0;
}

uint32_t sim_draw_party(const struct sim_world *world) {
  uint32_t count = world->ledger.party_count;
  if (count == 0) return SIM_NOBODY;
  /* Those who came last are the most likely to be there still. */
  uint32_t recent = count < 24 ? count : 24;
  return sim_chance(800) ? count - 1 - (uint32_t)sim_draw(recent) : (uint32_t)sim_draw(count);
}

/* ---- what a probe does ---- */

struct probe {
  uint32_t party;
  struct
    th_address friend; /* whom a letter has mentioned, or a child: written to again and again */
};

static uint32_t party_of(const struct th_actor *actor) {
  return ((const struct probe *)actor->state)->party;
}

/* To anybody, or to the friend, by the address as it came. */
static void write_to_somebody(struct th_actor *actor, int64_t depth) {
  struct sim_world *world = sim_engine()->world;
  const struct th_address *friend = &((const struct probe *)actor->state)->friend;
  uint32_t known = sim_ledger_find(&world->ledger, friend);
  bool is_friend = known != SIM_NOBODY && sim_chance(600);
  uint32_t receiver = is_friend ? known : sim_draw_party(world);
  struct th_message *message = sim_letter_new(world, party_of(actor), receiver, depth);
  if (is_friend) message->target = *friend;
  struct th_actor *full = actor->world->ops->send(actor->world, message);
  if (full != NULL) actor->pressed = full;
}

int64_t sim_draw_kind(const struct sim_world *world) {
  return world->leader_count > 0 && sim_chance(500) ? (int64_t)sim_draw(SIM_KINDS) : -1;
}

static void ask_to_be_woken(struct th_actor *actor) {
  struct sim_world *world = sim_engine()->world;
  uint32_t party = party_of(actor);
  struct th_message *letter = sim_letter_new(world, party, party, 1);
  sim_ledger_later(&world->ledger);
  actor->world->ops->send_later(
    actor->world, th_clock_after(sim_draw(sim_chance(700) ? SOON : WAKE_TIME)), letter);
}

/* Who is yet to be born is written to often, while he is. */
static void befriend(struct th_actor *actor, const struct th_address *address) {
  uint32_t party = sim_ledger_find(ledger(), address);
  ((struct probe *)actor->state)->friend = *address;
  if (party == SIM_NOBODY || sim_ledger_party(ledger(), party)->is_born) return;
  for (unsigned i = 0; i < 5; i++) ask_to_be_woken(actor);
}

static void have_child(struct th_actor *actor) {
  struct sim_world *world = sim_engine()->world;
  const char *class_name = sim_chance(150) ? "fail" : "probe";
  struct th_creation creation = {.class_name = class_name, .class_name_size = strlen(class_name)};
  struct th_address address;
  struct th_reason reason;
  struct th_buffer wanted;
  char name[16];
  int64_t kind = sim_draw_kind(world);
  th_buffer_init(&wanted);
  if (kind >= 0) th_pack_int(&wanted, kind);
  creation.requirements = wanted.data;
  creation.requirements_size = wanted.size;
  if (sim_chance(100)) {
    snprintf(name, sizeof name, "name%u", (unsigned)sim_draw(SIM_NAMES));
    creation.global_name = name;
    creation.global_name_size = strlen(name);
  }
  if (world->bundle != NULL && sim_chance(500)) {
    creation.source = world->bundle_hash;
    creation.source_size = sizeof world->bundle_hash - 1;
  }
  /* It may be refused: an actor that exits may have no more. */
  int error = actor->world->ops->create(actor->world, actor, &creation, &address, &reason);
  th_buffer_clear(&wanted);
  if (error != 0) return;
  uint32_t parent = creation.global_name == NULL ? party_of(actor) : SIM_NOBODY;
  uint32_t child = sim_ledger_expect(ledger(), &address, sim_engine()->host, parent);
  sim_trace("p%u is expected", child);
  befriend(actor, &address);
  if (sim_chance(300))
    for (unsigned i = 0; i < 3; i++) write_to_somebody(actor, 2);
}

static void ask_somebody_to_exit(struct th_actor *actor) {
  struct sim_world *world = sim_engine()->world;
  struct th_buffer buffer;
  uint32_t party = sim_chance(500) ? party_of(actor) : sim_draw_party(world);
  struct th_address target = sim_ledger_party(&world->ledger, party)->address;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, sim_chance(700));
  th_actor_send(actor, TH_KIND_EXIT_REQUEST, 0, &target, &buffer);
  th_buffer_clear(&buffer);
}

static void act(struct th_actor *actor, int64_t depth) {
  if (sim_chance(150)) have_child(actor);
  for (uint64_t count = sim_draw(4); count > 0; count--) write_to_somebody(actor, depth);
  if (sim_chance(60)) ask_somebody_to_exit(actor);
}

static int receive_letter(struct th_actor *actor, const struct th_message *message,
                          struct th_buffer *details) {
  struct letter letter = read_letter(message->payload, message->size);
  sim_ledger_received(ledger(), letter.number, party_of(actor));
  if (letter.depth > 0 && !sim_engine()->world->is_calm) {
    if (sim_chance(300)) befriend(actor, &letter.mentioned);
    if (sim_chance(150)) ask_to_be_woken(actor);
    act(actor, letter.depth - 1);
  }
  if (!sim_chance(50)) return 0;
  sim_ledger_fate(ledger(), letter.number, SIM_FAILED);
  th_buffer_printf(details, "as chance would have it");
  return TH_EREFUSED;
}

/* What the system says of itself now; -1: nothing. */
static int64_t kind_here(struct th_world *world) {
  struct th_unpack reader;
  size_t size = 0;
  struct th_bytes *map = world->ops->capabilities(world);
  const unsigned char *value = th_capability_find(map->data, map->size, "Kind", &size);
  th_unpack_init(&reader, value, size);
  int64_t kind = value != NULL ? th_unpack_int(&reader) : -1;
  th_bytes_unref(map);
  return kind;
}

/* As the runtime's own scripts do it: who cannot stay asks himself to exit, as the admin would. */
static void check_again(struct th_actor *actor) {
  const struct sim_party *party = sim_ledger_party(ledger(), party_of(actor));
  if (kind_here(actor->world) == party->kind) return;
  sim_trace("p%u cannot stay here", party_of(actor));
  actor->world->ops->send(
    actor->world, th_notice_exit(&actor->address, &actor->world->admin, true, TH_MESSAGE_URGENT));
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  if (sim_engine()->is_dark) return 0;
  switch ((*message)->kind) {
  case TH_KIND_USER:
    return receive_letter(actor, *message, details);
  case TH_KIND_POISON:
    sim_ledger_fate(ledger(), sim_letter_number((*message)->payload, (*message)->size),
                    SIM_POISONED);
    return 0;
  case TH_KIND_CHILD_EXITED:
    sim_ledger_notice(ledger(), party_of(actor), &(*message)->sender);
    return 0;
  case TH_KIND_RECHECK:
    check_again(actor);
    return 0;
  default:
    return 0;
  }
}

static int64_t read_kind(const struct th_birth *birth) {
  struct th_unpack reader;
  if (birth->requirements == NULL) return -1;
  th_unpack_init(&reader, birth->requirements->data, birth->requirements->size);
  int64_t kind = th_unpack_int(&reader);
  return reader.error == 0 ? kind : -1;
}

/* It is of another kind than this host's system. Where it was created a forward may stand for it. */
static int decline(uint32_t party, const struct th_birth *birth, struct th_reason *reason) {
  sim_trace("p%u cannot live here", party);
  if (birth->global_name != NULL && sim_ledger_party(ledger(), party)->at == sim_engine()->host) {
    sim_ledger_named(ledger(), party, birth->global_name);
    sim_ledger_party(ledger(), party)->is_forward = true;
  }
  return th_fail(reason, TH_ENOCOMPATIBLE, "it is of another kind");
}

static int open_probe(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  unsigned host = sim_engine()->host;
  if (sim_engine()->is_dark) return th_fail(reason, TH_ESHUTDOWN, "there is nothing any more");
  uint32_t parent = sim_ledger_find(ledger(), &birth->parent);
  uint32_t party = sim_ledger_expect(ledger(), &actor->address, host, parent);
  int64_t kind = read_kind(birth);
  /* Before the capabilities are read: a change after that finds it said. */
  atomic_store_explicit(&actor->card.is_checked, kind >= 0, memory_order_relaxed);
  if (kind >= 0 && kind != kind_here(actor->world)) return decline(party, birth, reason);
  sim_ledger_born(ledger(), party, host);
  sim_ledger_party(ledger(), party)->kind = kind;
  sim_trace("p%u is born: %s", party, birth->class_name);
  if (strcmp(birth->class_name, "fail") == 0) {
    sim_ledger_party(ledger(), party)->is_gone = true;
    return th_fail(reason, TH_ESPECIFICATION, "no way");
  }
  if (birth->global_name != NULL) sim_ledger_named(ledger(), party, birth->global_name);
  struct probe *probe = th_new(struct probe);
  probe->party = party;
  actor->state = probe;
  return 0;
}

static void close_probe(struct th_actor *actor) {
  if (!sim_engine()->is_dark) {
    sim_trace("p%u is gone", party_of(actor));
    sim_ledger_party(ledger(), party_of(actor))->is_gone = true;
  }
  free(actor->state);
}

static const struct th_behaviour behaviour = {
  .open = open_probe, .receive = receive, .close = close_probe};

static void *open_shared(void) {
  return NULL;
}

static void close_shared(void *shared) {
  (void)shared;
}

const struct th_script sim_probe_script = {
  .behaviour = &behaviour, .open = open_shared, .close = close_shared};
