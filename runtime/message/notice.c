#include "message/notice.h"

#include <stdio.h>
#include <string.h>

#include "message/pack.h"

#define MODULE "thespian.actors."

/* Begins an instance of a library class whose base is ActorSystemMessage; a map follows. */
static size_t begin_names(struct th_buffer *buffer, const char *class_name) {
  char qualified[80];
  size_t mark = th_pack_ext_begin(buffer, TH_EXT_INSTANCE);
  snprintf(qualified, sizeof qualified, MODULE "%s", class_name);
  th_pack_array(buffer, 4);
  th_pack_text(buffer, qualified);
  th_pack_text(buffer, class_name);
  th_pack_text(buffer, MODULE "ActorSystemMessage");
  th_pack_text(buffer, "ActorSystemMessage");
  return mark;
}

/* The same; fields pairs follow. */
static size_t begin(struct th_buffer *buffer, const char *class_name, uint32_t fields) {
  size_t mark = begin_names(buffer, class_name);
  th_pack_map(buffer, fields);
  return mark;
}

static void enclose(struct th_buffer *buffer, const void *value, size_t size) {
  if (size == 0) {
    th_pack_nil(buffer);
    return;
  }
  size_t mark = th_pack_ext_begin(buffer, TH_EXT_ENCLOSED);
  th_pack_raw(buffer, value, size);
  th_pack_ext_end(buffer, mark);
}

void th_notice_exit_request(struct th_buffer *buffer, bool recursive) {
  size_t mark = begin(buffer, "ActorExitRequest", 1);
  th_pack_text(buffer, "isRecursive");
  th_pack_bool(buffer, recursive);
  th_pack_ext_end(buffer, mark);
}

void th_notice_child_exited(struct th_buffer *buffer, const struct th_address *child,
                            const char *reason) {
  size_t mark = begin(buffer, "ChildActorExited", 2);
  th_pack_text(buffer, "childAddress");
  th_pack_address(buffer, child);
  th_pack_text(buffer, "reason");
  th_pack_text(buffer, reason);
  th_pack_ext_end(buffer, mark);
}

void th_notice_poison(struct th_buffer *buffer, const struct th_message *message,
                      const char *details, size_t details_size) {
  size_t mark = begin(buffer, "PoisonMessage", 2);
  th_pack_text(buffer, "poisonMessage");
  enclose(buffer, message->payload, message->size);
  th_pack_text(buffer, "details");
  th_pack_str(buffer, details, details_size);
  th_pack_ext_end(buffer, mark);
}

void th_notice_dead_envelope(struct th_buffer *buffer, const struct th_address *target,
                             const void *value, size_t size) {
  size_t mark = begin(buffer, "DeadEnvelope", 2);
  th_pack_text(buffer, "deadMessage");
  enclose(buffer, value, size);
  th_pack_text(buffer, "deadAddress");
  th_pack_address(buffer, target);
  th_pack_ext_end(buffer, mark);
}

void th_notice_wakeup(struct th_buffer *buffer, const void *period, size_t period_size,
                      const void *payload, size_t payload_size) {
  size_t mark = begin(buffer, "WakeupMessage", payload_size > 0 ? 2 : 1);
  th_pack_text(buffer, "delayPeriod");
  enclose(buffer, period, period_size);
  if (payload_size > 0) {
    th_pack_text(buffer, "payload");
    enclose(buffer, payload, payload_size);
  }
  th_pack_ext_end(buffer, mark);
}

void th_notice_source(struct th_buffer *buffer, bool loaded, const char *hash, const char *info) {
  size_t mark = begin(buffer, loaded ? "LoadedSource" : "UnloadedSource", 2);
  th_pack_text(buffer, "sourceHash");
  th_pack_text(buffer, hash);
  th_pack_text(buffer, "sourceInfo");
  th_pack_text(buffer, info);
  th_pack_ext_end(buffer, mark);
}

void th_notice_validate(struct th_buffer *buffer, const char *hash, const void *data, size_t size,
                        const char *info) {
  size_t mark = begin(buffer, "ValidateSource", 3);
  th_pack_text(buffer, "sourceHash");
  th_pack_text(buffer, hash);
  th_pack_text(buffer, "sourceData");
  th_pack_str(buffer, data, size);
  th_pack_text(buffer, "sourceInfo");
  th_pack_text(buffer, info);
  th_pack_ext_end(buffer, mark);
}

