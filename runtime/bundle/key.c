#include "bundle/key.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- what base64 holds, byte for byte; there is no padding between bytes -------------------- */

struct packed_public {
  char algorithm[2]; /* Ed */
  struct th_public_key key;
};

struct packed_cipher {
  char algorithm[2]; /* XC */
  struct th_cipher_key key;
};

/* What a password covers. */
struct covered {
  struct th_secret_key key;
  unsigned char check[32];
};

struct packed_secret {
  char algorithm[2];       /* Ed */
  char protection[2];      /* Sc, or zeroes: none */
  char check_algorithm[2]; /* B2 */
  unsigned char salt[TH_CRYPTO_SCRYPT_SALT_SIZE];
  unsigned char operations[8]; /* of scrypt, the low byte first */
  unsigned char memory[8];
  struct covered covered;
};

_Static_assert(sizeof(struct packed_public) == 42, "minisign's public key");
_Static_assert(sizeof(struct packed_secret) == 158, "minisign's secret key");
_Static_assert(TH_KEY_WORD_SIZE == TH_CRYPTO_BASE64(sizeof(struct packed_public)) + 1, "its word");

#define SIGNS "Ed"
#define ENCRYPTS "XC"
#define PROTECTED "Sc"
#define UNPROTECTED "\0\0"
#define CHECKED "B2"

/* What is spent on the password of a new key: N = 2^18, r = 8, p = 1, twice what OWASP asks for. */
#define OPERATIONS ((uint64_t)1 << 23)
#define MEMORY ((uint64_t)256 << 20)

#define COMMENT "untrusted comment: "
#define COMMENT_LIMIT 1024

/* ---- making ---------------------------------------------------------------------------------- */

int th_key_make_pair(struct th_public_key *public_key, struct th_secret_key *secret_key) {
  int error = th_crypto_random(secret_key->id, sizeof secret_key->id);
  if (error == 0) error = th_crypto_keys(public_key->point, secret_key->secret);
  memcpy(public_key->id, secret_key->id, sizeof public_key->id);
  return error;
}

static int set_cipher_id(struct th_cipher_key *key) {
  static const char domain[] = "thespian cipher key";
  unsigned char hash[16];
  const struct th_crypto_part parts[] = {{domain, sizeof domain},
                                         {key->secret, sizeof key->secret}};
  int error = th_crypto_hash(parts, 2, hash, sizeof hash);
  if (error == 0) memcpy(key->id, hash, sizeof key->id);
  return error;
}

int th_key_make_cipher(struct th_cipher_key *key) {
  int error = th_crypto_random(key->secret, sizeof key->secret);
  return error != 0 ? error : set_cipher_id(key);
}

void th_key_public_of(const struct th_secret_key *secret_key, struct th_public_key *public_key) {
  memcpy(public_key->id, secret_key->id, sizeof public_key->id);
  memcpy(public_key->point, secret_key->secret + TH_CRYPTO_SEED_SIZE, sizeof public_key->point);
}

bool th_key_equal(const struct th_public_key *left, const struct th_public_key *right) {
  return memcmp(left->id, right->id, sizeof left->id) == 0 &&
         memcmp(left->point, right->point, sizeof left->point) == 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

const char *th_key_id_text(const unsigned char *id, char *text) {
  for (size_t i = 0; i < TH_KEY_ID_SIZE; i++) {
    text[2 * i] = "0123456789ABCDEF"[id[TH_KEY_ID_SIZE - 1 - i] >> 4];
    text[2 * i + 1] = "0123456789ABCDEF"[id[TH_KEY_ID_SIZE - 1 - i] & 15];
  }
  text[2 * TH_KEY_ID_SIZE] = '\0';
  return text;
}

static uint64_t read_number(const unsigned char *bytes) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; i--) number = number << 8 | bytes[i];
  return number;
}

