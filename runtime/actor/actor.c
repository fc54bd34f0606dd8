#include "actor/actor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/preempt.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/notice.h"
#include "message/pack.h"

/* How many messages one turn handles at most, so that actors on the same worker take turns. */
#define BATCH 64

void th_actor_init(struct th_actor *actor, struct th_world *world) {
  *actor = (struct th_actor){.world = world};
  th_mailbox_init(&actor->mailbox);
  th_map_init(&actor->children);
}

struct th_message *th_birth_message(const struct th_address *address, struct th_birth *birth) {
  struct th_message *message = th_message_new(TH_KIND_BIRTH, address, &birth->parent, &birth,
                                              sizeof birth);
  if (message == NULL) abort();
  message->flags = TH_MESSAGE_URGENT;
  return message;
}

static struct th_birth *take_birth(const struct th_message *message) {
  struct th_birth *birth;
  memcpy(&birth, message->payload, sizeof birth);
  return birth;
}

void th_birth_free(struct th_birth *birth) {
  if (birth->argument != NULL && birth->drop != NULL) birth->drop(birth->argument);
  free(birth->class_name);
  free(birth->global_name);
  th_bytes_unref(birth->requirements);
  th_bytes_unref(birth->wanted);
  free(birth->words);
  free(birth);
}

static void set_state(struct th_actor *actor, enum th_actor_state state) {
  atomic_store_explicit(&actor->card.state, (int)state, memory_order_relaxed);
}

static void note_suspended(struct th_actor *actor, bool has_suspended) {
  atomic_store_explicit(&actor->card.has_suspended, has_suspended, memory_order_relaxed);
}

/* Statistics have one writer, the turn: no read-modify-write is needed. */
static void count(atomic_uint_fast64_t *counter) {
  uint_fast64_t value = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static void send_packed(struct th_actor *actor, struct th_message *message, unsigned flags) {
  if (message == NULL) return;
  message->flags = (uint8_t)flags;
  actor->world->ops->send(actor->world, message);
}

void th_actor_send(struct th_actor *actor, enum th_kind kind, unsigned flags,
                   const struct th_address *target, struct th_buffer *buffer) {
  send_packed(actor, th_message_pack(kind, target, &actor->address, buffer), flags);
  th_buffer_reset(buffer);
}

static void ask_to_exit(struct th_actor *actor, uint64_t child) {
  struct th_buffer buffer;
  struct th_address target = actor->world->admin;
  target.number = child;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, true);
  th_actor_send(actor, TH_KIND_EXIT_REQUEST, TH_MESSAGE_URGENT, &target, &buffer);
  th_buffer_clear(&buffer);
}

void th_actor_add_child(struct th_actor *actor, const struct th_address *child) {
  th_map_put(&actor->children, child->number, actor);
  if (th_actor_state(actor) == TH_ACTOR_EXITING && actor->exit_is_recursive)
    ask_to_exit(actor, child->number);
}

static void tell_parent(struct th_actor *actor, const char *reason) {
  struct th_buffer buffer;
  if (actor->is_hosted) actor->world->ops->leaves(actor->world, actor, reason);
  if (actor->is_hosted) return;
  if (th_address_is_none(&actor->parent)) return;
  th_buffer_init(&buffer);
  th_notice_child_exited(&buffer, &actor->address, reason);
  th_actor_send(actor, TH_KIND_CHILD_EXITED, 0, &actor->parent, &buffer);
  th_buffer_clear(&buffer);
}

/* Rule 4: the tenant leaves. After exited() the slot may already have the next one. */
static void leave(struct th_actor *actor, const char *reason) {
  tell_parent(actor, reason);
  th_map_clear(&actor->children);
  th_map_init(&actor->children);
  actor->behaviour = NULL;
  actor->state = NULL;
  actor->is_hosted = false;
  actor->exit_is_recursive = false;
  actor->is_barren = false;
  actor->is_deaf = false;
  actor->pressed = NULL;
  actor->address = TH_NOBODY;
  atomic_store_explicit(&actor->backlog, 0, memory_order_relaxed);
  set_state(actor, TH_ACTOR_FREE);
  actor->world->ops->exited(actor->world, actor);
}

