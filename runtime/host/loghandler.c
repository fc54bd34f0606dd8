#include "host/loghandler.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "host/json.h"
#include "host/view.h"
#include "message/pack.h"

#define NONE "none"

/* ---- reading --------------------------------------------------------------------------------- */

/* The place for the value of that key; NULL for no such key. */
static const char **find_place(struct th_runlog_handler *handler, const char *key, size_t size) {
  if (size == 4 && memcmp(key, "file", 4) == 0) return &handler->file;
  if (size == 5 && memcmp(key, "level", 5) == 0) return &handler->level;
  if (size == 6 && memcmp(key, "format", 6) == 0) return &handler->format;
  return NULL;
}

/* Copies a packed string; false when it is something else, empty, or no name of a file: one with a
 * zero byte in it. */
static bool read_string(const struct th_view *value, const char **place) {
  struct th_unpack reader;
  size_t size;
  th_unpack_init(&reader, value->data, value->size);
  const char *text = th_unpack_str(&reader, &size);
  if (text == NULL || size == 0 || memchr(text, '\0', size) != NULL) return false;
  char *copy = th_alloc(size + 1);
  memcpy(copy, text, size);
  copy[size] = '\0';
  free((char *)(uintptr_t)*place); /* The key stood twice. */
  *place = copy;
  return true;
}

static int read_fields(struct th_runlog_handler *handler, struct th_unpack *reader, uint32_t count,
                       const char *text, struct th_reason *reason) {
  for (uint32_t i = 0; i < count; i++) {
    size_t size;
    const char *key = th_unpack_str(reader, &size);
    struct th_view value = th_view_next(reader);
    const char **place = find_place(handler, key, size);
    if (place == NULL)
      return th_fail(reason, TH_EUSAGE, "log handler %s: no \"%.*s\"; it has: file, level, format",
                     text, (int)size, key);
    if (!read_string(&value, place))
      return th_fail(reason, TH_EUSAGE, "log handler %s: %.*s must be a string that is not empty",
                     text, (int)size, key);
  }
  return 0;
}

static int check(const struct th_runlog_handler *handler, const char *text,
                 struct th_reason *reason) {
  enum th_log_level level;
  bool is_json;
  if (handler->level != NULL && !th_log_level_parse(handler->level, &level))
    return th_fail(reason, TH_EUSAGE,
                   "log handler %s: \"%s\" is not a log level: debug, info, warning, error or "
                   "critical",
                   text, handler->level);
  if (handler->format != NULL && !th_log_format_parse(handler->format, &is_json))
    return th_fail(reason, TH_EUSAGE, "log handler %s: \"%s\" is not a log format: text or json",
                   text, handler->format);
  return 0;
}

static int read_handler(struct th_runlog_handler *handler, const char *text,
                        const struct th_buffer *packed, struct th_reason *reason) {
  struct th_unpack reader;
  struct th_item item = {.type = TH_ITEM_NIL};
  th_unpack_init(&reader, packed->data, packed->size);
  if (packed->size != 0) th_unpack_next(&reader, &item);
  if (item.type != TH_ITEM_MAP)
    return th_fail(reason, TH_EUSAGE,
                   "\"%s\" is not a log handler: a JSON object with any of file, level and format, "
                   "such as {\"file\": \"audit.log\", \"level\": \"info\"}; or " NONE,
                   text);
  int error = read_fields(handler, &reader, item.count, text, reason);
  return error == 0 ? check(handler, text, reason) : error;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void clear_handler(struct th_runlog_handler *handler) {
  free((char *)(uintptr_t)handler->file);
  free((char *)(uintptr_t)handler->level);
  free((char *)(uintptr_t)handler->format);
}

static void clear_list(struct th_loghandlers *handlers) {
  for (size_t i = 0; i < handlers->count; i++) clear_handler(&handlers->list[i]);
  handlers->count = 0;
}

int th_loghandlers_parse(struct th_loghandlers *handlers, const char *text,
                         struct th_reason *reason) {
  size_t size = (handlers->count + 1) * sizeof *handlers->list;
  struct th_runlog_handler handler = {.file = NULL};
  struct th_buffer packed;
  if (strcmp(text, NONE) == 0) {
    handlers->list = th_realloc(handlers->list, size);
    clear_list(handlers);
    return 0;
  }
  th_buffer_init(&packed);
  th_json_to_pack(text, &packed); /* Where that fails it gives nothing, which is no handler. */
  int error = read_handler(&handler, text, &packed, reason);
  th_buffer_clear(&packed);
  if (error != 0) {
    clear_handler(&handler);
    return error;
  }
  handlers->list = th_realloc(handlers->list, size);
  handlers->list[handlers->count++] = handler;
  return 0;
}

void th_loghandlers_clear(struct th_loghandlers *handlers) {
  clear_list(handlers);
  free(handlers->list);
  *handlers = (struct th_loghandlers){0};
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool is_utf8(const char *text) {
  const unsigned char *data = (const unsigned char *)text;
  for (size_t left = strlen(text), size; left != 0; left -= size, data += size) {
    if ((size = th_utf8_size(data, left)) == 0) return false;
  }
  return true;
}

static bool pack_field(struct th_buffer *packed, const char *name, const char *value) {
  if (value == NULL) return true;
  th_pack_text(packed, name);
  th_pack_text(packed, value);
  return is_utf8(value);
}

int th_loghandler_write(const struct th_runlog_handler *handler, struct th_buffer *text,
                        struct th_reason *reason) {
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_map(&packed, (uint32_t)(handler->file != NULL) + (uint32_t)(handler->level != NULL) +
                         (uint32_t)(handler->format != NULL));
  int error = 0;
  if (!pack_field(&packed, "file", handler->file))
    error = th_fail(reason, TH_EUSAGE,
                    "the log file \"%s\" of a handler cannot be told to a new process: its name is "
                    "not UTF-8",
                    handler->file);
  pack_field(&packed, "level", handler->level); /* Checked before, like the format. */
  pack_field(&packed, "format", handler->format);
  if (error == 0) error = th_json_write(packed.data, packed.size, text);
  th_buffer_append(text, "", 1);
  th_buffer_clear(&packed);
  return error;
}
