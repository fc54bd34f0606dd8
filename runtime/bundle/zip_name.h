/* zip_name: which names the entries of an archive may have, and how a refusal shows them.
 *
 * A good name means one and the same file to every reader on every system: UTF-8, relative, parts
 * divided by "/", no part that is empty, "." or "..". One "/" at the end marks a folder.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_BUNDLE_ZIP_NAME_H
#define TH_BUNDLE_ZIP_NAME_H

#include <stddef.h>

#include "base/error.h"

/* What is wrong with a name, in words that follow `entry "...": `; NULL when it is good. limit is
 * the most bytes it may have. Borrowed for ever. */
const char *th_zip_name_fault(const unsigned char *name, size_t size, size_t limit);

/* Fails with TH_EBUNDLE and the words `entry "name": ...`. The name comes from outside, so what
 * could play tricks on a terminal or a log is escaped, and a long name is cut. */
int th_zip_name_fail(struct th_reason *reason, const unsigned char *name, size_t size,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Orders names as if ASCII letters had no case and a folder had no "/" at its end: 0 means that
 * some system would take the two for the same file. */
int th_zip_name_compare(const unsigned char *left, size_t left_size, const unsigned char *right,
                        size_t right_size);

#endif
