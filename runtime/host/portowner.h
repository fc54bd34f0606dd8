/* portowner: who listens on a port of this machine.
 *
 * For the one line that says why a system cannot be had there: a Thespian system answers its
 * name; other programs are found through /proc, as far as the user may look.
 *
 * Threads: caller.
 */
#ifndef TH_HOST_PORTOWNER_H
#define TH_HOST_PORTOWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "transport/wire.h"

/* Writes who has the port of that carrier at ip (in host byte order, 0 for any), in words such as
 * "a Thespian system (multiprocTCPBase, version 0.1.0, pid 123)", "nginx (pid 77)", "another
 * program". False, and nothing written, when nobody does. */
bool th_port_owner(enum th_carrier carrier, uint32_t ip, uint16_t port, char *out, size_t size);

/* Fails with TH_ESTARTUP: "port 1900 on 127.0.0.1 is in use by", the owner, "; " and the remedy.
 * host is a number or localhost: who has a port of another name is not looked for. */
int th_port_in_use(enum th_carrier carrier, const char *host, uint16_t port, const char *remedy,
                   struct th_reason *reason);

#endif
