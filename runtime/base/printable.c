#include "base/printable.h"

#include <string.h>

#include "base/utf8.h"

static bool is_shown(const unsigned char *character, size_t size, const char *kept) {
  if (size == 0) return false;
  if (!th_utf8_is_control(character, size)) return true;
  return size == 1 && character[0] != '\0' && strchr(kept, character[0]) != NULL;
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
