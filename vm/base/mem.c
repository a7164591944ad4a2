/* SPDX-License-Identifier: MIT */
/*
 * A small block is popped from the free list of its size, or cut from the
 * front of the newest slab; freed, it goes back to its list and never to the
 * allocator. What is left of a slab when it is too short for a request
 * becomes a free block itself, so nothing is lost.
 *
 * The reserve is a slab that nobody cuts from until the allocator refuses
 * one. From then on only requests that cannot fail may cut from it; those
 * that can are refused, so that they do not eat what the others need.
 *
 * Without pools the same lists hold only what was cut from the reserve.
 */
#include "vm/base/mem.h"

#include <errno.h>
#include <stdlib.h>

enum { SLAB_HEAD_SIZE = 16 }; /* the link of the list of slabs, padded so that blocks start aligned */

static_assert(MEM_RESERVE_SIZE == MEM_SLAB_SIZE, "the reserve can become a slab");
static_assert(SLAB_HEAD_SIZE >= sizeof(MemBlock) && SLAB_HEAD_SIZE + MEM_SMALL_MAX <= MEM_SLAB_SIZE,
              "a new slab has room");
static_assert(MEM_SMALL_MAX % 8 == 0, "each small size has its own list");

/* --- the allocator, counted and limited --- */

static void *default_resize(void *context, void *block, size_t old_size, size_t new_size) {
    (void)context;
    (void)old_size;
    if (new_size > 0)
        return realloc(block, new_size);
    free(block);
    return NULL;
}

Allocator allocator_default(void) {
    return (Allocator){.resize = default_resize};
}

static void *ask(Mem *mem, void *block, size_t old_size, size_t new_size) {
    size_t others = mem->used_bytes - old_size;
    if (new_size > old_size && (new_size > mem->limit_bytes || others > mem->limit_bytes - new_size))
        return NULL;

    void *moved = mem->allocator.resize(mem->allocator.context, block, old_size, new_size);
    if (!moved)
        return NULL;

    mem->used_bytes = others + new_size;
    if (mem->used_bytes > mem->peak_bytes)
        mem->peak_bytes = mem->used_bytes;
    return moved;
}

static void give_back(Mem *mem, void *block, size_t size) {
    mem->allocator.resize(mem->allocator.context, block, size, 0);
    mem->used_bytes -= size;
}

/* What we ask for a block of its own: never 0 bytes, which would free it. */
static size_t own_size(size_t size) {
    return size > 0 ? size : 1;
}

/* --- lists and slabs --- */

static void *pop(Mem *mem, size_t size) {
    MemBlock **pool = &mem->pools[(size + 7) / 8];
    MemBlock *block = *pool;
    if (block)
        *pool = block->next;
    return block;
}

static void push(Mem *mem, void *block, size_t size) {
    MemBlock **pool = &mem->pools[(size + 7) / 8];
    MemBlock *freed = block;
    freed->next = *pool;
    *pool = freed;
}

static void *cut(Mem *mem, size_t size) {
    size_t whole = size > 0 ? (size + 7) / 8 * 8 : 8;
    if ((size_t)(mem->slab_end - mem->slab_next) < whole)
        return NULL;
    void *block = mem->slab_next;
    mem->slab_next += whole;
    return block;
}

/* The old slab must be too short for some small size, so that its rest fits on a list. */
static void start_slab(Mem *mem, TAKEN char *bytes) {
    size_t rest = (size_t)(mem->slab_end - mem->slab_next);
    if (rest > 0)
        push(mem, mem->slab_next, rest);

    MemBlock *slab = (MemBlock *)bytes;
    slab->next = mem->slabs;
    mem->slabs = slab;
    mem->slab_next = bytes + SLAB_HEAD_SIZE;
    mem->slab_end = bytes + MEM_SLAB_SIZE;
}

static void *cut_from_new_slab(Mem *mem, size_t size) {
    char *slab = ask(mem, NULL, 0, MEM_SLAB_SIZE);
    if (!slab)
        return NULL;
    start_slab(mem, slab);
    return cut(mem, size);
}

static bool is_in_a_slab(const Mem *mem, const void *block) {
    uintptr_t address = (uintptr_t)block;
    for (const MemBlock *slab = mem->slabs; slab; slab = slab->next)
        if (address - (uintptr_t)slab < MEM_SLAB_SIZE)
            return true;
    return false;
}

