/* SPDX-License-Identifier: MIT */
/*
 * A string that has a single reference may grow where it is: nobody else can
 * see it change. A slice counts as a reference to its owner, so an owner never
 * moves under one.
 *
 * Invariants: a slice's owner is never itself a slice; head plus capacity is
 * a multiple of 8, the whole block that Mem gave; what is known of the bytes
 * (STRING_IS_KNOWN) is true of all of them.
 */
#include "vm/value/string.h"

#include "vm/base/utf8.h"

enum { HEAD_SIZE = offsetof(String, bytes) };

static_assert(HEAD_SIZE == 16 && sizeof(String) == 32, "a short string is one small block");
static_assert((int64_t)STRING_SIZE_MAX * 2 + 64 < (int64_t)UINT32_MAX, "a doubled capacity fits its field");

static bool is_slice(const String *string) {
    return string->object.flags & STRING_IS_SLICE;
}

/* Where the bytes start; through the object's address, as they go on beyond what `bytes` declares. */
static char *own_bytes(String *string) {
    return (char *)string + HEAD_SIZE;
}

static uint32_t capacity_for(size_t size) {
    if (size < STRING_CAPACITY_MIN)
        return STRING_CAPACITY_MIN;
    return (uint32_t)((size + 7) & ~(size_t)7);
}

static size_t block_size(uint32_t capacity) {
    return HEAD_SIZE + (size_t)capacity;
}

static String *string_with_room(Heap *heap, size_t size) {
    if (size > STRING_SIZE_MAX)
        return NULL;
    uint32_t capacity = capacity_for(size);
    String *string = heap_try_object(heap, block_size(capacity), TAG_STRING);
    if (string == NULL)
        return NULL;
    string->size = (uint32_t)size;
    string->capacity = capacity;
    return string;
}

String *string_new(Heap *heap, const char *bytes, size_t size) {
    String *string = string_with_room(heap, size);
    if (string && size > 0)
        memcpy(own_bytes(string), bytes, size);
    return string;
}

String *string_to_fill(Heap *heap, size_t size, char **bytesp) {
    String *string = string_with_room(heap, size);
    *bytesp = string ? own_bytes(string) : NULL;
    return string;
}

/* --- what the bytes are --- */

enum { WHAT_IS_KNOWN = STRING_IS_KNOWN | STRING_IS_UTF8 | STRING_IS_ASCII };

void string_learn(String *string) {
    const char *bytes = string_bytes(string);
    uint8_t known = STRING_IS_KNOWN;
    if (utf8_is_ascii(bytes, string->size))
        known |= STRING_IS_UTF8 | STRING_IS_ASCII;
    else if (utf8_is_valid(bytes, string->size))
        known |= STRING_IS_UTF8;
    string->object.flags |= known;
}

/* A piece of ASCII is ASCII; one of UTF-8 may start or end within a character. */
static void learn_as_piece(String *piece, const String *string) {
    if (string->object.flags & STRING_IS_ASCII)
        piece->object.flags |= WHAT_IS_KNOWN;
}

/* What is known of `left` stays true when ASCII follows, for that completes no character. */
static uint8_t known_when_joined(const String *left, const char *right, size_t size) {
    uint8_t known = left->object.flags & WHAT_IS_KNOWN;
    return known && utf8_is_ascii(right, size) ? known : 0;
}

/* --- pieces --- */

static String *slice_new(Heap *heap, String *owner, const char *start, size_t size) {
    String *slice = heap_object(heap, sizeof *slice, TAG_STRING);
    slice->object.flags = STRING_IS_SLICE;
    slice->size = (uint32_t)size;
    slice->capacity = 0;
    slice->slice.owner = value_string(value_ref(value_from_object(owner)));
    slice->slice.start = start;
    return slice;
}

String *string_slice(Heap *heap, String *string, size_t start, size_t size) {
    check(start <= string->size && size <= string->size - start);
    if (size == string->size)
        return value_string(value_ref(value_from_object(string)));

    String *owner = is_slice(string) ? string->slice.owner : string;
    const char *bytes = string_bytes(string) + start;
    bool is_shared = size >= STRING_SHARE_MIN && size >= owner->size / 4;
    String *piece = is_shared ? slice_new(heap, owner, bytes, size) : string_new(heap, bytes, size);
    if (piece)
        learn_as_piece(piece, string);
    return piece;
}

/* --- growing --- */

static String *string_resize(Heap *heap, String *string, size_t size) {
    uint32_t capacity = capacity_for(size);
    String *moved = mem_try_resize(&heap->mem, string, block_size(string->capacity), block_size(capacity));
    if (moved)
        moved->capacity = capacity;
    return moved;
}

/* Room for `size` bytes in all: twice of what there is, so that appending is linear, or if that is refused what is needed. */
static String *string_reserve(Heap *heap, String *string, size_t size) {
    if (size <= string->capacity)
        return string;
    size_t doubled = (size_t)string->capacity * 2;
    String *moved = doubled > size ? string_resize(heap, string, doubled) : NULL;
    return moved ? moved : string_resize(heap, string, size);
}

static String *append_in_place(Heap *heap, TAKEN String *left, const char *right, size_t size) {
    uint8_t known = known_when_joined(left, right, size);
    String *joined = string_reserve(heap, left, left->size + size);
    if (joined == NULL)
        return NULL;
    joined->object.flags = known;
    memcpy(own_bytes(joined) + joined->size, right, size);
    joined->size += (uint32_t)size;
    return joined;
}

static String *append_copied(Heap *heap, TAKEN String *left, const char *right, size_t size) {
    String *joined = string_with_room(heap, left->size + size);
    if (joined == NULL)
        return NULL;
    joined->object.flags = known_when_joined(left, right, size);
    memcpy(own_bytes(joined), string_bytes(left), left->size);
    memcpy(own_bytes(joined) + left->size, right, size);
    value_unref(heap, value_from_object(left));
    return joined;
}

String *string_append(Heap *heap, TAKEN String *left, const char *right, size_t size) {
    if (size == 0)
        return left;
    if (size > STRING_SIZE_MAX - left->size)
        return NULL;
    if (object_is_unshared(&left->object) && !is_slice(left))
        return append_in_place(heap, left, right, size);
    return append_copied(heap, left, right, size);
}

/* --- comparing, freeing --- */

bool string_equal(const String *a, const String *b) {
    return a == b || (a->size == b->size && memcmp(string_bytes(a), string_bytes(b), a->size) == 0);
}

int string_compare(const String *a, const String *b) {
    uint32_t common = a->size < b->size ? a->size : b->size;
    int order = memcmp(string_bytes(a), string_bytes(b), common);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

void string_free(Heap *heap, String *string, Object **dead) {
    if (is_slice(string)) {
        value_drop_child(dead, value_from_object(string->slice.owner));
        mem_free(&heap->mem, string, sizeof *string);
    } else {
        mem_free(&heap->mem, string, block_size(string->capacity));
    }
}
