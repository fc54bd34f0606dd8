#include "host/portowner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe.h"
#include "system/system.h"

#define LOCALHOST UINT32_C(0x7f000001)
#define OTHER_LOCALHOST UINT32_C(0x7f000002)

static int listen_on(uint32_t ip, uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 5), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

static void assert_is_this_program(const char *owner) {
  char expected[64];
  /* The kernel keeps 15 characters of a name. */
  snprintf(expected, sizeof expected, "%.15s (pid %d)", "test_portowner", getpid());
  assert_string_equal(owner, expected);
}

static void a_free_port_has_no_owner(void **state) {
  (void)state;
  uint16_t port;
  char owner[128] = "untouched";
  close(listen_on(LOCALHOST, &port));
  assert_false(th_port_owner(TH_CARRIER_TCP, LOCALHOST, port, owner, sizeof owner));
  assert_string_equal(owner, "untouched");
}

/* It accepts and says nothing: the answer comes when the patience with it has ended. */
static void another_program_is_named(void **state) {
  (void)state;
  uint16_t port;
  char owner[128];
  int fd = listen_on(LOCALHOST, &port);
  assert_true(th_port_owner(TH_CARRIER_TCP, LOCALHOST, port, owner, sizeof owner));
  assert_is_this_program(owner);
  close(fd);
}

static void a_socket_on_every_address_has_the_port_of_each(void **state) {
  (void)state;
  uint16_t port;
  char owner[128];
  int fd = listen_on(INADDR_ANY, &port);
  assert_true(th_port_owner(TH_CARRIER_TCP, LOCALHOST, port, owner, sizeof owner));
  assert_is_this_program(owner);
  close(fd);
}

static void an_ipv6_socket_on_every_address_counts_too(void **state) {
  (void)state;
  struct sockaddr_in6 address = {.sin6_family = AF_INET6};
  socklen_t size = sizeof address;
  char owner[128];
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0) skip(); /* no IPv6 here */
  assert_int_equal(listen(fd, 5), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  assert_true(
    th_port_owner(TH_CARRIER_TCP, LOCALHOST, ntohs(address.sin6_port), owner, sizeof owner));
  assert_is_this_program(owner);
  close(fd);
}

static void the_same_port_on_another_address_is_another(void **state) {
  (void)state;
  uint16_t port;
  char owner[128];
  int fd = listen_on(OTHER_LOCALHOST, &port);
  assert_false(th_port_owner(TH_CARRIER_TCP, LOCALHOST, port, owner, sizeof owner));
  close(fd);
}

static void a_connection_is_no_owner(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCALHOST)};
  socklen_t size = sizeof address;
  uint16_t port;
  char owner[128];
  int listener = listen_on(LOCALHOST, &port);
  address.sin_port = htons(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  assert_false(
    th_port_owner(TH_CARRIER_TCP, LOCALHOST, ntohs(address.sin_port), owner, sizeof owner));
  close(fd);
  close(listener);
}

static void say_who(const char *base) {
  char owner[128], expected[128];
  struct th_system *system = th_probe_start(base);
  enum th_carrier carrier = th_base_carrier(base);
  assert_true(th_port_owner(carrier, LOCALHOST, th_system_port(system), owner, sizeof owner));
  snprintf(expected, sizeof expected, "a Thespian system (%s, version " TH_VERSION ", pid %d)",
           base, getpid());
  assert_string_equal(owner, expected);
  assert_true(th_system_free(system, 60));
}

static void the_words_for_a_port_in_use_name_all_there_is(void **state) {
  (void)state;
  static const char *const hosts[] = {"127.0.0.1", "localhost", "elsewhere.invalid"};
  uint16_t port;
  int fd = listen_on(LOCALHOST, &port);
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char expected[256], owner[64] = "another program";
    struct th_reason reason;
    if (i != 2) snprintf(owner, sizeof owner, "%.15s (pid %d)", "test_portowner", getpid());
    snprintf(expected, sizeof expected, "port %u on %s is in use by %s; take another", port,
             hosts[i], owner);
    assert_int_equal(th_port_in_use(TH_CARRIER_TCP, hosts[i], port, "take another", &reason),
                     TH_ESTARTUP);
    assert_string_equal(reason.words, expected);
  }
  close(fd);
}

/* Anyone may have a name that a terminal would obey. */
static void a_program_s_name_is_made_printable(void **state) {
  (void)state;
  uint16_t port;
  char owner[128], expected[128], before[16];
  int fd = listen_on(LOCALHOST, &port);
  prctl(PR_GET_NAME, before);
  prctl(PR_SET_NAME, "\x1b[2Jnginx");
  assert_true(th_port_owner(TH_CARRIER_TCP, LOCALHOST, port, owner, sizeof owner));
  prctl(PR_SET_NAME, before);
  snprintf(expected, sizeof expected, "\\x1b[2Jnginx (pid %d)", getpid());
  assert_string_equal(owner, expected);
  close(fd);
}

static void a_system_says_who_it_is(void **state) {
  (void)state;
  say_who(TH_BASE_TCP);
  say_who(TH_BASE_UDP);
}

/* Which is a port of its own, with the same number or without. */
static void the_owner_of_a_udp_port_is_named(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCALHOST)};
  socklen_t size = sizeof address;
  char owner[128];
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  uint16_t port = ntohs(address.sin_port);
  assert_true(th_port_owner(TH_CARRIER_UDP, LOCALHOST, port, owner, sizeof owner));
  assert_is_this_program(owner);
  close(fd);
  assert_false(th_port_owner(TH_CARRIER_UDP, LOCALHOST, port, owner, sizeof owner));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_free_port_has_no_owner),
    cmocka_unit_test(another_program_is_named),
    cmocka_unit_test(a_socket_on_every_address_has_the_port_of_each),
    cmocka_unit_test(an_ipv6_socket_on_every_address_counts_too),
    cmocka_unit_test(the_same_port_on_another_address_is_another),
    cmocka_unit_test(a_connection_is_no_owner),
    cmocka_unit_test(a_system_says_who_it_is),
    cmocka_unit_test(the_words_for_a_port_in_use_name_all_there_is),
    cmocka_unit_test(a_program_s_name_is_made_printable),
    cmocka_unit_test(the_owner_of_a_udp_port_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