/* ---- what is kept ---- */

uint64_t th_actor_keep(struct th_actor *actor) {
  if (actor->current == NULL) return actor->shelved;
  actor->shelved = th_shelf_put(&actor->shelf, actor->current);
  actor->current = NULL;
  return actor->shelved;
}

/* Nobody will conclude it any more. What is lent was delivered to another, who tells nobody now. */
static void give_up_kept(struct th_actor *actor) {
  struct th_message *message;
  struct th_queue lent = th_shelf_drain(&actor->shelf, true);
  struct th_queue waiting = th_shelf_drain(&actor->shelf, false);
  while ((message = th_queue_pop(&lent)) != NULL) {
    count(&actor->card.handled);
    th_message_free(message);
  }
  while ((message = th_queue_pop(&waiting)) != NULL) actor->world->ops->dead(actor->world, message);
}

/* All of it comes again to a new state, which knows nothing of it. */
static void put_kept_back(struct th_actor *actor) {
  th_mailbox_put_back(&actor->mailbox, th_shelf_drain(&actor->shelf, false));
  th_mailbox_put_back(&actor->mailbox, th_shelf_drain(&actor->shelf, true));
}

/* Whether the message that was handled is the shelf's affair: it is there, or was concluded from
 * there. One that has failed is not. */
static bool is_kept(struct th_actor *actor, int outcome) {
  uint64_t number = actor->shelved;
  actor->shelved = 0;
  if (number == 0) return false;
  if (outcome != 0) actor->current = th_shelf_take(&actor->shelf, number);
  return actor->current == NULL;
}

/* ---- the life ---- */

static void finish(struct th_actor *actor) {
  give_up_kept(actor);
  char *killed = actor->killed;
  actor->killed = NULL;
  actor->behaviour->close(actor);
  leave(actor, killed != NULL ? killed : "exit");
  free(killed);
}

static void write_card(struct th_actor *actor, const struct th_birth *birth) {
  struct th_actor_card *card = &actor->card;
  set_state(actor, TH_ACTOR_STARTING);
  atomic_store_explicit(&card->class_name, NULL, memory_order_relaxed);
  atomic_store_explicit(&card->source, birth->source, memory_order_relaxed);
  atomic_store_explicit(&card->parent, birth->parent_number, memory_order_relaxed);
  atomic_store_explicit(&card->is_checked, false, memory_order_relaxed);
  atomic_store_explicit(&card->memory, 0, memory_order_relaxed);
  atomic_store_explicit(&card->restarts, 0, memory_order_relaxed);
  atomic_store_explicit(&card->busy, 0, memory_order_relaxed);
  atomic_store_explicit(&card->is_forward, false, memory_order_relaxed);
  note_suspended(actor, false);
}

void th_actor_account(struct th_actor *actor) {
  static const struct th_birth nobody;
  write_card(actor, &nobody);
  set_state(actor, TH_ACTOR_NEVER);
}

void th_actor_close_account(struct th_actor *actor) {
  set_state(actor, TH_ACTOR_FREE);
}

/* Tells whoever asked for this actor to be created how that went. */
static void answer_creation(struct th_actor *actor, const struct th_address *requester,
                            uint32_t ticket, int error, const char *words) {
  if (th_address_is_none(requester) || ticket == 0) return;
  /* Only another system can make use of the difference: it goes on to the next. */
  bool is_known = requester->system == actor->world->admin.system;
  if (error == TH_ENOCLASS && is_known) error = TH_ESPECIFICATION;
  const struct th_address *own = &actor->address;
  send_packed(actor, th_notice_creation(requester, own, ticket, own, error, words), 0);
}

static int open_behaviour(struct th_actor *actor, struct th_birth *birth,
                          struct th_reason *reason) {
  if (birth->error != 0) return th_fail(reason, birth->error, "%s", birth->words);
  return actor->behaviour->open(actor, birth, reason);
}

