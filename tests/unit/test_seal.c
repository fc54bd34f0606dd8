#include "bundle/seal.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle/envelope.h"

static const struct th_password password = {"open sesame", 11};

static struct th_bytes *seal_with(const struct th_cipher_key *key, const char *text) {
  struct th_bytes *sealed;
  int error = key != NULL ? th_seal_with_key(text, strlen(text), key, &sealed, NULL)
                          : th_seal_with_password(text, strlen(text), &password, 1,
                                                  TH_CRYPTO_MEMORY_LEAST, &sealed, NULL);
  assert_int_equal(error, 0);
  assert_int_equal(th_envelope_kind(sealed->data, sealed->size), TH_ENVELOPE_SEALED_KIND);
  return sealed;
}

static int unseal(const struct th_bytes *sealed, const struct th_seal_openers *openers,
                  const char *text, struct th_reason *reason) {
  struct th_bytes *data;
  int error = th_seal_open(sealed->data, sealed->size, openers, &data, reason);
  if (error != 0) return error;
  assert_int_equal(data->size, strlen(text));
  assert_memory_equal(data->data, text, data->size);
  th_bytes_unref(data);
  return 0;
}

static void a_key_opens_what_it_closed(void **state) {
  (void)state;
  struct th_cipher_key key, other;
  struct th_reason reason;
  char id[TH_KEY_ID_TEXT], words[100];
  th_key_make_cipher(&key);
  th_key_make_cipher(&other);
  const struct th_cipher_key *both[] = {&other, &key};
  struct th_bytes *sealed = seal_with(&key, "secret");
  assert_int_equal(
    unseal(sealed, &(struct th_seal_openers){.keys = both, .key_count = 2}, "secret", &reason), 0);
  assert_int_equal(
    unseal(sealed, &(struct th_seal_openers){.keys = both, .key_count = 1}, "secret", &reason),
    TH_ELOCKED);
  snprintf(words, sizeof words, "it is encrypted with key %s, which is not among those given",
           th_key_id_text(key.id, id));
  assert_string_equal(reason.words, words);
  assert_int_equal(unseal(sealed, &(struct th_seal_openers){.password = password}, "", &reason),
                   TH_ELOCKED);
  th_bytes_unref(sealed);
}

static void a_password_opens_what_it_closed(void **state) {
  (void)state;
  struct th_seal seal;
  struct th_reason reason;
  struct th_bytes *sealed = seal_with(NULL, "secret");
  assert_int_equal(th_seal_read(sealed->data, sealed->size, &seal, NULL), 0);
  assert_true(seal.by_password);
  assert_int_equal(seal.passes, 1);
  assert_int_equal(seal.memory, TH_CRYPTO_MEMORY_LEAST);
  assert_int_equal(unseal(sealed, &(struct th_seal_openers){.password = password}, "secret", NULL),
                   0);
  assert_int_equal(
    unseal(sealed, &(struct th_seal_openers){.password = {"barley", 6}}, "", &reason), TH_ELOCKED);
  assert_string_equal(reason.words,
                      "it cannot be decrypted: the password is another, or the file was changed");
  assert_int_equal(unseal(sealed, &(struct th_seal_openers){0}, "", &reason), TH_ELOCKED);
  assert_string_equal(reason.words, "it is encrypted with a password, and none is given");
  th_bytes_unref(sealed);
}

static void nothing_is_sealed_alike_twice(void **state) {
  (void)state;
  struct th_cipher_key key;
  th_key_make_cipher(&key);
  struct th_bytes *one = seal_with(&key, "secret"), *other = seal_with(&key, "secret");
  assert_int_equal(one->size, other->size);
  assert_memory_not_equal(one->data, other->data, one->size);
  th_bytes_unref(one);
  th_bytes_unref(other);
}

static void assert_every_byte_counts(struct th_bytes *sealed, const struct th_seal_openers *openers,
                                     size_t from) {
  for (size_t i = from; i < sealed->size; i++) {
    unsigned char before = sealed->data[i];
    for (int change = 1; change < 256; change <<= 1) {
      sealed->data[i] = (unsigned char)(before ^ change);
      if (unseal(sealed, openers, "", NULL) == 0) fail_msg("byte %zu may be changed", i);
    }
    sealed->data[i] = before;
  }
  assert_int_equal(unseal(sealed, openers, "secret", NULL), 0);
}

