#include "admin/capability.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message/pack.h"

/* {"Has Lightbulb": true, "Admin Port": 1900, 7: "seven"} */
static struct th_capabilities *sample(void) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_map(&buffer, 3);
  th_pack_text(&buffer, "Has Lightbulb");
  th_pack_bool(&buffer, true);
  th_pack_text(&buffer, "Admin Port");
  th_pack_int(&buffer, 1900);
  th_pack_int(&buffer, 7);
  th_pack_text(&buffer, "seven");
  struct th_capabilities *capabilities = th_capabilities_new(buffer.data, buffer.size, NULL);
  th_buffer_clear(&buffer);
  assert_non_null(capabilities);
  return capabilities;
}

static int64_t port(struct th_capabilities *capabilities) {
  struct th_bytes *map = th_capabilities_get(capabilities);
  int64_t value = th_capability_int(map->data, map->size, "Admin Port", -1);
  th_bytes_unref(map);
  return value;
}

static bool set(struct th_capabilities *capabilities, const char *name, const void *value,
                size_t size) {
  bool changed;
  struct th_reason reason = {""};
  int error = th_capabilities_set(capabilities, name, strlen(name), value, size, &changed, &reason);
  assert_string_equal(reason.words, "");
  assert_int_equal(error, 0);
  return changed;
}

static bool set_int(struct th_capabilities *capabilities, const char *name, int64_t value) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, value);
  bool changed = set(capabilities, name, buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  return changed;
}

