/* Values as C programs read them (host/thespian_read.c): bytes that were not refused are walked in
 * every way, some depth down, and sent on; none of it may go astray, and what was sent on is fine.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/embed.h"

/* A value may contain itself, many times over. */
#define DEPTH 6
#define MOST 2000

static void expect(int holds) {
  if (!holds) abort();
}

static void read_scalar(struct thespian_value value) {
  char text[8];
  size_t size;
  const char *bytes = thespian_value_bytes(value, &size);
  expect((bytes != NULL) == (thespian_value_type(value) == THESPIAN_STRING));
  expect(thespian_value_text(value, text, sizeof text) == size);
  expect(strlen(text) < sizeof text);
  thespian_value_int(value, 0);
  thespian_value_real(value, 0);
  thespian_value_address(value);
  bytes = thespian_value_class(value, &size);
  expect((bytes != NULL) == (thespian_value_type(value) == THESPIAN_INSTANCE));
  thespian_value_is_instance(value, "x");
}

static void walk(struct thespian_value value, int depth, int *left) {
  struct thespian_items items = thespian_items_of(value);
  struct thespian_value key, item;
  size_t count = 0;
  read_scalar(value);
  while (depth > 0 && --*left > 0 && thespian_items_next(&items, &key, &item)) {
    count++;
    walk(key, depth - 1, left);
    walk(item, depth - 1, left);
  }
  expect(count <= thespian_value_count(value));
  thespian_value_find(value, "a");
  thespian_value_item(value, 1);
}

static void send_on(struct thespian_value value) {
  struct thespian_builder *builder = thespian_builder_new();
  struct th_embed_packed packed;
  thespian_put_value(builder, value);
  if (th_embed_packed(builder, &packed, NULL) == 0) {
    /* One level more where the whole was enclosed. */
    const char *refusal = th_embed_refuse(packed.data, packed.size);
    expect(refusal == NULL || strcmp(refusal, "it is nested too deeply") == 0);
    th_embed_kind(packed);
  }
  thespian_builder_free(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int left = MOST;
  if (th_embed_refuse(data, size) != NULL) return 0;
  struct thespian_value value = th_embed_value(data, size);
  walk(value, DEPTH, &left);
  send_on(value);
  send_on(thespian_value_item(value, 0));
  return 0;
}
