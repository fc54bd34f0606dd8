/* options: what was said on the command line, checked.
 *
 * Everything that can be wrong without asking a system is found here, as wrong usage. Values stand
 * in the order given, those of a config file before those of the command line: where one value
 * counts, it is the last.
 *
 * Threads: caller. Owns: copies of the values; borrows the arguments.
 */
#ifndef TH_HOST_OPTIONS_H
#define TH_HOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "host/loghandler.h"
#include "host/pairs.h"
#include "host/usage.h"

struct th_texts {
  char **list;
  size_t count;
};

struct th_options {
  struct th_texts texts[TH_OPTION_COUNT]; /* of a flag that is set: one empty text */
  struct th_pairs capabilities;
  struct th_pairs requirements;
  struct th_loghandlers log_handlers;
  uint16_t port;
  uint64_t timeout; /* nanoseconds */
  int argument_count;
  char **arguments; /* borrowed */
};

/* Reads the file of --config: appends its table as a packed map. The room of Lua provides it. */
typedef int th_config_reader(const char *file, struct th_buffer *table, struct th_reason *reason);

/* Reads argv[1] and on for that command; argv[0] is its name, and argv may come back in another
 * order. TH_EUSAGE with a reason, or what the reader of config files gave (NULL: there is none).
 * With --help nothing else is checked. To be cleared in any case. */
int th_options_parse(struct th_options *options, const struct th_command_usage *command, int argc,
                     char **argv, th_config_reader *read_config, struct th_reason *reason);
void th_options_clear(struct th_options *options);

bool th_options_has(const struct th_options *options, enum th_option option);

/* The last value given; otherwise where there is none. Borrowed. */
const char *th_options_text(const struct th_options *options, enum th_option option,
                            const char *otherwise);

#endif
