#include "host/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/options_config.h"
#include "system/system.h"

/* What getopt gives for a long option: its number in our table, out of the way of letters. */
#define FIRST_LONG 256

#define TIMEOUT (50 * TH_SECOND)

/* ---- access ---------------------------------------------------------------------------------- */

bool th_options_has(const struct th_options *options, enum th_option option) {
  return options->texts[option].count != 0;
}

const char *th_options_text(const struct th_options *options, enum th_option option,
                            const char *otherwise) {
  const struct th_texts *texts = &options->texts[option];
  return texts->count != 0 ? texts->list[texts->count - 1] : otherwise;
}

void th_options_add(struct th_options *options, enum th_option option, const char *value,
                    size_t size) {
  struct th_texts *texts = &options->texts[option];
  texts->list = th_realloc(texts->list, (texts->count + 1) * sizeof *texts->list);
  char *copy = th_alloc(size + 1);
  memcpy(copy, value, size);
  copy[size] = '\0';
  texts->list[texts->count++] = copy;
}

void th_options_clear(struct th_options *options) {
  for (size_t i = 0; i < TH_OPTION_COUNT; i++) {
    for (size_t j = 0; j < options->texts[i].count; j++) free(options->texts[i].list[j]);
    free(options->texts[i].list);
  }
  th_pairs_clear(&options->capabilities);
  th_pairs_clear(&options->requirements);
  th_loghandlers_clear(&options->log_handlers);
  *options = (struct th_options){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What getopt wants to know, from our table. */
struct grammar {
  struct option longs[TH_OPTION_COUNT + 1];
  char letters[2 * TH_OPTION_COUNT + 3];
};

static void write_grammar(struct grammar *grammar, const struct th_command_usage *command) {
  struct option *at = grammar->longs;
  char *letter = grammar->letters;
  if (command->most == TH_ANY_NUMBER) *letter++ = '+'; /* options end at the first argument */
  *letter++ = ':';                                     /* complaints are ours */
  for (int i = 0; i < TH_OPTION_COUNT; i++) {
    const struct th_option_usage *usage = &th_option_usages[i];
    if ((command->options & UINT64_C(1) << i) == 0) continue;
    int has_value = usage->value != NULL ? required_argument : no_argument;
    *at++ = (struct option){usage->name, has_value, NULL, FIRST_LONG + i};
    if (usage->letter == 0) continue;
    *letter++ = usage->letter;
    if (usage->value != NULL) *letter++ = ':';
  }
  *at = (struct option){0};
  *letter = '\0';
}

static enum th_option find_option(int found) {
  if (found >= FIRST_LONG) return (enum th_option)(found - FIRST_LONG);
  for (int i = 0; i < TH_OPTION_COUNT; i++) {
    if (th_option_usages[i].letter == found) return (enum th_option)i;
  }
  return TH_OPTION_COUNT;
}

/* found is '?' or ':'; getopt's other variables tell about what. */
static int complain(int found, char **argv, struct th_reason *reason) {
  if (optopt == 0) return th_fail(reason, TH_EUSAGE, "no option %s", argv[optind - 1]);
  if (found == '?' && optopt < FIRST_LONG) {
    return th_fail(reason, TH_EUSAGE, "no option -%c", optopt);
  }
  return th_fail(reason, TH_EUSAGE, "option --%s %s", th_option_usages[find_option(optopt)].name,
                 found == ':' ? "needs a value" : "takes no value");
}

/* A --watch right after the program is ours: there people put it. Others are the program's own, and
 * so is this one where -- stood before the program. */
static void take_watch(struct th_options *options, const struct th_command_usage *command,
                       bool is_closed) {
  if (command->id != TH_COMMAND_run || is_closed || options->argument_count < 2) return;
  if (strcmp(options->arguments[1], "--watch") != 0) return;
  th_options_add(options, TH_OPTION_WATCH, "", 0);
  char *watch = options->arguments[1];
  options->arguments[1] = options->arguments[0];
  *options->arguments++ = watch;
  options->argument_count--;
}

static int read_arguments(struct th_options *options, const struct th_command_usage *command,
                          int argc, char **argv, struct th_reason *reason) {
  struct grammar grammar;
  int found;
  write_grammar(&grammar, command);
  optind = 0; /* begins anew, whatever was read before */
  opterr = 0;
  while ((found = getopt_long(argc, argv, grammar.letters, grammar.longs, NULL)) != -1) {
    if (found == '?' || found == ':') return complain(found, argv, reason);
    const char *value = optarg != NULL ? optarg : "";
    th_options_add(options, find_option(found), value, strlen(value));
  }
  options->arguments = argv + optind;
  options->argument_count = argc - optind;
  take_watch(options, command, strcmp(argv[optind - 1], "--") == 0);
  return 0;
}

/* What the file says stands before what the command line says. */
static int read_file(struct th_options *options, const struct th_command_usage *command,
                     th_config_reader *read_config, struct th_reason *reason) {
  const char *file = th_options_text(options, TH_OPTION_CONFIG, NULL);
  if (file == NULL) return 0;
  if (read_config == NULL) return th_fail(reason, TH_EUSAGE, "config files cannot be read here");
  struct th_buffer table;
  struct th_options first = {0};
  th_buffer_init(&table);
  int error = read_config(file, &table, reason);
  if (error == 0) error = th_options_config(&first, command, table.data, table.size, reason);
  for (int i = 0; i < TH_OPTION_COUNT && error == 0; i++) {
    const struct th_texts *texts = &options->texts[i];
    for (size_t j = 0; j < texts->count; j++) {
      th_options_add(&first, (enum th_option)i, texts->list[j], strlen(texts->list[j]));
    }
  }
  th_buffer_clear(&table);
  if (error != 0) {
    th_options_clear(&first);
    return error;
  }
  first.arguments = options->arguments;
  first.argument_count = options->argument_count;
  th_options_clear(options);
  *options = first;
  return 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

static int check_count(const struct th_options *options, const struct th_command_usage *command,
                       struct th_reason *reason) {
  if (options->argument_count < command->least) {
    return th_fail(reason, TH_EUSAGE, "%s needs %s", command->name, command->arguments);
  }
  if (options->argument_count > command->most) {
    return th_fail(reason, TH_EUSAGE, "%s is one argument too many for %s",
                   options->arguments[command->most], command->name);
  }
  return 0;
}

static int check_base(const struct th_options *options, struct th_reason *reason) {
  const char *base = th_options_text(options, TH_OPTION_BASE, TH_BASE_TCP);
  if (th_base_port(base) != 0) return 0;
  if (strcmp(base, TH_BASE_SIMPLE) == 0 || strcmp(base, TH_BASE_QUEUE) == 0) {
    return th_fail(reason, TH_EUSAGE,
                   "a %s lives inside the program that makes it, out of the reach of others; "
                   "use " TH_BASE_TCP " or " TH_BASE_UDP,
                   base);
  }
  return th_fail(reason, TH_EUSAGE,
                 "no base \"%s\" in this version; use " TH_BASE_TCP " or " TH_BASE_UDP, base);
}

static int check_port(struct th_options *options, const struct th_command_usage *command,
                      struct th_reason *reason) {
  const char *text = th_options_text(options, TH_OPTION_PORT, NULL);
  char *end;
  options->port = th_base_port(th_options_text(options, TH_OPTION_BASE, TH_BASE_TCP));
  if (text == NULL) return 0;
  errno = 0;
  unsigned long port = strtoul(text, &end, 10);
  bool is_number = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
  if (!is_number || port > UINT16_MAX) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not a port: 0 to 65535", text);
  }
  if (port == 0 && command->id != TH_COMMAND_start) {
    return th_fail(reason, TH_EUSAGE,
                   "port 0 is for start alone, which then prints the port taken");
  }
  options->port = (uint16_t)port;
  return 0;
}

static int check_timeout(struct th_options *options, struct th_reason *reason) {
  const char *text = th_options_text(options, TH_OPTION_TIMEOUT, NULL);
  char *end;
  options->timeout = TIMEOUT;
  if (text == NULL) return 0;
  double seconds = strtod(text, &end);
  if (end == text || *end != '\0' || isnan(seconds) || seconds < 0) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not a number of seconds", text);
  }
  options->timeout = th_clock_from_seconds(seconds);
  return 0;
}

static int check_pairs(struct th_options *options, struct th_reason *reason) {
  const struct th_texts *capabilities = &options->texts[TH_OPTION_CAPABILITY];
  const struct th_texts *requirements = &options->texts[TH_OPTION_REQUIRE];
  int error = 0;
  for (size_t i = 0; i < capabilities->count && error == 0; i++) {
    error = th_pairs_parse(&options->capabilities, capabilities->list[i], reason);
  }
  for (size_t i = 0; i < requirements->count && error == 0; i++) {
    error = th_pairs_parse(&options->requirements, requirements->list[i], reason);
  }
  return error;
}

static int check_log_handlers(struct th_options *options, struct th_reason *reason) {
  const struct th_texts *texts = &options->texts[TH_OPTION_LOG_HANDLER];
  int error = 0;
  for (size_t i = 0; i < texts->count && error == 0; i++) {
    error = th_loghandlers_parse(&options->log_handlers, texts->list[i], reason);
  }
  return error;
}

static int check_words(const struct th_options *options, struct th_reason *reason) {
  enum th_log_level ignored;
  const char *level = th_options_text(options, TH_OPTION_LOG_LEVEL, NULL);
  if (level != NULL && !th_log_level_parse(level, &ignored)) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not a log level: %s", level,
                   th_option_usages[TH_OPTION_LOG_LEVEL].words);
  }
  bool is_json;
  const char *format = th_options_text(options, TH_OPTION_LOG_FORMAT, NULL);
  if (format != NULL && !th_log_format_parse(format, &is_json)) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is not a log format: %s", format,
                   th_option_usages[TH_OPTION_LOG_FORMAT].words);
  }
  const struct th_texts *classes = &options->texts[TH_OPTION_CREATE];
  for (size_t i = 0; i < classes->count; i++) {
    const char *text = classes->list[i];
    size_t size = strcspn(text, "@");
    if (size == 0 || (text[size] == '@' && text[size + 1] == '\0')) {
      return th_fail(reason, TH_EUSAGE, "\"%s\" is not of the form CLASS or CLASS@NAME", text);
    }
  }
  return 0;
}

