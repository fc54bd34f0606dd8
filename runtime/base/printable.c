#include "base/printable.h"

#include <string.h>

size_t th_utf8_size(const unsigned char *data, size_t size) {
  unsigned char first = data[0];
  size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || first > 0xf4 || length > size) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((data[i] & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && data[1] < 0xa0) return 0; /* longer than it need be */
  if (first == 0xed && data[1] > 0x9f) return 0; /* half of a surrogate pair */
  if (first == 0xf0 && data[1] < 0x90) return 0;
  if (first == 0xf4 && data[1] > 0x8f) return 0; /* past the last character */
  return length;
}

bool th_utf8_is_control(const unsigned char *sequence, size_t size) {
  if (size == 1) return sequence[0] < ' ' || sequence[0] == 0x7f;
  return size == 2 && sequence[0] == 0xc2 && sequence[1] < 0xa0; /* U+0080 to U+009F */
}

static bool is_shown(const unsigned char *sequence, size_t size, const char *kept) {
  if (size == 0) return false;
  if (!th_utf8_is_control(sequence, size)) return true;
  return size == 1 && sequence[0] != '\0' && strchr(kept, sequence[0]) != NULL;
}

size_t th_printable_append(struct th_buffer *text, const void *words, size_t size,
                           const char *kept) {
  const unsigned char *at = words;
  size_t width = 0;
  while (size != 0 && text->error == 0) {
    size_t length = th_utf8_size(at, size);
    if (is_shown(at, length, kept)) {
      th_buffer_append(text, at, length);
      width++;
    } else {
      length = 1; /* the other byte of a control character is none by itself */
      th_buffer_printf(text, "\\x%02x", *at);
      width += 4;
    }
    at += length;
    size -= length;
  }
  return width;
}
