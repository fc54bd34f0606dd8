#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/jsontext.h"
#include "base/memory.h"
#include "base/ration.h"

static const struct th_ration_limits limits = {.window = 10 * TH_SECOND,
                                               .lines = 2000,
                                               .bytes = 256 << 10,
                                               .all_lines = 20000,
                                               .all_bytes = 2560 << 10};

struct th_log {
  char *path;     /* NULL for standard error */
  char *old_path; /* where rotation puts the file */
  size_t max_size;
  enum th_log_level threshold;
  enum th_log_level least; /* the lowest threshold, of this log and of those after it */
  struct th_log *next;     /* gets each line, too; NULL for none */
  bool is_json;
  char system[32]; /* empty for none */
  uint64_t (*now)(void *context);
  void *now_context;
  _Atomic(const struct th_log_tap *) tap; /* of the first of a chain; NULL for none */
  pthread_mutex_t lock;                   /* guards all below and the rotation */
  struct th_ration *ration;
  int fd;
  bool takes_stderr;
};

static int open_file(const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
  return fd >= 0 ? fd : -errno;
}

static char *join(const char *path, const char *suffix) {
  size_t size = strlen(path);
  char *joined = th_alloc(size + strlen(suffix) + 1);
  strcpy(stpcpy(joined, path), suffix);
  return joined;
}

static uint64_t real_time(void *context) {
  (void)context;
  return th_clock_now();
}

int th_log_open(struct th_log **log, const char *path, size_t max_size,
                enum th_log_level threshold) {
  int fd = path != NULL ? open_file(path) : STDERR_FILENO;
  if (fd < 0) return fd;
  struct th_log *opened = th_new(struct th_log);
  opened->fd = fd;
  opened->threshold = opened->least = threshold;
  opened->max_size = max_size;
  opened->now = real_time;
  opened->ration = th_ration_new(&limits);
  if (path != NULL) {
    opened->path = th_strdup(path);
    opened->old_path = join(path, ".old");
  }
  pthread_mutex_init(&opened->lock, NULL);
  *log = opened;
  return 0;
}

/* Only a regular file is one that lines of two logs would get lost in by rotation, or mix in two
 * formats; whoever names a terminal or /dev/null twice knows what for. */
static bool writes_same_file(const struct th_log *log, const struct th_log *other) {
  struct stat one, another;
  if (log->path == NULL && other->path == NULL) return true;
  return fstat(log->fd, &one) == 0 && S_ISREG(one.st_mode) && fstat(other->fd, &another) == 0 &&
         one.st_dev == another.st_dev && one.st_ino == another.st_ino;
}

int th_log_add(struct th_log *log, struct th_log *other) {
  struct th_log **end = &log;
  for (; *end != NULL; end = &(*end)->next) {
    if (writes_same_file(*end, other)) return -EEXIST;
  }
  *end = other;
  for (struct th_log *each = log; each != other; each = each->next) {
    if (other->threshold < each->least) each->least = other->threshold;
  }
  return 0;
}

void th_log_use_json(struct th_log *log) {
  log->is_json = true;
}

void th_log_set_system(struct th_log *log, const char *system) {
  for (; log != NULL; log = log->next) snprintf(log->system, sizeof log->system, "%s", system);
}

void th_log_set_clock(struct th_log *log, uint64_t (*now)(void *context), void *context) {
  for (; log != NULL; log = log->next) {
    log->now = now;
    log->now_context = context;
  }
}

void th_log_take_stderr(struct th_log *log) {
  if (log->path == NULL) return;
  pthread_mutex_lock(&log->lock);
  log->takes_stderr = dup2(log->fd, STDERR_FILENO) >= 0;
  pthread_mutex_unlock(&log->lock);
}

/* NULL where it is not to be told of such a line. */
static const struct th_log_tap *tap_for(const struct th_log *log, enum th_log_level level) {
  if (level < TH_LOG_WARNING) return NULL;
  /* Acquire: with the tap comes what it points to. */
  return atomic_load_explicit(&log->tap, memory_order_acquire);
}

void th_log_set_tap(struct th_log *log, const struct th_log_tap *tap) {
  if (log != NULL) atomic_store_explicit(&log->tap, tap, memory_order_release);
}

bool th_log_wants(const struct th_log *log, enum th_log_level level) {
  return log != NULL && (level >= log->least || tap_for(log, level) != NULL);
}

static bool has_outgrown(const struct th_log *log, struct stat *file) {
  if (log->path == NULL || log->max_size == 0 || fstat(log->fd, file) != 0) return false;
  return S_ISREG(file->st_mode) && file->st_size > 0 && (size_t)file->st_size > log->max_size;
}

/* Several processes may write one file. Each holds the outgrown one open, so the lock on it lets
 * one of them rename it; the others then find another file at path, or none, and only open that. */
