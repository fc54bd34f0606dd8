/* spread: whether numbers would make good keys of one table.
 *
 * Lua seeds the hash of strings, but not that of numbers: a stranger can choose numbers that all
 * fall on one place, and then each one added costs as much as there are already (65,536 of them 5
 * seconds). A cap on numbers as keys would refuse honest messages, so the places are counted: for
 * the size that the table gets, and for the next one, which it has as soon as its owner adds to it.
 * As long as the steps through the chains stay in proportion to the keys, whatever they are, the
 * table is fine; a sender who has such a table and whose message is refused had to wait for its
 * making, too.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_SPREAD_H
#define TH_BINDINGS_SPREAD_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

/* Tables up to this size need no counting: even the worst keys take little time. */
#define TH_SPREAD_FEW 512

struct th_spread {
  int index;        /* stack slot (of any value before) for the memory, made for the first number */
  uint16_t *counts; /* for both sizes, one behind the other; NULL before */
  uint64_t modulus; /* of the smaller size */
  uint64_t steps;   /* through chains, so far */
  uint64_t most;
};

void th_spread_init(struct th_spread *spread, int index, uint32_t keys);

/* [-0, +0, m] counts the number at index; false when there are too many like it. */
bool th_spread_add(lua_State *L, struct th_spread *spread, int index);

#endif
