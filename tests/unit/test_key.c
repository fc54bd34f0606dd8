#include "bundle/key.h"

#include <stdint.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "minisign_made.h"

static int read_secret(const char *text, const char *password, struct th_secret_key *key,
                       struct th_reason *reason) {
  const struct th_password given = {password, password != NULL ? strlen(password) : 0};
  return th_key_read_secret(text, strlen(text), &given, key, reason);
}

static void the_keys_of_minisign_are_read(void **state) {
  (void)state;
  struct th_public_key public_key, again;
  struct th_secret_key secret_key;
  struct th_reason reason;
  char id[TH_KEY_ID_TEXT], word[TH_KEY_WORD_SIZE], text[TH_KEY_TEXT_SIZE];
  assert_int_equal(th_key_read_public(MADE_PUBLIC, strlen(MADE_PUBLIC), &public_key, &reason), 0);
  assert_string_equal(th_key_id_text(public_key.id, id), MADE_ID);
  assert_string_equal(th_key_word(&public_key, word), MADE_WORD);
  th_key_write_public(&public_key, text);
  assert_string_equal(text, MADE_PUBLIC);
  assert_int_equal(th_key_read_public(MADE_WORD, strlen(MADE_WORD), &again, &reason), 0);
  assert_true(th_key_equal(&public_key, &again));
  assert_int_equal(read_secret(MADE_SECRET, NULL, &secret_key, &reason), 0);
  th_key_public_of(&secret_key, &again);
  assert_true(th_key_equal(&public_key, &again));
}

static void a_key_file_says_what_it_is(void **state) {
  (void)state;
  struct th_cipher_key cipher;
  char text[TH_KEY_TEXT_SIZE];
  assert_int_equal(th_key_kind(MADE_PUBLIC, strlen(MADE_PUBLIC)), TH_KEY_PUBLIC);
  assert_int_equal(th_key_kind(MADE_WORD, strlen(MADE_WORD)), TH_KEY_PUBLIC);
  assert_int_equal(th_key_kind(MADE_SECRET, strlen(MADE_SECRET)), TH_KEY_SECRET);
  th_key_make_cipher(&cipher);
  th_key_write_cipher(&cipher, text);
  assert_int_equal(th_key_kind(text, strlen(text)), TH_KEY_CIPHER);
  assert_int_equal(th_key_kind("", 0), TH_KEY_NONE);
  assert_int_equal(th_key_kind("hello\n", 6), TH_KEY_NONE);
  assert_int_equal(th_key_kind(MADE_SIGNATURE, strlen(MADE_SIGNATURE)), TH_KEY_NONE);
}

static void a_pair_that_is_written_is_read_again(void **state) {
  (void)state;
  struct th_public_key public_key, public_again;
  struct th_secret_key secret_key, secret_again;
  char text[TH_KEY_TEXT_SIZE];
  assert_int_equal(th_key_make_pair(&public_key, &secret_key), 0);
  th_key_write_public(&public_key, text);
  assert_int_equal(th_key_read_public(text, strlen(text), &public_again, NULL), 0);
  assert_true(th_key_equal(&public_key, &public_again));
  assert_int_equal(th_key_write_secret(&secret_key, NULL, text, NULL), 0);
  assert_int_equal(th_key_kind(text, strlen(text)), TH_KEY_SECRET);
  assert_int_equal(read_secret(text, NULL, &secret_again, NULL), 0);
  assert_memory_equal(&secret_key, &secret_again, sizeof secret_key);
}

static void a_password_protects_a_secret_key(void **state) {
  (void)state;
  const struct th_password password = {"open sesame", 11};
  struct th_public_key public_key;
  struct th_secret_key key, again;
  struct th_reason reason;
  char text[TH_KEY_TEXT_SIZE];
  th_key_make_pair(&public_key, &key);
  assert_int_equal(th_key_write_secret(&key, &password, text, &reason), 0);
  assert_int_equal(th_key_kind(text, strlen(text)), TH_KEY_PROTECTED);
  assert_int_equal(read_secret(text, NULL, &again, &reason), TH_EKEY);
  assert_string_equal(reason.words, "the secret key is protected by a password, and none is given");
  assert_int_equal(read_secret(text, "open barley", &again, &reason), TH_EKEY);
  assert_string_equal(reason.words, "the password is not that of the key");
  assert_int_equal(read_secret(text, "open sesame", &again, &reason), 0);
  assert_memory_equal(&key, &again, sizeof key);
}

