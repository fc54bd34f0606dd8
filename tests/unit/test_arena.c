#include "bindings/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bindings/arenas.h"

#define BLOCKS 400

static struct th_arenas *arenas;

static int open_arena(void **context) {
  arenas = th_arenas_new();
  *context = th_arena_open(th_arenas_take(arenas, 1));
  return 0;
}

static int close_arena(void **context) {
  th_arena_close(*context);
  th_arenas_give(arenas, *context);
  th_arenas_free(arenas);
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

/* Each block in turn is another size, and so are the holes between them. */
struct link {
  struct link *next;
  char *inside; /* the last byte of this block but seven */
  size_t size;
  char text[];
};

#define LINKS 100

static size_t size_of_link(size_t i) {
  return sizeof(struct link) + 16 + i % 7 * 24;
}

static struct link *make_links(struct th_arena *arena) {
  struct link *first = NULL;
  for (size_t i = 0; i < LINKS; i++) {
    size_t size = size_of_link(i), hole = 16 + i % 5 * 40;
    void *gap = th_arena_resize(arena, NULL, 0, hole);
    struct link *link = th_arena_resize(arena, NULL, 0, size);
    memset(gap, 1, hole);
    *link = (struct link){.next = first, .inside = (char *)link + size - 8, .size = size};
    snprintf(link->text, 16, "link %u", (unsigned)i);
    th_arena_resize(arena, gap, hole, 0);
    first = link;
  }
  return first;
}

static void check_links(const struct th_arena *arena, const struct link *link) {
  for (size_t i = LINKS; i-- > 0; link = link->next) {
    char text[16];
    snprintf(text, sizeof text, "link %u", (unsigned)i);
    assert_true(lies_in(arena, link));
    assert_string_equal(link->text, text);
    assert_int_equal(link->size, size_of_link(i));
    assert_ptr_equal(link->inside, (const char *)link + link->size - 8);
  }
  assert_null(link);
}

static void a_copy_brings_everything_to_any_place(void **context) {
  struct th_arena *arena = *context, *others[3];
  struct link *first = make_links(arena);
  th_arena_set_root(arena, first);
  struct th_arena_copy *copy = th_arena_save(arena);
  assert_non_null(copy);
  check_links(arena, first);
  for (int i = 0; i < 3; i++) {
    others[i] = th_arena_restore(th_arenas_take(arenas, 1), copy);
    check_links(others[i], th_arena_root(others[i]));
    th_arena_resize(others[i], NULL, 0, 100);
    check_links(others[i], th_arena_root(others[i]));
    if (i == 0) check_links(arena, first);
    if (i == 0) memset(th_arena_resize(arena, first, first->size, 4 * first->size), 0, 8);
  }
  for (int i = 0; i < 3; i++) {
    th_arena_close(others[i]);
    th_arenas_give(arenas, others[i]);
  }
  th_arena_copy_free(copy);
}

static void a_copy_has_no_holes(void **context) {
  struct th_arena *arena = *context;
  struct link *first = make_links(arena);
  th_arena_set_root(arena, first);
  struct th_arena_copy *copy = th_arena_save(arena);
  struct th_arena *other = th_arena_restore(th_arenas_take(arenas, 1), copy);
  size_t sum = 0;
  const char *oldest = th_arena_root(other);
  for (first = th_arena_root(other); first != NULL; first = first->next) {
    sum += first->size;
    if ((const char *)first < oldest) oldest = (const char *)first;
  }
  assert_ptr_equal(th_arena_resize(other, NULL, 0, 16), oldest + sum);
  th_arena_close(other);
  th_arenas_give(arenas, other);
  th_arena_copy_free(copy);
}

static void what_only_looks_like_an_address_stays(void **context) {
  struct th_arena *arena = *context;
  uintptr_t *words = th_arena_resize(arena, NULL, 0, 4 * sizeof *words);
  words[0] = (uintptr_t)words + 4;                 /* no word begins there */
  words[1] = (uintptr_t)arena - 8;                 /* before it */
  words[2] = (uintptr_t)arena + TH_ARENA_SIZE - 8; /* behind what is used */
  words[3] = (uintptr_t)words;
  th_arena_set_root(arena, words);
  struct th_arena_copy *copy = th_arena_save(arena);
  struct th_arena *other = th_arena_restore(th_arenas_take(arenas, 1), copy);
  uintptr_t *copied = th_arena_root(other);
  assert_memory_equal(copied, words, 3 * sizeof *words);
  assert_ptr_equal((void *)copied[3], copied);
  th_arena_close(other);
  th_arenas_give(arenas, other);
  th_arena_copy_free(copy);
}

/* Puts it aside and brings it back. Gives how many bytes it took meanwhile. */
static size_t rest(struct th_arena *arena, const struct th_arena_copy *copy) {
  struct th_arena_rest *rest = th_arena_put_aside(arena, copy);
  assert_non_null(rest);
  size_t size = th_arena_rest_size(rest);
  th_arena_bring_back(arena, copy, rest);
  return size;
}

static void what_was_put_aside_comes_back(void **context) {
  struct th_arena *arena = *context;
  struct block blocks[BLOCKS] = {{NULL, 0}};
  unsigned seed = 3;
  rest(arena, NULL);
  for (int i = 0; i < 20; i++) {
    change_some(arena, blocks, &seed, 2000);
    rest(arena, NULL);
    for (size_t j = 0; j < BLOCKS; j++) check(blocks, j);
  }
  free_all(arena, blocks);
  assert_true(th_arena_is_whole(arena));
}

static void aside_lies_only_what_differs_from_the_copy(void **context) {
  struct th_arena *arena = *context;
  th_arena_set_root(arena, make_links(arena));
  struct th_arena_copy *copy = th_arena_save(arena);
  struct th_arena *other = th_arena_restore(th_arenas_take(arenas, 1), copy);
  assert_in_range(rest(other, copy), 1, 100);
  check_links(other, th_arena_root(other));
  struct link *first = th_arena_root(other);
  first->size++;
  char *text = strcpy(th_arena_resize(other, NULL, 0, 800), "more");
  assert_in_range(rest(other, copy), 1, 200);
  assert_string_equal(text, "more");
  first->size--;
  check_links(other, first);
  th_arena_soil(other);
  memset(text, 1, 800);
  assert_in_range(rest(other, copy), 800, 1000);
  th_arena_resize(other, text, 800, 0);
  assert_in_range(rest(other, copy), 1, 200);
  check_links(other, th_arena_root(other));
  th_arena_close(other);
  th_arenas_give(arenas, other);
  th_arena_copy_free(copy);
}

static void assert_zero(const unsigned char *block, size_t size) {
  for (size_t i = 0; i < size; i++) assert_int_equal(block[i], 0);
}

static void blocks_of_a_clean_one_are_zero(void **context) {
  struct th_arena *arena = *context;
  unsigned char *block = memset(th_arena_resize(arena, NULL, 0, 400), 1, 400), *other;
  memset(th_arena_resize(arena, NULL, 0, 30), 1, 30); /* of which 32 are taken */
  th_arena_resize(arena, block, 400, 0);
  assert_ptr_equal(block, other = th_arena_resize(arena, NULL, 0, 100));
  assert_zero(other, 100);
  assert_zero(th_arena_resize(arena, NULL, 0, 300), 300);
  block = memset(th_arena_resize(arena, NULL, 0, 800), 1, 800); /* the last one */
  block = th_arena_resize(arena, block, 800, 100);
  block = th_arena_resize(arena, block, 100, 800);
  assert_int_equal(block[99], 1);
  assert_zero(block + 100, 700);
  th_arena_soil(arena);
  memset(block, 1, 800);
  th_arena_resize(arena, block, 800, 0);
  block = th_arena_resize(arena, NULL, 0, 800);
  assert_int_equal(block[700], 1);
}

static void only_a_clean_one_at_a_distinct_place_is_copied(void **context) {
  struct th_arena *arena = *context;
  th_arena_soil(arena);
  assert_null(th_arena_save(arena));
  void *piece = malloc(TH_ARENA_SIZE);
  assert_false(th_arenas_are_distinct((void *)(uintptr_t)0x7e5200000000));
  assert_false(th_arenas_are_distinct((void *)(uintptr_t)0x5300000000));
  assert_true(th_arenas_are_distinct((void *)(uintptr_t)0x5301000000));
  assert_true(th_arenas_are_distinct((void *)(uintptr_t)0x7eff01000000));
  if (!th_arenas_are_distinct(piece)) assert_null(th_arena_save(th_arena_open(piece)));
  th_arena_close(piece);
  free(piece);
}

/* No multiple of seven: see below. */
#define PIECES (2 * (TH_ARENAS_WARM + TH_ARENAS_COOL))

static void pieces_are_used_again(void **unused) {
  unsigned char *pieces[PIECES];
  (void)unused;
  arenas = th_arenas_new();
  for (size_t i = 0; i < PIECES; i++) {
    pieces[i] = th_arenas_take(arenas, 1 + i % 3 * 8000);
    assert_true(th_arenas_are_distinct(pieces[i]));
    memset(pieces[i], 1, TH_ARENA_SIZE);
  }
  for (size_t i = 0; i < PIECES; i++) th_arenas_give(arenas, pieces[i]);
  size_t warm = 0;
  for (size_t i = 0; i < PIECES; i++) {
    unsigned char *piece = th_arenas_take(arenas, 1);
    size_t j = 0;
    while (j < PIECES && pieces[j] != piece) j++;
    assert_in_range(j, 0, PIECES - 1);
    pieces[j] = NULL;
    warm += *piece;
  }
  assert_in_range(warm, TH_ARENAS_WARM, 2 * TH_ARENAS_WARM);
  th_arenas_free(arenas);
}

/* Also while others cool, in any order. */
static void what_is_warm_again_keeps_what_it_gets(void **unused) {
  unsigned char *pieces[PIECES];
  size_t gone = 0;
  (void)unused;
  arenas = th_arenas_new();
  for (size_t i = 0; i < PIECES; i++) pieces[i] = th_arenas_take(arenas, 1);
  for (size_t i = 0; i < PIECES; i++) {
    size_t j = i * 7 % PIECES;
    memset(pieces[j], 1, TH_ARENA_SIZE);
    th_arenas_cool(arenas, pieces[j]);
    if (i % 4 != 0) continue;
    th_arenas_warm(arenas, pieces[j], 9000);
    memset(pieces[j], 2, TH_ARENA_SIZE);
  }
  for (size_t i = 0; i < PIECES; i++) {
    size_t j = i * 7 % PIECES;
    if (i % 4 == 0) assert_int_equal(pieces[j][TH_ARENA_SIZE - 1], 2);
    gone += pieces[j][0] == 0;
  }
  assert_in_range(gone, PIECES / 4 * 3 - TH_ARENAS_COOL, PIECES / 4 * 3);
  th_arenas_free(arenas);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_is_freed_is_given_again, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(the_smallest_hole_that_does_is_taken, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(a_large_hole_is_divided, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(the_last_block_grows_where_it_is, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(what_has_no_room_comes_from_elsewhere, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(no_block_touches_another, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(a_copy_brings_everything_to_any_place, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(a_copy_has_no_holes, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(what_only_looks_like_an_address_stays, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(blocks_of_a_clean_one_are_zero, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(only_a_clean_one_at_a_distinct_place_is_copied, open_arena,
                                    close_arena),
    cmocka_unit_test_setup_teardown(what_was_put_aside_comes_back, open_arena, close_arena),
    cmocka_unit_test_setup_teardown(aside_lies_only_what_differs_from_the_copy, open_arena,
                                    close_arena),
    cmocka_unit_test(pieces_are_used_again),
    cmocka_unit_test(what_is_warm_again_keeps_what_it_gets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
