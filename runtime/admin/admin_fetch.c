/* What is fetched from other systems, and given to them.
 *
 * One fetch for a source, however many actors wait for it, from one system at a time: who asks for
 * some bytes gets a few parts, and asks for the next. The session with that system outlives its
 * connections, so a fetch is cut only by its end: then another system that has asked for an actor
 * from the same source is asked, from the first byte that is missing. */
#include <stdlib.h>
#include <string.h>

#include "admin/admin_inside.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/protocol.h"

/* Bytes in a part: little enough that others' messages get through between two of them. So many
 * parts come for one FETCH: enough that the way there and back does not count. */
#define PART (128u << 10)
#define PARTS 8

/* A bundle that is stored, not packed, is not much larger than what is in it; encrypted, too. */
#define MOST_BYTES (2ull * TH_SOURCE_UNPACKED)

/* ---- who has what from whom ---- */

static struct th_share *find_share(struct th_admin *admin, const char *hash) {
  struct th_share *share = admin->source.shares;
  while (share != NULL && strcmp(share->hash, hash) != 0) share = share->next;
  return share;
}

struct th_share *th_admin_share(struct th_admin *admin, const char *hash) {
  struct th_share *share = find_share(admin, hash);
  if (share != NULL) return share;
  share = th_new(struct th_share);
  memcpy(share->hash, hash, TH_DIGEST_TEXT_SIZE);
  share->next = admin->source.shares;
  admin->source.shares = share;
  return share;
}

void th_admin_unshare(struct th_admin *admin, const char *hash) {
  struct th_share **place = &admin->source.shares;
  while (*place != NULL && strcmp((*place)->hash, hash) != 0) place = &(*place)->next;
  struct th_share *share = *place;
  if (share == NULL) return;
  *place = share->next;
  free(share->takers.all);
  free(share);
}

static bool is_of(uint64_t identity, const struct th_address *admin) {
  return admin->system == identity;
}

static void forget_system(struct th_members *members, uint64_t identity) {
  size_t kept = 0;
  for (size_t i = 0; i < members->count; i++)
    if (!is_of(identity, &members->all[i])) members->all[kept++] = members->all[i];
  members->count = kept;
}

/* ---- giving ---- */

static void begin(struct th_buffer *buffer, enum th_source_operation operation, uint32_t arguments,
                  const char *hash) {
  th_buffer_init(buffer);
  th_pack_array(buffer, 2 + arguments);
  th_pack_int(buffer, operation);
  th_pack_text(buffer, hash);
}

static void send(struct th_admin *admin, const struct th_address *to, struct th_buffer *buffer) {
  th_actor_send(admin->actor, TH_KIND_SOURCE, 0, to, buffer);
  th_buffer_clear(buffer);
}

static void send_none(struct th_admin *admin, const struct th_address *to, const char *hash,
                      const char *words) {
  struct th_buffer buffer;
  begin(&buffer, TH_SOURCE_NONE, 1, hash);
  th_pack_text(&buffer, words);
  send(admin, to, &buffer);
}

static void send_part(struct th_admin *admin, const struct th_address *to,
                      const struct th_source *source, const struct th_bytes *bytes,
                      const char *digest, uint64_t offset) {
  struct th_buffer buffer;
  uint64_t left = bytes->size - offset;
  begin(&buffer, TH_SOURCE_PART, 7, source->hash);
  th_pack_int(&buffer, (int64_t)offset);
  th_pack_bin(&buffer, bytes->data + offset, left < PART ? (size_t)left : PART);
  th_pack_int(&buffer, (int64_t)bytes->size);
  th_pack_text(&buffer, digest);
  th_pack_bool(&buffer, source->is_validated);
  th_pack_text(&buffer, source->info);
  th_pack_bool(&buffer, source->implicit);
  send(admin, to, &buffer);
}

/* What was loaded, or what may run; NULL where only the latter was kept. */
static const struct th_bytes *bytes_of(const struct th_source *source, bool wants_original) {
  if (!wants_original || !source->is_validated) return source->zip;
  return source->original;
}

static void give(struct th_admin *admin, const struct th_address *to, struct th_source *source,
                 bool wants_original, uint64_t offset) {
  const struct th_bytes *bytes = bytes_of(source, wants_original);
  const char *digest = bytes == source->zip ? source->content : source->hash;
  if (bytes == NULL) {
    send_none(admin, to, source->hash, "that system has only what its source authority made of it");
    return;
  }
  th_members_set(&th_admin_share(admin, source->hash)->takers, to, true);
  for (unsigned i = 0; i < PARTS && offset < bytes->size; i++, offset += PART)
    send_part(admin, to, source, bytes, digest, offset);
}

