#include "bundle/zip_pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bundle/zip.h"

static int by_name(const void *left, const void *right) {
  const struct th_zip_file *one = left, *other = right;
  return strcmp(one->name, other->name);
}

static int write_sorted(const struct th_zip_file *files, size_t count, struct th_bytes **zip) {
  struct th_zip_file *sorted = th_alloc_zeroed(count + 1, sizeof *sorted);
  for (size_t i = 0; i < count; i++) sorted[i] = files[i];
  qsort(sorted, count, sizeof *sorted, by_name);
  struct th_zip_writer *writer = th_zip_writer_new();
  for (size_t i = 0; i < count; i++) {
    th_zip_writer_add(writer, sorted[i].name, sorted[i].data, sorted[i].size);
  }
  free(sorted);
  return th_zip_writer_finish(writer, zip);
}

int th_zip_pack(const struct th_zip_file *files, size_t count, const struct th_zip_limits *limits,
                struct th_bytes **zip, struct th_reason *reason) {
  struct th_bytes *packed;
  struct th_zip_directory directory;
  int error = write_sorted(files, count, &packed);
  if (error != 0) return th_fail(reason, error, "%s", th_error_words(error));
  error = th_zip_directory_read(&directory, packed->data, packed->size, limits, reason);
  if (error != 0) {
    th_bytes_unref(packed);
    return error;
  }
  th_zip_directory_clear(&directory);
  *zip = packed;
  return 0;
}
