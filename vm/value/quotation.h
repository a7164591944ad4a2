/* SPDX-License-Identifier: MIT */
/*
 * Quotation: code and the values it captured. A plain quotation captured
 * nothing; a closure's values are pushed above its inputs at each call.
 *
 * The code is a chunk of floor 3, only named here. Code lives as long as its
 * program, so nothing here counts it.
 */
#pragma once

#include "vm/value/heap.h"

typedef struct Chunk Chunk;
typedef struct Quotation Quotation;

struct Quotation {
    Object object; /* TAG_QUOTATION, or TAG_CLOSURE: captured by the rules of capture, maybe nothing */
    uint32_t capture_count;
    uint32_t unused;
    const Chunk *chunk;
    Value captures[];
};

static inline Quotation *value_quotation(Value value) {
    return (Quotation *)value_object(value);
}
static inline size_t quotation_size(uint32_t count) {
    return sizeof(Quotation) + count * sizeof(Value);
}
/* Takes `count` values. NULL when memory is refused; then they are still the caller's. */
Quotation *quotation_new(Heap *heap, Tag tag, const Chunk *chunk, uint32_t count, TAKEN const Value *captures)
    MUST_CHECK;

/*
 * Handle: names something with an owner outside the values (a channel, a
 * weave). When its last copy goes, heap->handle_dropped is told.
 */
typedef struct Handle {
    Object object; /* TAG_CHANNEL or TAG_WEAVE */
    void *subject;
} Handle;

static inline void *value_subject(Value value) {
    return ((Handle *)value_object(value))->subject;
}
/* A new handle of `subject`, with one reference. Never NULL. */
Handle *handle_new(Heap *heap, Tag tag, void *subject);
