/* bytes: counted bytes (base/bytes.h) that a Lua error must not leak.
 *
 * Threads: the state's. Owns: the box holds one reference, which goes with it.
 */
#ifndef TH_BINDINGS_BYTES_H
#define TH_BINDINGS_BYTES_H

#include <lua.h>

#include "base/bytes.h"

/* [-0, +1, m] pushes a box that releases the bytes that are put into it. */
struct th_bytes **th_lua_push_bytes_box(lua_State *L);

#endif
