/* zip: archives in memory, read strictly and written reproducibly, both with minizip.
 *
 * Reading is for archives that came from somewhere. zip_directory accepts those that can be read in
 * one way; minizip then hands out their entries from memory, one by one, each found by its place in
 * the directory. An entry must fit to the byte: the packed data ends where the entry ends, gives
 * the declared size, and has the declared checksum.
 *
 *   1. minizip hands out the packed bytes, raw, and they are inflated here. Its own inflating
 *      cannot promise the above: it stops once the declared size is there and does not tell how far
 *      the packed data went, so data that goes on (other readers would see another file) or that
 *      hides something behind its end would pass.
 *   2. minizip looks for the directory in more places than one. It is shown just the end record
 *      while it looks, so that it cannot take another than zip_directory has checked.
 *   3. What minizip says of an entry (name, flags, method, sizes, checksum, place of the data) must
 *      be what zip_directory says, or the entry is refused.
 *
 * Writing: equal files in equal order give equal bytes, whatever their dates, for one version of
 * zlib.
 *
 * Threads: each archive and each writer its holder. Owns: the directory; not the archive's bytes.
 */
#ifndef TH_BUNDLE_ZIP_H
#define TH_BUNDLE_ZIP_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "bundle/zip_directory.h"

struct th_zip;

/* Opens an archive in memory, which must outlive the zip. Fails as th_zip_directory_read does. */
int th_zip_open(struct th_zip **zip, const void *archive, size_t size,
                const struct th_zip_limits *limits, struct th_reason *reason);
void th_zip_close(struct th_zip *zip);

/* Borrowed from the zip. */
const struct th_zip_directory *th_zip_directory(const struct th_zip *zip);

/* Unpacks an entry into out, which has room for entry->size bytes and is not NULL. Fails with
 * TH_EBUNDLE and the reason; out then holds anything. */
int th_zip_unpack(struct th_zip *zip, const struct th_zip_entry *entry, unsigned char *out,
                  struct th_reason *reason);

/* A zip that is being written. Errors stick: the first one is what th_zip_writer_finish gives. */
struct th_zip_writer;

struct th_zip_writer *th_zip_writer_new(void);

/* Adds a file: deflated, without date or permissions. Name and order are the caller's care. */
void th_zip_writer_add(struct th_zip_writer *writer, const char *name, const void *data,
                       size_t size);

/* Ends the archive, frees the writer and gives new bytes, or an error: TH_ENOMEM or TH_ETOOBIG (a
 * file or the archive has outgrown plain zip). */
int th_zip_writer_finish(struct th_zip_writer *writer, struct th_bytes **archive);

/* The versions of the libraries behind this. Borrowed for ever. */
const char *th_zip_library_version(void);

#endif
