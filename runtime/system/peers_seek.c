#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/peers.h"
#include "system/peers_inside.h"

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
    th_peers_tell_parted(peers, &TH_NOBODY, &search->place, TH_SESSION_ABSENT, words);
  else if (search->found.system == peers->system->identity)
    th_peers_tell_met(peers, &search->found, &search->place);
  else
    seek(peers, &search->found);
  peers->probes--;
  th_link_unref(link);
  free(search);
  th_peers_end_if_empty(peers);
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
  th_peers_tell_parted(peers, &TH_NOBODY, &search->place, TH_SESSION_ABSENT, th_error_words(error));
  free(search);
}

/* Told now where there is a connection, else when there is one. */
static void seek(struct th_peers *peers, const struct th_address *admin) {
  bool is_new;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = th_peer_obtain(peers, admin, &is_new);
  if (peer != NULL) th_peer_ref(peer);
  if (peer != NULL && peer->admin.port == 0) peer->admin = *admin;
  pthread_mutex_unlock(&peers->lock);
  if (peer == NULL) {
    th_peers_tell_parted(peers, admin, admin, TH_SESSION_LEFT, "that system has left");
    return;
  }
  if (peer->session == NULL) th_peer_begin(peer, &peer->admin);
  if (th_session_is_up(peer->session)) th_peers_tell_met(peers, &peer->admin, admin);
  th_peer_unref(peer);
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
    th_peers_tell_met(peers, &search->found, &search->place);
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
