#include "bindings/image.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bindings/mould.h"

/* So many versions of one class are looked at; more live at once nowhere. */
#define VERSIONS 8

struct th_image {
  atomic_uint references; /* relaxed up, acquire and release down: the last one sees all */
  struct th_bytes *modules;
  /* Written under the lock, read by any: release and acquire, so that the names are there. */
  atomic_size_t later_count;
  char *later[TH_IMAGE_LATER]; /* those that were dropped stay until the end */
  bool takes_no_more;          /* under the lock */
  struct th_mould *mould;      /* a reference, or NULL; under the lock */
  size_t mould_later;          /* so many of the later ones are in it; under the lock */
  atomic_bool has_no_mould;    /* ever; relaxed: who does not see it tries once more */
  char class_name[];
};

struct th_images {
  pthread_mutex_t lock;
  struct th_image *kept[TH_IMAGES]; /* the one asked for last is the first */
  size_t count;
};

/* ---- images ---- */

/* NULL when there is no memory. */
static struct th_image *new_image(const char *class_name, const struct th_buffer *modules) {
  size_t size = strlen(class_name) + 1;
  struct th_bytes *copy = th_bytes_copy(modules->data, modules->size);
  if (copy == NULL) return NULL;
  struct th_image *image = th_alloc_zeroed(1, sizeof *image + size);
  atomic_init(&image->references, 1);
  atomic_init(&image->later_count, 0);
  image->modules = copy;
  memcpy(image->class_name, class_name, size);
  return image;
}

struct th_image *th_image_ref(struct th_image *image) {
  if (image != NULL) atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
  return image;
}

void th_image_unref(struct th_image *image) {
  if (image == NULL) return;
  if (atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) != 1) return;
  th_bytes_unref(image->modules);
  for (size_t i = 0; i < TH_IMAGE_LATER; i++) free(image->later[i]);
  th_mould_unref(image->mould);
  free(image);
}

size_t th_image_count_later(const struct th_image *image) {
  return atomic_load_explicit(&image->later_count, memory_order_acquire);
}

const char *th_image_later(const struct th_image *image, size_t number) {
  return image->later[number];
}

/* ---- trails ---- */

void th_trail_init(struct th_trail *trail) {
  th_buffer_init(&trail->modules);
  trail->modules.limit = TH_TRAIL_SIZE;
  trail->is_pure = true;
}

void th_trail_clear(struct th_trail *trail) {
  th_buffer_clear(&trail->modules);
}

static void append(struct th_trail *trail, const char *text) {
  if (th_buffer_append(&trail->modules, text, strlen(text) + 1) != 0) trail->is_pure = false;
}

void th_trail_note(struct th_trail *trail, const char *name, const struct th_module *module) {
  append(trail, name);
  append(trail, module->key);
  append(trail, module->chunk_name);
  append(trail, module->is_compiled ? "compiled" : "text");
}

/* Whether *at, which is set behind it, is the text. */
static bool says(const char **at, const char *text) {
  const char *found = *at;
  *at += strlen(found) + 1;
  return strcmp(found, text) == 0;
}

/* Whether every module would be found as it was. */
static bool holds(const struct th_image *image, struct th_world *world, void *source) {
  const char *at = (const char *)image->modules->data, *end = at + image->modules->size;
  struct th_module module;
  struct th_buffer searched;
  bool is_same = true;
  th_buffer_init(&searched);
  while (is_same && at < end) {
    const char *name = at;
    at += strlen(name) + 1;
    is_same = world->ops->module(world, source, name, false, &module, &searched) &&
              says(&at, module.key) && says(&at, module.chunk_name) &&
              says(&at, module.is_compiled ? "compiled" : "text");
  }
  th_buffer_clear(&searched);
  return is_same;
}

/* ---- the table ---- */

struct th_images *th_images_new(void) {
  struct th_images *images = th_new(struct th_images);
  pthread_mutex_init(&images->lock, NULL);
  return images;
}

void th_images_free(struct th_images *images) {
  for (size_t i = 0; i < images->count; i++) th_image_unref(images->kept[i]);
  pthread_mutex_destroy(&images->lock);
  free(images);
}

/* The caller holds the lock. */
static void put_first(struct th_images *images, size_t at, struct th_image *image) {
  memmove(images->kept + 1, images->kept, at * sizeof *images->kept);
  images->kept[0] = image;
}