/* The name is kept only now: names of classes that do not exist would pile up. */
static void run(struct th_actor *actor, const struct th_birth *birth) {
  const char *class_name = actor->world->ops->keep_text(actor->world, birth->class_name);
  /* Release: who reads the name sees its letters, which this thread may have written just now. */
  atomic_store_explicit(&actor->card.class_name, class_name, memory_order_release);
  set_state(actor, TH_ACTOR_RUNNING);
}

/* Where somebody waits for the answer, that is who must know. */
static void log_failed_start(struct th_actor *actor, const struct th_birth *birth,
                             const char *words) {
  bool is_told = !th_address_is_none(&birth->address) || !th_address_is_none(&birth->requester);
  th_log_write(actor->world->log, is_told ? TH_LOG_INFO : TH_LOG_WARNING,
               "actor %s failed to start: %s", birth->class_name, words);
}

/* Suspends the turn: true where outcome says so. */
static bool suspend(struct th_actor *actor, int outcome, enum th_pending pending) {
  if (outcome != TH_SUSPENDED) return false;
  actor->pending = pending;
  if (pending == TH_PENDING_MESSAGE) note_suspended(actor, actor->current != NULL);
  return true;
}

static void answer_birth(struct th_actor *actor, const struct th_birth *birth, int error,
                         const char *reason) {
  if (actor->is_hosted)
    actor->world->ops->settled(actor->world, actor, birth, error, reason);
  else
    answer_creation(actor, &birth->requester, birth->ticket, error, reason);
  if (error != 0 && actor->is_hosted) actor->parent = TH_NOBODY; /* its forward tells */
  if (error != 0) actor->is_hosted = false;
}

/* The start has ended. Takes birth. */
static void conclude_birth(struct th_actor *actor, struct th_birth *birth, int error,
                           const char *reason) {
  bool is_elsewhere = error == TH_ENOCOMPATIBLE && !birth->is_placed &&
                      actor->world->ops->relocate != NULL &&
                      actor->world->ops->relocate(actor->world, actor, birth, reason);
  if (is_elsewhere) {
    run(actor, birth);
    th_birth_free(birth);
    return;
  }
  if (error == 0) run(actor, birth);
  answer_birth(actor, birth, error, reason);
  if (error != 0) {
    struct th_buffer words;
    th_buffer_init(&words);
    log_failed_start(actor, birth, reason);
    th_buffer_printf(&words, "failed to start: %s", reason);
    leave(actor, (const char *)words.data);
    th_buffer_clear(&words);
  }
  th_birth_free(birth);
}

/* Takes birth. */
static void open_birth(struct th_actor *actor, struct th_birth *birth) {
  struct th_reason reason = {{0}};
  actor->behaviour = birth->behaviour;
  write_card(actor, birth);
  int outcome = open_behaviour(actor, birth, &reason);
  if (outcome == TH_EXPECTANT) return;
  if (suspend(actor, outcome, TH_PENDING_START))
    actor->birth = birth;
  else
    conclude_birth(actor, birth, outcome, reason.words);
}

static void be_born(struct th_actor *actor, const struct th_message *message) {
  struct th_birth *birth = take_birth(message);
  actor->is_hosted = !th_address_is_none(&birth->address);
  actor->address = actor->is_hosted ? birth->address : message->target;
  actor->parent = birth->parent;
  open_birth(actor, birth);
}

static void be_reborn(struct th_actor *actor) {
  struct th_birth *birth = actor->birth;
  actor->birth = NULL;
  put_kept_back(actor);
  open_birth(actor, birth);
}

/* What failed for good goes back to who sent it, but for what nobody could make use of. */
static void send_back(struct th_actor *actor, const struct th_message *message, const char *details,
                      size_t size) {
  struct th_buffer buffer;
  if (message == NULL || message->kind == TH_KIND_POISON || message->kind == TH_KIND_EXIT_REQUEST ||
      message->kind == TH_KIND_CHILD_EXITED || message->kind == TH_KIND_DEAD_ENVELOPE ||
      th_address_is_none(&message->sender))
    return;
  th_buffer_init(&buffer);
  th_notice_poison(&buffer, message, details, size);
  th_actor_send(actor, TH_KIND_POISON, 0, &message->sender, &buffer);
  th_buffer_clear(&buffer);
}

