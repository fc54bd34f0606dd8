/* signals: the end that the machine or its user asks for.
 *
 * SIGTERM, SIGINT, SIGQUIT, and SIGHUP where it is not ignored, ask for an orderly end; the second
 * one ends the process at once. SIGPIPE does nothing: whoever read what actors print may have
 * left. Signals are handled, neither blocked nor ignored: a process that an actor starts would
 * inherit that.
 *
 * Threads: watch and stop by one caller, at most one watch in a process at a time; first is called
 * on a thread of its own. Owns: that thread, and the handlers meanwhile.
 */
#ifndef TH_HOST_SIGNALS_H
#define TH_HOST_SIGNALS_H

struct th_signals;

/* Has first called, with the signal's number, when the first of them comes. */
int th_signals_watch(struct th_signals **signals, void (*first)(void *context, int signal),
                     void *context);

/* Puts things back as they were. NULL is fine. */
void th_signals_stop(struct th_signals *signals);

#endif
