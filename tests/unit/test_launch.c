#include "host/launch.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "message/pack.h"
#include "probe.h"

#define PATIENCE (60 * TH_SECOND)

/* ---- a folder with a program that only says what the test wants ------------------------------ */

static char *folder;

static int set_up(void **state) {
  const char *temporary = getenv("TMPDIR");
  char path[4096];
  (void)state;
  snprintf(path, sizeof path, "%s/test_launch.XXXXXX", temporary != NULL ? temporary : "/tmp");
  unsetenv("THESPIAN_HOST");
  if (mkdtemp(path) == NULL) return -1;
  folder = strdup(path);
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

static int tear_down(void **state) {
  (void)state;
  int error = nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(folder);
  return error;
}

/* Its arguments go, one a line, to the file "said". */
static char *make_program(const char *script) {
  char path[4200];
  snprintf(path, sizeof path, "%s/thespian-host", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "#!/bin/sh\nfor each; do echo \"$each\"; done >%s/said\n%s\n", folder, script);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0755), 0);
  return strdup(path);
}

static void touch(const char *name) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
}

static bool is_there(const char *name) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return access(path, F_OK) == 0;
}

static char *read_said(void) {
  char path[4200];
  static const size_t most = 65536;
  snprintf(path, sizeof path, "%s/said", folder);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *text = calloc(1, most);
  assert_true(fread(text, 1, most - 1, file) > 0);
  fclose(file);
  return text;
}

static uint16_t free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

static int launch(const char *program, uint16_t port, struct th_client **client,
                  struct th_reason *reason) {
  struct th_launch wish = {.program = program, .port = port};
  return th_launch_connect(&wish, th_clock_after(PATIENCE), client, reason);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_system_that_is_there_is_connected_to(void **state) {
  (void)state;
  struct th_system *system = th_probe_start(TH_BASE_TCP);
  struct th_client *client;
  struct th_launch wish = {.port = th_system_port(system), .attach_only = true};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(PATIENCE), &client, NULL), 0);
  assert_int_equal(th_client_pid(client), getpid());
  th_client_close(client);
  assert_true(th_system_free(system, 60));
}

static void attach_only_starts_nothing(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason;
  char *program = make_program("echo started");
  struct th_launch wish = {.program = program, .port = free_port(), .attach_only = true};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(PATIENCE), &client, &reason),
                   TH_ESTARTUP);
  assert_non_null(strstr(reason.words, "none is to be started"));
  assert_false(is_there("said"));
  free(program);
}

static void the_line_of_a_new_system_says_where_it_is(void **state) {
  (void)state;
  struct th_system *system = th_probe_start(TH_BASE_TCP);
  struct th_client *client;
  char script[128];
  snprintf(script, sizeof script, "echo multiprocTCPBase 127.0.0.1 %u", th_system_port(system));
  char *program = make_program(script);
  assert_int_equal(launch(program, 0, &client, NULL), 0);
  assert_int_equal(th_client_admin(client)->port, th_system_port(system));
  th_client_close(client);
  assert_true(th_system_free(system, 60));
  free(program);
}

static void a_new_system_is_told_all_that_was_asked_for(void **state) {
  (void)state;
  static const char expected[] =
    "start\n--daemon\n--base\nmultiprocTCPBase\n--host\n127.0.0.1\n"
    "--port\n0\n--log-file\n/x/log\n--log-level\ninfo\n--log-format\njson\n--path\n/\n"
    "--capability\nHas Light=true\n--capability\nName=\"5\"\n"
    "--capability\nList=[1, \"a b\"]\n";
  static const char *const path[] = {"/usr/.."};
  struct th_buffer map;
  struct th_client *client;
  struct th_reason reason;
  th_buffer_init(&map);
  th_pack_map(&map, 5);
  th_pack_text(&map, "Has Light");
  th_pack_bool(&map, true);
  th_pack_text(&map, "Admin Port");
  th_pack_int(&map, 5);
  th_pack_text(&map, "Admin Host");
  th_pack_text(&map, "1.2.3.4");
  th_pack_text(&map, "Name");
  th_pack_text(&map, "5");
  th_pack_text(&map, "List");
  th_pack_array(&map, 2);
  th_pack_int(&map, 1);
  th_pack_text(&map, "a b");
  char *program = make_program("exit 1");
  struct th_launch wish = {.program = program,
                           .host = "127.0.0.1",
                           .capabilities = map.data,
                           .capabilities_size = map.size,
                           .path = path,
                           .path_count = 1,
                           .log = {.file = "/x/log", .level = "info", .format = "json"}};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(PATIENCE), &client, &reason),
                   TH_ESTARTUP);
  assert_string_equal(reason.words, "the actor system died while it started");
  char *said = read_said();
  assert_string_equal(said, expected);
  free(said);
  free(program);
  th_buffer_clear(&map);
}

