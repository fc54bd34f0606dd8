#include "base/crypto.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"

_Static_assert(TH_CRYPTO_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES, "size of a public key");
_Static_assert(TH_CRYPTO_SECRET_SIZE == crypto_sign_SECRETKEYBYTES, "size of a secret key");
_Static_assert(TH_CRYPTO_SEED_SIZE == crypto_sign_SEEDBYTES, "size of a seed");
_Static_assert(TH_CRYPTO_SIGNATURE_SIZE == crypto_sign_BYTES, "size of a signature");
_Static_assert(TH_CRYPTO_HASH_SIZE == crypto_generichash_BYTES_MAX, "size of a hash");
_Static_assert(TH_CRYPTO_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "size of a key");
_Static_assert(TH_CRYPTO_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "of a nonce");
_Static_assert(TH_CRYPTO_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "size of a tag");
_Static_assert(TH_CRYPTO_SALT_SIZE == crypto_pwhash_argon2id_SALTBYTES, "size of a salt");
_Static_assert(TH_CRYPTO_SCRYPT_SALT_SIZE == crypto_pwhash_scryptsalsa208sha256_SALTBYTES,
               "size of scrypt's salt");

/* The library's own once-only initialisation, which any thread may call at any time. */
static int begin(void) {
  return sodium_init() < 0 ? -ENOSYS : 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

int th_crypto_random(void *out, size_t size) {
  int error = begin();
  if (error == 0) randombytes_buf(out, size);
  return error;
}

bool th_crypto_equal(const void *left, const void *right, size_t size) {
  return sodium_memcmp(left, right, size) == 0;
}

void th_crypto_wipe(void *data, size_t size) {
  sodium_memzero(data, size);
}

void *th_crypto_alloc(size_t size) {
  return begin() == 0 ? sodium_malloc(size) : NULL;
}

void th_crypto_free(void *block) {
  sodium_free(block);
}

void th_crypto_base64(const void *data, size_t size, char *text) {
  sodium_bin2base64(text, TH_CRYPTO_BASE64(size) + 1, data, size, sodium_base64_VARIANT_ORIGINAL);
}

/* What was read must be what we would write: libsodium 1.0.18 takes some characters beyond ASCII for
 * others, so one text could have several forms. */
bool th_crypto_unbase64(const char *text, size_t text_size, void *data, size_t size) {
  char again[TH_CRYPTO_BASE64(TH_CRYPTO_BASE64_LIMIT) + 1];
  size_t got = 0;
  assert(size <= TH_CRYPTO_BASE64_LIMIT);
  if (text_size != TH_CRYPTO_BASE64(size) ||
      sodium_base642bin(data, size, text, text_size, NULL, &got, NULL,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      got != size) {
    return false;
  }
  th_crypto_base64(data, size, again);
  bool is_same = memcmp(again, text, text_size) == 0;
  sodium_memzero(again, sizeof again);
  return is_same;
}

/* ---- signatures ------------------------------------------------------------------------------ */

int th_crypto_keys(unsigned char *public_key, unsigned char *secret_key) {
  int error = begin();
  return error != 0 ? error : crypto_sign_keypair(public_key, secret_key);
}

bool th_crypto_public_of(const unsigned char *secret_key, unsigned char *public_key) {
  unsigned char again[TH_CRYPTO_SECRET_SIZE];
  bool is_sound = begin() == 0 && crypto_sign_seed_keypair(public_key, again, secret_key) == 0 &&
                  sodium_memcmp(again, secret_key, sizeof again) == 0;
  sodium_memzero(again, sizeof again);
  return is_sound;
}

int th_crypto_sign(const void *data, size_t size, const unsigned char *secret_key,
                   unsigned char *signature) {
  int error = begin();
  return error != 0 ? error : crypto_sign_detached(signature, NULL, data, size, secret_key);
}

bool th_crypto_verify(const void *data, size_t size, const unsigned char *public_key,
                      const unsigned char *signature) {
  return begin() == 0 && crypto_sign_verify_detached(signature, data, size, public_key) == 0;
}

/* ---- hashes ---------------------------------------------------------------------------------- */

int th_crypto_hash(const struct th_crypto_part *parts, size_t count, unsigned char *hash,
                   size_t hash_size) {
  crypto_generichash_state state;
  int error = begin();
  if (error != 0) return error;
  crypto_generichash_init(&state, NULL, 0, hash_size);
  for (size_t i = 0; i < count; i++) {
    crypto_generichash_update(&state, parts[i].data, parts[i].size);
  }
  crypto_generichash_final(&state, hash, hash_size);
  sodium_memzero(&state, sizeof state);
  return 0;
}

/* ---- encryption ------------------------------------------------------------------------------ */

int th_crypto_encrypt(const unsigned char *key, const void *head, size_t head_size,
                      const void *data, size_t data_size, unsigned char *out) {
  int error = th_crypto_random(out, TH_CRYPTO_NONCE_SIZE);
  if (error != 0) return error;
  return crypto_aead_xchacha20poly1305_ietf_encrypt(out + TH_CRYPTO_NONCE_SIZE, NULL, data,
                                                    data_size, head, head_size, NULL, out, key);
}

bool th_crypto_decrypt(const unsigned char *key, const void *head, size_t head_size,
                       const void *sealed, size_t sealed_size, unsigned char *out) {
  const unsigned char *nonce = sealed;
  if (sealed_size < TH_CRYPTO_SEAL_SIZE || begin() != 0) return false;
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, nonce + TH_CRYPTO_NONCE_SIZE,
                                                    sealed_size - TH_CRYPTO_NONCE_SIZE, head,
                                                    head_size, nonce, key) == 0;
}

/* ---- keys from passwords --------------------------------------------------------------------- */

int th_crypto_password_key(const void *password, size_t size, const unsigned char *salt,
                           uint64_t passes, uint64_t memory, unsigned char *key) {
  if (passes == 0 || passes > TH_CRYPTO_PASSES_LIMIT || memory < TH_CRYPTO_MEMORY_LEAST ||
      memory > TH_CRYPTO_MEMORY_LIMIT || memory % 1024 != 0) {
    return TH_EUSAGE;
  }
  int error = begin();
  if (error != 0) return error;
  return crypto_pwhash_argon2id(key, TH_CRYPTO_KEY_SIZE, password, size, salt, passes,
                                (size_t)memory, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0
           ? TH_ENOMEM
           : 0;
}

int th_crypto_scrypt(const void *password, size_t size, const unsigned char *salt,
                     uint64_t operations, uint64_t memory, unsigned char *out, size_t out_size) {
  if (operations > TH_CRYPTO_SCRYPT_OPERATIONS_LIMIT || memory > TH_CRYPTO_SCRYPT_MEMORY_LIMIT) {
    return TH_EUSAGE;
  }
  int error = begin();
  if (error != 0) return error;
  return crypto_pwhash_scryptsalsa208sha256(out, out_size, password, size, salt, operations,
                                            (size_t)memory) != 0
           ? TH_ENOMEM
           : 0;
}

const char *th_crypto_version(void) {
  return "libsodium " SODIUM_VERSION_STRING;
}
