#include "host/protect.h"

#include <stdio.h>
#include <string.h>

#include "bundle/envelope.h"
#include "bundle/seal.h"
#include "host/keyfile.h"

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

int th_protect_comment(const struct th_options *options, const char *path, char *comment,
                       struct th_reason *reason) {
  const char *given = th_options_text(options, TH_OPTION_COMMENT, NULL);
  const char *before = given != NULL ? "" : "file:";
  int size = snprintf(comment, TH_PROTECT_COMMENT_SIZE, "%s%s", before,
                      given != NULL ? given : last_part(path));
  const char *fault = th_signature_comment_fault(
    comment, size < TH_PROTECT_COMMENT_SIZE ? (size_t)size : TH_PROTECT_COMMENT_SIZE - 1);
  if (fault == NULL) return 0;
  if (given != NULL) return th_fail(reason, TH_EUSAGE, "the comment of --comment %s", fault);
  return th_fail(reason, TH_EUSAGE, "the name of the file %s; say something else with --comment",
                 fault);
}

static void replace(struct th_bytes **bundle, struct th_bytes *by) {
  th_bytes_unref(*bundle);
  *bundle = by;
}

static int sign(const struct th_options *options, const char *key_path, const char *comment,
                struct th_bytes **bundle, struct th_reason *reason) {
  struct th_secret_key *key;
  struct th_bytes *done;
  const char *password_path = th_options_text(options, TH_OPTION_PASSWORD_FILE, NULL);
  int error = th_keyfile_secret(key_path, password_path, &key, reason);
  if (error != 0) return error;
  error = th_envelope_sign((*bundle)->data, (*bundle)->size, key, comment, strlen(comment), &done,
                           reason);
  th_crypto_free(key);
  if (error == 0) replace(bundle, done);
  return error;
}

static int encrypt_with_key(const char *path, struct th_bytes **bundle, struct th_reason *reason) {
  struct th_cipher_key *key;
  struct th_bytes *done;
  int error = th_keyfile_cipher(path, &key, reason);
  if (error != 0) return error;
  error = th_seal_with_key((*bundle)->data, (*bundle)->size, key, &done, reason);
  th_crypto_free(key);
  if (error == 0) replace(bundle, done);
  return error;
}

static int encrypt_with_password(const char *path, struct th_bytes **bundle,
                                 struct th_reason *reason) {
  struct th_password password;
  struct th_bytes *done;
  char *text;
  int error = th_keyfile_password(path, &text, &password, reason);
  if (error != 0) return error;
  error = th_seal_with_password((*bundle)->data, (*bundle)->size, &password, TH_SEAL_PASSES,
                                TH_SEAL_MEMORY, &done, reason);
  th_crypto_free(text);
  if (error == 0) replace(bundle, done);
  return error;
}

static int encrypt(const struct th_options *options, struct th_bytes **bundle,
                   struct th_reason *reason) {
  const char *key_path = th_options_text(options, TH_OPTION_ENCRYPT, NULL);
  const char *password_path = th_options_text(options, TH_OPTION_ENCRYPT_PASSWORD, NULL);
  if (key_path != NULL && password_path != NULL) {
    return th_fail(reason, TH_EUSAGE,
                   "a bundle is encrypted with a key or with a password, not with both");
  }
  if (key_path != NULL) return encrypt_with_key(key_path, bundle, reason);
  return password_path != NULL ? encrypt_with_password(password_path, bundle, reason) : 0;
}

int th_protect(const struct th_options *options, const char *path, struct th_bytes **bundle,
               struct th_reason *reason) {
  const struct th_texts *keys = &options->texts[TH_OPTION_SIGN];
  char comment[TH_PROTECT_COMMENT_SIZE];
  if (keys->count == 0 && th_options_has(options, TH_OPTION_PASSWORD_FILE)) {
    return th_fail(reason, TH_EUSAGE,
                   "--password-file is for the keys of --sign, and there are none; "
                   "--encrypt-password encrypts with a password");
  }
  if (keys->count == 0 && th_options_has(options, TH_OPTION_COMMENT)) {
    return th_fail(reason, TH_EUSAGE, "--comment is signed, and no key is given with --sign");
  }
  int error = keys->count != 0 ? th_protect_comment(options, path, comment, reason) : 0;
  for (size_t i = 0; i < keys->count && error == 0; i++) {
    error = sign(options, keys->list[i], comment, bundle, reason);
  }
  return error != 0 ? error : encrypt(options, bundle, reason);
}
