/* What a convention says of itself: who leads, who is there, who may be asked. Nothing is changed
 * here but whose turn it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/capability.h"
#include "admin/convention_inside.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/pack.h"

bool th_convention_has_others(const struct th_convention *convention) {
  for (size_t i = 0; i < convention->count && !convention->has_left; i++)
    if (th_other_is_there(convention->others[i])) return true;
  return false;
}

bool th_convention_knows(const struct th_convention *convention, uint64_t identity) {
  return identity != 0 && (identity == convention->config.own.system ||
                           th_convention_find(convention, identity) != NULL);
}

/* A system that no leader has taken leads those who have come to it. */
struct th_address th_convention_leader(const struct th_convention *convention) {
  for (size_t i = 0; i < convention->place_count; i++) {
    const struct th_place *place = &convention->places[i];
    if (place->kind == TH_PLACE_EXPECTED) continue;
    if (place->identity == convention->config.own.system) return convention->config.own;
    const struct th_other *other = th_convention_find(convention, place->identity);
    if (other != NULL && other->leading == TH_LEADING_REGISTERED) return other->admin;
  }
  for (size_t i = 0; i < convention->count; i++)
    if (convention->others[i]->is_member) return convention->config.own;
  return TH_NOBODY;
}

/* ---- members, and candidates ---- */

static double number_of(const struct th_item *item) {
  return item->type == TH_ITEM_INT ? (double)item->integer : item->real;
}

static bool is_number(const struct th_item *item) {
  return item->type == TH_ITEM_INT || item->type == TH_ITEM_REAL;
}

/* As Lua compares the two. Tables are left to the class's own check, which is asked in any case. */
static bool is_equal(const struct th_item *one, const struct th_item *other) {
  if (is_number(one) && is_number(other)) return number_of(one) == number_of(other);
  if (one->type != other->type) return false;
  if (one->type == TH_ITEM_BOOL) return one->boolean == other->boolean;
  if (one->type == TH_ITEM_STR)
    return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
  return true;
}

/* Whether a capability is what is wanted of it; nil: anything but nil and false. */
static bool is_enough(const unsigned char *value, size_t size, const struct th_item *wanted) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, value, size);
  if (!th_unpack_next(&reader, &item)) return false;
  if (wanted->type != TH_ITEM_NIL) return is_equal(&item, wanted);
  return item.type != TH_ITEM_NIL && (item.type != TH_ITEM_BOOL || item.boolean);
}

/* The value of a capability whose name is any bytes; NULL for none. */
static const unsigned char *find(const struct th_bytes *map, const struct th_item *name,
                                 size_t *size) {
  char text[1024];
  if (name->type != TH_ITEM_STR || name->size >= sizeof text) return NULL;
  snprintf(text, sizeof text, "%.*s", (int)name->size, (const char *)name->data);
  return th_capability_find(map->data, map->size, text, size);
}

static bool has_all(const struct th_bytes *map, const void *wanted, size_t wanted_size) {
  struct th_unpack reader, value_reader;
  struct th_item name, value;
  th_unpack_init(&reader, wanted, wanted_size);
  for (uint32_t left = th_unpack_array(&reader); left > 0; left -= 2) {
    size_t size = 0, value_size;
    if (left == 1 || !th_unpack_next(&reader, &name)) return false;
    const unsigned char *packed = th_unpack_skip(&reader, &value_size);
    th_unpack_init(&value_reader, packed, value_size);
    if (packed == NULL || !th_unpack_next(&value_reader, &value)) return false;
    const unsigned char *has = find(map, &name, &size);
    if (has == NULL || !is_enough(has, size, &value)) return false;
  }
  return reader.error == 0;
}

static const struct th_item outbound_only = {
  .type = TH_ITEM_STR, .data = (const unsigned char *)"Outbound Only", .size = 13};

/* Where others reach a member: nowhere, where only it can connect. */
static struct th_address reach(const struct th_other *other) {
  size_t size = 0;
  struct th_address admin = other->admin;
  const unsigned char *value = find(other->capabilities, &outbound_only, &size);
  if (value != NULL && is_enough(value, size, &(struct th_item){.type = TH_ITEM_NIL}))
    admin.port = 0;
  return admin;
}

struct th_address th_convention_member(const struct th_convention *convention, uint64_t identity) {
  const struct th_other *other = th_convention_find(convention, identity);
  return other != NULL && other->is_member ? reach(other) : TH_NOBODY;
}

/* Collects the admins of all that have what is wanted: members, then this system. */
static size_t find_fit(const struct th_convention *convention, const void *wanted, size_t size,
                       uint64_t excluded, struct th_address *fit) {
  struct th_address own = convention->config.own;
  size_t count = 0;
  for (size_t i = 0; i < convention->count; i++) {
    const struct th_other *other = convention->others[i];
    if (!other->is_member || other->admin.system == excluded) continue;
    if (has_all(other->capabilities, wanted, size)) fit[count++] = reach(other);
  }
  if (own.system != excluded && convention->capabilities != NULL &&
      has_all(convention->capabilities, wanted, size))
    fit[count++] = own;
  return count;
}

void th_convention_candidates(struct th_convention *convention, const void *wanted, size_t size,
                              uint64_t excluded, struct th_buffer *buffer) {
  struct th_address *fit = th_alloc((convention->count + 1) * sizeof *fit);
  size_t count = find_fit(convention, wanted, size, excluded, fit);
  th_pack_array(buffer, (uint32_t)count);
  for (size_t i = 0; i < count; i++) th_pack_address(buffer, &fit[(convention->turn + i) % count]);
  convention->turn++;
  free(fit);
}

