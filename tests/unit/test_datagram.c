#include "transport/datagram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define MOST 128

static const struct th_datagram full = {.id = UINT64_C(0x0102030405060708),
                                        .cookie = 77,
                                        .state = {1000, 20, 3, 41},
                                        .place = 40,
                                        .part = TH_DATAGRAM_FIRST,
                                        .bytes = (const unsigned char *)"bytes",
                                        .size = 5};

static size_t write_datagram(enum th_datagram_type type, size_t bytes, unsigned char *out) {
  struct th_datagram datagram = full;
  datagram.type = type;
  size_t head = th_datagram_head(&datagram, out);
  memcpy(out + head, full.bytes, bytes);
  return head + bytes;
}

static bool has_bytes(enum th_datagram_type type) {
  return type == TH_DATAGRAM_STREAM || type == TH_DATAGRAM_LOOSE;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  for (unsigned i = TH_DATAGRAM_OPEN; i <= TH_DATAGRAM_CLOSE; i++) {
    enum th_datagram_type type = (enum th_datagram_type)i;
    unsigned char bytes[MOST];
    struct th_datagram read;
    size_t size = write_datagram(type, has_bytes(type) ? 5 : 0, bytes);
    assert_int_equal(th_datagram_read(&read, bytes, size), 0);
    assert_int_equal(read.type, type);
    assert_true(read.id == full.id);
    if (type <= TH_DATAGRAM_COOKIE) assert_true(read.cookie == full.cookie);
    if (type >= TH_DATAGRAM_STREAM && type <= TH_DATAGRAM_ACK)
      assert_memory_equal(&read.state, &full.state, sizeof full.state);
    if (!has_bytes(type)) continue;
    assert_true(read.place == full.place);
    assert_int_equal(read.size, 5);
    assert_memory_equal(read.bytes, "bytes", 5);
    assert_int_equal(read.part, type == TH_DATAGRAM_LOOSE ? TH_DATAGRAM_FIRST : 0);
  }
}

static void every_other_size_is_malformed(void **state) {
  (void)state;
  for (unsigned i = TH_DATAGRAM_OPEN; i <= TH_DATAGRAM_CLOSE; i++) {
    enum th_datagram_type type = (enum th_datagram_type)i;
    unsigned char bytes[MOST] = {0};
    struct th_datagram read;
    size_t size = write_datagram(type, 0, bytes);
    for (size_t cut = 0; cut < size; cut++)
      assert_int_equal(th_datagram_read(&read, bytes, cut), TH_EMALFORMED);
    assert_int_equal(th_datagram_read(&read, bytes, size), has_bytes(type) ? TH_EMALFORMED : 0);
    assert_int_equal(th_datagram_read(&read, bytes, size + 1), has_bytes(type) ? 0 : TH_EMALFORMED);
  }
}

static void another_magic_version_or_type_is_malformed(void **state) {
  (void)state;
  unsigned char bytes[MOST];
  struct th_datagram read;
  size_t size = write_datagram(TH_DATAGRAM_OPEN, 0, bytes);
  for (size_t i = 0; i < 5; i++) {
    bytes[i] ^= 0x20;
    assert_int_equal(th_datagram_read(&read, bytes, size), TH_EMALFORMED);
    bytes[i] ^= 0x20;
  }
  bytes[4] = 0;
  assert_int_equal(th_datagram_read(&read, bytes, size), TH_EMALFORMED);
}

static void assert_insane(struct th_datagram datagram) {
  unsigned char bytes[MOST] = {0};
  struct th_datagram read;
  size_t size = th_datagram_head(&datagram, bytes);
  assert_int_equal(th_datagram_read(&read, bytes, size + 1), TH_EMALFORMED);
}

/* Sums of two numbers must not wrap, and none of these can come about by counting. */
static void numbers_that_nobody_can_have_reached_are_malformed(void **state) {
  (void)state;
  struct th_datagram sane = full;
  sane.type = TH_DATAGRAM_LOOSE;
  struct th_datagram insane[8];
  for (size_t i = 0; i < 8; i++) insane[i] = sane;
  insane[0].state.taken = UINT64_MAX;
  insane[1].state.seen = UINT64_C(1) << 62;
  insane[2].state.lost = sane.state.seen + 1; /* more than there were */
  insane[3].state.sent = UINT64_MAX;
  insane[4].place = UINT64_MAX;
  insane[5].place = sane.state.sent; /* is the next one's number */
  insane[6].part = 4;
  insane[7].part = 0xff;
  for (size_t i = 0; i < 8; i++) assert_insane(insane[i]);
}

static void a_cookie_is_no_longer_than_what_it_answers(void **state) {
  (void)state;
  unsigned char bytes[MOST];
  size_t open = write_datagram(TH_DATAGRAM_OPEN, 0, bytes);
  assert_true(write_datagram(TH_DATAGRAM_COOKIE, 0, bytes) <= open);
  assert_true(write_datagram(TH_DATAGRAM_CLOSE, 0, bytes) <= open);
  assert_int_equal(write_datagram(TH_DATAGRAM_LOOSE, 0, bytes), TH_DATAGRAM_HEAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_written_is_read),
    cmocka_unit_test(every_other_size_is_malformed),
    cmocka_unit_test(another_magic_version_or_type_is_malformed),
    cmocka_unit_test(numbers_that_nobody_can_have_reached_are_malformed),
    cmocka_unit_test(a_cookie_is_no_longer_than_what_it_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
