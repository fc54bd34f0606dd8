/* Known answers: RFC 8032, RFC 7693, draft-irtf-cfrg-xchacha; the argon2 program and Python's hashlib
 * for passwords. */
#include "base/crypto.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static int digit(char character) {
  return (int)(strchr("0123456789abcdef", character) - "0123456789abcdef");
}

static size_t unhex(const char *text, unsigned char *bytes) {
  size_t size = strlen(text) / 2;
  for (size_t i = 0; i < size; i++) {
    bytes[i] = (unsigned char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  }
  return size;
}

static void assert_hex(const unsigned char *bytes, const char *text) {
  unsigned char wanted[256];
  assert_memory_equal(bytes, wanted, unhex(text, wanted));
}

/* ---- signatures ------------------------------------------------------------------------------ */

static const struct {
  const char *secret, *public_key, *message, *signature;
} signed_messages[] = {
  {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46"
   "b"
   "d25bf5f0595bbe24655141438e7a100b"},
  {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8"
   "c"
   "387b2eaeb4302aeeb00d291612bb0c00"},
  {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
   "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
   "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc65"
   "9"
   "4a7c15e9716ed28dc027beceea1ec40a"},
};

static void signatures_are_those_of_rfc_8032(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof signed_messages / sizeof signed_messages[0]; i++) {
    unsigned char secret[TH_CRYPTO_SECRET_SIZE], public_key[TH_CRYPTO_PUBLIC_SIZE];
    unsigned char message[2], signature[TH_CRYPTO_SIGNATURE_SIZE];
    unhex(signed_messages[i].secret, secret);
    unhex(signed_messages[i].public_key, secret + TH_CRYPTO_SEED_SIZE);
    size_t size = unhex(signed_messages[i].message, message);
    assert_true(th_crypto_public_of(secret, public_key));
    assert_hex(public_key, signed_messages[i].public_key);
    assert_int_equal(th_crypto_sign(message, size, secret, signature), 0);
    assert_hex(signature, signed_messages[i].signature);
    assert_true(th_crypto_verify(message, size, public_key, signature));
  }
}

static void a_signature_fits_its_data_and_key_alone(void **state) {
  (void)state;
  unsigned char secret[TH_CRYPTO_SECRET_SIZE], public_key[TH_CRYPTO_PUBLIC_SIZE];
  unsigned char other[TH_CRYPTO_PUBLIC_SIZE], signature[TH_CRYPTO_SIGNATURE_SIZE];
  assert_int_equal(th_crypto_keys(other, secret), 0);
  assert_int_equal(th_crypto_keys(public_key, secret), 0);
  assert_memory_not_equal(public_key, other, sizeof other);
  assert_int_equal(th_crypto_sign("abc", 3, secret, signature), 0);
  assert_true(th_crypto_verify("abc", 3, public_key, signature));
  assert_false(th_crypto_verify("abd", 3, public_key, signature));
  assert_false(th_crypto_verify("ab", 2, public_key, signature));
  assert_false(th_crypto_verify("abc", 3, other, signature));
  for (size_t i = 0; i < sizeof signature; i++) {
    signature[i] ^= 1;
    assert_false(th_crypto_verify("abc", 3, public_key, signature));
    signature[i] ^= 1;
  }
}

/* The key of all zeroes is a point of small order: everybody's signature would fit it. */
static void a_key_that_is_none_verifies_nothing(void **state) {
  (void)state;
  unsigned char zeroes[TH_CRYPTO_SIGNATURE_SIZE] = {0};
  unsigned char one[TH_CRYPTO_PUBLIC_SIZE] = {1};
  assert_false(th_crypto_verify("abc", 3, zeroes, zeroes));
  assert_false(th_crypto_verify("abc", 3, one, zeroes));
}

static void halves_of_two_secret_keys_are_no_key(void **state) {
  (void)state;
  unsigned char one[TH_CRYPTO_SECRET_SIZE], other[TH_CRYPTO_SECRET_SIZE];
  unsigned char public_key[TH_CRYPTO_PUBLIC_SIZE];
  th_crypto_keys(public_key, one);
  th_crypto_keys(public_key, other);
  memcpy(one + TH_CRYPTO_SEED_SIZE, other + TH_CRYPTO_SEED_SIZE, TH_CRYPTO_PUBLIC_SIZE);
  assert_false(th_crypto_public_of(one, public_key));
  assert_true(th_crypto_public_of(other, public_key));
}

/* ---- hashes ---------------------------------------------------------------------------------- */

