#include "bindings/spread.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* Steps allowed for each key. 65,536 multiples of 255 or 257, which is what bad luck with numbers
 * from real life looks like, take 129; keys that all collide take half of their number. */
#define STEPS 160

/* Node tables have 2^n places, of which numbers use all but one. */
void th_spread_init(struct th_spread *spread, int index, uint32_t keys) {
  uint64_t places = 1;
  while (places < keys) places *= 2;
  *spread = (struct th_spread){.index = index, .modulus = (places - 1) | 1};
  spread->most = (uint64_t)keys * STEPS;
}

/* As in Lua 5.4 (ltable.c). */
static uint64_t hash_real(lua_Number number) {
  int exponent;
  number = frexp(number, &exponent) * -(lua_Number)INT_MIN;
  if (!(number >= (lua_Number)LUA_MININTEGER && number < -(lua_Number)LUA_MININTEGER)) return 0;
  unsigned int hash = (unsigned int)exponent + (unsigned int)(lua_Integer)number;
  return hash <= INT_MAX ? hash : ~hash;
}

static bool count(struct th_spread *spread, uint16_t *place) {
  spread->steps += *place;
  if (*place != UINT16_MAX) ++*place;
  return spread->steps <= spread->most;
}

/* [-0, +0, m] */
static void make_counts(lua_State *L, struct th_spread *spread) {
  size_t size = (size_t)(3 * spread->modulus + 2) * sizeof *spread->counts;
  spread->counts = lua_newuserdatauv(L, size, 0);
  memset(spread->counts, 0, size);
  lua_replace(L, spread->index);
}

bool th_spread_add(lua_State *L, struct th_spread *spread, int index) {
  uint64_t hash = lua_isinteger(L, index) ? (uint64_t)lua_tointeger(L, index)
                                          : hash_real(lua_tonumber(L, index));
  if (spread->counts == NULL) make_counts(L, spread);
  uint64_t larger = 2 * spread->modulus + 1;
  return count(spread, &spread->counts[hash % spread->modulus]) &&
         count(spread, &spread->counts[spread->modulus + hash % larger]);
}
