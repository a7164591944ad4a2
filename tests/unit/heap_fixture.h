/* SPDX-License-Identifier: MIT */
/*
 * What tests of values share: a heap over an allocator that refuses when told
 * to and counts what it moves; random numbers that are the same in each run.
 */
#pragma once

#include "tests/unit/refusing.h"
#include "vm/value/heap.h"

typedef struct TestAllocator {
    Refusing refusing;
    size_t moved_bytes; /* in blocks that grew or shrank */
} TestAllocator;

static inline void *test_resize(void *context, void *block, size_t old_size, size_t new_size) {
    TestAllocator *allocator = context;
    if (block)
        allocator->moved_bytes += old_size < new_size ? old_size : new_size;
    return refusing_resize(&allocator->refusing, block, old_size, new_size);
}

static inline void test_heap_init(Heap *heap, TestAllocator *allocator) {
    *allocator = (TestAllocator){0};
    int r = heap_init(heap, (Allocator){.resize = test_resize, .context = allocator}, SIZE_MAX, 0x5eed);
    check(r == 0);
}

/* The request after `point` more of them is refused. */
static inline void test_refuse_after(TestAllocator *allocator, uint64_t point, bool for_ever) {
    allocator->refusing.first = allocator->refusing.asked + 1 + point;
    allocator->refusing.for_ever = for_ever;
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
 * Runs `scenario` with the allocator refusing its first request, then its
 * second, and so on, once and for ever, until nothing is refused any more.
 * Whatever the scenario was refused, it leaves nothing behind. Returns how
 * often it ran.
 */
static inline int refuse_each(void (*scenario)(Heap *heap)) {
    int runs = 0;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool finished = false;
        for (uint64_t point = 0; !finished; point++, runs++) {
            TestAllocator allocator;
            Heap heap;
            test_heap_init(&heap, &allocator);
            int64_t live_before = heap.mem.live_count;
            test_refuse_after(&allocator, point, for_ever);

            scenario(&heap);

            check(heap.mem.live_count == live_before);
            finished = allocator.refusing.refused == 0;
            heap_deinit(&heap);
            check(allocator.refusing.out_count == 0);
        }
    }
    return runs;
}
