/* SPDX-License-Identifier: MIT */
/*
 * Variant: a tag (a symbol) and fields. A list is a variant with the tag
 * `List`; list words take any variant and keep its tag. Two forms:
 *
 *   TAG_VARIANT  a fixed number of fields inside the object (what wrap-N makes)
 *   TAG_LIST     a growing sequence (list.h)
 *
 * The functions here work on both, so that no word needs to care.
 */
#pragma once

#include "vm/value/heap.h"

typedef struct Variant Variant;

/* The common start of both forms. */
struct Variant {
    Object object;
    uint32_t symbol;
    uint32_t count; /* fields */
    Value fields[]; /* TAG_VARIANT only */
};

enum { VARIANT_FIELDS_MAX = 12 }; /* what wrap-N and unions make; TAG_VARIANT never has more */

static inline Variant *value_variant(Value value) {
    return (Variant *)value_object(value);
}
static inline size_t variant_size(uint32_t count) {
    return sizeof(Variant) + count * sizeof(Value);
}

/* A variant of `count` (at most VARIANT_FIELDS_MAX) fields, taken from `fields`. Never NULL. */
Variant *variant_new(Heap *heap, uint32_t symbol, uint32_t count, TAKEN const Value *fields);
/* Field `index` (below count), borrowed; either form. */
Value variant_at(const Variant *variant, uint32_t index);
