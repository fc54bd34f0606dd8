#include "message/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct th_address placed = {
  .system = 0x9f3a6c1e5b7d2480, .number = 17, .ip = 0x7f000001, .port = 1900};

static void the_text_names_number_system_and_place(void **state) {
  (void)state;
  char text[TH_ADDRESS_TEXT_SIZE];
  assert_ptr_equal(th_address_text(&placed, text), text);
  assert_string_equal(text, "a17.9f3a6c1e5b7d2480@127.0.0.1:1900");
  struct th_address unreachable = {.system = 0x1f, .number = 1};
  assert_string_equal(th_address_text(&unreachable, text), "a1.000000000000001f");
  assert_string_equal(th_address_text(&TH_NOBODY, text), "nobody");
}

static void assert_round_trip(const struct th_address *address) {
  char text[TH_ADDRESS_TEXT_SIZE];
  struct th_address parsed = {.reserved = 9};
  th_address_text(address, text);
  assert_int_equal(th_address_parse(text, strlen(text), &parsed), 0);
  assert_memory_equal(&parsed, address, sizeof parsed);
}

static void an_address_survives_its_text(void **state) {
  (void)state;
  const struct th_address longest = {
    .system = UINT64_MAX, .number = UINT64_MAX, .ip = UINT32_MAX, .port = UINT16_MAX};
  const struct th_address unreachable = {.system = 1, .number = 0};
  const struct th_address without_port = {.system = 1, .number = 2, .ip = 0x0a000001};
  const struct th_address without_ip = {.system = 1, .number = 2, .port = 1};
  assert_round_trip(&placed);
  assert_round_trip(&longest);
  assert_round_trip(&unreachable);
  assert_round_trip(&without_port);
  assert_round_trip(&without_ip);
}

static void hexadecimal_digits_may_be_upper_case_and_few(void **state) {
  (void)state;
  struct th_address address;
  assert_int_equal(th_address_parse("a5.F3a", 6, &address), 0);
  assert_true(address.system == 0xf3a && address.number == 5 && address.port == 0);
}

static void refused(const char *text) {
  struct th_address address = placed;
  assert_int_equal(th_address_parse(text, strlen(text), &address), TH_EADDRESS);
  assert_memory_equal(&address, &placed, sizeof address);
}

static void other_texts_are_no_addresses(void **state) {
  (void)state;
  /* clang-format off */
  static const char *const texts[] = {
    "", "a", "nobody", "17.1", "b17.1", "A17.1", "a.1", "a17", "a17.", "a17.g", "a-1.1", "a+1.1",
    "a 1.1", " a1.1", "a1.1 ", "a1.1\n", "a1.-1", "a1.0x1", "a1.1x", "a01.1", "a1..1", "a1.0",
    "a1.0000000000000000", "a1.10000000000000000", "a1.00000000000000001",
    "a18446744073709551616.1", "a99999999999999999999.1", "a184467440737095516150.1", "a1.1@",
    "a1.1@127.0.0.1", "a1.1@127.0.0.1:", "a1.1@:1900", "a1.1@127.0.0:1", "a1.1@127.0.0.1.1:1",
    "a1.1@127.0.0.1:65536", "a1.1@127.0.0.1:1900x", "a1.1@127.0.0.1:1900@", "a1.1@127.0.0.1:-1",
    "a1.1@256.0.0.1:1", "a1.1@1.2.3.:1", "a1.1@.1.2.3:1", "a1.1@1.2..3:1", "a1.1@01.2.3.4:1",
    "a1.1@localhost:1", "a1.1@1.2.3.4:01", "a1.1@1.2.3.4:99999999999999999999",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) refused(texts[i]);
}

/* Every shorter text, in a block of exactly its size: nothing is read past it. What may remain is
 * the address without its place, and those with a shorter one. */
static void a_text_ends_where_its_size_says(void **state) {
  (void)state;
  static const char text[] = "a17.9f3a6c1e5b7d2480@127.0.0.1:1900";
  for (size_t size = 0; size < sizeof text; size++) {
    char *block = malloc(size);
    struct th_address address;
    memcpy(block, text, size);
    bool fits = (size > 4 && size <= 20) || size > 31;
    assert_int_equal(th_address_parse(block, size, &address), fits ? 0 : TH_EADDRESS);
    free(block);
  }
}

static void a_zero_byte_is_part_of_the_text(void **state) {
  (void)state;
  struct th_address address;
  assert_int_equal(th_address_parse("a1.1", 4, &address), 0);
  assert_int_equal(th_address_parse("a1.1\0", 5, &address), TH_EADDRESS);
}

static void number_and_system_alone_decide_equality(void **state) {
  (void)state;
  struct th_address other = placed;
  other.ip = 0;
  other.port = 0;
  assert_true(th_address_equal(&placed, &other));
  other.number++;
  assert_false(th_address_equal(&placed, &other));
  other = placed;
  other.system++;
  assert_false(th_address_equal(&placed, &other));
  assert_true(th_address_is_none(&TH_NOBODY));
  assert_false(th_address_is_none(&placed));
}

static void a_place_is_an_ip_and_perhaps_a_port(void **state) {
  (void)state;
  uint32_t ip = 0;
  uint16_t port = 7;
  assert_int_equal(th_place_parse("10.1.2.255", 10, &ip, &port), 0);
  assert_true(ip == 0x0a0102ff && port == 7);
  assert_int_equal(th_place_parse("127.0.0.1:1900", 14, &ip, &port), 0);
  assert_true(ip == 0x7f000001 && port == 1900);
  assert_int_equal(th_place_parse("0.0.0.0:0", 9, &ip, &port), 0);
  assert_true(ip == 0 && port == 0);
}

static void other_texts_are_no_places(void **state) {
  (void)state;
  /* clang-format off */
  static const char *const texts[] = {
    "", ":1", "localhost", "1.2.3", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:1 ", "1.2.3.4x",
    "1.2.3.4.5", "1.2.3.256", "1.2.3.4294967297", "0x1.2.3.4", "1.2.3.4:0x1", "1.2.3.4:00",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    uint32_t ip = 5;
    uint16_t port = 6;
    assert_int_equal(th_place_parse(texts[i], strlen(texts[i]), &ip, &port), TH_EADDRESS);
    assert_true(ip == 5 && port == 6);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_text_names_number_system_and_place),
    cmocka_unit_test(an_address_survives_its_text),
    cmocka_unit_test(hexadecimal_digits_may_be_upper_case_and_few),
    cmocka_unit_test(other_texts_are_no_addresses),
    cmocka_unit_test(a_text_ends_where_its_size_says),
    cmocka_unit_test(a_zero_byte_is_part_of_the_text),
    cmocka_unit_test(number_and_system_alone_decide_equality),
    cmocka_unit_test(a_place_is_an_ip_and_perhaps_a_port),
    cmocka_unit_test(other_texts_are_no_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