/* What the new process hears about the handlers of its log. */
static void assert_handlers(struct th_runlog log, int expected_error, const char *expected) {
  struct th_client *client;
  struct th_reason reason = {""};
  char *program = make_program("exit 1");
  struct th_launch wish = {.program = program, .log = log};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(PATIENCE), &client, &reason),
                   expected_error);
  char *said = expected_error == TH_ESTARTUP ? read_said() : strdup(reason.words);
  const char *from = strstr(said, expected_error == TH_ESTARTUP ? "--log" : "");
  assert_string_equal(from != NULL ? from : "", expected);
  free(said);
  free(program);
}

static void handlers_of_a_log_are_told_as_json(void **state) {
  (void)state;
  static const struct th_runlog_handler list[] = {
    {.file = "a \"b\".log", .level = "info"}, {.name = "x"}, {.format = "json"}};
  assert_handlers((struct th_runlog){.level = "error", .handlers = list, .handler_count = 3},
                  TH_ESTARTUP,
                  "--log-level\nerror\n--log-handler\n{\"file\": \"a \\\"b\\\".log\", "
                  "\"level\": \"info\"}\n--log-handler\n{}\n--log-handler\n"
                  "{\"format\": \"json\"}\n");
  assert_handlers((struct th_runlog){.handlers = list}, TH_ESTARTUP, "--log-handler\nnone\n");
}

static void handlers_that_make_no_sense_start_nothing(void **state) {
  (void)state;
  static const struct th_runlog_handler loud = {.name = "logDefs.handlers.a", .level = "loud"},
                                        latin = {.file = "caf\xe9"};
  assert_handlers((struct th_runlog){.handlers = &loud, .handler_count = 1}, TH_EUSAGE,
                  "logDefs.handlers.a.level: \"loud\" is not a log level: debug, info, warning, "
                  "error or critical");
  assert_handlers((struct th_runlog){.handlers = &latin, .handler_count = 1}, TH_EUSAGE,
                  "the log file \"caf\xe9\" of a handler cannot be told to a new process: its name "
                  "is not UTF-8");
  assert_false(is_there("said"));
}

static void a_capability_that_no_option_can_say_is_refused(void **state) {
  (void)state;
  struct th_buffer map;
  struct th_client *client;
  struct th_reason reason;
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, "a=b");
  th_pack_bool(&map, true);
  char *program = make_program("exit 1");
  struct th_launch wish = {
    .program = program, .capabilities = map.data, .capabilities_size = map.size};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(PATIENCE), &client, &reason),
                   TH_ESTARTUP);
  assert_string_equal(reason.words, "the capability \"a=b\" cannot be given to a new process");
  free(program);
  th_buffer_clear(&map);
}

