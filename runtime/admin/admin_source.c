#include "admin/admin_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_inside.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/plant.h"
#include "bundle/manifest.h"
#include "message/notice.h"
#include "message/protocol.h"

/* Less than programs wait for an answer to createActor, so that they hear the reason. */
#define PATIENCE 45.0 /* seconds */

/* Bytes that the authority may say to who waits in vain. */
#define INFO_SHOWN 400

/* What is awaited is held in memory. */
#define MOST_AWAITED 256

void th_admin_source_open(struct th_admin *admin) {
  admin->source.tick = TH_FOREVER;
}

static void free_awaited(struct th_awaited *awaited) {
  free(awaited->info);
  free(awaited->waiters.all);
  free(awaited->hosts.all);
  th_bytes_unref(awaited->original);
  th_buffer_clear(&awaited->data);
  free(awaited);
}

void th_admin_source_close(struct th_admin *admin) {
  struct th_admin_sources *source = &admin->source;
  while (source->awaited != NULL) {
    struct th_awaited *awaited = source->awaited;
    source->awaited = awaited->next;
    free_awaited(awaited);
  }
  while (source->shares != NULL) th_admin_unshare(admin, source->shares->hash);
}

/* ---- telling ---- */

static void tell_of_source(struct th_admin *admin, bool loaded, const char *hash,
                           const char *info) {
  struct th_buffer buffer;
  th_log_write(admin->actor->world->log, TH_LOG_INFO, "%s source %s (%s)",
               loaded ? "loaded" : "unloaded", hash, info);
  th_buffer_init(&buffer);
  th_notice_source(&buffer, loaded, hash, info);
  th_admin_tell(admin, admin->actor, &admin->source_listeners, TH_KIND_SYSTEM, &buffer);
  th_buffer_clear(&buffer);
}

/* The end of a source's time here; those who have fetched it from here lose it, too. Takes source. */
static void drop(struct th_admin *admin, struct th_source *source) {
  struct th_buffer words;
  const struct th_share *share = th_admin_share(admin, source->hash);
  tell_of_source(admin, false, source->hash, source->info);
  th_buffer_init(&words);
  for (size_t i = 0; i < share->takers.count; i++) {
    th_pack_array(&words, 2);
    th_pack_int(&words, TH_SOURCE_UNLOADED);
    th_pack_text(&words, source->hash);
    th_actor_send(admin->actor, TH_KIND_SOURCE, 0, &share->takers.all[i], &words);
  }
  th_buffer_clear(&words);
  th_admin_unshare(admin, source->hash);
  th_source_unref(source);
}

void th_admin_drop(struct th_admin *admin, const char *hash) {
  struct th_source *source = th_sources_remove(admin->config.sources, hash);
  if (source != NULL) drop(admin, source);
}

/* What a program's class brings along stays as long as it may be of use, not for ever. */
static void drop_old_editions(struct th_admin *admin, const struct th_source *newest) {
  struct th_source *old;
  while ((old = th_sources_supersede(admin->config.sources, newest)) != NULL) drop(admin, old);
}

/* A new listener hears at once of every source that is there. */
int th_admin_listen_for_sources(struct th_admin_request *request) {
  size_t count;
  struct th_buffer buffer;
  struct th_members *listeners = &request->admin->source_listeners;
  size_t before = listeners->count;
  int error = th_admin_set_membership(request, listeners);
  if (error != 0 || listeners->count <= before) return error;
  struct th_source **sources = th_sources_list(request->admin->config.sources, &count);
  th_buffer_init(&buffer);
  for (size_t i = 0; i < count; i++) {
    th_notice_source(&buffer, true, sources[i]->hash, sources[i]->info);
    th_actor_send(request->actor, TH_KIND_SYSTEM, 0, &request->message->sender, &buffer);
    th_source_unref(sources[i]);
  }
  th_buffer_clear(&buffer);
  free(sources);
  return 0;
}

/* ---- what is awaited ---- */

struct th_awaited *th_admin_awaited(struct th_admin *admin, const char *hash) {
  struct th_awaited *awaited = admin->source.awaited;
  while (awaited != NULL && strcmp(awaited->hash, hash) != 0) awaited = awaited->next;
  return awaited;
}

