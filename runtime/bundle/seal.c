#include "bundle/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bundle/envelope.h"

#define HEAD TH_ENVELOPE_ENCRYPTED "1\n"
#define BY_KEY "key "
#define BY_PASSWORD "password argon2id "
#define HEAD_LIMIT 128

/* ---- the head -------------------------------------------------------------------------------- */

static void write_head(const struct th_seal *seal, char *head) {
  char id[TH_KEY_ID_TEXT];
  char salt[TH_CRYPTO_BASE64(sizeof seal->salt) + 1];
  if (seal->by_password) {
    th_crypto_base64(seal->salt, sizeof seal->salt, salt);
    snprintf(head, HEAD_LIMIT, HEAD BY_PASSWORD "%" PRIu64 " %" PRIu64 " %s\n\n", seal->passes,
             seal->memory / 1024, salt);
  } else {
    snprintf(head, HEAD_LIMIT, HEAD BY_KEY "%s\n\n", th_key_id_text(seal->id, id));
  }
}

/* The word at *line, up to a space or the end, where *line then is. */
static const char *take_word(const char **line, size_t *size) {
  const char *word = *line;
  *size = strcspn(word, " ");
  *line += *size + (word[*size] == ' ');
  return word;
}

/* Numbers too long to be meant come out as too large ones. */
static uint64_t take_number(const char **line) {
  size_t size;
  const char *word = take_word(line, &size);
  uint64_t number = 0;
  for (size_t i = 0; i < size; i++) {
    if (word[i] < '0' || word[i] > '9' || i == 9) return UINT32_MAX;
    number = number * 10 + (uint64_t)(word[i] - '0');
  }
  return number;
}

static bool parse_key(const char *line, struct th_seal *seal) {
  static const char digits[] = "0123456789ABCDEF";
  if (strlen(line) != 2 * TH_KEY_ID_SIZE) return false;
  for (size_t i = 0; i < TH_KEY_ID_SIZE; i++) {
    const char *high = strchr(digits, line[2 * i]);
    const char *low = strchr(digits, line[2 * i + 1]);
    if (high == NULL || low == NULL) return false;
    seal->id[TH_KEY_ID_SIZE - 1 - i] = (unsigned char)((high - digits) << 4 | (low - digits));
  }
  return true;
}

static bool parse_password(const char *line, struct th_seal *seal) {
  size_t size;
  seal->by_password = true;
  seal->passes = take_number(&line);
  seal->memory = take_number(&line) * 1024;
  const char *salt = take_word(&line, &size);
  return th_crypto_unbase64(salt, size, seal->salt, sizeof seal->salt);
}

static bool parse(const char *line, struct th_seal *seal) {
  if (strncmp(line, BY_KEY, sizeof BY_KEY - 1) == 0) {
    return parse_key(line + sizeof BY_KEY - 1, seal);
  }
  return strncmp(line, BY_PASSWORD, sizeof BY_PASSWORD - 1) == 0 &&
         parse_password(line + sizeof BY_PASSWORD - 1, seal);
}

static bool is_affordable(const struct th_seal *seal) {
  return seal->passes >= 1 && seal->passes <= TH_CRYPTO_PASSES_LIMIT &&
         seal->memory >= TH_CRYPTO_MEMORY_LEAST && seal->memory <= TH_CRYPTO_MEMORY_LIMIT;
}

static int fail_effort(const struct th_seal *seal, int error, struct th_reason *reason) {
  return th_fail(reason, error,
                 "a password with %" PRIu64 " passes over %" PRIu64
                 " KiB is outside of what is allowed: 1 to %d passes over %" PRIu64 " to %" PRIu64
                 " KiB",
                 seal->passes, seal->memory / 1024, TH_CRYPTO_PASSES_LIMIT,
                 TH_CRYPTO_MEMORY_LEAST / 1024, TH_CRYPTO_MEMORY_LIMIT / 1024);
}

/* Copies the second line; false when there is none that is followed by an empty one. */
static bool copy_line(const char *sealed, size_t size, char *line) {
  const char *start = sealed + sizeof HEAD - 1;
  size_t left = size - (sizeof HEAD - 1);
  const char *end = memchr(start, '\n', left < HEAD_LIMIT ? left : HEAD_LIMIT);
  if (end == NULL || (size_t)(end - start) >= HEAD_LIMIT - sizeof HEAD - 1) return false;
  memcpy(line, start, (size_t)(end - start));
  line[end - start] = '\0';
  return true;
}

int th_seal_read(const void *sealed, size_t size, struct th_seal *seal, struct th_reason *reason) {
  char line[HEAD_LIMIT], head[HEAD_LIMIT];
  if (size < sizeof HEAD - 1 || memcmp(sealed, HEAD, sizeof HEAD - 1) != 0) {
    return th_fail(reason, TH_ELOCKED,
                   th_envelope_kind(sealed, size) == TH_ENVELOPE_SEALED_KIND
                     ? "it is encrypted in a way that this version does not know"
                     : "it is not encrypted");
  }
  *seal = (struct th_seal){0};
  bool is_read = copy_line(sealed, size, line) && parse(line, seal);
  if (is_read && seal->by_password && !is_affordable(seal)) {
    return fail_effort(seal, TH_ELOCKED, reason);
  }
  if (is_read) write_head(seal, head);
  /* One head for one meaning: what was read is what we would write. */
  if (!is_read || size < strlen(head) || memcmp(sealed, head, strlen(head)) != 0) {
    return th_fail(reason, TH_ELOCKED, "the head of the encrypted file is damaged");
  }
  seal->head_size = strlen(head);
  return 0;
}