static void every_byte_counts(void **state) {
  (void)state;
  struct th_cipher_key key;
  th_key_make_cipher(&key);
  const struct th_cipher_key *keys[] = {&key};
  const struct th_seal_openers openers = {.keys = keys, .key_count = 1, .password = password};
  struct th_bytes *sealed = seal_with(&key, "secret");
  assert_every_byte_counts(sealed, &openers, 0);
  for (size_t size = 0; size < sealed->size; size++) {
    struct th_bytes *cut = th_bytes_copy(sealed->data, size);
    assert_int_equal(unseal(cut, &openers, "", NULL), TH_ELOCKED);
    th_bytes_unref(cut);
  }
  th_bytes_unref(sealed);
}

/* One bit of each byte, since a byte of the salt or of the body costs a whole derivation. */
static void every_byte_counts_behind_a_password_too(void **state) {
  (void)state;
  const struct th_seal_openers openers = {.password = password};
  struct th_bytes *sealed = seal_with(NULL, "secret");
  for (size_t i = 0; i < sealed->size; i++) {
    sealed->data[i] ^= 1;
    if (unseal(sealed, &openers, "", NULL) == 0) fail_msg("byte %zu may be changed", i);
    sealed->data[i] ^= 1;
  }
  assert_int_equal(unseal(sealed, &openers, "secret", NULL), 0);
  th_bytes_unref(sealed);
}

#define SALT "AAAAAAAAAAAAAAAAAAAAAA=="

static void assert_head(const char *head, const char *words) {
  struct th_seal seal;
  struct th_reason reason = {""};
  int error = th_seal_read(head, strlen(head), &seal, &reason);
  assert_int_equal(error, words != NULL ? TH_ELOCKED : 0);
  if (words != NULL && strstr(reason.words, words) == NULL) {
    fail_msg("%s: %s: not %s", head, reason.words, words);
  }
}

static void strangers_cannot_ask_for_too_much(void **state) {
  (void)state;
  assert_head("thespian encrypted 1\npassword argon2id 16 524288 " SALT "\n\n", NULL);
  static const char *const parameters[] = {"17 524288",
                                           "16 524289",
                                           "0 524288",
                                           "1 8191",
                                           "99999999999999999999 8192",
                                           "1 99999999999999999999",
                                           "1 4294967296"};
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    char head[128];
    snprintf(head, sizeof head, "thespian encrypted 1\npassword argon2id %s " SALT "\n\n",
             parameters[i]);
    assert_head(head, "is outside of what is allowed: 1 to 16 passes over 8192 to 524288 KiB");
  }
}

static void a_head_has_one_form(void **state) {
  (void)state;
  static const char *const heads[] = {
    "thespian encrypted 1\n",
    "thespian encrypted 1\n\n",
    "thespian encrypted 1\nkey 0123456789ABCDEF\n",
    "thespian encrypted 1\nkey 0123456789ABCDEF\nx",
    "thespian encrypted 1\nkey 0123456789abcdef\n\n",
    "thespian encrypted 1\nkey 0123456789ABCDEF0\n\n",
    "thespian encrypted 1\nkey  123456789ABCDEF\n\n",
    "thespian encrypted 1\npassword argon2id 01 8192 " SALT "\n\n",
    "thespian encrypted 1\npassword argon2id 1 8192  " SALT "\n\n",
    "thespian encrypted 1\npassword argon2id 1 8192 " SALT " \n\n",
    "thespian encrypted 1\npassword argon2id 1 8192 AAAA\n\n",
    "thespian encrypted 1\npassword argon2i 1 8192 " SALT "\n\n",
  };
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) assert_head(heads[i], "is damaged");
  assert_head("thespian encrypted 1\nkey 0123456789ABCDEF\n\n", NULL);
  assert_head("thespian encrypted 2\nkey 0123456789ABCDEF\n\n", "does not know");
  assert_head("PK\3\4", "it is not encrypted");
}

static void parameters_of_ours_are_checked_too(void **state) {
  (void)state;
  struct th_bytes *sealed;
  struct th_reason reason;
  assert_int_equal(th_seal_with_password("x", 1, &password, 1, 1024, &sealed, &reason), TH_EUSAGE);
  assert_non_null(strstr(reason.words, "1 passes over 1 KiB is outside of what is allowed"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_key_opens_what_it_closed),
    cmocka_unit_test(a_password_opens_what_it_closed),
    cmocka_unit_test(nothing_is_sealed_alike_twice),
    cmocka_unit_test(every_byte_counts),
    cmocka_unit_test(every_byte_counts_behind_a_password_too),
    cmocka_unit_test(strangers_cannot_ask_for_too_much),
    cmocka_unit_test(a_head_has_one_form),
    cmocka_unit_test(parameters_of_ours_are_checked_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
