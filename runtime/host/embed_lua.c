/* The library's counterpart of main.c: where the rooms of the runtime and of Lua are put together
 * for programs that embed them. */
#include "bindings/run.h"
#include "host/embed.h"

const struct th_script *th_embed_lua(void) {
  return th_script_lua();
}
