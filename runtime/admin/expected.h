/* expected: sources that are not there yet, but may be soon: the source authority looks at them, or
 * they are being fetched. Who would create an actor from one waits for it instead of failing.
 *
 * What becomes of each is the admin's affair (admin_source.c); this is what every turn must know at
 * once. Who has loaded a source finds it expected as soon as the call has returned, however busy the
 * admin is; that is why the table has a lock, and why it says whether sources are guarded: loads then
 * go by the authority.
 *
 * Threads: any. Owns: the hashes.
 */
#ifndef TH_ADMIN_EXPECTED_H
#define TH_ADMIN_EXPECTED_H

#include <stdbool.h>

#include "base/digest.h"

struct th_expected;

struct th_expected *th_expected_new(bool is_guarded);
void th_expected_free(struct th_expected *expected);

/* From now on nothing is loaded that the source authority has not approved. */
void th_expected_guard(struct th_expected *expected);
bool th_expected_is_guarded(struct th_expected *expected);

void th_expected_add(struct th_expected *expected, const char *hash);
void th_expected_remove(struct th_expected *expected, const char *hash);

/* Finds by the whole hash, or by a beginning of at least 8 digits that fits just one; full then
 * holds the whole one. */
bool th_expected_find(struct th_expected *expected, const char *hash,
                      char full[TH_DIGEST_TEXT_SIZE]);

#endif
