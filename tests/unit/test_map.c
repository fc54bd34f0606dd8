#include "base/map.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 4000

/* The values: any pointers that differ. */
static char places[KEYS];

static void what_was_put_is_found(void **state) {
  (void)state;
  struct th_map map;
  th_map_init(&map);
  assert_null(th_map_find(&map, 1));
  assert_null(th_map_put(&map, 1, &places[1]));
  assert_null(th_map_put(&map, 0, &places[0]));
  assert_null(th_map_put(&map, UINT64_MAX, &places[2]));
  assert_ptr_equal(th_map_find(&map, 0), &places[0]);
  assert_ptr_equal(th_map_find(&map, 1), &places[1]);
  assert_ptr_equal(th_map_find(&map, UINT64_MAX), &places[2]);
  assert_null(th_map_find(&map, 2));
  assert_int_equal(map.count, 3);
  th_map_clear(&map);
}

static void put_replaces_and_gives_the_old_value(void **state) {
  (void)state;
  struct th_map map;
  th_map_init(&map);
  th_map_put(&map, 7, &places[0]);
  assert_ptr_equal(th_map_put(&map, 7, &places[1]), &places[0]);
  assert_ptr_equal(th_map_find(&map, 7), &places[1]);
  assert_int_equal(map.count, 1);
  th_map_clear(&map);
}

static void remove_gives_the_value_once(void **state) {
  (void)state;
  struct th_map map;
  th_map_init(&map);
  assert_null(th_map_remove(&map, 7));
  th_map_put(&map, 7, &places[0]);
  assert_ptr_equal(th_map_remove(&map, 7), &places[0]);
  assert_null(th_map_remove(&map, 7));
  assert_null(th_map_find(&map, 7));
  assert_int_equal(map.count, 0);
  th_map_clear(&map);
}

static void texts_are_any_bytes_and_are_copied(void **state) {
  (void)state;
  struct th_map map;
  char text[] = {'a', '\0', 'b'};
  th_map_init(&map);
  assert_null(th_map_find_text(&map, "a", 1));
  assert_null(th_map_put_text(&map, text, 3, &places[0]));
  assert_null(th_map_put_text(&map, "a", 1, &places[1]));
  assert_null(th_map_put_text(&map, "", 0, &places[2]));
  text[0] = 'x';
  assert_ptr_equal(th_map_find_text(&map, "a\0b", 3), &places[0]);
  assert_ptr_equal(th_map_find_text(&map, "a", 1), &places[1]);
  assert_ptr_equal(th_map_find_text(&map, NULL, 0), &places[2]);
  assert_null(th_map_find_text(&map, text, 3));
  assert_ptr_equal(th_map_put_text(&map, "a", 1, &places[3]), &places[1]);
  assert_ptr_equal(th_map_remove_text(&map, "a", 1), &places[3]);
  assert_null(th_map_remove_text(&map, "a", 1));
  assert_int_equal(map.count, 2);
  th_map_clear(&map);
}

/* A simple generator of our own, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525 + 1013904223;
  return *seed >> 8;
}

static size_t key_text(size_t key, char text[24]) {
  return (size_t)snprintf(text, 24, "actor %zu", key);
}

/* The map against an array of the same content. The few keys make long runs of used slots, so
 * removing moves entries across the table's end too. */
