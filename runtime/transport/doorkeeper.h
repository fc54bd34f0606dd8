/* doorkeeper: what a listener over datagrams does about those who are not in yet.
 *
 * A cookie shows that its bearer receives what is sent to his address. It is computed from the
 * address, the id that he asks for, the time and a secret, so nothing has to be kept about him.
 * Who sends what is none of ours is worth a line, but only now and then.
 *
 * Threads: its holder. Owns: nothing.
 */
#ifndef TH_TRANSPORT_DOORKEEPER_H
#define TH_TRANSPORT_DOORKEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* A cookie is good for at least so long, and for at most twice as long. */
#define TH_DOORKEEPER_PERIOD (30 * TH_SECOND)

/* At most one complaint in so long. */
#define TH_DOORKEEPER_SILENCE TH_SECOND

struct th_doorkeeper {
  unsigned char secret[16];
  uint64_t complaint;  /* when the last one was made; 0: never */
  uint64_t suppressed; /* since then */
};

/* Draws the secret. */
int th_doorkeeper_init(struct th_doorkeeper *keeper);

/* For whoever is at ip:port and asks for that id; never 0. */
uint64_t th_doorkeeper_cookie(const struct th_doorkeeper *keeper, uint32_t ip, uint16_t port,
                              uint64_t id, uint64_t now);

/* Whether that cookie was given for these, lately. */
bool th_doorkeeper_knows(const struct th_doorkeeper *keeper, uint32_t ip, uint16_t port,
                         uint64_t id, uint64_t cookie, uint64_t now);

/* peer sent something strange: true when it is time to say so, with words for it. */
bool th_doorkeeper_complain(struct th_doorkeeper *keeper, const char *peer,
                            const unsigned char *data, size_t size, uint64_t now, char words[256]);

#endif
