/* The admin's part in a convention: it lends th_convention a clock, a voice and ears, and passes on
 * what members ask of their leader.
 *
 * One TICK is on its way at most that counts: the earliest. Those that were overtaken come all the
 * same, and are told by being early. */
#include "admin/admin_inside.h"
#include "base/clock.h"
#include "message/notice.h"
#include "message/protocol.h"

/* ---- what the convention wants done ---- */

static void send(void *context, const struct th_address *to, const struct th_buffer *words) {
  struct th_actor *actor = ((struct th_admin *)context)->actor;
  struct th_message *message = th_message_pack(TH_KIND_CONVENTION, to, &actor->address, words);
  if (message != NULL) actor->world->ops->send(actor->world, message);
}

static void meet(void *context, const struct th_address *place) {
  const struct th_admin_config *config = &((struct th_admin *)context)->config;
  config->ops->meet(config->context, place);
}

static void update(void *context, const struct th_address *listener, const struct th_address *admin,
                   const struct th_bytes *capabilities, bool added) {
  struct th_admin *self = context;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_notice_convention_update(&buffer, admin, capabilities->data, capabilities->size, added);
  if (listener != NULL)
    th_actor_send(self->actor, TH_KIND_SYSTEM, 0, listener, &buffer);
  else
    th_admin_tell(self, self->actor, &self->registration_listeners, TH_KIND_SYSTEM, &buffer);
  th_buffer_clear(&buffer);
}

static const struct th_convention_ops convention_ops = {
  .send = send,
  .meet = meet,
  .update = update,
};

/* ---- time ---- */

static void send_tick(struct th_actor *actor, uint64_t due) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 1);
  th_pack_int(&buffer, TH_CONVENTION_TICK);
  struct th_message *tick = th_message_pack(TH_KIND_CONVENTION, &actor->address, &actor->address,
                                            &buffer);
  th_buffer_clear(&buffer);
  if (tick != NULL) actor->world->ops->send_later(actor->world, due, tick);
}

/* After each call: the next turn, and what others may read. */
static void note(struct th_admin *admin, struct th_actor *actor, uint64_t next) {
  atomic_store_explicit(&actor->world->has_others, th_convention_has_others(admin->convention),
                        memory_order_relaxed);
  th_admin_report_turn(admin, actor, false);
  if (next >= admin->tick) return;
  admin->tick = next;
  send_tick(actor, next);
}

static void turn(struct th_admin *admin, struct th_actor *actor) {
  struct th_bytes *map = th_capabilities_get(admin->config.capabilities);
  uint64_t next = th_convention_turn(admin->convention, th_clock_now(), map);
  th_bytes_unref(map);
  note(admin, actor, next);
}

static void take_tick(struct th_admin *admin, struct th_actor *actor) {
  if (th_clock_now() < admin->tick) return;
  admin->tick = TH_FOREVER;
  turn(admin, actor);
  th_admin_report_turn(admin, actor, true);
}

void th_admin_convention_open(struct th_admin *admin, struct th_actor *actor) {
  struct th_convention_config config = {.ops = &convention_ops,
                                        .context = admin,
                                        .log = actor->world->log,
                                        .own = actor->address,
                                        .places = admin->config.leaders,
                                        .place_count = admin->config.leader_count,
                                        .period = admin->config.check_in_period};
  admin->actor = actor;
  admin->tick = TH_FOREVER;
  admin->convention = th_convention_new(&config);
  th_admin_report_open(admin, actor);
  turn(admin, actor);
}

void th_admin_convention_changed(struct th_admin *admin, struct th_actor *actor) {
  turn(admin, actor);
}

void th_admin_convention_leave(struct th_admin *admin, struct th_actor *actor) {
  th_convention_leave(admin->convention);
  note(admin, actor, TH_FOREVER);
}

/* ---- what members ask of their leader ---- */

static void refuse_place(struct th_actor *actor, const struct th_address *to) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 3);
  th_pack_int(&words, TH_REMOTE_FAILED);
  th_pack_int(&words, TH_ENOCOMPATIBLE);
  th_pack_text(&words, "no system of the convention has the capabilities that the actor needs");
  th_actor_send(actor, TH_KIND_REMOTE, 0, to, &words);
  th_buffer_clear(&words);
}

