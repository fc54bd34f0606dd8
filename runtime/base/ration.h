/* ration: how much each of many sources may write, and all of them together.
 *
 * Time goes in windows. In each a source may write so many lines and bytes, and so may all; what is
 * past that is refused and counted. When a window has passed, those who were refused are told of,
 * once, and everybody begins anew. What is remembered of sources is bounded by what all may write
 * in a window.
 *
 * Threads: one at a time; times are the caller's. Owns: its counts.
 */
#ifndef TH_BASE_RATION_H
#define TH_BASE_RATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_ration_limits {
  uint64_t window; /* nanoseconds */
  uint64_t lines;  /* of one source in a window */
  uint64_t bytes;
  uint64_t all_lines; /* of all together */
  uint64_t all_bytes;
};

struct th_ration;

struct th_ration *th_ration_new(const struct th_ration_limits *limits);
void th_ration_free(struct th_ration *ration);

/* Whether a source may write a line, or it is counted as refused. key 0 is for what has no source
 * of its own: limited only with all. name is for the telling; it is copied. */
bool th_ration_take(struct th_ration *ration, uint64_t key, const char *name);

/* What was taken had that many bytes. */
void th_ration_charge(struct th_ration *ration, uint64_t key, size_t size);

/* Called with a source that was refused lines; NULL for those whom the ration of all did not
 * suffice. */
typedef void th_ration_tell(void *context, const char *name, uint64_t refused);

/* Where the window has passed at the time now, tells of it and begins another. now TH_FOREVER: at
 * any rate. tell must not use the ration. */
void th_ration_turn(struct th_ration *ration, uint64_t now, th_ration_tell *tell, void *context);

#endif
