/* The creator's side of remote: a forward in the actor's slot. It asks for candidates, tries one after
 * the other, and keeps what it gets meanwhile. When one says that the actor is born there, all goes on
 * to it, what waited first, then OPEN, by which the host knows that nothing is on its way by the
 * forward any more. It ends when the host says GONE or is lost, and its parent hears of it like of any
 * child's end.
 *
 * Threads: turn: of the forward, or, for th_remote_relocate, of the actor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/plant.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"

struct forward {
  char *class_name;
  char *global_name;
  struct th_bytes *requirements;
  struct th_bytes *wanted; /* capabilities; NULL for none that are known */
  const char *source;
  struct th_address requester; /* gets a REPLY under ticket once it is known how the start went */
  uint32_t ticket;
  uint32_t attempt;              /* which candidate is asked: the ticket of its answer */
  struct th_address *candidates; /* admins; NULL: not known yet */
  size_t count;
  size_t next;
  struct th_address host;  /* the admin of the one that is asked, or where it lives; or nobody */
  struct th_address actor; /* what is sent goes to it there; nobody until it is born */
  struct th_queue waiting;
  size_t waiting_count;
  char *refusal;    /* why it could not live on the system asked last, */
  bool is_unwanted; /* or on the one that would not take its source: that can be mended */
};

static void send(struct th_system *system, struct th_message *message) {
  if (message != NULL) th_router_send(&system->world, message);
}

/* ---- its end ---- */

static int end(struct th_actor *actor, const char *reason) {
  actor->killed = th_strdup(reason);
  return TH_ENDED;
}

static void answer_requester(struct th_actor *actor, const struct forward *forward, int error,
                             const char *words) {
  const struct th_address *own = &actor->address;
  if (th_address_is_none(&forward->requester) || forward->ticket == 0) return;
  send(th_system_of(actor->world),
       th_notice_creation(&forward->requester, own, forward->ticket,
                          forward->global_name != NULL ? &forward->actor : own, error, words));
}

static int fail(struct th_actor *actor, int error, const char *words) {
  struct forward *forward = actor->state;
  struct th_buffer reason;
  th_buffer_init(&reason);
  bool is_told = !th_address_is_none(&forward->requester);
  th_log_write(actor->world->log, is_told ? TH_LOG_INFO : TH_LOG_WARNING,
               "actor %s failed to start: %s", forward->class_name, words);
  answer_requester(actor, forward, error, words);
  th_buffer_printf(&reason, "failed to start: %s", words);
  int outcome = end(actor, (const char *)reason.data);
  th_buffer_clear(&reason);
  return outcome;
}

static void leave_host(struct th_actor *actor, struct forward *forward) {
  struct th_peers *peers = th_system_of(actor->world)->peers;
  if (th_address_is_none(&forward->host)) return;
  /* There are none any more where a system that did not end in time is released. */
  if (peers != NULL) th_peers_forget(peers, &forward->host, th_actor_number(actor));
  forward->host = TH_NOBODY;
}

static void free_forward(struct forward *forward) {
  free(forward->class_name);
  free(forward->global_name);
  free(forward->candidates);
  free(forward->refusal);
  th_bytes_unref(forward->requirements);
  th_bytes_unref(forward->wanted);
  free(forward);
}

static void close_forward(struct th_actor *actor) {
  struct forward *forward = actor->state;
  struct th_message *message;
  leave_host(actor, forward);
  while ((message = th_queue_pop(&forward->waiting)) != NULL) {
    atomic_fetch_add_explicit(&th_system_of(actor->world)->returned, 1, memory_order_relaxed);
    if (TH_PLANT(10))
      th_message_free(message);
    else
      actor->world->ops->dead(actor->world, message);
  }
  free_forward(forward);
}

/* ---- where it may live ---- */

/* A leader leaves out systems without what the class needs, as far as that is known without asking
 * it. */
static void ask_for_candidates(struct th_actor *actor, const struct th_address *admin) {
  const struct forward *forward = actor->state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, TH_CONVENTION_PLACE);
  if (forward->wanted != NULL)
    th_pack_raw(&buffer, forward->wanted->data, forward->wanted->size);
  else
    th_pack_array(&buffer, 0);
  struct th_message *message = th_message_pack(TH_KIND_CONVENTION, admin, &actor->address, &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) actor->world->ops->send(actor->world, message);
}

static void ask_host(struct th_actor *actor, struct forward *forward) {
  struct th_buffer buffer;
  th_remote_begin(&buffer, TH_REMOTE_BEAR, 5);
  th_pack_address(&buffer, &actor->parent);
  th_pack_text(&buffer, forward->class_name);
  if (forward->requirements != NULL)
    th_pack_raw(&buffer, forward->requirements->data, forward->requirements->size);
  else
    th_pack_nil(&buffer);
  th_pack_text(&buffer, forward->global_name);
  th_pack_text(&buffer, forward->source);
  send(th_system_of(actor->world),
       th_remote_finish(&buffer, &forward->host, &actor->address, ++forward->attempt));
}

