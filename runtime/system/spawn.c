/* spawn: how actors come to be, and what happens when they are gone.
 *
 * Threads: create and exited in the turn of the actor they are about. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/kept.h"
#include "message/pack.h"
#include "system/inside.h"

static void drop_script_birth(void *argument) {
  struct th_script_birth *birth = argument;
  th_source_unref(birth->source);
  th_bytes_unref(birth->requirements);
  free(birth);
}

static struct th_script_birth *new_script_birth(struct th_system *system,
                                                const struct th_creation *creation,
                                                struct th_source *source) {
  struct th_script_birth *birth = th_new(struct th_script_birth);
  birth->drop = drop_script_birth;
  birth->world = &system->world;
  birth->source = source;
  birth->check_capabilities = !system->is_simple;
  if (creation->requirements_size > 0)
    birth->requirements = th_bytes_copy(creation->requirements, creation->requirements_size);
  return birth;
}

/* The source that a creation means: one that is loaded, one that is expected, or none. */
struct found {
  struct th_source *loaded; /* a reference */
  char expected[TH_DIGEST_TEXT_SIZE];
};

/* Looks a source up by its hash, first among those that are expected: one that comes meanwhile is
 * then found among those that are loaded. */
static bool find_by_hash(struct th_system *system, const char *hash, struct found *found) {
  bool is_expected = th_expected_find(system->expected, hash, found->expected);
  found->loaded = th_sources_find(system->sources, hash);
  return found->loaded != NULL || is_expected;
}

/* A failure where the hash that the creation names is neither loaded nor expected. */
static int find_source(struct th_system *system, const struct th_creation *creation,
                       struct found *found, struct th_reason *reason) {
  *found = (struct found){.loaded = NULL};
  if (creation->source == NULL) {
    if (creation->own_source != NULL) found->loaded = th_source_ref(creation->own_source);
    return 0;
  }
  char *hash = strndup(creation->source, creation->source_size);
  int error = find_by_hash(system, hash, found) ? 0 : TH_ESOURCE;
  if (error != 0) th_fail(reason, error, "no source with hash %s is loaded here", hash);
  free(hash);
  return error;
}

static void fail_birth(struct th_birth *birth, int error, const struct th_reason *reason) {
  free(birth->words);
  birth->error = error;
  birth->words = th_strdup(reason->words);
}

/* Takes what was found. */
static struct th_birth *new_birth(struct th_system *system, const struct th_address *parent,
                                  const struct th_creation *creation, const struct found *found) {
  struct th_birth *birth = th_new(struct th_birth);
  const char *hash = found->loaded != NULL ? found->loaded->hash : found->expected;
  birth->behaviour = system->script->behaviour;
  birth->requester = creation->requester;
  birth->ticket = creation->ticket;
  birth->class_name = strndup(creation->class_name, creation->class_name_size);
  if (creation->global_name != NULL)
    birth->global_name = strndup(creation->global_name, creation->global_name_size);
  else
    birth->parent = *parent;
  if (atomic_load_explicit(&system->closing, memory_order_relaxed))
    fail_birth(birth, TH_ESHUTDOWN, &(struct th_reason){"the actor system is shutting down"});
  if (hash[0] != '\0') birth->source = th_intern(system->interns, hash, strlen(hash));
  if (hash == found->expected && hash[0] != '\0') birth->behaviour = &th_expectant_behaviour;
  struct th_script_birth *script = new_script_birth(system, creation, found->loaded);
  if (script->requirements != NULL) birth->requirements = th_bytes_ref(script->requirements);
  birth->argument = script;
  birth->drop = drop_script_birth;
  return birth;
}

/* The name is taken: who has it says so itself, once it has started. */
static void ask_holder(struct th_system *system, const struct th_creation *creation,
                       const struct th_address *holder) {
  if (th_address_is_none(&creation->requester)) return;
  struct th_message *presence = th_message_new(TH_KIND_PRESENCE, holder, &creation->requester, NULL,
                                               0);
  if (presence == NULL) return;
  presence->ticket = creation->ticket;
  th_router_send(&system->world, presence);
}

static bool is_held(struct th_system *system, const struct th_creation *creation) {
  return creation->global_name != NULL &&
         th_names_find(system->names, creation->global_name, creation->global_name_size) != 0;
}

/* Gives a slot for the creation, or NULL with *number that of the actor who has the name
 * already. */
static struct th_actor *reserve(struct th_system *system, const struct th_creation *creation,
                                uint64_t *number) {
  if (creation->global_name != NULL) {
    *number = th_names_find(system->names, creation->global_name, creation->global_name_size);
    if (*number != 0) return NULL;
  }
  uint64_t own;
  struct th_actor *slot = th_registry_reserve(system->registry, false, &own);
  *number = slot != NULL ? own : 0;
  if (slot == NULL || creation->global_name == NULL) return slot;
  *number = th_names_claim(system->names, creation->global_name, creation->global_name_size, own);
  if (*number == own) return slot;
  th_registry_release(system->registry, slot);
  return NULL;
}

/* The admin ends the system while it closes: it must look again when an actor came or went that
 * nobody else will ask to exit, and when the last is gone. */
static void nudge_if_closing(struct th_system *system) {
  /* Sequentially consistent, as is the store in close: either this sees that the system closes, or
   * the admin's sweep after it sees the actor. */
  if (!atomic_load(&system->closing)) return;
  struct th_message *nudge = th_message_new(TH_KIND_NUDGE, &system->world.admin,
                                            &system->world.admin, NULL, 0);
  if (nudge != NULL) th_router_send(&system->world, nudge);
}

