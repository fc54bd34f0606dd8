/* crypto: the functions of the Lua module thespian.crypto, over base/crypto and bundle/.
 *
 * lua/thespian/crypto.lua gives them out and documents them. What users get wrong is raised in
 * words that name the function and the argument; what strangers' bytes have wrong is given as
 * nil, or false, and words.
 *
 * Threads: the state's. Owns: nothing.
 */
#ifndef TH_BINDINGS_CRYPTO_H
#define TH_BINDINGS_CRYPTO_H

#include <lua.h>

/* core.crypto() -> a new table of the functions. */
int th_lua_crypto_open(lua_State *L);

#endif
