#include "bindings/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

/* Steps of one call of find, match, gsub or an iterator of gmatch: some seconds. */
#define STEPS 1000000000

/* What runs for each byte; compilers think it too large. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* One item that matches a single byte. */
struct item {
  const char *begin;
  const char *end;
};

static const char *match(struct th_pattern *pattern, const char *s, const char *p);

static int raise(const struct th_pattern *pattern, const char *words) {
  return luaL_error(pattern->effort.L, "%s", words);
}

/* ---- what matches a byte ---- */

static bool is_in_class(int byte, int letter) {
  int is_in;
  switch (letter | 0x20) {
  case 'a':
    is_in = isalpha(byte);
    break;
  case 'c':
    is_in = iscntrl(byte);
    break;
  case 'd':
    is_in = isdigit(byte);
    break;
  case 'g':
    is_in = isgraph(byte);
    break;
  case 'l':
    is_in = islower(byte);
    break;
  case 'p':
    is_in = ispunct(byte);
    break;
  case 's':
    is_in = isspace(byte);
    break;
  case 'u':
    is_in = isupper(byte);
    break;
  case 'w':
    is_in = isalnum(byte);
    break;
  case 'x':
    is_in = isxdigit(byte);
    break;
  case 'z':
    is_in = byte == 0;
    break; /* not in the manual any more */
  default:
    return letter == byte;
  }
  return isupper(letter) ? is_in == 0 : is_in != 0;
}

/* begin is behind the [, end at the ]. */
static bool is_in_set(int byte, const char *begin, const char *end) {
  bool when_found = *begin != '^';
  if (!when_found) begin++;
  while (begin < end) {
    int first = (unsigned char)*begin;
    if (first == '%' && begin + 1 < end) {
      if (is_in_class(byte, (unsigned char)begin[1])) return when_found;
      begin += 2;
    } else if (begin + 2 < end && begin[1] == '-') {
      if (first <= byte && byte <= (unsigned char)begin[2]) return when_found;
      begin += 3;
    } else {
      if (first == byte) return when_found;
      begin++;
    }
  }
  return !when_found;
}

ALWAYS_INLINE bool fits(int byte, struct item item) {
  switch (*item.begin) {
  case '.':
    return true;
  case '%':
    return is_in_class(byte, (unsigned char)item.begin[1]);
  case '[':
    return is_in_set(byte, item.begin + 1, item.end - 1);
  default:
    return byte == (unsigned char)*item.begin;
  }
}

/* p is at the [. The first byte of a set is never its end. */
static const char *find_set_end(const struct th_pattern *pattern, const char *p) {
  p++;
  if (p < pattern->end && *p == '^') p++;
  for (bool is_first = true; p < pattern->end; is_first = false) {
    if (*p == ']' && !is_first) return p + 1;
    p += *p == '%' && p + 1 < pattern->end ? 2 : 1;
  }
  raise(pattern, "malformed pattern (missing ']')");
  return NULL;
}

ALWAYS_INLINE struct item item_at(const struct th_pattern *pattern, const char *p) {
  struct item item = {p, p + 1};
  if (*p == '[') {
    item.end = find_set_end(pattern, p);
  } else if (*p == '%') {
    if (item.end == pattern->end) raise(pattern, "malformed pattern (ends with '%')");
    item.end++;
  }
  return item;
}

/* ---- repetitions ---- */

/* Whether the rest of the pattern can match at s, as far as its first byte tells: that spares a
 * call. */
static inline bool may_follow(const struct th_pattern *pattern, const char *s, int literal) {
  return literal < 0 || (s < pattern->subject_end && (unsigned char)*s == literal);
}

static bool is_suffix(char byte) {
  return byte == '*' || byte == '?' || byte == '-';
}

/* The byte that a match of the pattern from p on begins with, -1 where that is not one byte. */
static int literal_at(const struct th_pattern *pattern, const char *p) {
  if (p == pattern->end || strchr("^$*+?.([%-)", *p) != NULL) return -1;
  if (p + 1 < pattern->end && is_suffix(p[1])) return -1;
  return (unsigned char)*p;
}

static inline const char *run_end(const struct th_pattern *pattern, const char *s,
                                  struct item item) {
  const char *end = pattern->subject_end;
  switch (*item.begin) {
  case '.':
    return end;
  case '%':
    for (int letter = (unsigned char)item.begin[1];
         s < end && is_in_class((unsigned char)*s, letter);)
      s++;
    return s;
  default:
    while (s < end && fits((unsigned char)*s, item)) s++;
    return s;
  }
}

/* As many as possible, then fewer. */
static const char *match_longest(struct th_pattern *pattern, const char *s, struct item item) {
  const char *rest = item.end + 1;
  const char *last = run_end(pattern, s, item);
  th_effort_spend(&pattern->effort, last - s);
  if (rest == pattern->end) return last;
  int literal = literal_at(pattern, rest);
  for (ptrdiff_t more = last - s; more >= 0; more--) {
    th_effort_spend(&pattern->effort, 1);
    if (!may_follow(pattern, s + more, literal)) continue;
    const char *end = match(pattern, s + more, rest);
    if (end != NULL) return end;
  }
  return NULL;
}

