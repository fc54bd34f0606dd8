#include "message/pack.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"

/* The first byte of each form; the fix forms carry a small value in their low bits, and the longer
 * forms of one kind follow each other. */
enum {
  FIX_MAP = 0x80,
  FIX_ARRAY = 0x90,
  FIX_STR = 0xa0,
  NIL = 0xc0,
  RESERVED = 0xc1,
  BOOL_FALSE = 0xc2,
  BOOL_TRUE = 0xc3,
  BIN_8 = 0xc4,
  BIN_16 = 0xc5,
  BIN_32 = 0xc6,
  EXT_8 = 0xc7,
  EXT_16 = 0xc8,
  EXT_32 = 0xc9,
  FLOAT_32 = 0xca,
  FLOAT_64 = 0xcb,
  UINT_8 = 0xcc,
  UINT_16 = 0xcd,
  UINT_32 = 0xce,
  UINT_64 = 0xcf,
  INT_8 = 0xd0,
  INT_16 = 0xd1,
  INT_32 = 0xd2,
  INT_64 = 0xd3,
  FIX_EXT_1 = 0xd4,
  FIX_EXT_2 = 0xd5,
  FIX_EXT_4 = 0xd6,
  FIX_EXT_8 = 0xd7,
  FIX_EXT_16 = 0xd8,
  STR_8 = 0xd9,
  STR_16 = 0xda,
  STR_32 = 0xdb,
  ARRAY_16 = 0xdc,
  ARRAY_32 = 0xdd,
  MAP_16 = 0xde,
  MAP_32 = 0xdf,
  FIX_NEGATIVE = 0xe0
};

#define EXT_32_HEAD_SIZE 6
#define ADDRESS_SIZE 16
#define PLACED_ADDRESS_SIZE 22

static void store16(unsigned char *place, uint16_t value) {
  value = htobe16(value);
  memcpy(place, &value, sizeof value);
}

static void store32(unsigned char *place, uint32_t value) {
  value = htobe32(value);
  memcpy(place, &value, sizeof value);
}

static void store64(unsigned char *place, uint64_t value) {
  value = htobe64(value);
  memcpy(place, &value, sizeof value);
}

static uint16_t load16(const unsigned char *place) {
  uint16_t value;
  memcpy(&value, place, sizeof value);
  return be16toh(value);
}

static uint32_t load32(const unsigned char *place) {
  uint32_t value;
  memcpy(&value, place, sizeof value);
  return be32toh(value);
}

static uint64_t load64(const unsigned char *place) {
  uint64_t value;
  memcpy(&value, place, sizeof value);
  return be64toh(value);
}

/* Writers of a form and its number. Each reserves what it writes and no more, so that a value may
 * fill the buffer to its limit. */

static void put(struct th_buffer *buffer, int form) {
  unsigned char *place = th_buffer_reserve(buffer, 1);
  if (place == NULL) return;
  place[0] = (unsigned char)form;
  buffer->size += 1;
}

static void put8(struct th_buffer *buffer, int form, uint8_t value) {
  unsigned char *place = th_buffer_reserve(buffer, 2);
  if (place == NULL) return;
  place[0] = (unsigned char)form;
  place[1] = value;
  buffer->size += 2;
}

static void put16(struct th_buffer *buffer, int form, uint16_t value) {
  unsigned char *place = th_buffer_reserve(buffer, 3);
  if (place == NULL) return;
  place[0] = (unsigned char)form;
  store16(place + 1, value);
  buffer->size += 3;
}

static void put32(struct th_buffer *buffer, int form, uint32_t value) {
  unsigned char *place = th_buffer_reserve(buffer, 5);
  if (place == NULL) return;
  place[0] = (unsigned char)form;
  store32(place + 1, value);
  buffer->size += 5;
}

static void put64(struct th_buffer *buffer, int form, uint64_t value) {
  unsigned char *place = th_buffer_reserve(buffer, 9);
  if (place == NULL) return;
  place[0] = (unsigned char)form;
  store64(place + 1, value);
  buffer->size += 9;
}

void th_pack_nil(struct th_buffer *buffer) {
  put(buffer, NIL);
}

void th_pack_bool(struct th_buffer *buffer, bool value) {
  put(buffer, value ? BOOL_TRUE : BOOL_FALSE);
}

static void put_natural(struct th_buffer *buffer, uint64_t value) {
  if (value <= UINT8_MAX) {
    put8(buffer, UINT_8, (uint8_t)value);
  } else if (value <= UINT16_MAX) {
    put16(buffer, UINT_16, (uint16_t)value);
  } else if (value <= UINT32_MAX) {
    put32(buffer, UINT_32, (uint32_t)value);
  } else {
    put64(buffer, UINT_64, value);
  }
}

