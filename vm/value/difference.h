/* SPDX-License-Identifier: MIT */
/*
 * Difference: what changed between two Maps, as bytes. An actor's state is a
 * Map, and most turns change little of it.
 *
 *   varint          how many changes
 *   each:  varint   length of its path, at least 1
 *          keys     (codec) from the outermost Map to the entry
 *          0        the entry was removed, or
 *          1 value  (codec) it was made, or has this value now
 *
 * A path goes on below a key where both have a Map under it; whatever else
 * differs, a list or a variant of any size, is one value. The changes are in
 * key order, depth first. So for two states there is one difference, and what
 * could not be one is refused.
 */
#pragma once

#include "vm/base/bytes.h"
#include "vm/value/codec.h"

/*
 * Appends what makes `after` of `before`, both Maps of this heap. It costs
 * what changed: what they share in memory is not looked at. 0; -ENOMEM; or
 * CODEC_E_CODE, and then `*refused` is the Kind in a changed value that cannot
 * be encoded. On failure `out` is cut back to where it was.
 */
int difference_encode(Heap *heap, Value before, Value after, Buffer *out, Kind *refused) MUST_CHECK;
/*
 * `before` with the changes, which are all of the bytes. 0; -ENOMEM; or
 * CODEC_E_DAMAGED when these are not the bytes that difference_encode() gives
 * for `before` and any other Map. `before` is given up in any case, and
 * changed in place where nobody else holds it; `*afterp` is set on success.
 */
int difference_apply(Heap *heap, const char *bytes, size_t size, TAKEN Value before, Value *afterp) MUST_CHECK;

/* --- one change after the other --- */

/* Reads changes without a state: for people, and for difference_apply(). Their order is checked. */
typedef struct DifferenceReader {
    Heap *heap;
    ByteReader bytes;
    uint64_t left; /* changes not yet read */
    /* the change last read; all of it is the reader's, until the next one */
    Value *path;
    uint32_t path_length, path_capacity;
    uint32_t common_length; /* so many keys of its path are those of the change before it; not all */
    bool is_removed;
    Value value; /* the new one, when not removed */
} DifferenceReader;

enum { DIFFERENCE_E_END = 3 }; /* there are no more changes */

/* The bytes stay the caller's, and where they are. */
void difference_reader_init(DifferenceReader *reader, Heap *heap, const char *bytes, size_t size);
void difference_reader_deinit(DifferenceReader *reader);
/* Goes to the next change. 0; DIFFERENCE_E_END; CODEC_E_DAMAGED; -ENOMEM. After any but 0 the reader is only good for deinit. */
int difference_reader_next(DifferenceReader *reader) MUST_CHECK;
