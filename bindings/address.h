/* address: actor addresses as Lua values.
 *
 * An address is a full userdata that holds a struct th_address. Within a state equal addresses are
 * one value: they are kept in a weak table of the registry, so they compare and serve as table keys
 * by identity, and a reply to the same sender creates nothing. The metatable is locked and has no
 * constructor: Lua code cannot make an address out of text.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_ADDRESS_H
#define TH_BINDINGS_ADDRESS_H

#include <lua.h>

#include "message/address.h"

/* [-0, +0, m] makes the metatable and the table of known addresses; once for each state. */
void th_lua_address_open(lua_State *L);

/* [-0, +1, m] pushes the address; nil for none. Needs 8 free slots. */
void th_lua_push_address(lua_State *L, const struct th_address *address);

/* For who pushes many: [-0, +1, -] pushes the table of known addresses, and gives what makes it
 * another one than those of other states. */
const void *th_lua_push_known(lua_State *L);

/* [-0, +1, m] as th_lua_push_address, with that table at index known. */
void th_lua_push_address_known(lua_State *L, const struct th_address *address, int known,
                               const void *identity);

/* [-0, +0, -] the address at index, borrowed while the value lives; NULL when it is something
 * else. */
const struct th_address *th_lua_to_address(lua_State *L, int index);

/* [-0, +0, v] the same, but raises InvalidActorAddress for something else, on behalf of method. */
const struct th_address *th_lua_check_address(lua_State *L, int index, const char *method);

#endif
