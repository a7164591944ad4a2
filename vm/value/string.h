/* SPDX-License-Identifier: MIT */
/*
 * String: an immutable sequence of bytes, any bytes. "Text" words ask
 * utf8_is_valid() and treat anything else as empty.
 *
 * The bytes stand inside the object, or, for a big piece of a bigger string,
 * inside the string it was cut from. A piece is shared only when it is at
 * least STRING_SHARE_MIN bytes and a quarter of its owner: so a small piece
 * never keeps a big text alive, and a parser that takes the rest of a text
 * again and again copies each byte only a few times.
 */
#pragma once

#include "vm/value/heap.h"

typedef struct String String;

enum {
    STRING_SIZE_MAX = 0x3fffffff, /* 1 GiB: longer is the trap `string too long` */
    STRING_SHARE_MIN = 64,
    STRING_CAPACITY_MIN = 8,
    STRING_IS_SLICE = 1, /* flag: the bytes belong to `owner` */
};

struct String {
    Object object;
    uint32_t size;
    uint32_t capacity; /* of `bytes`, all there is in the block; 0 in a slice */
    union {
        char bytes[1];
        struct {
            String *owner;
            const char *start;
        } slice;
    };
};

static inline const char *string_bytes(const String *string) {
    return UNLIKELY(string->object.flags & STRING_IS_SLICE) ? string->slice.start : string->bytes;
}
static inline String *value_string(Value value) {
    return (String *)value_object(value);
}

/* All of these return NULL when memory is refused or the result would be longer than STRING_SIZE_MAX. */

/* Copies `size` bytes; `bytes` may be NULL when there are none. */
String *string_new(Heap *heap, const char *bytes, size_t size) MUST_CHECK;
/* A string whose `size` bytes the caller fills in before anyone else sees it: they go to `*bytesp`. */
String *string_to_fill(Heap *heap, size_t size, char **bytesp) MUST_CHECK;
/* `size` bytes of `string` from `start`; copied or shared. */
String *string_slice(Heap *heap, String *string, size_t start, size_t size) MUST_CHECK;
/*
 * `left` followed by `right`. Takes `left`, and appends in place when it is
 * the only reference: so building a text piece by piece is linear. Borrows
 * `right`, which must not lie in `left` when that is the only reference.
 * When it returns NULL, `left` is untouched and still the caller's.
 */
String *string_append(Heap *heap, TAKEN String *left, const char *right, size_t size) MUST_CHECK;

bool string_equal(const String *a, const String *b);
/* Bytewise, and a string before those it begins: negative, zero, positive. */
int string_compare(const String *a, const String *b);
/* For value_release: gives up the children of a dead string through value_drop_child, and frees it. */
void string_free(Heap *heap, String *string, Object **dead);
