/* status: what a system says of itself when asked. The shapes are those of message/protocol.h.
 *
 * Threads: the admin's turn. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "message/pack.h"
#include "system/inside.h"

static const char *const state_words[] = {"free", "starting", "running", "exiting"};

/* A slot whose birth still waits says what its last tenant left. */
static const char *state_of(struct th_actor_card *card) {
  int state = atomic_load_explicit(&card->state, memory_order_relaxed);
  if (atomic_load_explicit(&card->is_forward, memory_order_relaxed)) return "elsewhere";
  return state_words[state == TH_ACTOR_FREE ? TH_ACTOR_STARTING : state];
}

static void pack_field_int(struct th_buffer *buffer, const char *name, uint64_t value) {
  th_pack_text(buffer, name);
  th_pack_int(buffer, (int64_t)value);
}

static void pack_field_text(struct th_buffer *buffer, const char *name, const char *value) {
  th_pack_text(buffer, name);
  th_pack_text(buffer, value);
}

static uint64_t get(const atomic_uint_fast64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One that peers and full mailboxes elsewhere have (system/peers.h): no actor. */
static bool is_account(const struct th_actor *actor) {
  return atomic_load_explicit(&actor->card.state, memory_order_relaxed) == TH_ACTOR_NEVER;
}

/* ---- names, turned around: from number to name ---- */

struct name {
  size_t size;
  char text[];
};

static void add_name(void *context, const char *text, size_t size, uint64_t number) {
  struct th_map *names = context;
  struct name *name = th_alloc(sizeof *name + size);
  name->size = size;
  memcpy(name->text, text, size);
  free(th_map_put(names, number, name));
}

static void free_names(struct th_map *names) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(names, &cursor)) != NULL) free(slot->value);
  th_map_clear(names);
}

static void pack_names(const struct th_system *system, const struct th_map *names,
                       struct th_buffer *buffer) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  th_pack_text(buffer, "names");
  th_pack_map(buffer, (uint32_t)names->count);
  while ((slot = th_map_next(names, &cursor)) != NULL) {
    const struct name *name = slot->value;
    struct th_address address = th_system_address(system, slot->hash);
    th_pack_str(buffer, name->text, name->size);
    th_pack_address(buffer, &address);
  }
}

/* ---- one actor ---- */

static struct th_address alias_of(const struct th_system *system, const struct th_actor *actor) {
  if (system->hosting == NULL) return TH_NOBODY; /* a base without other systems */
  return th_hosting_alias(system->hosting, th_actor_number(actor));
}

/* What an actor was suspended at, or keeps, has not been handled yet. */
static uint64_t waiting(const struct th_actor *actor) {
  return th_mailbox_depth(&actor->mailbox) + th_shelf_waiting(&actor->shelf) +
         th_shelf_lent(&actor->shelf) +
         atomic_load_explicit(&actor->card.has_suspended, memory_order_relaxed);
}

static void pack_counts(const struct th_actor *actor, struct th_buffer *buffer) {
  const struct th_actor_card *card = &actor->card;
  pack_field_int(buffer, "waiting", waiting(actor));
  pack_field_int(buffer, "handled", get(&card->handled));
  pack_field_int(buffer, "failed", get(&card->failed));
  pack_field_int(buffer, "restarts", get(&card->restarts));
  pack_field_int(buffer, "memory", atomic_load_explicit(&card->memory, memory_order_relaxed));
  th_pack_text(buffer, "time");
  th_pack_real(buffer, (double)get(&card->busy) / (double)TH_SECOND);
}

/* Appends the pairs of a map, ACTOR_FIELDS of them. */
#define ACTOR_FIELDS 13
static void pack_actor(struct th_system *system, struct th_actor *actor,
                       const struct th_address *address, const struct name *name,
                       struct th_buffer *buffer) {
  struct th_actor_card *card = &actor->card;
  uint64_t parent = get(&card->parent);
  struct th_address parent_address = th_system_address(system, parent);
  struct th_address alias = alias_of(system, actor);
  th_pack_text(buffer, "address");
  th_pack_address(buffer, address);
  pack_field_text(buffer, "class", atomic_load_explicit(&card->class_name, memory_order_acquire));
  th_pack_text(buffer, "name");
  if (name != NULL)
    th_pack_str(buffer, name->text, name->size);
  else
    th_pack_nil(buffer);
  th_pack_text(buffer, "parent");
  th_pack_address(buffer, parent != 0 ? &parent_address : &TH_NOBODY);
  th_pack_text(buffer, "alias");
  th_pack_address(buffer, &alias);
  pack_field_text(buffer, "source", atomic_load_explicit(&card->source, memory_order_relaxed));
  pack_field_text(buffer, "state", state_of(card));
  pack_counts(actor, buffer);
}

/* ---- all actors ---- */

