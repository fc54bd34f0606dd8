#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/source.h"
#include "base/digest.h"
#include "base/memory.h"
#include "bundle/envelope.h"
#include "host/bundle.h"
#include "host/command.h"
#include "host/keyfile.h"
#include "host/protect.h"

#define BUNDLE_LIMIT ((size_t)256 << 20)
#define SIGNATURE_LIMIT ((size_t)64 << 10)

/* ---- keygen ---------------------------------------------------------------------------------- */

static char *name_file(const char *name, const char *ending) {
  char *path = th_alloc(strlen(name) + strlen(ending) + 1);
  strcpy(stpcpy(path, name), ending);
  return path;
}

static int make_cipher(const char *key_path, struct th_reason *reason) {
  struct th_cipher_key key;
  char text[TH_KEY_TEXT_SIZE] = "", id[TH_KEY_ID_TEXT];
  int error = th_key_make_cipher(&key);
  if (error == 0) {
    th_key_write_cipher(&key, text);
    error = th_keyfile_write(key_path, text, true, reason);
  }
  if (error == 0) puts(th_key_id_text(key.id, id));
  th_crypto_wipe(&key, sizeof key);
  th_crypto_wipe(text, sizeof text);
  return error;
}

/* The secret key first: of a public key that belongs to nothing nobody would know that. */
static int write_pair(const struct th_public_key *public_key, const char *secret_text,
                      const char *public_path, const char *key_path, struct th_reason *reason) {
  char text[TH_KEY_TEXT_SIZE];
  int error = th_keyfile_write(key_path, secret_text, true, reason);
  if (error != 0) return error;
  th_key_write_public(public_key, text);
  error = th_keyfile_write(public_path, text, false, reason);
  if (error != 0) unlink(key_path);
  return error;
}

static int make_pair(const char *public_path, const char *key_path, const char *password_path,
                     struct th_reason *reason) {
  struct th_public_key public_key;
  struct th_secret_key secret_key;
  struct th_password password = {NULL, 0};
  char *password_text = NULL;
  char text[TH_KEY_TEXT_SIZE] = "", word[TH_KEY_WORD_SIZE];
  if (password_path != NULL) {
    int failed = th_keyfile_password(password_path, &password_text, &password, reason);
    if (failed != 0) return failed;
  }
  int error = th_key_make_pair(&public_key, &secret_key);
  if (error == 0) error = th_key_write_secret(&secret_key, &password, text, reason);
  if (error == 0) error = write_pair(&public_key, text, public_path, key_path, reason);
  if (error == 0) puts(th_key_word(&public_key, word));
  th_crypto_wipe(&secret_key, sizeof secret_key);
  th_crypto_wipe(text, sizeof text);
  th_crypto_free(password_text);
  return error;
}

int th_command_keygen(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  const char *name = th_options_text(options, TH_OPTION_OUTPUT, "bundle");
  const char *password_path = th_options_text(options, TH_OPTION_PASSWORD_FILE, NULL);
  bool is_cipher = th_options_has(options, TH_OPTION_ENCRYPTION);
  if (is_cipher && password_path != NULL) {
    return th_fail(reason, TH_EUSAGE,
                   "a password protects keys for signing; an encryption key has none");
  }
  char *public_path = name_file(name, ".pub");
  char *key_path = name_file(name, ".key");
  int error = is_cipher ? make_cipher(key_path, reason)
                        : make_pair(public_path, key_path, password_path, reason);
  free(public_path);
  free(key_path);
  return error;
}

/* ---- sign ------------------------------------------------------------------------------------ */

static int sign(const struct th_options *options, const char *path, const struct th_bytes *bundle,
                struct th_bytes **done, struct th_reason *reason) {
  struct th_secret_key *key;
  char comment[TH_PROTECT_COMMENT_SIZE];
  int error = th_protect_comment(options, path, comment, reason);
  if (error != 0) return error;
  error = th_keyfile_secret(th_options_text(options, TH_OPTION_KEY, NULL),
                            th_options_text(options, TH_OPTION_PASSWORD_FILE, NULL), &key, reason);
  if (error != 0) return error;
  error = th_envelope_sign(bundle->data, bundle->size, key, comment, strlen(comment), done, reason);
  th_crypto_free(key);
  return error;
}

static int attach(const struct th_options *options, const char *signature_path,
                  const struct th_bytes *bundle, struct th_bytes **done, struct th_reason *reason) {
  struct th_public_key key;
  struct th_bytes *text;
  struct th_reason why = {""};
  int error = th_keyfile_public(th_options_text(options, TH_OPTION_KEY, NULL), &key, reason);
  if (error == 0) error = th_bundle_read(signature_path, SIGNATURE_LIMIT, &text, reason);
  if (error != 0) return error;
  error = th_envelope_attach(bundle->data, bundle->size, (const char *)text->data, text->size, &key,
                             done, &why);
  th_bytes_unref(text);
  return error != 0 ? th_fail(reason, error, "%s: %.900s", signature_path, why.words) : 0;
}

/* Signed in its place, what is no bundle would be a file that nothing reads any more. */
static int check_plain(const char *path, const struct th_bytes *bundle, struct th_reason *reason) {
  struct th_source *source;
  const struct th_source_config config = {.info = path, .may_be_compiled = true};
  if (th_envelope_kind(bundle->data, bundle->size) != TH_ENVELOPE_PLAIN_KIND) return 0;
  int error = th_source_open(bundle->data, bundle->size, &config, &source, reason);
  if (error == 0) th_source_unref(source);
  return error;
}

static int write_signed(const char *path, const struct th_bytes *bundle, struct th_reason *reason) {
  char hash[TH_DIGEST_TEXT_SIZE];
  int error = th_digest_sha256(bundle->data, bundle->size, hash);
  if (error == 0) error = th_bundle_write(path, bundle, reason);
  if (error == 0) puts(hash);
  return error;
}

int th_command_sign(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  const char *path = options->arguments[0];
  const char *signature_path = th_options_text(options, TH_OPTION_SIGNATURE, NULL);
  struct th_bytes *bundle, *done;
  if (!th_options_has(options, TH_OPTION_KEY)) {
    return th_fail(
      reason, TH_EUSAGE,
      "sign needs --key: a secret key to sign with, or with --signature the public key "
      "that it was made with");
  }
  if (signature_path != NULL && th_options_has(options, TH_OPTION_COMMENT)) {
    return th_fail(reason, TH_EUSAGE, "a signature that was made elsewhere has its own comment");
  }
  int error = th_bundle_read(path, BUNDLE_LIMIT, &bundle, reason);
  if (error != 0) return error;
  error = check_plain(path, bundle, reason);
  if (error == 0 && signature_path != NULL)
    error = attach(options, signature_path, bundle, &done, reason);
  else if (error == 0)
    error = sign(options, path, bundle, &done, reason);
  th_bytes_unref(bundle);
  if (error != 0) return error;
  error = write_signed(th_options_text(options, TH_OPTION_OUTPUT, path), done, reason);
  th_bytes_unref(done);
  return error;
}
