#include "host/json.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/jsontext.h"
#include "message/address.h"
#include "message/jsonvalue.h"
#include "message/pack.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* True for JSON that is well formed but too much. A number alone that is too big is no harm as a
 * string: it keeps every digit. */
static bool is_too_much(const char *text, const json_error_t *error) {
  char first = text[strspn(text, " \t\r\n")];
  if (first != '[' && first != '{') return false;
  enum json_error_code code = json_error_code(error);
  return code == json_error_numeric_overflow || code == json_error_stack_overflow;
}

int th_json_to_pack(const char *text, struct th_buffer *buffer) {
  json_error_t error;
  size_t size = strlen(text);
  json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (value == NULL) {
    if (is_too_much(text, &error)) return TH_EMALFORMED;
    th_pack_str(buffer, text, size);
    return buffer->error;
  }
  size_t before = buffer->size;
  th_jsonvalue_pack(value, buffer);
  json_decref(value);
  if (buffer->error == TH_EMALFORMED) { /* Nothing of a value that is too deep stays behind. */
    buffer->size = before;
    buffer->error = 0;
    return TH_EMALFORMED;
  }
  return buffer->error;
}

const char *th_json_version(void) {
  return jansson_version_str();
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put(struct th_buffer *text, const char *words) {
  th_buffer_append(text, words, strlen(words));
}

/* The shortest digits that give the same number again, and always a sign that it is no integer. */
static void put_real(struct th_buffer *text, double value) {
  char digits[40];
  if (!isfinite(value)) {
    put(text, isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"");
    return;
  }
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  put(text, digits);
  if (strpbrk(digits, ".e") == NULL) put(text, ".0");
}

static void write_value(struct th_unpack *reader, struct th_buffer *text, unsigned depth);

static void write_whole(const void *data, size_t size, struct th_buffer *text, unsigned depth) {
  struct th_unpack reader;
  th_unpack_init(&reader, data, size);
  write_value(&reader, text, depth);
  bool is_whole = reader.error == 0 && reader.at == reader.end;
  if (!is_whole && text->error == 0) text->error = TH_EMALFORMED;
}

static void write_key(struct th_unpack *reader, struct th_buffer *text, unsigned depth) {
  size_t size;
  const unsigned char *data = th_unpack_skip(reader, &size);
  if (data == NULL) return;
  struct th_buffer key;
  th_buffer_init(&key);
  write_whole(data, size, &key, depth);
  if (key.error != 0) {
    if (text->error == 0) text->error = key.error;
  } else if (key.data[0] == '"') {
    th_buffer_append(text, key.data, key.size);
  } else {
    th_jsontext_append(text, key.data, key.size);
  }
  th_buffer_clear(&key);
}

static void write_members(struct th_unpack *reader, uint32_t count, bool is_first,
                          struct th_buffer *text, unsigned depth) {
  for (; count != 0 && reader->error == 0 && text->error == 0; count--) {
    if (!is_first) put(text, ", ");
    is_first = false;
    write_key(reader, text, depth + 1);
    put(text, ": ");
    write_value(reader, text, depth + 1);
  }
  put(text, "}");
}

static void write_array(struct th_unpack *reader, uint32_t count, struct th_buffer *text,
                        unsigned depth) {
  put(text, "[");
  for (uint32_t i = 0; i < count && reader->error == 0 && text->error == 0; i++) {
    if (i != 0) put(text, ", ");
    write_value(reader, text, depth + 1);
  }
  put(text, "]");
}

/* Names come in pairs: qualified, short; the instance's own first. */
static void write_instance(const struct th_item *item, struct th_buffer *text, unsigned depth) {
  struct th_unpack reader;
  size_t size = 0;
  const char *name = "?";
  th_unpack_init(&reader, item->data, item->size);
  uint32_t names = th_unpack_array(&reader);
  for (uint32_t i = 0; i < names && reader.error == 0; i++) {
    size_t length;
    const char *each = th_unpack_str(&reader, &length);
    if (i > 1 || each == NULL) continue;
    name = each;
    size = length;
  }
  put(text, "{\"__class\": ");
  th_jsontext_append(text, (const unsigned char *)name, size);
  uint32_t count = th_unpack_map(&reader);
  write_members(&reader, count, false, text, depth);
  if (reader.error != 0 && text->error == 0) text->error = reader.error;
}

static void write_address(const struct th_item *item, struct th_buffer *text) {
  struct th_address address;
  char words[TH_ADDRESS_TEXT_SIZE];
  if (!th_item_address(item, &address)) {
    if (text->error == 0) text->error = TH_EMALFORMED;
    return;
  }
  put(text, "\"");
  put(text, th_address_text(&address, words));
  put(text, "\"");
}

static void write_reference(const struct th_item *item, struct th_buffer *text) {
  unsigned long number = 0;
  for (size_t i = 0; i < item->size && i < 4; i++) number = number << 8 | item->data[i];
  th_buffer_printf(text, "\"<reference %lu>\"", number);
}

static void write_extension(const struct th_item *item, struct th_buffer *text, unsigned depth) {
  switch (item->ext) {
  case TH_EXT_ADDRESS:
    write_address(item, text);
    break;
  case TH_EXT_REFERENCE:
    write_reference(item, text);
    break;
  case TH_EXT_INSTANCE:
    write_instance(item, text, depth);
    break;
  case TH_EXT_ENCLOSED:
    write_whole(item->data, item->size, text, depth + 1);
    break;
  default:
    th_buffer_printf(text, "\"<extension %d>\"", item->ext);
  }
}

static void write_value(struct th_unpack *reader, struct th_buffer *text, unsigned depth) {
  struct th_item item;
  if (depth > TH_PACK_DEPTH && reader->error == 0) reader->error = TH_EMALFORMED;
  if (!th_unpack_next(reader, &item)) return;
  switch (item.type) {
  case TH_ITEM_NIL:
    put(text, "null");
    break;
  case TH_ITEM_BOOL:
    put(text, item.boolean ? "true" : "false");
    break;
  case TH_ITEM_INT:
    th_buffer_printf(text, "%lld", (long long)item.integer);
    break;
  case TH_ITEM_REAL:
    put_real(text, item.real);
    break;
  case TH_ITEM_STR:
    th_jsontext_append(text, item.data, item.size);
    break;
  case TH_ITEM_ARRAY:
    write_array(reader, item.count, text, depth);
    break;
  case TH_ITEM_MAP:
    put(text, "{");
    write_members(reader, item.count, true, text, depth);
    break;
  case TH_ITEM_EXT:
    write_extension(&item, text, depth);
    break;
  }
}

int th_json_write(const void *data, size_t size, struct th_buffer *text) {
  write_whole(data, size, text, 1);
  return text->error;
}

int th_json_from_pack(const void *data, size_t size, struct th_buffer *text) {
  struct th_unpack reader;
  struct th_item item;
  struct th_address address;
  char words[TH_ADDRESS_TEXT_SIZE];
  th_unpack_init(&reader, data, size);
  if (!th_unpack_next(&reader, &item) || reader.at != reader.end) {
    return th_json_write(data, size, text);
  }
  if (item.type == TH_ITEM_STR) return th_buffer_append(text, item.data, item.size);
  if (item.type == TH_ITEM_EXT && item.ext == TH_EXT_ADDRESS && th_item_address(&item, &address)) {
    put(text, th_address_text(&address, words));
    return text->error;
  }
  return th_json_write(data, size, text);
}
