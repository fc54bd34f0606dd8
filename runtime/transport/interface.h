/* interface: by which address others reach this machine.
 *
 * Threads: any.
 */
#ifndef TH_TRANSPORT_INTERFACE_H
#define TH_TRANSPORT_INTERFACE_H

#include <stdint.h>

/* The IPv4 address, in host byte order, from which this machine speaks to ip; for ip 0 the first of its
 * interfaces that is up and no loopback. 127.0.0.1 where it has none. Sends nothing. */
uint32_t th_interface_toward(uint32_t ip);

#endif
