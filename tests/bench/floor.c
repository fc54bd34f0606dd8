/* floor: the works of this folder by bare Lua states on one thread, what no actor system can beat:
 * floor WORK [COUNT...], as the Lua programs take them.
 *
 * A message is a protected call of the receiver's handler with what the sender's handler gave. There is
 * no mailbox, no address, no other thread, and nothing is limited. Prints WORK UNIT NUMBER like the
 * others; ends with 1 when what it counted does not add up. Only w9 has two processes: one round trip is
 * one write and one read on each side of a TCP connection.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define HANDLER 1 /* where each state has it on its stack */

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "floor: %s\n", what);
  exit(1);
}

static void check(const char *what, lua_Integer got, lua_Integer expected) {
  if (got == expected) return;
  fprintf(stderr, "floor: %s: %" PRId64 ", not %" PRId64 "\n", what, (int64_t)got,
          (int64_t)expected);
  exit(1);
}

static void tell(const char *work, const char *unit, double number) {
  printf("%s %s %.10g\n", work, unit, number);
}

/* ---- states and calls -------------------------------------------------------------------------- */

/* Runs code, whose result is the handler, in a state without libraries. */
static lua_State *state_new(const char *code, size_t size) {
  lua_State *L = luaL_newstate();
  if (L == NULL) fail("out of memory");
  if (luaL_loadbuffer(L, code, size, "=floor") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
    fail(lua_tostring(L, -1));
  return L;
}

static lua_State *state_of(const char *code) {
  return state_new(code, strlen(code));
}

static void call(lua_State *L, int arguments, int results) {
  if (lua_pcall(L, arguments, results, 0) != LUA_OK) fail(lua_tostring(L, -1));
}

/* One message. */
static lua_Integer give(lua_State *L, lua_Integer number) {
  lua_pushvalue(L, HANDLER);
  lua_pushinteger(L, number);
  call(L, 1, 1);
  lua_Integer result = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return result;
}

static const char *const same = "return function(number) return number end";
static const char *const one_more = "return function(number) return number + 1 end";
static const char *const one_less = "return function(number) return number - 1 end";
static const char *const adding =
  "local sum = 0 return function(number) sum = sum + number return sum end";

/* ---- integers ---------------------------------------------------------------------------------- */

static void w1(const lua_Integer *counts) {
  lua_State *pinger = state_of(same), *ponger = state_of(one_more);
  lua_Integer number = 0;
  double start = seconds();
  for (lua_Integer i = 0; i < counts[0]; i++) number = give(pinger, give(ponger, number));
  tell("W1", "messages/s", 2 * (double)counts[0] / (seconds() - start));
  check("round trips", number, counts[0]);
  lua_close(pinger);
  lua_close(ponger);
}

/* What a producer calls as send(receiver, number). */
static int send_number(lua_State *L) {
  give(lua_touserdata(L, 1), lua_tointeger(L, 2));
  return 0;
}

/* A producer in Lua that sends 1 to count to each of the states, to one after the other. */
static void produce(const char *work, lua_State **states, int size, lua_Integer count) {
  lua_State *producer = state_of(
    "return function(send, states, count) "
    "for n = 1, count do for i = 1, #states do send(states[i], n) end end end");
  lua_pushvalue(producer, HANDLER);
  lua_pushcfunction(producer, send_number);
  lua_createtable(producer, size, 0);
  for (int i = 0; i < size; i++) {
    lua_pushlightuserdata(producer, states[i]);
    lua_rawseti(producer, -2, i + 1);
  }
  lua_pushinteger(producer, count);
  double start = seconds();
  call(producer, 3, 0);
  tell(work, "messages/s", (double)count * size / (seconds() - start));
  for (int i = 0; i < size; i++) check("the sum", give(states[i], 0), count * (count + 1) / 2);
  lua_close(producer);
}

static void several(const char *work, const char *code, int size,
                    void (*run)(const char *work, lua_State **states, int size, lua_Integer count),
                    lua_Integer count) {
  lua_State **states = calloc((size_t)size, sizeof(states[0]));
  if (states == NULL) fail("out of memory");
  for (int i = 0; i < size; i++) states[i] = state_of(code);
  run(work, states, size, count);
  for (int i = 0; i < size; i++) lua_close(states[i]);
  free(states);
}

static void w2(const lua_Integer *counts) {
  several("W2", adding, 1, produce, counts[0]);
}

static void w5(const lua_Integer *counts) {
  several("W5", adding, (int)counts[1], produce, counts[0]);
}

static void pass_token(const char *work, lua_State **states, int size, lua_Integer count) {
  lua_Integer left = count;
  double start = seconds();
  while (left > 0)
    for (int i = 0; i < size; i++) left = give(states[i], left);
  tell(work, "hops/s", (double)count / (seconds() - start));
  check("hops that are left", left, 0);
}

static void w3(const lua_Integer *counts) {
  several("W3", one_less, (int)counts[1], pass_token, counts[0]);
}

/* A pong is who is pinged next, a ping is answered with what it brought: two calls. */
static void ping_others(const char *work, lua_State **states, int size, lua_Integer count) {
  lua_Integer answered = 0;
  double start = seconds();
  for (lua_Integer i = 0; i < count; i++)
    for (int from = 0; from < size; from++)
      answered += give(states[give(states[from], size)], 0) == 0;
  tell(work, "messages/s", 2 * (double)(count * size) / (seconds() - start));
  check("the pings answered", answered, count * size);
}

/* Chance by an ordinary generator in Lua: there are no libraries. */
static const char *const choosing =
  "local chance = 1 return function(size) if size == 0 then return 0 end "
  "chance = chance * 6364136223846793005 + 1442695040888963407 return (chance >> 33) % size end";

static void w6(const lua_Integer *counts) {
  several("W6", choosing, (int)counts[1], ping_others, counts[0]);
}

/* ---- states that come and go ------------------------------------------------------------------- */

static int keep(lua_State *L, const void *bytes, size_t size, void *buffer) {
  (void)L;
  luaL_addlstring(buffer, bytes, size);
  return 0;
}

/* Compiled once, as a system would. Pushes the bytes. */
static const char *compiled(lua_State *L, const char *code, size_t *size) {
  luaL_Buffer buffer;
  lua_State *other = luaL_newstate();
  if (other == NULL || luaL_loadstring(other, code) != LUA_OK) fail("cannot compile");
  luaL_buffinit(L, &buffer);
  lua_dump(other, keep, &buffer, 1);
  luaL_pushresult(&buffer);
  lua_close(other);
  return lua_tolstring(L, -1, size);
}

static void w4(const lua_Integer *counts) {
  lua_State *parent = luaL_newstate();
  size_t size;
  const char *code = compiled(parent, same, &size);
  lua_Integer sum = 0;
  double start = seconds();
  for (lua_Integer i = 1; i <= counts[0]; i++) {
    lua_State *child = state_new(code, size);
    sum += give(child, i);
    lua_close(child);
  }
  tell("W4", "actors/s", (double)counts[0] / (seconds() - start));
  check("the sum of the replies", sum, counts[0] * (counts[0] + 1) / 2);
  lua_close(parent);
}

static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) fail("cannot read /proc/self/statm");
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void w7(const lua_Integer *counts) {
  lua_Integer sum = 0, idle = counts[0];
  lua_State **states = calloc((size_t)idle + 1, sizeof(states[0]));
  lua_State *parent = luaL_newstate();
  size_t size;
  const char *code = compiled(parent, same, &size);
  if (idle == 0) fail("of no states there is no size");
  double before = resident();
  for (lua_Integer i = 0; i < idle; i++) {
    states[i] = state_new(code, size);
    sum += give(states[i], i);
  }
  char work[32];
  snprintf(work, sizeof(work), "W7.%" PRId64, (int64_t)idle);
  tell(work, "bytes/actor", (resident() - before) / (double)idle);
  check("the sum of the idle", sum, idle * (idle - 1) / 2);
  for (lua_Integer i = 0; i < idle; i++) lua_close(states[i]);
  lua_close(parent);
  free(states);
}

