#include "bindings/program.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "bindings/bytes.h"
#include "bindings/connection.h"
#include "bindings/raise.h"
#include "bindings/run.h"
#include "host/archive.h"
#include "host/hosted.h"
#include "host/launch.h"
#include "message/pack.h"

/* How long a system in another process may take to start. */
#define START_TIME (50 * TH_SECOND)

/* One message, unless the capability "Message Size Limit" says otherwise. */
#define MESSAGE_SIZE_LIMIT ((size_t)256 << 20)

/* ---- opening ---- */

static int refuse(lua_State *L, const char *words) {
  return th_lua_raise(L, TH_ESTARTUP, words);
}

/* [-0, +1, v] pushes a field of the table at index and gives it as text, NULL for nil. It stays on
 * the stack, so that the text lives. */
static const char *text_field(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  int type = lua_rawget(L, index);
  if (type != LUA_TNIL && type != LUA_TSTRING)
    refuse(L, lua_pushfstring(L, "'%s' is a %s, not a string", name, lua_typename(L, type)));
  return lua_tostring(L, -1);
}

/* [-0, +0, v] gives an integer field of the table at index, fallback for nil. */
static lua_Integer integer_field(lua_State *L, int index, const char *name, lua_Integer most,
                                 lua_Integer fallback) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  int is_integer = 1;
  lua_Integer value = lua_isnil(L, -1) ? fallback : lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < 0 || value > most)
    refuse(L, lua_pushfstring(L, "'%s' is no integer from 0 to %I", name, (LUAI_UACINT)most));
  lua_pop(L, 1);
  return value;
}

/* [-0, +0, v] packs the capabilities at index into the connection's buffer. */
static void pack_capabilities(lua_State *L, int index, struct th_connection *connection,
                              struct th_launch *launch) {
  struct th_buffer *buffer = &connection->buffer;
  th_connection_encode(L, connection, index, "capabilities");
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, buffer->data, buffer->size);
  th_unpack_next(&reader, &item);
  if (item.type == TH_ITEM_ARRAY && item.count == 0) return; /* how the empty table travels */
  if (item.type != TH_ITEM_MAP) refuse(L, "the capabilities are not a table of values by name");
  launch->capabilities = buffer->data;
  launch->capabilities_size = buffer->size;
}

/* [-0, +n, v] */
static void read_capabilities(lua_State *L, int index, struct th_connection *connection,
                              struct th_launch *launch) {
  uint16_t usual = th_base_port(launch->base);
  launch->port = usual;
  if (lua_isnil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  launch->host = text_field(L, index, "Admin Host");
  launch->port = (uint16_t)integer_field(L, index, "Admin Port", UINT16_MAX, usual);
  lua_pushliteral(L, "Attach Only");
  lua_rawget(L, index);
  launch->attach_only = lua_toboolean(L, -1);
  connection->buffer.limit = (size_t)integer_field(L, index, "Message Size Limit", LUA_MAXINTEGER,
                                                   (lua_Integer)connection->buffer.limit);
  pack_capabilities(L, index, connection, launch);
}

/* [-0, +n, v] makes the array of the folders in the table on top. */
static void read_path(lua_State *L, struct th_launch *launch) {
  int list = lua_gettop(L);
  size_t count = lua_rawlen(L, list);
  const char **path = lua_newuserdatauv(L, count * sizeof *path, 0);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
      refuse(L, "path is not a list of folders");
    path[i] = lua_tostring(L, -1);
    lua_pop(L, 1); /* the list still holds it */
  }
  launch->path = path;
  launch->path_count = count;
}

/* [-0, +n, v] makes the array of the handlers in the table on top. */
static void read_handlers(lua_State *L, struct th_runlog *log) {
  int list = lua_gettop(L);
  size_t count = lua_rawlen(L, list);
  struct th_runlog_handler *handlers = lua_newuserdatauv(L, (count + 1) * sizeof *handlers, 0);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TTABLE)
      refuse(L, "the log's handlers are not a list of tables");
    int handler = lua_gettop(L);
    handlers[i] = (struct th_runlog_handler){.file = text_field(L, handler, "file"),
                                             .level = text_field(L, handler, "level"),
                                             .format = text_field(L, handler, "format"),
                                             .name = text_field(L, handler, "name")};
    lua_settop(L, handler - 1); /* the table still holds the texts */
  }
  log->handlers = handlers;
  log->handler_count = count;
}

/* [-0, +n, v] *logs: whether a system in this process logs at all. */
static void read_options(lua_State *L, int index, struct th_launch *launch, bool *logs) {
  *logs = true;
  if (lua_isnil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  launch->program = text_field(L, index, "host");
  lua_pushliteral(L, "path");
  if (lua_rawget(L, index) == LUA_TTABLE) read_path(L, launch);
  lua_pushliteral(L, "log");
  int type = lua_rawget(L, index);
  *logs = type == LUA_TNIL || lua_toboolean(L, -1);
  if (type != LUA_TTABLE) return;
  int log = lua_gettop(L);
  launch->log.file = text_field(L, log, "file");
  launch->log.level = text_field(L, log, "level");
  launch->log.format = text_field(L, log, "format");
  lua_pushliteral(L, "handlers");
  if (lua_rawget(L, log) == LUA_TTABLE) read_handlers(L, &launch->log);
}

/* [-0, +n, m] gives the program's package.path, NULL when it has none; it stays on the stack. */
static const char *push_lua_path(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_LOADLIBNAME) != LUA_TTABLE) return NULL;
  return text_field(L, lua_gettop(L), "path");
}

