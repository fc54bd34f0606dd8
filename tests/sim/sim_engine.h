/* sim_engine: simulated time, chance, and the trace of one run.
 *
 * Everything that may differ between two runs of a program is drawn from one stream of numbers that
 * begins with the seed, so a run is a function of its seed. What happens is told to the trace,
 * whose hash shows that two runs were the same.
 *
 * The runtime asks for the time and for random bytes without saying who asks. So the engine that
 * runs is the one thing in the simulator that is reached by a variable of the file.
 *
 * Time moves only when somebody waits. Then the holder's step lets the others go on; but in the
 * dark, where a crashed system is cleared away, time moves for it alone and is forgotten
 * afterwards.
 *
 * Threads: one. Owns: nothing but itself.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct sim_net;
struct sim_world;
struct th_loop;

struct sim_engine {
  uint64_t now;
  uint64_t dark; /* what has passed in the dark */
  bool is_dark;
  bool is_traced;
  uint64_t chance;  /* state of the stream */
  uint64_t serial;  /* of the next item that waits for its time */
  uint64_t history; /* hash of the trace so far */
  unsigned host;    /* whose code runs */
  struct th_loop *loops;
  struct sim_net *net;
  struct sim_world *world;
  /* Lets others go on, at most until that time; time has moved, or something was done. */
  void (*step)(struct sim_world *world, uint64_t until);
};

/* The engine that runs. */
struct sim_engine *sim_engine(void);

/* Makes engine the one that runs, from the beginning of time; NULL: none. */
void sim_engine_begin(struct sim_engine *engine, uint64_t seed);

/* Waits: until that time, or until something was done by others. */
void sim_engine_wait(uint64_t until);

/* A number below that; from one to the other, both included; true in so many of 1000. */
uint64_t sim_draw(uint64_t below);
uint64_t sim_between(uint64_t least, uint64_t most);
bool sim_chance(unsigned of_thousand);

/* One line of what happens. */
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