/* ---- values ------------------------------------------------------------------------------------ */

static void copy(lua_State *from, int index, lua_State *to);

static void copy_table(lua_State *from, int index, lua_State *to) {
  luaL_checkstack(from, 4, NULL);
  luaL_checkstack(to, 4, NULL);
  lua_createtable(to, (int)lua_rawlen(from, index), 0);
  lua_pushnil(from);
  while (lua_next(from, index) != 0) {
    int top = lua_gettop(from);
    copy(from, top - 1, to);
    copy(from, top, to);
    lua_rawset(to, -3);
    lua_pop(from, 1);
  }
}

/* [from: -0, +0; to: +1] pushes a copy of the value at index, an absolute one. */
static void copy(lua_State *from, int index, lua_State *to) {
  size_t size;
  const char *bytes;
  switch (lua_type(from, index)) {
  case LUA_TTABLE:
    copy_table(from, index, to);
    break;
  case LUA_TSTRING:
    bytes = lua_tolstring(from, index, &size);
    lua_pushlstring(to, bytes, size);
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(from, index))
      lua_pushinteger(to, lua_tointeger(from, index));
    else
      lua_pushnumber(to, lua_tonumber(from, index));
    break;
  case LUA_TBOOLEAN:
    lua_pushboolean(to, lua_toboolean(from, index));
    break;
  default:
    lua_pushnil(to);
    break;
  }
}

