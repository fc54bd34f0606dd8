#include "admin/expected.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define PREFIX_LEAST 8

struct hash {
  char text[TH_DIGEST_TEXT_SIZE];
};

struct th_expected {
  pthread_mutex_t lock;
  bool is_guarded;
  struct hash *all; /* few: each is somebody's request under way */
  size_t count;
};

struct th_expected *th_expected_new(bool is_guarded) {
  struct th_expected *expected = th_new(struct th_expected);
  pthread_mutex_init(&expected->lock, NULL);
  expected->is_guarded = is_guarded;
  return expected;
}

void th_expected_free(struct th_expected *expected) {
  if (expected == NULL) return;
  pthread_mutex_destroy(&expected->lock);
  free(expected->all);
  free(expected);
}

void th_expected_guard(struct th_expected *expected) {
  pthread_mutex_lock(&expected->lock);
  expected->is_guarded = true;
  pthread_mutex_unlock(&expected->lock);
}

bool th_expected_is_guarded(struct th_expected *expected) {
  pthread_mutex_lock(&expected->lock);
  bool is_guarded = expected->is_guarded;
  pthread_mutex_unlock(&expected->lock);
  return is_guarded;
}

/* Under the lock: the index of the one that begins so, or count for none, or more than one. */
static size_t find_index(const struct th_expected *expected, const char *hash) {
  size_t size = strlen(hash), found = expected->count;
  if (size < PREFIX_LEAST) return found;
  for (size_t i = 0; i < expected->count; i++) {
    if (strncasecmp(expected->all[i].text, hash, size) != 0) continue;
    if (found != expected->count) return expected->count;
    found = i;
  }
  return found;
}

void th_expected_add(struct th_expected *expected, const char *hash) {
  pthread_mutex_lock(&expected->lock);
  if (find_index(expected, hash) == expected->count) {
    size_t size = (expected->count + 1) * sizeof *expected->all;
    expected->all = th_realloc(expected->all, size);
    memcpy(expected->all[expected->count++].text, hash, TH_DIGEST_TEXT_SIZE);
  }
  pthread_mutex_unlock(&expected->lock);
}

void th_expected_remove(struct th_expected *expected, const char *hash) {
  pthread_mutex_lock(&expected->lock);
  size_t index = find_index(expected, hash);
  if (index < expected->count) expected->all[index] = expected->all[--expected->count];
  pthread_mutex_unlock(&expected->lock);
}

bool th_expected_find(struct th_expected *expected, const char *hash,
                      char full[TH_DIGEST_TEXT_SIZE]) {
  pthread_mutex_lock(&expected->lock);
  size_t index = find_index(expected, hash);
  bool is_found = index < expected->count;
  if (is_found) memcpy(full, expected->all[index].text, TH_DIGEST_TEXT_SIZE);
  pthread_mutex_unlock(&expected->lock);
  return is_found;
}
