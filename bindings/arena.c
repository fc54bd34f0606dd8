#include "bindings/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bindings/arenas.h"

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
  void *root;     /* the caller's */
  bool is_clean;  /* bytes of blocks that nobody wrote are zero */
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

struct th_arena *th_arena_open(void *piece) {
  struct th_arena *arena = piece;
  SHOW(arena, TH_ARENA_SIZE);
  *arena = (struct th_arena){.is_clean = true};
  arena->top = (char *)arena + rounded(sizeof *arena);
  HIDE(arena->top, (size_t)(end_of(arena) - arena->top));
  return arena;
}

void th_arena_close(struct th_arena *arena) {
  SHOW(arena, TH_ARENA_SIZE);
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
  if (block == NULL) return NULL;
  SHOW(block, size);
  if (arena->is_clean) memset(block, 0, size);
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
  if (arena->is_clean && size > old_size) memset(block + old_size, 0, rounded(size) - old_size);
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
  if (adjust_last(arena, block, old_size, size) || rounded(old_size) == rounded(size)) return block;
  return move(arena, block, old_size, size);
}

/* ---- copies ---- */

/* What is used of an arena is WORDS words at most, of which each may hold the address of another. */
#define WORD sizeof(uintptr_t)
#define WORDS (TH_ARENA_SIZE / WORD)

_Static_assert(WORDS <= UINT16_MAX, "a word's number has two bytes");
_Static_assert(GRAIN == WORD, "blocks are words");

struct th_arena_copy {
  size_t count;     /* of addresses */
  size_t size;      /* in bytes; of what was used */
  uint16_t *places; /* of the words that are addresses: there they count from the arena's begin */
  uintptr_t words[];
};

/* For the while of saving. */
struct saving {
  uint16_t moved[WORDS + 1]; /* how many words in use are before each */
  uint16_t places[WORDS];
};

bool th_arena_is_whole(const struct th_arena *arena) {
  return arena->outside == 0;
}

void th_arena_soil(struct th_arena *arena) {
  arena->is_clean = false;
}

void th_arena_set_root(struct th_arena *arena, void *block) {
  arena->root = block;
}

void *th_arena_root(const struct th_arena *arena) {
  return arena->root;
}

static size_t used(const struct th_arena *arena) {
  return (size_t)(arena->top - (const char *)arena);
}

/* After all was shown: what is free is hidden again. */
static void hide_holes(struct hole *hole) {
  while (hole != NULL) {
    struct hole *next = hole->next;
    HIDE(hole, hole->size);
    hole = next;
  }
}

static void hide_free(struct th_arena *arena) {
#ifdef POISONS
  hide_holes(arena->large);
  for (size_t i = 0; i < LISTS; i++) hide_holes(arena->small[i]);
  HIDE(arena->top, (size_t)(end_of(arena) - arena->top));
#else
  (void)arena, (void)hide_holes;
#endif
}

/* Marks the words of the holes in moved. */
static void mark_holes(const struct th_arena *arena, const struct hole *hole, uint16_t *moved) {
  for (; hole != NULL; hole = hole->next) {
    size_t first = ((uintptr_t)hole - (uintptr_t)arena) / WORD;
    for (size_t i = 0; i < hole->size / WORD; i++) moved[first + i] = 1;
  }
}

/* Fills moved, and gives how many words are in use. */
static size_t number_words(const struct th_arena *arena, uint16_t *moved) {
  size_t count = 0, end = used(arena) / WORD;
  memset(moved, 0, (end + 1) * sizeof *moved);
  mark_holes(arena, arena->large, moved);
  for (size_t i = 0; i < LISTS; i++) mark_holes(arena, arena->small[i], moved);
  for (size_t i = 0; i <= end; i++) {
    size_t is_used = moved[i] == 0;
    moved[i] = (uint16_t)count;
    count += is_used;
  }
  return moved[end];
}

/* Copies the words in use close together. Addresses are of blocks, or of words within them, or their
 * ends; those that lead to what is free nobody reads. */
static void copy_words(const struct th_arena *arena, struct saving *saving,
                       struct th_arena_copy *copy) {
  const uintptr_t *words = (const uintptr_t *)(const void *)arena;
  size_t end = used(arena) / WORD;
  for (size_t i = 0; i < end; i++) {
    if (saving->moved[i] == saving->moved[i + 1]) continue;
    size_t to = saving->moved[i];
    uintptr_t distance = words[i] - (uintptr_t)arena;
    copy->words[to] = words[i];
    if (distance > used(arena) || distance % GRAIN != 0) continue;
    copy->words[to] = saving->moved[distance / WORD] * WORD;
    saving->places[copy->count++] = (uint16_t)to;
  }
}

struct th_arena_copy *th_arena_save(struct th_arena *arena) {
  if (!arena->is_clean || !th_arenas_are_distinct(arena)) return NULL;
  struct saving *saving = th_try_alloc(sizeof *saving);
  if (saving == NULL) return NULL;
  SHOW(arena, TH_ARENA_SIZE);
  size_t count = number_words(arena, saving->moved);
  struct th_arena_copy *copy = th_try_alloc(sizeof *copy + count * WORD);
  if (copy != NULL) {
    *copy = (struct th_arena_copy){.size = count * WORD};
    copy_words(arena, saving, copy);
    copy->places = th_alloc(copy->count * sizeof *copy->places);
    memcpy(copy->places, saving->places, copy->count * sizeof *copy->places);
  }
  hide_free(arena);
  free(saving);
  return copy;
}

