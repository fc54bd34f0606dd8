#include "bindings/run.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bindings/code.h"
#include "bindings/core.h"
#include "bindings/embedded.h"
#include "bindings/program.h"
#include "host/archive.h"

const char *th_lua_version(void) {
  return LUA_RELEASE;
}

/* ---- interruption ---- */

/* The program that SIGINT interrupts. */
struct running {
  lua_State *L;
  pthread_t thread;
};

/* A signal handler has no argument of its own, so this one variable is the process's: set while a
 * program runs (th_run_program is called by one thread at a time), NULL otherwise. Stored with
 * release and read with acquire: the handler may run in another thread, and reads what it points
 * to. */
static _Atomic(struct running *) interruptible;

static void raise_interrupted(lua_State *L, lua_Debug *record) {
  (void)record;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

/* As lua5.4: an error at the program's next instruction; a second signal ends the process. The hook
 * must be set by the thread that runs the program, and the signal may have come to another. */
static void interrupt(int signal_number) {
  struct running *running = atomic_load_explicit(&interruptible, memory_order_acquire);
  if (running == NULL) return;
  if (!pthread_equal(pthread_self(), running->thread)) {
    pthread_kill(running->thread, signal_number);
    return;
  }
  signal(signal_number, SIG_DFL);
  int mask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  lua_sethook(running->L, raise_interrupted, mask, 1);
}

/* ---- errors ---- */

/* The message handler: words for whatever was raised, and where. */
static int add_traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (text == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
      text = lua_tostring(L, -1);
    else
      text = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, text, 1);
  return 1;
}

/* [-1, +0, -] */
static void report(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  fprintf(stderr, "thespian-host: %s\n", text != NULL ? text : "(error object is not a string)");
  lua_pop(L, 1);
}

/* [-(1+count), +0|1, -] calls the function below count arguments; SIGINT interrupts it meanwhile.
 * An error is left, with its traceback. */
static int call_program(lua_State *L, int count) {
  int handler = lua_gettop(L) - count;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, handler);
  struct running running = {L, pthread_self()};
  struct sigaction action = {.sa_handler = interrupt};
  struct sigaction before;
  sigemptyset(&action.sa_mask);
  atomic_store_explicit(&interruptible, &running, memory_order_release);
  sigaction(SIGINT, &action, &before);
  int status = lua_pcall(L, count, 0, handler);
  sigaction(SIGINT, &before, NULL);
  atomic_store_explicit(&interruptible, NULL, memory_order_release);
  lua_remove(L, handler);
  return status;
}

/* ---- modules ---- */

/* [-1, +0, m] makes the function on top the searcher at position. */
static void insert_searcher(lua_State *L, lua_Integer position) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchers");
  for (lua_Integer last = luaL_len(L, -1); last >= position; last--) {
    lua_rawgeti(L, -1, last);
    lua_rawseti(L, -2, last + 1);
  }
  lua_pushvalue(L, -4);
  lua_rawseti(L, -2, position);
  lua_pop(L, 4);
}

/* Gives what a searcher gives for a module that it loaded, or raises why it could not. */
static int give_loader(lua_State *L, int status, const char *place) {
  if (status != LUA_OK) {
    return luaL_error(L, "error loading module '%s' from '%s':\n\t%s", lua_tostring(L, 1), place,
                      lua_tostring(L, -1));
  }
  lua_pushstring(L, place);
  return 2;
}

/* The searcher of our own modules, which are inside the binary. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  for (const struct th_embedded_module *module = th_embedded_modules; module->name != NULL;
       module++) {
    if (strcmp(module->name, name) != 0) continue;
    const char *chunk = lua_pushfstring(L, "=%s", name);
    int status = luaL_loadbufferx(L, (const char *)module->data, module->size, chunk, "t");
    return give_loader(L, status, ":builtin:");
  }
  lua_pushfstring(L, "no module '%s' in thespian-host", name);
  return 1;
}

/* [-0, +1, m] Loads text as luaL_loadfile does. */
static int load_text(lua_State *L, const struct th_archive_file *file, const char *chunk) {
  size_t size = file->size;
  const char *data = th_code_skip_comment(file->data, &size);
  return luaL_loadbufferx(L, data, size, chunk, "t");
}

