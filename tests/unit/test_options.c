#include "host/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/json.h"
#include "message/pack.h"

/* ---- helpers --------------------------------------------------------------------------------- */

struct parsed {
  struct th_options options;
  struct th_reason reason;
  int error;
  char *arguments[32];
};

/* The config file of these tests is the table that its "name" is, as JSON. */
static int read_config(const char *file, struct th_buffer *table, struct th_reason *reason) {
  if (strcmp(file, "missing") == 0) return th_fail(reason, TH_EUSAGE, "no such file");
  return th_json_to_pack(file, table);
}

/* The arguments end with NULL; the first is the command. */
static struct parsed *parse(const char *command, ...) {
  struct parsed *parsed = th_new(struct parsed);
  int count = 0;
  va_list list;
  parsed->arguments[count++] = th_strdup(command);
  va_start(list, command);
  for (const char *each; (each = va_arg(list, const char *)) != NULL;) {
    parsed->arguments[count++] = th_strdup(each);
  }
  va_end(list);
  parsed->error = th_options_parse(&parsed->options, th_usage_find(command), count,
                                   parsed->arguments, read_config, &parsed->reason);
  return parsed;
}

static void done(struct parsed *parsed) {
  th_options_clear(&parsed->options);
  for (int i = 0; parsed->arguments[i] != NULL; i++) free(parsed->arguments[i]);
  free(parsed);
}

static void assert_wrong(struct parsed *parsed, const char *words) {
  assert_int_equal(parsed->error, TH_EUSAGE);
  assert_string_equal(parsed->reason.words, words);
  done(parsed);
}

static void assert_pair(const struct th_pairs *pairs, const char *name, const char *json) {
  const struct th_pair *pair = th_pairs_find(pairs, name, strlen(name));
  struct th_buffer text;
  assert_non_null(pair);
  th_buffer_init(&text);
  assert_int_equal(th_json_write(pair->value.data, pair->value.size, &text), 0);
  th_buffer_append(&text, "", 1);
  assert_string_equal(text.data, json);
  th_buffer_clear(&text);
}

static void assert_texts(const struct th_options *options, enum th_option option, size_t count,
                         const char *const *expected) {
  const struct th_texts *texts = &options->texts[option];
  assert_int_equal(texts->count, count);
  for (size_t i = 0; i < count; i++) assert_string_equal(texts->list[i], expected[i]);
}

/* ---- the command line ------------------------------------------------------------------------ */

static void what_is_not_said_has_its_default(void **state) {
  (void)state;
  struct parsed *parsed = parse("shutdown", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 1900);
  assert_int_equal(parsed->options.timeout, 50 * TH_SECOND);
  assert_int_equal(parsed->options.argument_count, 0);
  assert_false(th_options_has(&parsed->options, TH_OPTION_HOST));
  assert_string_equal(th_options_text(&parsed->options, TH_OPTION_HOST, "x"), "x");
  done(parsed);
}

static void options_stand_before_between_and_after_arguments(void **state) {
  (void)state;
  struct parsed *parsed = parse("ask", "--port", "7", "a1.2", "--timeout=0.5", "hello", "--host",
                                "10.0.0.1", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 7);
  assert_int_equal(parsed->options.timeout, TH_SECOND / 2);
  assert_int_equal(parsed->options.argument_count, 2);
  assert_string_equal(parsed->options.arguments[0], "a1.2");
  assert_string_equal(parsed->options.arguments[1], "hello");
  assert_string_equal(th_options_text(&parsed->options, TH_OPTION_HOST, NULL), "10.0.0.1");
  done(parsed);
}

static void two_dashes_end_the_options(void **state) {
  (void)state;
  struct parsed *parsed = parse("tell", "a1.2", "--", "--port", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.argument_count, 2);
  assert_string_equal(parsed->options.arguments[1], "--port");
  done(parsed);
}

static void everything_after_a_program_is_its_own(void **state) {
  (void)state;
  struct parsed *parsed = parse("run", "x.lua", "--port", "--help", "-z", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.argument_count, 4);
  assert_string_equal(parsed->options.arguments[1], "--port");
  assert_false(th_options_has(&parsed->options, TH_OPTION_HELP));
  done(parsed);
}

