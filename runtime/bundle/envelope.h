/* envelope: a bundle with its signatures, in one file.
 *
 *     thespian signed 1
 *     untrusted comment: public key RWQ...        for each signature these four lines, which
 *     RUQ...                                      are a .minisig file of minisign
 *     trusted comment: ...
 *     ...
 *                                                 an empty line, then what is signed, to the end
 *
 * What is signed is the payload, byte for byte; mostly a zip. Each signature carries its public
 * key, in the place of the comment that nobody believes, and every one must be right: so whoever
 * changes one byte, wherever, has an envelope that no longer opens, also for those who trust none
 * of its signers. That somebody signed means nothing before his key is held against those that are
 * trusted (th_envelope_count): strangers may take signatures away, or add their own.
 *
 * There is one envelope for each payload and set of signatures: they stand in the order of their
 * keys, no key twice, in exactly the bytes that th_signature_write writes. An envelope holds
 * neither another one, nor something encrypted: what is to be both is signed first.
 *
 * Threads: any; pure. Owns: nothing; everything points into the bytes that were opened.
 */
#ifndef TH_BUNDLE_ENVELOPE_H
#define TH_BUNDLE_ENVELOPE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "bundle/key.h"
#include "bundle/signature.h"

#define TH_ENVELOPE_SIGNED "thespian signed "
#define TH_ENVELOPE_ENCRYPTED "thespian encrypted "

enum th_envelope_kind { TH_ENVELOPE_PLAIN_KIND, TH_ENVELOPE_SIGNED_KIND, TH_ENVELOPE_SEALED_KIND };

/* What the first bytes say: plain is a zip, or anything else. */
enum th_envelope_kind th_envelope_kind(const void *data, size_t size);

/* Signatures in one envelope. */
#define TH_ENVELOPE_SIGNERS 16

struct th_signer {
  struct th_public_key key;
  struct th_signature signature;
};

struct th_envelope {
  size_t count;
  struct th_signer signers[TH_ENVELOPE_SIGNERS];
  const unsigned char *payload;
  size_t payload_size;
};

/* Opens an envelope and verifies every signature against the key that it carries. TH_ESIGNATURE
 * with the reason, which can follow the name of the file. */
int th_envelope_open(const void *data, size_t size, struct th_envelope *envelope,
                     struct th_reason *reason);

/* How many of these keys have signed; one that is given twice counts once. */
size_t th_envelope_count(const struct th_envelope *envelope, const struct th_public_key *keys,
                         size_t count);

/* Whether at least needed of them have. TH_ESIGNATURE with a reason that can follow the name of the
 * file. */
int th_envelope_require(const struct th_envelope *envelope, const struct th_public_key *keys,
                        size_t count, size_t needed, struct th_reason *reason);

/* Signs a plain bundle, or adds a signature to an envelope. A later one of the same key takes the
 * place of the earlier. TH_EUSAGE, TH_ESIGNATURE, TH_ENOMEM with a reason. */
int th_envelope_sign(const void *data, size_t size, const struct th_secret_key *key,
                     const char *comment, size_t comment_size, struct th_bytes **envelope,
                     struct th_reason *reason);

/* The same with a signature that was made elsewhere, the text of a .minisig file for the payload.
 * TH_ESIGNATURE when it is not that key's signature of this payload. */
int th_envelope_attach(const void *data, size_t size, const char *text, size_t text_size,
                       const struct th_public_key *key, struct th_bytes **envelope,
                       struct th_reason *reason);

#endif
