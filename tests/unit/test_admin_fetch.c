/* Fetching a source, with a whole system on the simple base, which the test cranks; what other systems
 * say is put in by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/admin_inside.h"
#include "admin/convention.h"
#include "base/clock.h"
#include "message/protocol.h"
#include "probe.h"
#include "system/inside.h"

#define PART ((size_t)128 << 10)
#define BALLAST (20 * PART) /* more than one question */

static const struct th_address near = {
  .system = 77, .number = TH_ADMIN_NUMBER, .ip = 0x0a000001, .port = 1900};
static const struct th_address far = {
  .system = 78, .number = TH_ADMIN_NUMBER, .ip = 0x0a000002, .port = 1900};

struct bench {
  struct th_system *system;
  struct th_admin *admin;
  struct th_bytes *zip;
  char hash[TH_DIGEST_TEXT_SIZE];
};

/* A bundle with a file that does not get smaller. */
static struct th_bytes *pack(void) {
  struct th_source_file file = {.name = "ballast", .size = BALLAST};
  unsigned char *data = malloc(BALLAST);
  uint64_t state = 1;
  struct th_bytes *zip;
  for (size_t i = 0; i < BALLAST; i++) {
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    data[i] = (unsigned char)(state >> 56);
  }
  file.data = data;
  assert_int_equal(th_source_pack(&file, 1, &zip, NULL), 0);
  free(data);
  return zip;
}

static void begin(struct bench *bench) {
  bench->system = th_probe_start(TH_BASE_SIMPLE);
  th_system_crank(bench->system, th_clock_now());
  bench->admin = th_registry_find(bench->system->registry, TH_ADMIN_NUMBER)->state;
  bench->zip = pack();
  assert_int_equal(th_digest_sha256(bench->zip->data, bench->zip->size, bench->hash), 0);
}

static void end(struct bench *bench) {
  th_bytes_unref(bench->zip);
  assert_true(th_system_free(bench->system, 10));
}

static void say(struct bench *bench, enum th_kind kind, const struct th_address *sender,
                struct th_buffer *words) {
  struct th_message *message = th_message_pack(kind, th_system_admin(bench->system), sender, words);
  th_system_route(bench->system, message);
  th_system_crank(bench->system, th_clock_now());
  th_buffer_clear(words);
}

struct part {
  size_t offset;
  size_t size;
  size_t total;
  const char *digest;
  bool is_validated;
};

static void say_part(struct bench *bench, const struct th_address *sender,
                     const struct part *part) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 9);
  th_pack_int(&words, TH_SOURCE_PART);
  th_pack_text(&words, bench->hash);
  th_pack_int(&words, (int64_t)part->offset);
  th_pack_bin(&words, bench->zip->data + part->offset, part->size);
  th_pack_int(&words, (int64_t)part->total);
  th_pack_text(&words, part->digest);
  th_pack_bool(&words, part->is_validated);
  th_pack_text(&words, "from afar");
  th_pack_bool(&words, false);
  say(bench, TH_KIND_SOURCE, sender, &words);
}

static struct part part_at(const struct bench *bench, size_t offset) {
  size_t left = bench->zip->size - offset;
  return (struct part){.offset = offset,
                       .size = left < PART ? left : PART,
                       .total = bench->zip->size,
                       .digest = bench->hash};
}

static void say_parts(struct bench *bench, const struct th_address *sender, size_t from,
                      size_t until) {
  for (size_t offset = from; offset < until; offset += PART) {
    struct part part = part_at(bench, offset);
    say_part(bench, sender, &part);
  }
}

static bool is_loaded(struct bench *bench) {
  struct th_source *source = th_sources_find(bench->system->sources, bench->hash);
  th_source_unref(source);
  return source != NULL;
}

static bool is_expected(struct bench *bench) {
  char full[TH_DIGEST_TEXT_SIZE];
  return th_expected_find(bench->system->expected, bench->hash, full);
}

/* What has come so far. */
static size_t there(struct bench *bench) {
  const struct th_awaited *awaited = th_admin_awaited(bench->admin, bench->hash);
  return awaited != NULL ? awaited->data.size : 0;
}

static size_t asked(struct bench *bench) {
  return th_admin_awaited(bench->admin, bench->hash)->asked;
}

static void lose(struct bench *bench, const struct th_address *admin) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_convention_pack_parted(&words, admin, NULL, 2, "");
  say(bench, TH_KIND_CONVENTION, th_system_admin(bench->system), &words);
}

static void parts_make_the_whole(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  assert_true(is_expected(&bench));
  say_parts(&bench, &near, 0, bench.zip->size - 1);
  assert_true(is_loaded(&bench));
  assert_false(is_expected(&bench));
  end(&bench);
}

