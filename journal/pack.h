/* SPDX-License-Identifier: MIT */
/*
 * Pack: a file in which checkpoints put the records of many actors. Each
 * checkpoint appends one run for each actor it spreads: a header, then the
 * actor's records, the same bytes as in the log. A run names the run before
 * it; so an actor's journal is read by following them back.
 *
 * What is behind the length that a checkpoint names does not count: it was
 * being written when the process ended, and is written again.
 */
#pragma once

#include "journal/segment.h"
#include "vm/base/io.h"

enum {
    PACK_HEADER_SIZE = 64,
    PACK_RUN_HEADER_SIZE = 80,
    PACK_PATH_MAX = 4096,
};

#define PACK_SIZE_MAX ((uint64_t)64 << 20) /* a new one is begun behind it; an offset has 40 bits */

/* Pack number << 40 | offset of a run. 0: none. */
typedef uint64_t PackPlace;

static inline PackPlace pack_place(uint64_t number, uint64_t offset) {
    return number << 40 | offset;
}
static inline uint64_t pack_place_number(PackPlace place) {
    return place >> 40;
}
static inline uint64_t pack_place_offset(PackPlace place) {
    return place & (((uint64_t)1 << 40) - 1);
}

typedef struct Pack {
    uint64_t number; /* 0: there is none */
    uint64_t size;   /* bytes that count */
} Pack;

typedef struct PackRun {
    uint8_t hash[16]; /* of the actor's id */
    uint8_t incarnation[16];
    uint64_t first_sequence, last_sequence;
    uint64_t size;      /* of its records, in bytes */
    PackPlace previous; /* this actor's run before, or 0 */
} PackRun;

/* The path of a pack, into PACK_PATH_MAX bytes. */
void pack_path(char *path, const char *folder, uint64_t number);
/* The header of a pack, PACK_HEADER_SIZE bytes. */
void pack_header_encode(const uint8_t store[STORE_UUID_SIZE], uint64_t number, uint8_t *bytes);
/* Opens a pack to read it. A descriptor; -EBADMSG: it is no pack of this store. */
int pack_open(const Io *io, const char *folder, const uint8_t store[STORE_UUID_SIZE], uint64_t number) MUST_CHECK;

/* The header of a run, PACK_RUN_HEADER_SIZE bytes. */
void pack_run_encode(const PackRun *run, uint8_t *bytes);
/* False when the bytes are no run's header. */
bool pack_run_decode(const uint8_t *bytes, PackRun *run) MUST_CHECK;
