#include "system/modules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
  char folder[300];
  struct th_modules *modules;
};

static void write_file(const struct place *place, const char *name, const char *text) {
  char path[400];
  snprintf(path, sizeof path, "%s/%s", place->folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static int begin(void **state) {
  struct place *place = calloc(1, sizeof *place);
  char folder[400];
  const char *temporary = getenv("TMPDIR");
  snprintf(place->folder, sizeof place->folder, "%s/test_modules.XXXXXX",
           temporary != NULL ? temporary : "/tmp");
  assert_non_null(mkdtemp(place->folder));
  snprintf(folder, sizeof folder, "%s/pkg", place->folder);
  mkdir(folder, 0700);
  const char *folders[] = {place->folder};
  place->modules = th_modules_new(folders, 1, "");
  *state = place;
  return 0;
}

static int end(void **state) {
  struct place *place = *state;
  char command[400];
  snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
  assert_int_equal(system(command), 0);
  th_modules_free(place->modules);
  free(place);
  return 0;
}

static struct th_source *bundle(const char *name, const char *text) {
  struct th_source_file file = {name, (const unsigned char *)text, strlen(text)};
  struct th_bytes *zip;
  struct th_source *source;
  struct th_reason reason;
  assert_int_equal(th_source_pack(&file, 1, &zip, &reason), 0);
  assert_int_equal(th_source_open(zip->data, zip->size, &(struct th_source_config){.info = "test"},
                                  &source, &reason),
                   0);
  th_bytes_unref(zip);
  return source;
}

/* The code of a module as text, or the places searched with a "!" before them. The caller frees. */
static char *find(struct place *place, struct th_source *source, const char *name,
                  struct th_module *module) {
  struct th_buffer searched;
  char *text = NULL;
  th_buffer_init(&searched);
  if (th_modules_find(place->modules, source, name, true, module, &searched)) {
    text = strndup((const char *)module->bytes->data, module->bytes->size);
    th_bytes_unref(module->bytes);
  } else {
    assert_true(asprintf(&text, "!%.*s", (int)searched.size, (const char *)searched.data) > 0);
  }
  th_buffer_clear(&searched);
  return text;
}

static void expect(struct place *place, struct th_source *source, const char *name,
                   const char *code, const char *chunk_end) {
  struct th_module module;
  char *text = find(place, source, name, &module);
  assert_string_equal(text, code);
  size_t size = strlen(module.chunk_name), end_size = strlen(chunk_end);
  assert_true(size >= end_size);
  assert_string_equal(module.chunk_name + size - end_size, chunk_end);
  free(text);
}

static void a_bundle_comes_before_the_path(void **state) {
  struct place *place = *state;
  struct th_source *source = bundle("pkg/mod.lua", "return 'bundle'");
  char chunk[64];
  write_file(place, "pkg/mod.lua", "return 'folder'");
  write_file(place, "other.lua", "return 'other'");
  snprintf(chunk, sizeof chunk, "=bundle:%.8s/pkg/mod.lua", source->hash);
  expect(place, source, "pkg.mod", "return 'bundle'", chunk);
  expect(place, NULL, "pkg.mod", "return 'folder'", "/pkg/mod.lua");
  expect(place, source, "other", "return 'other'", "/other.lua");
  th_source_unref(source);
}

static void a_folder_with_init_is_a_module(void **state) {
  struct place *place = *state;
  write_file(place, "pkg/init.lua", "return 'init'");
  expect(place, NULL, "pkg", "return 'init'", "/pkg/init.lua");
}

static void an_edited_file_has_another_key(void **state) {
  struct place *place = *state;
  struct th_module before, after;
  write_file(place, "m.lua", "return 1");
  free(find(place, NULL, "m", &before));
  write_file(place, "m.lua", "return 10");
  free(find(place, NULL, "m", &after));
  assert_string_not_equal(before.key, after.key);
  free(find(place, NULL, "m", &before));
  assert_string_equal(before.key, after.key);
}

static void what_is_missing_names_every_place(void **state) {
  struct place *place = *state;
  struct th_source *source = bundle("a.lua", "return 1");
  struct th_module module;
  char expected[1000];
  char *text = find(place, source, "no.such", &module);
  snprintf(expected, sizeof expected,
           "!\n\tno module 'no.such' in bundle %.8s\n\tno file '%s/no/such.lua'"
           "\n\tno file '%s/no/such/init.lua'",
           source->hash, place->folder, place->folder);
  assert_memory_equal(text, expected, strlen(expected));
  free(text);
  th_source_unref(source);
}

/* The program's own templates may come from the environment: what is bundled never looks there. */
static void templates_are_not_for_what_comes_from_a_bundle(void **state) {
  struct place *place = *state;
  struct th_source *source = bundle("a.lua", "return 1");
  struct th_module module;
  char templates[400];
  snprintf(templates, sizeof templates, "%s/pkg/?.lua", place->folder);
  struct th_modules *modules = th_modules_new(NULL, 0, templates);
  struct place other = {.modules = modules};
  write_file(place, "pkg/hidden.lua", "return 'hidden'");
  expect(&other, NULL, "hidden", "return 'hidden'", "/pkg/hidden.lua");
  char *text = find(&other, source, "hidden", &module);
  assert_int_equal(text[0], '!');
  free(text);
  th_modules_free(modules);
  th_source_unref(source);
}

static void names_cannot_lead_elsewhere(void **state) {
  static const char *const names[] = {"../m", "..m", "/etc/passwd", "a..b", ".m", "m.", "", "a\\b"};
  struct place *place = *state;
  struct th_module module;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *text = find(place, NULL, names[i], &module);
    assert_non_null(strstr(text, "is not the name of a module"));
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_bundle_comes_before_the_path, begin, end),
    cmocka_unit_test_setup_teardown(a_folder_with_init_is_a_module, begin, end),
    cmocka_unit_test_setup_teardown(an_edited_file_has_another_key, begin, end),
    cmocka_unit_test_setup_teardown(what_is_missing_names_every_place, begin, end),
    cmocka_unit_test_setup_teardown(templates_are_not_for_what_comes_from_a_bundle, begin, end),
    cmocka_unit_test_setup_teardown(names_cannot_lead_elsewhere, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
