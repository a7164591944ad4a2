/* SPDX-License-Identifier: MIT */
/*
 * Symbols: names to small numbers and back. A symbol's text is kept once and
 * lives as long as the heap. Numbers never leave the process.
 */
#pragma once

#include "vm/base/check.h"
#include "vm/base/mem.h"

enum {
    SYMBOL_LIST = 0,         /* `List` is always the first */
    SYMBOL_NONE = UINT32_MAX /* no symbol: memory was refused */
};

typedef struct SymbolTable {
    struct SymbolEntry *entries;
    uint32_t count, capacity;
    uint32_t *slots;     /* open addressing, entry number + 1 */
    uint32_t slot_count; /* a power of two, more than `count` */
    uint64_t hash_seed;  /* a program makes symbols of any text, so nobody outside may choose colliding ones */
} SymbolTable;

/* Starts a table that has the symbol `List`. Returns -ENOMEM when memory is refused; then there is nothing to deinit. */
int symbol_table_init(SymbolTable *symbols, Mem *mem, uint64_t hash_seed) MUST_CHECK;
void symbol_table_deinit(SymbolTable *symbols, Mem *mem);

/* The number of this text, a new one if needed; SYMBOL_NONE when memory is refused. */
uint32_t symbol_intern(SymbolTable *symbols, Mem *mem, const char *bytes, size_t size);
/* The text of a symbol; borrowed, stays where it is, followed by a NUL byte. `sizep` may be NULL. */
const char *symbol_text(const SymbolTable *symbols, uint32_t symbol, size_t *sizep);
