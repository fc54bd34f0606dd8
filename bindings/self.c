#include "bindings/self.h"

#include <lauxlib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/digest.h"
#include "bindings/address.h"
#include "bindings/codec.h"
#include "bindings/core.h"
#include "bindings/raise.h"
#include "bindings/state.h"
#include "bindings/trace.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"

/* A scratch buffer that grew past this is released after use: thousands of actors have one each. */
#define SCRATCH_KEPT 1024

/* How many mailboxes full of messages an actor may have sent itself. */
#define OWN_FLOOD 10

/* All functions here but traceback and notePart reach beyond the state; each says so, by
 * th_script_state_outside. */

static struct th_buffer *scratch(struct th_script_state *state) {
  th_buffer_reset(&state->scratch);
  return &state->scratch;
}

static void done_with_scratch(struct th_script_state *state) {
  if (state->scratch.capacity > SCRATCH_KEPT) th_buffer_clear(&state->scratch);
}

/* Appends the value at index, or raises CannotSend with the path to what cannot travel, which
 * begins with what. [-0, +0, e] */
static uint8_t encode(lua_State *L, int index, struct th_buffer *buffer, const char *what) {
  uint8_t kind = TH_KIND_USER;
  int error = th_codec_encode(L, index, buffer, &kind);
  if (error != 0) th_lua_raise_unsent(L, error, what);
  return kind;
}

/* Gives the slot whose mailbox is full now, or NULL. */
static struct th_actor *post(struct th_script_state *state, enum th_kind kind,
                             const struct th_address *target, const struct th_buffer *buffer) {
  struct th_message *message = th_message_pack(kind, target, &state->actor->address, buffer);
  return message != NULL ? state->world->ops->send(state->world, message) : NULL;
}

/* The same with the value at index, which is written where it is to be read. [-0, +0, e] */
static struct th_actor *post_value(lua_State *L, int index, struct th_script_state *state,
                                   const struct th_address *target) {
  struct th_buffer *buffer = &state->outgoing;
  th_message_begin(buffer, state->last_size, state->world->message_limit);
  enum th_kind kind = th_kind_from_user(encode(L, index, buffer, "message"));
  struct th_message *message = th_message_end(kind, target, &state->actor->address, buffer);
  if (message == NULL) return NULL;
  state->last_size = message->size;
  return state->world->ops->send(state->world, message);
}

/* Nobody else could empty the mailbox of one who sends to himself, so he cannot wait for room. */
static void refuse_own_flood(lua_State *L, struct th_script_state *state,
                             const struct th_address *target) {
  uint64_t limit = state->world->mailbox_limit;
  if (target->number != state->actor->address.number || limit == 0) return;
  if (th_mailbox_depth(&state->actor->mailbox) / OWN_FLOOD < limit) return;
  th_lua_raise(L, TH_ECANNOTSEND,
               lua_pushfstring(L,
                               "the actor has sent itself %d times as many messages as a mailbox "
                               "should hold, %I, without handling them",
                               OWN_FLOOD, (lua_Integer)limit));
}

static int sent(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 0;
}

/* The turn ends here where the code can be interrupted, else after the message. */
static int wait_for_room(lua_State *L, struct th_script_state *state, struct th_actor *full) {
  state->actor->pressed = full;
  if (!state->interrupt.outer_yields || !lua_isyieldable(L)) return 0;
  state->interrupt.is_preempted = true;
  return lua_yieldk(L, 0, 0, sent);
}

/* send(self, address, message) */
int th_self_send(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  const struct th_address *target = th_lua_check_address(L, 2, "send");
  luaL_checkany(L, 3);
  refuse_own_flood(L, state, target);
  struct th_actor *full = post_value(L, 3, state, target);
  return full != NULL ? wait_for_room(L, state, full) : 0;
}

/* post(address, message): as send, but the sender is never held */
static int self_post(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  const struct th_address *target = th_lua_check_address(L, 1, "post");
  luaL_checkany(L, 2);
  post_value(L, 2, state, target);
  return 0;
}

