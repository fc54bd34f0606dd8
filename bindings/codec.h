/* codec: Lua values straight to and from MessagePack.
 *
 * Encoding walks the Lua stack and appends to a buffer; decoding walks bytes and pushes. There is
 * no tree between. Tables that are sequences become arrays, others maps (the empty table is an
 * array); tables and instances are numbered in the order met (a table gets its number before its
 * content), so that a second meeting is a reference and cycles end.
 *
 * Instances: a table whose metatable has a true raw field "__thespian" is an instance of a class of
 * ours. That metatable's raw field "__names" is the packed array of names of message/pack.h (a
 * string, copied as it is); where it is nil, the function given to th_codec_open as names is called
 * with the metatable, must return that string, and is called once for each metatable (the string is
 * stored in "__names"). Its raw field "__kind", an integer, is the message kind of a system message
 * class. On decoding, the packed names are looked up in a table of the state; the first time the
 * function given as resolve is called with them and returns the metatable (always: for a class that
 * cannot be found it makes one that knows its names only, which is forgotten when nothing uses it).
 * A table with any other metatable travels as a plain table of its raw contents.
 *
 * Threads: the state's.
 */
#ifndef TH_BINDINGS_CODEC_H
#define TH_BINDINGS_CODEC_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "message/pack.h"

/* [-2, +0, m] prepares a state: pops the functions names and resolve (resolve on top). */
void th_codec_open(lua_State *L);

/* [-0, +0|1, e] appends the value at index to buffer. 0, or a negative error with a text pushed
 * that says what cannot travel and where ("message.jobs[3].callback is a function"); buffer is then
 * as it was before (its size, that is). *kind becomes the kind of the value (TH_KIND_USER for all
 * but instances of system message classes). Limits: depth TH_PACK_DEPTH, buffer->limit
 * (TH_ETOOBIG). May raise what the functions names raise, and memory errors: buffer must be owned
 * by someone who survives that. */
int th_codec_encode(lua_State *L, int index, struct th_buffer *buffer, uint8_t *kind);

/* [-0, +1, e] pushes the value of exactly these bytes, or raises a text that begins with "malformed
 * message" (or what resolve raises, or a memory error). Limits on depth and counts hold; whatever
 * the bytes, the state stays sound. Call it protected. */
void th_codec_decode(lua_State *L, const void *data, size_t size);

/* True when the bytes are a single nil, boolean, integer, real or string: item is that value then.
 * No bytes at all are nil. */
bool th_codec_read_plain(const void *data, size_t size, struct th_item *item);

/* Pushes such a value. Only strings need memory, and protection. [-0, +1, m] */
void th_codec_push_plain(lua_State *L, const struct th_item *item);

/* For Lua: packNames({string, ...}) -> string; unpackNames(string) -> {string, ...}. */
int th_codec_lua_pack_names(lua_State *L);
int th_codec_lua_unpack_names(lua_State *L);

#endif
