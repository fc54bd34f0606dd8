#include "bindings/connection.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "bindings/address.h"
#include "bindings/codec.h"
#include "bindings/raise.h"
#include "message/pack.h"
#include "message/protocol.h"

/* How long an admin may take to answer. */
#define REQUEST_TIME (50 * TH_SECOND)

/* A buffer that has grown past this is given back after the message. */
#define BUFFER_KEPT ((size_t)1 << 20)

static const char *const type_name = "thespian.connection";

/* ---- values ---- */

/* Bytes that are to become a Lua value. */
struct span {
  const void *data;
  size_t size;
};

static int decode_span(lua_State *L) {
  const struct span *span = lua_touserdata(L, 1);
  lua_settop(L, 0);
  th_codec_decode(L, span->data, span->size);
  return 1;
}

/* [-0, +1, -] pushes the value of span, or the error; true when it is the value. */
static bool decode(lua_State *L, struct span *span) {
  struct th_item item;
  if (th_codec_read_plain(span->data, span->size, &item) && item.type != TH_ITEM_STR) {
    th_codec_push_plain(L, &item); /* needs no memory */
    return true;
  }
  lua_pushcfunction(L, decode_span);
  lua_pushlightuserdata(L, span);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* Raises what decode pushed. */
static int raise_undecoded(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  if (text == NULL || strncmp(text, "malformed", 9) != 0) return lua_error(L);
  return th_lua_raise(L, TH_EMALFORMED, text);
}

/* [-0, +1, v] pushes the value that a message carries. Takes the message. */
static void push_message(lua_State *L, struct th_message *message) {
  struct span span = {message->payload, message->size};
  bool decoded = decode(L, &span);
  th_message_free(message);
  if (!decoded) raise_undecoded(L);
}

/* [-0, +1, v] pushes the result in a reply, whose payload is [0, result]. Takes the reply. */
static void push_result(lua_State *L, struct th_message *reply) {
  struct th_unpack reader;
  th_unpack_init(&reader, reply->payload, reply->size);
  struct span span = {"\xc0", 1}; /* nil */
  if (th_unpack_array(&reader) > 1) {
    th_unpack_int(&reader);
    span.data = th_unpack_skip(&reader, &span.size);
  }
  int error = reader.error;
  bool decoded = error == 0 && decode(L, &span);
  th_message_free(reply);
  if (error != 0) th_lua_raise(L, error, NULL);
  if (!decoded) raise_undecoded(L);
}

/* [-0, +0, v] the time that index gives as seconds from now; nothing is for ever. */
static uint64_t check_until(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return TH_FOREVER;
  return th_clock_after(th_clock_from_seconds(luaL_checknumber(L, index)));
}

uint8_t th_connection_encode(lua_State *L, struct th_connection *connection, int index,
                             const char *what) {
  uint8_t kind = TH_KIND_USER;
  int error = th_codec_encode(L, index, &connection->buffer, &kind);
  if (error != 0) th_lua_raise_unsent(L, error, what);
  return (uint8_t)th_kind_from_user(kind);
}

/* ---- connections ---- */

static struct th_connection *check_connection(lua_State *L) {
  return luaL_checkudata(L, 1, type_name);
}

/* Looked up last before it is used: whatever Lua code ran before may have closed it. */
static struct th_client *check_client(lua_State *L, const struct th_connection *connection) {
  if (connection->client == NULL) th_lua_raise(L, TH_EGONE, "the connection is closed");
  return connection->client;
}

struct th_connection *th_connection_push(lua_State *L, size_t limit) {
  struct th_connection *connection = lua_newuserdatauv(L, sizeof *connection, 0);
  connection->client = NULL;
  connection->hosted = NULL;
  th_buffer_init(&connection->buffer);
  connection->buffer.limit = limit;
  luaL_setmetatable(L, type_name);
  return connection;
}

static void begin_sending(struct th_connection *connection) {
  th_buffer_reset(&connection->buffer);
}

static void end_sending(struct th_connection *connection) {
  if (connection->buffer.capacity > BUFFER_KEPT) th_buffer_clear(&connection->buffer);
}

static int connection_tell(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  const struct th_address *target = th_lua_check_address(L, 2, "tell");
  lua_settop(L, 3);
  begin_sending(connection);
  uint8_t kind = th_connection_encode(L, connection, 3, "message");
  struct th_reason reason = {""};
  int error = th_client_tell(check_client(L, connection), target, kind, connection->buffer.data,
                             connection->buffer.size, &reason);
  end_sending(connection);
  return error == 0 ? 0 : th_lua_raise_reason(L, error, &reason);
}

/* [-0, +n, v] pushes what ask and listen give when no message came. */
static int give_nothing(lua_State *L, int error, const struct th_reason *reason) {
  if (error != TH_ETIMEOUT && error != TH_EDEAD) return th_lua_raise_reason(L, error, reason);
  lua_pushnil(L);
  lua_pushstring(L, error == TH_EDEAD ? "dead" : "timeout");
  return 2;
}

static int connection_ask(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  const struct th_address *target = th_lua_check_address(L, 2, "ask");
  lua_settop(L, 4);
  uint64_t until = check_until(L, 4);
  begin_sending(connection);
  uint8_t kind = th_connection_encode(L, connection, 3, "message");
  struct th_reason reason = {""};
  struct th_message *answer;
  int error = th_client_ask(check_client(L, connection), target, kind, connection->buffer.data,
                            connection->buffer.size, until, &answer, &reason);
  end_sending(connection);
  if (error != 0) return give_nothing(L, error, &reason);
  push_message(L, answer);
  return 1;
}

static int connection_listen(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  uint64_t until = check_until(L, 2);
  struct th_reason reason = {""};
  struct th_message *message;
  int error = th_client_listen(check_client(L, connection), until, &message, &reason);
  if (error != 0) return give_nothing(L, error, &reason);
  struct th_address sender = message->sender;
  push_message(L, message);
  th_lua_push_address(L, &sender);
  return 2;
}

static enum th_operation check_operation(lua_State *L, int index) {
  static const char *const names[] = {
#define X(name, number) #name,
    TH_OPERATIONS(X)
#undef X
      NULL};
  static const enum th_operation numbers[] = {
#define X(name, number) TH_OP_##name,
    TH_OPERATIONS(X)
#undef X
  };
  return numbers[luaL_checkoption(L, index, NULL, names)];
}

/* What users call the argument that may be any value. */
static const char *argument_name(enum th_operation operation) {
  if (operation == TH_OP_CREATE) return "requirements";
  return operation == TH_OP_CAPABILITY ? "value" : "argument";
}

static int connection_request(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  enum th_operation operation = check_operation(L, 2);
  int last = lua_gettop(L);
  begin_sending(connection);
  th_pack_array(&connection->buffer, (uint32_t)(last - 1));
  th_pack_int(&connection->buffer, operation);
  for (int index = 3; index <= last; index++)
    th_connection_encode(L, connection, index, argument_name(operation));
  struct th_reason reason = {""};
  struct th_message *reply;
  int error = th_client_request(check_client(L, connection), &connection->buffer,
                                th_clock_after(REQUEST_TIME), &reply, &reason);
  end_sending(connection);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  push_result(L, reply);
  return 1;
}

static int connection_private(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  struct th_connection *other = th_connection_push(L, connection->buffer.limit);
  struct th_reason reason = {""};
  int error = th_client_private(check_client(L, connection), &other->client, &reason);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  other->hosted = th_hosted_ref(connection->hosted);
  return 1;
}

static int connection_shutdown(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  uint64_t until = check_until(L, 2);
  struct th_reason reason = {""};
  int error = th_client_shutdown(check_client(L, connection), until, &reason);
  return error == 0 ? 0 : th_lua_raise_reason(L, error, &reason);
}

/* Also __gc and __close; closing twice is nothing. */
static int connection_close(lua_State *L) {
  struct th_connection *connection = check_connection(L);
  struct th_client *client = connection->client;
  struct th_hosted *hosted = connection->hosted;
  connection->client = NULL;
  connection->hosted = NULL;
  th_buffer_clear(&connection->buffer);
  if (client != NULL) th_client_close(client);
  th_hosted_unref(hosted);
  return 0;
}

static int connection_endpoint(lua_State *L) {
  th_lua_push_address(L, th_client_address(check_client(L, check_connection(L))));
  return 1;
}

static int connection_admin(lua_State *L) {
  th_lua_push_address(L, th_client_admin(check_client(L, check_connection(L))));
  return 1;
}

static int connection_base(lua_State *L) {
  lua_pushstring(L, th_client_base(check_client(L, check_connection(L))));
  return 1;
}

static int connection_port(lua_State *L) {
  lua_pushinteger(L, th_client_admin(check_client(L, check_connection(L)))->port);
  return 1;
}

static int connection_pid(lua_State *L) {
  lua_pushinteger(L, th_client_pid(check_client(L, check_connection(L))));
  return 1;
}

static const luaL_Reg methods[] = {
  {"tell", connection_tell},
  {"ask", connection_ask},
  {"listen", connection_listen},
  {"request", connection_request},
  {"private", connection_private},
  {"shutdown", connection_shutdown},
  {"close", connection_close},
  {"endpoint", connection_endpoint},
  {"admin", connection_admin},
  {"base", connection_base},
  {"port", connection_port},
  {"pid", connection_pid},
  {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
  {"__gc", connection_close},
  {"__close", connection_close},
  {NULL, NULL},
};

void th_connection_prepare(lua_State *L) {
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
