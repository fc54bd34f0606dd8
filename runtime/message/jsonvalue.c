#include "message/jsonvalue.h"

#include <jansson.h>

#include "base/error.h"
#include "message/pack.h"

static void pack_value(const json_t *value, struct th_buffer *buffer, unsigned depth);

static void pack_object(const json_t *object, struct th_buffer *buffer, unsigned depth) {
  json_t *cast = (json_t *)object; /* The library's iterators do not know const. */
  th_pack_map(buffer, (uint32_t)json_object_size(object));
  for (void *at = json_object_iter(cast); at != NULL; at = json_object_iter_next(cast, at)) {
    /* Keys hold no zero byte: the parser refuses them. */
    th_pack_text(buffer, json_object_iter_key(at));
    pack_value(json_object_iter_value(at), buffer, depth + 1);
  }
}

static void pack_array(const json_t *array, struct th_buffer *buffer, unsigned depth) {
  size_t count = json_array_size(array);
  th_pack_array(buffer, (uint32_t)count);
  for (size_t i = 0; i < count; i++) pack_value(json_array_get(array, i), buffer, depth + 1);
}

static void pack_value(const json_t *value, struct th_buffer *buffer, unsigned depth) {
  if (depth > TH_PACK_DEPTH) {
    if (buffer->error == 0) buffer->error = TH_EMALFORMED;
    return;
  }
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    pack_object(value, buffer, depth);
    break;
  case JSON_ARRAY:
    pack_array(value, buffer, depth);
    break;
  case JSON_STRING:
    th_pack_str(buffer, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    th_pack_int(buffer, json_integer_value(value));
    break;
  case JSON_REAL:
    th_pack_real(buffer, json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    th_pack_bool(buffer, json_is_true(value));
    break;
  case JSON_NULL:
    th_pack_nil(buffer);
    break;
  }
}

void th_jsonvalue_pack(const struct json_t *value, struct th_buffer *buffer) {
  pack_value(value, buffer, 1);
}
