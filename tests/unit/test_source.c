#include "admin/source.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zip_model.h"

#define FILE_OF(name, literal)                                                                     \
  { name, (const unsigned char *)(literal), sizeof(literal) - 1 }

static struct th_bytes *pack(const struct th_source_file *files, size_t count) {
  struct th_bytes *zip = NULL;
  struct th_reason reason;
  if (th_source_pack(files, count, &zip, &reason) != 0) fail_msg("%s", reason.words);
  return zip;
}

static struct th_source *open_files(const struct th_source_file *files, size_t count) {
  struct th_bytes *zip = pack(files, count);
  struct th_source *source = NULL;
  struct th_reason reason;
  if (th_source_open(zip->data, zip->size, &(struct th_source_config){.info = "test"}, &source,
                     &reason) != 0) {
    fail_msg("%s", reason.words);
  }
  th_bytes_unref(zip);
  return source;
}

static struct th_source *open_text(const char *text) {
  const struct th_source_file file = {"mod.lua", (const unsigned char *)text, strlen(text)};
  return open_files(&file, 1);
}

static void assert_file(const struct th_source_file *file, const char *name, const char *text) {
  assert_non_null(file);
  assert_string_equal(file->name, name);
  assert_int_equal(file->size, strlen(text));
  assert_memory_equal(file->data, text, file->size);
}

/* ---- opening ---- */

static void a_source_is_what_was_in_the_bundle(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer buffer;
  struct th_source *source = NULL;
  zip_model_init(&model);
  zip_model_pack(&model.parts[2], "pkg/", BYTES(""), false);
  zip_model_pack(&model.parts[3], "B.txt", BYTES(""), true);
  model.count = 4;
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  char info[] = "test.zip";
  assert_int_equal(th_source_open(buffer.data, buffer.size,
                                  &(struct th_source_config){.info = info, .implicit = true},
                                  &source, NULL),
                   0);
  assert_int_equal(source->zip->size, buffer.size);
  assert_memory_equal(source->zip->data, buffer.data, buffer.size);
  memset(buffer.data, 0, buffer.size); /* all has been copied */
  th_buffer_clear(&buffer);
  info[0] = 'b';
  assert_string_equal(source->info, "test.zip");
  assert_true(source->implicit);
  assert_int_equal(source->file_count, 3);
  assert_file(&source->files[0], "B.txt", "");
  assert_file(&source->files[1], "a.lua", "return 'aaaaaaaaaaaaaaaaaaaaaaaa'\n");
  assert_file(&source->files[2], "pkg/b.lua", "return 'b'\n");
  th_source_unref(source);
}

static void the_hash_is_the_sha256_of_the_whole_file(void **state) {
  (void)state;
  /* The empty archive; printf 'PK\5\6' and 18 zeros | sha256sum. */
  static const unsigned char zip[22] = "PK\5\6";
  struct th_source *source = NULL;
  assert_int_equal(
    th_source_open(zip, sizeof zip, &(struct th_source_config){.info = NULL}, &source, NULL), 0);
  assert_string_equal(source->hash,
                      "8739c76e681f900923b900c9df0ef75cf421d39cabb54650c4b9ad19b6a76d85");
  assert_string_equal(source->info, "");
  assert_false(source->implicit);
  assert_int_equal(source->file_count, 0);
  th_source_unref(source);
}

static void a_refused_bundle_leaves_nothing_behind(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer buffer;
  struct th_reason reason;
  struct th_source *source = NULL;
  zip_model_init(&model);
  model.parts[0].local.checksum = ++model.parts[0].central.checksum;
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  assert_int_equal(th_source_open(buffer.data, buffer.size, &(struct th_source_config){.info = "x"},
                                  &source, &reason),
                   TH_EBUNDLE);
  assert_string_equal(reason.words, "x: entry \"a.lua\": its checksum does not match (damaged)");
  assert_null(source);
  assert_int_equal(th_source_open("no", 2, &(struct th_source_config){.info = "x"}, &source, NULL),
                   TH_EBUNDLE);
  assert_null(source);
  th_buffer_clear(&buffer);
}

