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

/* What is awaited is held in memory. */
#define MOST_AWAITED 256

void th_admin_source_open(struct th_admin *admin) {
  admin->source.tick = TH_FOREVER;
  th_admin_read_judgement(admin);
}

static void free_awaited(struct th_awaited *awaited) {
  free(awaited->info);
  free(awaited->waiters.all);
  free(awaited->askers.all);
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
  th_admin_drain_close(admin);
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

static void answer_askers(struct th_admin *admin, const struct th_awaited *awaited, int error,
                          const char *words) {
  struct th_buffer answer;
  th_buffer_init(&answer);
  th_notice_begin_result(&answer);
  th_pack_text(&answer, awaited->hash);
  if (error != 0) th_notice_error(&answer, error, words);
  th_admin_answer(admin, &awaited->askers, &answer);
  th_buffer_clear(&answer);
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
  answer_askers(admin, awaited, error, reason.words);
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

/* What a LOAD brings. */
struct load {
  const char *data;
  size_t size;
  char *info;
  bool implicit;
  bool waits; /* until it is known what becomes of it */
};

/* It is here already; where it is awaited it is answered as others are. */
static bool is_known(struct th_admin_request *request, const struct load *load, const char *hash) {
  struct th_admin *admin = request->admin;
  struct th_awaited *awaited = th_admin_awaited(admin, hash);
  struct th_source *present = th_sources_find(admin->config.sources, hash);
  if (present != NULL) own(admin, present, load->implicit);
  th_source_unref(present);
  if (awaited != NULL && load->waits) th_admin_answer_later(request, &awaited->askers);
  if (awaited == NULL) th_expected_remove(admin->config.expected, hash);
  return present != NULL || awaited != NULL;
}

/* A load that goes by the authority. */
static int submit(struct th_admin_request *request, const struct load *load) {
  struct th_admin *admin = request->admin;
  struct th_awaited *awaited;
  char hash[TH_DIGEST_TEXT_SIZE], text[TH_ADDRESS_TEXT_SIZE];
  int error = th_digest_sha256(load->data, load->size, hash);
  if (error != 0) return error;
  th_pack_text(&request->answer, hash);
  if (is_known(request, load, hash)) return 0;
  if (is_gone(admin, &admin->source.authority))
    return th_fail(&request->reason, TH_EREFUSED,
                   "the source authority %s is gone: nothing can be loaded until another actor "
                   "registers as one",
                   th_address_text(&admin->source.authority, text));
  if ((awaited = th_admin_await(admin, hash, load->info, load->implicit)) == NULL)
    return th_fail(&request->reason, TH_EREFUSED,
                   "%d sources wait for the source authority already: load it again later",
                   MOST_AWAITED);
  if (load->waits) th_admin_answer_later(request, &awaited->askers);
  struct th_bytes *original = th_bytes_copy(load->data, load->size);
  th_admin_validate(admin, awaited, original);
  th_bytes_unref(original);
  return 0;
}

static int open_and_add(struct th_admin_request *request, const struct load *load) {
  struct th_source *source;
  struct th_source_config config = {.info = load->info,
                                    .implicit = load->implicit,
                                    .limits = th_sources_limits(request->admin->config.sources)};
  int error = th_source_open(load->data, load->size, &config, &source, &request->reason);
  if (error != 0) return error;
  th_pack_text(&request->answer, source->hash);
  th_admin_share(request->admin, source->hash)->origin = 0;
  add(request->admin, source, true);
  return 0;
}

int th_admin_load(struct th_admin_request *request) {
  struct th_unpack *arguments = &request->arguments;
  struct load load;
  size_t info_size;
  load.data = th_unpack_str(arguments, &load.size);
  const char *info = th_unpack_str(arguments, &info_size);
  load.implicit = th_unpack_bool(arguments);
  if (arguments->error != 0 || load.data == NULL) return TH_EMALFORMED;
  load.waits = arguments->at < arguments->end && th_unpack_bool(arguments);
  int error = check_info(info_size, &request->reason);
  if (error != 0) return error;
  load.info = strndup(info != NULL ? info : "", info_size);
  bool is_guarded = th_expected_is_guarded(request->admin->config.expected);
  error = is_guarded ? submit(request, &load) : open_and_add(request, &load);
  free(load.info);
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
  bool drains = request->arguments.at < request->arguments.end &&
                th_unpack_bool(&request->arguments);
  struct th_source *source = th_sources_remove(request->admin->config.sources, hash);
  bool is_draining = source == NULL && drains && th_admin_drain_on(request, hash);
  if (source == NULL && !is_draining)
    th_fail(&request->reason, TH_ESOURCE, "no source with hash %s is loaded here", hash);
  free(hash);
  if (source == NULL) return is_draining ? 0 : TH_ESOURCE;
  th_pack_text(&request->answer, source->hash);
  if (drains) th_admin_drain(request, source);
  drop(request->admin, source);
  return 0;
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
  if (operation == TH_SOURCE_TICK) th_admin_source_tick(admin);
  if (operation != TH_SOURCE_EXPECT) return;
  const char *text = th_unpack_str(&reader, &size);
  if (reader.error != 0 || size != sizeof hash - 1) return;
  memcpy(hash, text, size);
  hash[size] = '\0';
  expect(admin, &message->sender, hash);
}
