#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/embed.h"
#include "message/notice.h"
#include "message/pack.h"

/* What a builder holds, which must be fine. */
static struct thespian_value built(const struct thespian_builder *builder) {
  struct th_embed_packed packed;
  struct th_reason reason = {""};
  assert_int_equal(th_embed_packed(builder, &packed, &reason), 0);
  assert_null(th_embed_refuse(packed.data, packed.size));
  return th_embed_value(packed.data, packed.size);
}

/* The builder must refuse what it was given, in these words; it is reset. */
static void assert_refused(struct thespian_builder *builder, const char *words) {
  struct thespian_reason reason = {""};
  struct th_embed_packed packed;
  assert_int_equal(thespian_builder_error(builder, &reason), THESPIAN_ECANNOTSEND);
  assert_non_null(strstr(reason.words, words));
  assert_int_equal(th_embed_packed(builder, &packed, NULL), THESPIAN_ECANNOTSEND);
  thespian_put_int(builder, 1); /* the error sticks */
  assert_int_equal(thespian_builder_error(builder, NULL), THESPIAN_ECANNOTSEND);
  thespian_builder_reset(builder);
}

static struct thespian_value raw(const char *bytes, size_t size) {
  assert_null(th_embed_refuse(bytes, size));
  return th_embed_value(bytes, size);
}

#define RAW(bytes) raw(bytes, sizeof(bytes) - 1)

static void scalars_come_back_as_they_were_put(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  struct th_address address = {.system = 7, .number = 8, .ip = 9, .port = 10};
  (void)state;
  thespian_begin_array(builder);
  thespian_put_nil(builder);
  thespian_put_bool(builder, true);
  thespian_put_int(builder, INT64_MIN);
  thespian_put_real(builder, 2.5);
  thespian_put_text(builder, "text");
  thespian_put_bytes(builder, "a\0b", 3);
  thespian_put_address(builder, th_embed_out(&address));
  thespian_put_text(builder, NULL);
  thespian_put_address(builder, (struct thespian_address){{0}});
  thespian_put_real(builder, NAN);
  thespian_end(builder);
  struct thespian_value all = built(builder);
  static const enum thespian_type types[] = {
    THESPIAN_NIL,    THESPIAN_BOOL,    THESPIAN_INT, THESPIAN_REAL, THESPIAN_STRING,
    THESPIAN_STRING, THESPIAN_ADDRESS, THESPIAN_NIL, THESPIAN_NIL,  THESPIAN_REAL};
  assert_int_equal(thespian_value_type(all), THESPIAN_ARRAY);
  assert_int_equal(thespian_value_count(all), 10);
  for (size_t i = 0; i < 10; i++)
    assert_int_equal(thespian_value_type(thespian_value_item(all, i)), types[i]);
  assert_true(thespian_value_bool(thespian_value_item(all, 1), false));
  assert_int_equal(thespian_value_int(thespian_value_item(all, 2), 0), INT64_MIN);
  assert_true(thespian_value_real(thespian_value_item(all, 3), 0) == 2.5);
  assert_true(thespian_value_is(thespian_value_item(all, 4), "text"));
  size_t size;
  assert_memory_equal(thespian_value_bytes(thespian_value_item(all, 5), &size), "a\0b", 3);
  assert_int_equal(size, 3);
  struct thespian_address back = thespian_value_address(thespian_value_item(all, 6));
  assert_true(thespian_address_equal(back, th_embed_out(&address)));
  struct th_address whole = th_embed_in(back);
  assert_int_equal(whole.port, 10);
  assert_int_equal(thespian_value_type(thespian_value_item(all, 10)), THESPIAN_NIL);
  thespian_builder_free(builder);
}

static void getters_fall_back_on_other_types(void **state) {
  struct thespian_value text = RAW("\xa2hi"), number = RAW("\x07"), nothing = {{NULL}};
  size_t size = 9;
  (void)state;
  assert_true(thespian_value_bool(number, true));
  assert_int_equal(thespian_value_int(text, -3), -3);
  assert_true(thespian_value_real(text, 0.5) == 0.5);
  assert_true(thespian_value_real(number, 0.5) == 7.0);
  assert_null(thespian_value_bytes(number, &size));
  assert_int_equal(size, 0);
  assert_true(thespian_address_is_nobody(thespian_value_address(text)));
  assert_int_equal(thespian_value_count(text), 0);
  assert_null(thespian_value_class(text, &size));
  assert_false(thespian_value_is_instance(text, "hi"));
  assert_int_equal(thespian_value_type(thespian_value_find(text, "hi")), THESPIAN_NIL);
  assert_int_equal(thespian_value_type(nothing), THESPIAN_NIL);
  assert_int_equal(thespian_value_int(nothing, 4), 4);
  assert_false(thespian_value_is(nothing, ""));
  struct thespian_items items = thespian_items_of(nothing);
  assert_false(thespian_items_next(&items, NULL, &text));
}

