/* SPDX-License-Identifier: MIT */
/*
 * Arena: memory that is freed all at once; what a compilation lives in.
 * Small requests never fail (mem.h); sizes that the source decides may give
 * NULL and then set `failed`, which each compile step looks at when it ends.
 */
#pragma once

#include "vm/base/mem.h"

enum { ARENA_SMALL_MAX = MEM_SMALL_MAX - 16 }; /* the largest object of arena_new() */

typedef struct Arena {
    Mem *mem;
    struct ArenaBlock *blocks;
    char *next, *end; /* the rest of the newest block */
    bool failed;      /* a request was refused; stays until arena_deinit() */
} Arena;

/* An empty arena; takes no memory before the first request. */
void arena_init(Arena *arena, Mem *mem);
/* Frees everything; the arena is then empty, as after arena_init(). */
void arena_deinit(Arena *arena);

/* `size` zeroed bytes, aligned to 8. NULL (and `failed`) when memory is refused. */
void *arena_try(Arena *arena, size_t size);
/*
 * A zeroed object of fixed size, at most ARENA_SMALL_MAX; never NULL. A
 * refusal sets `failed` all the same: the object then comes from the reserve.
 */
#define arena_new(arena, Type) ((Type *)arena_small((arena), sizeof(Type)))
void *arena_small(Arena *arena, size_t size);
/* A copy of the bytes with a NUL behind them; NULL when refused. */
char *arena_copy(Arena *arena, const char *bytes, size_t size);
/* A formatted text; NULL when refused. */
char *arena_format(Arena *arena, const char *format, ...) FORMAT(2, 3);
