#include "base/intern.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

struct th_interns {
  pthread_mutex_t lock;
  struct th_map texts;
};

struct th_interns *th_interns_new(void) {
  struct th_interns *interns = th_new(struct th_interns);
  pthread_mutex_init(&interns->lock, NULL);
  th_map_init(&interns->texts);
  return interns;
}

void th_interns_free(struct th_interns *interns) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(&interns->texts, &cursor)) != NULL) free(slot->value);
  th_map_clear(&interns->texts);
  pthread_mutex_destroy(&interns->lock);
  free(interns);
}

const char *th_intern(struct th_interns *interns, const char *text, size_t size) {
  if (text == NULL) return NULL;
  pthread_mutex_lock(&interns->lock);
  char *kept = th_map_find_text(&interns->texts, text, size);
  if (kept == NULL) {
    kept = th_alloc(size + 1);
    memcpy(kept, text, size);
    kept[size] = '\0';
    th_map_put_text(&interns->texts, text, size, kept);
  }
  pthread_mutex_unlock(&interns->lock);
  return kept;
}