static void only_a_whole_map_will_do(void **unused) {
  (void)unused;
  static const struct {
    const char *bytes;
    size_t size;
    const char *words;
  } wrong[] = {
    {"\x01", 1, "no table of values by name"},
    {"\x81\x01", 2, "no table of values by name"},
    {"\x80\x80", 2, "something follows it"},
    {"", 0, "no table of values by name"},
    {"\x81\xa1x\xd4\x03x", 6, "an instance has no proper names"},
    {"\x82\xa1x\x90\xa1y\xd4\x02\x01", 9, "a table comes twice"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct th_reason reason = {""};
    assert_null(th_capabilities_new(wrong[i].bytes, wrong[i].size, &reason));
    assert_non_null(strstr(reason.words, wrong[i].words));
  }
  th_capabilities_free(NULL);
}

static void a_change_is_told_from_none(void **unused) {
  struct th_capabilities *capabilities = sample();
  (void)unused;
  assert_false(set_int(capabilities, "Admin Port", 1900));
  assert_true(set_int(capabilities, "Admin Port", 2000));
  assert_int_equal(port(capabilities), 2000);
  assert_true(set_int(capabilities, "new", 1));
  assert_true(set(capabilities, "Admin Port", "\xc0", 1));
  assert_int_equal(port(capabilities), -1);
  assert_false(set(capabilities, "Admin Port", NULL, 0));
  th_capabilities_free(capabilities);
}

static void a_snapshot_stays_as_it_was(void **unused) {
  struct th_capabilities *capabilities = sample();
  struct th_bytes *before = th_capabilities_get(capabilities);
  (void)unused;
  set_int(capabilities, "Admin Port", 5);
  assert_int_equal(th_capability_int(before->data, before->size, "Admin Port", -1), 1900);
  assert_int_equal(port(capabilities), 5);
  th_bytes_unref(before);
  th_capabilities_free(capabilities);
}

static void values_of_another_type_fall_back(void **unused) {
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

static int64_t int_of_real(double value) {
  struct th_buffer map;
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, "n");
  th_pack_real(&map, value);
  int64_t number = th_capability_int(map.data, map.size, "n", -7);
  th_buffer_clear(&map);
  return number;
}

static void a_real_that_is_an_integer_will_do(void **unused) {
  (void)unused;
  assert_int_equal(int_of_real(1900.0), 1900);
  assert_int_equal(int_of_real(-0x1p63), INT64_MIN);
  assert_int_equal(int_of_real(1900.5), -7);
  assert_int_equal(int_of_real(0x1p63), -7);
  assert_int_equal(int_of_real(-1e300), -7);
  assert_int_equal(int_of_real(NAN), -7);
}

/* Refused with these words, and nothing is changed. */
static void refused(struct th_capabilities *capabilities, const char *name, size_t name_size,
                    const void *value, size_t size, const char *words) {
  bool changed;
  struct th_reason reason = {""};
  struct th_bytes *before = th_capabilities_get(capabilities);
  assert_int_equal(
    th_capabilities_set(capabilities, name, name_size, value, size, &changed, &reason),
    TH_ECAPABILITY);
  assert_non_null(strstr(reason.words, words));
  struct th_bytes *after = th_capabilities_get(capabilities);
  assert_ptr_equal(before, after);
  th_bytes_unref(before);
  th_bytes_unref(after);
}

static void what_somebody_could_not_read_is_refused(void **unused) {
  struct th_capabilities *capabilities = sample();
  (void)unused;
  refused(capabilities, "x", 1, "\xd4\x03x", 3, "\"x\" cannot be kept: an instance has no proper");
  refused(capabilities, "x", 1, "\xd4\x01x", 3, "an address has a wrong size");
  refused(capabilities, "x", 1, "\x91", 1, "no MessagePack");
  refused(capabilities, "x", 1, "\x01\x02", 2, "something follows it");
  refused(capabilities, "", 0, "\x01", 1, "name of a capability: it is empty");
  refused(capabilities, "a\nb", 3, "\x01", 1, "it has control characters");
  refused(capabilities, "a\0b", 3, "\x01", 1, "it has control characters");
  refused(capabilities, "\xff", 1, "\x01", 1, "it is not UTF-8");
  th_capabilities_free(capabilities);
}

static void together_they_have_a_limit(void **unused) {
  struct th_capabilities *capabilities = sample();
  struct th_buffer half;
  char *text = calloc(1, TH_CAPABILITIES_SIZE / 2);
  (void)unused;
  th_buffer_init(&half);
  th_pack_str(&half, text, TH_CAPABILITIES_SIZE / 2);
  assert_true(set(capabilities, "a", half.data, half.size));
  refused(capabilities, "b", 1, half.data, half.size, "larger than 1 MiB");
  assert_true(set(capabilities, "a", NULL, 0));
  assert_true(set(capabilities, "b", half.data, half.size));
  th_buffer_clear(&half);
  free(text);
  th_capabilities_free(capabilities);
}

static void a_shared_table_keeps_its_number_among_others(void **unused) {
  struct th_capabilities *capabilities = sample();
  const char shares[] = "\x92\x90\xd4\x02\x01"; /* {t, t} */
  size_t size;
  (void)unused;
  assert_true(set(capabilities, "shares", shares, sizeof shares - 1));
  assert_false(set(capabilities, "shares", shares, sizeof shares - 1));
  struct th_bytes *map = th_capabilities_get(capabilities);
  const unsigned char *kept = th_capability_find(map->data, map->size, "shares", &size);
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, kept, size);
  assert_true(th_unpack_next(&reader, &item));
  assert_int_equal(item.type, TH_ITEM_EXT);
  assert_int_equal(item.ext, TH_EXT_ENCLOSED);
  assert_memory_equal(item.data, shares, sizeof shares - 1);
  th_bytes_unref(map);
  th_capabilities_free(capabilities);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_a_whole_map_will_do),
    cmocka_unit_test(a_change_is_told_from_none),
    cmocka_unit_test(what_somebody_could_not_read_is_refused),
    cmocka_unit_test(together_they_have_a_limit),
    cmocka_unit_test(a_shared_table_keeps_its_number_among_others),
    cmocka_unit_test(a_snapshot_stays_as_it_was),
    cmocka_unit_test(values_of_another_type_fall_back),
    cmocka_unit_test(a_real_that_is_an_integer_will_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
