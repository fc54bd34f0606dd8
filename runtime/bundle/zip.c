#include "bundle/zip.h"

#include <limits.h>
#include <minizip/unzip.h>
#include <minizip/zip.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "bundle/zip_name.h"

#define CHUNK 16384 /* as many bytes as minizip reads at once */
#define DIFFERS "minizip reads another entry there"

/* ---- files of minizip that are memory ---- */

static voidpf open_memory(voidpf opaque, const void *path, int mode) {
  (void)path;
  (void)mode;
  return opaque;
}

static int close_memory(voidpf opaque, voidpf stream) {
  (void)opaque;
  (void)stream;
  return 0;
}

/* Gives 0 and the new place, or -1. */
static long seek_memory(size_t *place, size_t size, ZPOS64_T offset, int origin) {
  size_t from = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                : origin == ZLIB_FILEFUNC_SEEK_CUR ? *place
                                                   : size;
  if (offset > size - from) return -1;
  *place = from + offset;
  return 0;
}

/* ---- reading ---- */

struct th_zip {
  struct th_zip_directory directory;
  const unsigned char *archive;
  size_t size;
  size_t place;     /* where minizip reads */
  size_t hidden;    /* so many bytes at the beginning are zeros to minizip */
  unzFile file;     /* NULL for an empty archive */
  char *name;       /* room for the longest that the limits allow */
  z_stream inflate; /* reused by all entries: setting one up costs more than a small file */
  unsigned char packed[CHUNK];
};

static uLong read_archive(voidpf opaque, voidpf stream, void *data, uLong size) {
  struct th_zip *zip = opaque;
  (void)stream;
  if (size > zip->size - zip->place) size = zip->size - zip->place;
  size_t hidden = zip->hidden > zip->place ? zip->hidden - zip->place : 0;
  if (hidden > size) hidden = size;
  memset(data, 0, hidden);
  memcpy((char *)data + hidden, zip->archive + zip->place + hidden, size - hidden);
  zip->place += size;
  return size;
}

static ZPOS64_T tell_archive(voidpf opaque, voidpf stream) {
  const struct th_zip *zip = opaque;
  (void)stream;
  return zip->place;
}

static long seek_archive(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
  struct th_zip *zip = opaque;
  (void)stream;
  return seek_memory(&zip->place, zip->size, offset, origin);
}

static int archive_error(voidpf opaque, voidpf stream) {
  (void)opaque;
  (void)stream;
  return 0;
}

/* minizip looks for a zip64 directory first, and takes one from the last file's contents or from a
 * comment. So while it looks, it is shown the end record and nothing else. */
static int open_archive(struct th_zip *zip, struct th_reason *reason) {
  zlib_filefunc64_def functions = {
    open_memory, read_archive, NULL, tell_archive, seek_archive, close_memory, archive_error, zip,
  };
  if (zip->directory.count == 0) return 0; /* minizip takes an end record at offset 0 for none */
  zip->hidden = zip->directory.end;
  zip->file = unzOpen2_64("", &functions);
  zip->hidden = 0;
  if (zip->file != NULL) return 0;
  return th_fail(reason, TH_EBUNDLE, "minizip does not open the archive");
}

int th_zip_open(struct th_zip **zip, const void *archive, size_t size,
                const struct th_zip_limits *limits, struct th_reason *reason) {
  struct th_zip *opened = th_new(struct th_zip);
  int error = th_zip_directory_read(&opened->directory, archive, size, limits, reason);
  if (error != 0) goto directory_failed;
  opened->archive = archive;
  opened->size = size;
  opened->name = th_alloc(limits->name + 1);
  if (inflateInit2(&opened->inflate, -MAX_WBITS) != Z_OK) {
    error = th_fail(reason, TH_ENOMEM, "%s", th_error_words(TH_ENOMEM));
    goto inflate_failed;
  }
  if ((error = open_archive(opened, reason)) != 0) goto archive_failed;
  *zip = opened;
  return 0;
archive_failed:
  inflateEnd(&opened->inflate);
inflate_failed:
  free(opened->name);
  th_zip_directory_clear(&opened->directory);
directory_failed:
  free(opened);
  return error;
}

