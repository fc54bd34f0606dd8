#include "admin/source_limits.h"

#include "admin/capability.h"
#include "admin/source.h"

#define NIL 0xc0 /* as it is packed: as if it was not there */

/* What a capability is about, where it goes, and how far. */
struct limit {
  const char *name;
  size_t *value;
  size_t most;
};

static int read_limit(const struct limit *limit, const void *capabilities, size_t size,
                      struct th_reason *reason) {
  size_t value_size;
  const unsigned char *value = th_capability_find(capabilities, size, limit->name, &value_size);
  if (value == NULL || *value == NIL) return 0;
  int64_t number = th_capability_int(capabilities, size, limit->name, 0);
  if (number < 1 || (uint64_t)number > limit->most) {
    return th_fail(reason, TH_ESTARTUP, "the capability %s must be a whole number from 1 to %zu",
                   limit->name, limit->most);
  }
  *limit->value = (size_t)number;
  return 0;
}

int th_source_limits_read(const void *capabilities, size_t size, struct th_zip_limits *limits,
                          struct th_reason *reason) {
  struct th_zip_limits read = th_source_usual_limits;
  const struct limit all[] = {
    {"Source Entries Limit", &read.entries, TH_SOURCE_ENTRIES_MOST},
    {"Source Size Limit", &read.unpacked, TH_SOURCE_UNPACKED_MOST},
    {"Source Ratio Limit", &read.ratio, TH_SOURCE_RATIO_MOST},
    {"Source Name Limit", &read.name, TH_SOURCE_NAME_MOST},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int error = read_limit(&all[i], capabilities, size, reason);
    if (error != 0) return error;
  }
  *limits = read;
  return 0;
}
