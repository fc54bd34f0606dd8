/* protocol: what programs and actors ask of a system's admin, and what is answered.
 *
 * A request is a message of kind TH_KIND_REQUEST to the admin: an array that begins with the
 * operation. Its answer is one message of kind TH_KIND_REPLY with the same ticket: [0, result] or
 * [error, words]. A request with ticket 0 is not answered.
 *
 *   operation        arguments                                                  result
 *   CREATE           class, requirements, name or nil, source hash or nil       address
 *   LOAD             zip (bin), info (str), implicit (bool), wait (bool)        hash
 *                    wait, which may be missing: until the source authority has judged it
 *   UNLOAD           hash (at least 8 digits, if they name one bundle),         hash
 *                    drains (bool): answered when no actor runs from it; it may be missing
 *   SOURCES                                                                     [source, ...]
 *   STATUS           address or nil (the system), most (int): so many actors     status, as below
 *                    of the system are listed; it may be missing
 *   SHUTDOWN                                                                    nil, at the end
 *   EXIT             address, recursive (bool)                                  nil
 *   NAME             global name                                                address or nil
 *   CAPABILITY       name, value or nil (removes)                               nil
 *   DEAD_LETTERS     start (bool): the sender handles dead letters              nil
 *   SOURCE_NOTICES   start (bool): the sender is told of loads and unloads      nil
 *   LOADED           hash: an actor has loaded it; those who listen are told    nil
 *   REGISTRATIONS    start (bool): the sender is told of systems that come and go   nil
 *   PRE_REGISTER     place (text or address), capabilities                      nil
 *   DE_REGISTER      place (text or address)                                    nil
 *   AUTHORITY                         the sender, an actor here, is the source authority     nil
 *
 * What the system keeps for others to read is checked first (message/kept.h): names of classes and
 * of capabilities and global names are text, the value of a capability is whole. Requirements are
 * not: if they make no value, only the actor that they are for fails to start. info has up to
 * TH_SOURCE_INFO bytes.
 *
 * source: {hash, info, bytes, files, implicit, actors}
 * system status: {base, version, pid, admin, host, port, uptime, workers, shutdown,
 *   capabilities {}, names {name: address}, sources [], deadLetterHandlers [], convention, peers
 *   [peer], counters {sent, delivered, dead, poisoned, waiting, wakeups, restarts, created, exited,
 *   lost, strange}, omitted, actors [actor status]}
 *   omitted: how many actors are not listed
 *   lost and strange count datagrams, on the UDP base: lost on their way, and none of ours
 * convention: {leader (admin), isLeader, leaders [{place, admin, state, age}], members [{admin,
 *   capabilities, age, preregistered}]}; nil where there is no other system, and none is sought
 *   leader: may be missing. leaders: those that this system seeks; state: "sought", "greeted",
 *   "registered", or "own" for this system itself. age: seconds since the last check-in, or its
 *   answer. members: of a leader; one that was pre-registered and has not come has place in place
 *   of admin, and no age
 * peer: {admin, isUp, upFor, silentFor, sent, received, acknowledged, repeated, connections, waiting}
 *   a system that messages were exchanged with; upFor and silentFor in seconds; repeated: sent again
 *   after a connection was lost; waiting: not sent yet, or not acknowledged
 * actor status: {address, class, name, parent, alias, source, state, waiting, handled, failed,
 *   restarts, memory, time}; of one actor alone also {admin, children [address], wakeups}
 *   state: "starting", "running", "exiting", or "elsewhere" for one that lives on another system,
 *   and whose status is got by a request to itself; memory in bytes; time in its handlers, in seconds,
 *   about; alias: of one that lives here for another system, its address there, whose status has its
 *   parent; name, parent, alias, source may be missing
 *
 * A message of kind TH_KIND_STATUS_REQUEST to anybody is answered likewise, by the admin, with an
 * instance whose fields are those: Thespian_SystemStatusResponse for the admin, else
 * Thespian_ActorStatusResponse.
 *
 * Conventions are made of messages of kind TH_KIND_CONVENTION, arrays as well, from admin to admin:
 *
 *   REGISTER      capabilities or nil (as before), their version, number      a member, each period
 *   REGISTERED    capabilities or nil (as before), their version, number      a leader's answer
 *   RESEND                            to a REGISTER or REGISTERED: say your capabilities again
 *   INVITE                            register with me: TH_OP_PRE_REGISTER
 *   LEAVE                             the sender leaves, or lets the receiver go
 *   PLACE         [name, value...]    where could an actor live that needs these capabilities? The
 *                                     sender is who stands for it; it gets CANDIDATES or FAILED
 *   CALL          identity            have that system connect to the sender's
 *   CALL_BACK     admin               connect to that system
 *   LOG           level, line         a line of the sender's log
 *
 * and from the runtime to its own admin:
 *
 *   MET           admin, place        there is a connection to that system, sought at place (text
 *                                     "ip:port") or made by it (nil)
 *   PARTED        admin or nil, place, end (enum th_session_end), words    the session with it has
 *                                     ended; nil: there never was one
 *   TICK                              it is time
 *
 * An actor that lives on another system than its creator's has its creator's address: there a forward
 * stands for it. Forward and host exchange messages of kind TH_KIND_REMOTE:
 *
 *   ASK           admin               to a forward: that leader knows, PLACE is for it
 *   CANDIDATES    [admin, ...]        to a forward: systems where it may try, best first
 *   BEAR          parent, class, requirements, name or nil, source hash or nil    to a host's admin;
 *                                     the ticket is echoed in the answers
 *   BORN                              the sender is the actor
 *   UNFIT         words               its class says that it cannot live there
 *   FAILED        error, words        it did not start; TH_ESOURCE: nor may its source be sent
 *   OPEN                              to the actor's host: all that was sent to the forward before it
 *                                     said BORN has been sent on
 *   GONE          reason              the actor has exited
 *   FULL          address             to a system: who sends to that actor is to wait
 *   ROOM          address             it has room again
 *   LOST          words, never there (bool)    to a forward, from the runtime: the host is lost
 *
 * A host that lacks the source of an actor that it is to bear fetches it from the system that asked, by
 * messages of kind TH_KIND_SOURCE from admin to admin, as far as its AllowRemoteActorSources allows:
 *
 *   FETCH         hash, original (bool), offset    some bytes from there on: of what was loaded, or of
 *                                     what may run
 *   PART          hash, offset, bytes, size of all, SHA-256 of all, validated (bool), info, implicit
 *                                     validated: by the sender's source authority
 *   NONE          hash, words         there is nothing to be fetched
 *   UNLOADED      hash                to who has fetched it: it was unloaded where it came from
 *
 * and within a system:
 *
 *   EXPECT        hash                to the admin: the sender waits until it is known what becomes of it
 *   SETTLED       error, words        to who waits: it is loaded (0), or will not be
 *   TICK                              to the admin: it is time
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
  X(LOADED, 12)                                                                                    \
  X(REGISTRATIONS, 13)                                                                             \
  X(PRE_REGISTER, 14)                                                                              \
  X(DE_REGISTER, 15)                                                                               \
  X(AUTHORITY, 16)

enum th_operation {
#define X(name, number) TH_OP_##name = number,
  TH_OPERATIONS(X)
#undef X
};

enum th_convention_operation {
  TH_CONVENTION_REGISTER = 1,
  TH_CONVENTION_REGISTERED = 2,
  TH_CONVENTION_RESEND = 3,
  TH_CONVENTION_INVITE = 4,
  TH_CONVENTION_LEAVE = 5,
  TH_CONVENTION_PLACE = 6,
  TH_CONVENTION_CALL = 7,
  TH_CONVENTION_CALL_BACK = 8,
  TH_CONVENTION_LOG = 9,
  TH_CONVENTION_MET = 32, /* from here on: never from elsewhere */
  TH_CONVENTION_PARTED = 33,
  TH_CONVENTION_TICK = 34
};

enum th_remote_operation {
  TH_REMOTE_CANDIDATES = 1,
  TH_REMOTE_BEAR = 2,
  TH_REMOTE_BORN = 3,
  TH_REMOTE_UNFIT = 4,
  TH_REMOTE_FAILED = 5,
  TH_REMOTE_OPEN = 6,
  TH_REMOTE_GONE = 7,
  TH_REMOTE_FULL = 8,
  TH_REMOTE_ROOM = 9,
  TH_REMOTE_ASK = 10,
  TH_REMOTE_LOST = 32 /* from here on: never from elsewhere */
};

enum th_source_operation {
  TH_SOURCE_FETCH = 1,
  TH_SOURCE_PART = 2,
  TH_SOURCE_NONE = 3,
  TH_SOURCE_UNLOADED = 4,
  TH_SOURCE_EXPECT = 32, /* from here on: never from elsewhere */
  TH_SOURCE_SETTLED = 33,
  TH_SOURCE_TICK = 34
};

/* The two sides of a connection agree on this number or part. */
#define TH_PROTOCOL_VERSION 1

#endif