void th_actor_conclude_kept(struct th_actor *actor, uint64_t number, int outcome,
                            const char *details, size_t size) {
  struct th_message *message = th_shelf_take(&actor->shelf, number);
  if (message == NULL) return;
  count(outcome == 0 ? &actor->card.handled : &actor->card.failed);
  if (outcome != 0) send_back(actor, message, details, size);
  th_message_free(message);
}

static int compare_numbers(const void *one, const void *other) {
  uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
  return (a > b) - (a < b);
}

/* In the order of their slots, which is about that of their creation: neighbours in memory go together. */
static void ask_children_to_exit(struct th_actor *actor) {
  size_t cursor = 0, count = 0;
  struct th_map_slot *child;
  uint64_t *numbers = th_alloc(actor->children.count * sizeof *numbers);
  while ((child = th_map_next(&actor->children, &cursor)) != NULL) numbers[count++] = child->hash;
  qsort(numbers, count, sizeof *numbers, compare_numbers);
  for (size_t i = 0; i < count; i++) ask_to_exit(actor, numbers[i]);
  free(numbers);
}

/* Gone now, or as soon as the children are. */
static void wait_for_children(struct th_actor *actor) {
  if (actor->children.count == 0) {
    finish(actor);
    return;
  }
  actor->exit_is_recursive = true;
  actor->is_barren = true;
  ask_children_to_exit(actor);
}

/* The exit request has been handled. */
static void go_on_exiting(struct th_actor *actor) {
  give_up_kept(actor);
  bool recursive = actor->exit_is_recursive;
  if (actor->behaviour->exit_recursive != NULL) recursive = actor->behaviour->exit_recursive(actor);
  actor->left_orphans = !recursive && actor->children.count > 0;
  if (!recursive) {
    th_map_clear(&actor->children);
    th_map_init(&actor->children);
  }
  wait_for_children(actor);
}

/* Rule 4: there is no state to go on with. */
static void kill(struct th_actor *actor, const struct th_buffer *why) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_buffer_printf(&words, "killed: it could not be restarted: %.*s", (int)why->size,
                   (const char *)why->data);
  actor->killed = th_strdup((const char *)words.data);
  th_buffer_clear(&words);
  actor->is_deaf = true;
  set_state(actor, TH_ACTOR_EXITING);
  wait_for_children(actor);
}

static void conclude_restart(struct th_actor *actor, int error, const struct th_buffer *why) {
  if (error != 0) {
    kill(actor, why);
    return;
  }
  count(&actor->card.restarts);
  char address[TH_ADDRESS_TEXT_SIZE];
  struct th_log_source source = {
    .key = actor->address.number,
    .class_name = atomic_load_explicit(&actor->card.class_name, memory_order_relaxed),
    .address = th_address_text(&actor->address, address)};
  th_log_write_from(actor->world->log, &source, TH_LOG_WARNING,
                    "was restarted: its state was not sound any more");
}

static void restart(struct th_actor *actor) {
  struct th_buffer why;
  if (th_actor_state(actor) == TH_ACTOR_EXITING) {
    actor->is_deaf = true;
    return;
  }
  th_buffer_init(&why);
  put_kept_back(actor);
  int outcome = actor->behaviour->restart(actor, &why);
  if (!suspend(actor, outcome, TH_PENDING_RESTART)) conclude_restart(actor, outcome, &why);
  th_buffer_clear(&why);
}

/* What follows once a message has been handled: the exit that it asked for, the last child's
 * end. */
static void follow(struct th_actor *actor, enum th_kind kind) {
  if (th_actor_state(actor) != TH_ACTOR_EXITING) return;
  if (kind == TH_KIND_EXIT_REQUEST)
    go_on_exiting(actor);
  else if (kind == TH_KIND_CHILD_EXITED && actor->children.count == 0)
    finish(actor);
}

