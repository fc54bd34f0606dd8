/* capability: what a system says of itself, by name.
 *
 * Kept as one packed map that is replaced whole, so that anyone may hold a snapshot. Every actor
 * that starts and every status reads it, so nothing comes in that one of them could not read
 * (message/kept.h), nor more than they can bear.
 *
 * Threads: any; the lock guards the pointer to the present map. Owns: one reference to it.
 */
#ifndef TH_ADMIN_CAPABILITY_H
#define TH_ADMIN_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* All of them together, in bytes. */
#define TH_CAPABILITIES_SIZE (1u << 20)

struct th_capabilities;

/* Copies map, which is one packed map, in which no table comes twice. NULL, with the reason, when
 * it is not, or cannot be kept. */
struct th_capabilities *th_capabilities_new(const void *map, size_t size, struct th_reason *reason);
void th_capabilities_free(struct th_capabilities *capabilities);

/* A reference to the present map. */
struct th_bytes *th_capabilities_get(struct th_capabilities *capabilities);

/* Gives name the packed value; NULL or a packed nil removes. *changed: whether that is anything
 * new. TH_ECAPABILITY with the reason for what is no name, or no value that everybody could read.
 */
int th_capabilities_set(struct th_capabilities *capabilities, const char *name, size_t name_size,
                        const void *value, size_t size, bool *changed, struct th_reason *reason);

/* Looks name up in a packed map: the packed value, borrowed, or NULL. */
const unsigned char *th_capability_find(const void *map, size_t map_size, const char *name,
                                        size_t *size);

/* A text, an integer or any number out of a packed map; the fallback where there is none of that
 * type. The text is copied into out, cut at out_size. */
void th_capability_text(const void *map, size_t map_size, const char *name, const char *fallback,
                        char *out, size_t out_size);
int64_t th_capability_int(const void *map, size_t map_size, const char *name, int64_t fallback);
double th_capability_real(const void *map, size_t map_size, const char *name, double fallback);

#endif
