/* Manifests from anywhere: what is accepted holds what its limits promise, and every refusal names the
 * file; versions compare alike from both sides. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/manifest.h"
#include "message/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

/* Each message is one packed value, and nothing more. */
static void require_values(const struct th_manifest_actor *actor) {
  for (size_t i = 0; i < actor->message_count; i++) {
    struct th_unpack reader;
    size_t size;
    th_unpack_init(&reader, actor->messages[i].data, actor->messages[i].size);
    require(th_unpack_skip(&reader, &size) != NULL && size == actor->messages[i].size);
  }
}

static void require_text(const char *text) {
  require(text != NULL && *text != '\0' && strlen(text) <= TH_MANIFEST_TEXT);
}

static void require_good(const struct th_manifest *manifest) {
  if (manifest->name != NULL) require_text(manifest->name);
  if (manifest->version != NULL) {
    require(th_manifest_is_version(manifest->version));
    require(th_manifest_compare_versions(manifest->version, manifest->version) == 0);
    require(th_manifest_compare_versions(manifest->version, NULL) > 0);
    require(th_manifest_compare_versions(manifest->version, "1.5") ==
            -th_manifest_compare_versions("1.5", manifest->version));
  }
  require(th_manifest_is_expired(manifest, INT64_MAX) == (manifest->not_after != NULL));
  require(manifest->actor_count <= TH_MANIFEST_ACTORS);
  for (size_t i = 0; i < manifest->actor_count; i++) {
    require_text(manifest->actors[i].class_name);
    require(manifest->actors[i].message_count <= TH_MANIFEST_MESSAGES);
    require_values(&manifest->actors[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct th_manifest *manifest;
  struct th_reason reason = {""};
  if (th_manifest_read(data, size, &manifest, &reason) != 0) {
    require(strncmp(reason.words, "manifest.json: ", 15) == 0 && reason.words[15] != '\0');
    return 0;
  }
  require_good(manifest);
  th_manifest_free(manifest);
  return 0;
}
