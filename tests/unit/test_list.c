/* SPDX-License-Identifier: MIT */
#include "vm/value/list.h"

#include "tests/unit/heap_fixture.h"
#include "vm/value/string.h"
#include <criterion/criterion.h>

static void variant_unref(Heap *heap, Variant *variant) {
    value_unref(heap, value_from_object(variant));
}

static Variant *variant_ref(Variant *variant) {
    return (Variant *)value_object(value_ref(value_from_object(variant)));
}

static void variant_check(const Variant *variant) {
    if (variant->object.tag == TAG_LIST)
        list_check((const List *)variant);
    else
        check(variant->object.tag == TAG_VARIANT && variant->count <= VARIANT_FIELDS_MAX);
}

static bool is_trie(const Variant *variant) {
    return variant->object.tag == TAG_LIST && ((const List *)variant)->root != NULL;
}

/* --- against plain arrays --- */

/*
 * An element stands for a number: an even one is an Int, an odd one a String
 * of its bytes, so that counts are at stake too.
 */
static Value item_new(Heap *heap, uint32_t number) {
    if (number % 2 == 0)
        return value_from_int(number);
    String *string = string_new(heap, (const char *)&number, sizeof number);
    cr_assert_not_null(string);
    return value_from_object(string);
}

static bool item_is(Value item, uint32_t number) {
    if (number % 2 == 0)
        return item.bits == value_from_int(number).bits;
    return value_is_string(item) && memcmp(string_bytes(value_string(item)), &number, sizeof number) == 0;
}

enum { PLACES = 6, MODEL_COUNT_MAX = 3000 };

typedef struct Place {
    Variant *variant;
    uint32_t symbol, count;
    uint32_t numbers[MODEL_COUNT_MAX];
} Place;

static void place_check(const Place *place) {
    variant_check(place->variant);
    cr_assert_eq(place->variant->symbol, place->symbol);
    cr_assert_eq(place->variant->count, place->count);
    for (uint32_t index = 0; index < place->count; index++)
        cr_assert(item_is(variant_at(place->variant, index), place->numbers[index]), "element %u of %u", index,
                  place->count);
}

static void place_copy(Place *to, const Place *from) {
    to->variant = from->variant;
    to->symbol = from->symbol;
    to->count = from->count;
    memcpy(to->numbers, from->numbers, from->count * sizeof *from->numbers);
}

/* A fixed variant, an empty list, or a list of the most interesting lengths. */
static void place_fill(Heap *heap, Place *place, uint64_t *random) {
    static const uint32_t counts[] = {0, 1, 3, 31, 32, 33, 255, 256, 257, 300, 1023, 1024, 1056, 1057, 1100};
    Value fields[VARIANT_FIELDS_MAX];
    bool ints_only = random_below(random, 2);

    place->symbol = random_below(random, 3);
    place->count = 0;
    if (random_below(random, 4) == 0) {
        place->count = random_below(random, VARIANT_FIELDS_MAX + 1);
        for (uint32_t index = 0; index < place->count; index++)
            fields[index] = item_new(heap, place->numbers[index] = (uint32_t)random_next(random));
        place->variant = variant_new(heap, place->symbol, place->count, fields);
        return;
    }
    uint32_t count = counts[random_below(random, sizeof counts / sizeof *counts)];
    List *list = list_new(heap, place->symbol, random_below(random, 2) ? count : 0);
    for (; place->count < count; place->count++) {
        uint32_t number = (uint32_t)random_next(random) & (ints_only ? ~1u : ~0u);
        place->numbers[place->count] = number;
        list = list_push(heap, (Variant *)list, item_new(heap, number));
        cr_assert_not_null(list);
    }
    place->variant = (Variant *)list;
}

static void place_push(Heap *heap, Place *place, uint64_t *random) {
    uint32_t number = (uint32_t)random_next(random);
    if (place->count == MODEL_COUNT_MAX)
        return;
    List *list = list_push(heap, place->variant, item_new(heap, number));
    cr_assert(list && list->object.tag == TAG_LIST);
    place->variant = (Variant *)list;
    place->numbers[place->count++] = number;
}

