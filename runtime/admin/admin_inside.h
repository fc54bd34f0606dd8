/* admin_inside: the admin's state, for its own files alone (admin*.c).
 *
 * Threads: the admin's turn.
 */
#ifndef TH_ADMIN_ADMIN_INSIDE_H
#define TH_ADMIN_ADMIN_INSIDE_H

#include <stdatomic.h>

#include "admin/admin.h"
#include "admin/admin_source.h"
#include "admin/convention.h"
#include "base/log.h"
#include "base/ration.h"
#include "message/pack.h"

/* Warnings for the leader's log (admin_report.c). */
struct th_admin_reports {
  struct th_world *world;
  struct th_log_tap tap;
  struct th_ration *ration;
  atomic_uint under_way;        /* lines that the admin has not taken yet */
  atomic_uint_fast64_t dropped; /* of which the leader has not been told yet */
};

struct th_admin {
  struct th_admin_config config;
  struct th_members dead_letter_handlers;
  struct th_members source_listeners;
  struct th_admin_sources source;
  struct th_members registration_listeners;
  struct th_admin_waiters shutdown_waiters;
  bool is_ending;
  bool has_stopped;

  struct th_actor *actor; /* whose state this is, once it is open */
  struct th_convention *convention;
  struct th_admin_reports reports;
  uint64_t tick; /* when the one that counts is due; TH_FOREVER: none is on its way */
};

/* One request while it is answered. */
struct th_admin_request {
  struct th_admin *admin;
  struct th_actor *actor;
  const struct th_message *message;
  struct th_unpack arguments;
  struct th_buffer answer;
  struct th_reason reason;
  bool later; /* the answer comes from elsewhere, or not now */
};

/* Sends what is in buffer to every member; those that are gone are forgotten. */
void th_admin_tell(struct th_admin *admin, struct th_actor *actor, struct th_members *members,
                   enum th_kind kind, const struct th_buffer *buffer);

/* The request is answered later, with all others among the waiters. */
void th_admin_answer_later(struct th_admin_request *request, struct th_admin_waiters *waiters);

/* Answers them. */
void th_admin_answer(struct th_admin *admin, const struct th_admin_waiters *waiters,
                     const struct th_buffer *words);

/* A request whose argument says whether its sender is a member from now on. */
int th_admin_set_membership(struct th_admin_request *request, struct th_members *members);

/* ---- the convention ---- */

void th_admin_convention_open(struct th_admin *admin, struct th_actor *actor);
void th_admin_convention_receive(struct th_admin *admin, struct th_actor *actor,
                                 const struct th_message *message);

/* This system's capabilities have changed; it ends. */
void th_admin_convention_changed(struct th_admin *admin, struct th_actor *actor);
void th_admin_convention_leave(struct th_admin *admin, struct th_actor *actor);

/* ---- warnings for the leader's log ---- */

void th_admin_report_open(struct th_admin *admin, struct th_actor *actor);
void th_admin_report_close(struct th_admin *admin);

/* The leader may be another one. is_time: what was dropped is told. */
void th_admin_report_turn(struct th_admin *admin, struct th_actor *actor, bool is_time);

/* A LOG, by this system's log or by a member. */
int th_admin_report_receive(struct th_admin *admin, struct th_actor *actor,
                            const struct th_message *message, struct th_unpack *reader);

/* ---- requests ---- */

int th_admin_listen_for_systems(struct th_admin_request *request);
int th_admin_pre_register(struct th_admin_request *request);
int th_admin_de_register(struct th_admin_request *request);

#endif
