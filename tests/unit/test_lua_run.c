/* Programs as `thespian-host run` runs them: files, folders and zips in a folder of the
 * test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/source.h"
#include "bindings/run.h"

/* Where the tests live, what the last program wrote, and its exit status. */
struct place {
  char folder[256];
  char path[512];
  char output[16384];
  char errors[16384];
  int status;
};

/* ---- helpers ---- */

/* One path is in use at a time. */
static const char *path_of(struct place *place, const char *name) {
  snprintf(place->path, sizeof place->path, "%s/%s", place->folder, name);
  return place->path;
}

static void write_bytes(struct place *place, const char *name, const void *data, size_t size) {
  FILE *file = fopen(path_of(place, name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void write_text(struct place *place, const char *name, const char *text) {
  write_bytes(place, name, text, strlen(text));
}

static void make_folder(struct place *place, const char *name) {
  assert_int_equal(mkdir(path_of(place, name), 0700), 0);
}

static void read_text(struct place *place, const char *name, char *text, size_t size) {
  FILE *file = fopen(path_of(place, name), "rb");
  assert_non_null(file);
  text[fread(text, 1, size - 1, file)] = '\0';
  fclose(file);
}

/* Sends a stream into a file of the folder; gives what undoes it. */
static int redirect(struct place *place, FILE *stream, const char *name) {
  fflush(stream);
  int before = dup(fileno(stream));
  FILE *file = fopen(path_of(place, name), "wb");
  assert_non_null(file);
  assert_true(dup2(fileno(file), fileno(stream)) >= 0);
  fclose(file);
  return before;
}

static void restore(FILE *stream, int before) {
  fflush(stream);
  dup2(before, fileno(stream));
  close(before);
}

/* Runs the program name of the folder with up to two arguments, in this process. */
static void run_with(struct place *place, const char *name, const char *one, const char *two) {
  char program[512], first[512], second[64];
  snprintf(program, sizeof program, "%s", path_of(place, name));
  snprintf(first, sizeof first, "%s", one != NULL ? one : "");
  snprintf(second, sizeof second, "%s", two != NULL ? two : "");
  char *argv[] = {program, first, second, NULL};
  int output = redirect(place, stdout, "output");
  int errors = redirect(place, stderr, "errors");
  place->status = th_run_program(1 + (one != NULL) + (two != NULL), argv);
  restore(stderr, errors);
  restore(stdout, output);
  read_text(place, "output", place->output, sizeof place->output);
  read_text(place, "errors", place->errors, sizeof place->errors);
}

static void run(struct place *place, const char *name) {
  run_with(place, name, NULL, NULL);
}

static void assert_contains(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_lacks(const char *text, const char *part) {
  if (strstr(text, part) != NULL) fail_msg("\"%s\" is in \"%s\"", part, text);
}

static void assert_went_well(const struct place *place) {
  assert_string_equal(place->errors, "");
  assert_int_equal(place->status, 0);
}

/* Packs files given as name, text, ..., NULL into a zip of the folder. */
static void write_zip(struct place *place, const char *zip_name, ...) {
  struct th_source_file files[8];
  size_t count = 0;
  va_list pairs;
  va_start(pairs, zip_name);
  for (const char *name; (name = va_arg(pairs, const char *)) != NULL; count++) {
    const char *text = va_arg(pairs, const char *);
    files[count] = (struct th_source_file){name, (const unsigned char *)text, strlen(text)};
  }
  va_end(pairs);
  struct th_bytes *zip;
  struct th_reason reason = {""};
  if (th_source_pack(files, count, &zip, &reason) != 0) fail_msg("%s", reason.words);
  write_bytes(place, zip_name, zip->data, zip->size);
  th_bytes_unref(zip);
}

static int open_place(void **state) {
  struct place *place = calloc(1, sizeof *place);
  const char *parent = getenv("TMPDIR");
  if (place == NULL) return -1;
  snprintf(place->folder, sizeof place->folder, "%s/run.XXXXXX", parent != NULL ? parent : "/tmp");
  *state = place;
  return mkdtemp(place->folder) != NULL ? 0 : -1;
}

static int close_place(void **state) {
  struct place *place = *state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
  int status = system(command);
  free(place);
  return status;
}

/* ---- files ---- */

static void a_file_gets_its_arguments(void **state) {
  struct place *place = *state;
  write_text(place, "show.lua",
             "print(select('#', ...), ...)\n"
             "print(arg[0]:match('[^/]+$'), arg[1], arg[2], #arg)\n"
             "print(arg[-1], arg[-2] ~= nil, arg[-3])\n");
  run_with(place, "show.lua", "one", "two words");
  assert_went_well(place);
  assert_string_equal(place->output, "2\tone\ttwo words\nshow.lua\tone\ttwo words\t2\n"
                                     "run\ttrue\tnil\n");
}

static void the_standard_libraries_are_there(void **state) {
  struct place *place = *state;
  write_text(place, "all.lua",
             "for _, name in ipairs {'coroutine', 'debug', 'io', 'math', 'os', 'package',\n"
             "                       'string', 'table', 'utf8'} do\n"
             "  assert(type(_G[name]) == 'table', name)\n"
             "end\n");
  run(place, "all.lua");
  assert_went_well(place);
}

static void the_source_of_a_file_is_its_path_as_given(void **state) {
  struct place *place = *state;
  char expected[512];
  write_text(place, "source.lua",
             "#!/usr/bin/env thespian-host\n"
             "local info = debug.getinfo(1, 'Sl')\n"
             "print(info.source, info.currentline)\n");
  run(place, "source.lua");
  assert_went_well(place);
  snprintf(expected, sizeof expected, "@%s/source.lua\t2\n", place->folder);
  assert_string_equal(place->output, expected);
}

static void an_error_is_reported_with_its_traceback(void **state) {
  struct place *place = *state;
  write_text(place, "fails.lua",
             "local function deep() error('no luck') end\n"
             "deep()\n");
  run(place, "fails.lua");
  assert_int_equal(place->status, 1);
  assert_string_equal(place->output, "");
  assert_int_equal(strncmp(place->errors, "thespian-host: ", 15), 0);
  assert_contains(place->errors, "fails.lua:1: no luck\nstack traceback:");
  assert_contains(place->errors, "fails.lua:2: in main chunk");
}

static void an_error_object_is_shown_by_its_tostring(void **state) {
  struct place *place = *state;
  write_text(place, "object.lua",
             "error(setmetatable({}, {__tostring = function()\n"
             "  return 'CannotSend: a function' end}))\n");
  run(place, "object.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "thespian-host: CannotSend: a function\nstack traceback:");
}

static void an_error_object_without_words_is_named_by_its_type(void **state) {
  struct place *place = *state;
  write_text(place, "object.lua", "error({})\n");
  run(place, "object.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "thespian-host: (error object is a table value)\n");
}

static void a_file_that_is_not_there_is_named(void **state) {
  struct place *place = *state;
  run(place, "nothing.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "nothing.lua");
  assert_contains(place->errors, strerror(ENOENT));
  assert_lacks(place->errors, "traceback");
}

static void a_syntax_error_is_reported_with_its_line(void **state) {
  struct place *place = *state;
  write_text(place, "wrong.lua", "local x =\n\nend\n");
  run(place, "wrong.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "wrong.lua:3: unexpected symbol near 'end'");
}

static void os_exit_gives_the_status(void **state) {
  struct place *place = *state;
  write_text(place, "leaves.lua", "os.exit(7, true)\n");
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    run(place, "leaves.lua");
    _exit(99); /* not reached */
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
}

/* ---- signals ---- */

static void sigint_interrupts_a_busy_program(void **state) {
  struct place *place = *state;
  write_text(place, "busy.lua",
             "io.popen('kill -INT $PPID'):close()\n"
             "while true do end\n");
  run(place, "busy.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "interrupted!\nstack traceback:");
}

static void an_interruption_can_be_caught_once(void **state) {
  struct place *place = *state;
  write_text(place, "catches.lua",
             "local ok, why = pcall(function()\n"
             "  io.popen('kill -INT $PPID'):close()\n"
             "  while true do end\n"
             "end)\n"
             "print(ok, why:match('interrupted!'), debug.gethook())\n");
  run(place, "catches.lua");
  assert_went_well(place);
  assert_string_equal(place->output, "false\tinterrupted!\tnil\n");
}

/* Takes SIGINT for itself once the program has opened the pipe. */
static void *take_signal(void *path) {
  char byte;
  int pipe = open(path, O_RDONLY);
  if (read(pipe, &byte, 1) == 0) pthread_kill(pthread_self(), SIGINT);
  close(pipe);
  return NULL;
}

/* The loop calls the system because the thread sanitizer handles signals only then. */
static void a_signal_that_another_thread_takes_interrupts_too(void **state) {
  struct place *place = *state;
  char path[512];
  pthread_t thread;
  write_text(place, "busy.lua",
             "io.open(arg[1], 'w'):close()\n"
             "while true do io.open('/dev/null'):close() end\n");
  snprintf(path, sizeof path, "%s", path_of(place, "pipe"));
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pthread_create(&thread, NULL, take_signal, path), 0);
  run_with(place, "busy.lua", path, NULL);
  pthread_join(thread, NULL);
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "interrupted!");
}

static void a_broken_pipe_does_not_end_the_program(void **state) {
  struct place *place = *state;
  write_text(place, "pipe.lua",
             "local pipe = io.popen('exit', 'w')\n"
             "print((pipe:write(('x'):rep(1 << 20))))\n"
             "pipe:close()\n");
  run(place, "pipe.lua");
  assert_went_well(place);
  assert_string_equal(place->output, "nil\n");
}

static void what_the_program_starts_dies_of_broken_pipes(void **state) {
  struct place *place = *state;
  write_text(place, "child.lua", "print(os.execute('kill -PIPE $$'))\n");
  run(place, "child.lua");
  assert_went_well(place);
  assert_string_equal(place->output, "nil\tsignal\t13\n");
}

/* ---- the environment ---- */

static void lua_path_is_searched(void **state) {
  struct place *place = *state;
  char templates[512];
  make_folder(place, "library");
  write_text(place, "library/helper.lua", "return 'helped'\n");
  write_text(place, "asks.lua", "print(require 'helper')\n");
  snprintf(templates, sizeof templates, "%s/library/?.lua;;", place->folder);
  setenv("LUA_PATH", templates, 1);
  run(place, "asks.lua");
  unsetenv("LUA_PATH");
  assert_went_well(place);
  assert_contains(place->output, "helped\t");
}

static void lua_init_runs_first(void **state) {
  struct place *place = *state;
  write_text(place, "init.lua", "print(greeting)\n");
  setenv("LUA_INIT", "greeting = 'hello'", 1);
  run(place, "init.lua");
  setenv("LUA_INIT_5_4", "greeting = 'hello 5.4'", 1);
  assert_string_equal(place->output, "hello\n");
  run(place, "init.lua");
  unsetenv("LUA_INIT_5_4");
  unsetenv("LUA_INIT");
  assert_went_well(place);
  assert_string_equal(place->output, "hello 5.4\n");
}

static void a_failing_lua_init_is_reported(void **state) {
  struct place *place = *state;
  write_text(place, "init.lua", "print 'not reached'\n");
  setenv("LUA_INIT", "error('bad start')", 1);
  run(place, "init.lua");
  unsetenv("LUA_INIT");
  assert_int_equal(place->status, 1);
  assert_string_equal(place->output, "");
  assert_contains(place->errors, "LUA_INIT:1: bad start");
}

/* ---- modules of ours ---- */

static void the_core_is_built_in(void **state) {
  struct place *place = *state;
  write_text(place, "core.lua",
             "local core = require 'thespian.core'\n"
             "print(core.actor, core.programFolder(), core.programBundle())\n");
  run(place, "core.lua");
  assert_went_well(place);
  assert_string_equal(place->output, "false\tnil\tnil\n");
}

static void modules_of_ours_are_never_taken_from_the_path(void **state) {
  struct place *place = *state;
  char templates[512];
  make_folder(place, "library");
  make_folder(place, "library/thespian");
  write_text(place, "library/thespian/actors.lua", "return 'another'\n");
  write_text(place, "asks.lua",
             "local actors, where = require 'thespian.actors'\n"
             "print(type(actors), where)\n");
  snprintf(templates, sizeof templates, "%s/library/?.lua", place->folder);
  setenv("LUA_PATH", templates, 1);
  run(place, "asks.lua");
  unsetenv("LUA_PATH");
  assert_went_well(place);
  assert_string_equal(place->output, "table\t:builtin:\n");
}

static void a_module_that_is_nowhere_is_looked_for_everywhere(void **state) {
  struct place *place = *state;
  write_text(place, "asks.lua", "require 'no.such'\n");
  run(place, "asks.lua");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "no field package.preload['no.such']");
  assert_contains(place->errors, "no module 'no.such' in thespian-host");
  assert_contains(place->errors, "no file './no/such.lua'");
}

/* ---- folders ---- */

static void write_application(struct place *place) {
  make_folder(place, "app");
  make_folder(place, "app/part");
  write_text(place, "app/main.lua",
             "local part = require 'part'\n"
             "local core = require 'thespian.core'\n"
             "print(part, debug.getinfo(1, 'S').source)\n"
             "print(core.programFolder(), core.programBundle(), ...)\n");
  write_text(place, "app/part/init.lua", "return 'a part'\n");
}

static void a_folder_runs_its_main(void **state) {
  struct place *place = *state;
  char expected[1024];
  write_application(place);
  run_with(place, "app//", "argument", NULL);
  assert_went_well(place);
  snprintf(expected, sizeof expected, "a part\t@%s/app/main.lua\n%s/app\tnil\targument\n",
           place->folder, place->folder);
  assert_string_equal(place->output, expected);
}

static void modules_of_a_folder_come_before_the_path(void **state) {
  struct place *place = *state;
  char templates[512];
  write_application(place);
  write_text(place, "part.lua", "return 'another part'\n");
  snprintf(templates, sizeof templates, "%s/?.lua", place->folder);
  setenv("LUA_PATH", templates, 1);
  run(place, "app");
  unsetenv("LUA_PATH");
  assert_went_well(place);
  assert_contains(place->output, "a part\t");
}

static void a_folder_without_main_is_refused(void **state) {
  struct place *place = *state;
  make_folder(place, "empty");
  run(place, "empty");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "empty/main.lua");
}

static void a_folder_that_package_path_cannot_name_is_refused(void **state) {
  struct place *place = *state;
  make_folder(place, "what?");
  write_text(place, "what?/main.lua", "print 'not reached'\n");
  run(place, "what?");
  assert_int_equal(place->status, 1);
  assert_string_equal(place->output, "");
  assert_contains(place->errors, "with ; or ? in its name");
}

/* ---- zips ---- */

static void a_zip_runs_from_memory(void **state) {
  struct place *place = *state;
  write_zip(place, "app.zip", "main.lua",
            "#!/usr/bin/env thespian-host\n"
            "local part, where = require 'part'\n"
            "print(part, where:gsub('%x%x%x%x%x%x%x%x', 'HASH'))\n"
            "print(require 'tool', ...)\n"
            "print(require 'thespian.core'.programFolder())\n",
            "part/init.lua", "return 'a part'\n", "tool.lua", "return 'a tool'\n", NULL);
  run_with(place, "app.zip", "argument", NULL);
  assert_went_well(place);
  assert_contains(place->output, "a part\tbundle:HASH/part/init.lua\t1\n");
  assert_contains(place->output, "a tool\targument\n");
  assert_contains(place->output, "nil\n");
}

static void tracebacks_name_the_bundle_and_the_line(void **state) {
  struct place *place = *state;
  char zip[4096];
  char hash[TH_DIGEST_TEXT_SIZE];
  char expected[64];
  write_zip(place, "app.zip", "main.lua", "#!/usr/bin/env thespian-host\nerror 'here'\n", NULL);
  FILE *file = fopen(path_of(place, "app.zip"), "rb");
  assert_non_null(file);
  size_t size = fread(zip, 1, sizeof zip, file);
  fclose(file);
  assert_int_equal(th_digest_sha256(zip, size, hash), 0);
  snprintf(expected, sizeof expected, "thespian-host: bundle:%.8s/main.lua:2: here\n", hash);
  run(place, "app.zip");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, expected);
}

static void a_program_in_a_zip_is_given_the_zip(void **state) {
  struct place *place = *state;
  write_zip(place, "app.zip", "main.lua",
            "local file = assert(io.open(arg[0], 'rb'))\n"
            "print(file:read 'a' == require 'thespian.core'.programBundle())\n"
            "file:close()\n",
            NULL);
  run(place, "app.zip");
  assert_went_well(place);
  assert_string_equal(place->output, "true\n");
}

static void a_module_of_a_zip_that_does_not_load_says_where(void **state) {
  struct place *place = *state;
  write_zip(place, "app.zip", "main.lua", "require 'wrong'\n", "wrong.lua", "\n)\n", NULL);
  run(place, "app.zip");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "error loading module 'wrong' from 'bundle:");
  assert_contains(place->errors, "/wrong.lua:2: unexpected symbol near ')'");
}

static void compiled_code_in_a_zip_is_refused(void **state) {
  struct place *place = *state;
  write_zip(place, "app.zip", "main.lua", "\x1bLua", NULL);
  run(place, "app.zip");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "main.lua\": compiled Lua");
}

static void a_zip_without_main_is_refused(void **state) {
  struct place *place = *state;
  write_zip(place, "app.zip", "app/main.lua", "print 'not reached'\n", NULL);
  run(place, "app.zip");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "app.zip has no main.lua");
}

static void a_damaged_zip_is_refused(void **state) {
  struct place *place = *state;
  write_text(place, "app.zip", "PK\3\4 and no more");
  run(place, "app.zip");
  assert_int_equal(place->status, 1);
  assert_contains(place->errors, "app.zip: ");
  assert_lacks(place->errors, "unexpected symbol");
}

static void the_version_of_lua_is_named(void **state) {
  (void)state;
  assert_int_equal(strncmp(th_lua_version(), "Lua 5.4.", 8), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void) {
  unsetenv("LUA_INIT");
  unsetenv("LUA_INIT_5_4");
  unsetenv("LUA_PATH");
  unsetenv("LUA_PATH_5_4");
  const struct CMUnitTest tests[] = {
    TEST(a_file_gets_its_arguments),
    TEST(the_standard_libraries_are_there),
    TEST(the_source_of_a_file_is_its_path_as_given),
    TEST(an_error_is_reported_with_its_traceback),
    TEST(an_error_object_is_shown_by_its_tostring),
    TEST(an_error_object_without_words_is_named_by_its_type),
    TEST(a_file_that_is_not_there_is_named),
    TEST(a_syntax_error_is_reported_with_its_line),
    TEST(os_exit_gives_the_status),
    TEST(sigint_interrupts_a_busy_program),
    TEST(an_interruption_can_be_caught_once),
    TEST(a_signal_that_another_thread_takes_interrupts_too),
    TEST(a_broken_pipe_does_not_end_the_program),
    TEST(what_the_program_starts_dies_of_broken_pipes),
    TEST(lua_path_is_searched),
    TEST(lua_init_runs_first),
    TEST(a_failing_lua_init_is_reported),
    TEST(the_core_is_built_in),
    TEST(modules_of_ours_are_never_taken_from_the_path),
    TEST(a_module_that_is_nowhere_is_looked_for_everywhere),
    TEST(a_folder_runs_its_main),
    TEST(modules_of_a_folder_come_before_the_path),
    TEST(a_folder_without_main_is_refused),
    TEST(a_folder_that_package_path_cannot_name_is_refused),
    TEST(a_zip_runs_from_memory),
    TEST(tracebacks_name_the_bundle_and_the_line),
    TEST(a_program_in_a_zip_is_given_the_zip),
    TEST(a_module_of_a_zip_that_does_not_load_says_where),
    TEST(compiled_code_in_a_zip_is_refused),
    TEST(a_zip_without_main_is_refused),
    TEST(a_damaged_zip_is_refused),
    TEST(the_version_of_lua_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