static void assert_refused(const char *info, const char *words) {
  struct th_source *source;
  struct th_reason reason;
  assert_int_equal(
    th_source_open("no", 2, &(struct th_source_config){.info = info}, &source, &reason),
    TH_EBUNDLE);
  assert_string_equal(reason.words, words);
}

static void a_refusal_begins_with_where_the_bundle_came_from(void **state) {
  (void)state;
  char info[302], expected[302];
  assert_refused("jobs/a.zip", "jobs/a.zip: not a zip archive");
  assert_refused("", "not a zip archive");
  assert_refused(NULL, "not a zip archive");
  memset(info, 'i', sizeof info - 1);
  memcpy(info + 100, "\xc3\xa4", 2); /* through the middle of which goes the cut */
  info[sizeof info - 1] = '\0';
  snprintf(expected, sizeof expected, "...%s: not a zip archive", info + 102);
  assert_refused(info, expected);
}

static void assert_compiled(const struct th_source_file *file, const char *words) {
  struct th_bytes *zip = pack(file, 1);
  struct th_source *source = NULL;
  struct th_reason reason;
  assert_int_equal(th_source_open(zip->data, zip->size, &(struct th_source_config){.info = NULL},
                                  &source, &reason),
                   TH_EBUNDLE);
  assert_string_equal(reason.words, words);
  th_bytes_unref(zip);
}

static void compiled_lua_is_refused(void **state) {
  (void)state;
  assert_compiled(&(struct th_source_file)FILE_OF("pkg/a.luac", "return 1"),
                  "entry \"pkg/a.luac\": compiled Lua is refused, pack its source text");
  assert_compiled(&(struct th_source_file)FILE_OF("a.LuaC", ""),
                  "entry \"a.LuaC\": compiled Lua is refused, pack its source text");
  assert_compiled(&(struct th_source_file)FILE_OF("a.lua", "\x1bLuaT"),
                  "entry \"a.lua\": compiled Lua is refused, pack its source text");
}

/* Drops nothing: zip stays the caller's. */
static struct th_source *validate(const struct th_bytes *zip, const char *hash) {
  struct th_source *source;
  const struct th_source_config config = {.hash = hash, .may_be_compiled = true};
  assert_int_equal(th_source_open(zip->data, zip->size, &config, &source, NULL), 0);
  return source;
}

static void compiled_lua_is_taken_where_somebody_vouches_for_it(void **state) {
  (void)state;
  const struct th_source_file files[] = {
    FILE_OF("a.luac", "\x1bLua a"), FILE_OF("b.lua", "b"),
    FILE_OF("b.luac", "\x1bLua b"), FILE_OF("c/init.luac", "\x1bLua c"),
    FILE_OF("d.luac", "\x1bLua d"), FILE_OF("d/init.lua", "d")};
  struct th_bytes *zip = pack(files, 6);
  struct th_source *source = validate(zip, NULL), *known = validate(zip, "known");
  assert_true(source->is_validated);
  assert_file(th_source_module(source, "a"), "a.luac", "\x1bLua a");
  assert_file(th_source_module(source, "b"), "b.lua", "b");
  assert_file(th_source_module(source, "c"), "c/init.luac", "\x1bLua c");
  assert_file(th_source_module(source, "d"), "d.luac", "\x1bLua d");
  assert_string_equal(source->hash, source->content);
  assert_string_equal(known->hash, "known");
  assert_string_equal(known->content, source->content);
  th_source_unref(source);
  th_source_unref(known);
  th_bytes_unref(zip);
}

static void other_files_may_hold_anything(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("data.bin", "\x1bLua\0\1"), FILE_OF("luac", "x"),
                                         FILE_OF("a.lua", " \x1b")};
  struct th_source *source = open_files(files, 3);
  assert_int_equal(source->file_count, 3);
  assert_int_equal(th_source_find(source, "data.bin")->size, 6);
  th_source_unref(source);
}

