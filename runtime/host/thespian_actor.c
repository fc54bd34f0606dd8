/* Actors written in C. A system starts its script actors through one behaviour; the one that an
 * embedded system is given looks the class up among those that the program registered, and hands
 * the actor on, for good, to the behaviour of those or to Lua's. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/actor.h"
#include "base/clock.h"
#include "base/memory.h"
#include "host/bundle.h"
#include "host/embed.h"
#include "message/kept.h"
#include "message/notice.h"
#include "message/pack.h"
#include "message/protocol.h"

/* How many mailboxes full of messages an actor may have sent itself. */
#define OWN_FLOOD 10

struct native_class {
  struct native_class *next;
  char *name;
  struct thespian_class functions;
  void *context;
};

struct th_embed_classes {
  struct th_behaviour behaviour; /* first: whoever is opened by it finds the classes */
  struct th_script script;
  const struct th_script *lua;
  pthread_mutex_t lock; /* guards first; classes that are in the list are fixed */
  struct native_class *first;
};

struct thespian_actor {
  struct th_actor *actor;
  const struct native_class *class;
  void *object;
  struct th_script_birth *birth; /* holds the source, for children */
  char *global_name;             /* or NULL */
  struct th_buffer failure;      /* words of thespian_actor_fail, and a zero byte */
  bool exit_is_recursive;
};

/* ---- failing ---- */

int thespian_actor_fail(struct thespian_actor *self, const char *format, ...) {
  va_list arguments;
  th_buffer_reset(&self->failure);
  va_start(arguments, format);
  th_buffer_vprintf(&self->failure, format, arguments);
  va_end(arguments);
  th_buffer_append(&self->failure, "", 1);
  return TH_EREFUSED;
}

/* The words for a failure: those that were given, else those for the error. */
static const char *failure_words(const struct thespian_actor *self, int error) {
  bool is_told = self->failure.size > 0 && self->failure.error == 0;
  return is_told ? (const char *)self->failure.data : th_error_words(error);
}

static void write_log(struct thespian_actor *self, enum th_log_level level, const char *words,
                      const char *details) {
  char address[TH_ADDRESS_TEXT_SIZE];
  th_log_write(self->actor->world->log, level, "%s %s%s: %s", self->class->name,
               th_address_text(&self->actor->address, address), words, details);
}

/* ---- the start ---- */

static bool fits(const struct native_class *class, struct th_world *world,
                 struct thespian_value requirements) {
  if (class->functions.fits == NULL) return true;
  struct th_bytes *map = world->ops->capabilities(world);
  bool answer = class->functions.fits(class->context, th_embed_value(map->data, map->size),
                                      requirements);
  th_bytes_unref(map);
  return answer;
}

static void release(struct thespian_actor *self) {
  self->birth->drop(self->birth);
  th_buffer_clear(&self->failure);
  free(self->global_name);
  free(self);
}

static struct thespian_actor *new_actor(struct th_actor *actor, const struct native_class *class,
                                        struct th_birth *birth) {
  struct thespian_actor *self = th_new(struct thespian_actor);
  self->actor = actor;
  self->class = class;
  self->birth = birth->argument;
  self->global_name = th_strdup(birth->global_name);
  th_buffer_init(&self->failure);
  birth->argument = NULL;
  return self;
}

static int start(struct thespian_actor *self, struct th_reason *reason) {
  const struct native_class *class = self->class;
  const struct th_bytes *packed = self->birth->requirements;
  const void *data = packed != NULL ? packed->data : NULL;
  size_t size = packed != NULL ? packed->size : 0;
  const char *refusal = th_embed_refuse(data, size);
  if (refusal != NULL) return th_fail(reason, TH_EMALFORMED, "malformed requirements: %s", refusal);
  struct thespian_value requirements = th_embed_value(data, size);
  if (self->birth->check_capabilities && !fits(class, self->birth->world, requirements))
    return th_fail(reason, TH_ENOCOMPATIBLE, "%s does not live in a system like this", class->name);
  int error = class->functions.create(class->context, self, requirements, &self->object);
  if (error == 0) return 0;
  return th_fail(reason, TH_ESPECIFICATION, "%s: %s", class->name, failure_words(self, error));
}

static int open_native(struct th_actor *actor, const struct native_class *class,
                       struct th_birth *birth, struct th_reason *reason) {
  struct thespian_actor *self = new_actor(actor, class, birth);
  actor->state = self;
  int error = start(self, reason);
  if (error != 0) release(self);
  return error;
}

/* ---- messages ---- */

static int try_message(struct thespian_actor *self, const struct th_message *message) {
  th_buffer_reset(&self->failure);
  return self->class->functions.receive(self->object, self,
                                        th_embed_value(message->payload, message->size),
                                        th_embed_out(&message->sender));
}

