#include "bundle/signature.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"
#include "minisign_made.h"

static struct th_public_key made_key(void) {
  struct th_public_key key;
  assert_int_equal(th_key_read_public(MADE_WORD, strlen(MADE_WORD), &key, NULL), 0);
  return key;
}

static struct th_secret_key made_secret(void) {
  struct th_secret_key key;
  assert_int_equal(th_key_read_secret(MADE_SECRET, strlen(MADE_SECRET), NULL, &key, NULL), 0);
  return key;
}

static struct th_signed_data prepare(const char *data) {
  struct th_signed_data subject;
  assert_int_equal(th_signature_prepare(&subject, data, strlen(data)), 0);
  return subject;
}

static bool verifies(const char *text, const char *data) {
  const struct th_public_key key = made_key();
  const struct th_signed_data subject = prepare(data);
  struct th_signature signature;
  size_t used;
  return th_signature_read(text, strlen(text), &signature, &used, NULL) == 0 &&
         used == strlen(text) && th_signature_verify(&signature, &key, &subject);
}

static void signatures_of_minisign_are_verified(void **state) {
  (void)state;
  assert_true(verifies(MADE_SIGNATURE, MADE_DATA));
  assert_true(verifies(MADE_LEGACY, MADE_DATA));
  assert_false(verifies(MADE_SIGNATURE, "hello"));
  assert_false(verifies(MADE_LEGACY, "Hello\n"));
}

static void comments_are_there(void **state) {
  (void)state;
  struct th_signature signature;
  size_t used;
  assert_int_equal(
    th_signature_read(MADE_SIGNATURE "more", strlen(MADE_SIGNATURE) + 4, &signature, &used, NULL),
    0);
  assert_int_equal(used, strlen(MADE_SIGNATURE));
  assert_int_equal(signature.comment_size, strlen("timestamp:1795385907\tfile:f\thashed"));
  assert_memory_equal(signature.comment, "timestamp:1795385907\tfile:f\thashed",
                      signature.comment_size);
  assert_memory_equal(signature.untrusted, "signature from minisign secret key",
                      signature.untrusted_size);
  assert_true(signature.is_of_hash);
}

static void what_was_read_is_written_alike(void **state) {
  (void)state;
  static const char *const texts[] = {MADE_SIGNATURE, MADE_LEGACY};
  for (size_t i = 0; i < 2; i++) {
    struct th_signature signature;
    struct th_buffer text;
    size_t used;
    th_buffer_init(&text);
    th_signature_read(texts[i], strlen(texts[i]), &signature, &used, NULL);
    th_signature_write(&signature, &text);
    assert_int_equal(text.size, strlen(texts[i]));
    assert_memory_equal(text.data, texts[i], text.size);
    th_buffer_clear(&text);
  }
}

/* Ed25519 draws nothing by chance, so the same key says the same as minisign did. */
static void a_signature_is_the_one_minisign_makes(void **state) {
  (void)state;
  static const char comment[] = "timestamp:1795385907\tfile:f\thashed";
  const struct th_secret_key key = made_secret();
  const struct th_signed_data subject = prepare(MADE_DATA);
  struct th_signature signature;
  struct th_buffer text;
  th_buffer_init(&text);
  assert_int_equal(th_signature_make(&subject, &key, comment, strlen(comment), &signature, NULL),
                   0);
  th_signature_write(&signature, &text);
  const char *ours = memchr(text.data, '\n', text.size);
  const char *theirs = strchr(MADE_SIGNATURE, '\n');
  assert_memory_equal(ours, theirs, strlen(theirs));
  th_buffer_clear(&text);
}

/* But for the first line, which nobody signs and nobody believes. */
static void a_changed_byte_is_refused(void **state) {
  (void)state;
  char *text = th_strdup(MADE_SIGNATURE);
  size_t first = strcspn(text, "\n");
  for (size_t i = first; i < strlen(MADE_SIGNATURE); i++) {
    for (int change = 1; change < 256; change <<= 1) {
      text[i] = (char)(MADE_SIGNATURE[i] ^ change);
      if (verifies(text, MADE_DATA)) fail_msg("byte %zu may be \"%c\"", i, text[i]);
    }
    text[i] = MADE_SIGNATURE[i];
  }
  assert_true(verifies(text, MADE_DATA));
  for (size_t i = strlen(text); i-- > 0;) {
    text[i] = '\0';
    assert_false(verifies(text, MADE_DATA));
  }
  free(text);
}

static void a_reason_tells_the_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } cases[] = {
    {"", "line 1 of the signature is cut off"},
    {"comment: x\n", "line 1 of the signature does not begin with \"untrusted comment: \""},
    {"untrusted comment: x\nRWQ\n", "line 2 of the signature is not the base64 of a signature"},
    {"untrusted comment: \x1b[2J\n",
     "line 1 of the signature is no comment: it is too long, not UTF-8, or has control characters"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct th_signature signature;
    struct th_reason reason;
    size_t used;
    assert_int_equal(
      th_signature_read(cases[i].text, strlen(cases[i].text), &signature, &used, &reason),
      TH_ESIGNATURE);
    assert_string_equal(reason.words, cases[i].words);
  }
}

static void comments_are_text(void **state) {
  (void)state;
  const struct th_secret_key key = made_secret();
  const struct th_signed_data subject = prepare("");
  struct th_signature signature;
  struct th_reason reason;
  char *longest = th_alloc_zeroed(TH_SIGNATURE_COMMENT_LIMIT + 2, 1);
  memset(longest, 'x', TH_SIGNATURE_COMMENT_LIMIT);
  assert_null(th_signature_comment_fault("", 0));
  assert_null(th_signature_comment_fault("a\tb \xc3\xa9", 6));
  assert_string_equal(th_signature_comment_fault("a\nb", 3), "has control characters");
  assert_string_equal(th_signature_comment_fault("\xc2\x9b", 2), "has control characters");
  assert_string_equal(th_signature_comment_fault("\xc3", 1), "is not UTF-8");
  assert_int_equal(th_signature_make(&subject, &key, longest, strlen(longest), &signature, &reason),
                   0);
  longest[TH_SIGNATURE_COMMENT_LIMIT] = 'x';
  assert_int_equal(th_signature_make(&subject, &key, longest, strlen(longest), &signature, &reason),
                   TH_EUSAGE);
  assert_string_equal(reason.words, "the comment has more than 1024 bytes");
  free(longest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(signatures_of_minisign_are_verified),
    cmocka_unit_test(comments_are_there),
    cmocka_unit_test(what_was_read_is_written_alike),
    cmocka_unit_test(a_signature_is_the_one_minisign_makes),
    cmocka_unit_test(a_changed_byte_is_refused),
    cmocka_unit_test(a_reason_tells_the_line),
    cmocka_unit_test(comments_are_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
