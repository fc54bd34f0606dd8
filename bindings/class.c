#include "bindings/class.h"

#include <lauxlib.h>
#include <string.h>

#include "bindings/codec.h"
#include "bindings/finalizer.h"
#include "bindings/require.h"
#include "bindings/self.h"

#define LIBRARY "thespian.actors"

static const char classes_key = 0; /* registry: the metatable of every class */

/* What is in that metatable besides metamethods: {[qualified name] = class}, the class Actor, and
 * the function actors.class. */
enum { RECORDED = 1, ACTOR, MAKER };

/* ---- what lies where; indices are absolute ---- */

/* [-0, +1, -] */
static void push_of_all(lua_State *L, int field) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  lua_rawgeti(L, -1, field);
  lua_remove(L, -2);
}

/* [-0, +1, m] pushes a raw field. */
static int push_raw(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, index);
}

/* [-1, +0, m] sets a raw field to the value on top. */
static void set_raw(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_rawset(L, index);
}

/* [-0, +1, m] pushes the meta of the class at index, and the methods of the meta there. */
static int push_meta(lua_State *L, int index) {
  push_raw(L, index, "__meta");
  return lua_gettop(L);
}

static int push_methods(lua_State *L, int meta) {
  push_raw(L, meta, "__index");
  return lua_gettop(L);
}

/* [-0, +1, e] pushes require(module)[key]. */
static void push_from(lua_State *L, const char *module, const char *key) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, key);
  lua_remove(L, -2);
}

bool th_class_is(lua_State *L, int index) {
  if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  bool is_class = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_class;
}

void th_class_push_actor(lua_State *L) {
  push_of_all(L, ACTOR);
}

void th_class_push_maker(lua_State *L) {
  push_of_all(L, MAKER);
}

void th_class_push_meta(lua_State *L, int index) {
  push_meta(L, lua_absindex(L, index));
}

bool th_class_is_of_actor(lua_State *L, int index) {
  int top = lua_gettop(L);
  push_meta(L, lua_absindex(L, index));
  th_class_push_actor(L);
  push_meta(L, top + 2);
  while (!lua_isnil(L, top + 1) && !lua_rawequal(L, top + 1, top + 3)) {
    push_raw(L, top + 1, "__base");
    lua_replace(L, top + 1);
  }
  bool is_of_actor = !lua_isnil(L, top + 1);
  lua_settop(L, top);
  return is_of_actor;
}

/* ---- making classes ---- */

/* [-0, +0, m] remembers the class at index under its qualified name. */
static void record(lua_State *L, int made, const char *name, const char *module) {
  push_of_all(L, RECORDED);
  lua_pushfstring(L, "%s.%s", module, name);
  lua_pushvalue(L, made);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* [-0, +1, m] pushes what stands behind the methods of subclasses of the class with that meta. */
static int push_link(lua_State *L, int above) {
  if (push_raw(L, above, "__link") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 1, 1);
    push_methods(L, above);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    set_raw(L, above, "__link");
  }
  return lua_gettop(L);
}

/* [-0, +0, m] gives meta the metamethods that instances of the class above have. */
static void inherit_special(lua_State *L, int meta, int above) {
  if (push_raw(L, above, "__special") == LUA_TTABLE) {
    int special = lua_gettop(L);
    lua_pushvalue(L, special);
    set_raw(L, meta, "__special");
    lua_pushnil(L);
    while (lua_next(L, special)) {
      lua_pop(L, 1);
      lua_pushvalue(L, -1);
      lua_pushvalue(L, -1);
      lua_rawget(L, above);
      lua_rawset(L, meta);
    }
  }
  lua_pop(L, 1);
}

/* [-0, +0, m] puts the class at base behind the one with that meta and these methods. */
static void derive(lua_State *L, int base, int meta, int methods) {
  int above = push_meta(L, base);
  int link = push_link(L, above);
  lua_pushvalue(L, meta);
  lua_rawseti(L, link, (lua_Integer)lua_rawlen(L, link) + 1);
  lua_setmetatable(L, methods);
  lua_pushvalue(L, above);
  set_raw(L, meta, "__base");
  push_raw(L, above, "__kind");
  set_raw(L, meta, "__kind");
  inherit_special(L, meta, above);
  lua_pop(L, 1);
}

/* [-0, +0, m] */
static void fill_meta(lua_State *L, int meta, const char *name, const char *module) {
  lua_pushboolean(L, 1);
  set_raw(L, meta, "__thespian");
  lua_pushstring(L, name);
  set_raw(L, meta, "__name");
  if (module == NULL) return;
  lua_pushstring(L, module);
  set_raw(L, meta, "__module");
}

void th_class_make(lua_State *L, const char *name, int base, const char *module) {
  luaL_checkstack(L, 12, "no room to make a class");
  int above = base != 0 ? lua_absindex(L, base) : 0;
  lua_createtable(L, 0, 1);
  int made = lua_gettop(L);
  lua_createtable(L, 0, above != 0 ? 8 : 4);
  lua_createtable(L, 0, 0);
  int meta = made + 1, methods = made + 2;
  lua_pushvalue(L, methods);
  set_raw(L, meta, "__index");
  fill_meta(L, meta, name, module);
  lua_pushvalue(L, made);
  set_raw(L, meta, "__class");
  lua_pushvalue(L, meta);
  set_raw(L, made, "__meta");
  if (above != 0) derive(L, above, meta, methods);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  lua_setmetatable(L, made);
  if (module != NULL) record(L, made, name, module);
  lua_settop(L, made);
}

