/* status_convention: the other systems. On a leader its members, on a member its leaders, and the links
 * to all that messages were exchanged with. */
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "host/json.h"
#include "host/status_text.h"

/* Of a member's capabilities, in bytes. */
#define SHORT 100

static void put(struct th_buffer *text, const char *words) {
  th_buffer_append(text, words, strlen(words));
}

/* ---- capabilities, in short ---- */

/* Every system has these, or they are about itself alone. */
static bool is_usual(const char *name, size_t size) {
  static const char *const usual[] = {"AllowRemoteActorSources", "Lua Version", "Admin Port",
                                      "Admin Host"};
  static const char *const beginnings[] = {"Thespian ", "Convention "};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
    if (th_unpack_is(name, size, usual[i])) return true;
  for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
    size_t length = strlen(beginnings[i]);
    if (size >= length && memcmp(name, beginnings[i], length) == 0) return true;
  }
  return false;
}

/* What is true is said by its name alone. */
static void put_capability(struct th_buffer *text, const char *name, size_t size,
                           struct th_view value) {
  struct th_buffer words;
  th_buffer_init(&words);
  th_printable_append(text, name, size, "");
  if (th_json_from_pack(value.data, value.size, &words) == 0 &&
      !th_unpack_is((const char *)words.data, words.size, "true")) {
    put(text, " ");
    th_printable_append(text, words.data, words.size, "");
  }
  th_buffer_clear(&words);
}

static void put_capabilities(struct th_buffer *text, struct th_view map) {
  struct th_unpack reader;
  size_t before = text->size;
  for (uint32_t count = th_view_open(map, &reader); count != 0 && reader.error == 0; count--) {
    size_t size;
    const char *name = th_unpack_str(&reader, &size);
    struct th_view value = th_view_next(&reader);
    if (name == NULL || value.data == NULL || is_usual(name, size)) continue;
    if (text->size != before) put(text, ", ");
    if (text->size > before + SHORT) {
      put(text, "...");
      return;
    }
    put_capability(text, name, size, value);
  }
}

/* ---- rows ---- */

/* Who it is; where nobody is known, the place where one is sought. Padded. */
static void put_who(struct th_buffer *text, struct th_view other, int width) {
  char words[TH_ADDRESS_TEXT_SIZE];
  struct th_address admin = th_view_address(other, "admin");
  size_t size;
  const char *place = th_view_text(other, "place", &size);
  if (!th_address_is_none(&admin)) {
    th_buffer_printf(text, "  %-*s", width, th_address_text(&admin, words));
  } else {
    put(text, "  ");
    int shown = (int)th_printable_append(text, place, size, "");
    th_buffer_printf(text, "%*s", width > shown ? width - shown : 0, "");
  }
}

static int width_of(struct th_view others) {
  struct th_unpack reader;
  char words[TH_ADDRESS_TEXT_SIZE];
  int width = (int)strlen("255.255.255.255:65535");
  for (uint32_t count = th_view_open(others, &reader); count != 0; count--) {
    struct th_address admin = th_view_address(th_view_next(&reader), "admin");
    int own = (int)strlen(th_address_text(&admin, words));
    if (own > width) width = own;
  }
  return width;
}

/* The last column has no width, and may be empty. */
static void end_row(struct th_buffer *text) {
  while (text->size > 0 && text->data[text->size - 1] == ' ') text->size--;
  put(text, "\n");
}

static bool has(struct th_view map, const char *name) {
  return th_view_field(map, name).data != NULL;
}

/* Padded, too. */
static void put_age(struct th_buffer *text, struct th_view other, const char *none) {
  struct th_buffer words;
  th_buffer_init(&words);
  if (has(other, "age")) {
    th_status_text_duration(&words, th_view_real(other, "age"));
    put(&words, " ago");
  } else {
    put(&words, none);
  }
  th_buffer_printf(text, "  %-13.*s", (int)words.size, (const char *)words.data);
  th_buffer_clear(&words);
}

static void put_members(struct th_buffer *text, struct th_view members) {
  struct th_unpack reader;
  int width = width_of(members);
  uint32_t count = th_view_open(members, &reader);
  if (count != 0)
    th_buffer_printf(text, "  %-*s  %-13s  %s\n", width, "member", "checked in", "capabilities");
  for (; count != 0 && reader.error == 0; count--) {
    struct th_view member = th_view_next(&reader);
    put_who(text, member, width);
    put_age(text, member, "awaited");
    put(text, "  ");
    put_capabilities(text, th_view_field(member, "capabilities"));
    end_row(text);
  }
}

static void put_leaders(struct th_buffer *text, struct th_view leaders) {
  struct th_unpack reader;
  int width = width_of(leaders);
  uint32_t count = th_view_open(leaders, &reader);
  if (count != 0)
    th_buffer_printf(text, "  %-*s  %-13s  %s\n", width, "leader", "answered", "state");
  for (; count != 0 && reader.error == 0; count--) {
    struct th_view leader = th_view_next(&reader);
    size_t size;
    const char *state = th_view_text(leader, "state", &size);
    bool is_own = th_unpack_is(state, size, "own");
    put_who(text, leader, width);
    put_age(text, leader, is_own ? "" : "never");
    put(text, "  ");
    th_printable_append(text, is_own ? "this system" : state, is_own ? 11 : size, "");
    put(text, "\n");
  }
}

void th_status_text_convention(struct th_view convention, struct th_buffer *text) {
  char words[TH_ADDRESS_TEXT_SIZE];
  struct th_address leader = th_view_address(convention, "leader");
  if (convention.data == NULL) return;
  if (th_view_bool(convention, "isLeader"))
    put(text, "\nConvention, led by this system\n");
  else if (th_address_is_none(&leader))
    put(text, "\nConvention, whose leader is not there\n");
  else
    th_buffer_printf(text, "\nConvention, led by %s\n", th_address_text(&leader, words));
  put_leaders(text, th_view_field(convention, "leaders"));
  put_members(text, th_view_field(convention, "members"));
}

/* ---- links ---- */

static void put_link(struct th_buffer *text, struct th_view peer, int width) {
  struct th_buffer since;
  bool is_up = th_view_bool(peer, "isUp");
  th_buffer_init(&since);
  th_status_text_duration(&since, th_view_real(peer, is_up ? "upFor" : "silentFor"));
  put_who(text, peer, width);
  th_buffer_printf(
    text, "  %-4s  %-13.*s  %8lld  %8lld  %7lld  %8lld  %11lld\n", is_up ? "up" : "down",
    (int)since.size, (const char *)since.data, (long long)th_view_int(peer, "sent"),
    (long long)th_view_int(peer, "received"), (long long)th_view_int(peer, "waiting"),
    (long long)th_view_int(peer, "repeated"), (long long)th_view_int(peer, "connections"));
  th_buffer_clear(&since);
}

void th_status_text_links(struct th_view peers, struct th_buffer *text) {
  struct th_unpack reader;
  int width = width_of(peers);
  uint32_t count = th_view_open(peers, &reader);
  if (count == 0) return;
  th_buffer_printf(text, "\nLinks\n  %-*s  %-4s  %-13s  %8s  %8s  %7s  %8s  %11s\n", width,
                   "system", "", "for", "sent", "received", "waiting", "repeated", "connections");
  for (; count != 0 && reader.error == 0; count--) put_link(text, th_view_next(&reader), width);
}
