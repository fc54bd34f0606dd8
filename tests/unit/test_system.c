#include "system/system.h"

#include <dirent.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "probe.h"
#include "transport/link.h"

#define PATIENCE (60 * TH_SECOND)

/* A system with one program attached; each test runs on every base. */
struct bench {
  struct th_system *system;
  struct th_client *client;
};

static struct bench begin_limited(const char *base, int64_t mailbox_limit) {
  struct bench bench = {.system = th_probe_start_limited(base, mailbox_limit)};
  struct th_reason reason = {{0}};
  if (th_base_port(base) != 0)
    assert_int_equal(th_client_connect_over(&bench.client, th_base_carrier(base), "127.0.0.1",
                                            th_system_port(bench.system), th_clock_after(PATIENCE),
                                            &reason),
                     0);
  else
    assert_int_equal(th_client_attach(&bench.client, bench.system), 0);
  return bench;
}

static struct bench begin(const char *base) {
  return begin_limited(base, 100000);
}

static void end(struct bench *bench) {
  th_client_close(bench->client);
  assert_true(th_system_free(bench->system, 60));
  assert_int_equal(atomic_load(&th_probe_counts.opened), atomic_load(&th_probe_counts.closed));
}

static struct th_address create(struct bench *bench, const char *class_name) {
  struct th_address address;
  struct th_reason reason;
  assert_int_equal(th_probe_create(bench->client, class_name, NULL, &address, &reason), 0);
  return address;
}

static int64_t ask_int(struct bench *bench, const struct th_address *target, int64_t value) {
  struct th_buffer buffer;
  struct th_message *answer;
  struct th_reason reason;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, value);
  assert_int_equal(th_client_ask(bench->client, target, TH_KIND_USER, buffer.data, buffer.size,
                                 th_clock_after(PATIENCE), &answer, &reason),
                   0);
  th_buffer_clear(&buffer);
  return th_probe_take_int(answer);
}

static void ask_to_exit(struct bench *bench, const struct th_address *target) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_reason reason;
  th_buffer_init(&request);
  th_pack_array(&request, 3);
  th_pack_int(&request, TH_OP_EXIT);
  th_pack_address(&request, target);
  th_pack_bool(&request, true);
  assert_int_equal(
    th_client_request(bench->client, &request, th_clock_after(PATIENCE), &reply, &reason), 0);
  th_message_free(reply);
  th_buffer_clear(&request);
}

/* Status requests are answered by the admin, so what it was told before is done. */
static void await_counter(struct bench *bench, const char *name, int64_t value) {
  while (th_probe_counter(bench->client, name) < value)
    ;
  assert_int_equal(th_probe_counter(bench->client, name), value);
}

static void answers(const char *base) {
  struct bench bench = begin(base);
  struct th_address echo = create(&bench, "echo");
  for (int64_t i = 0; i < 100; i++) assert_int_equal(ask_int(&bench, &echo, i), i);
  end(&bench);
}

static void keeps_order(const char *base) {
  enum { COUNT = 2000 };
  struct bench bench = begin(base);
  struct th_address echo = create(&bench, "echo");
  struct th_reason reason;
  for (int64_t i = 0; i < COUNT; i++) th_probe_tell(bench.client, &echo, i);
  for (int64_t i = 0; i < COUNT; i++) {
    struct th_message *message;
    assert_int_equal(th_client_listen(bench.client, th_clock_after(PATIENCE), &message, &reason),
                     0);
    assert_int_equal(th_probe_take_int(message), i);
  }
  end(&bench);
}

static void reports_a_failed_start(const char *base) {
  struct bench bench = begin(base);
  struct th_address address;
  struct th_reason reason;
  assert_int_equal(th_probe_create(bench.client, "fail", NULL, &address, &reason),
                   TH_ESPECIFICATION);
  assert_string_equal(reason.words, "no way");
  end(&bench);
}