struct th_awaited *th_admin_await(struct th_admin *admin, const char *hash, const char *info,
                                  bool implicit) {
  struct th_admin_sources *source = &admin->source;
  if (source->awaited_count >= MOST_AWAITED) return NULL;
  struct th_awaited *awaited = th_new(struct th_awaited);
  memcpy(awaited->hash, hash, TH_DIGEST_TEXT_SIZE);
  awaited->info = th_strdup(info);
  awaited->implicit = implicit;
  awaited->due = TH_FOREVER;
  th_buffer_init(&awaited->data);
  awaited->next = source->awaited;
  source->awaited = awaited;
  source->awaited_count++;
  th_expected_add(admin->config.expected, hash);
  return awaited;
}

static void tell_settled(struct th_admin *admin, const struct th_address *waiter, int error,
                         const char *words) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 3);
  th_pack_int(&buffer, TH_SOURCE_SETTLED);
  th_pack_int(&buffer, error);
  th_pack_text(&buffer, words);
  th_actor_send(admin->actor, TH_KIND_SOURCE, 0, waiter, &buffer);
  th_buffer_clear(&buffer);
}

void th_admin_settle(struct th_admin *admin, struct th_awaited *awaited, int error,
                     const char *words) {
  struct th_awaited **place = &admin->source.awaited;
  while (*place != awaited) place = &(*place)->next;
  *place = awaited->next;
  admin->source.awaited_count--;
  th_expected_remove(admin->config.expected, awaited->hash);
  struct th_reason reason = {""};
  if (error != 0) {
    th_fail(&reason, error, "source %s is not loaded: %s", awaited->hash, words);
    th_log_write(admin->actor->world->log, TH_LOG_WARNING, "%s", reason.words);
  }
  for (size_t i = 0; i < awaited->waiters.count && !(error != 0 && TH_PLANT(17)); i++)
    tell_settled(admin, &awaited->waiters.all[i], error, reason.words);
  free_awaited(awaited);
}

static void expect(struct th_admin *admin, const struct th_address *waiter, const char *hash) {
  struct th_awaited *awaited = th_admin_awaited(admin, hash);
  char words[TH_DIGEST_TEXT_SIZE + 40];
  snprintf(words, sizeof words, "no source with hash %s is loaded here", hash);
  if (awaited != NULL)
    th_members_set(&awaited->waiters, waiter, true);
  else
    tell_settled(admin, waiter, TH_ESOURCE, words);
}

/* ---- loading ---- */

static void send_first(struct th_admin *admin, const struct th_address *to,
                       const struct th_manifest_actor *wanted) {
  struct th_world *world = admin->actor->world;
  for (size_t i = 0; i < wanted->message_count; i++) {
    struct th_message *message = th_message_new(TH_KIND_USER, to, &world->admin,
                                                wanted->messages[i].data, wanted->messages[i].size);
    if (message != NULL) world->ops->send(world, message);
  }
}

/* An actor that the manifest wants; who has its name already stays, and is told nothing. */
static void start_actor(struct th_admin *admin, const struct th_source *source,
                        const struct th_manifest_actor *wanted) {
  struct th_world *world = admin->actor->world;
  struct th_creation creation = {.class_name = wanted->class_name,
                                 .class_name_size = strlen(wanted->class_name),
                                 .global_name = wanted->global_name,
                                 .source = source->hash,
                                 .source_size = strlen(source->hash)};
  struct th_address address;
  struct th_reason reason = {""};
  if (wanted->global_name != NULL) creation.global_name_size = strlen(wanted->global_name);
  bool is_there = wanted->global_name != NULL &&
                  th_names_find(admin->config.names, wanted->global_name,
                                creation.global_name_size) != 0;
  if (is_there) {
    th_log_write(world->log, TH_LOG_INFO, "%s of source %.8s is not started: \"%s\" is there",
                 wanted->class_name, source->hash, wanted->global_name);
    return;
  }
  if (world->ops->create(world, admin->actor, &creation, &address, &reason) == 0)
    send_first(admin, &address, wanted);
  else
    th_log_write(world->log, TH_LOG_WARNING, "%s of source %.8s is not started: %s",
                 wanted->class_name, source->hash, reason.words);
}

/* A source that is new here was loaded, and has not come for an actor of another system's. */
static void tell_of_new(struct th_admin *admin, const struct th_source *source, bool is_own) {
  tell_of_source(admin, true, source->hash, source->info);
  for (size_t i = 0; is_own && source->manifest != NULL && i < source->manifest->actor_count; i++)
    start_actor(admin, source, &source->manifest->actors[i]);
}

