/* SPDX-License-Identifier: MIT */
#include "vm/value/value.h"

#include "tests/unit/heap_fixture.h"
#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/quotation.h"
#include "vm/value/string.h"
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

/* --- immediates --- */

Test(value, ints_wrap_at_63_bits) {
    static const int64_t numbers[] = {0, 1, -1, 42, INT_MAX_VALUE, INT_MIN_VALUE};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        Value value = value_from_int(numbers[index]);
        cr_assert(value_is_int(value) && value_kind(value) == KIND_INT);
        cr_assert_eq(value_to_int(value), numbers[index]);
    }
    cr_assert_eq(value_to_int(value_from_int(INT_MAX_VALUE + 1)), INT_MIN_VALUE);
    cr_assert_eq(value_to_int(value_from_int(INT_MIN_VALUE - 1)), INT_MAX_VALUE);
    cr_assert_eq(value_from_int(0).bits, VALUE_ZERO.bits);
}

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double float_of(uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void float_check(Heap *heap, uint64_t bits) {
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    bool immediate = (exponent >= -255 && exponent <= 256) || bits == 0;
    Value value = value_from_float(heap, float_of(bits));

    cr_assert_eq(value_is_object(value), !immediate, "%016lx", bits);
    cr_assert(value_is_float(value) && value_kind(value) == KIND_FLOAT, "%016lx", bits);
    cr_assert(!value_is_int(value) && !value_is_bool(value) && !value_is_symbol(value) && !value_is_string(value));
    cr_assert_eq(bits_of(value_to_float(value)), isnan(float_of(bits)) ? FLOAT_NAN_BITS : bits, "%016lx", bits);

    Value again = value_from_float(heap, float_of(bits));
    cr_assert(value_equal(heap, value, again));
    cr_assert_eq(value.bits == again.bits, immediate);
    value_unref(heap, again);
    value_unref(heap, value);
}

/* All exponents, so infinities, NaNs, zeros and denormals too. */
Test(value, floats_survive_the_way_in_and_out) {
    uint64_t random = 1;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;

    for (uint64_t exponent = 0; exponent < 2048; exponent++) {
        for (uint64_t sign = 0; sign < 2; sign++) {
            uint64_t head = sign << 63 | exponent << 52;
            float_check(&heap, head);
            float_check(&heap, head | 1);
            float_check(&heap, head | 0xfffffffffffff);
            float_check(&heap, head | 0x8000000000000);
            for (int round = 0; round < 20; round++)
                float_check(&heap, head | random_next(&random) >> 12);
        }
    }
    cr_assert_eq(value_from_float(&heap, 0.0).bits, VALUE_FLOAT_ZERO_BITS);
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
}

/* --- kinds --- */

static void handle_ignore(Heap *heap, Tag tag, void *subject) {
    (void)heap, (void)tag, (void)subject;
}

typedef struct KindCase {
    Value value;
    Kind kind;
} KindCase;

static Value string_value(Heap *heap, const char *text) {
    return value_from_object(string_new(heap, text, strlen(text)));
}

Test(value, each_kind_is_only_itself) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    heap.handle_dropped = handle_ignore;
    const KindCase cases[] = {
        {value_from_int(4), KIND_INT},
        {value_from_float(&heap, 1.5), KIND_FLOAT},
        {value_from_float(&heap, 0.0), KIND_FLOAT},
        {value_from_float(&heap, NAN), KIND_FLOAT},
        {VALUE_TRUE, KIND_BOOL},
        {VALUE_FALSE, KIND_BOOL},
        {value_from_symbol(0), KIND_SYMBOL},
        {value_from_symbol(UINT32_MAX - 1), KIND_SYMBOL},
        {string_value(&heap, "s"), KIND_STRING},
        {value_from_object(handle_new(&heap, TAG_CHANNEL, NULL)), KIND_CHANNEL},
        {value_from_object(quotation_new(&heap, TAG_QUOTATION, NULL, 0, NULL)), KIND_QUOTATION},
        {value_from_object(quotation_new(&heap, TAG_CLOSURE, NULL, 1, (Value[]){VALUE_TRUE})), KIND_QUOTATION},
        {value_from_object(variant_new(&heap, 3, 0, NULL)), KIND_VARIANT},
        {value_from_object(list_new(&heap, SYMBOL_LIST, 0)), KIND_VARIANT},
        {value_from_object(map_new(&heap)), KIND_MAP},
        {value_from_object(handle_new(&heap, TAG_WEAVE, NULL)), KIND_WEAVE},
    };
    static const char *const names[KIND_COUNT] = {"Int",     "Float",     "Bool",    "String", "Symbol",
                                                  "Channel", "Quotation", "Variant", "Map",    "Weave"};
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        Value value = cases[index].value;
        Kind kind = cases[index].kind;
        cr_assert_eq(value_kind(value), kind, "case %zu", index);
        cr_assert_eq(value_is_int(value), kind == KIND_INT);
        cr_assert_eq(value_is_float(value), kind == KIND_FLOAT);
        cr_assert_eq(value_is_bool(value), kind == KIND_BOOL);
        cr_assert_eq(value_is_symbol(value), kind == KIND_SYMBOL);
        cr_assert_eq(value_is_string(value), kind == KIND_STRING);
        cr_assert_eq(value_is_quotation(value), kind == KIND_QUOTATION);
        cr_assert_eq(value_is_variant(value), kind == KIND_VARIANT);
        cr_assert_eq(value_is_map(value), kind == KIND_MAP);
        cr_assert_str_eq(kind_name(kind), names[kind]);
        for (size_t other = 0; other < sizeof cases / sizeof *cases; other++)
            cr_assert_eq(value_equal(&heap, value, cases[other].value), index == other, "%zu = %zu", index, other);
    }
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++)
        value_unref(&heap, cases[index].value);
    heap_deinit(&heap);
}

