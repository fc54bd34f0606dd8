/* Bundles from anywhere: what th_source_open accepts, it must be able to serve, to pack again, and
 * to accept again with the same files in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void require_same(const struct th_source *one, const struct th_source *other) {
  require(one->file_count == other->file_count);
  for (size_t i = 0; i < one->file_count; i++) {
    const struct th_source_file *file = &one->files[i];
    const struct th_source_file *found = th_source_find(other, file->name);
    require(found != NULL && found->size == file->size);
    require(memcmp(found->data, file->data, file->size) == 0);
  }
}

static void pack_again(const struct th_source *source) {
  struct th_bytes *zip;
  struct th_source *again;
  if (th_source_pack(source->files, source->file_count, &zip, NULL) != 0) return;
  require(th_source_open(zip->data, zip->size, "again", false, &again, NULL) == 0);
  require_same(source, again);
  th_source_unref(again);
  th_bytes_unref(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct th_source *source;
  struct th_reason reason = {""};
  if (th_source_open(data, size, "fuzz", false, &source, &reason) != 0) {
    require(reason.words[0] != 0);
    return 0;
  }
  require(th_source_module(source, "no.such.module") == NULL);
  pack_again(source);
  th_source_unref(source);
  return 0;
}
