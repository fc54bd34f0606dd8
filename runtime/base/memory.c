#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* malloc(0) may be NULL, which would look like a failure. */
static size_t at_least_one(size_t size) {
  return size == 0 ? 1 : size;
}

_Noreturn static void no_memory(size_t size) {
  fprintf(stderr, "thespian: out of memory (%zu bytes wanted)\n", size);
  abort();
}

void *th_alloc(size_t size) {
  void *block = malloc(at_least_one(size));
  if (block == NULL) no_memory(size);
  return block;
}

void *th_alloc_zeroed(size_t count, size_t size) {
  void *block = calloc(at_least_one(count), at_least_one(size));
  if (block == NULL) no_memory(size);
  return block;
}

void *th_alloc_aligned(size_t alignment, size_t size) {
  void *block = aligned_alloc(alignment, size);
  if (block == NULL) no_memory(size);
  return block;
}

void *th_realloc(void *block, size_t size) {
  void *resized = realloc(block, at_least_one(size));
  if (resized == NULL) no_memory(size);
  return resized;
}

char *th_strdup(const char *text) {
  if (text == NULL) return NULL;
  size_t size = strlen(text) + 1;
  return memcpy(th_alloc(size), text, size);
}

void *th_try_alloc(size_t size) {
  return malloc(at_least_one(size));
}