static void a_real_is_an_integer_where_it_has_its_value(void **state) {
  (void)state;
  assert_int_equal(thespian_value_int(RAW("\xcb\x40\x08\0\0\0\0\0\0"), -1), 3);
  assert_int_equal(thespian_value_int(RAW("\xcb\x40\x0c\0\0\0\0\0\0"), -1), -1); /* 3.5 */
  assert_int_equal(thespian_value_int(RAW("\xcb\x43\xe0\0\0\0\0\0\0"), -1), -1); /* 2^63 */
  assert_int_equal(thespian_value_int(RAW("\xcb\x7f\xf8\0\0\0\0\0\0"), -1), -1); /* NaN */
}

static void text_is_cut_where_it_does_not_fit(void **state) {
  char out[4] = "xyz";
  struct thespian_value text = RAW("\xa5hello");
  (void)state;
  assert_int_equal(thespian_value_text(text, out, sizeof out), 5);
  assert_string_equal(out, "hel");
  assert_int_equal(thespian_value_text(text, out, 1), 5);
  assert_string_equal(out, "");
  assert_int_equal(thespian_value_text(text, NULL, 0), 5);
  assert_int_equal(thespian_value_text(RAW("\x01"), out, sizeof out), 0);
  assert_string_equal(out, "");
}

static void maps_and_instances_are_found_in_and_walked(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_value key, item;
  size_t size;
  (void)state;
  thespian_begin_instance(builder, "jobs.deep.Job");
  thespian_put_text(builder, "parts");
  thespian_begin_map(builder);
  thespian_put_int(builder, 1);
  thespian_put_text(builder, "one");
  thespian_put_text(builder, "none");
  thespian_begin_array(builder);
  thespian_end(builder);
  thespian_end(builder);
  thespian_put_text(builder, "done");
  thespian_put_bool(builder, false);
  thespian_end(builder);
  struct thespian_value job = built(builder);
  assert_int_equal(thespian_value_type(job), THESPIAN_INSTANCE);
  assert_memory_equal(thespian_value_class(job, &size), "jobs.deep.Job", 13);
  assert_int_equal(size, 13);
  assert_true(thespian_value_is_instance(job, "jobs.deep.Job"));
  assert_true(thespian_value_is_instance(job, "Job"));
  assert_false(thespian_value_is_instance(job, "jobs"));
  assert_int_equal(thespian_value_count(job), 2);
  struct thespian_value parts = thespian_value_find(job, "parts");
  assert_int_equal(thespian_value_type(parts), THESPIAN_MAP);
  assert_int_equal(thespian_value_count(parts), 2);
  assert_int_equal(thespian_value_type(thespian_value_find(parts, "none")), THESPIAN_ARRAY);
  assert_int_equal(thespian_value_type(thespian_value_find(parts, "one")), THESPIAN_NIL);
  assert_int_equal(thespian_value_type(thespian_value_item(parts, 0)), THESPIAN_NIL);
  struct thespian_items items = thespian_items_of(parts);
  assert_true(thespian_items_next(&items, &key, &item));
  assert_int_equal(thespian_value_int(key, 0), 1);
  assert_true(thespian_value_is(item, "one"));
  assert_true(thespian_items_next(&items, NULL, &item));
  assert_int_equal(thespian_value_count(item), 0);
  assert_false(thespian_items_next(&items, &key, &item));
  assert_false(thespian_value_bool(thespian_value_find(job, "done"), true));
  thespian_builder_free(builder);
}

static void large_tables_have_large_counts(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_value item;
  int64_t sum = 0;
  (void)state;
  thespian_begin_array(builder);
  for (int i = 0; i < 70000; i++) thespian_put_int(builder, i);
  thespian_end(builder);
  assert_int_equal(thespian_value_count(built(builder)), 70000);
  struct thespian_items items = thespian_items_of(built(builder));
  while (thespian_items_next(&items, NULL, &item)) sum += thespian_value_int(item, 0);
  assert_int_equal(sum, INT64_C(70000) * 69999 / 2);
  thespian_builder_free(builder);
}

