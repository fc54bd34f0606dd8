/* main: thespian-host, the rooms of the runtime and of Lua put together. */
#include "bindings/compile.h"
#include "bindings/config.h"
#include "bindings/run.h"
#include "host/commands.h"

int main(int argc, char **argv) {
  const struct th_language language = {.run = th_run_program,
                                       .script = th_script_lua,
                                       .version = th_lua_version,
                                       .read_config = th_lua_read_config,
                                       .compile = th_compile_bundle};
  return th_commands_run(argc, argv, &language);
}
