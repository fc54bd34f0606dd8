#include "sim_convention.h"

#include <stdio.h>
#include <string.h>

#include "admin/admin_inside.h"
#include "admin/capability.h"
#include "message/pack.h"
#include "sim.h"
#include "system/inside.h"

/* Where a session is at its worst: pauses between attempts to connect, and what such an attempt may
 * take (transport/session.h), twice: the first may have begun before the last fault. */
#define MARGIN (25 * TH_SECOND)

#define OUTBOUND 150 /* of 1000 members: nobody can connect to them */

/* ---- what is heard ---- */

void sim_hearsay_init(struct sim_hearsay *hearsay) {
  th_map_init(&hearsay->there);
}

void sim_hearsay_clear(struct sim_hearsay *hearsay) {
  th_map_clear(&hearsay->there);
}

static uintptr_t hash_of(const void *data, size_t size) {
  const unsigned char *bytes = data;
  uintptr_t hash = 0xcbf29ce4;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x01000193;
  return hash | 1; /* NULL is nothing */
}

struct update {
  struct th_address admin;
  uintptr_t capabilities;
  bool added;
};

/* An instance of ActorSystemConventionUpdate, whose fields come in this order. */
static bool read_update(const struct th_message *message, struct update *update) {
  struct th_unpack outer, reader;
  struct th_item item;
  size_t size;
  th_unpack_init(&outer, message->payload, message->size);
  if (!th_unpack_next(&outer, &item) || item.type != TH_ITEM_EXT) return false;
  th_unpack_init(&reader, item.data, item.size);
  th_unpack_skip(&reader, &size);
  if (th_unpack_map(&reader) != 3) return false;
  th_unpack_skip(&reader, &size);
  update->admin = th_unpack_address(&reader);
  th_unpack_skip(&reader, &size);
  if (!th_unpack_next(&reader, &item) || item.type != TH_ITEM_EXT) return false;
  update->capabilities = hash_of(item.data, item.size);
  th_unpack_skip(&reader, &size);
  update->added = th_unpack_bool(&reader);
  return reader.error == 0;
}

void sim_convention_hear(struct sim_host *host, const struct th_message *message) {
  struct sim_ledger *ledger = &host->world->ledger;
  struct th_map *there = &host->hearsay.there;
  struct update update;
  if (!read_update(message, &update)) {
    sim_ledger_violated(ledger, "host %u hears what it cannot read", host->index);
    return;
  }
  uint64_t identity = update.admin.system;
  unsigned other = (unsigned)(update.admin.ip - sim_net_ip(0));
  uintptr_t before = (uintptr_t)th_map_find(there, identity);
  sim_trace("hears that host %u is %s", other, update.added ? "there" : "gone");
  if (update.added && before == update.capabilities)
    sim_ledger_violated(ledger, "host %u hears again that host %u is there", host->index, other);
  if (!update.added && before == 0)
    sim_ledger_violated(ledger, "host %u hears that host %u is gone, which was not there",
                        host->index, other);
  if (!update.added && !sim_ledger_is_parted(ledger, host->index, other))
    sim_ledger_violated(ledger, "host %u hears that host %u is gone, which lives", host->index,
                        other);
  if (update.added)
    th_map_put(there, identity, (void *)update.capabilities);
  else
    th_map_remove(there, identity);
}

/* ---- who belongs to it ---- */

void sim_convention_draw(struct sim_world *world) {
  static const uint64_t periods[] = {1, 1, 2, 3, 5, 10};
  if (world->host_count < 2 || sim_chance(100)) return;
  world->leader_count = sim_chance(700) ? 1 : (unsigned)sim_between(1, 3);
  if (world->leader_count > world->host_count) world->leader_count = world->host_count;
  world->period = periods[sim_draw(6)] * TH_SECOND;
  for (unsigned i = 0; i < world->host_count; i++) {
    world->hosts[i].kind = (int64_t)sim_draw(SIM_KINDS);
    world->hosts[i].is_outbound_only = i >= world->leader_count && sim_chance(OUTBOUND);
  }
}

