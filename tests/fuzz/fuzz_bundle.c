/* Bundles from anywhere: what th_source_open accepts, it must be able to serve, to pack again, and
 * to accept again with the same files in it. What it refuses is refused for what is wrong with it,
 * never because minizip and zip_directory read it in two ways. */
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

/* At the end of the words: in front of it there may be a name. */
static bool ends_in(const char *words, const char *end) {
  size_t size = strlen(words), end_size = strlen(end);
  return size >= end_size && strcmp(words + size - end_size, end) == 0;
}

static void pack_again(const struct th_source *source) {
  struct th_bytes *zip;
  struct th_source *again;
  if (th_source_pack(source->files, source->file_count, &zip, NULL) != 0) return;
  require(th_source_open(zip->data, zip->size, &(struct th_source_config){.info = "again"}, &again,
                         NULL) == 0);
  require_same(source, again);
  th_source_unref(again);
  th_bytes_unref(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct th_source *source;
  struct th_reason reason = {""};
  if (th_source_open(data, size, &(struct th_source_config){.info = "fuzz"}, &source, &reason) !=
      0) {
    require(reason.words[0] != 0);
    require(!ends_in(reason.words, ": minizip reads another entry there"));
    require(!ends_in(reason.words, "minizip does not open the archive"));
    return 0;
  }
  require(th_source_module(source, "no.such.module") == NULL);
  pack_again(source);
  th_source_unref(source);
  return 0;
}
