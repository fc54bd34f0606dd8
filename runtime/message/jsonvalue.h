/* jsonvalue: JSON that has been parsed as a packed value.
 *
 * Objects become maps in the order of their members, arrays arrays; integers and reals stay what
 * they are, as do strings with zero bytes.
 *
 * Threads: any; pure.
 */
#ifndef TH_MESSAGE_JSONVALUE_H
#define TH_MESSAGE_JSONVALUE_H

#include "base/buffer.h"

struct json_t;

/* Appends the value. Where it nests deeper than TH_PACK_DEPTH the buffer's error is TH_EMALFORMED,
 * and what was appended is to be dropped. */
void th_jsonvalue_pack(const struct json_t *value, struct th_buffer *buffer);

#endif
