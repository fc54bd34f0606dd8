#include "host/runlog.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const variables[] = {"THESPLOG_FILE",          "THESPLOG_FILE_MAXSIZE",
                                        "THESPLOG_THRESHOLD",     "THESPILOG_FILE",
                                        "THESPILOG_FILE_MAXSIZE", "THESPILOG_THRESHOLD"};

struct place {
  char file[4096];
  char old[4100];
};

static int set_up(void **state) {
  const char *temporary = getenv("TMPDIR");
  struct place *place = malloc(sizeof *place);
  snprintf(place->file, sizeof place->file, "%s/test_runlog.XXXXXX",
           temporary != NULL ? temporary : "/tmp");
  close(mkstemp(place->file));
  snprintf(place->old, sizeof place->old, "%s.old", place->file);
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
  *state = place;
  return 0;
}

static int tear_down(void **state) {
  struct place *place = *state;
  unlink(place->file);
  unlink(place->old);
  free(place);
  return 0;
}

static off_t size_of(const char *file) {
  struct stat status;
  return stat(file, &status) == 0 ? status.st_size : -1;
}

static void fill(struct th_log *log) {
  char line[1001];
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\0';
  for (int i = 0; i < 100; i++) th_log_write(log, TH_LOG_ERROR, "%s", line);
}

static void a_level_that_is_given_counts_more_than_the_environment(void **state) {
  struct place *place = *state;
  struct th_log *log;
  setenv("THESPLOG_THRESHOLD", "error", 1);
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = place->file, .level = "debug"}, false, NULL),
    0);
  assert_true(th_log_wants(log, TH_LOG_DEBUG));
  th_log_close(log);
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = place->file, .level = NULL}, false, NULL), 0);
  assert_false(th_log_wants(log, TH_LOG_WARNING));
  th_log_close(log);
}

static void without_any_level_warnings_and_above_are_written(void **state) {
  struct place *place = *state;
  struct th_log *log;
  setenv("THESPLOG_THRESHOLD", "nonsense", 1);
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = place->file, .level = NULL}, false, NULL), 0);
  assert_false(th_log_wants(log, TH_LOG_INFO));
  assert_true(th_log_wants(log, TH_LOG_WARNING));
  th_log_close(log);
}

static void a_level_that_is_none_is_wrong_usage(void **state) {
  struct place *place = *state;
  struct th_log *log;
  struct th_reason reason;
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = place->file, .level = "loud"}, false, &reason),
    TH_EUSAGE);
  assert_string_equal(reason.words,
                      "\"loud\" is not a log level: debug, info, warning, error or critical");
}

static void the_background_writes_to_the_file_of_the_environment(void **state) {
  struct place *place = *state;
  struct th_log *log;
  setenv("THESPILOG_FILE", place->file, 1); /* the manual's spelling */
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = NULL, .level = NULL}, true, NULL), 0);
  th_log_write(log, TH_LOG_ERROR, "here");
  th_log_close(log);
  assert_true(size_of(place->file) > 4);
}

static void the_usual_log_is_rotated_and_one_given_is_not(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = place->file, .level = NULL}, true, NULL), 0);
  fill(log);
  th_log_close(log);
  assert_true(size_of(place->file) > 100000);
  setenv("THESPLOG_FILE", place->file, 1);
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = NULL, .level = NULL}, true, NULL), 0);
  fill(log);
  th_log_close(log);
  assert_in_range(size_of(place->file), 1, TH_RUNLOG_SIZE + 2000);
  assert_in_range(size_of(place->old), TH_RUNLOG_SIZE, TH_RUNLOG_SIZE + 2000);
}

static void a_tiny_maximum_means_never(void **state) {
  struct place *place = *state;
  struct th_log *log;
  setenv("THESPLOG_FILE", place->file, 1);
  setenv("THESPLOG_FILE_MAXSIZE", "100", 1);
  assert_int_equal(
    th_runlog_open(&log, &(struct th_runlog){.file = NULL, .level = NULL}, true, NULL), 0);
  fill(log);
  th_log_close(log);
  assert_int_equal(size_of(place->old), -1);
}