/* Where an actor that needs the wanted capabilities could live, for who stands for it. */
static void answer_place(struct th_admin *admin, struct th_actor *actor,
                         const struct th_address *to, const void *wanted, size_t size) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 2);
  th_pack_int(&words, TH_REMOTE_CANDIDATES);
  size_t before = words.size;
  th_convention_candidates(admin->convention, wanted, size, to->system, &words);
  if (words.size > before + 1)
    th_actor_send(actor, TH_KIND_REMOTE, 0, to, &words);
  else
    refuse_place(actor, to);
  th_buffer_clear(&words);
}

/* Only who lives here is sent on to the leader: two systems that take each other for it would else
 * do so for ever. The forward asks for itself, so that it hears when the leader is lost. */
static int place(struct th_admin *admin, struct th_actor *actor, const struct th_message *message,
                 struct th_unpack *reader) {
  size_t size;
  const unsigned char *wanted = th_unpack_skip(reader, &size);
  if (reader->error != 0) return TH_EMALFORMED;
  struct th_address leader = th_convention_leader(admin->convention);
  bool is_elsewhere = !th_address_is_none(&leader) && leader.system != actor->address.system;
  if (!is_elsewhere || message->sender.system != actor->address.system) {
    answer_place(admin, actor, &message->sender, wanted, size);
    return 0;
  }
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 2);
  th_pack_int(&words, TH_REMOTE_ASK);
  th_pack_address(&words, &leader);
  th_actor_send(actor, TH_KIND_REMOTE, 0, &message->sender, &words);
  th_buffer_clear(&words);
  return 0;
}

static void say_to(struct th_admin *admin, const struct th_address *to,
                   enum th_convention_operation operation, uint64_t identity,
                   const struct th_address *address) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_pack_array(&words, 2);
  th_pack_int(&words, operation);
  if (address != NULL)
    th_pack_address(&words, address);
  else
    th_pack_int(&words, (int64_t)identity);
  send(admin, to, &words);
  th_buffer_clear(&words);
}

/* A system wants another one, which it may not be able to connect to, to connect to it. Its own
 * admin passes that on to the leader; a leader has those called that nobody can connect to. */
static int call(struct th_admin *admin, const struct th_message *message,
                struct th_unpack *reader) {
  uint64_t identity = (uint64_t)th_unpack_int(reader);
  if (reader->error != 0) return TH_EMALFORMED;
  struct th_address own = admin->actor->address;
  struct th_address leader = th_convention_leader(admin->convention);
  struct th_address member = th_convention_member(admin->convention, identity);
  if (!th_address_is_none(&member) && !th_address_reaches(&message->sender, &member))
    say_to(admin, &member, TH_CONVENTION_CALL_BACK, 0, &message->sender);
  else if (th_address_is_none(&member) && message->sender.system == own.system &&
           !th_address_is_none(&leader) && leader.system != own.system && leader.system != identity)
    say_to(admin, &leader, TH_CONVENTION_CALL, identity, NULL);
  return 0;
}

static int call_back(struct th_admin *admin, struct th_unpack *reader) {
  struct th_address asker = th_unpack_address(reader);
  if (reader->error != 0 || th_address_is_none(&asker)) return TH_EMALFORMED;
  meet(admin, &asker);
  return 0;
}

/* ---- messages ---- */

/* What members and leaders alone may ask. */
static int serve(struct th_admin *admin, struct th_actor *actor, const struct th_message *message,
                 int64_t operation, struct th_unpack *reader) {
  const struct th_address *sender = &message->sender;
  bool is_known = th_convention_knows(admin->convention, sender->system);
  /* A member that was removed here may not know it yet: what waits there for an answer would for
   * ever. */
  if (!is_known && operation == TH_CONVENTION_PLACE) refuse_place(actor, sender);
  if (!is_known) return TH_EREFUSED;
  if (operation == TH_CONVENTION_PLACE) return place(admin, actor, message, reader);
  if (sender->number != TH_ADMIN_NUMBER) return TH_EREFUSED;
  if (operation == TH_CONVENTION_CALL) return call(admin, message, reader);
  if (operation == TH_CONVENTION_CALL_BACK) return call_back(admin, reader);
  return th_admin_report_receive(admin, actor, message, reader);
}

