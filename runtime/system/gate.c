#include "system/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "system/inside.h"
#include "transport/link.h"

struct th_gate {
  struct th_system *system;
  struct th_loop *loop;
  struct th_wire *wire;
  uint16_t port;
  struct th_task shut_task;
  struct th_task end_task;
  /* loop: */
  struct th_map guests; /* by number, each with a link that is open */
  uint64_t last_number;
  bool is_shut;   /* who says hello is refused with words */
  bool is_ending; /* it is over with the last link */
  bool is_over;
};

/* Who has connected: a program outside, once it has said hello. The link's events and the
 * endpoint's each hold one reference; and so does its hold, as long as it is in or resume is on its
 * way. */
struct guest {
  atomic_uint references;
  struct th_gate *gate;
  uint64_t number;
  struct th_link *link;
  struct th_address address; /* of its endpoint; nobody before the hello */
  struct th_hold hold;
  struct th_task resume;
  bool is_held; /* loop */
  /* Guards is_gone, and what the endpoint is told to wait: the last number told is the last, and
   * none is when the endpoint's slot may be another's. */
  pthread_mutex_t lock;
  bool is_gone;
};

static void drop_guest(struct guest *guest) {
  /* Release, acquire: the last one sees all that the other did with it. */
  if (atomic_fetch_sub_explicit(&guest->references, 1, memory_order_acq_rel) > 1) return;
  th_link_unref(guest->link);
  pthread_mutex_destroy(&guest->lock);
  free(guest);
}

/* ---- the endpoint's side: turn ---- */

/* After each change of the link's count, whoever made it. */
static void tell_waiting(struct guest *guest) {
  pthread_mutex_lock(&guest->lock);
  if (!guest->is_gone)
    th_system_endpoint_waits(guest->gate->system, &guest->address, th_link_waiting(guest->link));
  pthread_mutex_unlock(&guest->lock);
}

static void deliver(void *context, struct th_message *message) {
  struct guest *guest = context;
  th_link_send(guest->link, message);
  tell_waiting(guest);
}

static void endpoint_closed(void *context) {
  struct guest *guest = context;
  pthread_mutex_lock(&guest->lock);
  guest->is_gone = true;
  pthread_mutex_unlock(&guest->lock);
  th_link_close(guest->link);
  drop_guest(guest);
}

static const struct th_endpoint_events endpoint_events = {.deliver = deliver,
                                                          .closed = endpoint_closed};

/* ---- programs that are held: loop, but for released ---- */

static struct guest *guest_of(struct th_task *task) {
  return (struct guest *)(void *)((char *)task - offsetof(struct guest, resume));
}

/* It may be held again before this returns: what came in the pause may find a mailbox full, too. */
static void run_resume(struct th_task *task) {
  struct guest *guest = guest_of(task);
  guest->is_held = false;
  th_link_pause(guest->link, false);
  drop_guest(guest);
}

/* Any thread, under the lock of the holds. */
static void on_released(void *context, struct th_hold *hold) {
  struct guest *guest = context;
  (void)hold;
  th_loop_post(guest->gate->loop, &guest->resume);
}

static void hold_back(struct guest *guest, struct th_actor *full) {
  struct th_system *system = guest->gate->system;
  if (guest->is_held) return;
  /* Relaxed: the reference that is copied is the link's. */
  atomic_fetch_add_explicit(&guest->references, 1, memory_order_relaxed);
  if (!th_holds_add(system->holds, &guest->hold, NULL, full)) {
    drop_guest(guest);
    return;
  }
  guest->is_held = true; /* resume cannot have run: it does so here */
  th_link_pause(guest->link, true);
  th_scheduler_retime(system->scheduler, th_clock_after(TH_SECOND));
}

static void let_go(struct guest *guest) {
  if (guest->is_held && th_holds_remove(guest->gate->system->holds, &guest->hold)) {
    guest->is_held = false;
    drop_guest(guest);
  }
}

/* ---- the link's side: loop ---- */

static struct guest *new_guest(struct th_gate *gate, struct th_link *link) {
  struct guest *guest = th_new(struct guest);
  atomic_init(&guest->references, 1);
  pthread_mutex_init(&guest->lock, NULL);
  guest->gate = gate;
  guest->number = ++gate->last_number;
  guest->link = th_link_ref(link);
  guest->resume.run = run_resume;
  guest->hold.released = on_released;
  guest->hold.context = guest;
  return guest;
}

