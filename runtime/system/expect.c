/* expect: actors whose source is not there yet.
 *
 * The actor's address is valid, its birth is its state, and what is sent to it waits on its shelf.
 * Once the admin knows what has become of the source the actor is born, or fails to start.
 *
 * Threads: turn, of that actor. */
#include <stdlib.h>
#include <string.h>

#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"

/* By its slot's own address: the one of a hosted actor's forward may not be open yet. */
static int open_expectant(struct th_actor *actor, struct th_birth *birth,
                          struct th_reason *reason) {
  struct th_system *system = th_system_of(actor->world);
  struct th_address own = th_system_address(system, th_actor_number(actor));
  struct th_buffer buffer;
  (void)reason;
  actor->state = birth;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, TH_SOURCE_EXPECT);
  th_pack_text(&buffer, birth->source);
  struct th_message *message = th_message_pack(TH_KIND_SOURCE, &system->world.admin, &own, &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) th_router_send(&system->world, message);
  return TH_EXPECTANT;
}

static void close_expectant(struct th_actor *actor) {
  th_birth_free(actor->state);
}

static void fail(struct th_birth *birth, int error, const char *words, size_t size) {
  free(birth->words);
  birth->error = error;
  birth->words = strndup(words != NULL ? words : "", size);
}

/* SETTLED error words. */
static int take_words(struct th_actor *actor, const struct th_message *message) {
  struct th_system *system = th_system_of(actor->world);
  struct th_birth *birth = actor->state;
  struct th_script_birth *script = birth->argument;
  struct th_unpack reader;
  size_t size;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  int error = (int)th_unpack_int(&reader);
  const char *words = th_unpack_str(&reader, &size);
  if (reader.error != 0 || operation != TH_SOURCE_SETTLED) return 0;
  script->source = th_sources_find(system->sources, birth->source);
  if (script->source == NULL) fail(birth, error != 0 ? error : TH_ESOURCE, words, size);
  birth->behaviour = system->script->behaviour;
  actor->birth = birth;
  return TH_REBORN;
}

/* It is never born, and whoever waits for that must know: a forward takes no end for an answer. */
static int give_up(struct th_actor *actor) {
  static const char words[] = "it was asked to exit before its source was there";
  struct th_system *system = th_system_of(actor->world);
  const struct th_birth *birth = actor->state;
  bool is_closing = atomic_load_explicit(&system->closing, memory_order_relaxed);
  int error = is_closing ? TH_ESHUTDOWN : TH_EREFUSED;
  if (actor->is_hosted)
    th_remote_settled(actor->world, actor, birth, error, words);
  else if (!th_address_is_none(&birth->requester))
    th_router_send(&system->world, th_notice_creation(&birth->requester, &actor->address,
                                                      birth->ticket, NULL, error, words));
  return TH_ENDED;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  (void)details;
  switch ((*message)->kind) {
  case TH_KIND_SOURCE:
    return take_words(actor, *message);
  case TH_KIND_EXIT_REQUEST:
    return give_up(actor);
  case TH_KIND_RECHECK:
    return 0;
  default:
    th_actor_keep(actor);
    return 0;
  }
}

const struct th_behaviour th_expectant_behaviour = {
  .is_native = true,
  .is_forward = true,
  .open = open_expectant,
  .receive = receive,
  .close = close_expectant,
};