void th_zip_close(struct th_zip *zip) {
  if (zip == NULL) return;
  unzClose(zip->file);
  inflateEnd(&zip->inflate);
  free(zip->name);
  th_zip_directory_clear(&zip->directory);
  free(zip);
}

const struct th_zip_directory *th_zip_directory(const struct th_zip *zip) {
  return &zip->directory;
}

/* Goes to the entry by its place: to look for its name would read the directory up to there. */
static bool find_entry(struct th_zip *zip, const struct th_zip_entry *entry) {
  const unz64_file_pos place = {.pos_in_zip_directory = entry->record};
  unz_file_info64 info;
  if (unzGoToFilePos64(zip->file, &place) != UNZ_OK) return false;
  if (unzGetCurrentFileInfo64(zip->file, &info, zip->name, entry->name_size, NULL, 0, NULL, 0) !=
      UNZ_OK) {
    return false;
  }
  return info.size_filename == entry->name_size &&
         memcmp(zip->name, entry->name, entry->name_size) == 0 && info.flag == entry->flags &&
         info.compression_method == entry->method && info.crc == entry->checksum &&
         info.compressed_size == entry->packed_size && info.uncompressed_size == entry->size;
}

static const char *copy_into(struct th_zip *zip, const struct th_zip_entry *entry,
                             unsigned char *out) {
  int got = unzReadCurrentFile(zip->file, out, entry->size);
  return got >= 0 && (uint32_t)got == entry->size ? NULL : DIFFERS;
}

/* Why the deflated data is not what the directory says, or NULL. result is that of the last call of
 * inflate(), left the count of bytes that it did not get. */
static const char *inflate_fault(const z_stream *stream, int result, size_t left) {
  if (result == Z_STREAM_END) {
    if (stream->avail_out > 0) return "it unpacks to less than the size it declares";
    if (stream->avail_in > 0 || left > 0) return "bytes are hidden behind its packed data";
    return NULL;
  }
  if (result == Z_DATA_ERROR || result == Z_NEED_DICT) return "its packed data is damaged";
  if (result == Z_MEM_ERROR) return "there is no memory to unpack it";
  if (stream->avail_in == 0) return "its packed data is cut off";
  return "it unpacks to more than the size it declares";
}

static const char *inflate_into(struct th_zip *zip, const struct th_zip_entry *entry,
                                unsigned char *out) {
  z_stream *stream = &zip->inflate;
  size_t left = entry->packed_size;
  int result = Z_OK;
  inflateReset(stream);
  stream->next_out = out;
  stream->avail_out = entry->size;
  stream->avail_in = 0;
  /* What inflate() leaves of a chunk, although it could go on, has no room declared for it. */
  while (result == Z_OK && stream->avail_in == 0 && left > 0) {
    int got = unzReadCurrentFile(zip->file, zip->packed, CHUNK);
    if (got <= 0 || (size_t)got > left) return DIFFERS;
    left -= (size_t)got;
    stream->next_in = zip->packed;
    stream->avail_in = (unsigned)got;
    result = inflate(stream, Z_NO_FLUSH);
  }
  return inflate_fault(stream, result, left);
}

/* Reads the entry that minizip has opened. */
static const char *read_entry(struct th_zip *zip, const struct th_zip_entry *entry,
                              unsigned char *out) {
  if (unzGetCurrentFileZStreamPos64(zip->file) != entry->data) return DIFFERS;
  const char *fault = entry->method == TH_ZIP_STORED ? copy_into(zip, entry, out)
                                                     : inflate_into(zip, entry, out);
  if (fault != NULL || crc32(0, out, entry->size) == entry->checksum) return fault;
  return "its checksum does not match (damaged)";
}

static const char *unpack(struct th_zip *zip, const struct th_zip_entry *entry,
                          unsigned char *out) {
  const int raw = 1; /* as it is packed */
  int method;
  if (!find_entry(zip, entry)) return DIFFERS;
  int result = unzOpenCurrentFile2(zip->file, &method, NULL, raw);
  if (result == UNZ_INTERNALERROR) return "there is no memory to unpack it";
  if (result != UNZ_OK) return DIFFERS;
  const char *fault = read_entry(zip, entry, out);
  result = unzCloseCurrentFile(zip->file);
  return fault == NULL && result != UNZ_OK ? DIFFERS : fault;
}

