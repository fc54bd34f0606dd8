#include "bundle/zip_directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "zip_model.h"

static const struct th_zip_limits limits = {
  .entries = 20000, .unpacked = 64 << 20, .ratio = 200, .name = 200};

static int read_model(const struct zip_model *model, struct th_zip_directory *directory,
                      struct th_reason *reason) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  zip_model_write(model, &buffer);
  int error = th_zip_directory_read(directory, buffer.data, buffer.size, &limits, reason);
  th_buffer_clear(&buffer);
  return error;
}

/* ---- the corpus: one change each to a sound archive, and the words that refuse it ---- */

struct hostile {
  const char *test;
  void (*change)(struct zip_model *model);
  const char *words;
};

/* The archive as a whole. */

static void bytes_after_the_end(struct zip_model *model) {
  model->after = BYTES("x");
}

static void a_comment(struct zip_model *model) {
  model->comment = BYTES("for people");
}

static void a_comment_that_is_cut_off(struct zip_model *model) {
  model->comment = BYTES("for people");
  model->comment_more = 1;
}

static void an_archive_in_the_comment(struct zip_model *model) {
  /* The end record of an empty archive: readers that look for the last one see no files at all. */
  model->comment = BYTES("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void bytes_before_the_archive(struct zip_model *model) {
  model->before = BYTES("#!/bin/sh\n");
}

static void bytes_before_the_first_entry(struct zip_model *model) {
  model->parts[0].before = BYTES("#!/bin/sh\n");
}

static void bytes_between_entries(struct zip_model *model) {
  model->parts[1].before = BYTES("\0");
}

static void bytes_before_the_directory(struct zip_model *model) {
  model->before_directory = BYTES("\0");
}

static void bytes_after_the_directory(struct zip_model *model) {
  model->after_directory = BYTES("\0");
}

static void a_directory_past_the_end(struct zip_model *model) {
  model->directory_more = 1;
}

static void a_directory_far_away(struct zip_model *model) {
  model->directory_more = 0x7fffffff;
}

static void a_directory_that_is_shorter_than_declared(struct zip_model *model) {
  model->size_more = 1;
}

static void more_entries_than_declared(struct zip_model *model) {
  model->count_more = -1;
}

static void fewer_entries_than_declared(struct zip_model *model) {
  model->count_more = 1;
  model->parts[1].comment = BYTES("long enough to hold one more entry, if it were one......");
}

static void far_fewer_entries_than_declared(struct zip_model *model) {
  model->count_more = 20000 - 2;
}

static void too_many_entries(struct zip_model *model) {
  model->count_more = 20001 - 2;
}

static void a_second_disk(struct zip_model *model) {
  model->disk = 1;
}

static void a_directory_on_a_second_disk(struct zip_model *model) {
  model->directory_disk = 1;
}

static void a_directory_on_several_disks(struct zip_model *model) {
  model->count_here_more = -1;
}

static void a_wide_count(struct zip_model *model) {
  model->count_more = 0xffff - 2;
}

static void a_wide_count_here(struct zip_model *model) {
  model->count_here_more = 0xffff - 2;
}

static void a_wide_disk(struct zip_model *model) {
  model->disk = 0xffff;
}

static void a_wide_directory_disk(struct zip_model *model) {
  model->directory_disk = 0xffff;
}

/* The fields are set to all ones by what is added to the true number. */
static void a_wide_directory_size(struct zip_model *model) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  zip_model_write(model, &buffer);
  const unsigned char *field = buffer.data + buffer.size - 10;
  model->size_more = -1 - (field[0] | field[1] << 8);
  th_buffer_clear(&buffer);
}

static void a_wide_directory_offset(struct zip_model *model) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  zip_model_write(model, &buffer);
  const unsigned char *field = buffer.data + buffer.size - 6;
  model->directory_more = -1 - (field[0] | field[1] << 8);
  th_buffer_clear(&buffer);
}

static void a_zip64_end_behind_the_directory(struct zip_model *model) {
  model->after_directory = BYTES(
    "PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0PK\6\7\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0");
}

static void too_many_bytes(struct zip_model *model) {
  zip_model_declare(&model->parts[0], 32 << 20, model->parts[0].central.packed_size, 0);
  zip_model_declare(&model->parts[1], (32 << 20) + 1, (32 << 20) + 1, 0);
}

