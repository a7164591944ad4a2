/* SPDX-License-Identifier: MIT */
/*
 * The map is compiled into this file, with two things replaced: a hash that
 * loses bits, for keys that fall together as deep as we like, and requests for
 * memory that are refused one at a time, also those that a pool would serve.
 */
#include "vm/base/hash.h"
#include "vm/base/mem.h"

static uint64_t hash_kept = UINT64_MAX; /* these bits of a hash are left */
static int64_t tries;                   /* requests that may be refused */
static int64_t try_refused = -1;        /* this one is */

#define hash_bytes(seed, bytes, size) (hash_bytes(seed, bytes, size) & hash_kept)
#define hash_int(seed, number) (hash_int(seed, number) & hash_kept)
#define mem_try(mem, size) (tries++ == try_refused ? NULL : mem_try(mem, size))
#define mem_try_resize(mem, block, old, new) (tries++ == try_refused ? NULL : mem_try_resize(mem, block, old, new))

#include "vm/value/map.c"

#include "tests/unit/heap_fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

/* Which bits are kept: all; one a level; a few high up, in the middle, at the very end; none. */
static const uint64_t hashes_kept[] = {
    UINT64_MAX, 0x2108421084210842, 0x7, 0x30000000, 0xf000000000000000, 0,
};
enum { HASH_COUNT = sizeof hashes_kept / sizeof *hashes_kept };

static void map_ref(Map *map) {
    value_ref(value_from_object(map));
}

static Value text(Heap *heap, const char *bytes, size_t size) {
    String *string = string_new(heap, bytes, size);
    cr_assert_not_null(string);
    return value_from_object(string);
}

/* --- keys, numbered in key order as the header states it --- */

enum {
    NEGATIVES = 1500, /* key 0 is -1, key 1 is -2, ... */
    FIRST_NOT_NEGATIVE = NEGATIVES,
    NOT_NEGATIVES = 1500,
    FIRST_BOOL = FIRST_NOT_NEGATIVE + NOT_NEGATIVES,
    FIRST_STRING = FIRST_BOOL + 2,
    STRINGS = 3000, /* "0000", "0000-", "0001", ...: short ones, then long ones with the same start */
    KEYS = FIRST_STRING + STRINGS,
};

/* A new object each time, if it is one. */
static Value key_new(Heap *heap, uint32_t number) {
    if (number < FIRST_NOT_NEGATIVE)
        return value_from_int(number == NEGATIVES - 1 ? INT_MIN_VALUE : -(int64_t)number - 1);
    if (number < FIRST_BOOL)
        return value_from_int(number == FIRST_BOOL - 1 ? INT_MAX_VALUE : number - FIRST_NOT_NEGATIVE);
    if (number < FIRST_STRING)
        return value_from_bool(number > FIRST_BOOL);
    char bytes[16];
    int size = snprintf(bytes, sizeof bytes, "%04u-", (number - FIRST_STRING) / 2);
    return text(heap, bytes, (size_t)size - (number % 2 == FIRST_STRING % 2));
}

/* Every third one is an object, so that counts are at stake. */
static Value content_new(Heap *heap, uint32_t number) {
    return number % 3 ? value_from_int(number) : text(heap, (const char *)&number, sizeof number);
}

static bool content_is(Value value, uint32_t number) {
    if (number % 3)
        return value.bits == value_from_int(number).bits;
    return value_is_string(value) && memcmp(string_bytes(value_string(value)), &number, sizeof number) == 0;
}

static bool key_is(Heap *heap, Value key, uint32_t number) {
    Value wanted = key_new(heap, number);
    bool same = value_is_string(key) ? value_is_string(wanted) && string_equal(value_string(key), value_string(wanted))
                                     : key.bits == wanted.bits;
    value_unref(heap, wanted);
    return same;
}

/* --- against a plain array --- */

enum { ABSENT = 0 };

/* A map, and what ought to be in it. */
typedef struct Version {
    Map *map;
    uint32_t count;
    uint32_t contents[KEYS]; /* by number of the key; or ABSENT */
} Version;

