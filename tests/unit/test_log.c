#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"

/* A folder for one test, and names in it. */
struct place {
  char folder[200];
  char path[256];
  char old[256];
};

static int make_place(void **state) {
  struct place *place = calloc(1, sizeof *place);
  const char *base = getenv("TMPDIR");
  if (place == NULL) return -1;
  snprintf(place->folder, sizeof place->folder, "%s/test_log.XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(place->folder) == NULL) return -1;
  snprintf(place->path, sizeof place->path, "%s/log", place->folder);
  snprintf(place->old, sizeof place->old, "%s/log.old", place->folder);
  *state = place;
  return 0;
}

static int remove_place(void **state) {
  struct place *place = *state;
  char away[300];
  snprintf(away, sizeof away, "%s/away", place->folder);
  remove(away);
  remove(place->path);
  snprintf(away, sizeof away, "%s/full", place->old);
  remove(away);
  remove(place->old);
  int error = rmdir(place->folder);
  free(place);
  return error;
}

/* Gives the whole file as text; an empty one where there is none. */
static char *read_file(const char *path) {
  char *text = calloc(1, 1);
  size_t size = 0;
  char part[4096];
  FILE *file = fopen(path, "r");
  if (file == NULL) return text;
  for (size_t got; (got = fread(part, 1, sizeof part, file)) != 0;) {
    text = realloc(text, size + got + 1);
    memcpy(text + size, part, got);
    size += got;
    text[size] = '\0';
  }
  fclose(file);
  return text;
}

static bool matches(const char *text, const char *pattern) {
  regex_t regex;
  assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
  bool found = regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return found;
}

#define DATE "[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{3}"

static void a_line_has_time_process_level_and_words(void **state) {
  struct place *place = *state;
  struct th_log *log;
  char pattern[200];
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  th_log_write(log, TH_LOG_WARNING, "%s %d", "words", 17);
  th_log_close(log);
  char *text = read_file(place->path);
  snprintf(pattern, sizeof pattern, "^" DATE " p%ld WARNING words 17\n$", (long)getpid());
  assert_true(matches(text, pattern));
  free(text);
}

static void each_level_has_its_name(void **state) {
  static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  struct place *place = *state;
  struct th_log *log;
  char pattern[64];
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  for (int i = 0; i < 5; i++) th_log_write(log, (enum th_log_level)i, "level %d", i);
  th_log_close(log);
  char *text = read_file(place->path);
  for (int i = 0; i < 5; i++) {
    snprintf(pattern, sizeof pattern, " %s level %d\n", names[i], i);
    assert_non_null(strstr(text, pattern));
  }
  free(text);
}

static void further_lines_are_indented_and_control_characters_shown(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  th_log_write(log, TH_LOG_INFO, "one\n\ttwo\n\033[31mthree\r\x7f \xc3\xa9\n\n");
  th_log_write(log, TH_LOG_INFO, "%s", "");
  th_log_close(log);
  char *text = read_file(place->path);
  assert_true(matches(text, " INFO one\n    \ttwo\n    [?]\\[31mthree[?][?] \xc3\xa9\n" DATE));
  assert_true(matches(text, " INFO \n$"));
  free(text);
}

static void lines_under_the_threshold_are_not_written(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_WARNING), 0);
  assert_false(th_log_wants(log, TH_LOG_INFO));
  assert_true(th_log_wants(log, TH_LOG_WARNING));
  assert_true(th_log_wants(log, TH_LOG_CRITICAL));
  th_log_write(log, TH_LOG_INFO, "unwanted");
  th_log_close(log);
  char *text = read_file(place->path);
  assert_string_equal(text, "");
  free(text);
}

static void no_log_wants_and_writes_nothing(void **state) {
  (void)state;
  assert_false(th_log_wants(NULL, TH_LOG_CRITICAL));
  th_log_write(NULL, TH_LOG_CRITICAL, "nothing");
  th_log_close(NULL);
}

static void long_lines_stay_whole(void **state) {
  struct place *place = *state;
  struct th_log *log;
  char *words = malloc(100001);
  memset(words, 'w', 100000);
  words[100000] = '\0';
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  th_log_write(log, TH_LOG_INFO, "%s", words);
  th_log_close(log);
  char *text = read_file(place->path);
  assert_non_null(strstr(text, words));
  free(text);
  free(words);
}

