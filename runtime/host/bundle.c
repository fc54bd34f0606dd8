#include "host/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/source.h"
#include "base/buffer.h"
#include "base/memory.h"

/* Folders nested deeper than this are no bundle's. */
#define DEPTH_LIMIT 100

/* ---- files ----------------------------------------------------------------------------------- */

static int fail_at(struct th_reason *reason, const char *doing, const char *path, int error) {
  return th_fail(reason, error, "cannot %s %s: %s", doing, path, th_error_words(error));
}

/* Grows as it reads: the size that a file tells may be no more than a guess. */
static int read_all(int fd, size_t limit, struct th_buffer *content) {
  content->limit = limit;
  for (;;) {
    unsigned char block[65536];
    ssize_t got = read(fd, block, sizeof block);
    if (got == 0) return content->error;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (th_buffer_append(content, block, (size_t)got) != 0) return content->error;
  }
}

static int read_file(const char *path, size_t limit, struct th_buffer *content,
                     struct th_reason *reason) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return fail_at(reason, "read", path, -errno);
  int error = read_all(fd, limit, content);
  close(fd);
  if (error == TH_ETOOBIG) {
    return th_fail(reason, error, "cannot read %s: it has more than %zu bytes", path, limit);
  }
  return error != 0 ? fail_at(reason, "read", path, error) : 0;
}

int th_bundle_read(const char *path, size_t limit, struct th_bytes **content,
                   struct th_reason *reason) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  int error = read_file(path, limit, &buffer, reason);
  if (error == 0) {
    *content = th_bytes_copy(buffer.data, buffer.size);
    if (*content == NULL) error = fail_at(reason, "read", path, TH_ENOMEM);
  }
  th_buffer_clear(&buffer);
  return error;
}

static int write_all(int fd, const unsigned char *data, size_t size) {
  while (size != 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    data += written;
    size -= (size_t)written;
  }
  return 0;
}

int th_bundle_write(const char *path, const struct th_bytes *content, struct th_reason *reason) {
  char *unfinished = th_alloc(strlen(path) + 32);
  sprintf(unfinished, "%s.%ld", path, (long)getpid());
  int fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  int error = fd < 0 ? -errno : 0;
  if (error != 0) goto open_failed;
  error = write_all(fd, content->data, content->size);
  if (close(fd) != 0 && error == 0) error = -errno;
  if (error == 0 && rename(unfinished, path) != 0) error = -errno;
  if (error != 0) unlink(unfinished);
open_failed:
  free(unfinished);
  return error != 0 ? fail_at(reason, "write", path, error) : 0;
}

/* ---- collecting ------------------------------------------------------------------------------ */

struct collection {
  char *root; /* without links in it */
  struct th_source_file *files;
  size_t count;
  size_t size; /* of all contents */
  dev_t except_device;
  ino_t except_inode; /* 0: none */
  struct th_reason *reason;
};

static char *join(const char *folder, const char *name) {
  char *path = th_alloc(strlen(folder) + strlen(name) + 2);
  stpcpy(stpcpy(stpcpy(path, folder), *folder != '\0' ? "/" : ""), name);
  return path;
}

static void collection_clear(struct collection *collection) {
  for (size_t i = 0; i < collection->count; i++) {
    free((void *)(uintptr_t)collection->files[i].name);
    free((void *)(uintptr_t)collection->files[i].data);
  }
  free(collection->files);
  free(collection->root);
}

/* name is relative to the root. */
static int add_file(struct collection *collection, const char *name) {
  if (collection->count == TH_SOURCE_ENTRIES) {
    return th_fail(collection->reason, TH_EBUNDLE, "%s has more than %d files", collection->root,
                   TH_SOURCE_ENTRIES);
  }
  char *path = join(collection->root, name);
  struct th_buffer content;
  th_buffer_init(&content);
  int error = read_file(path, TH_SOURCE_UNPACKED, &content, collection->reason);
  free(path);
  collection->size += content.size;
  if (error == TH_ETOOBIG || collection->size > TH_SOURCE_UNPACKED) {
    error = th_fail(collection->reason, TH_EBUNDLE, "the files in %s have more than %u bytes",
                    collection->root, TH_SOURCE_UNPACKED);
  }
  if (error != 0) {
    th_buffer_clear(&content);
    return error;
  }
  collection->files = th_realloc(collection->files,
                                 (collection->count + 1) * sizeof *collection->files);
  collection->files[collection->count++] = (struct th_source_file){
    .name = th_strdup(name), .data = content.data, .size = content.size};
  return 0;
}

