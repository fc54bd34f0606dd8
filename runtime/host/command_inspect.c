#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/source.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/printable.h"
#include "bundle/envelope.h"
#include "bundle/manifest.h"
#include "bundle/seal.h"
#include "host/bundle.h"
#include "host/command.h"
#include "host/keyfile.h"
#include "host/trust.h"

#define BUNDLE_LIMIT ((size_t)256 << 20)

/* What is shown, step by step, from the outside to the inside. The first step that fails is why the
 * bundle would be refused; what lies behind it cannot be told. */
struct inspection {
  const struct th_options *options;
  struct th_public_key *trusted;
  size_t trusted_count;
  size_t needed;
  struct th_cipher_key *key; /* NULL: none is given */
  char *password_text;       /* likewise */
  struct th_password password;
  const unsigned char *data; /* what the next step looks at */
  size_t size;
  bool is_signed;
  struct th_bytes *opened; /* what was decrypted, or NULL */
  struct th_reason *reason;
};

/* ---- printing -------------------------------------------------------------------------------- */

/* One line: its name, and words that may be a stranger's. */
static void print(const char *name, const char *words, size_t size) {
  struct th_buffer line;
  th_buffer_init(&line);
  th_buffer_printf(&line, "%-11s ", name);
  th_printable_append(&line, words, size, "\t");
  th_command_print(&line);
  th_buffer_clear(&line);
}

