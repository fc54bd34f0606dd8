#include "bundle/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "zip_model.h"

static const struct th_zip_limits limits = {
  .entries = 20000, .unpacked = 64 << 20, .ratio = 200, .name = 200};

/* Reads all of an archive into text, "name=contents;" for each entry. */
static int read_all(const void *archive, size_t size, struct th_buffer *text,
                    struct th_reason *reason) {
  struct th_zip *zip;
  int error = th_zip_open(&zip, archive, size, &limits, reason);
  if (error != 0) return error;
  const struct th_zip_directory *directory = th_zip_directory(zip);
  for (size_t i = 0; i < directory->count && error == 0; i++) {
    const struct th_zip_entry *entry = &directory->entries[i];
    unsigned char *out = th_alloc(entry->size + 1); /* exact but for empty: overruns are seen */
    error = th_zip_unpack(zip, entry, out, reason);
    if (error == 0) {
      th_buffer_append(text, entry->name, entry->name_size);
      th_buffer_append(text, "=", 1);
      th_buffer_append(text, out, entry->size);
      th_buffer_append(text, ";", 1);
    }
    free(out);
  }
  th_zip_close(zip);
  return error;
}

static int read_model(const struct zip_model *model, struct th_buffer *text,
                      struct th_reason *reason) {
  struct th_buffer archive;
  th_buffer_init(&archive);
  zip_model_write(model, &archive);
  int error = read_all(archive.data, archive.size, text, reason);
  th_buffer_clear(&archive);
  return error;
}

static void assert_refused(const struct zip_model *model, const char *words) {
  struct th_buffer text;
  struct th_reason reason;
  th_buffer_init(&text);
  assert_int_equal(read_model(model, &text, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, words);
  th_buffer_clear(&text);
}

static void assert_text(const struct th_buffer *text, const char *expected) {
  assert_int_equal(text->error, 0);
  assert_int_equal(text->size, strlen(expected));
  assert_memory_equal(text->data, expected, text->size);
}

#define SOUND "a.lua=return 'aaaaaaaaaaaaaaaaaaaaaaaa'\n;pkg/b.lua=return 'b'\n;"

/* ---- reading ---- */

static void all_kinds_of_entries_are_unpacked(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer text;
  zip_model_init(&model);
  zip_model_pack(&model.parts[2], "empty", BYTES(""), true);
  zip_model_pack(&model.parts[3], "pkg/", BYTES(""), true);
  model.count = 4;
  th_buffer_init(&text);
  assert_int_equal(read_model(&model, &text, NULL), 0);
  assert_text(&text, SOUND "empty=;pkg/=;");
  th_buffer_clear(&text);
}

static void a_wrong_checksum_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  for (size_t i = 0; i < 2; i++) {
    zip_model_init(&model);
    model.parts[i].local.checksum = model.parts[i].central.checksum ^= 0x80000000;
    assert_refused(&model, i == 0 ? "entry \"a.lua\": its checksum does not match (damaged)"
                                  : "entry \"pkg/b.lua\": its checksum does not match (damaged)");
  }
}

static void changed_contents_are_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  model.parts[1].packed = BYTES("return 'c'\n");
  assert_refused(&model, "entry \"pkg/b.lua\": its checksum does not match (damaged)");
}

static void data_that_does_not_inflate_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  model.parts[0].room[0] = 0x07; /* a block of the kind that there is not */
  assert_refused(&model, "entry \"a.lua\": its packed data is damaged");
}

/* The checksum is that of the text as far as declared, so only the end of the data tells. */
static void data_that_goes_on_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  zip_model_pack(&model.parts[0], "a.lua", BYTES("return 1\nos.exit(1)\n"), true);
  struct zip_part declared;
  zip_model_pack(&declared, "a.lua", BYTES("return 1\n"), true);
  zip_model_declare(&model.parts[0], 9, model.parts[0].central.packed_size,
                    declared.central.checksum);
  assert_refused(&model, "entry \"a.lua\": it unpacks to more than the size it declares");
}