/* True for a link whose end is a plain file below the root. */
static bool is_link_inside(const struct collection *collection, const char *path) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  char *real = realpath(path, NULL);
  if (real == NULL) return false;
  size_t size = strlen(collection->root);
  bool is_inside = strncmp(real, collection->root, size) == 0 && real[size] == '/';
  free(real);
  return is_inside;
}

static bool is_excepted(const struct collection *collection, const struct stat *status) {
  return collection->except_inode != 0 && status->st_ino == collection->except_inode &&
         status->st_dev == collection->except_device;
}

static int add_folder(struct collection *collection, const char *name, unsigned depth);

static int add_entry(struct collection *collection, const char *name, unsigned depth) {
  struct stat status;
  char *path = join(collection->root, name);
  int error = 0;
  if (lstat(path, &status) != 0) {
    error = fail_at(collection->reason, "read", path, -errno);
  } else if (is_excepted(collection, &status)) {
    error = 0;
  } else if (S_ISDIR(status.st_mode)) {
    error = add_folder(collection, name, depth + 1);
  } else if (S_ISREG(status.st_mode) ||
             (S_ISLNK(status.st_mode) && is_link_inside(collection, path))) {
    error = add_file(collection, name);
  }
  free(path);
  return error;
}

static int is_shown(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int add_folder(struct collection *collection, const char *name, unsigned depth) {
  struct dirent **entries;
  char *path = join(collection->root, name);
  int error = 0;
  int count = depth > DEPTH_LIMIT ? -1 : scandir(path, &entries, is_shown, NULL);
  if (depth > DEPTH_LIMIT) {
    error = th_fail(collection->reason, TH_EBUNDLE, "%s is too deep", path);
  } else if (count < 0) {
    error = fail_at(collection->reason, "read", path, -errno);
  }
  free(path);
  for (int i = 0; i < count; i++) {
    char *entry = join(name, entries[i]->d_name);
    if (error == 0) error = add_entry(collection, entry, depth);
    free(entry);
    free(entries[i]);
  }
  if (count >= 0) free(entries);
  return error;
}

static int begin(struct collection *collection, const char *folder, struct th_reason *reason) {
  *collection = (struct collection){.reason = reason};
  collection->root = realpath(folder, NULL);
  return collection->root == NULL ? fail_at(reason, "read", folder, -errno) : 0;
}

static int pack(struct collection *collection, const char *folder, struct th_bytes **zip,
                struct th_reason *reason) {
  if (collection->count == 0) {
    return th_fail(reason, TH_EBUNDLE, "there are no files in %s", folder);
  }
  return th_source_pack(collection->files, collection->count, zip, reason);
}

int th_bundle_folder_except(const char *folder, const char *except, struct th_bytes **zip,
                            struct th_reason *reason) {
  struct collection collection;
  struct stat status;
  int error = begin(&collection, folder, reason);
  if (error == 0 && except != NULL && stat(except, &status) == 0) {
    collection.except_device = status.st_dev;
    collection.except_inode = status.st_ino;
  }
  if (error == 0) error = add_folder(&collection, "", 0);
  if (error == 0) error = pack(&collection, folder, zip, reason);
  collection_clear(&collection);
  return error;
}

int th_bundle_folder(const char *folder, struct th_bytes **zip, struct th_reason *reason) {
  return th_bundle_folder_except(folder, NULL, zip, reason);
}

int th_bundle_files(const char *folder, const char *const *names, size_t count,
                    struct th_bytes **zip, struct th_reason *reason) {
  struct collection collection;
  int error = begin(&collection, folder, reason);
  for (size_t i = 0; i < count && error == 0; i++) error = add_file(&collection, names[i]);
  if (error == 0) error = pack(&collection, folder, zip, reason);
  collection_clear(&collection);
  return error;
}
