/* sim_source: a bundle that some hosts have loaded; actors of it are born elsewhere, too, so it travels.
 * Its files mean nothing to probes. */
#include "admin/admin_inside.h"
#include "base/memory.h"
#include "message/pack.h"
#include "message/protocol.h"
#include "sim.h"
#include "system/inside.h"

#include <stdlib.h>
#include <string.h>

#define BALLAST 160000 /* bytes: more than one part of a fetch */

void sim_source_draw(struct sim_world *world) {
  if (world->leader_count == 0 || !sim_chance(700)) return;
  struct th_source_file file = {.name = "ballast", .size = BALLAST};
  unsigned char *data = th_alloc(BALLAST);
  for (size_t i = 0; i < BALLAST; i += sizeof(uint64_t)) {
    uint64_t word = sim_draw(0);
    memcpy(data + i, &word, sizeof word);
  }
  file.data = data;
  th_source_pack(&file, 1, &world->bundle, NULL);
  free(data);
  th_digest_sha256(world->bundle->data, world->bundle->size, world->bundle_hash);
}

void sim_source_free(struct sim_world *world) {
  th_bytes_unref(world->bundle);
}

void sim_source_load(struct sim_host *host) {
  const struct th_bytes *bundle = host->world->bundle;
  struct th_buffer request;
  if (bundle == NULL || !sim_chance(500)) return;
  sim_trace("host %u loads the bundle", host->index);
  th_buffer_init(&request);
  th_pack_array(&request, 4);
  th_pack_int(&request, TH_OP_LOAD);
  th_pack_bin(&request, bundle->data, bundle->size);
  th_pack_text(&request, "");
  th_pack_bool(&request, false);
  sim_host_request(host, &request);
  th_buffer_clear(&request);
}

void sim_source_unload(struct sim_host *host) {
  struct th_buffer request;
  if (host->system == NULL) return;
  sim_trace("host %u unloads the bundle", host->index);
  th_buffer_init(&request);
  th_pack_array(&request, 2);
  th_pack_int(&request, TH_OP_UNLOAD);
  th_pack_text(&request, host->world->bundle_hash);
  sim_host_request(host, &request);
  th_buffer_clear(&request);
}

static const struct th_awaited *awaited_by(const struct sim_host *host) {
  const struct th_actor *admin = host->system != NULL
                                   ? th_registry_find(host->system->registry, TH_ADMIN_NUMBER)
                                   : NULL;
  const struct th_admin *state = admin != NULL ? admin->state : NULL;
  return state != NULL ? state->source.awaited : NULL;
}

unsigned sim_source_giver(const struct sim_world *world) {
  for (unsigned i = 0; i < world->host_count && world->bundle != NULL; i++) {
    const struct th_awaited *awaited = awaited_by(&world->hosts[i]);
    if (awaited == NULL || awaited->hosts.count == 0) continue;
    uint32_t giver = awaited->hosts.all[0].ip - sim_net_ip(0);
    return giver < world->host_count ? giver : world->host_count;
  }
  return world->host_count;
}

void sim_source_check(const struct sim_host *host) {
  const struct th_awaited *awaited = awaited_by(host);
  if (awaited != NULL)
    sim_ledger_violated(&host->world->ledger, "host %u waits for source %.8s for ever", host->index,
                        awaited->hash);
}
