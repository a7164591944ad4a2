/* SPDX-License-Identifier: MIT */
/*
 * Codec: values as bytes, one form for each. Equal values give equal bytes and
 * equal bytes equal values, so bytes may be compared, hashed and kept in the
 * place of what they stand for. They depend on nothing but the value: on no
 * seed, no number of a symbol, and not on whether a list is flat or a trie.
 *
 * An item is a tag and what the tag says. Counts, lengths and Ints are
 * varints (vm/base/bytes.h). A worked example is in spec/codec.md.
 *
 * Code is no data: what is a Quotation, Channel or Weave, or has one inside,
 * is refused.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/value/heap.h"

/* These numbers are on disks: none is ever used for something else. */
typedef enum CodecTag {
    CODEC_INT = 1,     /* zigzag varint */
    CODEC_FLOAT = 2,   /* the 8 bytes of an IEEE double, little-endian; 0.0 and -0.0 are two, NaN is one */
    CODEC_FALSE = 3,   /* nothing follows */
    CODEC_TRUE = 4,    /* nothing follows */
    CODEC_STRING = 5,  /* size, bytes; any bytes, as a String may have them, but no UUID */
    CODEC_UUID = 6,    /* 16 bytes: the String that is such a number as text, 8-4-4-4-12 lower-case digits */
    CODEC_SYMBOL = 7,  /* size of the name, name */
    CODEC_LIST = 8,    /* count, items */
    CODEC_VARIANT = 9, /* size of the name, name other than `List`, count, fields */
    CODEC_MAP = 10,    /* count, then each key and its value, in key order */
} CodecTag;

enum {
    CODEC_E_CODE = 1,    /* there is code in what was to be encoded */
    CODEC_E_DAMAGED = 2, /* no value is encoded so */
};

/*
 * Appends the bytes of `value`. 0; -ENOMEM; or CODEC_E_CODE, and then
 * `*refused` is the Kind that cannot be encoded. On failure `out` is cut back
 * to where it was.
 */
int codec_encode(Heap *heap, Value value, Buffer *out, Kind *refused) MUST_CHECK;
/*
 * The value whose bytes begin at `bytes`, and in `*usedp` how many they are;
 * what stands behind them is not looked at. 0; -ENOMEM; or CODEC_E_DAMAGED,
 * and then `*usedp` is where the item begins that is wrong or cut off.
 * `*valuep` is set on success only.
 *
 * For bytes that nobody vouches for: all that codec_encode() would not have
 * written is damage, and no more memory is asked for than the bytes can fill.
 */
int codec_decode(Heap *heap, const char *bytes, size_t size, size_t *usedp, Value *valuep) MUST_CHECK;
