/* SPDX-License-Identifier: MIT */
#include "vm/value/difference.h"

#include "tests/unit/random_value.h"
#include "vm/value/quotation.h"
#include <criterion/criterion.h>
#include <errno.h>

static void encode(Fixture *fixture, Buffer *out, Value before, Value after) {
    Kind refused;
    buffer_clear(out);
    cr_assert_eq(difference_encode(&fixture->heap, before, after, out, &refused), 0);
}

static Value map_empty(Heap *heap) {
    return value_from_object(map_new(heap));
}

static Value map_without(Heap *heap, TAKEN Value map, Value key) {
    Map *changed = map_remove(heap, value_map(map), key);
    check(changed);
    return value_from_object(changed);
}

/* --- the bytes --- */

/* Takes `before` and `after`. */
static void golden(Fixture *fixture, TAKEN Value before, TAKEN Value after, const char *bytes, size_t size) {
    Heap *heap = &fixture->heap;
    encode(fixture, &fixture->out, before, after);
    cr_assert(buffer_is(&fixture->out, bytes, size));
    Value applied;
    cr_assert_eq(difference_apply(heap, bytes, size, before, &applied), 0);
    cr_assert(value_equal(heap, applied, after));
    value_unref(heap, applied);
    value_unref(heap, after);
}
#define GOLDEN(before, after, bytes) golden(&fixture, before, after, bytes, sizeof(bytes) - 1)

Test(difference, golden_bytes) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value one = map_with(heap, map_empty(heap), VALUE_TRUE, value_from_int(1));
    Value two = map_with(heap, value_ref(one), text_of(heap, "a"), value_from_int(2));
    Value other = map_with(heap, value_ref(one), VALUE_TRUE, value_from_int(-1));
    Value nested =
        map_with(heap, map_with(heap, map_empty(heap), value_from_int(0), value_ref(one)), VALUE_TRUE, value_ref(one));
    Value changed = map_with(heap, map_with(heap, value_ref(nested), value_from_int(0), value_ref(two)), VALUE_TRUE,
                             map_empty(heap));

    GOLDEN(map_empty(heap), map_empty(heap), "\x00");
    GOLDEN(value_ref(two), value_ref(two), "\x00");
    GOLDEN(value_ref(one), value_ref(two),
           "\x01\x01\x05\x01"
           "a\x01\x01\x04");
    GOLDEN(value_ref(two), value_ref(one),
           "\x01\x01\x05\x01"
           "a\x00");
    GOLDEN(value_ref(one), value_ref(other), "\x01\x01\x04\x01\x01\x01");
    GOLDEN(value_ref(one), map_empty(heap), "\x01\x01\x04\x00");
    /* two paths of two; in the first a Map is changed, in the second the last entry goes and the Map stays */
    GOLDEN(value_ref(nested), value_ref(changed),
           "\x02"
           "\x02\x01\x00\x05\x01"
           "a\x01\x01\x04"
           "\x02\x04\x04\x00");
    /* a Map that comes or goes is one value */
    GOLDEN(map_empty(heap), value_ref(nested),
           "\x02"
           "\x01\x01\x00\x01\x0a\x01\x04\x01\x02"
           "\x01\x04\x01\x0a\x01\x04\x01\x02");
    GOLDEN(value_ref(one), value_ref(nested),
           "\x02"
           "\x01\x01\x00\x01\x0a\x01\x04\x01\x02"
           "\x01\x04\x01\x0a\x01\x04\x01\x02");
    Value all[] = {one, two, other, nested, changed};
    for (size_t index = 0; index < sizeof all / sizeof *all; index++)
        value_unref(heap, all[index]);
    fixture_deinit(&fixture);
}

/* --- random pairs --- */

/* The same content, nothing of it shared. */
static Value copy_of(Fixture *fixture, Value value) {
    Kind refused;
    Value copy;
    size_t used;
    buffer_clear(&fixture->again);
    cr_assert_eq(codec_encode(&fixture->heap, value, &fixture->again, &refused), 0);
    cr_assert_eq(codec_decode(&fixture->heap, fixture->again.bytes, fixture->again.size, &used, &copy), 0);
    return copy;
}

