#include "bindings/arenas.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "bindings/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#define FINDS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FINDS_LEAKS 1
#endif
#endif

#ifdef FINDS_LEAKS
#include <sanitizer/lsan_interface.h>
#define FOLLOW(slab, size) __lsan_register_root_region(slab, size)
#define FORGET(slab, size) __lsan_unregister_root_region(slab, size)
#else
#define FOLLOW(slab, size) ((void)(slab), (void)(size))
#define FORGET(slab, size) ((void)(slab), (void)(size))
#endif

/* ---- places ---- */

#define HALF 32
#define OPERATIONS 0x53 /* of Lua 5.4: numbers from here on are none */
#define CODES 0x80      /* so many numbers an operation code can be */
#define SKIPPED ((uintptr_t)16 << 20)

#define PIECES 64 /* of a slab */
#define SLAB (PIECES * TH_ARENA_SIZE)

/* Slabs that lie at a distinct place within one value of the upper half, and all of them in a row. */
#define SLABS_OF_HALF ((((uintptr_t)1 << HALF) - SKIPPED) / SLAB)
#define SLABS_OF_ROW ((CODES - OPERATIONS) * SLABS_OF_HALF)

/* What the upper half begins with in each row; the next is tried where places are taken: by the
 * shadow of AddressSanitizer, which lies in the first. */
static const uintptr_t rows[] = {0x0000, 0x7e80};
#define ROWS (sizeof rows / sizeof *rows)

/* So many places are tried for one slab. */
#define TRIES 64

bool th_arenas_are_distinct(const void *piece) {
  uintptr_t upper = (uintptr_t)piece >> HALF, lower = (uintptr_t)piece & UINT32_MAX;
  return upper % CODES >= OPERATIONS && lower >= SKIPPED && lower <= UINT32_MAX - TH_ARENA_SIZE;
}

static void *place_of(uintptr_t row, uintptr_t number) {
  uintptr_t upper = row + OPERATIONS + number / SLABS_OF_HALF;
  return (void *)((upper << HALF) + SKIPPED + number % SLABS_OF_HALF * SLAB);
}

