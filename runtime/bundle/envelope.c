#include "bundle/envelope.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

#define HEAD TH_ENVELOPE_SIGNED "1\n"

/* What stands in the comment that is not signed, before the key in one word. */
#define KEY "public key "
#define UNTRUSTED_SIZE (sizeof KEY - 1 + TH_KEY_WORD_SIZE - 1)

static bool begins(const void *data, size_t size, const char *prefix) {
  size_t prefix_size = strlen(prefix);
  return size >= prefix_size && memcmp(data, prefix, prefix_size) == 0;
}

enum th_envelope_kind th_envelope_kind(const void *data, size_t size) {
  if (begins(data, size, TH_ENVELOPE_SIGNED)) return TH_ENVELOPE_SIGNED_KIND;
  if (begins(data, size, TH_ENVELOPE_ENCRYPTED)) return TH_ENVELOPE_SEALED_KIND;
  return TH_ENVELOPE_PLAIN_KIND;
}

static int compare(const struct th_public_key *left, const struct th_public_key *right) {
  int order = memcmp(left->id, right->id, sizeof left->id);
  return order != 0 ? order : memcmp(left->point, right->point, sizeof left->point);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_signer(const struct th_signer *signer, struct th_buffer *text) {
  char untrusted[UNTRUSTED_SIZE + 1] = KEY;
  struct th_signature signature = signer->signature;
  th_key_word(&signer->key, untrusted + sizeof KEY - 1);
  signature.untrusted = untrusted;
  signature.untrusted_size = UNTRUSTED_SIZE;
  th_signature_write(&signature, text);
}

/* All that stands before the payload. */
static void write_head(const struct th_envelope *envelope, struct th_buffer *text) {
  th_buffer_append(text, HEAD, sizeof HEAD - 1);
  for (size_t i = 0; i < envelope->count; i++) write_signer(&envelope->signers[i], text);
  th_buffer_append(text, "\n", 1);
}

static int write_envelope(const struct th_envelope *envelope, struct th_bytes **written,
                          struct th_reason *reason) {
  struct th_buffer text;
  th_buffer_init(&text);
  write_head(envelope, &text);
  struct th_bytes *bytes = NULL;
  if (text.error == 0) bytes = th_bytes_new(text.size + envelope->payload_size);
  if (bytes != NULL) {
    memcpy(bytes->data, text.data, text.size);
    if (envelope->payload_size != 0) {
      memcpy(bytes->data + text.size, envelope->payload, envelope->payload_size);
    }
    *written = bytes;
  }
  th_buffer_clear(&text);
  return bytes != NULL ? 0 : th_fail(reason, TH_ENOMEM, "no memory for the signed bundle");
}

/* ---- opening --------------------------------------------------------------------------------- */

static int fail_signer(const struct th_envelope *envelope, const struct th_reason *why,
                       struct th_reason *reason) {
  return th_fail(reason, TH_ESIGNATURE, "signature %zu of the bundle is damaged: %.900s",
                 envelope->count + 1, why->words);
}

/* Reads the signer with which data begins. */
static int read_signer(struct th_envelope *envelope, const char *data, size_t size, size_t *used,
                       struct th_reason *reason) {
  struct th_reason why = {""};
  struct th_signer *signer = &envelope->signers[envelope->count];
  struct th_signature *signature = &signer->signature;
  if (th_signature_read(data, size, signature, used, &why) != 0) {
    return fail_signer(envelope, &why, reason);
  }
  if (signature->untrusted_size != UNTRUSTED_SIZE ||
      !begins(signature->untrusted, UNTRUSTED_SIZE, KEY)) {
    th_fail(&why, 0, "its first line does not tell its public key");
    return fail_signer(envelope, &why, reason);
  }
  if (th_key_read_public(signature->untrusted + sizeof KEY - 1, TH_KEY_WORD_SIZE - 1, &signer->key,
                         &why) != 0) {
    return fail_signer(envelope, &why, reason);
  }
  if (envelope->count > 0 && compare(&signer[-1].key, &signer->key) >= 0) {
    th_fail(&why, 0, "it is not in the order of the keys");
    return fail_signer(envelope, &why, reason);
  }
  envelope->count++;
  return 0;
}

/* Reads the head, without looking whether the signatures are right. Gives where the payload begins
 * in *at. */
static int read_head(struct th_envelope *envelope, const char *data, size_t size, size_t *at,
                     struct th_reason *reason) {
  if (!begins(data, size, HEAD)) {
    return th_fail(reason, TH_ESIGNATURE,
                   begins(data, size, TH_ENVELOPE_SIGNED)
                     ? "the bundle is signed in a way that this version does not know"
                     : "the bundle is not signed");
  }
  *at = sizeof HEAD - 1;
  while (*at == size || data[*at] != '\n') {
    size_t used = 0;
    if (envelope->count == TH_ENVELOPE_SIGNERS) {
      return th_fail(reason, TH_ESIGNATURE, "the bundle has more than %d signatures",
                     TH_ENVELOPE_SIGNERS);
    }
    int error = read_signer(envelope, data + *at, size - *at, &used, reason);
    if (error != 0) return error;
    *at += used;
  }
  ++*at;
  return envelope->count != 0
           ? 0
           : th_fail(reason, TH_ESIGNATURE, "the bundle is said to be signed, but by nobody");
}

/* Whatever the parts said: the head is what we would write, to the byte. */
static bool is_canonical(const struct th_envelope *envelope, const void *data, size_t head_size) {
  struct th_buffer text;
  th_buffer_init(&text);
  write_head(envelope, &text);
  bool is_same = text.error == 0 && text.size == head_size &&
                 memcmp(text.data, data, head_size) == 0;
  th_buffer_clear(&text);
  return is_same;
}

static int refuse_signer(const struct th_signer *signer, struct th_reason *reason) {
  char id[TH_KEY_ID_TEXT];
  return th_fail(reason, TH_ESIGNATURE,
                 "the signature by key %s does not fit the bundle: one of the two was changed",
                 th_key_id_text(signer->key.id, id));
}

static int verify(const struct th_envelope *envelope, struct th_reason *reason) {
  struct th_signed_data subject;
  int error = th_signature_prepare(&subject, envelope->payload, envelope->payload_size);
  for (size_t i = 0; i < envelope->count && error == 0; i++) {
    const struct th_signer *signer = &envelope->signers[i];
    if (!th_signature_verify(&signer->signature, &signer->key, &subject)) {
      error = refuse_signer(signer, reason);
    }
  }
  return error;
}

static int check_payload(const void *payload, size_t size, struct th_reason *reason) {
  if (th_envelope_kind(payload, size) == TH_ENVELOPE_PLAIN_KIND) return 0;
  return th_fail(reason, TH_ESIGNATURE,
                 "the signed bundle holds another that is signed or encrypted itself; sign first, "
                 "then encrypt");
}

int th_envelope_open(const void *data, size_t size, struct th_envelope *envelope,
                     struct th_reason *reason) {
  size_t at = 0;
  *envelope = (struct th_envelope){0};
  int error = read_head(envelope, data, size, &at, reason);
  if (error != 0) return error;
  if (!is_canonical(envelope, data, at)) {
    return th_fail(reason, TH_ESIGNATURE, "the signatures of the bundle are damaged");
  }
  envelope->payload = (const unsigned char *)data + at;
  envelope->payload_size = size - at;
  error = check_payload(envelope->payload, envelope->payload_size, reason);
  return error != 0 ? error : verify(envelope, reason);
}

size_t th_envelope_count(const struct th_envelope *envelope, const struct th_public_key *keys,
                         size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < envelope->count; i++) {
    size_t j = 0;
    while (j < count && !th_key_equal(&envelope->signers[i].key, &keys[j])) j++;
    if (j < count) found++;
  }
  return found;
}

