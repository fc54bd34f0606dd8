/* protocol: what programs and actors ask of a system's admin, and what is answered.
 *
 * A request is a message of kind TH_KIND_REQUEST to the admin: an array that begins with the
 * operation. Its answer is one message of kind TH_KIND_REPLY with the same ticket: [0, result] or
 * [error, words]. A request with ticket 0 is not answered.
 *
 *   operation        arguments                                                  result
 *   CREATE           class, requirements, name or nil, source hash or nil       address
 *   LOAD             zip (bin), info (str), implicit (bool)                     hash
 *   UNLOAD           hash (at least 8 digits, if they name one bundle)          hash
 *   SOURCES                                                                     [source, ...]
 *   STATUS           address or nil (the system)                                status, as below
 *   SHUTDOWN                                                                    nil, at the end
 *   EXIT             address, recursive (bool)                                  nil
 *   NAME             global name                                                address or nil
 *   CAPABILITY       name, value or nil (removes)                               nil
 *   DEAD_LETTERS     start (bool): the sender handles dead letters              nil
 *   SOURCE_NOTICES   start (bool): the sender is told of loads and unloads      nil
 *   LOADED           hash: an actor has loaded it; those who listen are told    nil
 *
 * What the system keeps for others to read is checked first (message/kept.h): names of classes and
 * of capabilities and global names are text, the value of a capability is whole. Requirements are
 * not: if they make no value, only the actor that they are for fails to start. info has up to
 * TH_SOURCE_INFO bytes.
 *
 * source: {hash, info, bytes, files, implicit, actors}
 * system status: {base, version, pid, admin, host, port, uptime, workers, shutdown,
 *   capabilities {}, names {name: address}, sources [], deadLetterHandlers [], counters {sent,
 *   delivered, dead, poisoned, waiting, wakeups, restarts, created, exited, lost, strange},
 *   actors [actor status]}
 *   lost and strange count datagrams, on the UDP base: lost on their way, and none of ours
 * actor status: {address, class, name, parent, source, state, waiting, handled, failed, restarts,
 *   memory, time}; of one actor alone also {admin, children [address], wakeups}
 *   state: "starting", "running", "exiting"; memory in bytes; time in its handlers, in seconds,
 *   about; name, parent, source may be missing
 *
 * A message of kind TH_KIND_STATUS_REQUEST to anybody is answered likewise, by the admin, with an
 * instance whose fields are those: Thespian_SystemStatusResponse for the admin, else
 * Thespian_ActorStatusResponse.
 *
 * Threads: any; pure.
 */
#ifndef TH_MESSAGE_PROTOCOL_H
#define TH_MESSAGE_PROTOCOL_H

#define TH_OPERATIONS(X)                                                                           \
  X(CREATE, 1)                                                                                     \
  X(LOAD, 2)                                                                                       \
  X(UNLOAD, 3)                                                                                     \
  X(SOURCES, 4)                                                                                    \
  X(STATUS, 5)                                                                                     \
  X(SHUTDOWN, 6)                                                                                   \
  X(EXIT, 7)                                                                                       \
  X(NAME, 8)                                                                                       \
  X(CAPABILITY, 9)                                                                                 \
  X(DEAD_LETTERS, 10)                                                                              \
  X(SOURCE_NOTICES, 11)                                                                            \
  X(LOADED, 12)

enum th_operation {
#define X(name, number) TH_OP_##name = number,
  TH_OPERATIONS(X)
#undef X
};

/* The two sides of a connection agree on this number or part. */
#define TH_PROTOCOL_VERSION 1

#endif
