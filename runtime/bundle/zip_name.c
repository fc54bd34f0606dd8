#include "bundle/zip_name.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/printable.h"
#include "base/utf8.h"

#define SHOWN 200 /* bytes of a name that a refusal shows */

static const char *character_fault(const unsigned char *name, size_t size) {
  for (size_t at = 0; at < size;) {
    size_t length = th_utf8_size(name + at, size - at);
    if (length == 0) return "the name is not UTF-8";
    if (name[at] == 0) return "the name contains a zero byte";
    if (th_utf8_is_control(name + at, length)) return "the name contains a control character";
    if (name[at] == '\\') return "the name contains a backslash";
    at += length;
  }
  return NULL;
}

static const char *part_fault(const unsigned char *part, size_t size) {
  if (size == 0) return "the name has an empty part";
  if (size == 1 && part[0] == '.') return "the name has \".\" as a part";
  if (size == 2 && part[0] == '.' && part[1] == '.') return "the name leaves the archive";
  return NULL;
}

static bool begins_with_drive(const unsigned char *name, size_t size) {
  unsigned char letter = (unsigned char)(name[0] | 0x20);
  return size >= 2 && name[1] == ':' && letter >= 'a' && letter <= 'z';
}

const char *th_zip_name_fault(const unsigned char *name, size_t size, size_t limit) {
  if (size == 0) return "the name is empty";
  if (size > limit) return "the name is too long";
  const char *fault = character_fault(name, size);
  if (fault != NULL) return fault;
  if (name[0] == '/') return "the name is absolute";
  if (begins_with_drive(name, size)) return "the name begins with a drive";
  if (name[size - 1] == '/') size--;
  for (size_t from = 0; from <= size;) {
    const unsigned char *slash = memchr(name + from, '/', size - from);
    size_t to = slash == NULL ? size : (size_t)(slash - name);
    if ((fault = part_fault(name + from, to - from)) != NULL) return fault;
    from = to + 1;
  }
  return NULL;
}

/* How many bytes of a name are shown. The cut goes before a character, never through one. */
static size_t shown_size(const unsigned char *name, size_t size) {
  if (size <= SHOWN) return size;
  size_t shown = SHOWN;
  while (shown > SHOWN - 3 && (name[shown] & 0xc0) == 0x80) shown--;
  return shown;
}

int th_zip_name_fail(struct th_reason *reason, const unsigned char *name, size_t size,
                     const char *format, ...) {
  struct th_buffer text;
  char words[160];
  size_t shown = shown_size(name, size);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  th_buffer_init(&text);
  th_printable_append(&text, name, shown, "");
  const char *characters = text.size != 0 ? (const char *)text.data : "";
  th_fail(reason, TH_EBUNDLE, "entry \"%.*s%s\": %s", (int)text.size, characters,
          shown < size ? "..." : "", words);
  th_buffer_clear(&text);
  return TH_EBUNDLE;
}

/* Independent of the locale, unlike tolower. */
static int folded(unsigned char byte) {
  return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

int th_zip_name_compare(const unsigned char *left, size_t left_size, const unsigned char *right,
                        size_t right_size) {
  if (left_size > 0 && left[left_size - 1] == '/') left_size--;
  if (right_size > 0 && right[right_size - 1] == '/') right_size--;
  size_t common = left_size < right_size ? left_size : right_size;
  for (size_t i = 0; i < common; i++) {
    int difference = folded(left[i]) - folded(right[i]);
    if (difference != 0) return difference;
  }
  return left_size < right_size ? -1 : left_size > right_size;
}
