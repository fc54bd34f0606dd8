#include "bindings/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif

#ifdef POISONS
#include <sanitizer/asan_interface.h>
#define HIDE(block, size) ASAN_POISON_MEMORY_REGION(block, size)
#define SHOW(block, size) ASAN_UNPOISON_MEMORY_REGION(block, size)
#else
#define HIDE(block, size) ((void)(block), (void)(size))
#define SHOW(block, size) ((void)(block), (void)(size))
#endif

/* Every size is rounded up to a multiple of it; also what Lua aligns all its objects to. */
#define GRAIN ((size_t)8)

/* What lies in a free block. */
struct hole {
  struct hole *next;
  size_t size;
};

/* No block is smaller, so that each can be a hole. */
#define LEAST sizeof(struct hole)

/* So many sizes, from the least on, have a list each. */
#define LISTS 64

_Static_assert(LEAST == 2 * GRAIN, "what is over is a hole, nothing, or a single grain");

struct th_arena {
  char *top;      /* of what was carved so far */
  size_t outside; /* blocks that malloc gave */
  uint64_t lists; /* a bit for each of the small ones that is not empty */
  struct hole *large;
  struct hole *small[LISTS]; /* see number_of */
};

static size_t rounded(size_t size) {
  return size <= LEAST ? LEAST : (size + GRAIN - 1) & ~(GRAIN - 1);
}

/* Of the list for a rounded size; LISTS or more: it has none. */
static size_t number_of(size_t size) {
  return (size - LEAST) / GRAIN;
}

static char *end_of(struct th_arena *arena) {
  return (char *)arena + TH_ARENA_SIZE;
}

static bool holds(const struct th_arena *arena, const void *block) {
  return (uintptr_t)block - (uintptr_t)arena < TH_ARENA_SIZE;
}

struct th_arena *th_arena_new(void) {
  struct th_arena *arena = th_try_alloc(TH_ARENA_SIZE);
  if (arena == NULL) return NULL;
  *arena = (struct th_arena){.outside = 0};
  arena->top = (char *)arena + rounded(sizeof *arena);
  HIDE(arena->top, (size_t)(end_of(arena) - arena->top));
  return arena;
}

void th_arena_free(struct th_arena *arena) {
  if (arena != NULL) SHOW(arena, TH_ARENA_SIZE);
  free(arena);
}

/* ---- blocks of the piece; sizes are rounded ---- */

static void put_back(struct th_arena *arena, void *block, size_t size) {
  if ((char *)block + size == arena->top) {
    arena->top = block;
  } else {
    size_t number = number_of(size);
    struct hole *hole = block, **list = number < LISTS ? &arena->small[number] : &arena->large;
    if (number < LISTS) arena->lists |= UINT64_C(1) << number;
    hole->next = *list;
    hole->size = size;
    *list = hole;
  }
  HIDE(block, size);
}

/* The smallest small hole that has room; what is over is a hole of its own, so it is no single grain.
 * NULL: none. */
static void *take_small(struct th_arena *arena, size_t size) {
  size_t number = number_of(size);
  uint64_t lists = number < LISTS ? (arena->lists >> number) & ~UINT64_C(2) : 0;
  if (lists == 0) return NULL;
  number += (size_t)__builtin_ctzll(lists);
  struct hole *hole = arena->small[number];
  size_t over = LEAST + number * GRAIN - size;
  SHOW(hole, size + over);
  arena->small[number] = hole->next;
  if (hole->next == NULL) arena->lists &= ~(UINT64_C(1) << number);
  if (over > 0) put_back(arena, (char *)hole + size, over);
  return hole;
}

/* The first large hole that has room; what is over is a hole of its own. */
static void *cut(struct th_arena *arena, size_t size) {
  for (struct hole **list = &arena->large; *list != NULL;) {
    SHOW(*list, sizeof **list);
    struct hole *hole = *list;
    size_t over = hole->size - size;
    if (hole->size >= size && over != GRAIN) {
      *list = hole->next;
      SHOW(hole, size);
      if (over > 0) {
        SHOW((char *)hole + size, sizeof *hole);
        put_back(arena, (char *)hole + size, over);
      }
      return hole;
    }
    list = &hole->next;
  }
  return NULL;
}

