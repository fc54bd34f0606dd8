/* address: who an actor is, for ever, and where its system can be reached.
 *
 * system names one run of one system: a restart on the same host and port is another. number is
 * never used again within it. Both are fixed at birth, and they alone decide equality; ip and port
 * only say where to knock, and are 0 for systems that nobody outside can reach.
 *
 * Text form, for command lines and logs: "a17.9f3a6c1e5b7d2480@127.0.0.1:1900", without the part
 * from @ on where there is no place, and "nobody" for no address.
 *
 * Threads: any; a value.
 */
#ifndef TH_MESSAGE_ADDRESS_H
#define TH_MESSAGE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_address {
  uint64_t system; /* 0: no address at all */
  uint64_t number;
  uint32_t ip; /* IPv4 in host byte order */
  uint16_t port;
  uint16_t reserved; /* 0 */
};

#define TH_ADDRESS_TEXT_SIZE 80

#define TH_NOBODY ((struct th_address){0})

/* The number of the admin in every system. */
#define TH_ADMIN_NUMBER UINT64_C(1)

static inline bool th_address_is_none(const struct th_address *address) {
  return address->system == 0;
}

static inline bool th_address_equal(const struct th_address *one, const struct th_address *other) {
  return one->number == other->number && one->system == other->system;
}

/* Whether who is at one address can knock at the other: 127.x.x.x is a machine's own. */
static inline bool th_address_reaches(const struct th_address *one,
                                      const struct th_address *other) {
  return other->port != 0 && (other->ip >> 24 != 127 || one->ip >> 24 == 127);
}

/* What makes addresses equal, as the bytes of a key (base/map.h). */
struct th_address_key {
  uint64_t system;
  uint64_t number;
};

static inline struct th_address_key th_address_key(const struct th_address *address) {
  return (struct th_address_key){.system = address->system, .number = address->number};
}

/* Writes the text form; out holds TH_ADDRESS_TEXT_SIZE. Returns out. */
char *th_address_text(const struct th_address *address, char *out);

/* Reads the text form of exactly size bytes; TH_EADDRESS when it is anything else, or "nobody". */
int th_address_parse(const char *text, size_t size, struct th_address *address);

/* "127.0.0.1:1900" or "127.0.0.1" to numbers; a missing port leaves *port as it was.
 * TH_EADDRESS when text is anything else; names are for whoever may ask the network. */
int th_place_parse(const char *text, size_t size, uint32_t *ip, uint16_t *port);

#endif
