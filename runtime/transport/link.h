/* link: an agreed connection that carries messages both ways.
 *
 * The one who connects says hello; the other welcomes or refuses with words. From then on messages
 * flow. th_link_send may be called from any thread: messages wait in a list, and only the send that
 * finds it empty wakes the loop, which then writes all that gathered in one go. While the other
 * side reads slowly they go on waiting, so that few bytes are past recall when the connection
 * breaks.
 *
 * Closing is agreed, too: who closes says bye as its last word and reads on until the other side
 * has answered with its own, or makes no progress for a while (TH_LINK_PATIENCE;
 * TH_LINK_IDLE_PATIENCE when only the answer of a program is missing, since a program turns its
 * loop only now and then). So between two living sides every message is either received or
 * undeliverable.
 *
 * Over a wire with a way for frames that may get lost, what users and actors say goes that way, and
 * a message given to th_link_send may then be lost on its way. Greetings, good-byes, requests and
 * their replies never are.
 *
 * Whoever speaks garbage, another protocol, or takes longer than five seconds to greet is refused
 * or cut off, and closed says why in words fit for one log line.
 *
 * Life: a link is referenced by its holder(s) and by its channel. After closed was called nothing
 * more is delivered, and no thread that is inside a call on the link touches the loop: once all its
 * links have closed, a loop may be freed. A message sent later goes to undeliverable, in the
 * sender's thread; so events and context stay valid as long as anyone holds a reference.
 *
 * Threads: th_link_send, th_link_close, ref and unref any; events come on the loop, but for
 * undeliverable. Owns: messages that wait to be written.
 */
#ifndef TH_TRANSPORT_LINK_H
#define TH_TRANSPORT_LINK_H

#include "base/clock.h"
#include "base/error.h"
#include "message/message.h"
#include "transport/frame.h"
#include "transport/wire.h"

/* How long greeting may take. */
#define TH_LINK_GREETING (5 * TH_SECOND)

/* How long a link that is closing waits for any progress; and for nothing but a program's bye. */
#define TH_LINK_PATIENCE (2 * TH_SECOND)
#define TH_LINK_IDLE_PATIENCE (200 * TH_MILLISECOND)

/* The largest message of a user that goes the way on which it may get lost: who makes larger ones
 * is refused before they come here. */
#define TH_LINK_LOOSE ((size_t)65536)

struct th_link;

struct th_link_events {
  /* Accepting side: someone said hello. Fills welcome and gives 0, or a negative error with reason
   * to refuse. Here the holder also sets the link's user (th_link_set_user). */
  int (*hello)(void *context, struct th_link *link, const struct th_hello *hello,
               struct th_welcome *welcome, struct th_reason *reason);
  /* Connecting side: we were welcomed. */
  void (*welcome)(void *context, struct th_link *link, const struct th_welcome *welcome);
  /* A message arrived; given. */
  void (*message)(void *context, struct th_link *link, struct th_message *message);
  /* A message given to th_link_send could not be written any more; given. Any thread. */
  void (*undeliverable)(void *context, struct th_link *link, struct th_message *message);
  /* Messages that waited have been written; th_link_waiting tells how many still do. May be
   * NULL. */
  void (*drained)(void *context, struct th_link *link);
  /* The end, exactly once: error 0 when either side closed on purpose. Words are borrowed. */
  void (*closed)(void *context, struct th_link *link, int error, const char *words);
};

/* Takes over an accepted channel. The link starts with one reference, dropped after closed. limit
 * is the largest message. */
struct th_link *th_link_accept(struct th_loop *loop, struct th_channel *channel, size_t limit,
                               const struct th_link_events *events, void *context);

/* In the event hello: gives the channel to the caller, who sets its events and user before that
 * returns, whatever it returns. The link is over then: closed is not called; the channel's reference
 * is dropped a moment later. Messages given to it before are undeliverable. Nothing was read from
 * the channel but a system's HELLO: who has sent more by then is cut off instead. */
struct th_channel *th_link_hand_over(struct th_link *link);

/* Connects. Gives a link with one reference of the caller's besides the channel's own; the outcome
 * is events->welcome or events->closed. Of what the other side sends, its own limit counts where
 * that is less; not to send more than it takes is the caller's business. */
int th_link_connect(struct th_loop *loop, struct th_wire *wire, uint32_t ip, uint16_t port,
                    size_t limit, const struct th_hello *hello, const struct th_link_events *events,
                    void *context, struct th_link **link);

/* Loop: how long a link that is closing waits without progress, whatever is missing. */
void th_link_set_patience(struct th_link *link, uint64_t nanoseconds);

/* Loop, before the greeting is done: gives it that many nanoseconds from now on. */
void th_link_set_greeting(struct th_link *link, uint64_t nanoseconds);

struct th_link *th_link_ref(struct th_link *link);
void th_link_unref(struct th_link *link);

/* Set before other threads know the link. */
void th_link_set_user(struct th_link *link, void *user);
void *th_link_user(const struct th_link *link);

/* Any thread: takes message. Order is kept per thread. One past the limit is undeliverable. */
void th_link_send(struct th_link *link, struct th_message *message);

/* Any thread: how many messages wait to be written. A link takes all that it is given; who gives
 * much looks here whether the other side keeps up. */
size_t th_link_waiting(const struct th_link *link);

/* Loop: while paused, an open link takes nothing from the other side, which then has to wait; what
 * was read together with the last message still comes. A link that closes is not paused any more.
 */
void th_link_pause(struct th_link *link, bool is_paused);

/* Any thread: says bye, writes what waits, closes. */
void th_link_close(struct th_link *link);

/* The other side, "127.0.0.1:40312"; out holds TH_WIRE_PEER_SIZE bytes. */
void th_link_peer(const struct th_link *link, char *out);

#endif
