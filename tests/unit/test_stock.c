#include "base/stock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1000

static void blocks_of_any_size_can_be_written_and_given_back(void **unused) {
  struct th_stock *stock = th_stock_new();
  (void)unused;
  th_stock_enter(stock);
  for (size_t size = 1; size < 3 * TH_STOCK_BLOCK; size++) {
    void *block = th_stock_take(size);
    assert_non_null(block);
    memset(block, 0xa5, size);
    th_stock_give(block, size);
  }
  th_stock_give(NULL, 1);
  th_stock_leave();
  th_stock_free(stock);
}

static void no_two_have_the_same_block(void **unused) {
  struct th_stock *stock = th_stock_new();
  uint64_t *blocks[MANY];
  (void)unused;
  th_stock_enter(stock);
  for (int round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < MANY; i++) {
      blocks[i] = th_stock_take(sizeof *blocks[i]);
      *blocks[i] = i;
    }
    for (uint64_t i = 0; i < MANY; i++) {
      assert_int_equal(*blocks[i], i);
      th_stock_give(blocks[i], sizeof *blocks[i]);
    }
  }
  th_stock_leave();
  th_stock_free(stock);
}

/* ---- one thread takes, another gives ---- */

struct belt {
  struct th_stock *stock;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint64_t *blocks[MANY];
  unsigned count;
  uint64_t sum;
};

static void *give_all(void *argument) {
  struct belt *belt = argument;
  th_stock_enter(belt->stock);
  for (unsigned given = 0; given < 20 * MANY; given++) {
    pthread_mutex_lock(&belt->lock);
    while (belt->count == 0) pthread_cond_wait(&belt->changed, &belt->lock);
    uint64_t *block = belt->blocks[--belt->count];
    pthread_cond_broadcast(&belt->changed);
    pthread_mutex_unlock(&belt->lock);
    belt->sum += *block;
    th_stock_give(block, sizeof *block);
  }
  th_stock_leave();
  return NULL;
}

static void what_one_gives_another_takes(void **unused) {
  struct belt belt = {.stock = th_stock_new()};
  pthread_t giver;
  (void)unused;
  pthread_mutex_init(&belt.lock, NULL);
  pthread_cond_init(&belt.changed, NULL);
  assert_int_equal(pthread_create(&giver, NULL, give_all, &belt), 0);
  th_stock_enter(belt.stock);
  for (uint64_t i = 0; i < 20 * MANY; i++) {
    uint64_t *block = th_stock_take(sizeof *block);
    *block = i;
    pthread_mutex_lock(&belt.lock);
    while (belt.count == MANY) pthread_cond_wait(&belt.changed, &belt.lock);
    belt.blocks[belt.count++] = block;
    pthread_cond_broadcast(&belt.changed);
    pthread_mutex_unlock(&belt.lock);
  }
  th_stock_leave();
  pthread_join(giver, NULL);
  assert_int_equal(belt.sum, (uint64_t)20 * MANY * (20 * MANY - 1) / 2);
  pthread_cond_destroy(&belt.changed);
  pthread_mutex_destroy(&belt.lock);
  th_stock_free(belt.stock);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(blocks_of_any_size_can_be_written_and_given_back),
    cmocka_unit_test(no_two_have_the_same_block),
    cmocka_unit_test(what_one_gives_another_takes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
