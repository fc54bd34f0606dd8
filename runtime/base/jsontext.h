/* jsontext: text as JSON writes it.
 *
 * Whatever the bytes, the result is a JSON string in UTF-8 without control characters: bytes that
 * are no UTF-8 become the characters with their numbers.
 *
 * Threads: any; pure.
 */
#ifndef TH_BASE_JSONTEXT_H
#define TH_BASE_JSONTEXT_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends the text with its quotes. */
void th_jsontext_append(struct th_buffer *out, const void *text, size_t size);

#endif