static int refuse(struct thespian_actor *self, const char *refusal, struct th_buffer *details) {
  write_log(self, TH_LOG_ERROR, " got what cannot be read", refusal);
  th_buffer_printf(details, "malformed message: %s", refusal);
  return TH_EMALFORMED;
}

static int receive_message(struct thespian_actor *self, const struct th_message *message,
                           struct th_buffer *details) {
  const char *refusal = th_embed_refuse(message->payload, message->size);
  if (refusal != NULL) return refuse(self, refusal, details);
  if (self->class->functions.receive == NULL) return 0;
  int error = try_message(self, message);
  if (error == 0) return 0;
  write_log(self, TH_LOG_WARNING, " failed, trying once more", failure_words(self, error));
  if ((error = try_message(self, message)) == 0) return 0;
  write_log(self, TH_LOG_ERROR, " failed again", failure_words(self, error));
  th_buffer_printf(details, "%s: %s", self->class->name, failure_words(self, error));
  return TH_EREFUSED;
}

static void receive_exit(struct thespian_actor *self, const struct th_message *message) {
  bool recursive = th_notice_read_exit_request(message);
  if (self->class->functions.exit != NULL)
    recursive = self->class->functions.exit(self->object, self, recursive);
  self->exit_is_recursive = recursive;
}

static int receive(struct th_actor *actor, struct th_message **message, struct th_buffer *details) {
  struct thespian_actor *self = actor->state;
  if ((*message)->kind != TH_KIND_EXIT_REQUEST) return receive_message(self, *message, details);
  receive_exit(self, *message);
  return 0;
}

static bool exit_recursive(struct th_actor *actor) {
  const struct thespian_actor *self = actor->state;
  return self->exit_is_recursive;
}

static void close_native(struct th_actor *actor) {
  struct thespian_actor *self = actor->state;
  if (self->class->functions.destroy != NULL) self->class->functions.destroy(self->object);
  release(self);
}

static const struct th_behaviour native = {
  .receive = receive,
  .exit_recursive = exit_recursive,
  .close = close_native,
};

/* ---- what an actor does ---- */

struct thespian_address thespian_actor_address(const struct thespian_actor *self) {
  return th_embed_out(&self->actor->address);
}

const char *thespian_actor_global_name(const struct thespian_actor *self) {
  return self->global_name;
}

/* Nobody else could empty the mailbox of one who sends to himself, so he cannot wait for room. */
static bool floods_itself(const struct th_actor *actor, const struct th_address *target) {
  uint64_t limit = actor->world->mailbox_limit;
  return th_address_equal(target, &actor->address) && limit != 0 &&
         th_mailbox_depth(&actor->mailbox) / OWN_FLOOD >= limit;
}

static int check_sending(const struct th_actor *actor, const struct th_address *target, size_t size,
                         struct th_reason *reason) {
  uint64_t limit = actor->world->message_limit;
  if (th_address_is_none(target)) return th_fail(reason, TH_EADDRESS, "not an actor address");
  if (size > limit)
    return th_fail(reason, TH_ETOOBIG, "a message of %zu bytes is larger than the limit of %llu",
                   size, (unsigned long long)limit);
  if (floods_itself(actor, target))
    return th_fail(reason, TH_ECANNOTSEND,
                   "the actor has sent itself too many messages without handling them");
  return 0;
}

/* Posts to target from the actor; its turn ends after the message where target's mailbox is
 * full. */
static int post(struct th_actor *actor, const struct th_address *target, enum th_kind kind,
                struct th_embed_packed packed, struct th_reason *reason) {
  struct th_message *message = th_message_new(kind, target, &actor->address, packed.data,
                                              packed.size);
  if (message == NULL)
    return th_fail(reason, TH_ENOMEM, "no memory for a message of %zu bytes", packed.size);
  struct th_actor *full = actor->world->ops->send(actor->world, message);
  if (full != NULL) actor->pressed = full;
  return 0;
}

int thespian_actor_send(struct thespian_actor *self, struct thespian_address address,
                        const struct thespian_builder *value, struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  struct th_address target = th_embed_in(address);
  struct th_embed_packed packed;
  int error = th_embed_packed(value, &packed, words);
  if (error == 0) error = check_sending(self->actor, &target, packed.size, words);
  if (error != 0) return error;
  return post(self->actor, &target, th_embed_kind(packed), packed, words);
}

