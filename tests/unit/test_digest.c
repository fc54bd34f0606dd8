#include "base/digest.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_digest(const char *data, size_t size, const char *expected) {
  char text[TH_DIGEST_TEXT_SIZE];
  assert_int_equal(th_digest_sha256(data, size, text), 0);
  assert_string_equal(text, expected);
}

/* The examples of FIPS 180, and no data at all. */
static void known_data_has_its_known_digest(void **state) {
  (void)state;
  static const char long_text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  assert_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_digest(long_text, sizeof long_text - 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void the_version_names_the_library(void **state) {
  (void)state;
  assert_non_null(strstr(th_digest_version(), "SSL"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_data_has_its_known_digest),
    cmocka_unit_test(the_version_names_the_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