static void put_negative(struct th_buffer *buffer, int64_t value) {
  if (value >= INT8_MIN) {
    put8(buffer, INT_8, (uint8_t)value);
  } else if (value >= INT16_MIN) {
    put16(buffer, INT_16, (uint16_t)value);
  } else if (value >= INT32_MIN) {
    put32(buffer, INT_32, (uint32_t)value);
  } else {
    put64(buffer, INT_64, (uint64_t)value);
  }
}

void th_pack_int(struct th_buffer *buffer, int64_t value) {
  if (value >= -32 && value <= INT8_MAX) {
    put(buffer, (int)value);
  } else if (value >= 0) {
    put_natural(buffer, (uint64_t)value);
  } else {
    put_negative(buffer, value);
  }
}

void th_pack_real(struct th_buffer *buffer, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put64(buffer, FLOAT_64, bits);
}

/* The head of a string or binary past its fix form, and then its bytes. */
static void put_block(struct th_buffer *buffer, int form8, const void *data, size_t size) {
  if (size <= UINT8_MAX) {
    put8(buffer, form8, (uint8_t)size);
  } else if (size <= UINT16_MAX) {
    put16(buffer, form8 + 1, (uint16_t)size);
  } else if (size <= UINT32_MAX) {
    put32(buffer, form8 + 2, (uint32_t)size);
  } else if (buffer->error == 0) {
    buffer->error = TH_ETOOBIG;
  }
  th_buffer_append(buffer, data, size);
}

void th_pack_str(struct th_buffer *buffer, const char *text, size_t size) {
  if (size >= 32) {
    put_block(buffer, STR_8, text, size);
    return;
  }
  unsigned char *place = th_buffer_reserve(buffer, size + 1);
  if (place == NULL) return;
  *place = (unsigned char)(FIX_STR | size);
  if (size != 0) memcpy(place + 1, text, size);
  buffer->size += size + 1;
}

void th_pack_text(struct th_buffer *buffer, const char *text) {
  if (text != NULL) {
    th_pack_str(buffer, text, strlen(text));
  } else {
    th_pack_nil(buffer);
  }
}

void th_pack_bin(struct th_buffer *buffer, const void *data, size_t size) {
  put_block(buffer, BIN_8, data, size);
}

static void put_count(struct th_buffer *buffer, uint32_t count, int fix, int form16) {
  if (count < 16) {
    put(buffer, fix | (int)count);
  } else if (count <= UINT16_MAX) {
    put16(buffer, form16, (uint16_t)count);
  } else {
    put32(buffer, form16 + 1, count);
  }
}

void th_pack_array(struct th_buffer *buffer, uint32_t count) {
  put_count(buffer, count, FIX_ARRAY, ARRAY_16);
}

void th_pack_map(struct th_buffer *buffer, uint32_t count) {
  put_count(buffer, count, FIX_MAP, MAP_16);
}

static void pack_placed_address(struct th_buffer *buffer, const struct th_address *address) {
  unsigned char *place = th_buffer_reserve(buffer, 3 + PLACED_ADDRESS_SIZE);
  if (place == NULL) return;
  place[0] = EXT_8;
  place[1] = PLACED_ADDRESS_SIZE;
  place[2] = TH_EXT_ADDRESS;
  store64(place + 3, address->system);
  store64(place + 11, address->number);
  store32(place + 19, address->ip);
  store16(place + 23, address->port);
  buffer->size += 3 + PLACED_ADDRESS_SIZE;
}

static void pack_bare_address(struct th_buffer *buffer, const struct th_address *address) {
  unsigned char *place = th_buffer_reserve(buffer, 2 + ADDRESS_SIZE);
  if (place == NULL) return;
  place[0] = FIX_EXT_16;
  place[1] = TH_EXT_ADDRESS;
  store64(place + 2, address->system);
  store64(place + 10, address->number);
  buffer->size += 2 + ADDRESS_SIZE;
}

void th_pack_address(struct th_buffer *buffer, const struct th_address *address) {
  if (th_address_is_none(address)) {
    th_pack_nil(buffer);
  } else if (address->ip != 0 || address->port != 0) {
    pack_placed_address(buffer, address);
  } else {
    pack_bare_address(buffer, address);
  }
}

size_t th_pack_ext_begin(struct th_buffer *buffer, enum th_ext type) {
  put32(buffer, EXT_32, 0); /* the size comes at the end */
  put(buffer, (int)type);
  return buffer->size;
}

