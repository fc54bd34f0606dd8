#include "bundle/manifest.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "message/jsonvalue.h"

/* A manifest while it is read, and all that it owns. */
struct reading {
  struct th_manifest manifest; /* the first, so that the one's address is the other's */
  struct th_manifest_actor *actors;
  struct th_reason *reason;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct th_reason *reason,
                                                        const char *format, ...) {
  char words[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  return th_fail(reason, TH_EBUNDLE, TH_MANIFEST_FILE ": %s", words);
}

/* ---- versions ---- */

bool th_manifest_is_version(const char *text) {
  for (size_t parts = 1;; parts++) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > TH_MANIFEST_DIGITS || parts > TH_MANIFEST_PARTS) return false;
    text += digits;
    if (*text == '\0') return true;
    if (*text++ != '.') return false;
  }
}

/* Takes the next number off a version; 0 where none is left. */
static long long next_number(const char **at) {
  char *end;
  long long number = strtoll(*at, &end, 10);
  *at = *end == '.' ? end + 1 : end;
  return number;
}

int th_manifest_compare_versions(const char *left, const char *right) {
  if (left == NULL || right == NULL) return (left != NULL) - (right != NULL);
  while (*left != '\0' || *right != '\0') {
    long long one = next_number(&left), other = next_number(&right);
    if (one != other) return one < other ? -1 : 1;
  }
  return 0;
}

/* ---- times ---- */

bool th_manifest_is_expired(const struct th_manifest *manifest, int64_t now) {
  return now > manifest->last_second;
}

/* Reads exactly the form, in which 9 stands for any digit. */
static bool has_form(const char *text, const char *form) {
  for (; *form != '\0'; form++, text++) {
    if (*form == '9' ? !isdigit((unsigned char)*text) : *text != *form) return false;
  }
  return *text == '\0';
}

/* The second since 1970, unless there is no such time: timegm would make one of the 30th of
 * February. */
static bool to_second(const struct tm *wanted, int64_t *second) {
  struct tm time = *wanted;
  *second = timegm(&time);
  return time.tm_mday == wanted->tm_mday && time.tm_mon == wanted->tm_mon &&
         time.tm_hour == wanted->tm_hour && time.tm_min == wanted->tm_min &&
         time.tm_sec == wanted->tm_sec;
}

/* A day is good until it ends. */
static bool read_time(const char *text, int64_t *last_second) {
  struct tm time = {.tm_hour = 23, .tm_min = 59, .tm_sec = 59};
  if (has_form(text, "9999-99-99"))
    sscanf(text, "%4d-%2d-%2d", &time.tm_year, &time.tm_mon, &time.tm_mday);
  else if (has_form(text, "9999-99-99T99:99:99Z"))
    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &time.tm_year, &time.tm_mon, &time.tm_mday,
           &time.tm_hour, &time.tm_min, &time.tm_sec);
  else
    return false;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return to_second(&time, last_second);
}

/* ---- fields ---- */

static bool has_control(const char *text, size_t size) {
  for (size_t at = 0; at < size;) {
    size_t length = th_utf8_size((const unsigned char *)text + at, size - at);
    if (length == 0 || th_utf8_is_control((const unsigned char *)text + at, length)) return true;
    at += length;
  }
  return false;
}

/* Copies a text of the field into *out, for the manifest to free. where is the field's path. */
static int read_text(const struct reading *reading, const json_t *value, const char *where,
                     const char **out) {
  const char *text = json_string_value(value);
  size_t size = json_string_length(value);
  if (text == NULL || size == 0 || size > TH_MANIFEST_TEXT || has_control(text, size))
    return refuse(reading->reason,
                  "\"%s\" must be a text of 1 to %d bytes without control characters", where,
                  TH_MANIFEST_TEXT);
  *out = th_strdup(text);
  return 0;
}

static int read_version(struct reading *reading, const json_t *value) {
  char number[24] = "";
  const char *text = json_string_value(value);
  if (json_is_integer(value)) {
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    text = number;
  }
  /* The length, too: no zero byte may hide what follows it. */
  bool is_whole = !json_is_string(value) || strlen(text) == json_string_length(value);
  if (text == NULL || !is_whole || !th_manifest_is_version(text))
    return refuse(reading->reason,
                  "\"version\" must be a whole number or up to %d of them with dots between, "
                  "\"1.12.0\", each of up to %d digits",
                  TH_MANIFEST_PARTS, TH_MANIFEST_DIGITS);
  reading->manifest.version = th_strdup(text);
  return 0;
}

static int read_not_after(struct reading *reading, const json_t *value) {
  const char *text = json_string_value(value);
  if (text == NULL || strlen(text) != json_string_length(value) ||
      !read_time(text, &reading->manifest.last_second))
    return refuse(reading->reason, "\"notAfter\" must be a day, \"2027-01-31\", or a time in UTC, "
                                   "\"2027-01-31T12:00:00Z\"");
  reading->manifest.not_after = th_strdup(text);
  return 0;
}

/* Members come from outside and may be anything: what could play tricks is escaped. */
static int refuse_field(const struct reading *reading, const char *within, const char *field,
                        const char *known) {
  struct th_buffer text;
  th_buffer_init(&text);
  size_t size = strlen(field);
  th_printable_append(&text, (const unsigned char *)field, size < 100 ? size : 100, "");
  refuse(reading->reason, "%s has no field \"%.*s\"; use %s", within, (int)text.size,
         text.size > 0 ? (const char *)text.data : "", known);
  th_buffer_clear(&text);
  return TH_EBUNDLE;
}

/* ---- actors ---- */

