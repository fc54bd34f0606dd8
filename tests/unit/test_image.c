#include "bindings/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the world says of every module but "missing". */
struct probe {
  struct th_world world;
  const char *version;
  bool is_compiled;
};

static bool find_module(struct th_world *world, void *source, const char *name, bool with_code,
                        struct th_module *module, struct th_buffer *searched) {
  const struct probe *probe = (const struct probe *)(const void *)world;
  (void)searched;
  assert_false(with_code);
  *module = (struct th_module){.is_compiled = probe->is_compiled};
  snprintf(module->key, sizeof module->key, "%s%s", name, probe->version);
  snprintf(module->chunk_name, sizeof module->chunk_name, "@%s/%s", (const char *)source, name);
  return strcmp(name, "missing") != 0;
}

static const struct th_world_ops ops = {.module = find_module};

static char here[] = "here", there[] = "there";

static struct probe new_probe(void) {
  return (struct probe){.world = {.ops = &ops}, .version = "1"};
}

static struct th_image *learn(struct th_images *images, struct probe *probe, const char *class_name,
                              const char *module, bool *is_known) {
  struct th_trail trail;
  struct th_module found;
  th_trail_init(&trail);
  find_module(&probe->world, here, module, false, &found, NULL);
  th_trail_note(&trail, module, &found);
  assert_true(trail.is_pure);
  struct th_image *image = th_images_learn(images, class_name, &trail, is_known);
  th_trail_clear(&trail);
  return image;
}

static struct th_image *find(struct th_images *images, struct probe *probe, void *source,
                             const char *class_name) {
  struct th_image *image = th_images_find(images, &probe->world, source, class_name);
  th_image_unref(image);
  return image;
}

static void it_holds_as_long_as_the_code_is_the_same(void **unused) {
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  bool is_known;
  (void)unused;
  struct th_image *image = learn(images, &probe, "m.C", "m", &is_known);
  assert_false(is_known);
  assert_ptr_equal(find(images, &probe, here, "m.C"), image);
  assert_null(find(images, &probe, here, "m.D"));
  assert_null(find(images, &probe, there, "m.C"));
  probe.version = "2";
  assert_null(find(images, &probe, here, "m.C"));
  probe.version = "1";
  probe.is_compiled = true;
  assert_null(find(images, &probe, here, "m.C"));
  th_image_unref(image);
  th_images_free(images);
}

static void it_does_not_hold_without_its_module(void **unused) {
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  bool is_known;
  (void)unused;
  th_image_unref(learn(images, &probe, "m.C", "missing", &is_known));
  assert_null(find(images, &probe, here, "m.C"));
  th_images_free(images);
}

static void versions_stand_side_by_side(void **unused) {
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  struct th_image *versions[3];
  static const char *const names[] = {"1", "2", "3"};
  bool is_known;
  (void)unused;
  for (int i = 0; i < 3; i++) {
    probe.version = names[i];
    versions[i] = learn(images, &probe, "m.C", "m", &is_known);
    assert_false(is_known);
  }
  for (int i = 0; i < 3; i++) {
    probe.version = names[i];
    assert_ptr_equal(find(images, &probe, here, "m.C"), versions[i]);
    assert_ptr_equal(learn(images, &probe, "m.C", "m", &is_known), versions[i]);
    assert_true(is_known);
    th_image_unref(versions[i]);
    th_image_unref(versions[i]);
  }
  th_images_free(images);
}

static void who_was_asked_for_last_stays(void **unused) {
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  char name[32];
  bool is_known;
  (void)unused;
  for (int i = 0; i <= TH_IMAGES; i++) {
    snprintf(name, sizeof name, "m.C%d", i);
    th_image_unref(learn(images, &probe, name, "m", &is_known));
    assert_non_null(find(images, &probe, here, "m.C0"));
  }
  assert_null(find(images, &probe, here, "m.C1"));
  assert_non_null(find(images, &probe, here, "m.C2"));
  th_images_free(images);
}

static void a_long_trail_is_not_pure(void **unused) {
  struct probe probe = new_probe();
  struct th_module found;
  struct th_trail trail;
  (void)unused;
  find_module(&probe.world, here, "m", false, &found, NULL);
  th_trail_init(&trail);
  for (size_t i = 0; i < TH_TRAIL_SIZE / 8; i++) th_trail_note(&trail, "m", &found);
  assert_false(trail.is_pure);
  th_trail_clear(&trail);
}

static void what_is_loaded_later_is_kept_in_order(void **unused) {
  static const char *const names[TH_IMAGE_LATER] = {"a", "b", "c", "d", "e", "f", "g", "h"};
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  bool is_known;
  (void)unused;
  struct th_image *image = learn(images, &probe, "m.C", "m", &is_known);
  assert_int_equal(th_image_count_later(image), 0);
  for (size_t i = 0; i < TH_IMAGE_LATER; i++) {
    th_images_add_later(images, image, names[i]);
    th_images_add_later(images, image, "a");
    assert_int_equal(th_image_count_later(image), i + 1);
    assert_string_equal(th_image_later(image, i), names[i]);
  }
  th_images_add_later(images, image, "one too many");
  assert_int_equal(th_image_count_later(image), TH_IMAGE_LATER);
  th_images_drop_later(images, image);
  th_images_add_later(images, image, "a");
  assert_int_equal(th_image_count_later(image), 0);
  th_image_unref(image);
  th_images_free(images);
}

static void who_cannot_be_a_mould_is_not_tried_again(void **unused) {
  struct th_images *images = th_images_new();
  struct probe probe = new_probe();
  size_t later;
  bool is_known;
  (void)unused;
  struct th_image *image = learn(images, &probe, "m.C", "m", &is_known);
  assert_true(th_image_can_have_mould(image));
  th_images_set_mould(images, image, NULL, 0);
  assert_false(th_image_can_have_mould(image));
  assert_null(th_images_mould(images, image, &later));
  assert_null(th_images_mould(images, NULL, &later));
  th_image_unref(image);
  th_images_free(images);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_holds_as_long_as_the_code_is_the_same),
    cmocka_unit_test(it_does_not_hold_without_its_module),
    cmocka_unit_test(versions_stand_side_by_side),
    cmocka_unit_test(who_was_asked_for_last_stays),
    cmocka_unit_test(a_long_trail_is_not_pure),
    cmocka_unit_test(what_is_loaded_later_is_kept_in_order),
    cmocka_unit_test(who_cannot_be_a_mould_is_not_tried_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
