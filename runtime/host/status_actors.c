/* status_actors: the table of actors. Those that programs are, endpoints, are only counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "host/status_text.h"

#define ENDPOINT_CLASS "thespian.Endpoint"

/* Actors nested deeper are shown at this depth, and longer names push their line to the right. */
#define DEPTH_LIMIT 20
#define WIDTH_LIMIT 48

struct row {
  struct th_view actor;
  uint64_t number;
  struct row *parent;
  struct row *children; /* first, by their order in the list */
  struct row *last;     /* of the children */
  struct row *next;     /* sibling */
  unsigned depth;
};

struct table {
  struct row *rows;
  size_t count;
  size_t programs;
  struct row root; /* its children have no parent here */
  struct th_map rows_by_number;
  int width; /* of the first column */
  int address_width;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* The short part of a class is what tells actors apart, but the module says whose it is: both
 * stay. */
static int label(const struct row *row, char *out, size_t size) {
  size_t class_size, name_size;
  const char *class_name = th_view_text(row->actor, "class", &class_size);
  const char *name = th_view_text(row->actor, "name", &name_size);
  unsigned depth = row->depth < DEPTH_LIMIT ? row->depth : DEPTH_LIMIT;
  int written = name_size == 0
                  ? snprintf(out, size, "%*s%.*s", (int)depth * 2, "", (int)class_size, class_name)
                  : snprintf(out, size, "%*s%.*s @%.*s", (int)depth * 2, "", (int)class_size,
                             class_name, (int)name_size, name);
  return written;
}

static void read_rows(struct table *table, struct th_view actors) {
  struct th_unpack reader;
  uint32_t count = th_view_open(actors, &reader);
  table->rows = th_alloc_zeroed(count + 1, sizeof *table->rows);
  for (; count != 0 && reader.error == 0; count--) {
    struct th_view actor = th_view_next(&reader);
    size_t size;
    const char *class_name = th_view_text(actor, "class", &size);
    if (actor.data == NULL) return;
    if (th_unpack_is(class_name, size, ENDPOINT_CLASS)) {
      table->programs++;
      continue;
    }
    struct row *row = &table->rows[table->count++];
    row->actor = actor;
    row->number = th_view_address(actor, "address").number;
    th_map_put(&table->rows_by_number, row->number, row);
  }
}

static void hang_up(struct table *table) {
  for (size_t i = 0; i < table->count; i++) {
    struct row *row = &table->rows[i];
    uint64_t number = th_view_address(row->actor, "parent").number;
    struct row *parent = th_map_find(&table->rows_by_number, number);
    if (parent == NULL || parent == row) parent = &table->root;
    row->parent = parent;
    if (parent->last != NULL) {
      parent->last->next = row;
    } else {
      parent->children = row;
    }
    parent->last = row;
  }
}

/* The row after this one when parents come before their children; NULL at the end. Without
 * recursion: a chain of actors may be long. */
static struct row *following(struct row *row) {
  if (row->children != NULL) {
    row->children->depth = row->parent == NULL ? 0 : row->depth + 1;
    return row->children;
  }
  while (row->parent != NULL && row->next == NULL) row = row->parent;
  if (row->parent == NULL) return NULL;
  row->next->depth = row->depth;
  return row->next;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void measure(struct table *table) {
  char text[256];
  for (struct row *row = following(&table->root); row != NULL; row = following(row)) {
    struct th_address address = th_view_address(row->actor, "address");
    int width = label(row, text, sizeof text);
    int address_width = (int)strlen(th_address_text(&address, text));
    if (width > table->width) table->width = width < WIDTH_LIMIT ? width : WIDTH_LIMIT;
    if (address_width > table->address_width) table->address_width = address_width;
  }
}

static void put_row(const struct table *table, const struct row *row, struct th_buffer *text) {
  char first[256], place[TH_ADDRESS_TEXT_SIZE], memory[32];
  size_t source_size, state_size;
  struct th_address address = th_view_address(row->actor, "address");
  const char *source = th_view_text(row->actor, "source", &source_size);
  const char *state = th_view_text(row->actor, "state", &state_size);
  label(row, first, sizeof first);
  th_buffer_printf(
    text, "  %-*s  %-*s  %-8.*s  %-8.*s  %7lld  %8lld  %6lld  %9s\n", table->width, first,
    table->address_width, th_address_text(&address, place), source_size < 8 ? (int)source_size : 8,
    source, (int)state_size, state, (long long)th_view_int(row->actor, "waiting"),
    (long long)th_view_int(row->actor, "handled"), (long long)th_view_int(row->actor, "failed"),
    th_status_text_memory(th_view_int(row->actor, "memory"), memory));
}

static void put_table(struct table *table, struct th_buffer *text) {
  if (table->count != 0) {
    th_buffer_printf(text, "  %-*s  %-*s  %-8s  %-8s  %7s  %8s  %6s  %9s\n", table->width, "class",
                     table->address_width, "address", "source", "state", "waiting", "handled",
                     "failed", "memory");
  }
  for (struct row *row = following(&table->root); row != NULL; row = following(row)) {
    put_row(table, row, text);
  }
  th_buffer_printf(text, "  %zu actor%s, %zu program%s connected\n", table->count,
                   table->count == 1 ? "" : "s", table->programs, table->programs == 1 ? "" : "s");
}

void th_status_text_actors(struct th_view actors, struct th_buffer *text) {
  struct table table = {.width = (int)strlen("class"), .address_width = (int)strlen("address")};
  th_map_init(&table.rows_by_number);
  read_rows(&table, actors);
  hang_up(&table);
  measure(&table);
  put_table(&table, text);
  th_map_clear(&table.rows_by_number);
  free(table.rows);
}
