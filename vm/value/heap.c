/* SPDX-License-Identifier: MIT */
/*
 * A heap is only the frame around its parts. It counts nothing itself: Mem
 * counts blocks, and at the end there are none, so a value that leaked stops
 * the process here and not in somebody's memory graph.
 */
#include "vm/value/heap.h"

int heap_init(Heap *heap, Allocator allocator, size_t limit_bytes, uint64_t hash_seed) {
    *heap = (Heap){.hash_seed = hash_seed};

    int r = mem_init(&heap->mem, allocator, limit_bytes);
    if (r)
        return r;
    r = symbol_table_init(&heap->symbols, &heap->mem, hash_seed);
    if (r)
        mem_deinit(&heap->mem);
    return r;
}

void heap_deinit(Heap *heap) {
    check(!heap->is_telling && heap->dropped_handles == NULL);
    symbol_table_deinit(&heap->symbols, &heap->mem);
    check(heap->mem.live_count == 0);
    mem_deinit(&heap->mem);
}
