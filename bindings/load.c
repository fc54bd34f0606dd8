#include "bindings/load.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bindings/chunk.h"
#include "bindings/code.h"
#include "bindings/state.h"

/* ---- text ---- */

static bool allows_text(const char *mode) {
  return strchr(mode, 't') != NULL;
}

/* Compiles the string at index. [-0, +1, m] */
static int compile(lua_State *L, int index, const char *name, const char *mode) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  if ((size == 0 || *text != LUA_SIGNATURE[0]) && !allows_text(mode)) {
    lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
    return LUA_ERRSYNTAX;
  }
  return th_chunk_load(L, text, size, name);
}

/* What load and loadfile give: the function on top, with its first upvalue set to the value at
 * environment (0: none), or the error's text. */
static int answer(lua_State *L, int status, int environment) {
  if (status != LUA_OK) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (environment != 0) {
    lua_pushvalue(L, environment);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
  }
  return 1;
}

/* Protected: all that a function gives, piece by piece, as one string. */
static int read_all(lua_State *L) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (;;) {
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) break;
    if (!lua_isstring(L, -1)) {
      luaL_where(L, 2); /* whoever called load */
      lua_pushliteral(L, "reader function must return a string");
      lua_concat(L, 2);
      lua_error(L);
    }
    lua_tostring(L, -1);
    if (lua_rawlen(L, -1) == 0) break;
    luaL_addvalue(&buffer);
    if (luaL_bufflen(&buffer) > TH_CHUNK_SIZE) { /* enough to be refused */
      luaL_pushresult(&buffer);
      return 1;
    }
  }
  lua_pop(L, 1);
  luaL_pushresult(&buffer);
  return 1;
}

/* load(chunk [, name [, mode [, environment]]]) -> function | nil, why */
int th_load_load(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  const char *mode = luaL_optstring(L, 3, "bt");
  const char *name = luaL_optstring(L, 2, text != NULL ? text : "=(load)");
  int environment = lua_isnone(L, 4) ? 0 : 4;
  int status = LUA_OK;
  if (text == NULL) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 4);
    lua_pushcfunction(L, read_all);
    lua_pushvalue(L, 1);
    status = lua_pcall(L, 1, 1, 0);
    if (status == LUA_OK) status = compile(L, -1, name, mode);
  } else {
    status = compile(L, 1, name, mode);
  }
  return answer(L, status, environment);
}

/* ---- files ---- */

static int refuse_file(lua_State *L, const char *verb, const char *path) {
  lua_pushfstring(L, "cannot %s %s: %s", verb, path, strerror(errno));
  return LUA_ERRFILE;
}

/* Pushes what the file holds, one byte more than the limit at most: LUA_OK, else why not. Stream is
 * closed, also where memory is missing: luaL_Buffer's are userdata. [-0, +1, m] */
static int read_stream(lua_State *L, FILE *stream, const char *path) {
  luaL_Buffer buffer;
  size_t got;
  luaL_buffinit(L, &buffer);
  do {
    got = fread(luaL_prepbuffer(&buffer), 1, LUAL_BUFFERSIZE, stream);
    luaL_addsize(&buffer, got);
  } while (got > 0 && luaL_bufflen(&buffer) <= TH_CHUNK_SIZE);
  luaL_pushresult(&buffer);
  if (!ferror(stream)) return LUA_OK;
  return refuse_file(L, "read", path);
}

struct file {
  FILE *stream;
};

static int close_file(lua_State *L) {
  struct file *file = lua_touserdata(L, 1);
  if (file->stream != NULL && file->stream != stdin) fclose(file->stream);
  file->stream = NULL;
  return 0;
}

/* Pushes an empty file that is closed at the latest when it is collected. [-0, +1, m] */
static struct file *push_file(lua_State *L) {
  th_script_state_of(L)->has_foreign = true;
  struct file *file = lua_newuserdatauv(L, sizeof *file, 0);
  file->stream = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_file);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return file;
}

/* Compiles a file, or the standard input where path is NULL. [-0, +1, m] leaves more below */
static int load_file(lua_State *L, const char *path, const char *mode) {
  const char *name = path != NULL ? lua_pushfstring(L, "@%s", path) : lua_pushstring(L, "=stdin");
  struct file *file = push_file(L);
  int guard = lua_gettop(L);
  file->stream = path != NULL ? fopen(path, "rb") : stdin;
  if (file->stream == NULL) return refuse_file(L, "open", path);
  int status = read_stream(L, file->stream, name + 1);
  lua_pushcfunction(L, close_file);
  lua_pushvalue(L, guard);
  lua_call(L, 1, 0);
  if (status != LUA_OK) return status;
  size_t size;
  const char *whole = lua_tolstring(L, -1, &size);
  const char *text = th_code_skip_comment(whole, &size);
  if (text != whole) {
    lua_pushlstring(L, text, size);
    lua_remove(L, -2);
  }
  return compile(L, -1, name, mode);
}

/* loadfile([path [, mode [, environment]]]) -> function | nil, why */
int th_load_loadfile(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  const char *mode = luaL_optstring(L, 2, "bt");
  int environment = lua_isnone(L, 3) ? 0 : 3;
  return answer(L, load_file(L, path, mode), environment);
}

static int give_all(lua_State *L, int status, lua_KContext base) {
  (void)status;
  return lua_gettop(L) - (int)base;
}

/* dofile([path]) -> what the file returns */
int th_load_dofile(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  if (load_file(L, path, "bt") != LUA_OK) return lua_error(L);
  int base = lua_gettop(L) - 1;
  lua_callk(L, 0, LUA_MULTRET, base, give_all);
  return give_all(L, LUA_OK, base);
}

/* ---- modules ---- */

int th_load_search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchpath");
  lua_pushvalue(L, 1);
  if (lua_getfield(L, -3, "path") != LUA_TSTRING)
    return luaL_error(L, "'package.path' must be a string");
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2)) return 1; /* the places that were searched */
  lua_pop(L, 1);
  const char *path = lua_tostring(L, -1);
  if (load_file(L, path, "bt") != LUA_OK)
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path,
                      lua_tostring(L, -1));
  lua_pushstring(L, path);
  return 2;
}
