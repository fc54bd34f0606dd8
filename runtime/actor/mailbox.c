#include "actor/mailbox.h"

#include <string.h>

/* A head that says: awake, nothing newly arrived. Never dereferenced. */
#define AWAKE ((struct th_message *)1)

void th_queue_push(struct th_queue *queue, struct th_message *message) {
  message->next = NULL;
  if (queue->last == NULL)
    queue->first = message;
  else
    queue->last->next = message;
  queue->last = message;
}

struct th_message *th_queue_pop(struct th_queue *queue) {
  struct th_message *message = queue->first;
  if (message == NULL) return NULL;
  queue->first = message->next;
  if (queue->first == NULL) queue->last = NULL;
  return message;
}

void th_mailbox_init(struct th_mailbox *mailbox) {
  memset(mailbox, 0, sizeof *mailbox);
  atomic_init(&mailbox->head, NULL);
  atomic_init(&mailbox->pushed, 0);
  atomic_init(&mailbox->seen, 0);
  atomic_init(&mailbox->taken, 0);
}

bool th_mailbox_push(struct th_mailbox *mailbox, struct th_message *message) {
  struct th_message *head = atomic_load_explicit(&mailbox->head, memory_order_relaxed);
  atomic_fetch_add_explicit(&mailbox->pushed, 1, memory_order_relaxed);
  do {
    message->next = head;
    /* Release: the message's content is visible to whoever takes it. Acquire: the push that wakes a
     * sleeping actor sees all that its last turn did, and hands that on by scheduling it. */
  } while (!atomic_compare_exchange_weak_explicit(&mailbox->head, &head, message,
                                                  memory_order_acq_rel, memory_order_relaxed));
  return head == NULL;
}

/* Moves what arrived, newest first in the list, to the ends of the queues in the order of
 * arrival. */
static void take_arrived(struct th_mailbox *mailbox) {
  /* Acquire: pairs with the release of every push in the list. */
  struct th_message *newest = atomic_exchange_explicit(&mailbox->head, AWAKE, memory_order_acquire);
  struct th_message *oldest = NULL;
  while (newest != NULL && newest != AWAKE) {
    struct th_message *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  while (oldest != NULL) {
    struct th_message *after = oldest->next;
    bool urgent = (oldest->flags & TH_MESSAGE_URGENT) != 0;
    th_queue_push(urgent ? &mailbox->urgent : &mailbox->ordinary, oldest);
    oldest = after;
  }
}

void th_mailbox_look(struct th_mailbox *mailbox) {
  if (atomic_load_explicit(&mailbox->head, memory_order_relaxed) != AWAKE) take_arrived(mailbox);
}

static struct th_message *pop(struct th_mailbox *mailbox) {
  struct th_message *message = th_queue_pop(&mailbox->urgent);
  return message != NULL ? message : th_queue_pop(&mailbox->ordinary);
}

struct th_message *th_mailbox_pop(struct th_mailbox *mailbox) {
  struct th_message *message = pop(mailbox);
  if (message == NULL) {
    th_mailbox_look(mailbox);
    message = pop(mailbox);
  }
  if (message != NULL) {
    uint_fast64_t taken = atomic_load_explicit(&mailbox->taken, memory_order_relaxed);
    atomic_store_explicit(&mailbox->taken, taken + 1, memory_order_relaxed);
  }
  return message;
}

void th_mailbox_uncount(struct th_mailbox *mailbox) {
  uint_fast64_t taken = atomic_load_explicit(&mailbox->taken, memory_order_relaxed);
  atomic_store_explicit(&mailbox->taken, taken - 1, memory_order_relaxed);
  atomic_fetch_sub_explicit(&mailbox->pushed, 1, memory_order_relaxed);
}

void th_mailbox_put_back(struct th_mailbox *mailbox, struct th_queue messages) {
  uint_fast64_t taken = atomic_load_explicit(&mailbox->taken, memory_order_relaxed);
  if (messages.first == NULL) return;
  for (const struct th_message *each = messages.first; each != NULL; each = each->next) taken--;
  messages.last->next = mailbox->ordinary.first;
  mailbox->ordinary.first = messages.first;
  if (mailbox->ordinary.last == NULL) mailbox->ordinary.last = messages.last;
  atomic_store_explicit(&mailbox->taken, taken, memory_order_relaxed);
  atomic_store_explicit(&mailbox->seen, taken, memory_order_relaxed);
}

bool th_mailbox_has_urgent(struct th_mailbox *mailbox) {
  th_mailbox_look(mailbox);
  return mailbox->urgent.first != NULL;
}

bool th_mailbox_sleep(struct th_mailbox *mailbox) {
  if (mailbox->urgent.first != NULL || mailbox->ordinary.first != NULL) return false;
  struct th_message *awake = AWAKE;
  /* Release: what this turn did is visible to the push that wakes the actor again. Acquire: what
   * was done before a touch is visible to this turn. */
  return atomic_compare_exchange_strong_explicit(&mailbox->head, &awake, NULL, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

void th_mailbox_touch(struct th_mailbox *mailbox) {
  atomic_fetch_add_explicit(&mailbox->head, 0, memory_order_acq_rel);
}

uint64_t th_mailbox_depth(const struct th_mailbox *mailbox) {
  uint64_t taken = atomic_load_explicit(&mailbox->taken, memory_order_relaxed);
  uint64_t pushed = atomic_load_explicit(&mailbox->pushed, memory_order_relaxed);
  return pushed > taken ? pushed - taken : 0;
}

/* What was taken is looked at only where it matters: the turn writes it all the time. */
bool th_mailbox_exceeds(struct th_mailbox *mailbox, uint64_t limit) {
  uint64_t pushed = atomic_load_explicit(&mailbox->pushed, memory_order_relaxed);
  uint64_t seen = atomic_load_explicit(&mailbox->seen, memory_order_relaxed);
  if (pushed <= seen || pushed - seen <= limit) return false;
  uint64_t taken = atomic_load_explicit(&mailbox->taken, memory_order_relaxed);
  atomic_store_explicit(&mailbox->seen, taken, memory_order_relaxed);
  return pushed > taken && pushed - taken > limit;
}
