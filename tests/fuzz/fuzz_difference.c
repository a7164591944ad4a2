/* SPDX-License-Identifier: MIT */
/* Any bytes as a Map and a difference: what can be applied is the one difference to what comes out. */
#include "vm/value/difference.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void apply(Heap *heap, Value before, const char *bytes, size_t size) {
    Value after;
    int r = difference_apply(heap, bytes, size, value_ref(before), &after);
    check(r == 0 || r == CODEC_E_DAMAGED);
    if (r)
        return;
    Buffer out;
    buffer_init(&out, &heap->mem);
    Kind refused;
    r = difference_encode(heap, before, after, &out, &refused);
    check(r == 0 && out.size == size && memcmp(out.bytes, bytes, size) == 0);
    value_unref(heap, after);
    buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Heap heap;
    int r = heap_init(&heap, allocator_default(), (size_t)512 << 20, 1);
    check(r == 0);
    Value before;
    size_t used;
    r = codec_decode(&heap, (const char *)bytes, size, &used, &before);
    if (r == 0) {
        if (value_is_map(before))
            apply(&heap, before, (const char *)bytes + used, size - used);
        else
            r = -1;
        value_unref(&heap, before);
    }
    heap_deinit(&heap);
    return r ? -1 : 0; /* only those with a Map are worth keeping */
}
