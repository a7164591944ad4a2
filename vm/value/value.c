/* SPDX-License-Identifier: MIT */
/*
 * What holds for all kinds alike: names, boxed floats, freeing, equality.
 *
 * Values nest as deep as a program likes, so neither freeing nor comparing
 * recurses. Freeing needs no memory at all: the dead objects are linked
 * through their own heads. Comparing keeps a stack of the pairs it is inside
 * of; a pair leaves it before its last elements are compared, so a long chain
 * of pairs needs one frame.
 */
#include "vm/value/value.h"

#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/quotation.h"
#include "vm/value/string.h"
#include "vm/value/variant.h"
#include <math.h>

static_assert(sizeof(Object) == 8, "a head is one slot");
static_assert(sizeof(Value) == sizeof(void *), "a pointer fits a value");

/* --- kinds --- */

static const char *const kind_names[KIND_COUNT] = {
    [KIND_INT] = "Int",       [KIND_FLOAT] = "Float",     [KIND_BOOL] = "Bool",           [KIND_STRING] = "String",
    [KIND_SYMBOL] = "Symbol", [KIND_CHANNEL] = "Channel", [KIND_QUOTATION] = "Quotation", [KIND_VARIANT] = "Variant",
    [KIND_MAP] = "Map",       [KIND_WEAVE] = "Weave",
};

const char *kind_name(Kind kind) {
    check(kind < KIND_COUNT);
    return kind_names[kind];
}

static Kind object_kind(const Object *object) {
    switch ((Tag)object->tag) {
    case TAG_STRING:
        return KIND_STRING;
    case TAG_FLOAT:
        return KIND_FLOAT;
    case TAG_VARIANT:
    case TAG_LIST:
        return KIND_VARIANT;
    case TAG_MAP:
        return KIND_MAP;
    case TAG_QUOTATION:
    case TAG_CLOSURE:
        return KIND_QUOTATION;
    case TAG_CHANNEL:
        return KIND_CHANNEL;
    case TAG_WEAVE:
        return KIND_WEAVE;
    case TAG_NODE:
        break;
    }
    unreachable();
}

Kind value_kind(Value value) {
    if (value_is_int(value))
        return KIND_INT;
    if (value_is_object(value))
        return object_kind(value_object(value));
    if (value_is_bool(value))
        return KIND_BOOL;
    if (value_is_symbol(value))
        return KIND_SYMBOL;
    check(value_is_float(value));
    return KIND_FLOAT;
}

/* --- floats --- */

Value value_box_float(Heap *heap, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (bits == 0) /* 0.0 is frequent, and its exponent the farthest from the immediate range */
        return (Value){VALUE_FLOAT_ZERO_BITS};

    FloatBox *box = heap_object(heap, sizeof *box, TAG_FLOAT);
    if (isnan(number)) /* a NaN is never immediate, so each comes by here */
        bits = FLOAT_NAN_BITS;
    memcpy(&box->number, &bits, sizeof bits);
    return value_from_object(box);
}

/* --- freeing --- */

static void children_drop(const Value *children, uint32_t count, Object **dead) {
    for (uint32_t index = 0; index < count; index++)
        value_drop_child(dead, children[index]);
}

static void variant_free(Heap *heap, Variant *variant, Object **dead) {
    children_drop(variant->fields, variant->count, dead);
    mem_free(&heap->mem, variant, variant_size(variant->count));
}

static void quotation_free(Heap *heap, Quotation *quotation, Object **dead) {
    children_drop(quotation->captures, quotation->capture_count, dead);
    mem_free(&heap->mem, quotation, quotation_size(quotation->capture_count));
}

static void handle_tell(Heap *heap, Handle *handle) {
    Tag tag = (Tag)handle->object.tag;
    void *subject = handle->subject;
    mem_free(&heap->mem, handle, sizeof *handle);
    heap->handle_dropped(heap, tag, subject);
}

/*
 * We do not tell the owner when it is being told already: it drops the values
 * of a channel, among them the last handle of another channel, and so on.
 * The call below on the C stack tells that one when this one has returned.
 */
static void handle_free(Heap *heap, Handle *handle) {
    object_link(&handle->object, heap->dropped_handles);
    heap->dropped_handles = &handle->object;
    if (heap->is_telling)
        return;

    heap->is_telling = true;
    while (heap->dropped_handles) {
        Handle *next = (Handle *)heap->dropped_handles;
        heap->dropped_handles = object_linked(&next->object);
        handle_tell(heap, next);
    }
    heap->is_telling = false;
}

static void object_free(Heap *heap, Object *object, Object **dead) {
    switch ((Tag)object->tag) {
    case TAG_STRING:
        string_free(heap, (String *)object, dead);
        return;
    case TAG_FLOAT:
        mem_free(&heap->mem, object, sizeof(FloatBox));
        return;
    case TAG_VARIANT:
        variant_free(heap, (Variant *)object, dead);
        return;
    case TAG_LIST:
        list_free(heap, (List *)object, dead);
        return;
    case TAG_MAP:
        map_free(heap, (Map *)object, dead);
        return;
    case TAG_QUOTATION:
    case TAG_CLOSURE:
        quotation_free(heap, (Quotation *)object, dead);
        return;
    case TAG_CHANNEL:
    case TAG_WEAVE:
        handle_free(heap, (Handle *)object);
        return;
    case TAG_NODE:
        if (object->flags & NODE_IS_LIST)
            list_node_free(heap, object, dead);
        else
            map_node_free(heap, object, dead);
        return;
    }
    unreachable();
}

