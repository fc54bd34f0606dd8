#include "admin/convention.h"

#include <stdlib.h>
#include <string.h>

#include "admin/capability.h"
#include "admin/convention_inside.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/pack.h"
#include "message/protocol.h"

/* How long somebody may be silent. The third check-in may be a little late without being missed. */
static uint64_t patience(const struct th_convention *convention) {
  uint64_t period = convention->config.period;
  return TH_CONVENTION_MISSES * period + period / 4;
}

/* ---- time ---- */

static uint64_t earlier(uint64_t one, uint64_t other) {
  return one < other ? one : other;
}

/* A system that was asleep, or busy, has heard of nobody meanwhile: that is not their fault. Since
 * what they said may only now be on its way in, they get a period more. */
void th_convention_catch_up(struct th_convention *convention, uint64_t now) {
  uint64_t late = now > convention->wanted ? now - convention->wanted : 0;
  if (late <= convention->config.period / 4 || TH_PLANT(15)) return;
  late += convention->config.period;
  for (size_t i = 0; i < convention->count; i++) {
    struct th_other *other = convention->others[i];
    other->checked_in = earlier(other->checked_in + late, now);
    other->answered = earlier(other->answered + late, now);
  }
}

static void do_place(struct th_convention *convention, uint64_t now, struct th_place *place) {
  if (place->due > now || place->identity == convention->config.own.system) return;
  if (place->identity == 0) {
    th_convention_seek(convention, now, place);
    return;
  }
  place->due = now + convention->config.period;
  const struct th_other *other = th_convention_find(convention, place->identity);
  if (place->kind != TH_PLACE_EXPECTED || (other != NULL && other->is_member)) return;
  struct th_address admin = place->address;
  admin.system = place->identity;
  admin.number = TH_ADMIN_NUMBER;
  th_convention_say(convention, &admin, TH_CONVENTION_INVITE);
}

/* May free other. */
static void do_other(struct th_convention *convention, uint64_t now, struct th_other *other) {
  uint64_t silence = patience(convention);
  bool is_missed = other->is_member && other->checked_in + silence <= now;
  bool is_lost = other->leading != TH_LEADING_NOT && other->answered + silence <= now;
  if (is_missed || is_lost)
    th_convention_log(convention, TH_LOG_WARNING, &other->admin, "is silent");
  if (is_missed) other->is_member = false;
  if (is_lost)
    th_convention_dismiss(convention, now, other);
  else if (other->leading != TH_LEADING_NOT && other->due <= now)
    th_convention_check_in(convention, now, other);
  if (is_missed && !is_lost) th_convention_settle(convention, other);
}

/* Twice a period at least while somebody is known: else a short sleep might go unnoticed. */
static uint64_t find_next(const struct th_convention *convention, uint64_t now) {
  uint64_t next = convention->count > 0 ? now + convention->config.period / 2 : TH_FOREVER;
  for (size_t i = 0; i < convention->place_count; i++)
    if (convention->places[i].identity != convention->config.own.system)
      next = earlier(next, convention->places[i].due);
  for (size_t i = 0; i < convention->count; i++) {
    const struct th_other *other = convention->others[i];
    if (other->is_member) next = earlier(next, other->checked_in + patience(convention));
    if (other->leading == TH_LEADING_NOT) continue;
    next = earlier(next, earlier(other->due, other->answered + patience(convention)));
  }
  return next;
}

/* The end of each call: does what is due, and says when to call again. Others first: who is lost is
 * sought at once. */
uint64_t th_convention_advance(struct th_convention *convention, uint64_t now) {
  if (convention->has_left || convention->capabilities == NULL) return TH_FOREVER;
  for (size_t i = convention->count; i-- > 0;) do_other(convention, now, convention->others[i]);
  for (size_t i = 0; i < convention->place_count; i++)
    do_place(convention, now, &convention->places[i]);
  convention->wanted = find_next(convention, now);
  return convention->wanted;
}

/* ---- what its own system says ---- */

static bool take_capabilities(struct th_convention *convention, struct th_bytes *map) {
  struct th_bytes *old = convention->capabilities;
  if (old != NULL && old->size == map->size && memcmp(old->data, map->data, map->size) == 0)
    return false;
  convention->capabilities = th_bytes_ref(map);
  th_bytes_unref(old);
  convention->version++;
  return true;
}

