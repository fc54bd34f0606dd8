#include "host/thespian.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "host/archive.h"
#include "host/embed.h"

#define PATIENCE 120.0

/* ---- a folder with a Lua module -------------------------------------------------------------- */

static char *folder;

static const char code[] =
  "local actors = require 'thespian.actors'\n"
  "local Echo = actors.class('Echo', actors.Actor)\n"
  "function Echo:receiveMessage(message, sender) self:send(sender, message) end\n"
  "local Shared = actors.class('Shared', actors.Actor)\n"
  "function Shared:receiveMessage(message, sender)\n"
  "  local one = { 1 }\n"
  "  self:send(sender, { one, one })\n"
  "end\n"
  "local Maker = actors.class('Maker', actors.Actor) -- of an actor in C\n"
  "function Maker:receiveMessage(message, sender)\n"
  "  if type(message) == 'string' then\n"
  "    self.who = sender\n"
  "    self:send(self:createActor(message, { step = 5 }), 'add')\n"
  "  else\n"
  "    self:send(self.who, message)\n"
  "  end\n"
  "end\n"
  "local Far = actors.class('Far', actors.Actor)\n"
  "function Far.actorSystemCapabilityCheck() return false end\n"
  "return { Echo = Echo, Shared = Shared, Maker = Maker, Far = Far }\n";

static void write_file(const char *name, const void *data, size_t size) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
  const char *temporary = getenv("TMPDIR");
  char path[4096];
  (void)state;
  snprintf(path, sizeof path, "%s/test_thespian.XXXXXX", temporary != NULL ? temporary : "/tmp");
  if (mkdtemp(path) == NULL) return -1;
  folder = strdup(path);
  write_file("lib.lua", code, sizeof code - 1);
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

static int tear_down(void **state) {
  (void)state;
  int error = nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(folder);
  return error;
}

/* ---- a class in C that does what it is told -------------------------------------------------- */

struct counts {
  atomic_int created;
  atomic_int destroyed;
  atomic_int exits;
  atomic_int tries;
  atomic_bool refuses;
};

struct adder {
  struct counts *counts;
  int64_t step;
  int64_t sum;
  struct thespian_address boss; /* gets what was not asked for */
};

static void send_int(struct thespian_actor *self, struct thespian_address to, int64_t value) {
  struct thespian_builder *builder = thespian_builder_new();
  thespian_put_int(builder, value);
  thespian_actor_send(self, to, builder, NULL);
  thespian_builder_free(builder);
}

static bool adder_fits(void *context, struct thespian_value capabilities,
                       struct thespian_value requirements) {
  (void)context;
  return !thespian_value_bool(thespian_value_find(requirements, "lightbulb"), false) ||
         thespian_value_bool(thespian_value_find(capabilities, "Has Lightbulb"), false);
}

static int adder_create(void *context, struct thespian_actor *self,
                        struct thespian_value requirements, void **object) {
  struct counts *counts = context;
  if (thespian_value_bool(thespian_value_find(requirements, "fail"), false))
    return thespian_actor_fail(self, "no %s today", "adders");
  if (thespian_value_bool(thespian_value_find(requirements, "mute"), false)) return -ENOENT;
  struct adder *adder = calloc(1, sizeof *adder);
  adder->counts = counts;
  adder->step = thespian_value_int(thespian_value_find(requirements, "step"), 1);
  atomic_fetch_add(&counts->created, 1);
  *object = adder;
  return 0;
}

static int create_child(struct adder *adder, struct thespian_actor *self,
                        struct thespian_address sender, const char *class_name) {
  struct thespian_address child;
  adder->boss = sender;
  return thespian_actor_create(self, class_name, NULL, NULL, NULL, &child, NULL);
}

/* How many things that cannot be are refused. */
static int64_t count_refusals(struct thespian_actor *self, struct thespian_builder *builder) {
  struct thespian_reason reason;
  char hash[THESPIAN_HASH_SIZE];
  int64_t refused = thespian_actor_load_source(self, "PK", 2, NULL, hash, NULL) == THESPIAN_EBUNDLE;
  refused += thespian_actor_load_source_file(self, "/nowhere", hash, &reason) == -ENOENT &&
             strstr(reason.words, "/nowhere") != NULL;
  refused += thespian_actor_set_capability(self, "", NULL, NULL) == THESPIAN_ECAPABILITY;
  thespian_begin_map(builder);
  refused += thespian_actor_set_capability(self, "x", builder, NULL) == THESPIAN_ECANNOTSEND;
  thespian_builder_reset(builder);
  for (int i = 0; i < 101; i++) thespian_begin_array(builder); /* deeper than can be kept */
  for (int i = 0; i < 101; i++) thespian_end(builder);
  refused += thespian_actor_set_capability(self, "x", builder, &reason) == THESPIAN_ECAPABILITY &&
             strstr(reason.words, "\"x\"") != NULL;
  thespian_builder_reset(builder);
  return refused;
}

/* Orders about sources and capabilities; answers with the hash, or with a number. */
static int on_order(struct thespian_actor *self, struct thespian_value what, char *hash,
                    struct thespian_builder *builder) {
  char path[4200];
  snprintf(path, sizeof path, "%s/bundle.zip", folder);
  if (thespian_value_is(what, "load"))
    return thespian_actor_load_source_file(self, path, hash, NULL);
  if (thespian_value_is(what, "light")) {
    thespian_put_bool(builder, true);
    int error = thespian_actor_set_capability(self, "Has Lightbulb", builder, NULL);
    thespian_builder_reset(builder);
    return error;
  }
  if (thespian_value_is(what, "dark"))
    return thespian_actor_set_capability(self, "Has Lightbulb", NULL, NULL);
  if (thespian_value_is(what, "unload"))
    thespian_actor_unload_source(self, hash);
  else if (thespian_value_is(what, "misuse"))
    thespian_put_int(builder, count_refusals(self, builder));
  else
    thespian_actor_notify_sources(self, thespian_value_is(what, "listen"));
  return 0;
}

