/* SPDX-License-Identifier: MIT */
/*
 * Quotations and handles only hold things; value.c frees them.
 */
#include "vm/value/quotation.h"

Quotation *quotation_new(Heap *heap, Tag tag, const Chunk *chunk, uint32_t count, TAKEN const Value *captures) {
    check(tag == TAG_CLOSURE || (tag == TAG_QUOTATION && count == 0));
    Quotation *quotation = heap_try_object(heap, quotation_size(count), tag);
    if (quotation == NULL)
        return NULL;

    quotation->capture_count = count;
    quotation->unused = 0;
    quotation->chunk = chunk;
    if (count > 0)
        memcpy(quotation->captures, captures, count * sizeof *captures);
    return quotation;
}

Handle *handle_new(Heap *heap, Tag tag, void *subject) {
    check(tag == TAG_CHANNEL || tag == TAG_WEAVE);
    Handle *handle = heap_object(heap, sizeof *handle, tag);
    handle->subject = subject;
    return handle;
}
