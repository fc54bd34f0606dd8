/* sim_process: what the runtime asks of the machine, answered by the engine: the time, random
 * bytes, the process's number; and turns that nobody asks to end, since simulated turns take no
 * time. Linked in the place of base/clock.c, base/random.c and actor/preempt.c. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "actor/preempt.h"
#include "base/clock.h"
#include "base/random.h"
#include "sim_engine.h"

#define FIRST_PID 4711

/* The clock of the host whose code runs. */
uint64_t th_clock_now(void) {
  const struct sim_engine *engine = sim_engine();
  return sim_now() + engine->ahead[engine->host];
}

int th_random_bytes(void *out, size_t size) {
  unsigned char *place = out;
  while (size > 0) {
    uint64_t word = sim_draw(0);
    size_t part = size < sizeof word ? size : sizeof word;
    memcpy(place, &word, part);
    place += part;
    size -= part;
  }
  return 0;
}

/* Instead of the C library's: it is told to others, in as many bytes as it needs. What ends the
 * process asks for it, too, when no engine is left: what counts lines does. */
pid_t getpid(void) {
  const struct sim_engine *engine = sim_engine();
  return FIRST_PID + (engine != NULL ? (pid_t)engine->host : 0);
}

int th_preempt_install(void) {
  return 0;
}

void th_preempt_ask(pthread_t thread) {
  (void)thread;
}

void th_preempt_begin(void) {}

bool th_preempt_is_asked(void) {
  return false;
}

const struct th_preempt_target *th_preempt_run(const struct th_preempt_target *target) {
  (void)target;
  return NULL;
}

struct th_preempt_timer *th_preempt_timer_new(void) {
  return NULL;
}

void th_preempt_timer_start(struct th_preempt_timer *timer, uint64_t first, uint64_t interval) {
  (void)timer;
  (void)first;
  (void)interval;
}

void th_preempt_timer_stop(struct th_preempt_timer *timer) {
  (void)timer;
}

void th_preempt_timer_free(struct th_preempt_timer *timer) {
  (void)timer;
}
