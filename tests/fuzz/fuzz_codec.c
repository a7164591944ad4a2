/* SPDX-License-Identifier: MIT */
/* Any bytes as a value: what is decoded at all is encoded to the same bytes, and nothing is left behind. */
#include "vm/value/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Heap heap;
    int r = heap_init(&heap, allocator_default(), (size_t)512 << 20, 1);
    check(r == 0);
    Buffer out;
    buffer_init(&out, &heap.mem);

    Value value;
    size_t used = SIZE_MAX;
    r = codec_decode(&heap, (const char *)bytes, size, &used, &value);
    check((r == 0 || r == CODEC_E_DAMAGED) && used <= size);
    if (r == 0) {
        Kind refused;
        r = codec_encode(&heap, value, &out, &refused);
        check(r == 0 && out.size == used && memcmp(out.bytes, bytes, used) == 0);
        value_unref(&heap, value);
    }
    buffer_deinit(&out);
    heap_deinit(&heap);
    return 0;
}
