/* mailbox: the messages waiting for one actor.
 *
 * The head word is the whole state: NULL when the actor sleeps, TH_MAILBOX_AWAKE when it is queued
 * or running with nothing newly arrived, else the newest message of a list that ends in either.
 * Pushing is one compare-and-exchange; the one who changes NULL to a message schedules the actor,
 * once. Looking exchanges the head for AWAKE, and puts what came into two queues that only the turn
 * touches: urgent messages first. Who sends writes the head all the time, and who reads it waits for
 * the other's cache: so it is looked at once in a turn, and where the queues are empty.
 *
 * Threads: th_mailbox_push, _touch, _depth and _exceeds any; the others only in the actor's turn.
 * Owns: every message in it.
 */
#ifndef TH_ACTOR_MAILBOX_H
#define TH_ACTOR_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/message.h"

/* First in, first out; the holder's alone. */
struct th_queue {
  struct th_message *first;
  struct th_message *last;
};

void th_queue_push(struct th_queue *queue, struct th_message *message);
struct th_message *th_queue_pop(struct th_queue *queue);

/* What one processor's cache holds of its own at a time: who sends and who takes do not disturb each
 * other by writing beside each other. */
#define TH_LINE 64

struct th_mailbox {
  /* Written by who sends. */
  _Alignas(TH_LINE) _Atomic(struct th_message *) head;
  atomic_uint_fast64_t pushed; /* how many ever; relaxed: a statistic */
  atomic_uint_fast64_t seen;   /* of taken, when it was last looked at; about */

  /* Written by the turn. */
  _Alignas(TH_LINE) atomic_uint_fast64_t taken; /* how many ever; relaxed: a statistic */
  struct th_queue urgent;
  struct th_queue ordinary;
};

void th_mailbox_init(struct th_mailbox *mailbox);

/* Takes message. True when the actor slept: the caller now schedules it, once. */
bool th_mailbox_push(struct th_mailbox *mailbox, struct th_message *message);

/* Takes what has come into the queues. */
void th_mailbox_look(struct th_mailbox *mailbox);

/* Gives the next message of the queues, urgent ones first; looks where they are empty. NULL when none
 * waits. */
struct th_message *th_mailbox_pop(struct th_mailbox *mailbox);

/* Takes messages that were popped, and have not been concluded: they wait again, before all others
 * that are not urgent. */
void th_mailbox_put_back(struct th_mailbox *mailbox, struct th_queue messages);

/* The message that was popped last is in no statistics. */
void th_mailbox_uncount(struct th_mailbox *mailbox);

/* Whether an urgent message waits. */
bool th_mailbox_has_urgent(struct th_mailbox *mailbox);

/* Any thread: comes either before the next th_mailbox_sleep, which sees all that the caller has
 * done, or after it, and then the caller sees all that the turn has done. */
void th_mailbox_touch(struct th_mailbox *mailbox);

/* About how many wait; any thread. */
uint64_t th_mailbox_depth(const struct th_mailbox *mailbox);

/* Whether more than limit wait, about; for who has just pushed. */
bool th_mailbox_exceeds(struct th_mailbox *mailbox, uint64_t limit);

/* Lets the actor sleep. False when a message came in between: the turn goes on. */
bool th_mailbox_sleep(struct th_mailbox *mailbox);

#endif
