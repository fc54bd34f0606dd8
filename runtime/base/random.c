#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

/* Large requests come in parts, and a signal may come in between. */
int th_random_bytes(void *out, size_t size) {
  unsigned char *place = out;
  while (size != 0) {
    ssize_t part = getrandom(place, size, 0);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return -errno;
    place += part;
    size -= (size_t)part;
  }
  return 0;
}
