#include "bindings/blank.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "bindings/image.h"

struct th_blanks {
  pthread_mutex_t lock;
  struct th_blank *idle; /* prepared, each with its copies; who came last is the first */
  size_t idle_count;
  struct th_blank *copied[TH_BLANK_COPIES]; /* in use, in the order in which they were taken */
  size_t next;                              /* where the next one stands */
};

/* What a blank had beyond its arena. */
struct copies {
  void *first, *of_image;
  struct th_image *image;
};

struct th_blanks *th_blanks_new(void) {
  struct th_blanks *blanks = th_new(struct th_blanks);
  pthread_mutex_init(&blanks->lock, NULL);
  return blanks;
}

/* The caller holds the lock, or is alone with the blank. */
static struct copies take_copies(struct th_blank *blank) {
  struct copies copies = {blank->copy.bytes, blank->image_copy.bytes, blank->image};
  blank->copy.bytes = blank->image_copy.bytes = NULL;
  blank->image = NULL;
  return copies;
}

static void free_copies(struct copies copies) {
  free(copies.first);
  free(copies.of_image);
  th_image_unref(copies.image);
}

static void free_blank(struct th_blank *blank) {
  free_copies(take_copies(blank));
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
  blank->times_taken = 1;
  blank->arena = th_arena_new();
  if (blank->arena != NULL) return blank;
  free(blank);
  return NULL;
}

/* The blank, in use from now on, stands in the place of the one that was taken longest ago, whose
 * copies are the caller's to free. The caller holds the lock. */
static struct copies enrol(struct th_blanks *blanks, struct th_blank *blank) {
  struct th_blank *oldest = blanks->copied[blanks->next];
  struct copies copies = {NULL, NULL, NULL};
  if (oldest != NULL) {
    copies = take_copies(oldest);
    oldest->slot = TH_BLANK_COPIES;
  }
  blanks->copied[blanks->next] = blank;
  blank->slot = blanks->next;
  blanks->next = (blanks->next + 1) % TH_BLANK_COPIES;
  return copies;
}

/* From here on the copies are the blank's own, if it still has them. */
static void withdraw(struct th_blanks *blanks, struct th_blank *blank) {
  pthread_mutex_lock(&blanks->lock);
  if (blank->slot < TH_BLANK_COPIES) blanks->copied[blank->slot] = NULL;
  blank->slot = TH_BLANK_COPIES;
  pthread_mutex_unlock(&blanks->lock);
}

/* The first one that waits with the image; else without any; else who has waited longest, so that
 * images nobody asks for go first. The caller holds the lock. */
static struct th_blank *choose(struct th_blanks *blanks, const struct th_image *image) {
  struct th_blank **chosen = NULL, **link = &blanks->idle;
  for (; *link != NULL; link = &(*link)->next) {
    if (chosen == NULL || (*chosen)->image != NULL) chosen = link;
    if ((*link)->image != image) continue;
    chosen = link;
    break;
  }
  if (chosen == NULL) return NULL;
  struct th_blank *blank = *chosen;
  *chosen = blank->next;
  blanks->idle_count--;
  return blank;
}

static void put_back(struct th_blank *blank, const struct th_blank_copy *copy) {
  th_arena_restore(blank->arena, copy->bytes, copy->size);
  blank->memory = copy->memory;
}

struct th_blank *th_blanks_take(struct th_blanks *blanks, struct th_image *image) {
  struct copies copies = {NULL, NULL, NULL};
  pthread_mutex_lock(&blanks->lock);
  struct th_blank *blank = choose(blanks, image);
  pthread_mutex_unlock(&blanks->lock);
  if (blank == NULL) return new_blank();
  blank->times_taken++;
  blank->held = blank->image == image ? image : NULL;
  put_back(blank, blank->held != NULL ? &blank->image_copy : &blank->copy);
  /* Only now: once it is enrolled another thread may take its copies. */
  pthread_mutex_lock(&blanks->lock);
  copies = enrol(blanks, blank);
  pthread_mutex_unlock(&blanks->lock);
  free_copies(copies);
  return blank;
}

/* False when there is no memory, or some of it lies elsewhere. */
static bool save(struct th_blank *blank, size_t memory, struct th_blank_copy *copy) {
  if (!th_arena_is_whole(blank->arena)) return false;
  copy->memory = memory;
  copy->bytes = th_arena_save(blank->arena, &copy->size);
  return copy->bytes != NULL;
}

void th_blanks_keep(struct th_blanks *blanks, struct th_blank *blank) {
  if (!save(blank, blank->memory, &blank->copy)) return;
  pthread_mutex_lock(&blanks->lock);
  struct copies copies = enrol(blanks, blank);
  pthread_mutex_unlock(&blanks->lock);
  free_copies(copies);
}

void th_blanks_keep_image(struct th_blanks *blanks, struct th_blank *blank, struct th_image *image,
                          size_t memory) {
  struct th_blank_copy copy;
  struct copies old = {NULL, NULL, NULL};
  if (!save(blank, memory, &copy)) return;
  pthread_mutex_lock(&blanks->lock);
  if (blank->slot < TH_BLANK_COPIES) {
    old = (struct copies){NULL, blank->image_copy.bytes, blank->image};
    blank->image_copy = copy;
    blank->image = th_image_ref(image);
  } else {
    old.of_image = copy.bytes;
  }
  pthread_mutex_unlock(&blanks->lock);
  free_copies(old);
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
  if (blank->copy.bytes == NULL || !let_wait(blanks, blank)) free_blank(blank);
}
