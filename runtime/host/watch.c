#include "host/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define CHANGES                                                                                    \
  (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |         \
   IN_MOVE_SELF)
#define COME (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO)

/* A folder that is watched: "" or "pkg/", as seen from the first one. */
struct folder {
  int watch;
  char *name;
};

struct th_watch {
  char *root; /* the folder, with a slash at its end unless it is the current one: "" */
  char *file; /* the one that counts there, with the Lua files beside it; NULL: all do */
  int fd;     /* -1 while the folder is gone */
  struct folder *folders;
  size_t count;
  char **ignored;
  size_t ignored_count;
  bool is_stale; /* folders have come or gone since */
  char *changed;
};

/* ---- what is watched ------------------------------------------------------------------------- */

static char *join(const char *one, const char *other, const char *end) {
  char *joined = th_alloc(strlen(one) + strlen(other) + strlen(end) + 1);
  stpcpy(stpcpy(stpcpy(joined, one), other), end);
  return joined;
}

static void forget_folders(struct th_watch *watch) {
  for (size_t i = 0; i < watch->count; i++) free(watch->folders[i].name);
  watch->count = 0;
  if (watch->fd >= 0) close(watch->fd);
  watch->fd = -1;
}

static int complain(const struct th_watch *watch, int error, struct th_reason *reason) {
  const char *root = *watch->root != '\0' ? watch->root : ".";
  const char *words = strerror(error);
  if (error == ENOSPC)
    words = "the system allows no more inotify watches; raise the sysctl "
            "fs.inotify.max_user_watches";
  if (error == EMFILE)
    words = "the system allows no more inotify instances; raise the sysctl "
            "fs.inotify.max_user_instances";
  return th_fail(reason, -error, "cannot watch %s: %s", root, words);
}