static void a_manifest_is_read_and_kept(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("manifest.json", "{\"version\": \"1.5\"}"),
                                         FILE_OF("pkg/manifest.json", "none of ours")};
  struct th_source *with = open_files(files, 2), *without = open_files(files + 1, 1);
  assert_string_equal(with->manifest->version, "1.5");
  assert_null(without->manifest);
  th_source_unref(with);
  th_source_unref(without);
}

/* ---- looking into ---- */

static void files_are_found_by_name(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("b.lua", "b"), FILE_OF("a.lua", "a"),
                                         FILE_OF("c/d.json", "{}")};
  struct th_source *source = open_files(files, 3);
  assert_file(th_source_find(source, "a.lua"), "a.lua", "a");
  assert_file(th_source_find(source, "b.lua"), "b.lua", "b");
  assert_file(th_source_find(source, "c/d.json"), "c/d.json", "{}");
  assert_null(th_source_find(source, "c"));
  assert_null(th_source_find(source, "A.lua"));
  assert_null(th_source_find(source, ""));
  th_source_unref(source);
}

static void modules_are_found_as_file_then_as_package(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("a.lua", "file"), FILE_OF("a/init.lua", "package"),
                                         FILE_OF("b/init.lua", "b"), FILE_OF("b/c/d.lua", "d"),
                                         FILE_OF("init.lua", "top")};
  struct th_source *source = open_files(files, 5);
  assert_file(th_source_module(source, "a"), "a.lua", "file");
  assert_file(th_source_module(source, "a.init"), "a/init.lua", "package");
  assert_file(th_source_module(source, "b"), "b/init.lua", "b");
  assert_file(th_source_module(source, "b.c.d"), "b/c/d.lua", "d");
  assert_null(th_source_module(source, "b.c"));
  assert_null(th_source_module(source, ""));
  assert_null(th_source_module(source, "."));
  assert_null(th_source_module(source, "..b"));
  th_source_unref(source);
}

static void a_module_name_of_any_length_is_just_not_found(void **state) {
  (void)state;
  struct th_source *source = open_text("return 1");
  char name[1000];
  memset(name, 'm', sizeof name);
  for (size_t size = TH_SOURCE_NAME - 20; size < sizeof name; size++) {
    char old = name[size];
    name[size] = 0;
    assert_null(th_source_module(source, name));
    name[size] = old;
  }
  th_source_unref(source);
}

static void versions_of_a_module_live_side_by_side(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *one = open_text("return 1"), *two = open_text("return 2");
  assert_string_not_equal(one->hash, two->hash);
  assert_true(th_sources_add(sources, one));
  assert_true(th_sources_add(sources, two));
  struct th_source *found = th_sources_find(sources, one->hash);
  assert_file(th_source_module(found, "mod"), "mod.lua", "return 1");
  th_source_unref(found);
  found = th_sources_find(sources, two->hash);
  assert_file(th_source_module(found, "mod"), "mod.lua", "return 2");
  th_source_unref(found);
  th_source_unref(one);
  th_source_unref(two);
  th_sources_free(sources);
}

/* ---- packing ---- */

static void packing_is_the_same_in_any_order(void **state) {
  (void)state;
  const struct th_source_file files[] = {
    FILE_OF("b.lua", "b"), FILE_OF("a.lua", "a"), {"empty", NULL, 0}};
  const struct th_source_file others[] = {files[2], files[0], files[1]};
  struct th_bytes *one = pack(files, 3), *other = pack(others, 3);
  assert_int_equal(one->size, other->size);
  assert_memory_equal(one->data, other->data, one->size);
  assert_string_equal(files[0].name, "b.lua"); /* the caller's list is left alone */
  th_bytes_unref(one);
  th_bytes_unref(other);
}

