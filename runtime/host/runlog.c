#include "host/runlog.h"

#include <stdio.h>
#include <stdlib.h>

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

static int read_words(const struct th_runlog *said, enum th_log_level *threshold, bool *is_json,
                      struct th_reason *reason) {
  *threshold = default_level();
  *is_json = false;
  if (said->level != NULL && !th_log_level_parse(said->level, threshold))
    return th_fail(reason, TH_EUSAGE,
                   "\"%s\" is not a log level: debug, info, warning, error or critical",
                   said->level);
  if (said->format != NULL && !th_log_format_parse(said->format, is_json))
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not a log format: text or json", said->format);
  return 0;
}

int th_runlog_open(struct th_log **log, const struct th_runlog *said, bool background,
                   struct th_reason *reason) {
  enum th_log_level threshold;
  bool is_json;
  const char *file = said->file;
  int error = read_words(said, &threshold, &is_json, reason);
  if (error != 0) return error;
  size_t size = max_size(file == NULL ? TH_RUNLOG_SIZE : 0);
  if (file == NULL && background) file = default_file();
  error = th_log_open(log, file, size, threshold);
  if (error != 0) {
    return th_fail(reason, error, "cannot write the log %s: %s",
                   file != NULL ? file : "(standard error)", th_error_words(error));
  }
  if (is_json) th_log_use_json(*log);
  return 0;
}