static void a_file_that_cannot_be_opened_is_an_error(void **state) {
  struct place *place = *state;
  struct th_log *log = NULL;
  assert_int_equal(th_log_open(&log, place->folder, 0, TH_LOG_DEBUG), -EISDIR);
  assert_null(log);
}

static void a_second_log_appends(void **state) {
  struct place *place = *state;
  struct th_log *log;
  for (int i = 1; i <= 2; i++) {
    assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
    th_log_write(log, TH_LOG_INFO, "run %d", i);
    th_log_close(log);
  }
  char *text = read_file(place->path);
  assert_non_null(strstr(text, "run 1\n"));
  assert_non_null(strstr(text, "run 2\n"));
  free(text);
}

static void no_path_is_standard_error_which_stays_open(void **state) {
  struct place *place = *state;
  struct th_log *log;
  int kept = dup(STDERR_FILENO);
  int file = open(place->path, O_WRONLY | O_CREAT, 0600);
  assert_true(dup2(file, STDERR_FILENO) >= 0);
  int error = th_log_open(&log, NULL, 1, TH_LOG_DEBUG);
  for (int i = 0; i < 3; i++) th_log_write(log, TH_LOG_ERROR, "to stderr");
  th_log_close(log);
  int still_open = fcntl(STDERR_FILENO, F_GETFD);
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(file);
  assert_int_equal(error, 0);
  assert_true(still_open >= 0);
  char *text = read_file(place->path);
  assert_true(matches(text, "( ERROR to stderr\n.*){3}"));
  free(text);
}

/* To a socket of datagrams, each write is one of them. */
static void a_line_is_one_write(void **state) {
  (void)state;
  struct th_log *log;
  char text[200] = "";
  int pair[2];
  int kept = dup(STDERR_FILENO);
  assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
  assert_true(dup2(pair[0], STDERR_FILENO) >= 0);
  int error = th_log_open(&log, NULL, 0, TH_LOG_DEBUG);
  th_log_write(log, TH_LOG_ERROR, "one\ntwo");
  th_log_close(log);
  dup2(kept, STDERR_FILENO);
  close(kept);
  assert_int_equal(error, 0);
  ssize_t size = recv(pair[1], text, sizeof text - 1, MSG_DONTWAIT);
  assert_true(size > 0);
  assert_true(matches(text, "^" DATE " p[0-9]+ ERROR one\n    two\n$"));
  assert_int_equal(recv(pair[1], text, sizeof text, MSG_DONTWAIT), -1);
  close(pair[0]);
  close(pair[1]);
}

static void a_file_past_its_size_is_renamed_and_begun_anew(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 60, TH_LOG_DEBUG), 0);
  th_log_write(log, TH_LOG_INFO, "first");
  assert_int_equal(access(place->old, F_OK), -1);
  th_log_write(log, TH_LOG_INFO, "second");
  th_log_write(log, TH_LOG_INFO, "third");
  char *text = read_file(place->path), *old = read_file(place->old);
  assert_non_null(strstr(old, "first\n"));
  assert_non_null(strstr(old, "second\n"));
  assert_null(strstr(old, "third\n"));
  assert_null(strstr(text, "second\n"));
  assert_non_null(strstr(text, "third\n"));
  free(text);
  free(old);
  th_log_write(log, TH_LOG_INFO, "fourth");
  th_log_write(log, TH_LOG_INFO, "fifth");
  text = read_file(place->path), old = read_file(place->old);
  assert_null(strstr(old, "second\n"));
  assert_non_null(strstr(old, "fourth\n"));
  assert_non_null(strstr(text, "fifth\n"));
  free(text);
  free(old);
  th_log_close(log);
}

