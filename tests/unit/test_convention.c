#include "admin/convention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/capability.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"

#define PERIOD (10 * TH_SECOND)
#define IP 0x0a000001u /* 10.0.0.1, .2, ... */
#define START (1000 * TH_SECOND)

/* ---- systems that are wired to each other in memory ---- */

enum { MOST = 4 };

struct packet {
  struct packet *next;
  struct th_address from;
  struct th_address to;
  size_t size;
  unsigned char bytes[];
};

struct world;

struct node {
  struct world *world;
  struct th_convention *convention; /* NULL: it does not run */
  struct th_address admin;
  struct th_bytes *capabilities;
  uint64_t due;
  bool is_asleep;
  char news[4096]; /* of others: "+2{5} -2 " is: the one at place 2 is there, with 5, and is gone */
  size_t sent;     /* messages */
  size_t said;     /* of these, with capabilities */
  size_t sought;
};

struct world {
  uint64_t now;
  uint64_t next_identity;
  struct node nodes[MOST];
  bool connected[MOST][MOST];
  bool cut[MOST][MOST]; /* what is sent is lost, without a word */
  struct packet *first, **last;
};

static int index_of(const struct th_address *address) {
  return (int)(address->ip - IP);
}

static struct th_address place_of(int index) {
  return (struct th_address){.ip = IP + (uint32_t)index, .port = 1900};
}

static void post(struct world *world, const struct th_address *from, const struct th_address *to,
                 const struct th_buffer *words) {
  struct packet *packet = th_alloc(sizeof *packet + words->size);
  *packet = (struct packet){.from = *from, .to = *to, .size = words->size};
  memcpy(packet->bytes, words->data, words->size);
  *world->last = packet;
  world->last = &packet->next;
}

static void post_met(struct world *world, int index, const struct th_address *admin,
                     const struct th_address *place) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_convention_pack_met(&words, admin, place);
  post(world, &world->nodes[index].admin, &world->nodes[index].admin, &words);
  th_buffer_clear(&words);
}

static void post_parted(struct world *world, int index, const struct th_address *admin) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_convention_pack_parted(&words, admin, NULL, 2, "silent for too long");
  post(world, &world->nodes[index].admin, &world->nodes[index].admin, &words);
  th_buffer_clear(&words);
}

static void send(void *context, const struct th_address *admin, const struct th_buffer *words) {
  struct node *node = context;
  struct th_unpack reader;
  th_unpack_init(&reader, words->data, words->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  node->sent++;
  if (operation <= TH_CONVENTION_REGISTERED && !th_unpack_nil(&reader)) node->said++;
  post(node->world, &node->admin, admin, words);
}

static void meet(void *context, const struct th_address *place) {
  struct node *node = context;
  struct world *world = node->world;
  int from = index_of(&node->admin), to = index_of(place);
  node->sought++;
  if (to < 0 || to >= MOST || world->nodes[to].convention == NULL) return;
  bool was_connected = world->connected[from][to];
  world->connected[from][to] = world->connected[to][from] = true;
  post_met(world, from, &world->nodes[to].admin, place);
  if (!was_connected && from != to) post_met(world, to, &node->admin, NULL);
}

static void update(void *context, const struct th_address *listener, const struct th_address *admin,
                   const struct th_bytes *capabilities, bool added) {
  struct node *node = context;
  size_t used = strlen(node->news);
  if (listener != NULL) used += (size_t)sprintf(node->news + used, "(%d)", (int)listener->number);
  long value = (long)th_capability_int(capabilities->data, capabilities->size, "Value", -1);
  if (added)
    sprintf(node->news + used, "+%d{%ld} ", index_of(admin), value);
  else
    sprintf(node->news + used, "-%d ", index_of(admin));
}

static const struct th_convention_ops ops = {.send = send, .meet = meet, .update = update};

static struct th_bytes *value(int64_t number) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_map(&buffer, 2);
  th_pack_text(&buffer, "Value");
  th_pack_int(&buffer, number);
  th_pack_text(&buffer, "Has Lightbulb");
  th_pack_bool(&buffer, number % 2 == 1);
  struct th_bytes *bytes = th_bytes_copy(buffer.data, buffer.size);
  th_buffer_clear(&buffer);
  return bytes;
}

static struct world *new_world(void) {
  struct world *world = th_new(struct world);
  world->now = START;
  world->next_identity = 100;
  world->last = &world->first;
  return world;
}