static void version_set(Heap *heap, Version *version, uint32_t key, uint32_t content) {
    Map *map = map_set(heap, version->map, key_new(heap, key), content_new(heap, content));
    cr_assert_not_null(map);
    version->map = map;
    version->count += version->contents[key] == ABSENT;
    version->contents[key] = content;
}

static void version_remove(Heap *heap, Version *version, uint32_t number) {
    Value key = key_new(heap, number);
    Map *map = map_remove(heap, version->map, key);
    value_unref(heap, key);
    cr_assert_not_null(map);
    if (version->contents[number] == ABSENT)
        cr_assert_eq(map, version->map, "nothing to remove, and yet another map");
    version->map = map;
    version->count -= version->contents[number] != ABSENT;
    version->contents[number] = ABSENT;
}

static void version_check_key(Heap *heap, const Version *version, uint32_t number) {
    Value key = key_new(heap, number);
    const Value *found = map_peek(heap, version->map, key);
    value_unref(heap, key);
    if (version->contents[number] == ABSENT)
        cr_assert_null(found, "key %u", number);
    else
        cr_assert(found && content_is(*found, version->contents[number]), "key %u", number);
}

/* All of it, in order. */
static void version_check(Heap *heap, const Version *version) {
    map_check(heap, version->map);
    uint32_t count = map_count(version->map), index = 0;
    cr_assert_eq(count, version->count);

    MapEntry *entries = map_sorted(heap, version->map);
    cr_assert_eq(entries == NULL, count == 0);
    for (uint32_t number = 0; number < KEYS; number++) {
        if (version->contents[number] == ABSENT)
            continue;
        cr_assert(index < count && key_is(heap, entries[index].key, number), "entry %u is not key %u", index, number);
        cr_assert(content_is(entries[index].value, version->contents[number]), "key %u", number);
        index++;
    }
    cr_assert_eq(index, count);
    mem_free(&heap->mem, entries, count * sizeof *entries);
}

/* The list is in order and all of it in the map; gives by number which keys it has. */
static void list_check(Heap *heap, const MapEntryList *list, const Map *map, bool *listed) {
    uint32_t index = 0;
    for (uint32_t number = 0; number < KEYS; number++) {
        listed[number] = index < list->count && key_is(heap, list->entries[index].key, number);
        if (!listed[number])
            continue;
        const Value *found = map_peek(heap, map, list->entries[index].key);
        cr_assert(found && found->bits == list->entries[index].value.bits, "key %u", number);
        index++;
    }
    cr_assert_eq(index, list->count);
}

/* What differs is listed; what is listed beside that would be found by comparing. */
static void version_difference_check(Heap *heap, const Version *a, const Version *b) {
    static bool in_a[KEYS], in_b[KEYS];
    MapEntryList only_a, only_b;
    cr_assert_eq(map_difference(heap, a->map, b->map, &only_a, &only_b), 0);
    list_check(heap, &only_a, a->map, in_a);
    list_check(heap, &only_b, b->map, in_b);
    for (uint32_t number = 0; number < KEYS; number++) {
        if (a->contents[number] == b->contents[number])
            continue;
        cr_assert(in_a[number] || a->contents[number] == ABSENT, "key %u", number);
        cr_assert(in_b[number] || b->contents[number] == ABSENT, "key %u", number);
    }
    map_entry_list_deinit(heap, &only_a);
    map_entry_list_deinit(heap, &only_b);
}

enum { KEPT = 6 };

typedef struct Run {
    Heap heap;
    TestAllocator allocator;
    int64_t live_before;
    uint64_t random;
    uint32_t keys[KEYS]; /* those in use */
    uint32_t key_count;
    bool check_each_step;
    Version now;
    Version kept[KEPT]; /* older versions; their maps must not change any more */
} Run;

/* Forgets an old version, after a last look, and keeps the present one in its place. */
static void run_keep(Run *run) {
    Version *kept = &run->kept[random_below(&run->random, KEPT)];
    if (kept->map) {
        version_check(&run->heap, kept);
        version_difference_check(&run->heap, kept, &run->now);
        value_unref(&run->heap, value_from_object(kept->map));
    }
    *kept = run->now;
    map_ref(kept->map);
}