/* The current message has been handled, or has failed. */
static void conclude(struct th_actor *actor, enum th_kind kind, int outcome,
                     const struct th_buffer *details) {
  bool has_failed = outcome != 0 && outcome != TH_ENDED && outcome != TH_REBORN;
  if (!is_kept(actor, outcome)) count(has_failed ? &actor->card.failed : &actor->card.handled);
  struct th_message *message = actor->current;
  actor->current = NULL;
  if (has_failed) send_back(actor, message, (const char *)details->data, details->size);
  th_message_free(message);
  if (outcome == TH_UNSOUND) restart(actor);
  if (outcome == TH_ENDED)
    finish(actor);
  else if (outcome == TH_REBORN)
    be_reborn(actor);
  else
    follow(actor, kind);
}

/* Takes message. */
static void deliver(struct th_actor *actor, struct th_message *message) {
  enum th_kind kind = message->kind;
  struct th_buffer details;
  if (actor->is_deaf) {
    count(&actor->card.handled);
    th_message_free(message);
    follow(actor, kind);
    return;
  }
  th_buffer_init(&details);
  actor->current = message;
  int outcome = actor->behaviour->receive(actor, &actor->current, &details);
  if (suspend(actor, outcome, TH_PENDING_MESSAGE))
    actor->kind = kind;
  else
    conclude(actor, kind, outcome, &details);
  th_buffer_clear(&details);
}

/* Rule 3. Takes message. */
static void begin_exit(struct th_actor *actor, struct th_message *message) {
  actor->exit_is_recursive = th_notice_read_exit_request(message);
  set_state(actor, TH_ACTOR_EXITING);
  deliver(actor, message);
}

/* Takes message. */
static void lose_child(struct th_actor *actor, struct th_message *message) {
  th_map_remove(&actor->children, message->sender.number);
  deliver(actor, message);
}

/* Anyone may ask an actor to exit, but the runtime's own only by the admin: to a program's endpoint
 * such a request is a message like others. */
static bool is_to_exit(const struct th_actor *actor, const struct th_message *message) {
  if (message->kind != TH_KIND_EXIT_REQUEST) return false;
  return !actor->behaviour->is_native ||
         (message->sender.number == TH_ADMIN_NUMBER && actor->address.number != TH_ADMIN_NUMBER);
}

/* Takes message, which is for whoever lives here now. */
static void handle(struct th_actor *actor, struct th_message *message) {
  bool is_exiting = th_actor_state(actor) == TH_ACTOR_EXITING;
  if (actor->behaviour->is_forward) {
    deliver(actor, message);
  } else if (message->kind == TH_KIND_CHILD_EXITED) {
    lose_child(actor, message);
  } else if (message->kind == TH_KIND_PRESENCE) {
    answer_creation(actor, &message->sender, message->ticket, 0, NULL);
    count(&actor->card.handled);
    th_message_free(message);
  } else if (!is_exiting && is_to_exit(actor, message)) {
    begin_exit(actor, message);
  } else if (!is_exiting) {
    deliver(actor, message);
  } else if (message->kind == TH_KIND_EXIT_REQUEST) {
    count(&actor->card.handled);
    th_message_free(message);
  } else {
    actor->world->ops->dead(actor->world, message);
  }
}

/* Not for an earlier tenant of the slot. */
static bool is_for(struct th_actor *actor, const struct th_message *message) {
  if (actor->is_hosted && th_address_equal(&message->target, &actor->address)) return true;
  return message->target.number == th_actor_number(actor) &&
         message->target.system == actor->world->admin.system;
}

/* Users are not to see it in what they count. */
static void rest(struct th_actor *actor, const struct th_message *message) {
  th_mailbox_uncount(&actor->mailbox);
  if (actor->behaviour != NULL && actor->behaviour->rest != NULL && is_for(actor, message) &&
      th_actor_state(actor) == TH_ACTOR_RUNNING)
    actor->behaviour->rest(actor);
}

/* Takes message. */
static void take(struct th_actor *actor, struct th_message *message) {
  if (message->kind == TH_KIND_BIRTH) {
    be_born(actor, message);
    th_message_free(message);
  } else if (message->kind == TH_KIND_REST) {
    rest(actor, message);
    th_message_free(message);
  } else if (actor->behaviour == NULL || !is_for(actor, message)) {
    actor->world->ops->dead(actor->world, message);
  } else {
    handle(actor, message);
  }
}

/* ---- what is suspended ---- */