static void gives_one_actor_per_name(const char *base) {
  struct bench bench = begin(base);
  struct th_address one, other;
  struct th_reason reason;
  assert_int_equal(th_probe_create(bench.client, "echo", "Bob", &one, &reason), 0);
  assert_int_equal(th_probe_create(bench.client, "count", "Bob", &other, &reason), 0);
  assert_true(th_address_equal(&one, &other));
  ask_to_exit(&bench, &one);
  await_counter(&bench, "exited", 1);
  assert_int_equal(th_probe_create(bench.client, "count", "Bob", &other, &reason), 0);
  assert_false(th_address_equal(&one, &other));
  end(&bench);
}

static void tells_that_an_ask_is_dead(const char *base) {
  struct bench bench = begin(base);
  struct th_address echo = create(&bench, "echo");
  struct th_message *answer;
  struct th_reason reason;
  unsigned char nil = 0xc0;
  ask_to_exit(&bench, &echo);
  await_counter(&bench, "exited", 1);
  assert_int_equal(th_client_ask(bench.client, &echo, TH_KIND_USER, &nil, 1,
                                 th_clock_after(PATIENCE), &answer, &reason),
                   TH_EDEAD);
  end(&bench);
}

static void never_gives_an_address_again(const char *base) {
  struct bench bench = begin(base);
  struct th_address first = create(&bench, "echo");
  ask_to_exit(&bench, &first);
  await_counter(&bench, "exited", 1);
  struct th_address second = create(&bench, "count");
  assert_false(th_address_equal(&first, &second));
  th_probe_tell(bench.client, &first, 5);
  assert_int_equal(ask_int(&bench, &second, -1), 0);
  await_counter(&bench, "dead", 1);
  end(&bench);
}

static void sends_poison_back(const char *base) {
  struct bench bench = begin(base);
  struct th_address poison = create(&bench, "poison");
  struct th_message *answer;
  struct th_reason reason;
  unsigned char one = 1;
  assert_int_equal(th_client_ask(bench.client, &poison, TH_KIND_USER, &one, 1,
                                 th_clock_after(PATIENCE), &answer, &reason),
                   0);
  assert_int_equal(answer->kind, TH_KIND_POISON);
  assert_non_null(memmem(answer->payload, answer->size, "poisoned at line 7", 18));
  th_message_free(answer);
  assert_int_equal(th_probe_counter(bench.client, "poisoned"), 1);
  end(&bench);
}

static void exits_after_its_children(const char *base) {
  struct bench bench = begin(base);
  struct th_address parent = create(&bench, "parent:10");
  ask_to_exit(&bench, &parent);
  await_counter(&bench, "exited", 11);
  assert_int_equal(atomic_load(&th_probe_counts.children_lost), 10);
  end(&bench);
}

static void leaves_orphans_behind_when_told_so(const char *base) {
  struct bench bench = begin(base);
  struct th_address parent = create(&bench, "orphaner:10");
  ask_to_exit(&bench, &parent);
  await_counter(&bench, "exited", 1);
  assert_int_equal(atomic_load(&th_probe_counts.children_lost), 0);
  end(&bench); /* the shutdown finds the orphans */
}

static void balances_its_books(const char *base) {
  struct bench bench = begin(base);
  struct th_address echo = create(&bench, "echo"), poison = create(&bench, "poison");
  struct th_address dead = create(&bench, "echo");
  struct th_reason reason;
  ask_to_exit(&bench, &dead);
  await_counter(&bench, "exited", 1);
  for (int64_t i = 0; i < 50; i++) {
    th_probe_tell(bench.client, &echo, i);
    th_probe_tell(bench.client, &poison, i);
    th_probe_tell(bench.client, &dead, i);
  }
  for (int i = 0; i < 100; i++) {
    struct th_message *message;
    assert_int_equal(th_client_listen(bench.client, th_clock_after(PATIENCE), &message, &reason),
                     0);
    th_message_free(message);
  }
  await_counter(&bench, "dead", 50);
  assert_int_equal(th_probe_counter(bench.client, "poisoned"), 50);
  end(&bench);
}

