/* admin_source: the admin's part in sources. It loads and unloads them, tells who listens, asks the
 * source authority, and fetches what other systems have.
 *
 * A source that is not there yet is awaited: it is being fetched (admin_fetch.c), then, where there
 * is a source authority, that one looks at it. It is settled once: loaded, or refused, and all who
 * wait for it are told. While it is awaited its hash is expected (admin/expected.h).
 *
 * The authority is the actor that registered last. Its silence is a refusal after a while, a later
 * approval counts all the same; who dies in that role keeps it, so that nothing is loaded until
 * another one registers. Whoever else sends a ValidatedSource is not heard.
 *
 * Threads: the admin's turn. Owns: what is awaited.
 */
#ifndef TH_ADMIN_ADMIN_SOURCE_H
#define TH_ADMIN_ADMIN_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/source.h"
#include "base/buffer.h"
#include "message/address.h"
#include "message/message.h"

struct th_admin;
struct th_admin_request;

/* Addresses that asked for something, each once. */
struct th_members {
  struct th_address *all;
  size_t count;
};

/* Requests that wait for one answer. */
struct th_admin_waiters {
  struct th_admin_waiter *all;
  size_t count;
};

/* A source that is not there yet. */
struct th_awaited {
  struct th_awaited *next;
  char hash[TH_DIGEST_TEXT_SIZE];
  char *info;
  bool implicit;
  struct th_members waiters;      /* are born with it */
  struct th_admin_waiters askers; /* LOAD requests */

  struct th_bytes *original; /* what the authority looks at; NULL: it is being fetched */
  uint64_t due;              /* when its silence is a refusal */

  struct th_members hosts; /* admins of systems that have it; the first one is asked */
  uint64_t origin;         /* the identity of the one that it came from; 0: it was loaded here */
  bool wants_original;     /* since an authority is to look at it */
  bool is_validated;       /* by an authority there */
  struct th_buffer data;
  size_t asked;   /* so much of it was asked for */
  uint64_t total; /* 0: not known yet */
  char digest[TH_DIGEST_TEXT_SIZE];
};

/* A source that is unloaded, and who waits until no actor runs from it (admin_drain.c). */
struct th_drain;

/* A source that has come from another system, or gone to others. */
struct th_share {
  struct th_share *next;
  char hash[TH_DIGEST_TEXT_SIZE];
  uint64_t origin;          /* the system that it came from; 0: it was loaded here */
  struct th_members takers; /* admins that have fetched it */
};

struct th_admin_sources {
  struct th_address authority; /* nobody: none has registered */
  bool trusts_others;          /* what other systems have approved is not judged again */
  struct th_awaited *awaited;
  size_t awaited_count;
  struct th_share *shares;
  struct th_drain *drains;
  uint64_t tick; /* when the one that counts is due */
};

void th_admin_source_open(struct th_admin *admin);
void th_admin_source_close(struct th_admin *admin);

/* ---- requests ---- */

int th_admin_load(struct th_admin_request *request);
int th_admin_unload(struct th_admin_request *request);
int th_admin_tell_of_load(struct th_admin_request *request);
int th_admin_listen_for_sources(struct th_admin_request *request);
int th_admin_set_authority(struct th_admin_request *request);

/* ---- draining ---- */

/* The request is answered when no actor runs from the source, which is about to be unloaded. */
void th_admin_drain(struct th_admin_request *request, struct th_source *source);

/* The same of one that drains already: false when none with that hash does. */
bool th_admin_drain_on(struct th_admin_request *request, const char *hash);

/* Answers who waits for a source that no actor runs from any more. */
void th_admin_drained(struct th_admin *admin);

void th_admin_drain_close(struct th_admin *admin);

/* ---- messages ---- */

/* Of kind TH_KIND_SOURCE. */
void th_admin_source_receive(struct th_admin *admin, const struct th_message *message);

/* An actor's: a ValidatedSource counts if it is from the authority. */
void th_admin_validated(struct th_admin *admin, const struct th_message *message);

/* An actor that is born waits for a source that the system with that admin has: it is fetched. */
void th_admin_fetch(struct th_admin *admin, const char *hash, const struct th_address *host);

/* That system is lost. */
void th_admin_fetch_lost(struct th_admin *admin, uint64_t identity);

/* ---- between the files of this module ---- */

struct th_awaited *th_admin_awaited(struct th_admin *admin, const char *hash);
/* A new one, expected from now on; NULL when there are too many. */
struct th_awaited *th_admin_await(struct th_admin *admin, const char *hash, const char *info,
                                  bool implicit);
/* The end of it: error 0 once it is loaded. */
void th_admin_settle(struct th_admin *admin, struct th_awaited *awaited, int error,
                     const char *words);
/* What is to run has come, by the authority here or there, or because there is none: it is opened,
 * loaded and settled, or refused. */
void th_admin_accept(struct th_admin *admin, struct th_awaited *awaited, const void *zip,
                     size_t size, bool is_validated);
/* The authority is asked; takes a reference of its own. */
void th_admin_validate(struct th_admin *admin, struct th_awaited *awaited,
                       struct th_bytes *original);
/* It is time: who was not judged in time is refused. */
void th_admin_source_tick(struct th_admin *admin);
/* Whether the authority here judges what has come from other systems. */
bool th_admin_judges_others(struct th_admin *admin);
void th_admin_read_judgement(struct th_admin *admin);
void th_admin_fetch_receive(struct th_admin *admin, const struct th_message *message);
/* The system's own record of a source that is shared, made where there is none. */
struct th_share *th_admin_share(struct th_admin *admin, const char *hash);
void th_admin_unshare(struct th_admin *admin, const char *hash);
/* Unloads what has that hash, if anything does. */
void th_admin_drop(struct th_admin *admin, const char *hash);
void th_members_set(struct th_members *members, const struct th_address *address, bool is_member);

#endif