static bool is_folder(int folder, const struct dirent *entry) {
  struct stat status;
  if (entry->d_name[0] == '.') return false; /* hidden, and . and .. */
  if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
  return fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

static int add_folder(struct th_watch *watch, const char *name, struct th_reason *reason);

/* A folder that is gone again, or that we may not read, is none of the program's. */
static int add_folders_of(struct th_watch *watch, const char *name, const char *path,
                          struct th_reason *reason) {
  const struct dirent *entry;
  int error = 0;
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  while (error == 0 && (entry = readdir(folder)) != NULL) {
    if (!is_folder(dirfd(folder), entry)) continue;
    char *inner = join(name, entry->d_name, "/");
    error = add_folder(watch, inner, reason);
    free(inner);
  }
  closedir(folder);
  return error;
}

/* A folder is watched before it is read, so that none that comes meanwhile is missed. */
static int add_folder(struct th_watch *watch, const char *name, struct th_reason *reason) {
  char *path = join(watch->root, name, ".");
  int error = 0;
  int added = inotify_add_watch(watch->fd, path, CHANGES | IN_ONLYDIR);
  if (added >= 0) {
    size_t size = (watch->count + 1) * sizeof *watch->folders;
    watch->folders = th_realloc(watch->folders, size);
    watch->folders[watch->count++] = (struct folder){added, th_strdup(name)};
    if (watch->file == NULL) error = add_folders_of(watch, name, path, reason);
  } else if (*name == '\0' || errno == ENOSPC) {
    error = complain(watch, errno, reason);
  }
  free(path);
  return error;
}

int th_watch_renew(struct th_watch *watch, struct th_reason *reason) {
  if (!watch->is_stale) return 0;
  forget_folders(watch);
  watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  int error = watch->fd < 0 ? complain(watch, errno, reason) : add_folder(watch, "", reason);
  if (error != 0) forget_folders(watch);
  watch->is_stale = error != 0;
  return error;
}

/* ---- what counts ----------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Hidden files, backups and autosaves; 4913 is how vim tries whether it may write there. */
static bool is_of_an_editor(const char *name) {
  return *name == '.' || *name == '#' || ends_with(name, "~") || strcmp(name, "4913") == 0;
}

static bool is_ignored(const struct th_watch *watch, const char *path) {
  for (size_t i = 0; i < watch->ignored_count; i++)
    if (strcmp(watch->ignored[i], path) == 0) return true;
  return false;
}

static bool counts(const struct th_watch *watch, const char *name, const char *path) {
  if (is_of_an_editor(name) || is_ignored(watch, path)) return false;
  return watch->file == NULL || strcmp(name, watch->file) == 0 || ends_with(name, ".lua");
}

/* A new file is told again when it is closed; but for one that is there whole, by a link. */
static bool is_complete(const struct th_watch *watch, const char *path) {
  struct stat status;
  char *whole = join(watch->root, path, "");
  bool is_there = lstat(whole, &status) == 0;
  free(whole);
  return is_there && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

static const char *name_of(const struct th_watch *watch, int id) {
  size_t i = 0;
  while (i < watch->count && watch->folders[i].watch != id) i++;
  return i < watch->count ? watch->folders[i].name : NULL;
}

static void note(struct th_watch *watch, const char *changed) {
  free(watch->changed);
  watch->changed = th_strdup(changed);
}

/* Something in a folder. */
static enum th_watch_news take_entry(struct th_watch *watch, const struct inotify_event *event,
                                     const char *folder) {
  char *path = join(folder, event->name, "");
  enum th_watch_news news = TH_WATCH_NOTHING;
  if ((event->mask & IN_ISDIR) != 0) {
    bool is_ours = watch->file == NULL && *event->name != '.';
    watch->is_stale |= is_ours;
    if (is_ours) news = TH_WATCH_WRITTEN;
  } else if (counts(watch, event->name, path)) {
    news = (event->mask & COME) != 0 ? TH_WATCH_WRITTEN : TH_WATCH_REMOVED;
    if ((event->mask & IN_CREATE) != 0 && !is_complete(watch, path)) news = TH_WATCH_NOTHING;
  }
  if (news != TH_WATCH_NOTHING) note(watch, path);
  free(path);
  return news;
}

static enum th_watch_news take_event(struct th_watch *watch, const struct inotify_event *event) {
  bool is_lost = (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
  const char *folder = name_of(watch, event->wd);
  if ((event->mask & IN_Q_OVERFLOW) != 0) {
    watch->is_stale = true;
    note(watch, "many files");
    return TH_WATCH_WRITTEN;
  }
  if (folder == NULL || (event->mask & IN_IGNORED) != 0) return TH_WATCH_NOTHING;
  if (!is_lost) return event->len != 0 ? take_entry(watch, event, folder) : TH_WATCH_NOTHING;
  if (*folder != '\0') return TH_WATCH_NOTHING; /* the folder that it was in tells of it */
  watch->is_stale = true;
  note(watch, "the folder itself");
  return TH_WATCH_REMOVED;
}

enum th_watch_news th_watch_take(struct th_watch *watch) {
  _Alignas(struct inotify_event) char events[64 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
  enum th_watch_news news = TH_WATCH_NOTHING;
  ssize_t got;
  while (watch->fd >= 0 && (got = read(watch->fd, events, sizeof events)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const struct inotify_event *event = (const void *)(events + at);
      enum th_watch_news more = take_event(watch, event);
      if (more != TH_WATCH_NOTHING) news = more; /* what was told last is how it is now */
      at += (ssize_t)(sizeof *event + event->len);
    }
  }
  return news;
}

/* ---- the watch ------------------------------------------------------------------------------- */

/* The folder to watch, and in it the file, where path is one. */
static void read_path(struct th_watch *watch, const char *path, bool is_file) {
  const char *slash = strrchr(path, '/');
  if (!is_file) {
    watch->root = join(path, ends_with(path, "/") ? "" : "/", "");
  } else {
    watch->root = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : th_strdup("");
    watch->file = th_strdup(slash != NULL ? slash + 1 : path);
  }
}

int th_watch_open(struct th_watch **watch, const char *path, struct th_reason *reason) {
  struct stat status;
  if (stat(path, &status) != 0)
    return th_fail(reason, -errno, "cannot watch %s: %s", path, strerror(errno));
  struct th_watch *opened = th_new(struct th_watch);
  read_path(opened, path, !S_ISDIR(status.st_mode));
  opened->changed = th_strdup("");
  opened->fd = -1;
  opened->is_stale = true;
  int error = th_watch_renew(opened, reason);
  if (error != 0)
    th_watch_close(opened);
  else
    *watch = opened;
  return error;
}

void th_watch_close(struct th_watch *watch) {
  if (watch == NULL) return;
  forget_folders(watch);
  for (size_t i = 0; i < watch->ignored_count; i++) free(watch->ignored[i]);
  free(watch->ignored);
  free(watch->folders);
  free(watch->changed);
  free(watch->root);
  free(watch->file);
  free(watch);
}

int th_watch_fd(const struct th_watch *watch) {
  return watch->fd;
}

const char *th_watch_changed(const struct th_watch *watch) {
  return watch->changed;
}

void th_watch_ignore(struct th_watch *watch, const char *name) {
  size_t size = (watch->ignored_count + 1) * sizeof *watch->ignored;
  watch->ignored = th_realloc(watch->ignored, size);
  watch->ignored[watch->ignored_count++] = th_strdup(name);
}