/* [-0, +2, m] pushes how tracebacks name a file of a bundle, as a chunk name. */
static const char *push_chunk_name(lua_State *L, const struct th_archive *archive,
                                   const char *name) {
  const char *hash = lua_pushlstring(L, th_archive_hash(archive), 8);
  return lua_pushfstring(L, "@bundle:%s/%s", hash, name);
}

/* The searcher of the modules in the program's bundle, its upvalue. */
static int search_bundle(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  struct th_archive *const *box = lua_touserdata(L, lua_upvalueindex(1));
  struct th_archive_file file;
  /* The box is empty only for finalizers that run after its own, when the state is closed. */
  if (*box == NULL || !th_archive_module(*box, name, &file)) {
    lua_pushfstring(L, "no module '%s' in the program's bundle", name);
    return 1;
  }
  const char *chunk = push_chunk_name(L, *box, file.name);
  return give_loader(L, load_text(L, &file, chunk), chunk + 1);
}

static int close_bundle(lua_State *L) {
  struct th_archive **box = lua_touserdata(L, 1);
  th_archive_close(*box);
  *box = NULL;
  return 0;
}

/* ---- the program ---- */

/* [-0, +1, e] pushes the bytes of a file. */
static void push_file(lua_State *L, const char *path, size_t size) {
  char *data = lua_newuserdatauv(L, size, 0);
  FILE *file = fopen(path, "rb");
  size_t got = file != NULL ? fread(data, 1, size, file) : 0;
  int error = file == NULL || ferror(file) ? errno : 0;
  if (file != NULL) fclose(file);
  if (error != 0) luaL_error(L, "cannot read %s: %s", path, strerror(error));
  lua_pushlstring(L, data, got);
  lua_remove(L, -2);
}

/* [-0, +1, e] opens the zip on top of the stack; pushes a box that closes it. */
static struct th_archive *push_bundle(lua_State *L, const char *path) {
  size_t size;
  const char *zip = lua_tolstring(L, -1, &size);
  struct th_archive **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_bundle);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  struct th_reason reason = {""};
  if (th_archive_open(zip, size, box, &reason) != 0) luaL_error(L, "%s: %s", path, reason.words);
  return *box;
}

/* [-0, +1, e] pushes the main chunk, or why it does not load; gives which. */
static int load_zip(lua_State *L, const char *path, size_t size) {
  push_file(L, path, size);
  struct th_archive *archive = push_bundle(L, path);
  struct th_archive_file file;
  if (!th_archive_find(archive, "main.lua", &file)) luaL_error(L, "%s has no main.lua", path);
  lua_pushvalue(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, TH_PROGRAM_BUNDLE);
  lua_pushcclosure(L, search_bundle, 1);
  insert_searcher(L, 3);
  return load_text(L, &file, push_chunk_name(L, archive, file.name));
}

/* [-1, +0, e] pops a folder: its modules come before those of package.path. */
static void search_folder(lua_State *L) {
  const char *folder = lua_tostring(L, -1);
  if (strpbrk(folder, ";?") != NULL)
    luaL_error(L, "%s: a folder with ; or ? in its name cannot hold programs", folder);
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 3);
}

/* [-0, +1, e] The same for a file: modules beside it are found wherever it is run from, as those of
 * a folder or a zip are. */
static int load_file(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash != NULL) {
    lua_pushlstring(L, path, slash > path ? (size_t)(slash - path) : 1);
    search_folder(L);
  }
  return luaL_loadfile(L, path);
}

/* [-0, +1, e] The same for a folder. */
static int load_folder(lua_State *L, const char *path) {
  size_t size = strlen(path);
  while (size > 1 && path[size - 1] == '/') size--;
  const char *folder = lua_pushlstring(L, path, size);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, TH_PROGRAM_FOLDER);
  const char *main = lua_pushfstring(L, "%s/main.lua", folder);
  lua_insert(L, -2);
  search_folder(L);
  return luaL_loadfile(L, main);
}

