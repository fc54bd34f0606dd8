/* key: keys of bundles (bundle/key.h) as Lua values, so that secrets are no strings.
 *
 * A key lies in the userdata itself: there it counts as the actor's memory, and pages of its own
 * for each key would let one actor use up the mappings that the process may have. Secrets are
 * wiped when the key is closed, goes out of scope as a <close> variable, or is collected.
 *
 *   key.kind   "public", "secret" or "encryption"       key.id   16 hexadecimal digits
 *   key.public the public key of a secret one            key:text([password]), key:close()
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_KEY_H
#define TH_BINDINGS_KEY_H

#include <lua.h>

#include "bundle/key.h"

struct th_lua_key {
  enum th_key_kind kind; /* public, secret or cipher; none when it is closed */
  union {
    struct th_public_key public_key;
    struct th_secret_key secret;
    struct th_cipher_key cipher;
  } as;
};

/* [-0, +1, m] pushes a closed key, to be filled. */
struct th_lua_key *th_lua_key_push(lua_State *L);

/* The key of that kind at index, an argument; raises, for method, that name is none. */
struct th_lua_key *th_lua_key_check(lua_State *L, int index, enum th_key_kind kind,
                                    const char *method, const char *name);

/* Raises words about the argument name of a method, with what is at index instead. */
int th_lua_key_refuse(lua_State *L, int index, const char *method, const char *name,
                      const char *wanted);

/* The string at index; raises for method and name. */
const char *th_lua_key_check_string(lua_State *L, int index, const char *method, const char *name,
                                    size_t *size);

/* The password at index, none for nil. It is not empty. */
struct th_password th_lua_key_check_password(lua_State *L, int index, const char *method);

#endif
