#include "host/status_text.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "host/json.h"

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0

/* Of one actor. */
#define CHILDREN_SHOWN 20u

static void put(struct th_buffer *text, const char *words) {
  th_buffer_append(text, words, strlen(words));
}

static void put_text(struct th_buffer *text, struct th_view map, const char *name) {
  size_t size;
  const char *value = th_view_text(map, name, &size);
  th_printable_append(text, value, size, "");
}

static void put_address(struct th_buffer *text, const struct th_address *address) {
  char words[TH_ADDRESS_TEXT_SIZE];
  put(text, th_address_is_none(address) ? "-" : th_address_text(address, words));
}

/* "1 actor", "2 actors" */
static void put_count(struct th_buffer *text, int64_t count, const char *noun) {
  th_buffer_printf(text, "%lld %s%s", (long long)count, noun, count == 1 ? "" : "s");
}

void th_status_text_duration(struct th_buffer *text, double seconds) {
  double days = seconds / DAY, hours = seconds / HOUR, minutes = seconds / MINUTE;
  if (days >= 1) {
    th_buffer_printf(text, "%d d %d h", (int)days, (int)hours % 24);
  } else if (hours >= 1) {
    th_buffer_printf(text, "%d h %d min", (int)hours, (int)minutes % 60);
  } else if (minutes >= 1) {
    th_buffer_printf(text, "%d min %d s", (int)minutes, (int)seconds % 60);
  } else {
    th_buffer_printf(text, "%.1f s", seconds);
  }
}

char *th_status_text_memory(int64_t bytes, char *out) {
  if (bytes < 10 * 1024) {
    snprintf(out, 32, "%lld B", (long long)bytes);
  } else if (bytes < 10 * 1024 * 1024) {
    snprintf(out, 32, "%lld KiB", (long long)(bytes / 1024));
  } else {
    snprintf(out, 32, "%lld MiB", (long long)(bytes / 1024 / 1024));
  }
  return out;
}

/* ---- sources --------------------------------------------------------------------------------- */

static void put_source(struct th_buffer *text, struct th_view source, int digits) {
  size_t size;
  const char *hash = th_view_text(source, "hash", &size);
  th_printable_append(text, hash, size < (size_t)digits ? size : (size_t)digits, "");
  put(text, "  ");
  put_text(text, source, "info");
  put(text, "  ");
  put_count(text, th_view_int(source, "files"), "file");
  put(text, ", ");
  put_count(text, th_view_int(source, "bytes"), "byte");
  put(text, ", ");
  put_count(text, th_view_int(source, "actors"), "actor");
  put(text, th_view_bool(source, "implicit") ? "; came with a class\n" : "\n");
}

void th_status_text_sources(struct th_view sources, int digits, struct th_buffer *text) {
  struct th_unpack reader;
  for (uint32_t count = th_view_open(sources, &reader); count != 0; count--) {
    put_source(text, th_view_next(&reader), digits);
  }
}

/* ---- system ---------------------------------------------------------------------------------- */

static void put_head(struct th_buffer *text, struct th_view status) {
  struct th_address admin = th_view_address(status, "admin");
  put_text(text, status, "base");
  put(text, " on ");
  put_text(text, status, "host");
  th_buffer_printf(text, " port %lld, pid %lld, version ", (long long)th_view_int(status, "port"),
                   (long long)th_view_int(status, "pid"));
  put_text(text, status, "version");
  put(text, "\nup ");
  th_status_text_duration(text, th_view_real(status, "uptime"));
  put(text, ", ");
  put_count(text, th_view_int(status, "workers"), "worker");
  put(text, th_view_bool(status, "shutdown") ? ", shutting down\nadmin " : "\nadmin ");
  put_address(text, &admin);
  put(text, "\n");
}

/* Pads what has that width already. */
static void pad(struct th_buffer *text, size_t width, size_t wanted) {
  for (; width < wanted; width++) put(text, " ");
}

static size_t longest_key(struct th_view map) {
  struct th_unpack reader;
  struct th_buffer shown;
  size_t longest = 0;
  th_buffer_init(&shown);
  for (uint32_t count = th_view_open(map, &reader); count != 0; count--) {
    size_t size;
    const char *key = th_unpack_str(&reader, &size);
    th_view_next(&reader);
    if (key == NULL) break;
    size_t width = th_printable_append(&shown, key, size, "");
    if (width > longest && width < 40) longest = width;
    th_buffer_reset(&shown);
  }
  th_buffer_clear(&shown);
  return longest;
}

/* Strings as they are, addresses too; other values as JSON. */
static void put_value(struct th_buffer *text, struct th_view value) {
  struct th_buffer words;
  th_buffer_init(&words);
  if (th_json_from_pack(value.data, value.size, &words) == 0) {
    th_printable_append(text, words.data, words.size, "");
  } else if (text->error == 0) {
    text->error = words.error;
  }
  th_buffer_clear(&words);
}

/* Names at the left, values at the right. */
static void put_map(struct th_buffer *text, const char *title, struct th_view map) {
  struct th_unpack reader;
  size_t width = longest_key(map);
  uint32_t count = th_view_open(map, &reader);
  if (count == 0) return;
  th_buffer_printf(text, "\n%s\n", title);
  for (; count != 0 && reader.error == 0; count--) {
    size_t size;
    const char *key = th_unpack_str(&reader, &size);
    struct th_view value = th_view_next(&reader);
    if (key == NULL || value.data == NULL) return;
    put(text, "  ");
    pad(text, th_printable_append(text, key, size, ""), width);
    put(text, "  ");
    put_value(text, value);
    put(text, "\n");
  }
}

