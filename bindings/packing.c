#include "bindings/packing.h"

#include <lauxlib.h>
#include <string.h>

#include "bindings/codec.h"
#include "bindings/compile.h"
#include "bindings/raise.h"
#include "bundle/manifest.h"
#include "bundle/zip.h"
#include "bundle/zip_name.h"
#include "bundle/zip_pack.h"
#include "host/archive.h"

/* ---- what must be released whatever Lua raises ---- */

struct box {
  struct th_zip *zip;
  struct th_bytes *bytes;
  struct th_manifest *manifest;
};

static int empty_box(lua_State *L) {
  struct box *box = lua_touserdata(L, 1);
  th_zip_close(box->zip);
  th_bytes_unref(box->bytes);
  th_manifest_free(box->manifest);
  *box = (struct box){0};
  return 0;
}

/* [-0, +1, m] pushes a box that is emptied when the function ends: it is to be closed. */
static struct box *push_box(lua_State *L) {
  struct box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (struct box){0};
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, empty_box);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, empty_box);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return box;
}

/* ---- limits ---- */

/* [-0, +0, v] sets a limit to the argument at index; as it is for nil and 0. */
static void read_limit(lua_State *L, int index, size_t *limit) {
  lua_Integer number = luaL_optinteger(L, index, 0);
  luaL_argcheck(L, number >= 0, index, "a limit is not negative");
  if (number > 0) *limit = (size_t)number;
}

/* [-0, +0, v] the four arguments from first on. */
static struct th_zip_limits read_limits(lua_State *L, int first) {
  struct th_zip_limits limits = *th_archive_limits();
  read_limit(L, first, &limits.entries);
  read_limit(L, first + 1, &limits.unpacked);
  read_limit(L, first + 2, &limits.ratio);
  read_limit(L, first + 3, &limits.name);
  return limits;
}

/* ---- reading ---- */

/* [-0, +0|1, m] adds what an entry holds to the table on top; false with the reason. */
static bool add_entry(lua_State *L, struct th_zip *zip, const struct th_zip_entry *entry,
                      struct th_reason *reason) {
  luaL_Buffer buffer;
  lua_pushlstring(L, (const char *)entry->name, entry->name_size);
  char *out = luaL_buffinitsize(L, &buffer, (size_t)entry->size + 1);
  bool is_read = th_zip_unpack(zip, entry, (unsigned char *)out, reason) == 0;
  luaL_pushresultsize(&buffer, is_read ? entry->size : 0);
  if (is_read && !entry->folder)
    lua_rawset(L, -3);
  else
    lua_pop(L, 2);
  return is_read;
}

static int give_reason(lua_State *L, const struct th_reason *reason) {
  luaL_pushfail(L);
  lua_pushstring(L, reason->words);
  return 2;
}

/* readZip(zip [, entries [, size [, ratio [, name]]]]) -> {name = data} | nil, why */
static int packing_read_zip(lua_State *L) {
  size_t size;
  struct th_reason reason = {""};
  const char *archive = luaL_checklstring(L, 1, &size);
  struct th_zip_limits limits = read_limits(L, 2);
  struct box *box = push_box(L);
  if (th_zip_open(&box->zip, archive, size, &limits, &reason) != 0) return give_reason(L, &reason);
  const struct th_zip_directory *directory = th_zip_directory(box->zip);
  lua_newtable(L);
  for (size_t i = 0; i < directory->count; i++)
    if (!add_entry(L, box->zip, &directory->entries[i], &reason)) return give_reason(L, &reason);
  return 1;
}

/* ---- writing ---- */

/* [-0, +0, v] the pair at the top two places of the stack, which keep its strings. */
static struct th_zip_file check_file(lua_State *L) {
  struct th_zip_file file;
  size_t name_size;
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
    luaL_argerror(L, 1, "files are strings by names");
  file.name = lua_tolstring(L, -2, &name_size);
  file.data = (const unsigned char *)lua_tolstring(L, -1, &file.size);
  if (strlen(file.name) == name_size) return file;
  struct th_reason reason = {""};
  int error = th_zip_name_fail(&reason, (const unsigned char *)file.name, name_size,
                               "the name contains a zero byte");
  th_lua_raise_reason(L, error, &reason);
  return file;
}