static int take_order(struct adder *adder, struct thespian_actor *self,
                      struct thespian_value message, struct thespian_address sender) {
  struct thespian_builder *builder = thespian_builder_new();
  char hash[THESPIAN_HASH_SIZE] = "";
  adder->boss = sender;
  thespian_value_text(thespian_value_find(message, "hash"), hash, sizeof hash);
  int error = on_order(self, thespian_value_find(message, "order"), hash, builder);
  if (thespian_builder_error(builder, NULL) != 0) thespian_put_text(builder, hash);
  thespian_actor_send(self, sender, builder, NULL);
  thespian_builder_free(builder);
  return error;
}

static int on_text(struct adder *adder, struct thespian_actor *self, struct thespian_value message,
                   struct thespian_address sender) {
  struct thespian_builder *builder = thespian_builder_new();
  int error = 0;
  if (thespian_value_is(message, "add")) {
    send_int(self, sender, adder->sum += adder->step);
  } else if (thespian_value_is(message, "fail")) {
    atomic_fetch_add(&adder->counts->tries, 1);
    error = thespian_actor_fail(self, "cannot %s", "fail better");
  } else if (thespian_value_is(message, "fail once")) {
    if (atomic_fetch_add(&adder->counts->tries, 1) % 2 == 0) error = -EIO;
    if (error == 0) send_int(self, sender, 1);
  } else if (thespian_value_is(message, "who")) {
    thespian_put_text(builder, thespian_actor_global_name(self));
    thespian_actor_send(self, sender, builder, NULL);
  } else if (thespian_value_is(message, "self")) {
    thespian_put_address(builder, thespian_actor_address(self));
    thespian_actor_send(self, sender, builder, NULL);
  } else if (thespian_value_is(message, "wake")) {
    adder->boss = sender;
    thespian_put_text(builder, "morning");
    error = thespian_actor_wakeup(self, 0.01, builder, NULL);
  } else if (thespian_value_is(message, "sleep")) {
    adder->boss = sender;
    error = thespian_actor_wakeup(self, 0, NULL, NULL);
  } else if (thespian_value_is(message, "child")) {
    error = create_child(adder, self, sender, "test.Adder");
  } else if (thespian_value_is(message, "stillborn")) {
    error = create_child(adder, self, sender, "nowhere.Nothing");
  } else if (thespian_value_is(message, "letters")) {
    adder->boss = sender;
    thespian_actor_handle_dead_letters(self, true);
    send_int(self, sender, 0);
  } else if (thespian_value_is(message, "log")) {
    thespian_actor_log(self, THESPIAN_ERROR, "a line with %d%%", 100);
    send_int(self, sender, 0);
  } else if (thespian_value_is(message, "exit")) {
    thespian_actor_exit(self);
  } else if (thespian_value_is(message, "shutdown")) {
    thespian_actor_shutdown(self);
  } else {
    thespian_begin_array(builder); /* and no end */
    struct thespian_address nobody = {{0}};
    int64_t wrong = thespian_actor_send(self, sender, builder, NULL) == THESPIAN_ECANNOTSEND;
    wrong += thespian_actor_send(self, nobody, NULL, NULL) == THESPIAN_EADDRESS;
    wrong += thespian_actor_wakeup(self, 0, builder, NULL) == THESPIAN_ECANNOTSEND;
    wrong += thespian_actor_create(self, "test.Adder", builder, NULL, NULL, &nobody, NULL) ==
             THESPIAN_ECANNOTSEND;
    wrong += thespian_actor_create(self, "", NULL, NULL, NULL, &nobody, NULL) ==
             THESPIAN_ESPECIFICATION;
    thespian_builder_reset(builder);
    char *large = calloc(1, 3000);
    thespian_put_bytes(builder, large, 3000);
    wrong += thespian_actor_send(self, sender, builder, NULL) == THESPIAN_ETOOBIG;
    free(large);
    send_int(self, sender, wrong);
  }
  thespian_builder_free(builder);
  return error;
}

/* Text is an order; instances go to the boss, all else back. */
static int adder_receive(void *object, struct thespian_actor *self, struct thespian_value message,
                         struct thespian_address sender) {
  struct adder *adder = object;
  if (thespian_value_type(message) == THESPIAN_STRING) return on_text(adder, self, message, sender);
  if (thespian_value_type(thespian_value_find(message, "order")) == THESPIAN_STRING)
    return take_order(adder, self, message, sender);
  bool is_notice = thespian_value_is_instance(message, "ActorSystemMessage");
  struct thespian_builder *builder = thespian_builder_new();
  thespian_put_value(builder, message);
  thespian_actor_send(self, is_notice ? adder->boss : sender, builder, NULL);
  thespian_builder_free(builder);
  return 0;
}

static bool adder_exit(void *object, struct thespian_actor *self, bool recursive) {
  struct adder *adder = object;
  (void)self;
  atomic_fetch_add(&adder->counts->exits, 1);
  return recursive;
}

static void adder_destroy(void *object) {
  struct adder *adder = object;
  atomic_fetch_add(&adder->counts->destroyed, 1);
  free(adder);
}

static const struct thespian_class adder_class = {.fits = adder_fits,
                                                  .create = adder_create,
                                                  .receive = adder_receive,
                                                  .exit = adder_exit,
                                                  .destroy = adder_destroy};

/* ---- helpers --------------------------------------------------------------------------------- */

static void assert_well(int error, const struct thespian_reason *reason) {
  if (error != 0) fail_msg("%d: %s", error, reason->words);
}