static void far_too_many_bytes(struct zip_model *model) {
  zip_model_declare(&model->parts[0], 0xfffffffe, model->parts[0].central.packed_size, 0);
  zip_model_declare(&model->parts[1], 0xfffffffe, 0xfffffffe, 0);
}

static void too_little_packed_for_so_much(struct zip_model *model) {
  zip_model_declare(&model->parts[0], 1 << 20, model->parts[0].central.packed_size, 0);
}

/* Names. The rules are tested with zip_name; here, that they are applied. */

static void a_name_that_leaves(struct zip_model *model) {
  zip_model_rename(&model->parts[0], BYTES("../evil.lua"));
}

static void an_absolute_name(struct zip_model *model) {
  zip_model_rename(&model->parts[1], BYTES("/etc/passwd"));
}

static void a_name_with_a_zero(struct zip_model *model) {
  zip_model_rename(&model->parts[1], BYTES("a.lua\0.txt"));
}

static void no_name(struct zip_model *model) {
  zip_model_rename(&model->parts[1], BYTES(""));
}

static void a_long_name(struct zip_model *model) {
#define TEN "nnnnnnnnnn"
#define FIFTY TEN TEN TEN TEN TEN
  zip_model_rename(&model->parts[1], BYTES(FIFTY FIFTY FIFTY FIFTY "n"));
}

static void a_file_that_others_are_below(struct zip_model *model) {
  zip_model_rename(&model->parts[0], BYTES("pkg"));
}

static void a_file_that_others_are_below_in_another_case(struct zip_model *model) {
  zip_model_rename(&model->parts[0], BYTES("PKG"));
}

static void a_name_twice(struct zip_model *model) {
  zip_model_rename(&model->parts[1], BYTES("a.lua"));
}

static void a_name_in_two_cases(struct zip_model *model) {
  zip_model_rename(&model->parts[0], BYTES("PKG/B.lua"));
}

static void a_file_and_a_folder_of_one_name(struct zip_model *model) {
  zip_model_pack(&model->parts[1], "a.lua/", BYTES(""), false);
}

static void another_name_in_front(struct zip_model *model) {
  model->parts[0].local.name = BYTES("b.lua");
}

static void a_longer_name_in_front(struct zip_model *model) {
  model->parts[0].local.name = BYTES("a.luac");
}

static void a_second_name_in_the_directory(struct zip_model *model) {
  model->parts[0].central.extra = BYTES("up\x0a\0\1\0\0\0\0b.lua");
}

static void a_second_name_in_front(struct zip_model *model) {
  model->parts[0].local.extra = BYTES("up\x0b\0\1\0\0\0\0a.luac");
}

/* Kinds of entries. */

static void an_encrypted_file(struct zip_model *model) {
  model->parts[0].local.flags = model->parts[0].central.flags = 1;
}

static void a_file_encrypted_strongly(struct zip_model *model) {
  model->parts[0].local.flags = model->parts[0].central.flags = 0x41;
}

static void a_patch(struct zip_model *model) {
  model->parts[0].local.flags = model->parts[0].central.flags = 0x20;
}

static void a_masked_header(struct zip_model *model) {
  model->parts[0].local.flags = model->parts[0].central.flags = 0x2000;
}

static void another_method(struct zip_model *model) {
  model->parts[0].local.method = model->parts[0].central.method = 12;
}

static void deflate64(struct zip_model *model) {
  model->parts[0].local.method = model->parts[0].central.method = 9;
}

static void a_link(struct zip_model *model) {
  model->parts[1].attributes = (uint32_t)(S_IFLNK | 0777) << 16;
}

static void a_pipe(struct zip_model *model) {
  model->parts[1].attributes = (uint32_t)(S_IFIFO | 0600) << 16;
}

static void a_device(struct zip_model *model) {
  model->parts[1].attributes = (uint32_t)(S_IFBLK | 0600) << 16;
}

static void a_folder_named_as_a_file(struct zip_model *model) {
  model->parts[1].attributes = (uint32_t)(S_IFDIR | 0755) << 16;
}

static void a_dos_folder_named_as_a_file(struct zip_model *model) {
  model->parts[1].attributes = 0x10;
}

