/* intern: texts that are kept once and for ever.
 *
 * For texts of which there are few, such as class names: whoever gets one may keep the pointer as
 * long as the table lives, from any thread.
 *
 * Threads: any; the lock guards the table. Owns: the texts.
 */
#ifndef TH_BASE_INTERN_H
#define TH_BASE_INTERN_H

#include <stddef.h>

struct th_interns;

struct th_interns *th_interns_new(void);
void th_interns_free(struct th_interns *interns);

/* The one copy of that text, zero-terminated; NULL for NULL. */
const char *th_intern(struct th_interns *interns, const char *text, size_t size);

#endif
