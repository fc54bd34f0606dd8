#include "host/status_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/json.h"
#include "message/pack.h"

static const struct th_address root = {.system = 0xab, .number = 1};

static void pack_text(struct th_buffer *buffer, const char *name, const char *value) {
  th_pack_text(buffer, name);
  th_pack_text(buffer, value);
}

static void pack_int(struct th_buffer *buffer, const char *name, int64_t value) {
  th_pack_text(buffer, name);
  th_pack_int(buffer, value);
}

static void pack_address(struct th_buffer *buffer, const char *name, uint64_t number) {
  struct th_address address = {.system = number != 0 ? root.system : 0, .number = number};
  th_pack_text(buffer, name);
  th_pack_address(buffer, &address);
}

static void pack_actor(struct th_buffer *buffer, uint64_t number, uint64_t parent,
                       const char *class_name, const char *name) {
  th_pack_map(buffer, 12);
  pack_address(buffer, "address", number);
  pack_text(buffer, "class", class_name);
  pack_text(buffer, "name", name);
  pack_address(buffer, "parent", parent);
  pack_text(buffer, "source", number == 5 ? "0123456789abcdef" : NULL);
  pack_text(buffer, "state", "running");
  pack_int(buffer, "waiting", 2);
  pack_int(buffer, "handled", 31);
  pack_int(buffer, "failed", 1);
  pack_int(buffer, "restarts", 4);
  pack_int(buffer, "memory", (int64_t)number * 10000);
  th_pack_text(buffer, "time");
  th_pack_real(buffer, 1.5);
}

static struct th_view view(const struct th_buffer *buffer) {
  assert_int_equal(buffer->error, 0);
  return (struct th_view){buffer->data, buffer->size};
}

static void assert_text(struct th_buffer *text, const char *expected) {
  th_buffer_append(text, "", 1);
  assert_int_equal(text->error, 0);
  assert_string_equal(text->data, expected);
  th_buffer_clear(text);
}

static void an_actor_is_one_fact_a_line(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_actor(&packed, 5, 1, "m.Worker", "joe");
  th_status_text_actor(view(&packed), &text);
  assert_text(&text, "m.Worker\n"
                     "  address  a5.00000000000000ab\n"
                     "  name     joe\n"
                     "  parent   a1.00000000000000ab\n"
                     "  source   0123456789abcdef\n"
                     "  state    running\n"
                     "  waiting  2\n"
                     "  handled  31\n"
                     "  failed   1\n"
                     "  restarts 4\n"
                     "  wakeups  0\n"
                     "  memory   48 KiB\n"
                     "  time     1.500 s\n");
  th_buffer_clear(&packed);
}

static void actors_stand_below_their_parents_and_programs_are_counted(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 6);
  pack_actor(&packed, 7, 5, "m.Grandchild", NULL);
  pack_actor(&packed, 4, 1, "thespian.Endpoint", NULL);
  pack_actor(&packed, 3, 1, "m.First", "joe");
  pack_actor(&packed, 5, 3, "m.Child", NULL);
  pack_actor(&packed, 6, 4, "m.OfProgram", NULL);
  pack_actor(&packed, 8, 3, "m.Child", NULL);
  th_status_text_actors(view(&packed), SIZE_MAX, 0, &text);
  assert_text(&text,
              "  class             address              source    state     waiting   handled  "
              "failed  restarts     memory    seconds\n"
              "  m.First @joe      a3.00000000000000ab            running         2        31  "
              "     1         4     29 KiB      1.500\n"
              "    m.Child         a5.00000000000000ab  01234567  running         2        31  "
              "     1         4     48 KiB      1.500\n"
              "      m.Grandchild  a7.00000000000000ab            running         2        31  "
              "     1         4     68 KiB      1.500\n"
              "    m.Child         a8.00000000000000ab            running         2        31  "
              "     1         4     78 KiB      1.500\n"
              "  m.OfProgram       a6.00000000000000ab            running         2        31  "
              "     1         4     58 KiB      1.500\n"
              "  5 actors, 1 program connected\n");
  th_buffer_clear(&packed);
}

static void actors_that_are_their_own_ancestors_are_no_endless_tree(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 3);
  pack_actor(&packed, 3, 3, "m.Self", NULL);
  pack_actor(&packed, 5, 6, "m.One", NULL);
  pack_actor(&packed, 6, 5, "m.Other", NULL);
  th_status_text_actors(view(&packed), SIZE_MAX, 0, &text);
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, "m.Self"));
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

