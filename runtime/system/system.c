#include "system/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/convention.h"
#include "admin/source_limits.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/gate.h"
#include "system/inside.h"
#include "transport/interface.h"
#include "transport/link.h"

#define MESSAGE_LIMIT (INT64_C(256) << 20)
#define MEMORY_LIMIT (INT64_C(256) << 20)
#define MAILBOX_LIMIT 100000
#define EXIT_LIMIT 2.0 /* seconds */
#define LUA_CPLACES                                                                                \
  "/usr/local/lib/lua/5.4/?.so;/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;/usr/lib/lua/5.4/?.so;"      \
  "/usr/local/lib/lua/5.4/loadall.so"

/* ---- the world ---- */

static void send_later(struct th_world *world, uint64_t due, struct th_message *message) {
  struct th_system *system = th_system_of(world);
  if (th_timers_add(system->timers, due, message)) th_scheduler_retime(system->scheduler, due);
}

static bool is_gone(void *context, const struct th_message *message) {
  return !th_router_is_alive(context, &message->target);
}

static struct th_bytes *capabilities(struct th_world *world) {
  return th_capabilities_get(th_system_of(world)->capabilities);
}

static bool module(struct th_world *world, void *source, const char *name, bool with_code,
                   struct th_module *found, struct th_buffer *searched) {
  return th_modules_find(th_system_of(world)->modules, source, name, with_code, found, searched);
}

static const char *package_path(struct th_world *world, void *source) {
  return th_modules_path(th_system_of(world)->modules, source);
}

/* Asks the admin for something that nobody waits for. */
static void request(struct th_system *system, enum th_operation operation, const char *argument) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, argument != NULL ? 2 : 1);
  th_pack_int(&buffer, operation);
  if (argument != NULL) th_pack_text(&buffer, argument);
  struct th_message *message = th_message_pack(TH_KIND_REQUEST, &system->world.admin, &TH_NOBODY,
                                               &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) th_router_send(&system->world, message);
}

static const char *keep_text(struct th_world *world, const char *text) {
  return th_intern(th_system_of(world)->interns, text, strlen(text));
}

void th_system_loaded(struct th_system *system, const char *hash) {
  request(system, TH_OP_LOADED, hash);
}

/* What goes by the source authority is expected at once: an actor may be created from it. */
static int submit(struct th_system *system, const void *data, size_t size, const char *info,
                  char *hash, struct th_reason *reason) {
  struct th_buffer buffer;
  int error = th_digest_sha256(data, size, hash);
  if (error != 0) return th_fail(reason, error, "%s", th_error_words(error));
  th_expected_add(system->expected, hash);
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 4);
  th_pack_int(&buffer, TH_OP_LOAD);
  th_pack_bin(&buffer, data, size);
  th_pack_text(&buffer, info);
  th_pack_bool(&buffer, false);
  struct th_message *message = th_message_pack(TH_KIND_REQUEST, &system->world.admin, &TH_NOBODY,
                                               &buffer);
  th_buffer_clear(&buffer);
  if (message == NULL) return th_fail(reason, TH_ENOMEM, "%s", th_error_words(TH_ENOMEM));
  th_router_send(&system->world, message);
  return 0;
}

static int load(struct th_world *world, const void *zip, size_t size, const char *info, char *hash,
                struct th_reason *reason) {
  struct th_source *source;
  const struct th_source_config config = {
    .info = info,
    .limits = th_sources_limits(th_system_of(world)->sources),
  };
  if (th_expected_is_guarded(th_system_of(world)->expected))
    return submit(th_system_of(world), zip, size, info, hash, reason);
  int error = th_source_open(zip, size, &config, &source, reason);
  if (error != 0) return error;
  memcpy(hash, source->hash, TH_DIGEST_TEXT_SIZE);
  if (th_sources_add(th_system_of(world)->sources, source))
    th_system_loaded(th_system_of(world), hash);
  th_source_unref(source);
  return 0;
}

static void guard(struct th_world *world) {
  th_expected_guard(th_system_of(world)->expected);
}

static void drop_source(void *source) {
  th_source_unref(source);
}

static void make_ready(void *context, struct th_hold *hold) {
  struct th_system *system = context;
  struct th_actor *actor = (struct th_actor *)((char *)hold - offsetof(struct th_actor, hold));
  th_scheduler_ready(system->scheduler, actor);
}