int thespian_actor_create(struct thespian_actor *self, const char *class_name,
                          const struct thespian_builder *requirements, const char *global_name,
                          const char *source_hash, struct thespian_address *address,
                          struct thespian_reason *reason) {
  struct th_reason *words = th_embed_reason(reason);
  struct th_world *world = self->actor->world;
  struct th_embed_packed packed;
  struct th_address child;
  int error = th_embed_requirements(requirements, &packed, words);
  if (error != 0) return error;
  struct th_creation creation = {
    .class_name = class_name,
    .class_name_size = strlen(class_name),
    .global_name = global_name,
    .global_name_size = global_name != NULL ? strlen(global_name) : 0,
    .source = source_hash,
    .source_size = source_hash != NULL ? strlen(source_hash) : 0,
    .own_source = self->birth->source,
    .requirements = packed.data,
    .requirements_size = packed.size,
  };
  error = world->ops->create(world, self->actor, &creation, &child, words);
  if (error == 0) *address = th_embed_out(&child);
  return error;
}

int thespian_actor_wakeup(struct thespian_actor *self, double seconds,
                          const struct thespian_builder *payload, struct thespian_reason *reason) {
  struct th_world *world = self->actor->world;
  struct th_embed_packed packed = {NULL, 0};
  struct th_buffer period, notice;
  int error = payload != NULL ? th_embed_packed(payload, &packed, th_embed_reason(reason)) : 0;
  if (error != 0) return error;
  th_buffer_init(&period);
  th_buffer_init(&notice);
  th_pack_real(&period, seconds);
  th_notice_wakeup(&notice, period.data, period.size, packed.data, packed.size);
  struct th_message *message = th_message_pack(TH_KIND_WAKEUP, &self->actor->address,
                                               &self->actor->address, &notice);
  th_buffer_clear(&period);
  th_buffer_clear(&notice);
  if (message == NULL) return th_fail(th_embed_reason(reason), TH_ENOMEM, "no memory for it");
  world->ops->send_later(world, th_clock_after(th_clock_from_seconds(seconds)), message);
  return 0;
}

void thespian_actor_exit(struct thespian_actor *self) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_notice_exit_request(&buffer, true);
  th_actor_send(self->actor, TH_KIND_EXIT_REQUEST, 0, &self->actor->address, &buffer);
  th_buffer_clear(&buffer);
}

/* ---- what an actor asks of its system, and no answer comes ---- */

static void begin_request(struct th_buffer *request, enum th_operation operation,
                          uint32_t arguments) {
  th_buffer_init(request);
  th_pack_array(request, 1 + arguments);
  th_pack_int(request, operation);
}

static void finish_request(struct thespian_actor *self, struct th_buffer *request) {
  th_actor_send(self->actor, TH_KIND_REQUEST, 0, &self->actor->world->admin, request);
  th_buffer_clear(request);
}

static void set_membership(struct thespian_actor *self, enum th_operation operation, bool start) {
  struct th_buffer request;
  begin_request(&request, operation, 1);
  th_pack_bool(&request, start);
  finish_request(self, &request);
}

void thespian_actor_handle_dead_letters(struct thespian_actor *self, bool start_handling) {
  set_membership(self, TH_OP_DEAD_LETTERS, start_handling);
}

void thespian_actor_notify_sources(struct thespian_actor *self, bool start_notifying) {
  set_membership(self, TH_OP_SOURCE_NOTICES, start_notifying);
}

int thespian_actor_load_source(struct thespian_actor *self, const void *zip, size_t size,
                               const char *info, char *hash, struct thespian_reason *reason) {
  struct th_world *world = self->actor->world;
  return world->ops->load(world, zip, size, info != NULL ? info : "", hash,
                          th_embed_reason(reason));
}

int thespian_actor_load_source_file(struct thespian_actor *self, const char *file, char *hash,
                                    struct thespian_reason *reason) {
  struct th_bytes *zip;
  int error = th_bundle_read(file, TH_EMBED_BUNDLE_LIMIT, &zip, th_embed_reason(reason));
  if (error != 0) return error;
  error = thespian_actor_load_source(self, zip->data, zip->size, file, hash, reason);
  th_bytes_unref(zip);
  return error;
}

void thespian_actor_unload_source(struct thespian_actor *self, const char *hash) {
  struct th_buffer request;
  begin_request(&request, TH_OP_UNLOAD, 1);
  th_pack_text(&request, hash);
  finish_request(self, &request);
}

/* As the admin would refuse it, where nobody waits for the answer. */
static int check_capability(const char *name, struct th_embed_packed value,
                            struct th_reason *reason) {
  bool shares;
  const char *refusal = th_kept_refuse_name(name, strlen(name));
  if (refusal != NULL)
    return th_fail(reason, TH_ECAPABILITY, "this cannot be the name of a capability: %s", refusal);
  refusal = th_kept_refuse_value(value.data, value.size, &shares);
  if (refusal == NULL) return 0;
  return th_fail(reason, TH_ECAPABILITY, "the value of capability \"%s\" cannot be kept: %s", name,
                 refusal);
}

