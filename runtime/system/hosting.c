#include "system/hosting.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"

/* One forward of one actor. */
struct hosted {
  struct hosted *next; /* of the same actor */
  struct th_address forward;
  uint64_t number;
  bool has_alias;
  bool is_open;
  bool is_lost; /* its system is */
  struct th_queue waiting;
};

struct th_hosting {
  struct th_system *system;
  atomic_size_t count; /* of all; relaxed: who has not seen one yet could not know of it either */
  pthread_mutex_t lock;
  struct th_map by_number; /* to a list of hosted */
  struct th_map aliases;   /* by key */
};

struct th_hosting *th_hosting_new(struct th_system *system) {
  struct th_hosting *hosting = th_new(struct th_hosting);
  hosting->system = system;
  pthread_mutex_init(&hosting->lock, NULL);
  th_map_init(&hosting->by_number);
  th_map_init(&hosting->aliases);
  return hosting;
}

static void free_queue(struct th_queue *queue) {
  struct th_message *message;
  while ((message = th_queue_pop(queue)) != NULL) th_message_free(message);
}

void th_hosting_free(struct th_hosting *hosting) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  if (hosting == NULL) return;
  while ((slot = th_map_next(&hosting->by_number, &cursor)) != NULL) {
    struct hosted *hosted = slot->value, *next;
    for (; hosted != NULL; hosted = next) {
      next = hosted->next;
      free_queue(&hosted->waiting);
      free(hosted);
    }
  }
  th_map_clear(&hosting->by_number);
  th_map_clear(&hosting->aliases);
  pthread_mutex_destroy(&hosting->lock);
  free(hosting);
}

/* ---- the tables: under the lock ---- */

static struct hosted *find_alias(struct th_hosting *hosting, const struct th_address *address) {
  struct th_address_key key = th_address_key(address);
  return th_map_find_text(&hosting->aliases, (const char *)&key, sizeof key);
}

static void remove_alias(struct th_hosting *hosting, const struct hosted *hosted) {
  struct th_address_key key = th_address_key(&hosted->forward);
  if (hosted->has_alias) th_map_remove_text(&hosting->aliases, (const char *)&key, sizeof key);
}

static bool is_known(struct th_hosting *hosting, const struct th_address *forward,
                     uint64_t number) {
  struct hosted *hosted = th_map_find(&hosting->by_number, number);
  while (hosted != NULL && !th_address_equal(&hosted->forward, forward)) hosted = hosted->next;
  return hosted != NULL;
}

static void insert(struct th_hosting *hosting, const struct th_address *forward, uint64_t number,
                   bool has_alias) {
  struct th_address_key key = th_address_key(forward);
  struct hosted *hosted = th_new(struct hosted);
  hosted->forward = *forward;
  hosted->number = number;
  hosted->has_alias = has_alias;
  hosted->is_open = TH_PLANT(6);
  hosted->next = th_map_find(&hosting->by_number, number);
  th_map_put(&hosting->by_number, number, hosted);
  if (has_alias) th_map_put_text(&hosting->aliases, (const char *)&key, sizeof key, hosted);
  atomic_fetch_add_explicit(&hosting->count, 1, memory_order_relaxed);
}

void th_hosting_add(struct th_hosting *hosting, const struct th_address *forward, uint64_t number,
                    bool has_alias) {
  pthread_mutex_lock(&hosting->lock);
  if (!is_known(hosting, forward, number)) insert(hosting, forward, number, has_alias);
  pthread_mutex_unlock(&hosting->lock);
}

size_t th_hosting_count(const struct th_hosting *hosting) {
  return atomic_load_explicit(&hosting->count, memory_order_relaxed);
}

static bool is_empty(const struct th_hosting *hosting) {
  return th_hosting_count(hosting) == 0;
}

uint64_t th_hosting_find(struct th_hosting *hosting, const struct th_address *address) {
  if (is_empty(hosting)) return 0;
  pthread_mutex_lock(&hosting->lock);
  struct hosted *hosted = find_alias(hosting, address);
  uint64_t number = hosted != NULL ? hosted->number : 0;
  pthread_mutex_unlock(&hosting->lock);
  return number;
}

struct th_address th_hosting_alias(struct th_hosting *hosting, uint64_t number) {
  if (is_empty(hosting)) return TH_NOBODY;
  pthread_mutex_lock(&hosting->lock);
  struct hosted *hosted = th_map_find(&hosting->by_number, number);
  while (hosted != NULL && !hosted->has_alias) hosted = hosted->next;
  struct th_address alias = hosted != NULL ? hosted->forward : TH_NOBODY;
  pthread_mutex_unlock(&hosting->lock);
  return alias;
}

/* ---- messages to aliases ---- */

/* What need not wait for the forward: nobody else's messages could have been before it. */
static bool is_own(const struct th_message *message) {
  return message->kind == TH_KIND_REPLY || th_address_equal(&message->sender, &message->target);
}

bool th_hosting_send(struct th_hosting *hosting, struct th_message *message, bool from_forward,
                     struct th_actor **full) {
  *full = NULL;
  if (is_empty(hosting)) return false;
  pthread_mutex_lock(&hosting->lock);
  struct hosted *hosted = find_alias(hosting, &message->target);
  if (hosted == NULL) {
    pthread_mutex_unlock(&hosting->lock);
    return false;
  }
  if (hosted->is_open || from_forward || is_own(message))
    *full = th_router_deliver(hosting->system, hosted->number, message);
  else
    th_queue_push(&hosted->waiting, message);
  pthread_mutex_unlock(&hosting->lock);
  return true;
}

