/* archive: a zip of Lua files in memory, as programs outside the runtime pack and run them.
 *
 * What such a zip may be, and how strictly it is read, is what admin/source.h says of bundles: an
 * archive is one that no system has loaded.
 *
 * Threads: any; an open archive never changes. Owns: a copy of the zip, and its files unpacked.
 */
#ifndef TH_HOST_ARCHIVE_H
#define TH_HOST_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct th_archive;
struct th_zip_limits;

/* What an archive may be, unless somebody says otherwise. Borrowed for ever. */
const struct th_zip_limits *th_archive_limits(void);

struct th_archive_file {
  const char *name; /* "pkg/mod.lua" */
  const unsigned char *data;
  size_t size;
};

/* Packs files; the same ones give the same bytes, in whatever order. TH_EBUNDLE for names that no
 * bundle may hold. */
int th_archive_pack(const struct th_archive_file *files, size_t count, struct th_bytes **zip,
                    struct th_reason *reason);

/* Opens a zip, which is copied. TH_EBUNDLE with a reason that names what is wrong in it. */
int th_archive_open(const void *zip, size_t size, struct th_archive **archive,
                    struct th_reason *reason);
void th_archive_close(struct th_archive *archive);

/* The SHA-256 of the zip, 64 hexadecimal digits. Borrowed. */
const char *th_archive_hash(const struct th_archive *archive);

/* The files in it, sorted by name: how many, and the one at an index. */
size_t th_archive_count(const struct th_archive *archive);
struct th_archive_file th_archive_file(const struct th_archive *archive, size_t index);

/* Finds a file by its name, or by that of the Lua module it is. What file gets is borrowed from the
 * archive. */
bool th_archive_find(const struct th_archive *archive, const char *name,
                     struct th_archive_file *file);
bool th_archive_module(const struct th_archive *archive, const char *module,
                       struct th_archive_file *file);

#endif
