/* SPDX-License-Identifier: MIT */
/*
 * Record: the frame around everything that is kept, in an actor's journal and
 * in the node log alike (spec/journal.md draws it).
 *
 *   header 40 bytes | payload, padded with zeros to 8 | checksum 8 bytes
 *
 * The header has a check of its own, so a damaged length is seen as damage
 * and not as an end; its seed is the salt of the segment, so what an earlier
 * use of the file left behind is no record. Each record carries the checksum
 * of the one before it: lost, doubled and swapped records break the chain.
 */
#pragma once

#include "vm/base/bytes.h"

enum {
    RECORD_HEADER_SIZE = 40,
    RECORD_TRAILER_SIZE = 8,
    RECORD_ALIGNMENT = 8,
    RECORD_SIZE_MAX = 16 * 1024 * 1024,       /* payload of an actor's record */
    RECORD_HARD_SIZE_MAX = 1024 * 1024 * 1024, /* payload of any record */
};

/* What a record is. The numbers stand on disks. */
typedef enum RecordType {
    RECORD_BORN = 1,     /* the actor's behaviour, first state and options */
    RECORD_TURN = 2,     /* one message handled */
    RECORD_MESSAGE = 3,  /* a message that waits */
    RECORD_ASKING = 4,   /* a turn is about to ask */
    RECORD_FATE = 5,     /* a message settled without a turn */
    RECORD_LIFE = 6,     /* stopped, started, options, behaviour bound */
    RECORD_SNAPSHOT = 7, /* a snapshot was taken */
    RECORD_SEAL = 8,     /* a segment ends here */
    RECORD_GAP = 9,      /* a repair left a gap */
    RECORD_BATCH = 16,   /* node log: one group */
    RECORD_CHECKPOINT = 17,
    RECORD_SYNC_MARK = 18,
} RecordType;

enum { RECORD_SKIPPABLE = 0x8000 }; /* flag: who does not know the type may go on without it */

typedef struct Record {
    uint64_t sequence; /* from 1, without gaps */
    int64_t time_ns;   /* since 1970; for people only */
    uint64_t previous; /* checksum of the record before */
    RecordType type;
    uint16_t flags;
    uint32_t undurable; /* records before this one that its writer did not know to be synced */
    const uint8_t *payload;
    uint32_t size;     /* of the payload */
    uint64_t checksum; /* filled in by encoding and decoding */
} Record;

/* Bytes of the whole record. */
static inline uint64_t record_size(uint32_t payload_size) {
    uint64_t padded = ((uint64_t)payload_size + RECORD_ALIGNMENT - 1) & ~(uint64_t)(RECORD_ALIGNMENT - 1);
    return RECORD_HEADER_SIZE + padded + RECORD_TRAILER_SIZE;
}

/* What stands at a place in a file or in memory. */
typedef enum RecordCondition {
    RECORD_IS_WHOLE = 0,
    RECORD_IS_ABSENT,  /* no header that passes its check: an end, or damage */
    RECORD_IS_CUT,     /* a sound header, but the bytes end before the record does */
    RECORD_IS_DAMAGED, /* a sound header, and a checksum that is not that of the bytes */
} RecordCondition;

/*
 * Writes the frame around a payload that stands at bytes + RECORD_HEADER_SIZE
 * already, in a block of record_size(record->size) bytes. Fills in the checksum.
 */
void record_seal(Record *record, uint32_t salt, uint8_t *bytes);
/* Appends a record, its payload copied. -ENOMEM, or 0 with the checksum filled in. */
int record_append(Record *record, uint32_t salt, Buffer *out) MUST_CHECK;

/*
 * Looks at what stands at `bytes`, `size` bytes to the end of what is there. A
 * whole record is filled in, its payload borrowed. `*wholep` is the size of
 * the whole frame whenever the header is sound.
 */
RecordCondition record_decode(const uint8_t *bytes, uint64_t size, uint32_t salt, Record *record, uint64_t *wholep);
/* Whether 40 bytes are a sound header; its payload's size. */
bool record_header_is_sound(const uint8_t *bytes, uint32_t salt, uint32_t *payload_sizep);
