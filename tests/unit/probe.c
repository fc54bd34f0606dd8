#include "probe.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actor/actor.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"

#define PATIENCE (60 * TH_SECOND)

struct th_probe_counts th_probe_counts;

struct probe {
  char class_name[32];
  int64_t count;
};

static void create_children(struct th_actor *actor, int count) {
  struct th_creation creation = {.class_name = "echo", .class_name_size = 4};
  struct th_address address;
  struct th_reason reason;
  for (int i = 0; i < count; i++)
    assert_int_equal(actor->world->ops->create(actor->world, actor, &creation, &address, &reason),
                     0);
}

static int open_probe(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  if (strcmp(birth->class_name, "fail") == 0) return th_fail(reason, TH_ESPECIFICATION, "no way");
  struct probe *probe = th_new(struct probe);
  snprintf(probe->class_name, sizeof probe->class_name, "%s", birth->class_name);
  actor->state = probe;
  const char *number = strchr(birth->class_name, ':');
  create_children(actor, number != NULL ? atoi(number + 1) : 0);
  atomic_fetch_add(&th_probe_counts.opened, 1);
  return 0;
}

static void reply(struct th_actor *actor, const struct th_message *message) {
  struct th_message *copy = th_message_new(TH_KIND_USER, &message->sender, &actor->address,
                                           message->payload, message->size);
  actor->world->ops->send(actor->world, copy);
}

static void reply_int(struct th_actor *actor, const struct th_message *message, int64_t value) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, value);
  th_actor_send(actor, TH_KIND_USER, 0, &message->sender, &buffer);
  th_buffer_clear(&buffer);
}

/* -1 asks a counter for its count. */
static bool is_question(const struct th_message *message) {
  return message->size == 1 && message->payload[0] == 0xff;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct probe *probe = actor->state;
  if ((*message)->kind == TH_KIND_CHILD_EXITED) atomic_fetch_add(&th_probe_counts.children_lost, 1);
  if ((*message)->kind != TH_KIND_USER) return 0;
  if (strcmp(probe->class_name, "poison") == 0) {
    th_buffer_printf(details, "poisoned at line 7");
    return TH_EREFUSED;
  }
  bool is_stuck = strcmp(probe->class_name, "stuck") == 0;
  while (is_stuck && !atomic_load(&th_probe_counts.is_free)) sched_yield();
  bool is_counter = is_stuck || strcmp(probe->class_name, "count") == 0;
  if (is_counter && is_question(*message))
    reply_int(actor, *message, probe->count);
  else if (is_counter)
    probe->count++;
  else
    reply(actor, *message);
  return 0;
}

static bool exit_recursive(struct th_actor *actor) {
  struct probe *probe = actor->state;
  return strncmp(probe->class_name, "orphaner", 8) != 0;
}

static void close_probe(struct th_actor *actor) {
  free(actor->state);
  atomic_fetch_add(&th_probe_counts.closed, 1);
}

static const struct th_behaviour behaviour = {
  .open = open_probe, .receive = receive, .exit_recursive = exit_recursive, .close = close_probe};

static void *open_shared(void) {
  return NULL;
}

static void close_shared(void *shared) {
  (void)shared;
}

const struct th_script th_probe_script = {
  .behaviour = &behaviour, .open = open_shared, .close = close_shared};

static struct th_system *start(const char *base, int64_t mailbox_limit, bool is_cranked) {
  struct th_system *system;
  struct th_reason reason;
  struct th_buffer map;
  th_buffer_init(&map);
  th_pack_map(&map, 2);
  th_pack_text(&map, "Admin Port");
  th_pack_int(&map, 0);
  th_pack_text(&map, "Mailbox Limit");
  th_pack_int(&map, mailbox_limit);
  struct th_system_config config = {.base = base,
                                    .capabilities = map.data,
                                    .capabilities_size = map.size,
                                    .script = &th_probe_script,
                                    .workers = 2,
                                    .is_cranked = is_cranked};
  th_probe_counts = (struct th_probe_counts){0};
  assert_int_equal(th_system_start(&system, &config, &reason), 0);
  th_buffer_clear(&map);
  return system;
}

struct th_system *th_probe_start(const char *base) {
  return start(base, 100000, false);
}

struct th_system *th_probe_start_limited(const char *base, int64_t mailbox_limit) {
  return start(base, mailbox_limit, false);
}

struct th_system *th_probe_start_cranked(const char *base) {
  return start(base, 100000, true);
}

static struct th_message *ask_admin(struct th_client *client, struct th_buffer *request) {
  struct th_message *reply_message;
  struct th_reason reason;
  assert_int_equal(
    th_client_request(client, request, th_clock_after(PATIENCE), &reply_message, &reason), 0);
  th_buffer_clear(request);
  return reply_message;
}

int th_probe_create(struct th_client *client, const char *class_name, const char *global_name,
                    struct th_address *address, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply_message;
  struct th_unpack reader;
  th_buffer_init(&request);
  th_pack_array(&request, 5);
  th_pack_int(&request, TH_OP_CREATE);
  th_pack_text(&request, class_name);
  th_pack_nil(&request);
  th_pack_text(&request, global_name);
  th_pack_nil(&request);
  int error = th_client_request(client, &request, th_clock_after(PATIENCE), &reply_message, reason);
  th_buffer_clear(&request);
  if (error != 0) return error;
  th_unpack_init(&reader, reply_message->payload, reply_message->size);
  assert_int_equal(th_unpack_array(&reader), 2);
  assert_int_equal(th_unpack_int(&reader), 0);
  *address = th_unpack_address(&reader);
  assert_int_equal(reader.error, 0);
  th_message_free(reply_message);
  return 0;
}

void th_probe_tell(struct th_client *client, const struct th_address *target, int64_t value) {
  struct th_buffer buffer;
  struct th_reason reason;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, value);
  assert_int_equal(th_client_tell(client, target, TH_KIND_USER, buffer.data, buffer.size, &reason),
                   0);
  th_buffer_clear(&buffer);
}

int64_t th_probe_take_int(struct th_message *message) {
  struct th_unpack reader;
  th_unpack_init(&reader, message->payload, message->size);
  int64_t value = th_unpack_int(&reader);
  assert_int_equal(reader.error, 0);
  th_message_free(message);
  return value;
}

/* Steps to the value of a key in the map that comes next. */
static void find_key(struct th_unpack *reader, const char *name) {
  size_t size;
  for (uint32_t left = th_unpack_map(reader); left > 0; left--) {
    const char *key = th_unpack_str(reader, &size);
    if (key != NULL && th_unpack_is(key, size, name)) return;
    th_unpack_skip(reader, &size);
  }
  fail_msg("no %s in the status", name);
}

int64_t th_probe_counter(struct th_client *client, const char *name) {
  struct th_buffer request;
  struct th_unpack reader;
  th_buffer_init(&request);
  th_pack_array(&request, 2);
  th_pack_int(&request, TH_OP_STATUS);
  th_pack_nil(&request);
  struct th_message *reply_message = ask_admin(client, &request);
  th_unpack_init(&reader, reply_message->payload, reply_message->size);
  th_unpack_array(&reader);
  th_unpack_int(&reader);
  find_key(&reader, "counters");
  find_key(&reader, name);
  int64_t value = th_unpack_int(&reader);
  assert_int_equal(reader.error, 0);
  th_message_free(reply_message);
  return value;
}
