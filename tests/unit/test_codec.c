/* SPDX-License-Identifier: MIT */
#include "vm/value/codec.h"

#include "tests/unit/random_value.h"
#include "vm/base/bytes.h"
#include "vm/value/quotation.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

/* The bytes of `value` alone. */
static void encode(Fixture *fixture, Buffer *out, Value value) {
    Kind refused;
    buffer_clear(out);
    cr_assert_eq(codec_encode(&fixture->heap, value, out, &refused), 0);
}

static bool buffers_equal(const Buffer *a, const Buffer *b) {
    return buffer_is(a, b->bytes, b->size);
}

static uint32_t symbol(Fixture *fixture, const char *name) {
    return symbol_intern(&fixture->heap.symbols, &fixture->heap.mem, name, strlen(name));
}

/* Decodes what is in a block of exactly its size, so that a sanitizer sees who reads on. */
static int decode_exactly(Heap *heap, const char *bytes, size_t size, size_t *usedp, Value *valuep) {
    char *copy = malloc(size ? size : 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    int r = codec_decode(heap, copy, size, usedp, valuep);
    free(copy);
    return r;
}

/* Encodes, decodes, and encodes again. Takes `value`. */
static void round_trip(Fixture *fixture, TAKEN Value value) {
    Heap *heap = &fixture->heap;
    Value decoded;
    size_t used;
    encode(fixture, &fixture->out, value);
    cr_assert_eq(codec_decode(heap, fixture->out.bytes, fixture->out.size, &used, &decoded), 0);
    cr_assert_eq(used, fixture->out.size);
    cr_assert(value_equal(heap, value, decoded));
    encode(fixture, &fixture->again, decoded);
    cr_assert(buffers_equal(&fixture->out, &fixture->again));
    value_unref(heap, value);
    value_unref(heap, decoded);
}

/* --- the bytes --- */

/* Takes `value`. */
static void golden(Fixture *fixture, TAKEN Value value, const char *bytes, size_t size) {
    encode(fixture, &fixture->out, value);
    cr_assert(buffer_is(&fixture->out, bytes, size), "%.*s", (int)size, bytes);
    round_trip(fixture, value);
}
#define GOLDEN(value, bytes) golden(&fixture, value, bytes, sizeof(bytes) - 1)

Test(codec, golden_bytes) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;

    GOLDEN(value_from_int(0), "\x01\x00");
    GOLDEN(value_from_int(-1), "\x01\x01");
    GOLDEN(value_from_int(1), "\x01\x02");
    GOLDEN(value_from_int(63), "\x01\x7e");
    GOLDEN(value_from_int(64), "\x01\x80\x01");
    GOLDEN(value_from_int(INT_MAX_VALUE), "\x01\xfe\xff\xff\xff\xff\xff\xff\xff\x7f");
    GOLDEN(value_from_int(INT_MIN_VALUE), "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    GOLDEN(value_from_float(heap, 1.0), "\x02\x00\x00\x00\x00\x00\x00\xf0\x3f");
    GOLDEN(value_from_float(heap, 0.0), "\x02\x00\x00\x00\x00\x00\x00\x00\x00");
    GOLDEN(value_from_float(heap, -0.0), "\x02\x00\x00\x00\x00\x00\x00\x00\x80");
    GOLDEN(value_from_float(heap, 1e300), "\x02\x9c\x75\x00\x88\x3c\xe4\x37\x7e");
    GOLDEN(value_from_float(heap, (double)NAN), "\x02\x00\x00\x00\x00\x00\x00\xf8\x7f");
    GOLDEN(value_from_float(heap, -(double)NAN), "\x02\x00\x00\x00\x00\x00\x00\xf8\x7f");
    GOLDEN(VALUE_FALSE, "\x03");
    GOLDEN(VALUE_TRUE, "\x04");
    GOLDEN(text_of(heap, ""), "\x05\x00");
    GOLDEN(text_of(heap, "h\xc3\xa9"), "\x05\x03h\xc3\xa9");
    GOLDEN(text_of(heap, "\xff"), "\x05\x01\xff");
    GOLDEN(text_of(heap, "01234567-89ab-cdef-0011-2233445566ff"),
           "\x06\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x11\x22\x33\x44\x55\x66\xff");
    GOLDEN(text_of(heap, "01234567-89AB-cdef-0011-2233445566ff"), "\x05\x24"
                                                                  "01234567-89AB-cdef-0011-2233445566ff");
    GOLDEN(value_from_symbol(symbol(&fixture, "ok")), "\x07\x02ok");
    GOLDEN(value_from_symbol(SYMBOL_LIST), "\x07\x04List");
    GOLDEN(list_empty(heap), "\x08\x00");
    GOLDEN(list_with(heap, list_with(heap, list_empty(heap), VALUE_TRUE), value_from_int(-2)), "\x08\x02\x04\x01\x03");
    GOLDEN(value_from_object(variant_new(heap, symbol(&fixture, "None"), 0, NULL)), "\x09\x04None\x00");
    GOLDEN(value_from_object(variant_new(heap, symbol(&fixture, "Add"), 1, (Value[]){value_from_int(5)})),
           "\x09\x03"
           "Add\x01\x01\x0a");
    Value map = value_from_object(map_new(heap));
    GOLDEN(value_ref(map), "\x0a\x00");
    map = map_with(heap, map, text_of(heap, "b"), VALUE_TRUE);
    map = map_with(heap, map, VALUE_FALSE, VALUE_TRUE);
    map = map_with(heap, map, value_from_int(0), VALUE_TRUE);
    map = map_with(heap, map, value_from_int(-2), VALUE_TRUE);
    map = map_with(heap, map, value_from_int(-1), VALUE_FALSE);
    GOLDEN(map, "\x0a\x05\x01\x01\x03\x01\x03\x04\x01\x00\x04\x03\x04\x05\x01"
                "b\x04");
    fixture_deinit(&fixture);
}

/* --- one form for each --- */

Test(codec, random_values_come_back, .timeout = 120) {
    Fixture fixture;
    fixture_init(&fixture);
    uint64_t random = 1;
    for (uint32_t count = random_count(100000); count > 0; count--)
        round_trip(&fixture, random_value(&fixture.heap, &random, random_below(&random, 4)));
    fixture_deinit(&fixture);
}

/* Nearly all pairs differ; of small ones some are equal. */
Test(codec, equal_bytes_are_equal_values) {
    enum { COUNT = 600 };
    Fixture fixture;
    fixture_init(&fixture);
    Value values[COUNT];
    Buffer bytes[COUNT];
    uint64_t random = 2;
    uint32_t equal_count = 0;
    for (uint32_t index = 0; index < COUNT; index++) {
        values[index] = random_value(&fixture.heap, &random, 1);
        buffer_init(&bytes[index], &fixture.heap.mem);
        encode(&fixture, &bytes[index], values[index]);
    }
    for (uint32_t a = 0; a < COUNT; a++)
        for (uint32_t b = 0; b < a; b++) {
            bool equal = value_equal(&fixture.heap, values[a], values[b]);
            cr_assert_eq(equal, buffers_equal(&bytes[a], &bytes[b]));
            equal_count += equal;
        }
    cr_assert_gt(equal_count, COUNT);
    for (uint32_t index = 0; index < COUNT; index++) {
        value_unref(&fixture.heap, values[index]);
        buffer_deinit(&bytes[index]);
    }
    fixture_deinit(&fixture);
}

/* Takes both. */
static void expect_same_bytes(Fixture *fixture, TAKEN Value a, TAKEN Value b) {
    cr_assert(value_equal(&fixture->heap, a, b));
    encode(fixture, &fixture->out, a);
    encode(fixture, &fixture->again, b);
    cr_assert(buffers_equal(&fixture->out, &fixture->again));
    value_unref(&fixture->heap, a);
    value_unref(&fixture->heap, b);
}

Test(codec, a_list_in_each_form) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    Value flat = list_empty(heap);
    for (uint32_t index = 0; index < 2000; index++)
        flat = list_with(heap, flat, value_from_int(index));
    expect_same_bytes(&fixture, flat, list_of_trie(heap, 2000));

    Value fields[] = {VALUE_TRUE, VALUE_FALSE};
    Value pushed = list_with(heap, list_with(heap, list_empty(heap), VALUE_TRUE), VALUE_FALSE);
    expect_same_bytes(&fixture, value_from_object(variant_new(heap, SYMBOL_LIST, 2, fields)), pushed);
    Value grown = value_from_object(variant_new(heap, symbol(&fixture, "V"), 1, fields));
    grown = list_with(heap, grown, VALUE_FALSE);
    expect_same_bytes(&fixture, value_from_object(variant_new(heap, symbol(&fixture, "V"), 2, fields)), grown);
    fixture_deinit(&fixture);
}