static void a_file_that_cannot_be_written_is_named(void **state) {
  (void)state;
  struct th_log *log;
  struct th_reason reason;
  assert_true(th_runlog_open(&log, &(struct th_runlog){.file = "/no/such/log", .level = NULL}, true,
                             &reason) < 0);
  assert_string_equal(reason.words, "cannot write the log /no/such/log: No such file or directory");
}

static void the_format_is_text_or_json(void **state) {
  struct place *place = *state;
  struct th_log *log;
  struct th_reason reason = {""};
  struct th_runlog said = {.file = place->file, .format = "JSON"};
  assert_int_equal(th_runlog_open(&log, &said, false, NULL), 0);
  th_log_write(log, TH_LOG_ERROR, "x");
  th_log_close(log);
  char text[2] = "";
  int fd = open(place->file, O_RDONLY);
  assert_int_equal(read(fd, text, 1), 1);
  close(fd);
  assert_string_equal(text, "{");
  said.format = "xml";
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), TH_EUSAGE);
  assert_string_equal(reason.words, "\"xml\" is not a log format: text or json");
}

/* ---- handlers -------------------------------------------------------------------------------- */

/* The file's first bytes; none where there is no file. Until the next call. */
static const char *content(const char *file) {
  static char text[1000];
  int fd = open(file, O_RDONLY);
  ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  text[size > 0 ? size : 0] = '\0';
  return text;
}

static void handlers_take_what_they_do_not_say_from_the_log(void **state) {
  struct place *place = *state;
  struct th_log *log;
  const struct th_runlog_handler handlers[] = {{.level = "error"},
                                               {.file = place->old, .format = "text"}};
  struct th_runlog said = {.file = place->file,
                           .level = "info",
                           .format = "json",
                           .handlers = handlers,
                           .handler_count = 2};
  assert_int_equal(th_runlog_open(&log, &said, false, NULL), 0);
  th_log_write(log, TH_LOG_DEBUG, "detail");
  th_log_write(log, TH_LOG_INFO, "news");
  th_log_write(log, TH_LOG_ERROR, "failure");
  th_log_close(log);
  assert_non_null(strstr(content(place->file), "\"level\":\"ERROR\""));
  assert_null(strstr(content(place->file), "news"));
  assert_non_null(strstr(content(place->old), " INFO news\n"));
  assert_non_null(strstr(content(place->old), " ERROR failure\n"));
  assert_null(strstr(content(place->old), "detail"));
}

static void no_handlers_write_nothing(void **state) {
  struct place *place = *state;
  static const struct th_runlog_handler none = {.file = NULL};
  struct th_runlog said = {.file = place->old, .handlers = &none, .handler_count = 0};
  struct th_log *log = NULL;
  assert_int_equal(th_runlog_open(&log, &said, false, NULL), 0);
  assert_null(log);
  assert_int_equal(size_of(place->old), -1);
}

static void handlers_with_one_file_are_refused(void **state) {
  struct place *place = *state;
  struct th_log *log = NULL;
  struct th_reason reason = {""};
  char words[5000];
  static const struct th_runlog_handler handlers[] = {{.level = "error"}, {.format = "json"}};
  struct th_runlog said = {.file = place->file, .handlers = handlers, .handler_count = 2};
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), -EEXIST);
  snprintf(words, sizeof words, "two log handlers write to %s: give each a file of its own",
           place->file);
  assert_string_equal(reason.words, words);
  assert_null(log);
  said.file = NULL;
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), -EEXIST);
  assert_string_equal(reason.words,
                      "two log handlers write to standard error: give each a file of its own");
}