static bool hold(struct th_world *world, struct th_actor *actor, struct th_actor *target) {
  struct th_system *system = th_system_of(world);
  actor->hold.released = make_ready;
  actor->hold.context = system;
  if (!th_holds_add(system->holds, &actor->hold, actor, target)) return false;
  /* Its own due time may be another's already. */
  th_scheduler_retime(system->scheduler, th_clock_after(TH_SECOND));
  return true;
}

static void make_room(struct th_world *world, struct th_actor *target) {
  th_holds_make_room(th_system_of(world)->holds, target);
}

const struct th_world_ops th_system_world_ops = {
  .send = th_router_send,
  .hold = hold,
  .make_room = make_room,
  .dead = th_router_dead,
  .create = th_spawn_create,
  .relocate = th_remote_relocate,
  .settled = th_remote_settled,
  .leaves = th_remote_leaves,
  .keep_text = keep_text,
  .awake = th_rest_awake,
  .exited = th_spawn_exited,
  .send_later = send_later,
  .capabilities = capabilities,
  .module = module,
  .package_path = package_path,
  .load = load,
  .guard = guard,
  .drop_source = drop_source,
};

/* ---- what the admin asks of the system: its turn ---- */

static int admin_status(void *context, const struct th_address *actor, size_t most,
                        struct th_admin *admin, struct th_buffer *buffer,
                        struct th_reason *reason) {
  return th_status_pack(context, actor, most, admin, buffer, reason);
}

static void admin_sources(void *context, struct th_buffer *buffer) {
  th_status_sources(context, buffer);
}

static bool admin_is_alive(void *context, const struct th_address *actor) {
  return th_router_is_alive(context, actor);
}

static bool admin_is_actor(void *context, const struct th_address *address) {
  return th_router_is_actor(context, address);
}

static void admin_close(void *context) {
  struct th_system *system = context;
  atomic_store(&system->closing, true);
  if (system->gate != NULL) th_gate_shut(system->gate);
}

struct sweep {
  struct th_system *system;
  struct th_buffer request;
};

/* True for an actor whose parent will not ask it to exit: it has none, or that is the admin or
 * gone. */
static bool is_left_alone(struct th_system *system, struct th_actor *actor) {
  uint64_t parent = atomic_load_explicit(&actor->card.parent, memory_order_relaxed);
  struct th_address address = th_system_address(system, parent);
  return parent == 0 || parent == TH_ADMIN_NUMBER || !th_router_is_alive(system, &address);
}

static bool is_guest(const struct th_actor *actor) {
  return atomic_load_explicit(&actor->is_guest, memory_order_relaxed);
}

static bool end_actor(void *context, struct th_actor *actor) {
  struct sweep *sweep = context;
  uint64_t number = th_actor_number(actor);
  if (number == 0 || number == TH_ADMIN_NUMBER || is_guest(actor) ||
      !is_left_alone(sweep->system, actor))
    return true;
  struct th_address target = th_system_address(sweep->system, number);
  struct th_message *message = th_message_pack(TH_KIND_EXIT_REQUEST, &target,
                                               &sweep->system->world.admin, &sweep->request);
  if (message == NULL) return true;
  message->flags = TH_MESSAGE_URGENT;
  th_router_send(&sweep->system->world, message);
  return true;
}

static size_t admin_end_actors(void *context) {
  struct th_system *system = context;
  struct sweep sweep = {.system = system};
  size_t living = atomic_load_explicit(&system->living, memory_order_acquire);
  if (living == 0) return 0;
  th_buffer_init(&sweep.request);
  th_notice_exit_request(&sweep.request, true);
  th_registry_each(system->registry, end_actor, &sweep);
  th_buffer_clear(&sweep.request);
  return living;
}

void th_system_signal(struct th_system *system) {
  pthread_mutex_lock(&system->lock);
  pthread_cond_broadcast(&system->changed);
  pthread_mutex_unlock(&system->lock);
}

static void admin_remote(void *context, const struct th_message *message, bool is_from_leader,
                         char *fetch) {
  th_remote_receive(context, message, is_from_leader, fetch);
}

