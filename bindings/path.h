/* path: where in a message something stands, in words, as Lua would say it.
 *
 * Whoever walks a nested value keeps one th_path_level for each table that he is in, linked on the
 * C stack, with the current key right above the table on the Lua stack. Only when something is
 * wrong are they read.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_PATH_H
#define TH_BINDINGS_PATH_H

#include <lua.h>
#include <stdbool.h>

struct th_path_level {
  const struct th_path_level *outer; /* NULL: table is the message */
  int table;                         /* stack index; the key stands at table + 1 */
  bool in_key;                       /* it is the key itself that is being walked, not its value */
};

/* [-0, +1, m] pushes "message.jobs[3].callback", "a key of message.jobs" and the like, with the
 * middle of long ones left out; innermost NULL is the message itself. */
void th_path_push(lua_State *L, const struct th_path_level *innermost);

/* [-0, +1, m] pushes how the path begins, "message.next.next...". */
void th_path_push_start(lua_State *L, const struct th_path_level *innermost);

#endif
