/* SPDX-License-Identifier: MIT */
#include "vm/value/string.h"

#include "tests/unit/heap_fixture.h"
#include "vm/base/utf8.h"
#include <criterion/criterion.h>

static void string_unref(Heap *heap, String *string) {
    value_unref(heap, value_from_object(string));
}

static String *string_ref(String *string) {
    return value_string(value_ref(value_from_object(string)));
}

static bool is_slice(const String *string) {
    return string->object.flags & STRING_IS_SLICE;
}

static bool is_known(const String *string) {
    return string->object.flags & STRING_IS_KNOWN;
}

static void string_check(const String *string) {
    if (is_known(string)) {
        const char *bytes = string_bytes(string);
        check(!(string->object.flags & STRING_IS_UTF8) == !utf8_is_valid(bytes, string->size));
        check(!(string->object.flags & STRING_IS_ASCII) == !utf8_is_ascii(bytes, string->size));
    } else {
        check(!(string->object.flags & (STRING_IS_UTF8 | STRING_IS_ASCII)));
    }
    if (is_slice(string)) {
        const String *owner = string->slice.owner;
        check(!is_slice(owner) && owner->object.count > 0 && string->capacity == 0);
        check(string->slice.start >= owner->bytes && string->slice.start + string->size <= owner->bytes + owner->size);
    } else {
        check(string->size <= string->capacity && string->capacity % 8 == 0);
    }
}

/* --- against plain byte arrays --- */

enum { PLACES = 12, MODEL_SIZE_MAX = 3000 };

typedef struct Place {
    String *string;
    char bytes[MODEL_SIZE_MAX];
    size_t size;
} Place;

static void place_check(const Place *place) {
    string_check(place->string);
    cr_assert_eq(place->string->size, place->size);
    cr_assert(memcmp(string_bytes(place->string), place->bytes, place->size) == 0);
}

/* Mostly ASCII; some with a euro sign, of which pieces will begin and end within. */
static void place_fill(Heap *heap, Place *place, uint64_t *random) {
    place->size = random_below(random, random_below(random, 4) ? 20 : 400);
    for (size_t index = 0; index < place->size; index++)
        place->bytes[index] = (char)('a' + random_below(random, 3));
    if (place->size >= 3 && random_below(random, 4) == 0)
        memcpy(place->bytes + random_below(random, (uint32_t)place->size - 2), "\xe2\x82\xac", 3);
    place->string = string_new(heap, place->bytes, place->size);
    cr_assert_not_null(place->string);
}

static void place_share(Heap *heap, Place *to, const Place *from) {
    string_ref(from->string);
    string_unref(heap, to->string);
    *to = *from;
}

static void place_cut(Heap *heap, Place *to, const Place *from, uint64_t *random) {
    size_t start = random_below(random, (uint32_t)from->size + 1);
    size_t size = random_below(random, (uint32_t)(from->size - start) + 1);
    String *slice = string_slice(heap, from->string, start, size);
    cr_assert_not_null(slice);
    memmove(to->bytes, from->bytes + start, size);
    to->size = size;
    string_unref(heap, to->string);
    to->string = slice;
}

/* As the word does it: the one appended may be the same as the one it is appended to, which then has two references. */
static void place_append(Heap *heap, Place *to, const Place *from) {
    if (to->size + from->size > MODEL_SIZE_MAX)
        return;
    String *right = string_ref(from->string);
    to->string = string_append(heap, to->string, string_bytes(right), right->size);
    string_unref(heap, right);
    cr_assert_not_null(to->string);
    size_t size = from->size;
    memmove(to->bytes + to->size, from->bytes, size);
    to->size += size;
}

static int sign(int number) {
    return (number > 0) - (number < 0);
}

static void places_compare(const Place *a, const Place *b) {
    size_t common = a->size < b->size ? a->size : b->size;
    int order = memcmp(a->bytes, b->bytes, common);
    if (order == 0)
        order = (a->size > b->size) - (a->size < b->size);
    cr_assert_eq(sign(string_compare(a->string, b->string)), sign(order));
    cr_assert_eq(string_equal(a->string, b->string), order == 0);
}

Test(string, behaves_like_bytes) {
    uint64_t random = 1;
    static Place places[PLACES];
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    int64_t live_before = heap.mem.live_count;
    for (int index = 0; index < PLACES; index++)
        place_fill(&heap, &places[index], &random);

    int slices = 0;
    for (int round = 0; round < 100000; round++) {
        Place *to = &places[random_below(&random, PLACES)];
        Place *from = &places[random_below(&random, PLACES)];
        switch (random_below(&random, 10)) {
        case 0:
            string_unref(&heap, to->string);
            place_fill(&heap, to, &random);
            break;
        case 1:
            place_share(&heap, to, from);
            break;
        case 2:
        case 3:
            place_cut(&heap, to, from, &random);
            break;
        case 4:
            places_compare(to, from);
            break;
        case 5:
        case 6:
            cr_assert_eq(string_is_ascii(to->string), utf8_is_ascii(to->bytes, to->size));
            cr_assert_eq(string_is_utf8(from->string), utf8_is_valid(from->bytes, from->size));
            break;
        default:
            place_append(&heap, to, from);
            break;
        }
        slices += is_slice(to->string);
        for (int index = 0; index < PLACES; index++)
            place_check(&places[index]);
    }
    cr_assert_gt(slices, 1000, "the rounds made slices");

    for (int index = 0; index < PLACES; index++)
        string_unref(&heap, places[index].string);
    cr_assert_eq(heap.mem.live_count, live_before);
    heap_deinit(&heap);
}