int thespian_actor_set_capability(struct thespian_actor *self, const char *name,
                                  const struct thespian_builder *value,
                                  struct thespian_reason *reason) {
  struct th_embed_packed packed;
  struct th_buffer request;
  int error = th_embed_packed(value, &packed, th_embed_reason(reason));
  if (error == 0) error = check_capability(name, packed, th_embed_reason(reason));
  if (error != 0) return error;
  begin_request(&request, TH_OP_CAPABILITY, 2);
  th_pack_text(&request, name);
  th_pack_raw(&request, packed.data, packed.size);
  finish_request(self, &request);
  return 0;
}

void thespian_actor_shutdown(struct thespian_actor *self) {
  struct th_buffer request;
  begin_request(&request, TH_OP_SHUTDOWN, 0);
  finish_request(self, &request);
}

_Static_assert((int)THESPIAN_DEBUG == TH_LOG_DEBUG && (int)THESPIAN_CRITICAL == TH_LOG_CRITICAL,
               "levels are alike");

void thespian_actor_log(struct thespian_actor *self, enum thespian_level level, const char *format,
                        ...) {
  va_list arguments;
  struct th_buffer words;
  if (!th_log_wants(self->actor->world->log, (enum th_log_level)level)) return;
  th_buffer_init(&words);
  va_start(arguments, format);
  th_buffer_vprintf(&words, format, arguments);
  va_end(arguments);
  if (th_buffer_append(&words, "", 1) == 0)
    write_log(self, (enum th_log_level)level, "", (const char *)words.data);
  th_buffer_clear(&words);
}

/* ---- classes ---- */

static const struct native_class *find(struct th_embed_classes *classes, const char *name) {
  pthread_mutex_lock(&classes->lock);
  const struct native_class *class = classes->first;
  while (class != NULL && strcmp(class->name, name) != 0) class = class->next;
  pthread_mutex_unlock(&classes->lock);
  return class;
}

/* The first that is called of an actor's behaviour, whatever its class. */
static int open_any(struct th_actor *actor, struct th_birth *birth, struct th_reason *reason) {
  struct th_embed_classes *classes = (struct th_embed_classes *)(uintptr_t)actor->behaviour;
  const struct native_class *class = find(classes, birth->class_name);
  actor->behaviour = class != NULL ? &native : classes->lua->behaviour;
  if (class != NULL) return open_native(actor, class, birth, reason);
  return actor->behaviour->open(actor, birth, reason);
}

struct th_embed_classes *th_embed_classes_new(const struct th_script *lua) {
  struct th_embed_classes *classes = th_new(struct th_embed_classes);
  classes->behaviour.open = open_any;
  classes->script = *lua;
  classes->script.behaviour = &classes->behaviour;
  classes->lua = lua;
  pthread_mutex_init(&classes->lock, NULL);
  return classes;
}

void th_embed_classes_free(struct th_embed_classes *classes) {
  struct native_class *class;
  if (classes == NULL) return;
  while ((class = classes->first) != NULL) {
    classes->first = class->next;
    free(class->name);
    free(class);
  }
  pthread_mutex_destroy(&classes->lock);
  free(classes);
}

const struct th_script *th_embed_classes_script(struct th_embed_classes *classes) {
  return &classes->script;
}

/* What the Lua library would not take for a class's name, or the runtime would not. */
static const char *refuse_name(const char *name) {
  const char *refusal = th_kept_refuse_name(name, strlen(name));
  if (refusal != NULL) return refusal;
  if (strpbrk(name, "/\\?;") != NULL) return "it has one of / \\ ? ;";
  bool is_dotted = name[0] == '.' || name[strlen(name) - 1] == '.' || strstr(name, "..") != NULL;
  return is_dotted ? "there is nothing beside one of its dots" : NULL;
}

int th_embed_classes_add(struct th_embed_classes *classes, const char *name,
                         const struct thespian_class *functions, void *context,
                         struct th_reason *reason) {
  const char *refusal = refuse_name(name);
  if (refusal != NULL)
    return th_fail(reason, TH_EUSAGE, "this cannot be the name of a class: %s", refusal);
  if (functions->create == NULL)
    return th_fail(reason, TH_EUSAGE, "class %s has no function create", name);
  struct native_class *class = th_new(struct native_class);
  *class = (struct native_class){
    .name = th_strdup(name), .functions = *functions, .context = context};
  pthread_mutex_lock(&classes->lock);
  bool is_taken = false;
  for (struct native_class *other = classes->first; other != NULL; other = other->next)
    is_taken = is_taken || strcmp(other->name, name) == 0;
  class->next = classes->first;
  if (!is_taken) classes->first = class;
  pthread_mutex_unlock(&classes->lock);
  if (!is_taken) return 0;
  free(class->name);
  free(class);
  return th_fail(reason, TH_EUSAGE, "there is a class %s already", name);
}
