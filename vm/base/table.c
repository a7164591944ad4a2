/* SPDX-License-Identifier: MIT */
/*
 * Entries lie in one array in order of insertion; the slots hold their
 * numbers and are probed one after another. At least half of the slots
 * are free, so a search ends. Nothing is ever removed, hence no tombstones.
 *
 * Nobody sees an order that depends on hashes, so the address of the Mem
 * serves as the seed: it differs from process to process at no cost.
 */
#include "vm/base/table.h"

#include "vm/base/hash.h"
#include <errno.h>

enum {
    CAPACITY_MIN = 8,
    SLOTS_PER_ENTRY = 2, /* of the capacity, so the table is at most half full */
    CAPACITY_MAX = 1 << 29,
};

void table_init(Table *table, Mem *mem) {
    *table = (Table){.mem = mem};
}

void table_deinit(Table *table) {
    mem_free(table->mem, table->entries, table->capacity * sizeof *table->entries);
    mem_free(table->mem, table->slots, table->slot_count * sizeof *table->slots);
    *table = (Table){.mem = table->mem};
}

static uint64_t key_hash(const Table *table, const char *key, size_t size) {
    return hash_bytes((uintptr_t)table->mem, key, size);
}

static bool entry_has_key(const TableEntry *entry, uint64_t hash, const char *key, size_t size) {
    return entry->hash == hash && entry->size == size && (size == 0 || memcmp(entry->key, key, size) == 0);
}

/* The slot that holds the key, or the free one where it would go. There must be slots. */
static uint32_t *find_slot(const Table *table, uint64_t hash, const char *key, size_t size) {
    uint32_t mask = table->slot_count - 1;
    for (uint32_t index = (uint32_t)hash & mask;; index = (index + 1) & mask) {
        uint32_t *slot = &table->slots[index];
        if (*slot == 0 || entry_has_key(&table->entries[*slot - 1], hash, key, size))
            return slot;
    }
}

static TableEntry *find_entry(const Table *table, uint64_t hash, const char *key, size_t size) {
    if (table->count == 0)
        return NULL;
    uint32_t number = *find_slot(table, hash, key, size);
    return number > 0 ? &table->entries[number - 1] : NULL;
}

void *table_find(const Table *table, const char *key, size_t size) {
    TableEntry *entry = find_entry(table, key_hash(table, key, size), key, size);
    return entry ? entry->pointer : NULL;
}

/* All keys are different, so each goes to the first free slot. */
static void fill_slots(Table *table) {
    uint32_t mask = table->slot_count - 1;
    memset(table->slots, 0, table->slot_count * sizeof *table->slots);
    for (uint32_t number = 1; number <= table->count; number++) {
        uint32_t index = (uint32_t)table->entries[number - 1].hash & mask;
        while (table->slots[index] != 0)
            index = (index + 1) & mask;
        table->slots[index] = number;
    }
}

static int grow(Table *table) {
    uint32_t capacity = table->capacity > 0 ? table->capacity * 2 : CAPACITY_MIN;
    if (capacity > CAPACITY_MAX)
        return -ENOMEM;
    uint32_t slot_count = capacity * SLOTS_PER_ENTRY;

    uint32_t *slots = mem_try(table->mem, slot_count * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    TableEntry *entries =
        mem_try_resize(table->mem, table->entries, table->capacity * sizeof *entries, capacity * sizeof *entries);
    if (!entries) {
        mem_free(table->mem, slots, slot_count * sizeof *slots);
        return -ENOMEM;
    }

    mem_free(table->mem, table->slots, table->slot_count * sizeof *slots);
    table->entries = entries;
    table->capacity = capacity;
    table->slots = slots;
    table->slot_count = slot_count;
    fill_slots(table);
    return 0;
}

int table_put(Table *table, const char *key, size_t size, void *pointer) {
    uint64_t hash = key_hash(table, key, size);
    TableEntry *old = find_entry(table, hash, key, size);
    if (old) {
        old->pointer = pointer;
        return 0;
    }

    if (table->count == table->capacity) {
        int r = grow(table);
        if (r)
            return r;
    }
    uint32_t *slot = find_slot(table, hash, key, size);
    table->entries[table->count++] = (TableEntry){.key = key, .size = size, .hash = hash, .pointer = pointer};
    *slot = table->count;
    return 0;
}
