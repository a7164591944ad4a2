/* SPDX-License-Identifier: MIT */
/*
 * Blocks in a list, the newest being filled from the front. What is large
 * gets a block of its own behind the newest, which so goes on being filled.
 * A small request that is refused a new block takes one of just its size from
 * the reserve of `Mem`: still a block in the list, freed like the others.
 */
#include "vm/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    BLOCK_SIZE = 16 * 1024,
    LARGE_SIZE = BLOCK_SIZE / 4, /* from here on a block of its own: at most a quarter of a block is ever wasted */
};

typedef struct ArenaBlock ArenaBlock;
struct ArenaBlock {
    ArenaBlock *next;
    size_t size; /* with this head */
};

static_assert(sizeof(ArenaBlock) % 8 == 0, "what follows the head is aligned");
static_assert(ARENA_SMALL_MAX + sizeof(ArenaBlock) <= MEM_SMALL_MAX,
              "the reserve can give a small block with its head");

void arena_init(Arena *arena, Mem *mem) {
    *arena = (Arena){.mem = mem};
}

void arena_deinit(Arena *arena) {
    while (arena->blocks) {
        ArenaBlock *block = arena->blocks;
        arena->blocks = block->next;
        mem_free(arena->mem, block, block->size);
    }
    *arena = (Arena){.mem = arena->mem};
}

static char *add_block(Arena *arena, TAKEN ArenaBlock *block, size_t size) {
    block->next = arena->blocks;
    block->size = size;
    arena->blocks = block;
    return (char *)(block + 1);
}

static char *block_of_its_own(Arena *arena, size_t size) {
    if (size > SIZE_MAX - sizeof(ArenaBlock))
        return NULL;
    ArenaBlock *block = mem_try(arena->mem, sizeof *block + size);
    return block ? add_block(arena, block, sizeof *block + size) : NULL;
}

/* `size` is a multiple of 8. NULL when refused. */
static char *take(Arena *arena, size_t size) {
    /* without pools everything stands alone, so that a sanitizer sees who writes past an end */
    if (size >= LARGE_SIZE || !MEM_POOLED)
        return block_of_its_own(arena, size);

    if ((size_t)(arena->end - arena->next) < size) {
        char *block = block_of_its_own(arena, BLOCK_SIZE - sizeof(ArenaBlock));
        if (!block)
            return NULL;
        arena->next = block;
        arena->end = block + BLOCK_SIZE - sizeof(ArenaBlock);
    }
    char *bytes = arena->next;
    arena->next += size;
    return bytes;
}

void *arena_try(Arena *arena, size_t size) {
    size_t whole = size > 0 ? (size + 7) / 8 * 8 : 8;
    char *bytes = whole >= size ? take(arena, whole) : NULL; /* not when it overflowed */
    if (!bytes) {
        arena->failed = true;
        return NULL;
    }
    return memset(bytes, 0, size);
}

void *arena_small(Arena *arena, size_t size) {
    check(size <= ARENA_SMALL_MAX);
    void *bytes = arena_try(arena, size);
    if (bytes)
        return bytes;

    size_t whole = sizeof(ArenaBlock) + size;
    return memset(add_block(arena, mem_small(arena->mem, whole), whole), 0, size);
}

char *arena_copy(Arena *arena, const char *bytes, size_t size) {
    char *copy = size < SIZE_MAX ? arena_try(arena, size + 1) : NULL;
    if (copy && size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_format(Arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    check(length >= 0);

    size_t size = (size_t)length + 1;
    char *text = arena_try(arena, size);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return text;
}
