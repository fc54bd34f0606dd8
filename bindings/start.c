#include "bindings/start.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "bindings/class.h"
#include "bindings/finalizer.h"
#include "bindings/require.h"
#include "bindings/state.h"
#include "bindings/trace.h"

#define CHECK "actorSystemCapabilityCheck"

/* The message handler of all protected calls here. Code that is to be stopped runs no further. */
static int describe(lua_State *L) {
  if (th_script_state_of(L)->interrupt.stop != TH_STOP_NONE) return 1;
  luaL_tolstring(L, 1, NULL);
  th_trace_add(L, lua_tostring(L, -1), 1);
  return 1;
}

static bool has_failed(int status) {
  return status != LUA_OK && status != LUA_YIELD;
}

/* [-1, +3, m] */
static int refuse(lua_State *L, const char *error) {
  lua_pushnil(L);
  lua_pushstring(L, error);
  lua_pushvalue(L, -3);
  return 3;
}

/* ---- finding the class ---- */

/* [-0, +1, e] pushes a function of the module that knows where else to look. */
static void push_finding(lua_State *L, const char *name) {
  lua_pushcfunction(L, th_require);
  lua_pushliteral(L, "thespian.finding");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* Gives the class on top, if it is an actor's. The name that was specified is at index 1. */
static int give_class(lua_State *L) {
  if (th_class_is_of_actor(L, -1)) return 1;
  lua_pushfstring(L, "%s is no actor class: it does not derive from actors.Actor",
                  lua_tostring(L, 1));
  return refuse(L, "no class");
}

/* Stack: 1 name, 2 class or nil, 3 why. */
static int searched(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  if (lua_toboolean(L, 2)) {
    lua_settop(L, 2);
    return give_class(L);
  }
  return refuse(L, "no class");
}

static int search(lua_State *L) {
  lua_settop(L, 1);
  push_finding(L, "search");
  lua_pushvalue(L, 1);
  lua_callk(L, 1, 2, 0, searched);
  return searched(L, LUA_OK, 0);
}

/* Whether the words at index say that there is no module of the name at index 2. */
static bool is_missing(lua_State *L, int words) {
  push_finding(L, "ismissing");
  lua_pushvalue(L, words);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  bool is_missing = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is_missing;
}

/* Stack: 1 name, 2 module, 3 key, 4 describe, 5 what the module gave, or words. */
static int module_loaded(lua_State *L, int status, lua_KContext context) {
  (void)context;
  if (has_failed(status)) {
    if (is_missing(L, 5)) return search(L);
    return refuse(L, "no class");
  }
  if (!lua_istable(L, 5) || th_class_is(L, 5)) return search(L);
  lua_pushvalue(L, 3);
  lua_rawget(L, 5);
  return th_class_is(L, 6) ? give_class(L) : search(L);
}

static bool consists_of(const char *from, const char *to, const char *others) {
  for (; from < to; from++)
    if (!isalnum((unsigned char)*from) && strchr(others, *from) == NULL) return false;
  return true;
}

/* The dot between module and key in a plain name, the usual case; NULL in any other. */
static const char *find_dot(const char *name, size_t size) {
  const char *dot = strlen(name) == size ? strrchr(name, '.') : NULL;
  if (dot == NULL || dot == name || dot[1] == '\0') return NULL;
  bool is_plain = consists_of(name, dot, "_.-") && consists_of(dot + 1, name + size, "_");
  return is_plain ? dot : NULL;
}

int th_start_find(lua_State *L) {
  size_t size;
  const char *name = luaL_checklstring(L, 1, &size);
  const char *dot = find_dot(name, size);
  lua_settop(L, 1);
  if (dot == NULL) return search(L);
  lua_pushlstring(L, name, (size_t)(dot - name));
  lua_pushstring(L, dot + 1);
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, th_require);
  lua_pushvalue(L, 2);
  return module_loaded(L, lua_pcallk(L, 1, 1, 4, 0, module_loaded), 0);
}

/* ---- whether it fits ---- */

