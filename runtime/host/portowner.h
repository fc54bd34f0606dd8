/* portowner: who listens on a port of this machine.
 *
 * For the one line that says why a system could not start there: a Thespian system answers its
 * name; other programs are found through /proc, as far as the user may look.
 *
 * Threads: caller.
 */
#ifndef TH_HOST_PORTOWNER_H
#define TH_HOST_PORTOWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes who listens on ip:port (ip in host byte order, 0 for any), in words such as "a Thespian
 * system (multiprocTCPBase, version 0.1.0, pid 123)", "nginx (pid 77)", "another program". False,
 * and nothing written, when nobody does. */
bool th_port_owner(uint32_t ip, uint16_t port, char *out, size_t size);

#endif
