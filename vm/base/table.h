/* SPDX-License-Identifier: MIT */
/*
 * Table: from bytes to a pointer, in order of insertion. Keys are borrowed:
 * they live at least as long as the table.
 */
#pragma once

#include "vm/base/mem.h"

typedef struct TableEntry {
    const char *key;
    size_t size;
    uint64_t hash;
    void *pointer;
} TableEntry;

typedef struct Table {
    Mem *mem;
    TableEntry *entries; /* in order of insertion */
    uint32_t count, capacity;
    uint32_t *slots;     /* open addressing, entry number + 1 */
    uint32_t slot_count; /* zero or a power of two, more than `count` */
} Table;

/* An empty table; takes no memory before the first entry. */
void table_init(Table *table, Mem *mem);
/* Frees the table, not what it points to; it is then empty, as after table_init(). */
void table_deinit(Table *table);
/* The pointer under this key, or NULL. */
void *table_find(const Table *table, const char *key, size_t size);
/*
 * Puts a pointer under a key that may be there already: then it is replaced,
 * and place and key stay the old ones. -ENOMEM when refused, and then nothing
 * has changed.
 */
int table_put(Table *table, const char *key, size_t size, void *pointer) MUST_CHECK;