void th_notice_convention_update(struct th_buffer *buffer, const struct th_address *admin,
                                 const void *capabilities, size_t size, bool added) {
  size_t mark = begin(buffer, "ActorSystemConventionUpdate", 3);
  th_pack_text(buffer, "remoteAdminAddress");
  th_pack_address(buffer, admin);
  th_pack_text(buffer, "remoteCapabilities");
  enclose(buffer, capabilities, size);
  th_pack_text(buffer, "remoteAdded");
  th_pack_bool(buffer, added);
  th_pack_ext_end(buffer, mark);
}

size_t th_notice_begin_status(struct th_buffer *buffer, bool of_system) {
  return begin_names(buffer,
                     of_system ? "Thespian_SystemStatusResponse" : "Thespian_ActorStatusResponse");
}

/* Begins to read an instance; gives its names and its fields, a map. */
static bool read_instance(const struct th_message *message, struct th_unpack *names,
                          struct th_unpack *fields) {
  struct th_unpack outer;
  struct th_item item;
  size_t size;
  th_unpack_init(&outer, message->payload, message->size);
  if (!th_unpack_next(&outer, &item) || item.type != TH_ITEM_EXT || item.ext != TH_EXT_INSTANCE)
    return false;
  th_unpack_init(fields, item.data, item.size);
  const unsigned char *array = th_unpack_skip(fields, &size);
  th_unpack_init(names, array, size);
  return fields->error == 0;
}

/* Steps to the value of a field. */
static bool find_field(struct th_unpack fields, const char *name, struct th_unpack *value) {
  struct th_item item;
  size_t size;
  *value = fields;
  for (uint32_t left = th_unpack_map(value); left > 0; left--) {
    if (!th_unpack_next(value, &item)) return false;
    if (item.type == TH_ITEM_STR && th_unpack_is((const char *)item.data, item.size, name))
      return true;
    th_unpack_skip(value, &size);
  }
  return false;
}

bool th_notice_read_exit_request(const struct th_message *message) {
  struct th_unpack names, fields, value;
  if (!read_instance(message, &names, &fields) || !find_field(fields, "isRecursive", &value))
    return true;
  return th_unpack_bool(&value) || value.error != 0;
}

static bool has_name(struct th_unpack *names, const char *class_name) {
  size_t size;
  for (uint32_t left = th_unpack_array(names); left > 0; left--) {
    const char *name = th_unpack_str(names, &size);
    if (names->error != 0) return false;
    if (name != NULL && th_unpack_is(name, size, class_name)) return true;
  }
  return false;
}

/* Text of a field; NULL where there is none. */
static const char *read_field(struct th_unpack fields, const char *name, size_t *size) {
  struct th_unpack value;
  *size = 0;
  if (!find_field(fields, name, &value)) return NULL;
  const char *text = th_unpack_str(&value, size);
  return value.error == 0 ? text : NULL;
}

bool th_notice_read_validated(const struct th_message *message, struct th_validated *validated) {
  struct th_unpack names, fields;
  if (!read_instance(message, &names, &fields) || !has_name(&names, MODULE "ValidatedSource"))
    return false;
  validated->hash = read_field(fields, "sourceHash", &validated->hash_size);
  validated->zip = read_field(fields, "sourceZip", &validated->zip_size);
  validated->info = read_field(fields, "sourceInfo", &validated->info_size);
  return true;
}

void th_notice_begin_result(struct th_buffer *buffer) {
  th_pack_array(buffer, 2);
  th_pack_int(buffer, 0);
}

void th_notice_error(struct th_buffer *buffer, int error, const char *words) {
  th_buffer_reset(buffer);
  th_pack_array(buffer, 2);
  th_pack_int(buffer, error);
  th_pack_text(buffer, words);
}

struct th_message *th_notice_reply(const struct th_address *target, const struct th_address *sender,
                                   uint32_t ticket, const struct th_buffer *answer) {
  struct th_message *reply = th_message_pack(TH_KIND_REPLY, target, sender, answer);
  if (reply != NULL) reply->ticket = ticket;
  return reply;
}

struct th_message *th_notice_creation(const struct th_address *target,
                                      const struct th_address *sender, uint32_t ticket,
                                      const struct th_address *actor, int error,
                                      const char *words) {
  struct th_buffer answer;
  th_buffer_init(&answer);
  if (error != 0) {
    th_notice_error(&answer, error, words);
  } else {
    th_notice_begin_result(&answer);
    th_pack_address(&answer, actor);
  }
  struct th_message *reply = th_notice_reply(target, sender, ticket, &answer);
  th_buffer_clear(&answer);
  return reply;
}

struct th_message *th_notice_exit(const struct th_address *target, const struct th_address *sender,
                                  bool recursive, unsigned flags) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, recursive);
  struct th_message *message = th_message_pack(TH_KIND_EXIT_REQUEST, target, sender, &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) message->flags = (uint8_t)flags;
  return message;
}
