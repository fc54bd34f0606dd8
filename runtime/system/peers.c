#include "system/peers.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/convention.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/inside.h"
#include "system/pressure.h"

/* How long a system that ends waits for others to acknowledge what they were told; and for those with
 * whom there is no connection now. */
#define FAREWELL (2 * TH_SECOND)
#define SHORT_FAREWELL (200 * TH_MILLISECOND)

/* A connection is made and greeted in less, where the two can reach each other. */
#define SHORTEST_ATTEMPT (500 * TH_MILLISECOND)

/* So many identities that are no more are remembered, so that nobody is connected to in vain. */
#define MOST_GONE 4096

struct th_peers {
  struct th_system *system;
  struct th_loop *loop;
  struct th_wire *wire;
  struct th_session_config config;
  void (*empty)(void *context);
  void *context;
  atomic_uint_fast64_t carried;
  atomic_uint_fast64_t returned;
  pthread_mutex_t lock;
  struct th_map all;  /* by identity: struct peer, with a reference */
  struct th_map gone; /* identities that will not come back */
  bool is_closing;
  size_t count;  /* loop: sessions that have not ended */
  size_t probes; /* loop: under way */
};

/* Another system. The table holds a reference, and so does each task and each sender under way. */
struct peer {
  atomic_uint references;
  struct th_peers *peers;
  struct th_address admin;    /* place: where it is connected to; under the lock */
  struct th_session *session; /* NULL: the loop has not made it yet; under the lock */
  struct th_queue early;      /* what was sent before; under the lock */
  struct th_map forwards;     /* by number: who is told of its end; under the lock */
  struct th_actor *account;   /* fixed, as is the next */
  struct th_pressure *pressure;
  struct th_task begin;         /* makes the session */
  pthread_mutex_t waiting_lock; /* the number told last is the last; under it, is_over */
  bool is_over;                 /* the account may be another's */
};

static struct peer *ref(struct peer *peer) {
  /* Relaxed: who has a reference to copy needs nothing else to be visible. */
  atomic_fetch_add_explicit(&peer->references, 1, memory_order_relaxed);
  return peer;
}

static void unref(struct peer *peer) {
  /* Release, acquire: the last one sees all that the others did with it. */
  if (atomic_fetch_sub_explicit(&peer->references, 1, memory_order_acq_rel) > 1) return;
  if (peer->session != NULL) th_session_unref(peer->session);
  th_pressure_free(peer->pressure);
  th_map_clear(&peer->forwards);
  pthread_mutex_destroy(&peer->waiting_lock);
  free(peer);
}

/* ---- telling the admin and the forwards ---- */

static void tell(struct th_peers *peers, enum th_kind kind, const struct th_address *target,
                 const struct th_buffer *buffer) {
  struct th_system *system = peers->system;
  struct th_message *message = th_message_pack(kind, target, &system->world.admin, buffer);
  if (message != NULL) th_router_send(&system->world, message);
}

static void tell_met(struct th_peers *peers, const struct th_address *admin,
                     const struct th_address *place) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_convention_pack_met(&buffer, admin, place);
  tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
  th_buffer_clear(&buffer);
}

static void tell_parted(struct th_peers *peers, const struct th_address *admin,
                        const struct th_address *place, enum th_session_end end,
                        const char *words) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_convention_pack_parted(&buffer, admin, place, (int)end, words);
  tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
  th_buffer_clear(&buffer);
}

/* Whether that system can be connected to is not in its address: a leader has it connect to us where
 * it cannot. */
static void ask_for_call(struct th_peers *peers, uint64_t identity) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, TH_CONVENTION_CALL);
  th_pack_int(&buffer, (int64_t)identity);
  tell(peers, TH_KIND_CONVENTION, &peers->system->world.admin, &buffer);
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