/* --- depth --- */

enum { DEEP = 1000000 };

/* One container of each kind in turn around the last, so that each is seen to free and compare the next. */
static Value wrap(Heap *heap, uint32_t level, TAKEN Value inner) {
    Value fields[] = {value_from_int(level), inner};
    switch (level % 4) {
    case 0:
        return value_from_object(variant_new(heap, 5, 2, fields));
    case 1:
        return value_from_object(list_push(heap, (Variant *)list_new(heap, SYMBOL_LIST, 1), inner));
    case 2:
        return value_from_object(map_set(heap, map_new(heap), value_from_int(1), inner));
    default:
        return value_from_object(
            list_push(heap, variant_new(heap, 6, 2, fields), VALUE_TRUE)); /* not the last element */
    }
}

static Value nested(Heap *heap, uint32_t depth, TAKEN Value innermost) {
    for (uint32_t level = 0; level < depth; level++)
        innermost = wrap(heap, level, innermost);
    return innermost;
}

Test(value, a_million_deep_is_compared_and_freed) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;

    Value a = nested(&heap, DEEP, string_value(&heap, "same"));
    Value b = nested(&heap, DEEP, string_value(&heap, "same"));
    Value c = nested(&heap, DEEP, string_value(&heap, "other"));
    cr_assert(value_equal(&heap, a, b));
    cr_assert_not(value_equal(&heap, a, c));
    cr_assert_not(mem_is_exhausted(&heap.mem));

    value_unref(&heap, a);
    value_unref(&heap, b);
    value_unref(&heap, c);
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
}

Test(value, a_million_closures_deep_is_freed) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Value value = string_value(&heap, "innermost");
    for (int level = 0; level < DEEP; level++)
        value = value_from_object(quotation_new(&heap, TAG_CLOSURE, NULL, 1, &value));
    value_unref(&heap, value);
    heap_deinit(&heap);
}

/* The subject of each handle is a value: the next handle, in a list, as a message in a channel would be. */
typedef struct Subject {
    Value message;
    int64_t *droppedp;
} Subject;

static void subject_dropped(Heap *heap, Tag tag, void *pointer) {
    Subject *subject = pointer;
    cr_assert(tag == TAG_CHANNEL || tag == TAG_WEAVE);
    ++*subject->droppedp;
    value_unref(heap, subject->message);
    mem_free(&heap->mem, subject, sizeof *subject);
}

