/* The admin's part in a convention, with a whole system on the simple base, which the test cranks;
 * what other systems say is put in by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/convention.h"
#include "base/clock.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "probe.h"
#include "system/inside.h"

static const struct th_address remote = {
  .system = 77, .number = TH_ADMIN_NUMBER, .ip = 0x0a000001, .port = 1900};

/* Nobody can connect to it. */
static const struct th_address hidden = {
  .system = 78, .number = TH_ADMIN_NUMBER, .ip = 0x0a000002, .port = 1900};

struct bench {
  struct th_system *system;
  struct th_address endpoint;
  struct th_message *got[16];
  size_t count;
  bool is_closed;
};

static void deliver(void *context, struct th_message *message) {
  struct bench *bench = context;
  assert_true(bench->count < 16);
  bench->got[bench->count++] = message;
}

static void closed(void *context) {
  ((struct bench *)context)->is_closed = true;
}

static const struct th_endpoint_events events = {.deliver = deliver, .closed = closed};

static void crank(struct bench *bench) {
  th_system_crank(bench->system, th_clock_now());
}

static void begin(struct bench *bench) {
  *bench = (struct bench){.system = th_probe_start(TH_BASE_SIMPLE)};
  bench->endpoint = th_system_endpoint_open(bench->system, &events, bench);
  crank(bench);
}

static void forget(struct bench *bench) {
  for (size_t i = 0; i < bench->count; i++) th_message_free(bench->got[i]);
  bench->count = 0;
}

static void end(struct bench *bench) {
  th_system_endpoint_close(bench->system, &bench->endpoint);
  crank(bench);
  assert_true(bench->is_closed);
  assert_true(th_system_free(bench->system, 10));
  forget(bench);
}

/* Sends what is in words to the admin, and clears it. */
static void say(struct bench *bench, enum th_kind kind, const struct th_address *sender,
                struct th_buffer *words) {
  struct th_message *message = th_message_pack(kind, th_system_admin(bench->system), sender, words);
  message->ticket = kind == TH_KIND_REQUEST;
  th_system_route(bench->system, message);
  crank(bench);
  th_buffer_clear(words);
}

static void begin_words(struct th_buffer *words, uint32_t count, int operation) {
  th_buffer_init(words);
  th_pack_array(words, count);
  th_pack_int(words, operation);
}

static void say_register(struct bench *bench, const struct th_address *sender) {
  struct th_buffer words;
  begin_words(&words, 4, TH_CONVENTION_REGISTER);
  th_pack_map(&words, 2);
  th_pack_text(&words, "Has Lightbulb");
  th_pack_bool(&words, true);
  th_pack_text(&words, "Outbound Only");
  th_pack_bool(&words, sender->ip == hidden.ip);
  th_pack_int(&words, 1);
  th_pack_int(&words, 1);
  say(bench, TH_KIND_CONVENTION, sender, &words);
}

static void say_plain(struct bench *bench, const struct th_address *sender, int operation) {
  struct th_buffer words;
  begin_words(&words, 1, operation);
  say(bench, TH_KIND_CONVENTION, sender, &words);
}

static void listen(struct bench *bench, bool start) {
  struct th_buffer words;
  begin_words(&words, 2, TH_OP_REGISTRATIONS);
  th_pack_bool(&words, start);
  say(bench, TH_KIND_REQUEST, &bench->endpoint, &words);
}

/* The error of a reply; 0 for a result. */
static int64_t take_reply(struct bench *bench) {
  struct th_unpack reader;
  assert_int_equal(bench->count, 1);
  assert_int_equal(bench->got[0]->kind, TH_KIND_REPLY);
  th_unpack_init(&reader, bench->got[0]->payload, bench->got[0]->size);
  th_unpack_array(&reader);
  int64_t error = th_unpack_int(&reader);
  forget(bench);
  return error;
}

static bool has_text(const struct th_message *message, const char *text) {
  return memmem(message->payload, message->size, text, strlen(text)) != NULL;
}

/* The last byte of the instance is its last field, remoteAdded. */
static void assert_update(const struct th_message *message, bool added) {
  assert_int_equal(message->kind, TH_KIND_SYSTEM);
  assert_true(has_text(message, "ActorSystemConventionUpdate"));
  assert_true(has_text(message, "Has Lightbulb"));
  assert_int_equal(message->payload[message->size - 1], added ? 0xc3 : 0xc2);
}

static bool has_others(struct bench *bench) {
  return atomic_load(&bench->system->world.has_others);
}

static void listeners_are_told_until_they_have_enough(void **unused) {
  struct bench bench;
  (void)unused;
  begin(&bench);
  assert_false(has_others(&bench));
  say_register(&bench, &remote);
  assert_true(has_others(&bench));
  assert_int_equal(bench.count, 0);
  listen(&bench, true); /* late: it hears of who is there, then gets its reply */
  assert_int_equal(bench.count, 2);
  assert_update(bench.got[0], true);
  forget(&bench);
  listen(&bench, true);
  assert_int_equal(take_reply(&bench), 0);
  say_plain(&bench, &remote, TH_CONVENTION_LEAVE);
  assert_int_equal(bench.count, 1);
  assert_update(bench.got[0], false);
  assert_false(has_others(&bench));
  forget(&bench);
  listen(&bench, false);
  assert_int_equal(take_reply(&bench), 0);
  say_register(&bench, &remote);
  assert_int_equal(bench.count, 0);
  end(&bench);
}

