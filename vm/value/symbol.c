/* SPDX-License-Identifier: MIT */
/*
 * The table: entries in the order of their numbers, and over them slots with
 * open addressing that hold a number plus one. Entries keep their hash, so
 * growing reads no text. Nothing is ever removed.
 *
 * Invariant: at least a quarter of the slots is empty, so each search ends.
 */
#include "vm/value/symbol.h"

#include "vm/base/hash.h"
#include <errno.h>
#include <string.h>

typedef struct SymbolEntry {
    char *text; /* a block of `size` + 1 bytes, NUL at the end */
    size_t size;
    uint64_t hash;
} SymbolEntry;

enum { SLOT_COUNT_FIRST = 64, ENTRY_COUNT_FIRST = 32 };

static bool entry_matches(const SymbolEntry *entry, uint64_t hash, const char *bytes, size_t size) {
    return entry->hash == hash && entry->size == size && (size == 0 || memcmp(entry->text, bytes, size) == 0);
}

/* The slot where this text is, or the empty one where it belongs. */
static uint32_t *slot_find(const SymbolTable *symbols, uint64_t hash, const char *bytes, size_t size) {
    uint32_t mask = symbols->slot_count - 1;
    for (uint32_t index = (uint32_t)hash & mask;; index = (index + 1) & mask) {
        uint32_t *slot = &symbols->slots[index];
        if (*slot == 0 || entry_matches(&symbols->entries[*slot - 1], hash, bytes, size))
            return slot;
    }
}

static void slots_fill(const SymbolTable *symbols, uint32_t *slots, uint32_t slot_count) {
    memset(slots, 0, slot_count * sizeof *slots);
    for (uint32_t number = 0; number < symbols->count; number++) {
        uint32_t index = (uint32_t)symbols->entries[number].hash & (slot_count - 1);
        while (slots[index] != 0)
            index = (index + 1) & (slot_count - 1);
        slots[index] = number + 1;
    }
}

static int slots_grow(SymbolTable *symbols, Mem *mem) {
    if (symbols->slot_count > UINT32_MAX / 2)
        return -ENOMEM;
    uint32_t slot_count = symbols->slot_count * 2;
    uint32_t *slots = mem_try(mem, slot_count * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;

    slots_fill(symbols, slots, slot_count);
    mem_free(mem, symbols->slots, symbols->slot_count * sizeof *slots);
    symbols->slots = slots;
    symbols->slot_count = slot_count;
    return 0;
}

static int entries_grow(SymbolTable *symbols, Mem *mem) {
    size_t old_size = symbols->capacity * sizeof(SymbolEntry);
    SymbolEntry *entries = mem_try_resize(mem, symbols->entries, old_size, old_size * 2);
    if (entries == NULL)
        return -ENOMEM;
    symbols->entries = entries;
    symbols->capacity *= 2; /* stays below slot_count, so it fits */
    return 0;
}

/* Room for one more entry and its slot. */
static int table_reserve(SymbolTable *symbols, Mem *mem) {
    if (symbols->count + 1 > symbols->slot_count / 4 * 3) {
        int r = slots_grow(symbols, mem);
        if (r)
            return r;
    }
    return symbols->count < symbols->capacity ? 0 : entries_grow(symbols, mem);
}

int symbol_table_init(SymbolTable *symbols, Mem *mem, uint64_t hash_seed) {
    *symbols = (SymbolTable){.capacity = ENTRY_COUNT_FIRST, .slot_count = SLOT_COUNT_FIRST, .hash_seed = hash_seed};
    symbols->entries = mem_try(mem, symbols->capacity * sizeof(SymbolEntry));
    symbols->slots = mem_try(mem, symbols->slot_count * sizeof *symbols->slots);
    if (symbols->entries && symbols->slots) {
        slots_fill(symbols, symbols->slots, symbols->slot_count);
        if (symbol_intern(symbols, mem, "List", 4) == SYMBOL_LIST)
            return 0;
    }
    symbol_table_deinit(symbols, mem);
    return -ENOMEM;
}

void symbol_table_deinit(SymbolTable *symbols, Mem *mem) {
    for (uint32_t number = 0; number < symbols->count; number++)
        mem_free(mem, symbols->entries[number].text, symbols->entries[number].size + 1);
    mem_free(mem, symbols->entries, symbols->capacity * sizeof(SymbolEntry));
    mem_free(mem, symbols->slots, symbols->slot_count * sizeof *symbols->slots);
    *symbols = (SymbolTable){0};
}

static char *text_copy(Mem *mem, const char *bytes, size_t size) {
    char *text = size < SIZE_MAX ? mem_try(mem, size + 1) : NULL;
    if (text == NULL)
        return NULL;
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

uint32_t symbol_intern(SymbolTable *symbols, Mem *mem, const char *bytes, size_t size) {
    uint64_t hash = hash_bytes(symbols->hash_seed, bytes, size);
    uint32_t *slot = slot_find(symbols, hash, bytes, size);
    if (*slot != 0)
        return *slot - 1;

    if (table_reserve(symbols, mem))
        return SYMBOL_NONE;
    char *text = text_copy(mem, bytes, size);
    if (text == NULL)
        return SYMBOL_NONE;

    uint32_t number = symbols->count++;
    symbols->entries[number] = (SymbolEntry){.text = text, .size = size, .hash = hash};
    *slot_find(symbols, hash, bytes, size) = number + 1; /* again: the slots may have moved */
    return number;
}

const char *symbol_text(const SymbolTable *symbols, uint32_t symbol, size_t *sizep) {
    check(symbol < symbols->count);
    const SymbolEntry *entry = &symbols->entries[symbol];
    if (sizep)
        *sizep = entry->size;
    return entry->text;
}