/* A key that is there with half the chance. Takes none; gives a reference. */
static Value some_key(Heap *heap, uint64_t *random, Value map) {
    uint32_t count = map_count(value_map(map));
    if (count == 0 || random_below(random, 2))
        return random_key(heap, random);
    MapEntry *entries = map_sorted(heap, value_map(map));
    Value key = value_ref(entries[random_below(random, count)].key);
    mem_free(&heap->mem, entries, count * sizeof *entries);
    return key;
}

/* A few random changes, also in the Maps inside. Takes `map`. */
static Value edit(Heap *heap, uint64_t *random, TAKEN Value map, uint32_t depth) {
    for (uint32_t count = random_below(random, 4); count > 0; count--) {
        Value key = some_key(heap, random, map);
        const Value *found = map_peek(heap, value_map(map), key);
        if (random_below(random, 4) == 0) {
            map = map_without(heap, map, key);
            value_unref(heap, key);
        } else if (found && value_is_map(*found) && depth > 0) {
            Value inner = edit(heap, random, value_ref(*found), depth - 1);
            map = map_with(heap, map, key, inner);
        } else if (found && random_below(random, 4) == 0) {
            Value same = value_ref(*found);
            map = map_with(heap, map, key, same);
        } else {
            map = map_with(heap, map, key, random_value(heap, random, depth));
        }
    }
    return map;
}

static Value random_map(Heap *heap, uint64_t *random, uint32_t depth) {
    Value map = map_empty(heap);
    for (uint32_t count = random_below(random, random_below(random, 4) ? 6 : 60); count > 0; count--) {
        Value inner = depth > 0 && random_below(random, 3) == 0 ? random_map(heap, random, depth - 1)
                                                                : random_value(heap, random, depth);
        map = map_with(heap, map, random_key(heap, random), inner);
    }
    return map;
}

/* The difference leads from the one to the other, is empty when they are equal, and depends on content alone. */
static void check_pair(Fixture *fixture, Value before, Value after) {
    Heap *heap = &fixture->heap;
    encode(fixture, &fixture->out, before, after);
    bool is_empty = fixture->out.size == 1 && fixture->out.bytes[0] == 0;
    cr_assert_eq(is_empty, value_equal(heap, before, after));

    Value applied, copy = copy_of(fixture, before);
    const Buffer *out = &fixture->out;
    cr_assert_eq(difference_apply(heap, out->bytes, out->size, value_ref(copy), &applied), 0);
    cr_assert(value_equal(heap, applied, after));
    cr_assert(value_equal(heap, before, copy), "it was not ours to change");
    map_check(heap, value_map(applied));

    encode(fixture, &fixture->again, copy, applied);
    cr_assert(buffer_is(&fixture->again, out->bytes, out->size));
    value_unref(heap, applied);
    cr_assert_eq(difference_apply(heap, out->bytes, out->size, copy, &applied), 0); /* in place */
    cr_assert(value_equal(heap, applied, after));
    value_unref(heap, applied);
}

Test(difference, of_random_edits, .timeout = 120) {
    Fixture fixture;
    fixture_init(&fixture);
    uint64_t random = 1;
    for (uint32_t count = random_count(10000); count > 0; count--) {
        Value before = random_map(&fixture.heap, &random, 2);
        Value after = edit(&fixture.heap, &random, value_ref(before), 2);
        check_pair(&fixture, before, after);
        check_pair(&fixture, after, before);
        value_unref(&fixture.heap, before);
        value_unref(&fixture.heap, after);
    }
    fixture_deinit(&fixture);
}

Test(difference, of_maps_that_share_nothing, .timeout = 120) {
    Fixture fixture;
    fixture_init(&fixture);
    uint64_t random = 2;
    for (uint32_t count = random_count(5000); count > 0; count--) {
        Value before = random_map(&fixture.heap, &random, 2), after = random_map(&fixture.heap, &random, 2);
        check_pair(&fixture, before, after);
        Value copy = copy_of(&fixture, before);
        check_pair(&fixture, before, copy);
        Value edited = edit(&fixture.heap, &random, copy, 2);
        check_pair(&fixture, before, edited);
        value_unref(&fixture.heap, before);
        value_unref(&fixture.heap, after);
        value_unref(&fixture.heap, edited);
    }
    fixture_deinit(&fixture);
}