int th_envelope_require(const struct th_envelope *envelope, const struct th_public_key *keys,
                        size_t count, size_t needed, struct th_reason *reason) {
  size_t found = th_envelope_count(envelope, keys, count);
  if (found >= needed) return 0;
  if (found == 0) {
    return th_fail(reason, TH_ESIGNATURE,
                   "the bundle is signed by none of the keys that are trusted");
  }
  return th_fail(reason, TH_ESIGNATURE,
                 "the bundle is signed by %zu of the keys that are trusted; %zu are needed", found,
                 needed);
}

/* ---- signing --------------------------------------------------------------------------------- */

/* Opens what may be plain: then there are no signers yet. */
static int open_either(const void *data, size_t size, struct th_envelope *envelope,
                       struct th_reason *reason) {
  switch (th_envelope_kind(data, size)) {
  case TH_ENVELOPE_SIGNED_KIND:
    return th_envelope_open(data, size, envelope, reason);
  case TH_ENVELOPE_SEALED_KIND:
    return th_fail(reason, TH_ESIGNATURE, "the bundle is encrypted; sign first, then encrypt");
  case TH_ENVELOPE_PLAIN_KIND:
    break;
  }
  *envelope = (struct th_envelope){.payload = data, .payload_size = size};
  return 0;
}