static void a_file_named_as_a_folder(struct zip_model *model) {
  zip_model_pack(&model->parts[1], "pkg/", BYTES(""), false);
  model->parts[1].attributes = (uint32_t)(S_IFREG | 0644) << 16;
}

static void a_folder_with_contents(struct zip_model *model) {
  zip_model_pack(&model->parts[1], "pkg/", BYTES("hidden"), false);
}

static void a_stored_file_of_two_sizes(struct zip_model *model) {
  zip_model_declare(&model->parts[1], 10, 11, 0);
}

static void a_file_on_another_disk(struct zip_model *model) {
  model->parts[1].disk = 1;
}

static void a_wide_size(struct zip_model *model) {
  zip_model_declare(&model->parts[1], 0xffffffff, 0xffffffff, 0);
}

static void a_wide_packed_size(struct zip_model *model) {
  zip_model_declare(&model->parts[0], 1, 0xffffffff, 0);
}

static void a_wide_offset(struct zip_model *model) {
  model->parts[1].offset = 0xffffffff;
}

static void a_zip64_field_in_the_directory(struct zip_model *model) {
  model->parts[1].central.extra = BYTES("\1\0\x08\0\1\0\0\0\0\0\0\0");
}

static void a_zip64_field_in_front(struct zip_model *model) {
  model->parts[1].local.extra = BYTES("UT\1\0\0\1\0\0\0");
}

static void a_field_that_is_cut_off(struct zip_model *model) {
  model->parts[1].central.extra = BYTES("UT\5\0\1\2\3\4");
}

static void a_field_without_a_length(struct zip_model *model) {
  model->parts[1].local.extra = BYTES("UT\0\0UT");
}

/* Places. */

static void an_entry_without_a_mark(struct zip_model *model) {
  model->parts[1].central.mark = 0x02014b51;
}

static void a_header_without_a_mark(struct zip_model *model) {
  model->parts[1].local.mark = 0x04034b51;
}

static void an_entry_outside(struct zip_model *model) {
  model->parts[1].offset = 0x7fffffff;
}

static void an_entry_in_the_directory(struct zip_model *model) {
  model->parts[1].absent = true;
}

static void an_entry_at_the_edge_of_the_directory(struct zip_model *model) {
  model->parts[1].absent = true;
  model->before_directory = BYTES("PK\3\4 not enough for a header");
}

static void two_entries_with_one_header(struct zip_model *model) {
  model->parts[1] = model->parts[0];
  model->parts[1].absent = true;
  model->parts[1].offset = 0;
  model->parts[1].central.name = BYTES("b.lua");
}

/* As the best zip bombs do: the packed data of the first quotes the header of the second. */
static void an_entry_inside_another(struct zip_model *model) {
  zip_model_declare(&model->parts[0], 100, model->parts[0].central.packed_size + 20, 0);
}

static void a_header_that_runs_into_the_directory(struct zip_model *model) {
  model->parts[1].absent = true;
  model->before_directory = BYTES(
    "PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\xff\0pkg/b.lua");
}

static void data_that_runs_into_the_directory(struct zip_model *model) {
  zip_model_declare(&model->parts[1], 12, 12, 0);
}

/* What the two headers say. */

static void another_method_in_front(struct zip_model *model) {
  model->parts[0].local.method = 0;
}

static void other_flags_in_front(struct zip_model *model) {
  model->parts[0].local.flags = 1;
}

static void a_descriptor_in_front_only(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[0], descriptor, true);
  model->parts[0].central.flags = 0;
}

static void another_checksum_in_front(struct zip_model *model) {
  model->parts[0].local.checksum ^= 1;
}

static void no_checksum_in_front(struct zip_model *model) {
  model->parts[0].local.checksum = 0;
}

static void another_size_in_front(struct zip_model *model) {
  model->parts[0].local.size++;
}

static void another_packed_size_in_front(struct zip_model *model) {
  model->parts[0].local.packed_size--;
}

static void no_descriptor(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[1], descriptor, true);
  model->parts[1].after.size = 0;
}

static void a_descriptor_within_stored_data(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_pack(&model->parts[1], "pkg/b.lua", BYTES("return 2 --PK\7\10, as it were"), false);
  zip_model_stream(&model->parts[1], descriptor, true);
}

static void half_a_descriptor(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[1], descriptor, false);
  model->parts[1].after.size = 11;
}