/* A map with one pair. */
static struct thespian_builder *map_of(const char *key, int64_t value) {
  struct thespian_builder *builder = thespian_builder_new();
  thespian_begin_map(builder);
  thespian_put_text(builder, key);
  if (value < 0)
    thespian_put_bool(builder, true);
  else
    thespian_put_int(builder, value);
  thespian_end(builder);
  return builder;
}

#define YES (-1)

static struct thespian_system *open_base(const char *base, bool here, struct counts *counts) {
  const char *path = folder;
  struct thespian_builder *capabilities = thespian_builder_new();
  struct thespian_reason reason;
  struct thespian_system *system;
  thespian_begin_map(capabilities);
  thespian_put_text(capabilities, "Admin Port");
  thespian_put_int(capabilities, 0);
  thespian_put_text(capabilities, "Message Size Limit");
  thespian_put_int(capabilities, 2048);
  thespian_end(capabilities);
  struct thespian_options options = {.base = base,
                                     .capabilities = capabilities,
                                     .path = &path,
                                     .path_count = 1,
                                     .workers = 3,
                                     .without_log = true,
                                     .here = here};
  assert_well(thespian_open(&options, &system, &reason), &reason);
  thespian_builder_free(capabilities);
  if (counts != NULL)
    assert_well(thespian_register(system, "test.Adder", &adder_class, counts, &reason), &reason);
  return system;
}

static struct thespian_system *open_queue(struct counts *counts) {
  return open_base("multiprocQueueBase", false, counts);
}

static void end(struct thespian_system *system) {
  struct thespian_reason reason;
  assert_well(thespian_shutdown(system, &reason), &reason);
  thespian_close(system);
}

static struct thespian_address create(struct thespian_system *system, const char *class_name) {
  struct thespian_reason reason;
  struct thespian_address address;
  assert_well(thespian_create(system, class_name, NULL, NULL, NULL, &address, &reason), &reason);
  assert_false(thespian_address_is_nobody(address));
  return address;
}

static struct thespian_message *ask_text(struct thespian_system *system,
                                         struct thespian_address address, const char *text) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_reason reason;
  struct thespian_message *answer;
  thespian_put_text(builder, text);
  assert_well(thespian_ask(system, address, builder, PATIENCE, &answer, &reason), &reason);
  thespian_builder_free(builder);
  return answer;
}

static int64_t ask_int(struct thespian_system *system, struct thespian_address address,
                       const char *text) {
  struct thespian_message *answer = ask_text(system, address, text);
  int64_t value = thespian_value_int(thespian_message_value(answer), -1);
  thespian_message_free(answer);
  return value;
}

static void tell_text(struct thespian_system *system, struct thespian_address address,
                      const char *text) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_reason reason;
  thespian_put_text(builder, text);
  assert_well(thespian_tell(system, address, builder, &reason), &reason);
  thespian_builder_free(builder);
}

static void ask_to_exit(struct thespian_system *system, struct thespian_address address,
                        bool recursive) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_reason reason;
  thespian_put_exit_request(builder, recursive);
  assert_well(thespian_tell(system, address, builder, &reason), &reason);
  thespian_builder_free(builder);
}

/* A field of an instance of that system message. */
static void assert_notice(struct thespian_message *message, const char *class_name,
                          const char *field, const char *text) {
  struct thespian_value value = thespian_message_value(message);
  char found[1000];
  assert_true(thespian_value_is_instance(value, class_name));
  thespian_value_text(thespian_value_find(value, field), found, sizeof found);
  if (strstr(found, text) == NULL) fail_msg("%s: %s", field, found);
  thespian_message_free(message);
}

/* ---- actors in C ----------------------------------------------------------------------------- */

static const char *const local_bases[] = {"simpleSystemBase", "multiprocQueueBase"};

static void an_actor_in_c_lives_on_every_base_of_this_process(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct counts counts = {0};
    struct thespian_system *system = open_base(local_bases[i], false, &counts);
    assert_string_equal(thespian_base(system), local_bases[i]);
    struct thespian_address adder = create(system, "test.Adder");
    assert_int_equal(ask_int(system, adder, "add"), 1);
    assert_int_equal(ask_int(system, adder, "add"), 2);
    struct thespian_message *answer = ask_text(system, adder, "self");
    assert_true(
      thespian_address_equal(thespian_value_address(thespian_message_value(answer)), adder));
    assert_true(thespian_address_equal(thespian_message_sender(answer), adder));
    thespian_message_free(answer);
    end(system);
    assert_int_equal(counts.created, 1);
    assert_int_equal(counts.exits, 1);
    assert_int_equal(counts.destroyed, 1);
  }
}

static void a_failure_is_tried_again_and_comes_back_as_poison(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder");
  (void)state;
  struct thespian_message *poison = ask_text(system, adder, "fail");
  assert_int_equal(counts.tries, 2);
  struct thespian_value value = thespian_message_value(poison);
  assert_true(thespian_value_is(thespian_value_find(value, "poisonMessage"), "fail"));
  assert_notice(poison, "PoisonMessage", "details", "test.Adder: cannot fail better");
  assert_int_equal(ask_int(system, adder, "fail once"), 1);
  assert_int_equal(counts.tries, 4);
  assert_int_equal(ask_int(system, adder, "add"), 1);
  end(system);
}

