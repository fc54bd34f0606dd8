#include "host/archive.h"

#include <stdlib.h>

#include "admin/source.h"
#include "base/memory.h"

struct th_archive {
  struct th_source *source;
};

const struct th_zip_limits *th_archive_limits(void) {
  return &th_source_usual_limits;
}

int th_archive_pack(const struct th_archive_file *files, size_t count, struct th_bytes **zip,
                    struct th_reason *reason) {
  if (count > TH_SOURCE_ENTRIES) {
    return th_fail(reason, TH_EBUNDLE, "%zu files are more than the %d of a bundle", count,
                   TH_SOURCE_ENTRIES);
  }
  struct th_source_file *entries = th_alloc_zeroed(count + 1, sizeof *entries);
  for (size_t i = 0; i < count; i++)
    entries[i] = (struct th_source_file){files[i].name, files[i].data, files[i].size};
  int error = th_source_pack(entries, count, zip, reason);
  free(entries);
  return error;
}

int th_archive_open(const void *zip, size_t size, struct th_archive **archive,
                    struct th_reason *reason) {
  struct th_source *source;
  int error = th_source_open(zip, size, &(struct th_source_config){.info = NULL}, &source, reason);
  if (error != 0) return error;
  *archive = th_new(struct th_archive);
  (*archive)->source = source;
  return 0;
}

void th_archive_close(struct th_archive *archive) {
  if (archive == NULL) return;
  th_source_unref(archive->source);
  free(archive);
}

const char *th_archive_hash(const struct th_archive *archive) {
  return archive->source->hash;
}

size_t th_archive_count(const struct th_archive *archive) {
  return archive->source->file_count;
}

struct th_archive_file th_archive_file(const struct th_archive *archive, size_t index) {
  const struct th_source_file *file = &archive->source->files[index];
  return (struct th_archive_file){file->name, file->data, file->size};
}

static bool give(const struct th_source_file *found, struct th_archive_file *file) {
  if (found == NULL) return false;
  *file = (struct th_archive_file){found->name, found->data, found->size};
  return true;
}

bool th_archive_find(const struct th_archive *archive, const char *name,
                     struct th_archive_file *file) {
  return give(th_source_find(archive->source, name), file);
}

bool th_archive_module(const struct th_archive *archive, const char *module,
                       struct th_archive_file *file) {
  return give(th_source_module(archive->source, module), file);
}
