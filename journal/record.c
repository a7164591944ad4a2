/* SPDX-License-Identifier: MIT */
/*
 * The offsets below are those of spec/journal.md; nothing else in the
 * project knows them.
 */
#include "journal/record.h"

#include <errno.h>
#include <xxhash.h>

enum {
    AT_SIZE = 0,
    AT_CHECK = 4,
    AT_SEQUENCE = 8,
    AT_TIME = 16,
    AT_PREVIOUS = 24,
    AT_TYPE = 32,
    AT_FLAGS = 34,
    AT_UNDURABLE = 36,
};
static_assert(AT_UNDURABLE + 4 == RECORD_HEADER_SIZE, "the header has no hole");

/* Of the header with this field zero. */
static uint32_t header_check(const uint8_t *bytes, uint32_t salt) {
    uint8_t header[RECORD_HEADER_SIZE];
    memcpy(header, bytes, sizeof header);
    bytes_put_u32(header + AT_CHECK, 0);
    return (uint32_t)XXH3_64bits_withSeed(header, sizeof header, salt);
}

void record_seal(Record *record, uint32_t salt, uint8_t *bytes) {
    uint64_t whole = record_size(record->size);
    bytes_put_u32(bytes + AT_SIZE, record->size);
    bytes_put_u64(bytes + AT_SEQUENCE, record->sequence);
    bytes_put_u64(bytes + AT_TIME, (uint64_t)record->time_ns);
    bytes_put_u64(bytes + AT_PREVIOUS, record->previous);
    bytes_put_u16(bytes + AT_TYPE, (uint16_t)record->type);
    bytes_put_u16(bytes + AT_FLAGS, record->flags);
    bytes_put_u32(bytes + AT_UNDURABLE, record->undurable);
    bytes_put_u32(bytes + AT_CHECK, header_check(bytes, salt));

    uint8_t *end = bytes + whole - RECORD_TRAILER_SIZE, *padding = bytes + RECORD_HEADER_SIZE + record->size;
    memset(padding, 0, (size_t)(end - padding));
    record->checksum = XXH3_64bits(bytes, whole - RECORD_TRAILER_SIZE);
    bytes_put_u64(end, record->checksum);
}

int record_append(Record *record, uint32_t salt, Buffer *out) {
    uint64_t whole = record_size(record->size);
    uint8_t *bytes = (uint8_t *)buffer_reserve(out, whole);
    if (bytes == NULL)
        return -ENOMEM;
    if (record->size > 0)
        memcpy(bytes + RECORD_HEADER_SIZE, record->payload, record->size);
    record_seal(record, salt, bytes);
    out->size += whole;
    return 0;
}

bool record_header_is_sound(const uint8_t *bytes, uint32_t salt, uint32_t *payload_sizep) {
    *payload_sizep = bytes_get_u32(bytes + AT_SIZE);
    return bytes_get_u32(bytes + AT_CHECK) == header_check(bytes, salt) && *payload_sizep <= RECORD_HARD_SIZE_MAX &&
           bytes_get_u64(bytes + AT_SEQUENCE) > 0;
}

RecordCondition record_decode(const uint8_t *bytes, uint64_t size, uint32_t salt, Record *record, uint64_t *wholep) {
    uint32_t payload_size;
    if (size < RECORD_HEADER_SIZE || !record_header_is_sound(bytes, salt, &payload_size))
        return RECORD_IS_ABSENT;
    uint64_t whole = *wholep = record_size(payload_size);
    *record = (Record){
        .sequence = bytes_get_u64(bytes + AT_SEQUENCE),
        .time_ns = (int64_t)bytes_get_u64(bytes + AT_TIME),
        .previous = bytes_get_u64(bytes + AT_PREVIOUS),
        .type = (RecordType)bytes_get_u16(bytes + AT_TYPE),
        .flags = bytes_get_u16(bytes + AT_FLAGS),
        .undurable = bytes_get_u32(bytes + AT_UNDURABLE),
        .payload = bytes + RECORD_HEADER_SIZE,
        .size = payload_size,
    };
    if (whole > size)
        return RECORD_IS_CUT;
    record->checksum = bytes_get_u64(bytes + whole - RECORD_TRAILER_SIZE);
    if (record->checksum != XXH3_64bits(bytes, whole - RECORD_TRAILER_SIZE))
        return RECORD_IS_DAMAGED;
    return RECORD_IS_WHOLE;
}