Test(value, a_million_channels_in_channels_are_dropped) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    heap.handle_dropped = subject_dropped;

    int64_t dropped = 0;
    Value value = string_value(&heap, "innermost");
    for (int level = 0; level < DEEP; level++) {
        Subject *subject = mem_new(&heap.mem, Subject);
        subject->message = value_from_object(list_push(&heap, (Variant *)list_new(&heap, SYMBOL_LIST, 1), value));
        subject->droppedp = &dropped;
        value = value_from_object(handle_new(&heap, level % 2 ? TAG_CHANNEL : TAG_WEAVE, subject));
    }
    value_ref(value);
    value_unref(&heap, value);
    cr_assert_eq(dropped, 0);
    value_unref(&heap, value);
    cr_assert_eq(dropped, DEEP);
    heap_deinit(&heap);
}

/* --- equality --- */

static Value random_value(Heap *heap, uint64_t *random, uint32_t depth);

/* A variant or list of random elements; the form is not drawn from `random`, so it may differ between two equal ones. */
static Value random_variant(Heap *heap, uint64_t *random, uint32_t depth) {
    static uint32_t form = 0;
    uint32_t symbol = random_below(random, 3), count = random_below(random, 5);
    Value fields[5];
    for (uint32_t index = 0; index < count; index++)
        fields[index] = random_value(heap, random, depth);
    Variant *variant = variant_new(heap, symbol, count, fields);
    if (form++ % 3 == 0)
        variant = (Variant *)list_flatten(heap, variant);
    return value_from_object(variant);
}

static Value random_map(Heap *heap, uint64_t *random, uint32_t depth) {
    static const char *const texts[] = {"", "a", "b", "aa"};
    Map *map = map_new(heap);
    for (uint32_t count = random_below(random, 20); count > 0; count--) {
        uint32_t draw = random_below(random, 30);
        Value key = draw < 4   ? string_value(heap, texts[draw])
                    : draw < 6 ? value_from_bool(draw == 5)
                               : value_from_int(draw);
        map = map_set(heap, map, key, random_value(heap, random, depth));
    }
    return value_from_object(map);
}

static Value random_value(Heap *heap, uint64_t *random, uint32_t depth) {
    static const double floats[] = {0.0, -0.0, 1.0, 1e300, -1e300, 5e-324};
    static const char *const texts[] = {"", "a", "b", "a longer text that is the same in each run"};
    switch (random_below(random, depth > 0 ? 9 : 5)) {
    case 0:
        return value_from_int((int64_t)random_below(random, 3) - 1);
    case 1:
        return value_from_float(heap, floats[random_below(random, 6)]);
    case 2:
        return value_from_bool(random_below(random, 2));
    case 3:
        return value_from_symbol(random_below(random, 2));
    case 4:
        return string_value(heap, texts[random_below(random, 4)]);
    case 5:
        return random_map(heap, random, depth - 1);
    default:
        return random_variant(heap, random, depth - 1);
    }
}

/* The same seed gives equal values. The same seed with something around it, or something else in it, does not. */
Test(value, equal_means_made_alike) {
    uint64_t seeds = 5;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;

    for (int round = 0; round < 20000; round++) {
        uint64_t seed = random_next(&seeds), seed_again = seed;
        Value a = random_value(&heap, &seed, 4);
        Value b = random_value(&heap, &seed_again, 4);
        cr_assert(value_equal(&heap, a, b), "round %d", round);
        cr_assert(value_equal(&heap, b, a), "round %d", round);

        Value around = nested(&heap, 4, value_ref(a));
        Value other = nested(&heap, 4, value_from_object(handle_new(&heap, TAG_CHANNEL, NULL)));
        Value same = nested(&heap, 4, value_ref(b));
        cr_assert(value_equal(&heap, around, same));
        cr_assert_not(value_equal(&heap, around, other));
        cr_assert_not(value_equal(&heap, around, a));

        heap.handle_dropped = handle_ignore;
        Value all[] = {a, b, around, other, same};
        for (int index = 0; index < 5; index++)
            value_unref(&heap, all[index]);
    }
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
}

typedef struct UnequalCase {
    Value a, b;
} UnequalCase;

static Value variant_of(Heap *heap, uint32_t symbol, uint32_t count, const Value *fields) {
    return value_from_object(variant_new(heap, symbol, count, fields));
}

static Value map_of(Heap *heap, Value key, Value value) {
    return value_from_object(map_set(heap, map_new(heap), key, value));
}

