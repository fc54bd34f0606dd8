/* loghandler: the handlers of a log as a command line says them: each is a JSON object with any of
 * "file", "level" and "format", or the word none.
 *
 * Threads: caller. Owns: the texts of its list.
 */
#ifndef TH_HOST_LOGHANDLER_H
#define TH_HOST_LOGHANDLER_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "host/runlog.h"

struct th_loghandlers {
  struct th_runlog_handler *list; /* NULL: nothing was said about handlers */
  size_t count;
};

/* Adds one; none takes back all that came before it. TH_EUSAGE with a reason that quotes text. */
int th_loghandlers_parse(struct th_loghandlers *handlers, const char *text,
                         struct th_reason *reason);
void th_loghandlers_clear(struct th_loghandlers *handlers);

/* Appends the text of one, and a zero byte. TH_EUSAGE where JSON has no words for it: what is not
 * UTF-8. */
int th_loghandler_write(const struct th_runlog_handler *handler, struct th_buffer *text,
                        struct th_reason *reason);

#endif