static void what_was_not_asked_for_is_passed_over(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  say_parts(&bench, &near, 0, bench.zip->size);
  assert_false(is_loaded(&bench));
  th_admin_fetch(bench.admin, bench.hash, &near);
  say_parts(&bench, &far, 0, bench.zip->size);
  assert_int_equal(there(&bench), 0);
  struct part later = part_at(&bench, PART);
  say_part(&bench, &near, &later);
  assert_int_equal(there(&bench), 0);
  say_parts(&bench, &near, 0, PART);
  say_parts(&bench, &near, 0, PART);
  assert_int_equal(there(&bench), PART);
  end(&bench);
}

static void who_is_lost_is_replaced_where_it_ended(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  th_admin_fetch(bench.admin, bench.hash, &far);
  say_parts(&bench, &near, 0, 3 * PART);
  lose(&bench, &near);
  assert_true(is_expected(&bench));
  say_parts(&bench, &near, 3 * PART, bench.zip->size);
  assert_int_equal(there(&bench), 3 * PART);
  assert_int_equal(asked(&bench), (3 + 8) * PART);
  say_parts(&bench, &far, 3 * PART, (3 + 8) * PART);
  assert_int_equal(asked(&bench), (3 + 8 + 8) * PART);
  say_parts(&bench, &far, (3 + 8) * PART, bench.zip->size);
  assert_true(is_loaded(&bench));
  end(&bench);
}

static void the_last_one_that_is_lost_ends_it(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  say_parts(&bench, &near, 0, 3 * PART);
  lose(&bench, &far);
  assert_true(is_expected(&bench));
  lose(&bench, &near);
  assert_false(is_expected(&bench));
  assert_false(is_loaded(&bench));
  end(&bench);
}

static void who_has_nothing_is_replaced(void **unused) {
  struct bench bench;
  struct th_buffer words;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  th_admin_fetch(bench.admin, bench.hash, &far);
  for (int i = 0; i < 2; i++) {
    assert_true(is_expected(&bench));
    th_buffer_init(&words);
    th_pack_array(&words, 3);
    th_pack_int(&words, TH_SOURCE_NONE);
    th_pack_text(&words, bench.hash);
    th_pack_text(&words, "gone");
    say(&bench, TH_KIND_SOURCE, i == 0 ? &near : &far, &words);
  }
  assert_false(is_expected(&bench));
  end(&bench);
}

/* One byte is another one. */
static void what_is_not_that_source_is_refused(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  th_admin_fetch(bench.admin, bench.hash, &far);
  unsigned char *bytes = (unsigned char *)(uintptr_t)bench.zip->data;
  bytes[BALLAST / 2] ^= 1;
  say_parts(&bench, &near, 0, bench.zip->size);
  assert_false(is_loaded(&bench));
  assert_int_equal(there(&bench), 0);
  bytes[BALLAST / 2] ^= 1;
  say_parts(&bench, &far, 0, bench.zip->size);
  assert_true(is_loaded(&bench));
  end(&bench);
}

/* Each says something that no honest system says. */
static void parts_that_lie_end_it(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  struct part lies[] = {part_at(&bench, 0), part_at(&bench, 0), part_at(&bench, 0),
                        part_at(&bench, 0), part_at(&bench, 0)};
  lies[0].total = 0;
  lies[1].total = (size_t)1 << 40;
  lies[2].size = PART + 1;
  lies[3].size = 0;
  lies[4].digest = "1234";
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    th_admin_fetch(bench.admin, bench.hash, &near);
    assert_true(is_expected(&bench));
    say_part(&bench, &near, &lies[i]);
    assert_false(is_expected(&bench));
  }
  end(&bench);
}

/* It is another edition of what an authority made: from the beginning. */
static void another_whole_begins_anew(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  say_parts(&bench, &near, 0, 2 * PART);
  struct part other = part_at(&bench, 2 * PART);
  other.is_validated = true;
  say_part(&bench, &near, &other);
  assert_true(is_expected(&bench));
  assert_int_equal(there(&bench), 0);
  end(&bench);
}

static void what_came_from_there_goes_with_it(void **unused) {
  struct bench bench;
  struct th_buffer words;
  (void)unused;
  begin(&bench);
  th_admin_fetch(bench.admin, bench.hash, &near);
  say_parts(&bench, &near, 0, bench.zip->size);
  for (int i = 0; i < 2; i++) {
    assert_true(is_loaded(&bench));
    th_buffer_init(&words);
    th_pack_array(&words, 2);
    th_pack_int(&words, TH_SOURCE_UNLOADED);
    th_pack_text(&words, bench.hash);
    say(&bench, TH_KIND_SOURCE, i == 0 ? &far : &near, &words);
  }
  assert_false(is_loaded(&bench));
  end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parts_make_the_whole),
    cmocka_unit_test(what_was_not_asked_for_is_passed_over),
    cmocka_unit_test(who_is_lost_is_replaced_where_it_ended),
    cmocka_unit_test(the_last_one_that_is_lost_ends_it),
    cmocka_unit_test(who_has_nothing_is_replaced),
    cmocka_unit_test(what_is_not_that_source_is_refused),
    cmocka_unit_test(parts_that_lie_end_it),
    cmocka_unit_test(another_whole_begins_anew),
    cmocka_unit_test(what_came_from_there_goes_with_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