/* --- growing --- */

Test(string, building_piece_by_piece_is_linear) {
    enum { COUNT = 1000000 };
    if (STRESS_COPY)
        return;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    String *string = string_new(&heap, "", 0);
    uint64_t asked_before = allocator.refusing.asked;
    for (int index = 0; index < COUNT; index++) {
        char byte = (char)index;
        string = string_append(&heap, string, &byte, 1);
    }
    for (int index = 0; index < COUNT; index++)
        cr_assert_eq(string_bytes(string)[index], (char)index);
    cr_assert_lt(allocator.refusing.asked - asked_before, 40);
    cr_assert_lt(allocator.moved_bytes, 2 * COUNT);

    string_unref(&heap, string);
    heap_deinit(&heap);
}

Test(string, a_shared_one_does_not_change) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    String *string = string_new(&heap, "abc", 3); /* with room for more */
    cr_assert_geq(string->capacity, 6);
    String *longer = string_append(&heap, string_ref(string), "def", 3);
    cr_assert_neq(longer, string);
    cr_assert(string->size == 3 && memcmp(string_bytes(string), "abc", 3) == 0);
    cr_assert(longer->size == 6 && memcmp(string_bytes(longer), "abcdef", 6) == 0);

    string_unref(&heap, string);
    string_unref(&heap, longer);
    heap_deinit(&heap);
}

Test(string, near_the_limit_of_memory_it_grows_by_what_is_needed) {
    if (STRESS_COPY)
        return;
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    char *bytes;
    String *string = string_to_fill(&heap, 100000, &bytes);
    test_refuse_after(&allocator, 0, false); /* the doubled block */
    string = string_append(&heap, string, "12345678", 8);
    cr_assert_not_null(string);
    cr_assert_eq(allocator.refusing.refused, 1);
    cr_assert_eq(string->capacity, 100008);

    string_unref(&heap, string);
    heap_deinit(&heap);
}

Test(string, too_long_is_refused) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    uint64_t asked_before = allocator.refusing.asked;

    char *bytes;
    cr_assert_null(string_to_fill(&heap, (size_t)STRING_SIZE_MAX + 1, &bytes));
    cr_assert_null(string_to_fill(&heap, SIZE_MAX, &bytes));
    cr_assert_null(bytes);
    cr_assert_null(string_new(&heap, "x", SIZE_MAX));

    String *string = string_new(&heap, "x", 1);
    cr_assert_null(string_append(&heap, string, "", SIZE_MAX));
    cr_assert_null(string_append(&heap, string, "", STRING_SIZE_MAX));
    string->size = STRING_SIZE_MAX; /* only said so: that much memory is not needed to see the sum refused */
    cr_assert_null(string_append(&heap, string, "y", 1));
    string->size = 1;
    cr_assert_leq(allocator.refusing.asked - asked_before, 1);

    string_unref(&heap, string);
    heap_deinit(&heap);
}

/* --- what the bytes are --- */

typedef struct KnownCase {
    const char *left, *right;
    bool stays_known;
} KnownCase;

Test(string, what_is_known_stays_when_ascii_follows) {
    static const KnownCase cases[] = {
        {"", "abc", true},          {"abc", "def", true},    {"\xc3\xa9", "x", true}, {"\xc3", "x", true},
        {"abc", "\xc3\xa9", false}, {"\xc3", "\xa9", false}, {"abc", "\xff", false},  {"abc", "", true},
    };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        for (int is_shared = 0; is_shared < 2; is_shared++) {
            const KnownCase *each = &cases[index];
            String *left = string_new(&heap, each->left, strlen(each->left));
            cr_assert(!is_known(left), "nobody asked yet");
            (void)string_is_utf8(left);
            cr_assert(is_known(left));
            if (is_shared)
                string_ref(left);
            String *joined = string_append(&heap, left, each->right, strlen(each->right));
            cr_assert_eq(is_known(joined), each->stays_known, "case %zu", index);
            string_check(joined);
            if (is_shared) {
                string_check(left);
                string_unref(&heap, left);
            }
            string_unref(&heap, joined);
        }
    }
    heap_deinit(&heap);
}

