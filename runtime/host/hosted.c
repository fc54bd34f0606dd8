#include "host/hosted.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "host/runlog.h"

/* How long, in seconds, actors may take to go. */
#define GRACE 5.0

struct th_hosted {
  unsigned references;
  struct th_system *system;
  struct th_log *log; /* NULL: none */
  char *lua_path;
};

static int start_system(struct th_hosted *hosted, const struct th_hosting *hosting,
                        struct th_reason *reason) {
  struct th_system_config config = {.base = hosting->base,
                                    .capabilities = hosting->capabilities,
                                    .capabilities_size = hosting->capabilities_size,
                                    .workers = hosting->workers,
                                    .script = hosting->script,
                                    .log = hosted->log,
                                    .path = hosting->path,
                                    .path_count = hosting->path_count,
                                    .lua_path = hosted->lua_path};
  return th_system_start(&hosted->system, &config, reason);
}

static void release(struct th_hosted *hosted) {
  th_log_close(hosted->log);
  free(hosted->lua_path);
  free(hosted);
}

int th_hosted_start(struct th_hosted **hosted, const struct th_hosting *hosting,
                    struct th_reason *reason) {
  int error = 0;
  struct th_hosted *started = th_new(struct th_hosted);
  started->references = 1;
  started->lua_path = th_strdup(hosting->lua_path);
  if (hosting->logs) error = th_runlog_open(&started->log, &hosting->log, true, reason);
  if (error != 0) goto failed;
  if ((error = start_system(started, hosting, reason)) != 0) goto failed;
  *hosted = started;
  return 0;
failed:
  release(started);
  return error;
}

struct th_hosted *th_hosted_ref(struct th_hosted *hosted) {
  if (hosted != NULL) hosted->references++;
  return hosted;
}

bool th_hosted_unref(struct th_hosted *hosted) {
  if (hosted == NULL || --hosted->references > 0) return true;
  if (th_system_free(hosted->system, GRACE)) {
    release(hosted);
    return true;
  }
  fputs("thespian: an actor does not return; its thread is left to the end of the process\n",
        stderr);
  return false;
}

int th_hosted_attach(struct th_hosted *hosted, struct th_client **client) {
  return th_client_attach(client, hosted->system);
}