static void data_that_ends_early_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  zip_model_declare(&model.parts[0], 35, model.parts[0].central.packed_size, 0);
  assert_refused(&model, "entry \"a.lua\": it unpacks to less than the size it declares");
}

static void data_that_is_cut_off_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  size_t size = --model.parts[0].packed.size;
  zip_model_declare(&model.parts[0], 34, (uint32_t)size, model.parts[0].central.checksum);
  assert_refused(&model, "entry \"a.lua\": its packed data is cut off");
}

static void bytes_hidden_behind_the_data_are_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  size_t size = model.parts[0].packed.size++;
  model.parts[0].room[size] = 'x';
  zip_model_declare(&model.parts[0], 34, (uint32_t)size + 1, model.parts[0].central.checksum);
  assert_refused(&model, "entry \"a.lua\": bytes are hidden behind its packed data");
}

static void no_data_at_all_is_refused_as_cut_off(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  model.parts[0].packed.size = 0;
  zip_model_declare(&model.parts[0], 0, 0, 0);
  assert_refused(&model, "entry \"a.lua\": its packed data is cut off");
}

static void a_folder_that_unpacks_to_something_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  zip_model_pack(&model.parts[1], "pkg/", BYTES("hidden"), true);
  zip_model_declare(&model.parts[1], 0, model.parts[1].central.packed_size, 0);
  assert_refused(&model, "entry \"pkg/\": it unpacks to more than the size it declares");
}

static void one_bad_entry_does_not_harm_the_next(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer archive;
  struct th_zip *zip;
  unsigned char out[64];
  zip_model_init(&model);
  zip_model_pack(&model.parts[1], "b.lua", BYTES("return 'bbbbbbbbbbbbbbbbbb'\n"), true);
  model.parts[0].room[0] = 0x07;
  th_buffer_init(&archive);
  zip_model_write(&model, &archive);
  assert_int_equal(th_zip_open(&zip, archive.data, archive.size, &limits, NULL), 0);
  const struct th_zip_directory *directory = th_zip_directory(zip);
  assert_int_equal(th_zip_unpack(zip, &directory->entries[0], out, NULL), TH_EBUNDLE);
  assert_int_equal(th_zip_unpack(zip, &directory->entries[1], out, NULL), 0);
  assert_memory_equal(out, "return 'bbbbbbbbbbbbbbbbbb'\n", 28);
  th_zip_close(zip);
  th_buffer_clear(&archive);
}

static void the_checksum_of_the_text_does_not_excuse_another_size(void **state) {
  (void)state;
  struct zip_model model;
  zip_model_init(&model);
  const struct zip_header told = model.parts[0].central;
  zip_model_declare(&model.parts[0], 7, told.packed_size, told.checksum);
  assert_refused(&model, "entry \"a.lua\": it unpacks to more than the size it declares");
  zip_model_declare(&model.parts[0], told.size + 1, told.packed_size, told.checksum);
  assert_refused(&model, "entry \"a.lua\": it unpacks to less than the size it declares");
}

static void a_name_may_be_as_long_as_the_limit(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer text;
  char name[200];
  memset(name, 'n', sizeof name);
  zip_model_init(&model);
  zip_model_rename(&model.parts[1], (struct zip_bytes){name, sizeof name});
  th_buffer_init(&text);
  assert_int_equal(read_model(&model, &text, NULL), 0);
  assert_memory_equal(text.data + strlen("a.lua=return 'aaaaaaaaaaaaaaaaaaaaaaaa'\n;"), name, 200);
  th_buffer_clear(&text);
}

/* ---- packed data of more than one chunk ---- */

#define CHUNK 16384 /* as much as is inflated at once */

/* The model's first file becomes a deflated one of 1 + size bytes, in a block of one byte and one
 * of size, whose headers are of 5 bytes each; more bytes follow them. */