/* Two logs of one file, as two processes have them: the second rotation would lose lines. */
static void a_file_that_another_has_rotated_is_not_rotated_again(void **state) {
  struct place *place = *state;
  struct th_log *one, *other;
  assert_int_equal(th_log_open(&one, place->path, 60, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_open(&other, place->path, 60, TH_LOG_DEBUG), 0);
  th_log_write(one, TH_LOG_INFO, "first");
  th_log_write(other, TH_LOG_INFO, "second");
  th_log_write(one, TH_LOG_INFO, "third");
  th_log_write(other, TH_LOG_INFO, "fourth");
  char *text = read_file(place->path), *old = read_file(place->old);
  assert_non_null(strstr(old, "first\n"));
  assert_non_null(strstr(old, "second\n"));
  assert_non_null(strstr(text, "third\n"));
  assert_non_null(strstr(text, "fourth\n"));
  free(text);
  free(old);
  th_log_close(one);
  th_log_close(other);
}

static void where_renaming_fails_the_file_goes_on(void **state) {
  struct place *place = *state;
  struct th_log *log;
  char full[300];
  snprintf(full, sizeof full, "%s/full", place->old);
  assert_int_equal(mkdir(place->old, 0700), 0);
  assert_int_equal(mkdir(full, 0700), 0);
  assert_int_equal(th_log_open(&log, place->path, 1, TH_LOG_DEBUG), 0);
  for (int i = 0; i < 3; i++) th_log_write(log, TH_LOG_INFO, "line %d", i);
  th_log_close(log);
  char *text = read_file(place->path);
  assert_non_null(strstr(text, "line 0\n"));
  assert_non_null(strstr(text, "line 2\n"));
  free(text);
}

static void where_reopening_fails_the_file_goes_on(void **state) {
  struct place *place = *state;
  struct th_log *log;
  char away[300];
  snprintf(away, sizeof away, "%s/away", place->folder);
  assert_int_equal(th_log_open(&log, place->path, 1, TH_LOG_DEBUG), 0);
  th_log_write(log, TH_LOG_INFO, "first");
  assert_int_equal(rename(place->path, away), 0);
  assert_int_equal(mkdir(place->path, 0700), 0);
  th_log_write(log, TH_LOG_INFO, "second");
  char *text = read_file(away);
  assert_non_null(strstr(text, "second\n"));
  free(text);
  assert_int_equal(rmdir(place->path), 0);
  th_log_write(log, TH_LOG_INFO, "third");
  th_log_close(log);
  text = read_file(place->path);
  assert_non_null(strstr(text, "third\n"));
  free(text);
}

#define THREADS 4
#define LINES 500

static void *write_lines(void *argument) {
  for (int i = 0; i < LINES; i++) th_log_write(argument, TH_LOG_INFO, "a line\nof two <%d>", i);
  return NULL;
}

/* Counts the lines of the file, each of which must be whole. */
static size_t count_whole_lines(const char *path) {
  char *text = read_file(path);
  size_t count = 0;
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    assert_non_null(strstr(line, " INFO a line"));
    line = strtok(NULL, "\n");
    assert_non_null(line);
    assert_true(matches(line, "^    of two <[0-9]+>$"));
    count++;
  }
  free(text);
  return count;
}

static void write_from_threads(struct th_log *log) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void say(const char *words) {
  assert_int_equal(write(STDERR_FILENO, words, strlen(words)), strlen(words));
}

static void standard_error_goes_along_when_the_log_takes_it(void **state) {
  struct place *place = *state;
  struct th_log *log;
  int before = dup(STDERR_FILENO);
  assert_int_equal(th_log_open(&log, place->path, 20, TH_LOG_INFO), 0);
  th_log_take_stderr(log);
  say("first, and longer than the size\n");
  th_log_write(log, TH_LOG_INFO, "of the log");
  say("second\n");
  dup2(before, STDERR_FILENO);
  close(before);
  th_log_close(log);
  char *old = read_file(place->old), *text = read_file(place->path);
  assert_string_equal(old, "first, and longer than the size\n");
  assert_true(matches(text, "of the log\nsecond\n$"));
  free(old);
  free(text);
}

static void lines_of_threads_do_not_mix(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  write_from_threads(log);
  th_log_close(log);
  assert_int_equal(count_whole_lines(place->path), THREADS * LINES);
}

/* The size makes for one rotation, so no line may be missing. */
static void rotation_loses_no_line_of_any_thread(void **state) {
  struct place *place = *state;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 80000, TH_LOG_DEBUG), 0);
  write_from_threads(log);
  th_log_close(log);
  size_t old = count_whole_lines(place->old);
  assert_in_range(old, 1, THREADS * LINES - 1);
  assert_int_equal(old + count_whole_lines(place->path), THREADS * LINES);
}