static void watch_stands_before_the_program_or_right_after_it(void **state) {
  (void)state;
  struct parsed *parsed = parse("run", "--watch", "shop", "--watch", NULL);
  assert_int_equal(parsed->error, 0);
  assert_true(th_options_has(&parsed->options, TH_OPTION_WATCH));
  assert_int_equal(parsed->options.argument_count, 1);
  done(parsed);
  parsed = parse("run", "shop", "--watch", "--watch", "x", NULL);
  assert_true(th_options_has(&parsed->options, TH_OPTION_WATCH));
  assert_int_equal(parsed->options.argument_count, 3);
  assert_string_equal(parsed->options.arguments[0], "shop");
  assert_string_equal(parsed->options.arguments[1], "--watch");
  assert_string_equal(parsed->options.arguments[2], "x");
  done(parsed);
  parsed = parse("run", "shop", "x", "--watch", NULL);
  assert_false(th_options_has(&parsed->options, TH_OPTION_WATCH));
  assert_int_equal(parsed->options.argument_count, 3);
  done(parsed);
  parsed = parse("run", "--", "shop", "--watch", NULL);
  assert_false(th_options_has(&parsed->options, TH_OPTION_WATCH));
  assert_int_equal(parsed->options.argument_count, 2);
  done(parsed);
}

static void help_is_given_whatever_else_is_wrong(void **state) {
  (void)state;
  struct parsed *parsed = parse("ask", "--help", "--port", "none", NULL);
  assert_int_equal(parsed->error, 0);
  assert_true(th_options_has(&parsed->options, TH_OPTION_HELP));
  done(parsed);
  parsed = parse("run", "-h", NULL);
  assert_int_equal(parsed->error, 0);
  assert_true(th_options_has(&parsed->options, TH_OPTION_HELP));
  done(parsed);
}

static void repeatable_options_keep_their_order(void **state) {
  (void)state;
  static const char *const expected[] = {"b", "a"};
  struct parsed *parsed = parse("start", "--path", "b", "--path=a", "--daemon", NULL);
  assert_int_equal(parsed->error, 0);
  assert_texts(&parsed->options, TH_OPTION_PATH, 2, expected);
  assert_true(th_options_has(&parsed->options, TH_OPTION_DAEMON));
  done(parsed);
}

static void values_of_keys_are_json_or_plain_and_the_last_counts(void **state) {
  (void)state;
  struct parsed *parsed = parse("start", "--capability", "A=1", "--capability", "Has Light=true",
                                "--capability", "A=x=y", "--capability", "L=[1, \"a\"]",
                                "--capability", "E=", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.capabilities.count, 4);
  assert_pair(&parsed->options.capabilities, "A", "\"x=y\"");
  assert_pair(&parsed->options.capabilities, "Has Light", "true");
  assert_pair(&parsed->options.capabilities, "L", "[1, \"a\"]");
  assert_pair(&parsed->options.capabilities, "E", "\"\"");
  done(parsed);
  parsed = parse("start", "--config", "{\"capabilities\": []}", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.capabilities.count, 0);
  done(parsed);
  parsed = parse("create", "m.C", "--require", "Gpu=2", NULL);
  assert_int_equal(parsed->error, 0);
  assert_pair(&parsed->options.requirements, "Gpu", "2");
  done(parsed);
}

static void port_zero_is_for_start_alone(void **state) {
  (void)state;
  struct parsed *parsed = parse("start", "--port", "0", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 0);
  done(parsed);
  assert_wrong(parse("status", "--port", "0", NULL),
               "port 0 is for start alone, which then prints the port taken");
}

/* ---- wrong usage ----------------------------------------------------------------------------- */

static void wrong_options_are_named(void **state) {
  (void)state;
  assert_wrong(parse("tell", "a", "b", "--tmeout", "5", NULL), "no option --tmeout");
  assert_wrong(parse("tell", "a", "b", "--json", NULL), "no option --json");
  assert_wrong(parse("tell", "a", "b", "-o", "x", NULL), "no option -o");
  assert_wrong(parse("tell", "a", "-5", NULL), "no option -5");
  assert_wrong(parse("tell", "a", "b", "--port", NULL), "option --port needs a value");
  assert_wrong(parse("bundle", "a", "-o", NULL), "option --output needs a value");
  assert_wrong(parse("status", "--json=yes", NULL), "option --json takes no value");
  assert_wrong(parse("status", "--host", "", NULL), "option --host has an empty value");
}

static void wrong_numbers_of_arguments_are_told(void **state) {
  (void)state;
  assert_wrong(parse("tell", "a", NULL), "tell needs ADDRESS MESSAGE");
  assert_wrong(parse("run", NULL), "run needs FILE|DIR|ZIP [ARG...]");
  assert_wrong(parse("shutdown", "now", NULL), "now is one argument too many for shutdown");
  assert_wrong(parse("tell", "a", "b", "c", "d", NULL), "c is one argument too many for tell");
}

