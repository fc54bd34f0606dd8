/* refusal: what the kernel tells about datagrams that found nobody.
 *
 * A UDP socket that is bound to no peer hears of them through its error queue, once the option
 * IP_RECVERR is set.
 *
 * Threads: any.
 */
#ifndef TH_TRANSPORT_REFUSAL_H
#define TH_TRANSPORT_REFUSAL_H

#include <netinet/in.h>
#include <stdbool.h>

/* Reads the socket's error queue until it tells that nobody has the port at some address, which is
 * then in *address. Other troubles, which may pass, are dropped. False when the queue is empty. */
bool th_refusal_next(int fd, struct sockaddr_in *address);

#endif