static void a_hash_is_of_all_parts_in_a_row(void **state) {
  (void)state;
  unsigned char hash[TH_CRYPTO_HASH_SIZE];
  const struct th_crypto_part whole[] = {{"abc", 3}};
  const struct th_crypto_part parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
  assert_int_equal(th_crypto_hash(whole, 1, hash, sizeof hash), 0);
  assert_hex(hash, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                   "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  assert_int_equal(th_crypto_hash(parts, 3, hash, 32), 0);
  assert_hex(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

/* ---- encryption ------------------------------------------------------------------------------ */

static const char plaintext[] =
  "Ladies and Gentlemen of the class of '99: If I could offer you only "
  "one tip for the future, sunscreen would be it.";
#define PLAIN_SIZE (sizeof plaintext - 1)

static void a_known_text_is_decrypted(void **state) {
  (void)state;
  unsigned char key[TH_CRYPTO_KEY_SIZE], head[12], sealed[PLAIN_SIZE + TH_CRYPTO_SEAL_SIZE];
  unsigned char out[PLAIN_SIZE];
  unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", key);
  unhex("50515253c0c1c2c3c4c5c6c7", head);
  size_t size = unhex("404142434445464748494a4b4c4d4e4f5051525354555657"
                      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                      "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                      "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                      "21f9664c97637da9768812f615c68b13b52e"
                      "c0875924c1c7987947deafd8780acf49",
                      sealed);
  assert_int_equal(size, sizeof sealed);
  assert_true(th_crypto_decrypt(key, head, sizeof head, sealed, size, out));
  assert_memory_equal(out, plaintext, PLAIN_SIZE);
  assert_false(th_crypto_decrypt(key, head, sizeof head - 1, sealed, size, out));
}

static void what_is_encrypted_can_be_decrypted(void **state) {
  (void)state;
  unsigned char key[TH_CRYPTO_KEY_SIZE] = {5}, out[PLAIN_SIZE];
  unsigned char one[PLAIN_SIZE + TH_CRYPTO_SEAL_SIZE], other[sizeof one];
  assert_int_equal(th_crypto_encrypt(key, "h", 1, plaintext, PLAIN_SIZE, one), 0);
  assert_int_equal(th_crypto_encrypt(key, "h", 1, plaintext, PLAIN_SIZE, other), 0);
  assert_memory_not_equal(one, other, TH_CRYPTO_NONCE_SIZE);
  assert_memory_not_equal(one + TH_CRYPTO_NONCE_SIZE, other + TH_CRYPTO_NONCE_SIZE, PLAIN_SIZE);
  assert_true(th_crypto_decrypt(key, "h", 1, one, sizeof one, out));
  assert_memory_equal(out, plaintext, PLAIN_SIZE);
}

static void a_changed_byte_is_refused_and_leaves_nothing(void **state) {
  (void)state;
  static const unsigned char zeroes[3];
  unsigned char key[TH_CRYPTO_KEY_SIZE] = {5}, sealed[3 + TH_CRYPTO_SEAL_SIZE], out[3];
  th_crypto_encrypt(key, "h", 1, "abc", 3, sealed);
  for (size_t i = 0; i < sizeof sealed; i++) {
    sealed[i] ^= 0x80;
    memset(out, 1, sizeof out);
    assert_false(th_crypto_decrypt(key, "h", 1, sealed, sizeof sealed, out));
    assert_memory_equal(out, zeroes, sizeof out);
    sealed[i] ^= 0x80;
  }
  assert_false(th_crypto_decrypt(key, "i", 1, sealed, sizeof sealed, out));
  key[31] ^= 1;
  assert_false(th_crypto_decrypt(key, "h", 1, sealed, sizeof sealed, out));
  assert_false(th_crypto_decrypt(key, "h", 1, sealed, TH_CRYPTO_SEAL_SIZE - 1, out));
  assert_false(th_crypto_decrypt(key, "h", 1, sealed, 0, out));
}

/* ---- passwords ------------------------------------------------------------------------------- */

static void a_password_gives_the_key_that_argon2_gives(void **state) {
  (void)state;
  unsigned char key[TH_CRYPTO_KEY_SIZE];
  assert_int_equal(th_crypto_password_key("password", 8, (const unsigned char *)"0123456789abcdef",
                                          2, TH_CRYPTO_MEMORY_LEAST, key),
                   0);
  assert_hex(key, "46f624183046236e17a06987901e23b6fed977877090ef49f75675ac94cddd21");
}

static void what_costs_too_much_is_refused_before(void **state) {
  (void)state;
  unsigned char key[TH_CRYPTO_KEY_SIZE], salt[TH_CRYPTO_SCRYPT_SALT_SIZE] = {0};
  const uint64_t least = TH_CRYPTO_MEMORY_LEAST;
  assert_int_equal(th_crypto_password_key("p", 1, salt, 0, least, key), TH_EUSAGE);
  assert_int_equal(th_crypto_password_key("p", 1, salt, 17, least, key), TH_EUSAGE);
  assert_int_equal(th_crypto_password_key("p", 1, salt, 1, least - 1024, key), TH_EUSAGE);
  assert_int_equal(th_crypto_password_key("p", 1, salt, 1, least + 1, key), TH_EUSAGE);
  assert_int_equal(th_crypto_password_key("p", 1, salt, 1, TH_CRYPTO_MEMORY_LIMIT + 1024, key),
                   TH_EUSAGE);
  assert_int_equal(th_crypto_password_key("p", 1, salt, 1, UINT64_MAX - 1023, key), TH_EUSAGE);
  assert_int_equal(th_crypto_scrypt("p", 1, salt, (UINT64_C(1) << 25) + 1, 1 << 24, key, 32),
                   TH_EUSAGE);
  assert_int_equal(th_crypto_scrypt("p", 1, salt, 1 << 19, UINT64_MAX, key, 32), TH_EUSAGE);
}

static void scrypt_gives_what_it_gives_elsewhere(void **state) {
  (void)state;
  unsigned char salt[TH_CRYPTO_SCRYPT_SALT_SIZE], out[40];
  for (unsigned char i = 0; i < sizeof salt; i++) salt[i] = i;
  /* N = 2^14, r = 8, p = 1 */
  assert_int_equal(th_crypto_scrypt("password", 8, salt, 1 << 19, 1 << 24, out, sizeof out), 0);
  assert_hex(out,
             "42fa366219ca6b8997059907a4eb416cf8d911749572dfbcd167084b5807f524dae613657e8a2652");
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void base64_has_one_form(void **state) {
  (void)state;
  char text[TH_CRYPTO_BASE64(4) + 1];
  unsigned char bytes[4];
  th_crypto_base64("\xff\xfe\x00\x01", 4, text);
  assert_string_equal(text, "//4AAQ==");
  assert_true(th_crypto_unbase64(text, 8, bytes, 4));
  assert_memory_equal(bytes, "\xff\xfe\x00\x01", 4);
  static const char *const others[] = {"//4AAR==", "//4AAQ=",    "//4AAQ",   "//4AAQ===",
                                       "__4AAQ==", "//4A\nAQ==", " //4AAQ=", "//4AAQ=A",
                                       "//4AAQAA", "//4A===="};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_false(th_crypto_unbase64(others[i], strlen(others[i]), bytes, 4));
  }
  for (size_t i = 0; i < 8; i++) {
    text[i] = (char)(text[i] ^ 0x80);
    assert_false(th_crypto_unbase64(text, 8, bytes, 4));
    text[i] = (char)(text[i] ^ 0x80);
  }
}

static void equality_is_that_of_bytes(void **state) {
  (void)state;
  assert_true(th_crypto_equal("abc", "abd", 2));
  assert_false(th_crypto_equal("abc", "abd", 3));
  assert_true(th_crypto_equal("", "", 0));
}

static void memory_for_keys_can_be_written_and_wiped(void **state) {
  (void)state;
  static const unsigned char zeroes[33];
  unsigned char *key = th_crypto_alloc(33);
  assert_non_null(key);
  assert_int_equal(th_crypto_random(key, 33), 0);
  assert_memory_not_equal(key, zeroes, 33);
  th_crypto_wipe(key, 33);
  assert_memory_equal(key, zeroes, 33);
  th_crypto_free(key);
  th_crypto_free(NULL);
}

static void the_version_names_the_library(void **state) {
  (void)state;
  assert_non_null(strstr(th_crypto_version(), "libsodium 1."));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(signatures_are_those_of_rfc_8032),
    cmocka_unit_test(a_signature_fits_its_data_and_key_alone),
    cmocka_unit_test(a_key_that_is_none_verifies_nothing),
    cmocka_unit_test(halves_of_two_secret_keys_are_no_key),
    cmocka_unit_test(a_hash_is_of_all_parts_in_a_row),
    cmocka_unit_test(a_known_text_is_decrypted),
    cmocka_unit_test(what_is_encrypted_can_be_decrypted),
    cmocka_unit_test(a_changed_byte_is_refused_and_leaves_nothing),
    cmocka_unit_test(a_password_gives_the_key_that_argon2_gives),
    cmocka_unit_test(what_costs_too_much_is_refused_before),
    cmocka_unit_test(scrypt_gives_what_it_gives_elsewhere),
    cmocka_unit_test(base64_has_one_form),
    cmocka_unit_test(equality_is_that_of_bytes),
    cmocka_unit_test(memory_for_keys_can_be_written_and_wiped),
    cmocka_unit_test(the_version_names_the_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
