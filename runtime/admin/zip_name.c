#include "admin/zip_name.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 200 /* bytes of a name that a refusal shows */

static bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

/* Reads a multi-byte character of UTF-8: its length, or 0 when it is malformed, longer than need
 * be, a surrogate, a C1 control character or past U+10FFFF. */
static size_t character_size(const unsigned char *text, size_t size) {
  static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
  size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
  uint32_t code = text[0] & (0xffu >> (length + 1));
  if (text[0] < 0xc0 || text[0] > 0xf7 || length > size) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (text[i] & 0x3f);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
  return length;
}

static bool is_utf8(const unsigned char *text, size_t size) {
  for (size_t at = 0; at < size;) {
    size_t length = text[at] < 0x80 ? 1 : character_size(text + at, size - at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

static const char *byte_fault(const unsigned char *name, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (name[i] == 0) return "the name contains a zero byte";
    if (is_control(name[i])) return "the name contains a control character";
    if (name[i] == '\\') return "the name contains a backslash";
  }
  return is_utf8(name, size) ? NULL : "the name is not UTF-8";
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
  const char *fault = byte_fault(name, size);
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

/* Writes name into text, which has room for 4 * SHOWN + 4 bytes. */
static void show(const unsigned char *name, size_t size, char *text) {
  size_t shown = size < SHOWN ? size : SHOWN;
  bool readable = is_utf8(name, size);
  /* A cut goes before a character, never through one. */
  while (readable && shown < size && (name[shown] & 0xc0) == 0x80) shown--;
  for (size_t i = 0; i < shown; i++) {
    if (is_control(name[i]) || (name[i] >= 0x80 && !readable)) {
      text += sprintf(text, "\\x%02x", name[i]);
    } else {
      *text++ = (char)name[i];
    }
  }
  strcpy(text, shown < size ? "..." : "");
}

int th_zip_name_fail(struct th_reason *reason, const unsigned char *name, size_t size,
                     const char *format, ...) {
  char shown[4 * SHOWN + 4];
  char words[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  show(name, size, shown);
  return th_fail(reason, TH_EBUNDLE, "entry \"%s\": %s", shown, words);
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
