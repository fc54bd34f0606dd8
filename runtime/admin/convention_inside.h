/* convention_inside: the parts of a convention, for its own files alone (convention*.c).
 *
 * Others are known by their identity, whatever they are to this system (a member of it, a leader of
 * it, both); so what one of them is, is told once. Places are where somebody is sought, whoever that
 * is. A place finds an identity (MET) and loses it; an other is there as long as it is a member or
 * a leader.
 *
 * Threads: the admin's turn.
 */
#ifndef TH_ADMIN_CONVENTION_INSIDE_H
#define TH_ADMIN_CONVENTION_INSIDE_H

#include "admin/convention.h"
#include "base/map.h"
#include "message/protocol.h"

/* What strangers can make a system remember. */
#define TH_CONVENTION_MEMBERS 10000
#define TH_CONVENTION_INVITATIONS 16

enum th_leading { TH_LEADING_NOT, TH_LEADING_GREETED, TH_LEADING_REGISTERED };

/* Another system. */
struct th_other {
  struct th_address admin;
  struct th_bytes *capabilities; /* NULL: it has not said them yet */
  uint64_t version;              /* of these */
  uint64_t said;                 /* the version of this system's that it was sent last; 0: none */
  bool is_told;                  /* those who listen know that it is there */

  bool is_member;
  uint64_t checked_in;

  enum th_leading leading;
  uint64_t answered;
  uint64_t due;   /* when this system checks in there */
  uint64_t first; /* the number of the first check-in since it was greeted */
};

enum th_place_kind { TH_PLACE_LISTED, TH_PLACE_INVITED, TH_PLACE_EXPECTED };

/* Where a leader of the list is sought, one that has invited this system, or one that was
 * pre-registered here. */
struct th_place {
  struct th_address address;
  enum th_place_kind kind;
  uint64_t identity;             /* who is there; 0: nobody known */
  uint64_t sought;               /* when it was sought last; 0: never */
  uint64_t due;                  /* when it is sought, or invited, again */
  bool is_missed;                /* the log says that nobody is there */
  struct th_bytes *capabilities; /* EXPECTED: as given; may be NULL */
};

struct th_convention {
  struct th_convention_config config; /* without its places */
  struct th_bytes *capabilities;      /* this system's; NULL before the first turn */
  uint64_t version;                   /* of these, from 1 on */
  uint64_t number;                    /* of the last check-in */
  uint64_t wanted;                    /* what the last call gave */
  bool has_left;

  struct th_place *places; /* those of the list first, in its order */
  size_t place_count;
  struct th_other **others; /* in the order of their coming */
  size_t count;
  struct th_map by_identity;

  uint64_t turn; /* of the candidates' order */
};

/* True for one that counts: a member, or a leader that has taken this system. */
static inline bool th_other_is_there(const struct th_other *other) {
  return other->capabilities != NULL &&
         (other->is_member || other->leading == TH_LEADING_REGISTERED);
}

static inline struct th_other *th_convention_find(const struct th_convention *convention,
                                                  uint64_t identity) {
  return identity != 0 ? th_map_find(&convention->by_identity, identity) : NULL;
}

/* ---- others and places ---- */

bool th_convention_is_own(const struct th_convention *convention, const struct th_address *place);
bool th_convention_is_same_place(const struct th_address *one, const struct th_address *other);
void th_convention_log(const struct th_convention *convention, enum th_log_level level,
                       const struct th_address *admin, const char *words);

void th_convention_say(struct th_convention *convention, const struct th_address *admin,
                       enum th_convention_operation operation);
/* A REGISTER or REGISTERED; the capabilities go with it where the other has not got these. */
void th_convention_say_capabilities(struct th_convention *convention, struct th_other *other,
                                    enum th_convention_operation operation, uint64_t number);
void th_convention_check_in(struct th_convention *convention, uint64_t now,
                            struct th_other *leader);
void th_convention_seek(struct th_convention *convention, uint64_t now, struct th_place *place);
void th_convention_update(struct th_convention *convention, const struct th_address *listener,
                          const struct th_other *other, bool added);

struct th_other *th_convention_add_other(struct th_convention *convention, uint64_t now,
                                         const struct th_address *admin);
void th_other_free(struct th_other *other);

/* After a change of what other is: tells of it, and frees who is nothing to this system any more. */
void th_convention_settle(struct th_convention *convention, struct th_other *other);

/* Ends that other is a leader; all that it was, and it may be NULL. May free it. */
void th_convention_dismiss(struct th_convention *convention, uint64_t now, struct th_other *other);
void th_convention_part(struct th_convention *convention, struct th_other *other);

/* Whoever was found with that identity is no more where it was. */
void th_convention_vacate(struct th_convention *convention, uint64_t now, uint64_t identity);

struct th_place *th_convention_add_place(struct th_convention *convention,
                                         const struct th_address *address, enum th_place_kind kind);
void th_convention_remove_place(struct th_convention *convention, struct th_place *place);

/* Whether it is there that admin was found: at the place sought, or where it says it is. */
bool th_place_is_found(const struct th_place *place, const struct th_address *admin,
                       const struct th_address *sought);
/* Somebody is at the place with that index: who was there before is gone. */
void th_convention_occupy(struct th_convention *convention, uint64_t now, size_t index,
                          const struct th_address *admin);

/* ---- time: the beginning and the end of each call ---- */

void th_convention_catch_up(struct th_convention *convention, uint64_t now);
uint64_t th_convention_advance(struct th_convention *convention, uint64_t now);

#endif
