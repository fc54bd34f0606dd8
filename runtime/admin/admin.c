#include "admin/admin.h"

#include <stdlib.h>
#include <string.h>

#include "admin/admin_inside.h"
#include "base/memory.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"

struct th_admin *th_admin_new(const struct th_admin_config *config) {
  struct th_admin *admin = th_new(struct th_admin);
  admin->config = *config;
  return admin;
}

void th_admin_free(struct th_admin *admin) {
  th_admin_report_close(admin);
  th_admin_source_close(admin);
  free(admin->dead_letter_handlers.all);
  free(admin->source_listeners.all);
  free(admin->registration_listeners.all);
  th_convention_free(admin->convention);
  free(admin->shutdown_waiters.all);
  free(admin);
}

/* ---- members ---- */

static void forget_member(struct th_members *members, size_t index) {
  memmove(&members->all[index], &members->all[index + 1],
          (members->count - index - 1) * sizeof *members->all);
  members->count--;
}

void th_members_set(struct th_members *members, const struct th_address *address, bool is_member) {
  size_t index = 0;
  while (index < members->count && !th_address_equal(&members->all[index], address)) index++;
  if (!is_member && index < members->count) forget_member(members, index);
  if (!is_member || index < members->count) return;
  members->all = th_realloc(members->all, (members->count + 1) * sizeof *members->all);
  members->all[members->count++] = *address;
}

void th_admin_tell(struct th_admin *admin, struct th_actor *actor, struct th_members *members,
                   enum th_kind kind, const struct th_buffer *buffer) {
  for (size_t i = members->count; i-- > 0;)
    if (!admin->config.ops->is_alive(admin->config.context, &members->all[i]))
      forget_member(members, i);
  for (size_t i = 0; i < members->count; i++) {
    struct th_message *message = th_message_pack(kind, &members->all[i], &actor->address, buffer);
    if (message != NULL) actor->world->ops->send(actor->world, message);
  }
}

/* ---- answers ---- */

struct th_admin_waiter {
  struct th_address sender;
  uint32_t ticket;
};

static void answer(struct th_actor *actor, const struct th_address *to, uint32_t ticket,
                   const struct th_buffer *buffer) {
  if (ticket == 0 || th_address_is_none(to)) return;
  struct th_message *reply = th_notice_reply(to, &actor->address, ticket, buffer);
  if (reply != NULL) actor->world->ops->send(actor->world, reply);
}

void th_admin_answer_later(struct th_admin_request *request, struct th_admin_waiters *waiters) {
  waiters->all = th_realloc(waiters->all, (waiters->count + 1) * sizeof *waiters->all);
  waiters->all[waiters->count++] = (struct th_admin_waiter){request->message->sender,
                                                            request->message->ticket};
  request->later = true;
}

void th_admin_answer(struct th_admin *admin, const struct th_admin_waiters *waiters,
                     const struct th_buffer *words) {
  for (size_t i = 0; i < waiters->count; i++)
    answer(admin->actor, &waiters->all[i].sender, waiters->all[i].ticket, words);
}

static void answer_error(struct th_admin_request *request, int error) {
  const char *words = request->reason.words;
  if (words[0] == '\0') words = th_error_words(error);
  th_notice_error(&request->answer, error, words);
}

/* ---- operations: each reads its arguments and appends one result, or fails ---- */

static int create(struct th_admin_request *request) {
  struct th_unpack *arguments = &request->arguments;
  struct th_creation creation = {.requester = request->message->sender,
                                 .ticket = request->message->ticket};
  struct th_address address;
  creation.class_name = th_unpack_str(arguments, &creation.class_name_size);
  creation.requirements = th_unpack_skip(arguments, &creation.requirements_size);
  creation.global_name = th_unpack_str(arguments, &creation.global_name_size);
  creation.source = th_unpack_str(arguments, &creation.source_size);
  if (arguments->error != 0 || creation.class_name == NULL) return TH_EMALFORMED;
  struct th_world *world = request->actor->world;
  request->later = true;
  return world->ops->create(world, request->actor, &creation, &address, &request->reason);
}