/* The base's name as a constant, which outlives the string of Lua's; NULL when there is none. */
static const char *find_base(const char *name) {
  static const char *const bases[] = {TH_BASE_SIMPLE, TH_BASE_QUEUE, TH_BASE_TCP, TH_BASE_UDP};
  for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
    if (strcmp(bases[i], name) == 0) return bases[i];
  return NULL;
}

/* Opens the connection to a new system in this process. */
static int open_hosted(struct th_connection *connection, const struct th_launch *launch, bool logs,
                       const char *lua_path, struct th_reason *reason) {
  struct th_hosting hosting = {.base = launch->base,
                               .capabilities = launch->capabilities,
                               .capabilities_size = launch->capabilities_size,
                               .path = launch->path,
                               .path_count = launch->path_count,
                               .lua_path = lua_path,
                               .script = th_script_lua(),
                               .logs = logs,
                               .log = launch->log};
  int error = th_hosted_start(&connection->hosted, &hosting, reason);
  if (error != 0) return error;
  return th_hosted_attach(connection->hosted, &connection->client);
}

/* A system that was there before may take less than the capabilities say. */
static void adopt_limit(struct th_connection *connection) {
  uint64_t limit = th_client_limit(connection->client);
  if (limit < connection->buffer.limit) connection->buffer.limit = (size_t)limit;
}

static int program_open(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  struct th_launch launch = {.base = find_base(name)};
  if (launch.base == NULL)
    return refuse(L, lua_pushfstring(L,
                                     "there is no system base \"%s\"; use " TH_BASE_SIMPLE
                                     ", " TH_BASE_QUEUE ", " TH_BASE_TCP " or " TH_BASE_UDP,
                                     name));
  bool logs;
  lua_settop(L, 3);
  luaL_checkstack(L, 40, NULL); /* what the texts of launch are kept in */
  struct th_connection *connection = th_connection_push(L, MESSAGE_SIZE_LIMIT);
  read_capabilities(L, 2, connection, &launch);
  read_options(L, 3, &launch, &logs);
  const char *lua_path = push_lua_path(L);
  struct th_reason reason = {""};
  int error = th_base_port(launch.base) != 0
                ? th_launch_connect(&launch, th_clock_after(START_TIME), &connection->client,
                                    &reason)
                : open_hosted(connection, &launch, logs, lua_path, &reason);
  /* What was said wrong has kept a system from starting, whichever process noticed. */
  if (error == TH_EUSAGE) error = TH_ESTARTUP;
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  adopt_limit(connection);
  lua_pushvalue(L, 4);
  return 1;
}

/* ---- bundles ---- */

/* [-0, +0, v] reads {name, data}, the entry of the list at index, which keeps them. */
static struct th_archive_file check_file(lua_State *L, int index, lua_Integer number) {
  struct th_archive_file file;
  if (lua_rawgeti(L, index, number) != LUA_TTABLE) luaL_argerror(L, index, "not a list of files");
  int name = lua_rawgeti(L, -1, 1);
  int data = lua_rawgeti(L, -2, 2);
  if (name != LUA_TSTRING || data != LUA_TSTRING)
    luaL_argerror(L, index, "a file is {name, data}, both strings");
  file.name = lua_tostring(L, -2);
  file.data = (const unsigned char *)lua_tolstring(L, -1, &file.size);
  lua_pop(L, 3);
  return file;
}

/* pack({{name, data}, ...}) -> zip */
static int program_pack(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = lua_rawlen(L, 1);
  struct th_archive_file *files = lua_newuserdatauv(L, count * sizeof *files, 0);
  for (size_t i = 0; i < count; i++) files[i] = check_file(L, 1, (lua_Integer)i + 1);
  struct th_bytes **zip = th_lua_push_bytes_box(L);
  struct th_reason reason = {""};
  int error = th_archive_pack(files, count, zip, &reason);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  lua_pushlstring(L, (const char *)(*zip)->data, (*zip)->size);
  return 1;
}

/* sha256(data) -> 64 hexadecimal digits */
static int program_sha256(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  char text[TH_DIGEST_TEXT_SIZE];
  int error = th_digest_sha256(data, size, text);
  if (error != 0) return th_lua_raise(L, error, NULL);
  lua_pushstring(L, text);
  return 1;
}

static int program_bundle(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, TH_PROGRAM_BUNDLE);
  return 1;
}

static int program_folder(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, TH_PROGRAM_FOLDER);
  return 1;
}

static const luaL_Reg functions[] = {
  {"open", program_open},
  {"pack", program_pack},
  {"sha256", program_sha256},
  {"programBundle", program_bundle},
  {"programFolder", program_folder},
  {NULL, NULL},
};

void th_program_open(lua_State *L) {
  th_connection_prepare(L);
  luaL_setfuncs(L, functions, 0);
}