static void a_descriptor_of_another_checksum(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[0], descriptor, true);
  descriptor[4] ^= 1;
}

static void a_descriptor_of_another_size(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[0], descriptor, false);
  descriptor[12] ^= 1;
}

static void another_size_in_front_of_a_descriptor(struct zip_model *model) {
  static unsigned char descriptor[16];
  zip_model_stream(&model->parts[0], descriptor, true);
  model->parts[0].local.size = 1;
}

#define CASE(change, words)                                                                        \
  { "refused: " #change, change, words }

static const struct hostile corpus[] = {
  CASE(bytes_after_the_end, "bytes follow the end of the archive"),
  CASE(a_comment, "the archive has a comment, which could hide another archive"),
  CASE(a_comment_that_is_cut_off, "the archive is cut off in its comment"),
  CASE(an_archive_in_the_comment, "bytes stand before the archive"),
  CASE(bytes_before_the_archive, "bytes stand before the archive"),
  CASE(bytes_before_the_first_entry, "\"a.lua\": bytes that belong to no entry stand before it"),
  CASE(bytes_between_entries, "\"pkg/b.lua\": bytes that belong to no entry stand before it"),
  CASE(bytes_before_the_directory, "bytes that belong to no entry stand before the directory"),
  CASE(bytes_after_the_directory, "between its directory and its end"),
  CASE(a_directory_past_the_end, "the directory reaches past the end of the archive"),
  CASE(a_directory_far_away, "the directory reaches past the end of the archive"),
  CASE(a_directory_that_is_shorter_than_declared, "the directory reaches past the end"),
  CASE(more_entries_than_declared, "the directory holds more than its entries"),
  CASE(fewer_entries_than_declared, "the directory is damaged"),
  CASE(far_fewer_entries_than_declared, "the directory is cut off"),
  CASE(too_many_entries, "the archive has more than 20000 entries"),
  CASE(a_second_disk, "the archive spans several disks"),
  CASE(a_directory_on_a_second_disk, "the archive spans several disks"),
  CASE(a_directory_on_several_disks, "the archive spans several disks"),
  CASE(a_wide_count, "zip64 archives are not supported"),
  CASE(a_wide_count_here, "zip64 archives are not supported"),
  CASE(a_wide_disk, "zip64 archives are not supported"),
  CASE(a_wide_directory_disk, "zip64 archives are not supported"),
  CASE(a_wide_directory_size, "zip64 archives are not supported"),
  CASE(a_wide_directory_offset, "zip64 archives are not supported"),
  CASE(a_zip64_end_behind_the_directory, "between its directory and its end"),
  CASE(too_many_bytes, "the archive unpacks to more than 67108864 bytes"),
  CASE(far_too_many_bytes, "the archive unpacks to more than 67108864 bytes"),
  CASE(too_little_packed_for_so_much, "the archive unpacks to more than 200 times its size"),
  CASE(a_name_that_leaves, "entry \"../evil.lua\": the name leaves the archive"),
  CASE(an_absolute_name, "entry \"/etc/passwd\": the name is absolute"),
  CASE(a_name_with_a_zero, "entry \"a.lua\\x00.txt\": the name contains a zero byte"),
  CASE(no_name, "entry \"\": the name is empty"),
  CASE(a_long_name, "the name is too long"),
  CASE(a_file_that_others_are_below, "entry \"pkg/b.lua\": a part of its path is a file"),
  CASE(a_file_that_others_are_below_in_another_case,
       "entry \"pkg/b.lua\": a part of its path is a file"),
  CASE(a_name_twice, "entry \"a.lua\": the name is there twice"),
  CASE(a_name_in_two_cases, "the name is there twice"),
  CASE(a_file_and_a_folder_of_one_name, "the name is there twice"),
  CASE(another_name_in_front, "entry \"a.lua\": its own header has another name"),
  CASE(a_longer_name_in_front, "entry \"a.lua\": its own header has another name"),
  CASE(a_second_name_in_the_directory, "entry \"a.lua\": it has a second name"),
  CASE(a_second_name_in_front, "entry \"a.lua\": it has a second name"),
  CASE(an_encrypted_file, "entry \"a.lua\": it is encrypted"),
  CASE(a_file_encrypted_strongly, "entry \"a.lua\": it is encrypted"),
  CASE(a_patch, "entry \"a.lua\": its flags 0x0020 are not supported"),
  CASE(a_masked_header, "entry \"a.lua\": its flags 0x2000 are not supported"),
  CASE(another_method, "entry \"a.lua\": its packing method 12 is not supported"),
  CASE(deflate64, "entry \"a.lua\": its packing method 9 is not supported"),
  CASE(a_link, "entry \"pkg/b.lua\": it is a link or another special file"),
  CASE(a_pipe, "entry \"pkg/b.lua\": it is a link or another special file"),
  CASE(a_device, "entry \"pkg/b.lua\": it is a link or another special file"),
  CASE(a_folder_named_as_a_file, "it is marked as a folder, but not named as one"),
  CASE(a_dos_folder_named_as_a_file, "it is marked as a folder, but not named as one"),
  CASE(a_file_named_as_a_folder, "it is named as a folder, but marked as a file"),
  CASE(a_folder_with_contents, "entry \"pkg/\": it is a folder with contents"),
  CASE(a_stored_file_of_two_sizes, "it is stored unpacked, but with two different sizes"),
  CASE(a_file_on_another_disk, "entry \"pkg/b.lua\": it is on another disk"),
  CASE(a_wide_size, "entry \"pkg/b.lua\": zip64 is not supported"),
  CASE(a_wide_packed_size, "entry \"a.lua\": zip64 is not supported"),
  CASE(a_wide_offset, "entry \"pkg/b.lua\": zip64 is not supported"),
  CASE(a_zip64_field_in_the_directory, "entry \"pkg/b.lua\": zip64 is not supported"),
  CASE(a_zip64_field_in_front, "entry \"pkg/b.lua\": zip64 is not supported"),
  CASE(a_field_that_is_cut_off, "entry \"pkg/b.lua\": its extra fields are malformed"),
  CASE(a_field_without_a_length, "entry \"pkg/b.lua\": its extra fields are malformed"),
  CASE(an_entry_without_a_mark, "the directory is damaged"),
  CASE(a_header_without_a_mark, "entry \"pkg/b.lua\": it has no header of its own"),
  CASE(an_entry_outside, "entry \"pkg/b.lua\": it lies outside of the archive"),
  CASE(an_entry_in_the_directory, "entry \"pkg/b.lua\": it lies outside of the archive"),
  CASE(an_entry_at_the_edge_of_the_directory, "\"pkg/b.lua\": it has no header of its own"),
  CASE(two_entries_with_one_header, "it overlaps another entry"),
  CASE(an_entry_inside_another, "entry \"pkg/b.lua\": it overlaps another entry"),
  CASE(a_header_that_runs_into_the_directory, "its header runs into the directory"),
  CASE(data_that_runs_into_the_directory, "its data runs into the directory"),
  CASE(another_method_in_front, "\"a.lua\": its own header has other flags or another method"),
  CASE(other_flags_in_front, "\"a.lua\": its own header has other flags or another method"),
  CASE(a_descriptor_in_front_only, "its own header has other flags or another method"),
  CASE(another_checksum_in_front, "entry \"a.lua\": its own header has another checksum"),
  CASE(no_checksum_in_front, "entry \"a.lua\": its own header has another checksum"),
  CASE(another_size_in_front, "entry \"a.lua\": its own header has another size"),
  CASE(another_packed_size_in_front, "entry \"a.lua\": its own header has another size"),
  CASE(no_descriptor, "entry \"pkg/b.lua\": its data descriptor is missing or differs"),
  CASE(a_descriptor_within_stored_data,
       "entry \"pkg/b.lua\": its data could be taken to end at a descriptor within it"),
  CASE(half_a_descriptor, "entry \"pkg/b.lua\": its data descriptor is missing or differs"),
  CASE(a_descriptor_of_another_checksum, "its data descriptor is missing or differs"),
  CASE(a_descriptor_of_another_size, "its data descriptor is missing or differs"),
  CASE(another_size_in_front_of_a_descriptor, "its own header has another size"),
};

#define CORPUS_SIZE (sizeof corpus / sizeof *corpus)

static void hostile_archive_is_refused_for_its_own_reason(void **state) {
  const struct hostile *hostile = *state;
  struct zip_model model;
  struct th_zip_directory directory;
  struct th_reason reason;
  zip_model_init(&model);
  hostile->change(&model);
  assert_int_equal(read_model(&model, &directory, &reason), TH_EBUNDLE);
  if (strstr(reason.words, hostile->words) == NULL) {
    fail_msg("refused with \"%s\", not with \"%s\"", reason.words, hostile->words);
  }
}

/* ---- bytes that no model describes ---- */

static void assert_refused(const void *bytes, size_t size, const char *words) {
  struct th_zip_directory directory;
  struct th_reason reason;
  assert_int_equal(th_zip_directory_read(&directory, bytes, size, &limits, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, words);
}

static void what_is_no_zip_is_called_so(void **state) {
  (void)state;
  assert_refused(NULL, 0, "not a zip archive");
  assert_refused("P", 1, "not a zip archive");
  assert_refused("return 'a Lua file, not a zip'\n", 31, "not a zip archive");
  assert_refused("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21, "not a zip archive");
}

static void what_is_cut_off_is_called_so(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer buffer;
  zip_model_init(&model);
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  for (size_t size = 4; size < buffer.size; size++) {
    assert_refused(buffer.data, size, "the archive is cut off: its end is missing");
  }
  th_buffer_clear(&buffer);
}

static void two_archives_in_a_row_are_refused(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer buffer;
  zip_model_init(&model);
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  zip_model_write(&model, &buffer);
  assert_refused(buffer.data, buffer.size,
                 "bytes stand before the archive, or between its directory and its end");
  th_buffer_clear(&buffer);
}

static void an_entry_that_runs_past_the_directory_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer buffer;
  zip_model_init(&model);
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  size_t record = buffer.size - 22 - 46 - strlen("pkg/b.lua");
  buffer.data[record + 32] = 1; /* the size of its comment */
  assert_refused(buffer.data, buffer.size, "the directory is damaged");
  th_buffer_clear(&buffer);
}

static void refusing_needs_no_reason(void **state) {
  (void)state;
  struct zip_model model;
  struct th_zip_directory directory;
  zip_model_init(&model);
  a_link(&model);
  assert_int_equal(read_model(&model, &directory, NULL), TH_EBUNDLE);
}

/* ---- what is accepted ---- */

static void assert_accepted(const struct zip_model *model) {
  struct th_zip_directory directory;
  struct th_reason reason;
  if (read_model(model, &directory, &reason) != 0) fail_msg("%s", reason.words);
  assert_int_equal(directory.count, model->count);
  th_zip_directory_clear(&directory);
}

static void a_sound_archive_is_read(void **state) {
  (void)state;
  struct zip_model model;
  struct th_zip_directory directory;
  struct th_buffer buffer;
  zip_model_init(&model);
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  assert_int_equal(th_zip_directory_read(&directory, buffer.data, buffer.size, &limits, NULL), 0);
  assert_int_equal(directory.count, 2);
  assert_int_equal(directory.unpacked, 34 + 11);
  const struct th_zip_entry *entry = &directory.entries[1];
  assert_int_equal(entry->name_size, 9);
  assert_memory_equal(entry->name, "pkg/b.lua", 9);
  assert_int_equal(entry->size, 11);
  assert_int_equal(entry->method, TH_ZIP_STORED);
  assert_false(entry->folder);
  assert_memory_equal(buffer.data + entry->header, "PK\3\4", 4);
  assert_memory_equal(buffer.data + entry->data, "return 'b'\n", 11);
  assert_memory_equal(buffer.data + entry->record, "PK\1\2", 4);
  assert_memory_equal(buffer.data + entry->record + 46, "pkg/b.lua", 9);
  assert_memory_equal(buffer.data + directory.end, "PK\5\6", 4);
  assert_int_equal(directory.entries[0].method, TH_ZIP_DEFLATED);
  th_zip_directory_clear(&directory);
  assert_null(directory.entries);
  th_buffer_clear(&buffer);
}

static void an_empty_archive_is_accepted(void **state) {
  (void)state;
  assert_accepted(&(struct zip_model){.count = 0});
}

static void what_ordinary_zippers_add_is_accepted(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  zip_model_pack(&model.parts[2], "pkg/", BYTES(""), false);
  zip_model_pack(&model.parts[3], "pkg/sub/", BYTES(""), true);
  model.count = 4;
  model.parts[0].local.extra = BYTES("UT\x05\0\1\2\3\4\5ux\x0b\0\1\4\0\0\0\0\4\0\0\0\0");
  model.parts[0].central.extra = BYTES("UT\x05\0\1\2\3\4\5");
  model.parts[0].comment = BYTES("for people");
  model.parts[0].attributes = (uint32_t)(S_IFREG | 0755) << 16;
  model.parts[0].local.flags = model.parts[0].central.flags = 2;
  zip_model_rename(&model.parts[1], BYTES("\xc3\xa4.lua"));
  model.parts[1].local.flags = model.parts[1].central.flags = 0x804;
  model.parts[1].central.extra = BYTES("up\x0b\0\1\0\0\0\0\xc3\xa4.lua");
  model.parts[1].attributes = 0600u << 16;
  model.parts[2].attributes = (uint32_t)(S_IFDIR | 0755) << 16 | 0x10;
  assert_accepted(&model);
}

static void descriptors_are_accepted_where_they_agree(void **state) {
  (void)state;
  struct zip_model model;
  unsigned char descriptors[2][16];
  for (int marked = 0; marked < 2; marked++) {
    zip_model_init(&model);
    zip_model_stream(&model.parts[0], descriptors[0], marked);
    zip_model_stream(&model.parts[1], descriptors[1], !marked);
    /* Some know all or a part already when they write the first header. */
    model.parts[1].local.checksum = model.parts[1].central.checksum;
    model.parts[1].local.size = model.parts[1].central.size;
    assert_accepted(&model);
  }
}

static void a_directory_in_another_order_is_accepted(void **state) {
  (void)state;
  struct zip_model model;
  struct th_zip_directory directory;
  zip_model_init(&model);
  model.reversed = true;
  assert_int_equal(read_model(&model, &directory, NULL), 0);
  assert_int_equal(directory.entries[0].header, 0);
  assert_true(directory.entries[1].header > 0);
  th_zip_directory_clear(&directory);
}

static void limits_may_be_reached(void **state) {
  (void)state;
  struct zip_model model;
  struct th_zip_directory directory;
  struct th_buffer buffer;
  zip_model_init(&model);
  th_buffer_init(&buffer);
  zip_model_write(&model, &buffer);
  struct th_zip_limits exact = {.entries = 2, .unpacked = 45, .ratio = 1, .name = 9};
  assert_int_equal(th_zip_directory_read(&directory, buffer.data, buffer.size, &exact, NULL), 0);
  th_zip_directory_clear(&directory);
  exact.unpacked--;
  assert_int_equal(th_zip_directory_read(&directory, buffer.data, buffer.size, &exact, NULL),
                   TH_EBUNDLE);
  exact.unpacked++, exact.entries--;
  assert_int_equal(th_zip_directory_read(&directory, buffer.data, buffer.size, &exact, NULL),
                   TH_EBUNDLE);
  exact.entries++, exact.name--;
  assert_int_equal(th_zip_directory_read(&directory, buffer.data, buffer.size, &exact, NULL),
                   TH_EBUNDLE);
  th_buffer_clear(&buffer);
}

int main(void) {
  struct CMUnitTest hostile[CORPUS_SIZE];
  for (size_t i = 0; i < CORPUS_SIZE; i++) {
    hostile[i] = (struct CMUnitTest){.name = corpus[i].test,
                                     .test_func = hostile_archive_is_refused_for_its_own_reason,
                                     .initial_state = (void *)&corpus[i]};
  }
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_no_zip_is_called_so),
    cmocka_unit_test(what_is_cut_off_is_called_so),
    cmocka_unit_test(two_archives_in_a_row_are_refused),
    cmocka_unit_test(an_entry_that_runs_past_the_directory_is_refused),
    cmocka_unit_test(refusing_needs_no_reason),
    cmocka_unit_test(a_sound_archive_is_read),
    cmocka_unit_test(an_empty_archive_is_accepted),
    cmocka_unit_test(what_ordinary_zippers_add_is_accepted),
    cmocka_unit_test(descriptors_are_accepted_where_they_agree),
    cmocka_unit_test(a_directory_in_another_order_is_accepted),
    cmocka_unit_test(limits_may_be_reached),
  };
  int failed = cmocka_run_group_tests_name("hostile archives", hostile, NULL, NULL);
  return failed + cmocka_run_group_tests_name("zip_directory", tests, NULL, NULL);
}
