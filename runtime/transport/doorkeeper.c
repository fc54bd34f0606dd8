#include "transport/doorkeeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"

#define WORDS_SIZE 256
#define COOKIE_DIGITS 16

int th_doorkeeper_init(struct th_doorkeeper *keeper) {
  *keeper = (struct th_doorkeeper){.complaint = 0};
  return th_random_bytes(keeper->secret, sizeof keeper->secret);
}

/* The input's size is fixed, so nobody can go on with a digest whose secret he does not know. */
static uint64_t make(const struct th_doorkeeper *keeper, uint32_t ip, uint16_t port, uint64_t id,
                     uint64_t period) {
  const uint64_t numbers[] = {ip, port, id, period};
  unsigned char bytes[sizeof keeper->secret + sizeof numbers];
  char digest[TH_DIGEST_TEXT_SIZE] = "";
  memcpy(bytes, keeper->secret, sizeof keeper->secret);
  memcpy(bytes + sizeof keeper->secret, numbers, sizeof numbers);
  if (th_digest_sha256(bytes, sizeof bytes, digest) != 0) return 0;
  digest[COOKIE_DIGITS] = '\0';
  return strtoull(digest, NULL, 16) | 1;
}

uint64_t th_doorkeeper_cookie(const struct th_doorkeeper *keeper, uint32_t ip, uint16_t port,
                              uint64_t id, uint64_t now) {
  return make(keeper, ip, port, id, now / TH_DOORKEEPER_PERIOD);
}

bool th_doorkeeper_knows(const struct th_doorkeeper *keeper, uint32_t ip, uint16_t port,
                         uint64_t id, uint64_t cookie, uint64_t now) {
  uint64_t period = now / TH_DOORKEEPER_PERIOD;
  if (cookie == 0) return false;
  return cookie == make(keeper, ip, port, id, period) ||
         (period != 0 && cookie == make(keeper, ip, port, id, period - 1));
}

bool th_doorkeeper_complain(struct th_doorkeeper *keeper, const char *peer,
                            const unsigned char *data, size_t size, uint64_t now,
                            char words[WORDS_SIZE]) {
  char first[3 * 4 + 1] = "";
  if (keeper->complaint != 0 && now - keeper->complaint < TH_DOORKEEPER_SILENCE) {
    keeper->suppressed++;
    return false;
  }
  for (size_t i = 0; i < size && i < 4; i++) snprintf(first + 3 * i, 4, " %02x", data[i]);
  int length = snprintf(words, WORDS_SIZE,
                        "%s sent something that is not a Thespian datagram (first bytes%s)", peer,
                        first);
  if (keeper->suppressed != 0)
    snprintf(words + length, WORDS_SIZE - (size_t)length, "; %llu more came since the last line",
             (unsigned long long)keeper->suppressed);
  keeper->complaint = now;
  keeper->suppressed = 0;
  return true;
}
