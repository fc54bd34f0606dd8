#include "base/ration.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

struct share {
  uint64_t lines;
  uint64_t bytes;
  uint64_t refused;
  char *name; /* from the first refusal on */
};

struct th_ration {
  struct th_ration_limits limits;
  uint64_t ends; /* when the window does; 0: none has begun */
  struct share all;
  struct th_map shares; /* by key */
};

struct th_ration *th_ration_new(const struct th_ration_limits *limits) {
  struct th_ration *ration = th_new(struct th_ration);
  ration->limits = *limits;
  th_map_init(&ration->shares);
  return ration;
}

static void forget_shares(struct th_ration *ration) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(&ration->shares, &cursor)) != NULL) {
    struct share *share = slot->value;
    free(share->name);
    free(share);
  }
  th_map_clear(&ration->shares);
  th_map_init(&ration->shares);
}

void th_ration_free(struct th_ration *ration) {
  if (ration == NULL) return;
  forget_shares(ration);
  free(ration);
}

static struct share *share_of(struct th_ration *ration, uint64_t key) {
  struct share *share = th_map_find(&ration->shares, key);
  if (share != NULL) return share;
  share = th_new(struct share);
  th_map_put(&ration->shares, key, share);
  return share;
}

bool th_ration_take(struct th_ration *ration, uint64_t key, const char *name) {
  const struct th_ration_limits *limits = &ration->limits;
  if (ration->all.lines >= limits->all_lines || ration->all.bytes >= limits->all_bytes) {
    ration->all.refused++;
    return false;
  }
  struct share *share = key != 0 ? share_of(ration, key) : NULL;
  if (share != NULL && (share->lines >= limits->lines || share->bytes >= limits->bytes)) {
    if (share->refused++ == 0) share->name = th_strdup(name);
    return false;
  }
  if (share != NULL) share->lines++;
  ration->all.lines++;
  return true;
}

void th_ration_charge(struct th_ration *ration, uint64_t key, size_t size) {
  struct share *share = key != 0 ? th_map_find(&ration->shares, key) : NULL;
  if (share != NULL) share->bytes += size;
  ration->all.bytes += size;
}

static void tell_all(const struct th_ration *ration, th_ration_tell *tell, void *context) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(&ration->shares, &cursor)) != NULL) {
    const struct share *share = slot->value;
    if (share->refused > 0) tell(context, share->name, share->refused);
  }
  if (ration->all.refused > 0) tell(context, NULL, ration->all.refused);
}

void th_ration_turn(struct th_ration *ration, uint64_t now, th_ration_tell *tell, void *context) {
  if (ration->ends == 0 && now != TH_FOREVER) ration->ends = now + ration->limits.window;
  if (now < ration->ends) return;
  tell_all(ration, tell, context);
  forget_shares(ration);
  ration->all = (struct share){0};
  ration->ends = now != TH_FOREVER ? now + ration->limits.window : 0;
}
