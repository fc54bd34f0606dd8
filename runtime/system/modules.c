#include "system/modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/source_limits.h"
#include "base/memory.h"

#define LUA_PLACES                                                                                 \
  "/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;"                            \
  "/usr/local/lib/lua/5.4/?.lua;/usr/local/lib/lua/5.4/?/init.lua;"                                \
  "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua"

/* A source file larger than this is not code. */
#define FILE_LIMIT (64 << 20)

struct th_modules {
  char *templates;         /* of scripts that come from no bundle */
  char *bundled_templates; /* of those that do */
};

/* Appends a folder's templates; whole paths, so that they mean the same wherever the process
 * goes. */
static void append_folder(struct th_buffer *buffer, const char *folder) {
  char *whole = realpath(folder, NULL);
  const char *path = whole != NULL ? whole : folder;
  th_buffer_printf(buffer, "%s/?.lua;%s/?/init.lua;", path, path);
  free(whole);
}

static char *join(const char *const *folders, size_t count, const char *templates) {
  struct th_buffer buffer;
  th_buffer_init(&buffer);
  for (size_t i = 0; i < count; i++) append_folder(&buffer, folders[i]);
  th_buffer_append(&buffer, templates, strlen(templates) + 1);
  char *joined = th_strdup((const char *)buffer.data);
  th_buffer_clear(&buffer);
  return joined;
}

struct th_modules *th_modules_new(const char *const *folders, size_t count, const char *templates) {
  struct th_modules *modules = th_new(struct th_modules);
  modules->templates = join(folders, count, templates != NULL ? templates : LUA_PLACES);
  modules->bundled_templates = join(folders, count, LUA_PLACES);
  return modules;
}

void th_modules_free(struct th_modules *modules) {
  free(modules->templates);
  free(modules->bundled_templates);
  free(modules);
}

const char *th_modules_path(const struct th_modules *modules, const struct th_source *source) {
  return source != NULL ? modules->bundled_templates : modules->templates;
}

/* Who approved the source answers for what its compiled code does; nobody does for any other. */
static bool is_compiled(const struct th_source *source, const struct th_source_file *file) {
  return source->is_validated && file->size > 0 && file->data[0] == TH_SOURCE_CHUNK_MARK;
}

static bool find_in_source(struct th_source *source, const char *name, bool with_code,
                           struct th_module *module, struct th_buffer *searched) {
  const struct th_source_file *file = th_source_module(source, name);
  if (file == NULL) {
    th_buffer_printf(searched, "\n\tno module '%s' in bundle %.8s", name, source->hash);
    return false;
  }
  snprintf(module->key, sizeof module->key, "%s/%s", source->content, file->name);
  snprintf(module->chunk_name, sizeof module->chunk_name, "=bundle:%.8s/%s", source->hash,
           file->name);
  module->is_compiled = is_compiled(source, file);
  if (with_code) module->bytes = th_bytes_copy(file->data, file->size);
  return true;
}

/* Writes the file name that a template gives for a module; false when it does not fit. */
static bool expand(const char *template, size_t size, const char *name, char *out,
                   size_t out_size) {
  size_t at = 0;
  for (size_t i = 0; i < size && at + 1 < out_size; i++) {
    if (template[i] != '?') {
      out[at++] = template[i];
      continue;
    }
    for (const char *c = name; *c != '\0' && at + 1 < out_size; c++)
      out[at++] = *c == '.' ? '/' : *c;
  }
  out[at] = '\0';
  return at + 1 < out_size;
}

static struct th_bytes *read_whole(int file, off_t size) {
  struct th_bytes *bytes = th_bytes_new((size_t)size);
  size_t at = 0;
  while (bytes != NULL && at < bytes->size) {
    ssize_t got = read(file, bytes->data + at, bytes->size - at);
    if (got <= 0) {
      th_bytes_unref(bytes);
      return NULL;
    }
    at += (size_t)got;
  }
  return bytes;
}

static bool open_file(const char *path, bool with_code, struct th_module *module) {
  struct stat status;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool found = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < FILE_LIMIT;
  if (found && with_code) {
    module->bytes = read_whole(file, status.st_size);
    found = module->bytes != NULL;
  }
  close(file);
  /* An edited file has another time or size, and so another key. */
  snprintf(module->key, sizeof module->key, "%lld.%ld/%lld/%llu%s",
           (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec, (long long)status.st_size,
           (unsigned long long)status.st_ino, path);
  snprintf(module->chunk_name, sizeof module->chunk_name, "@%s", path);
  return found;
}

static bool find_on_path(const char *template, const char *name, bool with_code,
                         struct th_module *module, struct th_buffer *searched) {
  char path[400];
  while (*template != '\0') {
    size_t size = strcspn(template, ";");
    if (size > 0 && expand(template, size, name, path, sizeof path)) {
      if (open_file(path, with_code, module)) return true;
      th_buffer_printf(searched, "\n\tno file '%s'", path);
    }
    template += size + (template[size] == ';');
  }
  return false;
}

/* Dots name folders; anything that would lead elsewhere is no module name. */
static bool is_module_name(const char *name) {
  size_t size = strlen(name);
  return size > 0 && size <= TH_SOURCE_NAME_MOST && strpbrk(name, "/\\") == NULL &&
         strstr(name, "..") == NULL && name[0] != '.' && name[size - 1] != '.';
}

bool th_modules_find(struct th_modules *modules, struct th_source *source, const char *name,
                     bool with_code, struct th_module *module, struct th_buffer *searched) {
  *module = (struct th_module){.bytes = NULL};
  if (!is_module_name(name)) {
    th_buffer_printf(searched, "\n\t'%s' is not the name of a module", name);
    return false;
  }
  if (source != NULL && find_in_source(source, name, with_code, module, searched)) return true;
  return find_on_path(th_modules_path(modules, source), name, with_code, module, searched);
}
