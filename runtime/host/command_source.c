#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/source.h"
#include "base/memory.h"
#include "host/bundle.h"
#include "host/command.h"
#include "host/protect.h"
#include "host/status_text.h"

/* What is larger was never packed by us, and no system takes it. */
#define FILE_LIMIT ((size_t)256 << 20)

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* ---- load and unload ------------------------------------------------------------------------- */

/* A judgement knows the source by its hash alone, and many files may be loaded by one command. */
static int fail_load(const char *file, int error, const struct th_reason *why,
                     struct th_reason *reason) {
  if (error != TH_ESOURCE) return th_fail(reason, error, "%s", why->words);
  return th_fail(reason, error, "%.255s: %.700s", last_part(file), why->words);
}

int th_command_send_bundle(struct th_client *client, const char *file, uint64_t until, char *hash,
                           struct th_reason *reason) {
  struct th_bytes *zip;
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  int error = th_bundle_read(file, FILE_LIMIT, &zip, reason);
  if (error != 0) return error;
  th_command_begin(&request, TH_OP_LOAD, 4);
  th_pack_bin(&request, zip->data, zip->size);
  th_pack_text(&request, last_part(file));
  th_pack_bool(&request, false);
  th_pack_bool(&request, true); /* who loads by hand is to see what becomes of it */
  th_bytes_unref(zip);
  struct th_reason why = {""};
  error = th_client_request(client, &request, until, &reply, &why);
  th_buffer_clear(&request);
  if (error != 0) return fail_load(file, error, &why, reason);
  th_command_result(reply, &result);
  size_t size;
  const char *text = th_unpack_str(&result, &size);
  bool is_hash = text != NULL && size == TH_DIGEST_TEXT_SIZE - 1;
  snprintf(hash, TH_DIGEST_TEXT_SIZE, "%.*s", is_hash ? (int)size : 0, is_hash ? text : "");
  th_message_free(reply);
  if (strspn(hash, "0123456789abcdef") == TH_DIGEST_TEXT_SIZE - 1) return 0;
  return th_fail(reason, TH_EPROTOCOL, "the actor system gave an answer that makes no sense");
}

int th_command_load(struct th_command *command, struct th_reason *reason) {
  char hash[TH_DIGEST_TEXT_SIZE];
  int error = th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  error = th_command_send_bundle(command->client, command->options->arguments[0], command->until,
                                 hash, reason);
  if (error == 0) puts(hash);
  return error;
}

int th_command_unload(struct th_command *command, struct th_reason *reason) {
  struct th_buffer request;
  const char *hash = command->options->arguments[0];
  bool drains = th_options_has(command->options, TH_OPTION_WHEN_DRAINED);
  int error = th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  th_command_begin(&request, TH_OP_UNLOAD, 2);
  th_pack_text(&request, hash);
  th_pack_bool(&request, drains);
  struct th_reason why = {""};
  error = th_command_do(command, &request, &why);
  if (error == TH_ESOURCE)
    return th_fail(reason, error, "%.900s; thespian-host sources lists those that are", why.words);
  if (error != 0) th_fail(reason, error, "%s", why.words);
  if (error != TH_ETIMEOUT || !drains) return error;
  return th_fail(reason, error,
                 "source %s is unloaded, but actors still run from it, as thespian-host status "
                 "shows; the same command waits on",
                 hash);
}

int th_command_sources(struct th_command *command, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  int error = th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  th_command_begin(&request, TH_OP_SOURCES, 0);
  if ((error = th_command_request(command, &request, &reply, &result, reason)) != 0) return error;
  struct th_buffer text;
  th_buffer_init(&text);
  th_status_text_sources(th_view_next(&result), TH_DIGEST_TEXT_SIZE - 1, &text);
  if (text.size != 0) fwrite(text.data, 1, text.size, stdout);
  th_buffer_clear(&text);
  th_message_free(reply);
  return 0;
}

/* ---- bundle ---------------------------------------------------------------------------------- */

/* The name of the folder, also when it was given as "." or with a slash at its end. */
static char *default_output(const char *folder) {
  char *real = realpath(folder, NULL);
  const char *name = last_part(real != NULL ? real : folder);
  char *output = th_alloc(strlen(name) + sizeof ".zip");
  strcpy(stpcpy(output, name), ".zip");
  free(real);
  return output;
}

/* Looks at the zip as a system will when it is loaded: what it would refuse is said now. */
static int check(const struct th_bytes *zip, bool is_compiled, char *hash,
                 struct th_reason *reason) {
  struct th_source *source;
  const struct th_source_config config = {.may_be_compiled = is_compiled};
  int error = th_source_open(zip->data, zip->size, &config, &source, reason);
  if (error != 0) return error;
  snprintf(hash, TH_DIGEST_TEXT_SIZE, "%s", source->hash);
  th_source_unref(source);
  return 0;
}

/* Takes the zip; gives the compiled one in its place, where that is wanted. */
static int compile(const struct th_command *command, struct th_bytes **zip,
                   struct th_reason *reason) {
  struct th_bytes *text = *zip;
  bool keep_debug = th_options_has(command->options, TH_OPTION_KEEP_DEBUG);
  if (!th_options_has(command->options, TH_OPTION_COMPILE)) return 0;
  int error = command->language->compile(text->data, text->size, keep_debug, zip, reason);
  th_bytes_unref(text);
  return error;
}

static int write_bundle(const struct th_command *command, const char *folder, const char *output,
                        struct th_reason *reason) {
  char hash[TH_DIGEST_TEXT_SIZE];
  struct th_bytes *zip;
  int error = th_bundle_folder_except(folder, output, &zip, reason);
  if (error != 0) return error;
  if ((error = compile(command, &zip, reason)) != 0) return error;
  error = check(zip, th_options_has(command->options, TH_OPTION_COMPILE), hash, reason);
  if (error == 0) error = th_protect(command->options, output, &zip, reason);
  if (error == 0) error = th_digest_sha256(zip->data, zip->size, hash);
  if (error == 0) error = th_bundle_write(output, zip, reason);
  if (error == 0) puts(hash);
  th_bytes_unref(zip);
  return error;
}

int th_command_bundle(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  const char *folder = options->arguments[0];
  if (th_options_has(options, TH_OPTION_KEEP_DEBUG) && !th_options_has(options, TH_OPTION_COMPILE))
    return th_fail(reason, TH_EUSAGE,
                   "--keep-debug is for --compile: source text tells file and line anyway");
  char *output = default_output(folder);
  int error = write_bundle(command, folder, th_options_text(options, TH_OPTION_OUTPUT, output),
                           reason);
  free(output);
  return error;
}