static void tell_lost(struct th_peers *peers, uint64_t forward, enum th_session_end end) {
  struct th_buffer buffer;
  struct th_address target = th_system_address(peers->system, forward);
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 3);
  th_pack_int(&buffer, TH_REMOTE_LOST);
  th_pack_text(&buffer, end_words(end));
  th_pack_bool(&buffer, end == TH_SESSION_ABSENT || end == TH_SESSION_REFUSED);
  tell(peers, TH_KIND_REMOTE, &target, &buffer);
  th_buffer_clear(&buffer);
}

/* ---- messages: any thread ---- */

/* After each change of what the session has waiting, whoever made it. */
static void tell_waiting(struct peer *peer) {
  struct th_system *system = peer->peers->system;
  pthread_mutex_lock(&peer->waiting_lock);
  if (!peer->is_over) th_account_waits(system, peer->account, th_session_waiting(peer->session));
  pthread_mutex_unlock(&peer->waiting_lock);
}

static void bury(struct th_peers *peers, struct th_message *message) {
  atomic_fetch_add_explicit(&peers->returned, 1, memory_order_relaxed);
  th_router_dead(&peers->system->world, message);
}

/* Takes peer's reference. */
static struct th_actor *transmit(struct peer *peer, struct th_session *session,
                                 struct th_message *message) {
  struct th_actor *account = peer->account;
  struct th_actor *full = th_pressure_of(peer->pressure, &message->target);
  struct th_holds *holds = peer->peers->system->holds;
  th_session_send(session, message);
  tell_waiting(peer);
  unref(peer);
  return full != NULL || !th_holds_is_full(holds, account) ? full : account;
}

/* ---- full mailboxes: loop ---- */

static void pressure_tell(void *context, const struct th_address *target, bool is_full) {
  struct peer *peer = context;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_int(&buffer, is_full ? TH_REMOTE_FULL : TH_REMOTE_ROOM);
  th_pack_address(&buffer, target);
  tell(peer->peers, TH_KIND_REMOTE, &peer->admin, &buffer);
  th_buffer_clear(&buffer);
}

static void pressure_keep(void *context) {
  ref(context);
}

static void pressure_drop(void *context) {
  unref(context);
}

static const struct th_pressure_events pressure_events = {
  .tell = pressure_tell, .keep = pressure_keep, .drop = pressure_drop};

/* ---- the table: under the lock ---- */

static void run_begin(struct th_task *task);

/* A new one, in the table; NULL when there can be none. */
static struct peer *add_peer(struct th_peers *peers, const struct th_address *admin) {
  struct th_actor *account = th_account_open(peers->system);
  if (account == NULL) return NULL;
  struct peer *peer = th_new(struct peer);
  atomic_init(&peer->references, 1);
  pthread_mutex_init(&peer->waiting_lock, NULL);
  th_map_init(&peer->forwards);
  peer->peers = peers;
  peer->admin = *admin;
  peer->admin.number = TH_ADMIN_NUMBER;
  if (!th_address_reaches(&peers->system->world.admin, admin)) peer->admin.port = 0;
  peer->account = account;
  peer->pressure = th_pressure_new(peers->system, peers->loop, &pressure_events, peer);
  peer->begin.run = run_begin;
  th_map_put(&peers->all, admin->system, peer);
  return peer;
}

/* The peer that an address belongs to, made where there is none; *is_new: its session is to be
 * begun, by a post after the lock is released. NULL when there can be none. */
static struct peer *obtain(struct th_peers *peers, const struct th_address *address, bool *is_new) {
  struct peer *peer = th_map_find(&peers->all, address->system);
  *is_new = false;
  if (peer != NULL || peers->is_closing || th_map_find(&peers->gone, address->system) != NULL)
    return peer;
  peer = add_peer(peers, address);
  *is_new = peer != NULL;
  return peer;
}

/* With the reference that the task has. */
static void begin_soon(struct peer *peer) {
  th_loop_post(peer->peers->loop, &ref(peer)->begin);
  ask_for_call(peer->peers, peer->admin.system);
}

