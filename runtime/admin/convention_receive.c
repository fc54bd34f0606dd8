/* What others say, and what the runtime says of them. Each message is read to its end before it
 * changes anything. */
#include <string.h>

#include "admin/capability.h"
#include "admin/convention_inside.h"
#include "base/clock.h"
#include "base/plant.h"
#include "message/pack.h"

/* One message while it is handled. */
struct event {
  struct th_convention *convention;
  uint64_t now;
  const struct th_address *sender;
  struct th_unpack reader;
};

static int end_of(const struct event *event) {
  const struct th_unpack *reader = &event->reader;
  return reader->error != 0 || reader->at != reader->end ? TH_EMALFORMED : 0;
}

/* What a REGISTER or REGISTERED says. */
struct statement {
  struct th_bytes *capabilities; /* checked; NULL: as before */
  uint64_t version;
  uint64_t number;
};

static int read_statement(struct event *event, struct statement *statement) {
  struct th_unpack *reader = &event->reader;
  size_t size = 0;
  const unsigned char *map = th_unpack_nil(reader) ? NULL : th_unpack_skip(reader, &size);
  int64_t version = th_unpack_int(reader), number = th_unpack_int(reader);
  if (end_of(event) != 0 || version < 1 || number < 0) return TH_EMALFORMED;
  *statement = (struct statement){.version = (uint64_t)version, .number = (uint64_t)number};
  if (map == NULL) return 0;
  struct th_capabilities *checked = th_capabilities_new(map, size, NULL);
  if (checked == NULL) return TH_EMALFORMED;
  statement->capabilities = th_capabilities_get(checked);
  th_capabilities_free(checked);
  return 0;
}

/* Whether the capabilities that are meant are known; where not, asks for them. */
static bool is_known(struct event *event, const struct th_other *other,
                     const struct statement *statement) {
  if (statement->capabilities != NULL) return true;
  if (other != NULL && other->capabilities != NULL && other->version == statement->version)
    return true;
  th_convention_say(event->convention, event->sender, TH_CONVENTION_RESEND);
  return false;
}

/* Takes the capabilities of statement. Those who know of other are told where they are new. */
static void learn(struct th_convention *convention, struct th_other *other,
                  struct statement *statement) {
  struct th_bytes *old = other->capabilities, *map = statement->capabilities;
  if (map == NULL) return;
  statement->capabilities = NULL;
  other->version = statement->version;
  other->capabilities = map;
  bool is_news = old == NULL || old->size != map->size ||
                 memcmp(old->data, map->data, map->size) != 0;
  th_bytes_unref(old);
  if (is_news && other->is_told && !TH_PLANT(13))
    th_convention_update(convention, NULL, other, true);
}

static void take_member(struct event *event, struct statement *statement) {
  struct th_convention *convention = event->convention;
  struct th_other *other = th_convention_find(convention, event->sender->system);
  if (!is_known(event, other, statement)) return;
  if (other == NULL && convention->count >= TH_CONVENTION_MEMBERS) {
    th_convention_log(convention, TH_LOG_WARNING, event->sender,
                      "is one member too many: not registered");
    return;
  }
  if (other == NULL) other = th_convention_add_other(convention, event->now, event->sender);
  learn(convention, other, statement);
  if (!other->is_member || !TH_PLANT(8)) other->checked_in = event->now;
  other->is_member = true;
  th_convention_say_capabilities(convention, other, TH_CONVENTION_REGISTERED, statement->number);
  th_convention_settle(convention, other);
}

/* An answer to a check-in from before the leader was greeted says nothing about now. */
static void take_answer(struct event *event, struct statement *statement) {
  struct th_convention *convention = event->convention;
  struct th_other *other = th_convention_find(convention, event->sender->system);
  if (other == NULL || other->leading == TH_LEADING_NOT) return;
  if (statement->number != 0 && statement->number < other->first) return;
  other->answered = event->now;
  if (!is_known(event, other, statement)) return;
  learn(convention, other, statement);
  other->leading = TH_LEADING_REGISTERED;
  th_convention_settle(convention, other);
}

static int receive_statement(struct event *event,
                             void (*take)(struct event *event, struct statement *statement)) {
  struct statement statement = {.capabilities = NULL};
  int error = read_statement(event, &statement);
  if (error != 0) return error;
  take(event, &statement);
  th_bytes_unref(statement.capabilities);
  return 0;
}

static int resend(struct event *event) {
  struct th_convention *convention = event->convention;
  struct th_other *other = th_convention_find(convention, event->sender->system);
  if (end_of(event) != 0) return TH_EMALFORMED;
  if (other == NULL) return 0;
  other->said = 0;
  if (other->leading != TH_LEADING_NOT)
    th_convention_check_in(convention, event->now, other);
  else
    th_convention_say_capabilities(convention, other, TH_CONVENTION_REGISTERED, 0);
  return 0;
}

/* Where a leader is, or was, that now invites; a new place where there is none. NULL where too many
 * have invited this system already. */
static struct th_place *find_inviter(struct th_convention *convention,
                                     const struct th_address *admin) {
  size_t invitations = 0;
  for (size_t i = 0; i < convention->place_count; i++) {
    struct th_place *place = &convention->places[i];
    if (place->kind == TH_PLACE_EXPECTED) continue;
    if (place->identity == admin->system || th_place_is_found(place, admin, admin)) return place;
    if (place->kind == TH_PLACE_INVITED) invitations++;
  }
  if (invitations < TH_CONVENTION_INVITATIONS)
    return th_convention_add_place(convention, admin, TH_PLACE_INVITED);
  th_convention_log(convention, TH_LOG_WARNING, admin, "is one too many that invites this system");
  return NULL;
}

