#include "bindings/code.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/map.h"
#include "base/memory.h"
#include "bindings/chunk.h"

#define LIMIT (32u << 20)

struct th_code {
  pthread_mutex_t lock;
  struct th_map chunks; /* key to struct th_bytes, one reference each */
  size_t size;
};

struct th_code *th_code_new(void) {
  struct th_code *code = th_new(struct th_code);
  pthread_mutex_init(&code->lock, NULL);
  th_map_init(&code->chunks);
  return code;
}

/* The caller holds the lock, or is alone. */
static void forget_all(struct th_code *code) {
  size_t cursor = 0;
  struct th_map_slot *slot;
  while ((slot = th_map_next(&code->chunks, &cursor)) != NULL) th_bytes_unref(slot->value);
  th_map_clear(&code->chunks);
  th_map_init(&code->chunks);
  code->size = 0;
}

void th_code_free(struct th_code *code) {
  forget_all(code);
  th_map_clear(&code->chunks);
  pthread_mutex_destroy(&code->lock);
  free(code);
}

static struct th_bytes *find(struct th_code *code, const char *key) {
  pthread_mutex_lock(&code->lock);
  struct th_bytes *chunk = th_bytes_ref(th_map_find_text(&code->chunks, key, strlen(key)));
  pthread_mutex_unlock(&code->lock);
  return chunk;
}

/* Takes chunk. */
static void keep(struct th_code *code, const char *key, struct th_bytes *chunk) {
  pthread_mutex_lock(&code->lock);
  if (code->size + chunk->size > LIMIT) forget_all(code);
  code->size += chunk->size;
  th_bytes_unref(th_map_put_text(&code->chunks, key, strlen(key), chunk));
  pthread_mutex_unlock(&code->lock);
}

int th_code_load(struct th_code *code, lua_State *L, const char *key, const char *chunk_name) {
  struct th_bytes *chunk = find(code, key);
  if (chunk == NULL) return -1;
  int status = luaL_loadbufferx(L, (const char *)chunk->data, chunk->size, chunk_name, "b");
  th_bytes_unref(chunk);
  if (status != LUA_OK) lua_pop(L, 1);
  return status == LUA_OK ? LUA_OK : -1;
}

const void *th_code_skip_comment(const void *text, size_t *size) {
  const unsigned char *data = text, *end = data + *size;
  if (*size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) data += 3;
  if (data < end && *data == '#') {
    const unsigned char *line_end = memchr(data, '\n', (size_t)(end - data));
    data = line_end != NULL ? line_end : end;
  }
  *size = (size_t)(end - data);
  return data;
}

static int write_chunk(lua_State *L, const void *data, size_t size, void *user) {
  (void)L;
  return th_buffer_append(user, data, size);
}

int th_code_compile(struct th_code *code, lua_State *L, const char *key, const char *chunk_name,
                    const void *text, size_t size, bool strip) {
  struct th_buffer buffer;
  int status = th_chunk_load(L, text, size, chunk_name);
  if (status != LUA_OK) return status;
  th_buffer_init(&buffer);
  if (lua_dump(L, write_chunk, &buffer, strip) == 0) {
    struct th_bytes *chunk = th_bytes_copy(buffer.data, buffer.size);
    if (chunk != NULL) keep(code, key, chunk);
  }
  th_buffer_clear(&buffer);
  return LUA_OK;
}

int th_code_take(struct th_code *code, lua_State *L, const char *key, const char *chunk_name,
                 struct th_bytes *chunk) {
  int status = th_chunk_load_compiled(L, chunk->data, chunk->size, chunk_name);
  if (status == LUA_OK) keep(code, key, th_bytes_ref(chunk));
  return status;
}
