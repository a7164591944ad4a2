/* SPDX-License-Identifier: MIT */
/* The offsets are those of spec/journal.md. The magic is made like PNG's: it shows what mangled a file as text. */
#include "journal/segment.h"

#include <xxhash.h>

enum {
    AT_MAJOR = 8,
    AT_MINOR = 10,
    AT_SIZE = 12,
    AT_INCOMPATIBLE = 16,
    AT_STORE = 24,
    AT_INCARNATION = 40,
    AT_CREATED = 56,
    AT_NUMBER = 64,
    AT_FIRST = 72,
    AT_PREVIOUS = 80,
    AT_SALT = 88,
    AT_ID_SIZE = 92,
    AT_ID = 96,
    CHECKSUM_SIZE = 8,
};
static_assert(AT_ID + CHECKSUM_SIZE == SEGMENT_HEADER_SIZE_MIN, "the header has no hole");

static const uint8_t magic[8] = {0x89, 'A', 'J', 'L', 0x0d, 0x0a, 0x1a, 0x0a};

uint32_t segment_header_encode(const SegmentHeader *header, uint8_t *bytes) {
    uint32_t size = segment_header_size(header->id_size);
    memset(bytes, 0, size);
    memcpy(bytes, magic, sizeof magic);
    bytes_put_u16(bytes + AT_MAJOR, SEGMENT_FORMAT_MAJOR);
    bytes_put_u16(bytes + AT_MINOR, SEGMENT_FORMAT_MINOR);
    bytes_put_u32(bytes + AT_SIZE, size);
    memcpy(bytes + AT_STORE, header->store, sizeof header->store);
    memcpy(bytes + AT_INCARNATION, header->incarnation, sizeof header->incarnation);
    bytes_put_u64(bytes + AT_CREATED, (uint64_t)header->created_ns);
    bytes_put_u64(bytes + AT_NUMBER, header->number);
    bytes_put_u64(bytes + AT_FIRST, header->first_sequence);
    bytes_put_u64(bytes + AT_PREVIOUS, header->previous);
    bytes_put_u32(bytes + AT_SALT, header->salt);
    bytes_put_u32(bytes + AT_ID_SIZE, header->id_size);
    if (header->id_size > 0)
        memcpy(bytes + AT_ID, header->id, header->id_size);
    bytes_put_u64(bytes + size - CHECKSUM_SIZE, XXH3_64bits(bytes, size - CHECKSUM_SIZE));
    return size;
}

SegmentCondition segment_header_decode(const uint8_t *bytes, size_t size, SegmentHeader *header, uint32_t *sizep) {
    if (size < SEGMENT_HEADER_SIZE_MIN || memcmp(bytes, magic, sizeof magic) != 0)
        return SEGMENT_IS_ABSENT;
    uint32_t whole = bytes_get_u32(bytes + AT_SIZE), id_size = bytes_get_u32(bytes + AT_ID_SIZE);
    if (whole < SEGMENT_HEADER_SIZE_MIN || whole > SEGMENT_HEADER_SIZE_MAX || whole % 8 != 0 || whole > size)
        return SEGMENT_IS_ABSENT;
    if (bytes_get_u64(bytes + whole - CHECKSUM_SIZE) != XXH3_64bits(bytes, whole - CHECKSUM_SIZE))
        return SEGMENT_IS_ABSENT;
    if (bytes_get_u16(bytes + AT_MAJOR) != SEGMENT_FORMAT_MAJOR || bytes_get_u32(bytes + AT_INCOMPATIBLE) != 0)
        return SEGMENT_IS_FOREIGN;
    if (id_size > SEGMENT_ID_MAX || whole != segment_header_size(id_size))
        return SEGMENT_IS_ABSENT;
    *header = (SegmentHeader){
        .created_ns = (int64_t)bytes_get_u64(bytes + AT_CREATED),
        .number = bytes_get_u64(bytes + AT_NUMBER),
        .first_sequence = bytes_get_u64(bytes + AT_FIRST),
        .previous = bytes_get_u64(bytes + AT_PREVIOUS),
        .salt = bytes_get_u32(bytes + AT_SALT),
        .id_size = id_size,
        .id = (const char *)bytes + AT_ID,
    };
    memcpy(header->store, bytes + AT_STORE, sizeof header->store);
    memcpy(header->incarnation, bytes + AT_INCARNATION, sizeof header->incarnation);
    *sizep = whole;
    return SEGMENT_IS_SOUND;
}
