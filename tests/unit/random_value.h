/* SPDX-License-Identifier: MIT */
/*
 * Random values without code, of each kind and in each form that they have in
 * memory. Mostly small; the same in each run. At the end, what tests of bytes
 * share.
 */
#pragma once

#include "tests/unit/heap_fixture.h"
#include "vm/base/buffer.h"
#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/string.h"
#include <stdio.h>

static inline Value text_value(Heap *heap, const char *bytes, size_t size) {
    String *string = string_new(heap, bytes, size);
    check(string);
    return value_from_object(string);
}

static inline Value text_of(Heap *heap, const char *text) {
    return text_value(heap, text, strlen(text));
}

/* The map with this entry; takes all three. */
static inline Value map_with(Heap *heap, Value map, Value key, Value value) {
    Map *changed = map_set(heap, value_map(map), key, value);
    check(changed);
    return value_from_object(changed);
}

static inline Value list_with(Heap *heap, Value list, Value item) {
    List *changed = list_push(heap, value_variant(list), item);
    check(changed);
    return value_from_object(changed);
}

static inline Value list_empty(Heap *heap) {
    List *list = list_new(heap, SYMBOL_LIST, 0);
    check(list);
    return value_from_object(list);
}

/* A list as a trie, which a flat one becomes when it is shared and pushed to. */
static inline Value list_of_trie(Heap *heap, uint32_t count) {
    check(count > LIST_FLAT_MAX + 1);
    Value list = list_empty(heap);
    for (uint32_t index = 0; index < count - 1; index++)
        list = list_with(heap, list, value_from_int(index));
    Value trie = list_with(heap, value_ref(list), value_from_int(count - 1));
    value_unref(heap, list);
    check(value_list(trie)->object.flags & LIST_IS_TRIE);
    return trie;
}

static inline int64_t random_int(uint64_t *random) {
    return value_to_int(value_from_int((int64_t)random_next(random) >> random_below(random, 64)));
}

static inline double random_float(uint64_t *random) {
    static const double special[] = {0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
    if (random_below(random, 2))
        return special[random_below(random, sizeof special / sizeof *special)];
    uint64_t bits = random_next(random); /* some of them are NaNs */
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* UUIDs, and texts that nearly are. */
static inline Value random_uuid(Heap *heap, uint64_t *random) {
    char text[40];
    int size = snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%04x%08x", (unsigned)random_next(random),
                        random_below(random, 0x10000), random_below(random, 0x10000), random_below(random, 0x10000),
                        random_below(random, 0x10000), (unsigned)random_next(random));
    if (random_below(random, 4) == 0)
        text[random_below(random, 36)] = "-Ffg0"[random_below(random, 5)];
    return text_value(heap, text, (size_t)size - (random_below(random, 8) == 0));
}

static inline Value random_string(Heap *heap, uint64_t *random) {
    char bytes[200] = {0};
    if (random_below(random, 8) == 0)
        return random_uuid(heap, random);
    size_t size = random_below(random, random_below(random, 8) ? 9 : sizeof bytes);
    bool is_any = random_below(random, 4) == 0;
    for (size_t index = 0; index < size; index++)
        bytes[index] = (char)(is_any ? random_below(random, 256) : 'a' + random_below(random, 4));
    Value whole = text_value(heap, bytes, size);
    if (size < STRING_SHARE_MIN + 1)
        return whole;
    String *slice = string_slice(heap, value_string(whole), 1, STRING_SHARE_MIN);
    check(slice);
    value_unref(heap, whole);
    return value_from_object(slice);
}

static inline uint32_t random_symbol(Heap *heap, uint64_t *random) {
    static const char *const names[] = {
        "", "List", "a", "b", "SomeVariant", "\xff\x00x", "zwölf", "a name with spaces"};
    const char *name = names[random_below(random, sizeof names / sizeof *names)];
    return symbol_intern(&heap->symbols, &heap->mem, name, strlen(name));
}

static inline Value random_key(Heap *heap, uint64_t *random) {
    switch (random_below(random, 4)) {
    case 0:
        return value_from_bool(random_below(random, 2));
    case 1:
        return random_string(heap, random);
    case 2:
        return value_from_int((int64_t)random_below(random, 20) - 10);
    default:
        return value_from_int(random_int(random));
    }
}

static inline Value random_atom(Heap *heap, uint64_t *random) {
    switch (random_below(random, 8)) {
    case 0:
        return value_from_float(heap, random_float(random));
    case 1:
        return value_from_bool(random_below(random, 2));
    case 2:
    case 3:
        return random_string(heap, random);
    case 4:
        return value_from_symbol(random_symbol(heap, random));
    default:
        return value_from_int(random_int(random));
    }
}

/* At most `depth` containers deep. */
static inline Value random_value(Heap *heap, uint64_t *random, uint32_t depth) {
    uint32_t choice = depth == 0 ? 9 : random_below(random, 10), count = random_below(random, 6);
    Value value, fields[VARIANT_FIELDS_MAX];
    if (choice < 3) {
        value = list_empty(heap);
        if (random_below(random, 200) == 0)
            value_unref(heap, value), value = list_of_trie(heap, LIST_FLAT_MAX + 2 + random_below(random, 400));
        for (uint32_t index = 0; index < count; index++)
            value = list_with(heap, value, random_value(heap, random, depth - 1));
    } else if (choice < 6) {
        if (random_below(random, 8) == 0)
            count = VARIANT_FIELDS_MAX;
        for (uint32_t index = 0; index < count; index++)
            fields[index] = random_value(heap, random, depth - 1);
        value = value_from_object(variant_new(heap, random_symbol(heap, random), count, fields));
        if (random_below(random, 8) == 0)
            value = list_with(heap, value, random_value(heap, random, depth - 1));
    } else if (choice < 8) {
        if (random_below(random, 8) == 0)
            count = 3 * MAP_SMALL_MAX;
        value = value_from_object(map_new(heap));
        for (uint32_t index = 0; index < count; index++)
            value = map_with(heap, value, random_key(heap, random), random_value(heap, random, depth - 1));
    } else {
        value = random_atom(heap, random);
    }
    return value;
}

/* --- what tests of bytes share --- */

typedef struct Fixture {
    TestAllocator allocator;
    Heap heap;
    int64_t live_before; /* without the names of symbols, which stay */
    Buffer out, again;
} Fixture;

static inline void fixture_init(Fixture *fixture) {
    test_heap_init(&fixture->heap, &fixture->allocator);
    fixture->live_before = fixture->heap.mem.live_count - fixture->heap.symbols.count;
    buffer_init(&fixture->out, &fixture->heap.mem);
    buffer_init(&fixture->again, &fixture->heap.mem);
}

/* Nothing may be left of what a test made. */
static inline void fixture_deinit(Fixture *fixture) {
    buffer_deinit(&fixture->out);
    buffer_deinit(&fixture->again);
    check(fixture->heap.mem.live_count - fixture->heap.symbols.count == fixture->live_before);
    heap_deinit(&fixture->heap);
}

static inline bool buffer_is(const Buffer *buffer, const char *bytes, size_t size) {
    return buffer->size == size && (size == 0 || memcmp(buffer->bytes, bytes, size) == 0);
}

/* So many random values are tried: `count`, or the part of it that COUNT_PERCENT in the environment says. */
static inline uint32_t random_count(uint32_t count) {
    const char *percent = getenv("COUNT_PERCENT");
    return count / 100 * (uint32_t)(percent ? atoi(percent) : 100);
}