/* Names are shown to people and, once claimed, to everybody who asks for the status. */
static int check_names(const struct th_creation *creation, struct th_reason *reason) {
  const char *what = "the name of a class";
  const char *refusal = th_kept_refuse_name(creation->class_name, creation->class_name_size);
  if (refusal == NULL && creation->global_name != NULL) {
    what = "a global name";
    refusal = th_kept_refuse_name(creation->global_name, creation->global_name_size);
  }
  if (refusal == NULL) return 0;
  return th_fail(reason, TH_ESPECIFICATION, "this cannot be %s: %s", what, refusal);
}

/* Takes birth. From here on the actor lives. */
static void push_birth(struct th_system *system, struct th_actor *slot, struct th_actor *parent,
                       struct th_birth *birth, const struct th_address *address) {
  bool has_parent = parent != NULL && !th_address_is_none(&birth->parent);
  atomic_fetch_add_explicit(&system->living, 1, memory_order_relaxed);
  th_router_birth(system, slot, th_birth_message(address, birth));
  if (has_parent)
    th_actor_add_child(parent, address);
  else
    nudge_if_closing(system);
}

int th_spawn_create(struct th_world *world, struct th_actor *parent,
                    const struct th_creation *creation, struct th_address *address,
                    struct th_reason *reason) {
  struct th_system *system = th_system_of(world);
  struct found found;
  uint64_t number;
  int error = check_names(creation, reason);
  if (error != 0) return error;
  if (parent->is_barren && creation->global_name == NULL)
    return th_fail(reason, TH_ESHUTDOWN,
                   "an actor that waits for its children to exit cannot have more");
  /* An actor's child fails at its birth, so that its parent is told in the usual way. Who waits to
   * hear is told before a name is claimed: a program that must load its code first asks again. */
  int missing = find_source(system, creation, &found, reason);
  bool is_awaited = !th_address_is_none(&creation->requester);
  if (missing != 0 && is_awaited && !is_held(system, creation)) return missing;
  struct th_actor *slot = reserve(system, creation, &number);
  if (slot == NULL) th_source_unref(found.loaded);
  if (slot == NULL && number == 0)
    return th_fail(reason, TH_ENOMEM, "this system cannot hold more actors");
  *address = th_system_address(system, number);
  if (slot == NULL) {
    ask_holder(system, creation, address);
    return 0;
  }
  struct th_birth *birth = new_birth(system, &parent->address, creation, &found);
  if (creation->global_name == NULL) birth->parent_number = th_actor_number(parent);
  if (missing != 0) fail_birth(birth, missing, reason);
  push_birth(system, slot, parent, birth, address);
  return 0;
}

int th_spawn_host(struct th_system *system, const struct th_address *forward,
                  const struct th_address *parent, const struct th_creation *creation,
                  struct th_reason *reason) {
  struct found found;
  uint64_t number;
  int error = check_names(creation, reason);
  if (error == 0) error = find_source(system, creation, &found, reason);
  if (error != 0) return error;
  struct th_actor *slot = reserve(system, creation, &number);
  if (slot == NULL) th_source_unref(found.loaded);
  if (slot == NULL && number == 0)
    return th_fail(reason, TH_ENOMEM, "that system cannot hold more actors");
  struct th_address address = th_system_address(system, number);
  th_hosting_add(system->hosting, forward, number, creation->global_name == NULL);
  if (slot == NULL) {
    ask_holder(system, creation, &address);
    return 0;
  }
  struct th_birth *birth = new_birth(system, parent, creation, &found);
  birth->is_placed = true;
  if (creation->global_name == NULL) birth->address = *forward;
  push_birth(system, slot, NULL, birth, &address);
  return 0;
}

static void add_up(atomic_uint_fast64_t *total, atomic_uint_fast64_t *part) {
  uint64_t value = atomic_exchange_explicit(part, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(total, value, memory_order_relaxed);
}

void th_spawn_exited(struct th_world *world, struct th_actor *actor) {
  struct th_system *system = th_system_of(world);
  bool was_guest = atomic_load_explicit(&actor->is_guest, memory_order_relaxed);
  bool left_orphans = actor->left_orphans;
  actor->left_orphans = false;
  th_names_release(system->names, th_actor_number(actor));
  if (system->hosting != NULL) th_hosting_drop(system->hosting, th_actor_number(actor), "exit");
  add_up(&system->past_handled, &actor->card.handled);
  add_up(&system->past_failed, &actor->card.failed);
  add_up(&system->past_restarts, &actor->card.restarts);
  th_registry_release(system->registry, actor);
  atomic_fetch_add_explicit(&system->exited, 1, memory_order_relaxed);
  /* Release, acquire: who sees the count at 0 sees all that these actors did. */
  size_t left = atomic_fetch_sub_explicit(was_guest ? &system->guests : &system->living, 1,
                                          memory_order_acq_rel);
  if (was_guest)
    th_system_signal(system);
  else if (left == 1 || left_orphans)
    nudge_if_closing(system);
}

static void drop_admin(void *argument) {
  th_admin_free(argument);
}

int th_spawn_admin(struct th_system *system) {
  uint64_t number;
  struct th_admin_config config = {.ops = &th_system_admin_ops,
                                   .context = system,
                                   .capabilities = system->capabilities,
                                   .sources = system->sources,
                                   .expected = system->expected,
                                   .names = system->names,
                                   .leaders = system->leaders,
                                   .leader_count = system->leader_count,
                                   .check_in_period = system->check_in_period};
  struct th_actor *slot = th_registry_reserve(system->registry, false, &number);
  struct th_birth *birth = th_new(struct th_birth);
  birth->behaviour = &th_admin_behaviour;
  birth->argument = th_admin_new(&config);
  birth->drop = drop_admin;
  birth->class_name = th_strdup("thespian.Admin");
  th_router_birth(system, slot, th_birth_message(&system->world.admin, birth));
  return 0;
}
