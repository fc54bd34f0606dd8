/* Systems: opening one or joining one, and the end. What concerns no single endpoint is shared by
 * all that a program has in one system. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "admin/capability.h"
#include "base/clock.h"
#include "base/memory.h"
#include "host/embed_system.h"
#include "host/hosted.h"
#include "host/launch.h"
#include "message/pack.h"

/* How long a system in another process may take to start. */
#define START_TIME (50 * TH_SECOND)

/* One message, unless the capability "Message Size Limit" says otherwise. */
#define MESSAGE_SIZE_LIMIT (INT64_C(256) << 20)

struct th_embed_shared {
  atomic_uint references;   /* relaxed to add; acquire and release to drop: the last one frees */
  atomic_bool is_down;      /* was shut down by this program; relaxed, it only spares a question */
  struct th_hosted *hosted; /* NULL for a system in another process, */
  struct th_embed_classes *classes; /* and so here */
};

/* ---- options ---- */

/* An integer among the capabilities. */
static int read_int(const struct th_launch *launch, const char *name, int64_t most, int64_t *value,
                    struct th_reason *reason) {
  size_t size;
  const void *data = th_capability_find(launch->capabilities, launch->capabilities_size, name,
                                        &size);
  if (data == NULL) return 0;
  struct thespian_value given = th_embed_value(data, size);
  int64_t integer = thespian_value_int(given, -1);
  if (thespian_value_type(given) != THESPIAN_INT || integer < 0 || integer > most)
    return th_fail(reason, TH_EUSAGE, "'%s' is no integer from 0 to %lld", name, (long long)most);
  *value = integer;
  return 0;
}

static bool read_truth(const struct th_launch *launch, const char *name) {
  size_t size;
  const void *data = th_capability_find(launch->capabilities, launch->capabilities_size, name,
                                        &size);
  if (data == NULL) return false;
  struct thespian_value given = th_embed_value(data, size);
  return thespian_value_type(given) != THESPIAN_NIL && thespian_value_bool(given, true);
}

static int take_capabilities(const struct thespian_options *options, struct th_launch *launch,
                             struct th_reason *reason) {
  struct th_embed_packed packed;
  if (options->capabilities == NULL) return 0;
  int error = th_embed_packed(options->capabilities, &packed, reason);
  if (error != 0) return error;
  struct thespian_value map = th_embed_value(packed.data, packed.size);
  enum thespian_type type = thespian_value_type(map);
  if (type == THESPIAN_ARRAY && thespian_value_count(map) == 0) return 0;
  if (type != THESPIAN_MAP)
    return th_fail(reason, TH_EUSAGE, "the capabilities are not a map of values by name");
  launch->capabilities = packed.data;
  launch->capabilities_size = packed.size;
  return 0;
}

/* The base's name as a constant, which outlives that of the options; NULL when there is none. */
static const char *find_base(const char *name) {
  static const char *const bases[] = {TH_BASE_SIMPLE, TH_BASE_QUEUE, TH_BASE_TCP, TH_BASE_UDP};
  if (name == NULL) return TH_BASE_SIMPLE;
  for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
    if (strcmp(bases[i], name) == 0) return bases[i];
  return NULL;
}

/* To be freed; NULL for none. */
static struct th_runlog_handler *copy_handlers(const struct thespian_options *options) {
  if (options->log_handlers == NULL) return NULL;
  struct th_runlog_handler *handlers = th_alloc_zeroed(options->log_handler_count + 1,
                                                       sizeof *handlers);
  for (size_t i = 0; i < options->log_handler_count; i++) {
    const struct thespian_log_handler *said = &options->log_handlers[i];
    handlers[i] = (struct th_runlog_handler){
      .file = said->file, .level = said->level, .format = said->format};
  }
  return handlers;
}

/* host: what the text of "Admin Host" is kept in. */
static int read_options(const struct thespian_options *options,
                        const struct th_runlog_handler *handlers, struct th_launch *launch,
                        char *host, size_t host_size, int64_t *limit, struct th_reason *reason) {
  int64_t port;
  launch->base = find_base(options->base);
  if (launch->base == NULL)
    return th_fail(reason, TH_EUSAGE,
                   "there is no system base \"%s\"; use " TH_BASE_SIMPLE ", " TH_BASE_QUEUE
                   ", " TH_BASE_TCP " or " TH_BASE_UDP,
                   options->base);
  port = th_base_port(launch->base);
  int error = take_capabilities(options, launch, reason);
  if (error == 0) error = read_int(launch, "Admin Port", UINT16_MAX, &port, reason);
  if (error == 0) error = read_int(launch, "Message Size Limit", INT64_MAX, limit, reason);
  if (error != 0) return error;
  th_capability_text(launch->capabilities, launch->capabilities_size, "Admin Host", "", host,
                     host_size);
  launch->host = *host != '\0' ? host : NULL;
  launch->port = (uint16_t)port;
  launch->attach_only = read_truth(launch, "Attach Only");
  launch->path = options->path;
  launch->path_count = options->path_count;
  launch->program = options->program;
  size_t count = handlers != NULL ? options->log_handler_count : 0;
  launch->log = (struct th_runlog){.file = options->log_file,
                                   .level = options->log_level,
                                   .format = options->log_format,
                                   .handlers = handlers,
                                   .handler_count = count};
  return 0;
}

