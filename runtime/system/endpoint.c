/* endpoint: the actor that a program outside is while it talks to this system.
 *
 * Threads: open and close any; the behaviour turn. */
#include <stdlib.h>

#include "base/memory.h"
#include "message/notice.h"
#include "system/inside.h"

struct endpoint {
  const struct th_endpoint_events *events;
  void *context;
};

static int open_endpoint(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  (void)reason;
  actor->state = birth->argument;
  birth->argument = NULL;
  return 0;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct endpoint *endpoint = actor->state;
  (void)details;
  if (th_actor_state(actor) == TH_ACTOR_EXITING) return 0; /* the request to end, not a message */
  endpoint->events->deliver(endpoint->context, *message);
  *message = NULL;
  return 0;
}

static bool exit_recursive(struct th_actor *actor) {
  (void)actor;
  return false;
}

static void close_endpoint(struct th_actor *actor) {
  struct endpoint *endpoint = actor->state;
  endpoint->events->closed(endpoint->context);
  free(endpoint);
}

static const struct th_behaviour endpoint_behaviour = {
  .is_native = true,
  .open = open_endpoint,
  .receive = receive,
  .exit_recursive = exit_recursive,
  .close = close_endpoint,
};

/* A birth that never happened: the system ended first. */
static void drop(void *argument) {
  struct endpoint *endpoint = argument;
  endpoint->events->closed(endpoint->context);
  free(endpoint);
}

struct th_address th_system_endpoint_open(struct th_system *system,
                                          const struct th_endpoint_events *events, void *context) {
  uint64_t number;
  struct th_actor *slot = th_registry_reserve(system->registry, true, &number);
  if (slot == NULL) return TH_NOBODY;
  struct th_address address = th_system_address(system, number);
  struct endpoint *endpoint = th_new(struct endpoint);
  struct th_birth *birth = th_new(struct th_birth);
  endpoint->events = events;
  endpoint->context = context;
  birth->behaviour = &endpoint_behaviour;
  birth->argument = endpoint;
  birth->drop = drop;
  birth->class_name = th_strdup("thespian.Endpoint");
  atomic_fetch_add_explicit(&system->guests, 1, memory_order_relaxed);
  th_router_birth(system, slot, th_birth_message(&address, birth));
  return address;
}

void th_system_endpoint_close(struct th_system *system, const struct th_address *endpoint) {
  struct th_message *message = th_notice_exit(endpoint, &system->world.admin, false, 0);
  /* Not for the dead letters: an endpoint may be closed from both its sides. */
  if (message != NULL && th_router_is_alive(system, endpoint))
    th_router_send(&system->world, message);
  else
    th_message_free(message);
}

void th_system_endpoint_waits(struct th_system *system, const struct th_address *endpoint,
                              size_t messages) {
  struct th_actor *slot = th_registry_find(system->registry, endpoint->number);
  if (slot == NULL || th_actor_number(slot) != endpoint->number) return;
  th_account_waits(system, slot, messages);
}
