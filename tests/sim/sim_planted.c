#include "sim_planted.h"

#include "base/plant.h"

#ifdef TH_PLANTED

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEGINNINGS 3
#define APART UINT64_C(1000000)

int th_planted;

static const struct plant {
  int number;
  const char *words;
} plants[] = {
#define X(number, words) {number, words},
  SIM_PLANTS(X)
#undef X
};

/* What a process that may end at any moment has to say. */
struct hunt {
  uint64_t tried;
};

static void run_hunt(struct hunt *hunt, uint64_t from, uint64_t most,
                     bool (*is_found)(uint64_t seed)) {
  while (hunt->tried < most) {
    hunt->tried++;
    if (is_found(from + hunt->tried - 1)) _exit(1);
  }
  _exit(0);
}

/* How many seeds it took; 0: it was not found. A process that ends in another way has found it. */
static uint64_t hunt_from(struct hunt *hunt, uint64_t from, uint64_t most,
                          bool (*is_found)(uint64_t seed)) {
  int status = 0;
  hunt->tried = 0;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == NULL) _exit(0);
    run_hunt(hunt, from, most, is_found);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status == 0) return 0;
  return hunt->tried;
}

static int compare(const void *one, const void *other) {
  uint64_t first = *(const uint64_t *)one, second = *(const uint64_t *)other;
  return (first > second) - (first < second);
}

/* Those that did not find it count as the most. */
static bool hunt_plant(struct hunt *hunt, const struct plant *plant, uint64_t most,
                       bool (*is_found)(uint64_t seed)) {
  uint64_t tries[BEGINNINGS];
  unsigned missed = 0;
  th_planted = plant->number;
  for (unsigned i = 0; i < BEGINNINGS; i++) {
    tries[i] = hunt_from(hunt, 1 + i * APART, most, is_found);
    if (tries[i] == 0) missed++;
    if (tries[i] == 0) tries[i] = most;
  }
  qsort(tries, BEGINNINGS, sizeof tries[0], compare);
  printf("sim: bug %2d, %s: found after %" PRIu64 " seeds at the median, %" PRIu64 " at most",
         plant->number, plant->words, tries[BEGINNINGS / 2], tries[BEGINNINGS - 1]);
  if (missed > 0) printf("; not found from %u of %d beginnings", missed, BEGINNINGS);
  printf("\n");
  return missed <= BEGINNINGS / 2;
}

bool sim_planted_hunt(int plant, uint64_t most, bool (*is_found)(uint64_t seed)) {
  bool is_fine = true;
  struct hunt *hunt = mmap(NULL, sizeof *hunt, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
  if (hunt == MAP_FAILED) return false;
  for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
    if (plant == 0 || plants[i].number == plant)
      is_fine = hunt_plant(hunt, &plants[i], most, is_found) && is_fine;
  munmap(hunt, sizeof *hunt);
  return is_fine;
}

#endif