struct survey {
  struct th_system *system;
  const struct th_map *names; /* NULL: only what is counted matters */
  struct th_map from_source;  /* by the interned hash: how many actors, as a pointer */
  struct th_buffer actors;
  size_t most; /* so many actors are listed, and all programs */
  size_t listed, omitted;
  uint32_t count;
  uint64_t pushed;
  uint64_t waiting;
  uint64_t handled;
  uint64_t failed;
  uint64_t restarts;
};

static void count_source(struct survey *survey, struct th_actor *actor) {
  const char *source = atomic_load_explicit(&actor->card.source, memory_order_relaxed);
  uint64_t key = (uint64_t)(uintptr_t)source;
  if (source == NULL) return;
  uintptr_t count = (uintptr_t)th_map_find(&survey->from_source, key);
  th_map_put(&survey->from_source, key, (void *)(count + 1));
}

static bool survey_actor(void *context, struct th_actor *actor) {
  struct survey *survey = context;
  uint64_t number = th_actor_number(actor);
  survey->pushed += get(&actor->mailbox.pushed);
  survey->waiting += waiting(actor);
  survey->handled += get(&actor->card.handled);
  survey->failed += get(&actor->card.failed);
  survey->restarts += get(&actor->card.restarts);
  if (number == 0 || number == TH_ADMIN_NUMBER || is_account(actor)) return true;
  count_source(survey, actor);
  if (survey->names == NULL) return true;
  bool is_guest = atomic_load_explicit(&actor->is_guest, memory_order_relaxed);
  if (!is_guest && survey->listed == survey->most) {
    survey->omitted++;
    return true;
  }
  survey->listed += !is_guest;
  struct th_address address = th_system_address(survey->system, number);
  th_pack_map(&survey->actors, ACTOR_FIELDS);
  pack_actor(survey->system, actor, &address, th_map_find(survey->names, number), &survey->actors);
  survey->count++;
  return true;
}

/* ---- sources ---- */

static void pack_source(const struct survey *survey, const struct th_source *source,
                        struct th_buffer *buffer) {
  const char *hash = th_intern(survey->system->interns, source->hash, strlen(source->hash));
  th_pack_map(buffer, 6);
  pack_field_text(buffer, "hash", hash);
  pack_field_text(buffer, "info", source->info);
  pack_field_int(buffer, "bytes", source->zip->size);
  pack_field_int(buffer, "files", source->file_count);
  th_pack_text(buffer, "implicit");
  th_pack_bool(buffer, source->implicit);
  pack_field_int(buffer, "actors",
                 (uintptr_t)th_map_find(&survey->from_source, (uint64_t)(uintptr_t)hash));
}

static void pack_sources(const struct survey *survey, struct th_buffer *buffer) {
  size_t count;
  struct th_source **sources = th_sources_list(survey->system->sources, &count);
  th_pack_array(buffer, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    pack_source(survey, sources[i], buffer);
    th_source_unref(sources[i]);
  }
  free(sources);
}

void th_status_sources(struct th_system *system, struct th_buffer *buffer) {
  struct survey survey = {.system = system};
  th_registry_each(system->registry, survey_actor, &survey);
  pack_sources(&survey, buffer);
  th_map_clear(&survey.from_source);
}

/* ---- the system ---- */

static void pack_counters(struct th_system *system, const struct survey *survey,
                          struct th_buffer *buffer) {
  uint64_t created = get(&system->created);
  th_pack_text(buffer, "counters");
  struct th_wire_counts wire = {0};
  if (system->gate != NULL) th_gate_counts(system->gate, &wire);
  uint64_t carried = 0, returned = 0;
  if (system->peers != NULL) th_peers_counts(system->peers, &carried, &returned);
  th_pack_map(buffer, 11);
  /* Every message that was sent either reached a mailbox or was turned away; births are no
   * messages. What asked for this status counts as delivered: at rest the books balance. */
  pack_field_int(buffer, "sent", survey->pushed - created + get(&system->turned_away) + carried);
  pack_field_int(buffer, "delivered",
                 get(&system->past_handled) + survey->handled + 1 - get(&system->returned) +
                   carried - returned);
  pack_field_int(buffer, "dead", get(&system->dead));
  pack_field_int(buffer, "poisoned", get(&system->past_failed) + survey->failed);
  pack_field_int(buffer, "waiting", survey->waiting);
  pack_field_int(buffer, "wakeups", th_timers_count(system->timers, NULL));
  pack_field_int(buffer, "restarts", get(&system->past_restarts) + survey->restarts);
  pack_field_int(buffer, "created", created);
  pack_field_int(buffer, "exited", get(&system->exited));
  pack_field_int(buffer, "lost", wire.lost);
  pack_field_int(buffer, "strange", wire.strange);
}

