#include "host/bundle.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

#include "admin/source.h"

/* ---- a folder of its own for each test, which is the current one ----------------------------- */

static int set_up(void **state) {
  const char *temporary = getenv("TMPDIR");
  char path[4096];
  snprintf(path, sizeof path, "%s/test_bundle.XXXXXX", temporary != NULL ? temporary : "/tmp");
  if (mkdtemp(path) == NULL || chdir(path) != 0) return -1;
  *state = strdup(path);
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

static int tear_down(void **state) {
  int error = chdir("/");
  if (error == 0) error = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(*state);
  return error;
}

static void write_file(const char *path, const char *content) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(content, file);
  assert_int_equal(fclose(file), 0);
}

static void make_folder(const char *path) {
  assert_int_equal(mkdir(path, 0777), 0);
}

static struct th_source *open_zip(struct th_bytes *zip) {
  struct th_source *source;
  struct th_reason reason = {""};
  int error = th_source_open(zip->data, zip->size, &(struct th_source_config){.info = "test"},
                             &source, &reason);
  assert_string_equal(reason.words, "");
  assert_int_equal(error, 0);
  th_bytes_unref(zip);
  return source;
}

static struct th_source *pack(const char *folder) {
  struct th_bytes *zip;
  struct th_reason reason = {""};
  assert_int_equal(th_bundle_folder(folder, &zip, &reason), 0);
  return open_zip(zip);
}