static void take_fetch(struct th_admin *admin, const struct th_address *from, const char *hash,
                       struct th_unpack *reader) {
  bool wants_original = th_unpack_bool(reader);
  int64_t offset = th_unpack_int(reader);
  if (reader->error != 0 || offset < 0) return;
  struct th_source *source = th_sources_find(admin->config.sources, hash);
  if (source != NULL)
    give(admin, from, source, wants_original, (uint64_t)offset);
  else
    send_none(admin, from, hash, "its source is not loaded any more");
  th_source_unref(source);
}

/* ---- fetching ---- */

static void ask(struct th_admin *admin, struct th_awaited *awaited) {
  struct th_buffer buffer;
  awaited->asked = awaited->data.size + PART * PARTS;
  begin(&buffer, TH_SOURCE_FETCH, 2, awaited->hash);
  th_pack_bool(&buffer, awaited->wants_original);
  th_pack_int(&buffer, (int64_t)awaited->data.size);
  send(admin, &awaited->hosts.all[0], &buffer);
}

void th_admin_fetch(struct th_admin *admin, const char *hash, const struct th_address *host) {
  struct th_awaited *awaited = th_admin_awaited(admin, hash);
  if (awaited != NULL) {
    if (awaited->original == NULL) th_members_set(&awaited->hosts, host, true);
    return;
  }
  awaited = th_admin_await(admin, hash, "", false);
  if (awaited == NULL) {
    th_expected_remove(admin->config.expected, hash);
    return;
  }
  awaited->wants_original = th_admin_judges_others(admin);
  th_members_set(&awaited->hosts, host, true);
  ask(admin, awaited);
}

static void restart(struct th_awaited *awaited) {
  th_buffer_clear(&awaited->data);
  awaited->total = 0;
}

/* The one that is asked cannot: the next one, or nobody. */
static void go_on_elsewhere(struct th_admin *admin, struct th_awaited *awaited, int error,
                            const char *words) {
  forget_system(&awaited->hosts, awaited->hosts.all[0].system);
  if (awaited->hosts.count > 0)
    ask(admin, awaited);
  else
    th_admin_settle(admin, awaited, error, words);
}

void th_admin_fetch_lost(struct th_admin *admin, uint64_t identity) {
  struct th_awaited *next;
  for (struct th_awaited *awaited = admin->source.awaited; awaited != NULL; awaited = next) {
    next = awaited->next;
    bool is_asked = awaited->hosts.count > 0 && is_of(identity, &awaited->hosts.all[0]) &&
                    !TH_PLANT(18);
    if (is_asked && awaited->original == NULL)
      go_on_elsewhere(admin, awaited, TH_ELOST, "system lost while the source was fetched from it");
    else
      forget_system(&awaited->hosts, identity);
  }
  for (struct th_share *share = admin->source.shares; share != NULL; share = share->next)
    forget_system(&share->takers, identity);
}

/* All of it is there. */
static void conclude(struct th_admin *admin, struct th_awaited *awaited) {
  char digest[TH_DIGEST_TEXT_SIZE], text[TH_ADDRESS_TEXT_SIZE];
  struct th_log *log = admin->actor->world->log;
  int error = th_digest_sha256(awaited->data.data, awaited->data.size, digest);
  bool is_original = awaited->wants_original || !awaited->is_validated;
  const char *expected = is_original ? awaited->hash : awaited->digest;
  if (error != 0 || strcmp(digest, expected) != 0) {
    restart(awaited);
    go_on_elsewhere(admin, awaited, TH_ESOURCE, "what came from that system is not that source");
    return;
  }
  th_log_write(log, TH_LOG_INFO, "fetched source %s from %s", awaited->hash,
               th_address_text(&awaited->hosts.all[0], text));
  awaited->origin = awaited->hosts.all[0].system;
  struct th_bytes *bytes = th_bytes_copy(awaited->data.data, awaited->data.size);
  th_buffer_clear(&awaited->data);
  if (bytes == NULL)
    th_admin_settle(admin, awaited, TH_ENOMEM, th_error_words(TH_ENOMEM));
  else if (awaited->wants_original)
    th_admin_validate(admin, awaited, bytes);
  else
    th_admin_accept(admin, awaited, bytes->data, bytes->size, awaited->is_validated);
  th_bytes_unref(bytes);
}

/* What is said of the whole with each part; once it is said it stays. */
struct part {
  int64_t offset;
  const char *bytes;
  size_t size;
  int64_t total;
  const char *digest;
  size_t digest_size;
  bool is_validated;
  const char *info;
  size_t info_size;
  bool implicit;
};

static bool read_part(struct th_unpack *reader, struct part *part) {
  part->offset = th_unpack_int(reader);
  part->bytes = th_unpack_str(reader, &part->size);
  part->total = th_unpack_int(reader);
  part->digest = th_unpack_str(reader, &part->digest_size);
  part->is_validated = th_unpack_bool(reader);
  part->info = th_unpack_str(reader, &part->info_size);
  part->implicit = th_unpack_bool(reader);
  return reader->error == 0 && part->bytes != NULL && part->size > 0 && part->size <= PART &&
         part->digest_size == TH_DIGEST_TEXT_SIZE - 1 && part->info != NULL &&
         part->info_size <= TH_SOURCE_INFO && part->total > 0;
}

