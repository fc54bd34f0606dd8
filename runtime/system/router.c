/* router: the one place that decides where a message goes.
 *
 * Threads: any. */
#include "base/memory.h"
#include "message/notice.h"
#include "message/pack.h"
#include "system/inside.h"

struct th_address th_system_address(const struct th_system *system, uint64_t number) {
  struct th_address address = system->world.admin;
  address.number = number;
  return address;
}

static void push(struct th_system *system, struct th_actor *slot, struct th_message *message) {
  if (th_mailbox_push(&slot->mailbox, message)) th_scheduler_ready(system->scheduler, slot);
}

void th_router_birth(struct th_system *system, struct th_actor *slot, struct th_message *message) {
  atomic_fetch_add_explicit(&system->created, 1, memory_order_relaxed);
  push(system, slot, message);
}

/* The slot where that actor lives now, or NULL. */
static struct th_actor *find(struct th_system *system, const struct th_address *address) {
  if (address->system != system->identity) return NULL;
  struct th_actor *slot = th_registry_find(system->registry, address->number);
  return slot != NULL && th_actor_number(slot) == address->number ? slot : NULL;
}

/* For the admin: the message's target and value. NULL where there is no memory. */
static struct th_message *enclose(struct th_system *system, enum th_kind kind,
                                  const struct th_message *message) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_address(&buffer, &message->target);
  if (message->size > 0)
    th_pack_raw(&buffer, message->payload, message->size);
  else
    th_pack_nil(&buffer);
  struct th_message *letter = th_message_pack(kind, &system->world.admin, &message->sender,
                                              &buffer);
  th_buffer_clear(&buffer);
  return letter;
}

/* The runtime answers for everybody, so that nobody is too busy to: the admin gets the request.
 * Takes request. */
static struct th_message *redirect(struct th_system *system, struct th_message *request) {
  struct th_message *message = enclose(system, TH_KIND_STATUS_REQUEST, request);
  if (message != NULL) {
    message->flags = request->flags | TH_MESSAGE_URGENT;
    message->ticket = request->ticket;
  }
  th_message_free(request);
  return message;
}

bool th_router_is_alive(struct th_system *system, const struct th_address *address) {
  if (find(system, address) != NULL) return true;
  return system->peers != NULL && th_hosting_find(system->hosting, address) != 0;
}

bool th_router_is_actor(struct th_system *system, const struct th_address *address) {
  const struct th_actor *slot = find(system, address);
  if (slot != NULL) return !atomic_load_explicit(&slot->is_guest, memory_order_relaxed);
  return system->peers != NULL && th_hosting_find(system->hosting, address) != 0;
}

/* For another system's address: to who has it as an alias here, or to that system. */
static struct th_actor *send_away(struct th_system *system, struct th_message *message) {
  struct th_actor *full;
  if (message->kind != TH_KIND_REMOTE && th_hosting_send(system->hosting, message, false, &full))
    return full;
  return th_peers_send(system->peers, message);
}

static bool is_forward(const struct th_actor *slot) {
  return atomic_load_explicit(&slot->card.is_forward, memory_order_relaxed);
}

static struct th_actor *send_to(struct th_system *system, struct th_actor *slot,
                                struct th_message *message) {
  struct th_world *world = &system->world;
  /* Where the actor lives elsewhere it is answered there; what waits here is not before it. */
  bool is_question = slot != NULL && message->kind == TH_KIND_STATUS_REQUEST;
  if (is_question && is_forward(slot)) {
    message->flags |= TH_MESSAGE_URGENT;
  } else if (is_question) {
    message = redirect(system, message);
    if (message == NULL) return NULL;
    slot = th_registry_find(system->registry, TH_ADMIN_NUMBER);
  }
  if (slot != NULL) {
    push(system, slot, message);
    return th_holds_is_full(system->holds, slot) ? slot : NULL;
  }
  atomic_fetch_add_explicit(&system->turned_away, 1, memory_order_relaxed);
  th_router_dead(world, message);
  return NULL;
}

struct th_actor *th_router_send(struct th_world *world, struct th_message *message) {
  struct th_system *system = th_system_of(world);
  bool is_elsewhere = message->target.system != system->identity && message->target.system != 0;
  if (is_elsewhere && system->peers != NULL) return send_away(system, message);
  return send_to(system, find(system, &message->target), message);
}

struct th_actor *th_router_deliver(struct th_system *system, uint64_t number,
                                   struct th_message *message) {
  struct th_address address = th_system_address(system, number);
  return send_to(system, find(system, &address), message);
}

/* A program that asks is told at once that nobody will answer. */
static void notify_asker(struct th_system *system, const struct th_message *message) {
  struct th_message *notice = th_message_new(TH_KIND_DEAD_NOTICE, &message->sender,
                                             &system->world.admin, NULL, 0);
  if (notice == NULL) return;
  notice->ticket = message->ticket;
  th_router_send(&system->world, notice);
}

/* Who had the global name could not start, or has exited meanwhile. */
static void answer_absence(struct th_system *system, const struct th_message *presence) {
  struct th_message *reply = th_notice_creation(
    &presence->sender, &system->world.admin, presence->ticket, NULL, TH_ESPECIFICATION,
    "the actor that had this global name did not start, or has exited: ask again");
  if (reply != NULL) th_router_send(&system->world, reply);
}

/* Letters about letters, and what the runtime sends for itself, are nobody's loss. */
static bool is_worth_a_letter(const struct th_message *message) {
  switch (message->kind) {
  case TH_KIND_USER:
  case TH_KIND_POISON:
  case TH_KIND_SYSTEM:
  case TH_KIND_STATUS_REQUEST:
    return true;
  case TH_KIND_EXIT_REQUEST:
    return (message->flags & TH_MESSAGE_URGENT) == 0;
  default:
    return false;
  }
}

static void hand_to_admin(struct th_system *system, const struct th_message *message) {
  struct th_message *letter = enclose(system, TH_KIND_DEAD, message);
  if (letter != NULL) th_router_send(&system->world, letter);
}

void th_router_dead(struct th_world *world, struct th_message *message) {
  struct th_system *system = th_system_of(world);
  atomic_fetch_add_explicit(&system->dead, 1, memory_order_relaxed);
  if (message->kind == TH_KIND_PRESENCE) answer_absence(system, message);
  if (is_worth_a_letter(message)) hand_to_admin(system, message);
  /* Last: who hears of it and then registers a handler does not get this letter. */
  if ((message->flags & TH_MESSAGE_ASK) != 0) notify_asker(system, message);
  th_message_free(message);
}
