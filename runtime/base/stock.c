#include "base/stock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

#define BATCH 128        /* blocks that go to the depot, or come from there, together */
#define MOST_BATCHES 256 /* in the depot: 3 MB */

/* A sanitizer sees what is wrong with a block only where it goes back to it. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS 0
#endif
#endif
#ifndef KEEPS
#define KEEPS 1
#endif

/* A free block. */
struct block {
  struct block *next;
  struct block *next_batch; /* of the first one of a batch, in the depot */
};

_Static_assert(sizeof(struct block) <= TH_STOCK_BLOCK, "a free block holds its links");

struct th_stock {
  pthread_mutex_t lock;
  struct block *batches;
  atomic_uint count; /* batches; read without the lock as a hint */
};

/* What a thread keeps: less than two batches. */
struct pile {
  struct th_stock *stock; /* NULL: the thread keeps nothing */
  struct block *first;
  unsigned count;
};

static _Thread_local struct pile pile;

struct th_stock *th_stock_new(void) {
  struct th_stock *stock = th_new(struct th_stock);
  pthread_mutex_init(&stock->lock, NULL);
  return stock;
}

static void free_blocks(struct block *block) {
  while (block != NULL) {
    struct block *next = block->next;
    free(block);
    block = next;
  }
}

void th_stock_free(struct th_stock *stock) {
  while (stock->batches != NULL) {
    struct block *batch = stock->batches;
    stock->batches = batch->next_batch;
    free_blocks(batch);
  }
  pthread_mutex_destroy(&stock->lock);
  free(stock);
}

void th_stock_enter(struct th_stock *stock) {
  pile = (struct pile){.stock = KEEPS ? stock : NULL};
}

void th_stock_leave(void) {
  free_blocks(pile.first);
  pile = (struct pile){.stock = NULL};
}

/* ---- the depot ---- */

static struct block *fetch_batch(struct th_stock *stock) {
  if (atomic_load_explicit(&stock->count, memory_order_relaxed) == 0) return NULL;
  pthread_mutex_lock(&stock->lock);
  struct block *batch = stock->batches;
  if (batch != NULL) {
    stock->batches = batch->next_batch;
    atomic_fetch_sub_explicit(&stock->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&stock->lock);
  return batch;
}

/* Takes batch, unless there are enough: false then. */
static bool store_batch(struct th_stock *stock, struct block *batch) {
  pthread_mutex_lock(&stock->lock);
  bool has_room = atomic_load_explicit(&stock->count, memory_order_relaxed) < MOST_BATCHES;
  if (has_room) {
    batch->next_batch = stock->batches;
    stock->batches = batch;
    atomic_fetch_add_explicit(&stock->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&stock->lock);
  return has_room;
}

/* The pile is two batches high: the older one goes. */
static void put_batch_away(void) {
  struct block *last = pile.first;
  for (unsigned i = 1; i < BATCH; i++) last = last->next;
  struct block *batch = last->next;
  last->next = NULL;
  pile.count = BATCH;
  if (!store_batch(pile.stock, batch)) free_blocks(batch);
}

/* ---- taking and giving ---- */

void *th_stock_take(size_t size) {
  if (size > TH_STOCK_BLOCK) return malloc(size);
  if (pile.first == NULL && pile.stock != NULL) {
    pile.first = fetch_batch(pile.stock);
    pile.count = pile.first != NULL ? BATCH : 0;
  }
  struct block *block = pile.first;
  if (block == NULL) return malloc(TH_STOCK_BLOCK);
  pile.first = block->next;
  pile.count--;
  return block;
}

void th_stock_give(void *given, size_t size) {
  struct block *block = given;
  if (block == NULL || size > TH_STOCK_BLOCK || pile.stock == NULL) {
    free(block);
    return;
  }
  block->next = pile.first;
  pile.first = block;
  if (++pile.count == 2 * BATCH) put_batch_away();
}
