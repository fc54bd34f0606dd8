/* main: thespian-host, the rooms of the runtime and of Lua put together. */
#include <malloc.h>

#include "bindings/compile.h"
#include "bindings/config.h"
#include "bindings/run.h"
#include "host/commands.h"

/* Messages come and go all the time: memory that was given back to the system at once would be cleared
 * and given out again, page by page, for each of them. */
static void keep_memory(void) {
#ifdef M_TRIM_THRESHOLD
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
#endif
}

int main(int argc, char **argv) {
  keep_memory();
  const struct th_language language = {.run = th_run_program,
                                       .script = th_script_lua,
                                       .version = th_lua_version,
                                       .read_config = th_lua_read_config,
                                       .compile = th_compile_bundle};
  return th_commands_run(argc, argv, &language);
}