static const char *match_shortest(struct th_pattern *pattern, const char *s, struct item item) {
  const char *rest = item.end + 1;
  if (rest == pattern->end) return s;
  for (int literal = literal_at(pattern, rest);; s++) {
    th_effort_spend(&pattern->effort, 1);
    if (may_follow(pattern, s, literal)) {
      const char *end = match(pattern, s, rest);
      if (end != NULL) return end;
    }
    if (s == pattern->subject_end || !fits((unsigned char)*s, item)) return NULL;
  }
}

/* ---- captures ---- */

static const char *begin_capture(struct th_pattern *pattern, const char *s, const char *p,
                                 ptrdiff_t size) {
  int index = pattern->count;
  if (index >= TH_PATTERN_CAPTURES) raise(pattern, "too many captures");
  pattern->captures[index].begin = s;
  pattern->captures[index].size = size;
  pattern->count = index + 1;
  const char *end = match(pattern, s, p);
  if (end == NULL) pattern->count--;
  return end;
}

static int last_open(const struct th_pattern *pattern) {
  for (int i = pattern->count - 1; i >= 0; i--)
    if (pattern->captures[i].size == TH_PATTERN_OPEN) return i;
  return raise(pattern, "invalid pattern capture");
}

static const char *end_capture(struct th_pattern *pattern, const char *s, const char *p) {
  int index = last_open(pattern);
  pattern->captures[index].size = s - pattern->captures[index].begin;
  const char *end = match(pattern, s, p);
  if (end == NULL) pattern->captures[index].size = TH_PATTERN_OPEN;
  return end;
}

/* What capture digit matched must come again at s: gives its end. */
static const char *match_again(struct th_pattern *pattern, const char *s, char digit) {
  int index = digit - '1';
  if (index < 0 || index >= pattern->count || pattern->captures[index].size == TH_PATTERN_OPEN)
    luaL_error(pattern->effort.L, "invalid capture index %%%d", index + 1);
  /* A position is never found again. */
  size_t size = (size_t)pattern->captures[index].size;
  if ((size_t)(pattern->subject_end - s) < size) return NULL;
  th_effort_spend(&pattern->effort, (int64_t)(size / 16)); /* comparing is that much faster */
  return memcmp(pattern->captures[index].begin, s, size) == 0 ? s + size : NULL;
}

/* ---- %b and %f ---- */

/* p is behind the b. */
static const char *match_balance(struct th_pattern *pattern, const char *s, const char *p) {
  if (pattern->end - p < 2) raise(pattern, "malformed pattern (missing arguments to '%b')");
  if (s == pattern->subject_end || *s != p[0]) return NULL;
  const char *begin = s;
  size_t open = 1;
  while (open > 0 && ++s < pattern->subject_end) {
    if (*s == p[1])
      open--;
    else if (*s == p[0])
      open++;
  }
  th_effort_spend(&pattern->effort, s - begin);
  return open == 0 ? s + 1 : NULL;
}

/* *p is behind the f; it is set behind the set. */
static bool is_frontier(const struct th_pattern *pattern, const char *s, const char **p) {
  if (*p == pattern->end || **p != '[') raise(pattern, "missing '[' after '%f' in pattern");
  const char *begin = *p + 1, *end = find_set_end(pattern, *p);
  int before = s == pattern->subject ? 0 : (unsigned char)s[-1];
  int here = s == pattern->subject_end ? 0 : (unsigned char)*s;
  *p = end;
  return !is_in_set(before, begin, end - 1) && is_in_set(here, begin, end - 1);
}

/* ---- walking the pattern ---- */

/* What a step came to. GO_ON: s and p have moved; END: s is the end of the match, or NULL. */
enum step { NO_STEP, GO_ON, END };

/* The items that a % begins and that are no classes. */
static enum step walk_escape(struct th_pattern *pattern, const char **s, const char **p) {
  char kind = *p + 1 < pattern->end ? (*p)[1] : '\0';
  if (kind == 'b') {
    *s = match_balance(pattern, *s, *p + 2);
    *p += 4;
    return *s != NULL ? GO_ON : END;
  }
  if (kind == 'f') {
    *p += 2;
    if (is_frontier(pattern, *s, p)) return GO_ON;
    *s = NULL;
    return END;
  }
  if (kind < '0' || kind > '9') return NO_STEP;
  *s = match_again(pattern, *s, kind);
  *p += 2;
  return *s != NULL ? GO_ON : END;
}

static enum step walk_capture(struct th_pattern *pattern, const char **s, const char *p) {
  if (*p == ')')
    *s = end_capture(pattern, *s, p + 1);
  else if (p + 1 < pattern->end && p[1] == ')')
    *s = begin_capture(pattern, *s, p + 2, TH_PATTERN_POSITION);
  else
    *s = begin_capture(pattern, *s, p + 1, TH_PATTERN_OPEN);
  return END;
}