static void creates_nothing_after_shutdown_began(const char *base) {
  struct bench bench = begin(base);
  struct th_address address;
  struct th_reason reason;
  create(&bench, "parent:3");
  th_system_shutdown(bench.system);
  assert_true(th_system_wait(bench.system, th_clock_after(PATIENCE)));
  assert_int_equal(atomic_load(&th_probe_counts.closed), 4);
  /* Refused by the admin, or not even asked where it is known that all is over. */
  int error = th_probe_create(bench.client, "echo", NULL, &address, &reason);
  assert_true(error == TH_ESHUTDOWN || error == TH_EGONE);
  assert_int_equal(atomic_load(&th_probe_counts.opened), 4);
  end(&bench);
}

#define ON_EACH_BASE(story)                                                                        \
  static void story##_simple(void **unused) {                                                      \
    (void)unused;                                                                                  \
    story(TH_BASE_SIMPLE);                                                                         \
  }                                                                                                \
  static void story##_queue(void **unused) {                                                       \
    (void)unused;                                                                                  \
    story(TH_BASE_QUEUE);                                                                          \
  }                                                                                                \
  static void story##_tcp(void **unused) {                                                         \
    (void)unused;                                                                                  \
    story(TH_BASE_TCP);                                                                            \
  }                                                                                                \
  static void story##_udp(void **unused) {                                                         \
    (void)unused;                                                                                  \
    story(TH_BASE_UDP);                                                                            \
  }

ON_EACH_BASE(answers)
ON_EACH_BASE(keeps_order)
ON_EACH_BASE(reports_a_failed_start)
ON_EACH_BASE(gives_one_actor_per_name)
ON_EACH_BASE(tells_that_an_ask_is_dead)
ON_EACH_BASE(never_gives_an_address_again)
ON_EACH_BASE(sends_poison_back)
ON_EACH_BASE(exits_after_its_children)
ON_EACH_BASE(leaves_orphans_behind_when_told_so)
ON_EACH_BASE(balances_its_books)
ON_EACH_BASE(creates_nothing_after_shutdown_began)

