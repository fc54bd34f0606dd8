/* source FILES BYTES RUNS GOAL: the median time to open a bundle of so many Lua files, each of about
 * so many bytes of text that packs as code does. See source.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/source.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

/* Lines of Lua that differ, from a fixed sequence, until there are enough bytes. */
static void write_code(struct th_buffer *code, size_t size, uint32_t *sequence) {
  while (code->size < size) {
    *sequence = *sequence * 1664525 + 1013904223;
    th_buffer_printf(code, "local v%u = self.part%u:send(\"%x\", %u) -- as it was\n",
                     *sequence >> 24, *sequence >> 20 & 255, *sequence, *sequence >> 12 & 4095);
  }
}

static struct th_bytes *make(size_t count, size_t size) {
  struct th_source_file *files = th_alloc_zeroed(count, sizeof *files);
  struct th_buffer *codes = th_alloc_zeroed(count, sizeof *codes);
  char(*names)[48] = th_alloc_zeroed(count, sizeof *names);
  struct th_bytes *zip = NULL;
  struct th_reason reason = {""};
  uint32_t sequence = 1;
  for (size_t i = 0; i < count; i++) {
    th_buffer_init(&codes[i]);
    write_code(&codes[i], size, &sequence);
    snprintf(names[i], sizeof names[i], "pkg%zu/mod%zu.lua", i % 100, i);
    files[i] = (struct th_source_file){names[i], codes[i].data, codes[i].size};
  }
  if (th_source_pack(files, count, &zip, &reason) != 0) fprintf(stderr, "%s\n", reason.words);
  for (size_t i = 0; i < count; i++) th_buffer_clear(&codes[i]);
  free(codes);
  free(names);
  free(files);
  return zip;
}

/* Nanoseconds, or 0 when the bundle is refused. */
static uint64_t measure(const struct th_bytes *zip) {
  struct th_source *source;
  struct th_reason reason = {""};
  uint64_t begin = th_clock_now();
  int error = th_source_open(zip->data, zip->size, &(struct th_source_config){.info = "bench"},
                             &source, &reason);
  uint64_t end = th_clock_now();
  if (error != 0) {
    fprintf(stderr, "%s\n", reason.words);
    return 0;
  }
  th_source_unref(source);
  return end - begin;
}

static int by_length(const void *left, const void *right) {
  uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
  return (one > other) - (one < other);
}

static int run(size_t count, size_t size, size_t runs, const char *goal) {
  struct th_bytes *zip = make(count, size);
  if (zip == NULL) return 1;
  uint64_t *times = th_alloc_zeroed(runs, sizeof *times);
  for (size_t i = 0; i < runs; i++) times[i] = measure(zip);
  qsort(times, runs, sizeof *times, by_length);
  bool is_measured = times[0] != 0;
  if (is_measured)
    printf("opening %zu files in a bundle of %zu bytes: median %.2f ms of %zu runs (goal: %s ms)\n",
           count, zip->size, (double)times[runs / 2] / 1e6, runs, goal);
  free(times);
  th_bytes_unref(zip);
  return is_measured ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: source FILES BYTES RUNS GOAL\n");
    return 2;
  }
  size_t count = strtoul(argv[1], NULL, 10), size = strtoul(argv[2], NULL, 10);
  size_t runs = strtoul(argv[3], NULL, 10);
  return count > 0 && runs > 0 ? run(count, size, runs, argv[4]) : 2;
}