static void pack_others(struct th_system *system, struct th_admin *admin,
                        struct th_buffer *buffer) {
  th_pack_text(buffer, "convention");
  th_admin_pack_convention(admin, buffer);
  th_pack_text(buffer, "peers");
  if (system->peers != NULL)
    th_peers_pack(system->peers, buffer);
  else
    th_pack_array(buffer, 0);
}

static void pack_system(struct th_system *system, struct th_admin *admin,
                        const struct th_map *names, const struct survey *survey,
                        struct th_buffer *buffer) {
  struct th_bytes *capabilities = th_capabilities_get(system->capabilities);
  th_pack_map(buffer, 18);
  pack_field_text(buffer, "base", system->base);
  pack_field_text(buffer, "version", TH_VERSION);
  pack_field_int(buffer, "pid", (uint64_t)getpid());
  th_pack_text(buffer, "admin");
  th_pack_address(buffer, &system->world.admin);
  pack_field_text(buffer, "host", system->host);
  pack_field_int(buffer, "port", th_system_port(system));
  th_pack_text(buffer, "uptime");
  th_pack_real(buffer, (double)(th_clock_now() - system->started) / (double)TH_SECOND);
  pack_field_int(buffer, "workers", th_scheduler_workers(system->scheduler));
  th_pack_text(buffer, "shutdown");
  th_pack_bool(buffer, atomic_load_explicit(&system->closing, memory_order_relaxed));
  th_pack_text(buffer, "capabilities");
  th_pack_raw(buffer, capabilities->data, capabilities->size);
  pack_names(system, names, buffer);
  th_pack_text(buffer, "sources");
  pack_sources(survey, buffer);
  th_pack_text(buffer, "deadLetterHandlers");
  th_admin_pack_handlers(admin, buffer);
  pack_others(system, admin, buffer);
  pack_counters(system, survey, buffer);
  pack_field_int(buffer, "omitted", survey->omitted);
  th_pack_text(buffer, "actors");
  th_pack_array(buffer, survey->count);
  th_pack_raw(buffer, survey->actors.data, survey->actors.size);
  th_bytes_unref(capabilities);
}

/* ---- one actor, with what only a look at all the others tells ---- */

struct family {
  const struct th_system *system;
  uint64_t parent;
  uint32_t count;
  struct th_buffer addresses;
};

static bool add_child(void *context, struct th_actor *actor) {
  struct family *family = context;
  uint64_t number = th_actor_number(actor);
  if (number == 0 || get(&actor->card.parent) != family->parent) return true;
  struct th_address address = th_system_address(family->system, number);
  th_pack_address(&family->addresses, &address);
  family->count++;
  return true;
}

static void pack_children(struct th_system *system, uint64_t parent, struct th_buffer *buffer) {
  struct family family = {.system = system, .parent = parent};
  th_buffer_init(&family.addresses);
  th_registry_each(system->registry, add_child, &family);
  th_pack_text(buffer, "children");
  th_pack_array(buffer, family.count);
  th_pack_raw(buffer, family.addresses.data, family.addresses.size);
  th_buffer_clear(&family.addresses);
}

/* Of an actor here, by its own address or by one of another system; 0 for none. */
static uint64_t number_here(struct th_system *system, const struct th_address *address) {
  if (!th_router_is_alive(system, address)) return 0;
  return address->system == system->identity ? address->number
                                             : th_hosting_find(system->hosting, address);
}

static int pack_one(struct th_system *system, const struct th_address *address,
                    const struct th_map *names, struct th_buffer *buffer,
                    struct th_reason *reason) {
  char text[TH_ADDRESS_TEXT_SIZE];
  uint64_t number = number_here(system, address);
  if (number == 0 || is_account(th_registry_find(system->registry, number)))
    return th_fail(reason, TH_EADDRESS, "no actor has the address %s",
                   th_address_text(address, text));
  th_pack_map(buffer, ACTOR_FIELDS + 3);
  pack_actor(system, th_registry_find(system->registry, number), address,
             th_map_find(names, number), buffer);
  th_pack_text(buffer, "admin");
  th_pack_address(buffer, &system->world.admin);
  pack_children(system, number, buffer);
  pack_field_int(buffer, "wakeups", th_timers_count(system->timers, address));
  return 0;
}

int th_status_pack(struct th_system *system, const struct th_address *actor, size_t most,
                   struct th_admin *admin, struct th_buffer *buffer, struct th_reason *reason) {
  int error = 0;
  struct th_map names;
  th_map_init(&names);
  th_names_each(system->names, add_name, &names);
  if (actor != NULL) {
    error = pack_one(system, actor, &names, buffer, reason);
  } else {
    struct survey survey = {.system = system, .names = &names, .most = most};
    th_buffer_init(&survey.actors);
    th_registry_each(system->registry, survey_actor, &survey);
    pack_system(system, admin, &names, &survey, buffer);
    th_buffer_clear(&survey.actors);
    th_map_clear(&survey.from_source);
  }
  free_names(&names);
  return error;
}
