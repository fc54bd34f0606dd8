/* notice: the system messages that the runtime itself writes.
 *
 * Each function appends the packed instance that actors will see, under the same class names that the
 * Lua library gives these classes. Values that are enclosed are packed already and keep their own
 * reference numbers.
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

/* What an exit request says in its field isRecursive; true where it cannot be read. */
bool th_notice_read_exit_request(const struct th_message *message);

#endif