static void what_the_runtime_says_is_taken_from_nobody_else(void **unused) {
  struct bench bench;
  struct th_buffer words;
  struct th_address forged;
  (void)unused;
  begin(&bench);
  say_register(&bench, &remote);
  for (int i = 0; i < 2; i++) { /* another system, an actor of this one */
    forged = i == 0 ? remote : bench.endpoint;
    th_buffer_init(&words);
    th_convention_pack_parted(&words, &remote, NULL, 2, "");
    say(&bench, TH_KIND_CONVENTION, &forged, &words);
    assert_true(has_others(&bench));
  }
  th_buffer_init(&words);
  th_convention_pack_parted(&words, &remote, NULL, 2, "");
  say(&bench, TH_KIND_CONVENTION, th_system_admin(bench.system), &words);
  assert_false(has_others(&bench));
  end(&bench);
}

static void ask_place(struct bench *bench, const char *capability) {
  struct th_buffer words;
  begin_words(&words, 2, TH_CONVENTION_PLACE);
  th_pack_array(&words, 2);
  th_pack_text(&words, capability);
  th_pack_nil(&words);
  say(bench, TH_KIND_CONVENTION, &bench->endpoint, &words);
}

/* The operation of what stands for an actor was told; *reader stands behind it. */
static int64_t read_remote(struct bench *bench, struct th_unpack *reader) {
  assert_int_equal(bench->count, 1);
  assert_int_equal(bench->got[0]->kind, TH_KIND_REMOTE);
  th_unpack_init(reader, bench->got[0]->payload, bench->got[0]->size);
  th_unpack_array(reader);
  return th_unpack_int(reader);
}

static void a_leader_says_where_an_actor_could_live(void **unused) {
  struct bench bench;
  struct th_unpack reader;
  (void)unused;
  begin(&bench);
  ask_place(&bench, "Has Lightbulb");
  assert_int_equal(read_remote(&bench, &reader), TH_REMOTE_FAILED);
  assert_int_equal(th_unpack_int(&reader), TH_ENOCOMPATIBLE);
  forget(&bench);
  say_register(&bench, &remote);
  ask_place(&bench, "Has Lightbulb");
  assert_int_equal(read_remote(&bench, &reader), TH_REMOTE_CANDIDATES);
  assert_int_equal(th_unpack_array(&reader), 1);
  struct th_address candidate = th_unpack_address(&reader);
  assert_true(th_address_equal(&candidate, &remote));
  forget(&bench);
  ask_place(&bench, "Has Piano");
  assert_int_equal(read_remote(&bench, &reader), TH_REMOTE_FAILED);
  end(&bench);
}

static void who_cannot_be_connected_to_is_given_without_a_port(void **unused) {
  struct bench bench;
  struct th_unpack reader;
  (void)unused;
  begin(&bench);
  say_register(&bench, &remote);
  say_register(&bench, &hidden);
  ask_place(&bench, "Has Lightbulb");
  assert_int_equal(read_remote(&bench, &reader), TH_REMOTE_CANDIDATES);
  assert_int_equal(th_unpack_array(&reader), 2);
  for (int i = 0; i < 2; i++) {
    struct th_address candidate = th_unpack_address(&reader);
    assert_int_equal(candidate.port, candidate.system == hidden.system ? 0 : remote.port);
  }
  end(&bench);
}

static void systems_are_pre_registered_by_a_proper_place(void **unused) {
  static const struct {
    const char *place;
    bool has_map;
    int64_t error;
  } cases[] = {{"10.0.0.1:1900", true, 0},
               {"10.0.0.1", true, TH_EADDRESS},
               {"nowhere", true, TH_EADDRESS},
               {NULL, true, TH_EADDRESS},
               {"10.0.0.1:1900", false, TH_ECAPABILITY}};
  struct bench bench;
  struct th_buffer words;
  (void)unused;
  begin(&bench);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin_words(&words, 3, TH_OP_PRE_REGISTER);
    th_pack_text(&words, cases[i].place);
    if (cases[i].has_map)
      th_pack_map(&words, 0);
    else
      th_pack_int(&words, 5);
    say(&bench, TH_KIND_REQUEST, &bench.endpoint, &words);
    assert_int_equal(take_reply(&bench), cases[i].error);
  }
  assert_true(th_system_next_timer(bench.system) != TH_FOREVER);
  begin_words(&words, 2, TH_OP_DE_REGISTER);
  th_pack_text(&words, "10.0.0.1:1900");
  say(&bench, TH_KIND_REQUEST, &bench.endpoint, &words);
  assert_int_equal(take_reply(&bench), 0);
  end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(listeners_are_told_until_they_have_enough),
    cmocka_unit_test(what_the_runtime_says_is_taken_from_nobody_else),
    cmocka_unit_test(a_leader_says_where_an_actor_could_live),
    cmocka_unit_test(who_cannot_be_connected_to_is_given_without_a_port),
    cmocka_unit_test(systems_are_pre_registered_by_a_proper_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