/* Puts the signer into his place, or into that of his earlier signature. */
static int insert(struct th_envelope *envelope, const struct th_signer *signer,
                  struct th_reason *reason) {
  struct th_signer *signers = envelope->signers;
  size_t at = 0;
  while (at < envelope->count && compare(&signers[at].key, &signer->key) < 0) at++;
  if (at == envelope->count || compare(&signers[at].key, &signer->key) != 0) {
    if (envelope->count == TH_ENVELOPE_SIGNERS) {
      return th_fail(reason, TH_EUSAGE, "the bundle has %d signatures already, which is the limit",
                     TH_ENVELOPE_SIGNERS);
    }
    memmove(&signers[at + 1], &signers[at], (envelope->count - at) * sizeof *signers);
    envelope->count++;
  }
  signers[at] = *signer;
  return 0;
}

int th_envelope_sign(const void *data, size_t size, const struct th_secret_key *key,
                     const char *comment, size_t comment_size, struct th_bytes **written,
                     struct th_reason *reason) {
  struct th_envelope envelope;
  struct th_signed_data subject;
  struct th_signer signer;
  int error = open_either(data, size, &envelope, reason);
  if (error == 0) error = th_signature_prepare(&subject, envelope.payload, envelope.payload_size);
  if (error != 0) return error;
  th_key_public_of(key, &signer.key);
  error = th_signature_make(&subject, key, comment, comment_size, &signer.signature, reason);
  if (error == 0) error = insert(&envelope, &signer, reason);
  return error != 0 ? error : write_envelope(&envelope, written, reason);
}

/* Reads the signature, and sees that it is the key's and fits. */
static int read_attached(const char *text, size_t size, const struct th_envelope *envelope,
                         struct th_signer *signer, struct th_reason *reason) {
  char signed_by[TH_KEY_ID_TEXT], wanted[TH_KEY_ID_TEXT];
  struct th_signed_data subject;
  size_t used;
  int error = th_signature_read(text, size, &signer->signature, &used, reason);
  if (error != 0) return error;
  if (used != size) return th_fail(reason, TH_ESIGNATURE, "more follows than one signature");
  if (memcmp(signer->signature.id, signer->key.id, sizeof signer->key.id) != 0) {
    return th_fail(reason, TH_ESIGNATURE, "it is a signature by key %s, not by key %s",
                   th_key_id_text(signer->signature.id, signed_by),
                   th_key_id_text(signer->key.id, wanted));
  }
  error = th_signature_prepare(&subject, envelope->payload, envelope->payload_size);
  if (error != 0) return error;
  return th_signature_verify(&signer->signature, &signer->key, &subject)
           ? 0
           : refuse_signer(signer, reason);
}

int th_envelope_attach(const void *data, size_t size, const char *text, size_t text_size,
                       const struct th_public_key *key, struct th_bytes **written,
                       struct th_reason *reason) {
  struct th_envelope envelope;
  struct th_signer signer = {.key = *key};
  int error = open_either(data, size, &envelope, reason);
  if (error == 0) error = read_attached(text, text_size, &envelope, &signer, reason);
  if (error == 0) error = insert(&envelope, &signer, reason);
  return error != 0 ? error : write_envelope(&envelope, written, reason);
}
