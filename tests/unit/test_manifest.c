#include "bundle/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static struct th_manifest *read_text(const char *json) {
  struct th_manifest *manifest = NULL;
  struct th_reason reason = {""};
  int error = th_manifest_read(json, strlen(json), &manifest, &reason);
  assert_string_equal(reason.words, "");
  assert_int_equal(error, 0);
  return manifest;
}

static void all_of_it_is_read(void **state) {
  (void)state;
  struct th_manifest *manifest = read_text(
    "{\"name\": \"shop\", \"version\": \"1.12.0\", \"notAfter\": \"2027-01-31\", \"actors\": [\n"
    "  {\"class\": \"shop.Clerk\", \"name\": \"clerk\", \"messages\": [\"open\", {\"till\": 7}, "
    "null]},\n"
    "  {\"class\": \"shop.Guard\"}]}");
  assert_string_equal(manifest->name, "shop");
  assert_string_equal(manifest->version, "1.12.0");
  assert_string_equal(manifest->not_after, "2027-01-31");
  assert_int_equal(manifest->last_second, 1801439999); /* 2027-01-31T23:59:59Z */
  assert_int_equal(manifest->actor_count, 2);
  const struct th_manifest_actor *clerk = &manifest->actors[0], *guard = &manifest->actors[1];
  assert_string_equal(clerk->class_name, "shop.Clerk");
  assert_string_equal(clerk->global_name, "clerk");
  assert_int_equal(clerk->message_count, 3);
  assert_int_equal(clerk->messages[0].size, 5);
  assert_memory_equal(clerk->messages[0].data, "\xa4open", 5);
  assert_memory_equal(clerk->messages[1].data, "\x81\xa4till\x07", 7);
  assert_memory_equal(clerk->messages[2].data, "\xc0", 1);
  assert_string_equal(guard->class_name, "shop.Guard");
  assert_null(guard->global_name);
  assert_int_equal(guard->message_count, 0);
  th_manifest_free(manifest);
}

static void nothing_must_be_there(void **state) {
  (void)state;
  struct th_manifest *manifest = read_text(" {} ");
  assert_null(manifest->name);
  assert_null(manifest->version);
  assert_null(manifest->not_after);
  assert_int_equal(manifest->actor_count, 0);
  assert_false(th_manifest_is_expired(manifest, INT64_MAX));
  th_manifest_free(manifest);
  th_manifest_free(NULL);
}

static const struct {
  const char *json;
  const char *words;
} wrong[] = {
  {"", "manifest.json: line 1: '[' or '{' expected near end of file"},
  {"[]", "manifest.json: it must be a JSON object, {...}"},
  {"{} x", "manifest.json: line 1: end of file expected near 'x'"},
  {"{\n\"name\": }", "manifest.json: line 2: unexpected token near '}'"},
  {"{\"name\": \"a\", \"name\": \"b\"}",
   "manifest.json: line 1: duplicate object key near '\"name\"'"},
  {"{\"notafter\": \"2027-01-31\"}",
   "manifest.json: a manifest has no field \"notafter\"; use name, version, notAfter or actors"},
  {"{\"a\\u001b\": 1}",
   "manifest.json: a manifest has no field \"a\\x1b\"; use name, version, notAfter or actors"},
  {"{\"name\": \"\"}",
   "manifest.json: \"name\" must be a text of 1 to 200 bytes without control characters"},
  {"{\"name\": \"a\\nb\"}",
   "manifest.json: \"name\" must be a text of 1 to 200 bytes without control characters"},
  {"{\"name\": \"a\\u0000b\"}",
   "manifest.json: \"name\" must be a text of 1 to 200 bytes without control characters"},
  {"{\"name\": null}",
   "manifest.json: \"name\" must be a text of 1 to 200 bytes without control characters"},
#define BAD_VERSION                                                                                \
  "manifest.json: \"version\" must be a whole number or up to 8 of them with dots between, "       \
  "\"1.12.0\", each of up to 18 digits"
  {"{\"version\": -1}", BAD_VERSION},
  {"{\"version\": 1.5}", BAD_VERSION},
  {"{\"version\": \"\"}", BAD_VERSION},
  {"{\"version\": \"1.\"}", BAD_VERSION},
  {"{\"version\": \".1\"}", BAD_VERSION},
  {"{\"version\": \"1..2\"}", BAD_VERSION},
  {"{\"version\": \"1.2-rc1\"}", BAD_VERSION},
  {"{\"version\": \"1\\u00002\"}", BAD_VERSION},
  {"{\"version\": \"1.2.3.4.5.6.7.8.9\"}", BAD_VERSION},
  {"{\"version\": \"1234567890123456789\"}", BAD_VERSION},
  {"{\"version\": true}", BAD_VERSION},
#define BAD_TIME                                                                                   \
  "manifest.json: \"notAfter\" must be a day, \"2027-01-31\", or a time in UTC, "                  \
  "\"2027-01-31T12:00:00Z\""
  {"{\"notAfter\": 1800000000}", BAD_TIME},
  {"{\"notAfter\": \"2027-1-31\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-02-29\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-13-01\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-00-01\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-01-31T12:00:00\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-01-31T12:00:00+01:00\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-01-31T24:00:00Z\"}", BAD_TIME},
  {"{\"notAfter\": \"2027-01-31\\u0000\"}", BAD_TIME},
  {"{\"actors\": {}}", "manifest.json: \"actors\" must be a list of up to 1000 objects"},
  {"{\"actors\": [1]}", "manifest.json: \"actors[0]\" must be an object with a \"class\""},
  {"{\"actors\": [{\"name\": \"x\"}]}",
   "manifest.json: \"actors[0]\" has no \"class\", such as \"shop.Clerk\""},
  {"{\"actors\": [{\"class\": \"a.B\"}, {\"class\": 5}]}",
   "manifest.json: \"actors[1].class\" must be a text of 1 to 200 bytes without control "
   "characters"},
  {"{\"actors\": [{\"class\": \"a.B\", \"message\": 1}]}",
   "manifest.json: \"actors[0]\" has no field \"message\"; use class, name or messages"},
  {"{\"actors\": [{\"class\": \"a.B\", \"class\": \"a.C\"}]}",
   "manifest.json: line 1: duplicate object key near '\"class\"'"},
  {"{\"actors\": [{\"class\": \"a.B\", \"messages\": \"hello\"}]}",
   "manifest.json: \"actors[0].messages\" must be a list of up to 1000 messages, any JSON"},
};

