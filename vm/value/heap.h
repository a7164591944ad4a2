/* SPDX-License-Identifier: MIT */
/*
 * Heap: what the values of one VM share. There is no global one; whoever
 * makes or drops a value is given the heap. Two heaps share nothing.
 */
#pragma once

#include "vm/base/mem.h"
#include "vm/value/symbol.h"
#include "vm/value/value.h"

struct Heap {
    Mem mem;
    SymbolTable symbols;
    uint64_t hash_seed; /* random per VM, so that nobody outside can choose colliding keys; never seen in any order */
    /*
     * The last reference to a handle went: frees the channel or cancels the
     * weave. Set by whoever makes handles; `tag` is TAG_CHANNEL or TAG_WEAVE.
     * May drop values, other handles too.
     */
    void (*handle_dropped)(Heap *heap, Tag tag, void *subject);
    Object *dropped_handles; /* linked; their owners are still to be told */
    bool is_telling;         /* handle_dropped is running */
};

/* Starts a heap. `hash_seed` comes from the VM's random source. Returns -ENOMEM. */
int heap_init(Heap *heap, Allocator allocator, size_t limit_bytes, uint64_t hash_seed) MUST_CHECK;
/* All values must be gone, and all else that was taken from `mem`. */
void heap_deinit(Heap *heap);

/* A small object with its head filled in: one reference, no flags. Never NULL. */
static inline void *heap_object(Heap *heap, size_t size, Tag tag) {
    Object *object = mem_small(&heap->mem, size);
    *object = (Object){.count = 1, .tag = (uint8_t)tag};
    return object;
}
/* The same for a size that data decides; NULL when memory is refused. */
static inline void *heap_try_object(Heap *heap, size_t size, Tag tag) {
    Object *object = mem_try(&heap->mem, size);
    if (LIKELY(object != NULL))
        *object = (Object){.count = 1, .tag = (uint8_t)tag};
    return object;
}
