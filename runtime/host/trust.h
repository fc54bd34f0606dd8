/* trust: whom a system trusts to sign bundles, as its start says it.
 *
 * Threads: caller. Owns: nothing.
 */
#ifndef TH_HOST_TRUST_H
#define TH_HOST_TRUST_H

#include <stdbool.h>

#include "base/error.h"
#include "host/options.h"

/* The actor that judges then, of the Lua library, and its global name. */
#define TH_TRUST_CLASS "thespian.authority.Authority"
#define TH_TRUST_NAME "Source Authority"

/* True when nothing may run that is not signed: --trust is given. */
bool th_trust_is_asked(const struct th_options *options);

/* Appends what that actor is created with, files by their whole paths. TH_EUSAGE where options make
 * no sense without --trust, or its count; else a file that cannot be read, with the reason. */
int th_trust_read(const struct th_options *options, struct th_pairs *config,
                  struct th_reason *reason);

/* What --trust-count says of so many keys; without it 1, or 0 where there are none. */
int th_trust_count(const struct th_options *options, size_t keys, size_t *count,
                   struct th_reason *reason);

#endif