static void flush(struct th_hosting *hosting, struct hosted *hosted) {
  struct th_message *message;
  hosted->is_open = true;
  while ((message = th_queue_pop(&hosted->waiting)) != NULL)
    th_router_deliver(hosting->system, hosted->number, message);
}

void th_hosting_open(struct th_hosting *hosting, const struct th_address *address) {
  pthread_mutex_lock(&hosting->lock);
  struct hosted *hosted = find_alias(hosting, address);
  if (hosted != NULL) flush(hosting, hosted);
  pthread_mutex_unlock(&hosting->lock);
}

/* ---- ends ---- */

static void tell_gone(struct th_system *system, const struct hosted *hosted, const char *reason) {
  struct th_buffer buffer;
  struct th_address actor = th_system_address(system, hosted->number);
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, TH_REMOTE_GONE);
  th_pack_text(&buffer, reason);
  struct th_message *message = th_message_pack(TH_KIND_REMOTE, &hosted->forward, &actor, &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) th_router_send(&system->world, message);
}

static void bury(struct th_system *system, struct hosted *hosted) {
  struct th_message *message;
  while ((message = th_queue_pop(&hosted->waiting)) != NULL) {
    atomic_fetch_add_explicit(&system->turned_away, 1, memory_order_relaxed);
    th_router_dead(&system->world, message);
  }
  free(hosted);
}

void th_hosting_drop(struct th_hosting *hosting, uint64_t number, const char *reason) {
  struct hosted *next;
  if (is_empty(hosting)) return;
  pthread_mutex_lock(&hosting->lock);
  struct hosted *hosted = th_map_remove(&hosting->by_number, number);
  for (struct hosted *each = hosted; each != NULL; each = each->next) {
    remove_alias(hosting, each);
    atomic_fetch_sub_explicit(&hosting->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&hosting->lock);
  for (; hosted != NULL; hosted = next) {
    next = hosted->next;
    if (!hosted->is_lost && !TH_PLANT(7)) tell_gone(hosting->system, hosted, reason);
    bury(hosting->system, hosted);
  }
}

static void send_back(struct th_system *system, struct th_queue *waiting) {
  struct th_message *message;
  while ((message = th_queue_pop(waiting)) != NULL) th_peers_send(system->peers, message);
}

/* Under the lock. */
static void forget(struct th_hosting *hosting, struct hosted *hosted) {
  th_map_remove(&hosting->by_number, hosted->number);
  remove_alias(hosting, hosted);
  atomic_fetch_sub_explicit(&hosting->count, 1, memory_order_relaxed);
  free(hosted);
}

void th_hosting_return(struct th_hosting *hosting, uint64_t number) {
  /* The alias goes once nothing waits: what comes meanwhile must not overtake what is sent back. */
  for (bool is_over = false; !is_over;) {
    struct th_queue waiting = {0};
    pthread_mutex_lock(&hosting->lock);
    struct hosted *hosted = th_map_find(&hosting->by_number, number);
    if (hosted != NULL && !hosted->is_lost) {
      waiting = hosted->waiting;
      hosted->waiting = (struct th_queue){0};
    }
    is_over = hosted == NULL || hosted->is_lost || waiting.first == NULL;
    if (hosted != NULL && !hosted->is_lost && is_over) forget(hosting, hosted);
    pthread_mutex_unlock(&hosting->lock);
    send_back(hosting->system, &waiting);
  }
  th_hosting_drop(hosting, number, "exit");
}

/* Under the lock: only mailboxes here are touched. */
static void ask_to_exit(struct th_system *system, uint64_t number) {
  struct th_address target = th_system_address(system, number);
  struct th_message *message = th_notice_exit(&target, &system->world.admin, true,
                                              TH_MESSAGE_URGENT);
  if (message != NULL) th_router_deliver(system, number, message);
}

/* Its alias stays as long as it lives: its children know it by nothing else. */
static void end_hosted(struct th_hosting *hosting, struct hosted *hosted) {
  hosted->is_lost = true;
  flush(hosting, hosted);
  if (!TH_PLANT(12)) ask_to_exit(hosting->system, hosted->number);
}

/* Gives what is left of one actor's list. */
static struct hosted *lose_forwards(struct th_hosting *hosting, struct hosted *list,
                                    uint64_t identity) {
  struct hosted *kept = NULL, *next;
  for (; list != NULL; list = next) {
    next = list->next;
    bool is_lost = list->forward.system == identity && !list->is_lost;
    if (is_lost && list->has_alias) end_hosted(hosting, list);
    if (is_lost && !list->has_alias) {
      atomic_fetch_sub_explicit(&hosting->count, 1, memory_order_relaxed);
      free(list);
    } else {
      list->next = kept;
      kept = list;
    }
  }
  return kept;
}

void th_hosting_lose(struct th_hosting *hosting, uint64_t identity) {
  struct th_map_slot *slot;
  size_t cursor = 0;
  if (is_empty(hosting)) return;
  pthread_mutex_lock(&hosting->lock);
  while ((slot = th_map_next(&hosting->by_number, &cursor)) != NULL) {
    struct hosted *kept = lose_forwards(hosting, slot->value, identity);
    if (kept != NULL)
      slot->value = kept;
    else
      th_map_remove(&hosting->by_number, slot->hash);
  }
  pthread_mutex_unlock(&hosting->lock);
}
