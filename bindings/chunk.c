#include "bindings/chunk.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

/* Lua's parser nests no deeper than 200; what does is refused by it. */
#define DEPTH 256

/* So much of a chunk that has no other name than its text stands in messages. */
#define PLACE 40

/* What a bracket is for: its end goes on with a chain that began before it, or within it, or
 * not. */
enum bracket { INDEX, GROUP, OTHER };

struct reader {
  const char *at, *end;
  bool is_operand; /* the last token can be indexed, or called */
  size_t chain;    /* indices that it ends */
  size_t longest;
  size_t depth;
  struct {
    enum bracket kind;
    size_t chain;
  } open[DEPTH];
};

static int peek(const struct reader *reader, size_t ahead) {
  size_t left = (size_t)(reader->end - reader->at);
  return ahead < left ? (unsigned char)reader->at[ahead] : -1;
}

/* ---- what is skipped ---- */

/* The level of a long bracket that opens here, or -1. */
static int long_level(const struct reader *reader) {
  size_t level = 0;
  if (peek(reader, 0) != '[') return -1;
  while (peek(reader, 1 + level) == '=') level++;
  return peek(reader, 1 + level) == '[' ? (int)level : -1;
}

static bool closes(const struct reader *reader, size_t level) {
  for (size_t i = 1; i <= level; i++)
    if (peek(reader, i) != '=') return false;
  return peek(reader, level + 1) == ']';
}

static void skip_long(struct reader *reader, size_t level) {
  while ((reader->at = memchr(reader->at, ']', (size_t)(reader->end - reader->at))) != NULL) {
    if (closes(reader, level)) {
      reader->at += level + 2;
      return;
    }
    reader->at++;
  }
  reader->at = reader->end;
}

static void skip_comment(struct reader *reader) {
  reader->at += 2;
  int level = long_level(reader);
  if (level >= 0) {
    skip_long(reader, (size_t)level);
    return;
  }
  const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
  reader->at = newline != NULL ? newline : reader->end;
}

static void skip_string(struct reader *reader) {
  char quote = *reader->at++;
  while (reader->at < reader->end && *reader->at != quote && *reader->at != '\n')
    reader->at += *reader->at == '\\' && peek(reader, 1) >= 0 ? 2 : 1;
  if (reader->at < reader->end) reader->at++;
}

static void skip_word(struct reader *reader) {
  while (isalnum(peek(reader, 0)) || peek(reader, 0) == '_') reader->at++;
}

static void skip_number(struct reader *reader) {
  while (isalnum(peek(reader, 0)) || peek(reader, 0) == '.') reader->at++;
}

/* ---- chains ---- */

static void set_chain(struct reader *reader, size_t chain, bool is_operand) {
  reader->chain = chain;
  reader->is_operand = is_operand;
  if (chain > reader->longest) reader->longest = chain;
}

static void open(struct reader *reader, enum bracket kind) {
  if (reader->depth < DEPTH) {
    reader->open[reader->depth].kind = kind;
    reader->open[reader->depth].chain = reader->chain;
  }
  reader->depth++;
  set_chain(reader, 0, false);
}

static void close(struct reader *reader) {
  if (reader->depth == 0) return;
  reader->depth--;
  enum bracket kind = reader->depth < DEPTH ? reader->open[reader->depth].kind : OTHER;
  if (kind == INDEX)
    set_chain(reader, reader->open[reader->depth].chain + 1, true);
  else
    set_chain(reader, kind == GROUP ? reader->chain : 0, true);
}

/* A name, or a string. After a dot it is an index; after an operand it begins anew. */
static void see_word(struct reader *reader, bool is_index) {
  set_chain(reader, is_index ? reader->chain + 1 : 0, true);
}

/* After one dot, or two that are an operator. */
static void see_dot(struct reader *reader) {
  reader->at++;
  if (peek(reader, 0) == '.') {
    while (peek(reader, 0) == '.') reader->at++;
    set_chain(reader, 0, false);
  } else {
    while (isspace(peek(reader, 0))) reader->at++;
    skip_word(reader);
    see_word(reader, true);
  }
}

static void see_punctuation(struct reader *reader, int byte) {
  reader->at++;
  switch (byte) {
  case '[':
    open(reader, reader->is_operand ? INDEX : OTHER);
    break;
  case '(':
    open(reader, reader->is_operand ? OTHER : GROUP);
    break;
  case '{':
    open(reader, OTHER);
    break;
  case ']':
  case ')':
  case '}':
    close(reader);
    break;
  default:
    set_chain(reader, 0, false);
    break;
  }
}

static void see_token(struct reader *reader) {
  int byte = peek(reader, 0), level = long_level(reader);
  if (isalpha(byte) || byte == '_') {
    skip_word(reader);
    see_word(reader, false);
  } else if (byte == '"' || byte == '\'') {
    skip_string(reader);
    see_word(reader, false);
  } else if (level >= 0) {
    skip_long(reader, (size_t)level);
    see_word(reader, false);
  } else if (isdigit(byte) || (byte == '.' && isdigit(peek(reader, 1)))) {
    skip_number(reader);
    set_chain(reader, 0, false);
  } else if (byte == '.') {
    see_dot(reader);
  } else {
    see_punctuation(reader, byte);
  }
}

size_t th_chunk_longest_chain(const char *text, size_t size) {
  struct reader reader = {.at = text, .end = text + size};
  while (reader.at < reader.end) {
    if (isspace(peek(&reader, 0)))
      reader.at++;
    else if (peek(&reader, 0) == '-' && peek(&reader, 1) == '-')
      skip_comment(&reader);
    else
      see_token(&reader);
  }
  return reader.longest;
}

/* ---- compiling ---- */

/* How messages name the chunk. [-0, +1, m] */
static void push_place(lua_State *L, const char *name) {
  size_t size = strcspn(name, "\n");
  if (*name == '=' || *name == '@') {
    lua_pushstring(L, name + 1);
    return;
  }
  lua_pushlstring(L, name, size < PLACE ? size : PLACE);
  lua_pushfstring(L, "[string \"%s%s\"]", lua_tostring(L, -1),
                  size < PLACE && name[size] == '\0' ? "" : "...");
  lua_remove(L, -2);
}

/* Pushes why the text is not compiled and gives true. [-0, +0|1, m] */
static bool refuse(lua_State *L, const char *text, size_t size, const char *name) {
  if (size > 0 && *text == LUA_SIGNATURE[0]) {
    push_place(L, name);
    lua_pushliteral(L, ": compiled Lua is not loaded by actors; give the source text");
  } else if (size > TH_CHUNK_SIZE) {
    push_place(L, name);
    lua_pushfstring(L, ": the source has %I bytes; the limit is %I: divide it into modules",
                    (lua_Integer)size, (lua_Integer)TH_CHUNK_SIZE);
  } else {
    size_t chain = size > TH_CHUNK_INDICES ? th_chunk_longest_chain(text, size) : 0;
    if (chain <= TH_CHUNK_INDICES) return false;
    push_place(L, name);
    lua_pushfstring(L, ": an expression indexes %I times in a row; the limit is %d: use a variable",
                    (lua_Integer)chain, TH_CHUNK_INDICES);
  }
  lua_concat(L, 2);
  return true;
}

int th_chunk_load(lua_State *L, const char *text, size_t size, const char *name) {
  if (refuse(L, text, size, name)) return LUA_ERRSYNTAX;
  return luaL_loadbufferx(L, text, size, name, "t");
}

int th_chunk_load_compiled(lua_State *L, const void *chunk, size_t size, const char *name) {
  return luaL_loadbufferx(L, chunk, size, name, "b");
}