static void rotate(struct th_log *log, const struct stat *file) {
  struct stat named;
  flock(log->fd, LOCK_EX);
  bool is_ours = stat(log->path, &named) == 0 && named.st_ino == file->st_ino &&
                 named.st_dev == file->st_dev;
  int fd = -1;
  if (!is_ours || rename(log->path, log->old_path) == 0) fd = open_file(log->path);
  flock(log->fd, LOCK_UN);
  if (fd < 0) return; /* Better a file that is too long, or that has the wrong name, than none. */
  close(log->fd);
  log->fd = fd;
  if (log->takes_stderr) dup2(fd, STDERR_FILENO);
}

static void write_all(int fd, const unsigned char *data, size_t size) {
  while (size != 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return; /* There is nowhere left to complain to. */
    data += written;
    size -= (size_t)written;
  }
}

static const char *level_name(enum th_log_level level) {
  switch (level) {
  case TH_LOG_DEBUG:
    return "DEBUG";
  case TH_LOG_INFO:
    return "INFO";
  case TH_LOG_WARNING:
    return "WARNING";
  case TH_LOG_ERROR:
    return "ERROR";
  default:
    return "CRITICAL";
  }
}

/* ---- lines of text ---- */

/* A moment: its date and time, and milliseconds. */
struct moment {
  struct tm date;
  long milliseconds;
};

static struct moment read_clock(struct tm *(*convert)(const time_t *, struct tm *)) {
  struct timespec now;
  struct moment moment = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  convert(&now.tv_sec, &moment.date);
  moment.milliseconds = now.tv_nsec / 1000000;
  return moment;
}

static void append_head(struct th_buffer *line, enum th_log_level level) {
  struct moment now = read_clock(localtime_r);
  char text[32] = "";
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &now.date);
  th_buffer_printf(line, "%s.%03ld p%ld %s ", text, now.milliseconds, (long)getpid(),
                   level_name(level));
}

/* Words may quote strangers: a line of theirs is never mistaken for one of ours, since it is
 * indented, and their control characters do not reach a terminal. */
static void append_words(struct th_buffer *line, const struct th_buffer *words) {
  size_t size = words->size;
  while (size != 0 && words->data[size - 1] == '\n') size--;
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = words->data[i];
    if (byte == '\n') {
      th_buffer_append(line, "\n    ", 5);
    } else {
      bool is_control = (byte < ' ' && byte != '\t') || byte == 0x7f;
      th_buffer_append(line, is_control ? (const unsigned char *)"?" : &byte, 1);
    }
  }
  th_buffer_append(line, "\n", 1);
}

static void append_source(struct th_buffer *words, const struct th_log_source *source) {
  if (source->class_name != NULL) th_buffer_printf(words, "%s ", source->class_name);
  th_buffer_printf(words, "%s", source->address);
  if (source->logger != NULL && source->logger[0] != '\0')
    th_buffer_printf(words, " [%s]", source->logger);
  th_buffer_printf(words, source->logger != NULL ? ": " : " ");
}

/* ---- lines of JSON ---- */

static void append_field(struct th_buffer *line, const char *name, const char *value) {
  if (value == NULL || value[0] == '\0') return;
  th_buffer_printf(line, ",\"%s\":", name);
  th_jsontext_append(line, value, strlen(value));
}

static void append_json(const struct th_log *log, struct th_buffer *line,
                        const struct th_log_source *source, enum th_log_level level,
                        const struct th_buffer *words) {
  struct moment now = read_clock(gmtime_r);
  char text[32] = "";
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &now.date);
  th_buffer_printf(line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"pid\":%ld", text,
                   now.milliseconds, level_name(level), (long)getpid());
  append_field(line, "system", log->system);
  if (source != NULL) {
    append_field(line, "class", source->class_name);
    append_field(line, "actor", source->address);
    append_field(line, "logger", source->logger);
  }
  th_buffer_printf(line, ",\"message\":");
  th_jsontext_append(line, words->data, words->size);
  th_buffer_append(line, "}\n", 2);
}

/* ---- writing ---- */

static void make_line(const struct th_log *log, struct th_buffer *line,
                      const struct th_log_source *source, enum th_log_level level,
                      struct th_buffer *words) {
  if (log->is_json) {
    append_json(log, line, source, level, words);
    return;
  }
  append_head(line, level);
  append_words(line, words);
}

/* The caller holds the lock. */
static void write_line(struct th_log *log, const struct th_buffer *line) {
  struct stat file;
  if (has_outgrown(log, &file)) rotate(log, &file);
  write_all(log->fd, line->data, line->size);
}

/* The caller holds the lock. */
static void tell_dropped(void *context, const char *name, uint64_t count) {
  struct th_log *log = context;
  struct th_buffer words, line;
  th_buffer_init(&words);
  th_buffer_init(&line);
  th_buffer_printf(&words, "dropped %llu line%s of %s in %d s", (unsigned long long)count,
                   count == 1 ? "" : "s",
                   name != NULL ? name : "many, who together wrote more than the log takes",
                   (int)(limits.window / TH_SECOND));
  make_line(log, &line, NULL, TH_LOG_WARNING, &words);
  write_line(log, &line);
  th_buffer_clear(&words);
  th_buffer_clear(&line);
}