static void a_start_can_fail_and_says_why(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address address;
  struct thespian_reason reason;
  static const struct {
    const char *key;
    int error;
    const char *words;
  } cases[] = {{"fail", THESPIAN_ESPECIFICATION, "test.Adder: no adders today"},
               {"mute", THESPIAN_ESPECIFICATION, "No such file or directory"},
               {"lightbulb", THESPIAN_ENOCOMPATIBLE, "does not live in a system like this"}};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    struct thespian_builder *requirements = map_of(cases[i].key, YES);
    int error = thespian_create(system, "test.Adder", requirements, NULL, NULL, &address, &reason);
    assert_int_equal(error, cases[i].error);
    assert_non_null(strstr(reason.words, cases[i].words));
    thespian_builder_free(requirements);
  }
  struct thespian_builder *yes = thespian_builder_new(), *lightbulb = map_of("lightbulb", YES);
  thespian_put_bool(yes, true);
  assert_well(thespian_set_capability(system, "Has Lightbulb", yes, &reason), &reason);
  assert_well(thespian_create(system, "test.Adder", lightbulb, NULL, NULL, &address, &reason),
              &reason);
  assert_well(thespian_set_capability(system, "Has Lightbulb", NULL, &reason), &reason);
  assert_int_equal(thespian_create(system, "test.Adder", lightbulb, NULL, NULL, &address, NULL),
                   THESPIAN_ENOCOMPATIBLE);
  thespian_builder_free(yes);
  thespian_builder_free(lightbulb);
  end(system);
  assert_int_equal(counts.created, 1);
  assert_int_equal(counts.destroyed, 1);
}

static void actors_in_c_and_in_lua_create_each_other(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  (void)state;
  assert_int_equal(ask_int(system, create(system, "lib.Maker"), "test.Adder"), 5);
  end(system);
  assert_int_equal(counts.destroyed, 1);
}

static void a_child_that_is_gone_is_told(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder");
  (void)state;
  assert_notice(ask_text(system, adder, "stillborn"), "ChildActorExited", "reason",
                "failed to start");
  tell_text(system, adder, "child");
  assert_int_equal(ask_int(system, adder, "add"), 1);
  ask_to_exit(system, adder, true); /* waits for the child, and hears of its end */
  struct thespian_message *notice;
  struct thespian_reason reason;
  assert_well(thespian_listen(system, PATIENCE, &notice, &reason), &reason);
  assert_notice(notice, "ChildActorExited", "reason", "exit");
  end(system);
  assert_int_equal(counts.exits, 2);
}

static void wakeups_come_with_their_payload(void **state) {
  struct counts counts = {0};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct thespian_system *system = open_base(local_bases[i], false, &counts);
    struct thespian_address adder = create(system, "test.Adder");
    struct thespian_message *wakeup = ask_text(system, adder, "wake");
    struct thespian_value value = thespian_message_value(wakeup);
    assert_true(thespian_value_real(thespian_value_find(value, "delayPeriod"), 0) == 0.01);
    assert_notice(wakeup, "WakeupMessage", "payload", "morning");
    wakeup = ask_text(system, adder, "sleep");
    value = thespian_message_value(wakeup);
    assert_int_equal(thespian_value_count(value), 1);
    thespian_message_free(wakeup);
    end(system);
  }
}

static void dead_letters_and_exits(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address handler = create(system, "test.Adder");
  struct thespian_address gone = create(system, "test.Adder");
  struct thespian_message *message;
  struct thespian_reason reason;
  (void)state;
  assert_int_equal(ask_int(system, handler, "letters"), 0);
  tell_text(system, gone, "exit");
  int error; /* its own request may be behind a few of ours, which it answers */
  while ((error = thespian_ask(system, gone, NULL, PATIENCE, &message, &reason)) == 0)
    thespian_message_free(message);
  assert_int_equal(error, THESPIAN_EDEAD);
  assert_well(thespian_listen(system, PATIENCE, &message, &reason), &reason);
  struct thespian_value letter = thespian_message_value(message);
  assert_true(thespian_value_is_instance(letter, "thespian.actors.DeadEnvelope"));
  assert_true(thespian_address_equal(
    thespian_value_address(thespian_value_find(letter, "deadAddress")), gone));
  thespian_message_free(message);
  assert_int_equal(counts.destroyed, 1);
  tell_text(system, handler, "shutdown");
  assert_int_equal(thespian_listen(system, PATIENCE, &message, &reason), THESPIAN_EGONE);
  thespian_close(system);
  assert_int_equal(counts.destroyed, 2);
}

/* Gives an order, and the answer. */
static struct thespian_message *order(struct thespian_system *system,
                                      struct thespian_address address, const char *what,
                                      const char *hash) {
  struct thespian_builder *builder = thespian_builder_new();
  struct thespian_message *answer;
  struct thespian_reason reason;
  thespian_begin_map(builder);
  thespian_put_text(builder, "order");
  thespian_put_text(builder, what);
  thespian_put_text(builder, "hash");
  thespian_put_text(builder, hash);
  thespian_end(builder);
  assert_well(thespian_ask(system, address, builder, PATIENCE, &answer, &reason), &reason);
  thespian_builder_free(builder);
  return answer;
}

static void expect_notice(struct thespian_system *system, const char *class_name,
                          const char *hash) {
  struct thespian_message *message;
  struct thespian_reason reason;
  assert_well(thespian_listen(system, PATIENCE, &message, &reason), &reason);
  struct thespian_value notice = thespian_message_value(message);
  assert_true(thespian_value_is_instance(notice, class_name));
  assert_true(thespian_value_is(thespian_value_find(notice, "sourceHash"), hash));
  thespian_message_free(message);
}