/* ---- encrypting ------------------------------------------------------------------------------ */

static int encrypt(const void *data, size_t size, const struct th_seal *seal,
                   const unsigned char *key, struct th_bytes **sealed, struct th_reason *reason) {
  char head[HEAD_LIMIT];
  write_head(seal, head);
  size_t head_size = strlen(head);
  struct th_bytes *bytes = NULL;
  if (size <= SIZE_MAX / 2) bytes = th_bytes_new(head_size + size + TH_CRYPTO_SEAL_SIZE);
  if (bytes == NULL) return th_fail(reason, TH_ENOMEM, "no memory to encrypt %zu bytes", size);
  memcpy(bytes->data, head, head_size);
  int error = th_crypto_encrypt(key, head, head_size, data, size, bytes->data + head_size);
  if (error != 0) {
    th_bytes_unref(bytes);
    return th_fail(reason, error, "cannot encrypt: %s", th_error_words(error));
  }
  *sealed = bytes;
  return 0;
}

int th_seal_with_key(const void *data, size_t size, const struct th_cipher_key *key,
                     struct th_bytes **sealed, struct th_reason *reason) {
  struct th_seal seal = {0};
  memcpy(seal.id, key->id, sizeof seal.id);
  return encrypt(data, size, &seal, key->secret, sealed, reason);
}

static int derive(const struct th_seal *seal, const struct th_password *password,
                  unsigned char *key, struct th_reason *reason) {
  int error = th_crypto_password_key(password->text, password->size, seal->salt, seal->passes,
                                     seal->memory, key);
  if (error == 0) return 0;
  return th_fail(reason, error, "the password cannot be turned into a key with %" PRIu64 " KiB: %s",
                 seal->memory / 1024, th_error_words(error));
}

int th_seal_with_password(const void *data, size_t size, const struct th_password *password,
                          uint64_t passes, uint64_t memory, struct th_bytes **sealed,
                          struct th_reason *reason) {
  unsigned char key[TH_CRYPTO_KEY_SIZE];
  struct th_seal seal = {.by_password = true, .passes = passes, .memory = memory};
  if (!is_affordable(&seal) || memory % 1024 != 0) return fail_effort(&seal, TH_EUSAGE, reason);
  int error = th_crypto_random(seal.salt, sizeof seal.salt);
  if (error == 0) error = derive(&seal, password, key, reason);
  if (error == 0) error = encrypt(data, size, &seal, key, sealed, reason);
  th_crypto_wipe(key, sizeof key);
  return error;
}

/* ---- decrypting ------------------------------------------------------------------------------ */

static int find_key(const struct th_seal *seal, const struct th_seal_openers *openers,
                    unsigned char *key, struct th_reason *reason) {
  char id[TH_KEY_ID_TEXT];
  for (size_t i = 0; i < openers->key_count; i++) {
    if (memcmp(openers->keys[i]->id, seal->id, sizeof seal->id) != 0) continue;
    memcpy(key, openers->keys[i]->secret, TH_CRYPTO_KEY_SIZE);
    return 0;
  }
  return th_fail(reason, TH_ELOCKED, "it is encrypted with key %s, which is not %s",
                 th_key_id_text(seal->id, id),
                 openers->key_count == 0 ? "given" : "among those given");
}

static int find_password(const struct th_seal *seal, const struct th_seal_openers *openers,
                         unsigned char *key, struct th_reason *reason) {
  if (openers->password.text == NULL) {
    return th_fail(reason, TH_ELOCKED, "it is encrypted with a password, and none is given");
  }
  return derive(seal, &openers->password, key, reason);
}

static int decrypt(const unsigned char *sealed, size_t size, const struct th_seal *seal,
                   const unsigned char *key, struct th_bytes **data, struct th_reason *reason) {
  size_t left = size - seal->head_size;
  struct th_bytes *bytes = NULL;
  if (left >= TH_CRYPTO_SEAL_SIZE) {
    bytes = th_bytes_new(left - TH_CRYPTO_SEAL_SIZE);
    if (bytes == NULL) return th_fail(reason, TH_ENOMEM, "no memory to decrypt %zu bytes", left);
  }
  if (bytes == NULL || !th_crypto_decrypt(key, sealed, seal->head_size, sealed + seal->head_size,
                                          left, bytes->data)) {
    th_bytes_unref(bytes);
    return th_fail(reason, TH_ELOCKED,
                   seal->by_password
                     ? "it cannot be decrypted: the password is another, or the file was changed"
                     : "it cannot be decrypted: the file was changed");
  }
  *data = bytes;
  return 0;
}

int th_seal_open(const void *sealed, size_t size, const struct th_seal_openers *openers,
                 struct th_bytes **data, struct th_reason *reason) {
  struct th_seal seal;
  unsigned char key[TH_CRYPTO_KEY_SIZE];
  int error = th_seal_read(sealed, size, &seal, reason);
  if (error != 0) return error;
  error = seal.by_password ? find_password(&seal, openers, key, reason)
                           : find_key(&seal, openers, key, reason);
  if (error == 0) error = decrypt(sealed, size, &seal, key, data, reason);
  th_crypto_wipe(key, sizeof key);
  return error;
}
