#include "base/utf8.h"

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

bool th_utf8_is_control(const unsigned char *character, size_t size) {
  if (size == 1) return character[0] < ' ' || character[0] == 0x7f;
  return size == 2 && character[0] == 0xc2 && character[1] < 0xa0;
}