static void levels_are_read_in_any_case(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum th_log_level level;
  } known[] = {
    {"debug", TH_LOG_DEBUG},     {"INFO", TH_LOG_INFO},   {"warn", TH_LOG_WARNING},
    {"Warning", TH_LOG_WARNING}, {"error", TH_LOG_ERROR}, {"CRITICAL", TH_LOG_CRITICAL},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    enum th_log_level level = (enum th_log_level)99;
    assert_true(th_log_level_parse(known[i].text, &level));
    assert_int_equal(level, known[i].level);
  }
  enum th_log_level level = TH_LOG_ERROR;
  assert_false(th_log_level_parse("", &level));
  assert_false(th_log_level_parse("debugger", &level));
  assert_int_equal(level, TH_LOG_ERROR);
}

#define in_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

/* ---- sources, JSON, rations ---- */

static const struct th_log_source joe = {
  .key = 5, .class_name = "m.Worker", .address = "a5.ab", .logger = ""};

static void a_line_of_an_actor_names_class_and_address(void **state) {
  struct place *place = *state;
  struct th_log_source named = joe;
  struct th_log_source runtimes = joe;
  struct th_log *log;
  named.logger = "books";
  runtimes.logger = NULL;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_INFO), 0);
  th_log_write_from(log, &joe, TH_LOG_INFO, "said %d", 1);
  th_log_write_from(log, &named, TH_LOG_INFO, "said %d", 2);
  th_log_write_from(log, &runtimes, TH_LOG_INFO, "failed %d", 3);
  th_log_write_text(log, &joe, TH_LOG_INFO, "100%s\0.", 7);
  th_log_write_from(log, &joe, TH_LOG_DEBUG, "unwanted");
  th_log_close(log);
  char *text = read_file(place->path);
  assert_non_null(strstr(text, " INFO m.Worker a5.ab: said 1\n"));
  assert_non_null(strstr(text, " INFO m.Worker a5.ab [books]: said 2\n"));
  assert_non_null(strstr(text, " INFO m.Worker a5.ab failed 3\n"));
  assert_non_null(strstr(text, " INFO m.Worker a5.ab: 100%s?.\n"));
  assert_null(strstr(text, "unwanted"));
  free(text);
}

static json_t *read_json_line(char **at) {
  char *end = strchr(*at, '\n');
  assert_non_null(end);
  json_t *line = json_loadb(*at, (size_t)(end - *at), JSON_ALLOW_NUL, NULL);
  assert_non_null(line);
  *at = end + 1;
  return line;
}

static void assert_field(json_t *line, const char *name, const char *expected) {
  const char *value = json_string_value(json_object_get(line, name));
  if (expected == NULL) {
    assert_null(value);
    return;
  }
  assert_non_null(value);
  assert_string_equal(value, expected);
}

static void a_line_of_json_is_one_object(void **state) {
  struct place *place = *state;
  struct th_log_source source = joe;
  struct th_log *log;
  source.logger = "books";
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_INFO), 0);
  th_log_use_json(log);
  th_log_set_system(log, "00ab");
  th_log_write(log, TH_LOG_ERROR, "two\nlines \"%s\"", "\xff");
  th_log_write_from(log, &source, TH_LOG_INFO, "words");
  th_log_write_text(log, &joe, TH_LOG_INFO, "a\0b", 3);
  th_log_close(log);
  char *text = read_file(place->path), *at = text;
  json_t *line = read_json_line(&at);
  assert_field(line, "level", "ERROR");
  assert_field(line, "system", "00ab");
  assert_field(line, "message", "two\nlines \"\xc3\xbf\"");
  assert_field(line, "actor", NULL);
  assert_int_equal(json_integer_value(json_object_get(line, "pid")), getpid());
  assert_true(
    matches(json_string_value(json_object_get(line, "time")),
            "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{3}Z$"));
  json_decref(line);
  line = read_json_line(&at);
  assert_field(line, "class", "m.Worker");
  assert_field(line, "actor", "a5.ab");
  assert_field(line, "logger", "books");
  assert_field(line, "message", "words");
  json_decref(line);
  line = read_json_line(&at);
  assert_int_equal(json_string_length(json_object_get(line, "message")), 3);
  assert_field(line, "logger", NULL);
  json_decref(line);
  assert_int_equal(*at, '\0');
  free(text);
}

