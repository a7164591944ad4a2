/* SPDX-License-Identifier: MIT */
/*
 * The fixed form of a variant, and reading either form. What changes one is
 * in list.c; what frees one is in value.c.
 */
#include "vm/value/variant.h"

#include "vm/value/list.h"

static_assert(offsetof(Variant, symbol) == offsetof(List, symbol) && offsetof(Variant, count) == offsetof(List, count),
              "both forms start alike");
static_assert(sizeof(Variant) + VARIANT_FIELDS_MAX * sizeof(Value) <= MEM_SMALL_MAX, "a fixed form is small");

Variant *variant_new(Heap *heap, uint32_t symbol, uint32_t count, TAKEN const Value *fields) {
    check(count <= VARIANT_FIELDS_MAX);
    Variant *variant = heap_object(heap, variant_size(count), TAG_VARIANT);
    variant->symbol = symbol;
    variant->count = count;
    if (count > 0)
        memcpy(variant->fields, fields, count * sizeof *fields);
    return variant;
}

Value variant_at(const Variant *variant, uint32_t index) {
    if (variant->object.tag == TAG_LIST)
        return list_at((const List *)variant, index);
    check(index < variant->count);
    return variant->fields[index];
}
