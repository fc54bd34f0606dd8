#include "base/buffer.h"

#include <string.h>

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The sanitizers would end the process where malloc gives NULL. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void) {
  return "allocator_may_return_null=1";
}

static void a_new_buffer_is_empty_and_reserves_nothing_without_failing(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  assert_int_equal(buffer.size, 0);
  assert_int_equal(th_buffer_append(&buffer, NULL, 0), 0);
  assert_non_null(th_buffer_reserve(&buffer, 0));
  assert_int_equal(buffer.error, 0);
  th_buffer_clear(&buffer);
}

static void what_is_appended_stays_through_all_growth(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (unsigned int i = 0; i < 10000; i++) {
    const unsigned char pair[2] = {(unsigned char)i, (unsigned char)(i >> 8)};
    assert_int_equal(th_buffer_append(&buffer, pair, 2), 0);
  }
  assert_int_equal(buffer.size, 20000);
  for (unsigned int i = 0; i < 10000; i++) {
    assert_int_equal(buffer.data[2 * i], i & 255);
    assert_int_equal(buffer.data[2 * i + 1], i >> 8);
  }
  th_buffer_clear(&buffer);
}

/* Growth that does not double would resize thousands of times here. */
static void growth_doubles(void **state) {
  (void)state;
  struct th_buffer buffer;
  int changes = 0;
  size_t capacity = 0;
  th_buffer_init(&buffer);
  for (int i = 0; i < 100000; i++) {
    th_buffer_append(&buffer, "x", 1);
    if (buffer.capacity != capacity) changes++;
    capacity = buffer.capacity;
  }
  assert_in_range(changes, 2, 20);
  th_buffer_clear(&buffer);
}

static void reserved_bytes_are_all_there(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (size_t size = 0; size < 300; size++) {
    unsigned char *place = th_buffer_reserve(&buffer, size);
    assert_ptr_equal(place, buffer.data + buffer.size);
    memset(place, 1, size);
    buffer.size += size;
  }
  assert_int_equal(buffer.size, 299 * 300 / 2);
  th_buffer_clear(&buffer);
}

static void the_limit_may_be_reached_but_not_passed(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.limit = 100;
  for (int i = 0; i < 100; i++) assert_int_equal(th_buffer_append(&buffer, "y", 1), 0);
  assert_int_equal(buffer.size, 100);
  assert_int_equal(th_buffer_append(&buffer, "z", 1), TH_ETOOBIG);
  assert_int_equal(buffer.size, 100);
  assert_in_range(buffer.capacity, 0, 100);
  th_buffer_clear(&buffer);
  assert_int_equal(buffer.limit, 100);
}

static void the_first_error_sticks_until_reset(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.limit = 10;
  th_buffer_append(&buffer, "abc", 3);
  assert_int_equal(th_buffer_append(&buffer, "0123456789", 10), TH_ETOOBIG);
  assert_int_equal(th_buffer_append(&buffer, "d", 1), TH_ETOOBIG);
  assert_int_equal(th_buffer_printf(&buffer, "%d", 1), TH_ETOOBIG);
  assert_null(th_buffer_reserve(&buffer, 1));
  assert_null(th_buffer_reserve(&buffer, 0));
  assert_int_equal(buffer.size, 3);
  th_buffer_reset(&buffer);
  assert_int_equal(buffer.size, 0);
  assert_int_equal(th_buffer_append(&buffer, "d", 1), 0);
  assert_memory_equal(buffer.data, "d", 1);
  th_buffer_clear(&buffer);
}

static void reset_keeps_the_memory(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  assert_non_null(th_buffer_reserve(&buffer, 5000));
  const unsigned char *data = buffer.data;
  th_buffer_reset(&buffer);
  assert_ptr_equal(th_buffer_reserve(&buffer, 5000), data);
  th_buffer_clear(&buffer);
  assert_null(buffer.data);
}

static void sizes_that_no_memory_holds_are_errors(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_buffer_append(&buffer, "abc", 3);
  assert_null(th_buffer_reserve(&buffer, PTRDIFF_MAX - 64));
  assert_int_equal(buffer.error, TH_ENOMEM);
  assert_memory_equal(buffer.data, "abc", 3);
  th_buffer_reset(&buffer);
  th_buffer_append(&buffer, "abc", 3);
  assert_null(th_buffer_reserve(&buffer, SIZE_MAX));
  assert_int_equal(buffer.error, TH_ETOOBIG);
  th_buffer_clear(&buffer);
}

static void text_is_formatted_at_the_end(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  assert_int_equal(th_buffer_printf(&buffer, "%s", ""), 0);
  for (int size = 0; size < 200; size++)
    assert_int_equal(th_buffer_printf(&buffer, "%*d", size, 7), 0);
  assert_int_equal(buffer.size, 1 + 199 * 200 / 2);
  assert_memory_equal(buffer.data, "77 7  7", 7);
  assert_int_equal(buffer.data[buffer.size - 1], '7');
  th_buffer_clear(&buffer);
}

static void text_may_fill_the_limit_exactly(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.limit = 5;
  assert_int_equal(th_buffer_printf(&buffer, "%s", "12345"), 0);
  assert_memory_equal(buffer.data, "12345", 5);
  th_buffer_reset(&buffer);
  assert_int_equal(th_buffer_printf(&buffer, "%s", "123456"), TH_ETOOBIG);
  assert_int_equal(buffer.size, 0);
  th_buffer_clear(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_buffer_is_empty_and_reserves_nothing_without_failing),
    cmocka_unit_test(what_is_appended_stays_through_all_growth),
    cmocka_unit_test(growth_doubles),
    cmocka_unit_test(reserved_bytes_are_all_there),
    cmocka_unit_test(the_limit_may_be_reached_but_not_passed),
    cmocka_unit_test(the_first_error_sticks_until_reset),
    cmocka_unit_test(reset_keeps_the_memory),
    cmocka_unit_test(sizes_that_no_memory_holds_are_errors),
    cmocka_unit_test(text_is_formatted_at_the_end),
    cmocka_unit_test(text_may_fill_the_limit_exactly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
