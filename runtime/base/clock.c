#include "base/clock.h"

#include <time.h>

uint64_t th_clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * TH_SECOND + (uint64_t)now.tv_nsec;
}