size_t th_arena_copy_size(const struct th_arena_copy *copy) {
  return copy->size;
}

struct th_arena *th_arena_restore(void *piece, const struct th_arena_copy *copy) {
  struct th_arena *arena = piece;
  uintptr_t *words = piece;
  SHOW(arena, TH_ARENA_SIZE);
  memcpy(words, copy->words, copy->size);
  for (size_t i = 0; i < copy->count; i++) words[copy->places[i]] += (uintptr_t)arena;
  arena->lists = 0;
  arena->large = NULL;
  memset(arena->small, 0, sizeof arena->small);
  HIDE(arena->top, (size_t)(end_of(arena) - arena->top));
  return arena;
}

void th_arena_copy_free(struct th_arena_copy *copy) {
  if (copy == NULL) return;
  free(copy->places);
  free(copy);
}

/* ---- rest ---- */

/* A stretch of words, each of which differs; skip words before it do not. */
struct stretch {
  uint16_t skip, count;
};

struct th_arena_rest {
  size_t size; /* in bytes, of what was used */
  size_t words, stretches;
  uintptr_t data[]; /* the words of all stretches, then the stretches */
};

/* For the while of putting aside. */
struct aside {
  uintptr_t expected[WORDS];
  bool is_hole[WORDS];
  uintptr_t words[WORDS];
  struct stretch stretches[WORDS];
  size_t word_count, stretch_count;
};

/* What the copy would be in the arena, and zero behind it. */
static void expect(const struct th_arena *arena, const struct th_arena_copy *copy, uintptr_t *words,
                   size_t count) {
  size_t copied = copy != NULL ? copy->size / WORD : 0;
  if (copy != NULL) {
    memcpy(words, copy->words, copy->size);
    for (size_t i = 0; i < copy->count; i++) words[copy->places[i]] += (uintptr_t)arena;
  }
  if (count > copied) memset(words + copied, 0, (count - copied) * WORD);
}

/* What lies in a hole matters to nobody, but for its head. */
static void forget_holes(const struct th_arena *arena, const struct hole *hole, bool *is_hole) {
  for (; hole != NULL; hole = hole->next) {
    size_t first = ((uintptr_t)hole - (uintptr_t)arena) / WORD;
    for (size_t i = LEAST / WORD; i < hole->size / WORD; i++) is_hole[first + i] = true;
  }
}

static void note_word(struct aside *aside, size_t *end, size_t i, uintptr_t word) {
  struct stretch *last = &aside->stretches[aside->stretch_count];
  if (aside->stretch_count == 0 || i != *end) {
    last[0] = (struct stretch){.skip = (uint16_t)(i - *end)};
    aside->stretch_count++;
  }
  aside->stretches[aside->stretch_count - 1].count++;
  aside->words[aside->word_count++] = word;
  *end = i + 1;
}

static void find_differences(const struct th_arena *arena, struct aside *aside) {
  const uintptr_t *words = (const uintptr_t *)(const void *)arena;
  size_t end = 0, count = used(arena) / WORD;
  for (size_t i = 0; i < count; i++)
    if (words[i] != aside->expected[i] && !aside->is_hole[i]) note_word(aside, &end, i, words[i]);
}

static struct th_arena_rest *pack_rest(const struct th_arena *arena, const struct aside *aside) {
  size_t words = aside->word_count * WORD, heads = aside->stretch_count * sizeof *aside->stretches;
  struct th_arena_rest *rest = th_try_alloc(sizeof *rest + words + heads);
  if (rest == NULL) return NULL;
  *rest = (struct th_arena_rest){.size = used(arena), .stretches = aside->stretch_count};
  rest->words = aside->word_count;
  memcpy(rest->data, aside->words, words);
  memcpy(rest->data + aside->word_count, aside->stretches, heads);
  return rest;
}

struct th_arena_rest *th_arena_put_aside(struct th_arena *arena, const struct th_arena_copy *copy) {
  struct aside *aside = th_try_alloc(sizeof *aside);
  if (aside == NULL) return NULL;
  SHOW(arena, TH_ARENA_SIZE);
  aside->word_count = aside->stretch_count = 0;
  memset(aside->is_hole, 0, used(arena) / WORD * sizeof *aside->is_hole);
  expect(arena, copy, aside->expected, used(arena) / WORD);
  forget_holes(arena, arena->large, aside->is_hole);
  for (size_t i = 0; i < LISTS; i++) forget_holes(arena, arena->small[i], aside->is_hole);
  find_differences(arena, aside);
  struct th_arena_rest *rest = pack_rest(arena, aside);
  free(aside);
  hide_free(arena);
  return rest;
}

size_t th_arena_rest_size(const struct th_arena_rest *rest) {
  return sizeof *rest + rest->words * WORD + rest->stretches * sizeof(struct stretch);
}

size_t th_arena_rest_used(const struct th_arena_rest *rest) {
  return rest->size;
}

void th_arena_bring_back(void *piece, const struct th_arena_copy *copy,
                         struct th_arena_rest *rest) {
  struct th_arena *arena = piece;
  uintptr_t *words = piece, *to = words, *from = rest->data;
  const struct stretch *stretch = (const void *)(rest->data + rest->words);
  SHOW(piece, TH_ARENA_SIZE);
  expect(arena, copy, words, rest->size / WORD);
  for (size_t i = 0; i < rest->stretches; i++, stretch++) {
    to += stretch->skip;
    memcpy(to, from, stretch->count * WORD);
    to += stretch->count;
    from += stretch->count;
  }
  hide_free(arena);
  free(rest);
}
