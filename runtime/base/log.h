/* log: lines for people about what the runtime does.
 *
 * One line an event: time, process, level, words. A line is written with one write(), so lines of
 * several threads and processes do not mix. The lock guards the file descriptor and the rotation.
 *
 * Threads: any. Owns: the open file, unless it is standard error.
 */
#ifndef TH_BASE_LOG_H
#define TH_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum th_log_level { TH_LOG_DEBUG, TH_LOG_INFO, TH_LOG_WARNING, TH_LOG_ERROR, TH_LOG_CRITICAL };

struct th_log;

/* Opens a log: path NULL is standard error. max_size 0 never rotates; else a file that has grown
 * past it is renamed to path.old (replacing that) and begun anew. */
int th_log_open(struct th_log **log, const char *path, size_t max_size,
                enum th_log_level threshold);
void th_log_close(struct th_log *log);

/* Has the process's standard error go to the log's file from now on, also to a new one after a
 * rotation: what libraries say before they end the process is not lost. Nothing for a log that is
 * standard error. */
void th_log_take_stderr(struct th_log *log);

/* True when a line of that level would be written; log may be NULL (then never). */
bool th_log_wants(const struct th_log *log, enum th_log_level level);

/* Writes a line; newlines inside become line breaks with an indent. log may be NULL. */
void th_log_write(struct th_log *log, enum th_log_level level, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* "debug", "INFO", "warn", ... to a level; false when it is none. */
bool th_log_level_parse(const char *text, enum th_log_level *level);

#endif