struct th_actor *th_peers_carry(struct th_peers *peers, const struct th_address *host,
                                struct th_message *message) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = obtain(peers, host, &is_new);
  struct th_session *session = peer != NULL ? peer->session : NULL;
  if (peer != NULL) ref(peer);
  if (peer != NULL && session == NULL) th_queue_push(&peer->early, message);
  pthread_mutex_unlock(&peers->lock);
  atomic_fetch_add_explicit(&peers->carried, 1, memory_order_relaxed);
  if (is_new) begin_soon(peer);
  if (session != NULL) return transmit(peer, session, message);
  if (peer != NULL)
    unref(peer);
  else
    bury(peers, message);
  return NULL;
}

struct th_actor *th_peers_send(struct th_peers *peers, struct th_message *message) {
  return th_peers_carry(peers, &message->target, message);
}

bool th_peers_is_full(struct th_peers *peers, const struct th_address *host) {
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_map_find(&peers->all, host->system);
  struct th_actor *account = peer != NULL ? peer->account : NULL;
  pthread_mutex_unlock(&peers->lock);
  return account != NULL && th_holds_is_full(peers->system->holds, account);
}

bool th_peers_depend(struct th_peers *peers, const struct th_address *host, uint64_t forward) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = obtain(peers, host, &is_new);
  if (peer != NULL) th_map_put(&peer->forwards, forward, peer);
  if (is_new) ref(peer);
  pthread_mutex_unlock(&peers->lock);
  if (!is_new) return peer != NULL;
  begin_soon(peer);
  unref(peer);
  return true;
}

void th_peers_forget(struct th_peers *peers, const struct th_address *host, uint64_t forward) {
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_map_find(&peers->all, host->system);
  if (peer != NULL) th_map_remove(&peer->forwards, forward);
  pthread_mutex_unlock(&peers->lock);
}

/* ---- what sessions tell: loop ---- */

static void on_up(void *context, struct th_session *session, const struct th_meeting *other) {
  struct peer *peer = context;
  struct th_peers *peers = peer->peers;
  char text[TH_ADDRESS_TEXT_SIZE];
  (void)session;
  pthread_mutex_lock(&peers->lock);
  if (other->admin.port != 0 && peer->admin.port == 0) peer->admin = other->admin;
  struct th_address admin = peer->admin;
  pthread_mutex_unlock(&peers->lock);
  th_log_write(peers->system->world.log, TH_LOG_INFO, "connected to %s",
               th_address_text(&admin, text));
  tell_met(peers, &admin, NULL);
}

static void on_down(void *context, struct th_session *session, const char *words) {
  struct peer *peer = context;
  (void)session;
  th_log_write(peer->peers->system->world.log, TH_LOG_INFO, "%s", words);
}

/* What one system may say to another; the rest is each one's own. */
static bool may_enter(const struct th_message *message) {
  struct th_unpack reader;
  switch (message->kind) {
  case TH_KIND_CONVENTION:
  case TH_KIND_REMOTE:
    th_unpack_init(&reader, message->payload, message->size);
    th_unpack_array(&reader);
    return th_unpack_int(&reader) < 32 && reader.error == 0;
  case TH_KIND_REPLY:
  case TH_KIND_DEAD_NOTICE:
  case TH_KIND_PRESENCE:
    return true;
  default:
    return message->kind <= TH_KIND_STATUS_REQUEST;
  }
}

/* What is between the runtimes alone. True: it was that. */
static bool take_aside(struct peer *peer, const struct th_message *message) {
  struct th_unpack reader;
  if (message->kind != TH_KIND_REMOTE) return false;
  th_unpack_init(&reader, message->payload, message->size);
  th_unpack_array(&reader);
  int64_t operation = th_unpack_int(&reader);
  if (operation == TH_REMOTE_OPEN) {
    th_hosting_open(peer->peers->system->hosting, &message->target);
    return true;
  }
  if (operation != TH_REMOTE_FULL && operation != TH_REMOTE_ROOM) return false;
  struct th_address target = th_unpack_address(&reader);
  if (reader.error == 0) th_pressure_set(peer->pressure, &target, operation == TH_REMOTE_FULL);
  return true;
}