void th_admin_pack_handlers(const struct th_admin *admin, struct th_buffer *buffer) {
  const struct th_members *members = &admin->dead_letter_handlers;
  th_pack_array(buffer, (uint32_t)members->count);
  for (size_t i = 0; i < members->count; i++) th_pack_address(buffer, &members->all[i]);
}

static int list_sources(struct th_admin_request *request) {
  const struct th_admin_config *config = &request->admin->config;
  config->ops->sources(config->context, &request->answer);
  return 0;
}

static int status(struct th_admin_request *request) {
  const struct th_admin_config *config = &request->admin->config;
  struct th_unpack *arguments = &request->arguments;
  struct th_address address = th_unpack_address(arguments);
  int64_t most = arguments->at < arguments->end ? th_unpack_int(arguments) : INT64_MAX;
  if (arguments->error != 0 || most < 0) return TH_EMALFORMED;
  return config->ops->status(config->context, th_address_is_none(&address) ? NULL : &address,
                             (size_t)most, request->admin, &request->answer, &request->reason);
}

/* Where there are other systems, the address of one of them is for that one to judge. */
static bool may_live(struct th_admin_request *request, const struct th_address *target) {
  const struct th_admin_config *config = &request->admin->config;
  const struct th_address *own = &request->actor->address;
  bool is_elsewhere = target->system != 0 && target->system != own->system && own->port != 0;
  return is_elsewhere || config->ops->is_alive(config->context, target);
}

static int exit_actor(struct th_admin_request *request) {
  struct th_address target = th_unpack_address(&request->arguments);
  bool recursive = th_unpack_bool(&request->arguments);
  char text[TH_ADDRESS_TEXT_SIZE];
  struct th_buffer buffer;
  if (request->arguments.error != 0) return TH_EMALFORMED;
  if (target.number == TH_ADMIN_NUMBER)
    return th_fail(&request->reason, TH_EADDRESS, "%s is the admin: shut the system down instead",
                   th_address_text(&target, text));
  if (!may_live(request, &target))
    return th_fail(&request->reason, TH_EADDRESS, "no actor has the address %s",
                   th_address_text(&target, text));
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, recursive);
  th_actor_send(request->actor, TH_KIND_EXIT_REQUEST, TH_MESSAGE_URGENT, &target, &buffer);
  th_buffer_clear(&buffer);
  th_pack_nil(&request->answer);
  return 0;
}

static int find_name(struct th_admin_request *request) {
  size_t size;
  const char *name = th_unpack_str(&request->arguments, &size);
  if (request->arguments.error != 0 || name == NULL) return TH_EMALFORMED;
  struct th_address address = request->actor->address;
  address.number = th_names_find(request->admin->config.names, name, size);
  if (address.number == 0) address = TH_NOBODY;
  th_pack_address(&request->answer, &address);
  return 0;
}

static int set_capability(struct th_admin_request *request) {
  size_t name_size, size;
  const char *name = th_unpack_str(&request->arguments, &name_size);
  const unsigned char *value = th_unpack_skip(&request->arguments, &size);
  const struct th_admin_config *config = &request->admin->config;
  bool changed = false;
  if (request->arguments.error != 0 || name == NULL) return TH_EMALFORMED;
  th_pack_nil(&request->answer);
  int error = th_capabilities_set(config->capabilities, name, name_size, value, size, &changed,
                                  &request->reason);
  if (error != 0 || !changed) return error;
  th_admin_convention_changed(request->admin, request->actor);
  config->ops->recheck(config->context);
  return 0;
}

int th_admin_set_membership(struct th_admin_request *request, struct th_members *members) {
  bool start = th_unpack_bool(&request->arguments);
  if (request->arguments.error != 0) return TH_EMALFORMED;
  th_members_set(members, &request->message->sender, start);
  th_pack_nil(&request->answer);
  return 0;
}

/* ---- the end of the system ---- */

