/* fuzz_codec: any bytes, decoded. What decodes is a value, so it must encode (unless it is too deep
 * for that) and decode again to the same value: both are walked side by side (but for what tables
 * that are keys lead to: nothing says which of them correspond).
 *
 * The state's allocator stops at 64 MiB, but only for large requests: Lua 5.4.4 does not survive a
 * refused small one everywhere. Time is limited by libFuzzer's -timeout.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "bindings/address.h"
#include "bindings/codec.h"

#define MOST_MEMORY ((size_t)64 << 20)
#define SMALL_REQUEST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *allocate(void *used, void *block, size_t old_size, size_t size) {
  size_t *total = used;
  if (block == NULL) old_size = 0;
  if (size > SMALL_REQUEST && *total - old_size + size > MOST_MEMORY) return NULL;
  *total = *total - old_size + size;
  if (size != 0) return realloc(block, size);
  free(block);
  return NULL;
}

static const char prelude[] =
  "function names(meta) return meta.packed end\n"
  "function resolve(packed)\n"
  "  assert(pack_names(unpack_names(packed)))\n"
  "  return {__thespian = true, packed = packed}\n"
  "end\n"
  "local function same(a, b, met)\n"
  "  if type(a) ~= type(b) or math.type(a) ~= math.type(b) then return false end\n"
  "  if type(a) == 'number' and a ~= a then return b ~= b end\n"
  "  if type(a) ~= 'table' then return a == b end\n"
  "  if met[a] ~= nil or met[b] ~= nil then return met[a] == b and met[b] == a end\n"
  "  met[a], met[b] = b, a\n"
  "  if debug.getmetatable(a) ~= debug.getmetatable(b) then return false end\n"
  "  local keys = 0\n"
  "  for key, value in next, a do\n"
  "    keys = keys + (type(key) == 'table' and 0 or 1)\n"
  "    if type(key) ~= 'table' and not same(value, rawget(b, key), met) then return false end\n"
  "  end\n"
  "  for key in next, b do keys = keys - (type(key) == 'table' and 0 or 1) end\n"
  "  return keys == 0\n"
  "end\n"
  "function compare(a, b) return same(a, b, {}) end\n";

struct input {
  const uint8_t *data;
  size_t size;
};

static int decode(lua_State *L) {
  const struct input *input = lua_touserdata(L, 1);
  th_codec_decode(L, input->data, input->size);
  if (lua_gettop(L) != 2) abort();
  return 1;
}

static int encode(lua_State *L) {
  struct th_buffer *buffer = lua_touserdata(L, 2);
  uint8_t kind;
  lua_pushboolean(L, th_codec_encode(L, 1, buffer, &kind) == 0);
  return 1;
}

static void open_state(lua_State *L) {
  luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
  luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
  luaL_requiref(L, LUA_DBLIBNAME, luaopen_debug, 1);
  th_lua_address_open(L);
  lua_register(L, "pack_names", th_codec_lua_pack_names);
  lua_register(L, "unpack_names", th_codec_lua_unpack_names);
  if (luaL_dostring(L, prelude)) abort();
  lua_getglobal(L, "names");
  lua_getglobal(L, "resolve");
  th_codec_open(L);
}

/* [-0, +1, -] what raises is no memory, or says that the bytes are malformed. */
static bool try_decode(lua_State *L, const uint8_t *data, size_t size) {
  struct input input = {data, size};
  lua_pushcfunction(L, decode);
  lua_pushlightuserdata(L, &input);
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_ERRRUN && strncmp(lua_tostring(L, -1), "malformed message", 17) != 0) abort();
  return status == LUA_OK;
}

/* [-0, +0, -] the value on top. False for what is too deep to be sent. */
static bool try_encode(lua_State *L, struct th_buffer *buffer) {
  lua_pushcfunction(L, encode);
  lua_pushvalue(L, -2);
  lua_pushlightuserdata(L, buffer);
  bool done = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return done;
}

static void check_again(lua_State *L, const struct th_buffer *buffer) {
  if (!try_decode(L, buffer->data, buffer->size)) abort();
  lua_getglobal(L, "compare");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  int status = lua_pcall(L, 2, 1, 0);
  if (status == LUA_OK && !lua_toboolean(L, -1)) abort();
}

/* Whether a plain value is the one at index 1; of strings there is another test. */
static bool is_same(lua_State *L, const struct th_item *item) {
  if (item->type == TH_ITEM_STR) return lua_type(L, 1) == LUA_TSTRING;
  th_codec_push_plain(L, item);
  bool is_same = lua_rawequal(L, 1, -1) || (item->type == TH_ITEM_REAL && item->real != item->real);
  lua_pop(L, 1);
  return is_same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t used = 0;
  struct th_buffer buffer;
  lua_State *L = lua_newstate(allocate, &used);
  if (L == NULL) return 0;
  open_state(L);
  th_buffer_init(&buffer);
  struct th_item item;
  bool is_plain = th_codec_read_plain(data, size, &item);
  lua_settop(L, 0);
  bool decoded = try_decode(L, data, size);
  bool may_fail = !is_plain || size == 0 || item.type == TH_ITEM_STR;
  if (!may_fail && !decoded) abort();
  if (is_plain && decoded && !is_same(L, &item)) abort();
  if (decoded && try_encode(L, &buffer)) check_again(L, &buffer);
  th_buffer_clear(&buffer);
  lua_close(L);
  if (used != 0) abort();
  return 0;
}
