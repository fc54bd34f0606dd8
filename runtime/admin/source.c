#include "admin/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/source_limits.h"
#include "base/memory.h"
#include "bundle/envelope.h"
#include "bundle/zip.h"
#include "bundle/zip_name.h"
#include "bundle/zip_pack.h"

#define WATCHED (1u << 31)
#define INFO_SHOWN 200 /* bytes of where a bundle came from that a refusal shows */

const struct th_zip_limits th_source_usual_limits = {
  .entries = TH_SOURCE_ENTRIES,
  .unpacked = TH_SOURCE_UNPACKED,
  .ratio = TH_SOURCE_RATIO,
  .name = TH_SOURCE_NAME,
};

/* ---- opening ---- */

/* What others see as a struct th_source. */
struct opened {
  struct th_source source; /* the first, so that the one's address is the other's */
  atomic_uint references;  /* and WATCHED; so who gives one up knows whom to tell, and never more */
  void (*is_left)(void *context);
  void *context;
  char *info;
  struct th_source_file *files;
  char *names;         /* of all files, each with its zero */
  unsigned char *data; /* of all files */
  struct th_manifest *manifest;
};

static void free_opened(struct opened *opened) {
  th_bytes_unref(opened->source.zip);
  th_bytes_unref(opened->source.original);
  free(opened->info);
  free(opened->files);
  free(opened->names);
  free(opened->data);
  th_manifest_free(opened->manifest);
  free(opened);
}

static int by_name(const void *left, const void *right) {
  const struct th_source_file *one = left, *other = right;
  return strcmp(one->name, other->name);
}

/* Makes room for all that the directory declares. The limits and the ratio to the zip's own size
 * have been checked, so a small zip cannot ask for much. */
static int make_room(struct opened *opened, const struct th_zip_directory *directory) {
  size_t names = 0;
  for (size_t i = 0; i < directory->count; i++) names += directory->entries[i].name_size + 1;
  opened->files = th_alloc_zeroed(directory->count + 1, sizeof *opened->files);
  opened->source.files = opened->files;
  opened->names = th_try_alloc(names + 1);
  opened->data = th_try_alloc((size_t)directory->unpacked + 1);
  return opened->names != NULL && opened->data != NULL ? 0 : TH_ENOMEM;
}

/* Folders are unpacked as well, which shows that they are empty, but not listed. */
static int unpack(struct opened *opened, struct th_zip *zip, struct th_reason *reason) {
  const struct th_zip_directory *directory = th_zip_directory(zip);
  int error = make_room(opened, directory);
  if (error != 0) return th_fail(reason, error, "%s", th_error_words(error));
  char *name = opened->names;
  unsigned char *data = opened->data;
  for (size_t i = 0; i < directory->count; i++) {
    const struct th_zip_entry *entry = &directory->entries[i];
    if ((error = th_zip_unpack(zip, entry, data, reason)) != 0) return error;
    if (entry->folder) continue;
    memcpy(name, entry->name, entry->name_size);
    name[entry->name_size] = 0;
    opened->files[opened->source.file_count++] = (struct th_source_file){name, data, entry->size};
    name += entry->name_size + 1;
    data += entry->size;
  }
  qsort(opened->files, opened->source.file_count, sizeof *opened->files, by_name);
  return 0;
}

static bool ends_in(const char *name, const char *suffix) {
  size_t size = strlen(name), suffix_size = strlen(suffix);
  return size >= suffix_size && strcasecmp(name + size - suffix_size, suffix) == 0;
}

static bool is_compiled(const struct th_source_file *file) {
  if (ends_in(file->name, ".luac")) return true;
  return ends_in(file->name, ".lua") && file->size > 0 && file->data[0] == TH_SOURCE_CHUNK_MARK;
}

/* A signed or encrypted bundle is no zip before it was opened, which is for an authority: what is wrong
 * with it as a zip would lead nowhere. */