static void a_wrong_handler_is_named(void **state) {
  struct place *place = *state;
  struct th_log *log = NULL;
  struct th_reason reason = {""};
  struct th_runlog_handler handlers[] = {{.file = place->file}, {.level = "loud"}};
  struct th_runlog said = {.handlers = handlers, .handler_count = 2};
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), TH_EUSAGE);
  assert_string_equal(reason.words, "log_handlers[1].level: \"loud\" is not a log level: debug, "
                                    "info, warning, error or critical");
  handlers[1] = (struct th_runlog_handler){.name = "logDefs.handlers.a", .format = "xml"};
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), TH_EUSAGE);
  assert_string_equal(reason.words,
                      "logDefs.handlers.a.format: \"xml\" is not a log format: text or json");
  handlers[1] = (struct th_runlog_handler){.file = "/no/such/log"};
  assert_int_equal(th_runlog_open(&log, &said, false, &reason), -ENOENT);
  assert_string_equal(reason.words, "cannot write the log /no/such/log: No such file or directory");
  assert_null(log);
}

/* A file that nobody named may be missing, and the others are written all the same. */
static void a_usual_file_that_cannot_be_written_is_passed_over(void **state) {
  struct place *place = *state;
  struct th_log *log = NULL;
  const struct th_runlog_handler handlers[] = {{.level = "error"}, {.file = place->file}};
  struct th_runlog said = {.handlers = handlers, .handler_count = 2};
  setenv("THESPLOG_FILE", "/no/such/log", 1);
  assert_int_equal(th_runlog_open(&log, &said, true, NULL), 0);
  th_log_write(log, TH_LOG_ERROR, "here");
  th_log_close(log);
  assert_non_null(strstr(content(place->file), "here"));
}

/* Opens the log with the process's streams put aside, says something on both, and has them back. */
static void speak_while_open(const struct th_runlog *said) {
  struct th_log *log = NULL;
  fflush(stdout);
  int output = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO), nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  int error = th_runlog_open(&log, said, true, NULL);
  bool well = write(STDOUT_FILENO, "output\n", 7) == 7 && write(STDERR_FILENO, "errors\n", 7) == 7;
  th_log_close(log);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  close(output);
  close(errors);
  close(nothing);
  assert_int_equal(error, 0);
  assert_true(well);
}

static void streams_go_to_the_first_handler_that_writes_text(void **state) {
  struct place *place = *state;
  const struct th_runlog_handler handlers[] = {
    {.file = place->file, .format = "json"}, {.file = place->old}, {.file = "/dev/null"}};
  struct th_runlog said = {.handlers = handlers, .handler_count = 3, .takes_streams = true};
  speak_while_open(&said);
  assert_string_equal(content(place->old), "output\nerrors\n");
  assert_string_equal(content(place->file), "");
  said.handler_count = 1;
  speak_while_open(&said);
  assert_string_equal(content(place->file), "output\nerrors\n");
}

static void standard_output_stays_out_of_the_usual_log(void **state) {
  struct place *place = *state;
  struct th_runlog said = {.takes_streams = true};
  setenv("THESPLOG_FILE", place->file, 1);
  speak_while_open(&said);
  assert_string_equal(content(place->file), "errors\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_level_that_is_given_counts_more_than_the_environment),
    TEST(without_any_level_warnings_and_above_are_written),
    TEST(a_level_that_is_none_is_wrong_usage),
    TEST(the_background_writes_to_the_file_of_the_environment),
    TEST(the_usual_log_is_rotated_and_one_given_is_not),
    TEST(a_tiny_maximum_means_never),
    TEST(a_file_that_cannot_be_written_is_named),
    TEST(the_format_is_text_or_json),
    TEST(handlers_take_what_they_do_not_say_from_the_log),
    TEST(no_handlers_write_nothing),
    TEST(handlers_with_one_file_are_refused),
    TEST(a_wrong_handler_is_named),
    TEST(a_usual_file_that_cannot_be_written_is_passed_over),
    TEST(streams_go_to_the_first_handler_that_writes_text),
    TEST(standard_output_stays_out_of_the_usual_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
