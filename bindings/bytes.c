#include "bindings/bytes.h"

#include <lauxlib.h>

static int free_bytes(lua_State *L) {
  struct th_bytes **box = lua_touserdata(L, 1);
  th_bytes_unref(*box);
  *box = NULL;
  return 0;
}

struct th_bytes **th_lua_push_bytes_box(lua_State *L) {
  struct th_bytes **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  if (luaL_newmetatable(L, "thespian.bytes")) {
    lua_pushcfunction(L, free_bytes);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return box;
}