static void pack_blocks(struct zip_model *model, unsigned char *room, size_t size, size_t more) {
  const unsigned char first[] = {0, 1, 0, 0xfe, 0xff, 'x'};
  const unsigned char last[] = {1, (unsigned char)size, (unsigned char)(size >> 8),
                                (unsigned char)~size, (unsigned char)(~size >> 8)};
  memcpy(room, first, 6);
  memcpy(room + 6, last, 5);
  memset(room + 11, 'x', size + more);
  zip_model_init(model);
  unsigned char *text = th_alloc(size + 1);
  memset(text, 'x', size + 1);
  struct zip_part *part = &model->parts[0];
  zip_model_pack(part, "a.lua", (struct zip_bytes){text, size + 1}, false);
  free(text);
  part->packed = (struct zip_bytes){room, 11 + size + more};
  part->local.method = part->central.method = TH_ZIP_DEFLATED;
  zip_model_declare(part, (uint32_t)size + 1, (uint32_t)part->packed.size, part->central.checksum);
}

static void data_may_end_anywhere_in_a_chunk(void **state) {
  (void)state;
  static const size_t ends[] = {CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK};
  struct zip_model model;
  unsigned char *room = th_alloc(4 * CHUNK);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct th_buffer text;
    th_buffer_init(&text);
    pack_blocks(&model, room, ends[i] - 11, 0);
    assert_int_equal(read_model(&model, &text, NULL), 0);
    assert_int_equal(text.size, strlen("a.lua=;pkg/b.lua=return 'b'\n;") + ends[i] - 10);
    th_buffer_clear(&text);
  }
  free(room);
}

static void bytes_hidden_behind_the_data_are_refused_wherever_it_ends(void **state) {
  (void)state;
  static const size_t ends[] = {CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK};
  static const size_t more[] = {1, CHUNK - 1, CHUNK, CHUNK + 1};
  struct zip_model model;
  unsigned char *room = th_alloc(4 * CHUNK);
  for (size_t i = 0; i < 16; i++) {
    pack_blocks(&model, room, ends[i / 4] - 11, more[i % 4]);
    assert_refused(&model, "entry \"a.lua\": bytes are hidden behind its packed data");
  }
  free(room);
}

static void data_cut_off_between_chunks_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  unsigned char *room = th_alloc(4 * CHUNK);
  pack_blocks(&model, room, CHUNK, 0);
  model.parts[0].packed.size = CHUNK;
  zip_model_declare(&model.parts[0], CHUNK + 1, CHUNK, 0);
  assert_refused(&model, "entry \"a.lua\": its packed data is cut off");
  pack_blocks(&model, room, CHUNK - 11, 0);
  room[6] = 0; /* a further block would follow */
  assert_refused(&model, "entry \"a.lua\": its packed data is cut off");
  free(room);
}

static void data_that_goes_on_in_the_next_chunk_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  unsigned char *room = th_alloc(4 * CHUNK);
  for (uint32_t size = CHUNK - 11; size <= CHUNK - 9; size++) {
    pack_blocks(&model, room, 2 * CHUNK, 0);
    zip_model_declare(&model.parts[0], size, 2 * CHUNK + 11, 0);
    assert_refused(&model, "entry \"a.lua\": it unpacks to more than the size it declares");
  }
  free(room);
}

/* ---- minizip beside zip_directory ---- */

static void put64(unsigned char *at, uint64_t number) {
  for (unsigned i = 0; i < 8; i++) at[i] = (unsigned char)(number >> (8 * i));
}

/* A zip64 end of an empty directory, and the mark that leads there, as somebody else's zip has it
 * at its end. minizip goes by it wherever it stands in the last 64 KiB. */
static void another_directory_in_the_contents_is_not_believed(void **state) {
  (void)state;
  unsigned char inner[76] = "PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d";
  const size_t place = 30 + strlen("inner.zip");
  memcpy(inner + 56, "PK\6\7", 4);
  put64(inner + 64, place);
  inner[72] = 1;
  struct zip_model model;
  struct th_buffer text;
  zip_model_init(&model);
  zip_model_pack(&model.parts[0], "inner.zip", (struct zip_bytes){inner, sizeof inner}, false);
  th_buffer_init(&text);
  assert_int_equal(read_model(&model, &text, NULL), 0);
  assert_memory_equal(text.data, "inner.zip=", 10);
  assert_memory_equal(text.data + 10, inner, sizeof inner);
  th_buffer_clear(&text);
}

