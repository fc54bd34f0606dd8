/* source FILES BYTES RUNS GOAL: the median time to verify and open a signed bundle of so many Lua files,
 * each of about so many bytes of text that packs as code does. See source.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/source.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "bundle/envelope.h"

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

/* The bundle in an envelope, signed with a new key; NULL where that fails. */
static struct th_bytes *sign(const struct th_bytes *zip, struct th_public_key *public_key) {
  struct th_secret_key key;
  struct th_bytes *envelope = NULL;
  struct th_reason reason = {""};
  if (th_key_make_pair(public_key, &key) != 0 ||
      th_envelope_sign(zip->data, zip->size, &key, "bench", 5, &envelope, &reason) != 0)
    fprintf(stderr, "not signed: %s\n", reason.words);
  return envelope;
}

/* When the two halves of the work were done; nanoseconds. */
struct times {
  uint64_t verified;
  uint64_t opened;
};

/* False when the bundle is refused. */
static bool measure(const struct th_bytes *bundle, const struct th_public_key *key,
                    struct times *times) {
  struct th_source *source = NULL;
  struct th_reason reason = {""};
  struct th_envelope envelope;
  const struct th_source_config config = {.info = "bench"};
  uint64_t begin = th_clock_now();
  int error = th_envelope_open(bundle->data, bundle->size, &envelope, &reason);
  if (error == 0) error = th_envelope_require(&envelope, key, 1, 1, &reason);
  times->verified = th_clock_now() - begin;
  if (error == 0)
    error = th_source_open(envelope.payload, envelope.payload_size, &config, &source, &reason);
  times->opened = th_clock_now() - begin;
  if (error != 0) fprintf(stderr, "%s\n", reason.words);
  th_source_unref(source);
  return error == 0;
}

static int by_length(const void *left, const void *right) {
  uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
  return (one > other) - (one < other);
}

static double median(uint64_t *times, size_t count) {
  qsort(times, count, sizeof *times, by_length);
  return (double)times[count / 2] / 1e6;
}

static bool run(const struct th_bytes *bundle, const struct th_public_key *key, size_t runs,
                const char *goal) {
  uint64_t *verified = th_alloc_zeroed(runs, sizeof *verified);
  uint64_t *opened = th_alloc_zeroed(runs, sizeof *opened);
  bool is_measured = true;
  for (size_t i = 0; i < runs && is_measured; i++) {
    struct times times;
    is_measured = measure(bundle, key, &times);
    verified[i] = times.verified;
    opened[i] = times.opened;
  }
  if (is_measured)
    printf(
      "%zu bytes: verified and opened in %.2f ms, verified alone in %.2f ms, medians of %zu runs "
      "(goal: %s ms)\n",
      bundle->size, median(opened, runs), median(verified, runs), runs, goal);
  free(verified);
  free(opened);
  return is_measured;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: source FILES BYTES RUNS GOAL\n");
    return 2;
  }
  size_t count = strtoul(argv[1], NULL, 10), size = strtoul(argv[2], NULL, 10);
  size_t runs = strtoul(argv[3], NULL, 10);
  if (count == 0 || runs == 0) return 2;
  struct th_public_key key;
  struct th_bytes *zip = make(count, size), *bundle = zip != NULL ? sign(zip, &key) : NULL;
  bool is_measured = bundle != NULL && run(bundle, &key, runs, argv[4]);
  th_bytes_unref(bundle);
  th_bytes_unref(zip);
  return is_measured ? 0 : 1;
}