static void misuse_of_a_builder_is_said(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  (void)state;
  struct thespian_reason reason;
  assert_int_equal(thespian_builder_error(builder, &reason), THESPIAN_ECANNOTSEND);
  assert_non_null(strstr(reason.words, "no value"));
  thespian_put_int(builder, 1);
  thespian_put_int(builder, 2);
  assert_refused(builder, "second value");
  thespian_begin_array(builder);
  assert_refused(builder, "no end");
  thespian_end(builder);
  assert_refused(builder, "more was ended");
  thespian_begin_map(builder);
  thespian_put_text(builder, "key");
  thespian_end(builder);
  assert_refused(builder, "key that has no value");
  thespian_begin_map(builder);
  thespian_put_nil(builder);
  assert_refused(builder, "key of a map is nil");
  thespian_begin_map(builder);
  thespian_put_value(builder, (struct thespian_value){{NULL}});
  assert_refused(builder, "key of a map is nil");
  thespian_begin_map(builder);
  thespian_put_real(builder, NAN);
  assert_refused(builder, "not a number");
  thespian_begin_instance(builder, NULL);
  assert_refused(builder, "name of a class");
  thespian_begin_instance(builder, "jobs.");
  assert_refused(builder, "name of a class");
  for (int i = 0; i < 1001; i++) thespian_begin_array(builder);
  assert_refused(builder, "deeper");
  thespian_put_text(builder, "fine again");
  assert_int_equal(thespian_builder_error(builder, NULL), 0);
  thespian_builder_free(builder);
  thespian_builder_free(NULL);
}

static void nothing_built_is_nil(void **state) {
  struct th_embed_packed packed;
  (void)state;
  assert_int_equal(th_embed_packed(NULL, &packed, NULL), 0);
  assert_int_equal(thespian_value_type(th_embed_value(packed.data, packed.size)), THESPIAN_NIL);
  assert_int_equal(th_embed_requirements(NULL, &packed, NULL), 0);
  assert_int_equal(packed.size, 0);
}

static void requirements_are_tables(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  struct th_embed_packed packed;
  struct th_reason reason;
  (void)state;
  thespian_put_int(builder, 1);
  assert_int_equal(th_embed_requirements(builder, &packed, &reason), TH_ESPECIFICATION);
  assert_non_null(strstr(reason.words, "requirements"));
  thespian_builder_reset(builder);
  thespian_begin_map(builder);
  assert_int_equal(th_embed_requirements(builder, &packed, &reason), TH_ECANNOTSEND);
  thespian_end(builder);
  assert_int_equal(th_embed_requirements(builder, &packed, &reason), 0);
  assert_true(packed.size > 0);
  thespian_builder_free(builder);
}

/* ---- what only others write: references and enclosed values ---- */

/* [{"t": [7]}, ref to [7], ref to the map, enclosed [[9], ref to its inner array]] */
static const char shared[] = "\x94\x81\xa1t\x91\x07\xd4\x02\x02\xd4\x02\x01\xc7\x06\x04\x92\x91\x09"
                             "\xd4\x02\x01";

static void references_lead_to_the_table_that_they_mean(void **state) {
  struct thespian_value all = RAW(shared);
  (void)state;
  struct thespian_value list = thespian_value_item(all, 1);
  assert_int_equal(thespian_value_type(list), THESPIAN_ARRAY);
  assert_int_equal(thespian_value_int(thespian_value_item(list, 0), 0), 7);
  struct thespian_value map = thespian_value_item(all, 2);
  assert_int_equal(thespian_value_type(map), THESPIAN_MAP);
  assert_int_equal(thespian_value_count(thespian_value_find(map, "t")), 1);
  struct thespian_value enclosed = thespian_value_item(all, 3);
  assert_int_equal(thespian_value_type(enclosed), THESPIAN_ARRAY);
  struct thespian_value inner = thespian_value_item(enclosed, 1);
  assert_int_equal(thespian_value_int(thespian_value_item(inner, 0), 0), 9);
}

static void a_cycle_can_be_walked_as_far_as_one_likes(void **state) {
  struct thespian_value value = RAW("\x91\xd4\x02\x00"); /* a list that contains itself */
  (void)state;
  for (int i = 0; i < 100; i++) {
    assert_int_equal(thespian_value_count(value), 1);
    value = thespian_value_item(value, 0);
  }
}