/* A slab at the place, or NULL. A kernel that does not know the flag may map it elsewhere. */
static void *map_at(void *place) {
  void *slab = mmap(place, SLAB, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (slab == MAP_FAILED) return NULL;
  if (slab == place) return slab;
  munmap(slab, SLAB);
  return NULL;
}

/* NULL when there is no memory. */
static void *map_slab(void) {
  static atomic_size_t next; /* relaxed: any order does */
  for (size_t row = 0; row < ROWS; row++) {
    for (int i = 0; i < TRIES; i++) {
      size_t number = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % SLABS_OF_ROW;
      void *slab = map_at(place_of(rows[row], number));
      if (slab != NULL) return slab;
    }
  }
  void *slab = mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
  return slab != MAP_FAILED ? slab : NULL;
}

/* ---- pieces ---- */

struct list {
  void **items;
  size_t count, room;
};

struct th_arenas {
  pthread_mutex_t lock;
  void *warm[2 * TH_ARENAS_WARM]; /* who came last goes first */
  size_t warm_count;
  void *cooling[TH_ARENAS_COOL]; /* of arenas that rest: whose memory is still there */
  size_t cooling_count;
  struct list cold; /* pieces without memory */
  struct list slabs;
  size_t cut; /* pieces of the last slab that were taken */
};

static void push(struct list *list, void *item) {
  if (list->count == list->room) {
    list->room = list->room == 0 ? 64 : 2 * list->room;
    list->items = th_realloc(list->items, list->room * sizeof *list->items);
  }
  list->items[list->count++] = item;
}

struct th_arenas *th_arenas_new(void) {
  struct th_arenas *arenas = th_new(struct th_arenas);
  pthread_mutex_init(&arenas->lock, NULL);
  arenas->cut = PIECES;
  return arenas;
}

void th_arenas_free(struct th_arenas *arenas) {
  for (size_t i = 0; i < arenas->slabs.count; i++) {
    FORGET(arenas->slabs.items[i], SLAB);
    munmap(arenas->slabs.items[i], SLAB);
  }
  free(arenas->slabs.items);
  free(arenas->cold.items);
  pthread_mutex_destroy(&arenas->lock);
  free(arenas);
}

/* A piece that was never used; NULL when there is no memory. The caller holds the lock. */
static void *cut(struct th_arenas *arenas) {
  if (arenas->cut == PIECES) {
    void *slab = map_slab();
    if (slab == NULL) return NULL;
    FOLLOW(slab, SLAB);
    push(&arenas->slabs, slab);
    arenas->cut = 0;
  }
  char *slab = arenas->slabs.items[arenas->slabs.count - 1];
  return slab + arenas->cut++ * TH_ARENA_SIZE;
}

/* ---- their memory ---- */

static int compare(const void *one, const void *other) {
  uintptr_t a = (uintptr_t) * (void *const *)one, b = (uintptr_t) * (void *const *)other;
  return (a > b) - (a < b);
}

/* Has the system take the memory of all: at once where they lie side by side. Sorts them. */
static void release(void **pieces, size_t count) {
  qsort(pieces, count, sizeof *pieces, compare);
  for (size_t i = 0, next; i < count; i = next) {
    char *begin = pieces[i], *end = begin + TH_ARENA_SIZE;
    for (next = i + 1; next < count && pieces[next] == end; next++) end += TH_ARENA_SIZE;
    madvise(begin, (size_t)(end - begin), MADV_DONTNEED);
  }
}

/* One call in place of a page fault each. A kernel that does not know it says so, and has the faults. */
static void populate(void *piece, size_t size) {
#ifdef MADV_POPULATE_WRITE
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  madvise(piece, (size + page - 1) / page * page, MADV_POPULATE_WRITE);
#else
  (void)piece, (void)size;
#endif
}

/* ---- what they are used for ---- */

void *th_arenas_take(struct th_arenas *arenas, size_t size) {
  void *piece;
  pthread_mutex_lock(&arenas->lock);
  bool is_warm = arenas->warm_count > 0;
  if (is_warm)
    piece = arenas->warm[--arenas->warm_count];
  else if (arenas->cold.count > 0)
    piece = arenas->cold.items[--arenas->cold.count];
  else
    piece = cut(arenas);
  pthread_mutex_unlock(&arenas->lock);
  if (!is_warm && piece != NULL) populate(piece, size);
  return piece;
}

/* Where too many are warm, those that are so for the longest time; gives how many. The caller holds the
 * lock. */
static size_t take_oldest(struct th_arenas *arenas, void **oldest) {
  if (arenas->warm_count < 2 * TH_ARENAS_WARM) return 0;
  arenas->warm_count -= TH_ARENAS_WARM;
  memcpy(oldest, arenas->warm, TH_ARENAS_WARM * sizeof *oldest);
  memcpy(arenas->warm, arenas->warm + TH_ARENAS_WARM, arenas->warm_count * sizeof *oldest);
  return TH_ARENAS_WARM;
}

void th_arenas_give(struct th_arenas *arenas, void *piece) {
  void *oldest[TH_ARENAS_WARM];
  pthread_mutex_lock(&arenas->lock);
  arenas->warm[arenas->warm_count++] = piece;
  size_t count = take_oldest(arenas, oldest);
  pthread_mutex_unlock(&arenas->lock);
  if (count == 0) return;
  release(oldest, count);
  pthread_mutex_lock(&arenas->lock);
  while (count > 0) push(&arenas->cold, oldest[--count]);
  pthread_mutex_unlock(&arenas->lock);
}

/* Who is cooling can be warm again at any time, so that is under the lock. */
void th_arenas_cool(struct th_arenas *arenas, void *piece) {
  pthread_mutex_lock(&arenas->lock);
  arenas->cooling[arenas->cooling_count++] = piece;
  if (arenas->cooling_count == TH_ARENAS_COOL) {
    release(arenas->cooling, TH_ARENAS_COOL);
    arenas->cooling_count = 0;
  }
  pthread_mutex_unlock(&arenas->lock);
}

/* False where it was not cooling: then its memory is gone. */
static bool stop_cooling(struct th_arenas *arenas, const void *piece) {
  size_t i = 0;
  pthread_mutex_lock(&arenas->lock);
  while (i < arenas->cooling_count && arenas->cooling[i] != piece) i++;
  bool was_cooling = i < arenas->cooling_count;
  if (was_cooling) arenas->cooling[i] = arenas->cooling[--arenas->cooling_count];
  pthread_mutex_unlock(&arenas->lock);
  return was_cooling;
}

void th_arenas_warm(struct th_arenas *arenas, void *piece, size_t size) {
  if (!stop_cooling(arenas, piece)) populate(piece, size);
}