/* Goes on from an old version. */
static void run_return(Run *run) {
    const Version *kept = &run->kept[random_below(&run->random, KEPT)];
    if (!kept->map)
        return;
    value_unref(&run->heap, value_from_object(run->now.map));
    run->now = *kept;
    map_ref(kept->map);
}

/* `set_percent` of the changes insert or replace. */
static void run_steps(Run *run, uint32_t steps, uint32_t set_percent, uint32_t keep_every) {
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t key = run->keys[random_below(&run->random, run->key_count)];
        if (random_below(&run->random, 100) < set_percent)
            version_set(&run->heap, &run->now, key, 1 + random_below(&run->random, 1000000));
        else
            version_remove(&run->heap, &run->now, key);
        version_check_key(&run->heap, &run->now, run->keys[random_below(&run->random, run->key_count)]);
        if (run->check_each_step)
            map_check(&run->heap, run->now.map);
        if (random_below(&run->random, keep_every) == 0)
            run_keep(run);
        if (random_below(&run->random, 4 * keep_every) == 0)
            run_return(run);
    }
    version_check(&run->heap, &run->now);
}

/* Key numbers spread over all kinds. */
static Run *run_new(uint32_t key_count, uint64_t seed) {
    Run *run = calloc(1, sizeof *run);
    cr_assert_not_null(run);
    test_heap_init(&run->heap, &run->allocator);
    run->live_before = run->heap.mem.live_count;
    run->random = seed;
    run->key_count = key_count;
    for (uint32_t i = 0; i < key_count; i++)
        run->keys[i] = (uint32_t)((uint64_t)i * (KEYS - 1) / (key_count - 1));
    run->now.map = map_new(&run->heap);
    return run;
}

static void run_free(Run *run) {
    value_unref(&run->heap, value_from_object(run->now.map));
    for (int i = 0; i < KEPT; i++) {
        if (!run->kept[i].map)
            continue;
        version_check(&run->heap, &run->kept[i]);
        value_unref(&run->heap, value_from_object(run->kept[i].map));
    }
    cr_assert_eq(run->heap.mem.live_count, run->live_before);
    heap_deinit(&run->heap);
    free(run);
}

/* The array, the trie, and the way from the one to the other and back. */
Test(map, small_runs) {
    for (int hash = 0; hash < HASH_COUNT; hash++) {
        hash_kept = hashes_kept[hash];
        for (uint32_t key_count = 2; key_count < 40; key_count += 3) {
            Run *run = run_new(key_count, key_count);
            run->check_each_step = true;
            for (int i = 0; i < 4; i++) {
                run_steps(run, 100, 80, 20);
                run_steps(run, 100, 20, 20);
            }
            run_free(run);
        }
    }
}

Test(map, runs_with_sharing) {
    Run *run = run_new(KEYS, 1);
    for (int i = 0; i < 4; i++) {
        run_steps(run, 25000, 85, 2000);
        run_steps(run, 25000, 15, 2000);
        run_steps(run, 10000, 50, 50);
    }
    run_free(run);
}

Test(map, runs_without_sharing) {
    Run *run = run_new(KEYS, 2);
    for (int i = 0; i < 3; i++) {
        run_steps(run, 50000, 90, UINT32_MAX / 4);
        run_steps(run, 50000, 10, UINT32_MAX / 4);
    }
    run_free(run);
}

Test(map, runs_with_collisions) {
    for (int hash = 1; hash < HASH_COUNT; hash++) {
        hash_kept = hashes_kept[hash];
        Run *run = run_new(500, (uint64_t)hash);
        for (int i = 0; i < 2; i++) {
            run_steps(run, 8000, 85, 500);
            run_steps(run, 8000, 15, 500);
        }
        run_free(run);
    }
}

/* --- what is not shared --- */

