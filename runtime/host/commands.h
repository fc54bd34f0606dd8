/* commands: what thespian-host does when it is called.
 *
 * Finds the command, reads its options, runs it, and turns its outcome into an exit status: 0
 * done; 1 refused or failed, and one line on standard error says why; 2 wrong usage; 3 no system
 * there; 4 timed out.
 *
 * Threads: caller, the main thread.
 */
#ifndef TH_HOST_COMMANDS_H
#define TH_HOST_COMMANDS_H

#include "base/bytes.h"
#include "host/options.h"

struct th_script;

/* Makes a bundle whose Lua is compiled from one in memory. */
typedef int th_bundle_compiler(const void *zip, size_t size, bool keep_debug,
                               struct th_bytes **compiled, struct th_reason *reason);

/* What only the room of Lua can do; main brings the two together. */
struct th_language {
  int (*run)(int argc, char **argv); /* a program, argv[0]; gives the exit status */
  const struct th_script *(*script)(void);
  const char *(*version)(void);
  th_config_reader *read_config; /* NULL: config files cannot be read */
  th_bundle_compiler *compile;   /* NULL: bundles cannot be compiled */
};

int th_commands_run(int argc, char **argv, const struct th_language *language);

#endif