static void deliver(struct world *world) {
  struct packet *packet;
  while ((packet = world->first) != NULL) {
    world->first = packet->next;
    if (world->first == NULL) world->last = &world->first;
    int from = index_of(&packet->from), to = index_of(&packet->to);
    struct node *node = &world->nodes[to];
    bool arrives = node->convention != NULL && !node->is_asleep &&
                   node->admin.system == packet->to.system &&
                   (from == to || (world->connected[from][to] && !world->cut[from][to]));
    if (arrives)
      assert_int_equal(th_convention_receive(node->convention, world->now, &packet->from,
                                             packet->bytes, packet->size, &node->due),
                       0);
    free(packet);
  }
}

/* Starts a system whose value is its index, with leaders at the places whose digits are given. */
static void start(struct world *world, int index, const char *leaders) {
  struct node *node = &world->nodes[index];
  struct th_address places[8];
  struct th_convention_config config = {
    .ops = &ops, .context = node, .places = places, .period = PERIOD};
  for (; *leaders != '\0'; leaders++) places[config.place_count++] = place_of(*leaders - '0');
  node->world = world;
  node->admin = place_of(index);
  node->admin.system = world->next_identity++;
  node->admin.number = TH_ADMIN_NUMBER;
  config.own = node->admin;
  node->capabilities = value(index);
  node->convention = th_convention_new(&config);
  node->due = th_convention_turn(node->convention, world->now, node->capabilities);
  deliver(world);
}

/* It is gone without a word; others hear so where is_noticed. */
static void kill(struct world *world, int index, bool is_noticed) {
  struct node *node = &world->nodes[index];
  th_convention_free(node->convention);
  th_bytes_unref(node->capabilities);
  node->convention = NULL;
  for (int i = 0; i < MOST; i++) {
    if (i == index || !world->connected[index][i]) continue;
    world->connected[index][i] = world->connected[i][index] = false;
    if (is_noticed) post_parted(world, i, &node->admin);
  }
  deliver(world);
}

static void end(struct world *world) {
  for (int i = 0; i < MOST; i++)
    if (world->nodes[i].convention != NULL) kill(world, i, false);
  free(world);
}

static void turn(struct world *world, int index) {
  struct node *node = &world->nodes[index];
  node->due = th_convention_turn(node->convention, world->now, node->capabilities);
}

/* Lets time pass, to the moment of each turn that somebody wants. */
static void pass(struct world *world, uint64_t duration) {
  uint64_t until = world->now + duration;
  for (;;) {
    int next = -1;
    for (int i = 0; i < MOST; i++) {
      const struct node *node = &world->nodes[i];
      if (node->convention == NULL || node->is_asleep || node->due > until) continue;
      if (next < 0 || node->due < world->nodes[next].due) next = i;
    }
    if (next < 0) break;
    if (world->nodes[next].due > world->now) world->now = world->nodes[next].due;
    turn(world, next);
    deliver(world);
  }
  world->now = until;
}

static void change(struct world *world, int index, int64_t number) {
  struct node *node = &world->nodes[index];
  th_bytes_unref(node->capabilities);
  node->capabilities = value(number);
  node->due = th_convention_changed(node->convention, world->now, node->capabilities);
  deliver(world);
}

static void assert_news(struct world *world, int index, const char *expected) {
  assert_string_equal(world->nodes[index].news, expected);
  world->nodes[index].news[0] = '\0';
}

/* The place of the leader; -1 for none. */
static int leader(struct world *world, int index) {
  struct th_address found = th_convention_leader(world->nodes[index].convention);
  return th_address_is_none(&found) ? -1 : index_of(&found);
}

static bool has_member(struct world *world, int index, int member) {
  const struct th_address *admin = &world->nodes[member].admin;
  struct th_address found = th_convention_member(world->nodes[index].convention, admin->system);
  return th_address_equal(&found, admin);
}

/* A message to a system, with the words as they are. Gives what receive gives. */
static int say(struct world *world, int index, const struct th_address *sender,
               const struct th_buffer *words) {
  struct node *node = &world->nodes[index];
  int error = th_convention_receive(node->convention, world->now, sender, words->data, words->size,
                                    &node->due);
  deliver(world);
  return error;
}

static int say_plain(struct world *world, int index, const struct th_address *sender,
                     int64_t operation) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 1);
  th_pack_int(&words, operation);
  int error = say(world, index, sender, &words);
  th_buffer_clear(&words);
  return error;
}

