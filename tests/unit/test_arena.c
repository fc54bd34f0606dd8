#include "bindings/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 400

static int open_arena(void **context) {
  *context = th_arena_new();
  return *context == NULL;
}

static int close_arena(void **context) {
  th_arena_free(*context);
  return 0;
}

static bool lies_in(const struct th_arena *arena, const void *block) {
  return (uintptr_t)block - (uintptr_t)arena < TH_ARENA_SIZE;
}

static void what_is_freed_is_given_again(void **context) {
  struct th_arena *arena = *context;
  void *one = th_arena_resize(arena, NULL, 0, 40);
  void *other = th_arena_resize(arena, NULL, 0, 40);
  assert_true(lies_in(arena, one) && lies_in(arena, other));
  assert_ptr_not_equal(one, other);
  assert_null(th_arena_resize(arena, one, 40, 0));
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 33), one);
}

static void the_smallest_hole_that_does_is_taken(void **context) {
  struct th_arena *arena = *context;
  char *holes[3];
  for (size_t i = 0; i < 3; i++) {
    holes[i] = th_arena_resize(arena, NULL, 0, 128 - 32 * i);
    th_arena_resize(arena, NULL, 0, 16);
  }
  for (size_t i = 0; i < 3; i++) th_arena_resize(arena, holes[i], 128 - 32 * i, 0);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 80), holes[1]);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 16), holes[1] + 80);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 112), holes[0]);
}

static void a_large_hole_is_divided(void **context) {
  struct th_arena *arena = *context;
  char *large = th_arena_resize(arena, NULL, 0, 4096);
  th_arena_resize(arena, NULL, 0, 16);
  th_arena_resize(arena, large, 4096, 0);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 64), large);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 2000), large + 64);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 4096 - 64 - 2000), large + 64 + 2000);
}

static void the_last_block_grows_where_it_is(void **context) {
  struct th_arena *arena = *context;
  char *block = th_arena_resize(arena, NULL, 0, 32);
  assert_ptr_equal(th_arena_resize(arena, block, 32, 5000), block);
  assert_ptr_equal(th_arena_resize(arena, block, 5000, 8), block);
  assert_ptr_equal(th_arena_resize(arena, NULL, 0, 8), block + 16);
}

static void what_has_no_room_comes_from_elsewhere(void **context) {
  struct th_arena *arena = *context;
  char *inside = th_arena_resize(arena, NULL, 0, 100);
  th_arena_resize(arena, NULL, 0, 16);
  memcpy(inside, "kept", 5);
  assert_true(th_arena_is_whole(arena));
  char *outside = th_arena_resize(arena, inside, 100, TH_ARENA_SIZE);
  assert_false(lies_in(arena, outside));
  assert_string_equal(outside, "kept");
  assert_false(th_arena_is_whole(arena));
  assert_null(th_arena_resize(arena, outside, TH_ARENA_SIZE, 0));
  assert_true(th_arena_is_whole(arena));
}

/* ---- at random, against what must be in the blocks ---- */

struct block {
  unsigned char *data;
  size_t size;
};

static unsigned next_random(unsigned *seed) {
  *seed = *seed * 1103515245u + 12345u;
  return *seed >> 8;
}

static unsigned char mark_of(const struct block *blocks, size_t i) {
  return (unsigned char)(i * 7 + blocks[i].size);
}

static void fill(struct block *blocks, size_t i) {
  if (blocks[i].size > 0) memset(blocks[i].data, mark_of(blocks, i), blocks[i].size);
}

static void check(const struct block *blocks, size_t i) {
  for (size_t at = 0; at < blocks[i].size; at++)
    assert_int_equal(blocks[i].data[at], mark_of(blocks, i));
}

static void resize(struct th_arena *arena, struct block *blocks, size_t i, size_t size) {
  size_t kept = size < blocks[i].size ? size : blocks[i].size;
  unsigned char mark = blocks[i].size > 0 ? mark_of(blocks, i) : 0;
  check(blocks, i);
  blocks[i].data = th_arena_resize(arena, blocks[i].data, blocks[i].size, size);
  assert_int_equal((uintptr_t)blocks[i].data % 8, 0);
  for (size_t at = 0; at < kept; at++) assert_int_equal(blocks[i].data[at], mark);
  blocks[i].size = size;
  fill(blocks, i);
}

static void change_some(struct th_arena *arena, struct block *blocks, unsigned *seed, int rounds) {
  while (rounds-- > 0) {
    size_t i = next_random(seed) % BLOCKS, size = next_random(seed) % 200;
    if (size % 16 == 0) size *= 10;
    resize(arena, blocks, i, size);
  }
}

static void free_all(struct th_arena *arena, struct block *blocks) {
  for (size_t i = 0; i < BLOCKS; i++) resize(arena, blocks, i, 0);
}

static void no_block_touches_another(void **context) {
  struct block blocks[BLOCKS] = {{NULL, 0}};
  unsigned seed = 1;
  change_some(*context, blocks, &seed, 20000);
  free_all(*context, blocks);
  assert_true(th_arena_is_whole(*context));
}

static void a_copy_brings_everything_back(void **context) {
  struct th_arena *arena = *context;
  struct block blocks[BLOCKS] = {{NULL, 0}}, later[BLOCKS];
  unsigned seed = 2;
  size_t size;
  change_some(arena, blocks, &seed, 200);
  assert_true(th_arena_is_whole(arena));
  void *copy = th_arena_save(arena, &size);
  for (int i = 0; i < 3; i++) {
    memcpy(later, blocks, sizeof later);
    change_some(arena, later, &seed, 5000);
    free_all(arena, later);
    th_arena_restore(arena, copy, size);
    for (size_t j = 0; j < BLOCKS; j++) check(blocks, j);
  }
  free(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_is_freed_is_given_again, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(the_smallest_hole_that_does_is_taken, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(a_large_hole_is_divided, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(the_last_block_grows_where_it_is, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(what_has_no_room_comes_from_elsewhere, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(no_block_touches_another, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(a_copy_brings_everything_back, open_arena, close_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
