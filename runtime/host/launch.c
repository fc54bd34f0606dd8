#include "host/launch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/json.h"
#include "host/loghandler.h"
#include "host/portowner.h"
#include "message/address.h"
#include "message/pack.h"
#include "system/system.h"

#define HOST_NAME "thespian-host"

/* How long one attempt to connect may take, and how long to wait before the next one. */
#define CONNECT_TIME (5 * TH_SECOND)
#define PAUSE (20 * TH_MILLISECOND)

/* ---- finding the program --------------------------------------------------------------------- */

static bool is_program(const char *path) {
  return access(path, X_OK) == 0;
}

static void append_path(struct th_buffer *path, const char *text) {
  th_buffer_append(path, text, strlen(text) + 1);
}

static bool try_path(struct th_buffer *path, const char *text) {
  if (text == NULL || *text == '\0' || !is_program(text)) return false;
  append_path(path, text);
  return true;
}

static bool try_self(struct th_buffer *path) {
  char *self = realpath("/proc/self/exe", NULL);
  if (self == NULL) return false;
  const char *name = strrchr(self, '/');
  bool found = name != NULL && strcmp(name + 1, HOST_NAME) == 0 && try_path(path, self);
  free(self);
  return found;
}

/* From libthespian.so in a build tree, and from lib/libthespian.so (or one folder deeper) in an
 * installation; likewise from lua/thespian/core.so, and from lib/lua/5.4/thespian/core.so. */
static const char *const ways[] = {
  HOST_NAME,          "../bin/" HOST_NAME,          "../../bin/" HOST_NAME,
  "../../" HOST_NAME, "../../../../bin/" HOST_NAME, "../../../../../bin/" HOST_NAME,
};

static bool try_beside(struct th_buffer *path) {
  static const char here = 0; /* lies in the object that this code lies in */
  Dl_info object;
  if (dladdr(&here, &object) == 0 || object.dli_fname == NULL) return false;
  char *file = realpath(object.dli_fname, NULL);
  char *slash = file != NULL ? strrchr(file, '/') : NULL;
  bool found = false;
  for (size_t i = 0; slash != NULL && !found && i < sizeof ways / sizeof ways[0]; i++) {
    slash[1] = '\0';
    char *way = th_alloc(strlen(file) + strlen(ways[i]) + 1);
    stpcpy(stpcpy(way, file), ways[i]);
    char *real = realpath(way, NULL);
    found = try_path(path, real);
    free(real);
    free(way);
  }
  free(file);
  return found;
}

static bool try_search_path(struct th_buffer *path) {
  const char *folders = getenv("PATH");
  while (folders != NULL && *folders != '\0') {
    size_t size = strcspn(folders, ":");
    char *file = th_alloc(size + sizeof "/" HOST_NAME);
    memcpy(file, folders, size);
    strcpy(file + size, "/" HOST_NAME);
    bool found = size != 0 && try_path(path, file);
    free(file);
    if (found) return true;
    folders += size + (folders[size] == ':');
  }
  return false;
}

static bool try_installed(struct th_buffer *path) {
#ifdef TH_INSTALLED_HOST
  return try_path(path, TH_INSTALLED_HOST);
#else
  (void)path;
  return false;
#endif
}

int th_launch_program(const char *program, struct th_buffer *path, struct th_reason *reason) {
  const char *named = program != NULL ? program : getenv("THESPIAN_HOST");
  if (named != NULL && *named != '\0') {
    if (try_path(path, named)) return path->error;
    return th_fail(reason, TH_ESTARTUP, "cannot start an actor system: no program %s", named);
  }
  if (try_self(path) || try_beside(path) || try_installed(path) || try_search_path(path)) {
    return path->error;
  }
  return th_fail(reason, TH_ESTARTUP,
                 "cannot start an actor system: no program " HOST_NAME
                 " found; the environment variable THESPIAN_HOST may say where it is");
}

/* ---- its arguments --------------------------------------------------------------------------- */

struct arguments {
  char **list; /* ends with NULL */
  size_t count;
};

static void add(struct arguments *arguments, const char *text) {
  arguments->list = th_realloc(arguments->list, (arguments->count + 2) * sizeof *arguments->list);
  arguments->list[arguments->count++] = th_strdup(text);
  arguments->list[arguments->count] = NULL;
}

static void add_option(struct arguments *arguments, const char *option, const char *value) {
  if (value == NULL) return;
  add(arguments, option);
  add(arguments, value);
}

static void arguments_clear(struct arguments *arguments) {
  for (size_t i = 0; i < arguments->count; i++) free(arguments->list[i]);
  free(arguments->list);
}