static void log_refused(struct th_actor *actor, const struct th_message *message, int error) {
  char text[TH_ADDRESS_TEXT_SIZE];
  th_log_write(actor->world->log, TH_LOG_WARNING, "convention: %s says what is not taken: %s",
               th_address_text(&message->sender, text), th_error_words(error));
}

/* PARTED admin...: what was fetched from there has to come from elsewhere. */
static void note_lost(struct th_admin *admin, const struct th_message *message,
                      struct th_unpack reader) {
  struct th_address lost = th_unpack_address(&reader);
  bool is_own = th_address_equal(&message->sender, &admin->actor->address);
  if (is_own && reader.error == 0 && !th_address_is_none(&lost))
    th_admin_fetch_lost(admin, lost.system);
}

void th_admin_convention_receive(struct th_admin *admin, struct th_actor *actor,
                                 const struct th_message *message) {
  struct th_unpack reader;
  uint64_t next = TH_FOREVER;
  int error;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  if (operation == TH_CONVENTION_TICK && th_address_equal(&message->sender, &actor->address)) {
    take_tick(admin, actor);
    return;
  }
  if (operation == TH_CONVENTION_PARTED) note_lost(admin, message, reader);
  if (operation >= TH_CONVENTION_PLACE && operation <= TH_CONVENTION_LOG) {
    error = serve(admin, actor, message, operation, &reader);
  } else {
    error = th_convention_receive(admin->convention, th_clock_now(), &message->sender,
                                  message->payload, message->size, &next);
    note(admin, actor, next);
  }
  if (error != 0) log_refused(actor, message, error);
}

/* ---- status ---- */

void th_admin_pack_convention(const struct th_admin *admin, struct th_buffer *buffer) {
  th_convention_pack(admin->convention, th_clock_now(), buffer);
}

/* ---- requests ---- */

int th_admin_listen_for_systems(struct th_admin_request *request) {
  struct th_members *listeners = &request->admin->registration_listeners;
  size_t before = listeners->count;
  int error = th_admin_set_membership(request, listeners);
  if (error == 0 && listeners->count > before)
    th_convention_listen(request->admin->convention, &request->message->sender);
  return error;
}

/* The place that a request begins with. */
static int read_place(struct th_admin_request *request, struct th_address *place) {
  *place = th_convention_read_place(&request->arguments);
  if (request->arguments.error == 0 && (place->port != 0 || place->system != 0)) return 0;
  return th_fail(&request->reason, TH_EADDRESS,
                 "this is no address of an actor system: use \"host:port\", {host, port} or the "
                 "address of its admin");
}

/* The capabilities that a request goes on with, checked; nil is none. */
static int read_capabilities(struct th_admin_request *request, struct th_bytes **map) {
  size_t size;
  *map = NULL;
  if (th_unpack_nil(&request->arguments)) return 0;
  const unsigned char *packed = th_unpack_skip(&request->arguments, &size);
  if (packed == NULL) return TH_EMALFORMED;
  struct th_capabilities *checked = th_capabilities_new(packed, size, &request->reason);
  if (checked == NULL) return TH_ECAPABILITY;
  *map = th_capabilities_get(checked);
  th_capabilities_free(checked);
  return 0;
}

int th_admin_pre_register(struct th_admin_request *request) {
  struct th_admin *admin = request->admin;
  struct th_address place;
  struct th_bytes *map;
  int error = read_place(request, &place);
  if (error == 0) error = read_capabilities(request, &map);
  if (error != 0) return error;
  uint64_t next = th_convention_pre_register(admin->convention, th_clock_now(), &place, map);
  th_bytes_unref(map);
  note(admin, request->actor, next);
  th_pack_nil(&request->answer);
  return 0;
}

int th_admin_de_register(struct th_admin_request *request) {
  struct th_admin *admin = request->admin;
  struct th_address place;
  int error = read_place(request, &place);
  if (error != 0) return error;
  note(admin, request->actor, th_convention_de_register(admin->convention, th_clock_now(), &place));
  th_pack_nil(&request->answer);
  return 0;
}