/* What is for an alias comes from its forward. Nothing is sent on to third systems. */
static void enter(struct peer *peer, struct th_message *message) {
  struct th_system *system = peer->peers->system;
  struct th_address target = message->target;
  struct th_actor *full = NULL;
  if (target.system == system->identity) {
    full = th_router_send(&system->world, message);
  } else if (!th_hosting_send(system->hosting, message, true, &full)) {
    atomic_fetch_add_explicit(&system->turned_away, 1, memory_order_relaxed);
    th_router_dead(&system->world, message);
  }
  if (full != NULL && target.number != TH_ADMIN_NUMBER)
    th_pressure_note(peer->pressure, full, &target);
}

static void on_message(void *context, struct th_session *session, struct th_message *message) {
  struct peer *peer = context;
  (void)session;
  message->flags &= TH_MESSAGE_ASK |
                    (message->kind == TH_KIND_EXIT_REQUEST ? TH_MESSAGE_URGENT : 0);
  if (!may_enter(message)) {
    th_message_free(message);
  } else if (take_aside(peer, message)) {
    th_message_free(message);
  } else {
    enter(peer, message);
  }
}

static void on_drained(void *context, struct th_session *session) {
  (void)session;
  tell_waiting(context);
}

static void on_undeliverable(void *context, struct th_session *session,
                             struct th_message *message) {
  struct peer *peer = context;
  (void)session;
  if (TH_PLANT(11))
    th_message_free(message);
  else
    bury(peer->peers, message);
}

/* Nobody is held for it any more. */
static void close_account(struct peer *peer) {
  pthread_mutex_lock(&peer->waiting_lock);
  peer->is_over = true;
  th_account_close(peer->peers->system, peer->account);
  pthread_mutex_unlock(&peer->waiting_lock);
}

static void remember_gone(struct th_peers *peers, uint64_t identity) {
  if (peers->gone.count >= MOST_GONE) {
    th_map_clear(&peers->gone);
    th_map_init(&peers->gone);
  }
  th_map_put(&peers->gone, identity, peers);
}

static void tell_forwards(struct th_peers *peers, struct th_map *forwards,
                          enum th_session_end end) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(forwards, &cursor)) != NULL && !TH_PLANT(5))
    tell_lost(peers, slot->hash, end);
  th_map_clear(forwards);
}

static void end_if_empty(struct th_peers *peers) {
  if (th_peers_are_gone(peers)) peers->empty(peers->context);
}

/* That one of them leaves is no trouble; the words may know nothing but a port it has come from. */
static void log_end(struct th_peers *peers, const struct th_address *admin, enum th_session_end end,
                    const char *words) {
  char text[TH_ADDRESS_TEXT_SIZE];
  bool is_wanted = end == TH_SESSION_CLOSED || end == TH_SESSION_LEFT;
  th_log_write(peers->system->world.log, is_wanted ? TH_LOG_INFO : TH_LOG_WARNING, "system %s: %s",
               th_address_text(admin, text), words);
}

static void on_ended(void *context, struct th_session *session, enum th_session_end end,
                     const char *words) {
  struct peer *peer = context;
  struct th_peers *peers = peer->peers;
  (void)session;
  pthread_mutex_lock(&peers->lock);
  if (th_map_find(&peers->all, peer->admin.system) == peer)
    th_map_remove(&peers->all, peer->admin.system);
  if (end == TH_SESSION_LEFT) remember_gone(peers, peer->admin.system);
  struct th_map forwards = peer->forwards;
  struct th_address admin = peer->admin;
  th_map_init(&peer->forwards);
  pthread_mutex_unlock(&peers->lock);
  log_end(peers, &admin, end, words);
  close_account(peer);
  th_pressure_end(peer->pressure);
  tell_forwards(peers, &forwards, end);
  th_hosting_lose(peers->system->hosting, admin.system);
  tell_parted(peers, &admin, &admin, end, words);
  peers->count--;
  unref(peer);
  end_if_empty(peers);
}

