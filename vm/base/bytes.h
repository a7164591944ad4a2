/* SPDX-License-Identifier: MIT */
/*
 * Numbers as bytes: little-endian of fixed size, and varints (seven bits a
 * byte, the lowest first, the last byte without its top bit). All formats on
 * a disk are written with these, byte by byte, never by copying a struct.
 *
 * A ByteReader reads what nobody has vouched for: past the end, or on a varint
 * that is longer than it need be, it fails, gives zeros and stays failed, so
 * that a reader of many fields looks once, at the end.
 */
#pragma once

#include "vm/base/buffer.h"

enum { VARINT_SIZE_MAX = 10 };

/* --- fixed --- */

static inline void bytes_put(void *bytes, uint64_t number, uint32_t size) {
    for (uint32_t index = 0; index < size; index++)
        ((uint8_t *)bytes)[index] = (uint8_t)(number >> (8 * index));
}
static inline uint64_t bytes_get(const void *bytes, uint32_t size) {
    uint64_t number = 0;
    for (uint32_t index = 0; index < size; index++)
        number |= (uint64_t)((const uint8_t *)bytes)[index] << (8 * index);
    return number;
}
static inline void bytes_put_u16(void *bytes, uint16_t number) {
    bytes_put(bytes, number, 2);
}
static inline void bytes_put_u32(void *bytes, uint32_t number) {
    bytes_put(bytes, number, 4);
}
static inline void bytes_put_u64(void *bytes, uint64_t number) {
    bytes_put(bytes, number, 8);
}
static inline uint16_t bytes_get_u16(const void *bytes) {
    return (uint16_t)bytes_get(bytes, 2);
}
static inline uint32_t bytes_get_u32(const void *bytes) {
    return (uint32_t)bytes_get(bytes, 4);
}
static inline uint64_t bytes_get_u64(const void *bytes) {
    return bytes_get(bytes, 8);
}

/* --- varints --- */

/* Writes `number` to `bytes`, which has room for VARINT_SIZE_MAX. How many bytes it took. */
static inline uint32_t varint_put(void *bytes, uint64_t number) {
    uint8_t *next = bytes;
    uint32_t size = 0;
    for (; number >= 0x80; number >>= 7)
        next[size++] = (uint8_t)(number | 0x80);
    next[size++] = (uint8_t)number;
    return size;
}
/* Small numbers of either sign become small numbers without one. */
static inline uint64_t zigzag(int64_t number) {
    return ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
}
static inline int64_t zigzag_back(uint64_t number) {
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}
static inline int buffer_append_varint(Buffer *buffer, uint64_t number) {
    char bytes[VARINT_SIZE_MAX];
    return buffer_append(buffer, bytes, varint_put(bytes, number));
}
static inline int buffer_append_u64(Buffer *buffer, uint64_t number) {
    char bytes[8];
    bytes_put_u64(bytes, number);
    return buffer_append(buffer, bytes, sizeof bytes);
}

/* --- reading what may be damaged --- */

typedef struct ByteReader {
    const uint8_t *at, *end;
    bool failed;
} ByteReader;

static inline ByteReader byte_reader(const void *bytes, size_t size) {
    return (ByteReader){.at = bytes, .end = (const uint8_t *)bytes + size};
}
static inline size_t byte_reader_left(const ByteReader *reader) {
    return (size_t)(reader->end - reader->at);
}
/* The next `size` bytes, or NULL when there are fewer. */
static inline const uint8_t *byte_reader_take(ByteReader *reader, uint64_t size) {
    if (reader->failed || size > byte_reader_left(reader)) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += size;
    return bytes;
}
static inline uint64_t byte_reader_fixed(ByteReader *reader, uint32_t size) {
    const uint8_t *bytes = byte_reader_take(reader, size);
    return bytes ? bytes_get(bytes, size) : 0;
}
static inline uint64_t byte_reader_varint(ByteReader *reader) {
    uint64_t number = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = byte_reader_take(reader, 1);
        if (byte == NULL)
            return 0;
        uint64_t bits = *byte & 0x7f;
        bool is_last = !(*byte & 0x80);
        if (bits << shift >> shift != bits || (is_last && bits == 0 && shift > 0))
            break; /* does not fit, or could be shorter */
        number |= bits << shift;
        if (is_last)
            return number;
    }
    reader->failed = true;
    return 0;
}
