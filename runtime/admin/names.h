/* names: the global names of a system, each held by one actor at a time.
 *
 * createActor with a global name must give the address at once, whoever calls it; so the table is
 * looked up by actors' turns, and has a lock, which guards the table alone.
 *
 * Threads: any. Owns: its copies of the names.
 */
#ifndef TH_ADMIN_NAMES_H
#define TH_ADMIN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_names;

struct th_names *th_names_new(void);
void th_names_free(struct th_names *names);

/* The number of the actor with that name; 0 for none. */
uint64_t th_names_find(struct th_names *names, const char *name, size_t size);

/* Gives the name to number, unless somebody has it: then gives that one's number, else number. */
uint64_t th_names_claim(struct th_names *names, const char *name, size_t size, uint64_t number);

/* Frees the name that number holds, if it holds one. */
void th_names_release(struct th_names *names, uint64_t number);

/* Calls each for every name, under the lock: it must call nothing of names. */
void th_names_each(struct th_names *names,
                   void (*each)(void *context, const char *name, size_t size, uint64_t number),
                   void *context);

#endif
