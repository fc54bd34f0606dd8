#include "bindings/globals.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bindings/coroutine.h"
#include "bindings/finalizer.h"
#include "bindings/guard.h"
#include "bindings/load.h"
#include "bindings/protect.h"
#include "bindings/require.h"
#include "bindings/state.h"
#include "bindings/strings.h"
#include "bindings/tables.h"

static int base_print(lua_State *L);
static int base_getmetatable(lua_State *L);

/* The functions, with NULL where it is Lua's own. */
static const luaL_Reg functions[] = {
  {"assert", NULL},
  {"collectgarbage", NULL},
  {"dofile", th_load_dofile},
  {"error", NULL},
  {"getmetatable", base_getmetatable},
  {"ipairs", NULL},
  {"load", th_load_load},
  {"loadfile", th_load_loadfile},
  {"next", NULL},
  {"pairs", NULL},
  {"pcall", NULL},
  {"print", base_print},
  {"rawequal", NULL},
  {"rawget", NULL},
  {"rawlen", NULL},
  {"rawset", NULL},
  {"require", th_require},
  {"select", NULL},
  {"setmetatable", th_finalizer_setmetatable},
  {"tonumber", NULL},
  {"tostring", NULL},
  {"type", NULL},
  {"warn", NULL},
  {"xpcall", th_protect_xpcall},
};

#define FUNCTIONS (sizeof functions / sizeof *functions)

static const luaL_Reg libraries[] = {
  {LUA_COLIBNAME, th_coroutine_open},
  {LUA_TABLIBNAME, th_tables_open},
  {LUA_IOLIBNAME, luaopen_io},
  {LUA_OSLIBNAME, th_guard_open_os},
  {LUA_STRLIBNAME, th_strings_open},
  {LUA_MATHLIBNAME, th_guard_open_math},
  {LUA_UTF8LIBNAME, luaopen_utf8},
  {LUA_DBLIBNAME, th_guard_open_debug},
  {LUA_LOADLIBNAME, th_require_open_package},
};

#define LIBRARIES (sizeof libraries / sizeof *libraries)

/* The numbers of names: the functions, the libraries, and these. */
enum { VERSION = FUNCTIONS + LIBRARIES, ALL, NAMES };

_Static_assert(NAMES <= 64, "each name has a bit");

/* Where in the metatable of the globals the bits of those names are that have come. */
#define COME 1

struct th_globals {
  lua_CFunction stock[FUNCTIONS];
};

/* ---- Lua's own functions ---- */

static void *allocate(void *user, void *block, size_t old_size, size_t size) {
  (void)user;
  (void)old_size;
  if (size > 0) return th_realloc(block, size);
  free(block);
  return NULL;
}

struct th_globals *th_globals_new(void) {
  lua_State *L = lua_newstate(allocate, NULL);
  struct th_globals *globals = th_new(struct th_globals);
  luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
  for (size_t i = 0; i < FUNCTIONS; i++) {
    lua_getfield(L, 1, functions[i].name);
    globals->stock[i] = lua_tocfunction(L, -1);
    lua_pop(L, 1);
  }
  lua_close(L);
  return globals;
}

void th_globals_free(struct th_globals *globals) {
  free(globals);
}

static lua_CFunction function_of(lua_State *L, size_t number) {
  if (functions[number].func != NULL) return functions[number].func;
  return th_script_state_of(L)->shared->globals->stock[number];
}

/* ---- libraries ---- */

/* Whether it reads and changes nothing but its arguments; math has its random numbers, which are looked
 * at by themselves. */
static bool is_pure_library(const char *name) {
  static const char *const pure[] = {LUA_STRLIBNAME, LUA_TABLIBNAME, LUA_UTF8LIBNAME,
                                     LUA_MATHLIBNAME};
  for (size_t i = 0; i < sizeof pure / sizeof *pure; i++)
    if (strcmp(name, pure[i]) == 0) return true;
  return false;
}

/* Files, the libraries that package loads, and what debug can do to them, are not ours to know. */
static void note_library(lua_State *L, const char *name) {
  static const char *const foreign[] = {LUA_IOLIBNAME, LUA_LOADLIBNAME, LUA_DBLIBNAME};
  if (!is_pure_library(name)) th_script_state_outside(L);
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (strcmp(name, foreign[i]) == 0) th_script_state_of(L)->has_foreign = true;
}

/* [-0, +1, m] */
static void open_library(lua_State *L, const luaL_Reg *library) {
  note_library(L, library->name);
  luaL_requiref(L, library->name, library->func, 0);
}

/* ---- names ---- */

