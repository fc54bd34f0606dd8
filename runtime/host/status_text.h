/* status_text: the state of a system or an actor, laid out for people.
 *
 * Reads the packed maps of message/protocol.h. What it does not know it passes over, and what is
 * missing it leaves out: the other side may be of another version. Strangers' words are made
 * printable.
 *
 * Threads: any. Owns: nothing.
 */
#ifndef TH_HOST_STATUS_TEXT_H
#define TH_HOST_STATUS_TEXT_H

#include "base/buffer.h"
#include "host/view.h"

/* How many actors people are shown unless they ask for all. */
#define TH_STATUS_ACTORS 200

/* Each appends whole lines. most is how many actors have one; those left out are counted. */
void th_status_text_system(struct th_view status, size_t most, struct th_buffer *text);
void th_status_text_actor(struct th_view status, struct th_buffer *text);

/* One line for each source of a packed list, with the first digits of its hash, or all. */
void th_status_text_sources(struct th_view sources, int digits, struct th_buffer *text);

/* The actors of a packed list, each below its parent, as a table; others were omitted there. */
void th_status_text_actors(struct th_view actors, size_t most, size_t omitted,
                           struct th_buffer *text);

/* The convention and the links of a system's status; nothing where there is none. */
void th_status_text_convention(struct th_view convention, struct th_buffer *text);
void th_status_text_links(struct th_view peers, struct th_buffer *text);

/* "2 min 5 s" */
void th_status_text_duration(struct th_buffer *text, double seconds);

/* "41 KiB"; out holds 32 bytes. Returns out. */
char *th_status_text_memory(int64_t bytes, char *out);

#endif