/* make(name, base, module) -> class; base and module may be nil */
static int class_make(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *module = luaL_optstring(L, 3, NULL);
  th_class_make(L, name, lua_isnoneornil(L, 2) ? 0 : 2, module);
  return 1;
}

/* The arguments of actors.class, which are two from then on. */
static const char *check_arguments(lua_State *L) {
  size_t size = 0;
  lua_settop(L, 2);
  const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &size) : NULL;
  if (name == NULL || size == 0)
    luaL_error(L, "actors.class: the name of a class is a string, got %s",
               name != NULL ? "an empty one" : luaL_typename(L, 1));
  if (!lua_isnil(L, 2) && !th_class_is(L, 2))
    luaL_error(L, "actors.class: the base of %s is no class but a %s", name, luaL_typename(L, 2));
  return name;
}

/* class(name, base) -> class: in an actor's state, which knows what module it loads. */
static int class_in_actor(lua_State *L) {
  const char *name = check_arguments(L);
  th_require_push_loading(L);
  th_class_make(L, name, lua_isnil(L, 2) ? 0 : 2, lua_tostring(L, 3));
  return 1;
}

/* The same in a program. */
static int class_in_program(lua_State *L) {
  const char *name = check_arguments(L);
  push_from(L, "thespian.origin", "find");
  lua_pushinteger(L, 2); /* whoever called this */
  lua_call(L, 1, 2);
  th_class_make(L, name, lua_isnil(L, 2) ? 0 : 2, lua_tostring(L, 3));
  push_meta(L, 5);
  lua_pushvalue(L, 4);
  set_raw(L, 6, "__file");
  lua_settop(L, 5);
  return 1;
}

/* ---- classes as users see them ---- */

/* What Lua's own setmetatable does, and in an actor's state the one that knows of finalizers.
 * [-1, +0, m] */
static void dress(lua_State *L, int instance, bool is_actor) {
  if (!is_actor || push_raw(L, lua_gettop(L), "__gc") == LUA_TNIL) {
    if (is_actor) lua_pop(L, 1);
    lua_setmetatable(L, instance);
    return;
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, th_finalizer_setmetatable);
  lua_pushvalue(L, instance);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 0);
  lua_pop(L, 1);
}

static int give_instance(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  lua_settop(L, 1);
  return 1;
}

/* new(class, ...) -> instance, whose init is called if there is one */
static int make_instance(lua_State *L, bool is_actor) {
  if (!th_class_is(L, 1)) return luaL_error(L, "use Class(...) or Class:new(...)");
  int count = lua_gettop(L);
  luaL_checkstack(L, count + 5, "too many arguments");
  lua_createtable(L, 0, 0);
  int meta = push_meta(L, 1), instance = meta - 1;
  push_methods(L, meta);
  lua_getfield(L, -1, "init");
  lua_replace(L, 1); /* init, in the place of the class */
  lua_pop(L, 1);
  dress(L, instance, is_actor);
  if (!lua_toboolean(L, 1)) return 1;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, instance);
  for (int i = 2; i <= count; i++) lua_pushvalue(L, i);
  lua_pushvalue(L, instance);
  lua_replace(L, 1);
  lua_callk(L, count, 0, 0, give_instance);
  return give_instance(L, LUA_OK, 0);
}

static int new_in_actor(lua_State *L) {
  return make_instance(L, true);
}

static int new_in_program(lua_State *L) {
  return make_instance(L, false);
}

/* __index of classes. Upvalues are spared: which `new` it is, their metatable knows. */
static int class_index(lua_State *L) {
  lua_settop(L, 2);
  int meta = push_meta(L, 1);
  push_methods(L, meta);
  lua_pushvalue(L, 2);
  if (lua_gettable(L, -2) != LUA_TNIL) return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "new") == 0) return luaL_getmetafield(L, 1, "__call") != LUA_TNIL;
  if (strcmp(key, "name") == 0) push_raw(L, meta, "__name");
  if (strcmp(key, "super") == 0 && push_raw(L, meta, "__base") != LUA_TNIL)
    push_raw(L, lua_gettop(L), "__class");
  return 1; /* else what was found, nil */
}

/* Calls who watches what is assigned under the key at index 2, if anybody does. */
static bool is_watched(lua_State *L, int meta) {
  if (push_raw(L, meta, "__watch") != LUA_TTABLE) return false;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) == LUA_TNIL) return false;
  lua_pushvalue(L, 3);
  lua_call(L, 1, 0);
  return true;
}

static bool is_special(lua_State *L, int index) {
  size_t size = 0;
  const char *key = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : "";
  return size > 2 && key[0] == '_' && key[1] == '_';
}

