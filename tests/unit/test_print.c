/* SPDX-License-Identifier: MIT */
#include "vm/value/print.h"

#include "tests/unit/heap_fixture.h"
#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/quotation.h"
#include "vm/value/string.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fenv.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* --- Int --- */

static void int_check(Buffer *out, int64_t number) {
    char expected[32];
    snprintf(expected, sizeof expected, "%" PRId64, number);
    buffer_clear(out);
    cr_assert_eq(print_int(out, number), 0);
    cr_assert_str_eq(buffer_text(out), expected);
}

Test(print, ints_as_the_c_library_prints_them) {
    TestAllocator allocator;
    Heap heap;
    Buffer out;
    test_heap_init(&heap, &allocator);
    buffer_init(&out, &heap.mem);

    for (int64_t number = -1100; number < 1100; number++)
        int_check(&out, number);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10)
        for (int64_t offset = -1; offset <= 1; offset++) {
            int_check(&out, power * 10 + offset);
            int_check(&out, -power * 10 + offset);
        }
    int_check(&out, INT64_MAX);
    int_check(&out, INT64_MIN);
    int_check(&out, INT_MAX_VALUE);
    int_check(&out, INT_MIN_VALUE);
    uint64_t random = 1;
    for (int round = 0; round < 100000; round++)
        int_check(&out, (int64_t)(random_next(&random) >> random_below(&random, 64)));

    buffer_deinit(&out);
    heap_deinit(&heap);
}

/* --- Float --- */

typedef struct FloatCase {
    double number;
    const char *text, *son;
} FloatCase;

Test(print, floats_without_exponent) {
    static const FloatCase cases[] = {
        {0.0, "0", "0.0"},
        {-0.0, "-0", "-0.0"},
        {1.0, "1", "1.0"},
        {-1.5, "-1.5", "-1.5"},
        {100.0, "100", "100.0"},
        {0.1, "0.1", "0.1"},
        {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333", "0.3333333333333333"},
        {123456.789, "123456.789", "123456.789"},
        {1e21, "1000000000000000000000", "1000000000000000000000.0"},
        {1e23, "100000000000000000000000", "100000000000000000000000.0"},
        {1e-7, "0.0000001", "0.0000001"},
        {9007199254740991.0, "9007199254740991", "9007199254740991.0"},
        {9007199254740992.0, "9007199254740992", "9007199254740992.0"},
        {9007199254740994.0, "9007199254740994", "9007199254740994.0"},
        {12345678901234567890.0, "12345678901234567000", "12345678901234567000.0"},
        /* the nearest of 16 digits is another double */
        {0x1p-44, "0.00000000000005684341886080802", "0.00000000000005684341886080802"},
        {NAN, "NaN", "NaN"},
        {INFINITY, "inf", "inf"},
        {-INFINITY, "-inf", "-inf"},
    };
    TestAllocator allocator;
    Heap heap;
    Buffer out;
    test_heap_init(&heap, &allocator);
    buffer_init(&out, &heap.mem);

    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        buffer_clear(&out);
        cr_assert_eq(print_float(&out, cases[index].number), 0);
        cr_assert_str_eq(buffer_text(&out), cases[index].text);

        Value value = value_from_float(&heap, cases[index].number);
        buffer_clear(&out);
        cr_assert_eq(print_son(&heap, &out, value, PRINT_COMPACT), 0);
        cr_assert_str_eq(buffer_text(&out), cases[index].son);
        value_unref(&heap, value);
    }
    buffer_deinit(&out);
    heap_deinit(&heap);
}

/* How many digits count: from the first to the last that is not zero. */
static int digits_of(const char *text) {
    int digits = 0, significant = 0;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9' && (digits > 0 || *text != '0'))
            digits++;
        if (*text >= '1' && *text <= '9')
            significant = digits;
    }
    return significant;
}

/* Whether the decimal of `count` digits next to `number`, on the side that `rounding` says, reads back. */
static bool reads_back(double number, int count, int rounding) {
    char text[64];
    fesetround(rounding);
    snprintf(text, sizeof text, "%.*e", count - 1, number);
    fesetround(FE_TONEAREST);
    return strtod(text, NULL) == number;
}

