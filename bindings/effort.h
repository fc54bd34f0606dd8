/* effort: what one call of a C function may cost.
 *
 * Between two instructions of Lua code no hook is called, so a C function that loops counts its
 * steps. From time to time it looks whether the actor's code is to be stopped, and after very many
 * it gives up.
 *
 * Threads: turn.
 */
#ifndef TH_BINDINGS_EFFORT_H
#define TH_BINDINGS_EFFORT_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#define TH_EFFORT_SLICE (1 << 16) /* steps between two looks: under a millisecond */

struct th_effort {
  lua_State *L;
  const char *refusal; /* what is wrong when there are more steps than limit */
  int64_t limit;
  int64_t slices; /* begun */
  int64_t left;   /* steps until the next look */
};

static inline struct th_effort th_effort_begin(lua_State *L, int64_t limit, const char *refusal) {
  return (struct th_effort){.L = L, .refusal = refusal, .limit = limit, .left = TH_EFFORT_SLICE};
}

/* A slice of steps is used up. Raises where the code is to be stopped, or the limit was
 * passed. [e] */
void th_effort_look(struct th_effort *effort);

static inline void th_effort_spend(struct th_effort *effort, int64_t steps) {
  if ((effort->left -= steps) < 0) th_effort_look(effort);
}

#endif