static int say_register(struct world *world, int index, const struct th_address *sender,
                        const struct th_bytes *map, int64_t version) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 4);
  th_pack_int(&words, TH_CONVENTION_REGISTER);
  if (map != NULL)
    th_pack_raw(&words, map->data, map->size);
  else
    th_pack_nil(&words);
  th_pack_int(&words, version);
  th_pack_int(&words, 1);
  int error = say(world, index, sender, &words);
  th_buffer_clear(&words);
  return error;
}

/* ---- members and their leader ---- */

static void a_member_registers_and_both_sides_are_told_once(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  assert_false(th_convention_has_others(world->nodes[0].convention));
  start(world, 1, "0");
  assert_news(world, 0, "+1{1} ");
  assert_news(world, 1, "+0{0} ");
  assert_true(has_member(world, 0, 1));
  assert_false(has_member(world, 1, 0));
  assert_true(th_convention_has_others(world->nodes[0].convention));
  assert_true(th_convention_has_others(world->nodes[1].convention));
  assert_int_equal(leader(world, 0), 0);
  assert_int_equal(leader(world, 1), 0);
  pass(world, 100 * PERIOD);
  assert_news(world, 0, "");
  assert_news(world, 1, "");
  end(world);
}

static void a_system_alone_wants_no_turn(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "");
  assert_true(world->nodes[0].due == TH_FOREVER);
  assert_int_equal(leader(world, 0), -1);
  start(world, 1, "0"); /* whoever is registered with leads, also without saying so itself */
  assert_news(world, 0, "+1{1} ");
  assert_int_equal(leader(world, 0), 0);
  end(world);
}

static void check_ins_are_small_and_one_a_period(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  size_t sent = world->nodes[1].sent, answered = world->nodes[0].sent;
  assert_int_equal(world->nodes[1].said, 1);
  assert_int_equal(world->nodes[0].said, 1);
  pass(world, 20 * PERIOD);
  assert_int_equal(world->nodes[1].sent - sent, 20);
  assert_int_equal(world->nodes[0].sent - answered, 20);
  assert_int_equal(world->nodes[1].said, 1);
  assert_int_equal(world->nodes[0].said, 1);
  assert_int_equal(world->nodes[1].sought, 1);
  end(world);
}

static void a_change_reaches_the_other_side_at_once(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  start(world, 2, "0");
  assert_news(world, 0, "+1{1} +2{2} ");
  assert_news(world, 1, "+0{0} ");
  assert_news(world, 2, "+0{0} ");
  change(world, 1, 11);
  assert_news(world, 0, "+1{11} ");
  change(world, 0, 10);
  assert_news(world, 1, "+0{10} ");
  assert_news(world, 2, "+0{10} ");
  change(world, 0, 10); /* the same again is none */
  pass(world, 5 * PERIOD);
  for (int i = 0; i < 3; i++) assert_news(world, i, "");
  end(world);
}

static void what_is_not_known_is_asked_for(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  assert_news(world, 0, "+1{1} ");
  size_t said = world->nodes[1].said;
  assert_int_equal(say_register(world, 0, &world->nodes[1].admin, NULL, 7), 0);
  assert_int_equal(world->nodes[1].said, said + 1);
  assert_news(world, 0, "");
  assert_true(has_member(world, 0, 1));

  /* The member forgets its leader, which still takes it for one that knows. */
  post_parted(world, 1, &world->nodes[0].admin);
  deliver(world);
  assert_news(world, 1, "+0{0} -0 ");
  pass(world, PERIOD);
  assert_news(world, 1, "+0{0} ");
  assert_news(world, 0, "");
  end(world);
}

static void three_missed_check_ins_remove_a_member_once(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  assert_news(world, 0, "+1{1} ");
  kill(world, 1, false);
  pass(world, 3 * PERIOD);
  assert_news(world, 0, "");
  assert_true(has_member(world, 0, 1));
  pass(world, PERIOD);
  assert_news(world, 0, "-1 ");
  assert_false(th_convention_has_others(world->nodes[0].convention));
  pass(world, 10 * PERIOD);
  assert_news(world, 0, "");
  end(world);
}

static void two_missed_check_ins_and_a_late_third_do_not(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  assert_news(world, 0, "+1{1} ");
  world->cut[1][0] = true;
  pass(world, 3 * PERIOD - TH_SECOND);
  world->cut[1][0] = false;
  pass(world, 3 * PERIOD);
  assert_news(world, 0, "");
  end(world);
}