static void place_set(Heap *heap, Place *place, uint64_t *random) {
    uint32_t number = (uint32_t)random_next(random);
    if (place->count == 0)
        return;
    uint32_t index = random_below(random, place->count);
    uint8_t tag = place->variant->object.tag;
    place->variant = list_set(heap, place->variant, index, item_new(heap, number));
    cr_assert(place->variant && place->variant->object.tag == tag);
    place->numbers[index] = number;
}

static void place_slice(Heap *heap, Place *to, const Place *from, uint64_t *random) {
    uint32_t start = random_below(random, from->count + 1);
    uint32_t count = random_below(random, from->count - start + 1);
    List *slice = list_slice(heap, from->variant, start, count);
    cr_assert(slice && slice->root == NULL);
    variant_unref(heap, to->variant);
    to->variant = (Variant *)slice;
    to->symbol = from->symbol;
    to->count = count;
    memmove(to->numbers, from->numbers + start, count * sizeof *to->numbers);
}

static void place_flatten(Heap *heap, Place *place, uint64_t *random) {
    List *list = list_flatten(heap, place->variant);
    cr_assert(list && list->root == NULL && list->object.count == 1);
    place->variant = (Variant *)list;
    if (place->count == 0)
        return;
    uint32_t index = random_below(random, place->count), number = (uint32_t)random_next(random);
    value_unref(heap, list->items[index]);
    list->items[index] = item_new(heap, number);
    list->object.flags |= LIST_HAS_OBJECTS;
    place->numbers[index] = number;
}

Test(list, behaves_like_an_array) {
    static Place places[PLACES];
    uint64_t random = 2;
    int tries = 0, shared = 0;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;
    for (int index = 0; index < PLACES; index++)
        place_fill(&heap, &places[index], &random);

    for (int round = 0; round < 8000; round++) {
        Place *to = &places[random_below(&random, PLACES)];
        Place *from = &places[random_below(&random, PLACES)];
        uint32_t repeat = random_below(&random, 3) ? 1 : random_below(&random, 100);
        switch (random_below(&random, 24)) {
        case 0:
            variant_unref(&heap, to->variant);
            place_fill(&heap, to, &random);
            break;
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
            if (to == from)
                break;
            variant_ref(from->variant);
            variant_unref(&heap, to->variant);
            place_copy(to, from);
            break;
        case 7:
            place_slice(&heap, to, from, &random);
            break;
        case 8:
            place_flatten(&heap, to, &random);
            break;
        case 9:
        case 10:
        case 11:
        case 12:
        case 13:
            while (repeat-- > 0)
                place_set(&heap, to, &random);
            break;
        default:
            while (repeat-- > 0)
                place_push(&heap, to, &random);
            break;
        }
        tries += is_trie(to->variant);
        shared += to->variant->object.count > 1;
        for (int index = 0; index < PLACES; index++)
            place_check(&places[index]);
    }
    cr_assert(tries > 1000 && shared > 1000, "the rounds made tries (%d) and shared lists (%d)", tries, shared);

    for (int index = 0; index < PLACES; index++)
        variant_unref(&heap, places[index].variant);
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
}

/* --- tries --- */

static List *ints_new(Heap *heap, uint32_t count) {
    List *list = list_new(heap, SYMBOL_LIST, 0);
    for (uint32_t index = 0; index < count; index++)
        list = list_push(heap, (Variant *)list, value_from_int(index));
    return list;
}

/* Every length from the first trie to beyond a root of three levels, each one kept for a while. */
Test(list, a_trie_grows_through_its_levels) {
    enum { COUNT = 32 * 32 * 32 + 100, BACK = 40 };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    List *old[BACK] = {0};
    List *list = ints_new(&heap, LIST_FLAT_MAX + 1);
    for (uint32_t count = LIST_FLAT_MAX + 1; count < COUNT; count++) {
        List **kept = &old[count % BACK];
        if (*kept) {
            cr_assert_eq((*kept)->count, count - BACK);
            cr_assert_eq(list_at(*kept, count - BACK - 1).bits, value_from_int(count - BACK - 1).bits);
            variant_unref(&heap, (Variant *)*kept);
        }
        *kept = (List *)variant_ref((Variant *)list);
        list = list_push(&heap, (Variant *)list, value_from_int(count));
        if (count % 1024 < 40)
            list_check(list);
    }
    cr_assert_eq(list->shift, 15);
    for (uint32_t index = 0; index < COUNT; index++)
        cr_assert_eq(value_to_int(list_at(list, index)), index);
    for (int index = 0; index < BACK; index++) {
        list_check(old[index]);
        variant_unref(&heap, (Variant *)old[index]);
    }
    variant_unref(&heap, (Variant *)list);
    heap_deinit(&heap);
}

