/* clock: the time, in nanoseconds, on a clock that never goes back.
 *
 * Threads: any.
 */
#ifndef TH_BASE_CLOCK_H
#define TH_BASE_CLOCK_H

#include <stdint.h>

#define TH_NANOSECOND UINT64_C(1)
#define TH_MICROSECOND UINT64_C(1000)
#define TH_MILLISECOND UINT64_C(1000000)
#define TH_SECOND UINT64_C(1000000000)
#define TH_FOREVER UINT64_MAX

uint64_t th_clock_now(void);

/* now + nanoseconds, TH_FOREVER when that is past the end of time. */
static inline uint64_t th_clock_after(uint64_t nanoseconds) {
  uint64_t now = th_clock_now();
  return nanoseconds < TH_FOREVER - now ? now + nanoseconds : TH_FOREVER;
}

/* Seconds as nanoseconds; negative and NaN are 0, huge ones TH_FOREVER. */
static inline uint64_t th_clock_from_seconds(double seconds) {
  if (!(seconds > 0)) return 0;
  double nanoseconds = seconds * (double)TH_SECOND + 0.5;
  return nanoseconds < 0x1p64 ? (uint64_t)nanoseconds : TH_FOREVER;
}

#endif
