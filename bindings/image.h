/* image: what the image of a class was made from, and whether it would be made the same now.
 *
 * Finding the class of an actor means to load modules, which run. Where that did nothing but make
 * what is in the state, and depended on nothing but the modules' text, another actor need not do it:
 * its state is cast from one in which the class was found (bindings/mould.h). A trail tells
 * whether that is so: it is pure until a function is called that reads or changes what lies outside
 * the state, and lists the modules. An image is that list; it holds as long as each name still leads
 * to the same code, where the actor comes from. So it knows neither files nor bundles, and an edited
 * file, or another version of a bundle, has an image of its own.
 *
 * Parts of the library that actors of the class need later, when they handle their messages, are in
 * the image, too, once one was seen to need them: nobody can tell when those are made. A part is a
 * module, "thespian.messages", or what stands in one under a key, "thespian.messages WakeupMessage".
 *
 * Threads: any; the lock guards the table, and the world is never asked under it. A trail belongs to
 * its state. Owns: what is in the table; images are counted.
 */
#ifndef TH_BINDINGS_IMAGE_H
#define TH_BINDINGS_IMAGE_H

#include <stdbool.h>

#include "actor/world.h"
#include "base/buffer.h"

/* So many classes, or versions of one, are known: those that were asked for last. */
#define TH_IMAGES 64

/* Bytes of a trail's list; a longer one is not pure. */
#define TH_TRAIL_SIZE ((size_t)16 << 10)

/* So many parts of the library that are needed later. */
#define TH_IMAGE_LATER 8

struct th_image;
struct th_images;
struct th_mould;

struct th_trail {
  struct th_buffer modules; /* for each its name, key and chunk name, and whether it was compiled */
  bool is_pure;
};

struct th_images *th_images_new(void);
void th_images_free(struct th_images *images);

/* A pure trail without modules. */
void th_trail_init(struct th_trail *trail);
void th_trail_clear(struct th_trail *trail);

/* The module was loaded. */
void th_trail_note(struct th_trail *trail, const char *name, const struct th_module *module);

/* A reference to the image that holds now for actors of the class from source, or NULL. */
struct th_image *th_images_find(struct th_images *images, struct th_world *world, void *source,
                                const char *class_name);

/* A reference to the image of the class that was found on the trail, a pure one. is_known: it has
 * been found so before. */
struct th_image *th_images_learn(struct th_images *images, const char *class_name,
                                 const struct th_trail *trail, bool *is_known);

/* An actor of the class needed that part of the library. Does nothing where it is known, or there are
 * enough. */
void th_images_add_later(struct th_images *images, struct th_image *image, const char *part);

/* No part is made before its time any more: one of them does more than make Lua values. */
void th_images_drop_later(struct th_images *images, struct th_image *image);

/* How many of them there are; those that were there stay, in their order. */
size_t th_image_count_later(const struct th_image *image);
const char *th_image_later(const struct th_image *image, size_t number);

/* The mould of the image, a reference, and how many of the later parts are in it; NULL: there is none.
 * image NULL is NULL. */
struct th_mould *th_images_mould(struct th_images *images, struct th_image *image, size_t *later);

/* Takes the mould, in place of what was; NULL: there can be none. */
void th_images_set_mould(struct th_images *images, struct th_image *image, struct th_mould *mould,
                         size_t later);

/* Nobody has found yet that there can be none. */
bool th_image_can_have_mould(const struct th_image *image);

/* One more reference; NULL in is NULL out. */
struct th_image *th_image_ref(struct th_image *image);

/* One reference less; the last frees. NULL is fine. */
void th_image_unref(struct th_image *image);

#endif
