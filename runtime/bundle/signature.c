#include "bundle/signature.h"

#include <string.h>

#include "base/utf8.h"

/* What base64 holds, byte for byte. */
struct packed {
  char algorithm[2]; /* ED or Ed */
  unsigned char id[TH_KEY_ID_SIZE];
  unsigned char bytes[TH_CRYPTO_SIGNATURE_SIZE];
};

_Static_assert(sizeof(struct packed) == 74, "minisign's signature");

#define OF_HASH "ED"
#define OF_DATA "Ed"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

int th_signature_prepare(struct th_signed_data *subject, const void *data, size_t size) {
  const struct th_crypto_part part = {data, size};
  subject->data = data;
  subject->size = size;
  return th_crypto_hash(&part, 1, subject->hash, sizeof subject->hash);
}

/* ---- comments -------------------------------------------------------------------------------- */

const char *th_signature_comment_fault(const char *text, size_t size) {
  const unsigned char *at = (const unsigned char *)text;
  if (size > TH_SIGNATURE_COMMENT_LIMIT) return "has more than 1024 bytes";
  for (size_t left = size, step; left != 0; left -= step, at += step) {
    step = th_utf8_size(at, left);
    if (step == 0) return "is not UTF-8";
    if (*at != '\t' && th_utf8_is_control(at, step)) return "has control characters";
  }
  return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What is left of the text; a failure sticks. */
struct reader {
  const char *text;
  size_t size;
  int line;
  int error;
  struct th_reason *reason;
};

static void refuse(struct reader *reader, const char *words) {
  if (reader->error != 0) return;
  reader->error = th_fail(reader->reason, TH_ESIGNATURE, "line %d of the signature %s",
                          reader->line, words);
}

/* Takes a line that begins with prefix; gives the rest of it, "" after a failure. */
static const char *take_line(struct reader *reader, const char *prefix, size_t *size) {
  size_t prefix_size = strlen(prefix);
  *size = 0;
  if (reader->error != 0) return "";
  reader->line++;
  const char *line = reader->text;
  const char *end = reader->size != 0 ? memchr(line, '\n', reader->size) : NULL;
  if (end == NULL) {
    refuse(reader, "is cut off");
    return "";
  }
  size_t whole = (size_t)(end - line);
  reader->text += whole + 1;
  reader->size -= whole + 1;
  if (whole < prefix_size || memcmp(line, prefix, prefix_size) != 0) {
    refuse(reader, *prefix == 'u' ? "does not begin with \"untrusted comment: \""
                                  : "does not begin with \"trusted comment: \"");
    return "";
  }
  *size = whole - prefix_size;
  return line + prefix_size;
}

static const char *take_comment(struct reader *reader, const char *prefix, size_t *size) {
  const char *comment = take_line(reader, prefix, size);
  if (th_signature_comment_fault(comment, *size) != NULL) {
    refuse(reader, "is no comment: it is too long, not UTF-8, or has control characters");
  }
  return comment;
}

static void take_base64(struct reader *reader, void *data, size_t size) {
  size_t line_size;
  const char *line = take_line(reader, "", &line_size);
  if (reader->error == 0 && !th_crypto_unbase64(line, line_size, data, size)) {
    refuse(reader, "is not the base64 of a signature");
  }
}

int th_signature_read(const char *text, size_t size, struct th_signature *signature, size_t *used,
                      struct th_reason *reason) {
  struct reader reader = {.text = text, .size = size, .reason = reason};
  struct packed packed = {.algorithm = OF_HASH};
  struct th_signature read = {0};
  read.untrusted = take_comment(&reader, UNTRUSTED, &read.untrusted_size);
  take_base64(&reader, &packed, sizeof packed);
  read.is_of_hash = memcmp(packed.algorithm, OF_HASH, sizeof packed.algorithm) == 0;
  if (!read.is_of_hash && memcmp(packed.algorithm, OF_DATA, sizeof packed.algorithm) != 0) {
    refuse(&reader, "is of another kind than Ed25519");
  }
  read.comment = take_comment(&reader, TRUSTED, &read.comment_size);
  take_base64(&reader, read.comment_bytes, sizeof read.comment_bytes);
  if (reader.error != 0) return reader.error;
  memcpy(read.id, packed.id, sizeof read.id);
  memcpy(read.bytes, packed.bytes, sizeof read.bytes);
  *signature = read;
  *used = size - reader.size;
  return 0;
}

/* ---- signing and verifying ------------------------------------------------------------------- */

/* The first signature and the comment, which the second one is of. */
struct commented {
  unsigned char bytes[TH_CRYPTO_SIGNATURE_SIZE + TH_SIGNATURE_COMMENT_LIMIT];
  size_t size;
};

static void join(const struct th_signature *signature, struct commented *commented) {
  memcpy(commented->bytes, signature->bytes, sizeof signature->bytes);
  memcpy(commented->bytes + sizeof signature->bytes, signature->comment, signature->comment_size);
  commented->size = sizeof signature->bytes + signature->comment_size;
}

int th_signature_make(const struct th_signed_data *subject, const struct th_secret_key *key,
                      const char *comment, size_t comment_size, struct th_signature *signature,
                      struct th_reason *reason) {
  const char *fault = th_signature_comment_fault(comment, comment_size);
  if (fault != NULL) return th_fail(reason, TH_EUSAGE, "the comment %s", fault);
  struct commented commented;
  *signature = (struct th_signature){.is_of_hash = true,
                                     .comment = comment,
                                     .comment_size = comment_size,
                                     .untrusted = "signature by thespian-host",
                                     .untrusted_size = sizeof "signature by thespian-host" - 1};
  memcpy(signature->id, key->id, sizeof signature->id);
  int error = th_crypto_sign(subject->hash, sizeof subject->hash, key->secret, signature->bytes);
  if (error != 0) return error;
  join(signature, &commented);
  return th_crypto_sign(commented.bytes, commented.size, key->secret, signature->comment_bytes);
}

bool th_signature_verify(const struct th_signature *signature, const struct th_public_key *key,
                         const struct th_signed_data *subject) {
  struct commented commented;
  const void *data = signature->is_of_hash ? subject->hash : subject->data;
  size_t size = signature->is_of_hash ? sizeof subject->hash : subject->size;
  if (memcmp(signature->id, key->id, sizeof key->id) != 0) return false;
  if (!th_crypto_verify(data, size, key->point, signature->bytes)) return false;
  join(signature, &commented);
  return th_crypto_verify(commented.bytes, commented.size, key->point, signature->comment_bytes);
}

/* ---- writing --------------------------------------------------------------------------------- */

void th_signature_write(const struct th_signature *signature, struct th_buffer *text) {
  struct packed packed;
  char first[TH_CRYPTO_BASE64(sizeof packed) + 1];
  char second[TH_CRYPTO_BASE64(sizeof signature->comment_bytes) + 1];
  memcpy(packed.algorithm, signature->is_of_hash ? OF_HASH : OF_DATA, sizeof packed.algorithm);
  memcpy(packed.id, signature->id, sizeof packed.id);
  memcpy(packed.bytes, signature->bytes, sizeof packed.bytes);
  th_crypto_base64(&packed, sizeof packed, first);
  th_crypto_base64(signature->comment_bytes, sizeof signature->comment_bytes, second);
  th_buffer_append(text, UNTRUSTED, sizeof UNTRUSTED - 1);
  th_buffer_append(text, signature->untrusted, signature->untrusted_size);
  th_buffer_printf(text, "\n%s\n" TRUSTED, first);
  th_buffer_append(text, signature->comment, signature->comment_size);
  th_buffer_printf(text, "\n%s\n", second);
}
