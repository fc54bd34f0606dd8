#include "host/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "host/options.h"

static const char *const names[] = {
  "run", "start", "shutdown", "load",   "unload",     "sources", "create", "tell",
  "ask", "exit",  "status",   "bundle", "capability", "keygen",  "sign",   "inspect"};
#define NAME_COUNT (sizeof names / sizeof names[0])

/* Not inlined: gcc 12 then takes text, which open_memstream fills, for a pointer to itself. */
__attribute__((noinline)) static char *print(const struct th_command_usage *command) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (command != NULL) {
    th_usage_print(command, out);
  } else {
    th_usage_overview(out);
  }
  fclose(out);
  return text;
}

static void every_command_of_the_contract_is_there(void **state) {
  (void)state;
  char *overview = print(NULL);
  assert_int_equal(TH_COMMAND_COUNT, NAME_COUNT);
  for (size_t i = 0; i < NAME_COUNT; i++) {
    char line[32];
    const struct th_command_usage *command = th_usage_find(names[i]);
    assert_non_null(command);
    assert_string_equal(command->name, names[i]);
    snprintf(line, sizeof line, "\n  %s ", names[i]);
    assert_non_null(strstr(overview, line));
  }
  assert_null(th_usage_find("capabilities"));
  assert_null(th_usage_find(""));
  free(overview);
}

static int parse_with(const struct th_command_usage *command, const char *option) {
  char *arguments[] = {th_strdup(command->name), th_strdup(option), th_strdup("1"), NULL};
  struct th_options options;
  struct th_reason reason;
  int error = th_options_parse(&options, command, 3, arguments, NULL, &reason);
  bool is_unknown = error == TH_EUSAGE && strncmp(reason.words, "no option", 9) == 0;
  th_options_clear(&options);
  for (size_t i = 0; i < 3; i++) free(arguments[i]);
  return is_unknown ? TH_EUSAGE : 0;
}

/* --encrypt is taken for --encryption where that is the only option to begin so. */
static bool is_short_for_another(const struct th_command_usage *command, size_t option) {
  const char *name = th_option_usages[option].name;
  for (size_t i = 0; i < TH_OPTION_COUNT; i++) {
    bool is_taken = (command->options & UINT64_C(1) << i) != 0;
    if (i != option && is_taken && strncmp(th_option_usages[i].name, name, strlen(name)) == 0) {
      return true;
    }
  }
  return false;
}

static bool has_line(const char *text, const char *option) {
  const char *found = strstr(text, option);
  if (found == NULL) return false;
  char after = found[strlen(option)];
  return after == ' ' && strchr(text, '\n') < found;
}

static void what_help_shows_is_what_the_parser_takes(void **state) {
  (void)state;
  for (size_t i = 0; i < NAME_COUNT; i++) {
    const struct th_command_usage *command = th_usage_find(names[i]);
    char *text = print(command);
    for (size_t j = 0; j < TH_OPTION_COUNT; j++) {
      char option[32];
      if (is_short_for_another(command, j)) continue;
      snprintf(option, sizeof option, "--%s", th_option_usages[j].name);
      assert_int_equal(has_line(strstr(text, "\n\n"), option), parse_with(command, option) == 0);
    }
    free(text);
  }
}

static void no_line_is_too_wide_for_a_terminal(void **state) {
  (void)state;
  for (size_t i = 0; i <= NAME_COUNT; i++) {
    char *text = print(i < NAME_COUNT ? th_usage_find(names[i]) : NULL);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
      assert_true(strlen(line) <= 100);
    }
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_command_of_the_contract_is_there),
    cmocka_unit_test(what_help_shows_is_what_the_parser_takes),
    cmocka_unit_test(no_line_is_too_wide_for_a_terminal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