static void admin_recheck(void *context) {
  th_membership_recheck(context);
}

static void admin_meet(void *context, const struct th_address *place) {
  struct th_system *system = context;
  if (system->peers != NULL) th_peers_meet(system->peers, place);
}

static bool admin_is_full(void *context, const struct th_address *place) {
  struct th_system *system = context;
  return system->peers != NULL && th_peers_is_full(system->peers, place);
}

static void admin_stopped(void *context) {
  struct th_system *system = context;
  pthread_mutex_lock(&system->lock);
  system->is_stopped = true;
  pthread_cond_broadcast(&system->changed);
  pthread_mutex_unlock(&system->lock);
}

const struct th_admin_ops th_system_admin_ops = {
  .status = admin_status,
  .sources = admin_sources,
  .is_alive = admin_is_alive,
  .is_actor = admin_is_actor,
  .close = admin_close,
  .end_actors = admin_end_actors,
  .remote = admin_remote,
  .recheck = admin_recheck,
  .meet = admin_meet,
  .is_full = admin_is_full,
  .stopped = admin_stopped,
};

/* ---- start ---- */

static uint64_t tick(void *context, uint64_t now) {
  struct th_system *system = context;
  struct th_message *message;
  while ((message = th_timers_pop(system->timers, now)) != NULL)
    th_router_send(&system->world, message);
  uint64_t timer = th_timers_next(system->timers);
  uint64_t held = th_holds_expire(system->holds, now), rest = th_rest_tick(system, now);
  if (held < timer) timer = held;
  return rest < timer ? rest : timer;
}

/* Skips a packed map's head, giving its pairs and their count. */
static const unsigned char *map_pairs(const void *map, size_t size, uint32_t *count,
                                      size_t *pairs_size) {
  struct th_unpack reader;
  th_unpack_init(&reader, map, size);
  *count = th_unpack_map(&reader);
  *pairs_size = (size_t)(reader.end - reader.at);
  return reader.at;
}

/* What is given, and the default of what is not. */
static void pack_given(const struct th_system_config *config, struct th_buffer *map) {
  static const char remote[] = "AllowRemoteActorSources";
  const unsigned char *pairs = NULL;
  uint32_t count = 0;
  size_t pairs_size = 0, value_size;
  bool is_given = th_capability_find(config->capabilities, config->capabilities_size, remote,
                                     &value_size) != NULL;
  if (config->capabilities != NULL)
    pairs = map_pairs(config->capabilities, config->capabilities_size, &count, &pairs_size);
  th_pack_map(map, is_given ? count : count + 1);
  th_pack_raw(map, pairs, pairs_size);
  if (is_given) return;
  th_pack_text(map, remote);
  th_pack_text(map, "Yes");
}

static void say_text(struct th_capabilities *capabilities, const char *name, const char *text) {
  struct th_buffer value;
  bool changed;
  th_buffer_init(&value);
  th_pack_text(&value, text);
  th_capabilities_set(capabilities, name, strlen(name), value.data, value.size, &changed, NULL);
  th_buffer_clear(&value);
}

static void say_numbers(struct th_capabilities *capabilities, const char *name,
                        const int64_t *numbers, uint32_t count) {
  struct th_buffer value;
  bool changed;
  th_buffer_init(&value);
  th_pack_array(&value, count);
  for (uint32_t i = 0; i < count; i++) th_pack_int(&value, numbers[i]);
  th_capabilities_set(capabilities, name, strlen(name), value.data, value.size, &changed, NULL);
  th_buffer_clear(&value);
}

/* What every system says of itself, whatever is given. */
static void say_own(struct th_capabilities *capabilities, const struct th_system_config *config) {
  int major = 0, minor = 0;
  sscanf(TH_VERSION, "%d.%d", &major, &minor);
  const int64_t generation[] = {major, minor};
  const int64_t lua[] = {5, 4, config->script != NULL ? config->script->language_release : 0};
  say_text(capabilities, "Thespian ActorSystem Name", config->base);
  say_text(capabilities, "Thespian ActorSystem Version", TH_VERSION);
  say_text(capabilities, "Thespian Version", TH_VERSION);
  say_numbers(capabilities, "Thespian Generation", generation, 2);
  say_numbers(capabilities, "Lua Version", lua, 3);
}