/* --- small blocks --- */

/* May refuse. */
static void *small_try(Mem *mem, size_t size) {
    if (!MEM_POOLED)
        return ask(mem, NULL, 0, own_size(size));

    void *block = pop(mem, size);
    if (block || mem->exhausted)
        return block;
    block = cut(mem, size);
    return block ? block : cut_from_new_slab(mem, size);
}

/* After a refusal, for those who may not be refused. */
static void *small_from_reserve(Mem *mem, size_t size) {
    mem->exhausted = true;

    void *block = pop(mem, size);
    if (!block)
        block = cut(mem, size);
    if (!block && mem->reserve) {
        start_slab(mem, mem->reserve);
        mem->reserve = NULL;
        block = cut(mem, size);
    }
    if (!block)
        block = cut_from_new_slab(mem, size);
    if (!block)
        check_failed("out of memory, and the reserve is used up", __FILE__, __LINE__);
    return block;
}

void *mem_small_slow(Mem *mem, size_t size) {
    void *block = small_try(mem, size);
    if (!block)
        block = small_from_reserve(mem, size);
    mem->live_count++;
    return block;
}

/* --- blocks of any size --- */

void *mem_try(Mem *mem, size_t size) {
    void *block = size <= MEM_SMALL_MAX ? small_try(mem, size) : ask(mem, NULL, 0, size);
    if (block)
        mem->live_count++;
    return block;
}

void mem_free_slow(Mem *mem, void *block, size_t size) {
    if (!block)
        return;
    if (size <= MEM_SMALL_MAX && (MEM_POOLED || is_in_a_slab(mem, block)))
        push(mem, block, size);
    else
        give_back(mem, block, own_size(size));
    mem->live_count--;
}

static bool is_own_allocation(const Mem *mem, const void *block, size_t size) {
    return size > MEM_SMALL_MAX || (!MEM_POOLED && block && !is_in_a_slab(mem, block));
}

void *mem_try_resize(Mem *mem, void *block, size_t old_size, size_t new_size) {
    if (is_own_allocation(mem, block, old_size) && (new_size > MEM_SMALL_MAX || !MEM_POOLED))
        return ask(mem, block, own_size(old_size), own_size(new_size));

    bool fits = block && old_size <= MEM_SMALL_MAX && (new_size + 7) / 8 == (old_size + 7) / 8;
    if (fits)
        return block;

    void *moved = mem_try(mem, new_size);
    if (!moved || !block)
        return moved;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    mem_free(mem, block, old_size);
    return moved;
}

void *mem_try_double(Mem *mem, void *items, size_t item_size, uint32_t *capacityp) {
    enum { CAPACITY_MIN = 8 };
    uint32_t capacity = *capacityp ? *capacityp * 2 : CAPACITY_MIN;
    if (capacity < *capacityp)
        return NULL;
    void *moved = mem_try_resize(mem, items, *capacityp * item_size, capacity * item_size);
    if (moved)
        *capacityp = capacity;
    return moved;
}

/* --- start, recovery, end --- */

int mem_init(Mem *mem, Allocator allocator, size_t limit_bytes) {
    *mem = (Mem){.allocator = allocator, .limit_bytes = limit_bytes};
    mem->reserve = ask(mem, NULL, 0, MEM_RESERVE_SIZE);
    return mem->reserve ? 0 : -ENOMEM;
}

void mem_recover(Mem *mem) {
    if (!mem->reserve)
        mem->reserve = ask(mem, NULL, 0, MEM_RESERVE_SIZE);
    if (mem->reserve)
        mem->exhausted = false;
}

void mem_deinit(Mem *mem) {
    while (mem->slabs) {
        MemBlock *slab = mem->slabs;
        mem->slabs = slab->next;
        give_back(mem, slab, MEM_SLAB_SIZE);
    }
    if (mem->reserve)
        give_back(mem, mem->reserve, MEM_RESERVE_SIZE);

    /* without pools a leak is the sanitizer's to report: it knows where the block came from */
    check(!MEM_POOLED || mem->used_bytes == 0);
    *mem = (Mem){0};
}
