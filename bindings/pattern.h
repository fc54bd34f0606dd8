/* pattern: matches Lua patterns, as the manual describes them (6.4.1).
 *
 * A match walks the pattern item by item. Where several continuations are possible it tries them in
 * turn, the first one that leads to the pattern's end counts: each is a nested call, at most
 * TH_PATTERN_DEPTH deep. The steps are counted: patterns can take exponential time.
 *
 * Threads: turn. Owns: nothing; subject and pattern must live while it is used.
 */
#ifndef TH_BINDINGS_PATTERN_H
#define TH_BINDINGS_PATTERN_H

#include <stddef.h>

#include "bindings/effort.h"

#define TH_PATTERN_DEPTH 200
#define TH_PATTERN_CAPTURES 32

/* Sizes of captures that are no texts. */
#define TH_PATTERN_OPEN (-1)
#define TH_PATTERN_POSITION (-2)

struct th_pattern {
  const char *subject, *subject_end;
  const char *begin, *end; /* of the pattern, without the anchor */
  bool is_anchored;
  int literal; /* the byte that every match begins with, or -1 */
  struct th_effort effort;
  int depth;
  int count; /* of captures */
  struct {
    const char *begin;
    ptrdiff_t size;
  } captures[TH_PATTERN_CAPTURES];
};

/* The pattern begins with what with_anchor says: whether ^ is special. */
void th_pattern_init(struct th_pattern *pattern, lua_State *L, const char *subject,
                     size_t subject_size, const char *text, size_t size, bool with_anchor);

/* The end of the match that begins at begin; NULL when there is none. Raises for a malformed
 * pattern. */
const char *th_pattern_match(struct th_pattern *pattern, const char *begin);

/* The first match that begins at *begin or later: *begin is set to it. */
const char *th_pattern_search(struct th_pattern *pattern, const char **begin);

/* Pushes capture index (from 0), of a match from begin to end; the first is the whole match where
 * the pattern has no captures. [-0, +1, e] */
void th_pattern_push(const struct th_pattern *pattern, int index, const char *begin,
                     const char *end);

/* Pushes all captures; the whole match where there are none and begin is not NULL. Gives how
 * many. */
int th_pattern_push_all(const struct th_pattern *pattern, const char *begin, const char *end);

/* Whether the text has no special characters: then it only matches itself. */
bool th_pattern_is_plain(const char *text, size_t size);

#endif