/* [from: -1, to: +1] gives the value on top of one state to the handler of the other. */
static void give_value(lua_State *from, lua_State *to) {
  lua_pushvalue(to, HANDLER);
  copy(from, lua_gettop(from), to);
  lua_pop(from, 1);
  call(to, 1, 1);
}

/* The driver's handler gives what to send next, at first for nil; the echo's what it gets. */
static double exchange(const char *driving, lua_Integer count, lua_Integer expected) {
  lua_State *driver = state_of(driving),
            *echo = state_of("return function(value) return value end");
  lua_pushvalue(driver, HANDLER);
  lua_pushnil(driver);
  double start = seconds();
  call(driver, 1, 1);
  for (lua_Integer i = 0; i < count; i++) {
    give_value(driver, echo);
    give_value(echo, driver);
  }
  double took = seconds() - start;
  lua_settop(driver, HANDLER);
  lua_pushvalue(driver, HANDLER);
  lua_pushboolean(driver, 1);
  call(driver, 1, 1);
  check("the sum", lua_tointeger(driver, -1), expected);
  lua_close(driver);
  lua_close(echo);
  return took;
}

static void w8(const lua_Integer *counts) {
  const char *driving =
    "local record = {id = 0, name = 'a name of 24 characters.', tags = {}, attrs = {}, "
    "  pos = {x = 1.5, y = -2.25, z = 1e-3}} "
    "for i, digit in ipairs {'1', '2', '3', '4', '5', '6', '7', '8', '9', '10'} do "
    "  record.tags[i], record.attrs['key' .. digit] = 'tag' .. digit, i * i end "
    "local sum = 0 "
    "return function(message) if message == true then return sum end "
    "  if message then sum = sum + message.id end "
    "  record.id = record.id + 1 return record end";
  /* ipairs is all that it needs of the libraries. */
  char code[1024];
  snprintf(code, sizeof(code),
           "local function ipairs(t) return function(_, i) if t[i + 1] then return i + 1, t[i + 1] "
           "end end, t, 0 end %s",
           driving);
  double took = exchange(code, counts[0], counts[0] * (counts[0] + 1) / 2);
  tell("W8", "round-trips/s", (double)counts[0] / took);
}

static void w8b(const lua_Integer *counts) {
  char code[512];
  snprintf(code, sizeof(code),
           "local text, bytes = '0123456789abcdef', 0 "
           "while #text < %" PRId64 " do text = text .. text end "
           "return function(message) if message == true then return bytes end "
           "if message then bytes = bytes + #message end return text end",
           (int64_t)counts[1]);
  double took = exchange(code, counts[0], counts[0] * counts[1]);
  tell("W8b", "MB/s", 2 * (double)(counts[0] * counts[1]) / took / 1e6);
}

