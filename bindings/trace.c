#include "bindings/trace.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "bindings/protect.h"

/* What each line of a traceback begins with, as luaL_traceback writes it. */
#define START "\n\t"
#define START_SIZE 2

static bool begins(const char *line, const char *text) {
  return strncmp(line, text, strlen(text)) == 0;
}

/* Chunks of the library are named "=thespian.module", or "=?" where that was stripped (a user's are
 * never, and have the names of files). */
static bool is_librarys(const char *line) {
  if (begins(line, START "?: in ")) return true;
  if (!begins(line, START "thespian.")) return false;
  line += START_SIZE + strlen("thespian.");
  while (islower((unsigned char)*line)) line++;
  return line[0] == ':' && isdigit((unsigned char)line[1]);
}

static bool is_users(const char *line) {
  return !is_librarys(line) && !begins(line, START "[C]: ") && !begins(line, START "(...") &&
         !begins(line, START "...");
}

/* The line after this one; the end of the text when there is none. */
static const char *next_line(const char *line) {
  const char *next = strstr(line + 1, START);
  return next != NULL ? next : line + strlen(line);
}

/* Where the user's part begins, and *end where it ends; NULL when there is none. */
static const char *find_users(const char *line, const char **end) {
  const char *begin = line, *found = NULL;
  if (begins(line, START "[C]: in function 'error'")) begin = next_line(line);
  for (; *line != '\0'; line = next_line(line)) {
    if (found == NULL && is_librarys(line)) begin = next_line(line);
    if (!is_users(line)) continue;
    if (found == NULL) found = begin;
    *end = next_line(line);
  }
  return found;
}

/* [-0, +1, m] pushes a traceback without our lines and gives true; a whole one, and false, where no
 * line is the user's. */
static bool push_trace(lua_State *L, lua_State *from, int level) {
  const char *end = NULL;
  luaL_Buffer buffer;
  luaL_traceback(L, from, NULL, level);
  const char *trace = lua_tostring(L, -1);
  const char *lines = trace + strlen("stack traceback:");
  const char *line = find_users(lines, &end);
  if (line == NULL) return false;
  luaL_buffinit(L, &buffer);
  luaL_addlstring(&buffer, trace, (size_t)(lines - trace));
  for (; line < end; line = next_line(line))
    if (!is_librarys(line)) luaL_addlstring(&buffer, line, (size_t)(next_line(line) - line));
  luaL_pushresult(&buffer);
  lua_remove(L, -2);
  return true;
}

void th_trace_push(lua_State *L, lua_State *from, const char *words, int level) {
  luaL_checkstack(L, 10, NULL);
  lua_pushfstring(L, "%s\n", words);
  push_trace(L, from, level);
  lua_concat(L, 2);
}

void th_trace_add(lua_State *L, const char *words, int level) {
  luaL_checkstack(L, 10, NULL);
  lua_pushfstring(L, "%s\n", words);
  if (push_trace(L, L, level)) {
    lua_concat(L, 2);
  } else {
    lua_pop(L, 2);
    lua_pushstring(L, words);
  }
}

int th_trace_function(lua_State *L) {
  th_trace_add(L, luaL_checkstring(L, 1), th_protect_skip(L, 2));
  return 1;
}
