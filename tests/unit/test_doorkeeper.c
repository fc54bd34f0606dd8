#include "transport/doorkeeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IP UINT32_C(0x7f000001)
#define PORT 4711
#define ID UINT64_C(0xfeedbeefcafe0001)
#define NOW (1000 * TH_DOORKEEPER_PERIOD)

static struct th_doorkeeper new_keeper(void) {
  struct th_doorkeeper keeper;
  assert_int_equal(th_doorkeeper_init(&keeper), 0);
  return keeper;
}

static void a_cookie_is_good_for_one_address_port_and_id(void **state) {
  (void)state;
  struct th_doorkeeper keeper = new_keeper();
  uint64_t cookie = th_doorkeeper_cookie(&keeper, IP, PORT, ID, NOW);
  assert_true(th_doorkeeper_knows(&keeper, IP, PORT, ID, cookie, NOW));
  assert_false(th_doorkeeper_knows(&keeper, IP + 1, PORT, ID, cookie, NOW));
  assert_false(th_doorkeeper_knows(&keeper, IP, PORT + 1, ID, cookie, NOW));
  assert_false(th_doorkeeper_knows(&keeper, IP, PORT, ID + 1, cookie, NOW));
  assert_false(th_doorkeeper_knows(&keeper, IP, PORT, ID, cookie ^ 2, NOW));
  assert_false(th_doorkeeper_knows(&keeper, IP, PORT, ID, 0, NOW));
}

static void a_cookie_ends_between_one_period_and_two(void **state) {
  (void)state;
  struct th_doorkeeper keeper = new_keeper();
  uint64_t late = NOW + TH_DOORKEEPER_PERIOD - 1; /* a period is about to end */
  uint64_t cookie = th_doorkeeper_cookie(&keeper, IP, PORT, ID, late);
  assert_true(th_doorkeeper_knows(&keeper, IP, PORT, ID, cookie, late + TH_DOORKEEPER_PERIOD));
  assert_false(th_doorkeeper_knows(&keeper, IP, PORT, ID, cookie, late + 2 * TH_DOORKEEPER_PERIOD));
}

static void no_two_keepers_have_the_same_secret(void **state) {
  (void)state;
  struct th_doorkeeper one = new_keeper(), other = new_keeper();
  uint64_t cookie = th_doorkeeper_cookie(&one, IP, PORT, ID, NOW);
  assert_false(th_doorkeeper_knows(&other, IP, PORT, ID, cookie, NOW));
}

static void complaints_are_made_now_and_then(void **state) {
  (void)state;
  struct th_doorkeeper keeper = new_keeper();
  const unsigned char *data = (const unsigned char *)"GET /";
  char words[256];
  assert_true(th_doorkeeper_complain(&keeper, "1.2.3.4:5", data, 5, NOW, words));
  assert_string_equal(words, "1.2.3.4:5 sent something that is not a Thespian datagram "
                             "(first bytes 47 45 54 20)");
  for (unsigned i = 1; i < 1000; i++)
    assert_false(th_doorkeeper_complain(&keeper, "1.2.3.4:5", data, 5, NOW + i, words));
  assert_true(
    th_doorkeeper_complain(&keeper, "6.7.8.9:1", data, 1, NOW + TH_DOORKEEPER_SILENCE, words));
  assert_string_equal(words, "6.7.8.9:1 sent something that is not a Thespian datagram "
                             "(first bytes 47); 999 more came since the last line");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_cookie_is_good_for_one_address_port_and_id),
    cmocka_unit_test(a_cookie_ends_between_one_period_and_two),
    cmocka_unit_test(no_two_keepers_have_the_same_secret),
    cmocka_unit_test(complaints_are_made_now_and_then),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