static struct th_capabilities *make_capabilities(const struct th_system_config *config,
                                                 struct th_reason *reason) {
  struct th_buffer map;
  th_buffer_init(&map);
  pack_given(config, &map);
  struct th_capabilities *capabilities = th_capabilities_new(map.data, map.size, reason);
  if (capabilities != NULL) say_own(capabilities, config);
  th_buffer_clear(&map);
  return capabilities;
}

static unsigned core_count(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores > 0 ? (unsigned)cores : 1;
}

static int listen_outside(struct th_system *system, const struct th_system_config *config,
                          struct th_reason *reason) {
  uint32_t ip;
  uint16_t port = 0;
  int64_t wanted = th_capability_int(config->capabilities, config->capabilities_size, "Admin Port",
                                     th_base_port(config->base));
  th_capability_text(config->capabilities, config->capabilities_size, "Admin Host", "127.0.0.1",
                     system->host, sizeof system->host);
  if (wanted < 0 || wanted > UINT16_MAX)
    return th_fail(reason, TH_ESTARTUP, "Admin Port %lld is no port: use 0 to 65535",
                   (long long)wanted);
  if (strcmp(system->host, "localhost") == 0)
    snprintf(system->host, sizeof system->host, "127.0.0.1");
  if (th_place_parse(system->host, strlen(system->host), &ip, &port) != 0)
    return th_fail(reason, TH_ESTARTUP, "Admin Host %s is no IPv4 address", system->host);
  int error = th_gate_open(&system->gate, system, th_base_carrier(config->base), ip,
                           (uint16_t)wanted);
  if (error == -EADDRINUSE)
    return th_fail(reason, error, "port %lld on %s is in use", (long long)wanted, system->host);
  if (error == -EADDRNOTAVAIL)
    return th_fail(reason, error, "%s is not an address of this machine", system->host);
  if (error != 0)
    return th_fail(reason, error, "cannot listen on %s port %lld: %s", system->host,
                   (long long)wanted, th_error_words(error));
  uint32_t leader = system->leader_count != 0 ? system->leaders[0].ip : 0;
  system->world.admin.ip = ip != 0 ? ip : th_interface_toward(leader);
  system->world.admin.port = th_gate_port(system->gate);
  th_peers_start(system->peers);
  return 0;
}

static void make_parts(struct th_system *system, const struct th_system_config *config,
                       const struct th_zip_limits *source_limits) {
  unsigned workers = system->is_cranked ? 0 : config->workers;
  if (!system->is_cranked && workers == 0) workers = core_count();
  system->registry = th_registry_new(&system->world);
  system->scheduler = th_scheduler_new(workers, tick, system);
  system->timers = th_timers_new(is_gone, system);
  system->rests = th_rests_new();
  system->holds = th_holds_new(system->world.mailbox_limit);
  system->interns = th_interns_new();
  system->names = th_names_new();
  system->sources = th_sources_new(source_limits);
  system->expected = th_expected_new(config->is_guarded);
  system->modules = th_modules_new(config->path, config->path_count, config->lua_path);
  system->world.script = config->script != NULL ? config->script->open() : NULL;
  system->world.package_cpath = LUA_CPLACES;
}

static void free_parts(struct th_system *system) {
  th_registry_free(system->registry);
  th_scheduler_free(system->scheduler);
  th_timers_free(system->timers);
  th_rests_free(system->rests);
  th_holds_free(system->holds);
  th_sources_free(system->sources);
  th_expected_free(system->expected);
  th_names_free(system->names);
  th_interns_free(system->interns);
  th_modules_free(system->modules);
  if (system->script != NULL) system->script->close(system->world.script);
  th_capabilities_free(system->capabilities);
  pthread_cond_destroy(&system->changed);
  pthread_mutex_destroy(&system->lock);
  free(system);
}

/* A capability in seconds, as nanoseconds. */
static uint64_t seconds(const struct th_system_config *config, const char *name, double fallback) {
  return th_clock_from_seconds(
    th_capability_real(config->capabilities, config->capabilities_size, name, fallback));
}

/* A capability that is a number of something; 0, no limit, where it is negative. */
static uint64_t amount(const struct th_system_config *config, const char *name, int64_t fallback) {
  int64_t given = th_capability_int(config->capabilities, config->capabilities_size, name,
                                    fallback);
  return given > 0 ? (uint64_t)given : 0;
}