static void a_long_chain_of_actors_is_shown_to_its_end(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 20000);
  for (uint64_t i = 0; i < 20000; i++) pack_actor(&packed, 10 + i, 9 + i, "m.Link", NULL);
  th_status_text_actors(view(&packed), SIZE_MAX, 0, &text);
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, "a20009."));
  assert_non_null(strstr((const char *)text.data, "  20000 actors, 0 programs connected\n"));
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

static void no_more_actors_are_shown_than_asked_for(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 5);
  for (uint64_t i = 0; i < 5; i++) pack_actor(&packed, 10 + i, 10, "m.Worker", NULL);
  th_status_text_actors(view(&packed), 3, 0, &text);
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, "a12."));
  assert_null(strstr((const char *)text.data, "a13."));
  assert_non_null(strstr((const char *)text.data, "\n  ... 2 more; --all shows them\n"
                                                  "  5 actors, 0 programs connected\n"));
  th_buffer_reset(&text);
  th_status_text_actors(view(&packed), 5, 0, &text);
  th_buffer_append(&text, "", 1);
  assert_null(strstr((const char *)text.data, "more"));
  th_buffer_reset(&text);
  th_status_text_actors(view(&packed), 5, 7, &text);
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, "\n  ... 7 more; --all shows them\n"
                                                  "  12 actors, 0 programs connected\n"));
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

static void children_are_listed_up_to_twenty(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_map(&packed, 1);
  th_pack_text(&packed, "children");
  th_pack_array(&packed, 23);
  for (uint64_t i = 0; i < 23; i++) {
    struct th_address address = {.system = root.system, .number = 10 + i};
    th_pack_address(&packed, &address);
  }
  th_status_text_actor(view(&packed), &text);
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, "  children 23\n    a10."));
  assert_non_null(strstr((const char *)text.data, "    a29.00000000000000ab\n    ... 3 more\n"));
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

static void pack_source(struct th_buffer *buffer, const char *hash, bool implicit) {
  th_pack_map(buffer, 6);
  pack_text(buffer, "hash", hash);
  pack_text(buffer, "info", "words.zip");
  pack_int(buffer, "bytes", 2345);
  pack_int(buffer, "files", 1);
  th_pack_text(buffer, "implicit");
  th_pack_bool(buffer, implicit);
  pack_int(buffer, "actors", 3);
}

static void sources_are_one_line_each(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 2);
  pack_source(&packed, "0123456789", false);
  pack_source(&packed, "abcdef", true);
  th_status_text_sources(view(&packed), 8, &text);
  assert_text(&text, "01234567  words.zip  1 file, 2345 bytes, 3 actors\n"
                     "abcdef  words.zip  1 file, 2345 bytes, 3 actors; came with a class\n");
  th_buffer_clear(&packed);
}

static void pack_system(struct th_buffer *packed, double uptime) {
  th_pack_map(packed, 14);
  pack_text(packed, "base", "multiprocTCPBase");
  pack_text(packed, "version", "0.1.0");
  pack_int(packed, "pid", 77);
  pack_address(packed, "admin", 1);
  pack_text(packed, "host", "127.0.0.1");
  pack_int(packed, "port", 1900);
  th_pack_text(packed, "uptime");
  th_pack_real(packed, uptime);
  pack_int(packed, "workers", 1);
  th_pack_text(packed, "capabilities");
  th_pack_map(packed, 2);
  pack_int(packed, "Admin Port", 1900);
  pack_text(packed, "Colour", "red");
  th_pack_text(packed, "names");
  th_pack_map(packed, 1);
  pack_address(packed, "joe", 3);
  th_pack_text(packed, "sources");
  th_pack_array(packed, 1);
  pack_source(packed, "0123456789abcdef0123456789", false);
  th_pack_text(packed, "deadLetterHandlers");
  th_pack_array(packed, 0);
  th_pack_text(packed, "counters");
  th_pack_map(packed, 2);
  pack_int(packed, "sent", 12);
  pack_int(packed, "created", 4);
  th_pack_text(packed, "actors");
  th_pack_array(packed, 0);
}