static void note_whole(struct th_admin *admin, struct th_awaited *awaited,
                       const struct part *part) {
  char text[TH_ADDRESS_TEXT_SIZE];
  awaited->total = (uint64_t)part->total;
  memcpy(awaited->digest, part->digest, TH_DIGEST_TEXT_SIZE - 1);
  awaited->is_validated = part->is_validated;
  awaited->implicit = part->implicit;
  free(awaited->info);
  awaited->info = strndup(part->info, part->info_size);
  th_log_write(admin->actor->world->log, TH_LOG_INFO, "fetching source %s (%lld bytes) from %s",
               awaited->hash, (long long)part->total,
               th_address_text(&awaited->hosts.all[0], text));
}

static bool is_same_whole(const struct th_awaited *awaited, const struct part *part) {
  return awaited->total == (uint64_t)part->total && awaited->is_validated == part->is_validated &&
         memcmp(awaited->digest, part->digest, TH_DIGEST_TEXT_SIZE - 1) == 0;
}

/* Each quarter of what takes more than one question. */
static void log_progress(struct th_admin *admin, const struct th_awaited *awaited, size_t before) {
  unsigned quarter = (unsigned)(4 * awaited->data.size / awaited->total);
  if (awaited->total <= PART * PARTS || quarter == 4 * before / awaited->total) return;
  th_log_write(admin->actor->world->log, TH_LOG_INFO, "fetching source %s: %u %% are here",
               awaited->hash, 25 * quarter);
}

static void append(struct th_admin *admin, struct th_awaited *awaited, const struct part *part) {
  size_t before = awaited->data.size;
  if (th_buffer_append(&awaited->data, part->bytes, part->size) != 0) {
    th_admin_settle(admin, awaited, TH_ENOMEM, th_error_words(TH_ENOMEM));
    return;
  }
  log_progress(admin, awaited, before);
  if (awaited->data.size >= awaited->total)
    conclude(admin, awaited);
  else if (awaited->data.size >= awaited->asked)
    ask(admin, awaited);
}

/* Another one may have been asked meanwhile, from another place on. */
static void take_part(struct th_admin *admin, struct th_awaited *awaited,
                      struct th_unpack *reader) {
  struct part part;
  if (!read_part(reader, &part)) {
    go_on_elsewhere(admin, awaited, TH_ESOURCE, "that system does not say what it sends");
  } else if ((uint64_t)part.total > MOST_BYTES) {
    go_on_elsewhere(admin, awaited, TH_ESOURCE, "it has more bytes than a source may have");
  } else if (awaited->total != 0 && !is_same_whole(awaited, &part)) {
    restart(awaited);
    ask(admin, awaited);
  } else if ((uint64_t)part.offset == awaited->data.size) {
    if (awaited->total == 0) note_whole(admin, awaited, &part);
    append(admin, awaited, &part);
  }
}

static void take_none(struct th_admin *admin, struct th_awaited *awaited,
                      struct th_unpack *reader) {
  struct th_reason reason;
  size_t size;
  const char *words = th_unpack_str(reader, &size);
  th_fail(&reason, TH_ESOURCE, "%.*s", words != NULL ? (int)size : 0, words != NULL ? words : "");
  go_on_elsewhere(admin, awaited, TH_ESOURCE, reason.words);
}

/* A source that came from there goes with it; one that was loaded here as well stays. */
static void take_unloaded(struct th_admin *admin, const struct th_address *from, const char *hash) {
  const struct th_share *share = find_share(admin, hash);
  if (share != NULL && share->origin == from->system) th_admin_drop(admin, hash);
}

void th_admin_fetch_receive(struct th_admin *admin, const struct th_message *message) {
  struct th_unpack reader;
  char hash[TH_DIGEST_TEXT_SIZE];
  size_t size;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  const char *text = th_unpack_str(&reader, &size);
  if (reader.error != 0 || size != sizeof hash - 1) return;
  memcpy(hash, text, size);
  hash[size] = '\0';
  struct th_awaited *awaited = th_admin_awaited(admin, hash);
  bool is_asked = awaited != NULL && awaited->original == NULL && awaited->hosts.count > 0 &&
                  is_of(message->sender.system, &awaited->hosts.all[0]);
  if (operation == TH_SOURCE_FETCH) take_fetch(admin, &message->sender, hash, &reader);
  if (operation == TH_SOURCE_UNLOADED) take_unloaded(admin, &message->sender, hash);
  if (operation == TH_SOURCE_PART && is_asked) take_part(admin, awaited, &reader);
  if (operation == TH_SOURCE_NONE && is_asked) take_none(admin, awaited, &reader);
}
