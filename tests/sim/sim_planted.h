/* sim_planted: the bugs that can be put into the runtime (base/plant.h), and how soon a hunt finds
 * each: the median number of seeds over several beginnings.
 *
 * Threads: one; each beginning is hunted in a process of its own, since a bug may end it.
 * Owns: nothing.
 */
#ifndef SIM_PLANTED_H
#define SIM_PLANTED_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_PLANTS(X)                                                                              \
  X(1, "an acknowledgement is taken for all that was written")                                     \
  X(2, "a new connection begins one message too late")                                             \
  X(3, "a greeting counts only what was acknowledged as received")                                 \
  X(4, "a system that was restarted is taken for the one before")                                  \
  X(5, "forwards are not told that a host is lost")                                                \
  X(6, "an alias is open before its forward says so")                                              \
  X(7, "the end of an actor is not told to its forward")                                           \
  X(8, "a check-in does not count")                                                                \
  X(9, "a member that was removed is not reported")                                                \
  X(10, "what waits at a forward is forgotten when it fails")                                      \
  X(11, "what an ended session had not sent is forgotten")                                         \
  X(12, "an actor whose creator's system is lost lives on")                                        \
  X(13, "a change of capabilities is not told on")                                                 \
  X(14, "actors are not asked again whether a system suits them")                                  \
  X(15, "a convention does not notice that its own clock has jumped")                              \
  X(16, "a session does not notice that its own clock has jumped")                                 \
  X(17, "who waits for a source is not told that it does not come")                                \
  X(18, "a fetch waits for a system that is lost")

/* Begins seeds as sim does, so many at most from each of several beginnings, for one bug, or (0) all
 * of them. Prints a line for each bug. True when most
 * beginnings found each. */
bool sim_planted_hunt(int plant, uint64_t most, bool (*is_found)(uint64_t seed));

#endif