unsigned sim_convention_pack(const struct sim_host *host, struct th_buffer *map) {
  const struct sim_world *world = host->world;
  if (world->leader_count == 0) return 0;
  th_pack_text(map, "Convention Address.IPv4");
  th_pack_array(map, world->leader_count);
  for (unsigned i = 0; i < world->leader_count; i++) {
    char place[32];
    uint32_t ip = sim_net_ip(i);
    snprintf(place, sizeof place, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
             ip & 255, SIM_PORT);
    th_pack_text(map, place);
  }
  th_pack_text(map, "Convention Check-in Period");
  th_pack_real(map, (double)world->period / (double)TH_SECOND);
  th_pack_text(map, "Outbound Only");
  th_pack_bool(map, host->is_outbound_only);
  th_pack_text(map, "Kind");
  th_pack_int(map, host->kind);
  return 4;
}

/* ---- what is true ---- */

uint64_t sim_convention_time(const struct sim_world *world) {
  return 3 * world->period + MARGIN;
}

static uintptr_t capabilities_of(const struct sim_host *host) {
  struct th_bytes *map = th_capabilities_get(host->system->capabilities);
  uintptr_t hash = hash_of(map->data, map->size);
  th_bytes_unref(map);
  return hash;
}

/* The admin of who is up; nobody for others. */
static struct th_address admin_of(const struct sim_host *host) {
  return host->system != NULL ? *th_system_admin(host->system) : TH_NOBODY;
}

static const struct th_convention *convention_of(const struct sim_host *host) {
  const struct th_actor *admin = th_registry_find(host->system->registry, TH_ADMIN_NUMBER);
  return ((const struct th_admin *)admin->state)->convention;
}

bool sim_convention_is_member(const struct sim_host *host, const struct sim_host *leader) {
  uint64_t own = admin_of(host).system, other = admin_of(leader).system;
  return th_convention_leader(convention_of(host)).system == other &&
         th_convention_member(convention_of(leader), own).system == own;
}

/* What it has heard of another one: a hash; 0: nothing. */
static uintptr_t find_heard(const struct sim_host *host, const struct sim_host *other) {
  uint64_t identity = admin_of(other).system;
  return identity != 0 ? (uintptr_t)th_map_find(&host->hearsay.there, identity) : 0;
}

static bool is_known(const struct sim_host *host, const struct sim_host *other) {
  return find_heard(host, other) != 0;
}

static void check_pair(const struct sim_host *host, const struct sim_host *other) {
  struct sim_world *world = host->world;
  bool is_leader = host->index < world->leader_count;
  if (other == host || other->system == NULL) return;
  bool is_expected = is_leader || other->index < world->leader_count;
  uint64_t identity = admin_of(other).system;
  if (is_known(host, other) != is_expected)
    sim_ledger_violated(&world->ledger, "host %u %s that host %u is there", host->index,
                        is_expected ? "has not heard" : "has heard", other->index);
  if (is_expected && is_known(host, other) && find_heard(host, other) != capabilities_of(other))
    sim_ledger_violated(&world->ledger, "host %u has not heard what host %u can do now",
                        host->index, other->index);
  if (is_leader && th_address_is_none(&(struct th_address){
                     .system = th_convention_member(convention_of(host), identity).system}))
    sim_ledger_violated(&world->ledger, "host %u is no member at host %u", other->index,
                        host->index);
}

/* Nobody is known who is not up. */
static size_t count_known(const struct sim_host *host) {
  size_t count = 0;
  for (unsigned i = 0; i < host->world->host_count; i++)
    count += is_known(host, &host->world->hosts[i]);
  return count;
}

static void check_host(const struct sim_host *host, const struct th_address *leader) {
  struct sim_world *world = host->world;
  struct th_address own = th_convention_leader(convention_of(host));
  for (unsigned i = 0; i < world->host_count; i++) check_pair(host, &world->hosts[i]);
  if (count_known(host) != host->hearsay.there.count)
    sim_ledger_violated(&world->ledger, "host %u has heard of %zu systems, %zu of which are up",
                        host->index, host->hearsay.there.count, count_known(host));
  if (own.system != leader->system)
    sim_ledger_violated(&world->ledger, "host %u has another leader than others", host->index);
}

void sim_convention_check(struct sim_world *world) {
  struct th_address leader = TH_NOBODY;
  for (unsigned i = 0; i < world->leader_count && th_address_is_none(&leader); i++)
    leader = admin_of(&world->hosts[i]);
  for (unsigned i = 0; i < world->host_count; i++)
    if (world->hosts[i].system != NULL) check_host(&world->hosts[i], &leader);
}
