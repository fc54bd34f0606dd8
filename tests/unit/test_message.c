#include "message/message.h"

#include <string.h>

#include "base/error.h"
#include "message/pack.h"

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

static const struct th_address target = {.system = 1, .number = 2};
static const struct th_address sender = {.system = 3, .number = 4, .ip = 5, .port = 6};

static void a_message_copies_addresses_and_payload(void **state) {
  (void)state;
  char payload[] = "payload";
  struct th_message *message = th_message_new(TH_KIND_CHILD_EXITED, &target, &sender, payload,
                                              sizeof payload);
  payload[0] = 'x';
  assert_non_null(message);
  assert_memory_equal(&message->target, &target, sizeof target);
  assert_memory_equal(&message->sender, &sender, sizeof sender);
  assert_int_equal(message->kind, TH_KIND_CHILD_EXITED);
  assert_int_equal(message->size, sizeof payload);
  assert_memory_equal(message->payload, "payload", sizeof payload);
  th_message_free(message);
}

static void what_is_not_given_is_zero(void **state) {
  (void)state;
  struct th_message *message = th_message_new(TH_KIND_USER, &target, &TH_NOBODY, NULL, 0);
  assert_non_null(message);
  assert_null(message->next);
  assert_int_equal(message->ticket, 0);
  assert_int_equal(message->flags, 0);
  assert_int_equal(message->reserved, 0);
  assert_int_equal(message->size, 0);
  th_message_free(message);
}

static void what_a_writer_wrote_becomes_the_payload(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_text(&buffer, "hello");
  struct th_message *message = th_message_pack(TH_KIND_USER, &target, &sender, &buffer);
  assert_non_null(message);
  assert_int_equal(message->size, 6);
  assert_memory_equal(message->payload, "\xa5hello", 6);
  assert_memory_equal(buffer.data, "\xa5hello", 6);
  th_message_free(message);
  th_buffer_clear(&buffer);
}

static void a_failed_writer_makes_no_message(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.limit = 3;
  th_pack_nil(&buffer);
  th_pack_text(&buffer, "hello");
  assert_int_equal(buffer.error, TH_ETOOBIG);
  assert_null(th_message_pack(TH_KIND_USER, &target, &sender, &buffer));
  th_buffer_clear(&buffer);
}

/* Of every length around what fits into one block, and of some that do not. */
static void what_is_written_in_place_is_the_message(void **state) {
  (void)state;
  static char text[100000];
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  memset(text, 'x', sizeof text);
  for (size_t size = 0; size < sizeof text; size += size < 200 ? 1 : 9973) {
    th_message_begin(&buffer, size / 2, 0);
    assert_int_equal(th_buffer_append(&buffer, text, size), 0);
    struct th_message *message = th_message_end(TH_KIND_WAKEUP, &target, &sender, &buffer);
    assert_non_null(message);
    assert_null(buffer.data);
    assert_int_equal(message->kind, TH_KIND_WAKEUP);
    assert_int_equal(message->flags, 0);
    assert_int_equal(message->ticket, 0);
    assert_true(th_address_equal(&message->target, &target));
    assert_true(th_address_equal(&message->sender, &sender));
    assert_int_equal(message->size, size);
    assert_memory_equal(message->payload, text, size);
    th_message_free(message);
  }
}

static void a_limit_is_of_the_payload_alone(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_message_begin(&buffer, 0, 3);
  assert_int_equal(th_buffer_append(&buffer, "four", 4), TH_ETOOBIG);
  assert_null(th_message_end(TH_KIND_USER, &target, &sender, &buffer));
  th_message_begin(&buffer, 0, 3);
  assert_int_equal(th_buffer_append(&buffer, "two", 3), 0);
  struct th_message *message = th_message_end(TH_KIND_USER, &target, &sender, &buffer);
  assert_memory_equal(message->payload, "two", 3);
  th_message_free(message);
  th_message_begin(&buffer, 0, 3);
  th_buffer_clear(&buffer);
}

static void sizes_that_no_memory_holds_make_no_message(void **state) {
  (void)state;
  assert_null(th_message_new(TH_KIND_USER, &target, &sender, "", SIZE_MAX));
  assert_null(th_message_new(TH_KIND_USER, &target, &sender, "", SIZE_MAX - 40));
  assert_null(th_message_new(TH_KIND_USER, &target, &sender, "", PTRDIFF_MAX - 200));
}

static void no_message_is_freed_without_harm(void **state) {
  (void)state;
  th_message_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_message_copies_addresses_and_payload),
    cmocka_unit_test(what_is_not_given_is_zero),
    cmocka_unit_test(what_a_writer_wrote_becomes_the_payload),
    cmocka_unit_test(a_failed_writer_makes_no_message),
    cmocka_unit_test(what_is_written_in_place_is_the_message),
    cmocka_unit_test(a_limit_is_of_the_payload_alone),
    cmocka_unit_test(sizes_that_no_memory_holds_make_no_message),
    cmocka_unit_test(no_message_is_freed_without_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
