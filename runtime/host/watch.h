/* watch: tells when the files of a program under development have changed.
 *
 * Of a folder every file in it and in its folders counts, links to other folders left out. Of a
 * file that one and the Lua files beside it: a home folder or /tmp holds more than a program. What
 * is hidden does not count, nor what editors put beside a file that they are writing. A file has
 * changed once whoever wrote it has closed it, so nothing is seen half written.
 *
 * When folders come or go, what is watched is no longer the whole: th_watch_renew begins anew. What
 * happens before that returns need not be told, since whoever reads the files afterwards sees it.
 *
 * Threads: caller. Owns: an inotify descriptor, which a forked child must close.
 */
#ifndef TH_HOST_WATCH_H
#define TH_HOST_WATCH_H

#include <stdbool.h>

#include "base/error.h"

struct th_watch;

/* path is a folder or a file. -errno with a reason: there is none, or inotify's limits are reached,
 * where the reason names the setting. */
int th_watch_open(struct th_watch **watch, const char *path, struct th_reason *reason);
void th_watch_close(struct th_watch *watch);

/* Readable when something has happened, whether it counts or not. */
int th_watch_fd(const struct th_watch *watch);

enum th_watch_news {
  TH_WATCH_NOTHING,
  TH_WATCH_WRITTEN, /* at least one file has its new content */
  TH_WATCH_REMOVED, /* files are gone, which may be coming back: editors also write by renaming */
};

/* Takes what has happened since the last call, without waiting. */
enum th_watch_news th_watch_take(struct th_watch *watch);

/* What has changed last, as seen from the folder; "" at the beginning. Borrowed until the next
 * call. */
const char *th_watch_changed(const struct th_watch *watch);

/* From now on that file does not count. */
void th_watch_ignore(struct th_watch *watch, const char *name);

/* Where folders have come or gone, watches those that are there now, and forgets what was not taken
 * yet. Errors as th_watch_open; -ENOENT while the folder itself is gone, after which it may be
 * tried again. */
int th_watch_renew(struct th_watch *watch, struct th_reason *reason);

#endif