static void a_leader_that_does_not_answer_is_lost_and_found_again(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  assert_news(world, 1, "+0{0} ");
  world->cut[0][1] = true;
  pass(world, 4 * PERIOD);
  assert_news(world, 1, "-0 ");
  assert_int_equal(leader(world, 1), -1);
  assert_false(th_convention_has_others(world->nodes[1].convention));
  world->cut[0][1] = false;
  pass(world, 2 * PERIOD);
  assert_news(world, 1, "+0{0} ");
  assert_news(world, 0, "+1{1} ");
  end(world);
}

static void who_leaves_is_gone_at_once(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  start(world, 2, "0");
  assert_news(world, 0, "+1{1} +2{2} ");
  assert_news(world, 2, "+0{0} ");
  th_convention_leave(world->nodes[1].convention);
  assert_false(th_convention_has_others(world->nodes[1].convention));
  deliver(world);
  assert_news(world, 0, "-1 ");
  kill(world, 1, true);
  assert_news(world, 0, "");
  th_convention_leave(world->nodes[0].convention);
  deliver(world);
  assert_news(world, 2, "-0 ");
  assert_true(th_convention_turn(world->nodes[0].convention, world->now,
                                 world->nodes[0].capabilities) == TH_FOREVER);
  end(world);
}

static void who_parts_is_gone_and_comes_back_as_another(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  kill(world, 1, true);
  assert_news(world, 0, "+1{1} -1 ");
  start(world, 1, "0");
  assert_news(world, 0, "+1{1} ");
  kill(world, 1, false);
  start(world, 1, "0"); /* nobody has noticed that it was gone */
  assert_news(world, 0, "-1 +1{1} ");
  pass(world, 10 * PERIOD);
  assert_news(world, 0, "");
  end(world);
}

static void a_leader_that_comes_back_has_its_members_again(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  start(world, 2, "0");
  world->nodes[1].news[0] = '\0';
  kill(world, 0, true);
  assert_news(world, 1, "-0 ");
  pass(world, 7 * PERIOD);
  assert_news(world, 1, "");
  size_t sought = world->nodes[1].sought;
  assert_in_range(sought, 7, 10); /* about once a period, not more */
  world->nodes[0].news[0] = '\0';
  start(world, 0, "0");
  pass(world, PERIOD);
  assert_news(world, 1, "+0{0} ");
  assert_string_equal(world->nodes[0].news + 7, world->nodes[0].news[1] == '1' ? "2{2} " : "1{1} ");
  end(world);
}

static void a_leader_that_is_replaced_unnoticed_is_told_as_gone(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  assert_news(world, 1, "+0{0} ");
  kill(world, 0, false);
  start(world, 0, "0");
  world->connected[0][1] = world->connected[1][0] = true;
  post_met(world, 1, &world->nodes[0].admin, &(struct th_address){.ip = IP, .port = 1900});
  deliver(world);
  assert_news(world, 1, "-0 +0{0} ");
  assert_true(has_member(world, 0, 1));
  end(world);
}

static void late_listeners_hear_of_all_that_are_there(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  start(world, 2, "0");
  world->nodes[0].news[0] = '\0';
  th_convention_listen(world->nodes[0].convention, &(struct th_address){5, 77, 0, 0, 0});
  assert_news(world, 0, "(77)+1{1} (77)+2{2} ");
  th_convention_listen(world->nodes[1].convention, &(struct th_address){5, 78, 0, 0, 0});
  assert_news(world, 1, "+0{0} (78)+0{0} ");
  end(world);
}

/* ---- several leaders ---- */

static void all_agree_on_the_first_leader_that_is_there(void **unused) {
  struct world *world = new_world();
  (void)unused;
  for (int i = 0; i < MOST; i++) start(world, i, "012");
  pass(world, 2 * PERIOD);
  for (int i = 0; i < MOST; i++) assert_int_equal(leader(world, i), 0);
  /* Each other system is told once, whatever it is to this one. */
  assert_int_equal(strlen(world->nodes[1].news), strlen("+0{0} +2{2} +3{3} "));
  assert_int_equal(strlen(world->nodes[3].news), strlen("+0{0} +1{1} +2{2} "));
  for (int i = 0; i < MOST; i++) world->nodes[i].news[0] = '\0';

  kill(world, 0, true);
  for (int i = 1; i < MOST; i++) assert_int_equal(leader(world, i), 1);
  for (int i = 1; i < MOST; i++) assert_news(world, i, "-0 ");
  assert_true(has_member(world, 1, 3)); /* it has its members already */
  kill(world, 1, true);
  assert_int_equal(leader(world, 2), 2);
  assert_int_equal(leader(world, 3), 2);

  start(world, 0, "012");
  pass(world, 2 * PERIOD);
  assert_int_equal(leader(world, 0), 0);
  assert_int_equal(leader(world, 2), 0);
  assert_int_equal(leader(world, 3), 0);
  end(world);
}

