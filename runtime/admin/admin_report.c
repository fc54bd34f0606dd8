/* Warnings for the leader: what this system's log is told, from warnings on, goes to the log of the
 * leader that counts; what members tell is written to the log here, and not told again.
 *
 * Whoever writes a line hands it to the admin, who passes it on in its turn. Neither is ever held:
 * what is too much for the admin's mailbox, for the ration or for the link to the leader is dropped,
 * and counted. */
#include <stdio.h>

#include "admin/admin_inside.h"
#include "base/clock.h"
#include "message/protocol.h"

/* Bytes of a line. */
#define LINE_LIMIT ((size_t)16 << 10)

/* So many lines wait for the admin at most. */
#define MOST_UNDER_WAY 256

static const struct th_ration_limits limits = {.window = 10 * TH_SECOND,
                                               .lines = 200,
                                               .bytes = 128 << 10,
                                               .all_lines = 200,
                                               .all_bytes = 128 << 10};

static void drop(struct th_admin_reports *reports, uint64_t count) {
  /* Relaxed, as is under_way: nothing hangs on them. */
  atomic_fetch_add_explicit(&reports->dropped, count, memory_order_relaxed);
}

static void pack_line(struct th_buffer *buffer, enum th_log_level level, const void *words,
                      size_t size) {
  th_buffer_init(buffer);
  th_pack_array(buffer, 3);
  th_pack_int(buffer, TH_CONVENTION_LOG);
  th_pack_int(buffer, level);
  th_pack_str(buffer, words, size < LINE_LIMIT ? size : LINE_LIMIT);
}

static void send_line(struct th_actor *actor, const struct th_address *to, enum th_log_level level,
                      const void *words, size_t size) {
  struct th_buffer buffer;
  pack_line(&buffer, level, words, size);
  struct th_message *message = th_message_pack(TH_KIND_CONVENTION, to, &actor->address, &buffer);
  th_buffer_clear(&buffer);
  if (message != NULL) actor->world->ops->send(actor->world, message);
}

/* ---- what the log tells: any thread ---- */

static void tell(void *context, enum th_log_level level, const void *words, size_t size) {
  struct th_admin_reports *reports = context;
  struct th_world *world = reports->world;
  struct th_buffer buffer;
  struct th_message *message = NULL;
  if (atomic_fetch_add_explicit(&reports->under_way, 1, memory_order_relaxed) < MOST_UNDER_WAY) {
    pack_line(&buffer, level, words, size);
    message = th_message_pack(TH_KIND_CONVENTION, &world->admin, &world->admin, &buffer);
    th_buffer_clear(&buffer);
  }
  if (message != NULL) {
    world->ops->send(world, message);
    return;
  }
  atomic_fetch_sub_explicit(&reports->under_way, 1, memory_order_relaxed);
  drop(reports, 1);
}

/* ---- what is passed on: the admin's turn ---- */

/* The leader that counts, where that is another system; else nobody. */
static struct th_address leader_of(const struct th_admin *admin, const struct th_actor *actor) {
  struct th_address leader = th_convention_leader(admin->convention);
  bool has_others = th_convention_has_others(admin->convention);
  return has_others && leader.system != actor->address.system ? leader : TH_NOBODY;
}

static bool is_full(const struct th_admin *admin, const struct th_address *leader) {
  return admin->config.ops->is_full(admin->config.context, leader);
}

void th_admin_report_open(struct th_admin *admin, struct th_actor *actor) {
  struct th_admin_reports *reports = &admin->reports;
  reports->world = actor->world;
  reports->ration = th_ration_new(&limits);
  reports->tap = (struct th_log_tap){.tell = tell, .context = reports};
}

void th_admin_report_close(struct th_admin *admin) {
  if (admin->reports.world != NULL) th_log_set_tap(admin->reports.world->log, NULL);
  th_ration_free(admin->reports.ration);
}

static void count_refused(void *context, const char *name, uint64_t refused) {
  (void)name;
  drop(context, refused);
}

static void tell_dropped(struct th_admin *admin, struct th_actor *actor,
                         const struct th_address *leader) {
  char words[96];
  uint64_t dropped = atomic_exchange_explicit(&admin->reports.dropped, 0, memory_order_relaxed);
  if (dropped == 0) return;
  int size = snprintf(words, sizeof words, "dropped %llu line%s on the way to the leader's log",
                      (unsigned long long)dropped, dropped == 1 ? "" : "s");
  send_line(actor, leader, TH_LOG_WARNING, words, (size_t)size);
}

void th_admin_report_turn(struct th_admin *admin, struct th_actor *actor, bool is_time) {
  struct th_admin_reports *reports = &admin->reports;
  struct th_address leader = leader_of(admin, actor);
  bool is_led = !th_address_is_none(&leader);
  th_log_set_tap(actor->world->log, is_led ? &reports->tap : NULL);
  if (!is_time) return;
  th_ration_turn(reports->ration, th_clock_now(), count_refused, reports);
  if (is_led && !is_full(admin, &leader)) tell_dropped(admin, actor, &leader);
}

/* A line of this system's own log. */
static void pass_on(struct th_admin *admin, struct th_actor *actor, enum th_log_level level,
                    const char *words, size_t size) {
  struct th_admin_reports *reports = &admin->reports;
  struct th_address leader = leader_of(admin, actor);
  atomic_fetch_sub_explicit(&reports->under_way, 1, memory_order_relaxed);
  if (th_address_is_none(&leader)) return;
  th_ration_turn(reports->ration, th_clock_now(), count_refused, reports);
  if (is_full(admin, &leader)) {
    drop(reports, 1);
  } else if (th_ration_take(reports->ration, 0, NULL)) {
    th_ration_charge(reports->ration, 0, size);
    send_line(actor, &leader, level, words, size);
  }
}

/* ---- what members tell ---- */

static void write_line(struct th_actor *actor, const struct th_address *member,
                       enum th_log_level level, const char *words, size_t size) {
  char address[TH_ADDRESS_TEXT_SIZE];
  struct th_log_source source = {.key = member->system,
                                 .class_name = "system",
                                 .address = th_address_text(member, address),
                                 .logger = "",
                                 .is_elsewhere = true};
  th_log_write_text(actor->world->log, &source, level, words,
                    size < LINE_LIMIT ? size : LINE_LIMIT);
}

int th_admin_report_receive(struct th_admin *admin, struct th_actor *actor,
                            const struct th_message *message, struct th_unpack *reader) {
  size_t size;
  int64_t level = th_unpack_int(reader);
  const char *words = th_unpack_str(reader, &size);
  if (reader->error != 0 || words == NULL || level < TH_LOG_DEBUG || level > TH_LOG_CRITICAL)
    return TH_EMALFORMED;
  if (th_address_equal(&message->sender, &actor->address))
    pass_on(admin, actor, (enum th_log_level)level, words, size);
  else
    write_line(actor, &message->sender, (enum th_log_level)level, words, size);
  return 0;
}
