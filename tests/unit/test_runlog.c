#include "host/runlog.h"

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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