#define EACH(story)                                                                                \
  cmocka_unit_test(story##_simple), cmocka_unit_test(story##_queue),                               \
    cmocka_unit_test(story##_tcp), cmocka_unit_test(story##_udp)

static void two_systems_in_one_process_do_not_meet(void **unused) {
  struct bench one = begin(TH_BASE_QUEUE), other = begin(TH_BASE_TCP);
  struct th_address here = create(&one, "echo"), there = create(&other, "echo");
  (void)unused;
  assert_int_not_equal(here.system, there.system);
  assert_int_equal(ask_int(&one, &here, 1), 1);
  assert_int_equal(ask_int(&other, &there, 2), 2);
  th_client_close(one.client);
  assert_true(th_system_free(one.system, 60));
  assert_int_equal(ask_int(&other, &there, 3), 3);
  th_client_close(other.client);
  assert_true(th_system_free(other.system, 60));
}

static void name_a_taken_port(const char *base) {
  struct bench bench = begin(base);
  struct th_system *second;
  struct th_reason reason;
  struct th_buffer map;
  char expected[80];
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, "Admin Port");
  th_pack_int(&map, th_system_port(bench.system));
  struct th_system_config config = {.base = base,
                                    .capabilities = map.data,
                                    .capabilities_size = map.size,
                                    .script = &th_probe_script};
  assert_true(th_system_start(&second, &config, &reason) < 0);
  snprintf(expected, sizeof expected, "port %u on 127.0.0.1 is in use",
           th_system_port(bench.system));
  assert_string_equal(reason.words, expected);
  th_buffer_clear(&map);
  end(&bench);
}

static void a_taken_port_is_named(void **unused) {
  (void)unused;
  name_a_taken_port(TH_BASE_TCP);
  name_a_taken_port(TH_BASE_UDP);
}

/* ---- a program that sends faster than others take -------------------------------------------- */

#define FLOOD 2000
#define FLOOD_SIZE 20000 /* 40 MB are more than sockets hold */

struct flooder {
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_link *link;
  bool is_open, is_closed;
};

static void on_welcome(void *context, struct th_link *link, const struct th_welcome *welcome) {
  (void)link;
  (void)welcome;
  ((struct flooder *)context)->is_open = true;
}

static void on_message(void *context, struct th_link *link, struct th_message *message) {
  (void)context;
  (void)link;
  th_message_free(message);
}

static void on_closed(void *context, struct th_link *link, int error, const char *words) {
  (void)link;
  (void)words;
  assert_int_equal(error, 0);
  ((struct flooder *)context)->is_closed = true;
}

static const struct th_link_events flooder_events = {
  .welcome = on_welcome, .message = on_message, .undeliverable = on_message, .closed = on_closed};

static void turn(struct flooder *flooder) {
  th_loop_run(flooder->loop, th_clock_after(TH_MILLISECOND));
}

static void connect_flooder(struct flooder *flooder, const char *base, uint16_t port) {
  static const struct th_hello hello = {
    .protocol = TH_PROTOCOL_VERSION, .role = TH_ROLE_PROGRAM, .version = TH_VERSION, .pid = 1};
  *flooder = (struct flooder){0};
  assert_int_equal(th_loop_new(&flooder->loop), 0);
  assert_int_equal(th_wire_new(th_base_carrier(base), flooder->loop, &flooder->wire), 0);
  assert_int_equal(th_link_connect(flooder->loop, flooder->wire, INADDR_LOOPBACK, port, 1 << 20,
                                   &hello, &flooder_events, flooder, &flooder->link),
                   0);
}

static void begin_flood(struct flooder *flooder, const char *base, uint16_t port,
                        const struct th_address *target) {
  unsigned char payload[FLOOD_SIZE] = {0xda, (FLOOD_SIZE - 3) >> 8, (FLOOD_SIZE - 3) & 0xff};
  connect_flooder(flooder, base, port);
  while (!flooder->is_open) turn(flooder);
  for (int i = 0; i < FLOOD; i++)
    th_link_send(flooder->link,
                 th_message_new(TH_KIND_USER, target, &TH_NOBODY, payload, FLOOD_SIZE));
}

static void end_flood(struct flooder *flooder) {
  th_link_close(flooder->link);
  while (!flooder->is_closed) turn(flooder);
  flooder->wire->ops->free(flooder->wire);
  th_loop_free(flooder->loop);
  th_link_unref(flooder->link);
}

/* Until nothing more leaves. Others are served meanwhile. */
static void run_until_at_rest(struct flooder *flooder, struct bench *bench,
                              const struct th_address *echo) {
  size_t before = 0;
  for (int same = 0; same < 50; same++) {
    if (th_link_waiting(flooder->link) != before) same = 0;
    before = th_link_waiting(flooder->link);
    turn(flooder);
    assert_int_equal(ask_int(bench, echo, same), same);
  }
}

static void hold_a_flooder(const char *base) {
  struct bench bench = begin_limited(base, 8);
  struct th_address stuck = create(&bench, "stuck"), echo = create(&bench, "echo");
  struct flooder flooder;
  begin_flood(&flooder, base, th_system_port(bench.system), &stuck);
  run_until_at_rest(&flooder, &bench, &echo);
  assert_true(th_link_waiting(flooder.link) > 0);
  atomic_store(&th_probe_counts.is_free, true);
  while (th_link_waiting(flooder.link) > 0) turn(&flooder);
  end_flood(&flooder);
  assert_int_equal(ask_int(&bench, &stuck, -1), FLOOD);
  end(&bench);
}

static void a_program_that_floods_an_actor_is_held(void **unused) {
  (void)unused;
  hold_a_flooder(TH_BASE_TCP);
  hold_a_flooder(TH_BASE_UDP);
}

static void leave_while_held(const char *base) {
  struct bench bench = begin_limited(base, 8);
  struct th_address stuck = create(&bench, "stuck"), echo = create(&bench, "echo");
  struct flooder flooder;
  begin_flood(&flooder, base, th_system_port(bench.system), &stuck);
  run_until_at_rest(&flooder, &bench, &echo);
  /* Without a word: its connection ends while it is held. */
  flooder.wire->ops->free(flooder.wire);
  while (!flooder.is_closed) turn(&flooder);
  th_loop_free(flooder.loop);
  th_link_unref(flooder.link);
  atomic_store(&th_probe_counts.is_free, true);
  end(&bench);
}

static void a_program_may_go_while_it_is_held(void **unused) {
  (void)unused;
  leave_while_held(TH_BASE_TCP);
  leave_while_held(TH_BASE_UDP);
}

/* What a datagram cannot hold is refused, unless it is a request, with a bundle perhaps. */
static void only_requests_may_be_large_on_udp(void **unused) {
  struct bench bench = begin(TH_BASE_UDP);
  struct th_address echo = create(&bench, "echo");
  struct th_buffer large;
  struct th_reason reason;
  struct th_message *reply;
  (void)unused;
  th_buffer_init(&large);
  th_pack_array(&large, 2);
  th_pack_int(&large, TH_OP_NAME);
  char *name = malloc(TH_LINK_LOOSE);
  assert_non_null(name);
  memset(name, 'x', TH_LINK_LOOSE);
  th_pack_str(&large, name, TH_LINK_LOOSE);
  assert_int_equal(
    th_client_tell(bench.client, &echo, TH_KIND_USER, large.data, large.size, &reason), TH_ETOOBIG);
  assert_int_equal(
    th_client_request(bench.client, &large, th_clock_after(PATIENCE), &reply, &reason), 0);
  th_message_free(reply);
  th_buffer_clear(&large);
  free(name);
  end(&bench);
}

/* ---- without threads ------------------------------------------------------------------------- */

static unsigned count_threads(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/task");
  assert_non_null(folder);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static void crank_by_hand(const char *base) {
  enum { COUNT = 10 };
  unsigned threads = count_threads();
  struct bench bench = {.system = th_probe_start_cranked(base)};
  struct flooder flooder;
  assert_int_equal(th_client_attach(&bench.client, bench.system), 0);
  struct th_address counter = create(&bench, "count");
  connect_flooder(&flooder, base, th_system_port(bench.system));
  turn(&flooder);
  assert_false(flooder.is_open); /* nobody answers by himself */
  while (!flooder.is_open) {
    th_system_crank(bench.system, TH_FOREVER);
    turn(&flooder);
  }
  for (int i = 0; i < COUNT; i++)
    th_link_send(flooder.link, th_message_new(TH_KIND_USER, &counter, &TH_NOBODY, "\x01", 1));
  turn(&flooder);
  while (ask_int(&bench, &counter, -1) < COUNT) turn(&flooder);
  assert_int_equal(ask_int(&bench, &counter, -1), COUNT);
  assert_int_equal(count_threads(), threads);
  th_link_close(flooder.link);
  while (!flooder.is_closed) {
    turn(&flooder);
    th_system_crank(bench.system, TH_FOREVER);
  }
  end_flood(&flooder);
  end(&bench);
}

static void a_system_that_listens_may_be_cranked(void **unused) {
  (void)unused;
  crank_by_hand(TH_BASE_TCP);
  crank_by_hand(TH_BASE_UDP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    EACH(answers),
    EACH(keeps_order),
    EACH(reports_a_failed_start),
    EACH(gives_one_actor_per_name),
    EACH(tells_that_an_ask_is_dead),
    EACH(never_gives_an_address_again),
    EACH(sends_poison_back),
    EACH(exits_after_its_children),
    EACH(leaves_orphans_behind_when_told_so),
    EACH(balances_its_books),
    EACH(creates_nothing_after_shutdown_began),
    cmocka_unit_test(two_systems_in_one_process_do_not_meet),
    cmocka_unit_test(a_taken_port_is_named),
    cmocka_unit_test(a_program_that_floods_an_actor_is_held),
    cmocka_unit_test(a_program_may_go_while_it_is_held),
    cmocka_unit_test(only_requests_may_be_large_on_udp),
    cmocka_unit_test(a_system_that_listens_may_be_cranked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