bool th_actor_must_stop(struct th_actor *actor) {
  uint64_t now;
  if (th_actor_state(actor) != TH_ACTOR_EXITING && !th_mailbox_has_urgent(&actor->mailbox)) {
    actor->stop_at = 0;
    return false;
  }
  now = th_clock_now();
  if (actor->stop_at == 0) actor->stop_at = now + actor->world->exit_limit;
  return now >= actor->stop_at;
}

static void go_on_message(struct th_actor *actor, struct th_buffer *details) {
  int outcome = actor->behaviour->resume(actor, &actor->current, details);
  if (suspend(actor, outcome, TH_PENDING_MESSAGE)) return;
  note_suspended(actor, false);
  conclude(actor, actor->kind, outcome, details);
}

static void go_on_starting(struct th_actor *actor, struct th_buffer *details) {
  struct th_birth *birth = actor->birth;
  int outcome = actor->behaviour->resume(actor, NULL, details);
  if (suspend(actor, outcome, TH_PENDING_START)) return;
  actor->birth = NULL;
  conclude_birth(actor, birth, outcome, outcome != 0 ? (const char *)details->data : "");
}

static void go_on_restarting(struct th_actor *actor, struct th_buffer *details) {
  int outcome = actor->behaviour->resume(actor, NULL, details);
  if (!suspend(actor, outcome, TH_PENDING_RESTART)) conclude_restart(actor, outcome, details);
}

static void go_on(struct th_actor *actor) {
  enum th_pending pending = actor->pending;
  struct th_buffer details;
  th_buffer_init(&details);
  actor->pending = TH_PENDING_NONE;
  if (pending == TH_PENDING_MESSAGE) go_on_message(actor, &details);
  if (pending == TH_PENDING_START) go_on_starting(actor, &details);
  if (pending == TH_PENDING_RESTART) go_on_restarting(actor, &details);
  if (actor->pending == TH_PENDING_NONE) actor->stop_at = 0;
  th_buffer_clear(&details);
}

/* ---- the turn ---- */

/* Once a mailbox that it sent to was full: the actor goes on when there is room. */
static enum th_turn hold_back(struct th_actor *actor) {
  struct th_world *world = actor->world;
  struct th_actor *target = actor->pressed;
  actor->pressed = NULL;
  return world->ops->hold(world, actor, target) ? TH_TURN_HELD : TH_TURN_GOES_ON;
}

static enum th_turn handle_batch(struct th_actor *actor) {
  if (actor->pending != TH_PENDING_NONE) go_on(actor);
  th_mailbox_look(&actor->mailbox);
  for (int left = BATCH; left > 0; left--) {
    if (actor->pressed != NULL) return hold_back(actor);
    if (actor->pending != TH_PENDING_NONE || th_preempt_is_asked()) return TH_TURN_GOES_ON;
    struct th_message *message = th_mailbox_pop(&actor->mailbox);
    if (message == NULL)
      return th_mailbox_sleep(&actor->mailbox) ? TH_TURN_SLEEPS : TH_TURN_GOES_ON;
    take(actor, message);
  }
  return TH_TURN_GOES_ON;
}

enum th_turn th_actor_turn(struct th_actor *actor) {
  struct th_world *world = actor->world;
  enum th_turn turn = handle_batch(actor);
  /* It may run again already, elsewhere: only what anyone may is done with it here. */
  if (atomic_load_explicit(&actor->holders, memory_order_relaxed) != 0)
    world->ops->make_room(world, actor);
  return turn;
}

void th_actor_clear(struct th_actor *actor) {
  struct th_message *message;
  while ((message = th_mailbox_pop(&actor->mailbox)) != NULL) {
    if (message->kind == TH_KIND_BIRTH) th_birth_free(take_birth(message));
    th_message_free(message);
  }
  if (actor->behaviour != NULL) actor->behaviour->close(actor);
  actor->behaviour = NULL;
  if (actor->birth != NULL) th_birth_free(actor->birth);
  actor->birth = NULL;
  th_message_free(actor->current);
  actor->current = NULL;
  th_shelf_clear(&actor->shelf);
  free(actor->killed);
  actor->killed = NULL;
  th_map_clear(&actor->children);
}
