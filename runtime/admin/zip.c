#include "admin/zip.h"

#include <limits.h>
#include <minizip/zip.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "admin/zip_name.h"
#include "base/buffer.h"
#include "base/memory.h"

/* ---- reading ---- */

struct th_zip {
  struct th_zip_directory directory;
  const unsigned char *archive;
  z_stream inflate; /* reused by all entries: setting one up costs more than a small file */
};

int th_zip_open(struct th_zip **zip, const void *archive, size_t size,
                const struct th_zip_limits *limits, struct th_reason *reason) {
  struct th_zip *opened = th_new(struct th_zip);
  int error = th_zip_directory_read(&opened->directory, archive, size, limits, reason);
  if (error != 0) goto directory_failed;
  opened->archive = archive;
  if (inflateInit2(&opened->inflate, -MAX_WBITS) != Z_OK) {
    error = th_fail(reason, TH_ENOMEM, "%s", th_error_words(TH_ENOMEM));
    goto inflate_failed;
  }
  *zip = opened;
  return 0;
inflate_failed:
  th_zip_directory_clear(&opened->directory);
directory_failed:
  free(opened);
  return error;
}

void th_zip_close(struct th_zip *zip) {
  if (zip == NULL) return;
  inflateEnd(&zip->inflate);
  th_zip_directory_clear(&zip->directory);
  free(zip);
}

const struct th_zip_directory *th_zip_directory(const struct th_zip *zip) {
  return &zip->directory;
}

/* Why the deflated data is not what the directory says, or NULL. result is that of the one call of
 * inflate() that had all the input and just the room declared. */
static const char *inflate_fault(const z_stream *stream, int result) {
  if (result == Z_STREAM_END) {
    if (stream->avail_out > 0) return "it unpacks to less than the size it declares";
    if (stream->avail_in > 0) return "bytes are hidden behind its packed data";
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
  inflateReset(stream);
  /* zlib does not write to its input; its interface is just older than const. */
  stream->next_in = (z_const Bytef *)(zip->archive + entry->data);
  stream->avail_in = entry->packed_size;
  stream->next_out = out;
  stream->avail_out = entry->size;
  return inflate_fault(stream, inflate(stream, Z_FINISH));
}

int th_zip_unpack(struct th_zip *zip, const struct th_zip_entry *entry, unsigned char *out,
                  struct th_reason *reason) {
  const char *fault = NULL;
  if (entry->method == TH_ZIP_STORED) {
    memcpy(out, zip->archive + entry->data, entry->size);
  } else {
    fault = inflate_into(zip, entry, out);
  }
  if (fault == NULL && crc32(0, out, entry->size) != entry->checksum) {
    fault = "its checksum does not match (damaged)";
  }
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

static voidpf open_memory(voidpf opaque, const void *path, int mode) {
  (void)path;
  (void)mode;
  return opaque;
}

/* Only writing anew needs no reading. */
static uLong read_memory(voidpf opaque, voidpf stream, void *data, uLong size) {
  (void)opaque;
  (void)stream;
  (void)data;
  (void)size;
  return 0;
}

static uLong write_memory(voidpf opaque, voidpf stream, const void *data, uLong size) {
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

static ZPOS64_T tell_memory(voidpf opaque, voidpf stream) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  return writer->place;
}

static long seek_memory(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  size_t from = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                : origin == ZLIB_FILEFUNC_SEEK_CUR ? writer->place
                                                   : writer->buffer.size;
  if (offset > writer->buffer.size - from) return -1;
  writer->place = from + offset;
  return 0;
}

static int close_memory(voidpf opaque, voidpf stream) {
  (void)opaque;
  (void)stream;
  return 0;
}

static int memory_error(voidpf opaque, voidpf stream) {
  struct th_zip_writer *writer = opaque;
  (void)stream;
  return writer->buffer.error;
}

struct th_zip_writer *th_zip_writer_new(void) {
  struct th_zip_writer *writer = th_new(struct th_zip_writer);
  zlib_filefunc64_def functions = {
    open_memory, read_memory,  write_memory, tell_memory,
    seek_memory, close_memory, memory_error, writer,
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