void value_release(Heap *heap, Object *object) {
    Object *dead = NULL;
    for (;;) {
        object_free(heap, object, &dead);
        if (dead == NULL)
            return;
        object = dead;
        dead = object_linked(object);
    }
}

/* --- equality --- */

/* A pair of containers of one kind and count, equal up to `index`. */
typedef struct EqualFrame {
    Value a, b;
    uint32_t index, count;
    MapEntry *entries; /* all of the map `a`; NULL for variants */
} EqualFrame;

typedef struct EqualWalk {
    Heap *heap;
    EqualFrame *frames;
    uint32_t count, capacity;
} EqualWalk;

/* "Not equal" is no answer then: the interpreter sees `exhausted` next and leaves the fault. */
static bool equal_refuse(EqualWalk *walk) {
    walk->heap->mem.exhausted = true;
    return false;
}

static void equal_pop(EqualWalk *walk) {
    EqualFrame *frame = &walk->frames[--walk->count];
    mem_free(&walk->heap->mem, frame->entries, frame->count * sizeof(MapEntry));
}

static bool equal_reserve(EqualWalk *walk) {
    if (walk->count < walk->capacity)
        return true;
    EqualFrame *frames = mem_try_double(&walk->heap->mem, walk->frames, sizeof *frames, &walk->capacity);
    if (frames == NULL)
        return false;
    walk->frames = frames;
    return true;
}

/* False when memory is refused. */
static bool equal_push(EqualWalk *walk, Value a, Value b, uint32_t count) {
    if (!equal_reserve(walk))
        return equal_refuse(walk);
    EqualFrame frame = {.a = a, .b = b, .count = count};
    if (value_is_map(a)) {
        frame.entries = map_sorted(walk->heap, value_map(a));
        if (frame.entries == NULL)
            return equal_refuse(walk);
    }
    walk->frames[walk->count++] = frame;
    return true;
}

static bool variants_begin(EqualWalk *walk, Value a, Value b) {
    const Variant *left = value_variant(a), *right = value_variant(b);
    if (left->symbol != right->symbol || left->count != right->count)
        return false;
    return left->count == 0 || equal_push(walk, a, b, left->count);
}

static bool maps_begin(EqualWalk *walk, Value a, Value b) {
    uint32_t count = map_count(value_map(a));
    if (count != map_count(value_map(b)))
        return false;
    return count == 0 || equal_push(walk, a, b, count);
}

/* False when they differ; containers that may be equal are pushed, to be looked into. */
static bool equal_begin(EqualWalk *walk, Value a, Value b) {
    if (a.bits == b.bits)
        return true;
    if (!value_is_object(a) || !value_is_object(b))
        return false;
    if (value_is_variant(a))
        return value_is_variant(b) && variants_begin(walk, a, b);
    if (value_object(a)->tag != value_object(b)->tag)
        return false;

    switch ((Tag)value_object(a)->tag) {
    case TAG_STRING:
        return string_equal(value_string(a), value_string(b));
    case TAG_FLOAT:
        return memcmp(&((FloatBox *)value_object(a))->number, &((FloatBox *)value_object(b))->number, sizeof(double)) ==
               0;
    case TAG_MAP:
        return maps_begin(walk, a, b);
    default:
        return false; /* the same object, or not equal */
    }
}

static bool variants_step(EqualWalk *walk, EqualFrame *frame) {
    Value a = variant_at(value_variant(frame->a), frame->index);
    Value b = variant_at(value_variant(frame->b), frame->index);
    if (++frame->index == frame->count)
        equal_pop(walk);
    return equal_begin(walk, a, b);
}

static bool maps_step(EqualWalk *walk, EqualFrame *frame) {
    MapEntry entry = frame->entries[frame->index];
    const Value *found = map_peek(walk->heap, value_map(frame->b), entry.key);
    if (found == NULL)
        return false;
    if (++frame->index == frame->count)
        equal_pop(walk);
    return equal_begin(walk, entry.value, *found);
}

static bool equal_step(EqualWalk *walk) {
    EqualFrame *frame = &walk->frames[walk->count - 1];
    return frame->entries ? maps_step(walk, frame) : variants_step(walk, frame);
}

bool value_equal(Heap *heap, Value a, Value b) {
    EqualWalk walk = {.heap = heap};

    bool equal = equal_begin(&walk, a, b);
    while (equal && walk.count > 0)
        equal = equal_step(&walk);

    while (walk.count > 0)
        equal_pop(&walk);
    mem_free(&heap->mem, walk.frames, walk.capacity * sizeof *walk.frames);
    return equal;
}
