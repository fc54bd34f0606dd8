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

#include <stddef.h>

#include "base/buffer.h"

/* Appends the words; the control characters in kept ("" for none) stay as they are. Gives the
 * number of characters, which is the width where each takes one column. */
size_t th_printable_append(struct th_buffer *text, const void *words, size_t size,
                           const char *kept);

#endif
