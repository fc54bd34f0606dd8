/* signature: minisign's signatures, read strictly.
 *
 * Four lines: a comment that nobody believes; the signature with its key's id; a comment that is
 * signed, too; and the signature of the first signature with that comment. The signature is of the
 * data's BLAKE2b-512 ("ED"), or in older ones of the data itself ("Ed"). Each line ends in one
 * newline, base64 has one form, and the comments are UTF-8 without control characters, but for the
 * tabs that minisign puts there: what is accepted is what th_signature_write would write.
 *
 * The key's id is not signed: it finds the key and proves nothing.
 *
 * Threads: any; pure. Owns: nothing; comments point into the text that was read.
 */
#ifndef TH_BUNDLE_SIGNATURE_H
#define TH_BUNDLE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "bundle/key.h"

/* Bytes of either comment. */
#define TH_SIGNATURE_COMMENT_LIMIT 1024

struct th_signature {
  bool is_of_hash; /* "ED", as all that are made today */
  unsigned char id[TH_KEY_ID_SIZE];
  unsigned char bytes[TH_CRYPTO_SIGNATURE_SIZE];
  unsigned char comment_bytes[TH_CRYPTO_SIGNATURE_SIZE]; /* the second signature */
  const char *comment;                                   /* that is signed, too; no zero ends it */
  size_t comment_size;
  const char *untrusted;
  size_t untrusted_size;
};

/* What is signed. */
struct th_signed_data {
  const void *data;
  size_t size;
  unsigned char hash[TH_CRYPTO_HASH_SIZE];
};

/* Takes the hash of data, which must stay. */
int th_signature_prepare(struct th_signed_data *subject, const void *data, size_t size);

/* What is wrong with a text as a comment, in words that follow "the comment "; NULL: nothing. */
const char *th_signature_comment_fault(const char *text, size_t size);

/* Reads one signature, with which the text begins; its size goes to *used. TH_ESIGNATURE with a
 * reason that says which line is wrong. */
int th_signature_read(const char *text, size_t size, struct th_signature *signature, size_t *used,
                      struct th_reason *reason);

/* Signs the data's hash. The comment is borrowed; TH_EUSAGE where it has a fault. */
int th_signature_make(const struct th_signed_data *subject, const struct th_secret_key *key,
                      const char *comment, size_t comment_size, struct th_signature *signature,
                      struct th_reason *reason);

/* Whether the key has signed the data and the comment. */
bool th_signature_verify(const struct th_signature *signature, const struct th_public_key *key,
                         const struct th_signed_data *subject);

/* Appends the four lines. */
void th_signature_write(const struct th_signature *signature, struct th_buffer *text);

#endif