int th_zip_unpack(struct th_zip *zip, const struct th_zip_entry *entry, unsigned char *out,
                  struct th_reason *reason) {
  const char *fault = unpack(zip, entry, out);
  if (fault == NULL) return 0;
  return th_zip_name_fail(reason, entry->name, entry->name_size, "%s", fault);
}

/* ---- writing ---- */

/* minizip writes headers first and comes back to fill in sizes, so there is a place to write at. */
struct th_zip_writer {
  struct th_buffer buffer;
  size_t place;
  zipFile file;
  int error;
};

/* Only writing anew needs no reading. */
static uLong read_written(voidpf opaque, voidpf stream, void *data, uLong size) {
  (void)opaque;
  (void)stream;
  (void)data;
  (void)size;
  return 0;
}

static uLong write_written(voidpf opaque, voidpf stream, const void *data, uLong size) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  size_t old = writer->buffer.size - writer->place;
  size_t over = size < old ? size : old;
  if (over > 0) memcpy(writer->buffer.data + writer->place, data, over);
  if (size > over) th_buffer_append(&writer->buffer, (const char *)data + over, size - over);
  if (writer->buffer.error != 0) return 0;
  writer->place += size;
  return size;
}

static ZPOS64_T tell_written(voidpf opaque, voidpf stream) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  return writer->place;
}

static long seek_written(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  return seek_memory(&writer->place, writer->buffer.size, offset, origin);
}

static int written_error(voidpf opaque, voidpf stream) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  return writer->buffer.error;
}

struct th_zip_writer *th_zip_writer_new(void) {
  struct th_zip_writer *writer = th_new(struct th_zip_writer);
  zlib_filefunc64_def functions = {
    open_memory,  read_written, write_written, tell_written,
    seek_written, close_memory, written_error, writer,
  };
  th_buffer_init(&writer->buffer);
  writer->buffer.limit = UINT32_MAX - 1;
  writer->file = zipOpen2_64("", APPEND_STATUS_CREATE, NULL, &functions);
  if (writer->file == NULL) writer->error = TH_ENOMEM;
  return writer;
}

static bool is_ascii(const char *name) {
  while (*name != 0 && (unsigned char)*name < 0x80) name++;
  return *name == 0;
}

/* Gives minizip's code. */
static int add_file(struct th_zip_writer *writer, const char *name, const void *data,
                    unsigned size) {
  const zip_fileinfo info = {.dosDate = 1u << 21 | 1u << 16}; /* 1980-01-01, the first day of zip */
  const uLong utf8 = 1u << 11;
  int result = zipOpenNewFileInZip4_64(
    writer->file, name, &info, NULL, 0, NULL, 0, NULL, Z_DEFLATED, Z_BEST_COMPRESSION, 0,
    -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY, NULL, 0, 0, is_ascii(name) ? 0 : utf8, 0);
  if (result != ZIP_OK) return result;
  result = zipWriteInFileInZip(writer->file, data, size);
  int closed = zipCloseFileInZip(writer->file);
  return result != ZIP_OK ? result : closed;
}

void th_zip_writer_add(struct th_zip_writer *writer, const char *name, const void *data,
                       size_t size) {
  if (writer->error != 0) return;
  if (size > INT_MAX) {
    writer->error = TH_ETOOBIG;
  } else if (add_file(writer, name, size > 0 ? data : "", (unsigned)size) != ZIP_OK) {
    writer->error = writer->buffer.error != 0 ? writer->buffer.error : TH_ENOMEM;
  }
}

int th_zip_writer_finish(struct th_zip_writer *writer, struct th_bytes **archive) {
  int error = writer->error;
  int closed = writer->file != NULL ? zipClose(writer->file, NULL) : ZIP_OK;
  if (error == 0 && closed != ZIP_OK) error = TH_ENOMEM;
  if (writer->buffer.error != 0) error = writer->buffer.error;
  struct th_bytes *bytes = NULL;
  if (error == 0) {
    bytes = th_bytes_copy(writer->buffer.data, writer->buffer.size);
    if (bytes == NULL) error = TH_ENOMEM;
  }
  th_buffer_clear(&writer->buffer);
  free(writer);
  if (error == 0) *archive = bytes;
  return error;
}

const char *th_zip_library_version(void) {
  return "minizip 1.1, zlib " ZLIB_VERSION;
}