void th_pack_ext_end(struct th_buffer *buffer, size_t mark) {
  if (buffer->error != 0) return;
  size_t size = buffer->size - mark;
  if (size > UINT32_MAX) {
    buffer->error = TH_ETOOBIG;
  } else {
    store32(buffer->data + mark - EXT_32_HEAD_SIZE + 1, (uint32_t)size);
  }
}

void th_pack_raw(struct th_buffer *buffer, const void *data, size_t size) {
  th_buffer_append(buffer, data, size);
}

void th_unpack_init(struct th_unpack *reader, const void *data, size_t size) {
  reader->at = data;
  reader->end = size != 0 ? reader->at + size : reader->at;
  reader->error = 0;
}

/* After an error there is nothing left to read, so the checks for the end are the only ones
 * needed. */
static bool refuse(struct th_unpack *reader) {
  reader->at = reader->end;
  reader->error = TH_EMALFORMED;
  return false;
}

static size_t left(const struct th_unpack *reader) {
  return (size_t)(reader->end - reader->at);
}

/* Takes size bytes; NULL when there are fewer. */
static const unsigned char *take(struct th_unpack *reader, size_t size) {
  const unsigned char *place = reader->at;
  if (size > left(reader)) return NULL;
  reader->at += size;
  return place;
}

/* The number that follows a form, big endian; 0 where there is none. */
static bool take_number(struct th_unpack *reader, size_t width, uint64_t *number) {
  const unsigned char *place = take(reader, width);
  if (place == NULL) return false;
  switch (width) {
  case 0:
    *number = 0;
    return true;
  case 1:
    *number = *place;
    return true;
  case 2:
    *number = load16(place);
    return true;
  case 4:
    *number = load32(place);
    return true;
  default:
    *number = load64(place);
    return true;
  }
}

static bool read_str(struct th_unpack *reader, struct th_item *item, size_t size) {
  item->type = TH_ITEM_STR;
  item->size = size;
  item->data = take(reader, size);
  return item->data != NULL;
}

static bool read_ext(struct th_unpack *reader, struct th_item *item, size_t size) {
  const unsigned char *type = take(reader, 1);
  if (type == NULL) return false;
  item->type = TH_ITEM_EXT;
  item->ext = (int8_t)*type;
  item->size = size;
  item->data = take(reader, size);
  return item->data != NULL;
}

/* Every item takes at least one byte: a count that promises more than is left is a lie, and whoever
 * makes room for that many must not be fooled by it. */
static bool read_array(struct th_unpack *reader, struct th_item *item, uint64_t count) {
  item->type = TH_ITEM_ARRAY;
  item->count = (uint32_t)count;
  return count <= left(reader);
}

static bool read_map(struct th_unpack *reader, struct th_item *item, uint64_t count) {
  item->type = TH_ITEM_MAP;
  item->count = (uint32_t)count;
  return count <= left(reader) / 2;
}

static bool read_bool(struct th_item *item, bool value) {
  item->type = TH_ITEM_BOOL;
  item->boolean = value;
  return true;
}

static bool read_int(struct th_item *item, int64_t value) {
  item->type = TH_ITEM_INT;
  item->integer = value;
  return true;
}

static bool read_real(struct th_item *item, double value) {
  item->type = TH_ITEM_REAL;
  item->real = value;
  return true;
}

static double float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}

static double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The forms from NIL on, whose first byte says no more than which they are. */
static bool read_form(struct th_unpack *reader, struct th_item *item, int form) {
  /* How many bytes of a number follow each: the value itself, a size or a count. */
  static const unsigned char widths[] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                         1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  uint64_t number;
  if (!take_number(reader, widths[form - NIL], &number)) return false;
  switch (form) {
  case NIL:
    item->type = TH_ITEM_NIL;
    return true;
  case RESERVED:
    return false;
  case BOOL_FALSE:
  case BOOL_TRUE:
    return read_bool(item, form == BOOL_TRUE);
  case BIN_8:
  case BIN_16:
  case BIN_32:
  case STR_8:
  case STR_16:
  case STR_32:
    return read_str(reader, item, number);
  case EXT_8:
  case EXT_16:
  case EXT_32:
    return read_ext(reader, item, number);
  case FLOAT_32:
    return read_real(item, float_of((uint32_t)number));
  case FLOAT_64:
    return read_real(item, double_of(number));
  case UINT_64:
    if (number > INT64_MAX) return read_real(item, (double)number);
    return read_int(item, (int64_t)number);
  case INT_8:
    return read_int(item, (int8_t)number);
  case INT_16:
    return read_int(item, (int16_t)number);
  case INT_32:
    return read_int(item, (int32_t)number);
  case ARRAY_16:
  case ARRAY_32:
    return read_array(reader, item, number);
  case MAP_16:
  case MAP_32:
    return read_map(reader, item, number);
  default:
    if (form >= FIX_EXT_1 && form <= FIX_EXT_16)
      return read_ext(reader, item, (size_t)1 << (form - FIX_EXT_1));
    return read_int(item, (int64_t)number); /* INT_64 and the shorter unsigned ones */
  }
}

