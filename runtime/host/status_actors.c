/* status_actors: the table of actors. Those that programs are, endpoints, are only counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/printable.h"
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
  size_t most;     /* rows that are shown */
  size_t omitted;  /* actors that are no rows */
  struct row root; /* its children have no parent here */
  struct th_map rows_by_number;
  int width; /* of the first column */
  int address_width;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* The short part of a class is what tells actors apart, but the module says whose it is: both
 * stay. */
static size_t put_label(struct th_buffer *text, const struct row *row) {
  size_t class_size, name_size;
  const char *class_name = th_view_text(row->actor, "class", &class_size);
  const char *name = th_view_text(row->actor, "name", &name_size);
  size_t width = 2 * (row->depth < DEPTH_LIMIT ? row->depth : DEPTH_LIMIT);
  th_buffer_printf(text, "%*s", (int)width, "");
  width += th_printable_append(text, class_name, class_size, "");
  if (name_size == 0) return width;
  th_buffer_append(text, " @", 2);
  return width + 2 + th_printable_append(text, name, name_size, "");
}

/* A text of the actor's in so many columns, cut after limit bytes. */
static void put_cell(struct th_buffer *text, const struct row *row, const char *name, int columns,
                     size_t limit) {
  size_t size;
  const char *value = th_view_text(row->actor, name, &size);
  size_t width = th_printable_append(text, value, size < limit ? size : limit, "");
  th_buffer_printf(text, "%*s  ", columns > (int)width ? columns - (int)width : 0, "");
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

/* Moves on to the next row that is shown: NULL at the end, or after most of them. */
static struct row *next_shown(const struct table *table, struct row *row, size_t *shown) {
  return ++*shown < table->most ? following(row) : NULL;
}

static struct row *first_shown(struct table *table) {
  return table->most > 0 ? following(&table->root) : NULL;
}

static void measure(struct table *table) {
  char place[TH_ADDRESS_TEXT_SIZE];
  struct th_buffer text;
  size_t shown = 0;
  th_buffer_init(&text);
  for (struct row *row = first_shown(table); row != NULL; row = next_shown(table, row, &shown)) {
    struct th_address address = th_view_address(row->actor, "address");
    size_t width = put_label(&text, row);
    int address_width = (int)strlen(th_address_text(&address, place));
    if (width > WIDTH_LIMIT) width = WIDTH_LIMIT;
    if ((int)width > table->width) table->width = (int)width;
    if (address_width > table->address_width) table->address_width = address_width;
    th_buffer_reset(&text);
  }
  th_buffer_clear(&text);
}

static void put_row(const struct table *table, const struct row *row, struct th_buffer *text) {
  char place[TH_ADDRESS_TEXT_SIZE], memory[32];
  struct th_address address = th_view_address(row->actor, "address");
  th_buffer_append(text, "  ", 2);
  int width = (int)put_label(text, row);
  th_buffer_printf(text, "%*s  %-*s  ", table->width > width ? table->width - width : 0, "",
                   table->address_width, th_address_text(&address, place));
  put_cell(text, row, "source", 8, 8);
  put_cell(text, row, "state", 8, SIZE_MAX);
  th_buffer_printf(
    text, "%7lld  %8lld  %6lld  %8lld  %9s  %9.3f\n", (long long)th_view_int(row->actor, "waiting"),
    (long long)th_view_int(row->actor, "handled"), (long long)th_view_int(row->actor, "failed"),
    (long long)th_view_int(row->actor, "restarts"),
    th_status_text_memory(th_view_int(row->actor, "memory"), memory),
    th_view_real(row->actor, "time"));
}

static void put_table(struct table *table, struct th_buffer *text) {
  size_t shown = 0;
  if (table->count != 0 && table->most != 0) {
    th_buffer_printf(text, "  %-*s  %-*s  %-8s  %-8s  %7s  %8s  %6s  %8s  %9s  %9s\n", table->width,
                     "class", table->address_width, "address", "source", "state", "waiting",
                     "handled", "failed", "restarts", "memory", "seconds");
  }
  for (struct row *row = first_shown(table); row != NULL; row = next_shown(table, row, &shown)) {
    put_row(table, row, text);
  }
  size_t count = table->count + table->omitted;
  if (shown < count) th_buffer_printf(text, "  ... %zu more; --all shows them\n", count - shown);
  th_buffer_printf(text, "  %zu actor%s, %zu program%s connected\n", count, count == 1 ? "" : "s",
                   table->programs, table->programs == 1 ? "" : "s");
}

void th_status_text_actors(struct th_view actors, size_t most, size_t omitted,
                           struct th_buffer *text) {
  struct table table = {.most = most,
                        .omitted = omitted,
                        .width = (int)strlen("class"),
                        .address_width = (int)strlen("address")};
  th_map_init(&table.rows_by_number);
  read_rows(&table, actors);
  hang_up(&table);
  measure(&table);
  put_table(&table, text);
  th_map_clear(&table.rows_by_number);
  free(table.rows);
}