static void any_order_of_puts_and_removes_keeps_what_it_should(void **state) {
  (void)state;
  static void *expected[48];
  struct th_map numbers, texts;
  uint32_t seed = 1;
  char text[24];
  memset(expected, 0, sizeof expected);
  th_map_init(&numbers);
  th_map_init(&texts);
  for (int step = 0; step < 100000; step++) {
    size_t key = next_random(&seed) % 48;
    size_t size = key_text(key, text);
    if (next_random(&seed) % 2 == 0) {
      void *value = &places[step % KEYS];
      assert_ptr_equal(th_map_put(&numbers, key, value), expected[key]);
      assert_ptr_equal(th_map_put_text(&texts, text, size, value), expected[key]);
      expected[key] = value;
    } else {
      assert_ptr_equal(th_map_remove(&numbers, key), expected[key]);
      assert_ptr_equal(th_map_remove_text(&texts, text, size), expected[key]);
      expected[key] = NULL;
    }
    key = next_random(&seed) % 48;
    assert_ptr_equal(th_map_find(&numbers, key), expected[key]);
    assert_ptr_equal(th_map_find_text(&texts, text, key_text(key, text)), expected[key]);
  }
  th_map_clear(&numbers);
  th_map_clear(&texts);
}

static size_t longest_run(const struct th_map *map) {
  size_t longest = 0, run = 0;
  for (size_t i = 0; i < 2 * map->capacity; i++) {
    run = map->slots[i % map->capacity].value != NULL ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
}

/* At two thirds full, runs of a few dozen are usual; hundreds mean that keys cluster. */
static void neighbours_and_multiples_do_not_cluster(void **state) {
  (void)state;
  static const int shifts[] = {0, 1, 8, 16, 32, 48};
  for (size_t s = 0; s < sizeof shifts / sizeof shifts[0]; s++) {
    struct th_map map;
    th_map_init(&map);
    for (uint64_t i = 0; i < KEYS; i++) th_map_put(&map, i << shifts[s], &places[i]);
    for (uint64_t i = 0; i < KEYS; i++)
      assert_ptr_equal(th_map_find(&map, i << shifts[s]), &places[i]);
    assert_in_range(longest_run(&map), 1, 400);
    th_map_clear(&map);
  }
}

static void a_removed_entry_leaves_nothing_behind(void **state) {
  (void)state;
  struct th_map map;
  th_map_init(&map);
  for (uint64_t i = 0; i < 60; i++) th_map_put(&map, i, &places[i]);
  size_t capacity = map.capacity;
  for (uint64_t i = 60; i < KEYS; i++) {
    th_map_put(&map, i, &places[i]);
    th_map_remove(&map, i - 60);
  }
  assert_int_equal(map.capacity, capacity);
  size_t used = 0;
  for (size_t i = 0; i < map.capacity; i++) used += map.slots[i].value != NULL;
  assert_int_equal(used, 60);
  th_map_clear(&map);
}

static void an_emptied_large_map_gives_its_memory_back(void **state) {
  (void)state;
  struct th_map map;
  th_map_init(&map);
  for (uint64_t i = 0; i < KEYS; i++) th_map_put(&map, i, &places[i]);
  for (uint64_t i = 0; i < KEYS; i++) assert_ptr_equal(th_map_remove(&map, i), &places[i]);
  assert_int_equal(map.capacity, 0);
  assert_null(th_map_put(&map, 1, &places[1]));
  assert_ptr_equal(th_map_find(&map, 1), &places[1]);
  th_map_clear(&map);
}

static void a_walk_shows_each_entry_once(void **state) {
  (void)state;
  static int seen[KEYS];
  struct th_map map;
  size_t cursor = 0;
  th_map_init(&map);
  assert_null(th_map_next(&map, &cursor));
  for (size_t count = 1; count <= 300; count++) {
    memset(seen, 0, sizeof seen);
    th_map_put(&map, count - 1, &places[count - 1]);
    cursor = 0;
    for (struct th_map_slot *slot; (slot = th_map_next(&map, &cursor)) != NULL;) {
      assert_ptr_equal(slot->value, &places[slot->hash]);
      seen[slot->hash]++;
    }
    assert_null(th_map_next(&map, &cursor));
    for (size_t i = 0; i < count; i++) assert_int_equal(seen[i], 1);
  }
  th_map_clear(&map);
}

/* Many small tables, each with another secret: in some the used slots run across the end. */
static void a_walk_that_removes_shows_each_entry_once(void **state) {
  (void)state;
  for (uint32_t round = 0; round < 3000; round++) {
    int seen[100] = {0};
    size_t count = 1 + round % 100, kept = 0, cursor = 0;
    uint32_t seed = round;
    struct th_map map;
    th_map_init(&map);
    for (size_t i = 0; i < count; i++) th_map_put(&map, i, &places[i]);
    for (struct th_map_slot *slot; (slot = th_map_next(&map, &cursor)) != NULL;) {
      uint64_t key = slot->hash;
      seen[key]++;
      if (round % 3 == 0 || next_random(&seed) % 2 == 0) {
        assert_ptr_equal(th_map_remove(&map, key), &places[key]);
      } else {
        assert_ptr_equal(th_map_put(&map, key, &places[key]), &places[key]);
        kept++;
      }
    }
    for (size_t i = 0; i < count; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(map.count, kept);
    th_map_clear(&map);
  }
}

static void a_walk_over_texts_shows_them(void **state) {
  (void)state;
  struct th_map map;
  size_t cursor = 0;
  th_map_init(&map);
  th_map_put_text(&map, "one", 3, &places[1]);
  struct th_map_slot *slot = th_map_next(&map, &cursor);
  assert_string_equal(slot->text, "one");
  assert_int_equal(slot->size, 3);
  assert_ptr_equal(th_map_remove_text(&map, slot->text, slot->size), &places[1]);
  assert_null(th_map_next(&map, &cursor));
  th_map_clear(&map);
}

/* Computed with OpenSSL's SIPHASH (c-rounds 1, d-rounds 3) over the bytes 0, 1, 2, ... */
static void texts_are_hashed_as_siphash_does(void **state) {
  (void)state;
  static const struct {
    size_t size;
    uint64_t hash;
  } known[] = {
    {0, 0xabac0158050fc4dc}, {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},
    {8, 0x369095118d299a8e}, {15, 0xd320d86d2a519956}, {63, 0x9d199062b7bbb3a8},
  };
  char text[64];
  struct th_map map;
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)i;
  th_map_init(&map);
  th_map_put_text(&map, "draws the secret", 16, &places[0]);
  th_map_remove_text(&map, "draws the secret", 16);
  map.secret[0] = 0x0706050403020100;
  map.secret[1] = 0x0f0e0d0c0b0a0908;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    size_t cursor = 0;
    th_map_put_text(&map, text, known[i].size, &places[i]);
    assert_true(th_map_next(&map, &cursor)->hash == known[i].hash);
    th_map_remove_text(&map, text, known[i].size);
  }
  th_map_clear(&map);
}