static int read_messages(const struct reading *reading, const json_t *list, size_t index,
                         struct th_manifest_actor *actor) {
  size_t count = json_array_size(list);
  if (!json_is_array(list) || count > TH_MANIFEST_MESSAGES)
    return refuse(reading->reason,
                  "\"actors[%zu].messages\" must be a list of up to %d messages, any JSON", index,
                  TH_MANIFEST_MESSAGES);
  struct th_manifest_message *messages = th_alloc_zeroed(count + 1, sizeof *messages);
  actor->messages = messages;
  for (; actor->message_count < count; actor->message_count++) {
    struct th_buffer packed;
    th_buffer_init(&packed);
    th_jsonvalue_pack(json_array_get(list, actor->message_count), &packed);
    if (packed.error != 0) {
      th_buffer_clear(&packed);
      return refuse(reading->reason, "\"actors[%zu].messages[%zu]\" is nested too deeply", index,
                    actor->message_count);
    }
    messages[actor->message_count] = (struct th_manifest_message){packed.data, packed.size};
  }
  return 0;
}

static int read_actor_field(const struct reading *reading, const char *field, const json_t *value,
                            size_t index, struct th_manifest_actor *actor) {
  char where[64];
  if (strcmp(field, "messages") == 0) return read_messages(reading, value, index, actor);
  snprintf(where, sizeof where, "actors[%zu].%s", index, field);
  if (strcmp(field, "class") == 0) return read_text(reading, value, where, &actor->class_name);
  if (strcmp(field, "name") == 0) return read_text(reading, value, where, &actor->global_name);
  snprintf(where, sizeof where, "\"actors[%zu]\"", index);
  return refuse_field(reading, where, field, "class, name or messages");
}

static int read_actor(const struct reading *reading, json_t *value, size_t index,
                      struct th_manifest_actor *actor) {
  const char *field;
  json_t *member;
  if (!json_is_object(value))
    return refuse(reading->reason, "\"actors[%zu]\" must be an object with a \"class\"", index);
  json_object_foreach(value, field, member) {
    int error = read_actor_field(reading, field, member, index, actor);
    if (error != 0) return error;
  }
  if (actor->class_name != NULL) return 0;
  return refuse(reading->reason, "\"actors[%zu]\" has no \"class\", such as \"shop.Clerk\"", index);
}

static int read_actors(struct reading *reading, const json_t *list) {
  size_t count = json_array_size(list);
  if (!json_is_array(list) || count > TH_MANIFEST_ACTORS)
    return refuse(reading->reason, "\"actors\" must be a list of up to %d objects",
                  TH_MANIFEST_ACTORS);
  reading->actors = th_alloc_zeroed(count + 1, sizeof *reading->actors);
  reading->manifest.actors = reading->actors;
  while (reading->manifest.actor_count < count) {
    size_t index = reading->manifest.actor_count++;
    int error = read_actor(reading, json_array_get(list, index), index, &reading->actors[index]);
    if (error != 0) return error;
  }
  return 0;
}

/* ---- the whole ---- */

static int read_field(struct reading *reading, const char *field, const json_t *value) {
  if (strcmp(field, "name") == 0) return read_text(reading, value, field, &reading->manifest.name);
  if (strcmp(field, "version") == 0) return read_version(reading, value);
  if (strcmp(field, "notAfter") == 0) return read_not_after(reading, value);
  if (strcmp(field, "actors") == 0) return read_actors(reading, value);
  return refuse_field(reading, "a manifest", field, "name, version, notAfter or actors");
}

static int read_object(struct reading *reading, json_t *object) {
  const char *field;
  json_t *value;
  if (!json_is_object(object)) return refuse(reading->reason, "it must be a JSON object, {...}");
  json_object_foreach(object, field, value) {
    int error = read_field(reading, field, value);
    if (error != 0) return error;
  }
  return 0;
}

/* The parser's words quote the file. */
static int refuse_json(struct th_reason *reason, const json_error_t *json_error) {
  struct th_buffer text;
  th_buffer_init(&text);
  th_printable_append(&text, (const unsigned char *)json_error->text, strlen(json_error->text), "");
  refuse(reason, "line %d: %.*s", json_error->line, (int)text.size,
         text.size > 0 ? (const char *)text.data : "");
  th_buffer_clear(&text);
  return TH_EBUNDLE;
}

int th_manifest_read(const void *json, size_t size, struct th_manifest **manifest,
                     struct th_reason *reason) {
  json_error_t json_error;
  if (size > TH_MANIFEST_SIZE) return refuse(reason, "it has more than %u bytes", TH_MANIFEST_SIZE);
  json_t *object = json_loadb(json, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &json_error);
  if (object == NULL) return refuse_json(reason, &json_error);
  struct reading *reading = th_new(struct reading);
  reading->reason = reason;
  reading->manifest.last_second = INT64_MAX;
  int error = read_object(reading, object);
  json_decref(object);
  if (error != 0)
    th_manifest_free(&reading->manifest);
  else
    *manifest = &reading->manifest;
  return error;
}

static void drop(const void *owned) {
  free((void *)(uintptr_t)owned);
}

void th_manifest_free(struct th_manifest *manifest) {
  if (manifest == NULL) return;
  struct reading *reading = (struct reading *)manifest;
  for (size_t i = 0; i < manifest->actor_count; i++) {
    const struct th_manifest_actor *actor = &reading->actors[i];
    for (size_t j = 0; j < actor->message_count; j++) drop(actor->messages[j].data);
    drop(actor->messages);
    drop(actor->class_name);
    drop(actor->global_name);
  }
  drop(manifest->name);
  drop(manifest->version);
  drop(manifest->not_after);
  free(reading->actors);
  free(reading);
}