/* An actor's state keeps the list while a turn changes a copy of it. Only the first change costs more than a path. */
Test(list, changing_a_shared_long_list_copies_a_path) {
    enum { COUNT = 1000000, ROUNDS = 1000, PATH_BYTES = 8 * 300 };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    Variant *state = (Variant *)ints_new(&heap, COUNT);
    Variant *flat = variant_ref(state);
    uint64_t random = 3;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t blocks_before = heap.mem.live_count;
        Variant *working = variant_ref(state);
        working = (Variant *)list_push(&heap, working, value_from_int(round));
        working = list_set(&heap, working, random_below(&random, COUNT), value_from_int(-1));
        if (round > 0)
            cr_assert_lt(heap.mem.live_count - blocks_before, 12);
        variant_unref(&heap, state);
        state = working;
    }
    cr_assert(is_trie(state));
    cr_assert_eq(state->count, COUNT + ROUNDS);
    cr_assert_eq(list_at((List *)state, COUNT + ROUNDS - 1).bits, value_from_int(ROUNDS - 1).bits);

    cr_assert((STRESS_COPY || !is_trie(flat)) && flat->count == COUNT);
    for (uint32_t index = 0; index < COUNT; index++)
        cr_assert_eq(value_to_int(list_at((List *)flat, index)), index);
    variant_unref(&heap, flat);
    variant_unref(&heap, state);
    heap_deinit(&heap);
}

Test(list, an_unshared_trie_changes_in_place) {
    if (STRESS_COPY)
        return;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    Variant *flat = (Variant *)ints_new(&heap, 100000);
    Variant *list = (Variant *)list_push(&heap, variant_ref(flat), VALUE_TRUE);
    variant_unref(&heap, flat);
    int64_t blocks = heap.mem.live_count;
    List before = *(List *)list, *trie = (List *)list;
    for (uint32_t index = 0; index < list->count; index++) {
        list = list_set(&heap, list, index, value_from_bool(index % 2));
        cr_assert_eq((List *)list, trie);
        cr_assert(trie->root == before.root && trie->tail == before.tail, "element %u", index);
    }
    cr_assert_eq(heap.mem.live_count, blocks);
    list_check(trie);

    variant_unref(&heap, list);
    heap_deinit(&heap);
}

/* --- forms --- */

Test(list, pushing_to_a_variant_keeps_its_symbol_and_moves_its_fields) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    String *string = string_new(&heap, "x", 1);
    Value fields[] = {value_from_object(string), value_from_int(1)};
    Variant *variant = variant_new(&heap, 7, 2, fields);
    List *list = list_push(&heap, variant, VALUE_TRUE);
    cr_assert(list->object.tag == TAG_LIST && list->symbol == 7 && list->count == 3);
    cr_assert(string->object.count == 1 && list_at(list, 0).bits == fields[0].bits);
    cr_assert(list->object.flags & LIST_HAS_OBJECTS);
    list_check(list);

    Variant *shared = variant_new(&heap, 7, 1, (Value[]){value_ref(fields[0])});
    List *longer = list_push(&heap, variant_ref(shared), VALUE_FALSE);
    cr_assert(shared->count == 1 && longer->count == 2 && string->object.count == 3);

    variant_unref(&heap, shared);
    variant_unref(&heap, (Variant *)longer);
    variant_unref(&heap, (Variant *)list);
    heap_deinit(&heap);
}