static uint64_t hand_clock(void *context) {
  return *(const uint64_t *)context;
}

static size_t count_of(const char *text, const char *part) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at++) count++;
  return count;
}

static void a_source_that_says_too_much_is_cut_short_and_told_of(void **state) {
  struct place *place = *state;
  struct th_log_source other = {.key = 6, .class_name = "m.Quiet", .address = "a6.ab"};
  uint64_t now = 1000 * TH_SECOND;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_INFO), 0);
  th_log_set_clock(log, hand_clock, &now);
  for (int i = 0; i < 3234; i++) th_log_write_from(log, &joe, TH_LOG_INFO, "again");
  th_log_write_from(log, &other, TH_LOG_INFO, "is heard");
  char *text = read_file(place->path);
  assert_int_equal(count_of(text, "again"), 2000);
  assert_non_null(strstr(text, "is heard"));
  assert_null(strstr(text, "dropped"));
  free(text);
  now += 10 * TH_SECOND;
  th_log_write_from(log, &joe, TH_LOG_INFO, "anew");
  th_log_close(log);
  text = read_file(place->path);
  assert_int_equal(count_of(text, " WARNING dropped 1234 lines of m.Worker a5.ab in 10 s\n"), 1);
  assert_int_equal(count_of(text, "dropped"), 1);
  assert_non_null(strstr(text, "anew"));
  free(text);
}

static void long_lines_count_by_their_bytes(void **state) {
  struct place *place = *state;
  uint64_t now = 1000 * TH_SECOND;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_INFO), 0);
  th_log_set_clock(log, hand_clock, &now);
  for (int i = 0; i < 1000; i++) th_log_write_from(log, &joe, TH_LOG_INFO, "%8000d", i);
  th_log_close(log);
  struct stat file;
  assert_int_equal(stat(place->path, &file), 0);
  assert_in_range(file.st_size, 256 << 10, 280 << 10);
  char *text = read_file(place->path);
  assert_int_equal(count_of(text, " WARNING dropped "), 1);
  assert_int_equal(count_of(text, " lines of m.Worker a5.ab in 10 s\n"), 1);
  free(text);
}

static void many_sources_share_a_ration(void **state) {
  struct place *place = *state;
  uint64_t now = 1000 * TH_SECOND;
  struct th_log *log;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_INFO), 0);
  th_log_set_clock(log, hand_clock, &now);
  for (uint64_t i = 1; i <= 20007; i++) {
    struct th_log_source source = {.key = i, .class_name = "m.One", .address = "of many"};
    th_log_write_from(log, &source, TH_LOG_INFO, "word");
  }
  th_log_close(log);
  char *text = read_file(place->path);
  assert_int_equal(count_of(text, " word\n"), 20000);
  assert_int_equal(count_of(text, " WARNING dropped 7 lines of many, who together"), 1);
  free(text);
}

/* ---- several logs ---------------------------------------------------------------------------- */

/* One that writes words of any level to path and one that writes JSON from errors on to old. */
static struct th_log *open_two(const struct place *place) {
  struct th_log *log, *other;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_open(&other, place->old, 0, TH_LOG_ERROR), 0);
  th_log_use_json(other);
  assert_int_equal(th_log_add(log, other), 0);
  return log;
}

static void each_log_writes_its_levels_in_its_format(void **state) {
  struct place *place = *state;
  struct th_log *log = open_two(place);
  th_log_set_system(log, "00ab");
  th_log_write(log, TH_LOG_INFO, "%s %d", "news", 1);
  th_log_write(log, TH_LOG_ERROR, "%s %d", "failure", 2);
  th_log_write_from(log, &joe, TH_LOG_ERROR, "%s %d", "failure", 3);
  th_log_write_text(log, &joe, TH_LOG_WARNING, "a warning", 9);
  th_log_write_text(log, &joe, TH_LOG_CRITICAL, "the end", 7);
  th_log_close(log);
  char *text = read_file(place->path), *json = read_file(place->old), *at = json;
  assert_true(matches(text,
                      " INFO news 1\n.* ERROR failure 2\n.* ERROR m[.]Worker a5[.]ab: failure "
                      "3\n.* WARNING m[.]Worker a5[.]ab: a warning\n.* CRITICAL m[.]Worker "
                      "a5[.]ab: the end\n$"));
  static const char *const expected[] = {"failure 2", "failure 3", "the end"};
  for (int i = 0; i < 3; i++) {
    json_t *line = read_json_line(&at);
    assert_field(line, "message", expected[i]);
    assert_field(line, "system", "00ab");
    assert_field(line, "actor", i == 0 ? NULL : "a5.ab");
    json_decref(line);
  }
  assert_int_equal(*at, '\0');
  free(text);
  free(json);
}