static void wrong_ports_are_refused(void **state) {
  (void)state;
  static const char *const ports[] = {"65536", "-1", "x", "1x", "99999999999999999999", " 1", "+1"};
  for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
    struct parsed *parsed = parse("status", "--port", ports[i], NULL);
    assert_int_equal(parsed->error, TH_EUSAGE);
    assert_non_null(strstr(parsed->reason.words, "is not a port"));
    done(parsed);
  }
}

static void wrong_values_are_refused(void **state) {
  (void)state;
  assert_wrong(parse("ask", "a", "b", "--timeout", "soon", NULL),
               "\"soon\" is not a number of seconds");
  assert_wrong(parse("ask", "a", "b", "--timeout", "-1", NULL),
               "\"-1\" is not a number of seconds");
  assert_wrong(parse("ask", "a", "b", "--timeout", "nan", NULL),
               "\"nan\" is not a number of seconds");
  assert_wrong(parse("start", "--capability", "x", NULL), "\"x\" is not of the form KEY=VALUE");
  assert_wrong(parse("start", "--capability", "=x", NULL), "\"=x\" is not of the form KEY=VALUE");
  assert_wrong(parse("create", "m.C", "--require", "x", NULL),
               "\"x\" is not of the form KEY=VALUE");
  assert_wrong(parse("start", "--create", "@n", NULL),
               "\"@n\" is not of the form CLASS or CLASS@NAME");
  assert_wrong(parse("start", "--create", "m.C@", NULL),
               "\"m.C@\" is not of the form CLASS or CLASS@NAME");
  assert_wrong(parse("start", "--log-level", "loud", NULL),
               "\"loud\" is not a log level: debug, info, warning, error or critical");
}

static void bases_out_of_reach_say_why(void **state) {
  (void)state;
  struct parsed *parsed = parse("status", "--base", "multiprocTCPBase", NULL);
  assert_int_equal(parsed->error, 0);
  done(parsed);
  assert_wrong(parse("status", "--base", "simpleSystemBase", NULL),
               "a simpleSystemBase lives inside the program that makes it, out of the reach of "
               "others; use multiprocTCPBase or multiprocUDPBase");
  assert_wrong(parse("start", "--base", "multiprocQueueBase", NULL),
               "a multiprocQueueBase lives inside the program that makes it, out of the reach of "
               "others; use multiprocTCPBase or multiprocUDPBase");
  assert_wrong(parse("start", "--base", "multiprocPigeonBase", NULL),
               "no base \"multiprocPigeonBase\" in this version; use multiprocTCPBase or "
               "multiprocUDPBase");
}

static void each_base_has_a_port_of_its_own(void **state) {
  (void)state;
  struct parsed *parsed = parse("status", NULL);
  assert_int_equal(parsed->options.port, 1900);
  done(parsed);
  parsed = parse("status", "--base", "multiprocUDPBase", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 1029);
  done(parsed);
}

/* ---- handlers of the log --------------------------------------------------------------------- */

/* What is NULL was not said. */
static void assert_handler(const struct th_options *options, size_t index, const char *file,
                           const char *level, const char *format) {
  const struct th_runlog_handler *handler = &options->log_handlers.list[index];
  const char *const expected[] = {file, level, format};
  const char *const said[] = {handler->file, handler->level, handler->format};
  for (size_t i = 0; i < 3; i++) {
    if (expected[i] == NULL || said[i] == NULL)
      assert_true(expected[i] == said[i]);
    else
      assert_string_equal(said[i], expected[i]);
  }
}

static void handlers_of_the_log_keep_their_order(void **state) {
  (void)state;
  struct parsed *parsed = parse("start", "--log-handler", "{\"file\": \"a\", \"level\": \"INFO\"}",
                                "--log-handler", "{}", "--log-handler",
                                "{\"format\": \"json\", \"format\": \"text\"}", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.log_handlers.count, 3);
  assert_handler(&parsed->options, 0, "a", "INFO", NULL);
  assert_handler(&parsed->options, 1, NULL, NULL, NULL);
  assert_handler(&parsed->options, 2, NULL, NULL, "text");
  done(parsed);
}

