/* log: lines for people about what the runtime does.
 *
 * One line an event: time, process, level, words; or one JSON object with the fields time, level,
 * pid, system, class, actor, logger and message, as far as they are known. A line is written with
 * one write(), so lines of several threads and processes do not mix. The lock guards the file
 * descriptor, the rotation and the ration.
 *
 * A log may be given others: every line then goes to each of them that wants its level, too. Each
 * has a file, a level, a format, a rotation and a ration of its own.
 *
 * Somebody may listen (th_log_set_tap): that is how members' warnings come to their leader.
 *
 * Nobody can fill a disk: each source may write 2000 lines or 256 KiB in 10 seconds, all together
 * ten times as much. What is past that is dropped, and when the time is over one line for each
 * source says how many were: with the next line that anybody writes, or at the end.
 *
 * Threads: any. Owns: the open file, unless it is standard error; the logs that it was given.
 */
#ifndef TH_BASE_LOG_H
#define TH_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum th_log_level { TH_LOG_DEBUG, TH_LOG_INFO, TH_LOG_WARNING, TH_LOG_ERROR, TH_LOG_CRITICAL };

struct th_log;

/* Opens a log: path NULL is standard error. max_size 0 never rotates; else a file that has grown
 * past it is renamed to path.old (replacing that) and begun anew. */
int th_log_open(struct th_log **log, const char *path, size_t max_size,
                enum th_log_level threshold);

/* Takes other, a log that was given none: each line goes there, too, and it is closed with log.
 * -EEXIST when both would write to one file, or both to standard error: it is not taken then. */
int th_log_add(struct th_log *log, struct th_log *other);

/* With all that it was given. NULL is fine. */
void th_log_close(struct th_log *log);

/* Before anyone writes. JSON in place of text, for this log alone; for those that it was given,
 * too: the system that all lines are of (kept, up to 32 bytes); the clock for the ration. */
void th_log_use_json(struct th_log *log);
void th_log_set_system(struct th_log *log, const char *system);
void th_log_set_clock(struct th_log *log, uint64_t (*now)(void *context), void *context);

/* Has the process's standard error go to this log's own file from now on, also to a new one after
 * a rotation: what libraries say before they end the process is not lost. Nothing for a log that
 * is standard error. */
void th_log_take_stderr(struct th_log *log);

/* True when a line of that level would be written, there or by a log that it was given, or told;
 * log may be NULL (then never). */
bool th_log_wants(const struct th_log *log, enum th_log_level level);

/* Told of each line from warnings on, whatever any log's level and ration: its words as text, with
 * whose it is, not ended by a newline. Not of lines that came from elsewhere. Called in the writer's
 * thread, with no lock held; it must neither block nor write to the log. */
struct th_log_tap {
  void (*tell)(void *context, enum th_log_level level, const void *words, size_t size);
  void *context;
};

/* While others may write; NULL ends it, and who wrote meanwhile may still be telling. tap is
 * borrowed. log may be NULL. */
void th_log_set_tap(struct th_log *log, const struct th_log_tap *tap);

/* Whose line it is. All borrowed. */
struct th_log_source {
  uint64_t key;           /* the number of the actor: the ration is kept by it */
  const char *class_name; /* may be NULL */
  const char *address;
  const char *logger; /* NULL: what the runtime says about the actor */
  bool is_elsewhere;  /* the line comes from another system's log */
};

/* Writes a line; newlines inside become line breaks with an indent. log may be NULL. */
void th_log_write(struct th_log *log, enum th_log_level level, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* The same for a line that an actor is the source of: in text the words begin with class and
 * address. */
void th_log_write_from(struct th_log *log, const struct th_log_source *source,
                       enum th_log_level level, const char *format, ...)
  __attribute__((format(printf, 4, 5)));

/* The same for words of any bytes. */
void th_log_write_text(struct th_log *log, const struct th_log_source *source,
                       enum th_log_level level, const void *text, size_t size);

/* "text" or "json"; false when it is neither. */
bool th_log_format_parse(const char *text, bool *is_json);

/* "debug", "INFO", "warn", ... to a level; false when it is none. */
bool th_log_level_parse(const char *text, enum th_log_level *level);

#endif
