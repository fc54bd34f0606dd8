#include "bundle/zip_directory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "bundle/zip_name.h"

/* The fixed parts of the records: sections 4.3.7, 4.3.9, 4.3.12, 4.3.16 of PKWARE's APPNOTE.TXT. */
#define LOCAL_MARK 0x04034b50u
#define LOCAL_SIZE 30u
#define DESCRIPTOR_MARK 0x08074b50u
#define DESCRIPTOR_SIZE 12u /* without its mark, which is optional */
#define CENTRAL_MARK 0x02014b50u
#define CENTRAL_SIZE 46u
#define END_MARK 0x06054b50u
#define END_SIZE 22u

#define FLAG_ENCRYPTED 0x0001u
#define FLAG_DESCRIPTOR 0x0008u
#define FLAGS_HARMLESS 0x0806u /* how hard the packer tried; names are UTF-8 */

#define EXTRA_ZIP64 0x0001u
#define EXTRA_NAME 0x7075u

#define DOS_FOLDER 0x10u
#define WIDE16 0xffffu /* says: look into the zip64 record */
#define WIDE32 0xffffffffu

/* The archive while it is read. */
struct reading {
  const unsigned char *bytes;
  size_t size;
  size_t directory; /* where it begins */
  const struct th_zip_limits *limits;
  struct th_reason *reason;
};

