/* timers: messages that wait for their time.
 *
 * A heap by time, then by order of asking, so equal times are served in the order asked. Messages
 * for those who are gone are dropped when the heap would grow: many short lives with long timers
 * take no more memory than the timers of the living.
 *
 * Threads: any; the lock guards the heap, and nothing is called under it but is_gone, which takes
 * none. Owns: the messages that wait.
 */
#ifndef TH_ACTOR_TIMERS_H
#define TH_ACTOR_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

struct th_timers;

/* Whether nobody will ever get this message. */
typedef bool th_timers_is_gone(void *context, const struct th_message *message);

/* is_gone may be NULL: everybody lives. */
struct th_timers *th_timers_new(th_timers_is_gone *is_gone, void *context);
void th_timers_free(struct th_timers *timers);

/* Takes message. True when it is now the earliest of all. */
bool th_timers_add(struct th_timers *timers, uint64_t due, struct th_message *message);

/* Gives the earliest message that is due by now, or NULL. */
struct th_message *th_timers_pop(struct th_timers *timers, uint64_t now);

/* How many wait; of those for target alone where that is not NULL. */
size_t th_timers_count(struct th_timers *timers, const struct th_address *target);

/* When the earliest is due; TH_FOREVER for none. */
uint64_t th_timers_next(struct th_timers *timers);

#endif