static void assert_files(struct th_source *source, size_t count, const char *const *names) {
  assert_int_equal(source->file_count, count);
  for (size_t i = 0; i < count; i++) assert_string_equal(source->files[i].name, names[i]);
  th_source_unref(source);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void every_file_is_packed_under_its_name_below_the_folder(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua", "data.bin", "pkg/init.lua", "pkg/sub/z.lua"};
  make_folder("f");
  make_folder("f/pkg");
  make_folder("f/pkg/sub");
  make_folder("f/empty");
  write_file("f/pkg/sub/z.lua", "return 'z'");
  write_file("f/pkg/init.lua", "");
  write_file("f/data.bin", "\x01\x02");
  write_file("f/a.lua", "return 1");
  struct th_source *source = pack("f/");
  const struct th_source_file *file = th_source_find(source, "pkg/sub/z.lua");
  assert_non_null(file);
  assert_int_equal(file->size, 10);
  assert_memory_equal(file->data, "return 'z'", 10);
  assert_files(source, 4, names);
}

static void equal_files_give_equal_bytes_whatever_their_dates(void **state) {
  (void)state;
  char first[TH_DIGEST_TEXT_SIZE];
  make_folder("f");
  write_file("f/b.lua", "return 2");
  write_file("f/a.lua", "return 1");
  struct th_source *source = pack("f");
  memcpy(first, source->hash, sizeof first);
  th_source_unref(source);
  make_folder("g");
  write_file("g/a.lua", "return 1");
  write_file("g/b.lua", "return 2");
  assert_int_equal(utime("g/a.lua", &(struct utimbuf){1, 1}), 0);
  source = pack("g");
  assert_string_equal(source->hash, first);
  th_source_unref(source);
  write_file("g/b.lua", "return 3");
  source = pack("g");
  assert_string_not_equal(source->hash, first);
  th_source_unref(source);
}

static void hidden_files_and_what_is_no_file_stay_out(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua"};
  make_folder("f");
  make_folder("f/.git");
  write_file("f/.git/config", "x");
  write_file("f/.hidden.lua", "x");
  write_file("f/a.lua", "x");
  assert_int_equal(mkfifo("f/pipe", 0666), 0);
  assert_files(pack("f"), 1, names);
}

static void links_are_followed_within_the_folder_only(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua", "inside.lua"};
  make_folder("f");
  make_folder("f/sub");
  write_file("outside.lua", "secret");
  write_file("f/a.lua", "return 1");
  assert_int_equal(symlink("a.lua", "f/inside.lua"), 0);
  assert_int_equal(symlink("../outside.lua", "f/outside.lua"), 0);
  assert_int_equal(symlink("/etc/passwd", "f/passwd"), 0);
  assert_int_equal(symlink("nowhere", "f/broken"), 0);
  assert_int_equal(symlink("..", "f/sub/up"), 0);
  struct th_source *source = pack("f");
  assert_int_equal(th_source_find(source, "inside.lua")->size, 8);
  assert_files(source, 2, names);
}

static void a_folder_beside_that_begins_alike_is_outside(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua"};
  make_folder("f");
  make_folder("f2");
  write_file("f2/b.lua", "x");
  write_file("f/a.lua", "x");
  assert_int_equal(symlink("../f2/b.lua", "f/b.lua"), 0);
  assert_files(pack("f"), 1, names);
}

static void the_file_to_be_written_is_not_packed(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua"};
  struct th_bytes *zip;
  struct th_reason reason;
  make_folder("f");
  write_file("f/a.lua", "x");
  for (int i = 0; i < 2; i++) { /* the second time it is there */
    assert_int_equal(th_bundle_folder_except("f", "f/out.zip", &zip, &reason), 0);
    assert_int_equal(th_bundle_write("f/out.zip", zip, &reason), 0);
    assert_files(open_zip(zip), 1, names);
  }
}

static void what_is_wrong_with_a_folder_is_told(void **state) {
  (void)state;
  struct th_bytes *zip;
  struct th_reason reason;
  assert_int_equal(th_bundle_folder("missing", &zip, &reason), -ENOENT);
  assert_string_equal(reason.words, "cannot read missing: No such file or directory");
  make_folder("f");
  assert_int_equal(th_bundle_folder("f", &zip, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, "there are no files in f");
  write_file("file", "x");
  assert_true(th_bundle_folder("file", &zip, &reason) < 0);
}

static void a_folder_that_holds_too_much_is_refused(void **state) {
  (void)state;
  struct th_bytes *zip;
  struct th_reason reason;
  make_folder("f");
  write_file("f/a", "x");
  write_file("f/b", "");
  assert_int_equal(truncate("f/b", TH_SOURCE_UNPACKED), 0);
  assert_int_equal(th_bundle_folder("f", &zip, &reason), TH_EBUNDLE);
  assert_non_null(strstr(reason.words, "/f have more than 67108864 bytes"));
}

static void chosen_files_alone_are_packed(void **state) {
  (void)state;
  static const char *const names[] = {"a.lua", "pkg/b.lua"};
  static const char *const chosen[] = {"pkg/b.lua", "a.lua"};
  static const char *const missing[] = {"a.lua", "c.lua"};
  struct th_bytes *zip;
  struct th_reason reason;
  make_folder("f");
  make_folder("f/pkg");
  write_file("f/a.lua", "x");
  write_file("f/other.lua", "x");
  write_file("f/pkg/b.lua", "x");
  assert_int_equal(th_bundle_files("f", chosen, 2, &zip, &reason), 0);
  assert_files(open_zip(zip), 2, names);
  assert_int_equal(th_bundle_files("f", missing, 2, &zip, &reason), -ENOENT);
}

static void files_come_back_as_they_were_written(void **state) {
  (void)state;
  struct th_reason reason;
  struct th_bytes *content = th_bytes_copy("a\0b", 3), *again;
  assert_int_equal(th_bundle_write("x", content, &reason), 0);
  assert_int_equal(th_bundle_read("x", 3, &again, &reason), 0);
  assert_int_equal(again->size, 3);
  assert_memory_equal(again->data, "a\0b", 3);
  th_bytes_unref(again);
  assert_int_equal(th_bundle_read("x", 2, &again, &reason), TH_ETOOBIG);
  assert_string_equal(reason.words, "cannot read x: it has more than 2 bytes");
  assert_int_equal(th_bundle_read(".", 2, &again, &reason), -EISDIR);
  assert_int_equal(th_bundle_write("no/x", content, &reason), -ENOENT);
  assert_string_equal(reason.words, "cannot write no/x: No such file or directory");
  th_bytes_unref(content);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(every_file_is_packed_under_its_name_below_the_folder),
    TEST(equal_files_give_equal_bytes_whatever_their_dates),
    TEST(hidden_files_and_what_is_no_file_stay_out),
    TEST(links_are_followed_within_the_folder_only),
    TEST(a_folder_beside_that_begins_alike_is_outside),
    TEST(the_file_to_be_written_is_not_packed),
    TEST(what_is_wrong_with_a_folder_is_told),
    TEST(a_folder_that_holds_too_much_is_refused),
    TEST(chosen_files_alone_are_packed),
    TEST(files_come_back_as_they_were_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
