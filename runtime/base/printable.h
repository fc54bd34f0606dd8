/* printable: strangers' words in a form that a terminal only shows.
 *
 * Names, values and error texts come from other programs, and a terminal obeys the escape sequences
 * in what it is to print. So all control characters, those of Unicode's second set too, and bytes
 * that are no UTF-8 are written as \xNN. A backslash stays one: this is for people to read, and is
 * not read back.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_BASE_PRINTABLE_H
#define TH_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends the words; the control characters in kept ("" for none) stay as they are. Gives the
 * number of characters, which is the width where each takes one column. */
size_t th_printable_append(struct th_buffer *text, const void *words, size_t size,
                           const char *kept);

/* The size of the UTF-8 sequence that data, of at least one byte, begins with; 0 when it is
 * none. */
size_t th_utf8_size(const unsigned char *data, size_t size);

/* Whether the sequence, of that size, is a control character. */
bool th_utf8_is_control(const unsigned char *sequence, size_t size);

#endif
