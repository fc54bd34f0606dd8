#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/client.h"
#include "host/client_door.h"
#include "system/system.h"

/* A system that ends says nothing to endpoints: one that waits looks this often whether it is
 * there. So does one that runs the actors itself, whether what it waits for has come. */
#define LOOK_TIME (100 * TH_MILLISECOND)

/* Where the system's threads put messages for the client. Both hold it: the system until it has
 * called closed, the client until it is closed; the last one frees it. */
struct inbox {
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t arrival;
  struct th_queue messages;
  size_t count;
  struct th_system *system;
  struct th_address endpoint; /* set before anything can be taken */
  bool is_closed;             /* the system has let go */
  bool is_dropped;            /* the client has */
};

struct local_client {
  struct th_client client;
  struct th_system *system;
  struct inbox *inbox;
};

static struct local_client *own(struct th_client *client) {
  return (struct local_client *)client;
}

/* ---- the inbox ------------------------------------------------------------------------------- */

static struct inbox *inbox_new(void) {
  struct inbox *inbox = th_new(struct inbox);
  pthread_condattr_t attributes;
  pthread_mutex_init(&inbox->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&inbox->arrival, &attributes);
  pthread_condattr_destroy(&attributes);
  return inbox;
}

static void inbox_free(struct inbox *inbox) {
  struct th_message *message;
  while ((message = th_queue_pop(&inbox->messages)) != NULL) th_message_free(message);
  pthread_cond_destroy(&inbox->arrival);
  pthread_mutex_destroy(&inbox->lock);
  free(inbox);
}

/* Under the lock, so that the last count said is the last. */
static void say_count(struct inbox *inbox, size_t count) {
  inbox->count = count;
  th_system_endpoint_waits(inbox->system, &inbox->endpoint, count);
}

static void on_deliver(void *context, struct th_message *message) {
  struct inbox *inbox = context;
  pthread_mutex_lock(&inbox->lock);
  th_queue_push(&inbox->messages, message);
  say_count(inbox, inbox->count + 1);
  pthread_cond_signal(&inbox->arrival);
  pthread_mutex_unlock(&inbox->lock);
}

static void on_closed(void *context) {
  struct inbox *inbox = context;
  pthread_mutex_lock(&inbox->lock);
  inbox->is_closed = true;
  bool is_last = inbox->is_dropped;
  pthread_mutex_unlock(&inbox->lock);
  if (is_last) inbox_free(inbox);
}

static void inbox_drop(struct inbox *inbox) {
  pthread_mutex_lock(&inbox->lock);
  inbox->is_dropped = true;
  bool is_last = inbox->is_closed;
  pthread_mutex_unlock(&inbox->lock);
  if (is_last) inbox_free(inbox);
}

/* The absolute time that the condition understands. */
static struct timespec deadline(uint64_t until) {
  struct timespec time;
  uint64_t now = th_clock_now();
  uint64_t left = until > now ? until - now : 0;
  clock_gettime(CLOCK_MONOTONIC, &time);
  uint64_t nanoseconds = (uint64_t)time.tv_nsec + left % TH_SECOND;
  time.tv_sec += (time_t)(left / TH_SECOND + nanoseconds / TH_SECOND);
  time.tv_nsec = (long)(nanoseconds % TH_SECOND);
  return time;
}

/* Gives the next message; NULL when the time until came first. */
static struct th_message *inbox_take(struct inbox *inbox, uint64_t until) {
  struct timespec time = deadline(until);
  int error = 0;
  pthread_mutex_lock(&inbox->lock);
  while (inbox->messages.first == NULL && until != 0 && error == 0) {
    error = pthread_cond_timedwait(&inbox->arrival, &inbox->lock, &time);
  }
  struct th_message *message = th_queue_pop(&inbox->messages);
  if (message != NULL) say_count(inbox, inbox->count - 1);
  pthread_mutex_unlock(&inbox->lock);
  return message;
}

/* ---- the door -------------------------------------------------------------------------------- */

/* Who sends this then waits for an answer, and turns the crank meanwhile, until his time is
 * over. */
static bool is_question(const struct th_message *message) {
  return message->kind == TH_KIND_REQUEST || (message->flags & TH_MESSAGE_ASK) != 0;
}

static int local_send(struct th_client *client, struct th_message *message,
                      struct th_reason *reason) {
  struct th_system *system = own(client)->system;
  (void)reason;
  bool is_awaited = is_question(message);
  th_system_route(system, message);
  if (!is_awaited) th_system_crank(system, TH_FOREVER);
  return 0;
}

