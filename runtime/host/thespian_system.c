/* What an endpoint does: messages, and requests to the admin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "host/bundle.h"
#include "host/embed_system.h"
#include "message/pack.h"
#include "message/protocol.h"

_Static_assert(THESPIAN_HASH_SIZE == TH_DIGEST_TEXT_SIZE, "a hash is a digest");
_Static_assert(THESPIAN_ADDRESS_TEXT_SIZE == TH_ADDRESS_TEXT_SIZE, "an address fits");

/* ---- words and addresses ---- */

const char *thespian_error_words(int error) {
  return th_error_words(error);
}

const char *thespian_version(void) {
  return TH_VERSION;
}

char *thespian_address_text(struct thespian_address address, char *out) {
  struct th_address own = th_embed_in(address);
  return th_address_text(&own, out);
}

bool thespian_address_equal(struct thespian_address one, struct thespian_address other) {
  struct th_address first = th_embed_in(one), second = th_embed_in(other);
  return th_address_equal(&first, &second);
}

bool thespian_address_is_nobody(struct thespian_address address) {
  struct th_address own = th_embed_in(address);
  return th_address_is_none(&own);
}

/* ---- what is known of a system ---- */

struct thespian_address thespian_endpoint(const struct thespian_system *system) {
  return th_embed_out(th_client_address(system->client));
}

struct thespian_address thespian_admin(const struct thespian_system *system) {
  return th_embed_out(th_client_admin(system->client));
}

const char *thespian_base(const struct thespian_system *system) {
  return th_client_base(system->client);
}

uint16_t thespian_port(const struct thespian_system *system) {
  return th_client_admin(system->client)->port;
}

/* ---- messages ---- */

/* A whole message that was received, and where its value is: behind the head of a reply,
 * perhaps. */
struct thespian_message {
  struct th_message *inner;
  struct thespian_value value;
  struct thespian_address sender;
};

struct thespian_value thespian_message_value(const struct thespian_message *message) {
  return message->value;
}

struct thespian_address thespian_message_sender(const struct thespian_message *message) {
  return message->sender;
}

void thespian_message_free(struct thespian_message *message) {
  if (message == NULL) return;
  th_message_free(message->inner);
  free(message);
}

/* Takes inner, whose value is these bytes of its payload. */
static int give(struct th_message *inner, const void *data, size_t size,
                struct thespian_message **message, struct th_reason *reason) {
  const char *refusal = th_embed_refuse(data, size);
  if (refusal != NULL) {
    th_message_free(inner);
    return th_fail(reason, TH_EMALFORMED, "malformed message: %s", refusal);
  }
  *message = th_new(struct thespian_message);
  (*message)->inner = inner;
  (*message)->value = th_embed_value(data, size);
  return 0;
}

/* Takes arrived. */
static int give_message(struct th_message *arrived, struct thespian_message **message,
                        struct th_reason *reason) {
  struct thespian_address sender = th_embed_out(&arrived->sender);
  int error = give(arrived, arrived->payload, arrived->size, message, reason);
  if (error == 0) (*message)->sender = sender;
  return error;
}

static uint64_t until(double seconds) {
  return seconds < 0 ? TH_FOREVER : th_clock_after(th_clock_from_seconds(seconds));
}

static int check_size(const struct thespian_system *system, size_t size, struct th_reason *reason) {
  if (size <= system->limit) return 0;
  return th_fail(reason, TH_ETOOBIG, "a message of %zu bytes is larger than the limit of %llu",
                 size, (unsigned long long)system->limit);
}

/* The value as it is to be sent. */
static int prepare(const struct thespian_system *system, const struct thespian_builder *value,
                   struct th_embed_packed *packed, struct th_reason *reason) {
  int error = th_embed_check_up(system, reason);
  if (error == 0) error = th_embed_packed(value, packed, reason);
  return error != 0 ? error : check_size(system, packed->size, reason);
}

int thespian_tell(struct thespian_system *system, struct thespian_address address,
                  const struct thespian_builder *value, struct thespian_reason *reason) {
  struct th_embed_packed packed;
  struct th_address target = th_embed_in(address);
  int error = prepare(system, value, &packed, th_embed_reason(reason));
  if (error != 0) return error;
  return th_client_tell(system->client, &target, th_embed_kind(packed), packed.data, packed.size,
                        th_embed_reason(reason));
}

int thespian_ask(struct thespian_system *system, struct thespian_address address,
                 const struct thespian_builder *value, double seconds,
                 struct thespian_message **answer, struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  struct th_embed_packed packed;
  struct th_address target = th_embed_in(address);
  struct th_message *arrived;
  int error = prepare(system, value, &packed, words);
  if (error != 0) return error;
  error = th_client_ask(system->client, &target, th_embed_kind(packed), packed.data, packed.size,
                        until(seconds), &arrived, words);
  return error != 0 ? error : give_message(arrived, answer, words);
}

int thespian_listen(struct thespian_system *system, double seconds,
                    struct thespian_message **message, struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  struct th_message *arrived;
  int error = th_embed_check_up(system, words);
  if (error != 0) return error;
  error = th_client_listen(system->client, until(seconds), &arrived, words);
  return error != 0 ? error : give_message(arrived, message, words);
}