static void a_system_is_laid_out_in_paragraphs(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_system(&packed, 3.25);
  th_status_text_system(view(&packed), SIZE_MAX, &text);
  assert_text(&text, "multiprocTCPBase on 127.0.0.1 port 1900, pid 77, version 0.1.0\n"
                     "up 3.2 s, 1 worker\n"
                     "admin a1.00000000000000ab\n"
                     "\n"
                     "Capabilities\n"
                     "  Admin Port  1900\n"
                     "  Colour      red\n"
                     "\n"
                     "Sources\n"
                     "  0123456789abcdef  words.zip  1 file, 2345 bytes, 3 actors\n"
                     "\n"
                     "Names\n"
                     "  joe  a3.00000000000000ab\n"
                     "\n"
                     "Messages\n"
                     "  sent 12, delivered 0, waiting 0, dead 0, poisoned 0\n"
                     "  0 handlers of dead letters, 0 wakeups to come\n"
                     "\n"
                     "Actors (4 created, 0 exited, 0 restarted)\n"
                     "  0 actors, 0 programs connected\n");
  th_buffer_clear(&packed);
}

static void pack_system_address(struct th_buffer *buffer, const char *name, uint64_t system) {
  struct th_address address = {.system = system, .number = 1, .ip = 0x7f000001, .port = 1900};
  th_pack_text(buffer, name);
  th_pack_address(buffer, &address);
}

static void pack_real(struct th_buffer *buffer, const char *name, double value) {
  th_pack_text(buffer, name);
  th_pack_real(buffer, value);
}

/* {place, admin, state, age} */
static void pack_leader(struct th_buffer *buffer, uint64_t system, const char *state) {
  th_pack_map(buffer, 4);
  pack_text(buffer, "place", "10.0.0.1:1900");
  if (system != 0)
    pack_system_address(buffer, "admin", system);
  else
    pack_text(buffer, "admin", NULL);
  pack_text(buffer, "state", state);
  if (strcmp(state, "registered") == 0)
    pack_real(buffer, "age", 0.5);
  else
    pack_text(buffer, "age", NULL);
}

static void pack_members(struct th_buffer *packed) {
  th_pack_array(packed, 2);
  th_pack_map(packed, 4);
  pack_system_address(packed, "admin", 0xcd);
  th_pack_text(packed, "capabilities");
  th_pack_map(packed, 6);
  pack_text(packed, "Thespian Version", "0.1.0");
  th_pack_text(packed, "Printer");
  th_pack_bool(packed, true);
  pack_text(packed, "Colour", "red\n");
  pack_text(packed, "Long",
            "0123456789012345678901234567890123456789012345678901234567890123456789"
            "0123456789012345678901234567890123456789");
  pack_int(packed, "Admin Port", 1);
  pack_int(packed, "More", 1);
  pack_real(packed, "age", 2.25);
  th_pack_text(packed, "preregistered");
  th_pack_bool(packed, false);
  th_pack_map(packed, 3);
  pack_text(packed, "place", "10.0.0.7:1900");
  pack_text(packed, "capabilities", NULL);
  th_pack_text(packed, "preregistered");
  th_pack_bool(packed, true);
}

static void pack_convention(struct th_buffer *packed, uint64_t leader, bool is_leader,
                            const char *state) {
  th_pack_map(packed, 4);
  if (leader != 0)
    pack_system_address(packed, "leader", leader);
  else
    pack_text(packed, "leader", NULL);
  th_pack_text(packed, "isLeader");
  th_pack_bool(packed, is_leader);
  th_pack_text(packed, "leaders");
  th_pack_array(packed, 1);
  pack_leader(packed, leader, state);
  th_pack_text(packed, "members");
  if (is_leader)
    pack_members(packed);
  else
    th_pack_array(packed, 0);
}

static void a_leader_shows_its_members(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_convention(&packed, 0xab, true, "own");
  th_status_text_convention(view(&packed), &text);
  assert_text(&text,
              "\nConvention, led by this system\n"
              "  leader                              answered       state\n"
              "  a1.00000000000000ab@127.0.0.1:1900                 this system\n"
              "  member                              checked in     capabilities\n"
              "  a1.00000000000000cd@127.0.0.1:1900  2.2 s ago      Printer, Colour red\\x0a, Long "
              "0123456789012345678901234567890123456789012345678901234567890123456789"
              "0123456789012345678901234567890123456789, ...\n"
              "  10.0.0.7:1900                       awaited\n");
  th_buffer_clear(&packed);
}