static bool is_zip(const char *path) {
  char start[4] = "";
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  size_t got = fread(start, 1, sizeof start, file);
  fclose(file);
  return got == sizeof start &&
         (memcmp(start, "PK\3\4", sizeof start) == 0 || memcmp(start, "PK\5\6", sizeof start) == 0);
}

/* [-0, +1, e] pushes the main chunk, or why it does not load; gives which. */
static int load_program(lua_State *L, const char *path) {
  struct stat status;
  if (strcmp(path, "-") == 0) return luaL_loadfile(L, NULL);
  if (stat(path, &status) != 0) return luaL_loadfile(L, path); /* which says why not */
  if (S_ISDIR(status.st_mode)) return load_folder(L, path);
  if (S_ISREG(status.st_mode) && is_zip(path)) return load_zip(L, path, (size_t)status.st_size);
  return load_file(L, path);
}

/* [-0, +0|1, e] runs what LUA_INIT holds, as lua5.4 does; an error is left. */
static int run_init(lua_State *L) {
  const char *name = "=LUA_INIT" LUA_VERSUFFIX;
  const char *init = getenv(name + 1);
  if (init == NULL) {
    name = "=LUA_INIT";
    init = getenv(name + 1);
  }
  if (init == NULL) return LUA_OK;
  int status = init[0] == '@' ? luaL_loadfile(L, init + 1)
                              : luaL_loadbuffer(L, init, strlen(init), name);
  return status == LUA_OK ? call_program(L, 0) : status;
}

struct command {
  int argc;
  char **argv;
};

/* [-0, +0, m] sets arg: the program at 0, its arguments after it, the host's before it. */
static void set_arguments(lua_State *L, const struct command *command) {
  lua_createtable(L, command->argc, 3);
  for (int i = 0; i < command->argc; i++) {
    lua_pushstring(L, command->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_pushliteral(L, "run");
  lua_rawseti(L, -2, -1);
  lua_pushstring(L, program_invocation_name);
  lua_rawseti(L, -2, -2);
  lua_setglobal(L, "arg");
}

/* [-0, +0, m] makes the state what lua5.4 makes it, with our modules built in. */
static void prepare(lua_State *L, const struct command *command) {
  luaL_checkversion(L);
  lua_gc(L, LUA_GCSTOP);
  luaL_openlibs(L);
  set_arguments(L, command);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_thespian_core);
  lua_setfield(L, -2, "thespian.core");
  lua_pop(L, 1);
  lua_pushcfunction(L, search_embedded);
  insert_searcher(L, 2);
  lua_gc(L, LUA_GCRESTART);
  lua_gc(L, LUA_GCGEN, 0, 0);
}

/* The whole run, protected from errors of memory and of ours. Gives true when all went well. */
static int run(lua_State *L) {
  const struct command *command = lua_touserdata(L, 1);
  prepare(L, command);
  int status = run_init(L);
  if (status == LUA_OK) status = load_program(L, command->argv[0]);
  if (status == LUA_OK) {
    int count = command->argc - 1;
    luaL_checkstack(L, count + 5, "too many arguments to script");
    for (int i = 1; i <= count; i++) lua_pushstring(L, command->argv[i]);
    status = call_program(L, count);
  }
  if (status != LUA_OK) report(L);
  lua_pushboolean(L, status == LUA_OK);
  return 1;
}

static void ignore(int signal_number) {
  (void)signal_number;
}

/* A handler that does nothing is better than SIG_IGN here: programs that the program starts do not
 * inherit it. */
static void ignore_broken_pipes(void) {
  struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGPIPE, &action, NULL);
}

int th_run_program(int argc, char **argv) {
  struct command command = {argc, argv};
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fputs("thespian-host: not enough memory for a Lua state\n", stderr);
    return EXIT_FAILURE;
  }
  ignore_broken_pipes();
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &command);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    report(L);
    lua_pushboolean(L, 0);
  }
  bool well = lua_toboolean(L, -1);
  lua_close(L);
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