static void entries_are_found_in_any_order(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer text;
  zip_model_init(&model);
  model.reversed = true;
  model.parts[0].comment = model.parts[1].comment = BYTES("for people");
  th_buffer_init(&text);
  assert_int_equal(read_model(&model, &text, NULL), 0);
  assert_text(&text, SOUND);
  th_buffer_clear(&text);
}

/* Each changes what zip_directory says of an entry in one way: what it would be if it read the
 * archive differently than minizip does. */
static void misread(struct th_zip_entry *entry, size_t way) {
  switch (way) {
  case 0:
    entry->name = (const unsigned char *)"b.lua";
    break;
  case 1:
    entry->name_size--;
    break;
  case 2:
    entry->record++;
    break;
  case 3:
    entry->data--;
    break;
  case 4:
    entry->packed_size--;
    break;
  case 5:
    entry->size--;
    break;
  case 6:
    entry->checksum ^= 1;
    break;
  case 7:
    entry->flags ^= 2;
    break;
  case 8:
    entry->method = TH_ZIP_STORED;
    break;
  default:
    entry->record = (size_t)1 << 40;
    break;
  }
}

static void an_entry_that_minizip_reads_differently_is_refused(void **state) {
  (void)state;
  struct zip_model model;
  struct th_buffer archive;
  struct th_zip *zip;
  struct th_reason reason;
  unsigned char out[64];
  zip_model_init(&model);
  th_buffer_init(&archive);
  zip_model_write(&model, &archive);
  assert_int_equal(th_zip_open(&zip, archive.data, archive.size, &limits, NULL), 0);
  for (size_t way = 0; way < 10; way++) {
    struct th_zip_entry entry = th_zip_directory(zip)->entries[0];
    assert_int_equal(th_zip_unpack(zip, &entry, out, NULL), 0);
    misread(&entry, way);
    assert_int_equal(th_zip_unpack(zip, &entry, out, &reason), TH_EBUNDLE);
    assert_non_null(strstr(reason.words, "minizip reads another entry there"));
  }
  th_zip_close(zip);
  th_buffer_clear(&archive);
}

/* ---- damage of every kind ---- */

/* A model with one of everything that is accepted. */
static void write_colourful(struct th_buffer *archive) {
  struct zip_model model;
  unsigned char descriptor[16];
  zip_model_init(&model);
  zip_model_pack(&model.parts[2], "pkg/", BYTES(""), false);
  zip_model_pack(&model.parts[3], "pkg/c.lua", BYTES("return 'ccccccccccccccccccc'\n"), true);
  model.count = 4;
  zip_model_stream(&model.parts[3], descriptor, true);
  model.parts[0].local.extra = model.parts[0].central.extra = BYTES("UT\x05\0\1\2\3\4\5");
  model.parts[1].comment = BYTES("for people");
  zip_model_write(&model, archive);
}

static void an_archive_cut_off_anywhere_is_refused(void **state) {
  (void)state;
  struct th_buffer archive, text;
  th_buffer_init(&archive);
  th_buffer_init(&text);
  write_colourful(&archive);
  assert_int_equal(read_all(archive.data, archive.size, &text, NULL), 0);
  for (size_t size = 0; size < archive.size; size++) {
    void *cut = th_alloc(size + 1); /* of its own, so that a read past its end is seen */
    memcpy(cut, archive.data, size);
    assert_int_equal(read_all(cut, size, &text, NULL), TH_EBUNDLE);
    free(cut);
  }
  th_buffer_clear(&archive);
  th_buffer_clear(&text);
}

#if defined(__SANITIZE_THREAD__) /* slower, and there is one thread here */
#define STEP 19
#elif defined(__SANITIZE_ADDRESS__)
#define STEP 7 /* some 36 other values of each byte */
#else
#define STEP 1
#endif

