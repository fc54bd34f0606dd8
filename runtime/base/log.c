#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

struct th_log {
  char *path;     /* NULL for standard error */
  char *old_path; /* where rotation puts the file */
  size_t max_size;
  enum th_log_level threshold;
  pthread_mutex_t lock; /* guards all below and the rotation */
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

int th_log_open(struct th_log **log, const char *path, size_t max_size,
                enum th_log_level threshold) {
  int fd = path != NULL ? open_file(path) : STDERR_FILENO;
  if (fd < 0) return fd;
  struct th_log *opened = th_new(struct th_log);
  opened->fd = fd;
  opened->threshold = threshold;
  opened->max_size = max_size;
  if (path != NULL) {
    opened->path = th_strdup(path);
    opened->old_path = join(path, ".old");
  }
  pthread_mutex_init(&opened->lock, NULL);
  *log = opened;
  return 0;
}

void th_log_close(struct th_log *log) {
  if (log == NULL) return;
  if (log->path != NULL) close(log->fd);
  pthread_mutex_destroy(&log->lock);
  free(log->path);
  free(log->old_path);
  free(log);
}

void th_log_take_stderr(struct th_log *log) {
  if (log->path == NULL) return;
  pthread_mutex_lock(&log->lock);
  log->takes_stderr = dup2(log->fd, STDERR_FILENO) >= 0;
  pthread_mutex_unlock(&log->lock);
}

bool th_log_wants(const struct th_log *log, enum th_log_level level) {
  return log != NULL && level >= log->threshold;
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

static void append_head(struct th_buffer *line, enum th_log_level level) {
  struct timespec now;
  struct tm date;
  char text[32] = "";
  clock_gettime(CLOCK_REALTIME, &now);
  if (localtime_r(&now.tv_sec, &date) != NULL)
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &date);
  th_buffer_printf(line, "%s.%03ld p%ld %s ", text, now.tv_nsec / 1000000, (long)getpid(),
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

void th_log_write(struct th_log *log, enum th_log_level level, const char *format, ...) {
  if (!th_log_wants(log, level)) return;
  struct th_buffer words, line;
  th_buffer_init(&words);
  th_buffer_init(&line);
  va_list arguments;
  va_start(arguments, format);
  th_buffer_vprintf(&words, format, arguments);
  va_end(arguments);
  append_head(&line, level);
  append_words(&line, &words);
  pthread_mutex_lock(&log->lock);
  struct stat file;
  if (has_outgrown(log, &file)) rotate(log, &file);
  write_all(log->fd, line.data, line.size);
  pthread_mutex_unlock(&log->lock);
  th_buffer_clear(&words);
  th_buffer_clear(&line);
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
