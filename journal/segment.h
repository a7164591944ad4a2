/* SPDX-License-Identifier: MIT */
/*
 * Segment header: the first bytes of every file of records. Its own checksum
 * is the start of the chain for readers that begin here.
 */
#pragma once

#include "vm/base/bytes.h"

enum {
    SEGMENT_FORMAT_MAJOR = 1,
    SEGMENT_FORMAT_MINOR = 0,
    SEGMENT_ID_MAX = 1024,
    SEGMENT_HEADER_SIZE_MIN = 104, /* with an empty id */
    SEGMENT_HEADER_SIZE_MAX = SEGMENT_HEADER_SIZE_MIN + SEGMENT_ID_MAX,
    STORE_UUID_SIZE = 16,
};

typedef struct SegmentHeader {
    uint8_t store[STORE_UUID_SIZE];
    uint8_t incarnation[16]; /* of the actor; in the node log: the epoch of its writer in 8 bytes, and zeros */
    int64_t created_ns;
    uint64_t number;         /* of the segment */
    uint64_t first_sequence; /* of its first record */
    uint64_t previous;       /* checksum of the last record of the segment before, 0 in the first */
    uint32_t salt;           /* of its records' header checks */
    uint32_t id_size;
    const char *id; /* of the actor; empty in the node log */
} SegmentHeader;

typedef enum SegmentCondition {
    SEGMENT_IS_SOUND = 0,
    SEGMENT_IS_ABSENT,  /* no header, or a damaged one */
    SEGMENT_IS_FOREIGN, /* of a format or with features that this version does not know */
} SegmentCondition;

/* Bytes of the header for this id. */
static inline uint32_t segment_header_size(uint32_t id_size) {
    return SEGMENT_HEADER_SIZE_MIN + ((id_size + 7) & ~7u);
}
/* Writes it to `bytes`, which has room for SEGMENT_HEADER_SIZE_MAX. Its size. */
uint32_t segment_header_encode(const SegmentHeader *header, uint8_t *bytes);
/* Reads it; the id is borrowed from `bytes`. `*sizep` is the header's size when it is sound. */
SegmentCondition segment_header_decode(const uint8_t *bytes, size_t size, SegmentHeader *header, uint32_t *sizep);
