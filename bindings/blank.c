#include "bindings/blank.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct th_blanks {
  pthread_mutex_t lock;
  struct th_blank *idle; /* prepared, each with its copy */
  size_t idle_count;
  struct th_blank *copied[TH_BLANK_COPIES]; /* in use, in the order in which they were taken */
  size_t next;                              /* where the next one stands */
};

struct th_blanks *th_blanks_new(void) {
  struct th_blanks *blanks = th_new(struct th_blanks);
  pthread_mutex_init(&blanks->lock, NULL);
  return blanks;
}

static void free_blank(struct th_blank *blank) {
  free(blank->copy);
  th_arena_free(blank->arena);
  free(blank);
}

void th_blanks_free(struct th_blanks *blanks) {
  while (blanks->idle != NULL) {
    struct th_blank *blank = blanks->idle;
    blanks->idle = blank->next;
    free_blank(blank);
  }
  pthread_mutex_destroy(&blanks->lock);
  free(blanks);
}

static struct th_blank *new_blank(void) {
  struct th_blank *blank = th_new(struct th_blank);
  blank->slot = TH_BLANK_COPIES;
  blank->arena = th_arena_new();
  if (blank->arena != NULL) return blank;
  free(blank);
  return NULL;
}

/* The blank, in use from now on, stands in the place of the one that was taken longest ago, whose
 * copy is the caller's to free. The caller holds the lock. */
static void *enrol(struct th_blanks *blanks, struct th_blank *blank) {
  struct th_blank *oldest = blanks->copied[blanks->next];
  void *copy = NULL;
  if (oldest != NULL) {
    copy = oldest->copy;
    oldest->copy = NULL;
    oldest->slot = TH_BLANK_COPIES;
  }
  blanks->copied[blanks->next] = blank;
  blank->slot = blanks->next;
  blanks->next = (blanks->next + 1) % TH_BLANK_COPIES;
  return copy;
}

/* From here on the copy is the blank's own, if it still has one. */
static void withdraw(struct th_blanks *blanks, struct th_blank *blank) {
  pthread_mutex_lock(&blanks->lock);
  if (blank->slot < TH_BLANK_COPIES) blanks->copied[blank->slot] = NULL;
  blank->slot = TH_BLANK_COPIES;
  pthread_mutex_unlock(&blanks->lock);
}

struct th_blank *th_blanks_take(struct th_blanks *blanks) {
  void *copy = NULL;
  pthread_mutex_lock(&blanks->lock);
  struct th_blank *blank = blanks->idle;
  if (blank != NULL) {
    blanks->idle = blank->next;
    blanks->idle_count--;
    copy = enrol(blanks, blank);
  }
  pthread_mutex_unlock(&blanks->lock);
  free(copy);
  return blank != NULL ? blank : new_blank();
}

void th_blanks_keep(struct th_blanks *blanks, struct th_blank *blank) {
  if (!th_arena_is_whole(blank->arena)) return;
  blank->copy = th_arena_save(blank->arena, &blank->size);
  if (blank->copy == NULL) return;
  pthread_mutex_lock(&blanks->lock);
  void *copy = enrol(blanks, blank);
  pthread_mutex_unlock(&blanks->lock);
  free(copy);
}

/* False when enough others wait. */
static bool let_wait(struct th_blanks *blanks, struct th_blank *blank) {
  pthread_mutex_lock(&blanks->lock);
  bool waits = blanks->idle_count < TH_BLANK_IDLE;
  if (waits) {
    blank->next = blanks->idle;
    blanks->idle = blank;
    blanks->idle_count++;
  }
  pthread_mutex_unlock(&blanks->lock);
  return waits;
}

void th_blanks_give(struct th_blanks *blanks, struct th_blank *blank) {
  withdraw(blanks, blank);
  if (blank->copy != NULL) th_arena_restore(blank->arena, blank->copy, blank->size);
  if (blank->copy == NULL || !let_wait(blanks, blank)) free_blank(blank);
}