static void each_map_has_a_secret_of_its_own(void **state) {
  (void)state;
  struct th_map one, other;
  th_map_init(&one);
  th_map_init(&other);
  th_map_put(&one, 1, &places[1]);
  th_map_put(&other, 1, &places[1]);
  assert_memory_not_equal(one.secret, other.secret, sizeof one.secret);
  th_map_clear(&one);
  th_map_clear(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_put_is_found),
    cmocka_unit_test(put_replaces_and_gives_the_old_value),
    cmocka_unit_test(remove_gives_the_value_once),
    cmocka_unit_test(texts_are_any_bytes_and_are_copied),
    cmocka_unit_test(any_order_of_puts_and_removes_keeps_what_it_should),
    cmocka_unit_test(neighbours_and_multiples_do_not_cluster),
    cmocka_unit_test(a_removed_entry_leaves_nothing_behind),
    cmocka_unit_test(an_emptied_large_map_gives_its_memory_back),
    cmocka_unit_test(a_walk_shows_each_entry_once),
    cmocka_unit_test(a_walk_that_removes_shows_each_entry_once),
    cmocka_unit_test(a_walk_over_texts_shows_them),
    cmocka_unit_test(texts_are_hashed_as_siphash_does),
    cmocka_unit_test(each_map_has_a_secret_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
