#include "bindings/require.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "actor/world.h"
#include "bindings/class.h"
#include "bindings/code.h"
#include "bindings/embedded.h"
#include "bindings/globals.h"
#include "bindings/library.h"
#include "bindings/load.h"
#include "bindings/self.h"
#include "bindings/state.h"

/* In the registry: the name of the module that is being loaded. */
static const char *const loading_key = "thespian.loading";

/* In the registry: a set of the names of all modules that are being loaded. */
static const char *const underway_key = "thespian.underway";

void th_require_push_loading(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, loading_key);
}

static int require_core(lua_State *L) {
  th_self_open(L);
  return 1;
}

/* ---- finders: each pushes a loader function and its extra value and gives true, or pushes nothing
 * ---- */

static bool find_preloaded(lua_State *L, const char *name) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE) != LUA_TTABLE) {
    lua_pop(L, 1);
    return false;
  }
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushliteral(L, ":preload:");
  return true;
}

static const struct th_embedded_module *find_embedded(const char *name) {
  for (const struct th_embedded_module *module = th_embedded_modules; module->name; module++)
    if (strcmp(module->name, name) == 0) return module;
  return NULL;
}

/* The modules that are C. */
static const luaL_Reg openers[] = {
  {"thespian.core", require_core},
  {"thespian.class", th_class_open_module},
  {"thespian.actor", th_class_open_actor_module},
  {"thespian.actors", th_library_open_in_actor},
  {NULL, NULL},
};

static lua_CFunction find_opener(const char *name) {
  const luaL_Reg *opener = openers;
  while (opener->name != NULL && strcmp(opener->name, name) != 0) opener++;
  return opener->func;
}

static bool find_builtin(lua_State *L, const char *name) {
  struct th_script_state *state = th_script_state_of(L);
  char chunk_name[128];
  if (strncmp(name, "thespian.", 9) != 0) return false;
  lua_CFunction opener = find_opener(name);
  if (opener != NULL) {
    lua_pushcfunction(L, opener);
    lua_pushliteral(L, ":builtin:");
    return true;
  }
  const struct th_embedded_module *module = find_embedded(name);
  if (module == NULL) return false;
  snprintf(chunk_name, sizeof chunk_name, "=%s", name);
  if (th_code_load(state->shared->code, L, name, chunk_name) != LUA_OK &&
      th_code_compile(state->shared->code, L, name, chunk_name, module->data, module->size, true) !=
        LUA_OK)
    lua_error(L);
  th_script_state_note_part(state, module->name);
  lua_pushliteral(L, ":builtin:");
  return true;
}

/* [-0, +1, m] pushes the function, or why there is none; gives which. */
static int compile_text(struct th_code *code, lua_State *L, const struct th_module *module) {
  size_t size = module->bytes->size;
  const void *text = th_code_skip_comment(module->bytes->data, &size);
  return th_code_compile(code, L, module->key, module->chunk_name, text, size, false);
}

/* The error of a module whose words are on top of the stack. */
static void refuse(lua_State *L, const char *name, bool is_compiled) {
  const char *words = lua_tostring(L, -1);
  if (!is_compiled) luaL_error(L, "module '%s' cannot be compiled: %s", name, words);
  luaL_error(L, "module '%s' cannot be loaded: %s; compile its bundle by this version of thespian",
             name, words);
}

/* Compiles the module that was found under its key, or loads what is compiled already. Pushes the
 * function; raises why there is none. */
static void compile(lua_State *L, const char *name) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_world *world = state->world;
  struct th_module module;
  struct th_buffer searched;
  th_buffer_init(&searched);
  bool found = world->ops->module(world, state->source, name, true, &module, &searched);
  th_buffer_clear(&searched);
  if (!found || module.bytes == NULL) luaL_error(L, "module '%s' cannot be read", name);
  int status = module.is_compiled
                 ? th_code_take(state->shared->code, L, module.key, module.chunk_name, module.bytes)
                 : compile_text(state->shared->code, L, &module);
  th_bytes_unref(module.bytes);
  if (status != LUA_OK) refuse(L, name, module.is_compiled);
}

