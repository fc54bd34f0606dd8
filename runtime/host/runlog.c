#include "host/runlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The names that the variables have had: the code's and the manual's. */
static const char *setting(const char *name, const char *manual_name) {
  const char *value = getenv(name);
  if (value == NULL || *value == '\0') value = getenv(manual_name);
  return value != NULL && *value != '\0' ? value : NULL;
}

static const char *default_file(void) {
  const char *file = setting("THESPLOG_FILE", "THESPILOG_FILE");
  return file != NULL ? file : TH_RUNLOG_FILE;
}

/* Below 10 KiB a log would be all rotation: such a size, and 0, mean that it never rotates. */
static size_t max_size(size_t otherwise) {
  const char *text = setting("THESPLOG_FILE_MAXSIZE", "THESPILOG_FILE_MAXSIZE");
  if (text == NULL) return otherwise;
  unsigned long long size = strtoull(text, NULL, 10);
  return size < 10240 ? 0 : (size_t)size;
}

/* A level of the environment that is none is passed over: it must not keep a system from
 * starting. */
static enum th_log_level default_level(void) {
  enum th_log_level level;
  const char *text = setting("THESPLOG_THRESHOLD", "THESPILOG_THRESHOLD");
  if (text != NULL && th_log_level_parse(text, &level)) return level;
  return TH_LOG_WARNING;
}

/* ---- what was said --------------------------------------------------------------------------- */

static int check_words(const char *name, const char *level, const char *format,
                       struct th_reason *reason) {
  enum th_log_level threshold;
  bool is_json;
  if (level != NULL && !th_log_level_parse(level, &threshold))
    return th_fail(reason, TH_EUSAGE,
                   "%s%s\"%s\" is not a log level: debug, info, warning, error or critical", name,
                   *name != '\0' ? ".level: " : "", level);
  if (format != NULL && !th_log_format_parse(format, &is_json))
    return th_fail(reason, TH_EUSAGE, "%s%s\"%s\" is not a log format: text or json", name,
                   *name != '\0' ? ".format: " : "", format);
  return 0;
}

int th_runlog_check(const struct th_runlog *said, struct th_reason *reason) {
  int error = check_words("", said->level, said->format, reason);
  for (size_t i = 0; i < said->handler_count && error == 0; i++) {
    const struct th_runlog_handler *handler = &said->handlers[i];
    char number[48];
    snprintf(number, sizeof number, "log_handlers[%zu]", i);
    error = check_words(handler->name != NULL ? handler->name : number, handler->level,
                        handler->format, reason);
  }
  return error;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What is open so far. */
struct outlets {
  struct th_log *log; /* NULL: none */
  struct th_log *for_streams;
  bool is_for_streams_text;
  bool is_for_streams_named;
};

static const char *either(const char *own, const char *otherwise) {
  return own != NULL ? own : otherwise;
}

static void choose_for_streams(struct outlets *outlets, struct th_log *log, bool is_text,
                               bool is_named) {
  if (outlets->for_streams != NULL && (outlets->is_for_streams_text || !is_text)) return;
  outlets->for_streams = log;
  outlets->is_for_streams_text = is_text;
  outlets->is_for_streams_named = is_named;
}

/* Takes log. */
static int add_outlet(struct outlets *outlets, struct th_log *log, const char *file,
                      struct th_reason *reason) {
  if (outlets->log == NULL) {
    outlets->log = log;
    return 0;
  }
  int error = th_log_add(outlets->log, log);
  if (error == 0) return 0;
  th_log_close(log);
  return th_fail(reason, error, "two log handlers write to %s: give each a file of its own",
                 either(file, "standard error"));
}

static int open_outlet(struct outlets *outlets, const struct th_runlog *said,
                       const struct th_runlog_handler *handler, bool background,
                       struct th_reason *reason) {
  struct th_log *log;
  const char *named = either(handler->file, said->file);
  const char *level = either(handler->level, said->level);
  const char *format = either(handler->format, said->format);
  const char *file = named == NULL && background ? default_file() : named;
  enum th_log_level threshold = default_level();
  bool is_json = false;
  if (level != NULL) th_log_level_parse(level, &threshold);
  if (format != NULL) th_log_format_parse(format, &is_json);
  int error = th_log_open(&log, file, max_size(named == NULL ? TH_RUNLOG_SIZE : 0), threshold);
  if (error != 0 && named == NULL) return 0;
  if (error != 0)
    return th_fail(reason, error, "cannot write the log %s: %s", file, th_error_words(error));
  if (is_json) th_log_use_json(log);
  if ((error = add_outlet(outlets, log, file, reason)) != 0) return error;
  choose_for_streams(outlets, log, !is_json, named != NULL);
  return 0;
}

static void take_streams(const struct outlets *outlets) {
  if (outlets->for_streams == NULL) return;
  th_log_take_stderr(outlets->for_streams);
  if (outlets->is_for_streams_named) dup2(STDERR_FILENO, STDOUT_FILENO);
}

int th_runlog_open(struct th_log **log, const struct th_runlog *said, bool background,
                   struct th_reason *reason) {
  static const struct th_runlog_handler as_said = {.file = NULL};
  const struct th_runlog_handler *handlers = said->handlers != NULL ? said->handlers : &as_said;
  size_t count = said->handlers != NULL ? said->handler_count : 1;
  struct outlets outlets = {.log = NULL};
  int error = th_runlog_check(said, reason);
  for (size_t i = 0; i < count && error == 0; i++)
    error = open_outlet(&outlets, said, &handlers[i], background, reason);
  if (error != 0) {
    th_log_close(outlets.log);
    return error;
  }
  if (said->takes_streams) take_streams(&outlets);
  *log = outlets.log;
  return 0;
}
