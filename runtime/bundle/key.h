/* key: the keys of bundles, and their files: minisign's, and one of ours for encryption.
 *
 * A key file has two lines: a comment that nobody believes, and base64. Public and secret keys are
 * minisign's, to the byte, so its users need no new keys. A secret key may be protected by a
 * password. A cipher key, which encrypts, has a file of the same form with letters of its own.
 *
 * Every key has an id of 8 bytes. That of a pair was drawn by chance when it was made, and says
 * which key is meant, never whose it is. That of a cipher key is a hash of it.
 *
 * Threads: any. Owns: nothing. Whoever has held a secret or a cipher key wipes it.
 */
#ifndef TH_BUNDLE_KEY_H
#define TH_BUNDLE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/crypto.h"
#include "base/error.h"

#define TH_KEY_ID_SIZE 8

struct th_public_key {
  unsigned char id[TH_KEY_ID_SIZE];
  unsigned char point[TH_CRYPTO_PUBLIC_SIZE];
};

struct th_secret_key {
  unsigned char id[TH_KEY_ID_SIZE];
  unsigned char secret[TH_CRYPTO_SECRET_SIZE];
};

struct th_cipher_key {
  unsigned char id[TH_KEY_ID_SIZE];
  unsigned char secret[TH_CRYPTO_KEY_SIZE];
};

struct th_password {
  const char *text; /* NULL: there is none */
  size_t size;
};

/* ---- making ---------------------------------------------------------------------------------- */

int th_key_make_pair(struct th_public_key *public_key, struct th_secret_key *secret_key);
int th_key_make_cipher(struct th_cipher_key *key);

void th_key_public_of(const struct th_secret_key *secret_key, struct th_public_key *public_key);

bool th_key_equal(const struct th_public_key *left, const struct th_public_key *right);

/* ---- text ------------------------------------------------------------------------------------ */

/* 16 hexadecimal digits, as minisign shows ids: the last byte first. */
#define TH_KEY_ID_TEXT 17
const char *th_key_id_text(const unsigned char *id, char *text);

/* "RWQ...": a public key in one word, as minisign's option -P takes it, with a zero. */
#define TH_KEY_WORD_SIZE 57
const char *th_key_word(const struct th_public_key *key, char *word);

/* What the text of a key says that it is. */
enum th_key_kind { TH_KEY_NONE, TH_KEY_PUBLIC, TH_KEY_SECRET, TH_KEY_PROTECTED, TH_KEY_CIPHER };
enum th_key_kind th_key_kind(const char *text, size_t size);

/* Read the text of a key file, or of a public key its one word. TH_EKEY with a reason that can
 * follow the name of the file: it is something else, or damaged. */
int th_key_read_public(const char *text, size_t size, struct th_public_key *key,
                       struct th_reason *reason);
int th_key_read_cipher(const char *text, size_t size, struct th_cipher_key *key,
                       struct th_reason *reason);

/* The password is looked at only where the key is protected by one: this then takes seconds, and
 * up to a gigabyte for a key of minisign. */
int th_key_read_secret(const char *text, size_t size, const struct th_password *password,
                       struct th_secret_key *key, struct th_reason *reason);

/* Write the text of a key file, with a zero. */
#define TH_KEY_TEXT_SIZE 320
void th_key_write_public(const struct th_public_key *key, char *text);
void th_key_write_cipher(const struct th_cipher_key *key, char *text);

/* Protected, where there is a password: that takes a second and 256 MiB. */
int th_key_write_secret(const struct th_secret_key *key, const struct th_password *password,
                        char *text, struct th_reason *reason);

#endif
