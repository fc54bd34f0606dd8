/* crypto: signatures, encryption and keys, by libsodium. The only file that sees it.
 *
 * Thin, and hard to use wrongly: nobody chooses a nonce, a size is a constant or checked, and what
 * is refused leaves nothing behind that could be used by mistake. What is checked against what a
 * stranger says takes the same time whatever he says. SHA-256 is base/digest.h's.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_BASE_CRYPTO_H
#define TH_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Fills out with random bytes fit for keys. */
int th_crypto_random(void *out, size_t size);

/* Whether two secrets are equal, in a time that does not tell where they differ. */
bool th_crypto_equal(const void *left, const void *right, size_t size);

/* Overwrites with zeroes, which no compiler leaves out. */
void th_crypto_wipe(void *data, size_t size);

/* Gives memory for a key: kept out of swap and of core dumps as far as the system allows, between
 * pages that end the process when touched. NULL when there is none. th_crypto_free wipes it. */
void *th_crypto_alloc(size_t size);
void th_crypto_free(void *block);

/* Characters that size bytes take as base64, without the zero that ends them. */
#define TH_CRYPTO_BASE64(size) (((size) + 2) / 3 * 4)

/* Writes base64 with padding and a zero: TH_CRYPTO_BASE64(size) + 1 bytes. */
void th_crypto_base64(const void *data, size_t size, char *text);

/* Reads base64 of exactly size bytes, within the limit; false for anything but what
 * th_crypto_base64 writes. */
#define TH_CRYPTO_BASE64_LIMIT 256
bool th_crypto_unbase64(const char *text, size_t text_size, void *data, size_t size);

/* ---- signatures: Ed25519 --------------------------------------------------------------------- */

#define TH_CRYPTO_PUBLIC_SIZE 32
#define TH_CRYPTO_SECRET_SIZE 64 /* the seed, then the public key */
#define TH_CRYPTO_SEED_SIZE 32
#define TH_CRYPTO_SIGNATURE_SIZE 64

/* Makes a pair of keys. */
int th_crypto_keys(unsigned char *public_key, unsigned char *secret_key);

/* The public key of a secret one; false when the two halves of the secret key do not belong
 * together: what is signed with such a one gives the secret away. */
bool th_crypto_public_of(const unsigned char *secret_key, unsigned char *public_key);

int th_crypto_sign(const void *data, size_t size, const unsigned char *secret_key,
                   unsigned char *signature);
bool th_crypto_verify(const void *data, size_t size, const unsigned char *public_key,
                      const unsigned char *signature);

/* ---- hashes: BLAKE2b ------------------------------------------------------------------------- */

#define TH_CRYPTO_HASH_SIZE 64

/* Of up to three parts in a row, TH_CRYPTO_HASH_SIZE bytes at most. A part may be NULL, 0. */
struct th_crypto_part {
  const void *data;
  size_t size;
};
int th_crypto_hash(const struct th_crypto_part *parts, size_t count, unsigned char *hash,
                   size_t hash_size);

/* ---- encryption: XChaCha20-Poly1305 ---------------------------------------------------------- */

#define TH_CRYPTO_KEY_SIZE 32
#define TH_CRYPTO_NONCE_SIZE 24
#define TH_CRYPTO_TAG_SIZE 16

/* What encryption adds: the nonce in front, made anew each time, and the tag behind. */
#define TH_CRYPTO_SEAL_SIZE (TH_CRYPTO_NONCE_SIZE + TH_CRYPTO_TAG_SIZE)

/* Encrypts into out, of data_size + TH_CRYPTO_SEAL_SIZE bytes. head is not encrypted, but whoever
 * decrypts must give the same. */
int th_crypto_encrypt(const unsigned char *key, const void *head, size_t head_size,
                      const void *data, size_t data_size, unsigned char *out);

/* Decrypts into out, of sealed_size - TH_CRYPTO_SEAL_SIZE bytes. False when it is too short, or not
 * one bit of it, of the key and of the head is other than it was; out is then zeroes. */
bool th_crypto_decrypt(const unsigned char *key, const void *head, size_t head_size,
                       const void *sealed, size_t sealed_size, unsigned char *out);

/* ---- keys from passwords --------------------------------------------------------------------- */

#define TH_CRYPTO_SALT_SIZE 16
#define TH_CRYPTO_SCRYPT_SALT_SIZE 32

/* What a stranger may have us spend on a password, and the least that is worth anything. */
#define TH_CRYPTO_PASSES_LIMIT 16
#define TH_CRYPTO_MEMORY_LEAST ((uint64_t)8 << 20)
#define TH_CRYPTO_MEMORY_LIMIT ((uint64_t)512 << 20)

/* A key of TH_CRYPTO_KEY_SIZE bytes, by Argon2id version 1.3 with that many passes over that many
 * bytes, whole KiB, within the limits above. TH_EUSAGE outside of them, TH_ENOMEM. */
int th_crypto_password_key(const void *password, size_t size, const unsigned char *salt,
                           uint64_t passes, uint64_t memory, unsigned char *key);

/* What minisign's secret keys may ask for: its own are just at these limits. */
#define TH_CRYPTO_SCRYPT_OPERATIONS_LIMIT ((uint64_t)1 << 25)
#define TH_CRYPTO_SCRYPT_MEMORY_LIMIT ((uint64_t)1 << 30)

/* out_size bytes from a password, by scrypt as libsodium understands its two limits. TH_EUSAGE past
 * those above, TH_ENOMEM. */
int th_crypto_scrypt(const void *password, size_t size, const unsigned char *salt,
                     uint64_t operations, uint64_t memory, unsigned char *out, size_t out_size);

/* "libsodium 1.0.x". Borrowed for ever. */
const char *th_crypto_version(void);

#endif