static void fill_welcome(const struct th_system *system, struct th_welcome *welcome) {
  *welcome = (struct th_welcome){.admin = system->world.admin};
  snprintf(welcome->base, sizeof welcome->base, "%s", system->base);
  snprintf(welcome->version, sizeof welcome->version, "%s", TH_VERSION);
  welcome->pid = getpid();
  welcome->limit = system->frame_limit;
}

static int welcome_guest(struct th_gate *gate, struct th_link *link, struct th_welcome *welcome) {
  struct th_system *system = gate->system;
  struct guest *guest = th_link_user(link);
  /* Relaxed: nobody else knows the guest yet. */
  atomic_fetch_add_explicit(&guest->references, 1, memory_order_relaxed);
  guest->address = th_system_endpoint_open(system, &endpoint_events, guest);
  if (th_address_is_none(&guest->address)) {
    drop_guest(guest);
    return TH_ENOMEM;
  }
  fill_welcome(system, welcome);
  welcome->endpoint = guest->address;
  return 0;
}

/* The link is over when its channel is another's. */
static int take_system(struct th_gate *gate, struct th_link *link, const struct th_hello *hello,
                       struct th_reason *reason) {
  struct guest *guest = th_link_user(link);
  int error = th_peers_hello(gate->system->peers, link, hello, reason);
  if (error != 0) return error;
  th_map_remove(&gate->guests, guest->number);
  drop_guest(guest);
  return 0;
}

static int on_hello(void *context, struct th_link *link, const struct th_hello *hello,
                    struct th_welcome *welcome, struct th_reason *reason) {
  struct th_gate *gate = context;
  if (gate->is_shut) return th_fail(reason, TH_ESHUTDOWN, "this actor system is shutting down");
  if (hello->role == TH_ROLE_SYSTEM) return take_system(gate, link, hello, reason);
  if (hello->role == TH_ROLE_PROGRAM) return welcome_guest(gate, link, welcome);
  fill_welcome(gate->system, welcome);
  return 0;
}

/* What a program may send; the rest is the runtime's own. */
static bool may_enter(const struct th_message *message) {
  return message->kind <= TH_KIND_STATUS_REQUEST || message->kind == TH_KIND_REQUEST;
}

/* The admin is always there for everybody: behind what it is told may be requests to it. */
static void route(struct guest *guest, struct th_message *message) {
  bool is_request = message->kind == TH_KIND_REQUEST;
  struct th_actor *full = th_router_send(&guest->gate->system->world, message);
  if (full != NULL && !is_request && th_actor_number(full) != TH_ADMIN_NUMBER)
    hold_back(guest, full);
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  struct guest *guest = th_link_user(link);
  (void)context;
  if (th_address_is_none(&guest->address)) { /* who only wanted to know who is here */
    th_message_free(message);
    return;
  }
  message->sender = guest->address;
  message->flags &= TH_MESSAGE_ASK;
  message->kind = (uint8_t)th_kind_from_user(message->kind);
  if (may_enter(message))
    route(guest, message);
  else
    th_message_free(message);
}

static void on_drained(void *context, struct th_link *link) {
  (void)context;
  struct guest *guest = th_link_user(link);
  if (!th_address_is_none(&guest->address)) tell_waiting(guest);
}

static void on_undeliverable(void *context, struct th_link *link, struct th_message *message) {
  struct th_gate *gate = context;
  (void)link;
  atomic_fetch_add_explicit(&gate->system->returned, 1, memory_order_relaxed);
  th_router_dead(&gate->system->world, message);
}

static void end_if_empty(struct th_gate *gate) {
  if (!gate->is_ending || gate->guests.count > 0 || !th_peers_are_gone(gate->system->peers)) return;
  gate->is_ending = false; /* once */
  gate->is_over = true;
  gate->wire->ops->free(gate->wire);
  th_loop_stop(gate->loop);
}

/* A program that ends without a word is nothing unusual; garbage is, and so is who never
 * greeted. */
static enum th_log_level closing_level(const struct guest *guest, int error) {
  bool is_plain_end = error == TH_WIRE_EOF || error == -ECONNRESET || error == -EPIPE ||
                      error == -ECONNREFUSED;
  bool has_greeted = !th_address_is_none(&guest->address);
  return has_greeted && is_plain_end ? TH_LOG_INFO : TH_LOG_WARNING;
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  struct th_gate *gate = context;
  struct guest *guest = th_link_user(link);
  if (error != 0)
    th_log_write(gate->system->world.log, closing_level(guest, error), "connection closed: %s",
                 words);
  th_map_remove(&gate->guests, guest->number);
  let_go(guest);
  if (!th_address_is_none(&guest->address)) th_system_endpoint_close(gate->system, &guest->address);
  drop_guest(guest);
  end_if_empty(gate);
}

