#include "host/usage.h"

#include <stdbool.h>
#include <string.h>

const struct th_option_usage th_option_usages[TH_OPTION_COUNT] = {
#define X(id, name, letter, value, words) {name, letter, value, words},
  TH_OPTIONS(X)
#undef X
};

static const struct th_command_usage commands[TH_COMMAND_COUNT] = {
#define X(id, name, arguments, least, most, options, words, more)                                  \
  {TH_COMMAND_##id, name, arguments, least, most, (options) | TH_BIT(HELP), words, more},
  TH_COMMANDS(X)
#undef X
};

const struct th_command_usage *th_usage_find(const char *name) {
  for (size_t i = 0; i < TH_COMMAND_COUNT; i++) {
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  }
  return NULL;
}

static void print_option(const struct th_option_usage *option, FILE *out) {
  char left[64];
  const char *value = option->value != NULL ? option->value : "";
  const char *space = option->value != NULL ? " " : "";
  if (option->letter != 0) {
    snprintf(left, sizeof left, "-%c, --%s%s%s", option->letter, option->name, space, value);
  } else {
    snprintf(left, sizeof left, "--%s%s%s", option->name, space, value);
  }
  fprintf(out, "  %-24s %s\n", left, option->words);
}

/* Options stand before the arguments where those after the first are a program's. */
void th_usage_print(const struct th_command_usage *command, FILE *out) {
  const char *space = *command->arguments != '\0' ? " " : "";
  const char *options = command->options != TH_BIT(HELP) ? " [OPTION...]" : "";
  bool come_first = command->most == TH_ANY_NUMBER;
  fprintf(out, "usage: thespian-host %s%s%s%s%s\n\n%s\n\n", command->name,
          come_first ? options : "", space, command->arguments, come_first ? "" : options,
          command->words);
  if (*command->more != '\0') fprintf(out, "%s\n", command->more);
  for (unsigned i = 0; i < TH_OPTION_COUNT; i++) {
    if ((command->options & UINT64_C(1) << i) != 0) print_option(&th_option_usages[i], out);
  }
}

void th_usage_overview(FILE *out) {
  fputs("usage: thespian-host COMMAND [ARGUMENT...] [OPTION...]\n\n", out);
  for (size_t i = 0; i < TH_COMMAND_COUNT; i++) {
    char left[64];
    snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
    fprintf(out, "  %-26s %s\n", left, commands[i].words);
  }
  fputs(
    "\n"
    "thespian-host COMMAND --help says more about one of them, and thespian-host --version\n"
    "which versions of what are in use.\n\n"
    "Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 no system there; 4 timed out.\n",
    out);
}
