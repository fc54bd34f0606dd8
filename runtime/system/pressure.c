#include "system/pressure.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "system/inside.h"
#include "transport/loop.h"

/* More than any limit: an account is always full. */
#define FULL (SIZE_MAX / 2)

/* So many mailboxes at once are waited for; of more, senders are not held. */
#define MOST_ACCOUNTS 4096

struct th_pressure {
  struct th_system *system;
  struct th_loop *loop;
  const struct th_pressure_events *events;
  void *context;
  bool is_over;           /* loop */
  struct th_map waiting;  /* loop: by the slot's number: struct wait */
  atomic_size_t count;    /* of accounts; relaxed: a hint */
  pthread_mutex_t lock;   /* guards accounts */
  struct th_map accounts; /* by key: struct th_actor */
};

/* A mailbox here that is full. */
struct wait {
  struct th_hold hold;
  struct th_task task;
  struct th_pressure *pressure;
  struct th_address target;
  uint64_t number;
};

struct th_pressure *th_pressure_new(struct th_system *system, struct th_loop *loop,
                                    const struct th_pressure_events *events, void *context) {
  struct th_pressure *pressure = th_new(struct th_pressure);
  pressure->system = system;
  pressure->loop = loop;
  pressure->events = events;
  pressure->context = context;
  pthread_mutex_init(&pressure->lock, NULL);
  th_map_init(&pressure->waiting);
  th_map_init(&pressure->accounts);
  return pressure;
}

void th_pressure_free(struct th_pressure *pressure) {
  th_map_clear(&pressure->waiting);
  th_map_clear(&pressure->accounts);
  pthread_mutex_destroy(&pressure->lock);
  free(pressure);
}

/* ---- the receiver's side ---- */

static void free_wait(struct wait *wait) {
  struct th_pressure *pressure = wait->pressure;
  free(wait);
  pressure->events->drop(pressure->context);
}

/* False where there is room. */
static bool hold(struct wait *wait, struct th_actor *full) {
  struct th_system *system = wait->pressure->system;
  if (!th_holds_add(system->holds, &wait->hold, NULL, full)) return false;
  th_scheduler_retime(system->scheduler, th_clock_after(TH_SECOND));
  return true;
}

/* A hold ends after a second; as long as there is no room, another one follows. Else each sender
 * elsewhere would send as much as goes on its way until it is told again, every second. */
static bool is_full_still(struct wait *wait) {
  struct th_actor *slot = th_registry_find(wait->pressure->system->registry, wait->number);
  return slot != NULL && th_actor_number(slot) == wait->number && hold(wait, slot);
}

static void run_room(struct th_task *task) {
  struct wait *wait = (struct wait *)(void *)((char *)task - offsetof(struct wait, task));
  struct th_pressure *pressure = wait->pressure;
  if (!pressure->is_over && is_full_still(wait)) return;
  if (!pressure->is_over) {
    th_map_remove(&pressure->waiting, wait->number);
    pressure->events->tell(pressure->context, &wait->target, false);
  }
  free_wait(wait);
}

/* Any thread, under the lock of the holds. */
static void on_released(void *context, struct th_hold *hold) {
  struct wait *wait = context;
  (void)hold;
  th_loop_post(wait->pressure->loop, &wait->task);
}

void th_pressure_note(struct th_pressure *pressure, struct th_actor *full,
                      const struct th_address *target) {
  uint64_t number = th_actor_number(full);
  if (pressure->is_over || number == 0 || th_map_find(&pressure->waiting, number) != NULL) return;
  struct wait *wait = th_new(struct wait);
  wait->pressure = pressure;
  wait->target = *target;
  wait->number = number;
  wait->task.run = run_room;
  wait->hold.released = on_released;
  wait->hold.context = wait;
  pressure->events->keep(pressure->context);
  th_map_put(&pressure->waiting, number, wait);
  pressure->events->tell(pressure->context, target, true);
  if (hold(wait, full)) return;
  th_map_remove(&pressure->waiting, number);
  pressure->events->tell(pressure->context, target, false);
  free_wait(wait);
}

/* ---- the sender's side ---- */

static struct th_actor *open_account(struct th_pressure *pressure) {
  struct th_system *system = pressure->system;
  if (pressure->accounts.count >= MOST_ACCOUNTS) return NULL;
  struct th_actor *account = th_account_open(system);
  if (account != NULL) th_account_waits(system, account, FULL);
  return account;
}

void th_pressure_set(struct th_pressure *pressure, const struct th_address *target, bool is_full) {
  struct th_address_key key = th_address_key(target);
  const char *text = (const char *)&key;
  struct th_actor *account = NULL;
  pthread_mutex_lock(&pressure->lock);
  if (!is_full) {
    account = th_map_remove_text(&pressure->accounts, text, sizeof key);
  } else if (th_map_find_text(&pressure->accounts, text, sizeof key) == NULL) {
    struct th_actor *opened = open_account(pressure);
    if (opened != NULL) th_map_put_text(&pressure->accounts, text, sizeof key, opened);
  }
  atomic_store_explicit(&pressure->count, pressure->accounts.count, memory_order_relaxed);
  pthread_mutex_unlock(&pressure->lock);
  if (account != NULL) th_account_close(pressure->system, account);
}

struct th_actor *th_pressure_of(struct th_pressure *pressure, const struct th_address *target) {
  struct th_address_key key = th_address_key(target);
  if (atomic_load_explicit(&pressure->count, memory_order_relaxed) == 0) return NULL;
  pthread_mutex_lock(&pressure->lock);
  struct th_actor *account = th_map_find_text(&pressure->accounts, (const char *)&key, sizeof key);
  pthread_mutex_unlock(&pressure->lock);
  return account;
}

/* ---- the end ---- */

void th_pressure_end(struct th_pressure *pressure) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  pressure->is_over = true;
  while ((slot = th_map_next(&pressure->waiting, &cursor)) != NULL) {
    struct wait *wait = slot->value;
    if (th_holds_remove(pressure->system->holds, &wait->hold)) free_wait(wait);
  }
  th_map_clear(&pressure->waiting);
  th_map_init(&pressure->waiting);
  pthread_mutex_lock(&pressure->lock);
  struct th_map accounts = pressure->accounts;
  th_map_init(&pressure->accounts);
  atomic_store_explicit(&pressure->count, 0, memory_order_relaxed);
  pthread_mutex_unlock(&pressure->lock);
  cursor = 0;
  while ((slot = th_map_next(&accounts, &cursor)) != NULL)
    th_account_close(pressure->system, slot->value);
  th_map_clear(&accounts);
}