static void none_takes_back_the_handlers_before_it(void **state) {
  (void)state;
  struct parsed *parsed = parse("start", NULL);
  assert_null(parsed->options.log_handlers.list);
  done(parsed);
  parsed = parse("start", "--log-handler", "{\"file\": \"a\"}", "--log-handler", "none", NULL);
  assert_int_equal(parsed->error, 0);
  assert_non_null(parsed->options.log_handlers.list);
  assert_int_equal(parsed->options.log_handlers.count, 0);
  done(parsed);
  parsed = parse("start", "--log-handler", "none", "--log-handler", "{\"file\": \"b\"}", "--config",
                 "{\"log_handler\": [{\"file\": \"a\"}]}", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.log_handlers.count, 1);
  assert_handler(&parsed->options, 0, "b", NULL, NULL);
  done(parsed);
}

static void wrong_handlers_of_the_log_are_told(void **state) {
  (void)state;
  static const char no_handler[] =
    " is not a log handler: a JSON object with any of file, level and format, such as {\"file\": "
    "\"audit.log\", \"level\": \"info\"}; or none";
  static const char *const others[] = {"audit.log", "[]", "5", "{\"level\": [1}",
                                       "{\"level\": 123456789012345678901}"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char words[300];
    snprintf(words, sizeof words, "\"%s\"%s", others[i], no_handler);
    assert_wrong(parse("start", "--log-handler", others[i], NULL), words);
  }
  assert_wrong(parse("start", "--log-handler", "", NULL),
               "option --log-handler has an empty value");
  assert_wrong(parse("start", "--log-handler", "{\"file\":\"a\",\"lvel\":1}", NULL),
               "log handler {\"file\":\"a\",\"lvel\":1}: no \"lvel\"; it has: file, level, format");
  assert_wrong(parse("start", "--log-handler", "{\"file\":null}", NULL),
               "log handler {\"file\":null}: file must be a string that is not empty");
  assert_wrong(parse("start", "--log-handler", "{\"file\":\"a\\u0000\"}", NULL),
               "log handler {\"file\":\"a\\u0000\"}: file must be a string that is not empty");
  assert_wrong(parse("start", "--log-handler", "{\"level\":\"\"}", NULL),
               "log handler {\"level\":\"\"}: level must be a string that is not empty");
  assert_wrong(
    parse("start", "--log-handler", "{\"level\":\"loud\"}", NULL),
    "log handler {\"level\":\"loud\"}: \"loud\" is not a log level: debug, info, warning, "
    "error or critical");
  assert_wrong(parse("start", "--log-handler", "{\"format\":\"xml\"}", NULL),
               "log handler {\"format\":\"xml\"}: \"xml\" is not a log format: text or json");
}

static void handlers_of_the_log_stand_in_config_files(void **state) {
  (void)state;
  struct parsed *parsed = parse(
    "start", "--config",
    "{\"log_handler\": [{\"file\": \"a\", \"level\": \"info\"}, [], \"{\\\"file\\\": "
    "\\\"b\\\"}\"]}",
    "--log-handler", "{\"file\": \"c\"}", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.log_handlers.count, 4);
  assert_handler(&parsed->options, 0, "a", "info", NULL);
  assert_handler(&parsed->options, 1, NULL, NULL, NULL); /* how Lua's empty table travels */
  assert_handler(&parsed->options, 2, "b", NULL, NULL);
  assert_handler(&parsed->options, 3, "c", NULL, NULL);
  done(parsed);
  parsed = parse("start", "--config", "{\"log_handler\": {\"format\": \"json\"}}", NULL);
  assert_int_equal(parsed->options.log_handlers.count, 1);
  assert_handler(&parsed->options, 0, NULL, NULL, "json");
  done(parsed);
  parsed = parse("start", "--config", "{\"log_handler\": []}", NULL);
  assert_int_equal(parsed->error, 0);
  assert_non_null(parsed->options.log_handlers.list);
  assert_int_equal(parsed->options.log_handlers.count, 0);
  done(parsed);
  assert_wrong(parse("start", "--config", "{\"log_handler\": [[1]]}", NULL),
               "in the config file: log_handler has a value of the wrong type");
  assert_wrong(parse("start", "--config", "{\"log_handler\": {\"main\": {}}}", NULL),
               "log handler {\"main\": {}}: no \"main\"; it has: file, level, format");
}

/* ---- config files ---------------------------------------------------------------------------- */