static int try_next(struct th_actor *actor) {
  struct forward *forward = actor->state;
  struct th_peers *peers = th_system_of(actor->world)->peers;
  leave_host(actor, forward);
  while (forward->next < forward->count) {
    const struct th_address *candidate = &forward->candidates[forward->next++];
    if (candidate->system == actor->world->admin.system ||
        !th_peers_depend(peers, candidate, th_actor_number(actor)))
      continue;
    forward->host = *candidate;
    ask_host(actor, forward);
    return 0;
  }
  return fail(actor, TH_ENOCOMPATIBLE, forward->refusal);
}

static int ask_leader(struct th_actor *actor, const struct th_address *leader) {
  struct forward *forward = actor->state;
  if (forward->candidates != NULL || !th_address_is_none(&forward->host)) return 0;
  if (!th_peers_depend(th_system_of(actor->world)->peers, leader, th_actor_number(actor)))
    return fail(actor, TH_ENOCOMPATIBLE, forward->refusal);
  forward->host = *leader;
  ask_for_candidates(actor, leader);
  return 0;
}

static int take_candidates(struct th_actor *actor, struct th_unpack *reader) {
  struct forward *forward = actor->state;
  uint32_t count = th_unpack_array(reader);
  if (reader->error != 0 || forward->candidates != NULL) return 0;
  forward->candidates = th_alloc_zeroed(count + 1, sizeof *forward->candidates);
  for (uint32_t i = 0; i < count; i++) {
    struct th_address admin = th_unpack_address(reader);
    if (reader->error == 0 && !th_address_is_none(&admin))
      forward->candidates[forward->count++] = admin;
  }
  return try_next(actor);
}

static void refuse(struct forward *forward, const char *words, size_t size) {
  if (forward->is_unwanted) return;
  free(forward->refusal);
  forward->refusal = strndup(words != NULL ? words : "", size);
}

/* The host has not got the source, and would not take it. */
static int try_without_source(struct th_actor *actor, const char *words) {
  struct forward *forward = actor->state;
  refuse(forward, words, strlen(words));
  forward->is_unwanted = true;
  return try_next(actor);
}

/* ---- once it is born ---- */

static void pass_on(struct th_actor *actor, struct forward *forward, struct th_message *message) {
  if (forward->global_name != NULL) message->target = forward->actor;
  struct th_actor *full = th_peers_carry(th_system_of(actor->world)->peers, &forward->host,
                                         message);
  if (full != NULL) actor->pressed = full;
}

static void keep(struct th_actor *actor, struct forward *forward, struct th_message *message) {
  th_queue_push(&forward->waiting, message);
  forward->waiting_count++;
  /* Counted as waiting, so that senders are held; relaxed: it only grows here. */
  atomic_store_explicit(&actor->backlog, forward->waiting_count, memory_order_relaxed);
}

static void open_alias(struct th_actor *actor, struct forward *forward) {
  struct th_buffer buffer;
  if (forward->global_name != NULL) return;
  th_remote_begin(&buffer, TH_REMOTE_OPEN, 0);
  struct th_message *message = th_remote_finish(&buffer, &actor->address, &actor->address, 0);
  if (message != NULL) th_peers_carry(th_system_of(actor->world)->peers, &forward->host, message);
}

static void be_born_there(struct th_actor *actor, const struct th_address *there) {
  struct forward *forward = actor->state;
  struct th_message *message;
  forward->actor = *there;
  while ((message = th_queue_pop(&forward->waiting)) != NULL) pass_on(actor, forward, message);
  forward->waiting_count = 0;
  /* Sequentially consistent, as in hold.c: who comes to be held sees the room, or is seen. */
  atomic_store(&actor->backlog, 0);
  open_alias(actor, forward);
  answer_requester(actor, forward, 0, NULL);
}

/* ---- what it is told ---- */

/* Who could never be spoken to cannot have begun anything: the next one may do. */
static int lose_host(struct th_actor *actor, const char *words, bool was_never_there) {
  struct forward *forward = actor->state;
  if (th_address_is_none(&forward->host)) return 0;
  forward->host = TH_NOBODY; /* it has forgotten this one already */
  if (!th_address_is_none(&forward->actor)) return end(actor, words);
  if (!was_never_there || forward->candidates == NULL) return fail(actor, TH_ELOST, words);
  refuse(forward, words, strlen(words));
  return try_next(actor);
}

/* The leader's refusal to name any. */
static bool is_refusal(const struct forward *forward, int64_t operation) {
  return operation == TH_REMOTE_FAILED && forward->candidates == NULL;
}

/* Of the candidate that is asked now, and of no other. */
static bool is_answer(const struct forward *forward, const struct th_message *message) {
  return message->sender.system == forward->host.system && message->ticket == forward->attempt &&
         th_address_is_none(&forward->actor);
}

