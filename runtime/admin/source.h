/* source: bundles, the zips that actors' code comes in.
 *
 * A bundle is read once, strictly, from memory: every entry is named, checked and unpacked when it
 * is opened, so what is loaded can be served without another look at the zip. Nothing is ever
 * written to disk. Packing is deterministic: equal files give equal bytes, whatever their dates.
 *
 * A source is an opened bundle; it is immutable (but for implicit) and counted, so actors that run
 * from it outlive its unloading. The table of loaded sources is looked up by actors' turns (a class
 * must be found before createActor's actor can start), hence its lock, which guards the table
 * alone.
 *
 * Threads: any. Owns: the zip's bytes and the unpacked files.
 */
#ifndef TH_ADMIN_SOURCE_H
#define TH_ADMIN_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "bundle/manifest.h"
#include "bundle/zip_directory.h"

struct th_source_file {
  const char *name; /* "pkg/mod.lua" */
  const unsigned char *data;
  size_t size;
};

struct th_source {
  char hash[TH_DIGEST_TEXT_SIZE];    /* what it is known by */
  char content[TH_DIGEST_TEXT_SIZE]; /* SHA-256 of zip: what caches of its code go by */
  bool is_validated;         /* an authority vouches for it, so compiled Lua of it may run */
  const char *info;          /* where it came from, for people; "" when unknown */
  struct th_bytes *zip;      /* what runs */
  struct th_bytes *original; /* what was loaded, where an authority made the zip of it; or NULL */
  const struct th_manifest *manifest; /* what it says of itself; NULL when it says nothing */
  size_t file_count;                  /* sorted by name; folders are left out */
  const struct th_source_file *files;
  /* Brought along by a program's class, not loaded by name. Atomic, since the table may turn it to
   * false while others read it; nothing else hangs on it, so any order will do. */
  atomic_bool implicit;
};

/* What a bundle may be, unless a system's capabilities say otherwise (source_limits.h); all counted
 * in bytes but entries and the ratio. */
#define TH_SOURCE_ENTRIES 20000
#define TH_SOURCE_UNPACKED (64u << 20)
#define TH_SOURCE_RATIO 200
#define TH_SOURCE_NAME 200

extern const struct th_zip_limits th_source_usual_limits;

/* The first byte of a compiled Lua chunk. */
#define TH_SOURCE_CHUNK_MARK 0x1b

/* Digits of a hash that will do to name a source. */
#define TH_SOURCE_PREFIX 8

/* Bytes of what a stranger may say of where a source came from. */
#define TH_SOURCE_INFO 4096

/* How a bundle is opened. All zero: a stranger's zip, known by its own hash. */
struct th_source_config {
  const char *info;          /* where it came from; NULL or "" when unknown */
  const char *hash;          /* what it is known by; NULL: the SHA-256 of the zip */
  struct th_bytes *original; /* what it was made of, or NULL; the source takes a reference */
  bool implicit;
  bool may_be_compiled; /* a source authority vouches for it: compiled Lua may be in it */
  const struct th_zip_limits *limits; /* NULL: the usual ones */
};

/* Opens a bundle from memory; copies zip and all of config. On success gives a source with one
 * reference. TH_EBUNDLE with a reason that begins with info and names the entry and what is wrong.
 * Refused: no zip, cut off, bytes before, after or between its parts, bad CRC, names that are
 * absolute, contain "..", ".", empty parts, "\\", control characters or a drive, or are not UTF-8,
 * duplicate names (also when they differ in ASCII case only), links and other special files,
 * encryption, methods other than stored and deflated, an archive that two readers could read in two
 * ways (zip_directory.h), more than the limits, a bad manifest (manifest.h), and compiled Lua chunks,
 * which could break a Lua state, unless config allows them. */
int th_source_open(const void *zip, size_t size, const struct th_source_config *config,
                   struct th_source **source, struct th_reason *reason);

struct th_source *th_source_ref(struct th_source *source);
void th_source_unref(struct th_source *source);

/* From now on is_left(context) is called whenever all references but one have been given up, on the
 * thread that gave up the last of these; th_source_unref does all of it, so nobody pays who does
 * not watch. One watches at a time, who holds a reference and the source once it is in no table any
 * more; he ends that before he gives up his own. */
void th_source_watch(struct th_source *source, void (*is_left)(void *context), void *context);
void th_source_unwatch(struct th_source *source);

/* True when the caller's is the only reference. */
bool th_source_is_left(struct th_source *source);

/* Borrowed from the source; NULL when it has no such file. */
const struct th_source_file *th_source_find(const struct th_source *source, const char *name);

/* Finds the file of a Lua module, "pkg.mod": pkg/mod.lua, pkg/mod.luac, pkg/mod/init.lua, then
 * pkg/mod/init.luac; so text, which people can read, is never hidden by what was once compiled from
 * it. NULL for none. */
const struct th_source_file *th_source_module(const struct th_source *source, const char *module);

/* Packs files into a zip in memory, sorted by name, without dates. Gives new bytes. Fails with
 * TH_EBUNDLE and the reason when th_source_open would refuse the names or the sizes; what is in the
 * files is not looked at. */
int th_source_pack(const struct th_source_file *files, size_t count, struct th_bytes **zip,
                   struct th_reason *reason);

/* The version of the zip library. Borrowed for ever. */
const char *th_source_library_version(void);

/* The table of loaded sources. */
struct th_sources;

/* limits are those of the bundles that are to be in it, copied; NULL: the usual ones. */
struct th_sources *th_sources_new(const struct th_zip_limits *limits);
void th_sources_free(struct th_sources *sources);

/* What every bundle for this table is opened with. Borrowed from the table; never changes. */
const struct th_zip_limits *th_sources_limits(const struct th_sources *sources);

/* Adds a source under its hash, taking one reference of its own; adding what is there already
 * changes only that an implicit one becomes explicit when loaded by name. True when it was new. */
bool th_sources_add(struct th_sources *sources, struct th_source *source);

/* Finds by the whole hash, or by a beginning of at least 8 digits that fits just one; gives a
 * reference or NULL. */
struct th_source *th_sources_find(struct th_sources *sources, const char *hash);

/* Removes what th_sources_find would find; gives the table's reference, or NULL. Running actors
 * keep theirs. */
struct th_source *th_sources_remove(struct th_sources *sources, const char *hash);

/* How many editions of what one place brings along stay, though nobody uses them: whoever has just
 * loaded one is about to create an actor from it. */
#define TH_SOURCE_EDITIONS 2

/* Removes the newest implicit source that came from the same place as source, has at least that
 * many newer editions, and that no actor runs from; gives the table's reference, or NULL for none.
 * A program that still wants it loads it again. */
struct th_source *th_sources_supersede(struct th_sources *sources, const struct th_source *source);

/* Gives a new array of references, in the order of loading, and its size; the caller unrefs each
 * and frees the array. */
struct th_source **th_sources_list(struct th_sources *sources, size_t *count);

/* True when nobody but the table and the caller holds the source: no actor runs from it. */
bool th_source_idle(struct th_source *source);

#endif
