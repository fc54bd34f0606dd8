#include "bundle/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "minisign_made.h"

#define KEYS 17

struct people {
  struct th_public_key public_keys[KEYS];
  struct th_secret_key secret_keys[KEYS];
};

static struct people people_new(void) {
  struct people people;
  for (size_t i = 0; i < KEYS; i++) {
    assert_int_equal(th_key_make_pair(&people.public_keys[i], &people.secret_keys[i]), 0);
  }
  return people;
}

/* Signed by those from first on, count of them. Takes bundle. */
static struct th_bytes *sign(struct th_bytes *bundle, const struct people *people, size_t first,
                             size_t count) {
  for (size_t i = first; i < first + count; i++) {
    struct th_bytes *next;
    assert_int_equal(th_envelope_sign(bundle->data, bundle->size, &people->secret_keys[i], "file:x",
                                      6, &next, NULL),
                     0);
    th_bytes_unref(bundle);
    bundle = next;
  }
  return bundle;
}

static struct th_bytes *bundle_of(const char *text) {
  return th_bytes_copy(text, strlen(text));
}

static void assert_refused(const void *data, size_t size, const char *words) {
  struct th_envelope envelope;
  struct th_reason reason = {""};
  assert_int_equal(th_envelope_open(data, size, &envelope, &reason), TH_ESIGNATURE);
  if (strstr(reason.words, words) == NULL) fail_msg("%s: not %s", reason.words, words);
}

static void the_first_bytes_tell_the_kind(void **state) {
  (void)state;
  assert_int_equal(th_envelope_kind("", 0), TH_ENVELOPE_PLAIN_KIND);
  assert_int_equal(th_envelope_kind("PK\3\4", 4), TH_ENVELOPE_PLAIN_KIND);
  assert_int_equal(th_envelope_kind("thespian signed", 15), TH_ENVELOPE_PLAIN_KIND);
  assert_int_equal(th_envelope_kind("thespian signed 9", 17), TH_ENVELOPE_SIGNED_KIND);
  assert_int_equal(th_envelope_kind("thespian encrypted 1\n", 21), TH_ENVELOPE_SEALED_KIND);
}

static void a_signed_bundle_gives_its_payload_and_signers(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of("payload"), &people, 0, 3);
  struct th_envelope envelope;
  assert_int_equal(th_envelope_open(bundle->data, bundle->size, &envelope, NULL), 0);
  assert_int_equal(envelope.count, 3);
  assert_int_equal(envelope.payload_size, 7);
  assert_memory_equal(envelope.payload, "payload", 7);
  for (size_t i = 0; i < 3; i++) {
    assert_memory_equal(envelope.signers[i].signature.comment, "file:x", 6);
  }
  th_bytes_unref(bundle);
}

static void an_empty_payload_can_be_signed(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of(""), &people, 0, 1);
  struct th_envelope envelope;
  assert_int_equal(th_envelope_open(bundle->data, bundle->size, &envelope, NULL), 0);
  assert_int_equal(envelope.payload_size, 0);
  th_bytes_unref(bundle);
}

static void distinct_keys_are_counted(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of("payload"), &people, 0, 3);
  struct th_envelope envelope;
  assert_int_equal(th_envelope_open(bundle->data, bundle->size, &envelope, NULL), 0);
  assert_int_equal(th_envelope_count(&envelope, people.public_keys, 5), 3);
  assert_int_equal(th_envelope_count(&envelope, people.public_keys + 1, 5), 2);
  assert_int_equal(th_envelope_count(&envelope, people.public_keys + 3, 5), 0);
  assert_int_equal(th_envelope_count(&envelope, NULL, 0), 0);
  struct th_public_key twice[] = {people.public_keys[0], people.public_keys[0]};
  assert_int_equal(th_envelope_count(&envelope, twice, 2), 1);
  twice[0].id[0] ^= 1; /* the same point under another id is another key */
  assert_int_equal(th_envelope_count(&envelope, twice, 1), 0);
  th_bytes_unref(bundle);
}

static void the_order_of_signing_makes_no_difference(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *one = sign(sign(bundle_of("payload"), &people, 0, 2), &people, 2, 2);
  struct th_bytes *other = sign(sign(bundle_of("payload"), &people, 2, 2), &people, 0, 2);
  assert_int_equal(one->size, other->size);
  assert_memory_equal(one->data, other->data, one->size);
  struct th_bytes *again = sign(th_bytes_ref(one), &people, 1, 1);
  assert_int_equal(again->size, one->size);
  assert_memory_equal(again->data, one->data, one->size);
  th_bytes_unref(one);
  th_bytes_unref(other);
  th_bytes_unref(again);
}

/* Nobody's key is given: the signatures of strangers are held to the byte, too. */
static void every_byte_counts(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of("pay"), &people, 0, 2);
  struct th_envelope envelope;
  for (size_t i = 0; i < bundle->size; i++) {
    unsigned char before = bundle->data[i];
    for (int change = 1; change < 256; change <<= 1) {
      bundle->data[i] = (unsigned char)(before ^ change);
      if (th_envelope_open(bundle->data, bundle->size, &envelope, NULL) == 0) {
        fail_msg("byte %zu: %d may be %d", i, before, bundle->data[i]);
      }
    }
    bundle->data[i] = before;
  }
  assert_int_equal(th_envelope_open(bundle->data, bundle->size, &envelope, NULL), 0);
  for (size_t size = 0; size < bundle->size; size++) {
    struct th_bytes *cut = th_bytes_copy(bundle->data, size); /* so that reading past it is seen */
    assert_int_equal(th_envelope_open(cut->data, size, &envelope, NULL), TH_ESIGNATURE);
    th_bytes_unref(cut);
  }
  th_bytes_unref(bundle);
}

