/* embedded: the Lua files of lua/thespian, inside the binary.
 *
 * The build makes the table from the files as they are (lua/embed.cmake), so a program that carries
 * it needs no Lua file of ours on disk.
 *
 * Threads: any; nothing here ever changes.
 */
#ifndef TH_BINDINGS_EMBEDDED_H
#define TH_BINDINGS_EMBEDDED_H

#include <stddef.h>

struct th_embedded_module {
  const char *name;          /* as for require: "thespian.actors" */
  const unsigned char *data; /* the source text; a 0 byte follows it */
  size_t size;
};

/* Every module, sorted by name; the one after the last has a NULL name. */
extern const struct th_embedded_module th_embedded_modules[];

#endif