static void references_count_instances_once(void **state) {
  /* [instance a.B {x = [5]}, ref 2]: the list in the instance */
  struct thespian_value all = RAW("\x92\xc7\x0c\x03\x92\xa3"
                                  "a.B\xa1"
                                  "B\x81\xa1x\x91\x05\xd4\x02\x02");
  (void)state;
  assert_int_equal(thespian_value_int(thespian_value_item(thespian_value_item(all, 1), 0), 0), 5);
}

static void what_is_received_can_be_sent_on(void **state) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_value all = RAW(shared);
  (void)state;
  thespian_begin_array(builder);
  thespian_put_value(builder, RAW("\x91\x05"));
  thespian_put_value(builder, all);
  thespian_put_value(builder, thespian_value_item(RAW("\x92\x01\x91\x06"), 1));
  thespian_put_value(builder, thespian_value_item(all, 3)); /* a whole of its own */
  thespian_end(builder);
  struct thespian_value copy = built(builder);
  assert_int_equal(thespian_value_int(thespian_value_item(thespian_value_item(copy, 0), 0), 0), 5);
  struct thespian_value list = thespian_value_item(thespian_value_item(copy, 1), 1);
  assert_int_equal(thespian_value_int(thespian_value_item(list, 0), 0), 7);
  assert_int_equal(thespian_value_int(thespian_value_item(thespian_value_item(copy, 2), 0), 0), 6);
  struct thespian_value inner = thespian_value_item(thespian_value_item(copy, 3), 1);
  assert_int_equal(thespian_value_int(thespian_value_item(inner, 0), 0), 9);
  thespian_builder_reset(builder);
  thespian_put_value(builder, thespian_value_item(all, 0));
  assert_refused(builder, "without the rest");
  thespian_builder_free(builder);
}

static void what_makes_no_value_is_refused(void **state) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *words;
  } cases[] = {
    {"\xc1", 1, "no MessagePack"},
    {"\x92\x01", 2, "no MessagePack"},
    {"\x01\x02", 2, "something follows"},
    {"\x91\xd4\x02\x01", 4, "points nowhere"},
    {"\xd4\x02\x00", 3, "points nowhere"},
    {"\x91\xc7\x05\x02\0\0\0\0\0", 9, "points nowhere"},
    {"\xd4\x01\x00", 3, "wrong size"},
    {"\xd4\x09\x00", 3, "unknown"},
    {"\xd5\x03\x90\x80", 4, "proper names"},
    {"\xc7\x04\x03\x92\x01\x02\x80", 7, "proper names"},
    {"\xc7\x06\x03\x92\xa1x\xa1x\x07", 9, "no fields"},
    {"\xc7\x07\x03\x92\xa1x\xa1x\x80\x01", 10, "too long"},
    {"\x91\xd6\x04\x91\xd4\x02\x01", 7, "points nowhere"},
  };
  char deep[1002];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *refusal = th_embed_refuse(cases[i].bytes, cases[i].size);
    if (refusal == NULL || strstr(refusal, cases[i].words) == NULL)
      fail_msg("case %zu: %s", i, refusal != NULL ? refusal : "no refusal");
  }
  memset(deep, '\x91', sizeof deep);
  deep[1001] = '\x01';
  assert_string_equal(th_embed_refuse(deep, sizeof deep), "it is nested too deeply");
  assert_null(th_embed_refuse(deep + 1, sizeof deep - 1));
  assert_null(th_embed_refuse(NULL, 0));
}

static void the_kind_is_that_of_the_class(void **state) {
  static const struct {
    const char *name;
    enum th_kind kind;
  } cases[] = {{"thespian.actors.ActorExitRequest", TH_KIND_EXIT_REQUEST},
               {"thespian.actors.PoisonMessage", TH_KIND_POISON},
               {"thespian.actors.WakeupMessage", TH_KIND_SYSTEM},
               {"thespian.actorsX", TH_KIND_USER},
               {"jobs.Job", TH_KIND_USER}};
  struct thespian_builder *builder = thespian_builder_new();
  struct th_embed_packed packed;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    thespian_builder_reset(builder);
    thespian_begin_instance(builder, cases[i].name);
    thespian_end(builder);
    assert_int_equal(th_embed_packed(builder, &packed, NULL), 0);
    assert_int_equal(th_embed_kind(packed), cases[i].kind);
  }
  thespian_builder_reset(builder);
  thespian_put_exit_request(builder, false);
  assert_int_equal(th_embed_packed(builder, &packed, NULL), 0);
  assert_int_equal(th_embed_kind(packed), TH_KIND_EXIT_REQUEST);
  struct thespian_value request = th_embed_value(packed.data, packed.size);
  assert_true(thespian_value_is_instance(request, "ActorSystemMessage"));
  assert_false(thespian_value_bool(thespian_value_find(request, "isRecursive"), true));
  thespian_builder_free(builder);
}

