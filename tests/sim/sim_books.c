/* sim_books: what a system says of itself in its status, and whether that is so. */
#include <string.h>

#include "message/pack.h"
#include "message/protocol.h"
#include "sim.h"

/* Steps to the value of a key in the map that comes next. */
static bool find_key(struct th_unpack *reader, const char *name) {
  size_t size;
  for (uint32_t left = th_unpack_map(reader); left > 0; left--) {
    const char *key = th_unpack_str(reader, &size);
    if (key != NULL && th_unpack_is(key, size, name)) return true;
    th_unpack_skip(reader, &size);
  }
  return false;
}

static int64_t read_counter(const struct th_message *status, const char *name) {
  struct th_unpack reader;
  th_unpack_init(&reader, status->payload, status->size);
  th_unpack_array(&reader);
  th_unpack_int(&reader);
  return find_key(&reader, "counters") && find_key(&reader, name) ? th_unpack_int(&reader) : -1;
}

/* NULL, and a violation, where there is no answer. */
static struct th_message *ask_for_status(struct sim_host *host) {
  struct th_buffer request;
  th_buffer_init(&request);
  th_pack_array(&request, 2);
  th_pack_int(&request, TH_OP_STATUS);
  th_pack_nil(&request);
  struct th_message *status = sim_host_ask(host, &request);
  th_buffer_clear(&request);
  if (status == NULL)
    sim_ledger_violated(&host->world->ledger, "host %u does not answer", host->index);
  return status;
}

int64_t sim_books_sent(struct sim_host *host) {
  struct th_message *status = ask_for_status(host);
  int64_t sent = status != NULL ? read_counter(status, "sent") : -1;
  th_message_free(status);
  return sent;
}

/* Somebody lives who is called so, and is no forward. */
static bool is_somewhere(struct sim_ledger *ledger, const char *name) {
  for (uint32_t i = 0; i < ledger->party_count; i++) {
    const struct sim_party *party = sim_ledger_party(ledger, i);
    if (party->is_born && !party->is_gone && strcmp(party->name, name) == 0) return true;
  }
  return false;
}

/* Whoever is called something lives, and is called so; a forward stands for who does. */
static void check_names(struct sim_host *host, const struct th_message *status) {
  struct sim_ledger *ledger = &host->world->ledger;
  struct th_unpack reader;
  size_t size;
  th_unpack_init(&reader, status->payload, status->size);
  th_unpack_array(&reader);
  th_unpack_int(&reader);
  if (!find_key(&reader, "names")) return;
  for (uint32_t left = th_unpack_map(&reader); left > 0; left--) {
    const char *name = th_unpack_str(&reader, &size);
    struct th_address address = th_unpack_address(&reader);
    uint32_t index = sim_ledger_find(ledger, &address);
    const struct sim_party *party = index != SIM_NOBODY ? sim_ledger_party(ledger, index) : NULL;
    bool is_there = party != NULL &&
                    (party->is_forward ? is_somewhere(ledger, party->name) : !party->is_gone);
    if (!is_there || !th_unpack_is(name, size, party->name))
      sim_ledger_violated(ledger, "on host %u p%u is said to be called %.*s", host->index, index,
                          (int)size, name);
  }
}

/* At rest, what was sent was handled, or failed, or found nobody. A convention never rests. */
void sim_books_check(struct sim_host *host) {
  struct sim_ledger *ledger = &host->world->ledger;
  struct th_message *status = ask_for_status(host);
  if (status == NULL) return;
  sim_source_check(host);
  long long sent = read_counter(status, "sent"), delivered = read_counter(status, "delivered");
  long long dead = read_counter(status, "dead"), poisoned = read_counter(status, "poisoned");
  long long waiting = read_counter(status, "waiting");
  check_names(host, status);
  th_message_free(status);
  sim_trace("books: sent %lld, delivered %lld, dead %lld, poisoned %lld", sent, delivered, dead,
            poisoned);
  if ((waiting != 0 && host->world->leader_count == 0) ||
      sent != delivered + dead + poisoned + waiting)
    sim_ledger_violated(ledger,
                        "host %u's books: sent %lld, delivered %lld, dead %lld, poisoned %lld, "
                        "waiting %lld",
                        host->index, sent, delivered, dead, poisoned, waiting);
}