/* Dates, permissions and comments may change; what is unpacked may not. */
static void an_archive_with_any_byte_changed_is_refused_or_the_same(void **state) {
  (void)state;
  struct th_buffer archive, text, changed;
  th_buffer_init(&archive);
  th_buffer_init(&text);
  th_buffer_init(&changed);
  write_colourful(&archive);
  assert_int_equal(read_all(archive.data, archive.size, &text, NULL), 0);
  size_t accepted = 0;
  for (size_t i = 0; i < archive.size * 255; i += STEP) {
    unsigned char *byte = &archive.data[i / 255];
    unsigned char old = *byte;
    *byte = (unsigned char)(old + 1 + i % 255);
    th_buffer_reset(&changed);
    if (read_all(archive.data, archive.size, &changed, NULL) == 0) {
      accepted++;
      assert_int_equal(changed.size, text.size);
      assert_memory_equal(changed.data, text.data, text.size);
    }
    *byte = old;
  }
  assert_true(accepted < archive.size * 255 / 4);
  th_buffer_clear(&archive);
  th_buffer_clear(&text);
  th_buffer_clear(&changed);
}

/* ---- writing ---- */

static struct th_bytes *write_two(const char *first, const char *second) {
  struct th_bytes *archive = NULL;
  struct th_zip_writer *writer = th_zip_writer_new();
  th_zip_writer_add(writer, "\xc3\xa4.lua", first, strlen(first));
  th_zip_writer_add(writer, "pkg/b.lua", second, strlen(second));
  assert_int_equal(th_zip_writer_finish(writer, &archive), 0);
  return archive;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  struct th_buffer text;
  struct th_bytes *archive = write_two("return 1\n", "");
  th_buffer_init(&text);
  assert_int_equal(read_all(archive->data, archive->size, &text, NULL), 0);
  assert_text(&text, "\xc3\xa4.lua=return 1\n;pkg/b.lua=;");
  th_buffer_clear(&text);
  th_bytes_unref(archive);
}

static void names_are_marked_as_utf8_where_it_matters(void **state) {
  (void)state;
  struct th_zip *zip;
  struct th_bytes *archive = write_two("", "");
  assert_int_equal(th_zip_open(&zip, archive->data, archive->size, &limits, NULL), 0);
  assert_int_equal(th_zip_directory(zip)->entries[0].flags & 0x800, 0x800);
  assert_int_equal(th_zip_directory(zip)->entries[1].flags & 0x800, 0);
  th_zip_close(zip);
  th_zip_close(NULL);
  th_bytes_unref(archive);
}

static void equal_files_give_equal_bytes(void **state) {
  (void)state;
  struct th_bytes *one = write_two("return 1\n", "return 2\n");
  struct th_bytes *same = write_two("return 1\n", "return 2\n");
  struct th_bytes *other = write_two("return 1\n", "return 3\n");
  assert_int_equal(one->size, same->size);
  assert_memory_equal(one->data, same->data, one->size);
  assert_true(one->size != other->size || memcmp(one->data, other->data, one->size) != 0);
  th_bytes_unref(one);
  th_bytes_unref(same);
  th_bytes_unref(other);
}

static void nothing_written_is_an_empty_archive(void **state) {
  (void)state;
  struct th_buffer text;
  struct th_bytes *archive = NULL;
  assert_int_equal(th_zip_writer_finish(th_zip_writer_new(), &archive), 0);
  th_buffer_init(&text);
  assert_int_equal(read_all(archive->data, archive->size, &text, NULL), 0);
  assert_int_equal(text.size, 0);
  th_buffer_clear(&text);
  th_bytes_unref(archive);
}

static void large_files_survive(void **state) {
  (void)state;
  struct th_buffer large, text;
  struct th_bytes *archive = NULL;
  th_buffer_init(&large);
  th_buffer_init(&text);
  for (unsigned i = 0; i < 100000; i++) th_buffer_printf(&large, "line %u of many\n", i * 7919);
  struct th_zip_writer *writer = th_zip_writer_new();
  th_zip_writer_add(writer, "large", large.data, large.size);
  assert_int_equal(th_zip_writer_finish(writer, &archive), 0);
  assert_true(archive->size < large.size / 2);
  assert_int_equal(read_all(archive->data, archive->size, &text, NULL), 0);
  assert_int_equal(text.size, strlen("large=;") + large.size);
  assert_memory_equal(text.data + strlen("large="), large.data, large.size);
  th_buffer_clear(&large);
  th_buffer_clear(&text);
  th_bytes_unref(archive);
}

