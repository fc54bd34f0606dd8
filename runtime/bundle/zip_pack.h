/* zip_pack: files packed as a zip that will be accepted.
 *
 * Sorted by name, without dates or permissions: equal files give equal bytes, in whatever order
 * they are given. The rules stand in one place: what was packed is read as a stranger's would be.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_BUNDLE_ZIP_PACK_H
#define TH_BUNDLE_ZIP_PACK_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "bundle/zip_directory.h"

struct th_zip_file {
  const char *name;
  const unsigned char *data;
  size_t size;
};

/* Gives new bytes. TH_EBUNDLE with the reason for names or sizes that th_zip_open would refuse. */
int th_zip_pack(const struct th_zip_file *files, size_t count, const struct th_zip_limits *limits,
                struct th_bytes **zip, struct th_reason *reason);

#endif