static uint16_t read16(const unsigned char *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read32(const unsigned char *at) {
  return (uint32_t)read16(at) | (uint32_t)read16(at + 2) << 16;
}

static int refuse(const struct reading *reading, const char *words) {
  return th_fail(reading->reason, TH_EBUNDLE, "%s", words);
}

static int refuse_entry(const struct reading *reading, const struct th_zip_entry *entry,
                        const char *words) {
  return th_zip_name_fail(reading->reason, entry->name, entry->name_size, "%s", words);
}

/* ---- the end record ---- */

/* The archive does not end in an end record: looks for what it is instead, to be helpful. */
static int refuse_end(const struct reading *reading) {
  const unsigned char *bytes = reading->bytes;
  size_t lowest = reading->size > WIDE16 + END_SIZE ? reading->size - WIDE16 - END_SIZE : 0;
  for (size_t at = reading->size; at-- > lowest;) {
    if (reading->size - at < END_SIZE || read32(bytes + at) != END_MARK) continue;
    size_t comment = read16(bytes + at + 20), rest = reading->size - at - END_SIZE;
    if (comment > rest) return refuse(reading, "the archive is cut off in its comment");
    if (comment < rest) return refuse(reading, "bytes follow the end of the archive");
    return refuse(reading, "the archive has a comment, which could hide another archive");
  }
  if (reading->size >= 4 && read32(bytes) == LOCAL_MARK) {
    return refuse(reading, "the archive is cut off: its end is missing");
  }
  return refuse(reading, "not a zip archive");
}

static bool is_wide(const unsigned char *end) {
  return read16(end + 4) == WIDE16 || read16(end + 6) == WIDE16 || read16(end + 8) == WIDE16 ||
         read16(end + 10) == WIDE16 || read32(end + 12) == WIDE32 || read32(end + 16) == WIDE32;
}

/* Finds the directory: reading->directory, and the count of its entries. */
static int read_end(struct reading *reading, size_t *count) {
  if (reading->size < END_SIZE) return refuse_end(reading);
  size_t place = reading->size - END_SIZE;
  const unsigned char *end = reading->bytes + place;
  if (read32(end) != END_MARK || read16(end + 20) != 0) return refuse_end(reading);
  if (is_wide(end)) return refuse(reading, "zip64 archives are not supported");
  *count = read16(end + 10);
  if (read16(end + 4) != 0 || read16(end + 6) != 0 || read16(end + 8) != *count) {
    return refuse(reading, "the archive spans several disks");
  }
  size_t size = read32(end + 12);
  reading->directory = read32(end + 16);
  if (reading->directory > place || size > place - reading->directory) {
    return refuse(reading, "the directory reaches past the end of the archive");
  }
  if (size != place - reading->directory) {
    return refuse(reading, "bytes stand before the archive, or between its directory and its end");
  }
  if (*count > reading->limits->entries) {
    return th_fail(reading->reason, TH_EBUNDLE, "the archive has more than %zu entries",
                   reading->limits->entries);
  }
  return *count * CENTRAL_SIZE <= size ? 0 : refuse(reading, "the directory is cut off");
}

/* ---- one entry of the directory ---- */

/* Extra fields hold dates and owners, but two kinds give an entry another size or another name. */
static int check_extra(const struct reading *reading, const struct th_zip_entry *entry,
                       const unsigned char *extra, size_t size) {
  while (size >= 4) {
    unsigned kind = read16(extra);
    size_t length = read16(extra + 2);
    if (length > size - 4) break;
    const unsigned char *field = extra + 4;
    if (kind == EXTRA_ZIP64) return refuse_entry(reading, entry, "zip64 is not supported");
    if (kind == EXTRA_NAME &&
        (length != 5 + entry->name_size || memcmp(field + 5, entry->name, entry->name_size) != 0)) {
      return refuse_entry(reading, entry, "it has a second name");
    }
    extra = field + length;
    size -= 4 + length;
  }
  return size == 0 ? 0 : refuse_entry(reading, entry, "its extra fields are malformed");
}

/* Unix keeps a file's type in the upper half of the attributes; nobody else uses it. */
static int check_type(const struct reading *reading, const struct th_zip_entry *entry,
                      uint32_t attributes) {
  unsigned type = attributes >> 16 & S_IFMT;
  if (type != 0 && type != S_IFREG && type != S_IFDIR) {
    return refuse_entry(reading, entry, "it is a link or another special file");
  }
  bool marked = type == S_IFDIR || (attributes & DOS_FOLDER) != 0;
  if (marked && !entry->folder) {
    return refuse_entry(reading, entry, "it is marked as a folder, but not named as one");
  }
  if (entry->folder && type == S_IFREG) {
    return refuse_entry(reading, entry, "it is named as a folder, but marked as a file");
  }
  if (entry->folder && entry->size != 0) {
    return refuse_entry(reading, entry, "it is a folder with contents");
  }
  return 0;
}

static int check_packing(const struct reading *reading, const struct th_zip_entry *entry) {
  unsigned strange = entry->flags & ~(FLAGS_HARMLESS | FLAG_DESCRIPTOR);
  if ((strange & FLAG_ENCRYPTED) != 0) return refuse_entry(reading, entry, "it is encrypted");
  if (strange != 0) {
    return th_zip_name_fail(reading->reason, entry->name, entry->name_size,
                            "its flags 0x%04x are not supported", strange);
  }
  if (entry->method != TH_ZIP_STORED && entry->method != TH_ZIP_DEFLATED) {
    return th_zip_name_fail(reading->reason, entry->name, entry->name_size,
                            "its packing method %u is not supported", entry->method);
  }
  if (entry->method == TH_ZIP_STORED && entry->packed_size != entry->size) {
    return refuse_entry(reading, entry, "it is stored unpacked, but with two different sizes");
  }
  return 0;
}

static void fill_entry(struct th_zip_entry *entry, const unsigned char *record) {
  entry->flags = read16(record + 8);
  entry->method = read16(record + 10);
  entry->checksum = read32(record + 16);
  entry->packed_size = read32(record + 20);
  entry->size = read32(record + 24);
  entry->name_size = read16(record + 28);
  entry->header = read32(record + 42);
  entry->name = record + CENTRAL_SIZE;
  entry->folder = entry->name_size > 0 && entry->name[entry->name_size - 1] == '/';
}

static int check_entry(const struct reading *reading, const struct th_zip_entry *entry,
                       const unsigned char *record) {
  int error;
  const char *fault = th_zip_name_fault(entry->name, entry->name_size, reading->limits->name);
  if (fault != NULL) return refuse_entry(reading, entry, fault);
  if (entry->packed_size == WIDE32 || entry->size == WIDE32 || entry->header == WIDE32) {
    return refuse_entry(reading, entry, "zip64 is not supported");
  }
  if (read16(record + 34) != 0) return refuse_entry(reading, entry, "it is on another disk");
  if ((error = check_packing(reading, entry)) != 0) return error;
  if ((error = check_type(reading, entry, read32(record + 38))) != 0) return error;
  return check_extra(reading, entry, entry->name + entry->name_size, read16(record + 30));
}

/* Reads all entries; they must fill the directory. */
static int read_entries(const struct reading *reading, struct th_zip_directory *directory) {
  const unsigned char *record = reading->bytes + reading->directory;
  size_t left = reading->size - END_SIZE - reading->directory;
  int error;
  for (size_t i = 0; i < directory->count; i++) {
    if (left < CENTRAL_SIZE || read32(record) != CENTRAL_MARK) {
      return refuse(reading, "the directory is damaged");
    }
    size_t size = CENTRAL_SIZE + (size_t)read16(record + 28) + read16(record + 30) +
                  read16(record + 32);
    if (size > left) return refuse(reading, "the directory is damaged");
    fill_entry(&directory->entries[i], record);
    directory->entries[i].record = (size_t)(record - reading->bytes);
    if ((error = check_entry(reading, &directory->entries[i], record)) != 0) return error;
    directory->unpacked += directory->entries[i].size;
    record += size;
    left -= size;
  }
  return left == 0 ? 0 : refuse(reading, "the directory holds more than its entries");
}

/* ---- all entries together ---- */

static int check_totals(const struct reading *reading, const struct th_zip_directory *directory) {
  const struct th_zip_limits *limits = reading->limits;
  if (directory->unpacked > limits->unpacked) {
    return th_fail(reading->reason, TH_EBUNDLE, "the archive unpacks to more than %zu bytes",
                   limits->unpacked);
  }
  if (directory->unpacked > (uint64_t)limits->ratio * reading->size) {
    return th_fail(reading->reason, TH_EBUNDLE,
                   "the archive unpacks to more than %zu times its size", limits->ratio);
  }
  return 0;
}

static int by_name(const void *left, const void *right) {
  const struct th_zip_entry *one = left, *other = right;
  return th_zip_name_compare(one->name, one->name_size, other->name, other->name_size);
}

static int by_place(const void *left, const void *right) {
  const struct th_zip_entry *one = left, *other = right;
  return one->header < other->header ? -1 : one->header > other->header;
}

/* True when a part of the entry's path is a file. A run of entries in one folder asks this of that
 * folder once: last is the entry before this one. Entries are sorted by name. */
static bool is_below_file(const struct th_zip_directory *directory, const struct th_zip_entry *last,
                          const struct th_zip_entry *entry) {
  size_t size = entry->folder ? entry->name_size - 1 : entry->name_size;
  for (size_t at = size; at-- > 1;) {
    if (entry->name[at] != '/') continue;
    if (last->name_size > at && memcmp(last->name, entry->name, at + 1) == 0) return false;
    const struct th_zip_entry above = {.name = entry->name, .name_size = at};
    const struct th_zip_entry *found = bsearch(&above, directory->entries, directory->count,
                                               sizeof above, by_name);
    if (found != NULL && !found->folder) return true;
  }
  return false;
}

static int check_names(const struct reading *reading, const struct th_zip_directory *directory) {
  struct th_zip_entry *entries = directory->entries;
  qsort(entries, directory->count, sizeof *entries, by_name);
  for (size_t i = 1; i < directory->count; i++) {
    if (by_name(&entries[i - 1], &entries[i]) == 0) {
      return refuse_entry(reading, &entries[i], "the name is there twice");
    }
    if (is_below_file(directory, &entries[i - 1], &entries[i])) {
      return refuse_entry(reading, &entries[i], "a part of its path is a file");
    }
  }
  return 0;
}

/* ---- the entries' own headers ---- */

/* Streaming zippers cannot know sizes and checksum before the data, and leave zeros. */
static bool says(uint32_t own, uint32_t directory, bool may_be_open) {
  return own == directory || (may_be_open && own == 0);
}

static int check_header(const struct reading *reading, const struct th_zip_entry *entry,
                        const unsigned char *header) {
  bool open = (entry->flags & FLAG_DESCRIPTOR) != 0;
  if (read16(header + 26) != entry->name_size ||
      memcmp(header + LOCAL_SIZE, entry->name, entry->name_size) != 0) {
    return refuse_entry(reading, entry, "its own header has another name");
  }
  if (read16(header + 6) != entry->flags || read16(header + 8) != entry->method) {
    return refuse_entry(reading, entry, "its own header has other flags or another method");
  }
  if (!says(read32(header + 14), entry->checksum, open)) {
    return refuse_entry(reading, entry, "its own header has another checksum");
  }
  if (!says(read32(header + 18), entry->packed_size, open) ||
      !says(read32(header + 22), entry->size, open)) {
    return refuse_entry(reading, entry, "its own header has another size");
  }
  return check_extra(reading, entry, header + LOCAL_SIZE + entry->name_size, read16(header + 28));
}

static bool describes(const unsigned char *descriptor, const struct th_zip_entry *entry) {
  return read32(descriptor) == entry->checksum && read32(descriptor + 4) == entry->packed_size &&
         read32(descriptor + 8) == entry->size;
}

/* The size of the descriptor that stands at place, with or without its mark; 0 for none. */
static size_t descriptor_size(const struct reading *reading, const struct th_zip_entry *entry,
                              size_t place) {
  const unsigned char *at = reading->bytes + place;
  size_t room = reading->directory - place;
  if (room >= 4 + DESCRIPTOR_SIZE && read32(at) == DESCRIPTOR_MARK && describes(at + 4, entry)) {
    return 4 + DESCRIPTOR_SIZE;
  }
  return room >= DESCRIPTOR_SIZE && describes(at, entry) ? DESCRIPTOR_SIZE : 0;
}

/* Stored data does not tell where it ends. Who reads from the front, where the size is left open,
 * looks for a descriptor's mark: it must be the one that the directory leads to. */
static bool ends_early(const struct reading *reading, const struct th_zip_entry *entry) {
  static const unsigned char mark[] = {'P', 'K', 7, 8};
  const unsigned char *data = reading->bytes + entry->data;
  return entry->method == TH_ZIP_STORED &&
         memmem(data, entry->packed_size, mark, sizeof mark) != NULL;
}

/* Reads the header at the entry's place; *end is then where the next entry must begin. */
static int read_header(const struct reading *reading, struct th_zip_entry *entry, size_t *end) {
  const unsigned char *header = reading->bytes + entry->header;
  size_t left = reading->directory - entry->header;
  int error;
  if (left < LOCAL_SIZE || read32(header) != LOCAL_MARK) {
    return refuse_entry(reading, entry, "it has no header of its own");
  }
  size_t size = LOCAL_SIZE + (size_t)read16(header + 26) + read16(header + 28);
  if (size > left) return refuse_entry(reading, entry, "its header runs into the directory");
  if ((error = check_header(reading, entry, header)) != 0) return error;
  if (entry->packed_size > left - size) {
    return refuse_entry(reading, entry, "its data runs into the directory");
  }
  entry->data = entry->header + size;
  *end = entry->data + entry->packed_size;
  if ((entry->flags & FLAG_DESCRIPTOR) == 0) return 0;
  size = descriptor_size(reading, entry, *end);
  if (size == 0) return refuse_entry(reading, entry, "its data descriptor is missing or differs");
  if (ends_early(reading, entry)) {
    return refuse_entry(reading, entry, "its data could be taken to end at a descriptor within it");
  }
  *end += size;
  return 0;
}

/* Entries must lie end to end and fill everything before the directory. */
static int check_places(const struct reading *reading, const struct th_zip_directory *directory) {
  size_t end = 0;
  int error;
  qsort(directory->entries, directory->count, sizeof *directory->entries, by_place);
  for (size_t i = 0; i < directory->count; i++) {
    struct th_zip_entry *entry = &directory->entries[i];
    if (entry->header >= reading->directory) {
      return refuse_entry(reading, entry, "it lies outside of the archive");
    }
    if (entry->header < end) return refuse_entry(reading, entry, "it overlaps another entry");
    if (entry->header > end) {
      return refuse_entry(reading, entry, "bytes that belong to no entry stand before it");
    }
    if ((error = read_header(reading, entry, &end)) != 0) return error;
  }
  if (end == reading->directory) return 0;
  return refuse(reading, "bytes that belong to no entry stand before the directory");
}

int th_zip_directory_read(struct th_zip_directory *directory, const void *archive, size_t size,
                          const struct th_zip_limits *limits, struct th_reason *reason) {
  struct reading reading = {archive, size, 0, limits, reason};
  size_t count = 0;
  int error = read_end(&reading, &count);
  if (error != 0) return error;
  struct th_zip_directory read = {.count = count, .end = size - END_SIZE};
  read.entries = th_alloc_zeroed(count + 1, sizeof *read.entries);
  if ((error = read_entries(&reading, &read)) != 0) goto refused;
  if ((error = check_totals(&reading, &read)) != 0) goto refused;
  if ((error = check_names(&reading, &read)) != 0) goto refused;
  if ((error = check_places(&reading, &read)) != 0) goto refused;
  *directory = read;
  return 0;
refused:
  th_zip_directory_clear(&read);
  return error;
}

void th_zip_directory_clear(struct th_zip_directory *directory) {
  free(directory->entries);
  *directory = (struct th_zip_directory){0};
}
