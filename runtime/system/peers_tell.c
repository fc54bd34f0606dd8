#include "admin/convention.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/peers.h"
#include "system/peers_inside.h"

void th_peers_tell(struct th_peers *peers, enum th_kind kind, const struct th_address *target,
                   const struct th_buffer *buffer) {
  struct th_system *system = peers->system;
  struct th_message *message = th_message_pack(kind, target, &system->world.admin, buffer);
  if (message != NULL) th_router_send(&system->world, message);
}

void th_peers_tell_met(struct th_peers *peers, const struct th_address *admin,
                       const struct th_address *place) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_convention_pack_met(&buffer, admin, place);
  th_peers_tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
  th_buffer_clear(&buffer);
}

void th_peers_tell_parted(struct th_peers *peers, const struct th_address *admin,
                          const struct th_address *place, enum th_session_end end,
                          const char *words) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_convention_pack_parted(&buffer, admin, place, (int)end, words);
  th_peers_tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
  th_buffer_clear(&buffer);
}

void th_peers_tell_call(struct th_peers *peers, uint64_t identity) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, TH_CONVENTION_CALL);
  th_pack_int(&buffer, (int64_t)identity);
  th_peers_tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
  th_buffer_clear(&buffer);
}

static const char *end_words(enum th_session_end end) {
  switch (end) {
  case TH_SESSION_LEFT:
    return "system lost: it has left";
  case TH_SESSION_RESTARTED:
    return "system lost: it was restarted";
  case TH_SESSION_ABSENT:
    return "system lost: there is no connection to it";
  case TH_SESSION_REFUSED:
    return "system lost: it refuses to speak with this one";
  default:
    return "system lost";
  }
}

void th_peers_tell_lost(struct th_peers *peers, uint64_t forward, enum th_session_end end) {
  struct th_buffer buffer;
  struct th_address target = th_system_address(peers->system, forward);
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 3);
  th_pack_int(&buffer, TH_REMOTE_LOST);
  th_pack_text(&buffer, end_words(end));
  th_pack_bool(&buffer, end == TH_SESSION_ABSENT || end == TH_SESSION_REFUSED);
  th_peers_tell(peers, TH_KIND_REMOTE, &target, &buffer);
  th_buffer_clear(&buffer);
}
