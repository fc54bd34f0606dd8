/* error: one space of error numbers, and the words that go with them.
 *
 * A fallible function returns 0 or a negative number: one of the list below, or a code of libuv or
 * -errno, which pass through unchanged. Where a person needs to know more than the number says
 * (which file, which entry, which port), the function also fills a struct th_reason.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_BASE_ERROR_H
#define TH_BASE_ERROR_H

#include <stddef.h>

/* name, number, the class that Lua raises for it, words */
#define TH_ERRORS(X)                                                                               \
  X(TH_ENOMEM, -5001, "ActorSystemFailure", "out of memory")                                       \
  X(TH_EMALFORMED, -5002, "ActorSystemFailure", "malformed data")                                  \
  X(TH_ETOOBIG, -5003, "CannotSend", "too large")                                                  \
  X(TH_ECANNOTSEND, -5004, "CannotSend", "cannot be sent")                                         \
  X(TH_EADDRESS, -5005, "InvalidActorAddress", "not an actor address")                             \
  X(TH_ESPECIFICATION, -5006, "InvalidActorSpecification", "no such actor class")                  \
  X(TH_ENOCOMPATIBLE, -5007, "NoCompatibleSystemForActor", "no system fits the actor")             \
  X(TH_ESOURCE, -5008, "InvalidActorSourceHash", "no such actor source")                           \
  X(TH_EBUNDLE, -5009, "ActorSystemException", "not a usable bundle")                              \
  X(TH_ETIMEOUT, -5010, "ActorSystemRequestTimeout", "no answer in time")                          \
  X(TH_EGONE, -5011, "ActorSystemFailure", "the actor system is gone")                             \
  X(TH_ENOSYSTEM, -5012, "ActorSystemStartupFailure", "no actor system there")                     \
  X(TH_ESTARTUP, -5013, "ActorSystemStartupFailure", "the actor system could not start")           \
  X(TH_EPROTOCOL, -5014, "ActorSystemFailure", "the other side speaks another protocol")           \
  X(TH_ESHUTDOWN, -5015, "ActorSystemFailure", "the actor system is shutting down")                \
  X(TH_EREFUSED, -5016, "ActorSystemFailure", "refused")                                           \
  X(TH_EUSAGE, -5017, "ActorSystemFailure", "wrong usage")                                         \
  X(TH_EDEAD, -5018, "ActorSystemFailure", "the message became a dead letter")                     \
  X(TH_ECAPABILITY, -5019, "ActorSystemException", "not a usable capability")                      \
  X(TH_ECROSSED, -5020, "ActorSystemFailure", "there is another connection already")               \
  X(TH_EFORGOTTEN, -5021, "ActorSystemFailure", "that session has ended")                          \
  X(TH_ELOST, -5022, "ActorSystemFailure", "system lost")                                          \
  X(TH_ENOCLASS, -5023, "InvalidActorSpecification", "no such actor class")                        \
  X(TH_EKEY, -5024, "ActorSystemException", "not a usable key")                                    \
  X(TH_ESIGNATURE, -5025, "ActorSystemException", "not a good signature")                          \
  X(TH_ELOCKED, -5026, "ActorSystemException", "cannot be decrypted")                              \
  X(TH_EMISUSE, -5027, "ActorSystemException", "wrong argument")

enum th_error {
#define X(name, number, class, words) name = number,
  TH_ERRORS(X)
#undef X
};

/* The words for an error: ours, or the system's for -errno and libuv's codes. Borrowed for ever. */
const char *th_error_words(int error);

/* The short class name of the exception that Lua raises for an error. Borrowed for ever. */
const char *th_error_class(int error);

/* Why something failed, in words for a person. */
struct th_reason {
  char words[1024];
};

/* Writes the words, cut at the buffer's end; reason may be NULL. Gives error back, so that a
 * failing function can end with `return th_fail(reason, TH_EBUNDLE, "...")`. */
int th_fail(struct th_reason *reason, int error, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

#endif
