#include "transport/interface.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void this_machine_speaks_to_itself_from_where_it_is_spoken_to(void **state) {
  (void)state;
  assert_int_equal(th_interface_toward(INADDR_LOOPBACK), INADDR_LOOPBACK);
}

static void whoever_is_meant_there_is_an_address(void **state) {
  (void)state;
  assert_int_not_equal(th_interface_toward(0), 0);
  assert_int_not_equal(th_interface_toward(0x08080808), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(this_machine_speaks_to_itself_from_where_it_is_spoken_to),
    cmocka_unit_test(whoever_is_meant_there_is_an_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