/* 2^25 operations and 1 GiB, as in minisign's own; then one more. */
static void what_asks_for_too_much_is_refused(void **state) {
  (void)state;
  struct {
    char algorithm[6];
    unsigned char salt[32], operations[8], memory[8], covered[104];
  } packed = {.algorithm = {'E', 'd', 'S', 'c', 'B', '2'}, .operations = {1, 0, 0, 2}};
  struct th_secret_key key;
  struct th_reason reason;
  char text[TH_KEY_TEXT_SIZE];
  packed.memory[2] = 1;
  th_crypto_base64(&packed, sizeof packed, text);
  assert_int_equal(read_secret(text, "password", &key, &reason), TH_EKEY);
  assert_non_null(strstr(reason.words, "asks for more than 1 GiB"));
  memset(packed.operations, 1, 2);
  memset(packed.memory, 0xff, 8);
  th_crypto_base64(&packed, sizeof packed, text);
  assert_int_equal(read_secret(text, "password", &key, &reason), TH_EKEY);
  assert_non_null(strstr(reason.words, "asks for more than 1 GiB"));
}

static void a_cipher_key_is_known_by_its_hash(void **state) {
  (void)state;
  struct th_cipher_key key, again;
  struct th_reason reason;
  char text[TH_KEY_TEXT_SIZE];
  assert_int_equal(th_key_make_cipher(&key), 0);
  th_key_write_cipher(&key, text);
  assert_int_equal(th_key_read_cipher(text, strlen(text), &again, &reason), 0);
  assert_memory_equal(&key, &again, sizeof key);
  key.secret[7] ^= 1;
  th_key_write_cipher(&key, text);
  assert_int_equal(th_key_read_cipher(text, strlen(text), &again, &reason), TH_EKEY);
  assert_string_equal(reason.words, "the encryption key is damaged");
}

static void another_kind_of_key_is_named(void **state) {
  (void)state;
  struct th_public_key public_key;
  struct th_secret_key secret_key;
  struct th_cipher_key cipher;
  struct th_reason reason;
  assert_int_equal(th_key_read_public(MADE_SECRET, strlen(MADE_SECRET), &public_key, &reason),
                   TH_EKEY);
  assert_string_equal(reason.words,
                      "it holds a secret key; wanted is a public key, as in NAME.pub");
  assert_int_equal(read_secret(MADE_PUBLIC, NULL, &secret_key, &reason), TH_EKEY);
  assert_string_equal(reason.words,
                      "it holds a public key; wanted is a secret key, as in NAME.key");
  assert_int_equal(th_key_read_cipher("", 0, &cipher, &reason), TH_EKEY);
  assert_string_equal(reason.words,
                      "it holds no key; wanted is an encryption key, of keygen --encryption");
}

/* Of a secret key without a check, as minisign writes them, some bytes are not there for anything. */
static void a_damaged_key_is_refused(void **state) {
  (void)state;
  struct th_public_key public_key;
  struct th_secret_key key, again;
  char text[TH_KEY_TEXT_SIZE];
  th_key_make_pair(&public_key, &key);
  key.secret[40] ^= 1; /* of the public half */
  assert_int_equal(th_key_write_secret(&key, NULL, text, NULL), 0);
  assert_int_equal(read_secret(text, NULL, &again, NULL), TH_EKEY);
  key.secret[40] ^= 1;
  th_key_write_secret(&key, NULL, text, NULL);
  char *line = strchr(text, '\n') + 1;
  for (size_t i = 80; i + 1 < strlen(line); i++) { /* behind salt and parameters */
    line[i] = (char)(line[i] ^ 1);
    assert_int_equal(read_secret(text, NULL, &again, NULL), TH_EKEY);
    line[i] = (char)(line[i] ^ 1);
  }
  assert_int_equal(read_secret(text, NULL, &again, NULL), 0);
}

static void lines_are_not_guessed_at(void **state) {
  (void)state;
  static const char *const texts[] = {MADE_WORD "\n\n",        "\n" MADE_WORD,
                                      " " MADE_WORD,           MADE_WORD " ",
                                      MADE_WORD "\r\n",        MADE_PUBLIC "\n",
                                      MADE_PUBLIC MADE_PUBLIC, "comment: x\n" MADE_WORD "\n",
                                      "untrusted comment: \n", "untrusted comment: " MADE_WORD};
  struct th_public_key key;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(th_key_read_public(texts[i], strlen(texts[i]), &key, NULL), TH_EKEY);
  }
  assert_int_equal(th_key_read_public(MADE_WORD "\0", TH_KEY_WORD_SIZE, &key, NULL), TH_EKEY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_keys_of_minisign_are_read),
    cmocka_unit_test(a_key_file_says_what_it_is),
    cmocka_unit_test(a_pair_that_is_written_is_read_again),
    cmocka_unit_test(a_password_protects_a_secret_key),
    cmocka_unit_test(what_asks_for_too_much_is_refused),
    cmocka_unit_test(a_cipher_key_is_known_by_its_hash),
    cmocka_unit_test(another_kind_of_key_is_named),
    cmocka_unit_test(a_damaged_key_is_refused),
    cmocka_unit_test(lines_are_not_guessed_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