/* createActor(qualifiedName, requirements, globalName, sourceHash) -> address */
static int self_create_actor(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  struct th_creation creation = {.own_source = state->source};
  struct th_address address;
  struct th_reason reason;
  creation.class_name = luaL_checklstring(L, 1, &creation.class_name_size);
  creation.global_name = luaL_optlstring(L, 3, NULL, &creation.global_name_size);
  creation.source = luaL_optlstring(L, 4, NULL, &creation.source_size);
  struct th_buffer *buffer = scratch(state);
  if (!lua_isnoneornil(L, 2)) {
    encode(L, 2, buffer, "requirements");
    creation.requirements = buffer->data;
    creation.requirements_size = buffer->size;
  }
  int error = state->world->ops->create(state->world, state->actor, &creation, &address, &reason);
  done_with_scratch(state);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  th_lua_push_address(L, &address);
  return 1;
}

/* keep() -> number */
static int self_keep(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  /* Not while it is decoded: its bytes must stay. */
  uint64_t number = state->phase != TH_SCRIPT_IDLE ? th_actor_keep(state->actor) : 0;
  if (number == 0) return luaL_error(L, "keep: no message is being handled");
  lua_pushinteger(L, (lua_Integer)number);
  return 1;
}

/* Protected: pushes the sender and the value of a message. */
static int decode_kept(lua_State *L) {
  const struct th_message *message = lua_touserdata(L, 1);
  th_lua_push_address(L, &message->sender);
  if (message->size == 0)
    lua_pushnil(L);
  else
    th_codec_decode(L, message->payload, message->size);
  return 2;
}

/* kept(number) -> sender, message; nothing where it is not kept */
static int self_kept(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  uint64_t number = (uint64_t)luaL_checkinteger(L, 1), outer = state->reads;
  const struct th_message *message = th_shelf_find(&state->actor->shelf, number);
  if (message == NULL) return 0;
  lua_pushcfunction(L, decode_kept);
  lua_pushlightuserdata(L, (void *)(uintptr_t)message);
  state->reads = number;
  int status = lua_pcall(L, 1, 2, 0);
  state->reads = outer;
  return status == LUA_OK ? 2 : lua_error(L);
}

/* lend(number, lent) */
static int self_lend(lua_State *L) {
  struct th_actor *actor = th_script_state_outside(L)->actor;
  th_shelf_lend(&actor->shelf, (uint64_t)luaL_checkinteger(L, 1), lua_toboolean(L, 2));
  return 0;
}

static void conclude_kept(lua_State *L, int outcome, const char *details, size_t size) {
  struct th_script_state *state = th_script_state_outside(L);
  uint64_t number = (uint64_t)luaL_checkinteger(L, 1);
  /* The modules that a value needs are loaded, and run, in the middle of its bytes. */
  if (state->reads != 0) luaL_error(L, "a message that is kept is being read");
  th_actor_conclude_kept(state->actor, number, outcome, details, size);
}

/* done(number) */
static int self_done(lua_State *L) {
  conclude_kept(L, 0, NULL, 0);
  return 0;
}

/* giveBack(number, details) */
static int self_give_back(lua_State *L) {
  size_t size;
  const char *details = luaL_checklstring(L, 2, &size);
  conclude_kept(L, TH_EREFUSED, details, size);
  return 0;
}

/* wakeup(seconds, period, payload) */
static int self_wakeup(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  uint64_t due = th_clock_after(th_clock_from_seconds(luaL_checknumber(L, 1)));
  struct th_buffer notice, *buffer = scratch(state);
  lua_settop(L, 3);
  encode(L, 2, buffer, "period");
  size_t period_size = buffer->size;
  if (!lua_isnil(L, 3)) encode(L, 3, buffer, "payload");
  th_buffer_init(&notice);
  th_notice_wakeup(&notice, buffer->data, period_size, buffer->data + period_size,
                   buffer->size - period_size);
  struct th_message *message = th_message_pack(TH_KIND_WAKEUP, &state->actor->address,
                                               &state->actor->address, &notice);
  th_buffer_clear(&notice);
  done_with_scratch(state);
  if (message != NULL) state->world->ops->send_later(state->world, due, message);
  return 0;
}

/* Begins a request to the admin that nobody waits for. */
static struct th_buffer *request(struct th_script_state *state, enum th_operation operation,
                                 uint32_t arguments) {
  struct th_buffer *buffer = scratch(state);
  th_pack_array(buffer, 1 + arguments);
  th_pack_int(buffer, operation);
  return buffer;
}