/* What is given but empty is a variable of a script that was never set. */
static int check_empty(const struct th_options *options, struct th_reason *reason) {
  for (int i = 0; i < TH_OPTION_COUNT; i++) {
    if (th_option_usages[i].value == NULL) continue;
    for (size_t j = 0; j < options->texts[i].count; j++) {
      if (options->texts[i].list[j][0] != '\0') continue;
      return th_fail(reason, TH_EUSAGE, "option --%s has an empty value", th_option_usages[i].name);
    }
  }
  return 0;
}

int th_options_parse(struct th_options *options, const struct th_command_usage *command, int argc,
                     char **argv, th_config_reader *read_config, struct th_reason *reason) {
  *options = (struct th_options){0};
  int error = read_arguments(options, command, argc, argv, reason);
  if (error != 0 || th_options_has(options, TH_OPTION_HELP)) return error;
  if ((error = check_count(options, command, reason)) != 0) return error;
  if ((error = read_file(options, command, read_config, reason)) != 0) return error;
  if ((error = check_empty(options, reason)) != 0) return error;
  if ((error = check_base(options, reason)) != 0) return error;
  if ((error = check_port(options, command, reason)) != 0) return error;
  if ((error = check_timeout(options, reason)) != 0) return error;
  if ((error = check_words(options, reason)) != 0) return error;
  if ((error = check_log_handlers(options, reason)) != 0) return error;
  return check_pairs(options, reason);
}
