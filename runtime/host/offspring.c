#include "host/offspring.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

struct process {
  pid_t id;
  pid_t parent;
  bool is_ours;
};

struct processes {
  struct process *list;
  size_t count;
};

void th_offspring_adopt(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* What /proc/ID/stat tells: "ID (NAME) STATE PARENT ...", where the name may hold anything. */
static bool read_process(const char *id, struct process *process) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%.20s/stat", id);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  size_t got = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[got] = '\0';
  const char *after_name = strrchr(text, ')');
  if (after_name == NULL || strlen(after_name) < 4) return false;
  *process = (struct process){.id = (pid_t)strtol(id, NULL, 10),
                              .parent = (pid_t)strtol(after_name + 4, NULL, 10)};
  return true;
}

static struct processes read_processes(void) {
  struct processes all = {NULL, 0};
  struct process process;
  const struct dirent *entry;
  DIR *folder = opendir("/proc");
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    if (!read_process(entry->d_name, &process)) continue;
    all.list = th_realloc(all.list, (all.count + 1) * sizeof *all.list);
    all.list[all.count++] = process;
  }
  if (folder != NULL) closedir(folder);
  return all;
}

static bool has_parent_of_ours(const struct processes *all, const struct process *process) {
  if (process->parent == getpid()) return true;
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].id == process->parent) return all->list[i].is_ours;
  return false;
}

/* Whose parent is one of ours is one, too: until no more are found. */
static void mark(const struct processes *all) {
  bool found;
  do {
    found = false;
    for (size_t i = 0; i < all->count; i++) {
      struct process *process = &all->list[i];
      if (process->is_ours || !has_parent_of_ours(all, process)) continue;
      process->is_ours = found = true;
    }
  } while (found);
}

/* True when that one was not in the list yet. */
static bool note(struct th_offspring_told *told, pid_t id) {
  for (size_t i = 0; i < told->count; i++)
    if (told->list[i] == id) return false;
  told->list = th_realloc(told->list, (told->count + 1) * sizeof *told->list);
  told->list[told->count++] = id;
  return true;
}

void th_offspring_signal(int signal, struct th_offspring_told *told) {
  struct processes all = read_processes();
  mark(&all);
  for (size_t i = 0; i < all.count; i++) {
    const struct process *process = &all.list[i];
    if (process->is_ours && (told == NULL || note(told, process->id))) kill(process->id, signal);
  }
  free(all.list);
}

pid_t th_offspring_reap(int *status, bool *any) {
  pid_t ended;
  do {
    ended = waitpid(-1, status, WNOHANG);
  } while (ended < 0 && errno == EINTR);
  *any = ended >= 0;
  return ended > 0 ? ended : 0;
}
