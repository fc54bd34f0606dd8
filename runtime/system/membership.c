/* membership: what a system's capabilities make of it, and of those who live in it.
 *
 * Threads: th_membership_read by who starts the system; th_membership_recheck the admin's turn. */
#include "admin/convention.h"
#include "base/clock.h"
#include "base/plant.h"
#include "system/inside.h"

/* Less would be nothing but check-ins. */
#define SHORTEST_PERIOD (100 * TH_MILLISECOND)

int th_membership_read(struct th_system *system, const struct th_system_config *config,
                       struct th_reason *reason) {
  uint16_t port = th_base_port(config->base);
  double period = th_capability_real(config->capabilities, config->capabilities_size,
                                     "Convention Check-in Period", TH_CONVENTION_PERIOD);
  system->check_in_period = th_clock_from_seconds(period < 1e6 ? period : 1e6);
  if (system->check_in_period < SHORTEST_PERIOD) system->check_in_period = SHORTEST_PERIOD;
  if (port == 0 || config->capabilities == NULL) return 0;
  return th_convention_places(config->capabilities, config->capabilities_size, port,
                              system->leaders, TH_SYSTEM_LEADERS, &system->leader_count, reason);
}

static bool recheck(void *context, struct th_actor *actor) {
  struct th_system *system = context;
  uint64_t number = th_actor_number(actor);
  /* Relaxed: the flag is set before the actor reads the capabilities, under the lock that their
   * change has held since. */
  if (number == 0 || !atomic_load_explicit(&actor->card.is_checked, memory_order_relaxed))
    return true;
  struct th_address target = th_system_address(system, number);
  struct th_message *message = th_message_new(TH_KIND_RECHECK, &target, &TH_NOBODY, NULL, 0);
  if (message != NULL) th_router_send(&system->world, message);
  return true;
}

void th_membership_recheck(struct th_system *system) {
  if (!TH_PLANT(14)) th_registry_each(system->registry, recheck, system);
}
