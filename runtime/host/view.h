/* view: packed maps, looked up by name without unpacking them.
 *
 * Every look-up reads the map from its beginning: for small maps that are shown once.
 *
 * Threads: any. Owns: nothing; a view borrows the bytes.
 */
#ifndef TH_HOST_VIEW_H
#define TH_HOST_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "message/address.h"
#include "message/pack.h"

/* One packed value; data NULL where there is none. */
struct th_view {
  const unsigned char *data;
  size_t size;
};

/* The value under that name; none when there is no such name or map is no map, or it is nil. */
struct th_view th_view_field(struct th_view map, const char *name);

/* What stands under that name, or nothing: 0, no address. */
int64_t th_view_int(struct th_view map, const char *name);
double th_view_real(struct th_view map, const char *name);
bool th_view_bool(struct th_view map, const char *name);
struct th_address th_view_address(struct th_view map, const char *name);

/* Not terminated; "" with size 0 for none. */
const char *th_view_text(struct th_view map, const char *name, size_t *size);

/* Begins to read the items of an array, or the pairs of a map; 0 where it is neither. */
uint32_t th_view_open(struct th_view value, struct th_unpack *reader);

/* The next item of what is read. */
struct th_view th_view_next(struct th_unpack *reader);

#endif
