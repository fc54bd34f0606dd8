#include "base/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void equal_texts_are_one(void **unused) {
  struct th_interns *interns = th_interns_new();
  char text[] = "shop.Order";
  (void)unused;
  const char *one = th_intern(interns, text, strlen(text));
  text[0] = 'S';
  assert_string_equal(one, "shop.Order");
  assert_ptr_equal(th_intern(interns, "shop.Order and more", 10), one);
  assert_ptr_not_equal(th_intern(interns, text, strlen(text)), one);
  th_interns_free(interns);
}

static void nothing_is_nothing(void **unused) {
  struct th_interns *interns = th_interns_new();
  (void)unused;
  assert_null(th_intern(interns, NULL, 0));
  assert_string_equal(th_intern(interns, "", 0), "");
  th_interns_free(interns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(equal_texts_are_one),
    cmocka_unit_test(nothing_is_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
