/* config: a config file, which is a Lua file that returns a table.
 *
 * It runs in a state without libraries: it can compute its values, but reach nothing. Values are
 * strings, numbers, booleans, and tables of these: sequences, or names with values.
 *
 * Threads: caller. Owns: nothing after its call.
 */
#ifndef TH_BINDINGS_CONFIG_H
#define TH_BINDINGS_CONFIG_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the table as a packed value. TH_ESTARTUP with a reason when the file cannot be read or
 * run, returns no table, or one that holds something else; table is then of no use. */
int th_lua_read_config(const char *file, struct th_buffer *table, struct th_reason *reason);

#endif
