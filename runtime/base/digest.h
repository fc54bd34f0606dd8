/* digest: SHA-256, by OpenSSL, which uses what processors have for it. The only file that sees it.
 *
 * Threads: any.
 */
#ifndef TH_BASE_DIGEST_H
#define TH_BASE_DIGEST_H

#include <stddef.h>

#define TH_DIGEST_TEXT_SIZE 65

/* Writes the SHA-256 of data as 64 lower case hexadecimal digits and a zero. */
int th_digest_sha256(const void *data, size_t size, char *text);

/* "OpenSSL 3.0.x ...". Borrowed for ever. */
const char *th_digest_version(void);

#endif
