#include "bindings/compile.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "bindings/chunk.h"
#include "bindings/code.h"
#include "host/archive.h"

/* ---- one file ---- */

/* What the protected function below is given, and gives. */
struct job {
  const struct th_archive_file *file;
  bool keep_debug;
  struct th_buffer chunk;
};

static int write_chunk(lua_State *L, const void *data, size_t size, void *user) {
  (void)L;
  return th_buffer_append(user, data, size);
}

/* Protected, so that no want of memory gets past it. */
static int compile(lua_State *L) {
  struct job *job = lua_touserdata(L, 1);
  size_t size = job->file->size;
  const void *text = th_code_skip_comment(job->file->data, &size);
  const char *name = lua_pushfstring(L, "@%s", job->file->name);
  if (th_chunk_load(L, text, size, name) != LUA_OK) return lua_error(L);
  lua_dump(L, write_chunk, &job->chunk, !job->keep_debug);
  return 0;
}

static int compile_file(lua_State *L, struct job *job, struct th_reason *reason) {
  int error = TH_EBUNDLE;
  th_buffer_init(&job->chunk);
  lua_pushcfunction(L, compile);
  lua_pushlightuserdata(L, job);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    th_fail(reason, error, "%s", lua_tostring(L, -1));
  else if ((error = job->chunk.error) != 0)
    th_fail(reason, error, "%s", th_error_words(error));
  lua_settop(L, 0);
  if (error != 0) th_buffer_clear(&job->chunk);
  return error;
}

/* ---- all of them ---- */

/* What the new bundle is made of. Those files that are compiled own their names and data. */
struct result {
  struct th_archive_file *files;
  bool *is_own;
  size_t count;
};

static bool is_lua(const char *name) {
  size_t size = strlen(name);
  return size > 4 && strcmp(name + size - 4, ".lua") == 0;
}

static void add_compiled(struct result *result, const char *name, struct th_buffer *chunk) {
  char *own = th_alloc(strlen(name) + 2);
  strcpy(stpcpy(own, name), "c");
  result->is_own[result->count] = true;
  result->files[result->count++] = (struct th_archive_file){own, chunk->data, chunk->size};
}

static int fill(struct result *result, lua_State *L, const struct th_archive *archive,
                bool keep_debug, struct th_reason *reason) {
  for (size_t i = 0; i < th_archive_count(archive); i++) {
    struct th_archive_file file = th_archive_file(archive, i);
    if (!is_lua(file.name)) {
      result->files[result->count++] = file;
      continue;
    }
    struct job job = {.file = &file, .keep_debug = keep_debug};
    int error = compile_file(L, &job, reason);
    if (error != 0) return error;
    add_compiled(result, file.name, &job.chunk);
  }
  return 0;
}

static void clear(struct result *result) {
  for (size_t i = 0; i < result->count; i++) {
    if (!result->is_own[i]) continue;
    free((void *)(uintptr_t)result->files[i].name);
    free((void *)(uintptr_t)result->files[i].data);
  }
  free(result->files);
  free(result->is_own);
}

static int compile_archive(const struct th_archive *archive, bool keep_debug,
                           struct th_bytes **compiled, struct th_reason *reason) {
  size_t count = th_archive_count(archive);
  lua_State *L = luaL_newstate();
  if (L == NULL) return th_fail(reason, TH_ENOMEM, "%s", th_error_words(TH_ENOMEM));
  struct result result = {
    .files = th_alloc_zeroed(count + 1, sizeof *result.files),
    .is_own = th_alloc_zeroed(count + 1, sizeof *result.is_own),
  };
  int error = fill(&result, L, archive, keep_debug, reason);
  if (error == 0) error = th_archive_pack(result.files, result.count, compiled, reason);
  clear(&result);
  lua_close(L);
  return error;
}

int th_compile_bundle(const void *zip, size_t size, bool keep_debug, struct th_bytes **compiled,
                      struct th_reason *reason) {
  struct th_archive *archive;
  int error = th_archive_open(zip, size, &archive, reason);
  if (error != 0) return error;
  error = compile_archive(archive, keep_debug, compiled, reason);
  th_archive_close(archive);
  return error;
}
