#include "message/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "message/pack.h"

#define ADDRESS "\xd8\1ssssssssnnnnnnnn"
#define NAMES                                                                                      \
  "\x92\xa3m.C\xa1"                                                                                \
  "C"

static void check(const char *bytes, size_t size, const char *words, bool shares_wanted) {
  bool shares;
  const char *refusal = th_kept_refuse_value(bytes, size, &shares);
  if (words == NULL) {
    assert_null(refusal);
    assert_int_equal(shares, shares_wanted);
  } else {
    assert_non_null(refusal);
    assert_string_equal(refusal, words);
  }
}

#define KEPT(bytes) check(bytes, sizeof bytes - 1, NULL, false)
#define SHARED(bytes) check(bytes, sizeof bytes - 1, NULL, true)
#define REFUSED(bytes, words) check(bytes, sizeof bytes - 1, words, false)

static void whole_values_are_kept(void **unused) {
  (void)unused;
  KEPT("\xc0");
  KEPT("\xa3"
       "abc");
  KEPT("\x93\1\x90\x80");
  KEPT("\x82\xa1"
       "a\1\x01\xc3");
  KEPT(ADDRESS);
  KEPT("\xc7\x08\3" NAMES "\x80"); /* an instance without fields */
  KEPT("\xd5\4\x91\1");            /* an enclosed value */
  SHARED("\x92\x90\xd4\2\1");      /* {t, t} */
  SHARED("\x91\xd4\2\0");          /* itself */
}

static void bytes_that_are_no_value_are_refused(void **unused) {
  (void)unused;
  REFUSED("", "it is no MessagePack");
  REFUSED("\xc1", "it is no MessagePack");
  REFUSED("\x92\1", "it is no MessagePack");
  REFUSED("\1\1", "something follows it");
}

static void extensions_are_walked_to_their_ends(void **unused) {
  (void)unused;
  REFUSED("\xd4\1x", "an address has a wrong size");
  REFUSED("\xd4\2\0", "a reference points nowhere");
  REFUSED("\x91\xd4\2\1", "a reference points nowhere");
  REFUSED("\x91\xc7\0\2", "a reference points nowhere");
  REFUSED("\x91\xc7\5\2\0\0\0\0\0", "a reference points nowhere");
  REFUSED("\xd4\3x", "an instance has no proper names");
  REFUSED("\xc7\x05\3\x91\xa3m.C", "an instance has no proper names");
  REFUSED("\xd6\3\x92\1\2\x80", "an instance has no proper names");
  REFUSED("\xc7\x08\3" NAMES "\x90", "an instance has no fields");
  REFUSED("\xc7\x07\3" NAMES, "it is no MessagePack");
  REFUSED("\xc7\x09\3" NAMES "\x80\1", "an extension is too long");
  REFUSED("\xc7\x09\3" NAMES "\x81\1", "it is no MessagePack");
  REFUSED("\xd5\4\1\1", "an extension is too long");
  REFUSED("\xc7\0\4", "it is no MessagePack");
  REFUSED("\x92\x90\xd6\4\x91\xd4\2\1", "a reference points nowhere"); /* counted from 0 within */
  REFUSED("\xd4\x64x", "an extension is unknown");
}

static void a_key_comes_once(void **unused) {
  (void)unused;
  KEPT("\x83\xa1"
       "a\1\xa1"
       "b\1\x00\1");
  REFUSED("\x82\xa1"
          "a\1\xa1"
          "a\2",
          "a key comes twice");
  REFUSED("\x82\xa1"
          "a\1\xc4\1"
          "a\2",
          "a key comes twice");
  REFUSED("\x82\1\1\xcc\1\1", "a key comes twice");
  REFUSED("\x82\1\1\xca\x3f\x80\0\0\1", "a key comes twice"); /* 1 and 1.0 */
  REFUSED("\x82\0\1\xca\x80\0\0\0\1", "a key comes twice");   /* 0 and -0.0 */
  REFUSED("\x82\xc3\1\xc3\1", "a key comes twice");
  REFUSED("\x81\xa1x\x82\1\1\1\1", "a key comes twice");
  KEPT("\x82\xa1x\x81\1\1\1\1"); /* in different maps */
  REFUSED("\x81\xca\x7f\xc0\0\0\1", "a key is not a number");
  REFUSED("\x81\xc0\1", "a key is neither a string nor a number nor a boolean");
  REFUSED("\x81\x90\1", "a key is neither a string nor a number nor a boolean");
}

static void a_large_map_has_no_numbers_as_keys(void **unused) {
  struct th_buffer buffer;
  bool shares;
  (void)unused;
  th_buffer_init(&buffer);
  th_pack_map(&buffer, 512);
  for (int i = 0; i < 512; i++) {
    th_pack_int(&buffer, i);
    th_pack_nil(&buffer);
  }
  assert_null(th_kept_refuse_value(buffer.data, buffer.size, &shares));
  th_buffer_reset(&buffer);
  th_pack_map(&buffer, 513);
  for (int i = 0; i < 513; i++) {
    th_pack_int(&buffer, i);
    th_pack_nil(&buffer);
  }
  assert_non_null(th_kept_refuse_value(buffer.data, buffer.size, &shares));
  th_buffer_clear(&buffer);
}

static void nesting_has_a_limit(void **unused) {
  char bytes[TH_KEPT_DEPTH + 2];
  bool shares;
  (void)unused;
  memset(bytes, 0x91, sizeof bytes);
  bytes[TH_KEPT_DEPTH] = 1;
  assert_null(th_kept_refuse_value(bytes, TH_KEPT_DEPTH + 1, &shares));
  bytes[TH_KEPT_DEPTH] = (char)0x91;
  bytes[TH_KEPT_DEPTH + 1] = 1;
  assert_string_equal(th_kept_refuse_value(bytes, sizeof bytes, &shares),
                      "it is nested too deeply");
}

static const char *refuse_name(const char *text) {
  return th_kept_refuse_name(text, strlen(text));
}

static void names_are_text(void **unused) {
  char longest[TH_KEPT_NAME + 1];
  (void)unused;
  assert_null(refuse_name("Has Lightbulb"));
  assert_null(refuse_name("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"));
  assert_string_equal(refuse_name(""), "it is empty");
  assert_string_equal(refuse_name("a\nb"), "it has control characters");
  assert_string_equal(refuse_name("a\x1b[2J"), "it has control characters");
  assert_string_equal(refuse_name("a\x7f"), "it has control characters");
  assert_string_equal(refuse_name("a\xc2\x9b"
                                  "2J"),
                      "it has control characters");
  assert_string_equal(th_kept_refuse_name("a\0b", 3), "it has control characters");
  assert_string_equal(refuse_name("\xff"), "it is not UTF-8");
  assert_string_equal(refuse_name("a\xc3"), "it is not UTF-8");
  assert_string_equal(refuse_name("\xc0\xaf"), "it is not UTF-8");
  assert_string_equal(refuse_name("\xed\xa0\x80"), "it is not UTF-8");
  memset(longest, 'x', sizeof longest);
  assert_null(th_kept_refuse_name(longest, TH_KEPT_NAME));
  assert_non_null(th_kept_refuse_name(longest, TH_KEPT_NAME + 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(whole_values_are_kept),
    cmocka_unit_test(bytes_that_are_no_value_are_refused),
    cmocka_unit_test(extensions_are_walked_to_their_ends),
    cmocka_unit_test(a_key_comes_once),
    cmocka_unit_test(a_large_map_has_no_numbers_as_keys),
    cmocka_unit_test(nesting_has_a_limit),
    cmocka_unit_test(names_are_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
