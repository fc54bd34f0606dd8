#include "bindings/blank.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bindings/image.h"

/* In place of a Lua state: one block, of which the blank knows. */
static struct th_blank *prepare(struct th_blanks *blanks) {
  struct th_blank *blank = th_blanks_take(blanks, NULL);
  if (blank->L == NULL) {
    char *text = th_arena_resize(blank->arena, NULL, 0, 100);
    memcpy(text, "prepared", 9);
    blank->L = (lua_State *)(void *)text;
    th_blanks_keep(blanks, blank);
  }
  return blank;
}

static char *text_of(struct th_blank *blank) {
  return (char *)(void *)blank->L;
}

static void who_comes_next_finds_it_as_it_was_prepared(void **unused) {
  struct th_blanks *blanks = th_blanks_new();
  (void)unused;
  struct th_blank *first = prepare(blanks);
  memcpy(text_of(first), "used", 5);
  void *more = th_arena_resize(first->arena, NULL, 0, 3000);
  memset(more, 1, 3000);
  th_blanks_give(blanks, first);
  struct th_blank *second = th_blanks_take(blanks, NULL);
  assert_ptr_equal(second, first);
  assert_string_equal(text_of(second), "prepared");
  assert_ptr_equal(th_arena_resize(second->arena, NULL, 0, 3000), more);
  th_blanks_give(blanks, second);
  th_blanks_free(blanks);
}

static void two_in_use_are_two(void **unused) {
  struct th_blanks *blanks = th_blanks_new();
  (void)unused;
  struct th_blank *one = prepare(blanks), *other = prepare(blanks);
  assert_ptr_not_equal(one, other);
  assert_ptr_not_equal(one->arena, other->arena);
  th_blanks_give(blanks, one);
  th_blanks_give(blanks, other);
  assert_ptr_not_equal(one = th_blanks_take(blanks, NULL), other = th_blanks_take(blanks, NULL));
  th_blanks_give(blanks, one);
  th_blanks_give(blanks, other);
  th_blanks_free(blanks);
}

static void who_was_never_prepared_does_not_wait(void **unused) {
  struct th_blanks *blanks = th_blanks_new();
  (void)unused;
  th_blanks_give(blanks, th_blanks_take(blanks, NULL));
  struct th_blank *blank = th_blanks_take(blanks, NULL);
  assert_null(blank->L);
  th_blanks_give(blanks, blank);
  th_blanks_free(blanks);
}

static void only_the_last_ones_keep_their_copies(void **unused) {
  enum { COUNT = TH_BLANK_COPIES + TH_BLANK_IDLE };
  struct th_blanks *blanks = th_blanks_new();
  struct th_blank *taken[COUNT];
  size_t copies = 0;
  (void)unused;
  for (size_t i = 0; i < COUNT; i++) taken[i] = prepare(blanks);
  for (size_t i = 0; i < COUNT; i++) copies += taken[i]->copy.bytes != NULL;
  assert_int_equal(copies, TH_BLANK_COPIES);
  assert_null(taken[0]->copy.bytes);
  assert_non_null(taken[COUNT - 1]->copy.bytes);
  for (size_t i = 0; i < COUNT; i++) th_blanks_give(blanks, taken[i]);
  size_t waiting = 0;
  for (size_t i = 0; i < COUNT; i++)
    waiting += (taken[i] = th_blanks_take(blanks, NULL))->L != NULL;
  assert_int_equal(waiting, TH_BLANK_IDLE);
  for (size_t i = 0; i < COUNT; i++) th_blanks_give(blanks, taken[i]);
  th_blanks_free(blanks);
}

static struct th_image *new_image(struct th_images *images, const char *class_name) {
  struct th_trail trail;
  bool is_known;
  th_trail_init(&trail);
  return th_images_learn(images, class_name, &trail, &is_known);
}

static void of_those_that_wait_the_one_with_the_image_comes(void **unused) {
  struct th_blanks *blanks = th_blanks_new();
  struct th_images *images = th_images_new();
  struct th_image *image = new_image(images, "m.C"), *other = new_image(images, "m.D");
  struct th_blank *taken[3];
  (void)unused;
  for (int i = 0; i < 3; i++) taken[i] = prepare(blanks);
  memcpy(text_of(taken[1]), "of class", 9);
  th_blanks_keep_image(blanks, taken[1], image, 7);
  memcpy(text_of(taken[1]), "of actor", 9);
  for (int i = 0; i < 3; i++) th_blanks_give(blanks, taken[i]);
  struct th_blank *found = th_blanks_take(blanks, image);
  assert_ptr_equal(found, taken[1]);
  assert_ptr_equal(found->held, image);
  assert_int_equal(found->memory, 7);
  assert_string_equal(text_of(found), "of class");
  th_blanks_give(blanks, found);
  for (int i = 0; i < 3; i++) { /* others get it last, and as it was prepared */
    struct th_blank *blank = taken[i] = th_blanks_take(blanks, i < 2 ? other : NULL);
    assert_int_equal(blank == found, i == 2);
    assert_null(blank->held);
    assert_string_equal(text_of(blank), "prepared");
  }
  for (int i = 0; i < 3; i++) th_blanks_give(blanks, taken[i]);
  th_blanks_free(blanks);
  th_image_unref(image);
  th_image_unref(other);
  th_images_free(images);
}

static void who_lost_the_first_copy_gets_no_other(void **unused) {
  struct th_blanks *blanks = th_blanks_new();
  struct th_images *images = th_images_new();
  struct th_image *image = new_image(images, "m.C");
  struct th_blank *taken[TH_BLANK_COPIES + 1];
  (void)unused;
  taken[0] = prepare(blanks);
  th_blanks_keep_image(blanks, taken[0], image, 7);
  assert_non_null(taken[0]->image_copy.bytes);
  for (size_t i = 1; i <= TH_BLANK_COPIES; i++) taken[i] = prepare(blanks);
  assert_null(taken[0]->image_copy.bytes);
  th_blanks_keep_image(blanks, taken[0], image, 7);
  assert_null(taken[0]->image_copy.bytes);
  for (size_t i = 0; i <= TH_BLANK_COPIES; i++) th_blanks_give(blanks, taken[i]);
  th_blanks_free(blanks);
  th_image_unref(image);
  th_images_free(images);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_comes_next_finds_it_as_it_was_prepared),
    cmocka_unit_test(two_in_use_are_two),
    cmocka_unit_test(who_was_never_prepared_does_not_wait),
    cmocka_unit_test(only_the_last_ones_keep_their_copies),
    cmocka_unit_test(of_those_that_wait_the_one_with_the_image_comes),
    cmocka_unit_test(who_lost_the_first_copy_gets_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
