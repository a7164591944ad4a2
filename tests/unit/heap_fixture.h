/* SPDX-License-Identifier: MIT */
/*
 * What tests of values share: an allocator that counts, and refuses when it is
 * told to; random numbers that are the same in each run.
 */
#pragma once

#include "vm/value/heap.h"
#include <stdlib.h>

typedef struct TestAllocator {
    int64_t calls;         /* that asked for memory */
    int64_t refuse_at;     /* this call is refused, ... */
    bool refuse_from_then; /* ... and all after it */
    int64_t refused;
    size_t moved_bytes; /* in blocks that grew or shrank */
} TestAllocator;

enum { REFUSE_NEVER = -1 };

static inline void *test_resize(void *context, void *block, size_t old_size, size_t new_size) {
    TestAllocator *allocator = context;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    int64_t call = allocator->calls++;
    bool refuse = allocator->refuse_at != REFUSE_NEVER &&
                  (call == allocator->refuse_at || (allocator->refuse_from_then && call > allocator->refuse_at));
    if (refuse) {
        allocator->refused++;
        return NULL;
    }
    if (block)
        allocator->moved_bytes += old_size < new_size ? old_size : new_size;
    return realloc(block, new_size);
}

static inline void test_heap_init(Heap *heap, TestAllocator *allocator) {
    *allocator = (TestAllocator){.refuse_at = REFUSE_NEVER};
    int r = heap_init(heap, (Allocator){.resize = test_resize, .context = allocator}, SIZE_MAX, 0x5eed);
    check(r == 0);
}

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)(random_next(state) % limit);
}

/*
 * Runs `scenario` with the allocator refusing its first call, then its
 * second, and so on, once and for ever, until nothing is refused any more.
 * Whatever the scenario was refused, it leaves nothing behind.
 */
static inline int64_t refuse_each(void (*scenario)(Heap *heap)) {
    int64_t runs = 0;
    for (int forever = 0; forever < 2; forever++) {
        bool finished = false;
        for (int64_t point = 0; !finished; point++, runs++) {
            TestAllocator allocator;
            Heap heap;
            test_heap_init(&heap, &allocator);
            int64_t live_before = heap.mem.live_count;
            allocator.refuse_at = allocator.calls + point;
            allocator.refuse_from_then = forever;

            scenario(&heap);

            check(heap.mem.live_count == live_before);
            finished = allocator.refused == 0;
            heap_deinit(&heap);
        }
    }
    return runs;
}