/* __newindex of classes. */
static int class_newindex(lua_State *L) {
  lua_settop(L, 3);
  int meta = push_meta(L, 1);
  if (is_watched(L, meta)) return 0;
  push_methods(L, meta);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_settable(L, -3);
  if (!is_special(L, 2)) return 0;
  push_from(L, "thespian.metamethods", "set");
  lua_pushvalue(L, meta);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 0);
  return 0;
}

static int class_tostring(lua_State *L) {
  push_raw(L, push_meta(L, 1), "__name");
  lua_pushfstring(L, "class %s", lua_tostring(L, -1));
  return 1;
}

static int next_method(lua_State *L) {
  lua_settop(L, 2);
  if (lua_next(L, 1)) return 2;
  lua_pushnil(L);
  return 1;
}

/* __pairs of classes: what was assigned to it. */
static int class_pairs(lua_State *L) {
  lua_pushcfunction(L, next_method);
  push_methods(L, push_meta(L, 1));
  lua_remove(L, -2);
  return 2;
}

/* ---- the class Actor ---- */

/* What most actors never call: these methods are in thespian.requests. */
static const char *const requests[] = {
  "createActor",
  "wakeupAfter",
  "handleDeadLetters",
  "notifyOnSourceAvailability",
  "notifyOnSystemRegistrationChanges",
  "loadActorSource",
  "unloadActorSource",
  "registerSourceAuthority",
  "updateCapability",
  "preRegisterRemoteSystem",
  "deRegisterRemoteSystem",
  "actorSystemShutdown",
  "logger",
  NULL,
};

static bool is_request(const char *name) {
  for (const char *const *request = requests; *request != NULL; request++)
    if (strcmp(*request, name) == 0) return true;
  return false;
}

/* __index of Actor's methods, as long as they are not all there: the first request loads them. */
static int find_request(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING || !is_request(lua_tostring(L, 2))) return 0;
  lua_settop(L, 2);
  lua_pushnil(L);
  lua_setmetatable(L, 1);
  push_from(L, "thespian.requests", lua_tostring(L, 2));
  return 1;
}

/* Handles one message; overridden by actors. */
static int receive_message(lua_State *L) {
  (void)L;
  return 0;
}

/* [-0, +0, m] */
static void open_actor(lua_State *L, bool is_actor) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  th_class_make(L, "Actor", 0, LIBRARY);
  int methods = push_methods(L, push_meta(L, lua_gettop(L)));
  lua_pushcfunction(L, receive_message);
  lua_setfield(L, methods, "receiveMessage");
  if (is_actor) {
    lua_pushcfunction(L, th_self_send);
    lua_setfield(L, methods, "send");
  }
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, find_request);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, methods);
  lua_pop(L, 2);
  lua_rawseti(L, -2, ACTOR);
  lua_pop(L, 1);
}

/* ---- for the codec ---- */

static int class_names(lua_State *L) {
  push_from(L, "thespian.naming", "names");
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

static int class_resolve(lua_State *L) {
  push_from(L, "thespian.library", "resolve");
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

/* ---- the modules ---- */

static int give_all(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}

/* Upvalues: module, key. */
static int call_lazily(lua_State *L) {
  push_from(L, lua_tostring(L, lua_upvalueindex(1)), lua_tostring(L, lua_upvalueindex(2)));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, give_all);
  return give_all(L, LUA_OK, 0);
}

/* lazy(module, key) -> function that calls require(module)[key], loading it then */
static int class_lazy(lua_State *L) {
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  lua_settop(L, 2);
  lua_pushcclosure(L, call_lazily, 2);
  return 1;
}

int th_class_open_module(lua_State *L) {
  lua_createtable(L, 0, 5);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
  lua_setfield(L, -2, "classes");
  push_of_all(L, RECORDED);
  lua_setfield(L, -2, "recorded");
  push_of_all(L, MAKER);
  lua_setfield(L, -2, "class");
  lua_pushcfunction(L, class_make);
  lua_setfield(L, -2, "make");
  lua_pushcfunction(L, class_lazy);
  lua_setfield(L, -2, "lazy");
  return 1;
}

int th_class_open_actor_module(lua_State *L) {
  th_class_push_actor(L);
  return 1;
}

static const luaL_Reg metamethods[] = {
  {"__index", class_index},
  {"__newindex", class_newindex},
  {"__tostring", class_tostring},
  {"__pairs", class_pairs},
  {NULL, NULL},
};

void th_class_open(lua_State *L, bool is_actor) {
  lua_createtable(L, MAKER, 5);
  luaL_setfuncs(L, metamethods, 0);
  lua_pushcfunction(L, is_actor ? new_in_actor : new_in_program);
  lua_setfield(L, -2, "__call");
  lua_createtable(L, 0, 1);
  lua_rawseti(L, -2, RECORDED);
  lua_pushcfunction(L, is_actor ? class_in_actor : class_in_program);
  lua_rawseti(L, -2, MAKER);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &classes_key);
  open_actor(L, is_actor);
  lua_pushcfunction(L, class_names);
  lua_pushcfunction(L, class_resolve);
  th_codec_open(L);
}
