#include "admin/source_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/source.h"
#include "message/pack.h"

/* Reads a map with this one name, whose value stands in value; the reason's words are kept. */
static int read_one(const char *name, const struct th_buffer *value, struct th_zip_limits *limits,
                    struct th_reason *reason) {
  struct th_buffer map;
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, name);
  th_buffer_append(&map, value->data, value->size);
  int error = th_source_limits_read(map.data, map.size, limits, reason);
  th_buffer_clear(&map);
  return error;
}

static int read_int(const char *name, int64_t number, struct th_zip_limits *limits,
                    struct th_reason *reason) {
  struct th_buffer value;
  th_buffer_init(&value);
  th_pack_int(&value, number);
  int error = read_one(name, &value, limits, reason);
  th_buffer_clear(&value);
  return error;
}

static const struct {
  const char *name;
  size_t most;
  size_t place; /* in struct th_zip_limits */
} all[] = {
  {"Source Entries Limit", 65534, offsetof(struct th_zip_limits, entries)},
  {"Source Size Limit", 4294967294, offsetof(struct th_zip_limits, unpacked)},
  {"Source Ratio Limit", 10000, offsetof(struct th_zip_limits, ratio)},
  {"Source Name Limit", 400, offsetof(struct th_zip_limits, name)},
};

#define COUNT (sizeof all / sizeof *all)

static size_t value_of(const struct th_zip_limits *limits, size_t which) {
  return *(const size_t *)(const void *)((const char *)limits + all[which].place);
}

static void what_is_not_said_is_as_usual(void **unused) {
  (void)unused;
  struct th_zip_limits limits = {0};
  assert_int_equal(th_source_limits_read("\x80", 1, &limits, NULL), 0);
  assert_memory_equal(&limits, &th_source_usual_limits, sizeof limits);
  assert_int_equal(th_source_limits_read(NULL, 0, &limits, NULL), 0);
  assert_memory_equal(&limits, &th_source_usual_limits, sizeof limits);
}

static void each_is_read_into_its_own_place(void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT; i++) {
    struct th_zip_limits limits;
    assert_int_equal(read_int(all[i].name, 17, &limits, NULL), 0);
    for (size_t j = 0; j < COUNT; j++)
      assert_int_equal(value_of(&limits, j), i == j ? 17 : value_of(&th_source_usual_limits, j));
    assert_int_equal(read_int(all[i].name, (int64_t)all[i].most, &limits, NULL), 0);
    assert_int_equal(value_of(&limits, i), all[i].most);
  }
}

static void a_number_out_of_its_range_is_refused_by_name(void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT; i++) {
    const int64_t wrong[] = {0, -1, (int64_t)all[i].most + 1, INT64_MAX, INT64_MIN};
    for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++) {
      struct th_zip_limits limits = {.entries = 5};
      struct th_reason reason = {""};
      assert_int_equal(read_int(all[i].name, wrong[j], &limits, &reason), TH_ESTARTUP);
      assert_non_null(strstr(reason.words, all[i].name));
      assert_non_null(strstr(reason.words, "must be a whole number from 1 to "));
      assert_int_equal(limits.entries, 5); /* nothing has changed */
    }
  }
}

static void only_whole_numbers_will_do(void **unused) {
  (void)unused;
  struct th_zip_limits limits;
  struct th_buffer value;
  th_buffer_init(&value);
  th_pack_text(&value, "100");
  assert_int_equal(read_one("Source Ratio Limit", &value, &limits, NULL), TH_ESTARTUP);
  th_buffer_clear(&value);
  th_pack_real(&value, 100.5);
  assert_int_equal(read_one("Source Ratio Limit", &value, &limits, NULL), TH_ESTARTUP);
  th_buffer_clear(&value);
  th_pack_real(&value, 100.0);
  assert_int_equal(read_one("Source Ratio Limit", &value, &limits, NULL), 0);
  assert_int_equal(limits.ratio, 100);
  th_buffer_clear(&value);
  th_pack_nil(&value);
  assert_int_equal(read_one("Source Ratio Limit", &value, &limits, NULL), 0);
  assert_int_equal(limits.ratio, TH_SOURCE_RATIO);
  th_buffer_clear(&value);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_not_said_is_as_usual),
    cmocka_unit_test(each_is_read_into_its_own_place),
    cmocka_unit_test(a_number_out_of_its_range_is_refused_by_name),
    cmocka_unit_test(only_whole_numbers_will_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