static void an_actor_in_c_loads_unloads_and_hears_of_sources(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder"), address;
  struct th_archive_file file = {
    .name = "bundled.lua", .data = (const unsigned char *)code, .size = sizeof code - 1};
  struct th_bytes *zip;
  struct thespian_reason reason;
  char hash[THESPIAN_HASH_SIZE];
  (void)state;
  assert_int_equal(th_archive_pack(&file, 1, &zip, NULL), 0);
  write_file("bundle.zip", zip->data, zip->size);
  th_bytes_unref(zip);
  thespian_message_free(order(system, adder, "listen", NULL));
  struct thespian_message *answer = order(system, adder, "load", NULL);
  assert_int_equal(thespian_value_text(thespian_message_value(answer), hash, sizeof hash), 64);
  thespian_message_free(answer);
  expect_notice(system, "thespian.actors.LoadedSource", hash);
  assert_well(thespian_create(system, "bundled.Echo", NULL, NULL, hash, &address, &reason),
              &reason);
  thespian_message_free(order(system, adder, "unload", hash));
  expect_notice(system, "thespian.actors.UnloadedSource", hash);
  assert_int_equal(thespian_create(system, "bundled.Echo", NULL, NULL, hash, &address, NULL),
                   THESPIAN_ESOURCE);
  thespian_message_free(order(system, adder, "deaf", NULL));
  thespian_message_free(order(system, adder, "load", NULL));
  /* A notice would be on its way before this answer. */
  assert_well(thespian_create(system, "bundled.Echo", NULL, NULL, hash, &address, &reason),
              &reason);
  assert_int_equal(ask_int(system, adder, "add"), 1);
  end(system);
}

static void an_actor_in_c_sets_capabilities(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder"), address;
  struct thespian_builder *needs = thespian_builder_new();
  struct thespian_reason reason;
  (void)state;
  thespian_begin_map(needs);
  thespian_put_text(needs, "lightbulb");
  thespian_put_bool(needs, true);
  thespian_end(needs);
  assert_int_equal(thespian_create(system, "test.Adder", needs, NULL, NULL, &address, NULL),
                   THESPIAN_ENOCOMPATIBLE);
  thespian_message_free(order(system, adder, "light", NULL));
  assert_well(thespian_create(system, "test.Adder", needs, NULL, NULL, &address, &reason), &reason);
  thespian_message_free(order(system, adder, "dark", NULL));
  assert_int_equal(thespian_create(system, "test.Adder", needs, NULL, NULL, &address, NULL),
                   THESPIAN_ENOCOMPATIBLE);
  thespian_builder_free(needs);
  struct thespian_message *answer = order(system, adder, "misuse", NULL);
  assert_int_equal(thespian_value_int(thespian_message_value(answer), -1), 5);
  thespian_message_free(answer);
  end(system);
}

static void misuse_within_an_actor_is_refused(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder");
  (void)state;
  assert_int_equal(ask_int(system, adder, "misuse"), 6);
  assert_int_equal(ask_int(system, adder, "log"), 0); /* without a log */
  end(system);
}

static void global_names_belong_to_one(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address one, other;
  struct thespian_reason reason;
  (void)state;
  assert_well(thespian_create(system, "test.Adder", NULL, "the one", NULL, &one, &reason), &reason);
  assert_well(thespian_create(system, "lib.Echo", NULL, "the one", NULL, &other, &reason), &reason);
  assert_true(thespian_address_equal(one, other));
  struct thespian_message *answer = ask_text(system, one, "who");
  assert_true(thespian_value_is(thespian_message_value(answer), "the one"));
  thespian_message_free(answer);
  end(system);
}

/* Bytes that an endpoint over TCP could send, say. */
static void a_message_that_makes_no_sense_comes_back(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder");
  struct thespian_message *message;
  struct thespian_reason reason;
  (void)state;
  /* A key twice is fine for C and not for Lua. */
  struct thespian_builder *builder = thespian_builder_new();
  thespian_begin_map(builder);
  for (int i = 0; i < 4; i++) thespian_put_text(builder, "key");
  thespian_end(builder);
  assert_well(
    thespian_ask(system, create(system, "lib.Echo"), builder, PATIENCE, &message, &reason),
    &reason);
  assert_notice(message, "PoisonMessage", "details", "malformed message");
  assert_well(thespian_ask(system, adder, builder, PATIENCE, &message, &reason), &reason);
  thespian_message_free(message);
  thespian_builder_free(builder);
  end(system);
}

static int only_create(void *context, struct thespian_actor *self,
                       struct thespian_value requirements, void **object) {
  (void)context, (void)self, (void)requirements, (void)object;
  return 0;
}

static void only_create_is_needed(void **state) {
  static const struct thespian_class least = {.create = only_create};
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_reason reason;
  struct thespian_message *message;
  (void)state;
  assert_well(thespian_register(system, "test.Least", &least, NULL, &reason), &reason);
  struct thespian_address address = create(system, "test.Least");
  tell_text(system, address, "ignored");
  ask_to_exit(system, address, false);
  assert_int_equal(thespian_ask(system, address, NULL, PATIENCE, &message, NULL), THESPIAN_EDEAD);
  end(system);
}

static void classes_that_cannot_be_are_refused(void **state) {
  static const char *const names[] = {"", "a\nb", "\xff", "a/b", ".a", "a.", "a..b", "test.Adder"};
  static const struct thespian_class nothing = {.create = NULL};
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_reason reason;
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    reason.words[0] = '\0';
    int error = thespian_register(system, names[i], &adder_class, &counts, &reason);
    assert_int_equal(error, THESPIAN_EUSAGE);
    assert_true(reason.words[0] != '\0');
  }
  assert_int_equal(thespian_register(system, "a.B", &nothing, NULL, NULL), THESPIAN_EUSAGE);
  end(system);
}

/* ---- messages and endpoints ------------------------------------------------------------------ */

static void timeouts_and_dead_letters_are_told_apart(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct thespian_system *system = open_base(local_bases[i], false, NULL);
    struct thespian_message *message;
    struct thespian_reason reason;
    assert_int_equal(thespian_listen(system, 0, &message, &reason), THESPIAN_ETIMEOUT);
    struct thespian_address echo = create(system, "lib.Echo");
    ask_to_exit(system, echo, true);
    assert_int_equal(thespian_ask(system, echo, NULL, THESPIAN_FOREVER, &message, &reason),
                     THESPIAN_EDEAD);
    assert_int_equal(thespian_ask(system, thespian_admin(system), NULL, 0, &message, &reason),
                     THESPIAN_ETIMEOUT);
    end(system);
  }
}