__attribute__((format(printf, 2, 3))) static void show(const char *name, const char *format, ...) {
  struct th_buffer words;
  va_list arguments;
  th_buffer_init(&words);
  va_start(arguments, format);
  th_buffer_vprintf(&words, format, arguments);
  va_end(arguments);
  print(name, (const char *)words.data, words.size);
  th_buffer_clear(&words);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static int read_trusted(struct inspection *inspection) {
  const struct th_texts *paths = &inspection->options->texts[TH_OPTION_TRUST];
  inspection->trusted = th_alloc_zeroed(paths->count + 1, sizeof *inspection->trusted);
  for (size_t i = 0; i < paths->count; i++) {
    int error = th_keyfile_public(paths->list[i], &inspection->trusted[i], inspection->reason);
    if (error != 0) return error;
  }
  inspection->trusted_count = paths->count;
  return th_trust_count(inspection->options, paths->count, &inspection->needed, inspection->reason);
}

static int read_openers(struct inspection *inspection) {
  const struct th_options *options = inspection->options;
  const char *key_path = th_options_text(options, TH_OPTION_KEY, NULL);
  const char *password_path = th_options_text(options, TH_OPTION_PASSWORD_FILE, NULL);
  int error = 0;
  if (key_path != NULL) error = th_keyfile_cipher(key_path, &inspection->key, inspection->reason);
  if (error == 0 && password_path != NULL) {
    error = th_keyfile_password(password_path, &inspection->password_text, &inspection->password,
                                inspection->reason);
  }
  return error;
}

/* ---- the steps ------------------------------------------------------------------------------- */

static int show_file(struct inspection *inspection) {
  char hash[TH_DIGEST_TEXT_SIZE];
  int error = th_digest_sha256(inspection->data, inspection->size, hash);
  if (error != 0) return error;
  show("file", "%s", inspection->options->arguments[0]);
  show("size", "%zu bytes", inspection->size);
  show("hash", "%s", hash);
  return 0;
}

static int show_seal(struct inspection *inspection) {
  struct th_seal seal;
  char id[TH_KEY_ID_TEXT];
  if (th_envelope_kind(inspection->data, inspection->size) != TH_ENVELOPE_SEALED_KIND) return 0;
  int error = th_seal_read(inspection->data, inspection->size, &seal, inspection->reason);
  if (error != 0) return error;
  if (seal.by_password) {
    show("encrypted", "with a password");
  } else {
    show("encrypted", "with key %s", th_key_id_text(seal.id, id));
  }
  const struct th_cipher_key *const keys[] = {inspection->key};
  const struct th_seal_openers openers = {
    .keys = keys, .key_count = inspection->key != NULL, .password = inspection->password};
  error = th_seal_open(inspection->data, inspection->size, &openers, &inspection->opened,
                       inspection->reason);
  if (error != 0) return error;
  inspection->data = inspection->opened->data;
  inspection->size = inspection->opened->size;
  return 0;
}

static void show_signer(const struct inspection *inspection, const struct th_signer *signer) {
  char id[TH_KEY_ID_TEXT], word[TH_KEY_WORD_SIZE];
  const struct th_envelope alone = {.count = 1, .signers = {*signer}};
  const char *trust = "";
  if (inspection->trusted_count != 0) {
    trust = th_envelope_count(&alone, inspection->trusted, inspection->trusted_count) != 0
              ? ", trusted"
              : ", not trusted";
  }
  show("signed", "by key %s%s", th_key_id_text(signer->key.id, id), trust);
  show("  key", "%s", th_key_word(&signer->key, word));
  print("  comment", signer->signature.comment, signer->signature.comment_size);
}

static int show_signatures(struct inspection *inspection) {
  struct th_envelope envelope;
  if (th_envelope_kind(inspection->data, inspection->size) != TH_ENVELOPE_SIGNED_KIND) {
    return inspection->needed == 0
             ? 0
             : th_fail(inspection->reason, TH_ESIGNATURE, "the bundle is not signed");
  }
  int error = th_envelope_open(inspection->data, inspection->size, &envelope, inspection->reason);
  if (error != 0) return error;
  for (size_t i = 0; i < envelope.count; i++) show_signer(inspection, &envelope.signers[i]);
  inspection->is_signed = true;
  inspection->data = envelope.payload;
  inspection->size = envelope.payload_size;
  return th_envelope_require(&envelope, inspection->trusted, inspection->trusted_count,
                             inspection->needed, inspection->reason);
}

/* Without anybody who judges it, a bundle that is past its time is loaded like others. */
static int show_manifest(struct inspection *inspection, const struct th_manifest *manifest) {
  if (manifest->name != NULL) show("name", "%s", manifest->name);
  if (manifest->version != NULL) show("version", "%s", manifest->version);
  if (manifest->not_after != NULL) show("not after", "%s", manifest->not_after);
  for (size_t i = 0; i < manifest->actor_count; i++) {
    const struct th_manifest_actor *actor = &manifest->actors[i];
    show("starts", "%s%s%s", actor->class_name, actor->global_name != NULL ? " as @" : "",
         actor->global_name != NULL ? actor->global_name : "");
  }
  if (inspection->trusted_count == 0 || !th_manifest_is_expired(manifest, (int64_t)time(NULL)))
    return 0;
  return th_fail(inspection->reason, TH_EBUNDLE, "it was good until %s, which is over",
                 manifest->not_after);
}

/* Compiled files are shown as such, since who trusts the signers trusts those, too. */
static int show_entries(struct inspection *inspection) {
  struct th_source *source;
  const struct th_source_config config = {.may_be_compiled = inspection->trusted_count != 0};
  int error = th_source_open(inspection->data, inspection->size, &config, &source,
                             inspection->reason);
  if (error != 0) return error;
  show("zip", "%zu bytes, %zu file%s", inspection->size, source->file_count,
       source->file_count == 1 ? "" : "s");
  for (size_t i = 0; i < source->file_count; i++) {
    const struct th_source_file *file = &source->files[i];
    bool is_compiled = file->size >= 4 && memcmp(file->data, "\x1bLua", 4) == 0;
    show("  entry", "%s, %zu bytes%s", file->name, file->size, is_compiled ? ", compiled" : "");
  }
  if (source->manifest != NULL) error = show_manifest(inspection, source->manifest);
  th_source_unref(source);
  return error;
}

typedef int inspect_step(struct inspection *inspection);

/* From the outside to the inside. */
static inspect_step *const steps[] = {show_file, show_seal, show_signatures, show_entries};

static int take_steps(struct inspection *inspection, const struct th_bytes *bundle) {
  int error = 0;
  inspection->data = bundle->data;
  inspection->size = bundle->size;
  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && error == 0; i++) {
    error = steps[i](inspection);
  }
  if (error != 0) {
    show("accepted", "no");
  } else if (inspection->trusted_count != 0) {
    show("accepted", "yes");
  } else {
    show("accepted", "yes, where %s",
         inspection->is_signed ? "its signers are trusted" : "no signature is asked for");
  }
  th_bytes_unref(inspection->opened);
  return error;
}

int th_command_inspect(struct th_command *command, struct th_reason *reason) {
  const char *path = command->options->arguments[0];
  struct th_reason why = {""};
  struct th_bytes *bundle;
  struct inspection inspection = {.options = command->options, .reason = reason};
  int error = read_trusted(&inspection);
  if (error == 0) error = read_openers(&inspection);
  if (error == 0) error = th_bundle_read(path, BUNDLE_LIMIT, &bundle, reason);
  if (error == 0) {
    inspection.reason = &why;
    error = take_steps(&inspection, bundle);
    th_bytes_unref(bundle);
    if (error != 0) {
      const char *words = why.words[0] != '\0' ? why.words : th_error_words(error);
      th_fail(reason, error, "%s would be refused: %.900s", path, words);
    }
  }
  th_crypto_free(inspection.password_text);
  th_crypto_free(inspection.key);
  free(inspection.trusted);
  return error;
}
