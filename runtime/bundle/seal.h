/* seal: bytes encrypted with a key or a password, in one file.
 *
 *     thespian encrypted 1
 *     key 0123456789ABCDEF                  the id of a cipher key, or
 *     password argon2id 3 262144 SALT       passes, KiB, and base64: how a password makes a key
 *                                           an empty line, then nonce, encrypted bytes and tag
 *
 * XChaCha20-Poly1305 over all of it: the head is not encrypted, but takes part in the tag. So one
 * byte changed, wherever, is refused, and what is decrypted is exactly what was encrypted with that
 * key. It says nothing about who did that: for that there are signatures, inside (envelope.h).
 *
 * The password's parameters come from whoever made the file, so they are limited (base/crypto.h).
 *
 * Threads: any; pure. Owns: nothing.
 */
#ifndef TH_BUNDLE_SEAL_H
#define TH_BUNDLE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "bundle/key.h"

/* What is spent on a password where nothing else is said: a second or two. */
#define TH_SEAL_PASSES 3
#define TH_SEAL_MEMORY ((uint64_t)256 << 20)

/* What the head says. */
struct th_seal {
  bool by_password;
  unsigned char id[TH_KEY_ID_SIZE]; /* of the key, where it is none */
  uint64_t passes;
  uint64_t memory;
  unsigned char salt[TH_CRYPTO_SALT_SIZE];
  size_t head_size;
};

/* Reads the head. TH_ELOCKED with a reason when there is none, or one that asks for too much. */
int th_seal_read(const void *sealed, size_t size, struct th_seal *seal, struct th_reason *reason);

int th_seal_with_key(const void *data, size_t size, const struct th_cipher_key *key,
                     struct th_bytes **sealed, struct th_reason *reason);

/* TH_EUSAGE for parameters outside of the limits of base/crypto.h. */
int th_seal_with_password(const void *data, size_t size, const struct th_password *password,
                          uint64_t passes, uint64_t memory, struct th_bytes **sealed,
                          struct th_reason *reason);

/* What may open it. */
struct th_seal_openers {
  const struct th_cipher_key *const *keys;
  size_t key_count;
  struct th_password password;
};

/* Decrypts with the key that is meant, or with the password. TH_ELOCKED with a reason that can
 * follow the name of the file: neither is there, or they do not fit, or something was changed. */
int th_seal_open(const void *sealed, size_t size, const struct th_seal_openers *openers,
                 struct th_bytes **data, struct th_reason *reason);

#endif