static void changes_between_two_leaders_are_told_once(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "01");
  start(world, 1, "01");
  pass(world, 2 * PERIOD);
  assert_news(world, 0, "+1{1} ");
  assert_news(world, 1, "+0{0} ");
  assert_true(has_member(world, 0, 1) && has_member(world, 1, 0));
  change(world, 0, 10);
  change(world, 1, 11);
  assert_news(world, 0, "+1{11} ");
  assert_news(world, 1, "+0{10} ");
  pass(world, 5 * PERIOD);
  assert_news(world, 0, "");
  assert_news(world, 1, "");
  end(world);
}

static void a_leader_found_to_be_itself_is_not_sought_again(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "3"); /* another name of the same machine: only the meeting shows it */
  assert_int_equal(leader(world, 0), -1);
  struct th_address elsewhere = place_of(3);
  post_met(world, 0, &world->nodes[0].admin, &elsewhere);
  deliver(world);
  assert_int_equal(leader(world, 0), 0);
  assert_true(world->nodes[0].due == TH_FOREVER);
  assert_news(world, 0, "");
  end(world);
}

/* ---- time ---- */

static void a_system_that_slept_accuses_nobody(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  start(world, 2, "0");
  assert_news(world, 0, "+1{1} +2{2} ");
  assert_news(world, 1, "+0{0} ");
  for (int i = 0; i < 3; i++) world->nodes[i].is_asleep = true;
  pass(world, 50 * PERIOD);
  for (int i = 0; i < 3; i++) world->nodes[i].is_asleep = false;
  pass(world, 5 * PERIOD);
  assert_news(world, 0, "");
  assert_news(world, 1, "");

  world->nodes[0].is_asleep = true; /* its members give it up, not it them */
  world->cut[1][0] = world->cut[2][0] = true;
  pass(world, 50 * PERIOD);
  assert_news(world, 1, "-0 ");
  world->nodes[0].is_asleep = false;
  world->cut[1][0] = world->cut[2][0] = false;
  pass(world, 5 * PERIOD);
  assert_news(world, 0, "");
  assert_news(world, 1, "+0{0} ");

  kill(world, 2, false); /* who is gone is missed nevertheless */
  pass(world, 5 * PERIOD);
  assert_news(world, 0, "-2 ");
  end(world);
}

/* ---- pre-registered ---- */

static void pre_register(struct world *world, int index, int remote) {
  struct node *node = &world->nodes[index];
  struct th_address place = place_of(remote);
  struct th_bytes *map = value(50);
  node->due = th_convention_pre_register(node->convention, world->now, &place, map);
  th_bytes_unref(map);
  deliver(world);
}

static void de_register(struct world *world, int index, int remote) {
  struct node *node = &world->nodes[index];
  struct th_address place = place_of(remote);
  node->due = th_convention_de_register(node->convention, world->now, &place);
  deliver(world);
}

static void one_that_is_invited_registers(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "");
  pre_register(world, 0, 1); /* it does not run yet */
  pass(world, 3 * PERIOD);
  assert_news(world, 0, "");
  assert_false(th_convention_has_others(world->nodes[0].convention));
  start(world, 1, "");
  pass(world, PERIOD);
  assert_news(world, 0, "+1{1} ");
  assert_news(world, 1, "+0{0} ");
  assert_int_equal(leader(world, 1), 0);
  assert_int_equal(leader(world, 0), 0);
  pass(world, 5 * PERIOD);
  kill(world, 1, true);
  assert_news(world, 0, "-1 ");
  start(world, 1, ""); /* it is sought until it is de-registered */
  pass(world, 2 * PERIOD);
  assert_news(world, 0, "+1{1} ");
  world->nodes[1].news[0] = '\0';
  de_register(world, 0, 1);
  assert_news(world, 0, "-1 ");
  assert_news(world, 1, "-0 ");
  pass(world, 5 * PERIOD);
  assert_news(world, 0, "");
  assert_int_equal(leader(world, 1), -1);
  end(world);
}