/* Adds it, and tells who listens where it is new. Takes source. */
static void add(struct th_admin *admin, struct th_source *source, bool is_own) {
  bool is_new = th_sources_add(admin->config.sources, source);
  if (is_new) tell_of_new(admin, source, is_own);
  if (source->implicit) drop_old_editions(admin, source);
  th_source_unref(source);
}

void th_admin_accept(struct th_admin *admin, struct th_awaited *awaited, const void *zip,
                     size_t size, bool is_validated) {
  struct th_source *source;
  struct th_reason reason;
  struct th_source_config config = {.info = awaited->info,
                                    .hash = is_validated ? awaited->hash : NULL,
                                    .original = awaited->original,
                                    .implicit = awaited->implicit,
                                    .may_be_compiled = is_validated,
                                    .limits = th_sources_limits(admin->config.sources)};
  int error = th_source_open(zip, size, &config, &source, &reason);
  if (error != 0) {
    th_admin_settle(admin, awaited, TH_ESOURCE, reason.words);
    return;
  }
  if (awaited->origin != 0) th_admin_share(admin, awaited->hash)->origin = awaited->origin;
  add(admin, source, awaited->origin == 0);
  th_admin_settle(admin, awaited, 0, "");
}

/* Where a source came from is for people to read, wherever sources are listed. A path may be
 * anything but endless. */
static int check_info(size_t size, struct th_reason *reason) {
  if (size <= TH_SOURCE_INFO) return 0;
  return th_fail(reason, TH_EBUNDLE,
                 "where a source comes from is told in at most %d bytes, not %zu", TH_SOURCE_INFO,
                 size);
}

/* It was loaded by name here now, wherever it came from before. */
static void own(struct th_admin *admin, struct th_source *source, bool implicit) {
  if (!implicit) source->implicit = false;
  th_admin_share(admin, source->hash)->origin = 0;
}

static bool is_gone(struct th_admin *admin, const struct th_address *authority) {
  return !th_address_is_none(authority) &&
         !admin->config.ops->is_alive(admin->config.context, authority);
}

/* A load that goes by the authority. */
static int submit(struct th_admin_request *request, const void *data, size_t size, const char *info,
                  bool implicit) {
  struct th_admin *admin = request->admin;
  struct th_source *present;
  struct th_awaited *awaited;
  char hash[TH_DIGEST_TEXT_SIZE], text[TH_ADDRESS_TEXT_SIZE];
  int error = th_digest_sha256(data, size, hash);
  if (error != 0) return error;
  th_pack_text(&request->answer, hash);
  if ((present = th_sources_find(admin->config.sources, hash)) != NULL) {
    own(admin, present, implicit);
    th_source_unref(present);
    th_expected_remove(admin->config.expected, hash);
    return 0;
  }
  if (th_admin_awaited(admin, hash) != NULL) return 0;
  th_expected_remove(admin->config.expected, hash);
  if (is_gone(admin, &admin->source.authority))
    return th_fail(&request->reason, TH_EREFUSED,
                   "the source authority %s is gone: nothing can be loaded until another actor "
                   "registers as one",
                   th_address_text(&admin->source.authority, text));
  if ((awaited = th_admin_await(admin, hash, info, implicit)) == NULL)
    return th_fail(&request->reason, TH_EREFUSED,
                   "%d sources wait for the source authority already: load it again later",
                   MOST_AWAITED);
  struct th_bytes *original = th_bytes_copy(data, size);
  th_admin_validate(admin, awaited, original);
  th_bytes_unref(original);
  return 0;
}

static int open_and_add(struct th_admin_request *request, const void *zip, size_t size,
                        const char *info, bool implicit) {
  struct th_source *source;
  struct th_source_config config = {.info = info,
                                    .implicit = implicit,
                                    .limits = th_sources_limits(request->admin->config.sources)};
  int error = th_source_open(zip, size, &config, &source, &request->reason);
  if (error != 0) return error;
  th_pack_text(&request->answer, source->hash);
  th_admin_share(request->admin, source->hash)->origin = 0;
  add(request->admin, source, true);
  return 0;
}