static void a_config_file_comes_before_the_command_line(void **state) {
  (void)state;
  static const char *const path[] = {"f1", "f2", "c1"};
  struct parsed *parsed = parse(
    "start", "--path", "c1", "--port", "5", "--capability", "B=2", "--config",
    "{\"port\": 4, \"path\": [\"f1\", \"f2\"], \"log_level\": \"info\", \"daemon\": true, "
    "\"load\": \"one.zip\", \"capabilities\": {\"A\": [1], \"B\": 1}}",
    NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 5);
  assert_texts(&parsed->options, TH_OPTION_PATH, 3, path);
  assert_string_equal(th_options_text(&parsed->options, TH_OPTION_LOG_LEVEL, ""), "info");
  assert_string_equal(th_options_text(&parsed->options, TH_OPTION_LOAD, ""), "one.zip");
  assert_true(th_options_has(&parsed->options, TH_OPTION_DAEMON));
  assert_pair(&parsed->options.capabilities, "A", "[1]");
  assert_pair(&parsed->options.capabilities, "B", "2");
  done(parsed);
}

static void a_config_file_is_checked_like_the_command_line(void **state) {
  (void)state;
  assert_wrong(parse("start", "--config", "missing", NULL), "no such file");
  assert_wrong(parse("start", "--config", "5", NULL),
               "the config file does not give a table of options");
  assert_wrong(parse("start", "--config", "[\"port\"]", NULL),
               "the config file does not give a table of options");
  assert_wrong(parse("start", "--config", "{\"ports\": 1}", NULL),
               "in the config file: no option \"ports\"");
  assert_wrong(parse("start", "--config", "{\"json\": true}", NULL),
               "in the config file: no option \"json\"");
  assert_wrong(parse("start", "--config", "{\"config\": \"x\"}", NULL),
               "in the config file: no option \"config\"");
  assert_wrong(parse("start", "--config", "{\"capability\": \"A=1\"}", NULL),
               "in the config file: no option \"capability\"");
  assert_wrong(parse("start", "--config", "{\"help\": true}", NULL),
               "in the config file: no option \"help\"");
  assert_wrong(parse("start", "--config", "{\"port\": true}", NULL),
               "in the config file: port has a value of the wrong type");
  assert_wrong(parse("start", "--config", "{\"path\": [[]]}", NULL),
               "in the config file: path has a value of the wrong type");
  assert_wrong(parse("start", "--config", "{\"daemon\": 1}", NULL),
               "in the config file: daemon has a value of the wrong type");
  assert_wrong(parse("start", "--config", "{\"capabilities\": [1]}", NULL),
               "in the config file: capabilities is not a table whose keys are all strings");
  assert_wrong(parse("start", "--config", "{\"port\": 70000}", NULL),
               "\"70000\" is not a port: 0 to 65535");
}

static void an_empty_config_file_changes_nothing(void **state) {
  (void)state;
  struct parsed *parsed = parse("start", "--config", "[]", "--port", "3", NULL);
  assert_int_equal(parsed->error, 0);
  assert_int_equal(parsed->options.port, 3);
  done(parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_not_said_has_its_default),
    cmocka_unit_test(options_stand_before_between_and_after_arguments),
    cmocka_unit_test(two_dashes_end_the_options),
    cmocka_unit_test(everything_after_a_program_is_its_own),
    cmocka_unit_test(watch_stands_before_the_program_or_right_after_it),
    cmocka_unit_test(help_is_given_whatever_else_is_wrong),
    cmocka_unit_test(repeatable_options_keep_their_order),
    cmocka_unit_test(values_of_keys_are_json_or_plain_and_the_last_counts),
    cmocka_unit_test(port_zero_is_for_start_alone),
    cmocka_unit_test(wrong_options_are_named),
    cmocka_unit_test(wrong_numbers_of_arguments_are_told),
    cmocka_unit_test(wrong_ports_are_refused),
    cmocka_unit_test(wrong_values_are_refused),
    cmocka_unit_test(bases_out_of_reach_say_why),
    cmocka_unit_test(each_base_has_a_port_of_its_own),
    cmocka_unit_test(handlers_of_the_log_keep_their_order),
    cmocka_unit_test(none_takes_back_the_handlers_before_it),
    cmocka_unit_test(wrong_handlers_of_the_log_are_told),
    cmocka_unit_test(handlers_of_the_log_stand_in_config_files),
    cmocka_unit_test(a_config_file_comes_before_the_command_line),
    cmocka_unit_test(a_config_file_is_checked_like_the_command_line),
    cmocka_unit_test(an_empty_config_file_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