static void a_member_shows_its_leader(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_convention(&packed, 0xcd, false, "registered");
  th_status_text_convention(view(&packed), &text);
  assert_text(&text, "\nConvention, led by a1.00000000000000cd@127.0.0.1:1900\n"
                     "  leader                              answered       state\n"
                     "  a1.00000000000000cd@127.0.0.1:1900  0.5 s ago      registered\n");
  th_buffer_reset(&packed);
  th_buffer_init(&text);
  pack_convention(&packed, 0, false, "sought");
  th_status_text_convention(view(&packed), &text);
  assert_text(&text, "\nConvention, whose leader is not there\n"
                     "  leader                 answered       state\n"
                     "  10.0.0.1:1900          never          sought\n");
  th_buffer_clear(&packed);
}

static void pack_peer(struct th_buffer *packed, uint64_t system, bool is_up) {
  th_pack_map(packed, 10);
  pack_system_address(packed, "admin", system);
  th_pack_text(packed, "isUp");
  th_pack_bool(packed, is_up);
  pack_real(packed, "upFor", is_up ? 65 : 0);
  pack_real(packed, "silentFor", 3);
  pack_int(packed, "sent", 11);
  pack_int(packed, "received", 12);
  pack_int(packed, "acknowledged", 13);
  pack_int(packed, "repeated", 14);
  pack_int(packed, "connections", 15);
  pack_int(packed, "waiting", 16);
}

static void links_are_one_line_each(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_array(&packed, 2);
  pack_peer(&packed, 0xcd, true);
  pack_peer(&packed, 0xef, false);
  th_status_text_links(view(&packed), &text);
  assert_text(&text, "\nLinks\n"
                     "  system                                    for                sent  received"
                     "  waiting  repeated  connections\n"
                     "  a1.00000000000000cd@127.0.0.1:1900  up    1 min 5 s            11        12"
                     "       16        14           15\n"
                     "  a1.00000000000000ef@127.0.0.1:1900  down  3.0 s                11        12"
                     "       16        14           15\n");
  th_buffer_clear(&packed);
}

static void assert_harmless(const struct th_buffer *packed,
                            void (*show)(struct th_view status, struct th_buffer *text)) {
  struct th_buffer text;
  th_buffer_init(&text);
  for (size_t size = 0; size < packed->size; size++) {
    unsigned char *copy = malloc(size + 1);
    memcpy(copy, packed->data, size);
    struct th_view cut = {realloc(copy, size != 0 ? size : 1), size};
    show(cut, &text);
    free((void *)(uintptr_t)cut.data);
  }
  th_buffer_clear(&text);
}

static void a_convention_that_is_none_harms_nothing(void **state) {
  (void)state;
  struct th_buffer packed;
  th_buffer_init(&packed);
  pack_convention(&packed, 0xab, true, "own");
  assert_harmless(&packed, th_status_text_convention);
  th_buffer_reset(&packed);
  th_pack_array(&packed, 2);
  pack_peer(&packed, 0xcd, true);
  pack_peer(&packed, 0xef, false);
  assert_harmless(&packed, th_status_text_links);
  th_buffer_clear(&packed);
}