static size_t count_pairs(lua_State *L, int index) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    count++;
    lua_pop(L, 1);
  }
  return count;
}

/* writeZip({name = data} [, entries [, size [, ratio [, name]]]]) -> zip */
static int packing_write_zip(lua_State *L) {
  struct th_reason reason = {""};
  luaL_checktype(L, 1, LUA_TTABLE);
  struct th_zip_limits limits = read_limits(L, 2);
  size_t count = count_pairs(L, 1), filled = 0;
  struct th_zip_file *files = lua_newuserdatauv(L, (count + 1) * sizeof *files, 0);
  lua_pushnil(L);
  for (; lua_next(L, 1) != 0; lua_pop(L, 1)) files[filled++] = check_file(L);
  struct box *box = push_box(L);
  int error = th_zip_pack(files, filled, &limits, &box->bytes, &reason);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  lua_pushlstring(L, (const char *)box->bytes->data, box->bytes->size);
  return 1;
}

/* ---- compiling ---- */

/* compile(zip, keepDebug) -> zip */
static int packing_compile(lua_State *L) {
  size_t size;
  struct th_reason reason = {""};
  const char *zip = luaL_checklstring(L, 1, &size);
  struct box *box = push_box(L);
  int error = th_compile_bundle(zip, size, lua_toboolean(L, 2), &box->bytes, &reason);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  lua_pushlstring(L, (const char *)box->bytes->data, box->bytes->size);
  return 1;
}

/* ---- manifests ---- */

/* [-0, +0, m] sets a field of the table on top, unless there is no text. */
static void set_text(lua_State *L, const char *field, const char *text) {
  if (text == NULL) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

/* [-0, +1, m] */
static void push_messages(lua_State *L, const struct th_manifest_actor *actor) {
  lua_createtable(L, (int)actor->message_count, 1);
  for (size_t i = 0; i < actor->message_count; i++) {
    th_codec_decode(L, actor->messages[i].data, actor->messages[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, (lua_Integer)actor->message_count);
  lua_setfield(L, -2, "n");
}

/* [-0, +1, m] */
static void push_actors(lua_State *L, const struct th_manifest *manifest) {
  lua_createtable(L, (int)manifest->actor_count, 0);
  for (size_t i = 0; i < manifest->actor_count; i++) {
    const struct th_manifest_actor *actor = &manifest->actors[i];
    lua_createtable(L, 0, 3);
    set_text(L, "class", actor->class_name);
    set_text(L, "name", actor->global_name);
    push_messages(L, actor);
    lua_setfield(L, -2, "messages");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* readManifest(json) -> table | nil, why */
static int packing_read_manifest(lua_State *L) {
  size_t size;
  struct th_reason reason = {""};
  const char *json = luaL_checklstring(L, 1, &size);
  struct box *box = push_box(L);
  if (th_manifest_read(json, size, &box->manifest, &reason) != 0) return give_reason(L, &reason);
  const struct th_manifest *manifest = box->manifest;
  lua_createtable(L, 0, 5);
  set_text(L, "name", manifest->name);
  set_text(L, "version", manifest->version);
  set_text(L, "notAfter", manifest->not_after);
  if (manifest->not_after != NULL) {
    lua_pushinteger(L, manifest->last_second);
    lua_setfield(L, -2, "lastSecond");
  }
  push_actors(L, manifest);
  lua_setfield(L, -2, "actors");
  return 1;
}

static bool is_version(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return true;
  size_t size;
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
  return text != NULL && strlen(text) == size && th_manifest_is_version(text);
}

/* compareVersions(left, right) -> integer; nil where one of them is neither a version nor nil */
static int packing_compare_versions(lua_State *L) {
  if (is_version(L, 1) && is_version(L, 2))
    lua_pushinteger(L, th_manifest_compare_versions(lua_tostring(L, 1), lua_tostring(L, 2)));
  else
    luaL_pushfail(L);
  return 1;
}

static const luaL_Reg functions[] = {
  {"readZip", packing_read_zip},
  {"writeZip", packing_write_zip},
  {"compile", packing_compile},
  {"readManifest", packing_read_manifest},
  {"compareVersions", packing_compare_versions},
  {NULL, NULL},
};

void th_packing_open(lua_State *L) {
  luaL_newlib(L, functions);
}
