#include "system/peers.h"

#include <stddef.h>
#include <stdlib.h>

#include "admin/convention.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/plant.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "system/peers_inside.h"

/* How long a system that ends waits for others to acknowledge what they were told; and for those with
 * whom there is no connection now. */
#define FAREWELL (2 * TH_SECOND)
#define SHORT_FAREWELL (200 * TH_MILLISECOND)

/* A connection is made and greeted in less, where the two can reach each other. */
#define SHORTEST_ATTEMPT (500 * TH_MILLISECOND)

/* So many identities that are no more are remembered, so that nobody is connected to in vain. */
#define MOST_GONE 4096

struct peer *th_peer_ref(struct peer *peer) {
  /* Relaxed: who has a reference to copy needs nothing else to be visible. */
  atomic_fetch_add_explicit(&peer->references, 1, memory_order_relaxed);
  return peer;
}

void th_peer_unref(struct peer *peer) {
  /* Release, acquire: the last one sees all that the others did with it. */
  if (atomic_fetch_sub_explicit(&peer->references, 1, memory_order_acq_rel) > 1) return;
  if (peer->session != NULL) th_session_unref(peer->session);
  th_pressure_free(peer->pressure);
  th_map_clear(&peer->forwards);
  pthread_mutex_destroy(&peer->waiting_lock);
  free(peer);
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
  th_peer_unref(peer);
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
  th_peers_tell(peer->peers, TH_KIND_REMOTE, &peer->admin, &buffer);
  th_buffer_clear(&buffer);
}

static void pressure_keep(void *context) {
  th_peer_ref(context);
}

static void pressure_drop(void *context) {
  th_peer_unref(context);
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

struct peer *th_peer_obtain(struct th_peers *peers, const struct th_address *address,
                            bool *is_new) {
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
  th_loop_post(peer->peers->loop, &th_peer_ref(peer)->begin);
  th_peers_tell_call(peer->peers, peer->admin.system);
}

struct th_actor *th_peers_carry(struct th_peers *peers, const struct th_address *host,
                                struct th_message *message) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_peer_obtain(peers, host, &is_new);
  struct th_session *session = peer != NULL ? peer->session : NULL;
  if (peer != NULL) th_peer_ref(peer);
  if (peer != NULL && session == NULL) th_queue_push(&peer->early, message);
  pthread_mutex_unlock(&peers->lock);
  atomic_fetch_add_explicit(&peers->carried, 1, memory_order_relaxed);
  if (is_new) begin_soon(peer);
  if (session != NULL) return transmit(peer, session, message);
  if (peer != NULL)
    th_peer_unref(peer);
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
  struct peer *peer = th_peer_obtain(peers, host, &is_new);
  if (peer != NULL) th_map_put(&peer->forwards, forward, peer);
  if (is_new) th_peer_ref(peer);
  pthread_mutex_unlock(&peers->lock);
  if (!is_new) return peer != NULL;
  begin_soon(peer);
  th_peer_unref(peer);
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
  th_peers_tell_met(peers, &admin, NULL);
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
  case TH_KIND_SOURCE:
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
    th_peers_tell_lost(peers, slot->hash, end);
  th_map_clear(forwards);
}

void th_peers_end_if_empty(struct th_peers *peers) {
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
  th_peers_tell_parted(peers, &admin, &admin, end, words);
  peers->count--;
  th_peer_unref(peer);
  th_peers_end_if_empty(peers);
}

static const struct th_session_events session_events = {.up = on_up,
                                                        .down = on_down,
                                                        .message = on_message,
                                                        .drained = on_drained,
                                                        .undeliverable = on_undeliverable,
                                                        .ended = on_ended};

/* ---- beginnings: loop ---- */

void th_peer_begin(struct peer *peer, const struct th_address *other) {
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
  if (peer->session == NULL) th_peer_begin(peer, &peer->admin);
  th_peer_unref(peer);
}

/* The peer that greets us, with its session; NULL when there can be none. */
static struct peer *admit(struct th_peers *peers, const struct th_meeting *meeting) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_peer_obtain(peers, &meeting->admin, &is_new);
  pthread_mutex_unlock(&peers->lock);
  if (peer == NULL || peer->session != NULL) return peer;
  struct th_address other = peer->admin;
  other.port = 0; /* it is connected already */
  th_peer_begin(peer, &other);
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
  while ((slot = th_map_next(&peers->all, &cursor)) != NULL)
    open[count++] = th_peer_ref(slot->value);
  pthread_mutex_unlock(&peers->lock);
  for (size_t i = 0; i < count; i++) {
    struct th_session *session = open[i]->session;
    if (session != NULL)
      th_session_close(session, th_session_is_up(session) ? FAREWELL : SHORT_FAREWELL);
    th_peer_unref(open[i]);
  }
  free(open);
}

bool th_peers_are_gone(const struct th_peers *peers) {
  return peers->is_closing && peers->count == 0 && peers->probes == 0;
}
