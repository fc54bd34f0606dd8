#include "message/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Bytes under test stand in a block of exactly their size, so that the address sanitizer sees a
 * reader that goes one byte too far. */
struct sample {
  unsigned char *data;
  size_t size;
};

static struct sample sample_of(const void *data, size_t size) {
  struct sample sample = {malloc(size), size};
  if (size != 0) memcpy(sample.data, data, size);
  return sample;
}

static struct th_unpack reader_of(const struct sample *sample) {
  struct th_unpack reader;
  th_unpack_init(&reader, sample->data, sample->size);
  return reader;
}

static bool all_was_read(const struct th_unpack *reader) {
  return reader->error == 0 && reader->at == reader->end;
}

/* ---- each form, written and read ------------------------------------------------------------- */

/* Takes what buffer holds, compares its beginning, and gives the item read from it. */
static struct th_item read_written(struct th_buffer *buffer, const char *head, size_t head_size) {
  struct th_item item;
  assert_int_equal(buffer->error, 0);
  assert_true(buffer->size >= head_size);
  assert_memory_equal(buffer->data, head, head_size);
  struct sample sample = sample_of(buffer->data, buffer->size);
  struct th_unpack reader = reader_of(&sample);
  assert_true(th_unpack_next(&reader, &item));
  item.data = NULL; /* would outlive the sample */
  assert_int_equal(reader.error, 0);
  free(sample.data);
  return item;
}

static void constants_take_one_byte(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_nil(&buffer);
  th_pack_bool(&buffer, false);
  th_pack_bool(&buffer, true);
  assert_int_equal(buffer.size, 3);
  assert_memory_equal(buffer.data, "\xc0\xc2\xc3", 3);
  struct sample sample = sample_of(buffer.data, buffer.size);
  struct th_unpack reader = reader_of(&sample);
  struct th_item item;
  assert_true(th_unpack_next(&reader, &item));
  assert_int_equal(item.type, TH_ITEM_NIL);
  assert_false(th_unpack_bool(&reader));
  assert_true(th_unpack_bool(&reader));
  assert_true(all_was_read(&reader));
  free(sample.data);
  th_buffer_clear(&buffer);
}