/* Where nothing is found, pushes the list of places instead and gives false. */
static bool find_in_world(lua_State *L, const char *name) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_world *world = state->world;
  struct th_module module;
  struct th_buffer searched;
  th_buffer_init(&searched);
  if (!world->ops->module(world, state->source, name, false, &module, &searched)) {
    /* The text may raise for want of memory; that leaks a buffer in a state about to end. */
    lua_pushlstring(L, (const char *)searched.data, searched.size);
    th_buffer_clear(&searched);
    return false;
  }
  th_buffer_clear(&searched);
  if (th_code_load(state->shared->code, L, module.key, module.chunk_name) != LUA_OK)
    compile(L, name);
  if (state->phase == TH_SCRIPT_FINDS) th_trail_note(&state->trail, name, &module);
  lua_pushstring(L, module.chunk_name + 1);
  return true;
}

/* Lua's own searchers, from the second on: the path and the cpath as they stand in package now.
 * Pushes loader and value, or nothing. [-0, +0|2, e] */
static bool find_by_lua(lua_State *L, const char *name) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  lua_remove(L, -2);
  int searchers = lua_gettop(L);
  for (lua_Integer i = 2; lua_rawgeti(L, searchers, i) != LUA_TNIL; i++) {
    lua_pushstring(L, name);
    lua_call(L, 1, 2);
    if (lua_isfunction(L, -2)) {
      lua_remove(L, searchers);
      return true;
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
  return false;
}

static void find(lua_State *L, const char *name) {
  if (find_preloaded(L, name) || find_builtin(L, name) || find_in_world(L, name)) return;
  int searched = lua_gettop(L);
  if (find_by_lua(L, name)) {
    lua_remove(L, searched);
    return;
  }
  luaL_error(
    L,
    "module '%s' not found:%s\n\t(modules come from the actor's bundle, the system's --path "
    "folders and the installed Lua)",
    name, lua_tostring(L, searched));
}

/* ---- loading ---- */

/* Marks the module at name_index as being loaded, or with a false mark as no longer. [-0, +0, m] */
static void mark(lua_State *L, int name_index, bool is_underway) {
  name_index = lua_absindex(L, name_index);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, underway_key);
  lua_pushvalue(L, name_index);
  if (is_underway)
    lua_pushboolean(L, 1);
  else
    lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* __close of the guard: whether the module's file ended or raised, it is no longer being loaded,
 * and whoever required it is again. */
static int stop_loading(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, loading_key);
  lua_getiuservalue(L, 1, 2);
  mark(L, -1, false);
  return 0;
}

/* [-0, +1, m] pushes a value that stop_loading closes. The module's name is at index 1. */
static void push_guard(lua_State *L) {
  lua_newuserdatauv(L, 0, 2);
  lua_getfield(L, LUA_REGISTRYINDEX, loading_key);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 2);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, stop_loading);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
}

/* A module that requires itself, by whatever way, would never end. */
static void refuse_loop(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, underway_key);
  if (lua_getfield(L, -1, name) != LUA_TNIL)
    luaL_error(L, "module '%s' requires itself, directly or by way of others", name);
  lua_pop(L, 2);
}

/* Stack: 1 name, 2 table of loaded modules, 3 guard, 4 loader, 5 its value, 6 what the loader
 * gave. */
static int keep_loaded(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  if (!lua_isnil(L, 6)) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 6);
    lua_settable(L, 2);
  }
  lua_pushvalue(L, 1);
  if (lua_gettable(L, 2) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_settable(L, 2);
  }
  lua_pushvalue(L, 5);
  return 2;
}

/* Runs the loader of a module; it may be interrupted, and goes on in keep_loaded. */
static int load(lua_State *L) {
  mark(L, 1, true);
  lua_pushvalue(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, loading_key);
  lua_pushvalue(L, 4);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 5);
  lua_callk(L, 2, 1, 0, keep_loaded);
  return keep_loaded(L, LUA_OK, 0);
}

int th_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, 2, name);
  if (lua_toboolean(L, -1) || th_globals_open_library(L, name)) return 1;
  lua_settop(L, 2);
  refuse_loop(L, name);
  push_guard(L);
  lua_toclose(L, 3);
  find(L, name);
  return load(L);
}

/* ---- package ---- */

int th_require_open_package(lua_State *L) {
  struct th_script_state *state = th_script_state_of(L);
  struct th_world *world = state->world;
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  luaopen_package(L);
  lua_pushstring(L, world->ops->package_path(world, state->source));
  lua_setfield(L, -2, "path");
  lua_pushstring(L, world->package_cpath);
  lua_setfield(L, -2, "cpath");
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, th_load_search);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 1);
  /* luaopen_package has put its own require in place. */
  lua_pushglobaltable(L);
  lua_pushcfunction(L, th_require);
  lua_setfield(L, -2, "require");
  lua_pop(L, 1);
  return 1;
}