static int take_words(struct th_actor *actor, const struct th_message *message) {
  struct forward *forward = actor->state;
  struct th_unpack reader;
  char words[512] = "";
  size_t size;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  if (reader.error != 0) return 0;
  if (operation == TH_REMOTE_CANDIDATES) return take_candidates(actor, &reader);
  if (operation == TH_REMOTE_ASK) {
    struct th_address leader = th_unpack_address(&reader);
    return reader.error == 0 ? ask_leader(actor, &leader) : 0;
  }
  int error = operation == TH_REMOTE_FAILED ? (int)th_unpack_int(&reader) : 0;
  const char *text = operation != TH_REMOTE_BORN ? th_unpack_str(&reader, &size) : NULL;
  if (reader.error != 0) return 0;
  if (text != NULL) snprintf(words, sizeof words, "%.*s", (int)size, text);
  switch (operation) {
  case TH_REMOTE_BORN:
    if (is_answer(forward, message)) be_born_there(actor, &message->sender);
    return 0;
  case TH_REMOTE_UNFIT:
    if (!is_answer(forward, message)) return 0;
    refuse(forward, words, strlen(words));
    return try_next(actor);
  case TH_REMOTE_FAILED:
    if (!is_answer(forward, message) && !is_refusal(forward, operation)) return 0;
    if (error == TH_ESOURCE) return try_without_source(actor, words);
    return fail(actor, error < 0 ? error : TH_ESPECIFICATION,
                error == TH_ENOCOMPATIBLE ? forward->refusal : words);
  case TH_REMOTE_GONE:
    if (th_address_is_none(&forward->actor)) return 0;
    return message->sender.system == forward->host.system ? end(actor, words) : 0;
  case TH_REMOTE_LOST:
    return lose_host(actor, words, th_unpack_bool(&reader));
  default:
    return 0;
  }
}

/* A REPLY says how the creation of an actor with a global name went: [0, address] or [error,
 * words]. */
static int take_reply(struct th_actor *actor, const struct th_message *message) {
  struct forward *forward = actor->state;
  struct th_unpack reader;
  size_t size = 0;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int error = (int)th_unpack_int(&reader);
  if (reader.error != 0) return 0;
  if (error == 0) {
    struct th_address there = th_unpack_address(&reader);
    if (reader.error == 0 && !th_address_is_none(&there)) be_born_there(actor, &there);
    return 0;
  }
  const char *words = th_unpack_str(&reader, &size);
  refuse(forward, words, size);
  return th_remote_is_unfit(error) ? try_next(actor) : fail(actor, error, forward->refusal);
}

/* What is said to the actor; the rest was meant for who was to live here. */
static bool is_for_actor(const struct th_message *message) {
  return message->kind <= TH_KIND_STATUS_REQUEST || message->kind == TH_KIND_REPLY ||
         message->kind == TH_KIND_DEAD_NOTICE || message->kind == TH_KIND_PRESENCE;
}

/* Another system's forward asks who has the name here. It is none who could live here: where two
 * forwards waited for each other's actor, both would do so for ever. */
static void decline(struct th_actor *actor, const struct th_message *message) {
  send(th_system_of(actor->world),
       th_notice_creation(&message->sender, &actor->address, message->ticket, NULL,
                          TH_ENOCOMPATIBLE, "who has that name there lives on another system"));
}

/* Who asked for the name here is answered as soon as it is known who has it. */
static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct forward *forward = actor->state;
  (void)details;
  if ((*message)->kind == TH_KIND_REMOTE) return take_words(actor, *message);
  if ((*message)->kind == TH_KIND_REPLY && is_answer(forward, *message))
    return take_reply(actor, *message);
  if (!is_for_actor(*message)) return 0;
  if ((*message)->kind == TH_KIND_PRESENCE && (*message)->sender.system != actor->address.system) {
    decline(actor, *message);
    return 0;
  }
  if (th_address_is_none(&forward->actor))
    keep(actor, forward, *message);
  else
    pass_on(actor, forward, *message);
  *message = NULL;
  return 0;
}

static const struct th_behaviour forward_behaviour = {
  .is_native = true,
  .is_forward = true,
  .receive = receive,
  .close = close_forward,
};

bool th_remote_relocate(struct th_world *world, struct th_actor *actor, struct th_birth *birth,
                        const char *words) {
  struct th_system *system = th_system_of(world);
  if (system->peers == NULL || !atomic_load_explicit(&world->has_others, memory_order_relaxed))
    return false;
  struct forward *forward = th_new(struct forward);
  forward->class_name = th_strdup(birth->class_name);
  if (birth->global_name != NULL) forward->global_name = th_strdup(birth->global_name);
  if (birth->requirements != NULL) forward->requirements = th_bytes_ref(birth->requirements);
  if (birth->wanted != NULL) forward->wanted = th_bytes_ref(birth->wanted);
  forward->source = birth->source;
  forward->requester = birth->requester;
  forward->ticket = birth->ticket;
  forward->refusal = th_strdup(words);
  actor->behaviour = &forward_behaviour;
  actor->state = forward;
  atomic_store_explicit(&actor->card.is_forward, true, memory_order_relaxed);
  atomic_store_explicit(&actor->card.is_checked, false, memory_order_relaxed);
  ask_for_candidates(actor, &world->admin);
  return true;
}