/* An item for one byte with what follows it. */
ALWAYS_INLINE enum step walk_item(struct th_pattern *pattern, const char **s, const char **p) {
  struct item item = item_at(pattern, *p);
  char suffix = item.end < pattern->end ? *item.end : '\0';
  if (suffix == '*' || suffix == '-') {
    *s = suffix == '*' ? match_longest(pattern, *s, item) : match_shortest(pattern, *s, item);
    return END;
  }
  bool is_here = *s < pattern->subject_end && fits((unsigned char)**s, item);
  if (suffix == '+') {
    *s = is_here ? match_longest(pattern, *s + 1, item) : NULL;
    return END;
  }
  if (suffix == '?') {
    const char *end = is_here ? match(pattern, *s + 1, item.end + 1) : NULL;
    *p = item.end + 1;
    if (end == NULL) return GO_ON;
    *s = end;
    return END;
  }
  *p = item.end;
  *s = is_here ? *s + 1 : NULL;
  return is_here ? GO_ON : END;
}

ALWAYS_INLINE enum step walk(struct th_pattern *pattern, const char **s, const char **p) {
  enum step step = NO_STEP;
  switch (**p) {
  case '(':
  case ')':
    return walk_capture(pattern, s, *p);
  case '%':
    step = walk_escape(pattern, s, p);
    break;
  case '$':
    if (*p + 1 != pattern->end) break;
    if (*s != pattern->subject_end) *s = NULL;
    return END;
  default:
    break;
  }
  return step != NO_STEP ? step : walk_item(pattern, s, p);
}

/* A byte that stands for itself, with no suffix: the most frequent item. */
static inline bool is_literal(const struct th_pattern *pattern, const char *p) {
  if (!isalnum((unsigned char)*p) && *p != ' ') return false;
  if (p + 1 == pattern->end) return true;
  return !is_suffix(p[1]) && p[1] != '+';
}

static const char *match(struct th_pattern *pattern, const char *s, const char *p) {
  if (--pattern->depth < 0) raise(pattern, "pattern too complex");
  while (p != pattern->end) {
    th_effort_spend(&pattern->effort, 1);
    if (is_literal(pattern, p)) {
      if (s == pattern->subject_end || *s != *p) {
        s = NULL;
        break;
      }
      s++;
      p++;
    } else if (walk(pattern, &s, &p) == END) {
      break;
    }
  }
  pattern->depth++;
  return s;
}

/* ---- the pattern as a whole ---- */

void th_pattern_init(struct th_pattern *pattern, lua_State *L, const char *subject,
                     size_t subject_size, const char *text, size_t size, bool with_anchor) {
  pattern->is_anchored = with_anchor && size > 0 && *text == '^';
  pattern->subject = subject;
  pattern->subject_end = subject + subject_size;
  pattern->begin = text + pattern->is_anchored;
  pattern->end = text + size;
  pattern->literal = literal_at(pattern, pattern->begin);
  pattern->effort = th_effort_begin(L, STEPS, "pattern too complex");
  pattern->depth = TH_PATTERN_DEPTH;
  pattern->count = 0;
}

const char *th_pattern_match(struct th_pattern *pattern, const char *begin) {
  pattern->count = 0;
  return match(pattern, begin, pattern->begin);
}

/* Where the next match may begin. */
static const char *skip(struct th_pattern *pattern, const char *s) {
  if (pattern->literal < 0) return s;
  const char *found = memchr(s, pattern->literal, (size_t)(pattern->subject_end - s));
  th_effort_spend(&pattern->effort, 1);
  return found;
}

const char *th_pattern_search(struct th_pattern *pattern, const char **begin) {
  if (pattern->is_anchored) return th_pattern_match(pattern, *begin);
  for (const char *s = *begin; s <= pattern->subject_end; s++) {
    if ((s = skip(pattern, s)) == NULL) return NULL;
    const char *end = th_pattern_match(pattern, s);
    if (end == NULL) continue;
    *begin = s;
    return end;
  }
  return NULL;
}

void th_pattern_push(const struct th_pattern *pattern, int index, const char *begin,
                     const char *end) {
  lua_State *L = pattern->effort.L;
  if (index >= pattern->count) {
    if (index != 0) luaL_error(L, "invalid capture index %%%d", index + 1);
    lua_pushlstring(L, begin, (size_t)(end - begin));
    return;
  }
  ptrdiff_t size = pattern->captures[index].size;
  if (size == TH_PATTERN_OPEN) raise(pattern, "unfinished capture");
  if (size == TH_PATTERN_POSITION)
    lua_pushinteger(L, pattern->captures[index].begin - pattern->subject + 1);
  else
    lua_pushlstring(L, pattern->captures[index].begin, (size_t)size);
}

int th_pattern_push_all(const struct th_pattern *pattern, const char *begin, const char *end) {
  int count = pattern->count == 0 && begin != NULL ? 1 : pattern->count;
  luaL_checkstack(pattern->effort.L, count, "too many captures");
  for (int i = 0; i < count; i++) th_pattern_push(pattern, i, begin, end);
  return count;
}

bool th_pattern_is_plain(const char *text, size_t size) {
  /* The text ends in a zero byte, and may hold some. */
  for (const char *end = text + size; text < end; text += strlen(text) + 1)
    if (strpbrk(text, "^$*+?.([%-") != NULL) return false;
  return true;
}