/* ---- requests ---- */

static void begin(struct th_buffer *request, enum th_operation operation, uint32_t arguments) {
  th_buffer_init(request);
  th_pack_array(request, 1 + arguments);
  th_pack_int(request, operation);
}

/* Sends a request and clears it. *result is then a message with the answer's result. */
static int finish(struct thespian_system *system, struct th_buffer *request,
                  struct thespian_message **result, struct th_reason *reason) {
  struct th_message *reply;
  struct th_unpack reader;
  int error = th_embed_check_up(system, reason);
  if (error == 0) error = check_size(system, request->size, reason);
  if (error == 0)
    error = th_client_request(system->client, request, th_clock_after(TH_EMBED_REQUEST_TIME),
                              &reply, reason);
  th_buffer_clear(request);
  if (error != 0) return error;
  th_unpack_init(&reader, reply->payload, reply->size);
  bool has_result = th_unpack_array(&reader) > 1;
  th_unpack_int(&reader);
  return give(reply, reader.at, has_result ? (size_t)(reader.end - reader.at) : 0, result, reason);
}

/* The same where only its success matters. */
static int finish_plain(struct thespian_system *system, struct th_buffer *request,
                        struct th_reason *reason) {
  struct thespian_message *result;
  int error = finish(system, request, &result, reason);
  if (error == 0) thespian_message_free(result);
  return error;
}

int thespian_create(struct thespian_system *system, const char *class_name,
                    const struct thespian_builder *requirements, const char *global_name,
                    const char *source_hash, struct thespian_address *address,
                    struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  struct th_embed_packed packed;
  struct th_buffer request;
  struct thespian_message *result;
  int error = th_embed_requirements(requirements, &packed, words);
  if (error != 0) return error;
  begin(&request, TH_OP_CREATE, 4);
  th_pack_text(&request, class_name);
  if (packed.size > 0)
    th_pack_raw(&request, packed.data, packed.size);
  else
    th_pack_nil(&request);
  th_pack_text(&request, global_name);
  th_pack_text(&request, source_hash);
  if ((error = finish(system, &request, &result, words)) != 0) return error;
  *address = thespian_value_address(thespian_message_value(result));
  thespian_message_free(result);
  return 0;
}

int thespian_set_capability(struct thespian_system *system, const char *name,
                            const struct thespian_builder *value, struct thespian_reason *reason) {
  struct th_embed_packed packed;
  struct th_buffer request;
  int error = th_embed_packed(value, &packed, th_embed_reason(reason));
  if (error != 0) return error;
  begin(&request, TH_OP_CAPABILITY, 2);
  th_pack_text(&request, name);
  th_pack_raw(&request, packed.data, packed.size);
  return finish_plain(system, &request, th_embed_reason(reason));
}

int thespian_load_source(struct thespian_system *system, const void *zip, size_t size,
                         const char *info, char *hash, struct thespian_reason *reason) {
  struct th_buffer request;
  struct thespian_message *result;
  begin(&request, TH_OP_LOAD, 3);
  th_pack_bin(&request, zip, size);
  th_pack_text(&request, info != NULL ? info : "");
  th_pack_bool(&request, false);
  int error = finish(system, &request, &result, th_embed_reason(reason));
  if (error != 0) return error;
  size_t length = thespian_value_text(thespian_message_value(result), hash, THESPIAN_HASH_SIZE);
  thespian_message_free(result);
  if (length == THESPIAN_HASH_SIZE - 1) return 0;
  return th_fail(th_embed_reason(reason), TH_EPROTOCOL,
                 "the actor system gave an answer that makes no sense");
}

int thespian_load_source_file(struct thespian_system *system, const char *file, char *hash,
                              struct thespian_reason *reason) {
  struct th_bytes *zip;
  int error = th_bundle_read(file, TH_EMBED_BUNDLE_LIMIT, &zip, th_embed_reason(reason));
  if (error != 0) return error;
  error = thespian_load_source(system, zip->data, zip->size, file, hash, reason);
  th_bytes_unref(zip);
  return error;
}

int thespian_unload_source(struct thespian_system *system, const char *hash,
                           struct thespian_reason *reason) {
  struct th_buffer request;
  begin(&request, TH_OP_UNLOAD, 1);
  th_pack_text(&request, hash);
  return finish_plain(system, &request, th_embed_reason(reason));
}

int thespian_status(struct thespian_system *system, const struct thespian_address *actor,
                    struct thespian_message **status, struct thespian_reason *reason) {
  struct th_buffer request;
  struct th_address asked = actor != NULL ? th_embed_in(*actor) : TH_NOBODY;
  if (actor != NULL && th_address_is_none(&asked))
    return th_fail(th_embed_reason(reason), TH_EADDRESS, "not an actor address");
  begin(&request, TH_OP_STATUS, 1);
  th_pack_address(&request, &asked);
  return finish(system, &request, status, th_embed_reason(reason));
}
