#include "base/bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct th_bytes *th_bytes_new(size_t size) {
  if (size > SIZE_MAX - sizeof(struct th_bytes) - 1) return NULL;
  struct th_bytes *bytes = th_try_alloc(sizeof *bytes + size + 1);
  if (bytes == NULL) return NULL;
  atomic_init(&bytes->references, 1);
  bytes->size = size;
  bytes->data[size] = 0;
  return bytes;
}

struct th_bytes *th_bytes_copy(const void *data, size_t size) {
  struct th_bytes *bytes = th_bytes_new(size);
  if (bytes != NULL && size != 0) memcpy(bytes->data, data, size);
  return bytes;
}

struct th_bytes *th_bytes_ref(struct th_bytes *bytes) {
  /* Relaxed: whoever hands the new reference on orders that by itself. */
  if (bytes != NULL) atomic_fetch_add_explicit(&bytes->references, 1, memory_order_relaxed);
  return bytes;
}

void th_bytes_unref(struct th_bytes *bytes) {
  if (bytes == NULL) return;
  /* Release and acquire: all reads by other holders come before the free. */
  if (atomic_fetch_sub_explicit(&bytes->references, 1, memory_order_acq_rel) == 1) free(bytes);
}
