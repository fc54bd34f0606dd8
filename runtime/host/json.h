/* json: values as people write and read them on a command line.
 *
 * The only file that sees the JSON library, which reads; writing is done here, straight from the
 * packed bytes. What JSON has no words for is written so that it can still be told what it was:
 *
 *   a string with bytes that are not UTF-8   each such byte as \u00XX
 *   an address                               its text form, as a string
 *   an instance of a class                   an object that begins with "__class": its short name
 *   a table met before in the same value     "<reference N>": the N-th table or instance, from 0
 *   a map's key that is not a string         its own JSON as a string
 *   an infinite number, or none              "inf", "-inf", "nan"
 *   the empty table                          [], or {} where it was packed as a map
 *
 * Threads: any.
 */
#ifndef TH_HOST_JSON_H
#define TH_HOST_JSON_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends the packed value of text: what it is as JSON, where it is JSON (any value), else itself
 * as a string. TH_EMALFORMED for JSON that cannot be carried: arrays or objects with integers
 * beyond 64 bits, or nested deeper than TH_PACK_DEPTH. */
int th_json_to_pack(const char *text, struct th_buffer *buffer);

/* Appends the text of one packed value: a string as it is, and so an address, other values as JSON.
 * TH_EMALFORMED when the bytes are not one value. */
int th_json_from_pack(const void *data, size_t size, struct th_buffer *text);

/* The same, but strings are JSON too. */
int th_json_write(const void *data, size_t size, struct th_buffer *text);

/* "2.14". Borrowed for ever. */
const char *th_json_version(void);

#endif