static void *carve(struct th_arena *arena, size_t size) {
  if (size > (size_t)(end_of(arena) - arena->top)) return NULL;
  char *block = arena->top;
  arena->top += size;
  return block;
}

/* NULL where the piece has no room. */
static void *find_room(struct th_arena *arena, size_t size) {
  void *block = take_small(arena, size);
  if (block == NULL) block = cut(arena, size);
  if (block == NULL) block = carve(arena, size);
  if (block != NULL) SHOW(block, size);
  return block;
}

/* ---- blocks wherever they lie ---- */

static void *give(struct th_arena *arena, size_t size) {
  void *block = size <= TH_ARENA_SIZE ? find_room(arena, rounded(size)) : NULL;
  if (block != NULL) return block;
  block = malloc(size);
  if (block != NULL) arena->outside++;
  return block;
}

static void take(struct th_arena *arena, void *block, size_t size) {
  if (block == NULL) return;
  if (holds(arena, block)) {
    put_back(arena, block, rounded(size));
    return;
  }
  arena->outside--;
  free(block);
}

/* Lua relies on it that a block can always be made smaller: where it cannot move it stays. */
static void *move(struct th_arena *arena, void *block, size_t old_size, size_t size) {
  void *moved = give(arena, size);
  if (moved == NULL) return size < old_size ? block : NULL;
  memcpy(moved, block, size < old_size ? size : old_size);
  take(arena, block, old_size);
  return moved;
}

/* The block carved last grows and shrinks where it is. */
static bool adjust_last(struct th_arena *arena, char *block, size_t old_size, size_t size) {
  char *end = block + rounded(size);
  if (block + rounded(old_size) != arena->top || size > (size_t)(end_of(arena) - block))
    return false;
  SHOW(block, rounded(size));
  if (end < arena->top) HIDE(end, (size_t)(arena->top - end));
  arena->top = end;
  return true;
}

void *th_arena_resize(struct th_arena *arena, void *block, size_t old_size, size_t size) {
  if (size == 0) {
    take(arena, block, old_size);
    return NULL;
  }
  if (block == NULL) return give(arena, size);
  if (!holds(arena, block)) return realloc(block, size);
  if (rounded(old_size) == rounded(size) || adjust_last(arena, block, old_size, size)) return block;
  return move(arena, block, old_size, size);
}

/* ---- copies ---- */

bool th_arena_is_whole(const struct th_arena *arena) {
  return arena->outside == 0;
}

static size_t used(const struct th_arena *arena) {
  return (size_t)(arena->top - (const char *)arena);
}

static void hide_holes(struct hole *hole) {
  while (hole != NULL) {
    struct hole *next = hole->next;
    HIDE(hole, hole->size);
    hole = next;
  }
}

/* After all was shown: what is free is hidden again. */
static void hide_free(struct th_arena *arena) {
#ifdef POISONS
  hide_holes(arena->large);
  for (size_t i = 0; i < LISTS; i++) hide_holes(arena->small[i]);
  HIDE(arena->top, (size_t)(end_of(arena) - arena->top));
#else
  (void)arena, (void)hide_holes;
#endif
}

void *th_arena_save(struct th_arena *arena, size_t *size) {
  void *copy = th_try_alloc(used(arena));
  if (copy == NULL) return NULL;
  *size = used(arena);
  SHOW(arena, TH_ARENA_SIZE);
  memcpy(copy, arena, *size);
  hide_free(arena);
  return copy;
}

void th_arena_restore(struct th_arena *arena, const void *copy, size_t size) {
  SHOW(arena, TH_ARENA_SIZE);
  memcpy(arena, copy, size);
  hide_free(arena);
}