static int set_membership(lua_State *L, enum th_operation operation) {
  struct th_script_state *state = th_script_state_outside(L);
  struct th_buffer *buffer = request(state, operation, 1);
  th_pack_bool(buffer, lua_toboolean(L, 1));
  post(state, TH_KIND_REQUEST, &state->world->admin, buffer);
  return 0;
}

/* handleDeadLetters(start) */
static int self_handle_dead_letters(lua_State *L) {
  return set_membership(L, TH_OP_DEAD_LETTERS);
}

/* notifySources(start) */
static int self_notify_sources(lua_State *L) {
  return set_membership(L, TH_OP_SOURCE_NOTICES);
}

/* notifySystems(start) */
static int self_notify_systems(lua_State *L) {
  return set_membership(L, TH_OP_REGISTRATIONS);
}

/* Asks the network for a host, here and not in the admin's turn, which others wait for. */
static int look_up(const char *host, uint32_t *ip) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
  struct sockaddr_in address;
  int error = getaddrinfo(host, NULL, &hints, &found);
  if (error != 0) return error;
  memcpy(&address, found->ai_addr, sizeof address);
  freeaddrinfo(found);
  *ip = ntohl(address.sin_addr.s_addr);
  return 0;
}

/* Packs argument 1: an address, or "host:port", which travels as "ip:port". */
static void pack_place(lua_State *L, struct th_buffer *buffer) {
  char host[256], place[32];
  unsigned port;
  uint32_t ip = 0;
  if (!lua_isstring(L, 1)) {
    th_pack_address(buffer, th_lua_check_address(L, 1, "the address of a system"));
    return;
  }
  const char *text = lua_tostring(L, 1);
  if (sscanf(text, "%255[^:]:%5u", host, &port) != 2) luaL_argerror(L, 1, "host:port expected");
  int error = look_up(host, &ip);
  if (error != 0) {
    struct th_reason reason;
    th_fail(&reason, TH_EADDRESS, "host \"%s\" is not known here: %s", host, gai_strerror(error));
    th_lua_raise_reason(L, TH_EADDRESS, &reason);
  }
  snprintf(place, sizeof place, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
           port);
  th_pack_text(buffer, place);
}

/* preRegister(place, capabilities) */
static int self_pre_register(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  lua_settop(L, 2);
  struct th_buffer *buffer = request(state, TH_OP_PRE_REGISTER, 2);
  pack_place(L, buffer);
  encode(L, 2, buffer, "capabilities");
  post(state, TH_KIND_REQUEST, &state->world->admin, buffer);
  done_with_scratch(state);
  return 0;
}

/* deRegister(place) */
static int self_de_register(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  lua_settop(L, 1);
  struct th_buffer *buffer = request(state, TH_OP_DE_REGISTER, 1);
  pack_place(L, buffer);
  post(state, TH_KIND_REQUEST, &state->world->admin, buffer);
  return 0;
}

/* shutdown() */
static int self_shutdown(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  post(state, TH_KIND_REQUEST, &state->world->admin, request(state, TH_OP_SHUTDOWN, 0));
  return 0;
}

/* loadSource(bytes, info) -> hash */
static int self_load_source(lua_State *L) {
  struct th_world *world = th_script_state_outside(L)->world;
  char hash[TH_DIGEST_TEXT_SIZE];
  struct th_reason reason;
  size_t size;
  const char *zip = luaL_checklstring(L, 1, &size);
  const char *info = luaL_optstring(L, 2, "");
  int error = world->ops->load(world, zip, size, info, hash, &reason);
  if (error != 0) return th_lua_raise_reason(L, error, &reason);
  lua_pushstring(L, hash);
  return 1;
}

/* registerAuthority(): what is loaded from now on waits for this actor, though the admin does not know
 * of it yet. */
static int self_register_authority(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  state->world->ops->guard(state->world);
  post(state, TH_KIND_REQUEST, &state->world->admin, request(state, TH_OP_AUTHORITY, 0));
  return 0;
}

/* unloadSource(hash) */
static int self_unload_source(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  size_t size;
  const char *hash = luaL_checklstring(L, 1, &size);
  struct th_buffer *buffer = request(state, TH_OP_UNLOAD, 1);
  th_pack_str(buffer, hash, size);
  post(state, TH_KIND_REQUEST, &state->world->admin, buffer);
  return 0;
}