static void a_line_is_wanted_when_any_of_the_logs_wants_it(void **state) {
  struct place *place = *state;
  struct th_log *log, *other, *third;
  char away[300];
  snprintf(away, sizeof away, "%s/away", place->folder);
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_CRITICAL), 0);
  assert_int_equal(th_log_open(&other, place->old, 0, TH_LOG_ERROR), 0);
  assert_int_equal(th_log_open(&third, away, 0, TH_LOG_INFO), 0);
  assert_int_equal(th_log_add(log, other), 0);
  assert_false(th_log_wants(log, TH_LOG_WARNING));
  assert_int_equal(th_log_add(log, third), 0);
  assert_false(th_log_wants(log, TH_LOG_DEBUG));
  assert_true(th_log_wants(log, TH_LOG_INFO));
  th_log_write(log, TH_LOG_INFO, "news");
  th_log_write_text(log, &joe, TH_LOG_WARNING, "careful", 7);
  th_log_close(log);
  char *first = read_file(place->path), *second = read_file(place->old), *text = read_file(away);
  assert_string_equal(first, "");
  assert_string_equal(second, "");
  assert_int_equal(count_of(text, "news") + count_of(text, "careful"), 2);
  free(first);
  free(second);
  free(text);
}

static void lines_of_threads_reach_every_log(void **state) {
  struct place *place = *state;
  struct th_log *log, *other;
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_open(&other, place->old, 0, TH_LOG_INFO), 0);
  assert_int_equal(th_log_add(log, other), 0);
  write_from_threads(log);
  th_log_close(log);
  assert_int_equal(count_whole_lines(place->path), THREADS * LINES);
  assert_int_equal(count_whole_lines(place->old), THREADS * LINES);
}

/* One of them wants all and is cut short, the other wants little and is not. */
static void each_log_has_its_own_ration(void **state) {
  struct place *place = *state;
  struct th_log *log = open_two(place);
  uint64_t now = 1000 * TH_SECOND;
  th_log_set_clock(log, hand_clock, &now);
  for (int i = 0; i < 2010; i++) th_log_write_from(log, &joe, TH_LOG_INFO, "again");
  th_log_write_from(log, &joe, TH_LOG_ERROR, "heard");
  th_log_close(log);
  char *text = read_file(place->path), *json = read_file(place->old);
  assert_int_equal(count_of(text, "again"), 2000);
  assert_int_equal(count_of(text, "heard"), 0);
  assert_int_equal(count_of(text, "dropped 11 lines of m.Worker"), 1);
  assert_int_equal(count_of(json, "heard"), 1);
  assert_int_equal(count_of(json, "dropped"), 0);
  free(text);
  free(json);
}

static void two_logs_do_not_write_one_file(void **state) {
  struct place *place = *state;
  struct th_log *log, *other;
  char link_name[300];
  snprintf(link_name, sizeof link_name, "%s/away", place->folder);
  assert_int_equal(symlink(place->path, link_name), 0);
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_open(&other, place->old, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_add(log, other), 0);
  assert_int_equal(th_log_open(&other, link_name, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_add(log, other), -EEXIST);
  th_log_close(other);
  assert_int_equal(th_log_open(&other, place->old, 0, TH_LOG_DEBUG), 0);
  assert_int_equal(th_log_add(log, other), -EEXIST);
  th_log_close(other);
  th_log_close(log);
}

static void standard_error_twice_is_refused_and_nothing_twice_is_fine(void **state) {
  (void)state;
  struct th_log *log, *other;
  assert_int_equal(th_log_open(&log, NULL, 0, TH_LOG_CRITICAL), 0);
  assert_int_equal(th_log_open(&other, NULL, 0, TH_LOG_CRITICAL), 0);
  assert_int_equal(th_log_add(log, other), -EEXIST);
  th_log_close(other);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(th_log_open(&other, "/dev/null", 0, TH_LOG_CRITICAL), 0);
    assert_int_equal(th_log_add(log, other), 0);
  }
  th_log_close(log);
}

