/* random: bytes that nobody can guess, from the kernel.
 *
 * Threads: any.
 */
#ifndef TH_BASE_RANDOM_H
#define TH_BASE_RANDOM_H

#include <stddef.h>

/* Fills out with random bytes fit for secrets. 0, or a negative errno where the kernel has none. */
int th_random_bytes(void *out, size_t size);

#endif
