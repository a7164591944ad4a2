/* SPDX-License-Identifier: MIT */
/*
 * Arena: memory that is freed all at once; what a compilation lives in.
 * Small requests never fail (mem.h); sizes that the source decides may give
 * NULL and then set `failed`, which each compile step looks at when it ends.
 */
#pragma once

#include "vm/base/mem.h"

typedef struct Arena {
    Mem *mem;
    struct ArenaBlock *blocks;
    char *next, *end; /* the rest of the newest block */
    bool failed;      /* a request was refused */
} Arena;

void arena_init(Arena *arena, Mem *mem);
void arena_deinit(Arena *arena);

/* `size` zeroed bytes, aligned to 8. NULL (and `failed`) when memory is refused. */
void *arena_try(Arena *arena, size_t size);
/* A zeroed object of fixed size; never NULL. */
#define arena_new(arena, Type) ((Type *)arena_small((arena), sizeof(Type)))
void *arena_small(Arena *arena, size_t size);
/* A copy of the bytes with a NUL behind them; NULL when refused. */
char *arena_copy(Arena *arena, const char *bytes, size_t size);
/* A formatted text; NULL when refused. */
char *arena_format(Arena *arena, const char *format, ...) FORMAT(2, 3);