static void float_check(Buffer *out, double number) {
    buffer_clear(out);
    cr_assert_eq(print_float(out, number), 0);
    const char *text = buffer_text(out);
    int count = digits_of(text);

    double read = strtod(text, NULL);
    cr_assert(memcmp(&read, &number, sizeof read) == 0, "%a is printed as %s", number, text);
    cr_assert_null(strchr(text, 'e'));
    cr_assert(strchr(text, '.') == NULL || text[strlen(text) - 1] != '0', "%s", text);
    cr_assert(text[0] != '.' && (text[0] != '0' || text[1] == '.' || text[1] == '\0'), "%s", text);
    if (count > 1) {
        cr_assert_not(reads_back(number, count - 1, FE_DOWNWARD), "%a: %s is not the shortest", number, text);
        cr_assert_not(reads_back(number, count - 1, FE_UPWARD), "%a: %s is not the shortest", number, text);
    }
    /* and the nearest of those with so many digits, if that one reads back at all */
    char nearest[64];
    snprintf(nearest, sizeof nearest, "%.*e", count - 1, number);
    if (count > 0 && strtod(nearest, NULL) == number) {
        char again[64];
        snprintf(again, sizeof again, "%.*Le", count - 1, strtold(text, NULL));
        cr_assert_str_eq(again, nearest);
    }
}

