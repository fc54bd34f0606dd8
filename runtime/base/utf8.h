/* utf8: which bytes are UTF-8.
 *
 * Threads: any; pure.
 */
#ifndef TH_BASE_UTF8_H
#define TH_BASE_UTF8_H

#include <stddef.h>

/* The size of the character that data begins with; 0 when it begins with none: malformed, cut off
 * by size, longer than need be, half of a surrogate pair, or past the last character. size is not
 * 0. */
size_t th_utf8_size(const unsigned char *data, size_t size);

#endif
