/* keyfile: files of keys and passwords.
 *
 * What is secret is read into memory that is kept out of swap and wiped when it is freed
 * (th_crypto_free), and written to files that only their owner reads. Reasons name the file.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_HOST_KEYFILE_H
#define TH_HOST_KEYFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "bundle/key.h"

/* Reads a public key. */
int th_keyfile_public(const char *path, struct th_public_key *key, struct th_reason *reason);

/* Reads a secret key, with the password in another file where that is not NULL. *key is freed with
 * th_crypto_free. */
int th_keyfile_secret(const char *path, const char *password_path, struct th_secret_key **key,
                      struct th_reason *reason);

/* The same for an encryption key. */
int th_keyfile_cipher(const char *path, struct th_cipher_key **key, struct th_reason *reason);

/* Reads the first line of a file, without its end, as a password; *text is freed with
 * th_crypto_free. */
int th_keyfile_password(const char *path, char **text, struct th_password *password,
                        struct th_reason *reason);

/* Writes a new file; one that is there stays as it is, and is an error. */
int th_keyfile_write(const char *path, const char *text, bool is_secret, struct th_reason *reason);

#endif
