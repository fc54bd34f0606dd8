#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *th_error_words(int error) {
  switch (error) {
#define X(name, number, class, words)                                                              \
  case name:                                                                                       \
    return words;
    TH_ERRORS(X)
#undef X
  case 0:
    return "no error";
  case -4095: /* libuv's UV_EOF; this room does not see its header */
    return "end of stream";
  default:
    break;
  }
  if (error <= -3000 && error > -4000) return "name resolution failed"; /* libuv's UV_EAI_ codes */
  /* Unlike strerror, this one gives words that nobody overwrites. */
  const char *words = error < 0 && error > -3000 ? strerrordesc_np(-error) : NULL;
  return words != NULL ? words : "unknown error";
}

const char *th_error_class(int error) {
  switch (error) {
#define X(name, number, class, words)                                                              \
  case name:                                                                                       \
    return class;
    TH_ERRORS(X)
#undef X
  default:
    return "ActorSystemFailure";
  }
}

int th_fail(struct th_reason *reason, int error, const char *format, ...) {
  if (reason == NULL) return error;
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(reason->words, sizeof reason->words, format, arguments) < 0)
    reason->words[0] = '\0';
  va_end(arguments);
  return error;
}