static void packing_and_opening_gives_the_same_files(void **state) {
  (void)state;
  const struct th_source_file files[] = {FILE_OF("pkg/b.lua", "return 'b'"),
                                         FILE_OF("\xc3\xa4.txt", "zero \0 inside")};
  struct th_source *source = open_files(files, 2);
  assert_int_equal(source->file_count, 2);
  assert_string_equal(source->files[1].name, files[1].name);
  assert_int_equal(source->files[1].size, files[1].size);
  assert_memory_equal(source->files[1].data, files[1].data, files[1].size);
  struct th_bytes *again = pack(source->files, 2);
  assert_int_equal(again->size, source->zip->size);
  assert_memory_equal(again->data, source->zip->data, again->size);
  th_bytes_unref(again);
  th_source_unref(source);
}

static void packing_nothing_gives_a_bundle_of_nothing(void **state) {
  (void)state;
  struct th_source *source = open_files(NULL, 0);
  assert_int_equal(source->file_count, 0);
  assert_null(th_source_find(source, "a.lua"));
  th_source_unref(source);
}

static void assert_not_packed(const struct th_source_file *files, size_t count, const char *words) {
  struct th_bytes *zip = NULL;
  struct th_reason reason;
  assert_int_equal(th_source_pack(files, count, &zip, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, words);
  assert_null(zip);
}

static void what_could_not_be_opened_is_not_packed(void **state) {
  (void)state;
  const struct th_source_file twice[] = {FILE_OF("a.lua", ""), FILE_OF("A.lua", "")};
  assert_not_packed(twice, 2, "entry \"a.lua\": the name is there twice");
  assert_not_packed(&(struct th_source_file)FILE_OF("../a.lua", ""), 1,
                    "entry \"../a.lua\": the name leaves the archive");
  unsigned char *zeros = calloc(1, 1 << 20);
  assert_not_packed(&(struct th_source_file){"a.txt", zeros, 1 << 20}, 1,
                    "the archive unpacks to more than 200 times its size");
  free(zeros);
}

#if defined(__SANITIZE_THREAD__) /* a minute otherwise, and there is one thread here */
#define FILES 500
#else
#define FILES TH_SOURCE_ENTRIES
#endif

static void as_many_files_as_allowed_are_packed_and_opened(void **state) {
  (void)state;
  const size_t count = FILES;
  char(*names)[16] = calloc(count + 1, sizeof *names);
  struct th_source_file *files = calloc(count + 1, sizeof *files);
  for (size_t i = 0; i <= count; i++) {
    snprintf(names[i], sizeof names[i], "m%zu.lua", i);
    files[i] = (struct th_source_file){names[i], (const unsigned char *)names[i], 2};
  }
  struct th_source *source = open_files(files, count);
  assert_int_equal(source->file_count, count);
  assert_file(th_source_module(source, "m499"), "m499.lua", "m4");
  if (count == TH_SOURCE_ENTRIES) {
    assert_file(th_source_module(source, "m19999"), "m19999.lua", "m1");
    assert_not_packed(files, count + 1, "the archive has more than 20000 entries");
  }
  th_source_unref(source);
  free(files);
  free(names);
}

static void the_library_says_its_version(void **state) {
  (void)state;
  assert_non_null(strstr(th_source_library_version(), "minizip"));
}

/* ---- the table ---- */

static void adding_twice_keeps_the_first(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *one = open_text("return 1"), *same = open_text("return 1");
  assert_true(th_sources_add(sources, one));
  assert_false(th_sources_add(sources, one));
  assert_false(th_sources_add(sources, same));
  struct th_source *found = th_sources_find(sources, same->hash);
  assert_ptr_equal(found, one);
  th_source_unref(found);
  th_source_unref(one);
  th_source_unref(same);
  th_sources_free(sources);
}

static struct th_source *open_implicit(void) {
  struct th_source *source = NULL;
  struct th_bytes *zip = pack(NULL, 0);
  assert_int_equal(th_source_open(zip->data, zip->size,
                                  &(struct th_source_config){.implicit = true}, &source, NULL),
                   0);
  th_bytes_unref(zip);
  return source;
}

static void loading_by_name_makes_an_implicit_source_explicit(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *implicit = open_implicit(), *again = open_implicit();
  struct th_source *explicit = open_files(NULL, 0);
  assert_true(th_sources_add(sources, implicit));
  assert_false(th_sources_add(sources, again));
  assert_true(implicit->implicit);
  assert_false(th_sources_add(sources, explicit));
  assert_false(implicit->implicit);
  assert_false(th_sources_add(sources, again)); /* and never the other way round */
  assert_false(implicit->implicit);
  th_source_unref(implicit);
  th_source_unref(again);
  th_source_unref(explicit);
  th_sources_free(sources);
}

static void assert_finds(struct th_sources *sources, const char *hash,
                         const struct th_source *expected) {
  struct th_source *found = th_sources_find(sources, hash);
  assert_ptr_equal(found, expected);
  th_source_unref(found);
}

static void a_source_is_found_by_the_beginning_of_its_hash(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *one = open_text("return 1"), *two = open_text("return 2");
  strcpy(one->hash, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  strcpy(two->hash, "0123456789abcdee0123456789abcdef0123456789abcdef0123456789abcdef");
  th_sources_add(sources, one);
  assert_finds(sources, "01234567", one);
  assert_finds(sources, "0123456789ABCDEF", one);
  assert_finds(sources, "0123456", NULL); /* too short to be meant */
  assert_finds(sources, "", NULL);
  assert_finds(sources, "0123456x", NULL);
  th_sources_add(sources, two);
  assert_finds(sources, "01234567", NULL); /* fits both */
  assert_finds(sources, "0123456789abcdef", one);
  assert_finds(sources, "0123456789abcdee", two);
  assert_finds(sources, two->hash, two);
  char longer[80];
  snprintf(longer, sizeof longer, "%s0", two->hash);
  assert_finds(sources, longer, NULL);
  th_source_unref(one);
  th_source_unref(two);
  th_sources_free(sources);
}

static void the_list_is_in_the_order_of_loading(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *loaded[20];
  for (size_t i = 0; i < 20; i++) {
    char text[32];
    snprintf(text, sizeof text, "return %zu", i);
    loaded[i] = open_text(text);
    th_sources_add(sources, loaded[i]);
  }
  struct th_source *removed = th_sources_remove(sources, loaded[3]->hash);
  assert_ptr_equal(removed, loaded[3]);
  th_source_unref(removed);
  th_sources_add(sources, loaded[3]); /* loaded anew, so now the last */
  size_t count = 0;
  struct th_source **list = th_sources_list(sources, &count);
  assert_int_equal(count, 20);
  for (size_t i = 0; i < count; i++) {
    assert_ptr_equal(list[i], loaded[i < 3 ? i : i < 19 ? i + 1 : 3]);
    th_source_unref(list[i]);
  }
  free(list);
  for (size_t i = 0; i < 20; i++) th_source_unref(loaded[i]);
  th_sources_free(sources);
}

static void an_empty_table_gives_an_empty_list(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  size_t count = 1;
  struct th_source **list = th_sources_list(sources, &count);
  assert_non_null(list);
  assert_int_equal(count, 0);
  free(list);
  assert_null(th_sources_remove(sources, "0123456789abcdef"));
  th_sources_free(sources);
  th_sources_free(NULL);
}

static void a_removed_source_lives_as_long_as_it_is_held(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *actor = open_text("return 1");
  th_sources_add(sources, actor);
  struct th_source *removed = th_sources_remove(sources, actor->hash);
  assert_ptr_equal(removed, actor);
  assert_finds(sources, actor->hash, NULL);
  assert_null(th_sources_remove(sources, actor->hash));
  th_source_unref(removed);
  th_sources_free(sources);
  assert_file(th_source_module(actor, "mod"), "mod.lua", "return 1");
  th_source_unref(actor);
}

static void count_calls(void *context) {
  ++*(int *)context;
}

static void who_watches_is_told_when_just_his_reference_is_left(void **state) {
  (void)state;
  int calls = 0;
  struct th_source *own = open_text("return 1");
  struct th_source *one = th_source_ref(own);
  th_source_watch(own, count_calls, &calls);
  struct th_source *other = th_source_ref(own);
  assert_false(th_source_is_left(own));
  th_source_unref(one);
  assert_int_equal(calls, 0);
  th_source_unref(other);
  assert_int_equal(calls, 1);
  assert_true(th_source_is_left(own));
  one = th_source_ref(own); /* an actor that runs from it has made another */
  assert_false(th_source_is_left(own));
  th_source_unref(one);
  assert_int_equal(calls, 2);
  one = th_source_ref(own);
  th_source_unwatch(own);
  th_source_unref(one);
  th_source_unref(own);
  assert_int_equal(calls, 2);
}

static void a_source_is_idle_when_no_actor_holds_it(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *source = open_text("return 1");
  th_sources_add(sources, source);
  assert_true(th_source_idle(source));
  struct th_source *actor = th_source_ref(source);
  assert_ptr_equal(actor, source);
  assert_false(th_source_idle(source));
  th_source_unref(actor);
  assert_true(th_source_idle(source));
  th_source_unref(source);
  th_sources_free(sources);
}

static struct th_source *open_edition(const char *text, const char *info, bool implicit) {
  struct th_source *source = NULL;
  const struct th_source_file file = {"mod.lua", (const unsigned char *)text, strlen(text)};
  struct th_bytes *zip = pack(&file, 1);
  assert_int_equal(th_source_open(zip->data, zip->size,
                                  &(struct th_source_config){.info = info, .implicit = implicit},
                                  &source, NULL),
                   0);
  th_bytes_unref(zip);
  return source;
}

static void only_old_unused_editions_of_one_place_are_superseded(void **state) {
  (void)state;
  struct th_sources *sources = th_sources_new(NULL);
  struct th_source *loaded[5] = {
    open_edition("return 0", "a.lua", true),  open_edition("return 1", "a.lua", true),
    open_edition("return 2", "a.lua", false), /* loaded by name */
    open_edition("return 3", "b.lua", true),  open_edition("return 4", "a.lua", true),
  };
  struct th_source *newest = open_edition("return 5", "a.lua", true);
  for (size_t i = 0; i < 5; i++) assert_true(th_sources_add(sources, loaded[i]));
  for (size_t i = 1; i < 5; i++) th_source_unref(loaded[i]); /* an actor runs from the first */
  assert_null(th_sources_supersede(sources, newest));
  assert_true(th_sources_add(sources, newest));
  struct th_source *old = th_sources_supersede(sources, newest);
  assert_ptr_equal(old, loaded[1]);
  th_source_unref(old);
  assert_null(th_sources_supersede(sources, newest));
  th_source_unref(loaded[0]); /* the actor is gone */
  old = th_sources_supersede(sources, newest);
  assert_ptr_equal(old, loaded[0]);
  th_source_unref(old);
  assert_null(th_sources_supersede(sources, newest));
  th_source_unref(newest);
  th_sources_free(sources);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 500
#define SHARED 3

struct crowd {
  struct th_sources *sources;
  struct th_source *shared[SHARED];
  atomic_size_t added, removed, wrong;
};

static void use(struct crowd *crowd, struct th_source *found) {
  if (found == NULL) return;
  const struct th_source_file *file = th_source_module(found, "mod");
  if (file == NULL || file->size != strlen("return 0")) crowd->wrong++;
  th_source_unref(found);
}

static void list_all(struct crowd *crowd) {
  size_t count = 0;
  struct th_source **list = th_sources_list(crowd->sources, &count);
  if (count > SHARED) crowd->wrong++;
  for (size_t i = 0; i < count; i++) use(crowd, list[i]);
  free(list);
}

static void *load_use_and_unload(void *argument) {
  struct crowd *crowd = argument;
  for (size_t round = 0; round < ROUNDS; round++) {
    struct th_source *source = crowd->shared[round % SHARED];
    if (th_sources_add(crowd->sources, source)) crowd->added++;
    use(crowd, th_sources_find(crowd->sources, source->hash));
    if (round % 7 == 0) list_all(crowd);
    struct th_source *removed = th_sources_remove(crowd->sources, source->hash);
    if (removed != NULL) crowd->removed++;
    th_source_unref(removed);
  }
  return NULL;
}

static void threads_may_load_find_and_unload_at_once(void **state) {
  (void)state;
  struct crowd crowd = {.sources = th_sources_new(NULL)};
  pthread_t threads[THREADS];
  const char *const texts[SHARED] = {"return 1", "return 2", "return 3"};
  for (size_t i = 0; i < SHARED; i++) crowd.shared[i] = open_text(texts[i]);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, load_use_and_unload, &crowd), 0);
  }
  for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(crowd.wrong, 0);
  assert_true(crowd.added > 0);
  assert_int_equal(crowd.added, crowd.removed);
  assert_finds(crowd.sources, crowd.shared[0]->hash, NULL);
  for (size_t i = 0; i < SHARED; i++) {
    struct th_source *second = th_source_ref(crowd.shared[i]);
    assert_true(th_source_idle(second)); /* just our two: no reference was lost */
    th_source_unref(second);
    th_source_unref(crowd.shared[i]);
  }
  th_sources_free(crowd.sources);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_source_is_what_was_in_the_bundle),
    cmocka_unit_test(the_hash_is_the_sha256_of_the_whole_file),
    cmocka_unit_test(a_refused_bundle_leaves_nothing_behind),
    cmocka_unit_test(a_refusal_begins_with_where_the_bundle_came_from),
    cmocka_unit_test(compiled_lua_is_refused),
    cmocka_unit_test(compiled_lua_is_taken_where_somebody_vouches_for_it),
    cmocka_unit_test(other_files_may_hold_anything),
    cmocka_unit_test(a_manifest_is_read_and_kept),
    cmocka_unit_test(files_are_found_by_name),
    cmocka_unit_test(modules_are_found_as_file_then_as_package),
    cmocka_unit_test(a_module_name_of_any_length_is_just_not_found),
    cmocka_unit_test(versions_of_a_module_live_side_by_side),
    cmocka_unit_test(packing_is_the_same_in_any_order),
    cmocka_unit_test(packing_and_opening_gives_the_same_files),
    cmocka_unit_test(packing_nothing_gives_a_bundle_of_nothing),
    cmocka_unit_test(what_could_not_be_opened_is_not_packed),
    cmocka_unit_test(as_many_files_as_allowed_are_packed_and_opened),
    cmocka_unit_test(the_library_says_its_version),
    cmocka_unit_test(adding_twice_keeps_the_first),
    cmocka_unit_test(loading_by_name_makes_an_implicit_source_explicit),
    cmocka_unit_test(only_old_unused_editions_of_one_place_are_superseded),
    cmocka_unit_test(a_source_is_found_by_the_beginning_of_its_hash),
    cmocka_unit_test(the_list_is_in_the_order_of_loading),
    cmocka_unit_test(an_empty_table_gives_an_empty_list),
    cmocka_unit_test(a_removed_source_lives_as_long_as_it_is_held),
    cmocka_unit_test(who_watches_is_told_when_just_his_reference_is_left),
    cmocka_unit_test(a_source_is_idle_when_no_actor_holds_it),
    cmocka_unit_test(threads_may_load_find_and_unload_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
