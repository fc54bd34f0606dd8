#include "zip_model.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

static void put(struct th_buffer *buffer, uint64_t number, unsigned size) {
  for (unsigned i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)(number >> (8 * i));
    th_buffer_append(buffer, &byte, 1);
  }
}

static void put_bytes(struct th_buffer *buffer, struct zip_bytes bytes) {
  th_buffer_append(buffer, bytes.data, bytes.size);
}

static size_t deflate_into(unsigned char *out, size_t room, struct zip_bytes text) {
  z_stream stream = {0};
  int result = deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  assert(result == Z_OK);
  stream.next_in = (z_const Bytef *)text.data;
  stream.avail_in = (uInt)text.size;
  stream.next_out = out;
  stream.avail_out = (uInt)room;
  result = deflate(&stream, Z_FINISH);
  assert(result == Z_STREAM_END);
  deflateEnd(&stream);
  return room - stream.avail_out;
}

void zip_model_rename(struct zip_part *part, struct zip_bytes name) {
  part->local.name = part->central.name = name;
}

void zip_model_declare(struct zip_part *part, uint32_t size, uint32_t packed_size,
                       uint32_t checksum) {
  part->local.size = part->central.size = size;
  part->local.packed_size = part->central.packed_size = packed_size;
  part->local.checksum = part->central.checksum = checksum;
}

void zip_model_pack(struct zip_part *part, const char *name, struct zip_bytes text, bool deflated) {
  memset(part, 0, sizeof *part);
  part->local.mark = 0x04034b50;
  part->central.mark = 0x02014b50;
  part->local.method = part->central.method = deflated ? 8 : 0;
  part->offset = -1;
  part->packed = text;
  if (deflated) {
    part->packed = (struct zip_bytes){part->room,
                                      deflate_into(part->room, sizeof part->room, text)};
  }
  zip_model_rename(part, (struct zip_bytes){name, strlen(name)});
  zip_model_declare(part, (uint32_t)text.size, (uint32_t)part->packed.size,
                    (uint32_t)crc32(0, text.data, (uInt)text.size));
}

void zip_model_stream(struct zip_part *part, unsigned char descriptor[16], bool marked) {
  const struct zip_header *header = &part->central;
  const uint32_t words[] = {0x08074b50, header->checksum, header->packed_size, header->size};
  for (size_t i = 0; i < 16; i++) descriptor[i] = (unsigned char)(words[i / 4] >> (8 * (i % 4)));
  part->after = (struct zip_bytes){descriptor + (marked ? 0 : 4), marked ? 16 : 12};
  part->local.flags |= 8;
  part->central.flags |= 8;
  part->local.checksum = part->local.packed_size = part->local.size = 0;
}

void zip_model_init(struct zip_model *model) {
  memset(model, 0, sizeof *model);
  model->count = 2;
  zip_model_pack(&model->parts[0], "a.lua", BYTES("return 'aaaaaaaaaaaaaaaaaaaaaaaa'\n"), true);
  zip_model_pack(&model->parts[1], "pkg/b.lua", BYTES("return 'b'\n"), false);
}

/* What the two kinds of header have in common, from the flags to the sizes of the names. */
static void put_header(struct th_buffer *buffer, const struct zip_header *header) {
  put(buffer, header->flags, 2);
  put(buffer, header->method, 2);
  put(buffer, 0x00210000, 4);
  put(buffer, header->checksum, 4);
  put(buffer, header->packed_size, 4);
  put(buffer, header->size, 4);
  put(buffer, header->name.size, 2);
  put(buffer, header->extra.size, 2);
}

static void put_local(struct th_buffer *buffer, const struct zip_part *part) {
  put(buffer, part->local.mark, 4);
  put(buffer, 20, 2);
  put_header(buffer, &part->local);
  put_bytes(buffer, part->local.name);
  put_bytes(buffer, part->local.extra);
  put_bytes(buffer, part->packed);
  put_bytes(buffer, part->after);
}

static void put_central(struct th_buffer *buffer, const struct zip_part *part, size_t offset) {
  put(buffer, part->central.mark, 4);
  put(buffer, 0x0314, 2);
  put(buffer, 20, 2);
  put_header(buffer, &part->central);
  put(buffer, part->comment.size, 2);
  put(buffer, part->disk, 2);
  put(buffer, 0, 2);
  put(buffer, part->attributes, 4);
  put(buffer, part->offset < 0 ? offset : (uint64_t)part->offset, 4);
  put_bytes(buffer, part->central.name);
  put_bytes(buffer, part->central.extra);
  put_bytes(buffer, part->comment);
}

static void put_end(struct th_buffer *buffer, const struct zip_model *model, size_t directory,
                    size_t size) {
  uint64_t count = model->count + (uint64_t)model->count_more;
  put(buffer, 0x06054b50, 4);
  put(buffer, model->disk, 2);
  put(buffer, model->directory_disk, 2);
  put(buffer, count + (uint64_t)model->count_here_more, 2);
  put(buffer, count, 2);
  put(buffer, size + (uint64_t)model->size_more, 4);
  put(buffer, directory + (uint64_t)model->directory_more, 4);
  put(buffer, model->comment.size + (uint64_t)model->comment_more, 2);
  put_bytes(buffer, model->comment);
}

void zip_model_write(const struct zip_model *model, struct th_buffer *buffer) {
  size_t offsets[ZIP_MODEL_PARTS] = {0};
  put_bytes(buffer, model->before);
  size_t start = buffer->size;
  for (size_t i = 0; i < model->count; i++) {
    put_bytes(buffer, model->parts[i].before);
    offsets[i] = buffer->size - start;
    if (!model->parts[i].absent) put_local(buffer, &model->parts[i]);
  }
  put_bytes(buffer, model->before_directory);
  size_t directory = buffer->size;
  for (size_t i = 0; i < model->count; i++) {
    size_t part = model->reversed ? model->count - 1 - i : i;
    put_central(buffer, &model->parts[part], offsets[part]);
  }
  size_t size = buffer->size - directory;
  put_bytes(buffer, model->after_directory);
  put_end(buffer, model, directory - start, size);
  put_bytes(buffer, model->after);
}