static void invitations_are_limited(void **unused) {
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "");
  for (uint32_t i = 0; i < 40; i++) {
    struct th_address stranger = {.system = 5000 + i, .number = TH_ADMIN_NUMBER, .port = 7};
    stranger.ip = IP + 1; /* where nobody takes what is said */
    stranger.port = (uint16_t)(2000 + i);
    assert_int_equal(say_plain(world, 0, &stranger, TH_CONVENTION_INVITE), 0);
  }
  assert_int_equal(world->nodes[0].sent, 16);
  end(world);
}

/* ---- candidates ---- */

/* The places of the candidates for [name, value], as digits; value NULL: anything but false. */
static void assert_candidates(struct world *world, const char *name, const int64_t *number,
                              int excluded, const char *expected) {
  struct th_buffer wanted, answer;
  struct th_unpack reader;
  char digits[MOST + 1] = "";
  th_buffer_init(&wanted);
  th_buffer_init(&answer);
  th_pack_array(&wanted, name != NULL ? 2 : 0);
  if (name != NULL) th_pack_text(&wanted, name);
  if (name != NULL && number != NULL) th_pack_real(&wanted, (double)*number);
  if (name != NULL && number == NULL) th_pack_nil(&wanted);
  uint64_t system = excluded >= 0 ? world->nodes[excluded].admin.system : 0;
  th_convention_candidates(world->nodes[0].convention, wanted.data, wanted.size, system, &answer);
  th_unpack_init(&reader, answer.data, answer.size);
  for (uint32_t left = th_unpack_array(&reader), i = 0; left > 0; left--, i++) {
    struct th_address address = th_unpack_address(&reader);
    digits[i] = (char)('0' + index_of(&address));
    digits[i + 1] = '\0';
  }
  assert_int_equal(reader.error, 0);
  assert_string_equal(digits, expected);
  th_buffer_clear(&wanted);
  th_buffer_clear(&answer);
}

static void candidates_fit_and_take_turns(void **unused) {
  struct world *world = new_world();
  const int64_t two = 2;
  (void)unused;
  for (int i = 0; i < MOST; i++) start(world, i, "0");
  assert_candidates(world, NULL, NULL, -1, "1230");
  assert_candidates(world, NULL, NULL, -1, "2301");
  assert_candidates(world, NULL, NULL, 0, "312");
  assert_candidates(world, "Has Lightbulb", NULL, -1, "31");
  assert_candidates(world, "Has Lightbulb", NULL, -1, "13");
  assert_candidates(world, "Has Lightbulb", NULL, 1, "3");
  assert_candidates(world, "Value", &two, -1, "2");
  assert_candidates(world, "Value", &two, 2, "");
  assert_candidates(world, "Nothing", NULL, -1, "");
  end(world);
}

static void malformed_wishes_fit_nobody(void **unused) {
  static const struct {
    const char *bytes;
    size_t size;
  } wrong[] = {{"\x91\xa1x", 3}, {"\x92\x01\xc0", 3}, {"\xa1x", 2}, {"", 0}, {"\x92\xa1x", 3}};
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct th_buffer answer;
    th_buffer_init(&answer);
    th_convention_candidates(world->nodes[0].convention, wrong[i].bytes, wrong[i].size, 0, &answer);
    assert_int_equal(answer.size, 1);
    assert_int_equal(answer.data[0], 0x90);
    th_buffer_clear(&answer);
  }
  end(world);
}

/* ---- what strangers may send ---- */