static const struct th_session_events session_events = {.up = on_up,
                                                        .down = on_down,
                                                        .message = on_message,
                                                        .drained = on_drained,
                                                        .undeliverable = on_undeliverable,
                                                        .ended = on_ended};

/* ---- beginnings: loop ---- */

/* Makes the session of a peer that has none, towards other. */
static void begin(struct peer *peer, const struct th_address *other) {
  struct th_peers *peers = peer->peers;
  struct th_message *message;
  struct th_session *session = th_session_new(&peers->config, other, peer);
  peers->count++;
  pthread_mutex_lock(&peers->lock);
  struct th_queue early = peer->early;
  peer->early = (struct th_queue){0};
  while ((message = th_queue_pop(&early)) != NULL) th_session_send(session, message);
  peer->session = session;
  bool is_closing = peers->is_closing;
  pthread_mutex_unlock(&peers->lock);
  if (is_closing) th_session_close(session, 0);
}

static void run_begin(struct th_task *task) {
  struct peer *peer = (struct peer *)(void *)((char *)task - offsetof(struct peer, begin));
  if (peer->session == NULL) begin(peer, &peer->admin);
  unref(peer);
}

/* The peer that greets us, with its session; NULL when there can be none. */
static struct peer *admit(struct th_peers *peers, const struct th_meeting *meeting) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = obtain(peers, &meeting->admin, &is_new);
  pthread_mutex_unlock(&peers->lock);
  if (peer == NULL || peer->session != NULL) return peer;
  struct th_address other = peer->admin;
  other.port = 0; /* it is connected already */
  begin(peer, &other);
  return peer;
}

static struct th_session *find_session(struct th_peers *peers, uint64_t identity) {
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_map_find(&peers->all, identity);
  struct th_session *session = peer != NULL ? peer->session : NULL;
  pthread_mutex_unlock(&peers->lock);
  return session;
}

int th_peers_hello(struct th_peers *peers, struct th_link *link, const struct th_hello *hello,
                   struct th_reason *reason) {
  const struct th_meeting *meeting = &hello->meeting;
  if (peers->is_closing) return th_fail(reason, TH_ESHUTDOWN, "this actor system is shutting down");
  if (meeting->admin.system == peers->system->identity)
    return th_fail(reason, TH_EREFUSED, "that is this system itself");
  struct th_session *session = find_session(peers, meeting->admin.system);
  switch (th_session_judge(session, meeting)) {
  case TH_SESSION_CROSSED:
    return th_fail(reason, TH_ECROSSED, "there is another connection already");
  case TH_SESSION_FORGOTTEN:
    return th_fail(reason, TH_EFORGOTTEN, "this system has given that session up");
  case TH_SESSION_ANEW:
    th_session_replace(session);
    break;
  case TH_SESSION_FITS:
    break;
  }
  struct peer *peer = admit(peers, meeting);
  if (peer == NULL) return th_fail(reason, TH_EREFUSED, "this system has taken leave of that one");
  th_session_adopt(peer->session, th_link_hand_over(link), meeting);
  return 0;
}

/* ---- seeking ---- */

/* Where somebody is sought whose identity is not known. */
struct search {
  struct th_task task;
  struct th_peers *peers;
  struct th_address place;
  struct th_address found;
};

static void probe_welcome(void *context, struct th_link *link, const struct th_welcome *welcome) {
  struct search *search = context;
  search->found = welcome->admin;
  search->found.ip = search->place.ip;
  search->found.port = search->place.port;
  th_link_close(link);
}

static void probe_message(void *context, struct th_link *link, struct th_message *message) {
  (void)context;
  (void)link;
  th_message_free(message);
}

static void seek(struct th_peers *peers, const struct th_address *admin);

