/* sim_engine: simulated time, chance, and the trace of one run.
 *
 * Everything that may differ between two runs of a program is drawn from one stream of numbers that
 * begins with the seed, so a run is a function of its seed. What happens is told to the trace,
 * whose hash shows that two runs were the same.
 *
 * The runtime asks for the time and for random bytes without saying who asks. So the engine that
 * runs is the one thing in the simulator that is reached by a variable of the file.
 *
 * There are two kinds of time. The world's (sim_now) is the network's, the faults' and everything
 * else's that the simulator itself schedules. A host's own (th_clock_now, while its code runs) is
 * ahead of it by as much as the host's clock has jumped: the times that the runtime names are
 * translated where they come out of it.
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

#define SIM_HOSTS 1024 /* at most */

struct sim_net;
struct sim_world;
struct th_loop;

struct sim_engine {
  uint64_t now;
  uint64_t dark; /* what has passed in the dark */
  bool is_dark;
  bool is_traced;
  uint64_t chance;           /* state of the stream */
  uint64_t serial;           /* of the next item that waits for its time */
  uint64_t history;          /* hash of the trace so far */
  unsigned host;             /* whose code runs */
  uint64_t ahead[SIM_HOSTS]; /* by how much a host's clock has jumped, in all */
  bool is_stale[SIM_HOSTS];  /* when a host has something to do is to be found anew */
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

/* The world's time; and so much later: TH_FOREVER when that is past the end of time. */
static inline uint64_t sim_now(void) {
  return sim_engine()->now + sim_engine()->dark;
}

static inline uint64_t sim_after(uint64_t nanoseconds) {
  uint64_t now = sim_now();
  return nanoseconds < TH_FOREVER - now ? now + nanoseconds : TH_FOREVER;
}

/* When it is in the world's time that a host's own clock shows that time. */
uint64_t sim_world_time(unsigned host, uint64_t own);

/* A host's clock jumps ahead: its machine was asleep, say, and the clock counts the sleep. */
void sim_engine_jump(unsigned host, uint64_t nanoseconds);

/* When a host has something to do may have changed. */
static inline void sim_engine_stir(unsigned host) {
  sim_engine()->is_stale[host] = true;
}

/* Waits: until that time, or until something was done by others. */
void sim_engine_wait(uint64_t until);

/* A number below that; from one to the other, both included; true in so many of 1000. */
uint64_t sim_draw(uint64_t below);
uint64_t sim_between(uint64_t least, uint64_t most);
bool sim_chance(unsigned of_thousand);

/* One line of what happens. */
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