static int refuse_envelope(const void *data, size_t size, struct th_reason *reason) {
  enum th_envelope_kind kind = th_envelope_kind(data, size);
  if (kind == TH_ENVELOPE_PLAIN_KIND) return 0;
  bool is_sealed = kind == TH_ENVELOPE_SEALED_KIND;
  return th_fail(reason, TH_EBUNDLE,
                 "the bundle is %s, and only a source authority opens it, as that of thespian-host "
                 "start --trust%s",
                 is_sealed ? "encrypted" : "signed", is_sealed ? " and --key" : "");
}

/* Lua does not check bytecode before it runs it. */
static int refuse_compiled(const struct opened *opened, struct th_reason *reason) {
  for (size_t i = 0; i < opened->source.file_count; i++) {
    const struct th_source_file *file = &opened->files[i];
    if (!is_compiled(file)) continue;
    return th_zip_name_fail(reason, (const unsigned char *)file->name, strlen(file->name),
                            "compiled Lua is refused, pack its source text");
  }
  return 0;
}

const struct th_source_file *th_source_find(const struct th_source *source, const char *name) {
  const struct th_source_file wanted = {name, NULL, 0};
  return bsearch(&wanted, source->files, source->file_count, sizeof wanted, by_name);
}

static int read_manifest(struct opened *opened, struct th_reason *reason) {
  const struct th_source_file *file = th_source_find(&opened->source, TH_MANIFEST_FILE);
  if (file == NULL) return 0;
  int error = th_manifest_read(file->data, file->size, &opened->manifest, reason);
  opened->source.manifest = opened->manifest;
  return error;
}

static int fill(struct opened *opened, const void *zip, size_t size,
                const struct th_source_config *config, struct th_reason *reason) {
  struct th_zip *archive;
  const struct th_zip_limits *limits = config->limits != NULL ? config->limits
                                                              : &th_source_usual_limits;
  int error = refuse_envelope(zip, size, reason);
  if (error == 0) error = th_zip_open(&archive, zip, size, limits, reason);
  if (error != 0) return error;
  error = unpack(opened, archive, reason);
  th_zip_close(archive);
  if (error != 0) return error;
  if (!config->may_be_compiled && (error = refuse_compiled(opened, reason)) != 0) return error;
  if ((error = read_manifest(opened, reason)) != 0) return error;
  opened->source.is_validated = config->may_be_compiled;
  error = th_digest_sha256(zip, size, opened->source.content);
  snprintf(opened->source.hash, sizeof opened->source.hash, "%s",
           config->hash != NULL ? config->hash : opened->source.content);
  if (error == 0) opened->source.zip = th_bytes_copy(zip, size);
  if (error == 0 && opened->source.zip == NULL) error = TH_ENOMEM;
  return error == 0 ? 0 : th_fail(reason, error, "%s", th_error_words(error));
}

/* Among several bundles the user must see which of them it is; of a long path the end says it. */
static int name_bundle(struct th_reason *reason, int error, const char *info,
                       const struct th_reason *why) {
  size_t size = info != NULL ? strlen(info) : 0;
  if (size == 0) return th_fail(reason, error, "%s", why->words);
  if (size <= INFO_SHOWN) return th_fail(reason, error, "%s: %s", info, why->words);
  info += size - INFO_SHOWN;
  while ((*info & 0xc0) == 0x80) info++; /* the cut goes before a character */
  return th_fail(reason, error, "...%s: %s", info, why->words);
}

int th_source_open(const void *zip, size_t size, const struct th_source_config *config,
                   struct th_source **source, struct th_reason *reason) {
  struct th_reason why = {""};
  struct opened *opened = th_new(struct opened);
  int error = fill(opened, zip, size, config, &why);
  if (error != 0) {
    free_opened(opened);
    return name_bundle(reason, error, config->info, &why);
  }
  atomic_init(&opened->references, 1);
  atomic_init(&opened->source.implicit, config->implicit);
  if (config->original != NULL) opened->source.original = th_bytes_ref(config->original);
  opened->info = th_strdup(config->info != NULL ? config->info : "");
  opened->source.info = opened->info;
  *source = &opened->source;
  return 0;
}

