/* manifest: what a bundle says of itself, in the file manifest.json at its root.
 *
 *   {"name": "shop",                      text of up to 200 bytes
 *    "version": "1.12.0",                 or a whole number
 *    "notAfter": "2027-01-31",            the last day, or "2027-01-31T12:00:00Z", the last second
 *    "actors": [{"class": "shop.Clerk",   to be started when the bundle is loaded,
 *                "name": "clerk",         under that global name,
 *                "messages": [...]}]}     and to be sent these, any JSON
 *
 * A bundle need not have one, and none of these but "class" must be there. Whatever else is there
 * is refused, by its name, as is what comes twice: a misspelt "notAfter" must not mean "for ever".
 * Times are UTC.
 *
 * Threads: any; never changes once it is read. Owns: all that it points to.
 */
#ifndef TH_BUNDLE_MANIFEST_H
#define TH_BUNDLE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TH_MANIFEST_FILE "manifest.json"

/* What one may be, in bytes and in numbers. */
#define TH_MANIFEST_SIZE (1u << 20)
#define TH_MANIFEST_TEXT 200
#define TH_MANIFEST_ACTORS 1000
#define TH_MANIFEST_MESSAGES 1000
#define TH_MANIFEST_PARTS 8   /* of a version, between dots */
#define TH_MANIFEST_DIGITS 18 /* of each */

struct th_manifest_message {
  const unsigned char *data; /* one packed value */
  size_t size;
};

struct th_manifest_actor {
  const char *class_name;
  const char *global_name; /* NULL for none */
  size_t message_count;
  const struct th_manifest_message *messages;
};

struct th_manifest {
  const char *name;      /* NULL for none */
  const char *version;   /* "1.12.0"; NULL for none */
  const char *not_after; /* as it stands there; NULL for none */
  int64_t last_second;   /* that it is good for, since 1970; INT64_MAX without an end */
  size_t actor_count;
  const struct th_manifest_actor *actors;
};

/* Reads the contents of the file. TH_EBUNDLE with a reason that begins with its name, says where in
 * it, what is wrong and what may stand there instead. */
int th_manifest_read(const void *json, size_t size, struct th_manifest **manifest,
                     struct th_reason *reason);

/* NULL is fine. */
void th_manifest_free(struct th_manifest *manifest);

/* Less than, equal to or greater than 0, as strcmp: "1.10" is newer than "1.9", and the same as
 * "1.10.0". NULL is older than any. */
int th_manifest_compare_versions(const char *left, const char *right);

/* now is in seconds since 1970. */
bool th_manifest_is_expired(const struct th_manifest *manifest, int64_t now);

/* True for what may stand as a version. */
bool th_manifest_is_version(const char *text);

#endif
