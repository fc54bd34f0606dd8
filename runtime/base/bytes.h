/* bytes: an immutable run of bytes that many may hold.
 *
 * Filled once by whoever made it, before anyone else sees it; read-only from then on.
 *
 * Threads: any. Owns: its bytes, until the last reference goes.
 */
#ifndef TH_BASE_BYTES_H
#define TH_BASE_BYTES_H

#include <stdatomic.h>
#include <stddef.h>

struct th_bytes {
  atomic_uint references;
  size_t size;
  unsigned char data[]; /* followed by one zero byte that size does not count */
};

/* Gives bytes to be filled, with one reference; NULL when there is no memory for size. */
struct th_bytes *th_bytes_new(size_t size);

/* Gives a copy of data; NULL when there is no memory. */
struct th_bytes *th_bytes_copy(const void *data, size_t size);

/* One more reference; NULL in is NULL out. */
struct th_bytes *th_bytes_ref(struct th_bytes *bytes);

/* One reference less; the last frees. NULL is fine. */
void th_bytes_unref(struct th_bytes *bytes);

#endif
