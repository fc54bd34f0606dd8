/* compile: bundles whose Lua files are compiled before they travel.
 *
 * Every NAME.lua becomes NAME.luac, compiled under its own name in the bundle, so that errors and
 * tracebacks say pkg/mod.lua:7 wherever it runs; without debug information, which is left out
 * unless asked for, they can say neither. Other files stay as they are. Equal bundles give equal
 * bytes for one version of Lua. Only a source that an authority vouches for may be loaded so.
 *
 * Threads: any.
 */
#ifndef TH_BINDINGS_COMPILE_H
#define TH_BINDINGS_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* Compiles a bundle in memory; gives a new one. TH_EBUNDLE with the reason: what th_archive_open
 * says of the zip, or the file and line of a syntax error. */
int th_compile_bundle(const void *zip, size_t size, bool keep_debug, struct th_bytes **compiled,
                      struct th_reason *reason);

#endif
