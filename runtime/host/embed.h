/* embed: what the parts of thespian.h (thespian_*.c) share.
 *
 * Threads: as thespian.h says of the functions that use it.
 */
#ifndef TH_HOST_EMBED_H
#define TH_HOST_EMBED_H

#include <string.h>

#include "actor/script.h"
#include "base/buffer.h"
#include "base/error.h"
#include "host/thespian.h"
#include "message/message.h"

/* ---- between the types of thespian.h and ours ---- */

_Static_assert(sizeof(struct th_address) <= sizeof(struct thespian_address), "an address fits");
_Static_assert(sizeof(struct th_reason) == sizeof(struct thespian_reason), "reasons are alike");

static inline struct th_address th_embed_in(struct thespian_address given) {
  struct th_address address;
  memcpy(&address, &given, sizeof address);
  return address;
}

static inline struct thespian_address th_embed_out(const struct th_address *address) {
  struct thespian_address given = {{0}};
  memcpy(&given, address, sizeof *address);
  return given;
}

static inline struct th_reason *th_embed_reason(struct thespian_reason *reason) {
  return (struct th_reason *)reason;
}

/* What is larger is no bundle that a system takes. */
#define TH_EMBED_BUNDLE_LIMIT ((size_t)256 << 20)

/* ---- values ---- */

/* Packed bytes that are one value; borrowed. */
struct th_embed_packed {
  const void *data;
  size_t size;
};

/* What builder holds, nil for NULL. Its error with a reason, or TH_ECANNOTSEND for half a value. */
int th_embed_packed(const struct thespian_builder *builder, struct th_embed_packed *packed,
                    struct th_reason *reason);

/* The same for a table, or nothing (size 0) for NULL: TH_ESPECIFICATION for other values. */
int th_embed_requirements(const struct thespian_builder *builder, struct th_embed_packed *packed,
                          struct th_reason *reason);

/* The kind of a message with that value, when a user sends it. */
enum th_kind th_embed_kind(struct th_embed_packed packed);

/* A cursor on one whole value, which th_embed_refuse found well made. */
struct thespian_value th_embed_value(const void *data, size_t size);

/* The bytes of a value that is not nil, and those of the whole that its references count in. */
void th_embed_spans(struct thespian_value value, struct th_embed_packed *part,
                    struct th_embed_packed *scope);

/* NULL when the bytes are one value that the functions of thespian.h can read, whatever its size;
 * else words for what is wrong. Size 0 is nil. */
const char *th_embed_refuse(const void *data, size_t size);

/* ---- classes ---- */

/* The classes that a program has registered in one system, and the script through which that system
 * starts actors of these and of Lua's. */
struct th_embed_classes;

struct th_embed_classes *th_embed_classes_new(const struct th_script *lua);
void th_embed_classes_free(struct th_embed_classes *classes);

/* Borrowed. */
const struct th_script *th_embed_classes_script(struct th_embed_classes *classes);

/* As thespian_register says. Any thread. */
int th_embed_classes_add(struct th_embed_classes *classes, const char *name,
                         const struct thespian_class *functions, void *context,
                         struct th_reason *reason);

/* ---- Lua ---- */

/* What runs actors in Lua. Borrowed for ever. */
const struct th_script *th_embed_lua(void);

#endif