struct th_source *th_source_ref(struct th_source *source) {
  struct opened *opened = (struct opened *)source;
  /* Relaxed: whoever hands the new reference on orders that by itself. */
  atomic_fetch_add_explicit(&opened->references, 1, memory_order_relaxed);
  return source;
}

void th_source_unref(struct th_source *source) {
  struct opened *opened = (struct opened *)source;
  void (*is_left)(void *context) = NULL;
  void *context = NULL;
  if (source == NULL) return;
  /* Acquire: who is to be told was written before WATCHED. Whoever that is may free the source as
   * soon as this reference is gone, so it is read before, and counts if nothing has changed since.
   * Release: all reads by other holders come before the free. */
  unsigned before = atomic_load_explicit(&opened->references, memory_order_acquire);
  do {
    bool is_told = before == (WATCHED | 2);
    is_left = is_told ? opened->is_left : NULL;
    context = is_told ? opened->context : NULL;
  } while (!atomic_compare_exchange_weak_explicit(&opened->references, &before, before - 1,
                                                  memory_order_acq_rel, memory_order_acquire));
  if (before == 1) free_opened(opened);
  if (is_left != NULL) is_left(context);
}

/* Acquire: what the last actor did with the source is over. */
static unsigned count_references(struct th_source *source) {
  struct opened *opened = (struct opened *)source;
  return atomic_load_explicit(&opened->references, memory_order_acquire) & ~WATCHED;
}

bool th_source_idle(struct th_source *source) {
  return count_references(source) <= 2;
}

void th_source_watch(struct th_source *source, void (*is_left)(void *context), void *context) {
  struct opened *opened = (struct opened *)source;
  opened->is_left = is_left;
  opened->context = context;
  atomic_fetch_or_explicit(&opened->references, WATCHED, memory_order_release);
}

bool th_source_is_left(struct th_source *source) {
  return count_references(source) == 1;
}

void th_source_unwatch(struct th_source *source) {
  struct opened *opened = (struct opened *)source;
  atomic_fetch_and_explicit(&opened->references, ~WATCHED, memory_order_relaxed);
}

/* ---- looking into ---- */

const struct th_source_file *th_source_module(const struct th_source *source, const char *module) {
  static const char *const endings[] = {".lua", ".luac", "/init.lua", "/init.luac"};
  char name[TH_SOURCE_NAME_MOST + sizeof "/init.luac"];
  size_t size = strlen(module);
  if (size > TH_SOURCE_NAME_MOST) return NULL;
  for (size_t i = 0; i < size; i++) name[i] = module[i] == '.' ? '/' : module[i];
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    strcpy(name + size, endings[i]);
    const struct th_source_file *file = th_source_find(source, name);
    if (file != NULL) return file;
  }
  return NULL;
}

/* ---- packing ---- */

int th_source_pack(const struct th_source_file *files, size_t count, struct th_bytes **zip,
                   struct th_reason *reason) {
  struct th_zip_file *entries = th_alloc_zeroed(count + 1, sizeof *entries);
  for (size_t i = 0; i < count; i++)
    entries[i] = (struct th_zip_file){files[i].name, files[i].data, files[i].size};
  int error = th_zip_pack(entries, count, &th_source_usual_limits, zip, reason);
  free(entries);
  return error;
}

const char *th_source_library_version(void) {
  return th_zip_library_version();
}

/* ---- the table ---- */

struct th_sources {
  struct th_zip_limits limits; /* never changes, so no lock is needed */
  pthread_mutex_t lock;
  struct th_source **list; /* a reference each, in the order of loading */
  size_t count;
  size_t capacity;
};

struct th_sources *th_sources_new(const struct th_zip_limits *limits) {
  struct th_sources *sources = th_new(struct th_sources);
  sources->limits = limits != NULL ? *limits : th_source_usual_limits;
  pthread_mutex_init(&sources->lock, NULL);
  return sources;
}