/* ---- two processes ----------------------------------------------------------------------------- */

static int listen_anywhere(struct sockaddr_in *address) {
  socklen_t size = sizeof(*address);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(address, 0, sizeof(*address));
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 || bind(listener, (struct sockaddr *)address, size) != 0 ||
      listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)address, &size) != 0)
    fail("cannot listen");
  return listener;
}

static void send_at_once(int connection) {
  int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static _Noreturn void far_side(const struct sockaddr_in *address) {
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(connection, (const struct sockaddr *)address, sizeof(*address)) != 0) _exit(1);
  send_at_once(connection);
  lua_State *ponger = state_of(one_more);
  lua_Integer number;
  while (recv(connection, &number, sizeof(number), MSG_WAITALL) == sizeof(number)) {
    number = give(ponger, number);
    if (write(connection, &number, sizeof(number)) != sizeof(number)) _exit(1);
  }
  _exit(0);
}

static int earlier(const void *a, const void *b) {
  double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static void travel(int connection, lua_Integer count, double *times) {
  lua_State *pinger = state_of(same);
  lua_Integer number = 0;
  double begin = seconds(), sent = begin;
  for (lua_Integer i = 0; i < count; i++) {
    if (write(connection, &number, sizeof(number)) != sizeof(number) ||
        recv(connection, &number, sizeof(number), MSG_WAITALL) != sizeof(number))
      fail("the connection ended");
    number = give(pinger, number);
    double now = seconds();
    times[i] = now - sent;
    sent = now;
  }
  tell("W9", "round-trips/s", (double)count / (sent - begin));
  check("round trips", number, count);
  lua_close(pinger);
}

static void w9(const lua_Integer *counts) {
  struct sockaddr_in address;
  int status, listener = listen_anywhere(&address);
  size_t count = (size_t)counts[0];
  double *times = calloc(count, sizeof(times[0]));
  if (count == 0 || times == NULL) fail("no round trips");
  pid_t child = fork();
  if (child == 0) far_side(&address);
  int connection = accept(listener, NULL, NULL);
  if (child < 0 || connection < 0) fail("no other side");
  send_at_once(connection);
  travel(connection, counts[0], times);
  close(connection);
  close(listener);
  if (waitpid(child, &status, 0) != child || status != 0) fail("the other side failed");
  qsort(times, count, sizeof(times[0]), earlier);
  tell("W9", "p50-us", times[(count - 1) / 2] * 1e6);
  tell("W9", "p99-us", times[(count - 1) * 99 / 100] * 1e6);
  free(times);
}

/* ---- which ------------------------------------------------------------------------------------- */

static const struct work {
  const char *name;
  void (*run)(const lua_Integer *counts);
  lua_Integer counts[2];
} works[] = {
  {"w1", w1, {1000000, 0}}, {"w2", w2, {1000000, 0}}, {"w3", w3, {1000000, 100}},
  {"w4", w4, {100000, 0}},  {"w5", w5, {10000, 60}},  {"w6", w6, {2000, 120}},
  {"w7", w7, {100000, 0}},  {"w8", w8, {100000, 0}},  {"w8b", w8b, {20000, 65536}},
  {"w9", w9, {50000, 0}},
};

int main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof(works) / sizeof(works[0]); i++) {
    if (strcmp(works[i].name, argv[1]) != 0) continue;
    lua_Integer counts[2] = {works[i].counts[0], works[i].counts[1]};
    for (int n = 0; n < 2 && n + 2 < argc; n++) counts[n] = strtoll(argv[n + 2], NULL, 10);
    works[i].run(counts);
    return 0;
  }
  fprintf(stderr, "usage: floor w1|w2|w3|w4|w5|w6|w7|w8|w8b|w9 [COUNT...]\n");
  return 2;
}
