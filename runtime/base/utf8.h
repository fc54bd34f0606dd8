/* utf8: which bytes are UTF-8, and which of its characters are control characters.
 *
 * Names, values and texts from outside are held against this before they are kept, and before they
 * are shown: all readers then agree on what is a character.
 *
 * Threads: any; pure.
 */
#ifndef TH_BASE_UTF8_H
#define TH_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The size of the character that data begins with; 0 when it begins with none: malformed, cut off
 * by size, longer than need be, half of a surrogate pair, or past the last character. size is not
 * 0. */
size_t th_utf8_size(const unsigned char *data, size_t size);

/* Whether the character, of that size, is one that terminals obey instead of showing it: those of
 * ASCII, and U+0080 to U+009F. */
bool th_utf8_is_control(const unsigned char *character, size_t size);

#endif
