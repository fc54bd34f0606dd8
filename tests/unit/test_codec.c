#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/error.h"
#include "bindings/address.h"
#include "bindings/codec.h"
#include "message/message.h"
#include "message/notice.h"
#include "message/pack.h"

/* What the tests below know in Lua. */
static const char prelude[] =
  /* class(name, base...) -> metatable; made(metatable, fields) -> instance */
  "classes, asked, resolved = {}, 0, 0\n"
  "function class(name, ...)\n"
  "  local names = {'test.' .. name, name}\n"
  "  for _, base in ipairs{...} do\n"
  "    names[#names + 1] = 'test.' .. base\n"
  "    names[#names + 1] = base\n"
  "  end\n"
  "  local meta = {__thespian = true, names = names}\n"
  "  classes['test.' .. name] = meta\n"
  "  return meta\n"
  "end\n"
  "function made(meta, fields) return setmetatable(fields, meta) end\n"
  "function names(meta)\n"
  "  asked = asked + 1\n"
  "  if meta.hook then meta.hook() end\n"
  "  return pack_names(meta.names)\n"
  "end\n"
  "function resolve(packed)\n"
  "  resolved = resolved + 1\n"
  "  local names = unpack_names(packed)\n"
  "  return classes[names[1]] or {__thespian = true, names = names}\n"
  "end\n"
  /* hex("83 a1") -> bytes */
  "function hex(text)\n"
  "  return (text:gsub('%s', ''):gsub('..', function(x) return string.char(tonumber(x, 16)) end))\n"
  "end\n"
  "function tohex(bytes) return (bytes:gsub('.', function(c) return ('%02x'):format(c:byte()) "
  "end)) end\n"
  /* same(a, b): equal in type, number kind, content, classes and in what is shared with what */
  "local function same_value(a, b, met)\n"
  "  if math.type(a) ~= math.type(b) or type(a) ~= type(b) then return false end\n"
  "  if type(a) == 'number' and a ~= a then return b ~= b end\n"
  "  if type(a) == 'number' and a == 0 then return 1 / a == 1 / b end\n"
  "  if type(a) ~= 'table' then return a == b end\n"
  "  if met[a] ~= nil then return met[a] == b end\n"
  "  if met[b] ~= nil then return false end\n"
  "  met[a], met[b] = b, a\n"
  "  if debug.getmetatable(a) ~= debug.getmetatable(b) then return false end\n"
  "  local count = 0\n"
  "  for key, value in next, a do\n"
  "    count = count + 1\n"
  "    if type(key) ~= 'table' and not same_value(value, rawget(b, key), met) then return false "
  "end\n"
  "  end\n"
  "  for key in next, b do count = count - 1 end\n"
  "  return count == 0\n"
  "end\n"
  "function same(a, b) return same_value(a, b, {}) end\n"
  "function copy(value) return decode((encode(value))) end\n"
  "function survives(value) return same(value, copy(value)) end\n"
  /* refused(value, words): the words that encode gives; malformed(bytes, words) likewise */
  "function refused(value, words)\n"
  "  local bytes, text = encode(value)\n"
  "  if bytes ~= nil then error('it was sent', 2) end\n"
  "  if text ~= words then error('it says: ' .. text, 2) end\n"
  "end\n"
  "function malformed(bytes, words)\n"
  "  local ok, text = pcall(decode, bytes)\n"
  "  if ok then error('it was decoded', 2) end\n"
  "  if text ~= 'malformed message: ' .. words then error('it says: ' .. tostring(text), 2) end\n"
  "end\n";

static int clear_buffer(lua_State *L) {
  th_buffer_clear(lua_touserdata(L, 1));
  return 0;
}

/* Pushes a buffer that lives as long as Lua sees it. */
static struct th_buffer *push_buffer(lua_State *L) {
  struct th_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  th_buffer_init(buffer);
  if (luaL_newmetatable(L, "buffer")) {
    lua_pushcfunction(L, clear_buffer);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buffer;
}

/* encode(value[, limit]) -> bytes, kind | nil, words */
static int lua_encode(lua_State *L) {
  lua_settop(L, 2);
  struct th_buffer *buffer = push_buffer(L);
  uint8_t kind = 99;
  th_buffer_append(buffer, "before", 6);
  if (lua_isinteger(L, 2)) buffer->limit = (size_t)lua_tointeger(L, 2) + 6;
  int error = th_codec_encode(L, 1, buffer, &kind);
  assert_int_equal(lua_gettop(L), error != 0 ? 4 : 3);
  assert_int_equal(buffer->error, 0);
  assert_memory_equal(buffer->data, "before", 6);
  if (error == 0) {
    lua_pushlstring(L, (const char *)buffer->data + 6, buffer->size - 6);
    lua_pushinteger(L, kind);
  } else {
    assert_int_equal(buffer->size, 6);
    lua_pushnil(L);
    lua_insert(L, -2);
  }
  return 2;
}

static int lua_decode(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  unsigned char *exact = size != 0 ? lua_newuserdatauv(L, size, 0) : NULL;
  if (size != 0) memcpy(exact, data, size);
  int top = lua_gettop(L);
  th_codec_decode(L, exact, size);
  assert_int_equal(lua_gettop(L), top + 1);
  return 1;
}

/* plain(bytes) -> true, value | false */
static int lua_plain(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  struct th_item item;
  bool is_plain = th_codec_read_plain(data, size, &item);
  lua_pushboolean(L, is_plain);
  if (is_plain) th_codec_push_plain(L, &item);
  return is_plain ? 2 : 1;
}

/* address(system, number) -> address */
static int lua_address(lua_State *L) {
  struct th_address address = {.system = (uint64_t)luaL_checkinteger(L, 1),
                               .number = (uint64_t)luaL_checkinteger(L, 2)};
  if (lua_toboolean(L, 3)) {
    address.ip = 0x7f000001;
    address.port = 1900;
  }
  th_lua_push_address(L, &address);
  return 1;
}

static int lua_light(lua_State *L) {
  lua_pushlightuserdata(L, L);
  return 1;
}

static void open_state(lua_State *L) {
  luaL_openlibs(L);
  th_lua_address_open(L);
  lua_register(L, "encode", lua_encode);
  lua_register(L, "decode", lua_decode);
  lua_register(L, "plain", lua_plain);
  lua_register(L, "address", lua_address);
  lua_register(L, "light", lua_light);
  lua_register(L, "pack_names", th_codec_lua_pack_names);
  lua_register(L, "unpack_names", th_codec_lua_unpack_names);
  if (luaL_dostring(L, prelude)) fail_msg("%s", lua_tostring(L, -1));
  lua_getglobal(L, "names");
  lua_getglobal(L, "resolve");
  th_codec_open(L);
}

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  assert_non_null(L);
  open_state(L);
  return L;
}