static bool may_write(struct th_log *log, const struct th_log_source *source) {
  char name[160] = "";
  if (source != NULL)
    snprintf(name, sizeof name, "%s %s", source->class_name != NULL ? source->class_name : "actor",
             source->address);
  pthread_mutex_lock(&log->lock);
  th_ration_turn(log->ration, log->now(log->now_context), tell_dropped, log);
  bool may = th_ration_take(log->ration, source != NULL ? source->key : 0, name);
  pthread_mutex_unlock(&log->lock);
  return may;
}

/* What is allowed. */
static void write_allowed(struct th_log *log, const struct th_log_source *source,
                          enum th_log_level level, const struct th_buffer *said) {
  struct th_buffer words, line;
  th_buffer_init(&words);
  th_buffer_init(&line);
  if (source != NULL && !log->is_json) append_source(&words, source);
  th_buffer_append(&words, said->data, said->size);
  make_line(log, &line, source, level, &words);
  pthread_mutex_lock(&log->lock);
  th_ration_charge(log->ration, source != NULL ? source->key : 0, line.size);
  write_line(log, &line);
  pthread_mutex_unlock(&log->lock);
  th_buffer_clear(&words);
  th_buffer_clear(&line);
}

static void tell(const struct th_log *log, const struct th_log_source *source,
                 enum th_log_level level, const void *said, size_t size) {
  const struct th_log_tap *tap = tap_for(log, level);
  struct th_buffer words;
  if (tap == NULL || (source != NULL && source->is_elsewhere)) return;
  th_buffer_init(&words);
  if (source != NULL) append_source(&words, source);
  th_buffer_append(&words, said, size);
  tap->tell(tap->context, level, words.data, words.size);
  th_buffer_clear(&words);
}

static void tell_format(const struct th_log *log, const struct th_log_source *source,
                        enum th_log_level level, const char *format, va_list arguments) {
  struct th_buffer said;
  va_list copy;
  if (tap_for(log, level) == NULL) return;
  th_buffer_init(&said);
  va_copy(copy, arguments);
  th_buffer_vprintf(&said, format, copy);
  va_end(copy);
  tell(log, source, level, said.data, said.size);
  th_buffer_clear(&said);
}

/* Each log asks its own ration, and before the words are made: what is dropped costs little. */
static void write_format(struct th_log *log, const struct th_log_source *source,
                         enum th_log_level level, const char *format, va_list arguments) {
  tell_format(log, source, level, format, arguments);
  for (; log != NULL; log = log->next) {
    if (level < log->threshold || !may_write(log, source)) continue;
    struct th_buffer said;
    va_list copy;
    th_buffer_init(&said);
    va_copy(copy, arguments);
    th_buffer_vprintf(&said, format, copy);
    va_end(copy);
    write_allowed(log, source, level, &said);
    th_buffer_clear(&said);
  }
}

void th_log_write(struct th_log *log, enum th_log_level level, const char *format, ...) {
  if (!th_log_wants(log, level)) return;
  va_list arguments;
  va_start(arguments, format);
  write_format(log, NULL, level, format, arguments);
  va_end(arguments);
}

void th_log_write_from(struct th_log *log, const struct th_log_source *source,
                       enum th_log_level level, const char *format, ...) {
  if (!th_log_wants(log, level)) return;
  va_list arguments;
  va_start(arguments, format);
  write_format(log, source, level, format, arguments);
  va_end(arguments);
}

void th_log_write_text(struct th_log *log, const struct th_log_source *source,
                       enum th_log_level level, const void *text, size_t size) {
  if (!th_log_wants(log, level)) return;
  tell(log, source, level, text, size);
  for (; log != NULL; log = log->next) {
    if (level < log->threshold || !may_write(log, source)) continue;
    struct th_buffer said;
    th_buffer_init(&said);
    th_buffer_append(&said, text, size);
    write_allowed(log, source, level, &said);
    th_buffer_clear(&said);
  }
}

static void close_one(struct th_log *log) {
  th_ration_turn(log->ration, TH_FOREVER, tell_dropped, log);
  th_ration_free(log->ration);
  if (log->path != NULL) close(log->fd);
  pthread_mutex_destroy(&log->lock);
  free(log->path);
  free(log->old_path);
  free(log);
}

void th_log_close(struct th_log *log) {
  while (log != NULL) {
    struct th_log *next = log->next;
    close_one(log);
    log = next;
  }
}

/* ---- words for settings ---- */

bool th_log_format_parse(const char *text, bool *is_json) {
  *is_json = strcasecmp(text, "json") == 0;
  return *is_json || strcasecmp(text, "text") == 0;
}

bool th_log_level_parse(const char *text, enum th_log_level *level) {
  static const struct {
    const char *name;
    enum th_log_level level;
  } names[] = {
    {"debug", TH_LOG_DEBUG},     {"info", TH_LOG_INFO},   {"warn", TH_LOG_WARNING},
    {"warning", TH_LOG_WARNING}, {"error", TH_LOG_ERROR}, {"critical", TH_LOG_CRITICAL},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcasecmp(text, names[i].name) != 0) continue;
    *level = names[i].level;
    return true;
  }
  return false;
}