int th_admin_load(struct th_admin_request *request) {
  size_t size, info_size;
  const char *zip = th_unpack_str(&request->arguments, &size);
  const char *info = th_unpack_str(&request->arguments, &info_size);
  bool implicit = th_unpack_bool(&request->arguments);
  if (request->arguments.error != 0 || zip == NULL) return TH_EMALFORMED;
  int error = check_info(info_size, &request->reason);
  if (error != 0) return error;
  char *info_text = strndup(info != NULL ? info : "", info_size);
  bool is_guarded = th_expected_is_guarded(request->admin->config.expected);
  error = (is_guarded ? submit : open_and_add)(request, zip, size, info_text, implicit);
  free(info_text);
  return error;
}

static char *read_hash(struct th_admin_request *request) {
  size_t size;
  const char *text = th_unpack_str(&request->arguments, &size);
  return request->arguments.error == 0 && text != NULL ? strndup(text, size) : NULL;
}

int th_admin_tell_of_load(struct th_admin_request *request) {
  char *hash = read_hash(request);
  if (hash == NULL) return TH_EMALFORMED;
  struct th_source *source = th_sources_find(request->admin->config.sources, hash);
  free(hash);
  if (source != NULL) tell_of_new(request->admin, source, true);
  th_source_unref(source);
  th_pack_nil(&request->answer);
  return 0;
}

int th_admin_unload(struct th_admin_request *request) {
  char *hash = read_hash(request);
  if (hash == NULL) return TH_EMALFORMED;
  struct th_source *source = th_sources_remove(request->admin->config.sources, hash);
  if (source == NULL)
    th_fail(&request->reason, TH_ESOURCE, "no source with hash %s is loaded here", hash);
  free(hash);
  if (source == NULL) return TH_ESOURCE;
  th_pack_text(&request->answer, source->hash);
  drop(request->admin, source);
  return 0;
}

/* ---- the source authority ---- */

static double patience(struct th_admin *admin) {
  struct th_bytes *map = th_capabilities_get(admin->config.capabilities);
  double seconds = th_capability_real(map->data, map->size, "Source Validation Time", PATIENCE);
  th_bytes_unref(map);
  return seconds > 0 ? seconds : PATIENCE;
}

static void send_tick(struct th_admin *admin, uint64_t due) {
  struct th_actor *actor = admin->actor;
  struct th_buffer buffer;
  if (due >= admin->source.tick) return;
  admin->source.tick = due;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 1);
  th_pack_int(&buffer, TH_SOURCE_TICK);
  struct th_message *tick = th_message_pack(TH_KIND_SOURCE, &actor->address, &actor->address,
                                            &buffer);
  th_buffer_clear(&buffer);
  if (tick != NULL) actor->world->ops->send_later(actor->world, due, tick);
}

/* The earliest of those that were under validation too long ends, then the next one. */
static void take_tick(struct th_admin *admin) {
  struct th_awaited *next = NULL;
  uint64_t now = th_clock_now(), due = TH_FOREVER;
  if (now < admin->source.tick) return;
  admin->source.tick = TH_FOREVER;
  for (struct th_awaited *awaited = admin->source.awaited; awaited != NULL; awaited = next) {
    next = awaited->next;
    if (awaited->due <= now)
      th_admin_settle(admin, awaited, TH_ESOURCE,
                      "the source authority has not approved it in time");
    else if (awaited->due < due)
      due = awaited->due;
  }
  if (due != TH_FOREVER) send_tick(admin, due);
}

static void ask_authority(struct th_admin *admin, const struct th_awaited *awaited) {
  struct th_buffer buffer;
  if (th_address_is_none(&admin->source.authority)) return;
  th_buffer_init(&buffer);
  th_notice_validate(&buffer, awaited->hash, awaited->original->data, awaited->original->size,
                     awaited->info);
  th_actor_send(admin->actor, TH_KIND_SYSTEM, 0, &admin->source.authority, &buffer);
  th_buffer_clear(&buffer);
}

void th_admin_validate(struct th_admin *admin, struct th_awaited *awaited,
                       struct th_bytes *original) {
  awaited->original = th_bytes_ref(original);
  awaited->due = th_clock_after(th_clock_from_seconds(patience(admin)));
  send_tick(admin, awaited->due);
  ask_authority(admin, awaited);
}

bool th_admin_judges_others(struct th_admin *admin) {
  struct th_unpack reader;
  size_t size;
  if (!th_expected_is_guarded(admin->config.expected)) return false;
  struct th_bytes *map = th_capabilities_get(admin->config.capabilities);
  const unsigned char *value = th_capability_find(map->data, map->size, "Validate Remote Sources",
                                                  &size);
  th_unpack_init(&reader, value, size);
  bool is_off = value != NULL && !th_unpack_bool(&reader) && reader.error == 0;
  th_bytes_unref(map);
  return !is_off;
}