static int traceback(lua_State *L) {
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* Runs a chunk, which must not raise. */
static void run(lua_State *L, const char *chunk) {
  lua_pushcfunction(L, traceback);
  if (luaL_loadstring(L, chunk) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  if (lua_pcall(L, 0, 0, -2) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_settop(L, 0);
}

/* Each test is a chunk in a new state. */
#define LUA_TEST(name, ...)                                                                        \
  static void name(void **state) {                                                                 \
    (void)state;                                                                                   \
    lua_State *L = new_state();                                                                    \
    run(L, __VA_ARGS__);                                                                           \
    lua_close(L);                                                                                  \
  }

/* ---- plain values ---- */

LUA_TEST(integers_take_the_shortest_form,
         "local forms = {[0] = '00', [127] = '7f', [128] = 'cc80', [256] = 'cd0100', [65536] = "
         "'ce00010000',\n"
         "  [1 << 32] = 'cf0000000100000000', [-1] = 'ff', [-32] = 'e0', [-33] = 'd0df',\n"
         "  [-129] = 'd1ff7f', [-32769] = 'd2ffff7fff', [math.mininteger] = 'd38000000000000000'}\n"
         "for value, form in pairs(forms) do assert(tohex(encode(value)) == form, form) end")

LUA_TEST(
  integers_and_floats_stay_distinct,
  "for _, value in ipairs{0, 0.0, -0.0, 1, 1.0, -1, -1.0, 2^53, 1 << 53, math.maxinteger,\n"
  "    math.mininteger, 2^63, -2^63, math.huge, -math.huge, 0/0, 5e-324, 1.5} do\n"
  "  assert(survives(value), value)\n"
  "  assert(survives{value}, value)\n"
  "  assert(survives{x = value}, value)\n"
  "end\n"
  "for i = 0, 63 do\n"
  "  for _, d in ipairs{-1, 0, 1} do assert(survives((1 << i) + d)) assert(survives(-(1 << i) + "
  "d)) end\n"
  "end\n"
  "assert(tohex(encode(1.0)) == 'cb3ff0000000000000')")

LUA_TEST(nil_and_booleans_are_whole_messages,
         "assert(encode(nil) == '\\xc0' and encode(false) == '\\xc2' and encode(true) == '\\xc3')\n"
         "assert(survives(nil) and survives(true) and survives(false))")

LUA_TEST(strings_of_any_bytes_and_length_come_back,
         "local all = {} for i = 0, 255 do all[#all + 1] = string.char(i) end\n"
         "all = table.concat(all)\n"
         "assert(survives(all))\n"
         "for _, size in ipairs{0, 1, 31, 32, 40, 41, 255, 256, 65535, 65536, 1000000} do\n"
         "  local text = all:rep(size // 256 + 1):sub(1, size)\n"
         "  assert(survives(text) and survives{text, [text] = 1})\n"
         "end\n"
         "assert(tohex(encode('\\xff\\0')) == 'a2ff00')")

LUA_TEST(bin_is_read_as_a_string, "assert(decode(hex'c4 03 616263') == 'abc')\n"
                                  "assert(decode(hex'c5 0003 616263') == 'abc')\n"
                                  "assert(decode(hex'c6 00000003 616263') == 'abc')\n"
                                  "assert(decode(hex'81 c4 01 61 01').a == 1)")

LUA_TEST(numbers_from_elsewhere_are_read_in_every_form,
         "assert(same(decode(hex'ca 3fc00000'), 1.5))\n"
         "assert(same(decode(hex'd3 0000000000000005'), 5))\n"
         "assert(same(decode(hex'cf ffffffffffffffff'), 2^64))\n"
         "assert(same(decode(hex'cf 7fffffffffffffff'), math.maxinteger))")

LUA_TEST(
  plain_values_alone_have_a_way_of_their_own,
  "for _, value in ipairs{false, true, 0, -1, 300, math.mininteger, 1.5, -0.0, 0/0, '', 'x'} do\n"
  "  local taken, back = plain((encode(value)))\n"
  "  assert(taken and same(value, back))\n"
  "end\n"
  "for _, bytes in ipairs{'\\xc0', ''} do\n"
  "  local taken, back = plain(bytes)\n"
  "  assert(taken and back == nil)\n"
  "end\n"
  "for _, value in ipairs{{}, {1}, {a = 1}, address(1, 2)} do assert(not plain((encode(value)))) "
  "end\n"
  "for _, bytes in ipairs{'\\0\\0', '\\xcd\\1', '\\xc1', '\\xa1', '\\xa0\\0'} do\n"
  "  assert(not plain(bytes))\n"
  "end")

/* ---- tables ---- */

LUA_TEST(sequences_are_arrays_and_the_empty_table_too,
         "assert(tohex(encode{}) == '90')\n"
         "assert(tohex(encode{1, 2}) == '920102')\n"
         "assert(tohex(encode{{}, {{}}}) == '92909190')\n"
         "assert(tohex(encode{'a', 1.0, false}) == '93a161cb3ff0000000000000c2')\n"
         "local t = {} for i = 9, 1, -1 do t[i] = i end\n"
         "assert(tohex(encode(t)) == '99010203040506070809')")

LUA_TEST(other_tables_are_maps,
         "assert(tohex(encode{a = 1}) == '81a16101')\n"
         "assert(tohex(encode{[2] = 1}) == '810201')\n"
         "assert(tohex(encode{[0] = 1}) == '810001')\n"
         "assert(tohex(encode{[1.5] = 1}) == '81cb3ff800000000000001')\n"
         "assert(tohex(encode{[false] = 1}) == '81c201')\n"
         "assert(encode{1, nil, 3}:byte() == 0x82)\n"
         "assert(encode{1, 2, x = 3}:byte() == 0x83)\n"
         "assert(survives{1, nil, 3} and survives{nil, 2} and survives{1, 2, x = 3})")

LUA_TEST(float_keys_are_as_lua_has_them,
         "assert(same(copy{[2^53] = 1}, {[1 << 53] = 1}))\n"
         "assert(survives{[1.0] = 1, [2^70] = 2, [-math.huge] = 3, [1e-300] = 4})\n"
         "assert(same(decode(hex'81 cb3ff0000000000000 07'), {7}))")

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) /* slower */
#define SIZES "1, 14, 15, 16, 17, 255, 256, 600, 65536"
#else
#define SIZES "1, 14, 15, 16, 17, 255, 256, 600, 65535, 65536, 65537"
#endif

LUA_TEST(tables_of_every_size_come_back,
         "for _, size in ipairs{" SIZES "} do\n"
         "  local list, map, rows, tree = {}, {}, {}, {}\n"
         "  for i = 1, size do\n"
         "    list[i] = i; map['k' .. i] = i; rows[i] = i % 50 == 0 and {i} or i\n"
         "    tree['k' .. i] = i % 50 == 0 and {i = i} or i\n"
         "  end\n"
         "  assert(survives(list) and survives(map) and survives(rows) and survives(tree), size)\n"
         "  assert(survives{list = list, map = map, {rows}, {tree}}, size)\n"
         "end")

/* Tables made in many ways, so that keys lie in either part and in any order. */
LUA_TEST(mixed_tables_lose_nothing,
         "local keys = {1, 2, 3, 4, 5, 6, 7, 8, 9, 'x', 'y', 'z', 1.5, -1, 0, true, 100}\n"
         "local values = {1, 'v', 2.5, true, {}, {1}, {a = 1}, {1, nil, 3}}\n"
         "math.randomseed(20240229)\n"
         "for round = 1, 10000 do\n"
         "  local t = round % 3 == 0 and {1, 2, 3, 4} or round % 3 == 1 and {x = 1, y = 2} or {}\n"
         "  for i = 1, math.random(12) do\n"
         "    local key = keys[math.random(math.random(#keys))]\n"
         "    t[key] = math.random(4) > 1 and values[math.random(math.random(#values))] or nil\n"
         "  end\n"
         "  assert(survives(t), round)\n"
         "end")

LUA_TEST(shared_tables_stay_shared_and_cycles_end,
         "local shared = {1}\n"
         "assert(survives{shared, shared, {shared}})\n"
         "local back = copy{shared, shared}\n"
         "assert(back[1] == back[2] and back[1] ~= shared)\n"
         "local ring = {name = 'ring'} ring.self = ring ring.list = {ring, {ring}}\n"
         "assert(survives(ring))\n"
         "assert(tohex(encode{shared, shared}) == '929101d40201')\n"
         "local own = {} own[1] = own\n"
         "assert(tohex(encode(own)) == '91d40200')")

LUA_TEST(tables_can_be_keys,
         "local key = {'key'}\n"
         "local back = copy{[key] = 'value', same = key}\n"
         "assert(back[back.same] == 'value' and back.same[1] == 'key')\n"
         "local t = {} t[t] = t\n"
         "back = copy(t)\n"
         "assert(next(back) == back and back[back] == back)\n"
         "local deep = {[{[{1}] = 2}] = {[{3}] = 4}, x = 1}\n"
         "back = copy(deep)\n"
         "back.x = nil\n"
         "local outer, inner = next(back)\n"
         "assert(next(outer)[1] == 1 and outer[next(outer)] == 2 and next(inner)[1] == 3)")

LUA_TEST(
  references_are_right_among_many_tables,
  "for _, size in ipairs{15, 16, 17, 31, 32, 33, 100, 255, 256, 257, 5000, 70000} do\n"
  "  local all = {}\n"
  "  for i = 1, size do all[i] = {i} end\n"
  "  for i = 1, size do all[size + i] = all[size + 1 - i] end\n"
  "  local back = copy(all)\n"
  "  for i = 1, size do assert(back[i][1] == i and back[size + i] == back[size + 1 - i]) end\n"
  "end")

LUA_TEST(the_receiver_gets_its_own_copy, "local t = {inner = {}}\n"
                                         "local back = copy(t)\n"
                                         "assert(back ~= t and back.inner ~= t.inner)")

LUA_TEST(references_of_one_to_four_bytes_are_read,
         "for _, ref in ipairs{'d4 02 00', 'd5 02 0000', 'c7 03 02 000000', 'd6 02 00000000'} do\n"
         "  local t = decode(hex('91' .. ref))\n"
         "  assert(t[1] == t)\n"
         "end")

LUA_TEST(addresses_travel,
         "local a, b = address(1, 2), address(3, 4, true)\n"
         "assert(#encode(a) == 18 and #encode(b) == 25)\n"
         "assert(copy(a) == a and copy(b) == b)\n"
         "local back = copy{a, b, a, [a] = b, to = a}\n"
         "assert(back[1] == a and back[2] == b and back[3] == a and back[a] == b and back.to == a)")

/* ---- instances ---- */

LUA_TEST(instances_keep_their_class,
         "local Job = class('Job', 'Base')\n"
         "local back = copy(made(Job, {id = 7, list = {1}}))\n"
         "assert(getmetatable(back) == Job and back.id == 7 and back.list[1] == 1)\n"
         "assert(survives(made(Job, {})) and survives(made(Job, {1, 2, 3})))\n"
         "assert(survives{made(Job, {}), {job = made(Job, {x = made(Job, {y = 1})})}})\n"
         "assert(asked == 1 and resolved == 1)")

LUA_TEST(instances_look_as_documented,
         "local J = class('J')\n"
         "assert(tohex(encode(made(J, {a = 1}))) == 'c90000000e03' .. '92a6746573742e4aa14a' .. "
         "'81a16101')\n"
         "assert(J.__names == hex'92a6746573742e4aa14a')")

LUA_TEST(instances_refer_to_themselves_and_each_other,
         "local Node = class('Node')\n"
         "local one, two = made(Node, {}), made(Node, {})\n"
         "one.self, one.next, two.next = one, two, one\n"
         "assert(survives(one) and survives{one, two, {two, one}})\n"
         "local back = copy{[one] = 'key', one = one}\n"
         "assert(back[back.one] == 'key')")

LUA_TEST(more_classes_than_are_remembered_at_once_work,
         "local all = {}\n"
         "for i = 1, 200 do all[i] = made(class('C' .. i), {i = i}) end\n"
         "for round = 1, 3 do\n"
         "  assert(survives(all))\n"
         "  for i = 1, 200 do assert(survives(all[i])) end\n"
         "end\n"
         "assert(asked == 200 and resolved == 200)")

LUA_TEST(
  other_metatables_do_not_travel,
  "local t = setmetatable({1, 2}, {__index = function() error'no' end, __len = error, __pairs = "
  "error})\n"
  "local back = copy(t)\n"
  "assert(getmetatable(back) == nil and rawequal(back[1], 1) and #back == 2)\n"
  "assert(getmetatable(copy(setmetatable({}, {__thespian = false}))) == nil)\n"
  "assert(getmetatable(copy(setmetatable({}, setmetatable({}, {__index = {__thespian = true}})))) "
  "== nil)\n"
  "assert(asked == 0)")

LUA_TEST(a_class_that_cannot_be_found_keeps_its_names,
         "local bytes = hex'c7 0c 03 94 a3 612e42 a1 42 a1 43 a1 44 80'\n"
         "local back = decode(bytes)\n"
         "assert(getmetatable(back).names[1] == 'a.B' and getmetatable(back).names[4] == 'D')\n"
         "assert(encode(back) == hex('c9 0000000c 03') .. bytes:sub(4))")

LUA_TEST(
  classes_named_by_strangers_do_not_pile_up,
  "local function seen(i) return decode(hex'c7 0d 03 92' .. ('\\xa8s.%06d'):format(i) .. hex'a1 "
  "42 80') end\n"
  "for i = 1, 1000 do seen(i) end\n"
  "collectgarbage() local before = collectgarbage'count'\n"
  "for i = 1001, 21000 do seen(i) end\n"
  "collectgarbage() collectgarbage()\n"
  "assert(collectgarbage'count' - before < 200, collectgarbage'count' - before)")

LUA_TEST(system_message_classes_give_their_kind,
         "local Exit, Job = class('Exit'), class('Job')\n"
         "Exit.__kind = 1\n"
         "local function kind(value) return (select(2, encode(value))) end\n"
         "for round = 1, 2 do\n"
         "  assert(kind(made(Exit, {})) == 1 and kind(made(Job, {})) == 0)\n"
         "  assert(kind{made(Exit, {})} == 0 and kind(made(Job, {made(Exit, {})})) == 0)\n"
         "  assert(kind(1) == 0 and kind'x' == 0 and kind{} == 0 and kind(address(1, 1)) == 0)\n"
         "end\n"
         "local Odd = class('Odd') Odd.__kind = 33\n"
         "assert(kind(made(Odd, {})) == 0)")

LUA_TEST(names_may_send_a_message_itself,
         "local Job, Other = class('Job'), class('Other')\n"
         "local list, nested = {}, nil\n"
         "for i = 1, 40 do list[i] = {i} end\n"
         "function Job.hook() nested = survives{list, list[7], made(Other, {list[3]})} end\n"
         "assert(survives{list, made(Job, {}), list[3], list, made(Job, {1})} and nested)")

LUA_TEST(what_names_raises_comes_through,
         "local Job = class('Job')\n"
         "Job.names = {'only one'}\n"
         "local ok, text = pcall(encode, {made(Job, {})})\n"
         "assert(not ok and text:find'names come in pairs', text)\n"
         "Job.__names = 'not packed'\n"
         "ok, text = pcall(encode, {made(Job, {})})\n"
         "assert(not ok and text:find'no proper names', text)")

LUA_TEST(
  a_table_that_changes_on_the_way_is_refused,
  "local value\n"
  "local function job(name, hook) local meta = class(name) meta.hook = hook return made(meta, {}) "
  "end\n"
  "value = {job('A', function() value.x = nil end), x = 1, y = 2}\n"
  "refused(value, 'message was changed while it was being sent')\n"
  "value = {job('B', function() value[3] = nil end), {}, {}}\n"
  "refused({a = value}, 'message.a was changed while it was being sent')")

/* ---- what cannot travel ---- */

LUA_TEST(
  errors_say_what_and_where,
  "local f, co = print, coroutine.create(print)\n"
  "refused(f, 'message is a function')\n"
  "refused(co, 'message is a coroutine')\n"
  "refused(io.stdout, 'message is a userdata')\n"
  "refused(light(), 'message is a light userdata')\n"
  "refused({f}, 'message[1] is a function')\n"
  "refused({jobs = {1, 2, {callback = f}}}, 'message.jobs[3].callback is a function')\n"
  "refused({['two words'] = {x = co}}, 'message[\"two words\"].x is a coroutine')\n"
  "refused({[3.5] = f}, 'message[3.5] is a function')\n"
  "refused({[-7] = f}, 'message[-7] is a function')\n"
  "refused({[true] = {[false] = f}}, 'message[true][false] is a function')\n"
  "refused({['a\"b\\\\\\n'] = f}, 'message[\"a\\\\\"b\\\\\\\\\\\\010\"] is a function')\n"
  "refused({[''] = f}, 'message[\"\"] is a function')\n"
  "refused({['1x'] = f}, 'message[\"1x\"] is a function')\n"
  "refused({[{}] = f}, 'message[{table}] is a function')\n"
  "refused({[address(1, 2)] = f}, 'message[{address}] is a function')\n"
  "refused({jobs = {[f] = 1}}, 'a key of message.jobs is a function')\n"
  "refused({[f] = 1}, 'a key of message is a function')\n"
  "refused({jobs = {[{1, {x = f}}] = 1}}, '(a key of message.jobs)[2].x is a function')\n"
  "refused({[{[f] = 1}] = 1}, 'a key of (a key of message) is a function')\n"
  "refused({[('k'):rep(100)] = f}, 'message[\"' .. ('k'):rep(40) .. '...\"] is a function')\n"
  "refused(made(class'Job', {callback = f}), 'message.callback is a function')\n"
  "refused({made(class'Job', {1, f})}, 'message[1][2] is a function')\n"
  "refused({1, 2, nil, f}, 'message[4] is a function')\n"
  "refused({{}, {}, f}, 'message[3] is a function')")

LUA_TEST(
  the_middle_of_a_long_path_is_left_out,
  "local t = {last = print}\n"
  "for i = 20, 1, -1 do t = {['k' .. i] = t} end\n"
  "refused(t, 'message.k1.k2.k3.k4.k5.k6.k7.k8....k14.k15.k16.k17.k18.k19.k20.last is a "
  "function')\n"
  "t = {last = print}\n"
  "for i = 15, 1, -1 do t = {['k' .. i] = t} end\n"
  "refused(t, 'message.k1.k2.k3.k4.k5.k6.k7.k8.k9.k10.k11.k12.k13.k14.k15.last is a function')\n"
  "t = print\n"
  "for i = 1, 16 do t = {[('\\1'):rep(41)] = t} end\n"
  "local _, text = encode(t)\n"
  "assert(#text < 4096 and text:find' is a function$', #text)")

LUA_TEST(
  what_is_too_deep_is_refused,
  "local function deep(levels, wrap)\n"
  "  local t = {}\n"
  "  for i = 2, levels do t = wrap(t) end\n"
  "  return t\n"
  "end\n"
  "local Node = class('Node')\n"
  "for _, wrap in ipairs{function(t) return {next = t} end, function(t) return {t} end,\n"
  "    function(t) return {[t] = true} end, function(t) return made(Node, {next = t}) end} do\n"
  "  assert(decode((encode(deep(1000, wrap)))))\n"
  "  local bytes, text = encode(deep(1001, wrap))\n"
  "  assert(not bytes and text:find'^.*message.* is nested deeper than 1000 levels$', text)\n"
  "end\n"
  "refused(deep(1001, function(t) return {next = t} end),\n"
  "  'message.next.next... is nested deeper than 1000 levels')\n"
  "assert(decode((encode(deep(1000, function(t) return {t, t} end)))))")

LUA_TEST(
  what_is_too_large_is_refused,
  "local words = 'message is larger than 100 bytes'\n"
  "for _, value in ipairs{('x'):rep(101), {('x'):rep(101)}, {a = {('x'):rep(60), ('x'):rep(60)}}} "
  "do\n"
  "  local bytes, text = encode(value, 100)\n"
  "  assert(not bytes and text == words, text)\n"
  "  assert(encode(value, 200))\n"
  "end\n"
  "local large = {} for i = 1, 1000 do large[i] = {i, x = i} end\n"
  "for limit = 0, 16000, 37 do\n"
  "  local bytes, text = encode(large, limit)\n"
  "  assert(bytes and #bytes <= limit or not bytes and text:find'^message is larger than')\n"
  "end\n"
  "assert(encode(large, 20000))")

/* ---- what comes from outside ---- */

LUA_TEST(
  malformed_bytes_are_refused_with_words,
  "malformed('', 'it ends too early')\n"
  "malformed(hex'c1', 'it is no MessagePack')\n"
  "malformed(hex'a3 6162', 'it ends too early')\n"
  "malformed(hex'cd 01', 'it is no MessagePack')\n"
  "malformed(hex'01 01', 'something follows it')\n"
  "malformed(hex'92 01', 'it ends too early')\n"
  "malformed(hex'92 9201 02', 'it ends too early')\n"
  "malformed(hex'81 01', 'it ends too early')\n"
  "malformed(hex'81 c0 01', 'a key is nil')\n"
  "malformed(hex'81 cb7ff8000000000000 01', 'a key is not a number')\n"
  "malformed(hex'82 a161 01 a161 02', 'a key comes twice')\n"
  "malformed(hex'82 01 01 01 02', 'a key comes twice')\n"
  "malformed(hex'82 01 01 cb3ff0000000000000 02', 'a key comes twice')\n"
  "malformed(hex'82 cb3ff0000000000000 02 01 01', 'a key comes twice')\n"
  "malformed(hex'82 c2 01 c2 02', 'a key comes twice')\n"
  "malformed(hex'82 a161 01 d90161 02', 'a key comes twice')\n"
  "malformed(hex'91 d4 02 01', 'a reference points nowhere')\n"
  "malformed(hex'd4 02 00', 'a reference points nowhere')\n"
  "malformed(hex'92 d4 02 01 90', 'a reference points nowhere')\n"
  "malformed(hex'91 d6 02 ffffffff', 'a reference points nowhere')\n"
  "malformed(hex'91 c7 00 02', 'a reference has a wrong size')\n"
  "malformed(hex'91 c7 05 02 0000000000', 'a reference has a wrong size')\n"
  "malformed(hex'd7 01 0000000000000000', 'an address has a wrong size')\n"
  "malformed(hex'd6 ff 00000000', 'an extension is unknown')\n"
  "malformed(hex'd4 05 00', 'an extension is unknown')\n"
  "malformed(hex'd4 04 c1', 'it is no MessagePack')\n"
  "malformed(hex'd5 04 0101', 'an extension is too long')\n"
  "malformed(hex'c7 00 04', 'it ends too early')\n"
  "malformed(hex'd5 04 9100 00', 'something follows it')\n"
  "for _, names in ipairs{'', '80', '90', '91a161', '93a161a161a161', '92a16101', '92a161', '92', "
  "'a161'} do\n"
  "  local body = hex(names .. '80')\n"
  "  malformed('\\xc7' .. string.char(#body) .. '\\3' .. body, 'an instance has no proper names')\n"
  "end\n"
  "for _, fields in ipairs{'', '90', 'c0', 'a0', '01'} do\n"
  "  local body = hex('92a161a162' .. fields)\n"
  "  malformed('\\xc7' .. string.char(#body) .. '\\3' .. body, 'an instance has no fields')\n"
  "end\n"
  "malformed(hex'c7 08 03 92a161a162 81 01 02 90', 'something follows it')\n"
  "malformed(hex'c7 07 03 92a161a162 80 01', 'an extension is too long')\n"
  "malformed(hex'92 c7 06 03 92a161a162 81 01 02', 'an instance has no fields')")

LUA_TEST(
  long_equal_keys_are_found_whatever_their_form,
  "local key = ('k'):rep(100)\n"
  "malformed('\\x82\\xd9\\x64' .. key .. '\\1\\xda\\0\\x64' .. key .. '\\2', 'a key comes twice')\n"
  "local parts = {}\n"
  "for i = 1, 300 do parts[i] = '\\xce' .. string.pack('>I4', i % 299) .. '\\1' end\n"
  "malformed('\\xde\\x01\\x2c' .. table.concat(parts), 'a key comes twice')")

LUA_TEST(nil_values_leave_no_field, "assert(next(decode(hex'81 a161 c0')) == nil)\n"
                                    "local t = decode(hex'93 01 c0 03')\n"
                                    "assert(t[1] == 1 and t[2] == nil and t[3] == 3)")

LUA_TEST(
  every_part_and_every_change_of_a_message_is_survived,
  "local Job = class('Job', 'Base')\n"
  "local t = {1, -500, 2.5, 'text', {a = 1, b = {}, [3.5] = false}, made(Job, {x = address(1, "
  "2)}), {}}\n"
  "t[7][1], t.me, t[t[5]] = t[5], t, 'key'\n"
  "local bytes = encode(t)\n"
  "for i = 0, #bytes - 1 do assert(not pcall(decode, bytes:sub(1, i))) end\n"
  "for i = 1, #bytes do\n"
  "  for _, with in ipairs{0, 1, 0x7f, 0x80, 0x90, 0xc0, 0xc1, 0xc7, 0xd4, 0xdf, 0xff} do\n"
  "    local ok, back = pcall(decode, bytes:sub(1, i - 1) .. string.char(with) .. bytes:sub(i + "
  "1))\n"
  "    if ok then assert(survives(back)) else assert(back:find'^malformed message: ', back) end\n"
  "  end\n"
  "end\n"
  "assert(survives(t))")

LUA_TEST(nesting_without_end_is_refused,
         "malformed(('\\x91'):rep(5000) .. '\\1', 'it is nested too deeply')\n"
         "malformed(('\\x81\\1'):rep(5000) .. '\\1', 'it is nested too deeply')\n"
         "malformed(('\\x81'):rep(5000) .. ('\\1'):rep(5001), 'it is nested too deeply')\n"
         "for _, kind in ipairs{{'\\4', ''}, {'\\3', '\\x92\\xa1a\\xa1b\\x81\\1'}} do\n"
         "  local bytes = '\\1'\n"
         "  for i = 1, 1100 do\n"
         "    bytes = kind[2] .. bytes\n"
         "    bytes = '\\xc9' .. string.pack('>I4', #bytes) .. kind[1] .. bytes\n"
         "  end\n"
         "  malformed(bytes, 'it is nested too deeply')\n"
         "end")

LUA_TEST(
  enclosed_values_have_numbers_of_their_own,
  "local inner = {'inner'}\n"
  "local bytes = encode{inner, inner}\n"
  "local enclosed = '\\xc7' .. string.char(#bytes) .. '\\4' .. bytes\n"
  "local t = decode(enclosed)\n"
  "assert(t[1] == t[2] and t[1][1] == 'inner')\n"
  /* outer {sub, enclosed, reference to sub, reference to outer} */
  "t = decode('\\x94\\x90' .. enclosed .. hex'd4 02 01 d4 02 00')\n"
  "assert(t[1] == t[3] and t[4] == t and t[2][1] == t[2][2] and t[2] ~= t)\n"
  "assert(survives(t))\n"
  "malformed('\\x94\\x90' .. enclosed .. hex'd4 02 02 d4 02 00', 'a reference points nowhere')\n"
  "malformed(hex'91 d5 04 d402 00', 'it is no MessagePack')\n"
  "malformed(hex'91 c7 03 04 d40200', 'a reference points nowhere')\n"
  "t = decode(hex'94 90 90 d4 04 90 d4 02 02')\n"
  "assert(t[2] == t[4] and t[2] ~= t[1])\n"
  "assert(decode(hex'd4 04 05') == 5 and decode(hex'd4 04 c0') == nil)\n"
  /* within an instance's fields, after a field that is a table, before a reference to that */
  "local Poison = class('Poison')\n"
  "local body = hex'92 ab 746573742e506f69736f6e a6 506f69736f6e 83 a161 90 a16d' .. enclosed .. "
  "hex'a162 d4 02 01'\n"
  "t = decode('\\xc7' .. string.char(#body) .. '\\3' .. body)\n"
  "assert(getmetatable(t) == Poison and t.a == t.b and t.m[1] == t.m[2] and t.m[1] ~= t.a)")

#if defined(__SANITIZE_THREAD__) /* slower, and there is one thread here */
#define FACTORS "1, 255, 65537"
#elif defined(__SANITIZE_ADDRESS__)
#define FACTORS "1, 3, 255, 1000, 65537"
#else
#define FACTORS "1, 2, 3, 10, 255, 257, 1000, 1023, 1024, 4095, 65537, 1000000007"
#endif

/* 65,536 numbers that Lua puts on one place of a table of that size, or of the next. */
LUA_TEST(
  keys_chosen_to_collide_are_refused,
  "local function map(size, key)\n"
  "  local parts = {}\n"
  "  for i = 1, size do parts[i] = key(i) .. '\\1' end\n"
  "  return '\\xdf' .. string.pack('>I4', size) .. table.concat(parts)\n"
  "end\n"
  "local function int(factor) return function(i) return '\\xcf' .. string.pack('>I8', i * factor) "
  "end end\n"
  "local function real(i) return '\\xcb' .. string.pack('>d', 1 + i * 2.0^-50) end\n"
  "local before = os.clock()\n"
  "malformed(map(65536, int(65535)), 'too many keys collide')\n"
  "malformed(map(65536, int(131071)), 'too many keys collide')\n"
  "malformed(map(65536, real), 'too many keys collide')\n"
  "malformed('\\x92\\1' .. map(1000, int(1023)), 'too many keys collide')\n"
  "assert(decode(map(512, int(511))))\n"
  /* ordinary numbers, and those that regularity makes collide somewhat */
  "for _, factor in ipairs{" FACTORS "} do\n"
  "  assert(decode(map(65536, int(factor))), factor)\n"
  "end\n"
  "assert(decode(map(50000, function(i) return '\\xcb' .. string.pack('>d', i + 0.5) end)))\n"
  "assert(decode(map(50000, function(i) return '\\xcb' .. string.pack('>d', (2 * i + 1) * 2.0^(i "
  "% 900)) end)))\n"
  "local mixed = map(2000, function(i) return i % 2 == 0 and int(3)(i) or '\\xa4' .. "
  "string.pack('>I4', i) end)\n"
  "assert(decode(mixed)[6] == 1)\n"
  "local nested = decode(hex'91' .. map(600, int(7)))\n"
  "assert(nested[1][7] == 1 and nested[1][4200] == 1)")

LUA_TEST(large_maps_hold_tables_and_references,
         "local t = {}\n"
         "for i = 1, 2000 do t[i * 3] = {i} t['k' .. i] = t[i * 3] t[i + 0.5] = i end\n"
         "t[t] = t\n"
         "local back = copy(t)\n"
         "for i = 1, 2000 do\n"
         "  assert(back[i * 3][1] == i and back['k' .. i] == back[i * 3] and back[i + 0.5] == i)\n"
         "end\n"
         "assert(back[back] == back)")

LUA_TEST(
  names_are_packed_and_unpacked,
  "local list = {'a.B', 'B', 'c.D', 'D'}\n"
  "assert(tohex(pack_names(list)) == '94a3612e42a142a3632e44a144')\n"
  "assert(same(unpack_names(pack_names(list), 'more'), list))\n"
  "local long = {}\n"
  "for i = 1, 256 do long[i] = ('n'):rep(i * 300) end\n"
  "assert(same(unpack_names(pack_names(long)), long))\n"
  "local function bad(f, ...) local ok, text = pcall(f, ...) assert(not ok) return text end\n"
  "assert(bad(pack_names, {'a'}):find'names come in pairs')\n"
  "assert(bad(pack_names, {}):find'names come in pairs')\n"
  "assert(bad(pack_names, {'a', 1}):find'a name is no string')\n"
  "assert(bad(pack_names, 'a'):find'table expected')\n"
  "assert(bad(unpack_names, pack_names(list) .. 'x'):find'not packed names')\n"
  "assert(bad(unpack_names, ''):find'not packed names')\n"
  "assert(bad(unpack_names, {}):find'string expected')\n"
  "long[257], long[258] = 'a', 'b'\n"
  "assert(bad(pack_names, long):find'names come in pairs')")

static void without_functions_for_classes_plain_values_still_travel(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  th_lua_address_open(L);
  lua_register(L, "encode", lua_encode);
  lua_register(L, "decode", lua_decode);
  run(L, "assert(decode((encode{1, {2}}))[2][1] == 2)\n"
         "assert(decode((encode(setmetatable({7}, {}))))[1] == 7)\n"
         "local ok, text = pcall(encode, setmetatable({}, {__thespian = true}))\n"
         "assert(not ok and text:find'no classes are known')\n"
         "ok, text = pcall(decode, '\\xc7\\x06\\3\\x92\\xa1a\\xa1b\\x80')\n"
         "assert(not ok and text:find'no classes are known')");
  lua_close(L);
}

/* ---- with what the runtime writes ---- */

static void set_bytes(lua_State *L, const char *name, const struct th_buffer *buffer) {
  assert_int_equal(buffer->error, 0);
  lua_pushlstring(L, (const char *)buffer->data, buffer->size);
  lua_setglobal(L, name);
}

static void the_runtimes_notices_are_instances(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_buffer payload;
  struct th_buffer notice;
  struct th_address child = {.system = 1, .number = 2};
  th_buffer_init(&payload);
  th_buffer_init(&notice);
  th_notice_child_exited(&notice, &child, "exit");
  set_bytes(L, "exited", &notice);
  th_buffer_reset(&notice);
  run(L, "shared = {1}; value = {shared, shared, {a = shared}}");
  lua_getglobal(L, "value");
  uint8_t kind;
  assert_int_equal(th_codec_encode(L, -1, &payload, &kind), 0);
  th_notice_dead_envelope(&notice, &child, payload.data, payload.size);
  set_bytes(L, "dead", &notice);
  lua_settop(L, 0);
  run(L, "local notice = decode(exited)\n"
         "local names = getmetatable(notice).names\n"
         "assert(names[1] == 'thespian.actors.ChildActorExited' and names[4] == "
         "'ActorSystemMessage')\n"
         "assert(notice.childAddress == address(1, 2) and notice.reason == 'exit')\n"
         "notice = decode(dead)\n"
         "assert(same(notice.deadMessage, value) and notice.deadAddress == address(1, 2))\n"
         "assert(survives(notice))");
  th_buffer_clear(&payload);
  th_buffer_clear(&notice);
  lua_close(L);
}

static void the_deepest_message_can_be_given_back(void **state) {
  (void)state;
  lua_State *L = new_state();
  struct th_buffer payload;
  struct th_buffer notice;
  uint8_t kind;
  th_buffer_init(&payload);
  th_buffer_init(&notice);
  run(L, "value = {} for i = 2, 1000 do value = {value} end");
  lua_getglobal(L, "value");
  assert_int_equal(th_codec_encode(L, -1, &payload, &kind), 0);
  for (int i = 0; i < 5; i++) {
    th_notice_dead_envelope(&notice, &TH_NOBODY, payload.data, payload.size);
    th_buffer_reset(&payload);
    th_buffer_append(&payload, notice.data, notice.size);
    th_buffer_reset(&notice);
  }
  set_bytes(L, "dead", &payload);
  lua_settop(L, 0);
  run(L, "local notice = decode(dead)\n"
         "for i = 1, 5 do notice = notice.deadMessage end\n"
         "assert(same(notice, value))");
  th_buffer_clear(&payload);
  th_buffer_clear(&notice);
  lua_close(L);
}

/* ---- memory ---- */

struct account {
  size_t used;
  size_t peak;
  size_t calls;
  size_t fail_at; /* the number of the call that fails, and all after it; 0 for none */
};

static void *counting(void *data, void *block, size_t old_size, size_t size) {
  struct account *account = data;
  if (block == NULL) old_size = 0;
  if (size == 0) {
    free(block);
    account->used -= old_size;
    return NULL;
  }
  account->calls++;
  if (account->fail_at != 0 && account->calls >= account->fail_at && size > old_size) return NULL;
  void *moved = realloc(block, size);
  if (moved == NULL) return NULL;
  account->used += size - old_size;
  if (account->used > account->peak) account->peak = account->used;
  return moved;
}

static void scalars_and_small_tables_are_sent_without_memory(void **state) {
  (void)state;
  struct account account = {0};
  struct th_buffer buffer;
  uint8_t kind;
  lua_State *L = lua_newstate(counting, &account);
  open_state(L);
  th_buffer_init(&buffer);
  th_buffer_reserve(&buffer, 1000);
  run(L, "Job = class'Job' encode(made(Job, {}))\n"
         "values = {1, 2.5, true, 'text', address(1, 2), {1, 'x', {y = {}}}, made(Job, {id = 1})}");
  lua_getglobal(L, "values");
  for (int i = 1; i <= 7; i++) {
    lua_rawgeti(L, 1, i);
    size_t calls = account.calls;
    assert_int_equal(th_codec_encode(L, -1, &buffer, &kind), 0);
    assert_int_equal(account.calls, calls);
    lua_settop(L, 1);
    th_buffer_reset(&buffer);
  }
  th_buffer_clear(&buffer);
  lua_close(L);
}

static int protected_decode(lua_State *L) {
  const struct th_buffer *buffer = lua_touserdata(L, 1);
  th_codec_decode(L, buffer->data, buffer->size);
  return 1;
}

/* Decodes in a call; true when it did not raise. */
static bool try_decode(lua_State *L, struct th_buffer *buffer) {
  lua_pushcfunction(L, protected_decode);
  lua_pushlightuserdata(L, buffer);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* A head may promise four thousand million items; nested ones each as many as bytes are left. */
static void promises_make_no_room_that_bytes_do_not_back(void **state) {
  (void)state;
  static const unsigned char heads[][5] = {{0xdd, 0xff, 0xff, 0xff, 0xff},
                                           {0xdf, 0xff, 0xff, 0xff, 0xff},
                                           {0xdd, 0x00, 0x02, 0x00, 0x00},
                                           {0xdf, 0x00, 0x01, 0x00, 0x00}};
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    struct account account = {0};
    struct th_buffer buffer;
    lua_State *L = lua_newstate(counting, &account);
    open_state(L);
    th_buffer_init(&buffer);
    for (int level = 0; level < 1000; level++) {
      th_buffer_append(&buffer, heads[i], sizeof heads[i]);
      if (i % 2 == 1) th_pack_int(&buffer, 1);
    }
    while (buffer.size < 200000) th_pack_nil(&buffer);
    size_t before = account.peak;
    assert_false(try_decode(L, &buffer));
    assert_non_null(strstr(lua_tostring(L, -1), "malformed message"));
    assert_true(account.peak - before < 200000 * 64);
    th_buffer_clear(&buffer);
    lua_close(L);
  }
}

static const char rich_value[] =
  "Job = Job or class('Job', 'Base')\n"
  "local shared = {'a rather long string that is not kept among the short ones'}\n"
  "value = {1, 2.5, shared, shared, made(Job, {x = 1, to = address(5, 6)}), {[shared] = {}}, me = "
  "{}}\n"
  "for i = 1, 40 do value.me[i] = {i, value, 'k' .. i} end\n"
  "for i = 1, 600 do value[i * 7919] = i end\n"
  "return value";

static void a_decoder_without_memory_leaves_a_sound_state(void **state) {
  (void)state;
  struct th_buffer buffer;
  uint8_t kind;
  bool done = false;
  th_buffer_init(&buffer);
  for (size_t nth = 1; !done; nth++) {
    struct account account = {0};
    lua_State *L = lua_newstate(counting, &account);
    open_state(L);
    if (luaL_dostring(L, rich_value)) fail_msg("%s", lua_tostring(L, -1));
    th_buffer_reset(&buffer);
    assert_int_equal(th_codec_encode(L, -1, &buffer, &kind), 0);
    lua_settop(L, 0);
    account.fail_at = account.calls + nth;
    done = try_decode(L, &buffer);
    account.fail_at = 0;
    if (!done) assert_string_equal(lua_tostring(L, -1), "not enough memory");
    lua_settop(L, 0);
    run(L, "collectgarbage() assert(survives(value))");
    lua_close(L);
    assert_int_equal(account.used, 0);
  }
  th_buffer_clear(&buffer);
}

struct encoding {
  struct th_buffer buffer;
  int error;
};

static int protected_encode(lua_State *L) {
  struct encoding *encoding = lua_touserdata(L, 2);
  uint8_t kind;
  encoding->error = th_codec_encode(L, 1, &encoding->buffer, &kind);
  return 0;
}

static void an_encoder_without_memory_leaves_a_sound_state(void **state) {
  (void)state;
  struct encoding encoding;
  bool done = false;
  th_buffer_init(&encoding.buffer);
  for (size_t nth = 1; !done; nth++) {
    struct account account = {0};
    lua_State *L = lua_newstate(counting, &account);
    open_state(L);
    lua_pushcfunction(L, protected_encode);
    if (luaL_dostring(L, rich_value)) fail_msg("%s", lua_tostring(L, -1));
    lua_pushlightuserdata(L, &encoding);
    th_buffer_reset(&encoding.buffer);
    account.fail_at = account.calls + nth;
    done = lua_pcall(L, 2, 0, 0) == LUA_OK && encoding.error == 0;
    account.fail_at = 0;
    lua_settop(L, 0);
    run(L, "collectgarbage() assert(survives(value))");
    lua_close(L);
  }
  th_buffer_clear(&encoding.buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(integers_take_the_shortest_form),
    cmocka_unit_test(integers_and_floats_stay_distinct),
    cmocka_unit_test(nil_and_booleans_are_whole_messages),
    cmocka_unit_test(strings_of_any_bytes_and_length_come_back),
    cmocka_unit_test(bin_is_read_as_a_string),
    cmocka_unit_test(numbers_from_elsewhere_are_read_in_every_form),
    cmocka_unit_test(plain_values_alone_have_a_way_of_their_own),
    cmocka_unit_test(sequences_are_arrays_and_the_empty_table_too),
    cmocka_unit_test(other_tables_are_maps),
    cmocka_unit_test(float_keys_are_as_lua_has_them),
    cmocka_unit_test(tables_of_every_size_come_back),
    cmocka_unit_test(mixed_tables_lose_nothing),
    cmocka_unit_test(shared_tables_stay_shared_and_cycles_end),
    cmocka_unit_test(tables_can_be_keys),
    cmocka_unit_test(references_are_right_among_many_tables),
    cmocka_unit_test(the_receiver_gets_its_own_copy),
    cmocka_unit_test(references_of_one_to_four_bytes_are_read),
    cmocka_unit_test(addresses_travel),
    cmocka_unit_test(instances_keep_their_class),
    cmocka_unit_test(instances_look_as_documented),
    cmocka_unit_test(instances_refer_to_themselves_and_each_other),
    cmocka_unit_test(more_classes_than_are_remembered_at_once_work),
    cmocka_unit_test(other_metatables_do_not_travel),
    cmocka_unit_test(a_class_that_cannot_be_found_keeps_its_names),
    cmocka_unit_test(classes_named_by_strangers_do_not_pile_up),
    cmocka_unit_test(system_message_classes_give_their_kind),
    cmocka_unit_test(names_may_send_a_message_itself),
    cmocka_unit_test(what_names_raises_comes_through),
    cmocka_unit_test(a_table_that_changes_on_the_way_is_refused),
    cmocka_unit_test(errors_say_what_and_where),
    cmocka_unit_test(the_middle_of_a_long_path_is_left_out),
    cmocka_unit_test(what_is_too_deep_is_refused),
    cmocka_unit_test(what_is_too_large_is_refused),
    cmocka_unit_test(malformed_bytes_are_refused_with_words),
    cmocka_unit_test(long_equal_keys_are_found_whatever_their_form),
    cmocka_unit_test(nil_values_leave_no_field),
    cmocka_unit_test(every_part_and_every_change_of_a_message_is_survived),
    cmocka_unit_test(nesting_without_end_is_refused),
    cmocka_unit_test(enclosed_values_have_numbers_of_their_own),
    cmocka_unit_test(keys_chosen_to_collide_are_refused),
    cmocka_unit_test(large_maps_hold_tables_and_references),
    cmocka_unit_test(names_are_packed_and_unpacked),
    cmocka_unit_test(without_functions_for_classes_plain_values_still_travel),
    cmocka_unit_test(the_runtimes_notices_are_instances),
    cmocka_unit_test(the_deepest_message_can_be_given_back),
    cmocka_unit_test(scalars_and_small_tables_are_sent_without_memory),
    cmocka_unit_test(promises_make_no_room_that_bytes_do_not_back),
    cmocka_unit_test(a_decoder_without_memory_leaves_a_sound_state),
    cmocka_unit_test(an_encoder_without_memory_leaves_a_sound_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
