#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/error.h"

int th_digest_sha256(const void *data, size_t size, char *text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_size = 0;
  if (EVP_Digest(data, size, digest, &digest_size, EVP_sha256(), NULL) != 1) return TH_ENOMEM;
  for (unsigned int i = 0; i < digest_size; i++) {
    *text++ = "0123456789abcdef"[digest[i] >> 4];
    *text++ = "0123456789abcdef"[digest[i] & 15];
  }
  *text = '\0';
  return 0;
}

const char *th_digest_version(void) {
  return OpenSSL_version(OPENSSL_VERSION);
}
