/* sim: runs the simulation for many seeds, or one of them again.
 *
 *   sim --seeds N [--from K] [--hosts MIN-MAX]     N runs, from seed K (1) on
 *   sim --seed K [--trace] [--hosts MIN-MAX]       one run; with its history and, on
 *                                                standard error, the systems' logs
 *   sim ... --twice                                each run again: both must have the same history
 *   sim --scale N                                  N members join one leader: what each costs it
 *
 *   sim_planted --plant N ...                      with that bug in the runtime (sim_planted.h)
 *   sim_planted --hunt [--plant N] [--seeds N]     how many seeds find it, or each; N at most (300)
 *
 * Prints a line for each seed that violates anything, what was done in all, and a hash of all
 * histories. Exits 1 when anything is violated. */
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plant.h"
#include "sim_planted.h"

struct options {
  uint64_t from;
  uint64_t seeds;
  bool is_traced;
  bool is_twice;
  bool is_hunt;
  uint64_t scale;
  unsigned least_hosts;
  unsigned most_hosts;
};

static volatile uint64_t present_seed;

/* Of the sanitizers, where they are linked in. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* An assertion that fails, or a sanitizer's finding, ends the process: the seed must not be lost
 * with it. */
static void name_seed(void) {
  char words[64];
  int size = snprintf(words, sizeof words, "sim: ended within seed %" PRIu64 "\n",
                      (uint64_t)present_seed);
  if (present_seed != 0 && write(STDERR_FILENO, words, (size_t)size) < 0) _exit(2);
}

static void on_abort(int signal) {
  (void)signal;
  name_seed();
}

static void add(uint64_t *sums, const uint64_t *values, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] += values[i];
}

static void report(const struct options *options, const struct sim_result *sums,
                   uint64_t conventions) {
  const uint64_t *faults = sums->faults, *fates = sums->fates;
  printf("sim: %" PRIu64 " seeds from %" PRIu64 ", %.0f simulated seconds, %" PRIu64
         " systems, %" PRIu64 " seeds with a convention, %" PRIu64 " parties\n",
         options->seeds, options->from, (double)sums->time / (double)TH_SECOND, sums->systems,
         conventions, sums->parties);
  printf("sim: messages: %" PRIu64 " received, %" PRIu64 " poisoned, %" PRIu64 " dead, %" PRIu64
         " returned, %" PRIu64 " lost with a crash, a link or a datagram\n",
         fates[SIM_RECEIVED], fates[SIM_POISONED] + fates[SIM_FAILED], fates[SIM_DEAD],
         fates[SIM_RETURNED], fates[SIM_SENT]);
  printf("sim: faults: %" PRIu64 " cuts, %" PRIu64 " one-way cuts, %" PRIu64 " crashes, %" PRIu64
         " silent crashes, %" PRIu64 " stalls, %" PRIu64 " slow hosts, %" PRIu64
         " crashed programs, %" PRIu64 " breaks, %" PRIu64 " systems left, %" PRIu64
         " clock jumps, %" PRIu64 " lost frames; %" PRIu64 " capability changes\n",
         faults[SIM_FAULT_CUT], faults[SIM_FAULT_HALF_CUT], faults[SIM_FAULT_CRASH],
         faults[SIM_FAULT_SILENT_CRASH], faults[SIM_FAULT_STALL], faults[SIM_FAULT_SLOW],
         faults[SIM_FAULT_PROGRAM], faults[SIM_FAULT_BREAK], faults[SIM_FAULT_LEAVE],
         faults[SIM_FAULT_JUMP], sums->lost, sums->changes);
}

static void run_seed(const struct options *options, uint64_t seed, struct sim_result *result) {
  present_seed = seed;
  sim_run(seed, options->least_hosts, options->most_hosts, options->is_traced, result);
  if (result->violations == 0) return;
  printf("sim: seed %" PRIu64, seed);
  if (options->most_hosts > 0)
    printf(" with --hosts %u-%u", options->least_hosts, options->most_hosts);
  printf(": %s (violations: %u)\n", result->first, result->violations);
  fflush(stdout);
}

static bool is_repeated(struct options options, uint64_t seed, uint64_t history) {
  struct sim_result again;
  options.is_traced = false;
  run_seed(&options, seed, &again);
  if (again.history == history) return true;
  printf("sim: seed %" PRIu64 " has two histories, %016" PRIx64 " and %016" PRIx64 "\n", seed,
         history, again.history);
  return false;
}