static uint32_t difference_count(Heap *heap, const Map *a, const Map *b) {
    MapEntryList only_a, only_b;
    cr_assert_eq(map_difference(heap, a, b, &only_a, &only_b), 0);
    uint32_t count = only_a.count + only_b.count;
    map_entry_list_deinit(heap, &only_a);
    map_entry_list_deinit(heap, &only_b);
    return count;
}

/* Of a changed copy no more is listed than was changed, and what lay in the same place. */
Test(map, differences_are_as_large_as_the_change) {
    enum { COUNT = 20000 };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Map *map = map_new(&heap);
    for (uint32_t i = 0; i < COUNT; i++)
        map = map_set(&heap, map, value_from_int(i), value_from_int(i));

    cr_assert_eq(difference_count(&heap, map, map), 0);
    for (uint32_t i = 0; i < COUNT + 1000; i += 100) {
        map_ref(map);
        Map *set = map_set(&heap, map, value_from_int(i), VALUE_TRUE);
        map_ref(map);
        Map *removed = map_remove(&heap, map, value_from_int(i));
        uint32_t replaced = difference_count(&heap, map, set);
        if (i < COUNT) {
            cr_assert_eq(replaced, 2);
            cr_assert_leq(difference_count(&heap, removed, map), 3);
        } else {
            cr_assert_leq(replaced, 3);
        }
        value_unref(&heap, value_from_object(set));
        value_unref(&heap, value_from_object(removed));
    }
    value_unref(&heap, value_from_object(map));
    heap_deinit(&heap);
}

/* --- order --- */

Test(map, keys_are_ordered_by_kind_magnitude_and_bytes) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Value keys[] = {
        value_from_int(-1),
        value_from_int(-2),
        value_from_int(INT_MIN_VALUE),
        value_from_int(0),
        value_from_int(1),
        value_from_int(10),
        value_from_int(INT_MAX_VALUE),
        VALUE_FALSE,
        VALUE_TRUE,
        text(&heap, "", 0),
        text(&heap, "\0", 1),
        text(&heap, "10", 2),
        text(&heap, "9", 1),
        text(&heap, "B", 1),
        text(&heap, "a", 1),
        text(&heap, "a\0", 2),
        text(&heap, "ab", 2),
        text(&heap, "\xff", 1),
    };
    enum { COUNT = sizeof keys / sizeof *keys };

    for (int a = 0; a < COUNT; a++)
        for (int b = 0; b < COUNT; b++) {
            int order = map_key_compare(keys[a], keys[b]);
            cr_assert_eq((order > 0) - (order < 0), (a > b) - (a < b), "keys %d and %d", a, b);
        }
    for (int i = 0; i < COUNT; i++)
        value_unref(&heap, keys[i]);
    heap_deinit(&heap);
}

Test(map, only_ints_bools_and_strings_are_keys) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Value string = text(&heap, "a", 1), boxed = value_from_float(&heap, 1e300), map = value_from_object(map_new(&heap));
    cr_assert(map_key_is_valid(string) && map_key_is_valid(VALUE_ZERO) && map_key_is_valid(VALUE_TRUE));
    cr_assert(!map_key_is_valid(map) && !map_key_is_valid(boxed) && !map_key_is_valid(value_from_symbol(3)) &&
              !map_key_is_valid(value_from_float(&heap, 1.5)) && !map_key_is_valid(value_from_float(&heap, 0)));
    value_unref(&heap, string);
    value_unref(&heap, boxed);
    value_unref(&heap, map);
    heap_deinit(&heap);
}

/* --- the shape --- */

static Map *map_of_ints(Heap *heap, uint32_t count) {
    Map *map = map_new(heap);
    for (uint32_t i = 0; i < count; i++) {
        map = map_set(heap, map, value_from_int(i), VALUE_TRUE);
        cr_assert_not_null(map);
    }
    return map;
}