static void durations_have_two_units(void **state) {
  (void)state;
  static const struct {
    double seconds;
    const char *words;
  } cases[] = {{59.9, "up 59.9 s,"},
               {61, "up 1 min 1 s,"},
               {3600 * 5 + 60 * 7, "up 5 h 7 min,"},
               {86400 * 3 + 3600 * 23, "up 3 d 23 h,"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct th_buffer packed, text;
    th_buffer_init(&packed);
    th_buffer_init(&text);
    pack_system(&packed, cases[i].seconds);
    th_status_text_system(view(&packed), SIZE_MAX, &text);
    th_buffer_append(&text, "", 1);
    assert_non_null(strstr((const char *)text.data, cases[i].words));
    th_buffer_clear(&text);
    th_buffer_clear(&packed);
  }
}

/* Every way to cut a status off, and what is no status at all: nothing is read that is not
 * there. */
static void a_status_that_is_none_harms_nothing(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_system(&packed, 1);
  for (size_t size = 0; size < packed.size; size++) {
    unsigned char *copy = malloc(size + 1);
    memcpy(copy, packed.data, size);
    struct th_view cut = {realloc(copy, size != 0 ? size : 1), size};
    th_status_text_system(cut, SIZE_MAX, &text);
    th_status_text_actor(cut, &text);
    th_status_text_sources(cut, 8, &text);
    free((void *)(uintptr_t)cut.data);
  }
  th_status_text_system((struct th_view){0}, SIZE_MAX, &text);
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

#define EVIL "\x1b]0;\xff"
#define SHOWN "\\x1b]0;\\xff"

static void strangers_words_are_made_printable(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  th_pack_map(&packed, 4);
  pack_text(&packed, "base", EVIL);
  pack_text(&packed, "version", EVIL);
  th_pack_text(&packed, "capabilities");
  th_pack_map(&packed, 3);
  pack_text(&packed, EVIL, EVIL);
  th_pack_text(&packed, "list");
  th_pack_array(&packed, 1);
  th_pack_text(&packed, EVIL);
  pack_int(&packed, "n", 1);
  th_pack_text(&packed, "sources");
  th_pack_array(&packed, 1);
  th_pack_map(&packed, 2);
  pack_text(&packed, "hash", EVIL);
  pack_text(&packed, "info", EVIL);
  th_status_text_system(view(&packed), SIZE_MAX, &text);
  for (size_t i = 0; i < text.size; i++) {
    assert_true((text.data[i] >= ' ' || text.data[i] == '\n') && text.data[i] < 0x7f);
  }
  th_buffer_append(&text, "", 1);
  assert_non_null(strstr((const char *)text.data, SHOWN " on "));
  assert_non_null(strstr((const char *)text.data, "version " SHOWN "\n"));
  /* The width of a name is what is shown of it. */
  assert_non_null(strstr((const char *)text.data, "\n  " SHOWN "  " SHOWN "\n"
                                                  "  list         [\"\\u001b]0;\\u00ff\"]\n"
                                                  "  n            1\n"));
  assert_non_null(strstr((const char *)text.data, "\n  " SHOWN "  " SHOWN "  0 files"));
  th_buffer_clear(&text);
  th_buffer_clear(&packed);
}

static void actors_words_are_made_printable(void **state) {
  (void)state;
  struct th_buffer packed, text;
  th_buffer_init(&packed);
  th_buffer_init(&text);
  pack_actor(&packed, 3, 1, EVIL, EVIL);
  th_status_text_actor(view(&packed), &text);
  th_buffer_append(&text, "", 1);
  assert_ptr_equal(strstr((const char *)text.data, SHOWN "\n"), text.data);
  assert_non_null(strstr((const char *)text.data, "  name     " SHOWN "\n"));
  assert_null(strpbrk((const char *)text.data, "\x1b\xff"));
  th_buffer_reset(&packed);
  th_buffer_reset(&text);
  th_pack_array(&packed, 1);
  pack_actor(&packed, 3, 1, EVIL, EVIL);
  th_status_text_actors(view(&packed), SIZE_MAX, 0, &text);
  assert_text(&text,
              "  class                     address              source    state     waiting   "
              "handled  failed  restarts     memory    seconds\n"
              "  " SHOWN " @" SHOWN "  a3.00000000000000ab            running         2        31"
              "       1         4     29 KiB      1.500\n"
              "  1 actor, 0 programs connected\n");
  th_buffer_clear(&packed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_actor_is_one_fact_a_line),
    cmocka_unit_test(actors_stand_below_their_parents_and_programs_are_counted),
    cmocka_unit_test(actors_that_are_their_own_ancestors_are_no_endless_tree),
    cmocka_unit_test(a_long_chain_of_actors_is_shown_to_its_end),
    cmocka_unit_test(no_more_actors_are_shown_than_asked_for),
    cmocka_unit_test(children_are_listed_up_to_twenty),
    cmocka_unit_test(sources_are_one_line_each),
    cmocka_unit_test(a_system_is_laid_out_in_paragraphs),
    cmocka_unit_test(a_leader_shows_its_members),
    cmocka_unit_test(a_member_shows_its_leader),
    cmocka_unit_test(links_are_one_line_each),
    cmocka_unit_test(a_convention_that_is_none_harms_nothing),
    cmocka_unit_test(durations_have_two_units),
    cmocka_unit_test(a_status_that_is_none_harms_nothing),
    cmocka_unit_test(strangers_words_are_made_printable),
    cmocka_unit_test(actors_words_are_made_printable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