/* As Lua sees it: neither missing, nor false. */
static bool is_set(const struct th_system_config *config, const char *name) {
  size_t size;
  const unsigned char *value = th_capability_find(config->capabilities, config->capabilities_size,
                                                  name, &size);
  return value != NULL && *value != 0xc0 && *value != 0xc2; /* nil, false */
}

static void init_limits(struct th_world *world, const struct th_system_config *config) {
  world->memory_limit = amount(config, "Actor Memory Limit", MEMORY_LIMIT);
  world->mailbox_limit = amount(config, "Mailbox Limit", MAILBOX_LIMIT);
  world->time_limit = seconds(config, "Message Time Limit", 0);
  world->exit_limit = seconds(config, "Exit Time Limit", EXIT_LIMIT);
}

static void init_world(struct th_system *system, const struct th_system_config *config) {
  system->world.ops = &th_system_world_ops;
  system->world.log = config->log;
  system->world.message_limit = (uint64_t)th_capability_int(
    config->capabilities, config->capabilities_size, "Message Size Limit", MESSAGE_LIMIT);
  init_limits(&system->world, config);
  system->frame_limit = system->world.message_limit;
  system->is_outbound_only = is_set(config, "Outbound Only");
  /* Where messages leave in datagrams, none may be larger than can; bundles may. */
  if (strcmp(config->base, TH_BASE_UDP) == 0 && system->world.message_limit > TH_LINK_LOOSE)
    system->world.message_limit = TH_LINK_LOOSE;
  th_random_bytes(&system->identity, sizeof system->identity);
  system->identity |= 1; /* 0 means no system */
  system->world.admin = (struct th_address){.system = system->identity, .number = TH_ADMIN_NUMBER};
}

/* Its lines say which system they are of, as addresses do. */
static void name_log(const struct th_system *system) {
  char name[20];
  if (system->world.log == NULL) return;
  snprintf(name, sizeof name, "%016llx", (unsigned long long)system->identity);
  th_log_set_system(system->world.log, name);
}