/* KEY=JSON. The place is said by options of its own, which the caller may have changed. */
static int add_capability(struct arguments *arguments, const char *name, size_t size,
                          const unsigned char *value, size_t value_size) {
  struct th_buffer text;
  if (th_unpack_is(name, size, "Admin Port") || th_unpack_is(name, size, "Admin Host")) return 0;
  if (memchr(name, '=', size) != NULL || memchr(name, '\0', size) != NULL || size == 0) {
    return TH_EUSAGE;
  }
  th_buffer_init(&text);
  th_buffer_append(&text, name, size);
  th_buffer_append(&text, "=", 1);
  int error = th_json_write(value, value_size, &text);
  th_buffer_append(&text, "", 1);
  if (error == 0) error = text.error;
  if (error == 0) add_option(arguments, "--capability", (const char *)text.data);
  th_buffer_clear(&text);
  return error;
}

static int add_capabilities(struct arguments *arguments, const struct th_launch *launch,
                            struct th_reason *reason) {
  struct th_unpack reader;
  if (launch->capabilities == NULL) return 0;
  th_unpack_init(&reader, launch->capabilities, launch->capabilities_size);
  uint32_t count = th_unpack_map(&reader);
  for (uint32_t i = 0; i < count && reader.error == 0; i++) {
    size_t size, value_size;
    const char *name = th_unpack_str(&reader, &size);
    const unsigned char *value = th_unpack_skip(&reader, &value_size);
    if (name == NULL || value == NULL) break;
    if (add_capability(arguments, name, size, value, value_size) != 0) {
      return th_fail(reason, TH_ESTARTUP,
                     "the capability \"%.*s\" cannot be given to a new process", (int)size, name);
    }
  }
  if (reader.at == reader.end && reader.error == 0) return 0;
  return th_fail(reason, TH_ESTARTUP, "the capabilities are no table whose keys are all strings");
}

static void add_folder(struct arguments *arguments, const char *folder) {
  char *absolute = realpath(folder, NULL);
  add_option(arguments, "--path", absolute != NULL ? absolute : folder);
  free(absolute);
}

/* The new process is in the folder of this one, so a relative name means the same file there. */
static int add_log(struct arguments *arguments, const struct th_runlog *log,
                   struct th_reason *reason) {
  int error = th_runlog_check(log, reason);
  if (error != 0) return error;
  add_option(arguments, "--log-file", log->file);
  add_option(arguments, "--log-level", log->level);
  add_option(arguments, "--log-format", log->format);
  if (log->handlers != NULL && log->handler_count == 0)
    add_option(arguments, "--log-handler", "none");
  for (size_t i = 0; i < log->handler_count && error == 0; i++) {
    struct th_buffer text;
    th_buffer_init(&text);
    error = th_loghandler_write(&log->handlers[i], &text, reason);
    if (error == 0) add_option(arguments, "--log-handler", (const char *)text.data);
    th_buffer_clear(&text);
  }
  return error;
}

static int write_arguments(struct arguments *arguments, const struct th_launch *launch,
                           struct th_reason *reason) {
  char port[8];
  snprintf(port, sizeof port, "%u", launch->port);
  add(arguments, HOST_NAME);
  add(arguments, "start");
  add(arguments, "--daemon");
  add_option(arguments, "--base", launch->base != NULL ? launch->base : TH_BASE_TCP);
  add_option(arguments, "--host", launch->host);
  add_option(arguments, "--port", port);
  int error = add_log(arguments, &launch->log, reason);
  if (error != 0) return error;
  for (size_t i = 0; i < launch->path_count; i++) add_folder(arguments, launch->path[i]);
  return add_capabilities(arguments, launch, reason);
}

/* ---- running it ------------------------------------------------------------------------------ */

extern char **environ;

/* The new process shares nothing with the program that starts it: no files, no blocked or
 * ignored signals, since it lives on when the program is gone. Its words, on either stream, go
 * to output. */
static int spawn(const char *path, char **arguments, int output, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int error = posix_spawn(pid, path, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return -error;
}

static int milliseconds_until(uint64_t until) {
  uint64_t now = th_clock_now();
  if (until <= now) return 0;
  uint64_t left = (until - now) / TH_MILLISECOND + 1;
  return left < 60000 ? (int)left : 60000;
}

/* Reads what the process says until it closes its end. */
static int read_words(int fd, uint64_t until, struct th_buffer *words) {
  words->limit = 65536;
  for (;;) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int ready = poll(&waiting, 1, milliseconds_until(until));
    if (ready < 0 && errno != EINTR) return -errno;
    if (ready == 0 && th_clock_now() >= until) return TH_ETIMEOUT;
    if (ready <= 0) continue;
    char block[1024];
    ssize_t got = read(fd, block, sizeof block);
    if (got < 0 && errno != EINTR) return -errno;
    if (got == 0) return 0;
    if (got > 0) th_buffer_append(words, block, (size_t)got);
  }
}