static int accept_invitation(struct event *event) {
  struct th_convention *convention = event->convention;
  if (end_of(event) != 0) return TH_EMALFORMED;
  struct th_other *other = th_convention_find(convention, event->sender->system);
  bool is_leader = other != NULL && other->leading != TH_LEADING_NOT;
  struct th_place *place = find_inviter(convention, event->sender);
  if (place == NULL) return 0;
  if (is_leader)
    th_convention_check_in(convention, event->now, other);
  else
    th_convention_occupy(convention, event->now, (size_t)(place - convention->places),
                         event->sender);
  return 0;
}

/* Who leaves is sought again after a period, but for one that came by its own invitation. */
static int see_off(struct event *event) {
  struct th_convention *convention = event->convention;
  if (end_of(event) != 0) return TH_EMALFORMED;
  for (size_t i = convention->place_count; i-- > 0;) {
    struct th_place *place = &convention->places[i];
    if (place->identity != event->sender->system) continue;
    place->identity = 0;
    place->due = event->now + convention->config.period;
    if (place->kind == TH_PLACE_INVITED) th_convention_remove_place(convention, place);
  }
  th_convention_part(convention, th_convention_find(convention, event->sender->system));
  return 0;
}

static int meet(struct event *event) {
  struct th_convention *convention = event->convention;
  struct th_address admin = th_unpack_address(&event->reader);
  struct th_address sought = th_convention_read_place(&event->reader);
  if (end_of(event) != 0 || th_address_is_none(&admin)) return TH_EMALFORMED;
  for (size_t i = 0; i < convention->place_count; i++)
    if (th_place_is_found(&convention->places[i], &admin, &sought))
      th_convention_occupy(convention, event->now, i, &admin);
  return 0;
}

/* Said once, until somebody is there: it is sought for ever. One that was pre-registered may come
 * when it likes. */
static void miss(struct th_convention *convention, const struct th_address *sought,
                 const char *words, size_t size) {
  const double period = (double)convention->config.period / (double)TH_SECOND;
  for (size_t i = 0; i < convention->place_count; i++) {
    struct th_place *place = &convention->places[i];
    uint32_t ip = place->address.ip;
    if (place->is_missed || place->identity != 0 || place->kind == TH_PLACE_EXPECTED ||
        !th_convention_is_same_place(&place->address, sought))
      continue;
    place->is_missed = true;
    th_log_write(convention->config.log, TH_LOG_WARNING,
                 "convention: no leader at %u.%u.%u.%u:%u: %.*s; it is sought every %g s", ip >> 24,
                 (ip >> 16) & 255, (ip >> 8) & 255, ip & 255, place->address.port, (int)size, words,
                 period);
  }
}

/* An invitation of one that nobody can connect to ends with the session. */
static int lose(struct event *event) {
  struct th_convention *convention = event->convention;
  size_t size;
  struct th_address admin = th_unpack_address(&event->reader);
  struct th_address sought = th_convention_read_place(&event->reader);
  th_unpack_int(&event->reader);
  const char *words = th_unpack_str(&event->reader, &size);
  if (end_of(event) != 0) return TH_EMALFORMED;
  if (th_address_is_none(&admin)) miss(convention, &sought, words, size);
  if (th_address_is_none(&admin) || th_convention_is_own(convention, &admin)) return 0;
  th_convention_vacate(convention, event->now, admin.system);
  for (size_t i = convention->place_count; i-- > 0;)
    if (convention->places[i].kind == TH_PLACE_INVITED &&
        convention->places[i].address.system == admin.system && admin.port == 0)
      th_convention_remove_place(convention, &convention->places[i]);
  th_convention_part(convention, th_convention_find(convention, admin.system));
  return 0;
}

static int handle_own(struct event *event, int64_t operation) {
  switch (operation) {
  case TH_CONVENTION_MET:
    return meet(event);
  case TH_CONVENTION_PARTED:
    return lose(event);
  case TH_CONVENTION_TICK:
    return end_of(event);
  default:
    return TH_EMALFORMED;
  }
}

static int handle(struct event *event, int64_t operation) {
  switch (operation) {
  case TH_CONVENTION_REGISTER:
    return receive_statement(event, take_member);
  case TH_CONVENTION_REGISTERED:
    return receive_statement(event, take_answer);
  case TH_CONVENTION_RESEND:
    return resend(event);
  case TH_CONVENTION_INVITE:
    return accept_invitation(event);
  case TH_CONVENTION_LEAVE:
    return see_off(event);
  default:
    return TH_EMALFORMED;
  }
}

int th_convention_receive(struct th_convention *convention, uint64_t now,
                          const struct th_address *sender, const void *payload, size_t size,
                          uint64_t *next) {
  struct event event = {.convention = convention, .now = now, .sender = sender};
  th_unpack_init(&event.reader, payload, size);
  uint32_t count = th_unpack_array(&event.reader);
  int64_t operation = th_unpack_int(&event.reader);
  int error = count == 0 ? TH_EMALFORMED : event.reader.error;
  bool is_ready = !convention->has_left && convention->capabilities != NULL;
  if (error == 0 && sender->number != TH_ADMIN_NUMBER) error = TH_EMALFORMED;
  th_convention_catch_up(convention, now);
  if (error == 0 && is_ready && th_convention_is_own(convention, sender))
    error = handle_own(&event, operation);
  else if (error == 0 && is_ready)
    error = sender->system != 0 ? handle(&event, operation) : TH_EMALFORMED;
  *next = th_convention_advance(convention, now);
  return error;
}