static void what_is_wrong_is_named_with_the_remedy(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct th_manifest *manifest = NULL;
    struct th_reason reason = {""};
    int error = th_manifest_read(wrong[i].json, strlen(wrong[i].json), &manifest, &reason);
    if (strcmp(reason.words, wrong[i].words) != 0)
      fail_msg("%s is refused with \"%s\"", wrong[i].json, reason.words);
    assert_int_equal(error, TH_EBUNDLE);
    assert_null(manifest);
  }
}

/* before, then each count times, then after. */
static int read_many(const char *before, const char *each, size_t count, const char *after,
                     struct th_reason *reason) {
  struct th_manifest *manifest = NULL;
  size_t room = strlen(before) + strlen(each) * count + strlen(after) + 1;
  char *json = th_alloc(room), *at = stpcpy(json, before);
  for (size_t i = 0; i < count; i++) at = stpcpy(at, each);
  strcpy(at, after);
  int error = th_manifest_read(json, strlen(json), &manifest, reason);
  th_manifest_free(manifest);
  free(json);
  return error;
}

static void nothing_grows_without_bound(void **state) {
  struct th_reason reason = {""};
  (void)state;
  assert_int_equal(read_many("{\"name\": \"", "n", 200, "\"}", &reason), 0);
  assert_int_equal(read_many("{\"name\": \"", "n", 201, "\"}", &reason), TH_EBUNDLE);
  const char *actors = "{\"actors\": [{\"class\": \"a.B\"}";
  assert_int_equal(read_many(actors, ", {\"class\": \"a.B\"}", 999, "]}", &reason), 0);
  assert_int_equal(read_many(actors, ", {\"class\": \"a.B\"}", 1000, "]}", &reason), TH_EBUNDLE);
  const char *messages = "{\"actors\": [{\"class\": \"a.B\", \"messages\": [0";
  assert_int_equal(read_many(messages, ",0", 999, "]}]}", &reason), 0);
  assert_int_equal(read_many(messages, ",0", 1000, "]}]}", &reason), TH_EBUNDLE);
  assert_int_equal(read_many(messages, " ", 1 << 20, "]}]}", &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, "manifest.json: it has more than 1048576 bytes");
  assert_int_equal(read_many(messages, ",[", 500, "", &reason), TH_EBUNDLE);
  assert_int_equal(read_many("", "[", 1 << 20, "", &reason), TH_EBUNDLE);
}

static void versions_compare_by_their_numbers(void **state) {
  static const char *const order[] = {NULL,  "0",    "0.9", "1",  "1.0.1",
                                      "1.9", "1.10", "2",   "10", "999999999999999999"};
  (void)state;
  for (int i = 0; i < 10; i++)
    for (int j = 0; j < 10; j++) {
      int compared = th_manifest_compare_versions(order[i], order[j]);
      assert_int_equal((compared > 0) - (compared < 0), (i > j) - (i < j));
    }
  assert_int_equal(th_manifest_compare_versions("1", "1.0.0"), 0);
  assert_int_equal(th_manifest_compare_versions("01.2", "1.02"), 0);
  struct th_manifest *manifest = read_text("{\"version\": 12}");
  assert_string_equal(manifest->version, "12");
  th_manifest_free(manifest);
}

static void a_manifest_is_good_up_to_its_last_second(void **state) {
  (void)state;
  struct th_manifest *day = read_text("{\"notAfter\": \"2028-02-29\"}"),
                     *second = read_text("{\"notAfter\": \"2028-02-29T12:00:00Z\"}");
  assert_false(th_manifest_is_expired(day, 1835481599)); /* 2028-02-29T23:59:59Z */
  assert_true(th_manifest_is_expired(day, 1835481600));
  assert_false(th_manifest_is_expired(second, 1835438400));
  assert_true(th_manifest_is_expired(second, 1835438401));
  th_manifest_free(day);
  th_manifest_free(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_of_it_is_read),
    cmocka_unit_test(nothing_must_be_there),
    cmocka_unit_test(what_is_wrong_is_named_with_the_remedy),
    cmocka_unit_test(nothing_grows_without_bound),
    cmocka_unit_test(versions_compare_by_their_numbers),
    cmocka_unit_test(a_manifest_is_good_up_to_its_last_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
