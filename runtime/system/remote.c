/* remote: actors that live on another system than their creator's.
 *
 * The class's check has said no there, so the actor's slot has a forward in its place (forward.c). Here
 * is the host's side: it bears an actor for a forward, and tells it what became of it.
 *
 * Threads: turn: of the actor, or of the admin. */
#include <string.h>
#include <strings.h>

#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"

/* ---- words between forward and host ---- */

void th_remote_begin(struct th_buffer *buffer, enum th_remote_operation operation,
                     uint32_t arguments) {
  th_buffer_init(buffer);
  th_pack_array(buffer, 1 + arguments);
  th_pack_int(buffer, operation);
}

struct th_message *th_remote_finish(struct th_buffer *buffer, const struct th_address *target,
                                    const struct th_address *sender, uint32_t ticket) {
  struct th_message *message = th_message_pack(TH_KIND_REMOTE, target, sender, buffer);
  if (message != NULL) message->ticket = ticket;
  th_buffer_clear(buffer);
  return message;
}

bool th_remote_is_unfit(int error) {
  return error == TH_ENOCOMPATIBLE || error == TH_ENOCLASS || error == TH_ESHUTDOWN ||
         error == TH_ENOMEM;
}

/* ---- telling the forward ---- */

static void tell_forward(struct th_system *system, const struct th_address *forward,
                         const struct th_address *sender, uint32_t ticket,
                         enum th_remote_operation operation, int error, const char *words) {
  struct th_buffer buffer;
  uint32_t arguments = operation == TH_REMOTE_BORN ? 0 : operation == TH_REMOTE_FAILED ? 2 : 1;
  th_remote_begin(&buffer, operation, arguments);
  if (operation == TH_REMOTE_FAILED) th_pack_int(&buffer, error);
  if (operation != TH_REMOTE_BORN) th_pack_text(&buffer, words);
  struct th_message *message = th_remote_finish(&buffer, forward, sender, ticket);
  if (message != NULL) th_router_send(&system->world, message);
}

static void answer_failure(struct th_system *system, const struct th_address *forward,
                           const struct th_address *sender, uint32_t ticket, int error,
                           const char *words) {
  tell_forward(system, forward, sender, ticket,
               th_remote_is_unfit(error) ? TH_REMOTE_UNFIT : TH_REMOTE_FAILED, error, words);
}

void th_remote_settled(struct th_world *world, struct th_actor *actor, const struct th_birth *birth,
                       int error, const char *words) {
  struct th_system *system = th_system_of(world);
  struct th_address here = th_system_address(system, th_actor_number(actor));
  if (error == 0)
    tell_forward(system, &birth->address, &here, birth->ticket, TH_REMOTE_BORN, 0, NULL);
  else
    answer_failure(system, &birth->address, &here, birth->ticket, error, words);
  if (error != 0) th_hosting_return(system->hosting, th_actor_number(actor));
}

void th_remote_leaves(struct th_world *world, struct th_actor *actor, const char *reason) {
  th_hosting_drop(th_system_of(world)->hosting, th_actor_number(actor), reason);
}

/* ---- what the admin is asked ---- */

/* Whether a source may come from another system, as this one's capability says. */
static bool takes_sources(struct th_system *system, bool is_from_leader) {
  char word[16];
  struct th_bytes *capabilities = th_capabilities_get(system->capabilities);
  th_capability_text(capabilities->data, capabilities->size, "AllowRemoteActorSources", "no", word,
                     sizeof word);
  th_bytes_unref(capabilities);
  return strcasecmp(word, "yes") == 0 || (is_from_leader && strcasecmp(word, "leaderonly") == 0);
}

/* The text is not followed by a zero. */
static bool is_hash(const char *text, size_t size) {
  if (size != TH_DIGEST_TEXT_SIZE - 1) return false;
  for (size_t i = 0; i < size; i++)
    if (memchr("0123456789abcdef", text[i], 16) == NULL) return false;
  return true;
}

/* The source is not here: where it may come from the asking system the actor waits for it. */
static int await_source(struct th_system *system, const struct th_creation *creation,
                        bool is_from_leader, struct th_reason *reason) {
  char hash[TH_DIGEST_TEXT_SIZE];
  if (!is_hash(creation->source, creation->source_size)) return TH_ESOURCE;
  if (!takes_sources(system, is_from_leader))
    return th_fail(
      reason, TH_ESOURCE,
      "the source %.*s is not loaded there, and that system does not take it from this "
      "one: its capability AllowRemoteActorSources says no",
      (int)creation->source_size, creation->source);
  memcpy(hash, creation->source, creation->source_size);
  hash[creation->source_size] = '\0';
  th_expected_add(system->expected, hash);
  return 0;
}

/* One that is expected has perhaps another system to come from now. */
static void note_fetch(struct th_system *system, const struct th_creation *creation,
                       bool is_from_leader, char *fetch) {
  if (creation->source == NULL || !is_hash(creation->source, creation->source_size)) return;
  memcpy(fetch, creation->source, creation->source_size);
  fetch[creation->source_size] = '\0';
  if (!th_expected_find(system->expected, fetch, fetch) || !takes_sources(system, is_from_leader))
    fetch[0] = '\0';
}

/* Takes a forward's request for an actor. One with a global name answers for itself, by a REPLY. */
static void bear(struct th_system *system, const struct th_message *message,
                 struct th_unpack *reader, bool is_from_leader, char *fetch) {
  struct th_creation creation = {.ticket = message->ticket};
  struct th_reason reason = {""};
  struct th_address parent = th_unpack_address(reader);
  creation.class_name = th_unpack_str(reader, &creation.class_name_size);
  creation.requirements = th_unpack_skip(reader, &creation.requirements_size);
  creation.global_name = th_unpack_str(reader, &creation.global_name_size);
  creation.source = th_unpack_str(reader, &creation.source_size);
  if (reader->error != 0 || creation.class_name == NULL) return;
  if (creation.global_name != NULL) creation.requester = message->sender;
  int error = th_spawn_host(system, &message->sender, &parent, &creation, &reason);
  if (error == TH_ESOURCE) {
    error = await_source(system, &creation, is_from_leader, &reason);
    if (error == 0) error = th_spawn_host(system, &message->sender, &parent, &creation, &reason);
  }
  note_fetch(system, &creation, is_from_leader, fetch);
  if (error != 0)
    answer_failure(system, &message->sender, &system->world.admin, message->ticket, error,
                   reason.words[0] != '\0' ? reason.words : th_error_words(error));
}

void th_remote_receive(struct th_system *system, const struct th_message *message,
                       bool is_from_leader, char *fetch) {
  struct th_unpack reader;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  bool is_from_elsewhere = message->sender.system != system->identity;
  if (reader.error == 0 && operation == TH_REMOTE_BEAR && is_from_elsewhere)
    bear(system, message, &reader, is_from_leader, fetch);
}