Test(codec, a_map_in_each_order) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    for (int count = 1; count < 40; count++) {
        Value up = value_from_object(map_new(heap)), down = value_from_object(map_new(heap));
        for (int index = 0; index < count; index++)
            up = map_with(heap, up, value_from_int(index - 7), value_from_int(index));
        for (int index = 2 * count; index-- > 0;)
            down = map_with(heap, down, value_from_int(index - 7), value_from_int(index));
        for (int index = count; index < 2 * count; index++)
            down = value_from_object(map_remove(heap, value_map(down), value_from_int(index - 7)));
        expect_same_bytes(&fixture, up, down);
    }
    fixture_deinit(&fixture);
}

/* --- damage --- */

/* What is decoded at all is encoded so, and of no more bytes than there are. */
static int decode_canonically(Fixture *fixture, const char *bytes, size_t size) {
    Value value;
    size_t used = SIZE_MAX;
    int r = decode_exactly(&fixture->heap, bytes, size, &used, &value);
    cr_assert(r == 0 || r == CODEC_E_DAMAGED);
    cr_assert_leq(used, size);
    if (r)
        return r;
    encode(fixture, &fixture->again, value);
    cr_assert(buffer_is(&fixture->again, bytes, used));
    value_unref(&fixture->heap, value);
    return 0;
}