static bool read_item(struct th_unpack *reader, struct th_item *item) {
  if (reader->at == reader->end) return false;
  unsigned int form = *reader->at++;
  if (form < FIX_MAP) return read_int(item, form);
  if (form >= FIX_NEGATIVE) return read_int(item, (int8_t)form);
  if (form >= NIL) return read_form(reader, item, (int)form);
  if (form >= FIX_STR) return read_str(reader, item, form & 31);
  if (form >= FIX_ARRAY) return read_array(reader, item, form & 15);
  return read_map(reader, item, form & 15);
}

bool th_unpack_next(struct th_unpack *reader, struct th_item *item) {
  if (read_item(reader, item)) return true;
  *item = (struct th_item){.type = TH_ITEM_NIL};
  return refuse(reader);
}

/* Reads an item that must be of one type. */
static bool expect(struct th_unpack *reader, struct th_item *item, enum th_item_type type) {
  if (!th_unpack_next(reader, item)) return false;
  return item->type == type || refuse(reader);
}

bool th_unpack_bool(struct th_unpack *reader) {
  struct th_item item;
  return expect(reader, &item, TH_ITEM_BOOL) && item.boolean;
}

int64_t th_unpack_int(struct th_unpack *reader) {
  struct th_item item;
  return expect(reader, &item, TH_ITEM_INT) ? item.integer : 0;
}

double th_unpack_real(struct th_unpack *reader) {
  struct th_item item;
  if (!th_unpack_next(reader, &item)) return 0;
  if (item.type == TH_ITEM_INT) return (double)item.integer;
  if (item.type == TH_ITEM_REAL) return item.real;
  refuse(reader);
  return 0;
}

uint32_t th_unpack_array(struct th_unpack *reader) {
  struct th_item item;
  return expect(reader, &item, TH_ITEM_ARRAY) ? item.count : 0;
}

uint32_t th_unpack_map(struct th_unpack *reader) {
  struct th_item item;
  return expect(reader, &item, TH_ITEM_MAP) ? item.count : 0;
}

bool th_unpack_nil(struct th_unpack *reader) {
  if (reader->at == reader->end || *reader->at != NIL) return false;
  reader->at++;
  return true;
}

const char *th_unpack_str(struct th_unpack *reader, size_t *size) {
  struct th_item item;
  *size = 0;
  if (th_unpack_nil(reader) || !expect(reader, &item, TH_ITEM_STR)) return NULL;
  *size = item.size;
  return (const char *)item.data;
}

bool th_unpack_is(const char *text, size_t size, const char *expected) {
  return text != NULL && size == strlen(expected) && memcmp(text, expected, size) == 0;
}

struct th_address th_unpack_address(struct th_unpack *reader) {
  struct th_item item;
  struct th_address address;
  if (th_unpack_nil(reader) || !th_unpack_next(reader, &item)) return TH_NOBODY;
  if (th_item_address(&item, &address)) return address;
  refuse(reader);
  return TH_NOBODY;
}

/* A counter in place of a stack: how many items must still be stepped over. One that is past the
 * bytes left can never come down to 0 again, which also keeps it from wrapping round. */
const unsigned char *th_unpack_skip(struct th_unpack *reader, size_t *size) {
  const unsigned char *start = reader->at;
  struct th_item item;
  *size = 0;
  for (uint64_t wanted = 1; wanted != 0; wanted--) {
    if (wanted > left(reader)) refuse(reader);
    if (!th_unpack_next(reader, &item)) return NULL;
    if (item.type == TH_ITEM_ARRAY) wanted += item.count;
    if (item.type == TH_ITEM_MAP) wanted += 2 * (uint64_t)item.count;
  }
  *size = (size_t)(reader->at - start);
  return start;
}

bool th_item_address(const struct th_item *item, struct th_address *address) {
  if (item->type != TH_ITEM_EXT || item->ext != TH_EXT_ADDRESS) return false;
  if (item->size != ADDRESS_SIZE && item->size != PLACED_ADDRESS_SIZE) return false;
  *address = (struct th_address){.system = load64(item->data), .number = load64(item->data + 8)};
  if (item->size == PLACED_ADDRESS_SIZE) {
    address->ip = load32(item->data + 16);
    address->port = load16(item->data + 20);
  }
  return true;
}
