/* notice: the system messages that the runtime itself writes, and its answers.
 *
 * Each function of the first part appends the packed instance that actors will see, under the same
 * class names that the Lua library gives these classes. Values that are enclosed are packed already
 * and keep their own reference numbers.
 *
 * Threads: any; pure.
 */
#ifndef TH_MESSAGE_NOTICE_H
#define TH_MESSAGE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "message/address.h"
#include "message/message.h"

void th_notice_exit_request(struct th_buffer *buffer, bool recursive);
void th_notice_child_exited(struct th_buffer *buffer, const struct th_address *child,
                            const char *reason);
void th_notice_poison(struct th_buffer *buffer, const struct th_message *message,
                      const char *details, size_t details_size);
void th_notice_dead_envelope(struct th_buffer *buffer, const struct th_address *target,
                             const void *value, size_t size);
/* period and payload are packed values; payload NULL is nil. */
void th_notice_wakeup(struct th_buffer *buffer, const void *period, size_t period_size,
                      const void *payload, size_t payload_size);
void th_notice_source(struct th_buffer *buffer, bool loaded, const char *hash, const char *info);
/* data is what was loaded. */
void th_notice_validate(struct th_buffer *buffer, const char *hash, const void *data, size_t size,
                        const char *info);
/* capabilities is a packed map. */
void th_notice_convention_update(struct th_buffer *buffer, const struct th_address *admin,
                                 const void *capabilities, size_t size, bool added);

/* Begins the answer to a status request: a map of fields follows (message/protocol.h), then
 * th_pack_ext_end with the mark that this gives. */
size_t th_notice_begin_status(struct th_buffer *buffer, bool of_system);

/* What an exit request says in its field isRecursive; true where it cannot be read. */
bool th_notice_read_exit_request(const struct th_message *message);

/* What a ValidatedSource says; all borrowed from the message. */
struct th_validated {
  const char *hash;
  size_t hash_size;
  const char *zip; /* NULL: it is refused */
  size_t zip_size;
  const char *info; /* NULL: nothing is said */
  size_t info_size;
};

/* False when the message is no instance of that class. */
bool th_notice_read_validated(const struct th_message *message, struct th_validated *validated);

/* The message that asks target to exit, as the runtime does; flags as in enum th_message_flag. NULL
 * when there is no memory. */
struct th_message *th_notice_exit(const struct th_address *target, const struct th_address *sender,
                                  bool recursive, unsigned flags);

/* Answers to requests (message/protocol.h). An answer that is [0, result] is begun by one function,
 * its result appended by the caller; one that is [error, words] replaces what buffer holds. */
void th_notice_begin_result(struct th_buffer *buffer);
void th_notice_error(struct th_buffer *buffer, int error, const char *words);

/* The answer to a request to create an actor: its address; or, where error is not 0, why not. */
struct th_message *th_notice_creation(const struct th_address *target,
                                      const struct th_address *sender, uint32_t ticket,
                                      const struct th_address *actor, int error, const char *words);

/* The message that carries an answer; NULL when buffer has failed. */
struct th_message *th_notice_reply(const struct th_address *target, const struct th_address *sender,
                                   uint32_t ticket, const struct th_buffer *answer);

#endif
