/* zip_model: archives built byte by byte, so that a test can get any part of one wrong.
 *
 * zip_model_init gives a sound archive of two files; a test then changes what it is about, and
 * zip_model_write writes down whatever the model says.
 *
 * Threads: the test's. Owns: nothing but what zip_model_pack made; names and bytes are borrowed.
 */
#ifndef ZIP_MODEL_H
#define ZIP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define ZIP_MODEL_PARTS 4

/* Bytes with their size: BYTES("a\0b"). */
struct zip_bytes {
  const void *data;
  size_t size;
};

#define BYTES(literal) ((struct zip_bytes){literal, sizeof(literal) - 1})

/* What both headers of an entry say. */
struct zip_header {
  uint32_t mark;
  struct zip_bytes name;
  struct zip_bytes extra;
  unsigned flags;
  unsigned method;
  uint32_t checksum;
  uint32_t packed_size;
  uint32_t size;
};

struct zip_part {
  struct zip_bytes before; /* bytes of nobody */
  bool absent;             /* only the directory speaks of it */
  struct zip_header local;
  struct zip_bytes packed;
  struct zip_bytes after; /* such as a data descriptor */
  struct zip_header central;
  struct zip_bytes comment;
  unsigned disk;
  uint32_t attributes;
  int64_t offset; /* where the directory says that it is; negative: where it is */
  unsigned char room[4096];
};

struct zip_model {
  struct zip_bytes before; /* an offset of 0 is after it */
  size_t count;
  struct zip_part parts[ZIP_MODEL_PARTS];
  struct zip_bytes before_directory;
  bool reversed; /* the directory begins with the last part */
  struct zip_bytes after_directory;
  /* Added to what is true. */
  int count_more;
  int count_here_more;
  int directory_more;
  int size_more;
  unsigned disk;
  unsigned directory_disk;
  struct zip_bytes comment;
  int comment_more;
  struct zip_bytes after;
};

/* "a.lua", deflated, and "pkg/b.lua", stored; written down, accepted by everyone. */
void zip_model_init(struct zip_model *model);

/* Makes part a file of that name, both headers agreeing. text is borrowed when it is stored. */
void zip_model_pack(struct zip_part *part, const char *name, struct zip_bytes text, bool deflated);

/* Sets what both headers of a part say. */
void zip_model_rename(struct zip_part *part, struct zip_bytes name);
void zip_model_declare(struct zip_part *part, uint32_t size, uint32_t packed_size,
                       uint32_t checksum);

/* Turns a part into what a streaming zipper writes: an open header, a descriptor after the data. */
void zip_model_stream(struct zip_part *part, unsigned char descriptor[16], bool marked);

/* Appends the archive to buffer. */
void zip_model_write(const struct zip_model *model, struct th_buffer *buffer);

#endif
