/* probe: a native script for tests of whole systems: actors that the test itself describes.
 *
 * A class name chooses what an actor does: "echo" sends every user message back; "count" counts
 * them; "stuck" counts them too, and does not return from the first before th_probe_counts.is_free
 * is set; "parent:N" creates N echo children at its birth, "fail" fails at its birth with "no way";
 * "poison" fails at every user message; "orphaner:N" like parent, but exits without its children.
 *
 * Threads: the behaviours turn; the counters any.
 */
#ifndef TH_TESTS_PROBE_H
#define TH_TESTS_PROBE_H

#include <stdatomic.h>
#include <stdint.h>

#include "actor/script.h"
#include "host/client.h"
#include "system/system.h"

struct th_probe_counts {
  atomic_uint opened;
  atomic_uint closed;
  atomic_uint children_lost;
  atomic_bool is_free;
};

/* One at a time in a test program. */
extern struct th_probe_counts th_probe_counts;
extern const struct th_script th_probe_script;

/* Starts a system of that base, port 0 where it listens; fails the test otherwise. */
struct th_system *th_probe_start(const char *base);

/* The same with a limit of mailboxes. */
struct th_system *th_probe_start_limited(const char *base, int64_t mailbox_limit);

/* The same without threads: the test cranks it. */
struct th_system *th_probe_start_cranked(const char *base);

/* Creates an actor through the admin. 0, or the error with its words. */
int th_probe_create(struct th_client *client, const char *class_name, const char *global_name,
                    struct th_address *address, struct th_reason *reason);

/* Sends an integer. */
void th_probe_tell(struct th_client *client, const struct th_address *target, int64_t value);

/* The integer that a message is; fails the test when it is none. Frees the message. */
int64_t th_probe_take_int(struct th_message *message);

/* A counter of the system's status, such as "dead". */
int64_t th_probe_counter(struct th_client *client, const char *name);

#endif