static void a_file_too_large_for_the_format_is_an_error(void **state) {
  (void)state;
  struct th_bytes *archive = NULL;
  struct th_zip_writer *writer = th_zip_writer_new();
  th_zip_writer_add(writer, "large", "", (size_t)1 << 31);
  th_zip_writer_add(writer, "small", "", 0);
  assert_int_equal(th_zip_writer_finish(writer, &archive), TH_ETOOBIG);
  assert_null(archive);
}

/* ---- other programs ---- */

static int enter_folder(void **state) {
  char path[256];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/test_zip.XXXXXX", folder != NULL ? folder : "/tmp");
  if (mkdtemp(path) == NULL || chdir(path) != 0) return -1;
  *state = th_strdup(path);
  return system("mkdir -p pkg/sub; echo 'return 1' > pkg/init.lua; printf x > pkg/sub/x.lua;"
                ": > pkg/sub/empty.txt; seq 1 2000 > pkg/numbers.txt; echo 2 > pkg/\xc3\xa4.lua");
}

static int leave_folder(void **state) {
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", (char *)*state);
  free(*state);
  return chdir("/") == 0 ? system(command) : -1;
}

static void read_file(const char *path, struct th_buffer *bytes) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t got;
  while ((got = fread(th_buffer_reserve(bytes, 4096), 1, 4096, file)) > 0) bytes->size += got;
  fclose(file);
}

static bool have(const char *program) {
  char command[64];
  snprintf(command, sizeof command, "command -v %s > /dev/null", program);
  return system(command) == 0;
}

static void require(const char *program) {
  if (have(program)) return;
  print_message("skipped, since %s is not installed\n", program);
  skip();
}

/* Runs a command that makes t.zip. */
static void make(const char *program, const char *command, struct th_buffer *archive) {
  require(program);
  remove("t.zip");
  if (system(command) != 0) fail_msg("failed: %s", command);
  th_buffer_init(archive);
  read_file("t.zip", archive);
}

static const char *content_of(const struct th_zip_entry *entry) {
  static const char *const known[][2] = {{"pkg/init.lua", "return 1\n"},
                                         {"pkg/sub/x.lua", "x"},
                                         {"pkg/sub/empty.txt", ""},
                                         {"pkg/\xc3\xa4.lua", "2\n"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i][0]) != entry->name_size) continue;
    if (memcmp(known[i][0], entry->name, entry->name_size) == 0) return known[i][1];
  }
  return NULL;
}

/* The command makes t.zip of pkg: the five files must be there. */
static void assert_reads_what_is_made_by(const char *program, const char *command) {
  struct th_buffer archive;
  struct th_reason reason;
  struct th_zip *zip;
  make(program, command, &archive);
  if (th_zip_open(&zip, archive.data, archive.size, &limits, &reason) != 0) {
    fail_msg("%s: %s", command, reason.words);
  }
  size_t files = 0, known = 0;
  for (size_t i = 0; i < th_zip_directory(zip)->count; i++) {
    const struct th_zip_entry *entry = &th_zip_directory(zip)->entries[i];
    unsigned char *out = th_alloc(entry->size + 1);
    if (th_zip_unpack(zip, entry, out, &reason) != 0) fail_msg("%s: %s", command, reason.words);
    const char *content = content_of(entry);
    if (content != NULL) {
      known++;
      assert_int_equal(entry->size, strlen(content));
      assert_memory_equal(out, content, entry->size);
    }
    if (!entry->folder) files++;
    free(out);
  }
  assert_int_equal(files, 5);
  assert_int_equal(known, 4);
  th_zip_close(zip);
  th_buffer_clear(&archive);
}

