/* admin_drain: who waits until no actor runs from a source that is unloaded.
 *
 * A source tells its last holder that it is the last (th_source_watch): the admin, which holds what
 * drains, is nudged then. So actors that come and go cost nothing, whoever waits.
 *
 * Threads: the admin's turn, but for what a source calls. Owns: a reference of each source. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/admin_inside.h"
#include "base/memory.h"
#include "message/notice.h"

struct th_drain {
  struct th_drain *next;
  struct th_source *source;
  struct th_admin_waiters waiters;
};

/* Called where the last actor's reference is given up. */
static void nudge(void *context) {
  struct th_world *world = context;
  struct th_message *message = th_message_new(TH_KIND_NUDGE, &world->admin, &world->admin, NULL, 0);
  if (message != NULL) world->ops->send(world, message);
}

static void add_waiter(struct th_drain *drain, struct th_admin_request *request) {
  th_admin_answer_later(request, &drain->waiters);
  th_log_write(request->actor->world->log, TH_LOG_INFO, "draining source %s (%s): waiting %zu",
               drain->source->hash, drain->source->info, drain->waiters.count);
}

/* The caller has a reference, too: the nudge comes when he gives that up, at the earliest. */
void th_admin_drain(struct th_admin_request *request, struct th_source *source) {
  struct th_admin_sources *sources = &request->admin->source;
  struct th_drain *drain = th_new(struct th_drain);
  drain->source = th_source_ref(source);
  drain->next = sources->drains;
  sources->drains = drain;
  add_waiter(drain, request);
  th_source_watch(source, nudge, request->actor->world);
}

/* A beginning of the hash will do, as everywhere; too short a one names none. */
bool th_admin_drain_on(struct th_admin_request *request, const char *hash) {
  struct th_drain *drain = request->admin->source.drains;
  size_t size = strlen(hash);
  while (drain != NULL && strncasecmp(drain->source->hash, hash, size) != 0) drain = drain->next;
  if (drain == NULL || size < TH_SOURCE_PREFIX) return false;
  add_waiter(drain, request);
  return true;
}

static void free_drain(struct th_drain *drain) {
  th_source_unwatch(drain->source);
  th_source_unref(drain->source);
  free(drain->waiters.all);
  free(drain);
}

static void tell(struct th_admin *admin, const struct th_drain *drain) {
  struct th_buffer buffer;
  th_log_write(admin->actor->world->log, TH_LOG_INFO, "drained source %s (%s)", drain->source->hash,
               drain->source->info);
  th_buffer_init(&buffer);
  th_notice_begin_result(&buffer);
  th_pack_text(&buffer, drain->source->hash);
  th_admin_answer(admin, &drain->waiters, &buffer);
  th_buffer_clear(&buffer);
}

void th_admin_drained(struct th_admin *admin) {
  struct th_drain **place = &admin->source.drains;
  while (*place != NULL) {
    struct th_drain *drain = *place;
    if (!th_source_is_left(drain->source)) {
      place = &drain->next;
      continue;
    }
    *place = drain->next;
    tell(admin, drain);
    free_drain(drain);
  }
}

void th_admin_drain_close(struct th_admin *admin) {
  while (admin->source.drains != NULL) {
    struct th_drain *drain = admin->source.drains;
    admin->source.drains = drain->next;
    free_drain(drain);
  }
}
