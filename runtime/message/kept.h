/* kept: what a stranger gives may be kept only when everybody can read it later.
 *
 * A message that makes no sense is its receiver's affair alone. A value that the system itself
 * keeps is read by all: by actors (the codec), by the status as text and as JSON. So it is walked
 * to its end before, extensions and all, and must satisfy the strictest of them: the codec's rules
 * for references, names of classes and keys of maps, and a depth that leaves room for what is put
 * around it. Keys are stricter than that, since only plain ones can be compared here.
 *
 * Threads: any; pure.
 */
#ifndef TH_MESSAGE_KEPT_H
#define TH_MESSAGE_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Tables and enclosed values within each other. */
#define TH_KEPT_DEPTH 100

/* Bytes of a name. */
#define TH_KEPT_NAME 1000

/* NULL when data is one whole value that every reader can read, else words for what is wrong.
 * In maps, keys are strings, numbers or booleans, none of them twice, and maps with more than 512
 * pairs have no numbers as keys. *shares is set when a table comes twice: such a value can be put
 * into another only as an enclosed one. */
const char *th_kept_refuse_value(const void *data, size_t size, bool *shares);

/* NULL when text can be a name (of an actor, of a class, of a capability): 1 to TH_KEPT_NAME bytes
 * of UTF-8 without control characters; else words for what is wrong. */
const char *th_kept_refuse_name(const char *text, size_t size);

#endif
