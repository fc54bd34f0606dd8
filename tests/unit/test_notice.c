#include "message/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "message/pack.h"

static const struct th_address someone = {.system = 7, .number = 9};

/* Steps into an instance: checks its names, gives a reader before its first field. */
static struct th_unpack enter(const struct th_buffer *buffer, const char *class_name,
                              uint32_t fields) {
  struct th_unpack reader;
  struct th_item item;
  size_t size;
  th_unpack_init(&reader, buffer->data, buffer->size);
  assert_true(th_unpack_next(&reader, &item));
  assert_ptr_equal(reader.at, reader.end);
  assert_int_equal(item.ext, TH_EXT_INSTANCE);
  th_unpack_init(&reader, item.data, item.size);
  assert_int_equal(th_unpack_array(&reader), 4);
  th_unpack_str(&reader, &size);
  const char *name = th_unpack_str(&reader, &size);
  assert_true(th_unpack_is(name, size, class_name));
  th_unpack_str(&reader, &size);
  th_unpack_str(&reader, &size);
  assert_int_equal(th_unpack_map(&reader), fields);
  assert_int_equal(reader.error, 0);
  return reader;
}

static void expect_key(struct th_unpack *reader, const char *key) {
  size_t size;
  const char *text = th_unpack_str(reader, &size);
  assert_true(text != NULL && th_unpack_is(text, size, key));
}

static struct th_message *message_of(const struct th_buffer *buffer) {
  return th_message_pack(TH_KIND_EXIT_REQUEST, &someone, &someone, buffer);
}

static void updates_name_the_system_and_enclose_what_it_can(void **unused) {
  struct th_buffer buffer;
  struct th_item item;
  (void)unused;
  th_buffer_init(&buffer);
  th_notice_convention_update(&buffer, &someone, "\x81\xa1x\x05", 4, true);
  struct th_unpack reader = enter(&buffer, "ActorSystemConventionUpdate", 3);
  expect_key(&reader, "remoteAdminAddress");
  struct th_address admin = th_unpack_address(&reader);
  assert_true(th_address_equal(&admin, &someone));
  expect_key(&reader, "remoteCapabilities");
  assert_true(th_unpack_next(&reader, &item));
  assert_int_equal(item.ext, TH_EXT_ENCLOSED);
  assert_int_equal(item.size, 4);
  expect_key(&reader, "remoteAdded");
  assert_true(th_unpack_bool(&reader));
  th_buffer_clear(&buffer);
}

static void exit_requests_say_whether_they_recurse(void **unused) {
  struct th_buffer buffer;
  (void)unused;
  th_buffer_init(&buffer);
  for (int recursive = 0; recursive < 2; recursive++) {
    th_buffer_reset(&buffer);
    th_notice_exit_request(&buffer, recursive != 0);
    struct th_message *message = message_of(&buffer);
    assert_int_equal(th_notice_read_exit_request(message), recursive);
    th_message_free(message);
  }
  th_buffer_clear(&buffer);
}

static void an_unreadable_exit_request_recurses(void **unused) {
  struct th_message *message = th_message_new(TH_KIND_EXIT_REQUEST, &someone, &someone,
                                              "\xc7\x05\x03", 3);
  (void)unused;
  assert_true(th_notice_read_exit_request(message));
  th_message_free(message);
}

static void a_lost_child_is_named_with_the_reason(void **unused) {
  struct th_buffer buffer;
  size_t size;
  (void)unused;
  th_buffer_init(&buffer);
  th_notice_child_exited(&buffer, &someone, "failed to start: no");
  struct th_unpack reader = enter(&buffer, "ChildActorExited", 2);
  expect_key(&reader, "childAddress");
  struct th_address child = th_unpack_address(&reader);
  assert_true(th_address_equal(&child, &someone));
  expect_key(&reader, "reason");
  const char *reason = th_unpack_str(&reader, &size);
  assert_true(th_unpack_is(reason, size, "failed to start: no"));
  th_buffer_clear(&buffer);
}

static void poison_encloses_the_message_as_it_was(void **unused) {
  struct th_buffer buffer;
  struct th_item item;
  (void)unused;
  th_buffer_init(&buffer);
  struct th_message *bad = th_message_new(TH_KIND_USER, &someone, &someone, "\x93\x01\x02\x03", 4);
  th_notice_poison(&buffer, bad, "why", 3);
  struct th_unpack reader = enter(&buffer, "PoisonMessage", 2);
  expect_key(&reader, "poisonMessage");
  assert_true(th_unpack_next(&reader, &item));
  assert_int_equal(item.ext, TH_EXT_ENCLOSED);
  assert_int_equal(item.size, 4);
  assert_memory_equal(item.data, bad->payload, 4);
  th_message_free(bad);
  th_buffer_clear(&buffer);
}

static void a_wakeup_without_payload_has_none(void **unused) {
  struct th_buffer buffer;
  (void)unused;
  th_buffer_init(&buffer);
  th_notice_wakeup(&buffer, "\x05", 1, NULL, 0);
  enter(&buffer, "WakeupMessage", 1);
  th_buffer_reset(&buffer);
  th_notice_wakeup(&buffer, "\x05", 1, "\x06", 1);
  enter(&buffer, "WakeupMessage", 2);
  th_buffer_clear(&buffer);
}

static void an_answer_is_a_result_or_an_error(void **unused) {
  struct th_buffer buffer;
  struct th_address asker = {.system = 1, .number = 7}, admin = {.system = 1, .number = 1};
  (void)unused;
  th_buffer_init(&buffer);
  th_notice_begin_result(&buffer);
  th_pack_int(&buffer, 5);
  assert_int_equal(buffer.size, 3);
  assert_memory_equal(buffer.data, "\x92\0\5", 3);
  th_notice_error(&buffer, -1, "no"); /* instead of the result */
  struct th_message *reply = th_notice_reply(&asker, &admin, 99, &buffer);
  assert_int_equal(reply->size, 5);
  assert_memory_equal(reply->payload, "\x92\xff\xa2no", 5);
  assert_int_equal(reply->kind, TH_KIND_REPLY);
  assert_int_equal(reply->ticket, 99);
  assert_true(th_address_equal(&reply->target, &asker));
  assert_true(th_address_equal(&reply->sender, &admin));
  th_message_free(reply);
  buffer.error = TH_ENOMEM;
  assert_null(th_notice_reply(&asker, &admin, 99, &buffer));
  th_buffer_clear(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(updates_name_the_system_and_enclose_what_it_can),
    cmocka_unit_test(exit_requests_say_whether_they_recurse),
    cmocka_unit_test(an_unreadable_exit_request_recurses),
    cmocka_unit_test(a_lost_child_is_named_with_the_reason),
    cmocka_unit_test(poison_encloses_the_message_as_it_was),
    cmocka_unit_test(a_wakeup_without_payload_has_none),
    cmocka_unit_test(an_answer_is_a_result_or_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