static double float_from(uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

Test(print, floats_read_back_and_are_shortest, .timeout = 100) {
    TestAllocator allocator;
    Heap heap;
    Buffer out;
    test_heap_init(&heap, &allocator);
    buffer_init(&out, &heap.mem);

    uint64_t random = 1;
    for (int round = 0; round < 50000; round++) {
        double number = float_from(random_next(&random));
        if (isfinite(number))
            float_check(&out, number);
        float_check(&out, (double)random_below(&random, 1000000) / 1000);
        float_check(&out, (double)(random_next(&random) >> random_below(&random, 64)));
    }
    for (int exponent = -1074; exponent < 1024; exponent++) { /* where the doubles below lie closer */
        float_check(&out, ldexp(1, exponent));
        float_check(&out, nextafter(ldexp(1, exponent), 0));
        float_check(&out, nextafter(ldexp(1, exponent), INFINITY));
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", exponent);
        float_check(&out, strtod(text, NULL));
    }
    for (uint64_t bits = 0; bits < 1000; bits++)
        float_check(&out, float_from(bits)); /* denormals */
    float_check(&out, DBL_MAX);
    float_check(&out, -DBL_MAX);
    float_check(&out, DBL_MIN);

    buffer_deinit(&out);
    heap_deinit(&heap);
}

/* --- String --- */

typedef struct QuotedCase {
    const char *bytes;
    size_t size;
    const char *text;
} QuotedCase;

/* clang-format off */
#define QUOTED(bytes, text) {bytes, sizeof(bytes) - 1, "\"" text "\""}
/* clang-format on */

Test(print, strings_are_escaped) {
    static const QuotedCase cases[] = {
        QUOTED("", ""),
        QUOTED("plain text", "plain text"),
        QUOTED("\"\\\n\r\t\b\f", "\\\"\\\\\\n\\r\\t\\b\\f"),
        QUOTED("\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\\u007f"),
        QUOTED("\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0"),
        QUOTED("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
        QUOTED("x\xffy", "x\xef\xbf\xbdy"),
        QUOTED("\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd"),
        QUOTED("\xe2\x82", "\xef\xbf\xbd"), /* cut off */
        QUOTED("\xe2\x82x", "\xef\xbf\xbdx"),
        QUOTED("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),                 /* a surrogate */
        QUOTED("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"),                                 /* longer than needed */
        QUOTED("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"), /* beyond the last one */
    };
    TestAllocator allocator;
    Heap heap;
    Buffer out;
    test_heap_init(&heap, &allocator);
    buffer_init(&out, &heap.mem);

    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        buffer_clear(&out);
        cr_assert_eq(print_quoted(&out, cases[index].bytes, cases[index].size), 0);
        cr_assert_str_eq(buffer_text(&out), cases[index].text, "case %zu", index);
    }
    buffer_deinit(&out);
    heap_deinit(&heap);
}

/* --- SON --- */

typedef struct Son {
    TestAllocator allocator;
    Heap heap;
    Buffer out;
} Son;

static void ignore_handle(Heap *heap, Tag tag, void *subject) {
    (void)heap, (void)tag, (void)subject;
}

static void son_init(Son *son) {
    test_heap_init(&son->heap, &son->allocator);
    buffer_init(&son->out, &son->heap.mem);
    son->heap.handle_dropped = ignore_handle;
}

static void son_deinit(Son *son) {
    buffer_deinit(&son->out);
    heap_deinit(&son->heap);
}

static const char *son_text(Son *son, Value value, PrintStyle style) {
    buffer_clear(&son->out);
    cr_assert_eq(print_son(&son->heap, &son->out, value, style), 0);
    return buffer_text(&son->out);
}

/* Takes `value`. */
static void son_expect(Son *son, TAKEN Value value, const char *compact, const char *pretty) {
    cr_assert_str_eq(son_text(son, value, PRINT_COMPACT), compact);
    cr_assert_str_eq(son_text(son, value, PRINT_PRETTY), pretty);
    value_unref(&son->heap, value);
}

static Value text_value(Son *son, const char *text) {
    return value_from_object(string_new(&son->heap, text, strlen(text)));
}

static uint32_t symbol(Son *son, const char *name) {
    return symbol_intern(&son->heap.symbols, &son->heap.mem, name, strlen(name));
}

static Value variant_of(Son *son, const char *name, uint32_t count, const Value *fields) {
    return value_from_object(variant_new(&son->heap, symbol(son, name), count, fields));
}

static Value map_with(Son *son, TAKEN Value map, TAKEN Value key, TAKEN Value value) {
    return value_from_object(map_set(&son->heap, value_map(map), key, value));
}

static Value map_empty(Son *son) {
    return value_from_object(map_new(&son->heap));
}

/* clang-format off */
#define VALUES(...) (sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)), (Value[]){__VA_ARGS__}
/* clang-format on */

Test(print, atoms) {
    Son son;
    son_init(&son);
    Heap *heap = &son.heap;
    son_expect(&son, value_from_int(-42), "-42", "-42");
    son_expect(&son, VALUE_TRUE, "true", "true");
    son_expect(&son, VALUE_FALSE, "false", "false");
    son_expect(&son, text_value(&son, "a\"b"), "\"a\\\"b\"", "\"a\\\"b\"");
    son_expect(&son, value_from_symbol(symbol(&son, "name")), ":name", ":name");
    son_expect(&son, value_from_object(quotation_new(heap, TAG_QUOTATION, NULL, 0, NULL)), "<quotation>",
               "<quotation>");
    son_expect(&son, value_from_object(quotation_new(heap, TAG_CLOSURE, NULL, VALUES(VALUE_TRUE))), "<closure>",
               "<closure>");
    son_expect(&son, value_from_object(handle_new(heap, TAG_CHANNEL, NULL)), "<channel>", "<channel>");
    son_expect(&son, value_from_object(handle_new(heap, TAG_WEAVE, NULL)), "<weave-ctx>", "<weave-ctx>");
    son_deinit(&son);
}

Test(print, empty_containers_stay_on_a_line) {
    Son son;
    son_init(&son);
    son_expect(&son, variant_of(&son, "List", 0, NULL), "list-of", "list-of");
    son_expect(&son, value_from_object(list_new(&son.heap, SYMBOL_LIST, 0)), "list-of", "list-of");
    son_expect(&son, map_empty(&son), "map-of", "map-of");
    son_expect(&son, variant_of(&son, "None", 0, NULL), ":None wrap-0", ":None wrap-0");
    son_expect(&son, variant_of(&son, "Some", VALUES(variant_of(&son, "None", 0, NULL))), ":Some :None wrap-0 wrap-1",
               ":Some\n  :None wrap-0\n wrap-1");
    son_deinit(&son);
}

Test(print, the_examples_of_the_manual) {
    Son son;
    son_init(&son);
    Value one = value_from_int(1), two = value_from_int(2);
    son_expect(&son, variant_of(&son, "List", VALUES(one, two)), "list-of 1 lv 2 lv", "list-of\n  1 lv\n  2 lv");
    son_expect(&son, variant_of(&son, "Point", VALUES(value_from_int(10), value_from_int(20))), ":Point 10 20 wrap-2",
               ":Point\n  10\n  20\n wrap-2");
    Value map = map_with(&son, map_empty(&son), text_value(&son, "k"), variant_of(&son, "List", VALUES(one)));
    son_expect(&son, map, "map-of \"k\" list-of 1 lv kv", "map-of\n  \"k\" list-of\n    1 lv kv");
    son_deinit(&son);
}

Test(print, containers_in_containers) {
    Son son;
    son_init(&son);
    Value one = value_from_int(1);
    Value point = variant_of(&son, "P", VALUES(one, variant_of(&son, "List", VALUES(VALUE_TRUE))));
    Value list = value_from_object(
        list_push(&son.heap, (Variant *)value_object(variant_of(&son, "List", VALUES(point))), map_empty(&son)));
    Value map = map_with(&son, map_with(&son, map_empty(&son), value_from_int(2), list), one, VALUE_FALSE);
    son_expect(&son, map, "map-of 1 false kv 2 list-of :P 1 list-of true lv wrap-2 lv map-of lv kv",
               "map-of\n"
               "  1 false kv\n"
               "  2 list-of\n"
               "    :P\n"
               "      1\n"
               "      list-of\n"
               "        true lv\n"
               "     wrap-2 lv\n"
               "    map-of lv kv");
    son_deinit(&son);
}

Test(print, a_list_with_another_tag_is_a_variant) {
    Son son;
    son_init(&son);
    Variant *variant = variant_new(&son.heap, symbol(&son, "Tag"), 0, NULL);
    for (int index = 0; index < 14; index++)
        variant = (Variant *)list_push(&son.heap, variant, value_from_int(index));
    cr_assert_str_eq(son_text(&son, value_from_object(variant), PRINT_COMPACT),
                     ":Tag 0 1 2 3 4 5 6 7 8 9 10 11 12 13 wrap-14");
    value_unref(&son.heap, value_from_object(variant));
    son_deinit(&son);
}

Test(print, maps_in_key_order) {
    static const int64_t ints[] = {3, -1, 0, -10, 2, -2, 11};
    static const char *const texts[] = {"b", "", "a", "aa"};
    Son son;
    son_init(&son);
    Value map = map_empty(&son);
    for (size_t index = 0; index < 4; index++)
        map = map_with(&son, map, text_value(&son, texts[index]), VALUE_TRUE);
    map = map_with(&son, map, VALUE_TRUE, VALUE_TRUE);
    map = map_with(&son, map, VALUE_FALSE, VALUE_TRUE);
    for (size_t index = 0; index < 7; index++)
        map = map_with(&son, map, value_from_int(ints[index]), VALUE_TRUE);
    cr_assert_str_eq(
        son_text(&son, map, PRINT_COMPACT),
        "map-of -1 true kv -2 true kv -10 true kv 0 true kv 2 true kv 3 true kv 11 true kv false true kv true true kv "
        "\"\" true kv \"a\" true kv \"aa\" true kv \"b\" true kv");
    value_unref(&son.heap, map);
    son_deinit(&son);
}

/* --- depth --- */

Test(print, a_million_deep) {
    enum { DEEP = 1000000 };
    Son son;
    son_init(&son);
    Value value = value_from_int(7);
    for (int level = 0; level < DEEP; level++)
        value = value_from_object(list_push(&son.heap, (Variant *)list_new(&son.heap, SYMBOL_LIST, 1), value));

    const char *text = son_text(&son, value, PRINT_COMPACT);
    cr_assert_eq(son.out.size, DEEP * strlen("list-of  lv") + 1);
    cr_assert_eq(strncmp(text + (DEEP - 1) * strlen("list-of "), "list-of 7 lv lv", 15), 0);
    value_unref(&son.heap, value);
    son_deinit(&son);
}

/* --- refused memory --- */

static Value scenario_value(Heap *heap) {
    Value value = value_from_int(7);
    for (int level = 0; level < 300; level++)
        value = value_from_object(variant_new(heap, SYMBOL_LIST, 2, (Value[]){value, VALUE_TRUE}));
    for (int level = 0; level < 30; level++) {
        Map *empty = map_new(heap), *map = map_set(heap, empty, value_from_int(level), value);
        if (map == NULL) {
            value_unref(heap, value_from_object(empty));
            return value;
        }
        value = value_from_object(map);
    }
    return value;
}

static void scenario(Heap *heap) {
    Buffer out;
    buffer_init(&out, &heap->mem);
    Value value = scenario_value(heap);
    int r = print_son(heap, &out, value, PRINT_PRETTY);
    check(r == 0 || r == -ENOMEM);
    check(!out.failed || r == -ENOMEM);
    value_unref(heap, value);
    buffer_deinit(&out);
}

Test(print, a_refusal_is_passed_on) {
    cr_assert_gt(refuse_each(scenario), 4);
}

Test(print, a_refusal_at_each_call_is_said) {
    bool finished = false;
    for (uint64_t point = 0; !finished; point++) {
        Son son;
        son_init(&son);
        Value value = scenario_value(&son.heap);
        test_refuse_after(&son.allocator, point, false);
        int r = print_son(&son.heap, &son.out, value, PRINT_COMPACT);
        finished = son.allocator.refusing.refused == 0;
        cr_assert_eq(r, finished ? 0 : -ENOMEM, "call %ld", (long)point);
        value_unref(&son.heap, value);
        son_deinit(&son);
    }
}
