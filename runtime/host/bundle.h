/* bundle: files of a folder as one zip.
 *
 * The same files give the same bytes, in whatever order and with whatever dates the folder has
 * them. Names are relative to the folder, with "/" between their parts.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_HOST_BUNDLE_H
#define TH_HOST_BUNDLE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* Packs every file below folder but hidden ones (".git" and the like). A symbolic link to a file
 * below the folder is packed as that file; other links are passed over, as are pipes and devices.
 * TH_EBUNDLE when there is nothing to pack or more than a bundle may hold; -errno when a file
 * cannot be read. */
int th_bundle_folder(const char *folder, struct th_bytes **zip, struct th_reason *reason);

/* The same but for one file, which need not be there: where the zip is about to be written to. */
int th_bundle_folder_except(const char *folder, const char *except, struct th_bytes **zip,
                            struct th_reason *reason);

/* Packs just these files below folder. */
int th_bundle_files(const char *folder, const char *const *names, size_t count,
                    struct th_bytes **zip, struct th_reason *reason);

/* Reads a whole file of at most limit bytes. -errno or TH_ETOOBIG, with a reason that names it. */
int th_bundle_read(const char *path, size_t limit, struct th_bytes **content,
                   struct th_reason *reason);

/* Writes a whole file, which appears complete or not at all. */
int th_bundle_write(const char *path, const struct th_bytes *content, struct th_reason *reason);

#endif