/* One change in a big Map asks for as little memory as in a small one; callgrind counts the steps. */
Test(difference, costs_what_changed) {
    enum { COUNT = 100000 };
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value inner = map_empty(heap);
    for (int index = 0; index < COUNT; index++)
        inner = map_with(heap, inner, value_from_int(index), value_from_int(index));
    Value before = map_with(heap, map_empty(heap), text_of(heap, "accounts"), inner);
    Value changed = map_with(heap, value_ref(inner), value_from_int(777), VALUE_TRUE);
    Value after = map_with(heap, value_ref(before), text_of(heap, "accounts"), changed);

    heap->mem.peak_bytes = heap->mem.used_bytes;
    size_t used_before = heap->mem.used_bytes;
    encode(&fixture, &fixture.out, before, after);
    cr_assert_leq(heap->mem.peak_bytes, used_before + MEM_SLAB_SIZE);
    cr_assert_eq(fixture.out.size, 1 + 1 + 10 + 3 + 1 + 1);
    value_unref(heap, before);
    value_unref(heap, after);
    fixture_deinit(&fixture);
}

/* --- one change after the other --- */

Test(difference, is_read_one_change_after_the_other) {
    static const char bytes[] = "\x03"
                                "\x02\x01\x00\x01\x01\x00"         /* 0 -1: removed */
                                "\x03\x01\x00\x01\x00\x04\x01\x04" /* 0 0 true: true */
                                "\x01\x03\x01\x05\x00";            /* false: "" */
    static const uint32_t lengths[] = {2, 3, 1}, commons[] = {0, 1, 0};
    Fixture fixture;
    fixture_init(&fixture);
    DifferenceReader reader;
    difference_reader_init(&reader, &fixture.heap, bytes, sizeof bytes - 1);
    for (int index = 0; index < 3; index++) {
        cr_assert_eq(difference_reader_next(&reader), 0);
        cr_assert_eq(reader.path_length, lengths[index]);
        cr_assert_eq(reader.common_length, commons[index]);
        cr_assert_eq(reader.is_removed, index == 0);
        cr_assert_eq(reader.path[0].bits, index < 2 ? VALUE_ZERO.bits : VALUE_FALSE.bits);
    }
    cr_assert(value_is_string(reader.value));
    cr_assert_eq(difference_reader_next(&reader), DIFFERENCE_E_END);
    difference_reader_deinit(&reader);
    fixture_deinit(&fixture);
}

/* --- damage --- */

typedef struct DamageCase {
    const char *what, *bytes;
    size_t size;
} DamageCase;
#define DAMAGE(what, bytes)                                                                                            \
    { what, bytes, sizeof(bytes) - 1 }