static void spread(struct th_convention *convention, uint64_t now) {
  for (size_t i = 0; i < convention->count; i++) {
    struct th_other *other = convention->others[i];
    if (other->leading != TH_LEADING_NOT)
      th_convention_check_in(convention, now, other);
    else
      th_convention_say_capabilities(convention, other, TH_CONVENTION_REGISTERED, 0);
  }
}

uint64_t th_convention_changed(struct th_convention *convention, uint64_t now,
                               struct th_bytes *capabilities) {
  if (convention->has_left) return TH_FOREVER;
  th_convention_catch_up(convention, now);
  if (take_capabilities(convention, capabilities)) spread(convention, now);
  return th_convention_advance(convention, now);
}

uint64_t th_convention_turn(struct th_convention *convention, uint64_t now,
                            struct th_bytes *capabilities) {
  return th_convention_changed(convention, now, capabilities);
}

void th_convention_listen(struct th_convention *convention, const struct th_address *listener) {
  for (size_t i = 0; i < convention->count; i++)
    if (convention->others[i]->is_told)
      th_convention_update(convention, listener, convention->others[i], true);
}

static struct th_place *find_expected(struct th_convention *convention,
                                      const struct th_address *address) {
  for (size_t i = 0; i < convention->place_count; i++) {
    struct th_place *place = &convention->places[i];
    bool is_meant = th_convention_is_same_place(&place->address, address) ||
                    (address->system != 0 && (place->address.system == address->system ||
                                              place->identity == address->system));
    if (place->kind == TH_PLACE_EXPECTED && is_meant) return place;
  }
  return NULL;
}

uint64_t th_convention_pre_register(struct th_convention *convention, uint64_t now,
                                    const struct th_address *address,
                                    struct th_bytes *capabilities) {
  if (convention->has_left) return TH_FOREVER;
  th_convention_catch_up(convention, now);
  struct th_place *place = find_expected(convention, address);
  bool has_room = convention->place_count < TH_CONVENTION_MEMBERS;
  if (place == NULL && has_room && !th_convention_is_own(convention, address)) {
    place = th_convention_add_place(convention, address, TH_PLACE_EXPECTED);
    th_convention_seek(convention, now, place);
  }
  if (place != NULL) {
    th_bytes_unref(place->capabilities);
    place->capabilities = th_bytes_ref(capabilities);
  }
  return th_convention_advance(convention, now);
}

uint64_t th_convention_de_register(struct th_convention *convention, uint64_t now,
                                   const struct th_address *address) {
  if (convention->has_left) return TH_FOREVER;
  th_convention_catch_up(convention, now);
  struct th_place *place = find_expected(convention, address);
  uint64_t identity = place != NULL ? place->identity : 0;
  if (place != NULL) th_convention_remove_place(convention, place);
  for (size_t i = convention->count; i-- > 0;) {
    struct th_other *other = convention->others[i];
    bool is_meant = other->admin.system == identity || other->admin.system == address->system ||
                    th_convention_is_same_place(&other->admin, address);
    if (!other->is_member || !is_meant) continue;
    th_convention_say(convention, &other->admin, TH_CONVENTION_LEAVE);
    other->is_member = false;
    th_convention_settle(convention, other);
  }
  return th_convention_advance(convention, now);
}

void th_convention_leave(struct th_convention *convention) {
  for (size_t i = 0; i < convention->count && !convention->has_left; i++)
    th_convention_say(convention, &convention->others[i]->admin, TH_CONVENTION_LEAVE);
  convention->has_left = true;
}

/* ---- life ---- */

struct th_convention *th_convention_new(const struct th_convention_config *config) {
  struct th_convention *convention = th_new(struct th_convention);
  convention->config = *config;
  convention->config.places = NULL;
  convention->wanted = TH_FOREVER;
  for (size_t i = 0; i < config->place_count; i++)
    th_convention_add_place(convention, &config->places[i], TH_PLACE_LISTED);
  return convention;
}

void th_convention_free(struct th_convention *convention) {
  if (convention == NULL) return;
  for (size_t i = 0; i < convention->place_count; i++)
    th_bytes_unref(convention->places[i].capabilities);
  for (size_t i = 0; i < convention->count; i++) th_other_free(convention->others[i]);
  th_bytes_unref(convention->capabilities);
  th_map_clear(&convention->by_identity);
  free(convention->places);
  free(convention->others);
  free(convention);
}