static void what_cannot_be_sent_is_refused(void **state) {
  struct thespian_system *system = open_queue(NULL);
  struct thespian_address nobody = {{0}}, address;
  struct thespian_message *message;
  struct thespian_reason reason;
  struct thespian_builder *half = thespian_builder_new(), *large = thespian_builder_new();
  char *bytes = calloc(1, 3000);
  (void)state;
  thespian_begin_map(half);
  thespian_put_bytes(large, bytes, 3000);
  free(bytes);
  struct thespian_address admin = thespian_admin(system);
  assert_int_equal(thespian_tell(system, nobody, NULL, &reason), THESPIAN_EADDRESS);
  assert_int_equal(thespian_tell(system, admin, half, &reason), THESPIAN_ECANNOTSEND);
  assert_int_equal(thespian_tell(system, admin, large, &reason), THESPIAN_ETOOBIG);
  assert_non_null(strstr(reason.words, "2048"));
  assert_int_equal(thespian_ask(system, admin, large, 1, &message, &reason), THESPIAN_ETOOBIG);
  assert_int_equal(thespian_create(system, "lib.Echo", half, NULL, NULL, &address, NULL),
                   THESPIAN_ECANNOTSEND);
  assert_int_equal(thespian_create(system, "lib.Nothing", NULL, NULL, NULL, &address, &reason),
                   THESPIAN_ESPECIFICATION);
  assert_int_equal(thespian_create(system, "lib.Far", NULL, NULL, NULL, &address, NULL),
                   THESPIAN_ENOCOMPATIBLE);
  assert_int_equal(thespian_create(system, "a.B", NULL, NULL, "00", &address, NULL),
                   THESPIAN_ESOURCE);
  assert_int_equal(thespian_set_capability(system, "", NULL, &reason), THESPIAN_ECAPABILITY);
  assert_int_equal(thespian_set_capability(system, "x", half, &reason), THESPIAN_ECANNOTSEND);
  assert_int_equal(thespian_set_capability(system, "x", large, &reason), THESPIAN_ETOOBIG);
  thespian_builder_free(half);
  thespian_builder_free(large);
  end(system);
}

static void values_survive_the_way_through_lua(void **state) {
  struct thespian_system *system = open_queue(NULL);
  struct thespian_builder *builder = map_of("answer", 42);
  struct thespian_message *answer;
  struct thespian_reason reason;
  (void)state;
  assert_well(thespian_ask(system, create(system, "lib.Echo"), builder, PATIENCE, &answer, &reason),
              &reason);
  struct thespian_value value = thespian_message_value(answer);
  assert_int_equal(thespian_value_int(thespian_value_find(value, "answer"), 0), 42);
  thespian_message_free(answer);
  assert_well(thespian_ask(system, create(system, "lib.Shared"), NULL, PATIENCE, &answer, &reason),
              &reason);
  value = thespian_value_item(thespian_message_value(answer), 1);
  assert_int_equal(thespian_value_int(thespian_value_item(value, 0), 0), 1);
  thespian_message_free(answer);
  thespian_builder_free(builder);
  end(system);
}

struct asker {
  struct thespian_system *system;
  struct thespian_address adder;
  int64_t last;
};

static void *ask_often(void *argument) {
  struct asker *asker = argument;
  struct thespian_builder *builder = thespian_builder_new();
  thespian_put_text(builder, "add");
  for (int i = 0; i < 200; i++) {
    struct thespian_message *answer;
    if (thespian_ask(asker->system, asker->adder, builder, PATIENCE, &answer, NULL) != 0) break;
    asker->last = thespian_value_int(thespian_message_value(answer), 0);
    thespian_message_free(answer);
  }
  thespian_builder_free(builder);
  thespian_close(asker->system);
  return NULL;
}

static void threads_have_endpoints_of_their_own(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder");
  struct thespian_reason reason;
  struct asker askers[4];
  pthread_t threads[4];
  (void)state;
  for (size_t i = 0; i < 4; i++) {
    askers[i] = (struct asker){.adder = adder};
    assert_well(thespian_private(system, &askers[i].system, &reason), &reason);
    assert_false(
      thespian_address_equal(thespian_endpoint(askers[i].system), thespian_endpoint(system)));
  }
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
  for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_int_equal(ask_int(system, adder, "add"), 801);
  end(system);
}

static void the_last_endpoint_stops_the_system(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts), *other;
  struct thespian_reason reason;
  struct thespian_address adder = create(system, "test.Adder");
  (void)state;
  assert_well(thespian_private(system, &other, &reason), &reason);
  thespian_close(system);
  assert_int_equal(ask_int(other, adder, "add"), 1);
  assert_int_equal(counts.destroyed, 0);
  thespian_close(other);
  assert_int_equal(counts.destroyed, 1);
  thespian_close(NULL);
}

static void after_the_shutdown_there_is_nothing(void **state) {
  struct thespian_system *system = open_queue(NULL), *other;
  struct thespian_address address = thespian_admin(system);
  struct thespian_message *message;
  struct thespian_reason reason;
  (void)state;
  assert_well(thespian_shutdown(system, &reason), &reason);
  assert_well(thespian_shutdown(system, &reason), &reason);
  assert_int_equal(thespian_tell(system, address, NULL, &reason), THESPIAN_EGONE);
  assert_int_equal(thespian_listen(system, 1, &message, &reason), THESPIAN_EGONE);
  assert_int_equal(thespian_private(system, &other, &reason), THESPIAN_EGONE);
  assert_int_equal(thespian_status(system, NULL, &message, &reason), THESPIAN_EGONE);
  thespian_close(system);
}