Test(string, a_piece_of_ascii_is_known_to_be) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    char *bytes;
    String *text = string_to_fill(&heap, 1000, &bytes);
    memset(bytes, 'x', 1000);
    String *unknown = string_slice(&heap, text, 1, 2);
    cr_assert(!is_known(unknown));
    cr_assert(string_is_ascii(text));
    String *copied = string_slice(&heap, text, 1, 2), *shared = string_slice(&heap, text, 1, 900);
    cr_assert(is_known(copied) && is_known(shared) && is_slice(shared));
    cr_assert(string_is_ascii(copied) && string_is_ascii(shared));

    String *other = string_new(&heap, "x\xc3\xa9", 3);
    cr_assert(string_is_utf8(other) && !string_is_ascii(other));
    String *cut = string_slice(&heap, other, 0, 2);
    cr_assert(!is_known(cut) && !string_is_utf8(cut));

    string_unref(&heap, text);
    string_unref(&heap, unknown);
    string_unref(&heap, copied);
    string_unref(&heap, shared);
    string_unref(&heap, other);
    string_unref(&heap, cut);
    heap_deinit(&heap);
}

/* --- pieces --- */

typedef struct ShareCase {
    size_t owner, piece;
    bool shared;
} ShareCase;

Test(string, a_piece_is_shared_when_it_is_big_enough) {
    static const ShareCase cases[] = {
        {100, STRING_SHARE_MIN - 1, false},
        {100, STRING_SHARE_MIN, true},
        {256, STRING_SHARE_MIN, true},
        {1000, 249, false},
        {1000, 250, true},
        {1000, 999, true},
        {1000, 0, false},
        {20, 19, false},
    };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char *bytes;
        String *owner = string_to_fill(&heap, cases[index].owner, &bytes);
        memset(bytes, 'x', cases[index].owner);
        String *piece = string_slice(&heap, owner, 0, cases[index].piece);
        cr_assert_eq(is_slice(piece), cases[index].shared, "case %zu", index);
        cr_assert_eq(owner->object.count, cases[index].shared ? 2 : 1);
        string_check(piece);
        string_unref(&heap, owner);
        string_unref(&heap, piece);
    }
    heap_deinit(&heap);
}

Test(string, the_whole_is_the_string_itself) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    String *string = string_new(&heap, "abc", 3);
    cr_assert_eq(string_slice(&heap, string, 0, 3), string);
    cr_assert_eq(string->object.count, 2);
    string_unref(&heap, string);
    string_unref(&heap, string);
    heap_deinit(&heap);
}

/* Takes the first byte off again and again, as a parser does. */
Test(string, taking_the_rest_again_and_again_is_linear) {
    enum { SIZE = 100000 };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    char *bytes;
    String *rest = string_to_fill(&heap, SIZE, &bytes);
    for (int index = 0; index < SIZE; index++)
        bytes[index] = (char)(index * 7);

    size_t copied = 0;
    for (int index = 0; index < SIZE; index++) {
        cr_assert_eq(string_bytes(rest)[0], (char)(index * 7));
        String *next = string_slice(&heap, rest, 1, rest->size - 1);
        copied += is_slice(next) ? 0 : next->size;
        string_unref(&heap, rest);
        rest = next;
    }
    cr_assert_lt(copied, SIZE);

    string_unref(&heap, rest);
    heap_deinit(&heap);
}

Test(string, a_small_piece_does_not_keep_a_big_text) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);
    char *bytes;
    String *text = string_to_fill(&heap, 10000000, &bytes);
    memset(bytes, 'x', 10000000);
    String *piece = string_slice(&heap, text, 5000, 1000);
    string_unref(&heap, text);
    cr_assert_lt(heap.mem.used_bytes, 1000000);
    string_unref(&heap, piece);
    heap_deinit(&heap);
}

/* --- refused memory --- */

static void scenario(Heap *heap) {
    static char text[2000];
    memset(text, 'x', sizeof text);
    String *kept[40] = {0};
    int count = 0;

    String *string = string_new(heap, text, 10);
    for (int round = 0; round < 12 && string; round++) {
        String *longer = string_append(heap, round % 3 == 0 ? string_ref(string) : string, text, (size_t)round * 60);
        if (round % 3 == 0)
            kept[count++] = string; /* the shared one; refused, its two references are both ours */
        if (longer == NULL) {
            for (uint32_t index = 0; index < string->size; index++)
                check(string_bytes(string)[index] == 'x');
            string_unref(heap, string);
            string = NULL;
            break;
        }
        string = longer;
        String *slice = string_slice(heap, string, string->size / 4, string->size / 2);
        if (slice)
            kept[count++] = slice;
    }
    if (string)
        string_unref(heap, string);
    for (int index = 0; index < count; index++)
        string_unref(heap, kept[index]);
}

Test(string, a_refusal_leaves_the_arguments) {
    cr_assert_gt(refuse_each(scenario), 2);
}