static int gone(struct th_reason *reason) {
  return th_fail(reason, TH_EGONE, "the actor system was shut down");
}

static int late(struct th_reason *reason) {
  return th_fail(reason, TH_ETIMEOUT, "%s", th_error_words(TH_ETIMEOUT));
}

static void sleep_until(uint64_t until) {
  struct timespec time = deadline(until);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) continue;
}

/* Runs the actors here. When nothing is left to run, only a timer can bring a message, or, to a
 * system that listens, somebody outside. What has
 * come is not kept from the program for long by an actor that runs on and on. */
static int crank_for(struct local_client *self, uint64_t until, struct th_message **message,
                     struct th_reason *reason) {
  for (;;) {
    uint64_t look = th_clock_after(LOOK_TIME);
    th_system_crank(self->system, look < until ? look : until);
    bool is_over = th_system_wait(self->system, 0);
    if ((*message = inbox_take(self->inbox, 0)) != NULL) return 0;
    if (is_over) return gone(reason);
    uint64_t timer = th_system_next_timer(self->system), now = th_clock_now();
    if (timer > look && th_system_port(self->system) != 0) timer = look; /* others may bring one */
    if (now < until && now >= look) continue; /* not everybody was done */
    if (timer == TH_FOREVER || now >= until) return late(reason);
    sleep_until(timer < until ? timer : until);
  }
}

/* The first look comes soon, so that a call to a system that has ended long ago fails at once. */
static int wait_for(struct local_client *self, uint64_t until, struct th_message **message,
                    struct th_reason *reason) {
  uint64_t pause = TH_MILLISECOND;
  for (;;) {
    uint64_t look = th_clock_after(pause);
    if ((*message = inbox_take(self->inbox, look < until ? look : until)) != NULL) return 0;
    if (th_system_wait(self->system, 0)) {
      /* What it sent before it ended is here by now. */
      *message = inbox_take(self->inbox, 0);
      return *message != NULL ? 0 : gone(reason);
    }
    if (th_clock_now() >= until) return late(reason);
    pause = LOOK_TIME;
  }
}

static int local_take(struct th_client *client, uint64_t until, struct th_message **message,
                      struct th_reason *reason) {
  struct local_client *self = own(client);
  bool is_cranked = th_system_is_cranked(self->system);
  return (is_cranked ? crank_for : wait_for)(self, until, message, reason);
}

static int local_ended(struct th_client *client, uint64_t until) {
  struct local_client *self = own(client);
  return th_system_wait(self->system, until) ? 0 : TH_ETIMEOUT;
}

static int local_another(struct th_client *client, struct th_client **other,
                         struct th_reason *reason) {
  int error = th_client_attach(other, own(client)->system);
  return error != 0 ? th_fail(reason, error, "%s", th_error_words(error)) : 0;
}

static void local_close(struct th_client *client) {
  struct local_client *self = own(client);
  th_system_endpoint_close(self->system, &client->endpoint);
  th_system_crank(self->system, 0);
  inbox_drop(self->inbox);
  free(self);
}

static const struct th_client_door door = {
  .send = local_send,
  .take = local_take,
  .another = local_another,
  .ended = local_ended,
  .close = local_close,
  .is_buffered = false,
};

static const struct th_endpoint_events events = {.deliver = on_deliver, .closed = on_closed};

int th_client_attach(struct th_client **client, struct th_system *system) {
  struct local_client *self = th_new(struct local_client);
  self->client.door = &door;
  self->client.admin = *th_system_admin(system);
  self->client.pid = getpid();
  self->client.limit = self->client.request_limit = UINT64_MAX;
  snprintf(self->client.base, sizeof self->client.base, "%s", th_system_base(system));
  snprintf(self->client.version, sizeof self->client.version, "%s", TH_VERSION);
  self->system = system;
  self->inbox = inbox_new();
  self->inbox->system = system;
  self->client.endpoint = th_system_endpoint_open(system, &events, self->inbox);
  pthread_mutex_lock(&self->inbox->lock);
  self->inbox->endpoint = self->client.endpoint;
  pthread_mutex_unlock(&self->inbox->lock);
  if (th_address_is_none(&self->client.endpoint)) {
    inbox_free(self->inbox);
    free(self);
    return TH_ENOMEM;
  }
  *client = &self->client;
  return 0;
}