/* ---- status ---- */

static const char *const leading_words[] = {"sought", "greeted", "registered"};

static void pack_place(struct th_buffer *buffer, const struct th_address *place) {
  char text[32];
  snprintf(text, sizeof text, "%u.%u.%u.%u:%u", place->ip >> 24, place->ip >> 16 & 255,
           place->ip >> 8 & 255, place->ip & 255, place->port);
  th_pack_text(buffer, "place");
  th_pack_text(buffer, text);
}

static void pack_admin(struct th_buffer *buffer, const char *name, const struct th_address *admin) {
  th_pack_text(buffer, name);
  th_pack_address(buffer, admin);
}

/* Seconds since then; nil for never. */
static void pack_age(struct th_buffer *buffer, uint64_t now, uint64_t then) {
  th_pack_text(buffer, "age");
  if (then == 0)
    th_pack_nil(buffer);
  else
    th_pack_real(buffer, now > then ? (double)(now - then) / (double)TH_SECOND : 0);
}

static void pack_leader(const struct th_convention *convention, uint64_t now,
                        const struct th_place *place, struct th_buffer *buffer) {
  const struct th_other *other = th_convention_find(convention, place->identity);
  bool is_own = place->identity == convention->config.own.system;
  th_pack_map(buffer, 4);
  pack_place(buffer, &place->address);
  pack_admin(buffer, "admin",
             is_own          ? &convention->config.own
             : other != NULL ? &other->admin
                             : &TH_NOBODY);
  th_pack_text(buffer, "state");
  th_pack_text(buffer, is_own ? "own" : leading_words[other != NULL ? other->leading : 0]);
  pack_age(buffer, now, other != NULL && !is_own ? other->answered : 0);
}

static bool is_expected(const struct th_convention *convention, uint64_t identity) {
  for (size_t i = 0; i < convention->place_count; i++)
    if (convention->places[i].kind == TH_PLACE_EXPECTED &&
        convention->places[i].identity == identity)
      return true;
  return false;
}

static void pack_member(const struct th_convention *convention, uint64_t now,
                        const struct th_other *other, struct th_buffer *buffer) {
  th_pack_map(buffer, 4);
  pack_admin(buffer, "admin", &other->admin);
  th_pack_text(buffer, "capabilities");
  th_pack_raw(buffer, other->capabilities->data, other->capabilities->size);
  pack_age(buffer, now, other->checked_in);
  th_pack_text(buffer, "preregistered");
  th_pack_bool(buffer, is_expected(convention, other->admin.system));
}

/* One that was pre-registered and has not come. */
static void pack_awaited(const struct th_place *place, struct th_buffer *buffer) {
  th_pack_map(buffer, 3);
  pack_place(buffer, &place->address);
  th_pack_text(buffer, "capabilities");
  if (place->capabilities != NULL)
    th_pack_raw(buffer, place->capabilities->data, place->capabilities->size);
  else
    th_pack_nil(buffer);
  th_pack_text(buffer, "preregistered");
  th_pack_bool(buffer, true);
}

static bool is_awaited(const struct th_convention *convention, const struct th_place *place) {
  const struct th_other *other = th_convention_find(convention, place->identity);
  return place->kind == TH_PLACE_EXPECTED && (other == NULL || !other->is_member);
}

static void pack_leaders(const struct th_convention *convention, uint64_t now,
                         struct th_buffer *buffer) {
  uint32_t count = 0;
  for (size_t i = 0; i < convention->place_count; i++)
    count += convention->places[i].kind != TH_PLACE_EXPECTED;
  th_pack_array(buffer, count);
  for (size_t i = 0; i < convention->place_count; i++)
    if (convention->places[i].kind != TH_PLACE_EXPECTED)
      pack_leader(convention, now, &convention->places[i], buffer);
}

static void pack_members(const struct th_convention *convention, uint64_t now,
                         struct th_buffer *buffer) {
  uint32_t count = 0;
  for (size_t i = 0; i < convention->count; i++) count += convention->others[i]->is_member;
  for (size_t i = 0; i < convention->place_count; i++)
    count += is_awaited(convention, &convention->places[i]);
  th_pack_array(buffer, count);
  for (size_t i = 0; i < convention->count; i++)
    if (convention->others[i]->is_member)
      pack_member(convention, now, convention->others[i], buffer);
  for (size_t i = 0; i < convention->place_count; i++)
    if (is_awaited(convention, &convention->places[i]))
      pack_awaited(&convention->places[i], buffer);
}

void th_convention_pack(const struct th_convention *convention, uint64_t now,
                        struct th_buffer *buffer) {
  if (convention->place_count == 0 && convention->count == 0) {
    th_pack_nil(buffer);
    return;
  }
  struct th_address leader = th_convention_leader(convention);
  th_pack_map(buffer, 4);
  pack_admin(buffer, "leader", &leader);
  th_pack_text(buffer, "isLeader");
  th_pack_bool(buffer, th_address_equal(&leader, &convention->config.own));
  th_pack_text(buffer, "leaders");
  pack_leaders(convention, now, buffer);
  th_pack_text(buffer, "members");
  pack_members(convention, now, buffer);
}