/* Whatever else was in a map, once it is gone the nodes are those of a map that never had it. */
Test(map, the_shape_follows_from_the_keys) {
    for (int hash = 0; hash < HASH_COUNT; hash++) {
        hash_kept = hashes_kept[hash];
        TestAllocator allocator;
        Heap heap;
        test_heap_init(&heap, &allocator);
        int64_t live_before = heap.mem.live_count;
        Map *plain = map_of_ints(&heap, 100);
        int64_t plain_blocks = heap.mem.live_count - live_before;

        Map *grown = map_of_ints(&heap, 600);
        for (uint32_t i = 600; i-- > 100;) {
            grown = map_remove(&heap, grown, value_from_int(i));
            cr_assert_not_null(grown);
        }
        map_check(&heap, grown);
        cr_assert_eq(heap.mem.live_count - live_before, 2 * plain_blocks);

        value_unref(&heap, value_from_object(plain));
        value_unref(&heap, value_from_object(grown));
        heap_deinit(&heap);
    }
}

Test(map, few_entries_are_an_array_again) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;
    Map *map = map_of_ints(&heap, MAP_SMALL_MAX);
    cr_assert_null(map->root);
    map = map_set(&heap, map, value_from_int(100), VALUE_TRUE);
    cr_assert_not_null(map->root);

    for (uint32_t i = 0; i < MAP_SMALL_MAX / 2; i++) {
        cr_assert_not_null(map->root);
        map = map_remove(&heap, map, value_from_int(i));
    }
    map = map_remove(&heap, map, value_from_int(100));
    cr_assert_null(map->root);
    cr_assert_eq(heap.mem.live_count - live_before, 1);
    value_unref(&heap, value_from_object(map));
    heap_deinit(&heap);
}

/* A map that was big once does not keep its memory. */
Test(map, gives_memory_back) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    hash_kept = 0;
    Map *map = map_of_ints(&heap, 2000);
    for (uint32_t i = 2000; i-- > 20;)
        map = map_remove(&heap, map, value_from_int(i));
    const MapNode *node = map->root;
    while (node->child_count)
        node = node->children[0];
    cr_assert_eq(node->slot_count, 20);
    cr_assert_leq(node->capacity, 4 * 20 * SLOT_WORDS);
    value_unref(&heap, value_from_object(map));
    heap_deinit(&heap);
}

/* --- what a change costs --- */

Test(map, changes_in_place_when_unshared, .disabled = STRESS_COPY) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Map *map = map_of_ints(&heap, 10000), *before = map;
    int64_t live_before = heap.mem.live_count;
    tries = 0;
    for (uint32_t i = 0; i < 10000; i++)
        map = map_set(&heap, map, value_from_int(i), VALUE_FALSE);
    cr_assert_eq(tries, 0);
    cr_assert_eq(map, before);
    cr_assert_eq(heap.mem.live_count, live_before);
    value_unref(&heap, value_from_object(map));
    heap_deinit(&heap);
}

Test(map, copies_one_path_when_shared, .disabled = STRESS_COPY) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Map *old = map_of_ints(&heap, 10000);
    map_ref(old);
    tries = 0;
    Map *map = map_set(&heap, old, value_from_int(77), VALUE_FALSE);
    cr_assert_neq(map, old);
    cr_assert(tries >= 3 && tries <= 6, "the map and a node for each level, but there were %d", (int)tries);

    int64_t first = tries;
    map = map_set(&heap, map, value_from_int(77), VALUE_TRUE); /* that path is ours now */
    cr_assert_eq(tries, first);
    cr_assert_eq(map_peek(&heap, old, value_from_int(77))->bits, VALUE_TRUE.bits);
    value_unref(&heap, value_from_object(map));
    value_unref(&heap, value_from_object(old));
    heap_deinit(&heap);
}

/* --- memory is refused --- */

typedef enum Change {
    CHANGE_INSERT,
    CHANGE_REPLACE,
    CHANGE_REMOVE,
    CHANGE_SORT,
    CHANGES,
} Change;

