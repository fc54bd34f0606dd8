/* classes: which class an instance belongs to, between metatables and the names that travel.
 *
 * codec.h says what makes a metatable one of ours, and what names and resolve do. Both directions
 * are remembered in a small cache of the state (made when the first instance passes), so that
 * instances of a known class cost no string and no call. Whatever the cache points to is held by
 * its user values: a pointer found in it is never stale.
 *
 * Threads: the state's. Owns: nothing outside the state.
 */
#ifndef TH_BINDINGS_CLASSES_H
#define TH_BINDINGS_CLASSES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_class {
  const char *names; /* packed; borrowed until Lua code runs */
  size_t size;
  uint8_t kind; /* TH_KIND_USER, or that of a system message class */
};

/* [-2, +0, m] pops the functions names and resolve (resolve on top). */
void th_classes_open(lua_State *L);

/* [-1, +0, e] pops a metatable; true, and class, when it is one of ours. Needs 6 free slots. */
bool th_classes_find(lua_State *L, struct th_class *class);

/* [-0, +1|0, e] pushes the metatable for the packed names that these bytes begin with, and gives
 * their size; 0, with nothing pushed, when they do not begin with names. Needs 6 free slots. */
size_t th_classes_push(lua_State *L, const unsigned char *data, size_t size);

/* The size of the packed names that these bytes begin with; 0 when there are none: an array of at
 * least one pair of strings. */
size_t th_classes_names_size(const unsigned char *data, size_t size);

#endif