Test(list, a_list_of_ints_knows_that_it_has_no_objects) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    Variant *list = (Variant *)ints_new(&heap, 1000);
    cr_assert_not(list->object.flags & LIST_HAS_OBJECTS);
    Variant *trie = (Variant *)list_push(&heap, variant_ref(list), VALUE_TRUE);
    cr_assert_not(trie->object.flags & LIST_HAS_OBJECTS);
    trie = list_set(&heap, trie, 3, item_new(&heap, 1));
    cr_assert(trie->object.flags & LIST_HAS_OBJECTS);
    List *slice = list_slice(&heap, trie, 0, 10);
    cr_assert(slice->object.flags & LIST_HAS_OBJECTS);

    variant_unref(&heap, (Variant *)slice);
    variant_unref(&heap, trie);
    variant_unref(&heap, list);
    heap_deinit(&heap);
}

Test(list, pushing_is_linear) {
    enum { COUNT = 1000000 };
    if (STRESS_COPY)
        return;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    uint64_t asked_before = allocator.refusing.asked;
    List *list = ints_new(&heap, COUNT);
    cr_assert_lt(allocator.refusing.asked - asked_before, 40);
    cr_assert_lt(allocator.moved_bytes, 2 * COUNT * sizeof(Value));
    variant_unref(&heap, (Variant *)list);
    heap_deinit(&heap);
}

Test(list, a_full_list_refuses) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    List *list = ints_new(&heap, 3);
    list->count = LIST_COUNT_MAX; /* only said so */
    cr_assert_null(list_push(&heap, (Variant *)list, VALUE_TRUE));
    list->count = 3;
    variant_unref(&heap, (Variant *)list);
    heap_deinit(&heap);
}

/* --- refused memory --- */

/* Elements are the indexes, as strings or Ints; but one may have been set to true. */
static void numbers_check(const Variant *variant) {
    variant_check(variant);
    for (uint32_t index = 0; index < variant->count; index++) {
        Value item = variant_at(variant, index);
        check(item.bits == VALUE_TRUE.bits || item_is(item, index));
    }
}

/* Pushes until `count`; stops at a refusal. */
static Variant *scenario_push(Heap *heap, Variant *variant, uint32_t count) {
    while (variant->count < count) {
        String *string = string_new(heap, (const char *)&variant->count, sizeof variant->count);
        if (string == NULL)
            break;
        Value item = variant->count % 2 ? value_ref(value_from_object(string)) : value_from_int(variant->count);
        uint32_t count_before = variant->count;
        List *longer = list_push(heap, variant, item);
        if (longer == NULL) {
            check(variant->count == count_before);
            value_unref(heap, item);
        }
        value_unref(heap, value_from_object(string));
        if (longer == NULL)
            break;
        variant = (Variant *)longer;
    }
    numbers_check(variant);
    return variant;
}

static Variant *scenario_set(Heap *heap, Variant *variant, uint32_t index) {
    if (index >= variant->count)
        return variant;
    Variant *changed = list_set(heap, variant, index, VALUE_TRUE);
    variant = changed ? changed : variant;
    numbers_check(variant);
    return variant;
}

static void scenario(Heap *heap) {
    Variant *variant = variant_new(heap, SYMBOL_LIST, 0, NULL);
    variant = scenario_push(heap, variant, 20);

    Variant *twenty = variant_ref(variant);
    variant = scenario_set(heap, variant, 3); /* shared: a flat copy */
    variant = scenario_push(heap, variant, LIST_FLAT_MAX + 10);

    Variant *flat = variant_ref(variant);
    variant = scenario_push(heap, variant, 400); /* shared and long: a trie */
    Variant *trie = variant_ref(variant);
    variant = scenario_set(heap, variant, 5);
    variant = scenario_push(heap, variant, 480);
    numbers_check(trie);

    List *slice = list_slice(heap, trie, 0, trie->count / 2);
    List *flattened = list_flatten(heap, trie);
    if (flattened)
        trie = (Variant *)flattened;
    numbers_check(trie);
    numbers_check(flat);
    numbers_check(twenty);

    if (slice)
        variant_unref(heap, (Variant *)slice);
    variant_unref(heap, trie);
    variant_unref(heap, flat);
    variant_unref(heap, twenty);
    variant_unref(heap, variant);
}

Test(list, a_refusal_leaves_the_arguments) {
    cr_assert_gt(refuse_each(scenario), 4);
}
