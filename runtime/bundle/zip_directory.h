/* zip_directory: what an archive says it holds, believed only where it can be read in one way.
 *
 * A zip says most things twice (in front of each entry, and in the directory at its end), and
 * readers differ in which one they believe, in what they skip, and in where they look for the
 * directory. So this accepts just those archives in which nothing is left to choose:
 *
 *   1. the end record ends the archive, without a comment; one disk; no zip64;
 *   2. the directory stands right before the end record, and its entries fill it;
 *   3. the entries, ordered by their place, fill everything before the directory, from offset 0 on,
 *      without a gap and without an overlap;
 *   4. each entry's own header says what the directory says: name, flags, method, sizes, checksum;
 *      where flag bit 3 leaves the last two open, a data descriptor behind the entry says them, and
 *      stored data, which does not tell where it ends, holds nothing that looks like one;
 *   5. methods 0 and 8, no encryption, no links or other special files, good names (zip_name), no
 *      name twice, not even in another case, none that is a file and a folder; no more of anything
 *      than the limits.
 *
 * What ordinary zippers add is accepted and ignored: dates, permissions, owners, entry comments,
 * folders, how hard they tried (flag bits 1 and 2). Flag bit 3 is what all of them set that write
 * to a pipe, Python's zipfile for stored data, too. Names need not be flagged as UTF-8 (bit 11), as
 * Info-ZIP's are not, but must be. Case is that of ASCII: what more there is depends on the reader's Unicode, and files of a bundle are
 * looked up by their bytes and never written to a disk that could fold them. The contents are not
 * looked at here.
 *
 * Threads: its holder. Owns: the list of entries; their names point into the archive.
 */
#ifndef TH_BUNDLE_ZIP_DIRECTORY_H
#define TH_BUNDLE_ZIP_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TH_ZIP_STORED 0
#define TH_ZIP_DEFLATED 8

struct th_zip_limits {
  size_t entries;
  size_t unpacked; /* bytes, of all entries together */
  size_t ratio;    /* of unpacked to the size of the archive */
  size_t name;     /* bytes of one name */
};

struct th_zip_entry {
  const unsigned char *name; /* borrowed from the archive; not followed by a zero */
  size_t name_size;
  size_t record; /* offset of what the directory says about it */
  size_t header; /* offset of its own header */
  size_t data;   /* offset of its packed bytes */
  uint32_t packed_size;
  uint32_t size;
  uint32_t checksum;
  uint16_t flags;
  uint16_t method;
  bool folder; /* empty, and its name ends in "/" */
};

struct th_zip_directory {
  size_t count;
  struct th_zip_entry *entries; /* in the order of their place in the archive */
  uint64_t unpacked;            /* the sum of all sizes */
  size_t end;                   /* offset of the end record */
};

/* Reads the directory of an archive in memory, or fails with TH_EBUNDLE and the reason. The archive
 * must outlive the directory. */
int th_zip_directory_read(struct th_zip_directory *directory, const void *archive, size_t size,
                          const struct th_zip_limits *limits, struct th_reason *reason);

void th_zip_directory_clear(struct th_zip_directory *directory);

#endif
