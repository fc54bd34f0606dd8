/* codec_tool: the codec for test scripts, line by line from standard input.
 *
 *   codec_tool encode     each line a Lua expression; prints its bytes in hex
 *   codec_tool check      each line bytes in hex, a space, a Lua expression; fails if they differ
 *
 * address(system, number[, ip, port]) makes an address in an expression.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "bindings/address.h"
#include "bindings/codec.h"

/* same(a, b): equal to the last bit, and the same things shared. */
static const char prelude[] =
  "function same(a, b, met)\n"
  "  met = met or {}\n"
  "  if type(a) ~= type(b) or math.type(a) ~= math.type(b) then return false end\n"
  "  if type(a) == 'number' and a ~= a then return b ~= b end\n"
  "  if type(a) == 'number' and a == 0 then return 1 / a == 1 / b end\n"
  "  if type(a) ~= 'table' then return a == b end\n"
  "  if met[a] ~= nil then return met[a] == b end\n"
  "  met[a] = b\n"
  "  for key, value in next, a do\n"
  "    if not same(value, b[key], met) then return false end\n"
  "  end\n"
  "  for key in next, b do\n"
  "    if a[key] == nil then return false end\n"
  "  end\n"
  "  return true\n"
  "end\n";

static int address(lua_State *L) {
  struct th_address made = {.system = (uint64_t)luaL_checkinteger(L, 1),
                            .number = (uint64_t)luaL_checkinteger(L, 2),
                            .ip = (uint32_t)luaL_optinteger(L, 3, 0),
                            .port = (uint16_t)luaL_optinteger(L, 4, 0)};
  th_lua_push_address(L, &made);
  return 1;
}

static _Noreturn void fail(const char *what, const char *line) {
  fprintf(stderr, "codec_tool: %s: %s\n", what, line);
  exit(1);
}

static void push_expression(lua_State *L, const char *expression) {
  lua_pushfstring(L, "return %s", expression);
  if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
    fail(lua_tostring(L, -1), expression);
}

static void encode(lua_State *L, const char *line) {
  struct th_buffer buffer;
  uint8_t kind;
  th_buffer_init(&buffer);
  push_expression(L, line);
  if (th_codec_encode(L, -1, &buffer, &kind) != 0) fail(lua_tostring(L, -1), line);
  for (size_t i = 0; i < buffer.size; i++) printf("%02x", buffer.data[i]);
  putchar('\n');
  th_buffer_clear(&buffer);
}

static int decode(lua_State *L) {
  size_t size;
  const char *data = lua_tolstring(L, 1, &size);
  th_codec_decode(L, data, size);
  return 1;
}

/* Decodes what the string on top of the stack holds. */
static void push_decoded(lua_State *L, const char *line) {
  lua_pushcfunction(L, decode);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) fail(lua_tostring(L, -1), line);
}

static void check(lua_State *L, const char *line) {
  size_t size = strcspn(line, " ") / 2;
  luaL_Buffer bytes;
  luaL_buffinit(L, &bytes);
  for (size_t i = 0; i < size; i++) {
    char digits[3] = {line[2 * i], line[2 * i + 1], 0};
    luaL_addchar(&bytes, (char)strtoul(digits, NULL, 16));
  }
  luaL_pushresult(&bytes);
  push_decoded(L, line);
  lua_getglobal(L, "same");
  lua_insert(L, -2);
  push_expression(L, line + 2 * size + 1);
  lua_replace(L, -2);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) fail(lua_tostring(L, -1), line);
  if (!lua_toboolean(L, -1)) fail("differs", line);
}

int main(int count, char **arguments) {
  char *line = NULL;
  size_t room = 0;
  ssize_t size;
  if (count != 2) fail("usage", "codec_tool encode|check");
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  th_lua_address_open(L);
  lua_register(L, "address", address);
  if (luaL_dostring(L, prelude)) fail("prelude", lua_tostring(L, -1));
  while ((size = getline(&line, &room, stdin)) > 0) {
    if (line[size - 1] == '\n') line[size - 1] = '\0';
    if (strcmp(arguments[1], "encode") == 0) {
      encode(L, line);
    } else {
      check(L, line);
    }
    lua_settop(L, 0);
  }
  free(line);
  lua_close(L);
  return 0;
}
