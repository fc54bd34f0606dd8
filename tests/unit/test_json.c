#include "host/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "message/pack.h"

/* ---- helpers --------------------------------------------------------------------------------- */

static char *take_text(struct th_buffer *text) {
  th_buffer_append(text, "", 1);
  assert_int_equal(text->error, 0);
  return (char *)text->data;
}

/* What was packed, as JSON; the packed bytes are cleared. */
static void assert_written(struct th_buffer *packed, const char *expected) {
  struct th_buffer text;
  th_buffer_init(&text);
  assert_int_equal(packed->error, 0);
  assert_int_equal(th_json_write(packed->data, packed->size, &text), 0);
  assert_string_equal(take_text(&text), expected);
  th_buffer_clear(&text);
  th_buffer_clear(packed);
}

/* Text that comes back as expected after it was packed. */
static void assert_through(const char *text, const char *expected) {
  struct th_buffer packed;
  th_buffer_init(&packed);
  assert_int_equal(th_json_to_pack(text, &packed), 0);
  assert_written(&packed, expected);
}

static void assert_refused(const char *text) {
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_nil(&packed);
  assert_int_equal(th_json_to_pack(text, &packed), TH_EMALFORMED);
  assert_int_equal(packed.size, 1);
  assert_int_equal(packed.error, 0);
  th_buffer_clear(&packed);
}

static void assert_malformed(const void *data, size_t size) {
  struct th_buffer text;
  th_buffer_init(&text);
  assert_int_equal(th_json_write(data, size, &text), TH_EMALFORMED);
  th_buffer_clear(&text);
}