static void malformed_messages_change_nothing(void **unused) {
  static const struct {
    const char *bytes;
    size_t size;
  } wrong[] = {
    {"", 0},
    {"\x90", 1},
    {"\xc0", 1},
    {"\x91\xa1x", 3},
    {"\x91\x00", 2},
    {"\x91\x01", 2},                                /* a REGISTER without anything */
    {"\x94\x01\x80\x01", 4},                        /* cut off */
    {"\x94\x01\x80\x00\x01", 5},                    /* no version */
    {"\x94\x01\x80\x01\xff", 5},                    /* a negative number */
    {"\x94\x01\x01\x01\x01", 5},                    /* capabilities that are no map */
    {"\x94\x01\x82\xa1x\x90\xa1x\x90\x01\x01", 10}, /* a key twice */
    {"\x94\x01\x80\x01\x01\x01", 6},                /* something behind it */
    {"\x92\x03\x01", 3},
    {"\x92\x05\x01", 3},
    {"\x91\x06", 2}, /* not for a convention itself */
    {"\x91\x22", 2}, /* a TICK from elsewhere */
    {"\x93\x20\xc0\xc0", 4},
  };
  struct world *world = new_world();
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "0");
  world->nodes[0].news[0] = '\0';
  size_t sent = world->nodes[0].sent;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct th_buffer words = {.data = (unsigned char *)(uintptr_t)wrong[i].bytes,
                              .size = wrong[i].size};
    assert_int_equal(say(world, 0, &world->nodes[1].admin, &words), TH_EMALFORMED);
  }
  struct th_address actor = world->nodes[1].admin;
  actor.number = 5; /* an actor is not its system */
  assert_int_equal(say_plain(world, 0, &actor, TH_CONVENTION_LEAVE), TH_EMALFORMED);
  assert_int_equal(say_plain(world, 0, &TH_NOBODY, TH_CONVENTION_LEAVE), TH_EMALFORMED);
  assert_int_equal(say_plain(world, 0, &world->nodes[0].admin, TH_CONVENTION_LEAVE), TH_EMALFORMED);
  assert_int_equal(say_plain(world, 0, &world->nodes[0].admin, TH_CONVENTION_MET), TH_EMALFORMED);
  assert_int_equal(say_plain(world, 0, &world->nodes[0].admin, TH_CONVENTION_TICK), 0);
  assert_int_equal(world->nodes[0].sent, sent);
  assert_news(world, 0, "");
  assert_true(has_member(world, 0, 1));
  end(world);
}

static void a_leader_takes_only_so_many(void **unused) {
  struct world *world = new_world();
  struct th_bytes *map = value(1);
  (void)unused;
  start(world, 0, "0");
  world->nodes[0].news[0] = '\0';
  for (uint64_t i = 0; i < 10010; i++) {
    struct th_address stranger = {.system = 5000 + i, .number = TH_ADMIN_NUMBER, .ip = IP + 1};
    world->nodes[0].news[0] = '\0';
    assert_int_equal(say_register(world, 0, &stranger, map, 1), 0);
    struct th_address member = th_convention_member(world->nodes[0].convention, 5000 + i);
    assert_int_equal(member.system, i < 10000 ? 5000 + i : 0);
  }
  assert_news(world, 0, "");
  th_bytes_unref(map);
  end(world);
}

static void the_status_names_leaders_and_members(void **unused) {
  struct world *world = new_world();
  struct th_buffer status;
  struct th_unpack reader;
  size_t size;
  (void)unused;
  start(world, 0, "0");
  start(world, 1, "02");
  pre_register(world, 0, 3);
  for (int i = 0; i < 2; i++) {
    th_buffer_init(&status);
    th_convention_pack(world->nodes[i].convention, world->now + TH_SECOND, &status);
    th_unpack_init(&reader, status.data, status.size);
    assert_non_null(th_unpack_skip(&reader, &size));
    assert_ptr_equal(reader.at, reader.end);
    const char *expected = i == 0 ? "10.0.0.4:1900" : "10.0.0.3:1900"; /* awaited, and sought */
    assert_non_null(memmem(status.data, status.size, expected, strlen(expected)));
    assert_non_null(memmem(status.data, status.size, i == 0 ? "own" : "registered", 3));
    th_buffer_clear(&status);
  }
  end(world);
}

/* ---- places ---- */

static int read_places(const void *packed, size_t size, struct th_address *places, size_t *count,
                       struct th_reason *reason) {
  struct th_buffer map;
  th_buffer_init(&map);
  th_pack_map(&map, 1);
  th_pack_text(&map, "Convention Address.IPv4");
  th_pack_raw(&map, packed, size);
  int error = th_convention_places(map.data, map.size, 1900, places, 3, count, reason);
  th_buffer_clear(&map);
  return error;
}