/* True when it was done. */
static bool change_version(Heap *heap, Version *version, Change change, uint32_t number) {
    if (change == CHANGE_SORT) {
        MapEntry *entries = map_sorted(heap, version->map);
        mem_free(&heap->mem, entries, version->count * sizeof *entries);
        return entries || version->count == 0;
    }
    Value key = key_new(heap, number), value = content_new(heap, 3);
    Map *map = change == CHANGE_REMOVE ? map_remove(heap, version->map, key)
                                       : map_set(heap, version->map, key, value);
    if (!map || change == CHANGE_REMOVE) { /* both are ours, and nobody else has them */
        cr_assert(!value_is_object(key) || value_object(key)->count == 1);
        cr_assert_eq(value_object(value)->count, 1);
        value_unref(heap, key);
        value_unref(heap, value);
    }
    if (!map)
        return false;
    version->map = map;
    version->count += (change == CHANGE_INSERT) - (change == CHANGE_REMOVE);
    version->contents[number] = change == CHANGE_REMOVE ? ABSENT : 3;
    return true;
}

/* A map before the change. */
typedef struct Scene {
    uint32_t count;
    bool was_bigger; /* it had twice as many entries once, so a few of them may be a trie */
    enum {
        NOT_SHARED,
        SHARED_PARTLY, /* but not the path to one of the keys */
        SHARED,
    } sharing;
} Scene;

static uint32_t scene_key(const Scene *scene, uint32_t index) {
    return (uint32_t)((uint64_t)index * (KEYS - 1) / scene->count);
}

static void scene_build(Heap *heap, const Scene *scene, Version *version, Version *old) {
    *version = (Version){.map = map_new(heap)};
    for (uint32_t i = 0; i < scene->count; i++)
        version_set(heap, version, scene_key(scene, i), 9 + 3 * i);
    for (uint32_t i = 0; i < scene->count && scene->was_bigger; i++)
        version_set(heap, version, scene_key(scene, i) + 1, 3);
    for (uint32_t i = 0; i < scene->count && scene->was_bigger; i++)
        version_remove(heap, version, scene_key(scene, i) + 1);

    *old = *version;
    if (scene->sharing != NOT_SHARED)
        map_ref(old->map);
    if (scene->sharing == SHARED_PARTLY)
        version_set(heap, version, scene_key(scene, scene->count / 2), 6);
}

/* Makes the change while request `point` is refused; false when there were not so many. Leaves nothing behind. */
static bool refuse_at(int64_t point, const Scene *scene, Change change, uint32_t number) {
    static Version version, old;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;
    scene_build(&heap, scene, &version, &old);

    tries = 0;
    try_refused = point;
    bool done = change_version(&heap, &version, change, number);
    try_refused = -1;
    bool refused = tries > point;
    cr_assert(done || refused);
    /* a node that could not be made smaller does not matter */
    cr_assert(!done || !refused || change == CHANGE_REMOVE);

    version_check(&heap, &version);
    value_unref(&heap, value_from_object(version.map));
    if (scene->sharing != NOT_SHARED) {
        version_check(&heap, &old);
        value_unref(&heap, value_from_object(old.map));
    }
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
    return refused;
}

static void refuse_each_request(const Scene *scene, Change change, uint32_t number) {
    for (int64_t point = 0; refuse_at(point, scene, change, number); point++)
        cr_assert_lt(point, 1000);
}

static void refuse_each_change(const Scene *scene) {
    for (uint32_t index = 0; index < scene->count; index++) {
        uint32_t key = scene_key(scene, index), free_key = key + 1;
        refuse_each_request(scene, CHANGE_REPLACE, key);
        refuse_each_request(scene, CHANGE_REMOVE, key);
        refuse_each_request(scene, CHANGE_INSERT, free_key);
    }
    refuse_each_request(scene, CHANGE_SORT, 0);
}

Test(map, survives_each_refusal) {
    static const uint32_t counts[] = {1, 2, 4, 5, 8, 9, 11, 12, 15, 16, 40};
    for (int hash = 0; hash < HASH_COUNT; hash++) {
        hash_kept = hashes_kept[hash];
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            for (int kind = 0; kind < 6; kind++)
                refuse_each_change(&(Scene){counts[i], kind % 2, kind / 2});
    }
}