static const struct th_link_events link_events = {.hello = on_hello,
                                                  .message = on_message,
                                                  .undeliverable = on_undeliverable,
                                                  .drained = on_drained,
                                                  .closed = on_closed};

static void on_accept(void *context, struct th_channel *channel) {
  struct th_gate *gate = context;
  size_t limit = gate->system->frame_limit;
  struct th_link *link = th_link_accept(gate->loop, channel, limit, &link_events, gate);
  struct guest *guest = new_guest(gate, link);
  th_link_set_user(link, guest);
  th_map_put(&gate->guests, guest->number, guest);
}

static void on_stranger(void *context, const char *words) {
  struct th_gate *gate = context;
  th_log_write(gate->system->world.log, TH_LOG_WARNING, "%s", words);
}

/* ---- the owner's side ---- */

static void poll(void *context) {
  struct th_gate *gate = context;
  th_loop_run(gate->loop, TH_FOREVER);
}

static void wake(void *context) {
  struct th_gate *gate = context;
  th_loop_stop(gate->loop);
}

static bool is_due(void *context) {
  struct th_gate *gate = context;
  return th_loop_has_posted(gate->loop);
}

static struct th_gate *gate_of(struct th_task *task, size_t offset) {
  return (struct th_gate *)((char *)task - offset);
}

static void run_shut(struct th_task *task) {
  gate_of(task, offsetof(struct th_gate, shut_task))->is_shut = true;
}

static void run_end(struct th_task *task) {
  struct th_gate *gate = gate_of(task, offsetof(struct th_gate, end_task));
  size_t cursor = 0;
  struct th_map_slot *slot;
  gate->is_shut = gate->is_ending = true;
  /* Before anybody's link is closed: whose has been may come back, and is to find nobody. */
  gate->wire->ops->stop_listening(gate->wire);
  while ((slot = th_map_next(&gate->guests, &cursor)) != NULL)
    th_link_close(((struct guest *)slot->value)->link);
  th_peers_close(gate->system->peers);
  end_if_empty(gate);
}

static void on_no_peers(void *context) {
  end_if_empty(context);
}

int th_gate_open(struct th_gate **out, struct th_system *system, enum th_carrier carrier,
                 uint32_t ip, uint16_t port) {
  int error;
  struct th_gate *gate = th_new(struct th_gate);
  gate->system = system;
  gate->shut_task.run = run_shut;
  gate->end_task.run = run_end;
  th_map_init(&gate->guests);
  if ((error = th_loop_new(&gate->loop)) != 0) goto loop_failed;
  if ((error = th_wire_new(carrier, gate->loop, &gate->wire)) != 0) goto wire_failed;
  gate->wire->stranger = on_stranger;
  if ((error = gate->wire->ops->listen(gate->wire, ip, port, on_accept, gate)) != 0)
    goto listen_failed;
  gate->port = gate->wire->ops->port(gate->wire);
  system->peers = th_peers_new(system, gate->loop, gate->wire, on_no_peers, gate);
  system->hosting = th_hosting_new(system);
  if (!system->is_cranked)
    th_scheduler_set_poller(system->scheduler, &(struct th_poller){poll, wake, is_due, gate});
  *out = gate;
  return 0;
listen_failed:
  gate->wire->ops->free(gate->wire);
wire_failed:
  th_loop_free(gate->loop);
loop_failed:
  free(gate);
  return error;
}

void th_gate_turn(struct th_gate *gate, uint64_t until) {
  th_loop_run(gate->loop, until);
}

uint16_t th_gate_port(const struct th_gate *gate) {
  return gate->port;
}

void th_gate_counts(const struct th_gate *gate, struct th_wire_counts *counts) {
  gate->wire->ops->counts(gate->wire, counts);
}

void th_gate_shut(struct th_gate *gate) {
  th_loop_post(gate->loop, &gate->shut_task);
}

void th_gate_free(struct th_gate *gate) {
  th_loop_post(gate->loop, &gate->end_task);
  while (!gate->is_over) th_loop_run(gate->loop, TH_FOREVER);
  th_loop_free(gate->loop);
  th_map_clear(&gate->guests);
  th_peers_free(gate->system->peers);
  th_hosting_free(gate->system->hosting);
  gate->system->peers = NULL;
  gate->system->hosting = NULL;
  free(gate);
}
