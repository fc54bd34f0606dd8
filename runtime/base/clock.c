#include "base/clock.h"

#include <time.h>

uint64_t th_clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * TH_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t th_clock_after(uint64_t nanoseconds) {
  uint64_t now = th_clock_now();
  return nanoseconds < TH_FOREVER - now ? now + nanoseconds : TH_FOREVER;
}

uint64_t th_clock_from_seconds(double seconds) {
  if (!(seconds > 0)) return 0;
  double nanoseconds = seconds * (double)TH_SECOND + 0.5;
  return nanoseconds < 0x1p64 ? (uint64_t)nanoseconds : TH_FOREVER;
}