/* ---- opening ---- */

static struct thespian_system *new_system(struct th_embed_shared *shared, uint64_t limit) {
  struct thespian_system *system = th_new(struct thespian_system);
  system->shared = shared;
  system->limit = limit;
  return system;
}

static int start_here(struct thespian_system *system, const struct thespian_options *options,
                      const struct th_launch *launch, struct th_reason *reason) {
  struct th_embed_shared *shared = system->shared;
  shared->classes = th_embed_classes_new(th_embed_lua());
  struct th_hosting hosting = {.base = launch->base,
                               .capabilities = launch->capabilities,
                               .capabilities_size = launch->capabilities_size,
                               .workers = options->workers,
                               .path = launch->path,
                               .path_count = launch->path_count,
                               .script = th_embed_classes_script(shared->classes),
                               .logs = !options->without_log,
                               .log = launch->log};
  int error = th_hosted_start(&shared->hosted, &hosting, reason);
  if (error != 0) return error;
  error = th_hosted_attach(shared->hosted, &system->client);
  return error != 0 ? th_fail(reason, error, "%s", th_error_words(error)) : 0;
}

static int open_any(const struct thespian_options *options, struct thespian_system *opened,
                    const struct th_launch *launch, struct th_reason *reason) {
  bool is_elsewhere = th_base_port(launch->base) != 0 && !options->here;
  int error = is_elsewhere
                ? th_launch_connect(launch, th_clock_after(START_TIME), &opened->client, reason)
                : start_here(opened, options, launch, reason);
  if (error != 0) return error;
  /* A system that was there before may take less than the capabilities say. */
  uint64_t most = th_client_limit(opened->client);
  if (most < opened->limit) opened->limit = most;
  return 0;
}

static int open_with(const struct thespian_options *options,
                     const struct th_runlog_handler *handlers, struct thespian_system **system,
                     struct th_reason *reason) {
  struct th_launch launch = {.base = NULL};
  char host[64];
  int64_t limit = MESSAGE_SIZE_LIMIT;
  int error = read_options(options, handlers, &launch, host, sizeof host, &limit, reason);
  if (error != 0) return error;
  struct th_embed_shared *shared = th_new(struct th_embed_shared);
  atomic_init(&shared->references, 1);
  struct thespian_system *opened = new_system(shared, (uint64_t)limit);
  error = open_any(options, opened, &launch, reason);
  if (error == 0)
    *system = opened;
  else
    thespian_close(opened);
  return error;
}

int thespian_open(const struct thespian_options *options, struct thespian_system **system,
                  struct thespian_reason *reason) {
  static const struct thespian_options defaults = {.base = NULL};
  if (options == NULL) options = &defaults;
  struct th_runlog_handler *handlers = copy_handlers(options);
  int error = open_with(options, handlers, system, th_embed_reason(reason));
  free(handlers);
  return error;
}

int thespian_private(struct thespian_system *system, struct thespian_system **other,
                     struct thespian_reason *reason) {
  struct th_client *client;
  int error = th_embed_check_up(system, th_embed_reason(reason));
  if (error == 0) error = th_client_private(system->client, &client, th_embed_reason(reason));
  if (error != 0) return error;
  atomic_fetch_add_explicit(&system->shared->references, 1, memory_order_relaxed);
  *other = new_system(system->shared, system->limit);
  (*other)->client = client;
  return 0;
}

/* ---- the end ---- */

int th_embed_check_up(const struct thespian_system *system, struct th_reason *reason) {
  if (!atomic_load_explicit(&system->shared->is_down, memory_order_relaxed)) return 0;
  return th_fail(reason, TH_EGONE, "the actor system was shut down");
}

int thespian_shutdown(struct thespian_system *system, struct thespian_reason *reason) {
  int error = th_embed_check_up(system, th_embed_reason(reason));
  if (error != 0) return 0; /* once more is nothing */
  error = th_client_shutdown(system->client, th_clock_after(TH_EMBED_REQUEST_TIME),
                             th_embed_reason(reason));
  if (error == 0) atomic_store_explicit(&system->shared->is_down, true, memory_order_relaxed);
  return error;
}

/* Actors that do not return go on using their classes. */
static void drop_shared(struct th_embed_shared *shared) {
  if (atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) > 1) return;
  if (th_hosted_unref(shared->hosted)) th_embed_classes_free(shared->classes);
  free(shared);
}

void thespian_close(struct thespian_system *system) {
  if (system == NULL) return;
  th_client_close(system->client);
  drop_shared(system->shared);
  free(system);
}

/* ---- classes ---- */

int thespian_register(struct thespian_system *system, const char *class_name,
                      const struct thespian_class *class_functions, void *context,
                      struct thespian_reason *reason) {
  struct th_embed_classes *classes = system->shared->classes;
  if (classes == NULL)
    return th_fail(th_embed_reason(reason), TH_EREFUSED,
                   "class %s cannot be registered: the system lives in another process",
                   class_name);
  return th_embed_classes_add(classes, class_name, class_functions, context,
                              th_embed_reason(reason));
}
