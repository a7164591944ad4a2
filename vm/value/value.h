/* SPDX-License-Identifier: MIT */
/*
 * Value: what a stack slot, a list, a map holds. 8 bytes.
 *
 *   bit 0 set           Int, in the other 63 bits
 *   low bits 10         Float, rotated so that its exponent fits beside the tag
 *   low bits 100        small immediate: Bool, Symbol, 0.0
 *   low bits 000        pointer to a counted Object
 *
 * The language's Int is 63 bits and wraps modulo 2^63, so with the tag in
 * bit 0 an addition is `a + b - 1` and wraps by itself. Floats whose exponent
 * lies in -255 ... 256 are immediate; the few others are boxed.
 *
 * A value never points at anything that changes, so values form no cycles
 * and reference counting is complete. Counts are plain integers: a value
 * belongs to one thread.
 *
 * There is one NaN: which of them a computation gives depends on processor
 * and compiler, so value_from_float() keeps none of their bits.
 *
 * Only this header knows the bits.
 */
#pragma once

#include "vm/base/check.h"
#include "vm/base/config.h"
#include <string.h>

typedef struct Heap Heap;
typedef struct Object Object;

typedef struct Value {
    uint64_t bits;
} Value;

/* What a value is, for checks and messages. The first six can be proved by the type checker. */
typedef enum Kind {
    KIND_INT,
    KIND_FLOAT,
    KIND_BOOL,
    KIND_STRING,
    KIND_SYMBOL,
    KIND_CHANNEL,
    KIND_QUOTATION, /* plain or closure */
    KIND_VARIANT,   /* lists too: a list is a variant with the tag `List` */
    KIND_MAP,
    KIND_WEAVE,
    KIND_COUNT,
} Kind;

/* What an object is inside. */
typedef enum Tag {
    TAG_STRING = 1,
    TAG_FLOAT,   /* boxed: an exponent beyond the immediate range */
    TAG_VARIANT, /* fixed number of fields, inside the object */
    TAG_LIST,    /* a variant that grows: see list.h */
    TAG_MAP,
    TAG_QUOTATION,
    TAG_CLOSURE,
    TAG_CHANNEL, /* a Handle */
    TAG_WEAVE,   /* a Handle */
    TAG_NODE,    /* inside of a map or a big list; never seen as a value */
} Tag;

enum {
    NODE_IS_LIST = 0x80, /* flag of a TAG_NODE: it belongs to a list; without it, to a map */
};

/*
 * The head of every counted object. While an object waits to be freed, its
 * `count` and `spare` hold a link to the next one (see value_release), so
 * that freeing needs neither recursion nor memory.
 */
struct Object {
    uint32_t count; /* references; a reference takes 8 bytes, so 2^32 of them do not fit the 32 GiB limit of a heap */
    uint8_t tag;
    uint8_t flags; /* meaning by tag */
    uint16_t spare;
};

#define VALUE_FALSE ((Value){0x04})
#define VALUE_TRUE ((Value){0x0c})
#define VALUE_ZERO ((Value){1}) /* the Int 0 */
#define FLOAT_NAN_BITS ((uint64_t)0x7ff8000000000000)

enum {
    VALUE_SYMBOL_BITS = 0x14, /* low byte; the symbol's number in the upper half */
    VALUE_FLOAT_ZERO_BITS = 0x24,
};

#define INT_MAX_VALUE ((int64_t)0x3fffffffffffffff)
#define INT_MIN_VALUE (-INT_MAX_VALUE - 1)

/* --- kinds --- */

static inline bool value_is_int(Value value) {
    return value.bits & 1;
}
static inline bool value_is_object(Value value) {
    return (value.bits & 7) == 0;
}
static inline bool value_is_bool(Value value) {
    return (value.bits | 8) == 0x0c;
}
static inline bool value_is_symbol(Value value) {
    return (value.bits & 0xff) == VALUE_SYMBOL_BITS;
}
static inline Object *value_object(Value value) {
    return (Object *)(uintptr_t)value.bits;
}
static inline bool value_has_tag(Value value, Tag tag) {
    return value_is_object(value) && value_object(value)->tag == tag;
}
static inline bool value_is_float(Value value) {
    return (value.bits & 3) == 2 || value.bits == VALUE_FLOAT_ZERO_BITS || value_has_tag(value, TAG_FLOAT);
}
static inline bool value_is_string(Value value) {
    return value_has_tag(value, TAG_STRING);
}
/* Any variant, lists included. */
static inline bool value_is_variant(Value value) {
    return value_is_object(value) && (value_object(value)->tag == TAG_VARIANT || value_object(value)->tag == TAG_LIST);
}
static inline bool value_is_map(Value value) {
    return value_has_tag(value, TAG_MAP);
}
static inline bool value_is_quotation(Value value) {
    return value_is_object(value) &&
           (value_object(value)->tag == TAG_QUOTATION || value_object(value)->tag == TAG_CLOSURE);
}
Kind value_kind(Value value);
/* "Int", "Float", ... as a program's author writes it. */
const char *kind_name(Kind kind);