static void places_are_read_in_every_form(void **unused) {
  static const struct {
    const char *bytes;
    const char *expected;
  } forms[] = {
    {"\xaf"
     "127.0.0.2:19001",
     "127.0.0.2:19001 "},
    {"\xa8"
     "10.0.0.7",
     "10.0.0.7:1900 "},
    {"\xa9"
     "localhost",
     "127.0.0.1:1900 "},
    {"\xa5"
     ":1900",
     "127.0.0.1:1900 "},
    {"\x92\xa8"
     "10.0.0.7\x07",
     "10.0.0.7:7 "},
    {"\x92\xa8"
     "10.0.0.7\xa2"
     "80",
     "10.0.0.7:80 "},
    {"\x92\xa8"
     "10.0.0.7\xa8"
     "10.0.0.8",
     "10.0.0.7:1900 10.0.0.8:1900 "},
    {"\x92\x92\xa8"
     "10.0.0.7\x07\xaa"
     "10.0.0.8:9",
     "10.0.0.7:7 10.0.0.8:9 "},
    {"\x92\xa8"
     "10.0.0.7\xa8"
     "10.0.0.7",
     "10.0.0.7:1900 "},
    {"\x90", ""},
    {"\xc0", ""},
  };
  (void)unused;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    struct th_address places[3];
    struct th_reason reason = {""};
    char text[200] = "";
    size_t count;
    assert_int_equal(read_places(forms[i].bytes, strlen(forms[i].bytes), places, &count, &reason),
                     0);
    for (size_t n = 0; n < count; n++)
      sprintf(text + strlen(text), "%u.%u.%u.%u:%u ", places[n].ip >> 24, places[n].ip >> 16 & 255,
              places[n].ip >> 8 & 255, places[n].ip & 255, places[n].port);
    assert_string_equal(text, forms[i].expected);
    assert_string_equal(reason.words, "");
  }
}

static void wrong_places_are_refused_with_words(void **unused) {
  static const struct {
    const char *bytes;
    const char *words;
  } wrong[] = {
    {"\x07", "is \"host:port\", {host, port} or a list"},
    {"\x80", "is \"host:port\", {host, port} or a list"},
    {"\xa6"
     "here:x",
     "\"here:x\" has no port after its colon"},
    {"\xa5"
     "here:",
     "\"here:\" has no port after its colon"},
    {"\xaa"
     "here:70000",
     "70000 is no port"},
    {"\x92\xa4"
     "here\xff",
     "0 is no port"},
    {"\x91\x91\x91\xa1x", "is \"host:port\", {host, port} or a list"},
    {"\x94\xa7"
     "1.1.1.1\xa7"
     "1.1.1.2\xa7"
     "1.1.1.3\xa7"
     "1.1.1.4",
     "more than 3 places"},
    {"\xac"
     "no..such:190",
     "host \"no..such\" is not known here"},
  };
  (void)unused;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct th_address places[3];
    struct th_reason reason = {""};
    size_t count;
    assert_int_equal(read_places(wrong[i].bytes, strlen(wrong[i].bytes), places, &count, &reason),
                     TH_ESTARTUP);
    assert_int_equal(count, 0);
    assert_non_null(strstr(reason.words, wrong[i].words));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_member_registers_and_both_sides_are_told_once),
    cmocka_unit_test(a_system_alone_wants_no_turn),
    cmocka_unit_test(check_ins_are_small_and_one_a_period),
    cmocka_unit_test(a_change_reaches_the_other_side_at_once),
    cmocka_unit_test(what_is_not_known_is_asked_for),
    cmocka_unit_test(three_missed_check_ins_remove_a_member_once),
    cmocka_unit_test(two_missed_check_ins_and_a_late_third_do_not),
    cmocka_unit_test(a_leader_that_does_not_answer_is_lost_and_found_again),
    cmocka_unit_test(who_leaves_is_gone_at_once),
    cmocka_unit_test(who_parts_is_gone_and_comes_back_as_another),
    cmocka_unit_test(a_leader_that_comes_back_has_its_members_again),
    cmocka_unit_test(a_leader_that_is_replaced_unnoticed_is_told_as_gone),
    cmocka_unit_test(late_listeners_hear_of_all_that_are_there),
    cmocka_unit_test(all_agree_on_the_first_leader_that_is_there),
    cmocka_unit_test(changes_between_two_leaders_are_told_once),
    cmocka_unit_test(a_leader_found_to_be_itself_is_not_sought_again),
    cmocka_unit_test(a_system_that_slept_accuses_nobody),
    cmocka_unit_test(one_that_is_invited_registers),
    cmocka_unit_test(invitations_are_limited),
    cmocka_unit_test(candidates_fit_and_take_turns),
    cmocka_unit_test(malformed_wishes_fit_nobody),
    cmocka_unit_test(malformed_messages_change_nothing),
    cmocka_unit_test(a_leader_takes_only_so_many),
    cmocka_unit_test(the_status_names_leaders_and_members),
    cmocka_unit_test(places_are_read_in_every_form),
    cmocka_unit_test(wrong_places_are_refused_with_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
