/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 and what we need to know of Unicode. A scalar is a code point that is
 * no surrogate: what one character of a valid text stands for. Decoding is
 * strict: no surrogates, nothing longer than necessary, nothing beyond
 * U+10FFFF. The tables of letters come from the Unicode version of the Python
 * that built them; programs may rely on what has been in Unicode for long.
 */
#pragma once

#include "vm/base/buffer.h"

enum {
    UTF8_SIZE_MAX = 4, /* of one scalar, in bytes */
    UTF8_REPLACEMENT = 0xfffd,
};

/* True for 0 ... 0x10ffff without the surrogates. */
static inline bool utf8_is_scalar(int64_t number) {
    return number >= 0 && number <= 0x10ffff && (number < 0xd800 || number > 0xdfff);
}

/* --- one scalar; `size` is what there is to read, at least 1 --- */

/* The scalar that starts here, and its size in bytes; 0 when this is not UTF-8, and then `*scalarp` is not set. */
static inline size_t utf8_decode(const char *bytes, size_t size, uint32_t *scalarp);
/*
 * The same, but never 0: where it is not UTF-8 the scalar is U+FFFD and stands
 * for the longest start of a scalar there is, or for one byte.
 */
static inline size_t utf8_decode_lossy(const char *bytes, size_t size, uint32_t *scalarp);
/* Writes a scalar; returns how many bytes that are. */
size_t utf8_encode(uint32_t scalar, char bytes[UTF8_SIZE_MAX]);
/* Appends a scalar. -ENOMEM when refused. */
int utf8_append(Buffer *out, uint32_t scalar);

/* --- texts --- */

bool utf8_is_valid(const char *bytes, size_t size);
/* True when each byte is a character of its own. */
bool utf8_is_ascii(const char *bytes, size_t size);
/* How many scalars a valid text has. */
size_t utf8_count(const char *bytes, size_t size);
/* Where in a valid text the scalar with this index starts; `size` when there are not so many. */
size_t utf8_offset(const char *bytes, size_t size, size_t index);

/* --- letters --- */

/* What Unicode calls white space: nothing below U+0020 but tab ... carriage return. */
bool utf8_is_space(uint32_t scalar);
/* Letters, digits and other numbers of any script. */
bool utf8_is_alphanumeric(uint32_t scalar);
/*
 * Append the text in upper or lower case, by the full mappings that need no
 * language: one scalar may become up to three, and a sigma that ends a word
 * is written as such. Bytes that are no UTF-8 stay. -ENOMEM when refused.
 */
int utf8_to_upper(Buffer *out, const char *bytes, size_t size);
int utf8_to_lower(Buffer *out, const char *bytes, size_t size);

/* For the inline functions below: what starts with a byte of 0x80 or more. */
size_t utf8_decode_slow(const char *bytes, size_t size, uint32_t *scalarp);
size_t utf8_decode_lossy_slow(const char *bytes, size_t size, uint32_t *scalarp);

static inline size_t utf8_decode(const char *bytes, size_t size, uint32_t *scalarp) {
    if (LIKELY((unsigned char)*bytes < 0x80)) {
        *scalarp = (unsigned char)*bytes;
        return 1;
    }
    return utf8_decode_slow(bytes, size, scalarp);
}

static inline size_t utf8_decode_lossy(const char *bytes, size_t size, uint32_t *scalarp) {
    if (LIKELY((unsigned char)*bytes < 0x80)) {
        *scalarp = (unsigned char)*bytes;
        return 1;
    }
    return utf8_decode_lossy_slow(bytes, size, scalarp);
}