/* --- immediates --- */

/* Wraps modulo 2^63. */
static inline Value value_from_int(int64_t number) {
    return (Value){((uint64_t)number << 1) | 1};
}
static inline int64_t value_to_int(Value value) {
    return (int64_t)value.bits >> 1;
}
static inline Value value_from_bool(bool truth) {
    return (Value){0x04 | ((uint64_t)truth << 3)};
}
static inline bool value_to_bool(Value value) {
    return value.bits & 8;
}
static inline Value value_from_symbol(uint32_t number) {
    return (Value){((uint64_t)number << 32) | VALUE_SYMBOL_BITS};
}
static inline uint32_t value_to_symbol(Value value) {
    return (uint32_t)(value.bits >> 32);
}
static inline Value value_from_object(TAKEN void *object) {
    return (Value){(uint64_t)(uintptr_t)object};
}

/* --- floats --- */

typedef struct FloatBox {
    Object object;
    double number;
} FloatBox;

Value value_box_float(Heap *heap, double number);

static inline Value value_from_float(Heap *heap, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    /* moves the wanted exponents to the bottom of the range, then sign and two upper exponent bits to the low end */
    bits -= 0x3000000000000000;
    bits = (bits << 3) | (bits >> 61);
    if (LIKELY((bits & 3) == 0))
        return (Value){bits | 2};
    return value_box_float(heap, number);
}
static inline double value_to_float(Value value) {
    double number;
    uint64_t bits = value.bits;
    if (LIKELY((bits & 3) == 2)) {
        bits &= ~(uint64_t)3;
        bits = ((bits >> 3) | (bits << 61)) + 0x3000000000000000;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    return bits == VALUE_FLOAT_ZERO_BITS ? 0.0 : ((FloatBox *)value_object(value))->number;
}

/* --- references --- */

/* Another reference to the same value. */
static inline Value value_ref(Value value) {
    if (value_is_object(value))
        value_object(value)->count++;
    return value;
}
/*
 * Frees an object whose last reference went, and all that goes with it; no
 * recursion. What heap->handle_dropped gives up in its turn is freed too, and
 * its handles are told after it returned: a channel in a channel in a channel
 * does not nest.
 */
void value_release(Heap *heap, Object *object);
/* The link between objects that wait to be freed; see Object. */
static inline void object_link(Object *object, Object *next) {
    /* user-space pointers have 47 bits: 32 of them fit `count`, the others `spare` */
    uint64_t link = (uint64_t)(uintptr_t)next;
    object->count = (uint32_t)link;
    object->spare = (uint16_t)(link >> 32);
}
static inline Object *object_linked(const Object *object) {
    return (Object *)(uintptr_t)((uint64_t)object->spare << 32 | object->count);
}
/*
 * Gives up a child of an object that is being freed: if that was its last
 * reference, links it into the list `*dead`, which value_release works off.
 */
static inline void value_drop_child(Object **dead, TAKEN Value child) {
    if (!value_is_object(child))
        return;
    Object *object = value_object(child);
    if (--object->count > 0)
        return;
    object_link(object, *dead);
    *dead = object;
}
/* Gives a reference up. */
static inline void value_unref(Heap *heap, TAKEN Value value) {
    if (value_is_object(value) && --value_object(value)->count == 0)
        value_release(heap, value_object(value));
}
/*
 * True when the caller's reference is the only one, so that the object may be
 * changed in place. (Under STRESS_COPY never true, so whoever then copies
 * gives the old one up with value_unref: it may be the last reference.)
 */
static inline bool object_is_unshared(const Object *object) {
    return !STRESS_COPY && object->count == 1;
}

/* --- as one order and one text for all kinds --- */

/*
 * Equal as data: same kind, same content; a list and a variant with the same
 * tag and elements are equal. Floats compare by bits, so NaN equals itself and
 * 0.0 is not -0.0. Quotations, channels and weaves are equal when they are the
 * same object. No recursion; `false` with heap exhausted when memory for a
 * deep comparison is refused.
 */
bool value_equal(Heap *heap, Value a, Value b);