/* Without its status, where the program ignores its children's ends, the words must tell. */
static bool has_succeeded(pid_t pid) {
  int status;
  pid_t ended;
  do {
    ended = waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The port in "multiprocTCPBase 127.0.0.1 1900"; 0 when it is another text. */
static uint16_t read_port(const char *words) {
  unsigned port;
  char end;
  if (sscanf(words, "%*31s %*63s %u%c", &port, &end) != 2 || end != '\n') return 0;
  return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* The first line, without the program's name before it. */
static int complain(const char *words, struct th_reason *reason) {
  static const char name[] = HOST_NAME ": ";
  if (strncmp(words, name, sizeof name - 1) == 0) words += sizeof name - 1;
  int size = (int)strcspn(words, "\n");
  if (size == 0) return th_fail(reason, TH_ESTARTUP, "the actor system died while it started");
  return th_fail(reason, TH_ESTARTUP, "%.*s", size, words);
}

static int await_start(pid_t pid, int fd, uint64_t until, uint16_t *port,
                       struct th_reason *reason) {
  struct th_buffer words;
  th_buffer_init(&words);
  int error = read_words(fd, until, &words);
  th_buffer_append(&words, "", 1);
  if (error != 0) kill(pid, SIGKILL); /* The system sees that nobody waits for it, and ends. */
  bool succeeded = has_succeeded(pid);
  if (error != 0) {
    error = th_fail(reason, error, "the actor system did not start in time");
  } else if (!succeeded || (*port = read_port((const char *)words.data)) == 0) {
    error = complain((const char *)words.data, reason);
  }
  th_buffer_clear(&words);
  return error;
}

static int run(const char *program, char **arguments, uint64_t until, uint16_t *port,
               struct th_reason *reason) {
  int ends[2];
  pid_t pid;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return th_fail(reason, TH_ESTARTUP, "cannot start %s: %s", program, th_error_words(-errno));
  }
  int error = spawn(program, arguments, ends[1], &pid);
  close(ends[1]);
  if (error != 0) {
    th_fail(reason, TH_ESTARTUP, "cannot start %s: %s", program, th_error_words(error));
    error = TH_ESTARTUP;
  } else {
    error = await_start(pid, ends[0], until, port, reason);
  }
  close(ends[0]);
  return error;
}

static int start(const struct th_launch *launch, uint64_t until, uint16_t *port,
                 struct th_reason *reason) {
  struct arguments arguments = {0};
  struct th_buffer program;
  th_buffer_init(&program);
  int error = th_launch_program(launch->program, &program, reason);
  if (error == 0) error = write_arguments(&arguments, launch, reason);
  if (error == 0) error = run((const char *)program.data, arguments.list, until, port, reason);
  arguments_clear(&arguments);
  th_buffer_clear(&program);
  return error;
}

/* ---- connecting ------------------------------------------------------------------------------ */

/* A system that listens on every address is found on this machine's own. */
static const char *place(const struct th_launch *launch) {
  if (launch->host == NULL || strcmp(launch->host, "0.0.0.0") == 0) return "127.0.0.1";
  return launch->host;
}

static enum th_carrier carrier(const struct th_launch *launch) {
  return th_base_carrier(launch->base != NULL ? launch->base : TH_BASE_TCP);
}

static int connect_once(const struct th_launch *launch, uint16_t port, uint64_t until,
                        struct th_client **client, struct th_reason *reason) {
  uint64_t soon = th_clock_after(CONNECT_TIME);
  return th_client_connect_over(client, carrier(launch), place(launch), port,
                                until < soon ? until : soon, reason);
}

/* A system on its way down refuses newcomers until it is gone; then the port is free. */
static int connect_to(const struct th_launch *launch, uint64_t until, struct th_client **client,
                      struct th_reason *reason) {
  for (;;) {
    int error = connect_once(launch, launch->port, until, client, reason);
    if (error != TH_ESHUTDOWN || th_clock_now() >= until) return error;
    nanosleep(&(struct timespec){.tv_nsec = (long)PAUSE}, NULL);
  }
}

static int start_and_connect(const struct th_launch *launch, uint64_t until,
                             struct th_client **client, struct th_reason *reason) {
  uint16_t port = 0;
  int error = start(launch, until, &port, reason);
  if (error == 0) return connect_once(launch, port, until, client, reason);
  /* Another program may have been faster: then its system is ours, too. */
  if (launch->port != 0 && connect_once(launch, launch->port, until, client, NULL) == 0) return 0;
  return error;
}

/* What listens there does not answer as a system of ours does. */
static int explain_stranger(const struct th_launch *launch, struct th_reason *reason) {
  char remedy[400];
  snprintf(remedy, sizeof remedy, "name another as \"Admin Port\", or 0 for any free one (%.300s)",
           reason != NULL ? reason->words : "");
  return th_port_in_use(carrier(launch), place(launch), launch->port, remedy, reason);
}

int th_launch_connect(const struct th_launch *launch, uint64_t until, struct th_client **client,
                      struct th_reason *reason) {
  if (launch->port != 0) {
    int error = connect_to(launch, until, client, reason);
    if (error == TH_EPROTOCOL || error == TH_ETIMEOUT) return explain_stranger(launch, reason);
    if (error != TH_ENOSYSTEM) return error;
  }
  if (launch->attach_only) {
    return th_fail(reason, TH_ESTARTUP, "no actor system at %s:%u, and none is to be started",
                   place(launch), launch->port);
  }
  return start_and_connect(launch, until, client, reason);
}