static void damage_each_byte(Fixture *fixture, Buffer *buffer) {
    for (size_t size = 0; size < buffer->size; size++)
        cr_assert_eq(decode_canonically(fixture, buffer->bytes, size), CODEC_E_DAMAGED, "cut off at %zu", size);
    for (size_t index = 0; index < buffer->size; index++)
        for (int change = 1; change < 256; change++) {
            buffer->bytes[index] ^= (char)change;
            (void)decode_canonically(fixture, buffer->bytes, buffer->size);
            buffer->bytes[index] ^= (char)change;
        }
}

Test(codec, damage_is_seen, .timeout = 120) {
    Fixture fixture;
    fixture_init(&fixture);
    uint64_t random = 3;
    for (int round = 0; round < 60; round++) {
        Value value = random_value(&fixture.heap, &random, 2);
        encode(&fixture, &fixture.out, value);
        value_unref(&fixture.heap, value);
        if (fixture.out.size < 400)
            damage_each_byte(&fixture, &fixture.out);
    }
    fixture_deinit(&fixture);
}

typedef struct DamageCase {
    const char *what, *bytes;
    size_t size, at;
} DamageCase;
#define DAMAGE(what, bytes, at)                                                                                        \
    { what, bytes, sizeof(bytes) - 1, at }