static void archives_of_infozip_are_read(void **state) {
  (void)state;
  assert_reads_what_is_made_by("zip", "zip -q -r t.zip pkg");
  assert_reads_what_is_made_by("zip", "zip -q -9 -X -D -r t.zip pkg");
  assert_reads_what_is_made_by("zip", "zip -q -0 -r t.zip pkg");
  assert_reads_what_is_made_by("zip", "zip -q -r - pkg | cat > t.zip");
  assert_reads_what_is_made_by("zip", "zip -q -r t.zip pkg && zip -q -d t.zip pkg/init.lua"
                                      " && zip -q t.zip pkg/init.lua");
}

static void archives_of_7zip_are_read(void **state) {
  (void)state;
  assert_reads_what_is_made_by("7z", "7z a -tzip t.zip pkg > /dev/null");
  assert_reads_what_is_made_by("7z", "7z a -tzip -mx=0 t.zip pkg > /dev/null");
}

#define PYTHON                                                                                     \
  "python3 -c 'import zipfile, sys, os\n"                                                          \
  "def fill(out, method):\n"                                                                       \
  "  with zipfile.ZipFile(out, \"w\", method) as z:\n"                                             \
  "    for folder, _, names in os.walk(\"pkg\"):\n"                                                \
  "      for name in names: z.write(os.path.join(folder, name))\n"

static void archives_of_python_are_read(void **state) {
  (void)state;
  assert_reads_what_is_made_by("python3", PYTHON "fill(\"t.zip\", zipfile.ZIP_STORED)'");
  assert_reads_what_is_made_by("python3", PYTHON "fill(\"t.zip\", zipfile.ZIP_DEFLATED)'");
  assert_reads_what_is_made_by("python3",
                               PYTHON "fill(sys.stdout.buffer, zipfile.ZIP_STORED)' | cat > t.zip");
  assert_reads_what_is_made_by("python3", PYTHON
                               "fill(sys.stdout.buffer, zipfile.ZIP_DEFLATED)' | cat > t.zip");
  assert_reads_what_is_made_by("python3", "python3 -m zipfile -c t.zip pkg");
}

static void archives_of_java_are_read(void **state) {
  (void)state;
  assert_reads_what_is_made_by("jar", "jar cfM t.zip pkg");
}

static void archives_of_bsdtar_are_read(void **state) {
  (void)state;
  assert_reads_what_is_made_by("bsdtar", "LC_ALL=C.UTF-8 bsdtar --format=zip -cf t.zip pkg");
}

static void assert_refuses_what_is_made_by(const char *program, const char *command,
                                           const char *words) {
  struct th_buffer archive, text;
  struct th_reason reason;
  make(program, command, &archive);
  th_buffer_init(&text);
  assert_int_equal(read_all(archive.data, archive.size, &text, &reason), TH_EBUNDLE);
  assert_string_equal(reason.words, words);
  th_buffer_clear(&archive);
  th_buffer_clear(&text);
}

static void what_zippers_can_do_that_bundles_may_not_is_refused(void **state) {
  (void)state;
  assert_refuses_what_is_made_by("zip", "zip -q -P secret t.zip pkg/init.lua",
                                 "entry \"pkg/init.lua\": it is encrypted");
  assert_refuses_what_is_made_by("zip", "ln -sf /etc/passwd link; zip -q -y t.zip link",
                                 "entry \"link\": it is a link or another special file");
  assert_refuses_what_is_made_by("zip", "zip -q -fz t.zip pkg/init.lua",
                                 "zip64 archives are not supported");
  assert_refuses_what_is_made_by("zip", "zip -q t.zip pkg/init.lua && echo words | zip -q -z t.zip",
                                 "the archive has a comment, which could hide another archive");
  assert_refuses_what_is_made_by(
    "7z", "7z a -tzip -mm=LZMA t.zip pkg/numbers.txt > /dev/null",
    "entry \"pkg/numbers.txt\": its packing method 14 is not supported");
}