static void probe_closed(void *context, struct th_link *link, int error, const char *words) {
  struct search *search = context;
  struct th_peers *peers = search->peers;
  (void)error;
  if (th_address_is_none(&search->found))
    tell_parted(peers, &TH_NOBODY, &search->place, TH_SESSION_ABSENT, words);
  else if (search->found.system == peers->system->identity)
    tell_met(peers, &search->found, &search->place);
  else
    seek(peers, &search->found);
  peers->probes--;
  th_link_unref(link);
  free(search);
  end_if_empty(peers);
}

static const struct th_link_events probe_events = {.welcome = probe_welcome,
                                                   .message = probe_message,
                                                   .undeliverable = probe_message,
                                                   .closed = probe_closed};

static void probe(struct search *search) {
  struct th_peers *peers = search->peers;
  struct th_link *link;
  struct th_hello hello = {.protocol = TH_PROTOCOL_VERSION, .role = TH_ROLE_PROBE, .pid = getpid()};
  snprintf(hello.version, sizeof hello.version, "%s", TH_VERSION);
  int error = th_link_connect(peers->loop, peers->wire, search->place.ip, search->place.port,
                              TH_FRAME_GREETING, &hello, &probe_events, search, &link);
  if (error == 0) {
    peers->probes++;
    return;
  }
  tell_parted(peers, &TH_NOBODY, &search->place, TH_SESSION_ABSENT, th_error_words(error));
  free(search);
}

/* Told now where there is a connection, else when there is one. */
static void seek(struct th_peers *peers, const struct th_address *admin) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = obtain(peers, admin, &is_new);
  if (peer != NULL) ref(peer);
  if (peer != NULL && peer->admin.port == 0) peer->admin = *admin;
  pthread_mutex_unlock(&peers->lock);
  if (peer == NULL) {
    tell_parted(peers, admin, admin, TH_SESSION_LEFT, "that system has left");
    return;
  }
  if (peer->session == NULL) begin(peer, &peer->admin);
  if (th_session_is_up(peer->session)) tell_met(peers, &peer->admin, admin);
  unref(peer);
}

static bool is_there(struct th_peers *peers, const struct th_address *place,
                     struct th_address *found) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  bool is_found = false;
  pthread_mutex_lock(&peers->lock);
  while (!is_found && (slot = th_map_next(&peers->all, &cursor)) != NULL) {
    struct peer *peer = slot->value;
    is_found = peer->admin.ip == place->ip && peer->admin.port == place->port &&
               peer->session != NULL && th_session_is_up(peer->session);
    if (is_found) *found = peer->admin;
  }
  pthread_mutex_unlock(&peers->lock);
  return is_found;
}

static void run_search(struct th_task *task) {
  struct search *search = (struct search *)(void *)task;
  struct th_peers *peers = search->peers;
  bool is_known = !th_address_is_none(&search->place);
  if (is_known) {
    seek(peers, &search->place);
  } else if (!peers->is_closing && is_there(peers, &search->place, &search->found)) {
    tell_met(peers, &search->found, &search->place);
  } else if (!peers->is_closing) {
    probe(search);
    return;
  }
  free(search);
}

void th_peers_meet(struct th_peers *peers, const struct th_address *place) {
  struct search *search = th_new(struct search);
  search->task.run = run_search;
  search->peers = peers;
  search->place = *place;
  th_loop_post(peers->loop, &search->task);
}

/* ---- status ---- */

void th_peers_counts(const struct th_peers *peers, uint64_t *carried, uint64_t *returned) {
  *carried = atomic_load_explicit(&peers->carried, memory_order_relaxed);
  *returned = atomic_load_explicit(&peers->returned, memory_order_relaxed);
}

static void pack_count(struct th_buffer *buffer, const char *name, uint64_t value) {
  th_pack_text(buffer, name);
  th_pack_int(buffer, (int64_t)value);
}

static double age(uint64_t since) {
  uint64_t now = th_clock_now();
  return since != 0 && since < now ? (double)(now - since) / (double)TH_SECOND : 0;
}