static void init_lock(struct th_system *system) {
  pthread_condattr_t attributes;
  pthread_mutex_init(&system->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&system->changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

static bool is_known_base(const char *base) {
  return strcmp(base, TH_BASE_SIMPLE) == 0 || strcmp(base, TH_BASE_QUEUE) == 0 ||
         th_base_port(base) != 0;
}

uint16_t th_base_port(const char *base) {
  if (strcmp(base, TH_BASE_TCP) == 0) return TH_TCP_PORT;
  return strcmp(base, TH_BASE_UDP) == 0 ? TH_UDP_PORT : 0;
}

enum th_carrier th_base_carrier(const char *base) {
  return strcmp(base, TH_BASE_UDP) == 0 ? TH_CARRIER_UDP : TH_CARRIER_TCP;
}

int th_system_start(struct th_system **out, const struct th_system_config *config,
                    struct th_reason *reason) {
  int error = 0;
  if (!is_known_base(config->base))
    return th_fail(reason, TH_ESTARTUP,
                   "there is no system base \"%s\"; use " TH_BASE_SIMPLE ", " TH_BASE_QUEUE
                   ", " TH_BASE_TCP " or " TH_BASE_UDP,
                   config->base);
  struct th_zip_limits source_limits;
  error = th_source_limits_read(config->capabilities, config->capabilities_size, &source_limits,
                                reason);
  if (error != 0) return error;
  struct th_system *system = th_new(struct th_system);
  system->script = config->script;
  system->started = th_clock_now();
  snprintf(system->base, sizeof system->base, "%s", config->base);
  system->is_simple = strcmp(config->base, TH_BASE_SIMPLE) == 0;
  system->is_cranked = system->is_simple || config->is_cranked;
  init_lock(system);
  init_world(system, config);
  make_parts(system, config, &source_limits);
  system->capabilities = make_capabilities(config, reason);
  if (system->capabilities == NULL) {
    error = TH_ESTARTUP;
    goto failed;
  }
  if ((error = th_membership_read(system, config, reason)) != 0) goto failed;
  if (th_base_port(config->base) != 0)
    if ((error = listen_outside(system, config, reason)) != 0) goto failed;
  name_log(system);
  th_spawn_admin(system);
  if ((error = th_scheduler_start(system->scheduler)) != 0) goto start_failed;
  *out = system;
  return 0;
start_failed:
  th_fail(reason, error, "cannot start a thread: %s", th_error_words(error));
  th_scheduler_stop(system->scheduler, TH_FOREVER);
failed:
  free_parts(system);
  return error;
}

/* ---- the end ---- */

void th_system_shutdown(struct th_system *system) {
  request(system, TH_OP_SHUTDOWN, NULL);
}

static bool is_over(struct th_system *system, bool guests_too) {
  return system->is_stopped &&
         (!guests_too || atomic_load_explicit(&system->guests, memory_order_acquire) == 0);
}

/* Where nothing is left to run, only a timer or somebody outside can bring more: so between two
 * looks the loop has a moment for what comes. The simple base has no loop, and no timer counts. */
static void crank_until_over(struct th_system *system, uint64_t until, bool guests_too) {
  th_system_crank(system, until);
  if (!system->is_cranked || system->gate == NULL) return;
  while (!is_over(system, guests_too) && th_clock_now() < until) {
    uint64_t look = th_clock_after(TH_MILLISECOND);
    th_gate_turn(system->gate, look < until ? look : until);
    th_system_crank(system, until);
  }
}

static bool wait_for(struct th_system *system, uint64_t until, bool guests_too) {
  struct timespec time = {.tv_sec = (time_t)(until / TH_SECOND),
                          .tv_nsec = (long)(until % TH_SECOND)};
  bool is_up = false;
  if (until != 0) crank_until_over(system, until, guests_too);
  pthread_mutex_lock(&system->lock);
  while (!is_over(system, guests_too) && !is_up && !system->is_cranked) {
    if (until == TH_FOREVER)
      pthread_cond_wait(&system->changed, &system->lock);
    else
      is_up = pthread_cond_timedwait(&system->changed, &system->lock, &time) == ETIMEDOUT;
  }
  bool over = is_over(system, guests_too);
  pthread_mutex_unlock(&system->lock);
  return over;
}

bool th_system_wait(struct th_system *system, uint64_t until) {
  return wait_for(system, until, false);
}

static bool end_guest(void *context, struct th_actor *actor) {
  struct th_system *system = context;
  uint64_t number = th_actor_number(actor);
  if (number == 0 || !is_guest(actor)) return true;
  struct th_address address = th_system_address(system, number);
  th_system_endpoint_close(system, &address);
  return true;
}

bool th_system_free(struct th_system *system, double grace) {
  uint64_t until = th_clock_after(th_clock_from_seconds(grace));
  th_system_shutdown(system);
  bool is_whole = wait_for(system, until, false);
  if (is_whole) {
    th_registry_each(system->registry, end_guest, system);
    is_whole = wait_for(system, until, true);
  }
  if (!th_scheduler_stop(system->scheduler, is_whole ? TH_FOREVER : until)) return false;
  if (system->gate != NULL) th_gate_free(system->gate);
  free_parts(system);
  return true;
}

/* ---- doors ---- */

void th_system_route(struct th_system *system, struct th_message *message) {
  struct th_actor *full = th_router_send(&system->world, message);
  if (full != NULL && !system->is_cranked) th_holds_wait(system->holds, full);
}

void th_system_crank(struct th_system *system, uint64_t until) {
  if (!system->is_cranked) return;
  if (system->gate != NULL) th_gate_turn(system->gate, 0);
  th_scheduler_crank(system->scheduler, until);
}

uint64_t th_system_next_timer(struct th_system *system) {
  uint64_t timer = th_timers_next(system->timers);
  uint64_t held = th_holds_expire(system->holds, 0);
  return held < timer ? held : timer;
}

bool th_system_is_cranked(const struct th_system *system) {
  return system->is_cranked;
}

const struct th_address *th_system_admin(const struct th_system *system) {
  return &system->world.admin;
}

const char *th_system_base(const struct th_system *system) {
  return system->base;
}

uint16_t th_system_port(const struct th_system *system) {
  return system->gate != NULL ? th_gate_port(system->gate) : 0;
}