static char *nested(size_t depth) {
  char *text = th_alloc(2 * depth + 1);
  memset(text, '[', depth);
  memset(text + depth, ']', depth);
  text[2 * depth] = '\0';
  return text;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void json_of_every_type_comes_back_as_it_was(void **state) {
  (void)state;
  assert_through("null", "null");
  assert_through(" true ", "true");
  assert_through("false", "false");
  assert_through("-7", "-7");
  assert_through("9223372036854775807", "9223372036854775807");
  assert_through("-9223372036854775808", "-9223372036854775808");
  assert_through("\"a\\u00e9\\n\"", "\"a\xc3\xa9\\n\"");
  assert_through("[]", "[]");
  assert_through("{}", "{}");
  assert_through("[1,[2,{\"b\":null,\"a\":[true]}]]", "[1, [2, {\"b\": null, \"a\": [true]}]]");
}

static void numbers_stay_integers_or_reals(void **state) {
  (void)state;
  assert_through("1", "1");
  assert_through("1.0", "1.0");
  assert_through("1e2", "100.0");
  assert_through("0.1", "0.1");
  assert_through("1e300", "1e+300");
}

static void what_is_no_json_is_a_string(void **state) {
  (void)state;
  assert_through("hello there", "\"hello there\"");
  assert_through("", "\"\"");
  assert_through("[1, 2", "\"[1, 2\"");
  assert_through("{a = 1}", "\"{a = 1}\"");
  assert_through("1 2", "\"1 2\"");
  assert_through("nan", "\"nan\"");
  assert_through("\xff\xfe", "\"\\u00ff\\u00fe\"");
}

static void a_number_alone_that_is_too_big_keeps_its_digits(void **state) {
  (void)state;
  assert_through("123456789012345678901234567890", "\"123456789012345678901234567890\"");
}

static void json_that_cannot_be_carried_is_refused_and_leaves_nothing(void **state) {
  (void)state;
  assert_refused("[123456789012345678901234567890]");
  assert_refused("  {\"a\": 123456789012345678901234567890}");
  char *text = nested(TH_PACK_DEPTH + 1);
  assert_refused(text);
  free(text);
  text = nested(100000);
  assert_refused(text);
  free(text);
}

static void the_deepest_json_that_is_allowed_passes(void **state) {
  (void)state;
  char *text = nested(TH_PACK_DEPTH);
  assert_through(text, text);
  free(text);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void a_string_alone_is_printed_as_it_is(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_str(&packed, "a\"\n\xff", 4);
  assert_int_equal(th_json_from_pack(packed.data, packed.size, &text), 0);
  assert_string_equal(take_text(&text), "a\"\n\xff");
  th_buffer_reset(&packed);
  th_buffer_reset(&text);
  th_pack_array(&packed, 1);
  th_pack_str(&packed, "a\"", 2);
  assert_int_equal(th_json_from_pack(packed.data, packed.size, &text), 0);
  assert_string_equal(take_text(&text), "[\"a\\\"\"]");
  th_buffer_clear(&packed);
  th_buffer_clear(&text);
}

static void an_address_alone_is_printed_as_it_is_typed(void **state) {
  (void)state;
  struct th_address address = {.system = 0xab, .number = 3};
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_address(&packed, &address);
  assert_int_equal(th_json_from_pack(packed.data, packed.size, &text), 0);
  assert_string_equal(take_text(&text), "a3.00000000000000ab");
  th_buffer_clear(&text);
  assert_written(&packed, "\"a3.00000000000000ab\"");
}

static void bytes_that_are_not_utf8_are_escaped_one_by_one(void **state) {
  (void)state;
  static const char bytes[] = "\xc3\xa9|\xc3|\x80|\xc0\xaf|\xed\xa0\x80|\xf0\x9f\x98\x80|\xf4\x90"
                              "\x80\x80|\xe0\x80\x80|\x01\x7f\xe2\x82";
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_str(&packed, bytes, sizeof bytes - 1);
  assert_written(
    &packed, "\"\xc3\xa9|\\u00c3|\\u0080|\\u00c0\\u00af|\\u00ed\\u00a0\\u0080|\xf0\x9f\x98\x80|"
             "\\u00f4\\u0090\\u0080\\u0080|\\u00e0\\u0080\\u0080|\\u0001\\u007f\\u00e2\\u0082\"");
}

static void control_characters_of_two_bytes_are_escaped(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_text(&packed, "\xc2\x80\xc2\x9b\xc2\xa0");
  assert_written(&packed, "\"\\u0080\\u009b\xc2\xa0\"");
}

static void a_zero_byte_within_a_string_is_escaped(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_str(&packed, "a\0b", 3);
  assert_written(&packed, "\"a\\u0000b\"");
}

static void reals_have_the_shortest_digits_and_say_that_they_are_reals(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_array(&packed, 7);
  th_pack_real(&packed, 0.1);
  th_pack_real(&packed, 1.0 / 3.0);
  th_pack_real(&packed, 2);
  th_pack_real(&packed, -0.0);
  th_pack_real(&packed, INFINITY);
  th_pack_real(&packed, -INFINITY);
  th_pack_real(&packed, NAN);
  assert_written(&packed, "[0.1, 0.3333333333333333, 2.0, -0.0, \"inf\", \"-inf\", \"nan\"]");
}

static void keys_that_are_no_strings_become_their_json(void **state) {
  (void)state;
  struct th_address address = {.system = 0x1f, .number = 3};
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_map(&packed, 4);
  th_pack_int(&packed, 1);
  th_pack_bool(&packed, true);
  th_pack_bool(&packed, false);
  th_pack_text(&packed, "x");
  th_pack_array(&packed, 1);
  th_pack_text(&packed, "k");
  th_pack_nil(&packed);
  th_pack_address(&packed, &address);
  th_pack_nil(&packed);
  assert_written(&packed, "{\"1\": true, \"false\": \"x\", \"[\\\"k\\\"]\": null, "
                          "\"a3.000000000000001f\": null}");
}

static void pack_point(struct th_buffer *packed, uint32_t fields) {
  size_t mark = th_pack_ext_begin(packed, TH_EXT_INSTANCE);
  th_pack_array(packed, 4);
  th_pack_text(packed, "shapes.Point");
  th_pack_text(packed, "Point");
  th_pack_text(packed, "shapes.Shape");
  th_pack_text(packed, "Shape");
  th_pack_map(packed, fields);
  for (uint32_t i = 0; i < fields; i++) {
    th_pack_text(packed, "x");
    th_pack_int(packed, i);
  }
  th_pack_ext_end(packed, mark);
}

static void instances_are_objects_that_name_their_class(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_array(&packed, 2);
  pack_point(&packed, 1);
  pack_point(&packed, 0);
  assert_written(&packed, "[{\"__class\": \"Point\", \"x\": 0}, {\"__class\": \"Point\"}]");
}

static void a_table_met_before_is_named_by_its_number(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_map(&packed, 1);
  th_pack_text(&packed, "self");
  size_t mark = th_pack_ext_begin(&packed, TH_EXT_REFERENCE);
  th_pack_raw(&packed, "\x01\x02", 2);
  th_pack_ext_end(&packed, mark);
  assert_written(&packed, "{\"self\": \"<reference 258>\"}");
}

static void an_enclosed_value_is_written_like_any_other(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  th_pack_array(&packed, 1);
  size_t mark = th_pack_ext_begin(&packed, TH_EXT_ENCLOSED);
  th_pack_array(&packed, 1);
  th_pack_text(&packed, "in");
  th_pack_ext_end(&packed, mark);
  assert_written(&packed, "[[\"in\"]]");
}

static void bytes_that_are_not_one_value_are_malformed(void **state) {
  (void)state;
  assert_malformed("", 0);
  assert_malformed("\xc0\xc0", 2);         /* two values */
  assert_malformed("\x92\xc0", 2);         /* an array cut off */
  assert_malformed("\x81\xa1", 2);         /* a key cut off */
  assert_malformed("\xd4\x03\xc0", 3);     /* an instance of nothing */
  assert_malformed("\xd4\x01\xc0", 3);     /* an address of one byte */
  assert_malformed("\xd5\x04\xc0\xc0", 4); /* two values enclosed in one */
}

static void values_nested_too_deep_are_malformed_not_a_crash(void **state) {
  (void)state;
  size_t size = 1000000;
  unsigned char *data = th_alloc(size);
  memset(data, 0x91, size);
  assert_malformed(data, size);
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(json_of_every_type_comes_back_as_it_was),
    cmocka_unit_test(numbers_stay_integers_or_reals),
    cmocka_unit_test(what_is_no_json_is_a_string),
    cmocka_unit_test(a_number_alone_that_is_too_big_keeps_its_digits),
    cmocka_unit_test(json_that_cannot_be_carried_is_refused_and_leaves_nothing),
    cmocka_unit_test(the_deepest_json_that_is_allowed_passes),
    cmocka_unit_test(a_string_alone_is_printed_as_it_is),
    cmocka_unit_test(an_address_alone_is_printed_as_it_is_typed),
    cmocka_unit_test(bytes_that_are_not_utf8_are_escaped_one_by_one),
    cmocka_unit_test(control_characters_of_two_bytes_are_escaped),
    cmocka_unit_test(a_zero_byte_within_a_string_is_escaped),
    cmocka_unit_test(reals_have_the_shortest_digits_and_say_that_they_are_reals),
    cmocka_unit_test(keys_that_are_no_strings_become_their_json),
    cmocka_unit_test(instances_are_objects_that_name_their_class),
    cmocka_unit_test(a_table_met_before_is_named_by_its_number),
    cmocka_unit_test(an_enclosed_value_is_written_like_any_other),
    cmocka_unit_test(bytes_that_are_not_one_value_are_malformed),
    cmocka_unit_test(values_nested_too_deep_are_malformed_not_a_crash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
