#include "bindings/effort.h"

#include <lauxlib.h>

#include "bindings/interrupt.h"

void th_effort_look(struct th_effort *effort) {
  int64_t used = TH_EFFORT_SLICE - effort->left;
  effort->slices += used / TH_EFFORT_SLICE;
  effort->left = TH_EFFORT_SLICE - used % TH_EFFORT_SLICE;
  th_interrupt_check(effort->L);
  if (effort->slices > effort->limit / TH_EFFORT_SLICE)
    luaL_error(effort->L, "%s (more than %I steps)", effort->refusal, (lua_Integer)effort->limit);
}