/* ---- sources and status ---------------------------------------------------------------------- */

static void sources_are_loaded_from_memory_and_files(void **state) {
  struct thespian_system *system = open_base("multiprocQueueBase", false, NULL);
  struct th_archive_file file = {
    .name = "bundled.lua", .data = (const unsigned char *)code, .size = sizeof code - 1};
  struct th_bytes *zip;
  struct thespian_address address;
  struct thespian_reason reason;
  char hash[THESPIAN_HASH_SIZE], again[THESPIAN_HASH_SIZE], path[4200];
  (void)state;
  assert_int_equal(th_archive_pack(&file, 1, &zip, NULL), 0);
  assert_well(thespian_load_source(system, zip->data, zip->size, "memory", hash, &reason), &reason);
  write_file("bundle.zip", zip->data, zip->size);
  snprintf(path, sizeof path, "%s/bundle.zip", folder);
  assert_well(thespian_load_source_file(system, path, again, &reason), &reason);
  assert_string_equal(hash, again);
  assert_well(thespian_create(system, "bundled.Echo", NULL, NULL, hash, &address, &reason),
              &reason);
  assert_int_equal(ask_int(system, address, "x"), -1);
  assert_well(thespian_unload_source(system, hash, &reason), &reason);
  assert_int_equal(thespian_unload_source(system, hash, &reason), THESPIAN_ESOURCE);
  assert_int_equal(thespian_create(system, "bundled.Echo", NULL, NULL, hash, &address, NULL),
                   THESPIAN_ESOURCE);
  assert_int_equal(thespian_load_source(system, "PK", 2, NULL, hash, &reason), THESPIAN_EBUNDLE);
  assert_int_equal(thespian_load_source_file(system, "/nowhere", hash, &reason), -ENOENT);
  assert_non_null(strstr(reason.words, "/nowhere"));
  th_bytes_unref(zip);
  end(system);
}

static void status_is_a_map(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_queue(&counts);
  struct thespian_address adder = create(system, "test.Adder"), nobody = {{0}};
  struct thespian_message *status;
  struct thespian_reason reason;
  (void)state;
  assert_well(thespian_status(system, NULL, &status, &reason), &reason);
  struct thespian_value value = thespian_message_value(status);
  assert_true(thespian_value_is(thespian_value_find(value, "base"), "multiprocQueueBase"));
  assert_int_equal(thespian_value_int(thespian_value_find(value, "workers"), 0), 3);
  thespian_message_free(status);
  assert_well(thespian_status(system, &adder, &status, &reason), &reason);
  value = thespian_message_value(status);
  assert_true(thespian_value_is(thespian_value_find(value, "class"), "test.Adder"));
  thespian_message_free(status);
  assert_int_equal(thespian_status(system, &nobody, &status, &reason), THESPIAN_EADDRESS);
  thespian_message_free(NULL);
  end(system);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void options_that_make_no_sense_are_refused(void **state) {
  static const struct thespian_log_handler loud = {.file = "/dev/null", .level = "loud"};
  struct thespian_builder *number = thespian_builder_new(), *port = map_of("Admin Port", 65536),
                          *text = map_of("Message Size Limit", YES), *half = thespian_builder_new();
  const struct thespian_options cases[] = {{.base = "noBase"},
                                           {.capabilities = number},
                                           {.capabilities = port},
                                           {.capabilities = text},
                                           {.log_file = "/dev/null", .log_level = "loud"},
                                           {.log_handlers = &loud, .log_handler_count = 1}};
  struct thespian_system *system;
  struct thespian_reason reason;
  (void)state;
  thespian_put_int(number, 1);
  thespian_begin_map(half);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reason.words[0] = '\0';
    assert_int_equal(thespian_open(&cases[i], &system, &reason), THESPIAN_EUSAGE);
    assert_true(reason.words[0] != '\0');
  }
  struct thespian_options unfinished = {.capabilities = half};
  assert_int_equal(thespian_open(&unfinished, &system, NULL), THESPIAN_ECANNOTSEND);
  thespian_builder_free(number);
  thespian_builder_free(port);
  thespian_builder_free(text);
  thespian_builder_free(half);
}

/* How often the file has these words. */
static size_t count_in(const char *file, const char *words) {
  char text[4096] = "";
  size_t count = 0;
  FILE *stream = fopen(file, "r");
  assert_non_null(stream);
  text[fread(text, 1, sizeof text - 1, stream)] = '\0';
  fclose(stream);
  for (const char *at = text; (at = strstr(at, words)) != NULL; at++) count++;
  return count;
}

static void lines_go_to_every_handler_that_wants_them(void **state) {
  struct counts counts = {0};
  char all[4200], critical[4200];
  snprintf(all, sizeof all, "%s/all.log", folder);
  snprintf(critical, sizeof critical, "%s/critical.log", folder);
  write_file("all.log", "", 0);
  write_file("critical.log", "", 0);
  const struct thespian_log_handler handlers[] = {{.file = all, .format = "json"},
                                                  {.file = critical, .level = "critical"}};
  struct thespian_options options = {.base = "multiprocQueueBase",
                                     .log_file = "/no/such/log", /* no handler is left to want it */
                                     .log_level = "warning",
                                     .log_handlers = handlers};
  struct thespian_reason reason;
  (void)state;
  for (options.log_handler_count = 0; options.log_handler_count <= 2; options.log_handler_count++) {
    struct thespian_system *system;
    assert_well(thespian_open(&options, &system, &reason), &reason);
    assert_well(thespian_register(system, "test.Adder", &adder_class, &counts, &reason), &reason);
    assert_int_equal(ask_int(system, create(system, "test.Adder"), "log"), 0);
    end(system);
    assert_int_equal(count_in(all, "a line with 100%\"}\n"), options.log_handler_count);
    assert_int_equal(count_in(critical, "a line"), 0);
  }
}

