#include "base/jsontext.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static void put(struct th_buffer *out, const char *words) {
  th_buffer_append(out, words, strlen(words));
}

static void put_escaped(struct th_buffer *out, unsigned char byte) {
  switch (byte) {
  case '"':
    put(out, "\\\"");
    break;
  case '\\':
    put(out, "\\\\");
    break;
  case '\n':
    put(out, "\\n");
    break;
  case '\r':
    put(out, "\\r");
    break;
  case '\t':
    put(out, "\\t");
    break;
  default:
    th_buffer_printf(out, "\\u%04x", byte);
  }
}

static bool is_plain(unsigned char byte) {
  return !th_utf8_is_control(&byte, 1) && byte != '"' && byte != '\\';
}

void th_jsontext_append(struct th_buffer *out, const void *text, size_t size) {
  const unsigned char *data = text;
  put(out, "\"");
  while (size != 0) {
    size_t length = th_utf8_size(data, size);
    if (length > 1 && th_utf8_is_control(data, length)) {
      put_escaped(out, data[1]); /* U+0080 to U+009F: the second byte is the number */
    } else if (length == 0 || (length == 1 && !is_plain(*data))) {
      put_escaped(out, *data);
      length = 1;
    } else {
      th_buffer_append(out, data, length);
    }
    data += length;
    size -= length;
  }
  put(out, "\"");
}
