/* sim_net: the network between simulated hosts, and what goes wrong in it.
 *
 * Linked in the place of transport/tcp.c and transport/udp.c: the wires of all systems and programs
 * are joined here by ip and port. Bytes arrive after a while, in slices, in order; over UDP the
 * stream does, too, and frames that are sent loose may get lost or overtake bytes of the stream, as
 * transport/wire.h says. Here is what faults do:
 *
 *   cut      From one host to another nothing gets through. What is on its way, or sent now, stalls
 *            and arrives after the healing, but for loose frames, which are lost. A connection may
 *            be given up by one side before that, or break at the healing.
 *   break    All connections between two hosts are reset.
 *   crash    The host's connections are gone. Their other sides are told so, where the host's
 *            kernel outlives the process; else they hear nothing more, until they lose patience.
 *   absence  Who connects where nobody listens is refused; where the host is down, or cut off, he
 *            waits until he loses patience.
 *
 * Threads: one. Owns: connections and what is on its way.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_net;

/* For the engine that runs: so many hosts, and chances of its own for delays and losses. */
void sim_net_begin(unsigned host_count);

/* No wire is left. */
void sim_net_end(void);

uint32_t sim_net_ip(unsigned host);

void sim_net_cut(unsigned from, unsigned to, bool is_cut);
bool sim_net_is_cut(unsigned from, unsigned to);

/* Two hosts that are connected, those with something on its way before others; false: there are
 * none. And all their connections break, with what is on its way. */
bool sim_net_draw_pair(unsigned *one, unsigned *other);
void sim_net_break(unsigned one, unsigned other);

/* With is_silent its kernel goes as well. From then on the host's wires reach nobody. */
void sim_net_crash(unsigned host, bool is_silent);
void sim_net_start(unsigned host);

/* How long anything is on its way at most, as a rule. */
uint64_t sim_net_delay(void);

/* Connections and wires that are left; loose frames that got lost. */
size_t sim_net_connections(void);
size_t sim_net_wires(void);
uint64_t sim_net_lost(void);

#endif