static void stop(struct th_admin *admin) {
  struct th_buffer buffer;
  admin->has_stopped = true;
  th_buffer_init(&buffer);
  th_notice_begin_result(&buffer);
  th_pack_nil(&buffer);
  th_admin_answer(admin, &admin->shutdown_waiters, &buffer);
  th_buffer_clear(&buffer);
  admin->config.ops->stopped(admin->config.context);
}

/* Called when the last actor is gone, and when some have become orphans meanwhile. */
static void go_on_ending(struct th_admin *admin) {
  if (!admin->is_ending || admin->has_stopped) return;
  if (admin->config.ops->end_actors(admin->config.context) == 0) stop(admin);
}

/* Something has come to its end, perhaps: an actor, or the use of a source. */
static void take_nudge(struct th_admin *admin) {
  th_admin_drained(admin);
  go_on_ending(admin);
}

static int begin_shutdown(struct th_admin_request *request) {
  struct th_admin *admin = request->admin;
  th_admin_answer_later(request, &admin->shutdown_waiters);
  if (admin->is_ending) return 0;
  admin->is_ending = true;
  th_log_write(request->actor->world->log, TH_LOG_INFO, "shutting down");
  admin->config.ops->close(admin->config.context);
  th_admin_convention_leave(admin, request->actor);
  go_on_ending(admin);
  return 0;
}

/* ---- messages ---- */

static int perform(struct th_admin_request *request, int64_t operation) {
  switch (operation) {
  case TH_OP_CREATE:
    return create(request);
  case TH_OP_LOAD:
    return th_admin_load(request);
  case TH_OP_UNLOAD:
    return th_admin_unload(request);
  case TH_OP_SOURCES:
    return list_sources(request);
  case TH_OP_STATUS:
    return status(request);
  case TH_OP_SHUTDOWN:
    return begin_shutdown(request);
  case TH_OP_EXIT:
    return exit_actor(request);
  case TH_OP_NAME:
    return find_name(request);
  case TH_OP_CAPABILITY:
    return set_capability(request);
  case TH_OP_DEAD_LETTERS:
    return th_admin_set_membership(request, &request->admin->dead_letter_handlers);
  case TH_OP_SOURCE_NOTICES:
    return th_admin_listen_for_sources(request);
  case TH_OP_LOADED:
    return th_admin_tell_of_load(request);
  case TH_OP_REGISTRATIONS:
    return th_admin_listen_for_systems(request);
  case TH_OP_PRE_REGISTER:
    return th_admin_pre_register(request);
  case TH_OP_DE_REGISTER:
    return th_admin_de_register(request);
  case TH_OP_AUTHORITY:
    return th_admin_set_authority(request);
  default:
    return th_fail(&request->reason, TH_EPROTOCOL, "unknown request %d", (int)operation);
  }
}

static void serve(struct th_admin *admin, struct th_actor *actor,
                  const struct th_message *message) {
  struct th_admin_request request = {.admin = admin, .actor = actor, .message = message};
  th_buffer_init(&request.answer);
  th_unpack_init(&request.arguments, message->payload, message->size);
  th_unpack_array(&request.arguments);
  int64_t operation = th_unpack_int(&request.arguments);
  th_notice_begin_result(&request.answer);
  int error = request.arguments.error;
  if (error == 0) error = perform(&request, operation);
  if (error != 0) answer_error(&request, error);
  if (error != 0 || !request.later)
    answer(actor, &message->sender, message->ticket, &request.answer);
  th_buffer_clear(&request.answer);
}

/* Who was asked has gone meanwhile: the request finds nobody, like others. */
static void send_on(struct th_actor *actor, const struct th_message *request,
                    const struct th_address *asked, const void *value, size_t size) {
  struct th_message *message = th_message_new(TH_KIND_STATUS_REQUEST, asked, &request->sender,
                                              value, size);
  if (message == NULL) return;
  message->flags = request->flags & TH_MESSAGE_ASK;
  message->ticket = request->ticket;
  actor->world->ops->send(actor->world, message);
}

