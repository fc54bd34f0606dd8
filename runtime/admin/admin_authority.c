/* The source authority's part in sources (admin/admin_source.h): it is asked, and judges. */
#include <stdlib.h>
#include <string.h>

#include "admin/admin_inside.h"
#include "base/clock.h"
#include "message/notice.h"
#include "message/protocol.h"

/* Less than programs wait for an answer to createActor, so that they hear the reason. */
#define PATIENCE 45.0 /* seconds */

/* Bytes that the authority may say to who waits in vain. */
#define INFO_SHOWN 400

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
void th_admin_source_tick(struct th_admin *admin) {
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

/* Read once: who may set capabilities must not be able to let in what nobody here has judged. */
void th_admin_read_judgement(struct th_admin *admin) {
  struct th_unpack reader;
  size_t size;
  struct th_bytes *map = th_capabilities_get(admin->config.capabilities);
  const unsigned char *value = th_capability_find(map->data, map->size, "Validate Remote Sources",
                                                  &size);
  th_unpack_init(&reader, value, size);
  admin->source.trusts_others = value != NULL && !th_unpack_bool(&reader) && reader.error == 0;
  th_bytes_unref(map);
}

bool th_admin_judges_others(struct th_admin *admin) {
  return th_expected_is_guarded(admin->config.expected) && !admin->source.trusts_others;
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