Test(value, small_differences_are_seen) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Value one = value_from_int(1), two = value_from_int(2);
    const UnequalCase cases[] = {
        {value_from_float(&heap, 0.0), value_from_float(&heap, -0.0)},
        {value_from_float(&heap, 1.0), one},
        {value_from_float(&heap, 1e300), value_from_float(&heap, -1e300)},
        {VALUE_FALSE, value_from_int(0)},
        {string_value(&heap, "a"), string_value(&heap, "b")},
        {variant_of(&heap, 1, 1, &one), variant_of(&heap, 1, 1, &two)},
        {variant_of(&heap, 1, 1, &one), variant_of(&heap, 2, 1, &one)},
        {variant_of(&heap, 1, 1, &one), variant_of(&heap, 1, 0, NULL)},
        {variant_of(&heap, 1, 2, (Value[]){one, one}), variant_of(&heap, 1, 2, (Value[]){two, one})},
        {map_of(&heap, one, one), map_of(&heap, two, one)},
        {map_of(&heap, one, one), map_of(&heap, one, two)},
        {map_of(&heap, one, one), value_from_object(map_new(&heap))},
        {map_of(&heap, one, one), variant_of(&heap, SYMBOL_LIST, 1, &one)},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        cr_assert_not(value_equal(&heap, cases[index].a, cases[index].b), "case %zu", index);
        cr_assert_not(value_equal(&heap, cases[index].b, cases[index].a), "case %zu", index);
        cr_assert(value_equal(&heap, cases[index].a, cases[index].a), "case %zu", index);
        value_unref(&heap, cases[index].a);
        value_unref(&heap, cases[index].b);
    }
    heap_deinit(&heap);
}

/* --- refused memory --- */

/* Takes `value`, unless it gives NULL. */
static Map *map_or_nothing(Heap *heap, TAKEN Value value) {
    Map *empty = map_new(heap);
    Map *map = map_set(heap, empty, VALUE_TRUE, value);
    if (map == NULL)
        value_unref(heap, value_from_object(empty));
    return map;
}

/* When no call is left to refuse, the two are equal; "not equal" is only said together with `exhausted`. */
static void scenario_equal(Heap *heap) {
    Value a = value_from_int(7), b = value_from_int(7);
    for (int level = 0; level < 40; level++) {
        Value left[] = {a, VALUE_TRUE}, right[] = {b, VALUE_TRUE};
        a = value_from_object(variant_new(heap, 1, 2, left));
        b = value_from_object(variant_new(heap, 1, 2, right));
    }
    Map *map_a = map_or_nothing(heap, a);
    Map *map_b = map_or_nothing(heap, b);
    if (map_a && map_b) {
        bool equal = value_equal(heap, value_from_object(map_a), value_from_object(map_b));
        check(equal || mem_is_exhausted(&heap->mem));
    }
    value_unref(heap, map_a ? value_from_object(map_a) : a);
    value_unref(heap, map_b ? value_from_object(map_b) : b);
}

Test(value, a_refused_comparison_says_so) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    Value a = nested(&heap, 2000, VALUE_TRUE), b = nested(&heap, 2000, VALUE_TRUE);

    cr_assert(value_equal(&heap, a, b));
    refusing_start(&allocator.refusing);
    cr_assert_not(value_equal(&heap, a, b));
    cr_assert_gt(allocator.refusing.refused, 0);
    cr_assert(mem_is_exhausted(&heap.mem));
    refusing_stop(&allocator.refusing);
    mem_recover(&heap.mem);
    cr_assert(value_equal(&heap, a, b));

    value_unref(&heap, a);
    value_unref(&heap, b);
    heap_deinit(&heap);
}

static void scenario_quotation(Heap *heap) {
    heap->handle_dropped = handle_ignore;
    Value captures[100];
    for (int index = 0; index < 100; index++)
        captures[index] = value_from_object(handle_new(heap, TAG_CHANNEL, NULL));
    Quotation *quotation = quotation_new(heap, TAG_CLOSURE, NULL, 100, captures);
    if (quotation) {
        value_unref(heap, value_from_object(quotation));
        return;
    }
    for (int index = 0; index < 100; index++)
        value_unref(heap, captures[index]);
}

Test(value, a_refusal_leaves_nothing_behind) {
    cr_assert_gt(refuse_each(scenario_equal), 2);
    cr_assert_gt(refuse_each(scenario_quotation), 2);
}
