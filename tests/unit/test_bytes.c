#include "base/bytes.h"

#include <pthread.h>
#include <string.h>

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

static void a_copy_holds_the_bytes_and_a_zero_after_them(void **state) {
  (void)state;
  char data[] = {'a', '\0', 'b'};
  struct th_bytes *bytes = th_bytes_copy(data, sizeof data);
  data[0] = 'x';
  assert_int_equal(bytes->size, 3);
  assert_memory_equal(bytes->data, "a\0b", 4);
  th_bytes_unref(bytes);
}

static void no_bytes_are_bytes_too(void **state) {
  (void)state;
  struct th_bytes *bytes = th_bytes_copy(NULL, 0);
  assert_non_null(bytes);
  assert_int_equal(bytes->size, 0);
  assert_int_equal(bytes->data[0], 0);
  th_bytes_unref(bytes);
}

/* What is read after the unrefs is what the address sanitizer looks at. */
static void bytes_live_until_the_last_reference_goes(void **state) {
  (void)state;
  struct th_bytes *bytes = th_bytes_copy("abc", 3);
  assert_ptr_equal(th_bytes_ref(bytes), bytes);
  assert_int_equal(atomic_load(&bytes->references), 2);
  th_bytes_unref(bytes);
  assert_int_equal(atomic_load(&bytes->references), 1);
  assert_memory_equal(bytes->data, "abc", 3);
  th_bytes_unref(bytes);
}

static void null_is_fine(void **state) {
  (void)state;
  assert_null(th_bytes_ref(NULL));
  th_bytes_unref(NULL);
}

static void sizes_that_no_memory_holds_are_refused(void **state) {
  (void)state;
  assert_null(th_bytes_new(SIZE_MAX));
  assert_null(th_bytes_new(SIZE_MAX - sizeof(struct th_bytes)));
  assert_null(th_bytes_new(PTRDIFF_MAX - 64));
}

static void *take_and_give(void *argument) {
  for (int i = 0; i < 1000; i++) th_bytes_unref(th_bytes_ref(argument));
  th_bytes_unref(argument);
  return NULL;
}

static void threads_share_bytes(void **state) {
  (void)state;
  pthread_t threads[4];
  struct th_bytes *bytes = th_bytes_copy("shared", 6);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, th_bytes_ref(bytes)), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&bytes->references), 1);
  assert_memory_equal(bytes->data, "shared", 6);
  th_bytes_unref(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_copy_holds_the_bytes_and_a_zero_after_them),
    cmocka_unit_test(no_bytes_are_bytes_too),
    cmocka_unit_test(bytes_live_until_the_last_reference_goes),
    cmocka_unit_test(null_is_fine),
    cmocka_unit_test(sizes_that_no_memory_holds_are_refused),
    cmocka_unit_test(threads_share_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
