/* pairs: names with packed values, in the order given: capabilities and requirements.
 *
 * A name stands once; giving it again replaces its value.
 *
 * Threads: its holder. Owns: copies of names and values.
 */
#ifndef TH_HOST_PAIRS_H
#define TH_HOST_PAIRS_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct th_pair {
  char *name;
  size_t name_size;
  struct th_buffer value; /* one packed value */
};

struct th_pairs {
  struct th_pair *list;
  size_t count;
};

void th_pairs_init(struct th_pairs *pairs);
void th_pairs_clear(struct th_pairs *pairs);

/* Borrowed; NULL for none. */
const struct th_pair *th_pairs_find(const struct th_pairs *pairs, const char *name, size_t size);

/* Copies name and value. */
void th_pairs_put(struct th_pairs *pairs, const char *name, size_t name_size, const void *value,
                  size_t size);
void th_pairs_put_text(struct th_pairs *pairs, const char *name, const char *text);
void th_pairs_put_int(struct th_pairs *pairs, const char *name, int64_t value);

/* Reads "KEY=VALUE": a value is JSON where it parses as JSON, else a plain string. TH_EUSAGE. */
int th_pairs_parse(struct th_pairs *pairs, const char *text, struct th_reason *reason);

/* Adds the pairs of a packed map whose keys are strings. TH_EUSAGE when it is something else. */
int th_pairs_merge(struct th_pairs *pairs, const void *map, size_t size, struct th_reason *reason);

/* Appends a packed map. */
void th_pairs_pack(const struct th_pairs *pairs, struct th_buffer *buffer);

#endif