/* The state has 0: true, 1: a Map of 0 to a list, true: an empty Map. */
Test(difference, what_does_not_fit) {
    static const DamageCase cases[] = {
        DAMAGE("nothing", ""),
        DAMAGE("something behind it", "\x00\x00"),
        DAMAGE("a count that could be shorter", "\x80\x00"),
        DAMAGE("fewer changes", "\x02\x01\x01\x00\x00"),
        DAMAGE("an empty path", "\x01\x00\x01\x00"),
        DAMAGE("a path longer than there are bytes", "\x01\xff\xff\xff\x07\x01\x00\x00"),
        DAMAGE("a key that cannot be one", "\x01\x01\x08\x00\x00"),
        DAMAGE("neither removed nor set", "\x01\x01\x01\x00\x02\x03"),
        DAMAGE("no value", "\x01\x01\x01\x00\x01"),
        DAMAGE("a damaged value", "\x01\x01\x01\x00\x01\x00"),
        DAMAGE("removed, but not there", "\x01\x01\x01\x04\x00"),
        DAMAGE("set to what it is", "\x01\x01\x01\x00\x01\x04"),
        DAMAGE("set to a list equal to what it is", "\x01\x02\x01\x02\x01\x00\x01\x08\x01\x04"),
        DAMAGE("a Map in the place of a Map", "\x01\x01\x01\x02\x01\x0a\x00"),
        DAMAGE("a path through what is no Map", "\x01\x02\x01\x00\x01\x00\x01\x04"),
        DAMAGE("a path through what is not there", "\x01\x02\x01\x04\x01\x00\x01\x04"),
        DAMAGE("not in order", "\x02\x01\x01\x02\x00\x01\x01\x00\x00"),
        DAMAGE("twice", "\x02\x01\x01\x00\x01\x03\x01\x01\x00\x00"),
        DAMAGE("a Map, then what is in it", "\x02\x01\x01\x00\x01\x0a\x00\x02\x01\x00\x01\x00\x01\x04"),
        DAMAGE("what is in a Map, then the Map", "\x02\x02\x01\x02\x01\x00\x00\x01\x01\x02\x00"),
        DAMAGE("the same, set", "\x02\x02\x01\x02\x01\x00\x01\x04\x01\x01\x02\x01\x03"),
        DAMAGE("not in order below", "\x02\x02\x01\x02\x01\x04\x01\x04\x02\x01\x02\x01\x02\x01\x04"),
    };
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value list = list_with(heap, list_empty(heap), VALUE_TRUE);
    Value state = map_with(heap, map_empty(heap), value_from_int(0), VALUE_TRUE);
    state = map_with(heap, state, value_from_int(1), map_with(heap, map_empty(heap), value_from_int(0), list));
    state = map_with(heap, state, VALUE_TRUE, map_empty(heap));
    Value copy = copy_of(&fixture, state);

    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        Value after;
        int r = difference_apply(heap, cases[index].bytes, cases[index].size, value_ref(state), &after);
        cr_assert_eq(r, CODEC_E_DAMAGED, "%s", cases[index].what);
        cr_assert(value_equal(heap, state, copy), "%s", cases[index].what);
    }
    value_unref(heap, state);
    value_unref(heap, copy);
    fixture_deinit(&fixture);
}

/* What can be applied is the difference between the two states. */
static int apply_canonically(Fixture *fixture, Value before, const char *bytes, size_t size) {
    char *copy = malloc(size ? size : 1); /* of exactly its size */
    memcpy(copy, bytes, size);
    Value after;
    int r = difference_apply(&fixture->heap, copy, size, value_ref(before), &after);
    free(copy);
    cr_assert(r == 0 || r == CODEC_E_DAMAGED);
    if (r)
        return r;
    encode(fixture, &fixture->again, before, after);
    cr_assert(buffer_is(&fixture->again, bytes, size));
    value_unref(&fixture->heap, after);
    return 0;
}

static void damage_each_byte(Fixture *fixture, Value before, Buffer *buffer) {
    for (size_t size = 0; size < buffer->size; size++)
        cr_assert_eq(apply_canonically(fixture, before, buffer->bytes, size), CODEC_E_DAMAGED);
    for (size_t index = 0; index < buffer->size; index++)
        for (int change = 1; change < 256; change++) {
            buffer->bytes[index] ^= (char)change;
            (void)apply_canonically(fixture, before, buffer->bytes, buffer->size);
            buffer->bytes[index] ^= (char)change;
        }
}

Test(difference, damage_is_seen, .timeout = 120) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    uint64_t random = 3;
    for (int round = 0; round < 60; round++) {
        Value before = random_map(heap, &random, 2), after = edit(heap, &random, value_ref(before), 2);
        encode(&fixture, &fixture.out, before, after);
        if (fixture.out.size < 200)
            damage_each_byte(&fixture, before, &fixture.out);
        value_unref(heap, before);
        value_unref(heap, after);
    }
    fixture_deinit(&fixture);
}

/* --- code --- */

Test(difference, code_is_refused_where_it_is_new) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value code = value_from_object(quotation_new(heap, TAG_QUOTATION, NULL, 0, NULL));
    Value before = map_with(heap, map_empty(heap), value_from_int(1), value_ref(code));
    Value after = map_with(heap, value_ref(before), value_from_int(2), VALUE_TRUE);
    Value list = list_with(heap, list_empty(heap), code);
    Value refused_one = map_with(heap, value_ref(after), value_from_int(3), list);

    encode(&fixture, &fixture.out, before, after);
    size_t size = fixture.out.size;
    Kind refused = KIND_COUNT;
    cr_assert_eq(difference_encode(heap, before, refused_one, &fixture.out, &refused), CODEC_E_CODE);
    cr_assert_eq(refused, KIND_QUOTATION);
    cr_assert_eq(fixture.out.size, size);
    cr_assert_eq(difference_encode(heap, refused_one, before, &fixture.out, &refused), 0);

    value_unref(heap, before);
    value_unref(heap, after);
    value_unref(heap, refused_one);
    fixture_deinit(&fixture);
}