/* The header repeats the numbers, so that it stands alone. */
static void errors_have_the_numbers_that_the_header_says(void **state) {
  static const int numbers[] = {
    THESPIAN_ENOMEM,     THESPIAN_EMALFORMED,     THESPIAN_ETOOBIG,       THESPIAN_ECANNOTSEND,
    THESPIAN_EADDRESS,   THESPIAN_ESPECIFICATION, THESPIAN_ENOCOMPATIBLE, THESPIAN_ESOURCE,
    THESPIAN_EBUNDLE,    THESPIAN_ETIMEOUT,       THESPIAN_EGONE,         THESPIAN_ENOSYSTEM,
    THESPIAN_ESTARTUP,   THESPIAN_EPROTOCOL,      THESPIAN_ESHUTDOWN,     THESPIAN_EREFUSED,
    THESPIAN_EUSAGE,     THESPIAN_EDEAD,          THESPIAN_ECAPABILITY,   THESPIAN_ECROSSED,
    THESPIAN_EFORGOTTEN, THESPIAN_ELOST,          THESPIAN_ENOCLASS,      THESPIAN_EKEY,
    THESPIAN_ESIGNATURE, THESPIAN_ELOCKED,        THESPIAN_EMISUSE};
#define X(name, number, class, words) name,
  static const int ours[] = {TH_ERRORS(X)};
#undef X
  (void)state;
  assert_int_equal(sizeof numbers, sizeof ours);
  assert_memory_equal(numbers, ours, sizeof ours);
  assert_string_equal(thespian_error_words(THESPIAN_EDEAD), "the message became a dead letter");
  assert_string_equal(thespian_error_words(-2), "No such file or directory");
  assert_string_equal(thespian_version(), TH_VERSION);
}

static void addresses_are_values_with_a_text(void **state) {
  struct th_address own = {.system = 0xab, .number = 5}, other = own;
  struct thespian_address nobody = {{0}};
  char text[THESPIAN_ADDRESS_TEXT_SIZE];
  (void)state;
  other.port = 3; /* where it is to be reached makes no difference */
  assert_true(thespian_address_equal(th_embed_out(&own), th_embed_out(&other)));
  other.number++;
  assert_false(thespian_address_equal(th_embed_out(&own), th_embed_out(&other)));
  assert_true(thespian_address_is_nobody(nobody));
  assert_false(thespian_address_is_nobody(th_embed_out(&own)));
  assert_string_equal(thespian_address_text(th_embed_out(&own), text), "a5.00000000000000ab");
  assert_string_equal(thespian_address_text(nobody, text), "nobody");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(scalars_come_back_as_they_were_put),
    cmocka_unit_test(getters_fall_back_on_other_types),
    cmocka_unit_test(a_real_is_an_integer_where_it_has_its_value),
    cmocka_unit_test(text_is_cut_where_it_does_not_fit),
    cmocka_unit_test(maps_and_instances_are_found_in_and_walked),
    cmocka_unit_test(large_tables_have_large_counts),
    cmocka_unit_test(misuse_of_a_builder_is_said),
    cmocka_unit_test(nothing_built_is_nil),
    cmocka_unit_test(requirements_are_tables),
    cmocka_unit_test(references_lead_to_the_table_that_they_mean),
    cmocka_unit_test(a_cycle_can_be_walked_as_far_as_one_likes),
    cmocka_unit_test(references_count_instances_once),
    cmocka_unit_test(what_is_received_can_be_sent_on),
    cmocka_unit_test(what_makes_no_value_is_refused),
    cmocka_unit_test(the_kind_is_that_of_the_class),
    cmocka_unit_test(errors_have_the_numbers_that_the_header_says),
    cmocka_unit_test(addresses_are_values_with_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