static bool run_all(const struct options *options) {
  struct sim_result sums = {0}, result;
  uint64_t conventions = 0;
  bool is_fine = true;
  for (uint64_t seed = options->from; seed - options->from < options->seeds; seed++) {
    run_seed(options, seed, &result);
    is_fine = result.violations == 0 && is_fine;
    if (options->is_twice) is_fine = is_repeated(*options, seed, result.history) && is_fine;
    add(sums.fates, result.fates, SIM_FATES);
    add(sums.faults, result.faults, SIM_FAULTS);
    sums.changes += result.changes;
    sums.time += result.time;
    sums.lost += result.lost;
    sums.parties += result.parties;
    sums.systems += result.systems;
    conventions += result.is_convention;
    sums.history ^= result.history;
  }
  report(options, &sums, conventions);
  printf("sim: history %016" PRIx64 "\n", sums.history);
  return is_fine;
}

static bool read_number(const char *text, uint64_t *number) {
  char *rest;
  *number = strtoull(text, &rest, 10);
  return *text != '\0' && *rest == '\0';
}

#ifdef TH_PLANTED
static bool is_found(uint64_t seed) {
  struct sim_result result;
  sim_run(seed, 0, 0, false, &result);
  return result.violations > 0;
}

/* Its options, and what it does. */
static bool read_planted(char **argument, struct options *options) {
  uint64_t plant;
  if (strcmp(argument[0], "--hunt") == 0) return options->is_hunt = true;
  if (strcmp(argument[0], "--plant") != 0 || argument[1] == NULL) return false;
  if (!read_number(argument[1], &plant)) return false;
  th_planted = (int)plant;
  return true;
}

static bool run(const struct options *options) {
  return options->is_hunt ? sim_planted_hunt(th_planted, options->seeds, is_found)
                          : run_all(options);
}
#else
static bool read_planted(char **argument, struct options *options) {
  (void)argument;
  (void)options;
  return false;
}

static bool run(const struct options *options) {
  return run_all(options);
}
#endif

static int usage(const char *argument) {
  fprintf(stderr,
          "sim: what is %s?\n"
          "usage: sim --seeds N [--from K] [--twice] [--hosts MIN-MAX]\n"
          "       sim --seed K [--trace] [--twice] [--hosts MIN-MAX]\n"
          "       sim --scale N            10 to %d members\n",
          argument, SIM_HOSTS - 1);
  return 2;
}

static bool read_hosts(const char *text, struct options *options) {
  return sscanf(text, "%u-%u", &options->least_hosts, &options->most_hosts) == 2 &&
         options->least_hosts >= 1 && options->least_hosts <= options->most_hosts &&
         options->most_hosts <= SIM_HOSTS;
}

/* The leader is a host, too. */
static bool read_scale(const char *text, struct options *options) {
  return read_number(text, &options->scale) && options->scale >= 10 && options->scale < SIM_HOSTS;
}

/* One option; true when it was understood. */
static bool read_option(char **argument, struct options *options) {
  const char *name = argument[0], *value = argument[1];
  if (strcmp(name, "--trace") == 0) return options->is_traced = true;
  if (strcmp(name, "--twice") == 0) return options->is_twice = true;
  if (read_planted(argument, options)) return true;
  if (value == NULL) return false;
  if (strcmp(name, "--seeds") == 0) return read_number(value, &options->seeds);
  if (strcmp(name, "--from") == 0) return read_number(value, &options->from);
  if (strcmp(name, "--hosts") == 0) return read_hosts(value, options);
  if (strcmp(name, "--scale") == 0) return read_scale(value, options);
  if (strcmp(name, "--seed") != 0) return false;
  options->seeds = 1;
  return read_number(value, &options->from);
}

static bool is_flag(const char *argument) {
  return strcmp(argument, "--trace") == 0 || strcmp(argument, "--twice") == 0 ||
         strcmp(argument, "--hunt") == 0;
}

int main(int count, char **arguments) {
  struct options options = {.from = 1, .seeds = 300};
  (void)count;
  for (char **at = arguments + 1; *at != NULL; at++) {
    if (!read_option(at, &options)) return usage(*at);
    if (!is_flag(*at)) at++;
  }
  signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != NULL) __sanitizer_set_death_callback(name_seed);
  bool is_fine = options.scale > 0 ? sim_scale((unsigned)options.scale, options.is_traced)
                                   : run(&options);
  present_seed = 0;
  return is_fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