static void put_source_list(struct th_buffer *text, struct th_view sources) {
  struct th_unpack reader;
  uint32_t count = th_view_open(sources, &reader);
  if (count != 0) put(text, "\nSources\n");
  for (; count != 0; count--) {
    put(text, "  ");
    put_source(text, th_view_next(&reader), 16);
  }
}

/* Nothing to tell but on the UDP base, and mostly not there. */
static void put_datagrams(struct th_buffer *text, struct th_view counters) {
  int64_t lost = th_view_int(counters, "lost"), strange = th_view_int(counters, "strange");
  if (lost == 0 && strange == 0) return;
  put(text, "  ");
  put_count(text, lost, "datagram");
  th_buffer_printf(text, " lost on the way, %lld that were none of ours\n", (long long)strange);
}

static void put_counters(struct th_buffer *text, struct th_view status) {
  static const char *const names[] = {"sent", "delivered", "waiting", "dead", "poisoned"};
  struct th_view counters = th_view_field(status, "counters");
  struct th_unpack reader;
  struct th_view handlers = th_view_field(status, "deadLetterHandlers");
  put(text, "\nMessages\n ");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    th_buffer_printf(text, "%s %s %lld", i != 0 ? "," : "", names[i],
                     (long long)th_view_int(counters, names[i]));
  }
  put(text, "\n  ");
  put_count(text, th_view_open(handlers, &reader), "handler");
  put(text, " of dead letters, ");
  put_count(text, th_view_int(counters, "wakeups"), "wakeup");
  put(text, " to come\n");
  put_datagrams(text, counters);
  th_buffer_printf(text, "\nActors (%lld created, %lld exited, %lld restarted)\n",
                   (long long)th_view_int(counters, "created"),
                   (long long)th_view_int(counters, "exited"),
                   (long long)th_view_int(counters, "restarts"));
}

void th_status_text_system(struct th_view status, size_t most, struct th_buffer *text) {
  put_head(text, status);
  put_map(text, "Capabilities", th_view_field(status, "capabilities"));
  put_source_list(text, th_view_field(status, "sources"));
  put_map(text, "Names", th_view_field(status, "names"));
  th_status_text_convention(th_view_field(status, "convention"), text);
  th_status_text_links(th_view_field(status, "peers"), text);
  put_counters(text, status);
  th_status_text_actors(th_view_field(status, "actors"), most,
                        (size_t)th_view_int(status, "omitted"), text);
}

/* ---- actor ----------------------------------------------------------------------------------- */

static void put_line(struct th_buffer *text, struct th_view actor, const char *name) {
  size_t size;
  const char *value = th_view_text(actor, name, &size);
  if (size == 0) return;
  th_buffer_printf(text, "  %-8s ", name);
  th_printable_append(text, value, size, "");
  put(text, "\n");
}

static void put_children(struct th_buffer *text, struct th_view actor) {
  struct th_unpack reader;
  char place[TH_ADDRESS_TEXT_SIZE];
  uint32_t count = th_view_open(th_view_field(actor, "children"), &reader);
  if (count == 0) return;
  th_buffer_printf(text, "  children %u\n", count);
  for (uint32_t shown = 0; shown < count && reader.error == 0; shown++) {
    if (shown == CHILDREN_SHOWN) {
      th_buffer_printf(text, "    ... %u more\n", count - shown);
      return;
    }
    struct th_address address = th_unpack_address(&reader);
    if (reader.error == 0) th_buffer_printf(text, "    %s\n", th_address_text(&address, place));
  }
}

static void put_address_line(struct th_buffer *text, struct th_view actor, const char *name) {
  struct th_address address = th_view_address(actor, name);
  if (th_address_is_none(&address)) return;
  th_buffer_printf(text, "  %-8s ", name);
  put_address(text, &address);
  put(text, "\n");
}

/* Who asked by the alias sees it as the address. */
static void put_alias(struct th_buffer *text, struct th_view actor) {
  struct th_address address = th_view_address(actor, "address");
  struct th_address alias = th_view_address(actor, "alias");
  if (!th_address_equal(&address, &alias)) put_address_line(text, actor, "alias");
}

void th_status_text_actor(struct th_view status, struct th_buffer *text) {
  static const char *const counts[] = {"waiting", "handled", "failed", "restarts", "wakeups"};
  char memory[32];
  put_text(text, status, "class");
  put(text, "\n");
  put_address_line(text, status, "address");
  put_alias(text, status);
  put_line(text, status, "name");
  put_address_line(text, status, "parent");
  put_address_line(text, status, "admin");
  put_line(text, status, "source");
  put_line(text, status, "state");
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    th_buffer_printf(text, "  %-8s %lld\n", counts[i], (long long)th_view_int(status, counts[i]));
  }
  th_status_text_memory(th_view_int(status, "memory"), memory);
  th_buffer_printf(text, "  %-8s %s\n  %-8s %.3f s\n", "memory", memory, "time",
                   th_view_real(status, "time"));
  put_children(text, status);
}
