/* protect: signs and encrypts a bundle as the options say.
 *
 * Threads: caller. Owns: nothing.
 */
#ifndef TH_HOST_PROTECT_H
#define TH_HOST_PROTECT_H

#include "base/bytes.h"
#include "base/error.h"
#include "host/options.h"

/* The comment that is signed: that of --comment, or the name of the file. What tells when it was
 * signed would make another bundle of it each time. comment has room for COMMENT_SIZE bytes. */
#define TH_PROTECT_COMMENT_SIZE 1100
int th_protect_comment(const struct th_options *options, const char *path, char *comment,
                       struct th_reason *reason);

/* Signs with the keys of --sign, then encrypts with that of --encrypt or the password of
 * --encrypt-password, each where it is given. path is where the bundle is going to be. *bundle is
 * replaced. */
int th_protect(const struct th_options *options, const char *path, struct th_bytes **bundle,
               struct th_reason *reason);

#endif