static void write_number(unsigned char *bytes, uint64_t number) {
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(number >> 8 * i);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The line of base64 in the text of a key file, or all of a text of one line. */
struct word {
  const char *text;
  size_t size;
};

static struct word find_word(const char *text, size_t size) {
  static const struct word none = {"", 0};
  if (size > COMMENT_LIMIT + TH_KEY_TEXT_SIZE || memchr(text, '\0', size) != NULL) return none;
  if (size > 0 && text[size - 1] == '\n') size--;
  if (size >= sizeof COMMENT - 1 && memcmp(text, COMMENT, sizeof COMMENT - 1) == 0) {
    const char *end = memchr(text, '\n', size);
    if (end == NULL) return none;
    size -= (size_t)(end + 1 - text);
    text = end + 1;
  }
  return (struct word){text, size};
}

static bool has_letters(const char *letters, const char *wanted) {
  return memcmp(letters, wanted, 2) == 0;
}

static bool unpack_secret(const struct word *word, struct packed_secret *packed) {
  return th_crypto_unbase64(word->text, word->size, packed, sizeof *packed) &&
         has_letters(packed->algorithm, SIGNS) && has_letters(packed->check_algorithm, CHECKED) &&
         (has_letters(packed->protection, PROTECTED) ||
          has_letters(packed->protection, UNPROTECTED));
}

enum th_key_kind th_key_kind(const char *text, size_t size) {
  struct word word = find_word(text, size);
  struct packed_cipher cipher; /* of a public key's size */
  struct packed_secret secret;
  enum th_key_kind kind = TH_KEY_NONE;
  if (th_crypto_unbase64(word.text, word.size, &cipher, sizeof cipher)) {
    if (has_letters(cipher.algorithm, SIGNS)) kind = TH_KEY_PUBLIC;
    if (has_letters(cipher.algorithm, ENCRYPTS)) kind = TH_KEY_CIPHER;
  } else if (unpack_secret(&word, &secret)) {
    kind = has_letters(secret.protection, PROTECTED) ? TH_KEY_PROTECTED : TH_KEY_SECRET;
  }
  th_crypto_wipe(&cipher, sizeof cipher);
  th_crypto_wipe(&secret, sizeof secret);
  return kind;
}

static int refuse(const char *text, size_t size, const char *wanted, struct th_reason *reason) {
  static const char *const kinds[] = {
    [TH_KEY_NONE] = "no key",
    [TH_KEY_PUBLIC] = "a public key",
    [TH_KEY_SECRET] = "a secret key",
    [TH_KEY_PROTECTED] = "a secret key",
    [TH_KEY_CIPHER] = "an encryption key",
  };
  return th_fail(reason, TH_EKEY, "it holds %s; wanted is %s", kinds[th_key_kind(text, size)],
                 wanted);
}

int th_key_read_public(const char *text, size_t size, struct th_public_key *key,
                       struct th_reason *reason) {
  struct word word = find_word(text, size);
  struct packed_public packed;
  bool is_key = th_crypto_unbase64(word.text, word.size, &packed, sizeof packed) &&
                has_letters(packed.algorithm, SIGNS);
  if (is_key) *key = packed.key;
  th_crypto_wipe(&packed, sizeof packed); /* it may have been another kind of key */
  return is_key ? 0 : refuse(text, size, "a public key, as in NAME.pub", reason);
}

int th_key_read_cipher(const char *text, size_t size, struct th_cipher_key *key,
                       struct th_reason *reason) {
  struct word word = find_word(text, size);
  struct packed_cipher packed;
  int error = 0;
  bool is_key = th_crypto_unbase64(word.text, word.size, &packed, sizeof packed) &&
                has_letters(packed.algorithm, ENCRYPTS);
  if (!is_key) {
    error = refuse(text, size, "an encryption key, of keygen --encryption", reason);
  } else {
    *key = packed.key;
    error = set_cipher_id(key);
    if (error == 0 && memcmp(key->id, packed.key.id, sizeof key->id) != 0) {
      error = th_fail(reason, TH_EKEY, "the encryption key is damaged");
    }
    if (error != 0) th_crypto_wipe(key, sizeof *key);
  }
  th_crypto_wipe(&packed, sizeof packed);
  return error;
}

/* ---- secret keys ----------------------------------------------------------------------------- */

static int hash_secret(const struct th_secret_key *key, unsigned char *check) {
  const struct th_crypto_part parts[] = {
    {SIGNS, 2}, {key->id, sizeof key->id}, {key->secret, sizeof key->secret}};
  return th_crypto_hash(parts, 3, check, sizeof((struct covered *)NULL)->check);
}

/* Covers what is bare, and bares what is covered. */
static int cover(struct packed_secret *packed, const struct th_password *password) {
  unsigned char stream[sizeof packed->covered];
  int error = th_crypto_scrypt(password->text, password->size, packed->salt,
                               read_number(packed->operations), read_number(packed->memory), stream,
                               sizeof stream);
  unsigned char *bytes = (unsigned char *)&packed->covered;
  for (size_t i = 0; i < sizeof stream && error == 0; i++) bytes[i] ^= stream[i];
  th_crypto_wipe(stream, sizeof stream);
  return error;
}

static int fail_cover(int error, struct th_reason *reason) {
  if (error == TH_EUSAGE) {
    return th_fail(reason, TH_EKEY,
                   "the secret key asks for more than 1 GiB, or longer than minisign's own do, to "
                   "turn its password into a key");
  }
  return th_fail(reason, error, "its password cannot be turned into a key: %s",
                 th_error_words(error));
}

static int bare(struct packed_secret *packed, const struct th_password *password,
                struct th_reason *reason) {
  if (has_letters(packed->protection, UNPROTECTED)) return 0;
  if (password == NULL || password->text == NULL) {
    return th_fail(reason, TH_EKEY, "the secret key is protected by a password, and none is given");
  }
  int error = cover(packed, password);
  return error != 0 ? fail_cover(error, reason) : 0;
}

/* minisign writes zeroes as the check of a key without a password. */
static bool is_sound(const struct packed_secret *packed) {
  static const unsigned char zeroes[sizeof packed->covered.check];
  unsigned char check[sizeof packed->covered.check];
  unsigned char point[TH_CRYPTO_PUBLIC_SIZE];
  if (hash_secret(&packed->covered.key, check) != 0) return false;
  bool is_right = th_crypto_equal(check, packed->covered.check, sizeof check) ||
                  (has_letters(packed->protection, UNPROTECTED) &&
                   th_crypto_equal(zeroes, packed->covered.check, sizeof zeroes));
  return is_right && th_crypto_public_of(packed->covered.key.secret, point);
}

int th_key_read_secret(const char *text, size_t size, const struct th_password *password,
                       struct th_secret_key *key, struct th_reason *reason) {
  struct word word = find_word(text, size);
  struct packed_secret packed;
  int error = 0;
  if (!unpack_secret(&word, &packed)) {
    error = refuse(text, size, "a secret key, as in NAME.key", reason);
  } else if ((error = bare(&packed, password, reason)) == 0 && !is_sound(&packed)) {
    bool is_open = has_letters(packed.protection, UNPROTECTED);
    error = th_fail(reason, TH_EKEY,
                    is_open ? "the secret key is damaged" : "the password is not that of the key");
  }
  if (error == 0) *key = packed.covered.key;
  th_crypto_wipe(&packed, sizeof packed);
  return error;
}

/* ---- writing --------------------------------------------------------------------------------- */

const char *th_key_word(const struct th_public_key *key, char *word) {
  struct packed_public packed = {.algorithm = {'E', 'd'}, .key = *key};
  th_crypto_base64(&packed, sizeof packed, word);
  return word;
}

/* Appends the line of base64 to the line of the comment. */
static void end_text(char *text, const void *packed, size_t size) {
  char *end = text + strlen(text);
  th_crypto_base64(packed, size, end);
  strcat(end, "\n");
}

void th_key_write_public(const struct th_public_key *key, char *text) {
  char id[TH_KEY_ID_TEXT];
  struct packed_public packed = {.algorithm = {'E', 'd'}, .key = *key};
  snprintf(text, TH_KEY_TEXT_SIZE, COMMENT "minisign public key %s\n", th_key_id_text(key->id, id));
  end_text(text, &packed, sizeof packed);
}

void th_key_write_cipher(const struct th_cipher_key *key, char *text) {
  char id[TH_KEY_ID_TEXT];
  struct packed_cipher packed = {.algorithm = {'X', 'C'}, .key = *key};
  snprintf(text, TH_KEY_TEXT_SIZE, COMMENT "thespian encryption key %s\n",
           th_key_id_text(key->id, id));
  end_text(text, &packed, sizeof packed);
  th_crypto_wipe(&packed, sizeof packed);
}

int th_key_write_secret(const struct th_secret_key *key, const struct th_password *password,
                        char *text, struct th_reason *reason) {
  bool is_protected = password != NULL && password->text != NULL;
  struct packed_secret packed = {
    .algorithm = {'E', 'd'}, .check_algorithm = {'B', '2'}, .covered.key = *key};
  int error = hash_secret(key, packed.covered.check);
  if (error == 0 && is_protected) {
    memcpy(packed.protection, PROTECTED, sizeof packed.protection);
    write_number(packed.operations, OPERATIONS);
    write_number(packed.memory, MEMORY);
    error = th_crypto_random(packed.salt, sizeof packed.salt);
    if (error == 0 && (error = cover(&packed, password)) != 0) error = fail_cover(error, reason);
  }
  if (error == 0) {
    snprintf(text, TH_KEY_TEXT_SIZE, COMMENT "minisign %ssecret key\n",
             is_protected ? "encrypted " : "");
    end_text(text, &packed, sizeof packed);
  }
  th_crypto_wipe(&packed, sizeof packed);
  return error;
}
