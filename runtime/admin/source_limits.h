/* source_limits: what a system's capabilities say bundles may be.
 *
 *   Source Entries Limit   files and folders in a bundle
 *   Source Size Limit      bytes of all files together, unpacked
 *   Source Ratio Limit     how many times larger than the zip that may be
 *   Source Name Limit      bytes of one name
 *
 * They are read once, at the start. There is no word for "none": a bundle comes from outside, so
 * each limit has an end of its own, which TH_SOURCE_..._MOST says and the reason names.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_ADMIN_SOURCE_LIMITS_H
#define TH_ADMIN_SOURCE_LIMITS_H

#include <stddef.h>

#include "base/error.h"
#include "bundle/zip_directory.h"

/* A zip without zip64 says no larger numbers. */
#define TH_SOURCE_ENTRIES_MOST 65534u
#define TH_SOURCE_UNPACKED_MOST 4294967294u

/* Past what deflate can do, which is 1032, so that this is as good as none. */
#define TH_SOURCE_RATIO_MOST 10000u

/* A module's name in a struct th_module has its bundle's hash before it. */
#define TH_SOURCE_NAME_MOST 400u

/* Reads them from a packed map; what it does not say is as usual (admin/source.h). TH_ESTARTUP with
 * the capability's name and what it may be. */
int th_source_limits_read(const void *capabilities, size_t size, struct th_zip_limits *limits,
                          struct th_reason *reason);

#endif
