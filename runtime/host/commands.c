#include "host/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin/source.h"
#include "base/clock.h"
#include "base/digest.h"
#include "host/command.h"
#include "host/json.h"
#include "transport/loop.h"

enum { DONE = 0, FAILED = 1, WRONG_USAGE = 2, NO_SYSTEM = 3, TIMED_OUT = 4 };

static int status_of(int error) {
  switch (error) {
  case 0:
    return DONE;
  case TH_EUSAGE:
    return WRONG_USAGE;
  case TH_ENOSYSTEM:
    return NO_SYSTEM;
  case TH_ETIMEOUT:
    return TIMED_OUT;
  default:
    return FAILED;
  }
}

/* Puts lines after each other: what a list begins goes on, what has ended is set off. */
static void put_line_break(char before, FILE *out) {
  fputs(before == ':' ? " " : "; ", out);
}

/* One line, whatever the words are: tracebacks have several. */
static int complain(int error, const struct th_reason *reason) {
  const char *words = reason->words[0] != '\0' ? reason->words : th_error_words(error);
  char before = ' ';
  fputs("thespian-host: ", stderr);
  while (*words != '\0') {
    size_t blank = strspn(words, " \t\n");
    bool has_break = memchr(words, '\n', blank) != NULL;
    words += blank;
    if (*words == '\0') break;
    if (has_break) {
      put_line_break(before, stderr);
    } else if (blank != 0) {
      putc(' ', stderr);
    }
    before = *words++;
    putc(before, stderr);
  }
  putc('\n', stderr);
  return status_of(error);
}

/* What was printed has arrived, or the command has not done what it was asked for. */
static int finish(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return DONE;
  fprintf(stderr, "thespian-host: cannot write to standard output: %s\n", strerror(errno));
  return FAILED;
}

/* ---- commands -------------------------------------------------------------------------------- */

typedef int run_command(struct th_command *command, struct th_reason *reason);

static run_command *const commands[TH_COMMAND_COUNT] = {
#define X(id, name, arguments, least, most, options, words, more) th_command_##id,
  TH_COMMANDS(X)
#undef X
};

int th_command_run(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  (void)reason;
  command->status = command->language->run(options->argument_count, options->arguments);
  return 0;
}

static int run(const struct th_command_usage *usage, const struct th_options *options,
               const struct th_language *language) {
  struct th_reason reason = {""};
  struct th_command command = {
    .options = options, .language = language, .until = th_clock_after(options->timeout)};
  int error = commands[usage->id](&command, &reason);
  th_client_close(command.client);
  if (error != 0) return command.has_complained ? status_of(error) : complain(error, &reason);
  return command.status != DONE ? command.status : finish();
}

static int run_named(int argc, char **argv, const struct th_language *language) {
  struct th_options options;
  struct th_reason reason = {""};
  const struct th_command_usage *usage = th_usage_find(argv[0]);
  if (usage == NULL) {
    th_fail(&reason, TH_EUSAGE, "no command %s; thespian-host --help lists them", argv[0]);
    return complain(TH_EUSAGE, &reason);
  }
  int status;
  int error = th_options_parse(&options, usage, argc, argv, language->read_config, &reason);
  if (error != 0) {
    status = complain(error, &reason);
  } else if (th_options_has(&options, TH_OPTION_HELP)) {
    th_usage_print(usage, stdout);
    status = finish();
  } else {
    status = run(usage, &options, language);
  }
  th_options_clear(&options);
  return status;
}

static int print_versions(const struct th_language *language) {
  printf("thespian %s\n%s\nlibuv %s\n%s\n%s\njansson %s\n", TH_VERSION, language->version(),
         th_loop_version(), th_source_library_version(), th_digest_version(), th_json_version());
  return finish();
}

int th_commands_run(int argc, char **argv, const struct th_language *language) {
  if (argc < 2) {
    th_usage_overview(stderr);
    return WRONG_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    th_usage_overview(stdout);
    return finish();
  }
  if (strcmp(argv[1], "--version") == 0) return print_versions(language);
  return run_named(argc - 1, argv + 1, language);
}
