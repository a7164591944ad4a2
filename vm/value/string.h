/* SPDX-License-Identifier: MIT */
/*
 * String: an immutable sequence of bytes, any bytes. "Text" words ask
 * string_is_utf8() and treat anything else as empty.
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
    /* flags */
    STRING_IS_SLICE = 1, /* the bytes belong to `owner` */
    STRING_IS_KNOWN = 2, /* its bytes were looked through, and the next two say what they are */
    STRING_IS_UTF8 = 4,
    STRING_IS_ASCII = 8, /* and so UTF-8 */
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
/* For the inline functions below: looks through the bytes, and remembers in the flags what they are. */
void string_learn(String *string);
/*
 * What the bytes are. Only the first one who asks pays for it: so a word on
 * text that looks at a few characters does not pay for the whole text each
 * time, and in ASCII it finds the character of an index at once.
 */
static inline bool string_is_utf8(String *string) {
    if (!(string->object.flags & STRING_IS_KNOWN))
        string_learn(string);
    return string->object.flags & STRING_IS_UTF8;
}
static inline bool string_is_ascii(String *string) {
    return string_is_utf8(string) && string->object.flags & STRING_IS_ASCII;
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