static void integers_take_the_shortest_form(void **state) {
  (void)state;
  static const struct {
    int64_t value;
    size_t size;
    const char *bytes;
  } known[] = {
    {0, 1, "\x00"},
    {1, 1, "\x01"},
    {127, 1, "\x7f"},
    {128, 2, "\xcc\x80"},
    {255, 2, "\xcc\xff"},
    {256, 3, "\xcd\x01\x00"},
    {65535, 3, "\xcd\xff\xff"},
    {65536, 5, "\xce\x00\x01\x00\x00"},
    {UINT32_MAX, 5, "\xce\xff\xff\xff\xff"},
    {INT64_C(1) << 32, 9, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"},
    {INT64_MAX, 9, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"},
    {-1, 1, "\xff"},
    {-32, 1, "\xe0"},
    {-33, 2, "\xd0\xdf"},
    {-128, 2, "\xd0\x80"},
    {-129, 3, "\xd1\xff\x7f"},
    {-32768, 3, "\xd1\x80\x00"},
    {-32769, 5, "\xd2\xff\xff\x7f\xff"},
    {INT32_MIN, 5, "\xd2\x80\x00\x00\x00"},
    {INT64_C(-2147483649), 9, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"},
    {INT64_MIN, 9, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"},
  };
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    th_buffer_reset(&buffer);
    th_pack_int(&buffer, known[i].value);
    assert_int_equal(buffer.size, known[i].size);
    struct th_item item = read_written(&buffer, known[i].bytes, known[i].size);
    assert_int_equal(item.type, TH_ITEM_INT);
    assert_true(item.integer == known[i].value);
  }
  th_buffer_clear(&buffer);
}

/* Around every power of two, on both sides of zero. */
static void every_integer_survives(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (int shift = 0; shift < 63; shift++) {
    for (int64_t around = -2; around <= 2; around++) {
      int64_t value = (INT64_C(1) << shift) + around;
      th_buffer_reset(&buffer);
      th_pack_int(&buffer, value);
      th_pack_int(&buffer, -value);
      struct th_unpack reader;
      th_unpack_init(&reader, buffer.data, buffer.size);
      assert_true(th_unpack_int(&reader) == value);
      assert_true(th_unpack_int(&reader) == -value);
      assert_true(all_was_read(&reader));
    }
  }
  th_buffer_clear(&buffer);
}

/* Reads one item from literal bytes; they must be well formed and nothing may be left. */
static struct th_item read_bytes(const char *bytes, size_t size) {
  struct sample sample = sample_of(bytes, size);
  struct th_unpack reader = reader_of(&sample);
  struct th_item item;
  assert_true(th_unpack_next(&reader, &item));
  assert_true(all_was_read(&reader));
  item.data = NULL;
  free(sample.data);
  return item;
}

static void integers_longer_than_needed_are_read(void **state) {
  (void)state;
  assert_true(read_bytes("\xcc\x01", 2).integer == 1);
  assert_true(read_bytes("\xcd\x00\x01", 3).integer == 1);
  assert_true(read_bytes("\xce\x00\x00\x00\x01", 5).integer == 1);
  assert_true(read_bytes("\xcf\x00\x00\x00\x00\x00\x00\x00\x01", 9).integer == 1);
  assert_true(read_bytes("\xd0\x01", 2).integer == 1);
  assert_true(read_bytes("\xd1\xff\xff", 3).integer == -1);
  assert_true(read_bytes("\xd2\xff\xff\xff\xff", 5).integer == -1);
  assert_true(read_bytes("\xd3\xff\xff\xff\xff\xff\xff\xff\xff", 9).integer == -1);
}

static void unsigned_integers_past_the_signed_are_reals(void **state) {
  (void)state;
  struct th_item item = read_bytes("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
  assert_int_equal(item.type, TH_ITEM_INT);
  assert_true(item.integer == INT64_MAX);
  item = read_bytes("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9);
  assert_int_equal(item.type, TH_ITEM_REAL);
  assert_true(item.real == 0x1p63);
  item = read_bytes("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9);
  assert_int_equal(item.type, TH_ITEM_REAL);
  assert_true(item.real == 0x1p64);
}

static void reals_take_eight_bytes_and_survive(void **state) {
  (void)state;
  static const double values[] = {0, -0.0, 1.5, -1e300, 5e-324, 0x1p63};
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_real(&buffer, 1.5);
  assert_int_equal(buffer.size, 9);
  read_written(&buffer, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 9);
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    th_buffer_reset(&buffer);
    th_pack_real(&buffer, values[i]);
    struct th_item item = read_written(&buffer, "\xcb", 1);
    assert_int_equal(item.type, TH_ITEM_REAL);
    assert_memory_equal(&item.real, &values[i], sizeof item.real);
  }
  th_buffer_reset(&buffer);
  th_pack_real(&buffer, (double)INFINITY);
  th_pack_real(&buffer, (double)NAN);
  struct th_unpack reader;
  th_unpack_init(&reader, buffer.data, buffer.size);
  assert_true(isinf(th_unpack_real(&reader)));
  assert_true(isnan(th_unpack_real(&reader)));
  assert_true(all_was_read(&reader));
  th_buffer_clear(&buffer);
}

static void short_reals_are_read(void **state) {
  (void)state;
  struct th_item item = read_bytes("\xca\xbf\xc0\x00\x00", 5);
  assert_int_equal(item.type, TH_ITEM_REAL);
  assert_true(item.real == -1.5);
}

struct length {
  size_t size;
  const char *head;
  size_t head_size;
};

/* Writes size bytes with write, compares the head, and reads the bytes again. */
static void assert_length(void (*write)(struct th_buffer *, const unsigned char *, size_t),
                          const struct length *length) {
  struct th_buffer buffer;
  unsigned char *data = malloc(length->size);
  for (size_t i = 0; i < length->size; i++) data[i] = (unsigned char)(i * 7 + i / 256);
  th_buffer_init(&buffer);
  write(&buffer, data, length->size);
  assert_int_equal(buffer.size, length->head_size + length->size);
  assert_int_equal(read_written(&buffer, length->head, length->head_size).type, TH_ITEM_STR);
  struct sample sample = sample_of(buffer.data, buffer.size);
  struct th_unpack reader = reader_of(&sample);
  size_t size = 0;
  const char *text = th_unpack_str(&reader, &size);
  assert_int_equal(size, length->size);
  assert_non_null(text);
  assert_memory_equal(text, data, size);
  assert_true(all_was_read(&reader));
  free(sample.data);
  free(data);
  th_buffer_clear(&buffer);
}

static void write_str(struct th_buffer *buffer, const unsigned char *data, size_t size) {
  th_pack_str(buffer, (const char *)data, size);
}

static void write_bin(struct th_buffer *buffer, const unsigned char *data, size_t size) {
  th_pack_bin(buffer, data, size);
}

static void strings_take_the_shortest_form(void **state) {
  (void)state;
  static const struct length lengths[] = {
    {0, "\xa0", 1},
    {1, "\xa1", 1},
    {31, "\xbf", 1},
    {32, "\xd9\x20", 2},
    {255, "\xd9\xff", 2},
    {256, "\xda\x01\x00", 3},
    {65535, "\xda\xff\xff", 3},
    {65536, "\xdb\x00\x01\x00\x00", 5},
    {70000, "\xdb\x00\x01\x11\x70", 5},
  };
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    assert_length(write_str, &lengths[i]);
}

static void binaries_take_the_shortest_form(void **state) {
  (void)state;
  static const struct length lengths[] = {
    {0, "\xc4\x00", 2},         {1, "\xc4\x01", 2},
    {31, "\xc4\x1f", 2},        {32, "\xc4\x20", 2},
    {255, "\xc4\xff", 2},       {256, "\xc5\x01\x00", 3},
    {65535, "\xc5\xff\xff", 3}, {65536, "\xc6\x00\x01\x00\x00", 5},
  };
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    assert_length(write_bin, &lengths[i]);
}

static void texts_end_at_their_zero_and_none_is_nil(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_text(&buffer, "hey");
  th_pack_text(&buffer, "");
  th_pack_text(&buffer, NULL);
  assert_int_equal(buffer.size, 6);
  assert_memory_equal(buffer.data, "\xa3hey\xa0\xc0", 6);
  th_buffer_clear(&buffer);
}

static void strings_past_the_format_are_too_big(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_str(&buffer, "", (size_t)UINT32_MAX + 1);
  assert_int_equal(buffer.error, TH_ETOOBIG);
  assert_int_equal(buffer.size, 0);
  th_buffer_reset(&buffer);
  th_pack_bin(&buffer, "", SIZE_MAX);
  assert_int_equal(buffer.error, TH_ETOOBIG);
  th_buffer_clear(&buffer);
}

static void an_earlier_error_is_not_replaced(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  buffer.error = TH_ENOMEM;
  th_pack_str(&buffer, "", (size_t)UINT32_MAX + 1);
  th_pack_ext_end(&buffer, th_pack_ext_begin(&buffer, TH_EXT_INSTANCE));
  assert_int_equal(buffer.error, TH_ENOMEM);
  assert_int_equal(buffer.size, 0);
  th_buffer_clear(&buffer);
}

/* Array or map of so many nils. */
static void assert_count(void (*write)(struct th_buffer *, uint32_t), enum th_item_type type,
                         uint32_t count, const char *head, size_t head_size) {
  struct th_buffer buffer;
  size_t items = type == TH_ITEM_MAP ? 2 * (size_t)count : count;
  size_t size = 0;
  th_buffer_init(&buffer);
  write(&buffer, count);
  assert_int_equal(buffer.size, head_size);
  for (size_t i = 0; i < items; i++) th_pack_nil(&buffer);
  struct th_item item = read_written(&buffer, head, head_size);
  assert_int_equal(item.type, type);
  assert_int_equal(item.count, count);
  struct sample sample = sample_of(buffer.data, buffer.size);
  struct th_unpack reader = reader_of(&sample);
  assert_int_equal(type == TH_ITEM_MAP ? th_unpack_map(&reader) : th_unpack_array(&reader), count);
  assert_int_equal(reader.error, 0);
  reader = reader_of(&sample);
  assert_ptr_equal(th_unpack_skip(&reader, &size), sample.data);
  assert_int_equal(size, sample.size);
  free(sample.data);
  th_buffer_clear(&buffer);
}

static void arrays_take_the_shortest_form(void **state) {
  (void)state;
  assert_count(th_pack_array, TH_ITEM_ARRAY, 0, "\x90", 1);
  assert_count(th_pack_array, TH_ITEM_ARRAY, 1, "\x91", 1);
  assert_count(th_pack_array, TH_ITEM_ARRAY, 15, "\x9f", 1);
  assert_count(th_pack_array, TH_ITEM_ARRAY, 16, "\xdc\x00\x10", 3);
  assert_count(th_pack_array, TH_ITEM_ARRAY, 65535, "\xdc\xff\xff", 3);
  assert_count(th_pack_array, TH_ITEM_ARRAY, 65536, "\xdd\x00\x01\x00\x00", 5);
}

static void maps_take_the_shortest_form(void **state) {
  (void)state;
  assert_count(th_pack_map, TH_ITEM_MAP, 0, "\x80", 1);
  assert_count(th_pack_map, TH_ITEM_MAP, 1, "\x81", 1);
  assert_count(th_pack_map, TH_ITEM_MAP, 15, "\x8f", 1);
  assert_count(th_pack_map, TH_ITEM_MAP, 16, "\xde\x00\x10", 3);
  assert_count(th_pack_map, TH_ITEM_MAP, 65535, "\xde\xff\xff", 3);
  assert_count(th_pack_map, TH_ITEM_MAP, 65536, "\xdf\x00\x01\x00\x00", 5);
}

static void extensions_are_read_in_every_form(void **state) {
  (void)state;
  static const struct {
    size_t size, head_size;
    const char *head;
  } known[] = {
    {1, 2, "\xd4\x85"},
    {2, 2, "\xd5\x85"},
    {4, 2, "\xd6\x85"},
    {8, 2, "\xd7\x85"},
    {16, 2, "\xd8\x85"},
    {0, 3, "\xc7\x00\x85"},
    {3, 3, "\xc7\x03\x85"},
    {255, 3, "\xc7\xff\x85"},
    {256, 4, "\xc8\x01\x00\x85"},
    {65535, 4, "\xc8\xff\xff\x85"},
    {65536, 6, "\xc9\x00\x01\x00\x00\x85"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    struct sample sample = {calloc(1, known[i].head_size + known[i].size),
                            known[i].head_size + known[i].size};
    memcpy(sample.data, known[i].head, known[i].head_size);
    struct th_unpack reader = reader_of(&sample);
    struct th_item item;
    assert_true(th_unpack_next(&reader, &item));
    assert_int_equal(item.type, TH_ITEM_EXT);
    assert_int_equal(item.ext, (int8_t)0x85);
    assert_int_equal(item.size, known[i].size);
    assert_ptr_equal(item.data, sample.data + known[i].head_size);
    assert_true(all_was_read(&reader));
    free(sample.data);
  }
}

static void an_extension_encloses_what_is_written_in_between(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_int(&buffer, 7);
  size_t outer = th_pack_ext_begin(&buffer, TH_EXT_ENCLOSED);
  size_t inner = th_pack_ext_begin(&buffer, TH_EXT_INSTANCE);
  for (int i = 0; i < 300; i++) th_pack_nil(&buffer);
  th_pack_ext_end(&buffer, inner);
  th_pack_ext_end(&buffer, outer);
  th_pack_int(&buffer, 8);
  struct th_unpack reader, content;
  struct th_item item;
  th_unpack_init(&reader, buffer.data, buffer.size);
  assert_int_equal(th_unpack_int(&reader), 7);
  assert_true(th_unpack_next(&reader, &item));
  assert_int_equal(item.ext, TH_EXT_ENCLOSED);
  assert_int_equal(item.size, 306);
  assert_int_equal(th_unpack_int(&reader), 8);
  assert_true(all_was_read(&reader));
  th_unpack_init(&content, item.data, item.size);
  assert_true(th_unpack_next(&content, &item));
  assert_int_equal(item.ext, TH_EXT_INSTANCE);
  assert_int_equal(item.size, 300);
  assert_true(all_was_read(&content));
  th_buffer_clear(&buffer);
}

static void raw_bytes_are_appended(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_array(&buffer, 2);
  th_pack_raw(&buffer, "\x01\x02", 2);
  assert_int_equal(buffer.size, 3);
  assert_memory_equal(buffer.data, "\x92\x01\x02", 3);
  th_buffer_clear(&buffer);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void addresses_have_their_bytes(void **state) {
  (void)state;
  static const char bytes[] = "\xd8\x01\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\x00\x11"
                              "\xc7\x16\x01\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\x00\x11"
                              "\x7f\x00\x00\x01\x07\x6c\xc0";
  struct th_address address = {.system = 0x0102030405060708, .number = 17};
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  th_pack_address(&buffer, &address);
  address.ip = 0x7f000001;
  address.port = 1900;
  th_pack_address(&buffer, &address);
  th_pack_address(&buffer, &TH_NOBODY);
  assert_int_equal(buffer.size, sizeof bytes - 1);
  assert_memory_equal(buffer.data, bytes, sizeof bytes - 1);
  th_buffer_clear(&buffer);
}

static void addresses_survive(void **state) {
  (void)state;
  const struct th_address addresses[] = {
    {.system = UINT64_MAX, .number = UINT64_MAX},
    {.system = 1, .number = 2, .ip = UINT32_MAX, .port = UINT16_MAX},
    {.system = 1, .number = 2, .ip = 3},
    {.system = 1, .number = 2, .port = 4},
    TH_NOBODY,
  };
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (size_t i = 0; i < 5; i++) th_pack_address(&buffer, &addresses[i]);
  struct sample sample = sample_of(buffer.data, buffer.size);
  struct th_unpack reader = reader_of(&sample);
  for (size_t i = 0; i < 5; i++) {
    struct th_address address = th_unpack_address(&reader);
    assert_memory_equal(&address, &addresses[i], sizeof address);
  }
  assert_true(all_was_read(&reader));
  free(sample.data);
  th_buffer_clear(&buffer);
}

/* Reads an address from an extension of that type and size. */
static int address_error(int type, unsigned char size) {
  unsigned char *block = calloc(1, (size_t)size + 3);
  block[0] = 0xc7;
  block[1] = size;
  block[2] = (unsigned char)type;
  if (size != 0) block[3] = 1;
  struct th_unpack reader;
  th_unpack_init(&reader, block, (size_t)size + 3);
  th_unpack_address(&reader);
  free(block);
  return reader.error;
}

static void other_extensions_are_no_addresses(void **state) {
  (void)state;
  for (int size = 0; size < 40; size++) {
    bool fits = size == 16 || size == 22;
    assert_int_equal(address_error(TH_EXT_ADDRESS, (unsigned char)size), fits ? 0 : TH_EMALFORMED);
    assert_int_equal(address_error(TH_EXT_REFERENCE, (unsigned char)size), TH_EMALFORMED);
  }
  struct th_address address;
  const struct th_item item = {.type = TH_ITEM_STR, .ext = TH_EXT_ADDRESS, .size = 16};
  assert_false(th_item_address(&item, &address));
}

/* ---- typed reads ----------------------------------------------------------------------------- */

static void typed_reads_take_their_type(void **state) {
  (void)state;
  struct th_buffer buffer;
  struct th_unpack reader;
  size_t size;
  th_buffer_init(&buffer);
  th_pack_real(&buffer, 0.5);
  th_pack_int(&buffer, -3);
  th_pack_nil(&buffer);
  th_pack_nil(&buffer);
  th_pack_text(&buffer, "");
  th_pack_bin(&buffer, "ab", 2);
  th_unpack_init(&reader, buffer.data, buffer.size);
  assert_true(th_unpack_real(&reader) == 0.5);
  assert_false(th_unpack_nil(&reader));
  assert_true(th_unpack_real(&reader) == -3);
  assert_true(th_unpack_nil(&reader));
  assert_null(th_unpack_str(&reader, &size));
  assert_int_equal(size, 0);
  assert_non_null(th_unpack_str(&reader, &size));
  assert_int_equal(size, 0);
  assert_memory_equal(th_unpack_str(&reader, &size), "ab", 2);
  assert_int_equal(size, 2);
  assert_true(all_was_read(&reader));
  assert_false(th_unpack_nil(&reader));
  assert_int_equal(reader.error, 0);
  th_buffer_clear(&buffer);
}

enum read { READ_BOOL, READ_INT, READ_REAL, READ_ARRAY, READ_MAP, READ_STR, READ_ADDRESS, READS };

/* Does a typed read; true when it gave something other than its zero. */
static bool read_as(struct th_unpack *reader, enum read read) {
  size_t size = 1;
  struct th_address address;
  switch (read) {
  case READ_BOOL:
    return th_unpack_bool(reader);
  case READ_INT:
    return th_unpack_int(reader) != 0;
  case READ_REAL:
    return th_unpack_real(reader) != 0;
  case READ_ARRAY:
    return th_unpack_array(reader) != 0;
  case READ_MAP:
    return th_unpack_map(reader) != 0;
  case READ_STR:
    return th_unpack_str(reader, &size) != NULL || size != 0;
  default:
    address = th_unpack_address(reader);
    return !th_address_is_none(&address);
  }
}

static void a_typed_read_of_another_type_is_an_error_that_sticks(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
    unsigned int fits; /* a bit for each read that takes it */
  } items[] = {
    {"\xc0\x01", 2, 1 << READ_STR | 1 << READ_ADDRESS},
    {"\xc3\x01", 2, 1 << READ_BOOL},
    {"\x05\x01", 2, 1 << READ_INT | 1 << READ_REAL},
    {"\xca\x3f\x80\x00\x00\x01", 6, 1 << READ_REAL},
    {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 1 << READ_REAL},
    {"\xa1\x61\x01", 3, 1 << READ_STR},
    {"\xc4\x01\x61\x01", 4, 1 << READ_STR},
    {"\x91\x01", 2, 1 << READ_ARRAY},
    {"\x81\x01\x01", 3, 1 << READ_MAP},
    {"\xd4\x02\x00\x01", 4, 0},
  };
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
    for (enum read read = READ_BOOL; read < READS; read++) {
      struct sample sample = sample_of(items[i].bytes, items[i].size);
      struct th_unpack reader = reader_of(&sample);
      bool fits = (items[i].fits >> read & 1) != 0;
      bool gave = read_as(&reader, read);
      assert_int_equal(reader.error, fits ? 0 : TH_EMALFORMED);
      if (!fits) {
        assert_false(gave);
        for (enum read later = READ_BOOL; later < READS; later++)
          assert_false(read_as(&reader, later));
        assert_int_equal(reader.error, TH_EMALFORMED);
      }
      free(sample.data);
    }
  }
}

static void keys_are_compared_whole(void **state) {
  (void)state;
  assert_true(th_unpack_is("name", 4, "name"));
  assert_false(th_unpack_is("name", 3, "name"));
  assert_false(th_unpack_is("names", 5, "name"));
  assert_false(th_unpack_is("nam\0", 4, "nam"));
  assert_false(th_unpack_is("", 0, "n"));
  assert_true(th_unpack_is("", 0, ""));
  assert_false(th_unpack_is(NULL, 0, ""));
}

/* ---- hostile bytes --------------------------------------------------------------------------- */

static int read_all(const unsigned char *data, size_t size) {
  struct sample sample = sample_of(data, size);
  struct th_unpack reader = reader_of(&sample);
  struct th_item item;
  uint64_t sum = 0;
  do {
    if (!th_unpack_next(&reader, &item)) break;
    if (item.type != TH_ITEM_STR && item.type != TH_ITEM_EXT) continue;
    for (size_t i = 0; i < item.size; i++) sum += item.data[i];
  } while (reader.at != reader.end);
  free(sample.data);
  return sum == UINT64_MAX ? 1 : reader.error; /* the sum is there to touch every byte */
}

static int skip_one(const void *data, size_t size) {
  struct sample sample = sample_of(data, size);
  struct th_unpack reader = reader_of(&sample);
  size_t skipped = 1;
  const unsigned char *start = th_unpack_skip(&reader, &skipped);
  if (reader.error != 0) {
    assert_null(start);
    assert_int_equal(skipped, 0);
  }
  free(sample.data);
  return reader.error;
}

static void nothing_is_malformed(void **state) {
  (void)state;
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, NULL, 0);
  assert_false(th_unpack_next(&reader, &item));
  assert_int_equal(item.type, TH_ITEM_NIL);
  assert_int_equal(reader.error, TH_EMALFORMED);
  assert_int_equal(skip_one("", 0), TH_EMALFORMED);
}

static void the_reserved_byte_is_malformed(void **state) {
  (void)state;
  assert_int_equal(read_all((const unsigned char *)"\xc1\x01", 2), TH_EMALFORMED);
  assert_int_equal(skip_one("\x92\x01\xc1", 3), TH_EMALFORMED);
}

/* One value with an item of every form in it. */
static void pack_everything(struct th_buffer *buffer) {
  static char data[70000];
  const struct th_address address = {.system = 1, .number = 2, .ip = 3, .port = 4};
  static const char others[] = "\xca\x3f\x80\x00\x00" /* forms that our writer does not use */
                               "\xd4\x05\x00\xd5\x05\x00\x00\xd6\x05\x00\x00\x00\x00"
                               "\xd7\x05\x00\x00\x00\x00\x00\x00\x00\x00\xc8\x00\x02\x05\x00\x00"
                               "\xdd\x00\x00\x00\x01\xc0\xdf\x00\x00\x00\x01\xc0\xc0";
  th_pack_map(buffer, 1);
  th_pack_text(buffer, "key");
  th_pack_array(buffer, 31);
  th_pack_nil(buffer);
  th_pack_bool(buffer, true);
  for (int shift = 0; shift < 63; shift += 9) th_pack_int(buffer, (int64_t)1 << shift);
  for (int shift = 6; shift < 63; shift += 9) th_pack_int(buffer, -((int64_t)1 << shift));
  th_pack_real(buffer, 1.5);
  th_pack_str(buffer, data, 40);
  th_pack_str(buffer, data, 300);
  th_pack_bin(buffer, data, 4);
  th_pack_bin(buffer, data, 400);
  th_pack_address(buffer, &address);
  th_pack_raw(buffer, others, sizeof others - 1);
  size_t mark = th_pack_ext_begin(buffer, TH_EXT_ENCLOSED);
  th_pack_int(buffer, 1);
  th_pack_ext_end(buffer, mark);
}

static void a_value_cut_anywhere_is_malformed(void **state) {
  (void)state;
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  pack_everything(&buffer);
  assert_int_equal(buffer.error, 0);
  assert_int_equal(skip_one(buffer.data, buffer.size), 0);
  for (size_t size = 0; size < buffer.size; size++)
    assert_int_equal(skip_one(buffer.data, size), TH_EMALFORMED);
  th_buffer_clear(&buffer);
}

/* Every single item of more than one byte, cut at each of them. */
static void an_item_cut_anywhere_is_malformed(void **state) {
  (void)state;
  static const size_t widths[32] = {
    [4] = 2,  [5] = 3,  [6] = 5,  [7] = 3,  [8] = 4,  [9] = 6,   [10] = 5,
    [11] = 9, [12] = 2, [13] = 3, [14] = 5, [15] = 9, [16] = 2,  [17] = 3,
    [18] = 5, [19] = 9, [20] = 3, [21] = 4, [22] = 6, [23] = 10, [24] = 18,
    [25] = 2, [26] = 3, [27] = 5, [28] = 3, [29] = 5, [30] = 3,  [31] = 5,
  };
  for (size_t form = 4; form < 32; form++) {
    unsigned char bytes[18] = {(unsigned char)(0xc0 + form)};
    assert_int_equal(read_all(bytes, widths[form]), 0);
    for (size_t size = 0; size < widths[form]; size++)
      assert_int_equal(read_all(bytes, size), TH_EMALFORMED);
  }
  for (size_t size = 1; size < 32; size++) {
    unsigned char bytes[32] = {(unsigned char)(0xa0 + size)};
    assert_int_equal(read_all(bytes, size + 1), 0);
    for (size_t cut = 1; cut <= size; cut++) assert_int_equal(read_all(bytes, cut), TH_EMALFORMED);
  }
}

static void strings_longer_than_what_is_left_are_malformed(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
  } hostile[] = {
    {"\xd9\xff\x00", 3},     {"\xda\xff\xff\x00", 4},     {"\xdb\xff\xff\xff\xff\x00", 6},
    {"\xc4\xff\x00", 3},     {"\xc5\xff\xff\x00", 4},     {"\xc6\xff\xff\xff\xff\x00", 6},
    {"\xc7\xff\x01\x00", 4}, {"\xc8\xff\xff\x01\x00", 5}, {"\xc9\xff\xff\xff\xff\x01\x00", 7},
  };
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    const unsigned char *bytes = (const unsigned char *)hostile[i].bytes;
    assert_int_equal(read_all(bytes, hostile[i].size), TH_EMALFORMED);
  }
}

/* A head that promises count items, with so many bytes after it. */
static bool count_is_believed(unsigned char form, uint32_t count, size_t bytes_after) {
  unsigned char *block = calloc(1, 5 + bytes_after);
  struct th_unpack reader;
  struct th_item item;
  block[0] = form;
  for (int i = 0; i < 4; i++) block[1 + i] = (unsigned char)(count >> (24 - 8 * i));
  th_unpack_init(&reader, block, 5 + bytes_after);
  bool believed = th_unpack_next(&reader, &item);
  assert_int_equal(item.count, believed ? count : 0);
  assert_int_equal(reader.error, believed ? 0 : TH_EMALFORMED);
  free(block);
  return believed;
}

static void counts_past_what_the_bytes_could_hold_are_malformed(void **state) {
  (void)state;
  assert_true(count_is_believed(0xdd, 10, 10));
  assert_false(count_is_believed(0xdd, 11, 10));
  assert_false(count_is_believed(0xdd, UINT32_MAX, 10));
  assert_true(count_is_believed(0xdf, 5, 10));
  assert_true(count_is_believed(0xdf, 5, 11));
  assert_false(count_is_believed(0xdf, 6, 11));
  assert_false(count_is_believed(0xdf, 0x80000000, 10));
  assert_false(count_is_believed(0xdf, UINT32_MAX, 10));
  assert_int_equal(read_all((const unsigned char *)"\x92\x00", 2), TH_EMALFORMED);
  assert_int_equal(read_all((const unsigned char *)"\x82\x00\x00\x00", 4), TH_EMALFORMED);
  assert_int_equal(read_all((const unsigned char *)"\xdc\x00\x02\x00", 4), TH_EMALFORMED);
  assert_int_equal(read_all((const unsigned char *)"\xde\x00\x01\x00", 4), TH_EMALFORMED);
}

#define DEEP 1000000

static void a_skip_of_deep_nesting_ends(void **state) {
  (void)state;
  unsigned char *bytes = malloc(DEEP + 1);
  memset(bytes, 0x91, DEEP);
  bytes[DEEP] = 0xc0;
  assert_int_equal(skip_one(bytes, DEEP + 1), 0);
  assert_int_equal(skip_one(bytes, DEEP), TH_EMALFORMED);
  memset(bytes, 0x81, DEEP);
  assert_int_equal(skip_one(bytes, DEEP + 1), TH_EMALFORMED);
  free(bytes);
}

/* Each array promises all that is left, so the promises add up to far more than there is. */
static void a_skip_of_counts_that_multiply_ends(void **state) {
  (void)state;
  const size_t heads = 100000;
  unsigned char *bytes = malloc(5 * heads);
  for (size_t i = 0; i < heads; i++) {
    uint32_t count = (uint32_t)(5 * (heads - i - 1));
    bytes[5 * i] = 0xdd;
    for (int j = 0; j < 4; j++)
      bytes[5 * i + 1 + (size_t)j] = (unsigned char)(count >> (24 - 8 * j));
  }
  assert_int_equal(skip_one(bytes, 5 * heads), TH_EMALFORMED);
  free(bytes);
}

static void a_skip_takes_one_item_of_several(void **state) {
  (void)state;
  static const unsigned char bytes[] = {0x82, 0xa1, 'a', 0x92, 1, 0x90, 0xa1, 'b', 0x80, 7};
  struct th_unpack reader;
  size_t size;
  th_unpack_init(&reader, bytes, sizeof bytes);
  assert_ptr_equal(th_unpack_skip(&reader, &size), bytes);
  assert_int_equal(size, sizeof bytes - 1);
  assert_int_equal(th_unpack_int(&reader), 7);
  assert_true(all_was_read(&reader));
}

/* Every run of three bytes: whatever they mean, reading ends and stays inside. */
static void no_bytes_lead_the_reader_astray(void **state) {
  (void)state;
  unsigned char *bytes = malloc(3);
  for (unsigned int value = 0; value < 1 << 24; value += 1 + value % 7) {
    struct th_unpack reader;
    struct th_item item;
    size_t size;
    for (int i = 0; i < 3; i++) bytes[i] = (unsigned char)(value >> (16 - 8 * i));
    th_unpack_init(&reader, bytes, 3);
    while (th_unpack_next(&reader, &item)) {
      if (item.type == TH_ITEM_STR) assert_true(item.data + item.size <= bytes + 3);
    }
    assert_ptr_equal(reader.at, reader.end);
    th_unpack_init(&reader, bytes, 3);
    th_unpack_skip(&reader, &size);
    assert_true(size <= 3);
  }
  free(bytes);
}

static void a_value_may_fill_the_limit_but_not_pass_it(void **state) {
  (void)state;
  struct th_buffer whole, part;
  th_buffer_init(&whole);
  pack_everything(&whole);
  for (size_t limit = 1; limit <= whole.size; limit++) {
    th_buffer_init(&part);
    part.limit = limit;
    pack_everything(&part);
    assert_int_equal(part.error, limit < whole.size ? TH_ETOOBIG : 0);
    assert_in_range(part.size, 0, limit);
    th_buffer_clear(&part);
  }
  th_buffer_clear(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(constants_take_one_byte),
    cmocka_unit_test(integers_take_the_shortest_form),
    cmocka_unit_test(every_integer_survives),
    cmocka_unit_test(integers_longer_than_needed_are_read),
    cmocka_unit_test(unsigned_integers_past_the_signed_are_reals),
    cmocka_unit_test(reals_take_eight_bytes_and_survive),
    cmocka_unit_test(short_reals_are_read),
    cmocka_unit_test(strings_take_the_shortest_form),
    cmocka_unit_test(binaries_take_the_shortest_form),
    cmocka_unit_test(texts_end_at_their_zero_and_none_is_nil),
    cmocka_unit_test(strings_past_the_format_are_too_big),
    cmocka_unit_test(an_earlier_error_is_not_replaced),
    cmocka_unit_test(arrays_take_the_shortest_form),
    cmocka_unit_test(maps_take_the_shortest_form),
    cmocka_unit_test(extensions_are_read_in_every_form),
    cmocka_unit_test(an_extension_encloses_what_is_written_in_between),
    cmocka_unit_test(raw_bytes_are_appended),
    cmocka_unit_test(addresses_have_their_bytes),
    cmocka_unit_test(addresses_survive),
    cmocka_unit_test(other_extensions_are_no_addresses),
    cmocka_unit_test(typed_reads_take_their_type),
    cmocka_unit_test(a_typed_read_of_another_type_is_an_error_that_sticks),
    cmocka_unit_test(keys_are_compared_whole),
    cmocka_unit_test(nothing_is_malformed),
    cmocka_unit_test(the_reserved_byte_is_malformed),
    cmocka_unit_test(a_value_cut_anywhere_is_malformed),
    cmocka_unit_test(an_item_cut_anywhere_is_malformed),
    cmocka_unit_test(strings_longer_than_what_is_left_are_malformed),
    cmocka_unit_test(counts_past_what_the_bytes_could_hold_are_malformed),
    cmocka_unit_test(a_skip_of_deep_nesting_ends),
    cmocka_unit_test(a_skip_of_counts_that_multiply_ends),
    cmocka_unit_test(a_skip_takes_one_item_of_several),
    cmocka_unit_test(no_bytes_lead_the_reader_astray),
    cmocka_unit_test(a_value_may_fill_the_limit_but_not_pass_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
