/* Who is known, where who is sought, and what is said to them. */
#include <stdlib.h>
#include <string.h>

#include "admin/convention_inside.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/pack.h"

bool th_convention_is_own(const struct th_convention *convention, const struct th_address *place) {
  const struct th_address *own = &convention->config.own;
  if (place->system != 0) return place->system == own->system;
  return place->port != 0 && place->port == own->port && place->ip == own->ip;
}

bool th_convention_is_same_place(const struct th_address *one, const struct th_address *other) {
  return one->port != 0 && one->port == other->port && one->ip == other->ip;
}

void th_convention_log(const struct th_convention *convention, enum th_log_level level,
                       const struct th_address *admin, const char *words) {
  char text[TH_ADDRESS_TEXT_SIZE];
  th_log_write(convention->config.log, level, "convention: %s %s", th_address_text(admin, text),
               words);
}

/* ---- what is said ---- */

static void send(struct th_convention *convention, const struct th_address *admin,
                 struct th_buffer *words) {
  if (words->error == 0) convention->config.ops->send(convention->config.context, admin, words);
  th_buffer_clear(words);
}

void th_convention_say(struct th_convention *convention, const struct th_address *admin,
                       enum th_convention_operation operation) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 1);
  th_pack_int(&words, operation);
  send(convention, admin, &words);
}

/* A REGISTER or REGISTERED; the capabilities go with it where the other has not got these. */
void th_convention_say_capabilities(struct th_convention *convention, struct th_other *other,
                                    enum th_convention_operation operation, uint64_t number) {
  const struct th_bytes *map = convention->capabilities;
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 4);
  th_pack_int(&words, operation);
  if (other->said == convention->version)
    th_pack_nil(&words);
  else
    th_pack_raw(&words, map->data, map->size);
  th_pack_int(&words, (int64_t)convention->version);
  th_pack_int(&words, (int64_t)number);
  other->said = convention->version;
  send(convention, &other->admin, &words);
}

void th_convention_check_in(struct th_convention *convention, uint64_t now,
                            struct th_other *leader) {
  leader->due = now + convention->config.period;
  th_convention_say_capabilities(convention, leader, TH_CONVENTION_REGISTER, ++convention->number);
}

void th_convention_seek(struct th_convention *convention, uint64_t now, struct th_place *place) {
  place->sought = now;
  place->due = now + convention->config.period;
  convention->config.ops->meet(convention->config.context, &place->address);
}

/* ---- others ---- */

void th_convention_update(struct th_convention *convention, const struct th_address *listener,
                          const struct th_other *other, bool added) {
  convention->config.ops->update(convention->config.context, listener, &other->admin,
                                 other->capabilities, added);
}

void th_other_free(struct th_other *other) {
  th_bytes_unref(other->capabilities);
  free(other);
}

static void remove_other(struct th_convention *convention, struct th_other *other) {
  size_t i = 0;
  while (convention->others[i] != other) i++;
  convention->count--;
  memmove(&convention->others[i], &convention->others[i + 1],
          (convention->count - i) * sizeof *convention->others);
  th_map_remove(&convention->by_identity, other->admin.system);
  th_other_free(other);
}

/* After a change: tells of it, and forgets who is nothing to this system any more. */
void th_convention_settle(struct th_convention *convention, struct th_other *other) {
  bool is_there = th_other_is_there(other);
  if (is_there != other->is_told) {
    other->is_told = is_there;
    th_convention_log(convention, TH_LOG_INFO, &other->admin, is_there ? "is there" : "is gone");
    if (is_there || !TH_PLANT(9)) th_convention_update(convention, NULL, other, is_there);
  }
  if (!other->is_member && other->leading == TH_LEADING_NOT) remove_other(convention, other);
}

/* Whoever was sought and found there is no more. The place is sought at once where that was not
 * done within the last period. */
void th_convention_vacate(struct th_convention *convention, uint64_t now, uint64_t identity) {
  for (size_t i = 0; i < convention->place_count; i++) {
    struct th_place *place = &convention->places[i];
    if (place->identity != identity) continue;
    uint64_t again = place->sought + convention->config.period;
    place->identity = 0;
    place->due = place->sought == 0 || again < now ? now : again;
  }
}