Test(codec, what_is_damage_and_where) {
    static const DamageCase cases[] = {
        DAMAGE("nothing", "", 0),
        DAMAGE("no tag 0", "\x00", 0),
        DAMAGE("no tag 11", "\x0b", 0),
        DAMAGE("a varint that could be shorter", "\x01\x80\x00", 0),
        DAMAGE("an Int of 64 bits", "\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 0),
        DAMAGE("more than 64 bits", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 0),
        DAMAGE("a varint without end", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0),
        DAMAGE("another NaN", "\x02\x00\x00\x00\x00\x00\x00\xf8\xff", 0),
        DAMAGE("a third NaN", "\x02\x01\x00\x00\x00\x00\x00\xf8\x7f", 0),
        DAMAGE("a signalling NaN", "\x02\x01\x00\x00\x00\x00\x00\xf0\x7f", 0),
        DAMAGE("a String cut off", "\x05\x02x", 0),
        DAMAGE("a String of 2^30 bytes", "\x05\x80\x80\x80\x80\x04", 0),
        DAMAGE("a UUID as a String",
               "\x05\x24"
               "01234567-89ab-cdef-0011-2233445566ff",
               0),
        DAMAGE("a List as a variant", "\x09\x04List\x00", 0),
        DAMAGE("a list with more items than bytes", "\x08\x03\x03\x03", 0),
        DAMAGE("2^31 items", "\x08\x80\x80\x80\x80\x08", 0),
        DAMAGE("2^63 entries", "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 0),
        DAMAGE("a map with more entries than bytes", "\x0a\x02\x03\x03\x04", 0),
        DAMAGE("a list in a list that leaves nothing for its neighbour", "\x08\x02\x08\x02\x03\x03", 2),
        DAMAGE("an item", "\x08\x03\x03\x00\x03", 3),
        DAMAGE("a Float as a key", "\x0a\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x03", 2),
        DAMAGE("a list as a key", "\x0a\x01\x08\x00\x03", 2),
        DAMAGE("keys out of order", "\x0a\x02\x04\x03\x03\x03", 4),
        DAMAGE("a key twice", "\x0a\x02\x04\x03\x04\x03", 4),
        DAMAGE("0 before -1", "\x0a\x02\x01\x00\x03\x01\x01\x03", 5),
    };
    Fixture fixture;
    fixture_init(&fixture);
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const DamageCase *row = &cases[index];
        Value value;
        size_t used;
        int r = decode_exactly(&fixture.heap, row->bytes, row->size, &used, &value);
        cr_assert_eq(r, CODEC_E_DAMAGED, "%s", row->what);
        cr_assert_eq(used, row->at, "%s: at %zu", row->what, used);
    }
    fixture_deinit(&fixture);
}

/* A million lists inside each other, each claiming that all that follows are its items. */
Test(codec, counts_are_believed_once) {
    enum { SIZE = 4000000 };
    Fixture fixture;
    fixture_init(&fixture);
    Buffer *out = &fixture.out;
    while (out->size < SIZE) {
        cr_assert_eq(buffer_append_byte(out, CODEC_LIST), 0);
        cr_assert_eq(buffer_append_varint(out, SIZE - out->size - 100), 0);
    }
    Value value;
    size_t used;
    cr_assert_eq(codec_decode(&fixture.heap, out->bytes, out->size, &used, &value), CODEC_E_DAMAGED);
    cr_assert_lt(fixture.heap.mem.peak_bytes, 20 * SIZE);
    fixture_deinit(&fixture);
}

Test(codec, what_stands_behind_is_not_read) {
    Fixture fixture;
    fixture_init(&fixture);
    Value value;
    size_t used;
    cr_assert_eq(codec_decode(&fixture.heap, "\x08\x01\x04\xff", 4, &used, &value), 0);
    cr_assert_eq(used, 3);
    value_unref(&fixture.heap, value);
    fixture_deinit(&fixture);
}

/* --- code --- */

static void expect_refused(Fixture *fixture, TAKEN Value value, Kind kind) {
    Heap *heap = &fixture->heap;
    Value list = list_with(heap, list_with(heap, list_empty(heap), value_from_int(1)), value_ref(value));
    Value map = map_with(heap, value_from_object(map_new(heap)), VALUE_TRUE, value_ref(list));
    Value all[] = {value, list, map};
    buffer_clear(&fixture->out);
    cr_assert_eq(buffer_append_text(&fixture->out, "before"), 0);
    for (size_t index = 0; index < 3; index++) {
        Kind refused = KIND_COUNT;
        cr_assert_eq(codec_encode(heap, all[index], &fixture->out, &refused), CODEC_E_CODE);
        cr_assert_eq(refused, kind);
        cr_assert_str_eq(buffer_text(&fixture->out), "before");
        value_unref(heap, all[index]);
    }
}

static void forget_handle(Heap *heap, Tag tag, void *subject) {
    (void)heap;
    (void)tag;
    (void)subject;
}

Test(codec, code_is_refused) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    heap->handle_dropped = forget_handle;
    Value captures[] = {VALUE_TRUE};
    expect_refused(&fixture, value_from_object(quotation_new(heap, TAG_QUOTATION, NULL, 0, NULL)), KIND_QUOTATION);
    expect_refused(&fixture, value_from_object(quotation_new(heap, TAG_CLOSURE, NULL, 1, captures)), KIND_QUOTATION);
    expect_refused(&fixture, value_from_object(handle_new(heap, TAG_CHANNEL, NULL)), KIND_CHANNEL);
    expect_refused(&fixture, value_from_object(handle_new(heap, TAG_WEAVE, NULL)), KIND_WEAVE);
    fixture_deinit(&fixture);
}

/* --- depth --- */

/* One container of each kind in turn. Takes `inner`. */
static Value wrap(Heap *heap, int level, TAKEN Value inner) {
    switch (level % 3) {
    case 0:
        return list_with(heap, list_empty(heap), inner);
    case 1:
        return value_from_object(variant_new(heap, SYMBOL_LIST + 1, 2, (Value[]){inner, VALUE_TRUE}));
    default:
        return map_with(heap, value_from_object(map_new(heap)), value_from_int(level), inner);
    }
}

