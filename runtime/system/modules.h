/* modules: where the code of a script's modules is found.
 *
 * Order: the bundle the actor comes from, the folders of the system, then the templates of the
 * installed Lua path ("/usr/share/lua/5.4/?.lua;..."). Nothing is cached here; keys say when code
 * is the same, so that whoever compiles it can cache.
 *
 * Threads: any; fixed after _new. Owns: its copies of the paths.
 */
#ifndef TH_SYSTEM_MODULES_H
#define TH_SYSTEM_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "actor/world.h"
#include "admin/source.h"

struct th_modules;

/* templates NULL: the places where Lua itself is installed on this system. Scripts from a bundle
 * look there whatever templates says, since it may come from the environment or name the current
 * folder. */
struct th_modules *th_modules_new(const char *const *folders, size_t count, const char *templates);
void th_modules_free(struct th_modules *modules);

/* The whole as templates, as Lua's package.path says it, for scripts from that source. Borrowed. */
const char *th_modules_path(const struct th_modules *modules, const struct th_source *source);

/* As th_world_ops.module says. */
bool th_modules_find(struct th_modules *modules, struct th_source *source, const char *name,
                     bool with_code, struct th_module *module, struct th_buffer *searched);

#endif