/* The same for places of leaders alone. */
void th_convention_dismiss(struct th_convention *convention, uint64_t now, struct th_other *other) {
  other->leading = TH_LEADING_NOT;
  for (size_t i = 0; i < convention->place_count; i++) {
    struct th_place *place = &convention->places[i];
    if (place->kind == TH_PLACE_EXPECTED || place->identity != other->admin.system) continue;
    place->identity = 0;
    place->due = now;
  }
  th_convention_settle(convention, other);
}

/* Ends all that other was. It may be NULL. */
void th_convention_part(struct th_convention *convention, struct th_other *other) {
  if (other == NULL) return;
  other->is_member = false;
  other->leading = TH_LEADING_NOT;
  th_convention_settle(convention, other);
}

/* A new system where another one was has taken its place. Loopback says nothing about others'
 * places, unless all are on this machine. */
static void displace(struct th_convention *convention, uint64_t now,
                     const struct th_address *admin) {
  bool is_local = admin->ip >> 24 == 127 && convention->config.own.ip >> 24 != 127;
  for (size_t i = convention->count; i-- > 0 && !is_local;) {
    struct th_other *other = convention->others[i];
    if (!th_convention_is_same_place(&other->admin, admin)) continue;
    th_convention_vacate(convention, now, other->admin.system);
    th_convention_part(convention, other);
  }
}

struct th_other *th_convention_add_other(struct th_convention *convention, uint64_t now,
                                         const struct th_address *admin) {
  displace(convention, now, admin);
  struct th_other *other = th_new(struct th_other);
  other->admin = *admin;
  /* Room for a power of two. */
  if ((convention->count & (convention->count - 1)) == 0) {
    size_t room = convention->count == 0 ? 1 : convention->count * 2;
    convention->others = th_realloc(convention->others, room * sizeof(struct th_other *));
  }
  convention->others[convention->count++] = other;
  th_map_put(&convention->by_identity, admin->system, other);
  return other;
}

/* ---- places ---- */

struct th_place *th_convention_add_place(struct th_convention *convention,
                                         const struct th_address *address,
                                         enum th_place_kind kind) {
  size_t size = (convention->place_count + 1) * sizeof *convention->places;
  convention->places = th_realloc(convention->places, size);
  struct th_place *place = &convention->places[convention->place_count++];
  *place = (struct th_place){.address = *address, .kind = kind};
  if (th_convention_is_own(convention, address)) place->identity = convention->config.own.system;
  return place;
}

void th_convention_remove_place(struct th_convention *convention, struct th_place *place) {
  size_t index = (size_t)(place - convention->places);
  th_bytes_unref(place->capabilities);
  convention->place_count--;
  memmove(place, place + 1, (convention->place_count - index) * sizeof *place);
}

/* Whether it is there that admin was found: at place where that is known, else by what it says. */
bool th_place_is_found(const struct th_place *place, const struct th_address *admin,
                       const struct th_address *sought) {
  const struct th_address *address = &place->address;
  if (address->system != 0 && address->system == admin->system) return true;
  return th_convention_is_same_place(address, sought->port != 0 ? sought : admin);
}

/* A leader is there: this system registers with it. */
static void greet(struct th_convention *convention, uint64_t now, const struct th_address *admin) {
  struct th_other *other = th_convention_find(convention, admin->system);
  if (other == NULL) other = th_convention_add_other(convention, now, admin);
  if (other->leading != TH_LEADING_NOT) return;
  other->leading = TH_LEADING_GREETED;
  other->answered = now;
  other->first = convention->number + 1;
  th_convention_check_in(convention, now, other);
}

/* Somebody is at a place: who was there before is gone. */
void th_convention_occupy(struct th_convention *convention, uint64_t now, size_t index,
                          const struct th_address *admin) {
  struct th_place *place = &convention->places[index];
  struct th_other *old = th_convention_find(convention, place->identity);
  if (old != NULL && old->admin.system != admin->system) {
    th_convention_vacate(convention, now, old->admin.system);
    th_convention_part(convention, old);
  }
  place->identity = admin->system;
  place->due = now + convention->config.period;
  place->is_missed = false;
  if (th_convention_is_own(convention, admin)) return;
  if (place->kind == TH_PLACE_EXPECTED)
    th_convention_say(convention, admin, TH_CONVENTION_INVITE);
  else
    greet(convention, now, admin);
}