static void a_signature_of_minisign_can_be_attached(void **state) {
  (void)state;
  static const char *const texts[] = {MADE_SIGNATURE, MADE_LEGACY};
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of(MADE_DATA), &people, 0, 1);
  struct th_public_key key;
  th_key_read_public(MADE_WORD, strlen(MADE_WORD), &key, NULL);
  for (size_t i = 0; i < 2; i++) {
    struct th_bytes *more;
    struct th_envelope envelope;
    assert_int_equal(
      th_envelope_attach(bundle->data, bundle->size, texts[i], strlen(texts[i]), &key, &more, NULL),
      0);
    assert_int_equal(th_envelope_open(more->data, more->size, &envelope, NULL), 0);
    assert_int_equal(envelope.count, 2);
    assert_int_equal(th_envelope_count(&envelope, &key, 1), 1);
    th_bytes_unref(more);
  }
  th_bytes_unref(bundle);
}

static void a_signature_for_something_else_is_not_attached(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_public_key key;
  struct th_bytes *bundle;
  struct th_reason reason;
  th_key_read_public(MADE_WORD, strlen(MADE_WORD), &key, NULL);
  assert_int_equal(
    th_envelope_attach("hello", 5, MADE_SIGNATURE, strlen(MADE_SIGNATURE), &key, &bundle, &reason),
    TH_ESIGNATURE);
  assert_string_equal(reason.words, "the signature by key " MADE_ID
                                    " does not fit the bundle: one of the two was changed");
  assert_int_equal(th_envelope_attach(MADE_DATA, strlen(MADE_DATA), MADE_SIGNATURE "\n",
                                      strlen(MADE_SIGNATURE) + 1, &key, &bundle, &reason),
                   TH_ESIGNATURE);
  assert_string_equal(reason.words, "more follows than one signature");
  assert_int_equal(th_envelope_attach(MADE_DATA, strlen(MADE_DATA), MADE_SIGNATURE,
                                      strlen(MADE_SIGNATURE), &people.public_keys[0], &bundle,
                                      &reason),
                   TH_ESIGNATURE);
  assert_non_null(strstr(reason.words, "it is a signature by key " MADE_ID ", not by key "));
}

static void there_is_a_limit_to_signatures(void **state) {
  (void)state;
  const struct people people = people_new();
  struct th_bytes *bundle = sign(bundle_of("payload"), &people, 0, TH_ENVELOPE_SIGNERS), *more;
  struct th_reason reason;
  assert_int_equal(th_envelope_sign(bundle->data, bundle->size,
                                    &people.secret_keys[TH_ENVELOPE_SIGNERS], "", 0, &more,
                                    &reason),
                   TH_EUSAGE);
  assert_string_equal(reason.words, "the bundle has 16 signatures already, which is the limit");
  th_bytes_unref(bundle);
}

static void one_envelope_holds_no_other(void **state) {
  (void)state;
  static const char inner[] = "thespian signed 1\n\nx";
  const struct people people = people_new();
  struct th_bytes *bundle;
  struct th_reason reason;
  assert_int_equal(
    th_envelope_sign("thespian encrypted 1\n", 21, people.secret_keys, "", 0, &bundle, &reason),
    TH_ESIGNATURE);
  assert_string_equal(reason.words, "the bundle is encrypted; sign first, then encrypt");
  /* One that somebody makes all the same. */
  bundle = sign(bundle_of("twespian signed 1\n\nx"), &people, 0, 1);
  struct th_signed_data subject;
  struct th_signature signature;
  struct th_buffer text;
  char untrusted[80] = "public key ";
  th_key_word(people.public_keys, untrusted + strlen(untrusted));
  th_signature_prepare(&subject, inner, strlen(inner));
  th_signature_make(&subject, people.secret_keys, "", 0, &signature, NULL);
  signature.untrusted = untrusted;
  signature.untrusted_size = strlen(untrusted);
  th_buffer_init(&text);
  th_buffer_printf(&text, "thespian signed 1\n");
  th_signature_write(&signature, &text);
  th_buffer_printf(&text, "\n%s", inner);
  assert_refused(text.data, text.size, "holds another that is signed");
  th_buffer_clear(&text);
  th_bytes_unref(bundle);
}

static void reasons_say_what_is_wrong(void **state) {
  (void)state;
  assert_refused("PK\3\4", 4, "the bundle is not signed");
  assert_refused("thespian signed 2\nx", 19, "in a way that this version does not know");
  assert_refused("thespian signed 1\n\nx", 20, "is said to be signed, but by nobody");
  assert_refused("thespian signed 1\nx", 19, "signature 1 of the bundle is damaged: line 1 of the");
  static const char made[] = "thespian signed 1\n" MADE_SIGNATURE "\n" MADE_DATA;
  assert_refused(made, strlen(made), "its first line does not tell its public key");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_bytes_tell_the_kind),
    cmocka_unit_test(a_signed_bundle_gives_its_payload_and_signers),
    cmocka_unit_test(an_empty_payload_can_be_signed),
    cmocka_unit_test(distinct_keys_are_counted),
    cmocka_unit_test(the_order_of_signing_makes_no_difference),
    cmocka_unit_test(every_byte_counts),
    cmocka_unit_test(a_signature_of_minisign_can_be_attached),
    cmocka_unit_test(a_signature_for_something_else_is_not_attached),
    cmocka_unit_test(there_is_a_limit_to_signatures),
    cmocka_unit_test(one_envelope_holds_no_other),
    cmocka_unit_test(reasons_say_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
