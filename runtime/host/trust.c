#include "host/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/memory.h"
#include "host/keyfile.h"
#include "message/pack.h"

bool th_trust_is_asked(const struct th_options *options) {
  return th_options_has(options, TH_OPTION_TRUST);
}

int th_trust_count(const struct th_options *options, size_t keys, size_t *count,
                   struct th_reason *reason) {
  const char *text = th_options_text(options, TH_OPTION_TRUST_COUNT, NULL);
  *count = keys != 0;
  if (text == NULL) return 0;
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  if (*text < '1' || *text > '9' || *end != '\0' || number > keys)
    return th_fail(reason, TH_EUSAGE,
                   "\"%s\" is no count of keys: 1 to the number of --trust, which is %zu", text,
                   keys);
  *count = number;
  return 0;
}

/* What belongs to --trust, and is there without it. */
static int refuse_rest(const struct th_options *options, struct th_reason *reason) {
  static const enum th_option rest[] = {TH_OPTION_TRUST_COUNT, TH_OPTION_TRUST_STATE,
                                        TH_OPTION_KEY};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
    if (th_options_has(options, rest[i]))
      return th_fail(reason, TH_EUSAGE, "--%s is for --trust: say whose signatures count",
                     th_option_usages[rest[i]].name);
  return 0;
}

static int put_count(const struct th_options *options, struct th_pairs *config,
                     struct th_reason *reason) {
  size_t keys = options->texts[TH_OPTION_TRUST].count, count;
  int error = th_trust_count(options, keys, &count, reason);
  if (error == 0) th_pairs_put_int(config, "count", (int64_t)count);
  return error;
}

/* The system may be in another folder by then. */
static int put_path(struct th_buffer *list, const char *path, struct th_reason *reason) {
  char *whole = realpath(path, NULL);
  if (whole == NULL) return th_fail(reason, -errno, "no key file %s: %s", path, strerror(errno));
  th_pack_text(list, whole);
  free(whole);
  return 0;
}

static int check_key(const char *path, bool is_public, struct th_reason *reason) {
  struct th_public_key public_key;
  struct th_cipher_key *key = NULL;
  int error = is_public ? th_keyfile_public(path, &public_key, reason)
                        : th_keyfile_cipher(path, &key, reason);
  th_crypto_free(key);
  return error;
}

static int put_keys(const struct th_options *options, enum th_option option, const char *name,
                    struct th_pairs *config, struct th_reason *reason) {
  const struct th_texts *paths = &options->texts[option];
  struct th_buffer list;
  int error = 0;
  th_buffer_init(&list);
  th_pack_array(&list, (uint32_t)paths->count);
  for (size_t i = 0; i < paths->count && error == 0; i++) {
    error = check_key(paths->list[i], option == TH_OPTION_TRUST, reason);
    if (error == 0) error = put_path(&list, paths->list[i], reason);
  }
  if (error == 0) th_pairs_put(config, name, strlen(name), list.data, list.size);
  th_buffer_clear(&list);
  return error;
}

/* The file may not be there yet, but its folder must. */
static int put_state(const char *path, struct th_pairs *config, struct th_reason *reason) {
  char *copy = th_strdup(path), *slash = strrchr(copy, '/');
  if (slash != NULL) *slash = '\0';
  const char *name = slash != NULL ? slash + 1 : copy, *folder = slash != NULL ? copy : ".";
  char *whole = realpath(folder[0] != '\0' ? folder : "/", NULL);
  int error = whole == NULL
                ? th_fail(reason, -errno, "no folder %s for the file of --trust-state: %s", folder,
                          strerror(errno))
                : 0;
  struct th_buffer text;
  th_buffer_init(&text);
  if (error == 0) th_buffer_printf(&text, "%s/%s", whole, name);
  if (error == 0) th_buffer_append(&text, "", 1);
  if (error == 0) th_pairs_put_text(config, "state", (const char *)text.data);
  th_buffer_clear(&text);
  free(whole);
  free(copy);
  return error;
}

int th_trust_read(const struct th_options *options, struct th_pairs *config,
                  struct th_reason *reason) {
  const char *state = th_options_text(options, TH_OPTION_TRUST_STATE, NULL);
  if (!th_trust_is_asked(options)) return refuse_rest(options, reason);
  int error = put_count(options, config, reason);
  if (error == 0) error = put_keys(options, TH_OPTION_TRUST, "trust", config, reason);
  if (error == 0) error = put_keys(options, TH_OPTION_KEY, "keys", config, reason);
  if (error == 0 && state != NULL) error = put_state(state, config, reason);
  return error;
}