/* updateCapability(name, value) */
static int self_update_capability(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  size_t size;
  const char *name = luaL_checklstring(L, 1, &size);
  lua_settop(L, 2);
  struct th_buffer *buffer = request(state, TH_OP_CAPABILITY, 2);
  th_pack_str(buffer, name, size);
  encode(L, 2, buffer, "value");
  post(state, TH_KIND_REQUEST, &state->world->admin, buffer);
  done_with_scratch(state);
  return 0;
}

/* While it starts the actor has none on its card, and afterwards not that of its birth. */
static const char *class_name_of(const struct th_script_state *state) {
  const char *name = atomic_load_explicit(&state->actor->card.class_name, memory_order_relaxed);
  return name != NULL ? name : state->class_name;
}

/* log(level, name or nil, text) */
static int self_log(lua_State *L) {
  struct th_script_state *state = th_script_state_outside(L);
  char address[TH_ADDRESS_TEXT_SIZE];
  size_t size;
  lua_Integer level = luaL_checkinteger(L, 1);
  const char *text = luaL_checklstring(L, 3, &size);
  struct th_log_source source = {.key = state->actor->address.number,
                                 .class_name = class_name_of(state),
                                 .address = th_address_text(&state->actor->address, address),
                                 .logger = luaL_optstring(L, 2, "")};
  luaL_argcheck(L, level >= TH_LOG_DEBUG && level <= TH_LOG_CRITICAL, 1, "no level");
  th_log_write_text(state->world->log, &source, (enum th_log_level)level, text, size);
  return 0;
}

/* logs(level) -> boolean: whether a line of that level would be written */
static int self_logs(lua_State *L) {
  struct th_log *log = th_script_state_outside(L)->world->log;
  lua_pushboolean(L, th_log_wants(log, (enum th_log_level)luaL_checkinteger(L, 1)));
  return 1;
}

/* part(name): what a part makes may be finalized by Lua. */
static int self_part(lua_State *L) {
  th_script_state_outside(L)->has_foreign = true;
  return th_core_part(L);
}

/* monotonic(): as everywhere */
int th_self_monotonic(lua_State *L) {
  th_script_state_outside(L);
  return th_core_monotonic(L);
}

/* notePart(part): it was made, see bindings/image.h. Only what is the library's own, for others will
 * load it. */
static int self_note_part(lua_State *L) {
  const char *part = luaL_checkstring(L, 1);
  if (strncmp(part, "thespian.", 9) == 0) th_script_state_note_part(th_script_state_of(L), part);
  return 0;
}

static const luaL_Reg functions[] = {
  {"send", th_self_send},
  {"post", self_post},
  {"createActor", self_create_actor},
  {"keep", self_keep},
  {"kept", self_kept},
  {"lend", self_lend},
  {"done", self_done},
  {"giveBack", self_give_back},
  {"wakeup", self_wakeup},
  {"handleDeadLetters", self_handle_dead_letters},
  {"notifySources", self_notify_sources},
  {"notifySystems", self_notify_systems},
  {"preRegister", self_pre_register},
  {"deRegister", self_de_register},
  {"shutdown", self_shutdown},
  {"loadSource", self_load_source},
  {"unloadSource", self_unload_source},
  {"registerAuthority", self_register_authority},
  {"updateCapability", self_update_capability},
  {"log", self_log},
  {"logs", self_logs},
  {"notePart", self_note_part},
  {"traceback", th_trace_function},
  {NULL, NULL},
};

/* __index of the module: most actors use few of the functions, so each comes when it is first asked
 * for. */
static int find_function(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const char *name = lua_tostring(L, 2);
  for (const luaL_Reg *function = functions; function->name != NULL; function++) {
    if (strcmp(function->name, name) != 0) continue;
    lua_settop(L, 2);
    lua_pushcfunction(L, function->func);
    lua_pushvalue(L, -1);
    lua_insert(L, 2);
    lua_rawset(L, 1);
    return 1;
  }
  return 0;
}

void th_self_open(lua_State *L) {
  th_core_common(L, 16);
  lua_pushcfunction(L, self_part);
  lua_setfield(L, -2, "part");
  lua_pushcfunction(L, th_self_monotonic);
  lua_setfield(L, -2, "monotonic");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "actor");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, find_function);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}
