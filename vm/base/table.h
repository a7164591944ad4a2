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
    void *pointer;
} TableEntry;

typedef struct Table {
    Mem *mem;
    TableEntry *entries; /* in order of insertion */
    uint32_t count, capacity;
    uint32_t *slots; /* open addressing, entry number + 1 */
    uint32_t slot_count;
} Table;

void table_init(Table *table, Mem *mem);
void table_deinit(Table *table);
/* The pointer under this key, or NULL. */
void *table_find(const Table *table, const char *key, size_t size);
/* Puts a pointer under a key that may be there already (then it is replaced). -ENOMEM when refused. */
int table_put(Table *table, const char *key, size_t size, void *pointer) MUST_CHECK;
