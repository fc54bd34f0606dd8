#include "admin/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

struct holder {
  uint64_t number;
  size_t size;
  char name[];
};

struct th_names {
  pthread_mutex_t lock;
  struct th_map by_name;   /* to struct holder, owned */
  struct th_map by_number; /* to the same */
};

struct th_names *th_names_new(void) {
  struct th_names *names = th_new(struct th_names);
  pthread_mutex_init(&names->lock, NULL);
  th_map_init(&names->by_name);
  th_map_init(&names->by_number);
  return names;
}

void th_names_free(struct th_names *names) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(&names->by_name, &cursor)) != NULL) free(slot->value);
  th_map_clear(&names->by_name);
  th_map_clear(&names->by_number);
  pthread_mutex_destroy(&names->lock);
  free(names);
}

uint64_t th_names_find(struct th_names *names, const char *name, size_t size) {
  pthread_mutex_lock(&names->lock);
  struct holder *holder = th_map_find_text(&names->by_name, name, size);
  uint64_t number = holder != NULL ? holder->number : 0;
  pthread_mutex_unlock(&names->lock);
  return number;
}

uint64_t th_names_claim(struct th_names *names, const char *name, size_t size, uint64_t number) {
  pthread_mutex_lock(&names->lock);
  struct holder *holder = th_map_find_text(&names->by_name, name, size);
  if (holder == NULL) {
    holder = th_alloc(sizeof *holder + size);
    holder->number = number;
    holder->size = size;
    memcpy(holder->name, name, size);
    th_map_put_text(&names->by_name, name, size, holder);
    th_map_put(&names->by_number, number, holder);
  }
  number = holder->number;
  pthread_mutex_unlock(&names->lock);
  return number;
}

void th_names_release(struct th_names *names, uint64_t number) {
  pthread_mutex_lock(&names->lock);
  struct holder *holder = th_map_remove(&names->by_number, number);
  if (holder != NULL) th_map_remove_text(&names->by_name, holder->name, holder->size);
  pthread_mutex_unlock(&names->lock);
  free(holder);
}

void th_names_each(struct th_names *names,
                   void (*each)(void *context, const char *name, size_t size, uint64_t number),
                   void *context) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  pthread_mutex_lock(&names->lock);
  while ((slot = th_map_next(&names->by_name, &cursor)) != NULL) {
    struct holder *holder = slot->value;
    each(context, holder->name, holder->size, holder->number);
  }
  pthread_mutex_unlock(&names->lock);
}