static void assert_other_reads_what_is_written(const char *program, const char *command) {
  require(program);
  struct th_bytes *archive = write_two("return 'return return return'\n", "");
  FILE *file = fopen("written.zip", "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(archive->data, 1, archive->size, file), archive->size);
  assert_int_equal(fclose(file), 0);
  th_bytes_unref(archive);
  assert_int_equal(system(command), 0);
}

static void unzip_reads_what_is_written(void **state) {
  (void)state;
  assert_other_reads_what_is_written("unzip", "unzip -tqq written.zip");
}

static void python_reads_what_is_written(void **state) {
  (void)state;
  assert_other_reads_what_is_written(
    "python3", "python3 -c 'import zipfile\n"
               "z = zipfile.ZipFile(\"written.zip\")\n"
               "assert z.testzip() is None\n"
               "assert z.namelist() == [\"\\u00e4.lua\", \"pkg/b.lua\"]\n"
               "assert z.read(\"\\u00e4.lua\") == b\"return \\x27return return return\\x27\\n\"\n"
               "i = z.infolist()[0]\n"
               "assert i.date_time == (1980, 1, 1, 0, 0, 0) and i.external_attr == 0'");
}

static void sevenzip_reads_what_is_written(void **state) {
  (void)state;
  assert_other_reads_what_is_written("7z", "7z t written.zip > /dev/null");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_kinds_of_entries_are_unpacked),
    cmocka_unit_test(a_wrong_checksum_is_refused),
    cmocka_unit_test(changed_contents_are_refused),
    cmocka_unit_test(data_that_does_not_inflate_is_refused),
    cmocka_unit_test(data_that_goes_on_is_refused),
    cmocka_unit_test(data_that_ends_early_is_refused),
    cmocka_unit_test(data_that_is_cut_off_is_refused),
    cmocka_unit_test(bytes_hidden_behind_the_data_are_refused),
    cmocka_unit_test(no_data_at_all_is_refused_as_cut_off),
    cmocka_unit_test(a_folder_that_unpacks_to_something_is_refused),
    cmocka_unit_test(one_bad_entry_does_not_harm_the_next),
    cmocka_unit_test(the_checksum_of_the_text_does_not_excuse_another_size),
    cmocka_unit_test(a_name_may_be_as_long_as_the_limit),
    cmocka_unit_test(data_may_end_anywhere_in_a_chunk),
    cmocka_unit_test(bytes_hidden_behind_the_data_are_refused_wherever_it_ends),
    cmocka_unit_test(data_cut_off_between_chunks_is_refused),
    cmocka_unit_test(data_that_goes_on_in_the_next_chunk_is_refused),
    cmocka_unit_test(another_directory_in_the_contents_is_not_believed),
    cmocka_unit_test(entries_are_found_in_any_order),
    cmocka_unit_test(an_entry_that_minizip_reads_differently_is_refused),
    cmocka_unit_test(an_archive_cut_off_anywhere_is_refused),
    cmocka_unit_test(an_archive_with_any_byte_changed_is_refused_or_the_same),
    cmocka_unit_test(what_is_written_is_read),
    cmocka_unit_test(names_are_marked_as_utf8_where_it_matters),
    cmocka_unit_test(equal_files_give_equal_bytes),
    cmocka_unit_test(nothing_written_is_an_empty_archive),
    cmocka_unit_test(large_files_survive),
    cmocka_unit_test(a_file_too_large_for_the_format_is_an_error),
  };
  const struct CMUnitTest programs[] = {
    cmocka_unit_test(archives_of_infozip_are_read),
    cmocka_unit_test(archives_of_7zip_are_read),
    cmocka_unit_test(archives_of_python_are_read),
    cmocka_unit_test(archives_of_java_are_read),
    cmocka_unit_test(archives_of_bsdtar_are_read),
    cmocka_unit_test(what_zippers_can_do_that_bundles_may_not_is_refused),
    cmocka_unit_test(unzip_reads_what_is_written),
    cmocka_unit_test(python_reads_what_is_written),
    cmocka_unit_test(sevenzip_reads_what_is_written),
  };
  int failed = cmocka_run_group_tests_name("zip", tests, NULL, NULL);
  return failed + cmocka_run_group_tests_name("zip and other programs", programs, enter_folder,
                                              leave_folder);
}
