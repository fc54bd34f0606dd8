/* options_config: options from a table, the content of a config file.
 *
 * Threads: caller. Owns: nothing.
 */
#ifndef TH_HOST_OPTIONS_CONFIG_H
#define TH_HOST_OPTIONS_CONFIG_H

#include "host/options.h"

/* Adds what a packed map says: keys are long names of options that command takes, with - or _, but
 * for capability, whose key is capabilities with a table of its own. Repeatable options have a
 * text or a list of texts, flags a boolean; a log handler is a table or a text, and an empty list
 * of them is none. TH_EUSAGE with a reason that names the key. */
int th_options_config(struct th_options *options, const struct th_command_usage *command,
                      const void *table, size_t size, struct th_reason *reason);

/* Adds one value. */
void th_options_add(struct th_options *options, enum th_option option, const char *value,
                    size_t size);

#endif
