/* capability: what a system says of itself, by name.
 *
 * Kept as one packed map that is replaced whole, so that anyone may hold a snapshot.
 *
 * Threads: any; the lock guards the pointer to the present map. Owns: one reference to it.
 */
#ifndef TH_ADMIN_CAPABILITY_H
#define TH_ADMIN_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct th_capabilities;

/* Takes no ownership of map, which is one packed map. NULL when it is not. */
struct th_capabilities *th_capabilities_new(const void *map, size_t size);
void th_capabilities_free(struct th_capabilities *capabilities);

/* A reference to the present map. */
struct th_bytes *th_capabilities_get(struct th_capabilities *capabilities);

/* Gives name the packed value; NULL or a packed nil removes. True when anything changed. */
bool th_capabilities_set(struct th_capabilities *capabilities, const char *name, size_t name_size,
                         const void *value, size_t size);

/* Looks name up in a packed map: the packed value, borrowed, or NULL. */
const unsigned char *th_capability_find(const void *map, size_t map_size, const char *name,
                                        size_t *size);

/* A text or a number out of a packed map; the fallback where there is none of that type. The text is
 * copied into out, cut at out_size. */
void th_capability_text(const void *map, size_t map_size, const char *name, const char *fallback,
                        char *out, size_t out_size);
int64_t th_capability_int(const void *map, size_t map_size, const char *name, int64_t fallback);

#endif
