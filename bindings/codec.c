#include "bindings/codec.h"

#include <lauxlib.h>

#include "bindings/classes.h"
#include "message/pack.h"

/* Encoding and decoding stand in files of their own, codec_encode.c and codec_decode.c. */

#define HEAD_SIZE 8 /* at least what the writer asks for beyond a string's bytes */

void th_codec_open(lua_State *L) {
  th_classes_open(L);
}

/* [-0, +0, e] the room that the packed list of strings at index takes at most. */
static size_t names_room(lua_State *L, int index, lua_Integer count) {
  size_t room = 2 * HEAD_SIZE;
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_rawgeti(L, index, i) != LUA_TSTRING) luaL_argerror(L, index, "a name is no string");
    room += lua_rawlen(L, -1) + HEAD_SIZE;
    lua_pop(L, 1);
  }
  return room;
}

int th_codec_lua_pack_names(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  /* The memory is Lua's and large enough, so that nothing is lost when the last call raises. */
  buffer.capacity = names_room(L, 1, count);
  buffer.data = lua_newuserdatauv(L, buffer.capacity, 0);
  th_pack_array(&buffer, (uint32_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t size;
    lua_rawgeti(L, 1, i);
    const char *name = lua_tolstring(L, -1, &size);
    th_pack_str(&buffer, name, size);
    lua_pop(L, 1);
  }
  if (th_classes_names_size(buffer.data, buffer.size) != buffer.size)
    return luaL_argerror(L, 1, "names come in pairs");
  lua_pushlstring(L, (const char *)buffer.data, buffer.size);
  return 1;
}

int th_codec_lua_unpack_names(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  struct th_unpack reader;
  size_t found = th_classes_names_size((const unsigned char *)data, size);
  if (found == 0 || found != size) return luaL_argerror(L, 1, "not packed names");
  th_unpack_init(&reader, data, size);
  uint32_t count = th_unpack_array(&reader);
  lua_settop(L, 1);
  lua_createtable(L, (int)count, 0);
  for (uint32_t i = 1; i <= count; i++) {
    size_t length;
    const char *name = th_unpack_str(&reader, &length);
    lua_pushlstring(L, name, length);
    lua_rawseti(L, 2, (lua_Integer)i);
  }
  return 1;
}
