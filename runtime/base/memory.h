/* memory: allocation that does not fail quietly.
 *
 * Small allocations whose size our own code decides end the process with a message when the machine
 * has no memory left: there is no state worth continuing from. Sizes that came from outside go
 * through th_try_alloc, which may return NULL, and are limited by the caller.
 *
 * Threads: any.
 */
#ifndef TH_BASE_MEMORY_H
#define TH_BASE_MEMORY_H

#include <stddef.h>

/* Gives size bytes, uninitialised; never NULL. Released with free(). */
void *th_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Gives count * size zeroed bytes; never NULL. */
void *th_alloc_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Gives size bytes, a multiple of alignment, at a multiple of it, uninitialised; never NULL. */
void *th_alloc_aligned(size_t alignment, size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes; never NULL. */
void *th_realloc(void *block, size_t size) __attribute__((returns_nonnull));

/* Gives a copy of a string; never NULL. NULL in is NULL out. */
char *th_strdup(const char *text);

/* Gives size bytes or NULL: for sizes that came from outside. */
void *th_try_alloc(size_t size) __attribute__((malloc));

#define th_new(type) ((type *)th_alloc_zeroed(1, sizeof(type)))

#endif