/* --- depth and size --- */

static Value nested_maps(Heap *heap, int depth, Value innermost) {
    for (int level = 0; level < depth; level++)
        innermost = map_with(heap, map_empty(heap), VALUE_TRUE, innermost);
    return innermost;
}

Test(difference, a_million_deep) {
    enum { DEEP = 1000000 };
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value before = nested_maps(heap, DEEP, value_from_int(1)), after = nested_maps(heap, DEEP, value_from_int(2));
    Value applied;
    encode(&fixture, &fixture.out, before, after);
    cr_assert_eq(difference_apply(heap, fixture.out.bytes, fixture.out.size, before, &applied), 0);
    cr_assert(value_equal(heap, applied, after));
    value_unref(heap, applied);
    value_unref(heap, after);
    fixture_deinit(&fixture);
}

Test(difference, of_many_changes) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value before = map_empty(heap), after = map_empty(heap);
    for (int index = 0; index < 50000; index++) { /* more changes than one byte counts, in both maps and in one */
        before = map_with(heap, before, value_from_int(index), value_from_int(index));
        after = map_with(heap, after, value_from_int(index + 20000), value_from_int(index % 3 ? index : index + 20000));
    }
    check_pair(&fixture, before, after);
    check_pair(&fixture, after, before);
    value_unref(heap, before);
    value_unref(heap, after);
    fixture_deinit(&fixture);
}

/* --- refused memory --- */

/* Many changes, some far inside, one of them large. */
static void scenario_states(Heap *heap, Value *beforep, Value *afterp) {
    static const char text[2000];
    Value before = map_empty(heap), after = map_empty(heap);
    for (int index = 0; index < 60; index++) {
        before = map_with(heap, before, value_from_int(index), value_from_int(index));
        after = map_with(heap, after, value_from_int(index * 2), value_from_int(index));
    }
    before = map_with(heap, before, text_of(heap, "deep"), nested_maps(heap, 300, VALUE_FALSE));
    after = map_with(heap, after, text_of(heap, "deep"), nested_maps(heap, 300, text_value(heap, text, sizeof text)));
    *beforep = map_with(heap, before, text_of(heap, "same"), nested_maps(heap, 20, list_of_trie(heap, 300)));
    *afterp = map_with(heap, after, text_of(heap, "same"), nested_maps(heap, 20, list_of_trie(heap, 300)));
}

/* Returns whether anything was refused. */
static bool refuse_at(uint64_t point, bool for_ever) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    const Refusing *refusing = &fixture.allocator.refusing;
    Value before, after, applied;
    scenario_states(heap, &before, &after);

    test_refuse_after(&fixture.allocator, point, for_ever);
    Kind refused;
    int r = difference_encode(heap, before, after, &fixture.out, &refused);
    cr_assert_eq(r, refusing->refused ? -ENOMEM : 0);
    uint64_t refused_before = refusing->refused;
    if (r == 0) {
        r = difference_apply(heap, fixture.out.bytes, fixture.out.size, before, &applied);
        cr_assert(r == 0 || (r == -ENOMEM && refusing->refused > refused_before));
        cr_assert(r == -ENOMEM || refusing->refused == 0 || mem_is_exhausted(&heap->mem));
    } else {
        cr_assert_eq(fixture.out.size, 0);
        value_unref(heap, before);
    }
    bool refused_any = refusing->refused > 0;
    refusing_stop(&fixture.allocator.refusing);
    if (r == 0) {
        cr_assert(value_equal(heap, applied, after));
        value_unref(heap, applied);
    }
    value_unref(heap, after);
    fixture_deinit(&fixture);
    return refused_any;
}

Test(difference, a_refusal_is_passed_on) {
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        uint64_t point = 0;
        while (refuse_at(point, for_ever))
            point++;
        cr_assert_gt(point, 4);
    }
}