Test(codec, a_million_deep) {
    enum { DEEP = 1000000 };
    Fixture fixture;
    fixture_init(&fixture);
    cr_assert_eq(symbol(&fixture, "V"), SYMBOL_LIST + 1);
    Value list = VALUE_TRUE, mixed = VALUE_TRUE;
    for (int level = 0; level < DEEP; level++) {
        list = wrap(&fixture.heap, 0, list);
        mixed = wrap(&fixture.heap, level, mixed);
    }
    round_trip(&fixture, list);
    cr_assert_eq(fixture.out.size, 2 * DEEP + 1);
    round_trip(&fixture, mixed);

    size_t used; /* cut off, all that is open is given up */
    cr_assert_eq(codec_decode(&fixture.heap, fixture.out.bytes, fixture.out.size / 2, &used, &list), CODEC_E_DAMAGED);
    fixture_deinit(&fixture);
}

Test(codec, shallow_values_ask_for_no_memory) {
    Fixture fixture;
    fixture_init(&fixture);
    cr_assert_eq(symbol(&fixture, "V"), SYMBOL_LIST + 1);
    Value value = VALUE_TRUE;
    for (int level = 0; level < 8; level++)
        value = wrap(&fixture.heap, level % 2, value);
    encode(&fixture, &fixture.out, value);
    refusing_start(&fixture.allocator.refusing);
    encode(&fixture, &fixture.out, value);
    cr_assert_eq(fixture.allocator.refusing.refused, 0);
    refusing_stop(&fixture.allocator.refusing);
    value_unref(&fixture.heap, value);
    fixture_deinit(&fixture);
}

/* --- refused memory --- */

/* The bytes of one value of each kind and size, made where nothing is refused. */
static void bytes_of_everything(Buffer *out) {
    Fixture fixture;
    fixture_init(&fixture);
    Heap *heap = &fixture.heap;
    char text[3000];
    memset(text, 'x', sizeof text);
    Value map = value_from_object(map_new(heap));
    for (int index = 0; index < 40; index++)
        map = map_with(heap, map, value_from_int(index), value_from_float(heap, 1e300 * index));
    Value value = text_value(heap, text, sizeof text);
    for (int level = 0; level < 40; level++)
        value = list_with(heap, list_with(heap, list_empty(heap), value), VALUE_TRUE);
    value = list_with(heap, list_with(heap, list_empty(heap), value), map);
    for (int index = 0; index < 300; index++)
        value = list_with(heap, value, text_of(heap, "text"));
    Value fields[] = {value, value_from_symbol(symbol(&fixture, "another"))};
    value = value_from_object(variant_new(heap, symbol(&fixture, "Everything"), 2, fields));
    encode(&fixture, &fixture.out, value);
    cr_assert_eq(buffer_append(out, fixture.out.bytes, fixture.out.size), 0);
    value_unref(heap, value);
    fixture_deinit(&fixture);
}

/* Nothing is left behind, and only who was refused says so. Returns whether anything was refused. */
static bool refuse_at(const Buffer *bytes, uint64_t point, bool for_ever) {
    Fixture fixture;
    fixture_init(&fixture);
    Mem *mem = &fixture.heap.mem;
    const Refusing *refusing = &fixture.allocator.refusing;
    test_refuse_after(&fixture.allocator, point, for_ever);
    Value value;
    size_t used;
    int r = codec_decode(&fixture.heap, bytes->bytes, bytes->size, &used, &value);
    cr_assert(r == 0 || r == -ENOMEM);
    cr_assert(r == -ENOMEM || refusing->refused == 0 || mem_is_exhausted(mem));
    if (r == 0) {
        Kind refused;
        uint64_t refused_before = refusing->refused;
        r = codec_encode(&fixture.heap, value, &fixture.out, &refused);
        cr_assert_eq(r, refusing->refused > refused_before ? -ENOMEM : 0);
        cr_assert(r ? fixture.out.size == 0 : buffers_equal(&fixture.out, bytes));
        value_unref(&fixture.heap, value);
    }
    bool refused_any = refusing->refused > 0;
    refusing_stop(&fixture.allocator.refusing);
    fixture_deinit(&fixture);
    return refused_any;
}

Test(codec, a_refusal_is_passed_on) {
    Mem mem;
    cr_assert_eq(mem_init(&mem, allocator_default(), SIZE_MAX), 0);
    Buffer bytes;
    buffer_init(&bytes, &mem);
    bytes_of_everything(&bytes);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        uint64_t point = 0;
        while (refuse_at(&bytes, point, for_ever))
            point++;
        cr_assert_gt(point, 4);
    }
    buffer_deinit(&bytes);
    mem_deinit(&mem);
}