/* ---- a tap ---------------------------------------------------------------------------------- */

struct told {
  char words[200];
  enum th_log_level level;
  unsigned count;
};

static void hear(void *context, enum th_log_level level, const void *words, size_t size) {
  struct told *told = context;
  told->level = level;
  told->count++;
  snprintf(told->words, sizeof told->words, "%.*s", (int)size, (const char *)words);
}

static void a_tap_is_told_of_warnings_whatever_the_level(void **state) {
  struct place *place = *state;
  struct th_log *log;
  struct told told = {.count = 0};
  struct th_log_tap tap = {.tell = hear, .context = &told};
  struct th_log_source source = {.key = 5, .class_name = "m.C", .address = "a5", .logger = "books"};
  assert_int_equal(th_log_open(&log, place->path, 0, TH_LOG_CRITICAL), 0);
  assert_false(th_log_wants(log, TH_LOG_WARNING));
  th_log_set_tap(log, &tap);
  assert_true(th_log_wants(log, TH_LOG_WARNING));
  assert_false(th_log_wants(log, TH_LOG_INFO));
  th_log_write(log, TH_LOG_INFO, "news");
  assert_int_equal(told.count, 0);
  th_log_write(log, TH_LOG_WARNING, "%d left", 3);
  assert_string_equal(told.words, "3 left");
  th_log_write_from(log, &source, TH_LOG_ERROR, "%s", "broken");
  assert_string_equal(told.words, "m.C a5 [books]: broken");
  assert_int_equal(told.level, TH_LOG_ERROR);
  th_log_write_text(log, &source, TH_LOG_WARNING, "raw", 3);
  assert_string_equal(told.words, "m.C a5 [books]: raw");
  assert_int_equal(told.count, 3);
  source.is_elsewhere = true;
  th_log_write_text(log, &source, TH_LOG_CRITICAL, "of another system", 17);
  th_log_write_from(log, &source, TH_LOG_CRITICAL, "of another system");
  assert_int_equal(told.count, 3);
  th_log_set_tap(log, NULL);
  th_log_write(log, TH_LOG_CRITICAL, "too late");
  assert_int_equal(told.count, 3);
  th_log_close(log);
  char *text = read_file(place->path);
  assert_null(strstr(text, "left"));
  assert_non_null(strstr(text, "of another system"));
  free(text);
  th_log_set_tap(NULL, &tap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    in_place(a_line_has_time_process_level_and_words),
    in_place(a_line_of_an_actor_names_class_and_address),
    in_place(a_line_of_json_is_one_object),
    in_place(a_tap_is_told_of_warnings_whatever_the_level),
    in_place(a_source_that_says_too_much_is_cut_short_and_told_of),
    in_place(long_lines_count_by_their_bytes),
    in_place(many_sources_share_a_ration),
    in_place(each_log_writes_its_levels_in_its_format),
    in_place(a_line_is_wanted_when_any_of_the_logs_wants_it),
    in_place(lines_of_threads_reach_every_log),
    in_place(each_log_has_its_own_ration),
    in_place(two_logs_do_not_write_one_file),
    in_place(standard_error_twice_is_refused_and_nothing_twice_is_fine),
    in_place(each_level_has_its_name),
    in_place(further_lines_are_indented_and_control_characters_shown),
    in_place(lines_under_the_threshold_are_not_written),
    cmocka_unit_test(no_log_wants_and_writes_nothing),
    in_place(long_lines_stay_whole),
    in_place(a_file_that_cannot_be_opened_is_an_error),
    in_place(a_second_log_appends),
    in_place(no_path_is_standard_error_which_stays_open),
    cmocka_unit_test(a_line_is_one_write),
    in_place(a_file_past_its_size_is_renamed_and_begun_anew),
    in_place(a_file_that_another_has_rotated_is_not_rotated_again),
    in_place(where_renaming_fails_the_file_goes_on),
    in_place(where_reopening_fails_the_file_goes_on),
    in_place(standard_error_goes_along_when_the_log_takes_it),
    in_place(lines_of_threads_do_not_mix),
    in_place(rotation_loses_no_line_of_any_thread),
    cmocka_unit_test(levels_are_read_in_any_case),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