/* What the last one has not answered goes to the new one. */
int th_admin_set_authority(struct th_admin_request *request) {
  struct th_admin *admin = request->admin;
  const struct th_address *sender = &request->message->sender;
  char text[TH_ADDRESS_TEXT_SIZE];
  if (!admin->config.ops->is_actor(admin->config.context, sender))
    return th_fail(&request->reason, TH_EREFUSED,
                   "only an actor of this system can be its source authority");
  th_expected_guard(admin->config.expected);
  admin->source.authority = *sender;
  th_log_write(request->actor->world->log, TH_LOG_INFO, "the source authority is %s",
               th_address_text(sender, text));
  for (struct th_awaited *awaited = admin->source.awaited; awaited != NULL; awaited = awaited->next)
    if (awaited->original != NULL) ask_authority(admin, awaited);
  th_pack_nil(&request->answer);
  return 0;
}

/* The authority may approve what it was not asked about, or no longer is. */
static struct th_awaited *awaited_of(struct th_admin *admin, const struct th_validated *validated) {
  char hash[TH_DIGEST_TEXT_SIZE];
  memcpy(hash, validated->hash, sizeof hash - 1);
  hash[sizeof hash - 1] = '\0';
  struct th_awaited *awaited = th_admin_awaited(admin, hash);
  struct th_source *present = th_sources_find(admin->config.sources, hash);
  bool is_new = awaited == NULL && present == NULL && validated->zip != NULL;
  th_source_unref(present);
  return is_new ? th_admin_await(admin, hash, "", false) : awaited;
}

/* What it says of where the source came from is then why. */
static void refuse(struct th_admin *admin, struct th_awaited *awaited,
                   const struct th_validated *validated) {
  struct th_reason reason;
  int size = validated->info != NULL && validated->info_size < INFO_SHOWN
               ? (int)validated->info_size
               : 0;
  th_fail(&reason, TH_ESOURCE, "the source authority has refused it%s%.*s", size > 0 ? ": " : "",
          size, size > 0 ? validated->info : "");
  th_admin_settle(admin, awaited, TH_ESOURCE, reason.words);
}

static void judge(struct th_admin *admin, const struct th_validated *validated) {
  struct th_awaited *awaited = awaited_of(admin, validated);
  if (awaited == NULL) return;
  if (validated->zip == NULL) {
    refuse(admin, awaited, validated);
    return;
  }
  if (validated->info != NULL && validated->info_size <= TH_SOURCE_INFO) {
    free(awaited->info);
    awaited->info = strndup(validated->info, validated->info_size);
  }
  th_admin_accept(admin, awaited, validated->zip, validated->zip_size, true);
}

void th_admin_validated(struct th_admin *admin, const struct th_message *message) {
  struct th_validated validated;
  struct th_log *log = admin->actor->world->log;
  char text[TH_ADDRESS_TEXT_SIZE];
  th_address_text(&message->sender, text);
  if (!th_notice_read_validated(message, &validated)) return;
  if (!th_address_equal(&message->sender, &admin->source.authority))
    th_log_write(log, TH_LOG_WARNING,
                 "%s is not the source authority: what it has approved or refused does not count",
                 text);
  else if (validated.hash_size != TH_DIGEST_TEXT_SIZE - 1)
    th_log_write(log, TH_LOG_WARNING,
                 "the source authority %s has sent a ValidatedSource whose sourceHash is no hash",
                 text);
  else
    judge(admin, &validated);
}

/* ---- messages ---- */

void th_admin_source_receive(struct th_admin *admin, const struct th_message *message) {
  struct th_unpack reader;
  char hash[TH_DIGEST_TEXT_SIZE];
  size_t size;
  if (message->sender.system != admin->actor->address.system) {
    th_admin_fetch_receive(admin, message);
    return;
  }
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  if (operation == TH_SOURCE_TICK) take_tick(admin);
  if (operation != TH_SOURCE_EXPECT) return;
  const char *text = th_unpack_str(&reader, &size);
  if (reader.error != 0 || size != sizeof hash - 1) return;
  memcpy(hash, text, size);
  hash[size] = '\0';
  expect(admin, &message->sender, hash);
}