/* Stack: 1 class, 2 capabilities, 3 requirements, 4 describe, 5 answer and 6 why, or 5 words. */
static int fitted(lua_State *L, int status, lua_KContext context) {
  (void)context;
  bool failed = has_failed(status);
  if (!failed && lua_toboolean(L, 5)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  const char *why = failed || lua_type(L, 6) == LUA_TSTRING ? lua_tostring(L, failed ? 5 : 6)
                                                            : NULL;
  lua_getfield(L, 1, "name");
  const char *name = luaL_tolstring(L, -1, NULL);
  lua_pushboolean(L, 0);
  lua_pushfstring(L, "%s." CHECK " %s%s%s", name, failed ? "failed" : "says no",
                  why != NULL ? ": " : "", why != NULL ? why : "");
  return 2;
}

/* fits(class, capabilities, requirements) -> true, or false and why not. A check that fails says
 * no. */
static int fits(lua_State *L) {
  lua_settop(L, 3);
  lua_pushcfunction(L, describe);
  if (lua_getfield(L, 1, CHECK) == LUA_TNIL) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_call(L, 0, 1);
  lua_pushvalue(L, 3);
  return fitted(L, lua_pcallk(L, 2, 2, 4, 0, fitted), 0);
}

static int give_all(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}

/* Upvalues: the arguments of fits. */
static int fits_again(lua_State *L) {
  lua_settop(L, 0);
  lua_pushcfunction(L, fits);
  for (int i = 1; i <= 3; i++) lua_pushvalue(L, lua_upvalueindex(i));
  lua_callk(L, 3, LUA_MULTRET, 0, give_all);
  return give_all(L, LUA_OK, 0);
}

/* What the class at index 1 requires by requireCapability, as far as that is known without calling
 * its check, so that systems without it need not be tried; nil for nothing. [-0, +1, m] */
static void push_needs(lua_State *L) {
  th_class_push_meta(L, 1);
  int meta = lua_gettop(L);
  while (lua_istable(L, meta)) {
    lua_getfield(L, meta, "__index");
    lua_pushliteral(L, CHECK);
    bool has_check = lua_rawget(L, -2) != LUA_TNIL;
    bool has_needs = lua_getfield(L, meta, "__needs") != LUA_TNIL;
    if (!has_needs && !has_check) lua_getfield(L, meta, "__base");
    lua_replace(L, meta);
    lua_settop(L, meta);
    if (has_needs || has_check) return;
  }
}

/* ---- making the instance ---- */

/* The arguments of make, from which build is called with the same, and where the leader of its troupe
 * stands if there is one. */
enum { CLASS = 1, SPECIFIED, CAPABILITIES, REQUIREMENTS, CHECKS, ADDRESS, NAME, LEADER };

/* On the stack of build: behind its arguments. */
enum { INSTANCE = LEADER + 1, DRESSED };

static int build_finished(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  lua_settop(L, DRESSED);
  return 1;
}

/* Stack: up to INSTANCE; what decorators made of it, and whether that leads a troupe. */
static int dressed(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  bool leads = lua_toboolean(L, DRESSED + 1);
  lua_settop(L, DRESSED);
  if (leads || lua_getfield(L, CLASS, "init") == LUA_TNIL) return build_finished(L, LUA_OK, 0);
  lua_pushvalue(L, INSTANCE);
  lua_pushvalue(L, CAPABILITIES);
  lua_call(L, 0, 1);
  lua_pushvalue(L, REQUIREMENTS);
  lua_callk(L, 3, 0, 0, build_finished);
  return build_finished(L, LUA_OK, 0);
}

/* [-0, +1, m] pushes what decorators are told of the birth. */
static void push_birth(lua_State *L) {
  static const struct {
    const char *name;
    int index;
  } fields[] = {{"self", INSTANCE},
                {"specified", SPECIFIED},
                {"requirements", REQUIREMENTS},
                {"leader", LEADER}};
  lua_createtable(L, 0, 4);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushvalue(L, fields[i].index);
    lua_setfield(L, -2, fields[i].name);
  }
}

/* [-0, +1, m] pushes the instance: its address is known before its init runs. */
static void push_instance(lua_State *L) {
  lua_pushcfunction(L, th_finalizer_setmetatable);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, ADDRESS);
  lua_setfield(L, -2, "myAddress");
  lua_pushvalue(L, NAME);
  lua_setfield(L, -2, "globalName");
  th_class_push_meta(L, CLASS);
  lua_call(L, 2, 1);
}

/* Makes the instance and calls its init. What decorators made of its class stands in its place
 * then. */
static int build(lua_State *L) {
  push_instance(L);
  if (lua_getfield(L, CLASS, "_dress") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushvalue(L, INSTANCE);
    lua_pushboolean(L, 0);
    return dressed(L, LUA_OK, 0);
  }
  push_birth(L);
  lua_callk(L, 1, 2, 0, dressed);
  return dressed(L, LUA_OK, 0);
}

/* Stack: the arguments, describe, the instance or words. */
static int built(lua_State *L, int status, lua_KContext context) {
  (void)context;
  if (has_failed(status)) return refuse(L, "InvalidActorSpecification");
  if (!lua_toboolean(L, CHECKS) || lua_getfield(L, CLASS, CHECK) == LUA_TNIL) {
    lua_settop(L, LEADER + 2);
    return 1;
  }
  lua_pop(L, 1);
  lua_pushvalue(L, CLASS);
  lua_pushvalue(L, CAPABILITIES);
  lua_pushvalue(L, REQUIREMENTS);
  lua_pushcclosure(L, fits_again, 3);
  return 2;
}

static int call_build(lua_State *L) {
  lua_settop(L, LEADER);
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, build);
  for (int i = 1; i <= LEADER; i++) lua_pushvalue(L, i);
  return built(L, lua_pcallk(L, LEADER, 1, LEADER + 1, 0, built), 0);
}

/* Stack: the arguments, whether it fits, why not. */
static int judged(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  if (lua_toboolean(L, LEADER + 1)) return call_build(L);
  refuse(L, "NoCompatibleSystemForActor");
  push_needs(L);
  return 4;
}

/* The requirements of a member of a troupe have its leader in them, and its own. [-0, +1, m] pushes
 * the leader, or nil. */
static void read_membership(lua_State *L) {
  lua_pushnil(L);
  if (!lua_istable(L, REQUIREMENTS)) return;
  lua_pushliteral(L, "thespian.troupe");
  lua_rawget(L, REQUIREMENTS);
  if (lua_toboolean(L, -1)) {
    lua_replace(L, LEADER);
    lua_getfield(L, REQUIREMENTS, "requirements");
    lua_replace(L, REQUIREMENTS);
  }
  lua_settop(L, LEADER);
}

int th_start_make(lua_State *L) {
  lua_settop(L, NAME);
  read_membership(L);
  if (!lua_toboolean(L, CHECKS)) return call_build(L);
  lua_pushcfunction(L, fits);
  lua_pushvalue(L, CLASS);
  lua_pushvalue(L, CAPABILITIES);
  lua_pushvalue(L, REQUIREMENTS);
  lua_callk(L, 3, 2, 0, judged);
  return judged(L, LUA_OK, 0);
}
