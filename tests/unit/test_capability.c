#include "admin/capability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message/pack.h"

/* {"Has Lightbulb": true, "Admin Port": 1900, 7: "seven"} */
static struct th_capabilities *sample(void)
{
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_map(&buffer, 3);
  th_pack_text(&buffer, "Has Lightbulb");
  th_pack_bool(&buffer, true);
  th_pack_text(&buffer, "Admin Port");
  th_pack_int(&buffer, 1900);
  th_pack_int(&buffer, 7);
  th_pack_text(&buffer, "seven");
  struct th_capabilities *capabilities = th_capabilities_new(buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  assert_non_null(capabilities);
  return capabilities;
}

static int64_t port(struct th_capabilities *capabilities)
{
  struct th_bytes *map = th_capabilities_get(capabilities);
  int64_t value = th_capability_int(map->data, map->size, "Admin Port", -1);
  th_bytes_unref(map);
  return value;
}

static bool set_int(struct th_capabilities *capabilities, const char *name, int64_t value)
{
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, value);
  bool changed =
    th_capabilities_set(capabilities, name, strlen(name), buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  return changed;
}

static void only_a_whole_map_will_do(void **unused)
{
  (void)unused;
  assert_null(th_capabilities_new("\x01", 1));
  assert_null(th_capabilities_new("\x81\x01", 2));
  assert_null(th_capabilities_new("\x80\x80", 2));
  assert_null(th_capabilities_new("", 0));
  th_capabilities_free(NULL);
}

static void a_change_is_told_from_none(void **unused)
{
  struct th_capabilities *capabilities = sample();
  (void)unused;
  assert_false(set_int(capabilities, "Admin Port", 1900));
  assert_true(set_int(capabilities, "Admin Port", 2000));
  assert_int_equal(port(capabilities), 2000);
  assert_true(set_int(capabilities, "new", 1));
  assert_true(th_capabilities_set(capabilities, "Admin Port", 10, "\xc0", 1));
  assert_int_equal(port(capabilities), -1);
  assert_false(th_capabilities_set(capabilities, "Admin Port", 10, NULL, 0));
  th_capabilities_free(capabilities);
}

static void a_snapshot_stays_as_it_was(void **unused)
{
  struct th_capabilities *capabilities = sample();
  struct th_bytes *before = th_capabilities_get(capabilities);
  (void)unused;
  set_int(capabilities, "Admin Port", 5);
  assert_int_equal(th_capability_int(before->data, before->size, "Admin Port", -1), 1900);
  assert_int_equal(port(capabilities), 5);
  th_bytes_unref(before);
  th_capabilities_free(capabilities);
}

static void values_of_another_type_fall_back(void **unused)
{
  struct th_capabilities *capabilities = sample();
  struct th_bytes *map = th_capabilities_get(capabilities);
  char text[8];
  (void)unused;
  th_capability_text(map->data, map->size, "Admin Port", "none", text, sizeof text);
  assert_string_equal(text, "none");
  assert_int_equal(th_capability_int(map->data, map->size, "Has Lightbulb", 3), 3);
  th_bytes_unref(map);
  th_capabilities_free(capabilities);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_a_whole_map_will_do),
    cmocka_unit_test(a_change_is_told_from_none),
    cmocka_unit_test(a_snapshot_stays_as_it_was),
    cmocka_unit_test(values_of_another_type_fall_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
