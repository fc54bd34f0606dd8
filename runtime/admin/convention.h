/* convention: who belongs to it, as one system sees it. Pure: it has neither clock nor socket, but is
 * given events with their time, and says what is to be done through a table. So it is tested by
 * tables and by the simulator.
 *
 * A convention is a star. Every system registers with each leader that its capability "Convention
 * Address.IPv4" lists, and again every period (its check-in); a leader answers. The leader that
 * counts is the first of the list that is there, or is this system itself; so all members with the
 * same list agree without a vote, and a stand-by has its members already when it takes over. Only
 * leaders know members; a member knows its leaders.
 *
 *   a member, at its leader:   unknown --REGISTER--> member --3 periods without one, LEAVE, PARTED--> unknown
 *   (pre-registered: known, but nobody is told, until it registers)
 *   a leader, at its member:   sought --MET--> greeted --REGISTERED--> registered --PARTED, LEAVE, 3 periods
 *   without an answer--> sought
 *
 * Each event is told once, in order, to the actors that asked (update): added when it registers,
 * when its capabilities change (added again, with the new ones), removed when it is gone. A system
 * that comes back under another identity is removed and added.
 *
 * A system whose own clock jumped or whose loop stalled (it is asked to turn much later than it
 * said) gives everybody that much more time.
 *
 * Threads: the admin's turn. Owns: what it knows of others.
 */
#ifndef TH_ADMIN_CONVENTION_H
#define TH_ADMIN_CONVENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "message/address.h"
#include "message/pack.h"

#define TH_CONVENTION_PERIOD 10.0 /* seconds: capability "Convention Check-in Period" */
#define TH_CONVENTION_MISSES 3

struct th_convention;

struct th_convention_ops {
  /* Sends a message of kind TH_KIND_CONVENTION to that system's admin. */
  void (*send)(void *context, const struct th_address *admin, const struct th_buffer *words);
  /* Sees to it that there is a session with who is at that place (an address without identity): MET
   * or PARTED will tell, at once where there is one. */
  void (*meet)(void *context, const struct th_address *place);
  /* Tells every actor that asked, or listener alone where it is not NULL. */
  void (*update)(void *context, const struct th_address *listener, const struct th_address *admin,
                 const struct th_bytes *capabilities, bool added);
};

struct th_convention_config {
  const struct th_convention_ops *ops;
  void *context;
  struct th_log *log;
  struct th_address own;           /* the admin */
  const struct th_address *places; /* of leaders, best first; borrowed for the call */
  size_t place_count;
  uint64_t period; /* nanoseconds */
};

/* Reads the capability "Convention Address.IPv4": "host:port", "host", {host, port} or a list of
 * these; names of hosts are looked up. default_port for those without. TH_ESTARTUP with a reason. At most
 * most places. */
int th_convention_places(const void *capabilities, size_t size, uint16_t default_port,
                         struct th_address *places, size_t most, size_t *count,
                         struct th_reason *reason);

/* What the runtime tells its own admin (message/protocol.h): the whole payload. place may be NULL;
 * end is one of enum th_session_end. */
void th_convention_pack_met(struct th_buffer *buffer, const struct th_address *admin,
                            const struct th_address *place);
void th_convention_pack_parted(struct th_buffer *buffer, const struct th_address *admin,
                               const struct th_address *place, int end, const char *words);

/* A place as it travels: text "ip:port", since addresses without identity do not, or an address;
 * nobody for nil. The error sticks where it is neither. */
struct th_address th_convention_read_place(struct th_unpack *reader);

struct th_convention *th_convention_new(const struct th_convention_config *config);
void th_convention_free(struct th_convention *convention);

/* The first thing, and whenever the time has come that it gave: does what is due. Gives when it
 * wants to be called next; TH_FOREVER for never. So do the other functions with now. capabilities:
 * this system's present ones. */
uint64_t th_convention_turn(struct th_convention *convention, uint64_t now,
                            struct th_bytes *capabilities);

/* A message of kind TH_KIND_CONVENTION from sender, but for PLACE, CALL and LOG; TH_EMALFORMED and
 * nothing done where it is none. */
int th_convention_receive(struct th_convention *convention, uint64_t now,
                          const struct th_address *sender, const void *payload, size_t size,
                          uint64_t *next);

/* This system's capabilities have changed. */
uint64_t th_convention_changed(struct th_convention *convention, uint64_t now,
                               struct th_bytes *capabilities);

/* An actor wants to hear: update is called for all that are there. */
void th_convention_listen(struct th_convention *convention, const struct th_address *listener);

uint64_t th_convention_pre_register(struct th_convention *convention, uint64_t now,
                                    const struct th_address *place, struct th_bytes *capabilities);
uint64_t th_convention_de_register(struct th_convention *convention, uint64_t now,
                                   const struct th_address *place);

/* Tells leaders and members that this system leaves. */
void th_convention_leave(struct th_convention *convention);

/* True when creations may go elsewhere: there is a leader, or a member. */
bool th_convention_has_others(const struct th_convention *convention);

/* True for this system itself, its members and its leaders: those whose wishes are served. */
bool th_convention_knows(const struct th_convention *convention, uint64_t identity);

/* The leader that counts: its admin, own where it is this system, nobody where none is there. */
struct th_address th_convention_leader(const struct th_convention *convention);

/* A leader's answer to PLACE: the admins of members whose capabilities have all that is in wanted (a
 * packed array [name, value or nil for true, ...]), and its own where not excluded, in an order that
 * begins with another one each time: an array. Those that nobody can connect to have no port.
 * excluded is the asker's system. */
void th_convention_candidates(struct th_convention *convention, const void *wanted, size_t size,
                              uint64_t excluded, struct th_buffer *buffer);

/* The admin of a member, by identity, without a port where nobody can connect to it (capability
 * "Outbound Only"); nobody where it is none. */
struct th_address th_convention_member(const struct th_convention *convention, uint64_t identity);

/* For the status, as message/protocol.h says; nil where this system knows of no other, and seeks
 * none. */
void th_convention_pack(const struct th_convention *convention, uint64_t now,
                        struct th_buffer *buffer);

#endif
