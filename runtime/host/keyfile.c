#include "host/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* No file of a key or a password is larger. */
#define FILE_LIMIT 4096

static int fail_at(struct th_reason *reason, const char *doing, const char *path, int error) {
  return th_fail(reason, error, "cannot %s %s: %s", doing, path, th_error_words(error));
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_some(int fd, char *block, size_t *size) {
  *size = 0;
  while (*size < FILE_LIMIT + 1) {
    ssize_t got = read(fd, block + *size, FILE_LIMIT + 1 - *size);
    if (got == 0) return 0;
    if (got < 0 && errno != EINTR) return -errno;
    if (got > 0) *size += (size_t)got;
  }
  return TH_ETOOBIG;
}

/* *block is freed with th_crypto_free; a zero follows the text. */
static int read_file(const char *path, char **block, size_t *size, struct th_reason *reason) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return fail_at(reason, "read", path, -errno);
  *block = th_crypto_alloc(FILE_LIMIT + 2);
  int error = *block != NULL ? read_some(fd, *block, size) : TH_ENOMEM;
  close(fd);
  if (error == 0) {
    (*block)[*size] = '\0';
    return 0;
  }
  th_crypto_free(*block);
  if (error != TH_ETOOBIG) return fail_at(reason, "read", path, error);
  return th_fail(reason, TH_EKEY, "%s is no file of a key or a password: it has more than %d bytes",
                 path, FILE_LIMIT);
}

static int fail_key(const char *path, int error, const struct th_reason *why,
                    struct th_reason *reason) {
  const char *words = why->words[0] != '\0' ? why->words : th_error_words(error);
  return th_fail(reason, error, "%s: %.900s", path, words);
}

int th_keyfile_public(const char *path, struct th_public_key *key, struct th_reason *reason) {
  struct th_reason why = {""};
  char *text;
  size_t size;
  int error = read_file(path, &text, &size, reason);
  if (error != 0) return error;
  error = th_key_read_public(text, size, key, &why);
  th_crypto_free(text);
  return error != 0 ? fail_key(path, error, &why, reason) : 0;
}

int th_keyfile_cipher(const char *path, struct th_cipher_key **key, struct th_reason *reason) {
  struct th_reason why = {""};
  char *text;
  size_t size;
  int error = read_file(path, &text, &size, reason);
  if (error != 0) return error;
  struct th_cipher_key *made = th_crypto_alloc(sizeof *made);
  error = made != NULL ? th_key_read_cipher(text, size, made, &why) : TH_ENOMEM;
  th_crypto_free(text);
  if (error == 0) {
    *key = made;
    return 0;
  }
  th_crypto_free(made);
  return fail_key(path, error, &why, reason);
}

int th_keyfile_password(const char *path, char **text, struct th_password *password,
                        struct th_reason *reason) {
  char *line;
  size_t size;
  int error = read_file(path, &line, &size, reason);
  if (error != 0) return error;
  size = strcspn(line, "\r\n");
  if (size != 0) {
    *text = line;
    *password = (struct th_password){line, size};
    return 0;
  }
  th_crypto_free(line);
  return th_fail(reason, TH_EKEY, "%s holds no password: its first line is empty", path);
}

/* Where the key wants a password and there is none, the reason says where it would come from. */
static int parse_secret(const char *text, size_t size, const struct th_password *password,
                        struct th_secret_key *key, struct th_reason *why) {
  if (password->text == NULL && th_key_kind(text, size) == TH_KEY_PROTECTED) {
    return th_fail(why, TH_EKEY,
                   "the secret key is protected by a password; name the file that holds it with "
                   "--password-file");
  }
  return th_key_read_secret(text, size, password, key, why);
}

int th_keyfile_secret(const char *path, const char *password_path, struct th_secret_key **key,
                      struct th_reason *reason) {
  struct th_reason why = {""};
  struct th_password password = {NULL, 0};
  char *text, *password_text = NULL;
  size_t size;
  int error = read_file(path, &text, &size, reason);
  if (error != 0) return error;
  if (password_path != NULL) {
    error = th_keyfile_password(password_path, &password_text, &password, reason);
    if (error != 0) goto password_failed;
  }
  *key = th_crypto_alloc(sizeof **key);
  error = *key != NULL ? parse_secret(text, size, &password, *key, &why) : TH_ENOMEM;
  if (error != 0) {
    th_crypto_free(*key);
    fail_key(path, error, &why, reason);
  }
  th_crypto_free(password_text);
password_failed:
  th_crypto_free(text);
  return error;
}

/* ---- writing --------------------------------------------------------------------------------- */

int th_keyfile_write(const char *path, const char *text, bool is_secret, struct th_reason *reason) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_secret ? 0600 : 0666);
  if (fd < 0 && errno == EEXIST) {
    return th_fail(reason, -EEXIST,
                   "%s is there already, and no key is ever overwritten; -o gives another name",
                   path);
  }
  if (fd < 0) return fail_at(reason, "write", path, -errno);
  int error = 0;
  for (size_t size = strlen(text); size != 0 && error == 0;) {
    ssize_t written = write(fd, text, size);
    if (written < 0 && errno != EINTR) error = -errno;
    if (written > 0) {
      text += written;
      size -= (size_t)written;
    }
  }
  if (fsync(fd) != 0 && errno != EINVAL && error == 0) error = -errno;
  if (close(fd) != 0 && error == 0) error = -errno;
  if (error != 0) unlink(path);
  return error != 0 ? fail_at(reason, "write", path, error) : 0;
}
