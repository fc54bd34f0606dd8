/* stock: small blocks that are used again and again, by threads that hand them to each other.
 *
 * A thread that has entered a stock keeps some of the blocks that it gives back, and takes from them
 * without a lock. Where one thread only takes and another only gives, they meet at the depot, a whole
 * batch at a time. Every block comes from malloc, so a thread outside gives and takes as well.
 *
 * Threads: any; enter and leave by the thread itself.
 * Owns: the blocks that were given back and not taken again.
 */
#ifndef TH_BASE_STOCK_H
#define TH_BASE_STOCK_H

#include <stddef.h>

/* What fits into this many bytes is a block; larger things come from malloc and go to free. */
#define TH_STOCK_BLOCK 104

struct th_stock;

struct th_stock *th_stock_new(void);

/* Nobody is in it any more. */
void th_stock_free(struct th_stock *stock);

/* From here on, until it leaves, the calling thread works with this stock. */
void th_stock_enter(struct th_stock *stock);
void th_stock_leave(void);

/* Gives size bytes, uninitialised, or NULL where there is no memory. */
void *th_stock_take(size_t size);

/* Takes what th_stock_take(size) gave; NULL is fine. */
void th_stock_give(void *block, size_t size);

#endif
