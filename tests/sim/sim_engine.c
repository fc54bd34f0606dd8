#include "sim_engine.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_loop.h"

/* Not zero: a clock that has just begun to run is a rare thing, and 0 means "never" in places. */
#define BEGINNING (1000 * TH_SECOND)

static struct sim_engine *running;

struct sim_engine *sim_engine(void) {
  return running;
}

void sim_engine_begin(struct sim_engine *engine, uint64_t seed) {
  running = engine;
  if (engine == NULL) return;
  *engine = (struct sim_engine){
    .now = BEGINNING, .chance = seed, .history = UINT64_C(0xcbf29ce484222325)};
}

uint64_t sim_world_time(unsigned host, uint64_t own) {
  uint64_t ahead = running->ahead[host];
  if (own == TH_FOREVER) return TH_FOREVER;
  return own > ahead ? own - ahead : 0;
}

void sim_engine_jump(unsigned host, uint64_t nanoseconds) {
  running->ahead[host] += nanoseconds;
  sim_engine_stir(host);
  sim_loops_jump(host, nanoseconds);
}

void sim_engine_wait(uint64_t until) {
  struct sim_engine *engine = running;
  if (engine->is_dark) {
    uint64_t now = sim_now();
    if (until == TH_FOREVER) {
      fprintf(stderr, "sim: a system that was cut off waits for ever\n");
      abort();
    }
    if (until > now) engine->dark += until - now;
  } else {
    engine->step(engine->world, until);
  }
}

/* SplitMix64: each state gives one number, and the next state. */
uint64_t sim_draw(uint64_t below) {
  uint64_t word = running->chance += UINT64_C(0x9e3779b97f4a7c15);
  word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
  word ^= word >> 31;
  return below == 0 ? word : word % below;
}

uint64_t sim_between(uint64_t least, uint64_t most) {
  return least + sim_draw(most - least + 1);
}

bool sim_chance(unsigned of_thousand) {
  return sim_draw(1000) < of_thousand;
}

/* FNV-1a: over the words, and over the time and the host as they are. */
static uint64_t hash_line(uint64_t hash, uint64_t now, unsigned host, const char *words) {
  const uint64_t prime = UINT64_C(0x100000001b3);
  hash = (hash ^ now) * prime;
  hash = (hash ^ host) * prime;
  for (const char *at = words; *at != '\0'; at++) hash = (hash ^ (unsigned char)*at) * prime;
  return hash;
}

void sim_trace(const char *format, ...) {
  char words[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  running->history = hash_line(running->history, running->now, running->host, words);
  if (!running->is_traced) return;
  double seconds = (double)(running->now - BEGINNING) / (double)TH_SECOND;
  printf("%14.6f h%u %s\n", seconds, running->host, words);
  fflush(stdout); /* the systems' own lines, on standard error, come between */
}
