/* Signatures, keys and envelopes from anywhere: what is accepted is what would be written again, to
 * the byte; what is refused is refused with a reason, for little money. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "bundle/envelope.h"
#include "bundle/key.h"
#include "bundle/seal.h"
#include "bundle/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void try_signature(const char *text, size_t size) {
  struct th_signature signature;
  struct th_reason reason = {""};
  struct th_buffer again;
  size_t used = 0;
  if (th_signature_read(text, size, &signature, &used, &reason) != 0) {
    require(reason.words[0] != '\0');
    return;
  }
  th_buffer_init(&again);
  th_signature_write(&signature, &again);
  require(again.error == 0 && again.size == used && memcmp(again.data, text, used) == 0);
  th_buffer_clear(&again);
}

/* The text of a key may have any comment; its line of base64 is what is written again. */
static void require_line(const char *text, size_t size, const char *written) {
  const char *line = strchr(written, '\n') + 1;
  size_t line_size = strlen(line) - 1; /* without the newline, which may be missing */
  if (size > 0 && text[size - 1] == '\n') size--;
  require(size >= line_size && memcmp(text + size - line_size, line, line_size) == 0);
}

static void try_keys(const char *text, size_t size) {
  struct th_public_key public_key;
  struct th_secret_key secret_key, secret_again;
  struct th_cipher_key cipher;
  char written[TH_KEY_TEXT_SIZE];
  enum th_key_kind kind = th_key_kind(text, size);
  bool is_public = th_key_read_public(text, size, &public_key, NULL) == 0;
  bool is_cipher = th_key_read_cipher(text, size, &cipher, NULL) == 0;
  require(is_public == (kind == TH_KEY_PUBLIC));
  require(!is_cipher || kind == TH_KEY_CIPHER);
  if (is_public) {
    th_key_write_public(&public_key, written);
    require_line(text, size, written);
  }
  if (is_cipher) {
    th_key_write_cipher(&cipher, written);
    require_line(text, size, written);
  }
  /* Without a password nothing is derived, whatever the key asks for. */
  if (th_key_read_secret(text, size, NULL, &secret_key, NULL) == 0) {
    require(kind == TH_KEY_SECRET);
    require(th_key_write_secret(&secret_key, NULL, written, NULL) == 0);
    require(th_key_read_secret(written, strlen(written), NULL, &secret_again, NULL) == 0);
    require(memcmp(&secret_key, &secret_again, sizeof secret_key) == 0);
  }
}

/* Whoever finds one that opens and is not among the seeds has broken Ed25519. */
static void try_envelope(const uint8_t *data, size_t size) {
  struct th_envelope envelope;
  struct th_reason reason = {""};
  if (th_envelope_open(data, size, &envelope, &reason) != 0) {
    require(reason.words[0] != '\0');
    return;
  }
  require(envelope.count > 0 && envelope.payload + envelope.payload_size == data + size);
  for (size_t i = 0; i < envelope.count; i++) {
    require(th_envelope_count(&envelope, &envelope.signers[i].key, 1) == 1);
  }
}

static void try_seal(const uint8_t *data, size_t size) {
  static const struct th_cipher_key key = {.id = {0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01}};
  const struct th_cipher_key *const keys[] = {&key};
  const struct th_seal_openers openers = {.keys = keys, .key_count = 1};
  struct th_seal seal;
  struct th_reason reason = {""};
  struct th_bytes *opened;
  if (th_seal_read(data, size, &seal, &reason) != 0) {
    require(reason.words[0] != '\0');
    return;
  }
  require(seal.head_size <= size);
  require(!seal.by_password || (seal.passes >= 1 && seal.passes <= TH_CRYPTO_PASSES_LIMIT &&
                                seal.memory <= TH_CRYPTO_MEMORY_LIMIT));
  if (th_seal_open(data, size, &openers, &opened, &reason) == 0) th_bytes_unref(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try_signature((const char *)data, size);
  try_keys((const char *)data, size);
  try_envelope(data, size);
  try_seal(data, size);
  return 0;
}