void th_sources_free(struct th_sources *sources) {
  if (sources == NULL) return;
  for (size_t i = 0; i < sources->count; i++) th_source_unref(sources->list[i]);
  pthread_mutex_destroy(&sources->lock);
  free(sources->list);
  free(sources);
}

const struct th_zip_limits *th_sources_limits(const struct th_sources *sources) {
  return &sources->limits;
}

/* Under the lock. The index of the one source whose hash begins with hash, or count for none. */
static size_t find_index(const struct th_sources *sources, const char *hash) {
  size_t size = strlen(hash), found = sources->count;
  if (size < TH_SOURCE_PREFIX) return sources->count;
  for (size_t i = 0; i < sources->count; i++) {
    if (strncasecmp(sources->list[i]->hash, hash, size) != 0) continue;
    if (found != sources->count) return sources->count;
    found = i;
  }
  return found;
}

/* Under the lock. */
static void append(struct th_sources *sources, struct th_source *source) {
  if (sources->count == sources->capacity) {
    sources->capacity = sources->capacity * 2 + 8;
    sources->list = th_realloc(sources->list, sources->capacity * sizeof *sources->list);
  }
  sources->list[sources->count++] = th_source_ref(source);
}

bool th_sources_add(struct th_sources *sources, struct th_source *source) {
  pthread_mutex_lock(&sources->lock);
  size_t index = find_index(sources, source->hash);
  bool is_new = index == sources->count;
  if (is_new) {
    append(sources, source);
  } else if (!source->implicit) {
    sources->list[index]->implicit = false;
  }
  pthread_mutex_unlock(&sources->lock);
  return is_new;
}

struct th_source *th_sources_find(struct th_sources *sources, const char *hash) {
  pthread_mutex_lock(&sources->lock);
  size_t index = find_index(sources, hash);
  struct th_source *found = NULL;
  if (index < sources->count) found = th_source_ref(sources->list[index]);
  pthread_mutex_unlock(&sources->lock);
  return found;
}

/* Under the lock. Gives the table's reference. */
static struct th_source *take_out(struct th_sources *sources, size_t index) {
  struct th_source *taken = sources->list[index];
  sources->count--;
  memmove(sources->list + index, sources->list + index + 1,
          (sources->count - index) * sizeof *sources->list);
  return taken;
}

struct th_source *th_sources_remove(struct th_sources *sources, const char *hash) {
  pthread_mutex_lock(&sources->lock);
  size_t index = find_index(sources, hash);
  struct th_source *removed = NULL;
  if (index < sources->count) removed = take_out(sources, index);
  pthread_mutex_unlock(&sources->lock);
  return removed;
}

/* Under the lock, so that nobody can begin to use it meanwhile: who does not hold it by now could
 * only find it in the table. */
static bool is_unused(struct th_source *source) {
  th_source_ref(source);
  bool idle = th_source_idle(source);
  th_source_unref(source);
  return idle;
}

struct th_source *th_sources_supersede(struct th_sources *sources, const struct th_source *source) {
  struct th_source *removed = NULL;
  size_t newer = 0;
  pthread_mutex_lock(&sources->lock);
  for (size_t i = sources->count; i-- > 0 && removed == NULL;) {
    struct th_source *each = sources->list[i];
    if (!each->implicit || strcmp(each->info, source->info) != 0) continue;
    if (newer++ >= TH_SOURCE_EDITIONS && is_unused(each)) removed = take_out(sources, i);
  }
  pthread_mutex_unlock(&sources->lock);
  return removed;
}

struct th_source **th_sources_list(struct th_sources *sources, size_t *count) {
  pthread_mutex_lock(&sources->lock);
  struct th_source **list = th_alloc((sources->count + 1) * sizeof *list);
  for (size_t i = 0; i < sources->count; i++) list[i] = th_source_ref(sources->list[i]);
  *count = sources->count;
  pthread_mutex_unlock(&sources->lock);
  return list;
}