/* References to those of the class; gives how many. */
static size_t find_versions(struct th_images *images, const char *class_name,
                            struct th_image *versions[VERSIONS]) {
  size_t count = 0;
  pthread_mutex_lock(&images->lock);
  for (size_t i = 0; i < images->count && count < VERSIONS; i++) {
    struct th_image *image = images->kept[i];
    if (strcmp(image->class_name, class_name) != 0) continue;
    versions[count++] = th_image_ref(image);
    if (count == 1) put_first(images, i, image);
  }
  pthread_mutex_unlock(&images->lock);
  return count;
}

struct th_image *th_images_find(struct th_images *images, struct th_world *world, void *source,
                                const char *class_name) {
  struct th_image *versions[VERSIONS], *found = NULL;
  size_t count = find_versions(images, class_name, versions);
  for (size_t i = 0; i < count; i++) {
    if (found == NULL && holds(versions[i], world, source))
      found = versions[i];
    else
      th_image_unref(versions[i]);
  }
  return found;
}

static bool is_of(const struct th_image *image, const char *class_name,
                  const struct th_buffer *modules) {
  return strcmp(image->class_name, class_name) == 0 && image->modules->size == modules->size &&
         (modules->size == 0 || memcmp(image->modules->data, modules->data, modules->size) == 0);
}

/* Takes image. The caller holds the lock. */
static void enter(struct th_images *images, struct th_image *image) {
  if (images->count == TH_IMAGES)
    th_image_unref(images->kept[TH_IMAGES - 1]);
  else
    images->count++;
  put_first(images, images->count - 1, image);
}

struct th_image *th_images_learn(struct th_images *images, const char *class_name,
                                 const struct th_trail *trail, bool *is_known) {
  struct th_image *image = NULL;
  pthread_mutex_lock(&images->lock);
  for (size_t i = 0; i < images->count && image == NULL; i++) {
    if (!is_of(images->kept[i], class_name, &trail->modules)) continue;
    image = images->kept[i];
    put_first(images, i, image);
  }
  *is_known = image != NULL;
  if (image == NULL && (image = new_image(class_name, &trail->modules)) != NULL)
    enter(images, image);
  th_image_ref(image);
  pthread_mutex_unlock(&images->lock);
  return image;
}

/* The caller holds the lock. */
static bool has_later(const struct th_image *image, const char *part) {
  size_t count = th_image_count_later(image);
  for (size_t i = 0; i < count; i++)
    if (strcmp(image->later[i], part) == 0) return true;
  return false;
}

void th_images_add_later(struct th_images *images, struct th_image *image, const char *part) {
  pthread_mutex_lock(&images->lock);
  size_t count = th_image_count_later(image);
  if (count < TH_IMAGE_LATER && !image->takes_no_more && !has_later(image, part)) {
    image->later[count] = th_strdup(part);
    atomic_store_explicit(&image->later_count, count + 1, memory_order_release);
  }
  pthread_mutex_unlock(&images->lock);
}

void th_images_drop_later(struct th_images *images, struct th_image *image) {
  pthread_mutex_lock(&images->lock);
  image->takes_no_more = true;
  atomic_store_explicit(&image->later_count, 0, memory_order_release);
  pthread_mutex_unlock(&images->lock);
}

/* ---- moulds ---- */

struct th_mould *th_images_mould(struct th_images *images, struct th_image *image, size_t *later) {
  if (image == NULL) return NULL;
  pthread_mutex_lock(&images->lock);
  struct th_mould *mould = th_mould_ref(image->mould);
  *later = image->mould_later;
  pthread_mutex_unlock(&images->lock);
  return mould;
}

void th_images_set_mould(struct th_images *images, struct th_image *image, struct th_mould *mould,
                         size_t later) {
  if (mould == NULL) {
    atomic_store_explicit(&image->has_no_mould, true, memory_order_relaxed);
    return;
  }
  pthread_mutex_lock(&images->lock);
  struct th_mould *old = image->mould;
  image->mould = mould;
  image->mould_later = later;
  pthread_mutex_unlock(&images->lock);
  th_mould_unref(old);
}

bool th_image_can_have_mould(const struct th_image *image) {
  return !atomic_load_explicit(&image->has_no_mould, memory_order_relaxed);
}
