/* rest: asks actors to rest that have had nothing to do for a while (actor/rests.h).
 *
 * Threads: as the functions say. */
#include "system/inside.h"

/* So many are looked at, and asked, in one go; the next comes soon after, so that timers wait for no crowd.
 * Who lives shortly stands in the queue as well: looks must keep up with creation. */
#define LOOKS 4096
#define ASKED 64
#define SOON (1 * TH_MILLISECOND)

static uint64_t taken_by(const struct th_actor *actor) {
  return atomic_load_explicit(&actor->mailbox.taken, memory_order_relaxed);
}

void th_rest_awake(struct th_world *world, struct th_actor *actor) {
  struct th_system *system = th_system_of(world);
  uint64_t now = th_clock_now();
  if (th_rests_add(system->rests, th_actor_number(actor), taken_by(actor), now))
    th_scheduler_retime(system->scheduler, now + TH_RESTS_WHILE);
}

/* Nothing is done for who is gone. Whether it was asked. */
static bool look(struct th_system *system, uint64_t number, uint64_t taken, uint64_t now) {
  struct th_address address = th_system_address(system, number);
  const struct th_actor *actor = th_registry_find(system->registry, number);
  if (actor == NULL || th_actor_number(actor) != number) return false;
  if (taken_by(actor) != taken) {
    th_rests_add(system->rests, number, taken_by(actor), now);
    return false;
  }
  struct th_message *message = th_message_new(TH_KIND_REST, &address, &TH_NOBODY, NULL, 0);
  if (message != NULL) th_router_send(&system->world, message);
  return true;
}

uint64_t th_rest_tick(struct th_system *system, uint64_t now) {
  uint64_t number, taken;
  for (int looks = 0, asked = 0; looks < LOOKS && asked < ASKED; looks++) {
    if (!th_rests_take(system->rests, now, &number, &taken)) return th_rests_next(system->rests);
    asked += look(system, number, taken, now);
  }
  return now + SOON;
}
