/* rests: who is awake, and is to rest when nothing has come for a while.
 *
 * An actor that is awake stands here once, with the number of messages that it had taken when it was
 * last looked at. Who was looked at longest ago comes first, so each is looked at once in
 * TH_RESTS_WHILE, and what that costs does not grow with how many rest.
 *
 * Threads: any; the lock guards the queue, and nothing is called under it. Owns: the queue.
 */
#ifndef TH_ACTOR_RESTS_H
#define TH_ACTOR_RESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* How long nothing has come at least. */
#define TH_RESTS_WHILE (2 * TH_SECOND)

struct th_rests;

struct th_rests *th_rests_new(void);
void th_rests_free(struct th_rests *rests);

/* At now the actor of that number is awake, and has taken so many messages. True when it is the only
 * one. */
bool th_rests_add(struct th_rests *rests, uint64_t number, uint64_t taken, uint64_t now);

/* Gives the first one, if it was added TH_RESTS_WHILE before now; it stands here no more. */
bool th_rests_take(struct th_rests *rests, uint64_t now, uint64_t *number, uint64_t *taken);

/* When the first is due; TH_FOREVER for none. */
uint64_t th_rests_next(struct th_rests *rests);

#endif