static void what_the_new_process_complains_about_is_the_reason(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason;
  char *program = make_program("echo 'thespian-host: the port is taken' >&2; exit 1");
  assert_int_equal(launch(program, free_port(), &client, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "the port is taken");
  free(program);
  program = make_program("echo something else");
  assert_int_equal(launch(program, free_port(), &client, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "something else");
  free(program);
}

static void a_process_that_says_nothing_is_given_up(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason;
  char *program = make_program("exec sleep 600");
  struct th_launch wish = {.program = program};
  assert_int_equal(th_launch_connect(&wish, th_clock_after(50 * TH_MILLISECOND), &client, &reason),
                   TH_ETIMEOUT);
  assert_string_equal(reason.words, "the actor system did not start in time");
  free(program);
}

/* Another program: starts a system when ours has begun to start one on the same port. */
static void win(uint16_t port) {
  struct th_system *system;
  struct th_buffer map;
  while (!is_there("said")) sched_yield();
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, "Admin Port");
  th_pack_int(&map, port);
  struct th_system_config config = {.base = TH_BASE_TCP,
                                    .capabilities = map.data,
                                    .capabilities_size = map.size,
                                    .script = &th_probe_script};
  if (th_system_start(&system, &config, NULL) != 0) _exit(1);
  touch("go");
  th_system_wait(system, TH_FOREVER);
  _exit(th_system_free(system, 60) ? 0 : 1);
}

static void who_loses_the_race_connects_to_the_winner(void **state) {
  (void)state;
  struct th_client *client;
  struct th_reason reason = {""};
  uint16_t port = free_port();
  char script[4400];
  int status;
  snprintf(script, sizeof script,
           "while [ ! -e %s/go ]; do sleep 0.01; done\necho 'port in use' >&2; exit 1", folder);
  char *program = make_program(script);
  pid_t winner = fork();
  if (winner == 0) win(port);
  int error = launch(program, port, &client, &reason);
  assert_string_equal(reason.words, "port in use"); /* why ours is not the one */
  assert_int_equal(error, 0);
  assert_int_equal(th_client_pid(client), winner);
  assert_int_equal(th_client_shutdown(client, th_clock_after(PATIENCE), NULL), 0);
  th_client_close(client);
  assert_int_equal(waitpid(winner, &status, 0), winner);
  assert_int_equal(status, 0);
  free(program);
}

static void something_else_on_the_port_is_no_reason_to_start(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct th_client *client;
  struct th_reason reason;
  int status;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 5), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  pid_t server = fork();
  if (server == 0) {
    int connection = accept(fd, NULL, NULL);
    _exit(write(connection, "HTTP/1.1 400 Bad Request", 24) == 24 ? 0 : 1);
  }
  char *program = make_program("exit 1");
  assert_int_equal(launch(program, ntohs(address.sin_port), &client, &reason), TH_ESTARTUP);
  assert_false(is_there("said"));
  assert_int_equal(waitpid(server, &status, 0), server);
  close(fd);
  free(program);
}

/* ---- where the program is -------------------------------------------------------------------- */

static void the_program_named_is_the_one_that_is_used(void **state) {
  (void)state;
  struct th_buffer path;
  struct th_reason reason;
  char *program = make_program("");
  th_buffer_init(&path);
  assert_int_equal(th_launch_program(program, &path, &reason), 0);
  assert_string_equal(path.data, program);
  th_buffer_reset(&path);
  assert_int_equal(setenv("THESPIAN_HOST", program, 1), 0);
  assert_int_equal(th_launch_program(NULL, &path, &reason), 0);
  assert_string_equal(path.data, program);
  th_buffer_reset(&path);
  assert_int_equal(setenv("THESPIAN_HOST", "/no/such", 1), 0);
  assert_int_equal(th_launch_program(NULL, &path, &reason), TH_ESTARTUP);
  assert_string_equal(reason.words, "cannot start an actor system: no program /no/such");
  unsetenv("THESPIAN_HOST");
  th_buffer_clear(&path);
  free(program);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_system_that_is_there_is_connected_to),
    TEST(attach_only_starts_nothing),
    TEST(the_line_of_a_new_system_says_where_it_is),
    TEST(a_new_system_is_told_all_that_was_asked_for),
    TEST(handlers_of_a_log_are_told_as_json),
    TEST(handlers_that_make_no_sense_start_nothing),
    TEST(a_capability_that_no_option_can_say_is_refused),
    TEST(what_the_new_process_complains_about_is_the_reason),
    TEST(a_process_that_says_nothing_is_given_up),
    TEST(who_loses_the_race_connects_to_the_winner),
    TEST(something_else_on_the_port_is_no_reason_to_start),
    TEST(the_program_named_is_the_one_that_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