/* To a request that was sent to anybody here, who is the sender of the answer. */
static void answer_status(struct th_admin *admin, struct th_actor *actor,
                          const struct th_message *request) {
  const struct th_admin_config *config = &admin->config;
  struct th_unpack reader;
  struct th_buffer buffer;
  struct th_reason reason;
  size_t size;
  th_unpack_init(&reader, request->payload, request->size);
  th_unpack_array(&reader);
  struct th_address asked = th_unpack_address(&reader);
  const unsigned char *value = th_unpack_skip(&reader, &size);
  bool of_system = asked.number == TH_ADMIN_NUMBER;
  th_buffer_init(&buffer);
  size_t mark = th_notice_begin_status(&buffer, of_system);
  int error = config->ops->status(config->context, of_system ? NULL : &asked, SIZE_MAX, admin,
                                  &buffer, &reason);
  th_pack_ext_end(&buffer, mark);
  struct th_message *response = th_message_pack(TH_KIND_SYSTEM, &request->sender, &asked, &buffer);
  th_buffer_clear(&buffer);
  if (error == 0 && response != NULL) {
    actor->world->ops->send(actor->world, response);
    return;
  }
  th_message_free(response);
  if (error != 0) send_on(actor, request, &asked, value, size);
}

static void bury(struct th_admin *admin, struct th_actor *actor, const struct th_message *message) {
  struct th_unpack reader;
  struct th_buffer buffer;
  char text[TH_ADDRESS_TEXT_SIZE];
  size_t size;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  struct th_address target = th_unpack_address(&reader);
  const unsigned char *value = th_unpack_skip(&reader, &size);
  th_log_write(actor->world->log, TH_LOG_INFO, "dead letter for %s",
               th_address_text(&target, text));
  if (reader.error != 0 || admin->dead_letter_handlers.count == 0) return;
  th_buffer_init(&buffer);
  th_notice_dead_envelope(&buffer, &target, value, size);
  th_admin_tell(admin, actor, &admin->dead_letter_handlers, TH_KIND_DEAD_ENVELOPE, &buffer);
  th_buffer_clear(&buffer);
}

static int open_admin(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  (void)reason;
  actor->state = birth->argument;
  birth->argument = NULL;
  th_admin_convention_open(actor->state, actor);
  th_admin_source_open(actor->state);
  return 0;
}

/* The sender is a forward: its system's admin gives the source. */
static void take_remote(struct th_admin *admin, const struct th_message *message) {
  struct th_address leader = th_convention_leader(admin->convention), host = message->sender;
  char hash[TH_DIGEST_TEXT_SIZE] = "";
  admin->config.ops->remote(admin->config.context, message, leader.system == message->sender.system,
                            hash);
  host.number = TH_ADMIN_NUMBER;
  if (hash[0] != '\0') th_admin_fetch(admin, hash, &host);
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct th_admin *admin = actor->state;
  (void)details;
  if ((*message)->kind == TH_KIND_REQUEST)
    serve(admin, actor, *message);
  else if ((*message)->kind == TH_KIND_DEAD)
    bury(admin, actor, *message);
  else if ((*message)->kind == TH_KIND_NUDGE)
    take_nudge(admin);
  else if ((*message)->kind == TH_KIND_STATUS_REQUEST)
    answer_status(admin, actor, *message);
  else if ((*message)->kind == TH_KIND_REMOTE)
    take_remote(admin, *message);
  else if ((*message)->kind == TH_KIND_CONVENTION)
    th_admin_convention_receive(admin, actor, *message);
  else if ((*message)->kind == TH_KIND_SOURCE)
    th_admin_source_receive(admin, *message);
  else if ((*message)->kind == TH_KIND_USER || (*message)->kind == TH_KIND_SYSTEM)
    th_admin_validated(admin, *message);
  return 0;
}

static bool exit_recursive(struct th_actor *actor) {
  (void)actor;
  return false;
}

static void close_admin(struct th_actor *actor) {
  th_admin_free(actor->state);
}

const struct th_behaviour th_admin_behaviour = {
  .is_native = true,
  .open = open_admin,
  .receive = receive,
  .exit_recursive = exit_recursive,
  .close = close_admin,
};
