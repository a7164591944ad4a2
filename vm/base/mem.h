/* SPDX-License-Identifier: MIT */
/*
 * Memory: everything a VM allocates comes from one `Mem`, which takes it
 * from the host's allocator, counts it and keeps a limit.
 *
 * Two ways to ask. mem_try() is for sizes that data decides (a string, the
 * block of a list): it may return NULL, and the caller answers with the
 * fault `out-of-memory`. mem_new() is for small things of fixed size (at most
 * MEM_SMALL_MAX bytes): it never returns NULL. When the allocator refuses, it
 * takes from a reserve filled at the start and sets `exhausted`; the
 * interpreter looks at that behind each instruction that makes objects and
 * each word that is done, and turns it into the same fault. So code that
 * makes small objects stays straight. Whoever makes many of them in one go (a word that splits a text,
 * a compiler pass) looks at mem_is_exhausted() as it goes.
 *
 * Small blocks are carved from slabs and kept on free lists by size; slabs
 * go back to the allocator at mem_deinit(). Under a sanitizer every block is
 * an allocation of its own, so that wrong uses are seen.
 */
#pragma once

#include "vm/base/check.h"
#include <string.h>

/* 0 makes every block an allocation of its own; all files of a program must agree. */
#ifndef MEM_POOLED
#if defined(__SANITIZE_ADDRESS__)
#define MEM_POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEM_POOLED 0
#endif
#endif
#endif
#ifndef MEM_POOLED
#define MEM_POOLED 1
#endif

enum {
    MEM_SMALL_MAX = 512,          /* the largest block that mem_new() gives */
    MEM_SLAB_SIZE = 64 * 1024,    /* small blocks are carved from slabs of this size */
    MEM_RESERVE_SIZE = 64 * 1024, /* set aside for when the allocator refuses */
};

typedef struct Allocator Allocator;
typedef struct Mem Mem;

/*
 * Where memory comes from. `resize(context, NULL, 0, n)` allocates,
 * `resize(context, p, n, 0)` frees and returns NULL, anything else moves.
 * Returns NULL when it refuses; the old block then stays. Blocks are aligned
 * to 16 bytes.
 */
struct Allocator {
    void *(*resize)(void *context, void *block, size_t old_size, size_t new_size);
    void *context;
};

typedef struct MemBlock {
    struct MemBlock *next;
} MemBlock;

struct Mem {
    Allocator allocator;
    MemBlock *pools[MEM_SMALL_MAX / 8 + 1]; /* free small blocks, by size in units of 8 */
    MemBlock *slabs;                        /* all slabs, for deinit */
    char *slab_next, *slab_end;             /* the rest of the newest slab */
    char *reserve;                          /* MEM_RESERVE_SIZE bytes, or NULL once it is in use as a slab */
    size_t used_bytes;                      /* taken from the allocator now */
    size_t peak_bytes;
    size_t limit_bytes; /* refuse beyond this; SIZE_MAX: no limit */
    int64_t live_count; /* blocks given out and not yet returned; zero at the end of every test */
    bool exhausted;     /* the allocator refused, and the reserve was used */
};

/* The C library's allocator. */
Allocator allocator_default(void);

/* Starts an empty Mem with its reserve. Returns -ENOMEM when not even that can be had. */
int mem_init(Mem *mem, Allocator allocator, size_t limit_bytes) MUST_CHECK;
/* Gives everything back. All blocks larger than MEM_SMALL_MAX must have been freed. */
void mem_deinit(Mem *mem);

/*
 * Blocks are aligned to 8 bytes; their contents are undefined. A block of
 * size 0 is a block like any other.
 */

/* `size` bytes, any size; NULL when refused. While `exhausted`, small sizes come from freed blocks only. */
void *mem_try(Mem *mem, size_t size) MUST_CHECK;
/*
 * Moves a block to a new size; NULL when refused, and then the old block
 * stays as it was. A NULL block of size 0 is a new one.
 */
void *mem_try_resize(Mem *mem, void *block, size_t old_size, size_t new_size) MUST_CHECK;
/*
 * Moves an array to twice its capacity, or from none to a first few items;
 * NULL when refused, and then array and capacity stay as they were.
 */
void *mem_try_double(Mem *mem, void *items, size_t item_size, uint32_t *capacityp) MUST_CHECK;
/* `size` bytes, at most MEM_SMALL_MAX; never NULL. */
static inline void *mem_small(Mem *mem, size_t size);
/* Returns a block of exactly `size` bytes, from whichever of the three it came. Accepts NULL. */
static inline void mem_free(Mem *mem, void *block, size_t size);

/* A zeroed object of fixed size; never NULL. */
#define mem_new(mem, Type) ((Type *)mem_new_zeroed((mem), sizeof(Type)))
static inline void *mem_new_zeroed(Mem *mem, size_t size);

/* True after the reserve was used, until mem_recover() could fill it again. A NULL from mem_try() does not set it. */
static inline bool mem_is_exhausted(const Mem *mem) {
    return UNLIKELY(mem->exhausted);
}
/* Tries to fill the reserve again and clears `exhausted` if that worked. */
void mem_recover(Mem *mem);

/* For the inline functions below: the same when no block of that size is at hand, or the size is not small. */
void *mem_small_slow(Mem *mem, size_t size);
void mem_free_slow(Mem *mem, void *block, size_t size);

static inline void *mem_small(Mem *mem, size_t size) {
    check(size <= MEM_SMALL_MAX);
    MemBlock **pool = &mem->pools[(size + 7) / 8];
    MemBlock *block = *pool;
    if (!MEM_POOLED || UNLIKELY(block == NULL))
        return mem_small_slow(mem, size);
    *pool = block->next;
    mem->live_count++;
    return block;
}

static inline void mem_free(Mem *mem, void *block, size_t size) {
    if (!MEM_POOLED || UNLIKELY(size > MEM_SMALL_MAX)) {
        mem_free_slow(mem, block, size);
        return;
    }
    if (UNLIKELY(block == NULL))
        return;
    MemBlock **pool = &mem->pools[(size + 7) / 8];
    MemBlock *freed = (MemBlock *)block;
    freed->next = *pool;
    *pool = freed;
    mem->live_count--;
}

static inline void *mem_new_zeroed(Mem *mem, size_t size) {
    return memset(mem_small(mem, size), 0, size);
}