/* [-0, +1, m] pushes the global of that number, whose name that is. */
static void push_global(lua_State *L, size_t number) {
  if (number < FUNCTIONS)
    lua_pushcfunction(L, function_of(L, number));
  else if (number < VERSION)
    open_library(L, &libraries[number - FUNCTIONS]);
  else if (number == VERSION)
    lua_pushliteral(L, LUA_VERSION);
  else
    lua_pushglobaltable(L);
}

static const char *name_of(size_t number) {
  if (number < FUNCTIONS) return functions[number].name;
  if (number < VERSION) return libraries[number - FUNCTIONS].name;
  return number == VERSION ? "_VERSION" : LUA_GNAME;
}

/* NAMES: it is none. */
static size_t number_of(const char *name) {
  size_t number = 0;
  while (number < NAMES && strcmp(name_of(number), name) != 0) number++;
  return number;
}

/* Whether it has not come yet; from then on it has. The metatable of the globals is at index.
 * [-0, +0, m] */
static bool comes(lua_State *L, int metatable, size_t number) {
  lua_rawgeti(L, metatable, COME);
  uint64_t come = (uint64_t)lua_tointeger(L, -1), bit = UINT64_C(1) << number;
  lua_pop(L, 1);
  if ((come & bit) != 0) return false;
  lua_pushinteger(L, (lua_Integer)(come | bit));
  lua_rawseti(L, metatable, COME);
  return true;
}

/* All that has not come. The globals are at index. [-0, +0, m] */
static void bring_all(lua_State *L, int globals) {
  if (!lua_getmetatable(L, globals)) return;
  int metatable = lua_gettop(L);
  for (size_t number = 0; number < NAMES; number++) {
    if (!comes(L, metatable, number)) continue;
    push_global(L, number);
    lua_pushstring(L, name_of(number));
    lua_insert(L, -2);
    lua_rawset(L, globals);
  }
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_setmetatable(L, globals);
}

/* __index of the globals. */
static int find_global(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t number = lua_type(L, 2) == LUA_TSTRING ? number_of(lua_tostring(L, 2)) : NAMES;
  lua_settop(L, 2);
  if (number == NAMES || !lua_getmetatable(L, 1) || !comes(L, 3, number)) return 0;
  if (number == ALL) {
    lua_pushvalue(L, 1);
    lua_setfield(L, 1, LUA_GNAME);
    bring_all(L, 1);
    lua_pushvalue(L, 1);
    return 1;
  }
  push_global(L, number);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* __newindex of the globals: what is set, be it to nil, does not come any more. */
static int set_global(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t number = lua_type(L, 2) == LUA_TSTRING ? number_of(lua_tostring(L, 2)) : NAMES;
  lua_settop(L, 3);
  if (number < NAMES && lua_getmetatable(L, 1)) {
    comes(L, 4, number);
    lua_settop(L, 3);
  }
  lua_rawset(L, 1);
  return 0;
}

bool th_globals_open_library(lua_State *L, const char *name) {
  size_t number = number_of(name);
  if (number < FUNCTIONS || number >= VERSION) return false;
  open_library(L, &libraries[number - FUNCTIONS]);
  lua_pushglobaltable(L);
  int globals = lua_gettop(L);
  if (lua_getmetatable(L, globals) && comes(L, globals + 1, number)) {
    lua_pushstring(L, name);
    lua_pushvalue(L, globals - 1);
    lua_rawset(L, globals);
  }
  lua_settop(L, globals - 1);
  return true;
}

void th_globals_reveal(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_pushglobaltable(L);
  bool is_it = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  if (is_it) bring_all(L, index);
}

/* ---- functions of our own ---- */

/* print(...): as Lua's own. */
static int base_print(lua_State *L) {
  int count = lua_gettop(L);
  th_script_state_outside(L);
  for (int i = 1; i <= count; i++) {
    size_t size;
    const char *text = luaL_tolstring(L, i, &size);
    if (i > 1) lua_writestring("\t", 1);
    lua_writestring(text, size);
    lua_pop(L, 1);
  }
  lua_writeline();
  return 0;
}

/* getmetatable(value): as Lua's own; what a program may change there is the strings' metatable as it
 * stays. */
static int base_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_type(L, 1) == LUA_TSTRING) th_strings_settle(L);
  if (!lua_getmetatable(L, 1)) {
    lua_pushnil(L);
    return 1;
  }
  luaL_getmetafield(L, 1, "__metatable");
  return 1;
}

/* ---- opening ---- */

void th_globals_open(lua_State *L) {
  lua_pushglobaltable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, LUA_GNAME);
  lua_createtable(L, COME, 2);
  lua_pushinteger(L, 0);
  lua_rawseti(L, -2, COME);
  lua_pushcfunction(L, find_global);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, set_global);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -3);
  lua_pop(L, 2);
  th_strings_prepare(L);
}
