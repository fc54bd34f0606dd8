#include "host/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin/source.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/digest.h"
#include "base/printable.h"
#include "host/command.h"
#include "host/json.h"
#include "host/rerun.h"
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

static void put(struct th_buffer *line, const char *words) {
  th_buffer_append(line, words, strlen(words));
}

/* Puts lines after each other: what a list begins goes on, what has ended is set off. */
static void put_blank(struct th_buffer *line, const char *blank, size_t size) {
  bool has_break = memchr(blank, '\n', size) != NULL;
  put(line, has_break && blank[-1] != ':' ? "; " : " ");
}

/* One line, whatever the words are: tracebacks have several, and they may quote strangers. */
static int complain(int error, const struct th_reason *reason) {
  static const char blanks[] = " \t\n";
  const char *words = reason->words[0] != '\0' ? reason->words : th_error_words(error);
  struct th_buffer line;
  th_buffer_init(&line);
  put(&line, "thespian-host: ");
  while (*(words += strspn(words, blanks)) != '\0') {
    size_t size = strcspn(words, blanks);
    size_t blank = strspn(words + size, blanks);
    th_printable_append(&line, words, size, "");
    words += size;
    if (words[blank] != '\0') put_blank(&line, words, blank);
  }
  put(&line, "\n");
  fwrite(line.data, 1, line.size, stderr);
  th_buffer_clear(&line);
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
  if (th_options_has(options, TH_OPTION_WATCH)) {
    bool is_child;
    int error = th_rerun(options->arguments[0], &is_child, reason);
    if (error != 0 || !is_child) return error;
  }
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
  printf("thespian %s\n%s\nlibuv %s\n%s\n%s\n%s\njansson %s\n", TH_VERSION, language->version(),
         th_loop_version(), th_source_library_version(), th_digest_version(), th_crypto_version(),
         th_json_version());
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