static void pack_peer(const struct peer *peer, struct th_buffer *buffer) {
  struct th_session_counts counts = {0};
  if (peer->session != NULL) th_session_counts(peer->session, &counts);
  th_pack_map(buffer, 10);
  th_pack_text(buffer, "admin");
  th_pack_address(buffer, &peer->admin);
  th_pack_text(buffer, "isUp");
  th_pack_bool(buffer, counts.up_since != 0);
  th_pack_text(buffer, "upFor");
  th_pack_real(buffer, age(counts.up_since));
  th_pack_text(buffer, "silentFor");
  th_pack_real(buffer, age(counts.heard));
  pack_count(buffer, "sent", counts.sent);
  pack_count(buffer, "received", counts.received);
  pack_count(buffer, "acknowledged", counts.acknowledged);
  pack_count(buffer, "repeated", counts.repeated);
  pack_count(buffer, "connections", counts.connections);
  pack_count(buffer, "waiting", peer->session != NULL ? th_session_waiting(peer->session) : 0);
}

void th_peers_pack(struct th_peers *peers, struct th_buffer *buffer) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  pthread_mutex_lock(&peers->lock);
  th_pack_array(buffer, (uint32_t)peers->all.count);
  while ((slot = th_map_next(&peers->all, &cursor)) != NULL) pack_peer(slot->value, buffer);
  pthread_mutex_unlock(&peers->lock);
}

/* ---- the whole ---- */

struct th_peers *th_peers_new(struct th_system *system, struct th_loop *loop, struct th_wire *wire,
                              void (*empty)(void *context), void *context) {
  struct th_peers *peers = th_new(struct th_peers);
  peers->system = system;
  peers->loop = loop;
  peers->wire = wire;
  peers->empty = empty;
  peers->context = context;
  pthread_mutex_init(&peers->lock, NULL);
  th_map_init(&peers->all);
  th_map_init(&peers->gone);
  return peers;
}

void th_peers_start(struct th_peers *peers) {
  const struct th_system *system = peers->system;
  struct th_session_times times = TH_SESSION_TIMES;
  times.lost = TH_CONVENTION_MISSES * system->check_in_period;
  uint64_t part = times.lost / 6;
  times.ping = part;
  /* One attempt in vain must not take the time in which another one would succeed. */
  uint64_t attempt = part < SHORTEST_ATTEMPT ? SHORTEST_ATTEMPT : part;
  if (times.greeting > attempt) times.greeting = attempt;
  if (times.pause_most > attempt) times.pause_most = attempt;
  peers->config = (struct th_session_config){.loop = peers->loop,
                                             .wire = peers->wire,
                                             .own = system->world.admin,
                                             .limit = system->frame_limit,
                                             .times = times,
                                             .events = &session_events};
  if (system->is_outbound_only) peers->config.own.port = 0;
}

void th_peers_free(struct th_peers *peers) {
  if (peers == NULL) return;
  th_map_clear(&peers->all);
  th_map_clear(&peers->gone);
  pthread_mutex_destroy(&peers->lock);
  free(peers);
}

void th_peers_close(struct th_peers *peers) {
  struct th_map_slot *slot;
  size_t cursor = 0, count = 0;
  pthread_mutex_lock(&peers->lock);
  peers->is_closing = true;
  struct peer **open = th_alloc((peers->all.count + 1) * sizeof *open);
  while ((slot = th_map_next(&peers->all, &cursor)) != NULL) open[count++] = ref(slot->value);
  pthread_mutex_unlock(&peers->lock);
  for (size_t i = 0; i < count; i++) {
    struct th_session *session = open[i]->session;
    if (session != NULL)
      th_session_close(session, th_session_is_up(session) ? FAREWELL : SHORT_FAREWELL);
    unref(open[i]);
  }
  free(open);
}

bool th_peers_are_gone(const struct th_peers *peers) {
  return peers->is_closing && peers->count == 0 && peers->probes == 0;
}