static void the_default_is_a_simple_system(void **state) {
  struct thespian_system *system;
  struct thespian_reason reason;
  (void)state;
  assert_well(thespian_open(NULL, &system, &reason), &reason);
  assert_string_equal(thespian_base(system), "simpleSystemBase");
  assert_int_equal(thespian_port(system), 0);
  end(system);
}

static void nobody_is_attached_to_what_is_not_there(void **state) {
  struct thespian_builder *capabilities = thespian_builder_new();
  struct thespian_options options = {.base = "multiprocTCPBase", .capabilities = capabilities};
  struct thespian_system *system;
  struct thespian_reason reason;
  (void)state;
  thespian_begin_map(capabilities);
  thespian_put_text(capabilities, "Admin Port");
  thespian_put_int(capabilities, 1); /* nobody but root listens there */
  thespian_put_text(capabilities, "Attach Only");
  thespian_put_bool(capabilities, true);
  thespian_end(capabilities);
  assert_int_equal(thespian_open(&options, &system, &reason), THESPIAN_ESTARTUP);
  thespian_builder_free(capabilities);
}

/* ---- over TCP -------------------------------------------------------------------------------- */

static void a_system_in_another_process_is_started_and_shared(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_base("multiprocTCPBase", false, NULL), *other;
  struct thespian_reason reason;
  (void)state;
  assert_int_equal(thespian_register(system, "test.Adder", &adder_class, &counts, &reason),
                   THESPIAN_EREFUSED);
  struct thespian_builder *capabilities = map_of("Admin Port", thespian_port(system));
  struct thespian_options options = {.base = "multiprocTCPBase", .capabilities = capabilities};
  assert_well(thespian_open(&options, &other, &reason), &reason);
  assert_true(thespian_address_equal(thespian_admin(system), thespian_admin(other)));
  struct thespian_address echo = create(system, "lib.Echo");
  struct thespian_message *answer = ask_text(other, echo, "hello");
  assert_true(thespian_value_is(thespian_message_value(answer), "hello"));
  thespian_message_free(answer);
  thespian_builder_free(capabilities);
  thespian_close(other);
  end(system);
}

static void *shut_down(void *argument) {
  return (void *)(intptr_t)thespian_shutdown(argument, NULL);
}

static void a_system_here_is_reached_by_others(void **state) {
  struct counts counts = {0};
  struct thespian_system *system = open_base("multiprocTCPBase", true, &counts), *other, *third;
  struct thespian_reason reason;
  (void)state;
  assert_true(thespian_port(system) != 0);
  struct thespian_builder *capabilities = map_of("Admin Port", thespian_port(system));
  struct thespian_options options = {.base = "multiprocTCPBase", .capabilities = capabilities};
  assert_well(thespian_open(&options, &other, &reason), &reason);
  assert_int_equal(ask_int(other, create(other, "test.Adder"), "add"), 1);
  options.here = true; /* the port is taken */
  options.without_log = true;
  assert_true(thespian_open(&options, &third, &reason) < 0);
  assert_non_null(strstr(reason.words, "in use"));
  thespian_builder_free(capabilities);
  struct thespian_message *message;
  pthread_t thread;
  void *error;
  assert_int_equal(pthread_create(&thread, NULL, shut_down, other), 0);
  assert_int_equal(thespian_listen(system, PATIENCE, &message, &reason), THESPIAN_EGONE);
  thespian_close(system); /* what the other program waits for */
  pthread_join(thread, &error);
  assert_null(error);
  thespian_close(other);
  assert_int_equal(counts.destroyed, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_actor_in_c_lives_on_every_base_of_this_process),
    cmocka_unit_test(a_failure_is_tried_again_and_comes_back_as_poison),
    cmocka_unit_test(a_start_can_fail_and_says_why),
    cmocka_unit_test(actors_in_c_and_in_lua_create_each_other),
    cmocka_unit_test(a_child_that_is_gone_is_told),
    cmocka_unit_test(wakeups_come_with_their_payload),
    cmocka_unit_test(dead_letters_and_exits),
    cmocka_unit_test(an_actor_in_c_loads_unloads_and_hears_of_sources),
    cmocka_unit_test(an_actor_in_c_sets_capabilities),
    cmocka_unit_test(misuse_within_an_actor_is_refused),
    cmocka_unit_test(global_names_belong_to_one),
    cmocka_unit_test(a_message_that_makes_no_sense_comes_back),
    cmocka_unit_test(only_create_is_needed),
    cmocka_unit_test(classes_that_cannot_be_are_refused),
    cmocka_unit_test(timeouts_and_dead_letters_are_told_apart),
    cmocka_unit_test(what_cannot_be_sent_is_refused),
    cmocka_unit_test(values_survive_the_way_through_lua),
    cmocka_unit_test(threads_have_endpoints_of_their_own),
    cmocka_unit_test(the_last_endpoint_stops_the_system),
    cmocka_unit_test(after_the_shutdown_there_is_nothing),
    cmocka_unit_test(sources_are_loaded_from_memory_and_files),
    cmocka_unit_test(status_is_a_map),
    cmocka_unit_test(options_that_make_no_sense_are_refused),
    cmocka_unit_test(lines_go_to_every_handler_that_wants_them),
    cmocka_unit_test(the_default_is_a_simple_system),
    cmocka_unit_test(nobody_is_attached_to_what_is_not_there),
    cmocka_unit_test(a_system_in_another_process_is_started_and_shared),
    cmocka_unit_test(a_system_here_is_reached_by_others),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
