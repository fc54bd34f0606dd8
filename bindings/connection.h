/* connection: what a Lua program holds of an actor system, as a Lua value.
 *
 * A full userdata with the methods that program.h lists, over a th_client. It is closed by its
 * method close, by a <close> variable that goes out of scope, or by the collector; whatever is
 * called on it afterwards raises.
 *
 * Every resource of C belongs to the userdata before Lua code can run, so no error leaks any.
 *
 * Threads: the state's. Calls block; nothing is held meanwhile that actors need.
 * Owns: its client, its part of a system in this process, its buffer.
 */
#ifndef TH_BINDINGS_CONNECTION_H
#define TH_BINDINGS_CONNECTION_H

#include <lua.h>
#include <stddef.h>

#include "base/buffer.h"
#include "host/client.h"
#include "host/hosted.h"

struct th_connection {
  struct th_client *client; /* NULL before it is opened and once it is closed */
  struct th_hosted *hosted; /* NULL: the system lives in another process */
  struct th_buffer buffer;  /* what is being sent; its limit is that of a message */
};

/* [-0, +0, m] makes the metatable; once for each state. */
void th_connection_prepare(lua_State *L);

/* [-0, +1, m] pushes a connection that is not open yet: the caller sets client and hosted. */
struct th_connection *th_connection_push(lua_State *L, size_t limit);

/* [-0, +0, v] appends the value at index to the buffer and gives its kind; raises when it cannot
 * travel, with the path to why not, which begins with what. */
uint8_t th_connection_encode(lua_State *L, struct th_connection *connection, int index,
                             const char *what);

#endif
